// Bits of integers and bools: and, or, xor, not, shifts; greatest common divisors.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

// For bools "and" is a product, "or" a sum, "xor" a comparison.
Tensor bitwise(const char* name, BinaryOp op, const Tensor& input, const Operand& other) {
  const DType dtype = result_type(input, other);
  refuse_floating(name, dtype);
  BinaryCall call(name, input, other, dtype);
  if (dtype != DType::Bool)
    call.run(op);
  else if (op == BinaryOp::bitwise_xor)
    call.run(CompareOp::ne);
  else
    call.run(op == BinaryOp::bitwise_and ? BinaryOp::mul : BinaryOp::add);
  return call.out;
}

Tensor shifted(const char* name, BinaryOp op, const Tensor& input, const Operand& other) {
  const DType dtype = result_type(input, other);
  refuse_floating(name, dtype);
  refuse_bool(name, dtype);
  BinaryCall call(name, input, other, dtype);
  call.run(op);
  return call.out;
}

}  // namespace

Tensor bitwise_and(const Tensor& input, const Operand& other) {
  return bitwise("bitwise_and", BinaryOp::bitwise_and, input, other);
}
PG_OP(bitwise_and, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Bits set in both; for bools, logical and.

Example:
    >>> pygrad.bitwise_and(pygrad.tensor([5, 6]), 3)
    tensor([1, 2])
)")
.method().inplace().nondifferentiable();

Tensor rbitwise_and(Scalar self, const Tensor& other) { return bitwise_and(other, self); }
PG_OP_NAMED("bitwise_and", &rbitwise_and, "(Scalar self, Tensor other) -> Tensor",
            R"(Bits set in both.)")
    .nondifferentiable();

Tensor bitwise_or(const Tensor& input, const Operand& other) {
  return bitwise("bitwise_or", BinaryOp::bitwise_or, input, other);
}
PG_OP(bitwise_or, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Bits set in either; for bools, logical or.

Example:
    >>> pygrad.bitwise_or(pygrad.tensor([5, 6]), 3)
    tensor([7, 7])
)")
.method().inplace().nondifferentiable();

Tensor rbitwise_or(Scalar self, const Tensor& other) { return bitwise_or(other, self); }
PG_OP_NAMED("bitwise_or", &rbitwise_or, "(Scalar self, Tensor other) -> Tensor",
            R"(Bits set in either.)")
    .nondifferentiable();

Tensor bitwise_xor(const Tensor& input, const Operand& other) {
  return bitwise("bitwise_xor", BinaryOp::bitwise_xor, input, other);
}
PG_OP(bitwise_xor, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Bits set in exactly one; for bools, unequal.

Example:
    >>> pygrad.bitwise_xor(pygrad.tensor([5, 6]), 3)
    tensor([6, 5])
)")
.method().inplace().nondifferentiable();

Tensor rbitwise_xor(Scalar self, const Tensor& other) { return bitwise_xor(other, self); }
PG_OP_NAMED("bitwise_xor", &rbitwise_xor, "(Scalar self, Tensor other) -> Tensor",
            R"(Bits set in exactly one.)")
    .nondifferentiable();

Tensor bitwise_not(const Tensor& input) {
  refuse_floating("bitwise_not", input.dtype());
  Tensor out = make_output(input, input.sizes(), input.dtype(), {input});
  if (input.dtype() == DType::Bool)
    kernels::predicate(input.device_type())(PredicateOp::logical_not, out.view(), input.view());
  else
    kernels::unary(input.device_type())(UnaryOp::bitwise_not, out.view(), input.view());
  return out;
}
PG_OP(bitwise_not, "(Tensor input) -> Tensor", R"(Every bit inverted; for bools, logical not.

Example:
    >>> pygrad.bitwise_not(pygrad.tensor([0, 5]))
    tensor([-1, -6])
)")
.method().inplace().nondifferentiable();

Tensor bitwise_left_shift(const Tensor& input, const Operand& other) {
  return shifted("bitwise_left_shift", BinaryOp::bitwise_left_shift, input, other);
}
PG_OP(bitwise_left_shift, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Bits moved to the left by other places.

Example:
    >>> pygrad.bitwise_left_shift(pygrad.tensor([1, 3]), 2)
    tensor([ 4, 12])
)")
.method().inplace().nondifferentiable();

Tensor bitwise_right_shift(const Tensor& input, const Operand& other) {
  return shifted("bitwise_right_shift", BinaryOp::bitwise_right_shift, input, other);
}
PG_OP(bitwise_right_shift, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Bits moved to the right, keeping the sign.

Example:
    >>> pygrad.bitwise_right_shift(pygrad.tensor([8, -8]), 2)
    tensor([ 2, -2])
)")
.method().inplace().nondifferentiable();

Tensor gcd(const Tensor& input, const Tensor& other) {
  return shifted("gcd", BinaryOp::gcd, input, other);
}
PG_OP(gcd, "(Tensor input, Tensor other) -> Tensor", R"(Greatest common divisor, not negative.

Example:
    >>> pygrad.gcd(pygrad.tensor([12, 5]), pygrad.tensor([8, 10]))
    tensor([4, 5])
)")
.method().inplace().nondifferentiable();

Tensor lcm(const Tensor& input, const Tensor& other) {
  const Tensor divisor = gcd(input, other), zero = eq(divisor, Scalar(0));
  // 0 and 0 have the multiple 0; dividing before multiplying keeps the product small.
  return abs(mul(floor_divide(input, masked_fill(divisor, zero, Scalar(1))), other));
}
PG_OP(lcm, "(Tensor input, Tensor other) -> Tensor", R"(Least common multiple, not negative.

Example:
    >>> pygrad.lcm(pygrad.tensor([4]), pygrad.tensor([6]))
    tensor([12])
)")
.method().inplace(false).nondifferentiable();

}  // namespace pygrad
