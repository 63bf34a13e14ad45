// Division with rounding, and the remainders that belong to it.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

void check_divisor(const char* name, const Tensor& divisor) {
  if (is_integral(divisor.dtype()))
    PG_CHECK(!contains_zero(divisor), name, "(): ZeroDivisionError: integer division by zero");
}

// Runs an op that has an integer form; a zero in an integer divisor is an error.
void run_division(const char* name, const BinaryCall& call, BinaryOp op) {
  refuse_complex(name, call.out.dtype());
  refuse_bool(name, call.out.dtype());
  if (is_integral(call.out.dtype())) {
    if (call.scalar_first || call.b.defined())
      check_divisor(name, call.scalar_first ? call.a : call.b);
    else
      PG_CHECK(!is_zero(call.scalar), name, "(): ZeroDivisionError: integer division by zero");
  }
  call.run(op);
}

Tensor rounded_quotient(const char* name, const char* node, BinaryOp op, const Tensor& input,
                        const Operand& other) {
  BinaryCall call(name, input, other, result_type(input, other));
  run_division(name, call, op);
  const auto backward = [](const Node& n, const Tensor& g) {
    return Grads{zeros_like(g), n.needs(1) ? zeros_like(g) : Tensor()};
  };
  if (other.is_tensor()) return record(node, call.out, {input, other.tensor}, {}, backward);
  return record(node, call.out, {input}, {},
                [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
}

// Both remainders are input - other * round(input / other), so the gradient of other is minus the
// rounded quotient.
Tensor remainder_of(const char* name, const char* node, const char* scalar_node, bool floor,
                    const Tensor& input, const Operand& other) {
  BinaryCall call(name, input, other, result_type(input, other));
  const BinaryOp op = floor ? BinaryOp::remainder : BinaryOp::fmod;
  if (!other.is_tensor()) {
    run_division(name, call, op);
    return record(scalar_node, call.out, {input}, {},
                  [](const Node&, const Tensor& g) { return Grads{g}; });
  }
  const Tensor& right = other.tensor;
  const bool wanted = right.requires_grad();
  const Tensor a = keep(input, call.out, wanted), b = keep(right, call.out, wanted);
  run_division(name, call, op);
  return record(node, call.out, {input, right}, saved(a, b),
                [floor](const Node& n, const Tensor& g) {
                  if (!n.needs(1)) return Grads{g, Tensor()};
                  const Tensor x = n.saved(0), y = n.saved(1);
                  const Tensor quotient = floor ? floor_divide(x, y) : trunc(div(x, y));
                  return Grads{g, mul(neg(g), quotient)};
                });
}

}  // namespace

Tensor floor_divide(const Tensor& input, const Operand& other) {
  return rounded_quotient("floor_divide", "div:2", BinaryOp::floor_divide, input, other);
}
PG_OP(floor_divide, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Quotient rounded towards minus infinity.

Raises:
    RuntimeError: for an integer division by zero.

Example:
    >>> pygrad.floor_divide(pygrad.tensor([7, -7]), 2)
    tensor([ 3, -4])
)")
.method().inplace();

Tensor rfloor_divide(Scalar input, const Tensor& other) {
  BinaryCall call("floor_divide", other, input, result_type(other, input));
  call.scalar_first = true;
  run_division("floor_divide", call, BinaryOp::floor_divide);
  return record("div:2", call.out, {other}, {},
                [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
}
PG_OP_NAMED("floor_divide", &rfloor_divide, "(Scalar input, Tensor other) -> Tensor",
            R"(A number divided by each element, rounded towards minus infinity.

Example:
    >>> pygrad.floor_divide(7, pygrad.tensor([2, 3]))
    tensor([3, 2])
)");

Tensor div_rounding(const Tensor& input, const Operand& other,
                    const std::optional<std::string>& rounding_mode) {
  if (!rounding_mode) return div(input, other);
  if (*rounding_mode == "floor")
    return rounded_quotient("div", "div:2", BinaryOp::floor_divide, input, other);
  PG_CHECK(*rounding_mode == "trunc",
           "div(): div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
           *rounding_mode, "'");
  return rounded_quotient("div", "div:2", BinaryOp::trunc_divide, input, other);
}
PG_OP_NAMED("div", &div_rounding,
            "(Tensor input, Tensor|Scalar other, *, str? rounding_mode) -> Tensor",
            R"(Quotient, rounded by 'trunc' (towards zero) or 'floor', or not at all (None).

Example:
    >>> pygrad.div(pygrad.tensor([-7., 7.]), 2, rounding_mode='trunc')
    tensor([-3.,  3.])
)")
    .method()
    .inplace()
    .alias("divide");

Tensor remainder(const Tensor& input, const Operand& other) {
  return remainder_of("remainder", "remainder:1", "remainder", true, input, other);
}
PG_OP(remainder, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Remainder with the sign of the divisor, as Python's %.

Raises:
    RuntimeError: for an integer division by zero.

Example:
    >>> pygrad.remainder(pygrad.tensor([-3., 3.]), 2)
    tensor([1., 1.])
)")
.method().inplace();

Tensor rremainder(Scalar input, const Tensor& other) {
  BinaryCall call("remainder", other, input, result_type(other, input));
  call.scalar_first = true;
  const Tensor b = keep(other, call.out, other.requires_grad());
  run_division("remainder", call, BinaryOp::remainder);
  return record("remainder:1", call.out, {other}, saved(b),
                [input](const Node& n, const Tensor& g) {
                  return Grads{mul(neg(g), rfloor_divide(input, n.saved(0)))};
                });
}
PG_OP_NAMED("remainder", &rremainder, "(Scalar input, Tensor other) -> Tensor",
            R"(Remainder of a number by each element, with the sign of the divisor.

Example:
    >>> pygrad.remainder(5, pygrad.tensor([3., -2.]))
    tensor([ 2., -1.])
)");

Tensor fmod(const Tensor& input, const Operand& other) {
  return remainder_of("fmod", "fmod:1", "fmod", false, input, other);
}
PG_OP(fmod, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Remainder with the sign of the dividend, as C's fmod.

Raises:
    RuntimeError: for an integer division by zero.

Example:
    >>> pygrad.fmod(pygrad.tensor([-3., 3.]), 2)
    tensor([-1.,  1.])
)")
.method().inplace();

}  // namespace pygrad
