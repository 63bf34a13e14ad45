// Arithmetic and geometric sequences, and the triangles of matrices with their indices.
#include <cmath>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/creation.h"
#include "csrc/ops/registry.h"

namespace pygrad {

#define PG_CREATION_ARGS "*, dtype? dtype=None, device? device=None, bool requires_grad=False"

namespace {

bool all_whole(Scalar a, Scalar b, Scalar c) {
  return a.is_integral() && b.is_integral() && c.is_integral();
}

void check_range(const char* op, Scalar start, Scalar end, Scalar step) {
  const double s = start.to_double(), e = end.to_double(), d = step.to_double();
  PG_CHECK(d != 0, op, "(): step must be nonzero");
  PG_CHECK(std::isfinite(s) && std::isfinite(e), op, "(): unsupported range: ", s, " -> ", e);
  PG_CHECK((d > 0 && e >= s) || (d < 0 && e <= s), op,
           "(): upper bound and lower bound inconsistent with step sign: start ", s, ", end ", e,
           ", step ", d);
}

Tensor filled_range(Scalar start, Scalar step, int64_t count, DType dtype, Device device) {
  // 16-bit floats and bool have no exact running sum of their own.
  const bool direct = dtype != DType::Bool && dtype != DType::Float16 && dtype != DType::BFloat16 &&
                      !is_complex(dtype);
  const Tensor out = empty(Shape{count}, direct ? dtype : DType::Float32, device);
  kernels::arange(device.type)(out.view(), start, step);
  return direct ? out : to(out, dtype);
}

}  // namespace

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype, Device device) {
  check_range("arange", start, end, step);
  int64_t count;
  if (all_whole(start, end, step)) {
    const int64_t span = step.i > 0 ? end.i - start.i : start.i - end.i,
                  stride = step.i > 0 ? step.i : -step.i;
    count = (span + stride - 1) / stride;
  } else {
    const double n = std::ceil((end.to_double() - start.to_double()) / step.to_double());
    PG_CHECK(n < 9.2e18, "arange(): invalid size, possible overflow: ", n, " elements");
    count = int64_t(n);
  }
  return filled_range(start, step, count, dtype, device);
}

Tensor arange_op(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype,
                 std::optional<Device> device, bool requires_grad) {
  const DType type = dtype.value_or(all_whole(start, end, step) ? DType::Int64 : default_dtype());
  return with_grad(arange(start, end, step, type, device.value_or(default_device())),
                   requires_grad);
}
Tensor arange_end(Scalar end, std::optional<DType> dtype, std::optional<Device> device,
                  bool requires_grad) {
  return arange_op(Scalar(0), end, Scalar(1), dtype, device, requires_grad);
}
PG_OP_NAMED("arange", &arange_end, "(Scalar end, " PG_CREATION_ARGS ") -> Tensor",
            R"(The numbers 0, 1, 2, ... below end.

Example:
    >>> pygrad.arange(3)
    tensor([0, 1, 2])
)")
    .nondifferentiable();
PG_OP_NAMED("arange", &arange_op,
            "(Scalar start, Scalar end, Scalar step=1, " PG_CREATION_ARGS ") -> Tensor",
            R"(The numbers start, start + step, ... before end.

Args:
    start: the first number.
    end: not reached.
    step: the distance, which may be negative but not 0.
    dtype: default: int64 for integers, else the default dtype.

Raises:
    RuntimeError: when step is 0 or leads away from end.

Example:
    >>> pygrad.arange(1, 2, 0.25)
    tensor([1.0000, 1.2500, 1.5000, 1.7500])
)")
    .nondifferentiable();

Tensor range(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype,
             std::optional<Device> device, bool requires_grad) {
  check_range("range", start, end, step);
  const int64_t count =
      int64_t(std::floor((end.to_double() - start.to_double()) / step.to_double())) + 1;
  return with_grad(filled_range(start, step, count, dtype.value_or(default_dtype()),
                                device.value_or(default_device())),
                   requires_grad);
}
PG_OP(range, "(Scalar start, Scalar end, Scalar step=1, " PG_CREATION_ARGS ") -> Tensor",
      R"(The numbers start, start + step, ... up to and including end; arange() is the usual choice.

Example:
    >>> pygrad.range(1, 2, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
)")
.nondifferentiable();

namespace {

Tensor spaced(const char* op, Scalar start, Scalar end, int64_t steps, DType dtype, Device device) {
  PG_CHECK(steps >= 0, op, "(): number of steps must be non-negative, got ", steps);
  PG_CHECK(!start.is_complex() && !end.is_complex(), op,
           "(): start and end are complex; expected real numbers");
  const bool direct = dtype == DType::Float32 || dtype == DType::Float64;
  const Tensor out = empty(Shape{steps}, direct ? dtype : DType::Float64, device);
  kernels::linspace(device.type)(out.view(), start.to_double(), end.to_double());
  return direct ? out : to(out, dtype);
}

}  // namespace

Tensor linspace(Scalar start, Scalar end, int64_t steps, std::optional<DType> dtype,
                std::optional<Device> device, bool requires_grad) {
  return with_grad(spaced("linspace", start, end, steps, dtype.value_or(default_dtype()),
                          device.value_or(default_device())),
                   requires_grad);
}
PG_OP(linspace, "(Scalar start, Scalar end, int steps, " PG_CREATION_ARGS ") -> Tensor",
      R"(Evenly spaced numbers from start to end, both included.

Args:
    start: the first number.
    end: the last number.
    steps: how many.

Example:
    >>> pygrad.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
)")
.nondifferentiable();

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, std::optional<DType> dtype,
                std::optional<Device> device, bool requires_grad) {
  const Tensor exponents =
      spaced("logspace", start, end, steps, DType::Float64, device.value_or(default_device()));
  return with_grad(to(rpow(Scalar(base), exponents), dtype.value_or(default_dtype())),
                   requires_grad);
}
PG_OP(logspace,
      "(Scalar start, Scalar end, int steps, float base=10.0, " PG_CREATION_ARGS ") -> Tensor",
      R"(Powers of base with evenly spaced exponents from start to end.

Example:
    >>> pygrad.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
)")
.nondifferentiable();

namespace {

Tensor triangle(const char* op, const Tensor& input, int64_t diagonal, bool upper) {
  PG_CHECK(input.dim() >= 2, op, "(): input tensor must have at least 2 dimensions, got shape ",
           input.sizes());
  Tensor out = make_output(input, input.sizes(), input.dtype(), {input});
  kernels::tri(input.device_type())(out.view(), input.view(), diagonal, upper);
  return record(op, out, {input}, {}, [diagonal, upper](const Node&, const Tensor& g) {
    return Grads{triangle(upper ? "triu" : "tril", g, diagonal, upper)};
  });
}

}  // namespace

Tensor tril(const Tensor& input, int64_t diagonal) {
  return triangle("tril", input, diagonal, false);
}
PG_OP(tril, "(Tensor input, int diagonal=0) -> Tensor",
      R"(The lower triangle of each matrix, zeros above.

Args:
    input: (..., rows, columns).
    diagonal: the highest diagonal kept; 0 is the main one, positive ones lie above it.

Example:
    >>> pygrad.tril(pygrad.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
)")
.method().inplace();

Tensor triu(const Tensor& input, int64_t diagonal) {
  return triangle("triu", input, diagonal, true);
}
PG_OP(triu, "(Tensor input, int diagonal=0) -> Tensor",
      R"(The upper triangle of each matrix, zeros below.

Args:
    input: (..., rows, columns).
    diagonal: the lowest diagonal kept; 0 is the main one, positive ones lie above it.

Example:
    >>> pygrad.triu(pygrad.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
)")
.method().inplace();

namespace {

Tensor triangle_indices(const char* op, int64_t row, int64_t col, int64_t offset, bool upper,
                        DType dtype, Device device) {
  PG_CHECK(row >= 0 && col >= 0, op, "(): row ", row, " and col ", col,
           "; expected non-negative numbers");
  GradGuard off(false);
  const Tensor mask =
      triangle(upper ? "triu" : "tril", full(Shape{row, col}, Scalar(1), DType::UInt8, device),
               offset, upper);
  return to(contiguous(transpose(nonzero(mask), 0, 1)), dtype);
}

}  // namespace

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                    std::optional<Device> device) {
  return triangle_indices("tril_indices", row, col, offset, false, dtype.value_or(DType::Int64),
                          device.value_or(default_device()));
}
PG_OP(tril_indices,
      "(int row, int col, int offset=0, *, dtype? dtype=None, device? device=None) -> Tensor",
      R"(Rows and columns of the lower triangle of a row x col matrix, as a (2, n) tensor.

Example:
    >>> pygrad.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
)")
.nondifferentiable();

Tensor triu_indices(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                    std::optional<Device> device) {
  return triangle_indices("triu_indices", row, col, offset, true, dtype.value_or(DType::Int64),
                          device.value_or(default_device()));
}
PG_OP(triu_indices,
      "(int row, int col, int offset=0, *, dtype? dtype=None, device? device=None) -> Tensor",
      R"(Rows and columns of the upper triangle of a row x col matrix, as a (2, n) tensor.

Example:
    >>> pygrad.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
)")
.nondifferentiable();

}  // namespace pygrad
