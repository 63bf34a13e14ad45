// Special functions: the error function and gamma families, Bessel functions, logits and entropies.
//
// Those without a kernel of their own are composed in double precision, so that float32 results are
// rounded once, and are differentiable to any order because every step is.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {

Tensor digamma(const Tensor& input);
Tensor polygamma(int64_t n, const Tensor& input);
Tensor i1(const Tensor& input);
Tensor xlogy(const Tensor& input, const Operand& other);
Tensor lgamma(const Tensor& input);
Tensor sinh(const Tensor& input);

namespace {

constexpr double kPi = 3.14159265358979323846, kSqrtPi = 1.77245385090551602730;

}  // namespace

Tensor erf(const Tensor& input) {
  return unary_of_input(
      "erf", UnaryOp::erf, input, floating_input(input), [](const Node& n, const Tensor& g) {
        return Grads{mul(mul(g, Scalar(2 / kSqrtPi)), exp(neg(square(n.saved(0)))))};
      });
}
PG_OP(erf, "(Tensor input) -> Tensor",
      R"(Error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

Example:
    >>> pygrad.erf(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.8427])
)")
.method().inplace().also_in("special");

Tensor erfc(const Tensor& input) {
  return unary_of_input(
      "erfc", UnaryOp::erfc, input, floating_input(input), [](const Node& n, const Tensor& g) {
        return Grads{mul(mul(g, Scalar(-2 / kSqrtPi)), exp(neg(square(n.saved(0)))))};
      });
}
PG_OP(erfc, "(Tensor input) -> Tensor",
      R"(Complementary error function: 1 - erf(x), exact for large x.

Example:
    >>> pygrad.erfc(pygrad.tensor([0., 1.]))
    tensor([1.0000, 0.1573])
)")
.method().inplace().also_in("special");

Tensor erfinv(const Tensor& input) {
  return unary_of_output("erfinv", UnaryOp::erfinv, input, floating_input(input),
                         [](const Node& n, const Tensor& g) {
                           return Grads{mul(mul(g, Scalar(kSqrtPi / 2)), exp(square(n.saved(0))))};
                         });
}
PG_OP(erfinv, "(Tensor input) -> Tensor", R"(Inverse of the error function on (-1, 1).

Example:
    >>> pygrad.erfinv(pygrad.tensor([0., 0.5]))
    tensor([0.0000, 0.4769])
)")
.method().inplace().also_in("special");

Tensor lgamma(const Tensor& input) {
  return unary_of_input(
      "lgamma", UnaryOp::lgamma, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, digamma(n.saved(0)))}; });
}
PG_OP(lgamma, "(Tensor input) -> Tensor", R"(Logarithm of the absolute value of the gamma function.

Example:
    >>> pygrad.lgamma(pygrad.tensor([1., 5.]))
    tensor([0.0000, 3.1781])
)")
.method().inplace();
PG_OP_NAMED("gammaln", &lgamma, "(Tensor input) -> Tensor",
            R"(Logarithm of the absolute value of the gamma function.

Example:
    >>> pygrad.special.gammaln(pygrad.tensor([1., 3.]))
    tensor([0.0000, 0.6931])
)")
    .in("special");

Tensor digamma(const Tensor& input) {
  return unary_of_input(
      "digamma", UnaryOp::digamma, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, polygamma(1, n.saved(0)))}; });
}
PG_OP(digamma, "(Tensor input) -> Tensor", R"(Derivative of the logarithm of the gamma function.

Example:
    >>> pygrad.digamma(pygrad.tensor([1., 0.5]))
    tensor([-0.5772, -1.9635])
)")
.method().inplace().also_in("special");
PG_OP_NAMED("psi", &digamma, "(Tensor input) -> Tensor",
            R"(Derivative of the logarithm of the gamma function.

Example:
    >>> pygrad.special.psi(pygrad.tensor([1.]))
    tensor([-0.5772])
)")
    .in("special");

namespace {

// Hurwitz zeta at a whole s > 1 and q > 0, in double: ten terms of the sum, then Euler and
// Maclaurin's correction.
Tensor hurwitz_zeta(int64_t s, const Tensor& q) {
  constexpr int kTerms = 12;
  constexpr double kBernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                   5.0 / 66, -691.0 / 2730, 7.0 / 6};
  Tensor sum = pow(q, Scalar(-s));
  for (int k = 1; k < kTerms; ++k) sum = add(sum, pow(add(q, Scalar(k)), Scalar(-s)));
  const Tensor tail = add(q, Scalar(kTerms));
  sum = add(sum, div(pow(tail, Scalar(1 - s)), Scalar(double(s - 1))));
  sum = add(sum, mul(pow(tail, Scalar(-s)), Scalar(0.5)));
  double rising = double(s), factorial = 2;  // s (s+1) ... (s+2j-2) and (2j)!
  for (int j = 1; j <= 7; ++j) {
    sum = add(sum, mul(pow(tail, Scalar(-(s + 2 * j - 1))),
                       Scalar(kBernoulli[j - 1] * rising / factorial)));
    rising *= double(s + 2 * j - 1) * double(s + 2 * j);
    factorial *= (2 * j + 1) * (2 * j + 2);
  }
  return sum;
}

}  // namespace

Tensor polygamma(int64_t n, const Tensor& input) {
  PG_CHECK(n >= 0, "polygamma(): n is ", n,
           "; expected 0 or more (polygamma(n, x) does not support negative n)");
  if (n == 0) return digamma(input);
  const Tensor in = floating_input(input);
  require_floating("polygamma", in.dtype());
  const Tensor x = to(in, DType::Float64);
  const double scale = (n % 2 ? 1 : -1) * std::tgamma(double(n) + 1);
  const Tensor low = lt(x, Scalar(0.5));
  if (n > 1 || kernels::count_nonzero_total(low.device_type())(low.view()) == 0)
    return to(mul(hurwitz_zeta(n + 1, x), Scalar(scale)), in.dtype());
  // Reflection: trigamma(x) = (pi / sin(pi x))^2 - trigamma(1 - x).
  const Tensor above = where(low, rsub(x, Scalar(1.0)), x);
  const Tensor value = hurwitz_zeta(2, above);
  const Tensor mirrored =
      sub(square(div(Tensor(full_like(x, Scalar(kPi))), sin(mul(x, Scalar(kPi))))), value);
  return to(where(low, mirrored, value), in.dtype());
}
PG_OP(polygamma, "(int n, Tensor input) -> Tensor", R"(The n-th derivative of the digamma function.

Args:
    n: order, not negative.
    input: any shape, floating.

Example:
    >>> pygrad.polygamma(1, pygrad.tensor([1.]))
    tensor([1.6449])
)")
.also_in("special").composed();

Tensor polygamma_method(const Tensor& input, int64_t n) { return polygamma(n, input); }
PG_OP_NAMED("polygamma", &polygamma_method, "(Tensor input, int n) -> Tensor",
            R"(The n-th derivative of the digamma function, as a method.)")
    .in("Tensor")
    .method()
    .composed()
    .inplace(false);

Tensor mvlgamma(const Tensor& input, int64_t p) {
  PG_CHECK(p >= 1, "mvlgamma(): p has to be greater than or equal to 1, got ", p);
  const Tensor x = floating_input(input);
  Tensor sum = lgamma(x);
  for (int64_t j = 1; j < p; ++j) sum = add(sum, lgamma(sub(x, Scalar(0.5 * double(j)))));
  return add(sum, Scalar(double(p * (p - 1)) / 4 * std::log(kPi)));
}
PG_OP(mvlgamma, "(Tensor input, int p) -> Tensor",
      R"(Logarithm of the multivariate gamma function of dimension p.

Example:
    >>> pygrad.mvlgamma(pygrad.tensor([2., 3.]), 2)
    tensor([0.4516, 1.5502])
)")
.method().inplace(false).composed();
PG_OP_NAMED("multigammaln", &mvlgamma, "(Tensor input, int p) -> Tensor",
            R"(Logarithm of the multivariate gamma function of dimension p.

Example:
    >>> pygrad.special.multigammaln(pygrad.tensor([2., 3.]), 2)
    tensor([0.4516, 1.5502])
)")
    .in("special")
    .composed();

Tensor i0(const Tensor& input) {
  return unary_of_input(
      "i0", UnaryOp::i0, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, i1(n.saved(0)))}; });
}
PG_OP(i0, "(Tensor input) -> Tensor", R"(Modified Bessel function of the first kind, order 0.

Example:
    >>> pygrad.i0(pygrad.tensor([0., 1.]))
    tensor([1.0000, 1.2661])
)")
.method().inplace().also_in("special");

namespace {

// exp(-|x|) I_order(x) for order 0 or 1, in double, differentiable to any order. Up to |x| = 30 the
// trapezoidal rule on the integral of exp(x cos t) cos(order t), which converges like exp(-N^2 /
// 2x); above, the asymptotic series.
Tensor scaled_bessel(int order, const Tensor& x) {
  constexpr int kPoints = 64;
  constexpr double kSwitch = 30;
  const Tensor small = clamp(x, Scalar(-kSwitch), Scalar(kSwitch)), magnitude = abs(small);
  Tensor sum = zeros_like(x);
  // Order 1 pairs the points of cosines c and -c into sinh(cx): nothing cancels near 0.
  for (int m = 0; m <= (order ? kPoints / 4 - 1 : kPoints / 2); ++m) {
    const double c = std::cos(2 * kPi * m / kPoints),
                 weight = (m == 0 || m == kPoints / 2 ? 1.0 : 2.0) / kPoints;
    const Tensor cx = mul(small, Scalar(c));
    if (order)
      sum = add(sum, mul(mul(sinh(cx), exp(neg(magnitude))), Scalar(2 * weight * c)));
    else
      sum = add(sum, mul(exp(sub(cx, magnitude)), Scalar(weight)));
  }
  const Tensor r = abs(x), large = clamp(r, Scalar(kSwitch), std::nullopt);
  Tensor term = ones_like(x), series = ones_like(x);
  for (int k = 1; k <= 12; ++k) {
    const double factor = -(4.0 * order - double((2 * k - 1) * (2 * k - 1))) / (8.0 * k);
    term = mul(term, div(Tensor(full_like(x, Scalar(factor))), large));
    series = add(series, term);
  }
  series = mul(series, rsqrt(mul(large, Scalar(2 * kPi))));
  if (order) series = mul(series, sgn(x));
  return where(gt(r, Scalar(kSwitch)), series, sum);
}

Tensor bessel(const char* name, const Tensor& input, int order, bool scaled) {
  const Tensor in = floating_input(input);
  require_floating(name, in.dtype());
  const Tensor x = to(in, DType::Float64);
  const Tensor e = scaled_bessel(order, x);
  return to(scaled ? e : mul(e, exp(abs(x))), in.dtype());
}

}  // namespace

Tensor i1(const Tensor& input) { return bessel("i1", input, 1, false); }
PG_OP(i1, "(Tensor input) -> Tensor", R"(Modified Bessel function of the first kind, order 1.

Example:
    >>> pygrad.special.i1(pygrad.tensor([1., -1.]))
    tensor([ 0.5652, -0.5652])
)")
.in("special").composed();
Tensor i1e(const Tensor& input) { return bessel("i1e", input, 1, true); }
PG_OP(i1e, "(Tensor input) -> Tensor", R"(exp(-|x|) times the Bessel function i1.

Example:
    >>> pygrad.special.i1e(pygrad.tensor([1., -1.]))
    tensor([ 0.2079, -0.2079])
)")
.in("special").composed();
Tensor i0e(const Tensor& input) { return bessel("i0e", input, 0, true); }
PG_OP(i0e, "(Tensor input) -> Tensor", R"(exp(-|x|) times the Bessel function i0.

Example:
    >>> pygrad.special.i0e(pygrad.tensor([0., 1.]))
    tensor([1.0000, 0.4658])
)")
.in("special").composed();

Tensor sinc(const Tensor& input) {
  if (is_complex(input.dtype())) {
    const Tensor zero = eq(input, Scalar(0)),
                 z = mul(masked_fill(input, zero, Scalar(1)), Scalar(kPi));
    return masked_fill(div(sin(z), z), zero, Scalar(1));
  }
  return unary_of_input("sinc", UnaryOp::sinc, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          const Tensor x = n.saved(0), px = mul(x, Scalar(kPi));
                          const Tensor slope = div(sub(cos(px), div(sin(px), px)), x);
                          return Grads{mul(g, masked_fill(slope, eq(x, Scalar(0)), Scalar(0)))};
                        });
}
PG_OP(sinc, "(Tensor input) -> Tensor", R"(Normalised sinc: sin(pi x) / (pi x), 1 at 0.

Example:
    >>> pygrad.sinc(pygrad.tensor([0., 0.5]))
    tensor([1.0000, 0.6366])
)")
.method().inplace().also_in("special");

Tensor logit(const Tensor& input, std::optional<double> eps) {
  const Tensor x = floating_input(input);
  require_floating("logit", x.dtype());
  const Tensor inside = eps ? clamp(x, Scalar(*eps), Scalar(1 - *eps)) : x;
  if (!eps)
    return unary_of_input("logit", UnaryOp::logit, input, x, [](const Node& n, const Tensor& g) {
      const Tensor p = n.saved(0);
      const Tensor inside = logical_and(ge(p, Scalar(0)), Operand(le(p, Scalar(1))));
      return Grads{where(inside, div(g, mul(p, rsub(p, Scalar(1)))), Scalar(std::nan("")))};
    });
  Tensor out = empty_like(x);
  kernels::unary(x.device_type())(UnaryOp::logit, out.view(), inside.view());
  const double low = *eps;
  return record("logit", out, {input}, saved(x), [low](const Node& n, const Tensor& g) {
    const Tensor p = n.saved(0);
    const Tensor outside =
        logical_not(logical_and(ge(p, Scalar(low)), Operand(le(p, Scalar(1 - low)))));
    return Grads{masked_fill(div(g, mul(p, rsub(p, Scalar(1)))), outside, Scalar(0))};
  });
}
PG_OP(logit, "(Tensor input, float? eps=None) -> Tensor",
      R"(log(x / (1 - x)), with x first clamped to [eps, 1 - eps].

Example:
    >>> pygrad.logit(pygrad.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
)")
.method().inplace(false).also_in("special");

Tensor entr(const Tensor& input) {
  const Tensor x = floating_input(input);
  require_floating("entr", x.dtype());
  Tensor out;
  {
    GradGuard off(false);
    out = where(lt(x, Scalar(0)), full_like(x, Scalar(-HUGE_VAL)), neg(xlogy(x, x)));
  }
  return record("SpecialEntrBackward0", out, {input}, saved(x), [](const Node& n, const Tensor& g) {
    return Grads{mul(g, rsub(log(n.saved(0)), Scalar(-1)))};
  });
}
PG_OP(entr, "(Tensor input) -> Tensor", R"(Entropy terms: -x log x, 0 at 0, -inf below.

Example:
    >>> pygrad.special.entr(pygrad.tensor([0.5, -1.]))
    tensor([0.3466,   -inf])
)")
.in("special");

Tensor ndtr(const Tensor& input) {
  const Tensor x = floating_input(input);
  return mul(erfc(mul(x, Scalar(-0.70710678118654752440))), Scalar(0.5));
}
PG_OP(ndtr, "(Tensor input) -> Tensor", R"(Distribution function of the standard normal.

Example:
    >>> pygrad.special.ndtr(pygrad.tensor([0., 1.]))
    tensor([0.5000, 0.8413])
)")
.in("special").composed();

Tensor ndtri(const Tensor& input) {
  const Tensor x = floating_input(input);
  return mul(erfinv(sub(mul(x, Scalar(2)), Scalar(1))), Scalar(1.41421356237309504880));
}
PG_OP(ndtri, "(Tensor input) -> Tensor",
      R"(Quantile function of the standard normal: the inverse of ndtr.

Example:
    >>> pygrad.special.ndtri(pygrad.tensor([0.5, 0.8413]))
    tensor([0.0000, 0.9998])
)")
.in("special").composed();

Tensor erfcx(const Tensor& input) {
  const Tensor in = floating_input(input);
  require_floating("erfcx", in.dtype());
  const Tensor x = to(in, DType::Float64);
  // exp(x^2) erfc(x) as it stands while erfc has digits; Laplace's continued fraction beyond.
  const Tensor near = clamp(x, std::nullopt, Scalar(5.0)),
               far = clamp(x, Scalar(5.0), std::nullopt);
  const Tensor direct = mul(exp(square(near)), erfc(near));
  Tensor fraction = far;
  for (int k = 60; k >= 1; --k) fraction = add(far, rdiv(Scalar(0.5 * k), fraction));
  return to(where(gt(x, Scalar(5.0)), rdiv(Scalar(1 / kSqrtPi), fraction), direct), in.dtype());
}
PG_OP(erfcx, "(Tensor input) -> Tensor", R"(Scaled complementary error function: exp(x^2) erfc(x).

Example:
    >>> pygrad.special.erfcx(pygrad.tensor([0., 10.]))
    tensor([1.0000, 0.0561])
)")
.in("special").composed();

Tensor log_ndtr(const Tensor& input) {
  const Tensor in = floating_input(input);
  require_floating("log_ndtr", in.dtype());
  const Tensor x = to(in, DType::Float64);
  // Below -1: log(erfcx(-x / sqrt 2) / 2) - x^2 / 2, which does not underflow.
  const Tensor low = clamp(x, std::nullopt, Scalar(-1.0)),
               high = clamp(x, Scalar(-1.0), std::nullopt);
  const Tensor tail = sub(log(mul(erfcx(mul(low, Scalar(-0.70710678118654752440))), Scalar(0.5))),
                          mul(square(low), Scalar(0.5)));
  const Tensor body = log(ndtr(high));
  return to(where(lt(x, Scalar(-1.0)), tail, body), in.dtype());
}
PG_OP(log_ndtr, "(Tensor input) -> Tensor",
      R"(Logarithm of the standard normal's distribution function, without underflow.

Example:
    >>> pygrad.special.log_ndtr(pygrad.tensor([0., -30.]))
    tensor([  -0.6931, -454.3213])
)")
.in("special").composed();

Tensor sigmoid_backward(const Tensor& grad, const Tensor& output);

Tensor sigmoid(const Tensor& input) {
  return unary_of_output(
      "sigmoid", UnaryOp::sigmoid, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{sigmoid_backward(g, n.saved(0))}; });
}
PG_OP(sigmoid, "(Tensor input) -> Tensor", R"(Logistic function: y = 1 / (1 + e^-x).

Args:
    input: any shape; integers are computed in the default dtype.

Example:
    >>> pygrad.sigmoid(pygrad.tensor([0., 2.]))
    tensor([0.5000, 0.8808])
)")
.method().inplace();
PG_OP_NAMED("expit", &sigmoid, "(Tensor input) -> Tensor", R"(Logistic function.

Example:
    >>> pygrad.special.expit(pygrad.tensor([0.]))
    tensor([0.5000])
)")
    .in("special");

Tensor sigmoid_backward(const Tensor& grad, const Tensor& output) {
  if (is_complex(output.dtype()) || grad.dtype() != output.dtype())
    return mul(grad, conj(mul(output, rsub(output, Scalar(1)))));
  const Tensor out = make_output(output, output.sizes(), output.dtype(), {grad, output});
  if (!is_large(out.numel()) ||
      !defer({.kernel = PointwiseStep::Kernel::sigmoid_backward}, out, {&grad, &output}))
    kernels::sigmoid_backward(output.device_type())(out.view(), grad.view(), output.view());
  return record("sigmoid_backward", out, {grad, output}, saved(grad, output),
                [](const Node& n, const Tensor& gg) {
                  const Tensor g = n.saved(0), y = n.saved(1);
                  return Grads{
                      n.needs(0) ? sigmoid_backward(gg, y) : Tensor(),
                      n.needs(1) ? mul(mul(g, gg), rsub(mul(y, Scalar(2)), Scalar(1))) : Tensor()};
                });
}
PG_OP(sigmoid_backward, "(Tensor grad, Tensor output) -> Tensor", R"(grad * output * (1 - output))")
.in("_internal");

}  // namespace pygrad
