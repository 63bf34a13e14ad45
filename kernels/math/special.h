// Special functions that the C library lacks, or whose library form is not safe with threads.
//
// All are computed in double, also for float arguments: they are rare, and double makes every float
// result right to the last bit but one without a second set of coefficients.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/platform.h"

namespace pygrad::math {

// The library's lgamma also writes the sign into a global variable, which threads would race for.
PG_HOST_DEVICE double lgamma(double x) {
#if defined(__CUDA_ARCH__)
  return ::lgamma(x);
#else
  int sign;
  return ::lgamma_r(x, &sign);
#endif
}

// Psi: recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18); reflection
// below 0.
PG_HOST_DEVICE double digamma(double x) {
  constexpr double kPi = 3.14159265358979323846;
  if (x == 0) return std::copysign(double(INFINITY), -x);
  double result = 0;
  if (x < 0) {
    double whole;
    const double part = std::modf(x, &whole);
    if (part == 0) return NAN;  // a pole
    result = -kPi / std::tan(kPi * part);
    x = 1 - x;
  }
  while (x < 10) {
    result -= 1 / x;
    x += 1;
  }
  const double y = 1 / (x * x);
  // Bernoulli numbers B(2k) / 2k.
  const double series =
      y * (1.0 / 12 -
           y * (1.0 / 120 -
                y * (1.0 / 252 -
                     y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y * (1.0 / 12)))))));
  return result + std::log(x) - 0.5 / x - (x < 1e17 ? series : 0);
}

// Winitzki's closed form (relative error 2e-3), then two steps of Halley's method, each of which
// cubes the error.
PG_HOST_DEVICE double erfinv(double y) {
  const double a = std::fabs(y);
  if (!(a <= 1)) return NAN;
  if (a == 1) return std::copysign(double(INFINITY), y);
  if (a == 0) return y;
  constexpr double kA = 0.147, kTwoOverPiA = 4.33074675;  // 2 / (pi a)
  const double tail = 1 - a;                              // exact for a >= 1/2
  const double l = std::log(tail) + std::log1p(a);        // log(1 - y^2)
  const double m = kTwoOverPiA + 0.5 * l;
  double x = std::sqrt(std::sqrt(m * m - l / kA) - m);
  for (int step = 0; step < 2; ++step) {
    // Near 1 the difference is taken between the tails, where nothing cancels.
    const double error = a > 0.5 ? tail - std::erfc(x) : std::erf(x) - a;
    const double u = error * 0.88622692545275801365 * std::exp(x * x);  // sqrt(pi) / 2
    x -= u / (1 + x * u);
  }
  return std::copysign(x, y);
}

// Modified Bessel function of order 0: the power series, whose terms are all positive, up to 30;
// above, the asymptotic series (Abramowitz and Stegun 9.7.1), whose error there is below exp(-60).
PG_HOST_DEVICE double i0(double x) {
  x = std::fabs(x);
  if (!(x < 1e4)) return x != x ? x : double(INFINITY);
  double term = 1, sum = 1;
  if (x <= 30) {
    const double q = x * x * 0.25;
    for (int k = 1; term > 1e-17 * sum; ++k) {
      term *= q / (double(k) * k);
      sum += term;
    }
    return sum;
  }
  for (int k = 1; k < 40 && term > 1e-17; ++k) {
    term *= (2.0 * k - 1) * (2.0 * k - 1) / (8.0 * k * x);
    sum += term;
  }
  const double half = std::exp(0.5 * x);  // exp(x) alone overflows before I0 does
  return half * (sum / std::sqrt(6.28318530717958647692 * x)) * half;
}

}  // namespace pygrad::math
