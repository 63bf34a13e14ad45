// Elementary functions of whole vectors (Vec<float>, Vec<double>), at most about 2 units in the
// last place from the truth.
//
// Each is range reduction, a polynomial and reconstruction; NaN and infinities come out as IEEE
// says, subnormals are kept. Sources: W. Cody and W. Waite, "Software Manual for the Elementary
// Functions" (1980) for the reductions; S. Moshier's and Sun's libm notes for log's f - (f^2/2 - s
// (f^2/2 + R)); the exp polynomial and erf's two are least-maximum fits, the others Taylor series
// cut where the next term is below half a unit.
#pragma once

#include <cmath>

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

template <class V>
constexpr bool is_float_vec = sizeof(Elem<V>) == 4;

// A polynomial by Horner's rule, highest coefficient first.
template <class V, int N>
PG_HOST_INLINE V polynomial(V x, const Elem<V> (&c)[N]) {
  V p = splat(c[0]);
#pragma GCC unroll 24
  for (int i = 1; i < N; ++i) p = fma(p, x, splat(c[i]));
  return p;
}

// The nearest whole number by adding and subtracting 1.5 * 2^mantissa; |x| below 2^22 (2^51).
// `whole` gets it as integers.
template <class V>
PG_HOST_INLINE V round_small(V x, Mask<V>& whole) {
  using E = Elem<V>;
  const V magic = splat(E(is_float_vec<V> ? 0x1.8p23 : 0x1.8p52));
  const V t = x + magic;
  whole = subtract_bits(bits(t), bits(magic));
  return t - magic;
}

// 2^n for n in the normal range, by placing the exponent.
template <class V>
PG_HOST_INLINE V power_of_two(Mask<V> n) {
  if constexpr (is_float_vec<V>) {
    return (V)((n + 127) << 23);
  } else {
    return (V)((n + 1023) << 52);
  }
}
// p * 2^n where the result may be subnormal or overflow: in two steps that stay in range.
template <class V>
PG_HOST_INLINE V scale(V p, Mask<V> n) {
  const Mask<V> half = n >> 1;
  return p * power_of_two<V>(half) * power_of_two<V>(n - half);
}

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class V>
PG_HOST_INLINE V reduce_ln2(V x, Mask<V>& n) {
  using E = Elem<V>;
  const V k = round_small(x * splat(E(1.44269504088896340736)), n);
  if constexpr (is_float_vec<V>) {
    return fma(k, splat(-1.42860677e-6f), fma(k, splat(-0.693145752f), x));
  } else {
    return fma(k, splat(-1.90821492927058770002e-10),
               fma(k, splat(-6.93147180369123816490e-01), x));
  }
}

template <class V>
PG_HOST_INLINE V exp(V x) {
  using E = Elem<V>;
  Mask<V> n;
  const V low = splat(E(is_float_vec<V> ? -104 : -746)),
          high = splat(E(is_float_vec<V> ? 89 : 710));
  const V r = reduce_ln2(min(max(x, low), high), n);
  V p;
  if constexpr (is_float_vec<V>) {
    p = polynomial<V, 7>(r, {1.37805939e-3f, 8.37312452e-3f, 4.16695364e-2f, 1.66664720e-1f,
                             4.99999851e-1f, 1.f, 1.f});
  } else {
    p = polynomial<V, 14>(
        r, {1 / 6227020800., 1 / 479001600., 1 / 39916800., 1 / 3628800., 1 / 362880., 1 / 40320.,
            1 / 5040., 1 / 720., 1 / 120., 1 / 24., 1 / 6., 0.5, 1., 1.});
  }
  return x == x ? scale(p, n) : x;
}

template <class V>
PG_HOST_INLINE V expm1(V x) {
  using E = Elem<V>;
  Mask<V> n;
  const V low = splat(E(is_float_vec<V> ? -80 : -700)), high = splat(E(is_float_vec<V> ? 89 : 710));
  const V r = reduce_ln2(min(max(x, low), high), n);
  V q;  // (exp(r) - 1 - r) / r^2
  if constexpr (is_float_vec<V>) {
    q = polynomial<V, 7>(r,
                         {1 / 40320.f, 1 / 5040.f, 1 / 720.f, 1 / 120.f, 1 / 24.f, 1 / 6.f, 0.5f});
  } else {
    q = polynomial<V, 13>(
        r, {1 / 87178291200., 1 / 6227020800., 1 / 479001600., 1 / 39916800., 1 / 3628800.,
            1 / 362880., 1 / 40320., 1 / 5040., 1 / 720., 1 / 120., 1 / 24., 1 / 6., 0.5});
  }
  const V p = fma(r * r, q, r);
  // 2^n p + (2^n - 1), halved and doubled so that n = 128 does not overflow early.
  const V s = power_of_two<V>(n - 1);
  const V y = E(2) * fma(s, p, s - E(0.5));
  return x == x ? (x == E(0) ? x : y) : x;
}

template <class V>
PG_HOST_INLINE V log(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const V tiny = splat(E(f32 ? 0x1p-126 : 0x1p-1022));
  const Mask<V> subnormal = x < tiny;
  const V y = subnormal ? x * E(f32 ? 0x1p25 : 0x1p54) : x;
  // y = 2^k m with m in [sqrt(1/2), sqrt 2).
  constexpr int shift = f32 ? 23 : 52;
  constexpr auto root_half = Elem<Mask<V>>(f32 ? 0x3f3504f3 : 0x3fe6a09e667f3bcd);
  const Mask<V> k = subtract_bits(bits(y), Mask<V>{} + root_half) >> shift;
  const V f = (V)subtract_bits(bits(y), k << shift) - E(1);
  const V e = __builtin_convertvector(k - (subnormal & (f32 ? 25 : 54)), V);
  const V s = f / (f + E(2)), z = s * s;
  V r;  // log(1 + f) = 2 s + s z (2/3 + 2/5 z + ...)
  if constexpr (f32) {
    r = z * polynomial<V, 6>(z, {2 / 13.f, 2 / 11.f, 2 / 9.f, 2 / 7.f, 2 / 5.f, 2 / 3.f});
  } else {
    r = z * polynomial<V, 11>(z, {2 / 23., 2 / 21., 2 / 19., 2 / 17., 2 / 15., 2 / 13., 2 / 11.,
                                  2 / 9., 2 / 7., 2 / 5., 2 / 3.});
  }
  const V h = E(0.5) * f * f;
  const V ln2_high = splat(E(f32 ? 6.9313812256e-01 : 6.93147180369123816490e-01));
  const V ln2_low = splat(E(f32 ? 9.0580006145e-06 : 1.90821492927058770002e-10));
  V result = e * ln2_high - ((h - (s * (h + r) + e * ln2_low)) - f);
  result = x == E(INFINITY) ? x : result;
  result = x == E(0) ? splat(E(-INFINITY)) : result;
  return x < E(0) ? splat(E(NAN)) : (x == x ? result : x);
}

template <class V>
PG_HOST_INLINE V log1p(V x) {
  using E = Elem<V>;
  const V u = x + E(1);
  // What the addition lost, relative to u.
  const V lost = (x > E(1) ? E(1) - (u - x) : x - (u - E(1))) / u;
  const V y = log(u);
  const V result = abs(y) < E(INFINITY) ? y + lost : y;
  return x == E(0) ? x : result;
}

template <class V>
PG_HOST_INLINE V tanh(V x) {
  using E = Elem<V>;
  const V limit = splat(E(is_float_vec<V> ? 20 : 44));
  const V t = expm1(min(abs(x), limit) * E(2));
  return x == x ? copysign(t / (t + E(2)), x) : x;
}

template <class V>
PG_HOST_INLINE V sigmoid(V x) {
  using E = Elem<V>;
  return E(1) / (E(1) + exp(-x));
}

template <class V>
PG_HOST_INLINE V silu(V x) {
  using E = Elem<V>;
  return x / (E(1) + exp(-x));
}

// log(1 + exp(x)), without overflow for large x.
template <class V>
PG_HOST_INLINE V softplus(V x) {
  using E = Elem<V>;
  const V zero = splat(E(0));
  return (x > zero ? x : (x == x ? zero : x)) + log1p(exp(-abs(x)));
}

// Float: x P(x^2) up to 1; beyond, 1 - exp(Q(|x|)) with Q fitted to log erfc. Double: the
// library's, lane by lane.
template <class V>
PG_HOST_INLINE V erf(V x) {
  if constexpr (is_float_vec<V>) {
    const V a = abs(x), z = x * x;
    const V small = x * polynomial<V, 7>(z, {7.889110565884039e-05f, -8.020838722586632e-04f,
                                             5.189535208046436e-03f, -2.6854444295167923e-02f,
                                             1.1283600330352783e-01f, -3.761262595653534e-01f,
                                             1.1283791065216064f});
    const V b = min(a, splat(4.0f));
    const V q = polynomial<V, 8>(
        b, {-2.1496271074283868e-05f, 4.391081165522337e-04f, -4.193619359284639e-03f,
            2.517898753285408e-02f, -1.083725094795227e-01f, -6.33262574672699e-01f,
            -1.1295568943023682f, 1.8344669661018997e-04f});
    const V large = copysign(1.0f - exp(q), x);
    const V y = a < 1.0f ? small : large;
    return x == x ? y : x;
  } else {
    for (int i = 0; i < kLanes<double>; ++i) x[i] = std::erf(x[i]);
    return x;
  }
}

template <class V>
PG_HOST_INLINE V gelu(V x) {
  using E = Elem<V>;
  return E(0.5) * x * (E(1) + erf(x * E(0.70710678118654752440)));
}
template <class V>
PG_HOST_INLINE V gelu_tanh(V x) {
  using E = Elem<V>;
  return E(0.5) * x * (E(1) + tanh(E(0.79788456080286535588) * (x + E(0.044715) * x * x * x)));
}

// --- sine and cosine ----------------------------------------------------------------------------

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

// sin(x + quarter_turns pi/2). Arguments beyond 1e6 go to the library, whose reduction is exact for
// any size.
template <class V>
PG_HOST_INLINE V sine(V x, int quarter_turns) {
  using E = Elem<V>;
  if (any(!(abs(x) < E(1e6)))) {
    for (int i = 0; i < kLanes<E>; ++i) x[i] = quarter_turns ? std::cos(x[i]) : std::sin(x[i]);
    return x;
  }
  Mask<V> q;
  const V r = reduce_half_pi(x, q), z = r * r;
  V s, c;
  if constexpr (is_float_vec<V>) {
    s = polynomial<V, 4>(z, {1 / 362880.f, -1 / 5040.f, 1 / 120.f, -1 / 6.f});
    c = polynomial<V, 5>(z, {-1 / 3628800.f, 1 / 40320.f, -1 / 720.f, 1 / 24.f, -0.5f});
  } else {
    s = polynomial<V, 8>(z, {1 / 355687428096000., -1 / 1307674368000., 1 / 6227020800.,
                             -1 / 39916800., 1 / 362880., -1 / 5040., 1 / 120., -1 / 6.});
    c = polynomial<V, 8>(z, {1 / 20922789888000., -1 / 87178291200., 1 / 479001600., -1 / 3628800.,
                             1 / 40320., -1 / 720., 1 / 24., -0.5});
  }
  const V sin_r = fma(r * z, s, r);
  const V cos_r = fma(z, c, splat(E(1)));
  const Mask<V> quadrant = q + quarter_turns;
  const V y = (quadrant & 1) != 0 ? cos_r : sin_r;
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

}  // namespace pygrad::cpu::PG_ISA_NS
