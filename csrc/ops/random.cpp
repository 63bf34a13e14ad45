// Random tensors and in-place draws. A draw of n elements takes n counters of the generator's
// stream, so element i depends on the seed and the draws before alone, on any device.
#include "csrc/ops/random.h"

#include <cmath>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/creation.h"
#include "csrc/ops/registry.h"

namespace pygrad {

#define PG_CREATION_ARGS "dtype? dtype=None, device? device=None, bool requires_grad=False"

Generator& generator_or_default(Generator* generator, Device) {
  return generator ? *generator : default_generator(Device{});
}

void draw(RandomOp op, const Tensor& out, Generator* generator, Scalar a, Scalar b) {
  const Generator::Draw d = generator_or_default(generator, out.device()).reserve(out.numel());
  kernels::random(out.device_type())(op, out.view(), d.seed, d.offset, a, b);
}

namespace {

// Uniform draws exist for every float (rounding one could reach the upper end); other draws are
// made in float32 and rounded for the 16-bit floats. Complex ones are drawn part by part.
void draw_floats(const char* name, RandomOp op, const Tensor& out, Generator* generator, Scalar a,
                 Scalar b) {
  PG_CHECK_KIND(NotImplemented, !is_integral(out.dtype()), name, "(): not implemented for dtype ",
                out.dtype(), "; expected a floating dtype");
  if (is_complex(out.dtype())) {
    Shape sizes = out.shape(), strides;
    for (int64_t s : out.strides()) strides.push_back(2 * s);
    sizes.push_back(2);
    strides.push_back(1);
    const Tensor parts =
        make_tensor(out.impl()->storage, real_dtype(out.dtype()), sizes, strides, 2 * out.offset());
    // A complex normal has its variance shared by the parts.
    if (op == RandomOp::normal) b = Scalar(b.to_double() * 0.70710678118654752440);
    draw(op, parts, generator, a, b);
  } else if (op == RandomOp::uniform || item_size(out.dtype()) > 2) {
    draw(op, out, generator, a, b);
  } else {
    const Tensor wide = empty(out.sizes(), DType::Float32, out.device());
    draw(op, wide, generator, a, b);
    copy_data(out, wide);
  }
}

// Distributions over whole numbers suit any dtype.
void draw_any(RandomOp op, const Tensor& out, Generator* generator, Scalar a, Scalar b) {
  const DType type = op == RandomOp::randint         ? DType::Int64
                     : out.dtype() == DType::Float64 ? DType::Float64
                                                     : DType::Float32;
  if (out.dtype() == type) return draw(op, out, generator, a, b);
  const Tensor wide = empty(out.sizes(), type, out.device());
  draw(op, wide, generator, a, b);
  copy_data(out, wide);
}

void draw_integers(const Tensor& out, Generator* generator, int64_t low, int64_t high) {
  PG_CHECK(low < high, "randint(): random_ expects 'from' to be less than 'to', but got from=", low,
           " >= to=", high);
  draw_any(RandomOp::randint, out, generator, Scalar(low),
           Scalar(int64_t(uint64_t(high) - uint64_t(low))));
}

// An in-place draw: the old history ends here, with gradient zero.
template <class F>
Tensor drawn_into(const char* name, const char* node, const Tensor& self, F fill) {
  return inplace(name, self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {});
    fill(out);
    return record(node, out, {self}, {},
                  [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
  });
}

void check_std(const char* op, double std) {
  PG_CHECK(std >= 0, op, "(): normal expects std >= 0.0, but found std ", std);
}

}  // namespace

Tensor rand(Sizes size, DType dtype, Device device, Generator* generator) {
  check_sizes("rand", size);
  const Tensor out = empty(size, dtype, device);
  draw_floats("rand", RandomOp::uniform, out, generator, Scalar(0.0), Scalar(1.0));
  return out;
}
Tensor rand_op(const Shape& size, Generator* generator, std::optional<DType> dtype,
               std::optional<Device> device, bool requires_grad) {
  return with_grad(
      rand(size, dtype.value_or(default_dtype()), device.value_or(default_device()), generator),
      requires_grad);
}
PG_OP_NAMED("rand", &rand_op,
            "(int[...] size, *, Generator? generator=None, " PG_CREATION_ARGS ") -> Tensor",
            R"(Uniform random numbers from [0, 1).

Args:
    size: the shape, as numbers or a sequence.
    generator: the stream to draw from; default: the global one.

Example:
    >>> bool((pygrad.rand(100) < 1).all())
    True
)")
    .nondifferentiable();

Tensor randn_op(const Shape& size, Generator* generator, std::optional<DType> dtype,
                std::optional<Device> device, bool requires_grad) {
  check_sizes("randn", size);
  const Tensor out =
      empty(size, dtype.value_or(default_dtype()), device.value_or(default_device()));
  draw_floats("randn", RandomOp::normal, out, generator, Scalar(0.0), Scalar(1.0));
  return with_grad(out, requires_grad);
}
PG_OP_NAMED("randn", &randn_op,
            "(int[...] size, *, Generator? generator=None, " PG_CREATION_ARGS ") -> Tensor",
            R"(Standard normal random numbers.

Args:
    size: the shape, as numbers or a sequence.
    generator: the stream to draw from; default: the global one.

Example:
    >>> pygrad.randn(2, 3).shape
    torch.Size([2, 3])
)")
    .nondifferentiable();

Tensor rand_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                 bool requires_grad) {
  const Tensor out =
      empty(input.sizes(), dtype.value_or(input.dtype()), device.value_or(input.device()));
  draw_floats("rand_like", RandomOp::uniform, out, nullptr, Scalar(0.0), Scalar(1.0));
  return with_grad(out, requires_grad);
}
PG_OP(rand_like, "(Tensor input, *, " PG_CREATION_ARGS ") -> Tensor",
      R"(Uniform numbers from [0, 1), of the input's shape.

Example:
    >>> pygrad.rand_like(pygrad.ones(2, 3)).shape
    torch.Size([2, 3])
)")
.nondifferentiable();

Tensor randn_like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                  bool requires_grad) {
  const Tensor out =
      empty(input.sizes(), dtype.value_or(input.dtype()), device.value_or(input.device()));
  draw_floats("randn_like", RandomOp::normal, out, nullptr, Scalar(0.0), Scalar(1.0));
  return with_grad(out, requires_grad);
}
PG_OP(randn_like, "(Tensor input, *, " PG_CREATION_ARGS ") -> Tensor",
      R"(Standard normal numbers, of the input's shape.

Example:
    >>> pygrad.randn_like(pygrad.ones(2, 3)).shape
    torch.Size([2, 3])
)")
.nondifferentiable();

Tensor randint(int64_t low, int64_t high, const Shape& size, Generator* generator,
               std::optional<DType> dtype, std::optional<Device> device, bool requires_grad) {
  check_sizes("randint", size);
  const Tensor out = empty(size, dtype.value_or(DType::Int64), device.value_or(default_device()));
  draw_integers(out, generator, low, high);
  return with_grad(out, requires_grad);
}
Tensor randint_below(int64_t high, const Shape& size, Generator* generator,
                     std::optional<DType> dtype, std::optional<Device> device, bool requires_grad) {
  return randint(0, high, size, generator, dtype, device, requires_grad);
}
PG_OP_NAMED("randint", &randint_below,
            "(int high, int[] size, *, Generator? generator=None, " PG_CREATION_ARGS ") -> Tensor",
            R"(Random integers from 0 to high - 1.

Example:
    >>> bool((pygrad.randint(3, (100,)) < 3).all())
    True
)")
    .nondifferentiable();
PG_OP(randint,
      "(int low, int high, int[] size, *, Generator? generator=None, " PG_CREATION_ARGS
      ") -> Tensor",
      R"(Random integers from low to high - 1.

Raises:
    RuntimeError: when low is not below high.
)")
.nondifferentiable();

Tensor randint_like(const Tensor& input, int64_t low, int64_t high, std::optional<DType> dtype,
                    std::optional<Device> device, bool requires_grad) {
  return randint(low, high, input.shape(), nullptr, dtype.value_or(input.dtype()),
                 device.value_or(input.device()), requires_grad);
}
Tensor randint_like_below(const Tensor& input, int64_t high, std::optional<DType> dtype,
                          std::optional<Device> device, bool requires_grad) {
  return randint_like(input, 0, high, dtype, device, requires_grad);
}
PG_OP_NAMED("randint_like", &randint_like_below,
            "(Tensor input, int high, *, " PG_CREATION_ARGS ") -> Tensor",
            R"(Random integers from 0 to high - 1, of the input's shape and dtype.

Example:
    >>> pygrad.randint_like(pygrad.ones(2, 3), 10).shape
    torch.Size([2, 3])
)")
    .nondifferentiable();
PG_OP(randint_like, "(Tensor input, int low, int high, *, " PG_CREATION_ARGS ") -> Tensor",
      R"(Random integers from low to high - 1, of the input's shape and dtype.)")
.nondifferentiable();

Tensor randperm(int64_t n, Generator* generator, std::optional<DType> dtype,
                std::optional<Device> device, bool requires_grad) {
  PG_CHECK(n >= 0, "randperm(): Trying to create tensor with negative dimension ", n, ": [", n,
           "]");
  // Fisher and Yates on the CPU, so that every device gives the same permutation.
  const Tensor keys = empty(Shape{n}, DType::Int64, Device{}),
               order = arange(Scalar(0), Scalar(n), Scalar(1), DType::Int64, Device{});
  draw(RandomOp::randint, keys, generator, Scalar(0), Scalar(int64_t(1) << 62));
  const int64_t* key = keys.data_as<const int64_t>();
  int64_t* p = order.data_as<int64_t>();
  for (int64_t i = n - 1; i > 0; --i) std::swap(p[i], p[key[i] % (i + 1)]);
  return with_grad(
      to_device(to(order, dtype.value_or(DType::Int64)), device.value_or(default_device())),
      requires_grad);
}
PG_OP(randperm, "(int n, *, Generator? generator=None, " PG_CREATION_ARGS ") -> Tensor",
      R"(A random permutation of 0 ... n - 1, the same on every device.

Example:
    >>> pygrad.randperm(4).sort().values
    tensor([0, 1, 2, 3])
)")
.nondifferentiable();

// ------------------------------------------------------------------------- normal

namespace {

Tensor normal_around(const Tensor* mean, double mean_number, const Tensor* std, double std_number,
                     Generator* generator) {
  const Tensor& any = mean ? *mean : *std;
  Shape sizes = any.shape();
  if (mean && std) sizes = broadcast_shapes("normal", mean->sizes(), std->sizes());
  if (std) {
    const Tensor negative = lt(*std, Scalar(0));
    PG_CHECK(kernels::count_nonzero_total(negative.device_type())(negative.view()) == 0,
             "normal(): normal expects all elements of std >= 0.0");
  }
  GradGuard off(false);
  const DType type = mean && std ? result_type(*mean, *std) : any.dtype();
  Tensor out = empty(sizes, type, any.device());
  draw_floats("normal", RandomOp::normal, out, generator, Scalar(0.0), Scalar(1.0));
  out = std ? mul(out, *std) : mul(out, Scalar(std_number));
  return mean ? add(out, *mean) : add(out, Scalar(mean_number));
}

}  // namespace

Tensor normal_tensors(const Tensor& mean, const Tensor& std, Generator* g) {
  return normal_around(&mean, 0, &std, 1, g);
}
PG_OP_NAMED("normal", &normal_tensors,
            "(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor",
            R"(Normal random numbers with a mean and a standard deviation for each element.

Example:
    >>> pygrad.normal(pygrad.zeros(3), pygrad.ones(3)).shape
    torch.Size([3])
)")
    .nondifferentiable();
Tensor normal_mean(const Tensor& mean, double std, Generator* g) {
  check_std("normal", std);
  return normal_around(&mean, 0, nullptr, std, g);
}
PG_OP_NAMED("normal", &normal_mean,
            "(Tensor mean, float std=1.0, *, Generator? generator=None) -> Tensor",
            R"(Normal random numbers with a mean for each element.)")
    .nondifferentiable();
Tensor normal_std(double mean, const Tensor& std, Generator* g) {
  return normal_around(nullptr, mean, &std, 1, g);
}
PG_OP_NAMED("normal", &normal_std,
            "(float mean, Tensor std, *, Generator? generator=None) -> Tensor",
            R"(Normal random numbers with a standard deviation for each element.)")
    .nondifferentiable();
Tensor normal_size(double mean, double std, const Shape& size, Generator* generator,
                   std::optional<DType> dtype, std::optional<Device> device, bool requires_grad) {
  check_sizes("normal", size);
  check_std("normal", std);
  const Tensor out =
      empty(size, dtype.value_or(default_dtype()), device.value_or(default_device()));
  draw_floats("normal", RandomOp::normal, out, generator, Scalar(mean), Scalar(std));
  return with_grad(out, requires_grad);
}
PG_OP_NAMED("normal", &normal_size,
            "(float mean, float std, int[] size, *, Generator? generator=None, " PG_CREATION_ARGS
            ") -> Tensor",
            R"(Normal random numbers of the given shape.

Raises:
    RuntimeError: when std is negative.
)")
    .nondifferentiable();

// ------------------------------------------------------------------------- in place

Tensor uniform_(const Tensor& self, double from, double to_, Generator* generator) {
  PG_CHECK(from <= to_,
           "uniform_(): uniform_ expects to return a [from, to) range, but found from=", from,
           " > to=", to_);
  return drawn_into("uniform_", "uniform", self, [&](const Tensor& out) {
    draw_floats("uniform_", RandomOp::uniform, out, generator, Scalar(from), Scalar(to_));
  });
}
PG_OP(uniform_,
      "(Tensor self, float from=0.0, float to=1.0, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with uniform numbers from [from, to).

Example:
    >>> bool((pygrad.empty(100).uniform_(2, 3) >= 2).all())
    True
)")
.in("Tensor").method();

Tensor normal_(const Tensor& self, double mean, double std, Generator* generator) {
  check_std("normal_", std);
  return drawn_into("normal_", "normal", self, [&](const Tensor& out) {
    draw_floats("normal_", RandomOp::normal, out, generator, Scalar(mean), Scalar(std));
  });
}
PG_OP(normal_,
      "(Tensor self, float mean=0.0, float std=1.0, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with normal numbers.

Example:
    >>> pygrad.empty(3).normal_(5.0, 0.0)
    tensor([5., 5., 5.])
)")
.in("Tensor").method();

Tensor exponential_(const Tensor& self, double lambd, Generator* generator) {
  PG_CHECK(lambd > 0,
           "exponential_(): exponential_ expects lambda > 0.0, but found lambda=", lambd);
  return drawn_into("exponential_", "exponential", self, [&](const Tensor& out) {
    draw_floats("exponential_", RandomOp::exponential, out, generator, Scalar(lambd), Scalar(0.0));
  });
}
PG_OP(exponential_, "(Tensor self, float lambd=1.0, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with exponential numbers of rate lambd.

Example:
    >>> bool((pygrad.empty(100).exponential_() > 0).all())
    True
)")
.in("Tensor").method();

Tensor cauchy_(const Tensor& self, double median, double sigma, Generator* generator) {
  PG_CHECK(sigma > 0, "cauchy_(): cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  return drawn_into("cauchy_", "cauchy", self, [&](const Tensor& out) {
    draw_floats("cauchy_", RandomOp::cauchy, out, generator, Scalar(median), Scalar(sigma));
  });
}
PG_OP(cauchy_,
      "(Tensor self, float median=0.0, float sigma=1.0, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with Cauchy numbers.

Example:
    >>> pygrad.empty(3).cauchy_().shape
    torch.Size([3])
)")
.in("Tensor").method();

Tensor log_normal_(const Tensor& self, double mean, double std, Generator* generator) {
  PG_CHECK(std > 0, "log_normal_(): log_normal_ expects std > 0.0, but found std=", std);
  return drawn_into("log_normal_", "log_normal", self, [&](const Tensor& out) {
    draw_floats("log_normal_", RandomOp::log_normal, out, generator, Scalar(mean), Scalar(std));
  });
}
PG_OP(log_normal_,
      "(Tensor self, float mean=1.0, float std=2.0, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with numbers whose logarithms are normal.

Example:
    >>> bool((pygrad.empty(100).log_normal_() > 0).all())
    True
)")
.in("Tensor").method();

Tensor geometric_(const Tensor& self, double p, Generator* generator) {
  PG_CHECK(p > 0 && p < 1, "geometric_(): geometric_ expects p to be in (0, 1), but got p=", p);
  return drawn_into("geometric_", "geometric", self, [&](const Tensor& out) {
    draw_any(RandomOp::geometric, out, generator, Scalar(p), Scalar(0.0));
  });
}
PG_OP(geometric_, "(Tensor self, float p, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with the number of trials up to the first success of probability p.

Example:
    >>> bool((pygrad.empty(100).geometric_(0.5) >= 1).all())
    True
)")
.in("Tensor").method();

Tensor random_range(const Tensor& self, int64_t from, std::optional<int64_t> to_,
                    Generator* generator) {
  // Without an end: every whole number that the dtype holds exactly.
  int64_t high = to_.value_or(0);
  if (!to_) switch (self.dtype()) {
      case DType::Bool:
        high = 2;
        break;
      case DType::UInt8:
        high = 256;
        break;
      case DType::Int8:
        high = 128;
        break;
      case DType::Int16:
        high = 1 << 15;
        break;
      case DType::Int32:
        high = int64_t(1) << 31;
        break;
      case DType::Float16:
        high = (1 << 11) + 1;
        break;
      case DType::BFloat16:
        high = (1 << 8) + 1;
        break;
      case DType::Float32:
        high = (1 << 24) + 1;
        break;
      case DType::Float64:
        high = (int64_t(1) << 53) + 1;
        break;
      default:
        high = INT64_MAX;
    }
  return drawn_into("random_", "random", self,
                    [&](const Tensor& out) { draw_integers(out, generator, from, high); });
}
Tensor random_below(const Tensor& self, int64_t to_, Generator* generator) {
  return random_range(self, 0, to_, generator);
}
Tensor random_any(const Tensor& self, Generator* generator) {
  return random_range(self, 0, std::nullopt, generator);
}
PG_OP_NAMED("random_", &random_any, "(Tensor self, *, Generator? generator=None) -> Tensor",
            R"(Overwrites with random whole numbers that the dtype holds exactly.

Example:
    >>> bool((pygrad.empty(100).random_(3, 5) < 5).all())
    True
)")
    .in("Tensor")
    .method();
PG_OP_NAMED("random_", &random_below,
            "(Tensor self, int to, *, Generator? generator=None) -> Tensor",
            R"(Overwrites with random integers from 0 to to - 1.)")
    .in("Tensor")
    .method();
PG_OP_NAMED("random_", &random_range,
            "(Tensor self, int from, int? to, *, Generator? generator=None) -> Tensor",
            R"(Overwrites with random integers from `from` to `to` - 1.)")
    .in("Tensor")
    .method();

}  // namespace pygrad
