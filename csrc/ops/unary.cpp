// Exponentials, logarithms, roots, signs and rounding: functions of one tensor.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

constexpr double kLn2 = 0.693147180559945309417, kLn10 = 2.302585092994045684018;

// The complex logarithms and exponentials to another base follow from log and exp.
Tensor scaled_log(const Tensor& z, double ln_base) { return div(log(z), Scalar(ln_base)); }

}  // namespace

Tensor exp(const Tensor& input) {
  return unary_of_output(
      "exp", UnaryOp::exp, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, conj(n.saved(0)))}; });
}
PG_OP(exp, "(Tensor input) -> Tensor", R"(Exponential of each element: y = e^x.

Args:
    input: any shape; integers are computed in the default dtype.

Example:
    >>> pygrad.exp(pygrad.tensor([0., 1.]))
    tensor([1.0000, 2.7183])
)")
.method().inplace().also_in("special");

Tensor exp2(const Tensor& input) {
  if (is_complex(input.dtype())) return exp(mul(input, Scalar(kLn2)));
  return unary_of_output(
      "exp2", UnaryOp::exp2, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, mul(n.saved(0), Scalar(kLn2)))}; });
}
PG_OP(exp2, "(Tensor input) -> Tensor", R"(Two to the power of each element: y = 2^x.

Example:
    >>> pygrad.exp2(pygrad.tensor([0., 3.]))
    tensor([1., 8.])
)")
.method().inplace().also_in("special");

Tensor expm1(const Tensor& input) {
  if (is_complex(input.dtype())) return sub(exp(input), Scalar(1.0));
  return unary_of_output(
      "expm1", UnaryOp::expm1, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, add(n.saved(0), Scalar(1)))}; });
}
PG_OP(expm1, "(Tensor input) -> Tensor", R"(Exponential minus one, exact near zero: y = e^x - 1.

Example:
    >>> pygrad.expm1(pygrad.tensor([0., 1.]))
    tensor([0.0000, 1.7183])
)")
.method().inplace().also_in("special");

Tensor log(const Tensor& input) {
  return unary_of_input(
      "log", UnaryOp::log, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{div(g, conj(n.saved(0)))}; });
}
PG_OP(log, "(Tensor input) -> Tensor",
      R"(Natural logarithm of each element; negative reals give NaN.

Example:
    >>> pygrad.log(pygrad.tensor([1., 10.]))
    tensor([0.0000, 2.3026])
)")
.method().inplace();

Tensor log2(const Tensor& input) {
  if (is_complex(input.dtype())) return scaled_log(input, kLn2);
  return unary_of_input(
      "log2", UnaryOp::log2, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{div(g, mul(n.saved(0), Scalar(kLn2)))}; });
}
PG_OP(log2, "(Tensor input) -> Tensor", R"(Logarithm to base 2 of each element.

Example:
    >>> pygrad.log2(pygrad.tensor([1., 8.]))
    tensor([0., 3.])
)")
.method().inplace();

Tensor log10(const Tensor& input) {
  if (is_complex(input.dtype())) return scaled_log(input, kLn10);
  return unary_of_input(
      "log10", UnaryOp::log10, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{div(g, mul(n.saved(0), Scalar(kLn10)))}; });
}
PG_OP(log10, "(Tensor input) -> Tensor", R"(Logarithm to base 10 of each element.

Example:
    >>> pygrad.log10(pygrad.tensor([1., 1000.]))
    tensor([0., 3.])
)")
.method().inplace();

Tensor log1p(const Tensor& input) {
  if (is_complex(input.dtype())) return log(add(input, Scalar(1.0)));
  return unary_of_input(
      "Log1PBackward0", UnaryOp::log1p, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{div(g, add(n.saved(0), Scalar(1)))}; });
}
PG_OP(log1p, "(Tensor input) -> Tensor", R"(Logarithm of 1 + x, exact near zero.

Example:
    >>> pygrad.log1p(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.6931])
)")
.method().inplace().also_in("special");

Tensor sqrt(const Tensor& input) {
  return unary_of_output("sqrt", UnaryOp::sqrt, input, floating_input(input),
                         [](const Node& n, const Tensor& g) {
                           return Grads{div(g, mul(conj(n.saved(0)), Scalar(2)))};
                         });
}
PG_OP(sqrt, "(Tensor input) -> Tensor", R"(Square root of each element; negative reals give NaN.

Example:
    >>> pygrad.sqrt(pygrad.tensor([4., 2.]))
    tensor([2.0000, 1.4142])
)")
.method().inplace();

Tensor rsqrt(const Tensor& input) {
  return unary_of_output("rsqrt", UnaryOp::rsqrt, input, floating_input(input),
                         [](const Node& n, const Tensor& g) {
                           const Tensor y = n.saved(0);
                           return Grads{mul(mul(g, Scalar(-0.5)), conj(mul(y, mul(y, y))))};
                         });
}
PG_OP(rsqrt, "(Tensor input) -> Tensor", R"(Reciprocal of the square root: y = 1 / sqrt(x).

Example:
    >>> pygrad.rsqrt(pygrad.tensor([4., 1.]))
    tensor([0.5000, 1.0000])
)")
.method().inplace();

Tensor reciprocal(const Tensor& input) {
  return unary_of_output("reciprocal", UnaryOp::reciprocal, input, floating_input(input),
                         [](const Node& n, const Tensor& g) {
                           const Tensor y = n.saved(0);
                           return Grads{mul(neg(g), conj(mul(y, y)))};
                         });
}
PG_OP(reciprocal, "(Tensor input) -> Tensor", R"(One divided by each element.

Example:
    >>> pygrad.reciprocal(pygrad.tensor([4., -2.]))
    tensor([ 0.2500, -0.5000])
)")
.method().inplace();

Tensor square(const Tensor& input) {
  const Tensor x = input.dtype() == DType::Bool ? to(input, DType::Int64) : input;
  return unary_of_input("pow", UnaryOp::square, input, x, [](const Node& n, const Tensor& g) {
    return Grads{mul(mul(g, Scalar(2)), conj(n.saved(0)))};
  });
}
PG_OP(square, "(Tensor input) -> Tensor", R"(Each element times itself.

Example:
    >>> pygrad.square(pygrad.tensor([3., -2.]))
    tensor([9., 4.])
)")
.method().inplace();

Tensor neg(const Tensor& input) {
  PG_CHECK(input.dtype() != DType::Bool,
           "neg(): Negation, the `-` operator, on a bool tensor is not supported. If you are "
           "trying to invert a mask, use "
           "the `~` or `logical_not()` operator instead");
  return unary_plain("neg", UnaryOp::neg, input, input,
                     [](const Node&, const Tensor& g) { return Grads{neg(g)}; });
}
PG_OP(neg, "(Tensor input) -> Tensor", R"(Each element with its sign changed.

Raises:
    RuntimeError: for a bool tensor.

Example:
    >>> pygrad.neg(pygrad.tensor([1., -2.]))
    tensor([-1.,  2.])
)")
.method().inplace().alias("negative");

Tensor positive(const Tensor& input) {
  PG_CHECK(input.dtype() != DType::Bool,
           "positive(): the `+` operator, on a bool tensor is not supported");
  return input;
}
PG_OP(positive, "(Tensor input) -> Tensor", R"(The tensor itself; refuses bool tensors.

Example:
    >>> pygrad.positive(pygrad.tensor([-1, 2]))
    tensor([-1,  2])
)")
.method().composed();

Tensor abs(const Tensor& input) {
  refuse_bool("abs", input.dtype());
  const auto backward = [](const Node& n, const Tensor& g) {
    return Grads{mul(g, sgn(n.saved(0)))};
  };
  if (!is_complex(input.dtype()))
    return unary_of_input("abs", UnaryOp::abs, input, input, backward);
  Tensor out = make_output(input, input.sizes(), real_dtype(input.dtype()), {input});
  kernels::complex_to_real(input.device_type())(ComplexToRealOp::complex_abs, out.view(),
                                                input.view());
  return record("abs", std::move(out), {input}, saved(input), backward);
}
PG_OP(abs, "(Tensor input) -> Tensor", R"(Absolute value; of a complex number, its modulus.

Example:
    >>> pygrad.abs(pygrad.tensor([-1.5, 2.]))
    tensor([1.5000, 2.0000])
)")
.method().inplace().alias("absolute");

Tensor sign(const Tensor& input) {
  PG_CHECK_KIND(
      NotImplemented, !is_complex(input.dtype()),
      "sign(): Unlike NumPy, sign is not intended to support complex numbers. Use sgn() instead");
  if (input.dtype() == DType::Bool) return clone(input);
  return unary_plain("sign", UnaryOp::sign, input, input,
                     [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
}
PG_OP(sign, "(Tensor input) -> Tensor", R"(-1, 0 or 1 by the sign of each element; gradient 0.

Example:
    >>> pygrad.sign(pygrad.tensor([-3., 0., 2.]))
    tensor([-1.,  0.,  1.])
)")
.method().inplace(false);

Tensor sgn(const Tensor& input) {
  if (input.dtype() == DType::Bool) return clone(input);
  if (!is_complex(input.dtype()))
    return unary_plain("sgn", UnaryOp::sgn, input, input,
                       [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
  return unary_of_input("sgn", UnaryOp::sgn, input, input, [](const Node& n, const Tensor& g) {
    // s = z / |z|; only the part of g orthogonal to s changes s.
    const Tensor z = n.saved(0), s = sgn(z), r = abs(z);
    const Tensor along = mul(s, real(mul(conj(s), g)));
    return Grads{masked_fill(div(sub(g, along), r), eq(r, Scalar(0)), Scalar(0))};
  });
}
PG_OP(sgn, "(Tensor input) -> Tensor",
      R"(z / |z|, and 0 for 0: the sign, extended to complex numbers.

Example:
    >>> pygrad.sgn(pygrad.tensor([-3., 0., 2.]))
    tensor([-1.,  0.,  1.])
)")
.method().inplace(false);

Tensor conj(const Tensor& input) {
  if (!is_complex(input.dtype())) return input;
  return unary_plain("conj", UnaryOp::conj, input, input,
                     [](const Node&, const Tensor& g) { return Grads{conj(g)}; });
}
PG_OP_NAMED("conj", static_cast<Tensor (*)(const Tensor&)>(&conj), "(Tensor input) -> Tensor",
            R"(Complex conjugate; a real tensor itself.

Example:
    >>> pygrad.conj(pygrad.tensor([1 + 2j]))
    tensor([1.-2.j])
)")
    .method();

Tensor conj_physical(const Tensor& input) {
  return is_complex(input.dtype()) ? conj(input) : clone(input);
}
PG_OP(conj_physical, "(Tensor input) -> Tensor", R"(Complex conjugate in fresh memory.

Example:
    >>> pygrad.conj_physical(pygrad.tensor([1 + 2j]))
    tensor([1.-2.j])
)")
.method().inplace(false).composed();

Tensor resolve_conj(const Tensor& input) { return input; }
PG_OP(resolve_conj, "(Tensor input) -> Tensor",
      R"(The tensor itself: conjugation is never delayed here.

Example:
    >>> pygrad.resolve_conj(pygrad.tensor([1 + 2j]).conj())
    tensor([1.-2.j])
)")
.method().composed();
PG_OP_NAMED("resolve_neg", &resolve_conj, "(Tensor input) -> Tensor",
            R"(The tensor itself: negation is never delayed here.

Example:
    >>> pygrad.resolve_neg(pygrad.tensor([1, 2]))
    tensor([1, 2])
)")
    .method()
    .composed();

Tensor angle(const Tensor& input) {
  if (!is_complex(input.dtype())) {
    // pi for negative numbers, 0 for the others; NaN stays.
    const Tensor x = floating_input(input);
    const Tensor out =
        where(isnan(x), x, where(lt(x, Scalar(0)), Scalar(3.14159265358979323846), zeros_like(x)));
    return record("angle", alias(out), {input}, {},
                  [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
  }
  const Tensor out = empty_like(input, real_dtype(input.dtype()));
  kernels::complex_to_real(input.device_type())(ComplexToRealOp::angle, out.view(), input.view());
  return record("angle", std::move(out), {input}, saved(input), [](const Node& n, const Tensor& g) {
    const Tensor z = n.saved(0), r = abs(z);
    const Tensor turned = div(mul(mul(z, Scalar(Complex128(0, 1))), g), mul(r, r));
    return Grads{masked_fill(turned, eq(r, Scalar(0)), Scalar(0))};
  });
}
PG_OP(angle, "(Tensor input) -> Tensor",
      R"(The argument of each element in radians; real numbers give 0 or pi.

Example:
    >>> pygrad.angle(pygrad.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])
)")
.method();

// Rounding: integers are whole already; the gradient is zero wherever it exists.
namespace {

Tensor rounded(const char* name, UnaryOp op, const Tensor& input) {
  refuse_bool(name, input.dtype());
  refuse_complex(name, input.dtype());
  if (is_integral(input.dtype())) return clone(input);
  return unary_plain(name, op, input, input,
                     [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
}

}  // namespace

Tensor floor(const Tensor& input) { return rounded("floor", UnaryOp::floor, input); }
PG_OP(floor, "(Tensor input) -> Tensor", R"(The largest whole number not above each element.

Example:
    >>> pygrad.floor(pygrad.tensor([1.7, -1.2]))
    tensor([ 1., -2.])
)")
.method().inplace(false);

Tensor ceil(const Tensor& input) { return rounded("ceil", UnaryOp::ceil, input); }
PG_OP(ceil, "(Tensor input) -> Tensor", R"(The smallest whole number not below each element.

Example:
    >>> pygrad.ceil(pygrad.tensor([1.2, -1.7]))
    tensor([ 2., -1.])
)")
.method().inplace(false);

Tensor trunc(const Tensor& input) { return rounded("trunc", UnaryOp::trunc, input); }
PG_OP(trunc, "(Tensor input) -> Tensor", R"(Each element without its fraction.

Example:
    >>> pygrad.trunc(pygrad.tensor([1.7, -1.7]))
    tensor([ 1., -1.])
)")
.method().inplace(false).alias("fix");

Tensor round(const Tensor& input) { return rounded("round", UnaryOp::round, input); }
PG_OP(round, "(Tensor input) -> Tensor", R"(The nearest whole number; halves go to the even one.

Example:
    >>> pygrad.round(pygrad.tensor([0.5, 1.5, -0.7]))
    tensor([ 0.,  2., -1.])
)")
.method().inplace(false).also_in("special");

Tensor round_decimals(const Tensor& input, int64_t decimals) {
  if (decimals == 0) return round(input);
  require_floating("round", input.dtype());
  // Scaling by the positive power keeps both steps exact for as long as the dtype can.
  const Scalar scale(std::pow(10.0, std::abs(double(decimals))));
  Tensor out;
  {
    GradGuard off(false);
    out =
        decimals > 0 ? div(round(mul(input, scale)), scale) : mul(round(div(input, scale)), scale);
  }
  return record("round:1", std::move(out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
}
PG_OP_NAMED("round", &round_decimals, "(Tensor input, *, int decimals=0) -> Tensor",
            R"(Each element rounded to a number of decimals, which may be negative.

Example:
    >>> pygrad.round(pygrad.tensor([1.2345]), decimals=2)
    tensor([1.2300])
)")
    .method()
    .inplace(false);

Tensor frac(const Tensor& input) {
  require_floating("frac", input.dtype());
  return unary_plain("frac", UnaryOp::frac, input, input,
                     [](const Node&, const Tensor& g) { return Grads{g}; });
}
PG_OP(frac, "(Tensor input) -> Tensor",
      R"(The fraction of each element, with its sign: x - trunc(x).

Example:
    >>> pygrad.frac(pygrad.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
)")
.method().inplace();

namespace {

Tensor scaled_angle(const char* name, const Tensor& input, double factor) {
  refuse_complex(name, input.dtype());
  const Tensor x = floating_input(input);
  BinaryCall call(name, x, Scalar(factor), x.dtype());
  call.run(BinaryOp::mul);
  return record(name, std::move(call.out), {input}, {},
                [factor](const Node&, const Tensor& g) { return Grads{mul(g, Scalar(factor))}; });
}

}  // namespace

Tensor deg2rad(const Tensor& input) {
  return scaled_angle("Deg2RadBackward0", input, 3.14159265358979323846 / 180);
}
PG_OP(deg2rad, "(Tensor input) -> Tensor", R"(Degrees to radians.

Example:
    >>> pygrad.deg2rad(pygrad.tensor([180., 90.]))
    tensor([3.1416, 1.5708])
)")
.method().inplace();

Tensor rad2deg(const Tensor& input) {
  return scaled_angle("Rad2DegBackward0", input, 180 / 3.14159265358979323846);
}
PG_OP(rad2deg, "(Tensor input) -> Tensor", R"(Radians to degrees.

Example:
    >>> pygrad.rad2deg(pygrad.tensor([0.]))
    tensor([0.])
)")
.method().inplace();

}  // namespace pygrad
