// Questions about single elements: NaN, infinity, sign, realness.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

Tensor predicate(PredicateOp op, const Tensor& input) {
  Tensor out = make_output(input, input.sizes(), DType::Bool, {input});
  kernels::predicate(input.device_type())(op, out.view(), input.view());
  return out;
}

Tensor is_infinity(const char* name, const Tensor& input, double infinity) {
  PG_CHECK(!is_complex(input.dtype()), name, "(): ", name, " does not support complex inputs");
  if (is_integral(input.dtype()))
    return full(input.sizes(), Scalar(false), DType::Bool, input.device());
  return eq(input, Scalar(infinity));
}

}  // namespace

Tensor isnan(const Tensor& input) { return predicate(PredicateOp::isnan, input); }
PG_OP_NAMED("isnan", static_cast<Tensor (*)(const Tensor&)>(&isnan), "(Tensor input) -> Tensor",
            R"(Whether each element is NaN; a complex one if either part is.

Example:
    >>> pygrad.isnan(pygrad.tensor([1., float('nan')]))
    tensor([False,  True])
)")
    .method()
    .nondifferentiable();

Tensor isinf(const Tensor& input) { return predicate(PredicateOp::isinf, input); }
PG_OP_NAMED("isinf", static_cast<Tensor (*)(const Tensor&)>(&isinf), "(Tensor input) -> Tensor",
            R"(Whether each element is infinite, of either sign.

Example:
    >>> pygrad.isinf(pygrad.tensor([1., float('inf')]))
    tensor([False,  True])
)")
    .method()
    .nondifferentiable();

Tensor isfinite(const Tensor& input) { return predicate(PredicateOp::isfinite, input); }
PG_OP_NAMED("isfinite", static_cast<Tensor (*)(const Tensor&)>(&isfinite),
            "(Tensor input) -> Tensor",
            R"(Whether each element is neither infinite nor NaN.

Example:
    >>> pygrad.isfinite(pygrad.tensor([1., float('nan')]))
    tensor([ True, False])
)")
    .method()
    .nondifferentiable();

Tensor isposinf(const Tensor& input) { return is_infinity("isposinf", input, HUGE_VAL); }
PG_OP(isposinf, "(Tensor input) -> Tensor", R"(Whether each element is +inf.

Example:
    >>> pygrad.isposinf(pygrad.tensor([1., float("inf"), -float("inf")]))
    tensor([False,  True, False])
)")
.method().nondifferentiable();

Tensor isneginf(const Tensor& input) { return is_infinity("isneginf", input, -HUGE_VAL); }
PG_OP(isneginf, "(Tensor input) -> Tensor", R"(Whether each element is -inf.

Example:
    >>> pygrad.isneginf(pygrad.tensor([1., float("inf"), -float("inf")]))
    tensor([False, False,  True])
)")
.method().nondifferentiable();

Tensor isreal(const Tensor& input) {
  if (!is_complex(input.dtype()))
    return full(input.sizes(), Scalar(true), DType::Bool, input.device());
  GradGuard off(false);
  return eq(imag(input), Scalar(0));
}
PG_OP(isreal, "(Tensor input) -> Tensor", R"(Whether each element has no imaginary part.

Example:
    >>> pygrad.isreal(pygrad.tensor([1 + 0j, 2j]))
    tensor([ True, False])
)")
.method().nondifferentiable();

Tensor signbit(const Tensor& input) {
  refuse_complex("signbit", input.dtype());
  return predicate(PredicateOp::signbit, input);
}
PG_OP_NAMED("signbit", static_cast<Tensor (*)(const Tensor&)>(&signbit), "(Tensor input) -> Tensor",
            R"(Whether the sign bit of each element is set; true for -0.0.

Example:
    >>> pygrad.signbit(pygrad.tensor([1., -0.]))
    tensor([False,  True])
)")
    .method()
    .nondifferentiable();

Tensor logical_not(const Tensor& input) { return predicate(PredicateOp::logical_not, input); }
PG_OP(logical_not, "(Tensor input) -> Tensor", R"(True where an element is zero.

Example:
    >>> pygrad.logical_not(pygrad.tensor([0, 5]))
    tensor([ True, False])
)")
.method().inplace().nondifferentiable();

}  // namespace pygrad
