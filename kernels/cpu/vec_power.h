// Powers, remainders and hypotenuses of float vectors by way of double, where a logarithm has bits
// to spare, the product of a quotient and a divisor is exact, and so are squares.
#pragma once

#include "kernels/cpu/vec_math.h"

namespace pygrad::cpu::PG_ISA_NS {

// f(a, b) in double, half a vector at a time, rounded to float.
template <class F>
PG_HOST_INLINE Vec<float> through_double(Vec<float> a, Vec<float> b, F&& f) {
  typedef float HalfFloats __attribute__((vector_size(kVecBytes / 2)));
  HalfFloats x[2], y[2];
  memcpy(x, &a, sizeof a);
  memcpy(y, &b, sizeof b);
#pragma GCC unroll 2
  for (int part = 0; part < 2; ++part) {
    x[part] = __builtin_convertvector(f(__builtin_convertvector(x[part], Vec<double>),
                                        __builtin_convertvector(y[part], Vec<double>)),
                                      HalfFloats);
  }
  memcpy(&a, x, sizeof a);
  return a;
}

// x^y for x >= 0 to about 36 bits, as many as a float power needs: the long polynomials of log and
// exp, cut short.
PG_HOST_INLINE Vec<double> power_of_magnitude(Vec<double> x, Vec<double> y) {
  Vec<double> f;
  const Vec<double> exponent = split_exponent(x, f);
  const Vec<double> s = f / (f + 2.0), z = s * s;
  const Vec<double> r = polynomial_in_halves<Vec<double>, 8>(
      z, {2 / 17., 2 / 15., 2 / 13., 2 / 11., 2 / 9., 2 / 7., 2 / 5., 2 / 3.});
  const Vec<double> log = fma(exponent, splat(0.69314718055994530942), fma(s * z, r, s + s));
  Whole<Vec<double>> k;
  const Vec<double> t = reduce_ln2(clamp_exponent(y * finish_log(x, log)), k);
  return scale(
      polynomial_in_halves<Vec<double>, 10>(t, {1 / 362880., 1 / 40320., 1 / 5040., 1 / 720.,
                                                1 / 120., 1 / 24., 1 / 6., 0.5, 1., 1.}),
      k);
}

// In double neither square overflows or loses bits. An infinity wins over a NaN.
PG_HOST_INLINE Vec<float> hypot(Vec<float> a, Vec<float> b) {
  const Vec<float> r =
      through_double(a, b, [](Vec<double> x, Vec<double> y) __attribute__((always_inline)) {
        return sqrt(x * x + y * y);
      });
  return (abs(a) == INFINITY) | (abs(b) == INFINITY) ? splat(float(INFINITY)) : r;
}

// Signs and special numbers as in C99.
PG_HOST_INLINE Vec<float> pow(Vec<float> a, Vec<float> b) {
  const Vec<float> magnitude = abs(a), size = abs(b), one = splat(1.0f);
  Vec<float> r =
      through_double(magnitude, b, [](Vec<double> x, Vec<double> y) __attribute__((always_inline)) {
        return power_of_magnitude(x, y);
      });
  // From 2^24 on every float is an even whole number.
  const Vec<int32_t> part =
      __builtin_convertvector(min(splat(0x1p24f), size), Vec<int32_t>);  // NaN is dealt with by r
  const Vec<int32_t> whole =
      (size >= 0x1p24f) | (__builtin_convertvector(part, Vec<float>) == size);
  const Vec<int32_t> odd = whole & ((part & 1) != 0);
  r = odd ? copysign(r, a) : r;
  r = (a < 0.0f) & (magnitude < INFINITY) & ~whole ? splat(NAN) : r;
  return (b == 0.0f) | (a == 1.0f) | ((magnitude == 1.0f) & (size == INFINITY)) ? one : r;
}

// a - k b, k the whole number next to a / b towards 0: exact while |k| < 2^28. The lanes beyond,
// and those with zeros or without numbers, are the library's.
PG_HOST_INLINE Vec<float> fmod(Vec<float> a, Vec<float> b) {
  const Vec<float> ratio = abs(a / b);
  Vec<float> r =
      through_double(a, b, [](Vec<double> x, Vec<double> y) __attribute__((always_inline)) {
        Vec<int64_t> ignored;
        const Vec<double> k = round_small(x / y, ignored);
        const Vec<double> rest = fma(-k, y, x);
        // Rounded away from 0, the rest has the wrong sign.
        const Vec<int64_t> away = (rest != 0.0) & ((bits(rest) < 0) != (bits(x) < 0));
        return away ? rest + copysign(y, x) : rest;
      });
  r = copysign(r, a);
  const Vec<int32_t> exact = (ratio < 0x1p27f) & (abs(b) < INFINITY);
  if (any(~exact)) {
    for (int i = 0; i < kLanes<float>; ++i) {
      if (!exact[i]) r[i] = std::fmod(a[i], b[i]);
    }
  }
  return r;
}

// The sign of the divisor, as Python's %.
PG_HOST_INLINE Vec<float> remainder(Vec<float> a, Vec<float> b) {
  const Vec<float> r = fmod(a, b);
  const Vec<int32_t> differ = (r < 0.0f) != (b < 0.0f);
  return (r != 0.0f) & differ ? r + b : r;
}

template <class V>
PG_HOST_INLINE V floor(V x) {
#if defined(__AVX512F__)
  constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  if constexpr (is_float_vec<V>)
    return (V)_mm512_maskz_roundscale_ps(0xffff, (__m512)x, kDown);
  else
    return (V)_mm512_maskz_roundscale_pd(0xff, (__m512d)x, kDown);
#elif defined(__AVX2__)
  if constexpr (is_float_vec<V>)
    return (V)_mm256_floor_ps((__m256)x);
  else
    return (V)_mm256_floor_pd((__m256d)x);
#else
  for (int i = 0; i < kLanes<Elem<V>>; ++i) x[i] = std::floor(x[i]);
  return x;
#endif
}

// See math::floor_divide_op.
PG_HOST_INLINE Vec<float> floor_divide(Vec<float> a, Vec<float> b) {
  const Vec<float> ratio = a / b, r = fmod(a, b);
  Vec<float> q = (a - r) / b;
  const Vec<int32_t> differ = (b < 0.0f) != (r < 0.0f);
  q = (r != 0.0f) & differ ? q - 1.0f : q;
  const Vec<float> whole = floor(q);
  Vec<float> result = q - whole > 0.5f ? whole + 1.0f : whole;
  result = q == 0.0f ? copysign(Vec<float>{}, ratio) : result;
  return b == 0.0f ? ratio : result;
}

}  // namespace pygrad::cpu::PG_ISA_NS
