// log |gamma| and its derivative for float vectors, by way of double.
//
// Both shift the argument up to kShifted, where Stirling's series (Abramowitz and Stegun 6.1.41 and
// 6.3.18) is good to the last bits of a double, and reflect arguments below 1/2 (6.1.17, 6.3.7).
#pragma once

#include "kernels/cpu/vec_power.h"
#include "kernels/cpu/vec_trigonometry.h"

namespace pygrad::cpu::PG_ISA_NS {

constexpr double kShifted = 10, kPi = 3.14159265358979323846;

// sin(pi x) and cos(pi x): whole turns are taken out exactly.
PG_HOST_INLINE void sincos_pi(Vec<double> x, Vec<double>& sine, Vec<double>& cosine) {
  const Vec<double> t = abs(x) * 0.5;
  sincos_turns(t - floor(t), sine, cosine);
  sine = x < 0.0 ? -sine : sine;
}

PG_HOST_INLINE Vec<double> log_gamma(Vec<double> x) {
  const auto reflected = x < 0.5;
  Vec<double> z = reflected ? 1.0 - x : x, product = splat(1.0);
  for (int i = 0; i < int(kShifted); ++i) {
    const auto small = z < kShifted;
    product = small ? product * z : product;
    z = small ? z + 1.0 : z;
  }
  const Vec<double> inverse = 1.0 / z;
  const Vec<double> series =
      inverse *
      polynomial<Vec<double>, 7>(inverse * inverse, {1 / 156., -691 / 360360., 1 / 1188.,
                                                     -1 / 1680., 1 / 1260., -1 / 360., 1 / 12.});
  Vec<double> r = fma(z - 0.5, log(z), -z) + (0.91893853320467274178 + series);
  if (any(reflected)) {
    Vec<double> sine, cosine;
    sincos_pi(x, sine, cosine);
    r = reflected ? -r : r;
    product = reflected ? abs(sine) / (product * kPi) : product;
  }
  r -= log(product);
  // The series' terms cancel around its zeros: there Taylor's.
  const Vec<double> e = x - 1.0, f = x - 2.0;
  const Vec<double> at_one =
      e * polynomial<Vec<double>, 4>(e, {0.27058080842778455, -0.40068563438653143,
                                         0.82246703342411322, -0.57721566490153286});
  const Vec<double> at_two =
      f * polynomial<Vec<double>, 4>(f, {0.020580808427784548, -0.067352301053198096,
                                         0.32246703342411322, 0.42278433509846714});
  r = abs(e) < 0x1p-10 ? at_one : r;
  r = abs(f) < 0x1p-10 ? at_two : r;
  r += 0.0;  // not -0
  return abs(x) == double(INFINITY) ? splat(double(INFINITY)) : r;
}

PG_HOST_INLINE Vec<double> digamma_of(Vec<double> x) {
  const auto reflected = x < 0.0;
  Vec<double> z = reflected ? 1.0 - x : x;
  // 1/z + 1/(z + 1) + ... as one fraction.
  Vec<double> above = splat(0.0), below = splat(1.0);
  for (int i = 0; i < int(kShifted); ++i) {
    const auto small = z < kShifted;
    above = small ? fma(above, z, below) : above;
    below = small ? below * z : below;
    z = small ? z + 1.0 : z;
  }
  const Vec<double> inverse = 1.0 / z, y = inverse * inverse;
  const Vec<double> series =
      y * polynomial<Vec<double>, 7>(
              y, {1 / 12., -691 / 32760., 1 / 132., -1 / 240., 1 / 252., -1 / 120., 1 / 12.});
  Vec<double> r = log(z) - 0.5 * inverse - series - above / below;
  if (any(reflected)) {
    Vec<double> sine, cosine;
    sincos_pi(x, sine, cosine);
    r = reflected ? r - kPi * cosine / sine : r;
    r = reflected & (floor(x) == x) ? splat(double(NAN)) : r;  // a pole
  }
  return x == 0.0 ? copysign(splat(double(INFINITY)), -x) : r;
}

PG_HOST_INLINE Vec<float> lgamma(Vec<float> x) {
  return through_double(
      x, x, [](Vec<double> a, Vec<double>) __attribute__((always_inline)) { return log_gamma(a); });
}
PG_HOST_INLINE Vec<float> digamma(Vec<float> x) {
  return through_double(x, x, [](Vec<double> a, Vec<double>) __attribute__((always_inline)) {
    return digamma_of(a);
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
