// Exponentials, logarithms and what is made of them, for whole vectors (Vec<float>, Vec<double>),
// at most about 2 units in the last place from the truth (tests/ops/test_vector_math.py has the
// bound of each). vec_trigonometry.h and vec_erf.h hold the rest.
//
// Each is range reduction, a polynomial and reconstruction; NaN and infinities come out as IEEE
// says, subnormals are kept. Neighbouring vectors are independent, but the processor looks only
// some hundred instructions ahead, so what counts is their number and, in the long functions, the
// length of the chain: long polynomials are evaluated in two halves. Sources: W. Cody and W. Waite,
// "Software Manual for the Elementary Functions" (1980) for the reductions; Sun's libm notes for
// log's f - (f^2/2 - s (f^2/2 + R)); the polynomials are least-maximum fits.
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
#pragma GCC unroll 32
  for (int i = 1; i < N; ++i) p = fma(p, x, splat(c[i]));
  return p;
}

// The same by even and odd powers, in half the time but with another rounding: for polynomials that
// a leading term outweighs.
template <class V, int N>
PG_HOST_INLINE V polynomial_in_halves(V x, const Elem<V> (&c)[N]) {
  const V z = x * x;
  V p = splat(c[0]), q = splat(c[1]);
#pragma GCC unroll 32
  for (int i = 2; i + 1 < N; i += 2) {
    p = fma(p, z, splat(c[i]));
    q = fma(q, z, splat(c[i + 1]));
  }
  return N % 2 == 0 ? fma(p, x, q) : fma(q, x, fma(p, z, splat(c[N - 1])));
}

// --- exponentials -------------------------------------------------------------------------------

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

// k: a whole number, as a float and as an integer.
template <class V>
struct Whole {
  V value;
  Mask<V> integer;
};

// p * 2^k where the result may be subnormal or overflow: where no instruction does it, in two steps
// that stay in range.
template <class V>
PG_HOST_INLINE V scale(V p, const Whole<V>& k) {
#if defined(__AVX512F__)
  if constexpr (is_float_vec<V>) {
    return (V)_mm512_maskz_scalef_ps(0xffff, (__m512)p, (__m512)k.value);
  } else {
    return (V)_mm512_maskz_scalef_pd(0xff, (__m512d)p, (__m512d)k.value);
  }
#else
  const Mask<V> half = k.integer >> 1;
  return p * power_of_two<V>(half) * power_of_two<V>(k.integer - half);
#endif
}

// x - k ln 2, with ln 2 in two parts.
template <class V>
PG_HOST_INLINE V subtract_ln2_multiple(V x, const Whole<V>& k) {
  if constexpr (is_float_vec<V>) {
    return fma(k.value, splat(-1.42860677e-6f), fma(k.value, splat(-0.693145752f), x));
  } else {
    return fma(k.value, splat(-1.90821492927058770002e-10),
               fma(k.value, splat(-6.93147180369123816490e-01), x));
  }
}
// x = k ln 2 + r with |r| <= ln 2 / 2.
template <class V>
PG_HOST_INLINE V reduce_ln2(V x, Whole<V>& k) {
  using E = Elem<V>;
  k.value = round_small(x * splat(E(1.44269504088896340736)), k.integer);
  return subtract_ln2_multiple(x, k);
}

// exp(r) for |r| <= ln 2 / 2.
template <class V>
PG_HOST_INLINE V exp_reduced(V r) {
  if constexpr (is_float_vec<V>) {
    return polynomial<V, 7>(
        r, {0.0013863187f, 0.008367475f, 0.041667245f, 0.16666535f, 0.5f, 1.f, 1.f});
  } else {
    return polynomial<V, 12>(
        r, {2.4978408265636816e-08, 2.762520363086969e-07, 2.755764087328925e-06,
            2.4801508643950342e-05, 0.00019841269466115954, 0.0013888888926823922,
            0.008333333333500118, 0.041666666666603895, 0.16666666666666433, 0.5, 1., 1.});
  }
}

// x within the range beyond which exp is 0 or infinite. NaN passes: it stands second.
template <class V>
PG_HOST_INLINE V clamp_exponent(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  return min(splat(E(f32 ? 89 : 710)), max(splat(E(f32 ? -104 : -746)), x));
}

template <class V>
PG_HOST_INLINE V exp(V x) {
  Whole<V> k;
  const V r = reduce_ln2(clamp_exponent(x), k);
  return scale(exp_reduced(r), k);
}

// exp(high + low): for arguments known to more bits than one number holds.
template <class V>
PG_HOST_INLINE V exp_of_sum(V high, V low) {
  Whole<V> k;
  reduce_ln2(high + low, k);
  return scale(exp_reduced(subtract_ln2_multiple(high, k) + low), k);
}

// exp(x) / 2, without overflow where only the double is too large.
template <class V>
PG_HOST_INLINE V half_exp(V x) {
  using E = Elem<V>;
  Whole<V> k;
  const V r = reduce_ln2(min(splat(E(is_float_vec<V> ? 90 : 711)), x), k);
  return scale(E(0.5) * exp_reduced(r), k);
}

template <class V>
PG_HOST_INLINE V exp2(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  x = min(splat(E(f32 ? 129 : 1025)), max(splat(E(f32 ? -151 : -1076)), x));
  Whole<V> k;
  k.value = round_small(x, k.integer);
  return scale(exp_reduced((x - k.value) * E(0.69314718055994530942)), k);
}

template <class V>
PG_HOST_INLINE V expm1(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  // NaN passes: it stands second.
  const V low = splat(E(f32 ? -80 : -700)), high = splat(E(f32 ? 89 : 710));
  const V y = min(high, max(low, x));
  // Up to 1/2 nothing is taken out: 2^k - 1 would cancel most of the rest.
  const Mask<V> near = abs(x) < E(0.5);
  Whole<V> k;
  k.value = round_small(y * splat(E(1.44269504088896340736)), k.integer);
  k.value = near ? V{} : k.value;
  k.integer = near ? Mask<V>{} : k.integer;
  const V r = subtract_ln2_multiple(y, k);
  V q;  // (exp(r) - 1 - r) / r^2
  if constexpr (f32) {
    q = polynomial<V, 7>(r, {2.479083e-05f, 0.00019973586f, 0.0013889305f, 0.008333142f,
                             0.04166666f, 0.16666667f, 0.5f});
  } else {
    q = polynomial_in_halves<V, 12>(
        r, {1.6054292042462218e-10, 2.0966029151540556e-09, 2.505239831433766e-08,
            2.755705724246849e-07, 2.7557318221505205e-06, 2.480158765843327e-05,
            0.00019841269842607698, 0.0013888888888668796, 0.008333333333332608,
            0.041666666666667136, 0.16666666666666669, 0.5});
  }
  const V p = fma(r * r, q, r);
  // 2^k p + (2^k - 1), halved and doubled so that k = 128 does not overflow early.
  const V s = power_of_two<V>(k.integer - 1);
  const V result = E(2) * fma(s, p, s - E(0.5));
  return x == E(0) ? x : result;
}

// --- logarithms ---------------------------------------------------------------------------------

// x = 2^exponent (1 + f) with 1 + f in [3/4, 3/2), for a positive finite x; what other x give is
// told at finish_log.
template <class V>
PG_HOST_INLINE V split_exponent(V x, V& f) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
#if defined(__AVX512F__)
  // The instructions normalise subnormals themselves.
  if constexpr (f32) {
    const __m512 m =
        _mm512_maskz_getmant_ps(0xffff, (__m512)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    f = (V)m - E(1);
    return (V)_mm512_maskz_getexp_ps(0xffff, (__m512)x) - (V)_mm512_maskz_getexp_ps(0xffff, m);
  } else {
    x += E(0);  // -0 would give a significand of -1
    const __m512d m =
        _mm512_maskz_getmant_pd(0xff, (__m512d)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    f = (V)m - E(1);
    return (V)_mm512_maskz_getexp_pd(0xff, (__m512d)x) - (V)_mm512_maskz_getexp_pd(0xff, m);
  }
#else
  const Mask<V> subnormal = x < splat(E(f32 ? 0x1p-126 : 0x1p-1022));
  const V y = subnormal ? x * E(f32 ? 0x1p25 : 0x1p54) : x;
  constexpr int shift = f32 ? 23 : 52;
  constexpr auto three_quarters = Elem<Mask<V>>(f32 ? 0x3f400000 : 0x3fe8000000000000);
  const Mask<V> k = subtract_bits(bits(y), Mask<V>{} + three_quarters) >> shift;
  f = (V)subtract_bits(bits(y), k << shift) - E(1);
  return __builtin_convertvector(k - (subnormal & (f32 ? 25 : 54)), V);
#endif
}

// log(x) = exponent ln 2 + f + tail.
template <class V>
struct LogParts {
  V exponent, f, tail;
};

template <class V>
PG_HOST_INLINE LogParts<V> log_parts(V x) {
  using E = Elem<V>;
  LogParts<V> parts;
  parts.exponent = split_exponent(x, parts.f);
  const V f = parts.f, square = f * f;
  if constexpr (is_float_vec<V>) {
    const V p =
        polynomial_in_halves<V, 8>(f, {-0.045074694f, 0.10462998f, -0.13161176f, 0.14478393f,
                                       -0.16647314f, 0.19990861f, -0.25000095f, 0.3333345f});
    parts.tail = square * fma(f, p, splat(-0.5f));
  } else {
    // log(1 + f) = 2 s + s z (2/3 + 2/5 z + ...), s = f / (2 + f), z = s^2
    const V s = f / (f + E(2)), z = s * s;
    const V r =
        z * polynomial_in_halves<V, 11>(z, {2 / 23., 2 / 21., 2 / 19., 2 / 17., 2 / 15., 2 / 13.,
                                            2 / 11., 2 / 9., 2 / 7., 2 / 5., 2 / 3.});
    const V h = E(0.5) * square;
    parts.tail = s * (h + r) - h;
  }
  return parts;
}

// y for a positive finite x, else what a logarithm gives: -inf of 0, NaN of negative numbers. The
// AVX-512 instructions of split_exponent have seen to that already.
template <class V>
PG_HOST_INLINE V finish_log(V x, V y) {
#if defined(__AVX512F__)
  (void)x;
  return y;
#else
  using E = Elem<V>;
  y = x == E(INFINITY) ? x : y;
  y = x == E(0) ? splat(E(-INFINITY)) : y;
  return x < E(0) ? splat(E(NAN)) : (x == x ? y : x);
#endif
}

// ln 2 in two parts, the first with room for a product with an exponent.
template <class V>
PG_HOST_INLINE V add_ln2_multiple(V exponent, V f, V tail) {
  using E = Elem<V>;
  const V high = splat(E(is_float_vec<V> ? 6.9313812256e-01 : 6.93147180369123816490e-01));
  const V low = splat(E(is_float_vec<V> ? 9.0580006145e-06 : 1.90821492927058770002e-10));
  return fma(exponent, high, f + fma(exponent, low, tail));
}

template <class V>
PG_HOST_INLINE V log(V x) {
  const LogParts<V> parts = log_parts(x);
  return finish_log(x, add_ln2_multiple(parts.exponent, parts.f, parts.tail));
}

template <class V>
PG_HOST_INLINE V log2(V x) {
  using E = Elem<V>;
  const LogParts<V> parts = log_parts(x);
  // log2(e) = 1 + c: the products' leading parts are exact.
  const V c = splat(E(0.44269504088896340736));
  const V m = parts.f + parts.tail;
  const V rest = fma(m, c, (parts.f - m) + parts.tail);
  return finish_log(x, (m + rest) + parts.exponent);
}

template <class V>
PG_HOST_INLINE V log10(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const LogParts<V> parts = log_parts(x);
  const V m = parts.f + parts.tail;
  const V high = splat(E(f32 ? 3.0102920532e-01 : 3.01029995663611771306e-01));
  const V low = splat(E(f32 ? 7.9034151668e-07 : 3.69423907715893078616e-13));
  const V y = fma(m, splat(E(0.43429448190325182765)), parts.exponent * low);
  return finish_log(x, fma(parts.exponent, high, y));
}

// log(1 + x) for x in [-1/2, 2^90].
template <class V>
PG_HOST_INLINE V log1p_tame(V x) {
  using E = Elem<V>;
  const V u = x + E(1);
  // What the addition lost, relative to u.
  const V lost = x > E(1) ? E(1) - (u - x) : x - (u - E(1));
  const LogParts<V> parts = log_parts(u);
  return add_ln2_multiple(parts.exponent, parts.f, parts.tail + lost / u);
}

template <class V>
PG_HOST_INLINE V log1p(V x) {
  using E = Elem<V>;
  const Mask<V> tame = (x > E(-0.5)) & (x < E(0x1p60));
  const V y = tame ? log1p_tame(x) : log(x + E(1));  // outside nothing of weight is lost
  return x == E(0) ? x : y;
}

// --- hyperbolic functions and their inverses ----------------------------------------------------

template <class V>
PG_HOST_INLINE V sinh(V x) {
  using E = Elem<V>;
  const V a = abs(x), z = x * x;
  V p;  // (sinh(x) / x - 1) / x^2 for |x| <= 1
  if constexpr (is_float_vec<V>) {
    p = polynomial<V, 5>(z, {1 / 39916800.f, 1 / 362880.f, 1 / 5040.f, 1 / 120.f, 1 / 6.f});
  } else {
    p = polynomial_in_halves<V, 9>(
        z, {1 / 121645100408832000., 1 / 355687428096000., 1 / 1307674368000., 1 / 6227020800.,
            1 / 39916800., 1 / 362880., 1 / 5040., 1 / 120., 1 / 6.});
  }
  const V small = fma(x * z, p, x);
  const V e = half_exp(a);
  const V large = e - E(0.25) / e;
  return a < E(1) ? small : copysign(large, x);
}

template <class V>
PG_HOST_INLINE V cosh(V x) {
  using E = Elem<V>;
  const V e = half_exp(abs(x));
  return e + E(0.25) / e;
}

template <class V>
PG_HOST_INLINE V asinh(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const V a = abs(x);
  const Mask<V> huge = a > splat(E(f32 ? 0x1p40 : 0x1p80));  // there asinh(a) = log(2 a)
  const V b = huge ? splat(E(1)) : a, z = b * b;
  const V y = log1p(huge ? a : b + z / (E(1) + sqrt(z + E(1))));
  return copysign(huge ? y + E(0.69314718055994530942) : y, x);
}

template <class V>
PG_HOST_INLINE V acosh(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const Mask<V> huge = x > splat(E(f32 ? 0x1p40 : 0x1p80));
  const V t = x - E(1);
  const V y = log1p(huge ? x : t + sqrt(E(2) * t + t * t));
  const V result = huge ? y + E(0.69314718055994530942) : y;
  return x < E(1) ? splat(E(NAN)) : result;
}

template <class V>
PG_HOST_INLINE V atanh(V x) {
  using E = Elem<V>;
  const V a = abs(x);
  return copysign(E(0.5) * log1p(E(2) * a / (E(1) - a)), x);
}

// --- made of exponentials -----------------------------------------------------------------------

// exp(-|x|) is at most 1, so nothing overflows and small results keep their bits.
template <class V>
PG_HOST_INLINE V sigmoid(V x) {
  using E = Elem<V>;
  const V e = exp(-abs(x)), one = splat(E(1));
  return (x < E(0) ? e : one) / (one + e);
}

template <class V>
PG_HOST_INLINE V silu(V x) {
  return x * sigmoid(x);
}

// log(1 + exp(x)), without overflow for large x.
template <class V>
PG_HOST_INLINE V softplus(V x) {
  using E = Elem<V>;
  return max(splat(E(0)), x) + log1p_tame(exp(-abs(x)));
}

}  // namespace pygrad::cpu::PG_ISA_NS
