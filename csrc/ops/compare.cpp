// Comparisons and logic: bool results, no gradient. Closeness and equality of whole tensors.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

Tensor compared(const char* name, CompareOp op, const Tensor& input, const Operand& other) {
  const DType dtype = result_type(input, other);
  if (op >= CompareOp::lt && op <= CompareOp::ge) refuse_complex(name, dtype);
  BinaryCall call(name, input, other, dtype, DType::Bool);
  call.run(op);
  return call.out;
}

}  // namespace

#define PG_COMPARISON(name, symbol, alias_name, result)                                      \
  Tensor name(const Tensor& input, const Operand& other) {                                   \
    return compared(#name, CompareOp::name, input, other);                                   \
  }                                                                                          \
  PG_OP(name, "(Tensor input, Tensor|Scalar other) -> Tensor",                               \
        "Whether input " symbol                                                              \
        " other, element by element; a bool tensor.\n\nExample:\n"                           \
        "    >>> pygrad." #name "(pygrad.tensor([1, 2, 3]), 2)\n    tensor([" result "])\n") \
  .method().inplace().nondifferentiable().alias(alias_name);
PG_COMPARISON(ne, "!=", "not_equal", " True, False,  True")
PG_COMPARISON(lt, "<", "less", " True, False, False")
PG_COMPARISON(le, "<=", "less_equal", " True,  True, False")
PG_COMPARISON(gt, ">", "greater", "False, False,  True")
PG_COMPARISON(ge, ">=", "greater_equal", "False,  True,  True")
#undef PG_COMPARISON

Tensor eq(const Tensor& input, const Operand& other) {
  return compared("eq", CompareOp::eq, input, other);
}
PG_OP(eq, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Whether input == other, element by element; a bool tensor.

Example:
    >>> pygrad.eq(pygrad.tensor([1, 2, 3]), 2)
    tensor([False,  True, False])
)")
.method().inplace().nondifferentiable();

Tensor logical_and(const Tensor& input, const Operand& other) {
  return compared("logical_and", CompareOp::logical_and, input, other);
}
PG_OP(logical_and, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(True where both elements are not zero.

Example:
    >>> pygrad.logical_and(pygrad.tensor([1, 0]), pygrad.tensor([2, 2]))
    tensor([ True, False])
)")
.method().inplace().nondifferentiable();

Tensor logical_or(const Tensor& input, const Operand& other) {
  return compared("logical_or", CompareOp::logical_or, input, other);
}
PG_OP(logical_or, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(True where either element is not zero.

Example:
    >>> pygrad.logical_or(pygrad.tensor([1, 0]), pygrad.tensor([0, 0]))
    tensor([ True, False])
)")
.method().inplace().nondifferentiable();

Tensor logical_xor(const Tensor& input, const Operand& other) {
  return compared("logical_xor", CompareOp::logical_xor, input, other);
}
PG_OP(logical_xor, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(True where exactly one element is not zero.

Example:
    >>> pygrad.logical_xor(pygrad.tensor([1, 0]), pygrad.tensor([2, 2]))
    tensor([False,  True])
)")
.method().inplace().nondifferentiable();

Tensor isclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan) {
  check_same_dtype("isclose", input, other);
  PG_CHECK(rtol >= 0 && atol >= 0, "isclose(): rtol ", rtol, " and atol ", atol,
           "; expected both greater than or equal to zero");
  GradGuard off(false);
  Tensor close = eq(input, other);
  const bool inexact = !is_integral(input.dtype());
  if (equal_nan && inexact)
    close = logical_or(close, Operand(logical_and(isnan(input), Operand(isnan(other)))));
  if (rtol == 0 && atol == 0) return close;
  // Integers are compared in double; a bool only by equality.
  if (input.dtype() == DType::Bool) return close;
  const Tensor a = inexact ? input : to(input, DType::Float64),
               b = inexact ? other : to(other, DType::Float64);
  const Tensor error = abs(sub(a, b)), allowed = add(mul(abs(b), Scalar(rtol)), Scalar(atol));
  const Tensor finite = lt(error, Scalar(HUGE_VAL));
  return logical_or(close, Operand(logical_and(finite, Operand(le(error, allowed)))));
}
PG_OP(isclose,
      "(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> "
      "Tensor",
      R"(Whether |input - other| <= atol + rtol |other|, element by element.

Args:
    input: any shape.
    other: of the same dtype; broadcasts.
    rtol: relative tolerance.
    atol: absolute tolerance.
    equal_nan: whether two NaN are close.

Example:
    >>> pygrad.isclose(pygrad.tensor([1., 2.]), pygrad.tensor([1., 2.1]))
    tensor([ True, False])
)")
.method().nondifferentiable();

bool allclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan) {
  const Tensor close = isclose(input, other, rtol, atol, equal_nan);
  return !contains_zero(close);
}
PG_OP(allclose,
      "(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> "
      "bool",
      R"(Whether all elements are close, see isclose().

Example:
    >>> pygrad.allclose(pygrad.tensor([1.]), pygrad.tensor([1.0000001]))
    True
)")
.method().nondifferentiable();

bool equal(const Tensor& input, const Tensor& other) {
  check_same_device("equal", input, other);
  if (!Shape::same(input.sizes(), other.sizes())) return false;
  return !contains_zero(eq(input, other));
}
PG_OP(equal, "(Tensor input, Tensor other) -> bool",
      R"(Whether two tensors have the same shape and elements.

Example:
    >>> pygrad.equal(pygrad.tensor([1, 2]), pygrad.tensor([1, 2]))
    True
)")
.method().nondifferentiable();

}  // namespace pygrad
