// Powers: of tensors, by tensors, of and by numbers.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

// d(b^e)/de = b^e log b, taken as 0 where b is 0 and e is not negative.
Tensor exponent_gradient(const Tensor& g, const Tensor& base, const Tensor& exponent,
                         const Tensor& result) {
  const Tensor slope = mul(g, conj(mul(result, log(base))));
  const Tensor still = is_complex(exponent.dtype())
                           ? eq(base, Scalar(0))
                           : logical_and(eq(base, Scalar(0)), Operand(ge(exponent, Scalar(0))));
  return where(still, Operand(Scalar(0.0)), slope);
}

Tensor power_of_number(const Tensor& input, Scalar exponent) {
  const DType dtype = result_type(input, exponent);
  if (dtype == DType::Bool) return exponent.i ? clone(input) : full_like(input, Scalar(true));
  PG_CHECK(!is_integral(dtype) || exponent.i >= 0,
           "pow(): Integers to negative integer powers are not allowed: exponent ", exponent.i,
           ". Convert the base with .float()");
  BinaryCall call("pow", input, exponent, dtype);
  const Tensor base = keep(input, call.out, input.requires_grad());
  const double e = exponent.is_complex() ? 1 : exponent.to_double();
  if (e == 2)
    run_unary(UnaryOp::square, call.out, call.a);
  else if (e == 0.5 && is_floating(dtype))
    run_unary(UnaryOp::sqrt, call.out, call.a);
  else if (e == -0.5 && is_floating(dtype))
    run_unary(UnaryOp::rsqrt, call.out, call.a);
  else
    call.run(BinaryOp::pow);
  return record("pow", std::move(call.out), {input}, saved(base),
                [exponent](const Node& n, const Tensor& g) {
                  const Tensor x = n.saved(0);
                  if (is_zero(exponent)) return Grads{zeros_like(g)};
                  if (is_one(exponent)) return Grads{g};
                  if (!exponent.is_complex() && exponent.to_double() == 2)
                    return Grads{mul(mul(g, Scalar(2)), conj(x))};
                  const Scalar less = exponent.is_integral() ? Scalar(exponent.i - 1)
                                      : exponent.is_complex()
                                          ? Scalar(Complex128(exponent.d - 1, exponent.im))
                                          : Scalar(exponent.d - 1);
                  return Grads{mul(g, conj(mul(pow(x, less), exponent)))};
                });
}

}  // namespace

Tensor pow(const Tensor& input, const Operand& other) {
  if (!other.is_tensor()) return power_of_number(input, other.scalar);
  const Tensor& exponent = other.tensor;
  const DType dtype = result_type(input, exponent);
  refuse_bool("pow", dtype);
  BinaryCall call("pow", input, exponent, dtype);
  const bool any = input.requires_grad() || exponent.requires_grad();
  const Tensor base = keep(input, call.out, any), power = keep(exponent, call.out, any);
  call.run(BinaryOp::pow);
  return record("pow:1", std::move(call.out), {input, exponent}, saved(base, power, call.out),
                [](const Node& n, const Tensor& g) {
                  const Tensor b = n.saved(0), e = n.saved(1);
                  Tensor to_base, to_exponent;
                  if (n.needs(0)) {
                    const Tensor slope = mul(g, conj(mul(pow(b, sub(e, Scalar(1))), e)));
                    to_base = where(eq(e, Scalar(0)), Operand(Scalar(0.0)), slope);
                  }
                  if (n.needs(1)) to_exponent = exponent_gradient(g, b, e, n.saved(2));
                  return Grads{to_base, to_exponent};
                });
}
PG_OP(pow, "(Tensor input, Tensor|Scalar exponent) -> Tensor",
      R"(Each element to a power, with broadcasting.

Args:
    input: the bases.
    exponent: a tensor that broadcasts against input, or a number.

Raises:
    RuntimeError: for integers to a negative integer power.

Example:
    >>> pygrad.pow(pygrad.tensor([2., 3.]), 2)
    tensor([4., 9.])
)")
.method().inplace();

Tensor rpow(Scalar base, const Tensor& exponent) {
  const DType dtype = result_type(exponent, base);
  refuse_bool("pow", dtype);
  BinaryCall call("pow", exponent, base, dtype);
  call.scalar_first = true;
  const Tensor power = keep(exponent, call.out, exponent.requires_grad());
  call.run(BinaryOp::pow);
  return record("pow:2", std::move(call.out), {exponent}, saved(power, call.out),
                [base](const Node& n, const Tensor& g) {
                  const Tensor e = n.saved(0), y = n.saved(1);
                  return Grads{exponent_gradient(g, full_like(y, base), e, y)};
                });
}
PG_OP_NAMED("pow", &rpow, "(Scalar self, Tensor exponent) -> Tensor",
            R"(A number to the power of each element.

Example:
    >>> pygrad.pow(2, pygrad.tensor([1., 3.]))
    tensor([2., 8.])
)");

Tensor float_power(const Tensor& input, const Operand& exponent) {
  const bool complex =
      is_complex(input.dtype()) ||
      (exponent.is_tensor() ? is_complex(exponent.tensor.dtype()) : exponent.scalar.is_complex());
  const DType dtype = complex ? DType::Complex128 : DType::Float64;
  if (exponent.is_tensor()) return pow(to(input, dtype), to(exponent.tensor, dtype));
  return pow(to(input, dtype), exponent);
}
PG_OP(float_power, "(Tensor input, Tensor|Scalar exponent) -> Tensor",
      R"(Each element to a power, in double precision.

Example:
    >>> pygrad.float_power(pygrad.tensor([1, 2, 3]), 2)
    tensor([1., 4., 9.], dtype=torch.float64)
)")
.method().inplace(false).composed();

Tensor rfloat_power(Scalar input, const Tensor& exponent) {
  const bool complex = input.is_complex() || is_complex(exponent.dtype());
  return rpow(input, to(exponent, complex ? DType::Complex128 : DType::Float64));
}
PG_OP_NAMED("float_power", &rfloat_power, "(Scalar self, Tensor exponent) -> Tensor",
            R"(A number to the power of each element, in double precision.)")
    .composed();

}  // namespace pygrad
