// Sampling with given probabilities: bernoulli, multinomial, poisson.
#include <cmath>
#include <random>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/random.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

bool any_true(const Tensor& mask) {
  return kernels::count_nonzero_total(mask.device_type())(mask.view()) != 0;
}

void check_probability(const char* op, double p) {
  PG_CHECK(p >= 0 && p <= 1, op, "(): ", op, " expects p to be in [0, 1], but got p=", p);
}

// 1 where a uniform number of the matching precision is below p.
Tensor trials(const Tensor& p, Generator* generator) {
  const DType type = p.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  const Tensor u = empty(p.sizes(), type, p.device());
  draw(RandomOp::uniform, u, generator, Scalar(0.0), Scalar(1.0));
  return lt(u, Operand(to(p, type)));
}

void check_probabilities(const char* op, const Tensor& p) {
  PG_CHECK(is_floating(p.dtype()), op, "(): expected floating-point probabilities, got ",
           p.dtype());
  const Tensor good = logical_and(ge(p, Scalar(0)), Operand(le(p, Scalar(1))));
  PG_CHECK(!any_true(logical_not(good)), op,
           "(): Expected p_in >= 0 && p_in <= 1 to be true: a probability lies outside [0, 1]");
}

Tensor constant_trials(const char* op, const Tensor& like, double p, Generator* generator) {
  check_probability(op, p);
  const Tensor wide =
      empty(like.sizes(), like.dtype() == DType::Float64 ? DType::Float64 : DType::Float32,
            like.device());
  draw(RandomOp::bernoulli, wide, generator, Scalar(p), Scalar(0.0));
  return wide;
}

const auto zero_gradient = [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; };

}  // namespace

Tensor bernoulli(const Tensor& input, Generator* generator) {
  check_probabilities("bernoulli", input);
  Tensor out;
  {
    GradGuard off(false);
    out = to(trials(input, generator), input.dtype());
  }
  return record("bernoulli", out, {input}, {}, zero_gradient);
}
PG_OP(bernoulli, "(Tensor input, *, Generator? generator=None) -> Tensor",
      R"(1 with the probability in each element, else 0.

Args:
    input: probabilities, any shape.
    generator: the stream to draw from; default: the global one.

Example:
    >>> pygrad.bernoulli(pygrad.tensor([0., 1.]))
    tensor([0., 1.])
)")
.method();

Tensor bernoulli_p(const Tensor& input, double p, Generator* generator) {
  GradGuard off(false);
  return to(constant_trials("bernoulli", input, p, generator), input.dtype());
}
PG_OP_NAMED("bernoulli", &bernoulli_p,
            "(Tensor input, float p, *, Generator? generator=None) -> Tensor",
            R"(1 with probability p, of the input's shape.)")
    .method()
    .nondifferentiable();

Tensor bernoulli_tensor_(const Tensor& self, const Tensor& p, Generator* generator) {
  check_probabilities("bernoulli_", p);
  return inplace("bernoulli_", self, [&] {
    const Tensor chance = expand(p, self.shape());
    Tensor out = make_output(self, self.sizes(), self.dtype(), {p});
    {
      GradGuard off(false);
      copy_data(out, trials(chance, generator));
    }
    return record("bernoulli:1", out, {self, p}, {}, [](const Node& n, const Tensor& g) {
      return Grads{zeros_like(g), n.needs(1) ? zeros_like(g) : Tensor()};
    });
  });
}
Tensor bernoulli_(const Tensor& self, double p, Generator* generator) {
  check_probability("bernoulli_", p);
  return inplace("bernoulli_", self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {});
    copy_data(out, constant_trials("bernoulli_", self, p, generator));
    return record("bernoulli:2", out, {self}, {}, zero_gradient);
  });
}
PG_OP_NAMED("bernoulli_", &bernoulli_tensor_,
            "(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor",
            R"(Overwrites with 1 with the probability in each element of p, else 0.

Example:
    >>> pygrad.empty(3).bernoulli_(1.0)
    tensor([1., 1., 1.])
)")
    .in("Tensor")
    .method();
PG_OP(bernoulli_, "(Tensor self, float p=0.5, *, Generator? generator=None) -> Tensor",
      R"(Overwrites with 1 with probability p, else 0.)")
.in("Tensor").method();

Tensor multinomial(const Tensor& input, int64_t num_samples, bool replacement,
                   Generator* generator) {
  PG_CHECK(input.dim() == 1 || input.dim() == 2,
           "multinomial(): prob_dist must be 1 or 2 dim, got shape ", input.sizes());
  PG_CHECK(is_floating(input.dtype()),
           "multinomial(): multinomial only supports floating-point dtypes for the input, got ",
           input.dtype());
  PG_CHECK(num_samples > 0, "multinomial(): cannot sample n_sample <= 0 samples, got ",
           num_samples);
  const int64_t last = input.dim() - 1, n = input.size(last);
  PG_CHECK(
      replacement || num_samples <= n,
      "multinomial(): cannot sample n_sample > prob_dist.size(-1) samples without replacement: ",
      num_samples, " > ", n);
  GradGuard off(false);
  const Tensor p = to(input, DType::Float64);
  const Tensor good = logical_and(ge(p, Scalar(0)), Operand(lt(p, Scalar(HUGE_VAL))));
  PG_CHECK(!any_true(logical_not(good)),
           "multinomial(): probability tensor contains either `inf`, `nan` or element < 0");
  const Tensor total = sum(p, Shape{last}, true);
  PG_CHECK(!any_true(le(total, Scalar(0))),
           "multinomial(): invalid multinomial distribution (sum of probabilities <= 0)");
  if (!replacement) {
    // The order of p / Exp(1) is that of draws without replacement.
    const Tensor e = empty(p.sizes(), DType::Float64, p.device());
    draw(RandomOp::exponential, e, generator, Scalar(1.0), Scalar(0.0));
    return std::get<1>(topk(div(p, e), num_samples, last, true, true));
  }
  Shape sizes = input.shape();
  sizes[last] = num_samples;
  const Tensor u = empty(sizes, DType::Float64, input.device()),
               out = empty(sizes, DType::Int64, input.device());
  draw(RandomOp::uniform, u, generator, Scalar(0.0), Scalar(1.0));
  const Tensor steps = cumsum(p, last), at = mul(u, narrow(steps, last, n - 1, 1));
  kernels::searchsorted(out.device_type())(out.view(), steps.view(), at.view(), true);
  // A product rounded up to the total would fall past the last category that has any probability.
  const Tensor possible =
      where(gt(p, Scalar(0)), arange(Scalar(0), Scalar(n), Scalar(1), DType::Int64, p.device()),
            Scalar(0));
  return minimum(out, amax(possible, Shape{last}, true));
}
PG_OP(multinomial,
      "(Tensor input, int num_samples, bool replacement=False, *, Generator? generator=None) -> "
      "Tensor",
      R"(Indices drawn with probabilities proportional to each row.

Args:
    input: (n,) or (rows, n) weights, not negative.
    num_samples: how many per row.
    replacement: whether an index may be drawn again.
    generator: the stream to draw from; default: the global one.

Example:
    >>> pygrad.multinomial(pygrad.tensor([0., 1.]), 1)
    tensor([1])
)")
.method().nondifferentiable();

Tensor poisson(const Tensor& input, Generator* generator) {
  PG_CHECK_KIND(NotImplemented, is_floating(input.dtype()), "poisson(): not implemented for dtype ",
                input.dtype(), "; expected a floating dtype");
  Tensor out;
  {
    GradGuard off(false);
    PG_CHECK(!any_true(logical_not(ge(input, Scalar(0)))),
             "poisson(): invalid Poisson rate, expected rate to be non-negative");
    // Rejection takes a varying number of uniforms, so the whole draw runs on the CPU from one
    // seed.
    const Generator::Draw d =
        generator_or_default(generator, input.device()).reserve(input.numel());
    std::mt19937_64 engine(d.seed ^ (d.offset * 0x9e3779b97f4a7c15ull));
    const Tensor rates = contiguous(to(to_device(input, Device{}), DType::Float64)),
                 counts = empty_like(rates);
    for (int64_t i = 0; i < rates.numel(); ++i) {
      const double rate = rates.data_as<double>()[i];
      counts.data_as<double>()[i] =
          rate > 0 ? double(std::poisson_distribution<int64_t>(rate)(engine)) : 0.0;
    }
    out = to(to_device(counts, input.device()), input.dtype());
  }
  return record("poisson", alias(out), {input}, {}, zero_gradient);
}
PG_OP(poisson, "(Tensor input, *, Generator? generator=None) -> Tensor",
      R"(Poisson numbers with the rate in each element.

Example:
    >>> pygrad.poisson(pygrad.tensor([0.]))
    tensor([0.])
)");

}  // namespace pygrad
