// Sine, cosine, tangent and their inverses of whole vectors, at most about 2 units in the last
// place from the truth (tan 3). Method and sources: see vec_math.h.
#pragma once

#include "kernels/cpu/vec_math.h"

namespace pygrad::cpu::PG_ISA_NS {

// x = q pi/2 + r for |x| < 1e6 (|q| < 2^20). pi/2 comes in parts of 33 bits, so that the products
// with q are exact.
PG_HOST_INLINE Vec<double> reduce_half_pi(Vec<double> x, Vec<int64_t>& q) {
  const Vec<double> k = round_small(x * 0.63661977236758134308, q);
  Vec<double> r = x - k * 1.57079632673412561417e+00;
  r = r - k * 6.07710050630396597660e-11;
  return r - k * 2.02226624879595063154e-21;
}
// Floats are reduced in double, half a vector at a time.
PG_HOST_INLINE Vec<float> reduce_half_pi(Vec<float> x, Vec<int32_t>& q) {
  typedef float HalfFloats __attribute__((vector_size(kVecBytes / 2)));
  typedef int32_t HalfInts __attribute__((vector_size(kVecBytes / 2)));
  Vec<float> result;
  for (int part = 0; part < 2; ++part) {
    HalfFloats h;
    memcpy(&h, reinterpret_cast<char*>(&x) + part * int(sizeof h), sizeof h);
    Vec<int64_t> whole;
    const Vec<double> wide = __builtin_convertvector(h, Vec<double>);
    const Vec<double> k = round_small(wide * 0.63661977236758134308, whole);
    const Vec<double> r = (wide - k * 1.57079632673412561417e+00) - k * 6.07710050650619224932e-11;
    h = __builtin_convertvector(r, HalfFloats);
    const HalfInts n = __builtin_convertvector(whole, HalfInts);
    memcpy(reinterpret_cast<char*>(&result) + part * int(sizeof h), &h, sizeof h);
    memcpy(reinterpret_cast<char*>(&q) + part * int(sizeof h), &n, sizeof h);
  }
  return result;
}
// The same for floats below kFusedLimit in float: with fused products the first difference is
// exact, and three parts of 24 bits hold enough of pi/2.
constexpr float kFusedLimit = 65536;
PG_HOST_INLINE Vec<float> reduce_half_pi_fused(Vec<float> x, Vec<int32_t>& q) {
  const Vec<float> k = round_small(x * 0.636619772f, q);
  Vec<float> r = fma(k, splat(-1.57079637e+00f), x);
  r = fma(k, splat(4.37113883e-08f), r);
  return fma(k, splat(1.71512451e-15f), r);
}

// The sine and cosine of r, |r| <= pi/4.
template <class V>
PG_HOST_INLINE void sincos_reduced(V r, V& sine, V& cosine) {
  using E = Elem<V>;
  const V z = r * r;
  V s, c;
  if constexpr (is_float_vec<V>) {
    s = polynomial<V, 3>(z, {-0.00019517266f, 0.008332178f, -0.16666655f});
    c = polynomial<V, 4>(z, {2.4433104e-05f, -0.0013887315f, 0.041666646f, -0.5f});
  } else {
    s = polynomial<V, 6>(z, {1.5896810127604512e-10, -2.50507583585856e-08, 2.7557313693441253e-06,
                             -0.00019841269829812182, 0.00833333333332242, -0.16666666666666632});
    c = polynomial<V, 7>(z,
                         {-1.1358526116377576e-11, 2.0875700648719155e-09, -2.7557314177934325e-07,
                          2.48015872888472e-05, -0.001388888888887305, 0.041666666666666595, -0.5});
  }
  sine = fma(r * z, s, r);
  cosine = fma(z, c, splat(E(1)));
}

// Sine and cosine of x - q pi/2, and q. False where an argument is beyond 1e6 or not finite: those
// go to the library, whose reduction is exact for any size.
template <class V>
PG_HOST_INLINE bool sincos_quadrant(V x, V& sine, V& cosine, Mask<V>& q) {
  using E = Elem<V>;
#if defined(__FMA__)
  if constexpr (is_float_vec<V>) {
    if (!any(!(abs(x) < kFusedLimit))) {
      sincos_reduced(reduce_half_pi_fused(x, q), sine, cosine);
      return true;
    }
  }
#endif
  if (any(!(abs(x) < E(1e6)))) return false;
  sincos_reduced(reduce_half_pi(x, q), sine, cosine);
  return true;
}

// sin(x + quarter_turns pi/2).
template <class V>
PG_HOST_INLINE V sine(V x, int quarter_turns) {
  using E = Elem<V>;
  V s, c;
  Mask<V> q;
  if (!sincos_quadrant(x, s, c, q)) {
    for (int i = 0; i < kLanes<E>; ++i) x[i] = quarter_turns ? std::cos(x[i]) : std::sin(x[i]);
    return x;
  }
  const Mask<V> quadrant = q + quarter_turns;
  const V y = (quadrant & 1) != 0 ? c : s;
  constexpr int sign_shift = is_float_vec<V> ? 30 : 62;
  return (V)(bits(y) ^ ((quadrant & 2) << sign_shift));
}
template <class V>
PG_HOST_INLINE V sin(V x) {
  return sine(x, 0);
}
template <class V>
PG_HOST_INLINE V cos(V x) {
  return sine(x, 1);
}
template <class V>
PG_HOST_INLINE V tan(V x) {
  using E = Elem<V>;
  V s, c;
  Mask<V> q;
  if (!sincos_quadrant(x, s, c, q)) {
    for (int i = 0; i < kLanes<E>; ++i) x[i] = std::tan(x[i]);
    return x;
  }
  const Mask<V> odd = (q & 1) != 0;
  return (odd ? -c : s) / (odd ? s : c);
}

// cos(2 pi t) and sin(2 pi t) for t in [0, 1), the angle of Box and Muller's method: taking out
// quarter turns is exact.
template <class V>
PG_HOST_INLINE void sincos_turns(V t, V& sine, V& cosine) {
  using E = Elem<V>;
  Mask<V> q;
  const V k = round_small(t * E(4), q);
  const V r = t - k * E(0.25), z = r * r;  // |r| <= 1/8
  V s, c;
  if constexpr (is_float_vec<V>) {
    s = r * polynomial<V, 4>(z, {-75.39356f, 81.592354f, -41.341663f, 6.2831855f});
    c = polynomial<V, 5>(z, {59.220406f, -85.442856f, 64.939316f, -19.739208f, 1.0f});
  } else {
    s = r * polynomial<V, 8>(
                z, {-0.7116149811743336, 3.819786979538769, -15.094640379345195, 42.05869392872676,
                    -76.70585975299669, 81.60524927607493, -41.34170224039976, 6.283185307179586});
    c = polynomial<V, 9>(
        z, {0.2794587988905653, -1.7143161959081086, 7.90353519496566, -26.426256772548115,
            60.244641371818126, -85.45681720669354, 64.9393940226683, -19.739208802178716, 1.0});
  }
  const Mask<V> odd = (q & 1) != 0;
  constexpr int sign_shift = is_float_vec<V> ? 30 : 62;
  sine = (V)(bits(odd ? c : s) ^ ((q & 2) << sign_shift));
  cosine = (V)(bits(odd ? s : c) ^ (((q + 1) & 2) << sign_shift));
}

// --- inverses -----------------------------------------------------------------------------------

// atan(x) for |x| <= 1.
template <class V>
PG_HOST_INLINE V atan_reduced(V x) {
  const V z = x * x;
  V p;
  if constexpr (is_float_vec<V>) {
    p = polynomial<V, 8>(z, {0.002920732f, -0.016368112f, 0.0432122f, -0.07552247f, 0.10666022f,
                             -0.1421106f, 0.19993773f, -0.33333153f});
  } else {
    p = polynomial<V, 19>(
        z,
        {-2.025876506023729e-05, 0.00022302433769642011, -0.0011640798371990876,
         0.0038559952284055302, -0.00918459361933677, 0.016978077245130015, -0.025826833128814453,
         0.03406783445054321, -0.04092639332983091, 0.04673949974147853, -0.05239233075498486,
         0.058773077753709706, -0.06665860360691868, 0.07692212929694123, -0.09090901235256364,
         0.11111110678736259, -0.14285714271334177, 0.19999999999755005, -0.3333333333333186});
  }
  return fma(x * z, p, x);
}

// a pi/2 - r or a pi - r, with the part of the constant that its first term leaves out.
template <class V>
PG_HOST_INLINE V half_pi_minus(V r, int halves) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const V high = splat(E(f32 ? 1.57079637e+00 : 1.5707963267948966)) * E(halves);
  const V low = splat(E(f32 ? -4.37113883e-08 : 6.123233995736766e-17)) * E(halves);
  return high + (low - r);
}

template <class V>
PG_HOST_INLINE V atan(V x) {
  using E = Elem<V>;
  const V a = abs(x);
  const Mask<V> outside = a > E(1);
  const V r = atan_reduced(outside ? E(1) / a : a);
  return copysign(outside ? half_pi_minus(r, 1) : r, x);
}

// The angle of (x, y). Quadrants, zeros and infinities as in C.
template <class V>
PG_HOST_INLINE V atan2(V y, V x) {
  using E = Elem<V>;
  const V a = abs(y), b = abs(x);
  const Mask<V> steep = a > b;
  const V small = steep ? b : a, large = steep ? a : b;
  // Equal ones give 1, infinite ones too, but zeros 0.
  const V t = small == large ? (large == E(0) ? large : splat(E(1))) : small / large;
  V r = atan_reduced(t);
  r = steep ? half_pi_minus(r, 1) : r;
  r = bits(x) < 0 ? half_pi_minus(r, 2) : r;
  r = copysign(r, y);
  return (x != x) | (y != y) ? x + y : r;
}

// asin(x) for |x| <= 1/2, by z = x^2.
template <class V>
PG_HOST_INLINE V asin_reduced(V x, V z) {
  V p;
  if constexpr (is_float_vec<V>) {
    p = polynomial<V, 5>(z, {0.04216575f, 0.024179844f, 0.04547031f, 0.07495298f, 0.16666752f});
  } else {
    p = polynomial_in_halves<V, 12>(
        z, {0.03191148437884459, -0.016223105568838332, 0.019527533044124634, 0.0065282433521947425,
            0.012169149460653105, 0.013885244986629002, 0.017359703790751257, 0.02237175811582697,
            0.030381959134187137, 0.044642856828397436, 0.07500000000336927, 0.16666666666665408});
  }
  return fma(x * z, p, x);
}

// Above 1/2, acos(a) = 2 asin(sqrt((1 - a) / 2)), where 1 - a is exact; beyond 1 the root is NaN.
template <class V>
PG_HOST_INLINE V asin(V x) {
  using E = Elem<V>;
  const V a = abs(x);
  const Mask<V> outer = a > E(0.5);
  const V z = outer ? (E(1) - a) * E(0.5) : a * a;
  const V r = asin_reduced(outer ? sqrt(z) : a, z);
  return copysign(outer ? half_pi_minus(r + r, 1) : r, x);
}
template <class V>
PG_HOST_INLINE V acos(V x) {
  using E = Elem<V>;
  const V a = abs(x);
  const Mask<V> outer = a > E(0.5);
  const V z = outer ? (E(1) - a) * E(0.5) : a * a;
  const V r = asin_reduced(outer ? sqrt(z) : a, z);
  const V inner = half_pi_minus(copysign(r, x), 1);
  const V twice = r + r;
  return outer ? (x < E(0) ? half_pi_minus(twice, 2) : twice) : inner;
}

}  // namespace pygrad::cpu::PG_ISA_NS
