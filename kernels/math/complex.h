// Complex arithmetic and functions for host and device, with C99's branch cuts and signed zeros.
//
// The inverse functions follow W. Kahan, "Branch Cuts for Complex Elementary Functions" (1987):
// they are built from square roots of 1 - z and 1 + z, which keep the sign of a zero imaginary part
// and so choose the right side of a cut.
#pragma once

#include <cmath>

#include "kernels/dtype.h"

namespace pygrad {

template <class R>
PG_HOST_DEVICE Complex<R> operator+(Complex<R> a, Complex<R> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class R>
PG_HOST_DEVICE Complex<R> operator-(Complex<R> a, Complex<R> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class R>
PG_HOST_DEVICE Complex<R> operator-(Complex<R> a) {
  return {-a.re, -a.im};
}
template <class R>
PG_HOST_DEVICE Complex<R> operator*(Complex<R> a, Complex<R> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class R>
PG_HOST_DEVICE Complex<R> operator*(R s, Complex<R> a) {
  return {s * a.re, s * a.im};
}
// Smith's algorithm: divides by the larger part first, so that |b|^2 cannot overflow.
template <class R>
PG_HOST_DEVICE Complex<R> operator/(Complex<R> a, Complex<R> b) {
  // By zero: infinite or NaN part by part, where the ratios below would make both parts NaN.
  if (b.re == R(0) && b.im == R(0)) {
    const R zero = b.re * b.re;  // +0 of either sign; nvcc refuses a literal zero
    return {a.re / zero, a.im / zero};
  }
  if ((b.re < 0 ? -b.re : b.re) >= (b.im < 0 ? -b.im : b.im)) {
    const R ratio = b.im / b.re, scale = R(1) / (b.re + b.im * ratio);
    return {(a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale};
  }
  const R ratio = b.re / b.im, scale = R(1) / (b.re * ratio + b.im);
  return {(a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale};
}
template <class R>
PG_HOST_DEVICE bool operator==(Complex<R> a, Complex<R> b) {
  return a.re == b.re && a.im == b.im;
}
template <class R>
PG_HOST_DEVICE bool operator!=(Complex<R> a, Complex<R> b) {
  return !(a == b);
}

namespace math {

template <class R>
PG_HOST_DEVICE R abs(Complex<R> z) {
  return std::hypot(z.re, z.im);
}
template <class R>
PG_HOST_DEVICE R arg(Complex<R> z) {
  return std::atan2(z.im, z.re);
}
template <class R>
PG_HOST_DEVICE Complex<R> conj(Complex<R> z) {
  return {z.re, -z.im};
}
template <class R>
PG_HOST_DEVICE Complex<R> times_i(Complex<R> z) {
  return {-z.im, z.re};
}
template <class R>
PG_HOST_DEVICE Complex<R> times_minus_i(Complex<R> z) {
  return {z.im, -z.re};
}

template <class R>
PG_HOST_DEVICE Complex<R> exp(Complex<R> z) {
  const R e = std::exp(z.re);
  if (z.im == 0) return {e, z.im};
  if (e == 0 && !std::isfinite(z.im)) return {R(0), R(0)};  // exp(-inf) times any direction
  return {e * std::cos(z.im), e * std::sin(z.im)};
}

template <class R>
PG_HOST_DEVICE Complex<R> log(Complex<R> z) {
  const R r = abs(z);
  // Near |z| = 1 the logarithm of the rounded modulus would lose everything.
  const R modulus =
      r > R(0.5) && r < R(2)
          ? R(0.5) * std::log1p((std::fabs(z.re) - 1) * (std::fabs(z.re) + 1) + z.im * z.im)
          : std::log(r);
  return {modulus, arg(z)};
}

template <class R>
PG_HOST_DEVICE Complex<R> sqrt(Complex<R> z) {
  if (z.re == 0 && z.im == 0) return {R(0), z.im};
  if (std::isinf(z.im)) return {std::fabs(z.im), z.im};
  // Scaled by 1/4 so that |re| + |z| cannot overflow (and by 2 again on the way out).
  const R re = z.re * R(0.25), im = z.im * R(0.25);
  const R t = std::sqrt((std::fabs(re) + std::hypot(re, im)) * R(0.5));
  if (t == 0) return {R(0), std::copysign(std::sqrt(std::fabs(z.im) * R(0.5)), z.im)};
  const R other = R(0.5) * std::fabs(im) / t;
  return std::signbit(z.re) ? Complex<R>{2 * other, std::copysign(2 * t, z.im)}
                            : Complex<R>{2 * t, std::copysign(2 * other, z.im)};
}

template <class R>
PG_HOST_DEVICE Complex<R> sinh(Complex<R> z) {
  if (z.im == 0) return {std::sinh(z.re), z.im};
  return {std::sinh(z.re) * std::cos(z.im), std::cosh(z.re) * std::sin(z.im)};
}
template <class R>
PG_HOST_DEVICE Complex<R> cosh(Complex<R> z) {
  if (z.im == 0) return {std::cosh(z.re), z.re < 0 ? -z.im : z.im};
  return {std::cosh(z.re) * std::cos(z.im), std::sinh(z.re) * std::sin(z.im)};
}
template <class R>
PG_HOST_DEVICE Complex<R> tanh(Complex<R> z) {
  if (std::fabs(z.re) > R(22)) {  // tanh re has rounded to 1
    const R decay = std::exp(-2 * std::fabs(z.re));
    const R im = std::isfinite(z.im) ? 4 * std::sin(z.im) * std::cos(z.im) * decay : R(0);
    return {std::copysign(R(1), z.re), z.im == 0 ? z.im : im};
  }
  const R t = std::tan(z.im), beta = 1 + t * t;
  const R s = std::sinh(z.re), rho = std::sqrt(1 + s * s);
  const R scale = 1 / (1 + beta * s * s);
  return {beta * rho * s * scale, t * scale};
}
template <class R>
PG_HOST_DEVICE Complex<R> sin(Complex<R> z) {
  return times_minus_i(sinh(times_i(z)));
}
template <class R>
PG_HOST_DEVICE Complex<R> cos(Complex<R> z) {
  return cosh(times_i(z));
}
template <class R>
PG_HOST_DEVICE Complex<R> tan(Complex<R> z) {
  return times_minus_i(tanh(times_i(z)));
}

template <class R>
PG_HOST_DEVICE Complex<R> asin(Complex<R> z) {
  const Complex<R> minus = sqrt(Complex<R>{1 - z.re, -z.im}),
                   plus = sqrt(Complex<R>{1 + z.re, z.im});
  return {std::atan2(z.re, minus.re * plus.re - minus.im * plus.im),
          std::asinh(minus.re * plus.im - minus.im * plus.re)};
}
template <class R>
PG_HOST_DEVICE Complex<R> acos(Complex<R> z) {
  const Complex<R> minus = sqrt(Complex<R>{1 - z.re, -z.im}),
                   plus = sqrt(Complex<R>{1 + z.re, z.im});
  return {2 * std::atan2(minus.re, plus.re), std::asinh(plus.re * minus.im - plus.im * minus.re)};
}
template <class R>
PG_HOST_DEVICE Complex<R> acosh(Complex<R> z) {
  const Complex<R> minus = sqrt(Complex<R>{z.re - 1, z.im}),
                   plus = sqrt(Complex<R>{z.re + 1, z.im});
  return {std::asinh(minus.re * plus.re + minus.im * plus.im), 2 * std::atan2(minus.im, plus.re)};
}
template <class R>
PG_HOST_DEVICE Complex<R> asinh(Complex<R> z) {
  return times_minus_i(asin(times_i(z)));
}
template <class R>
PG_HOST_DEVICE Complex<R> atanh(Complex<R> z) {
  const R x = std::fabs(z.re), y = std::fabs(z.im);
  const R huge = sizeof(R) == 4 ? R(1e18) : R(1e150);
  if (x > huge || y > huge) {  // the squares below would overflow: 1/z, and a quarter turn
    const R re = std::isinf(x) || std::isinf(y) ? R(0) : (Complex<R>(1) / z).re;
    return {std::copysign(std::fabs(re), z.re), std::copysign(R(1.57079632679489661923), z.im)};
  }
  const R re = R(0.25) * std::log1p(4 * x / ((1 - x) * (1 - x) + y * y));
  const R im = R(0.5) * std::atan2(2 * y, (1 - x) * (1 + x) - y * y);
  return {std::copysign(re, z.re), std::copysign(im, z.im)};
}
template <class R>
PG_HOST_DEVICE Complex<R> atan(Complex<R> z) {
  return times_minus_i(atanh(times_i(z)));
}

template <class R>
PG_HOST_DEVICE Complex<R> pow(Complex<R> a, Complex<R> b) {
  if (b.re == 0 && b.im == 0) return {R(1), R(0)};
  if (a.re == 0 && a.im == 0) {
    return b.re > 0 ? Complex<R>{R(0), R(0)} : Complex<R>{R(NAN), R(NAN)};
  }
  // Small whole exponents by multiplication: exact where the parts are.
  if (b.im == 0 && b.re == std::nearbyint(b.re) && std::fabs(b.re) <= 16) {
    Complex<R> power = a, result = {R(1), R(0)};
    for (int n = int(std::fabs(b.re)); n != 0; n >>= 1) {
      if (n & 1) result = result * power;
      power = power * power;
    }
    return b.re < 0 ? Complex<R>(1) / result : result;
  }
  return exp(b * log(a));
}

}  // namespace math
}  // namespace pygrad
