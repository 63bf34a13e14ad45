// tanh, the error function and the normal distribution of whole vectors, and the activations made
// of them.
//
// Floats on AVX-512 come from tables of polynomials (vec_tables.h); everything else from
// polynomials and exp. Within about 2 units in the last place, erfc 6; gelu's error is absolute, a
// unit of x / 2, because it multiplies x by 1/2 (1 + erf), as PyTorch does.
#pragma once

#include "kernels/cpu/vec_math.h"
#include "kernels/cpu/vec_tables.h"

namespace pygrad::cpu::PG_ISA_NS {

#if defined(__AVX512F__)
// The number of the nearest multiple of 1 / intervals, in the last bits of the result.
PG_HOST_INLINE Vec<int32_t> interval_of(Vec<float> a, float intervals) {
  return bits(fma(a, splat(intervals), splat(0x1.8p23f)));
}
#endif

template <class V>
PG_HOST_INLINE V tanh(V x) {
  using E = Elem<V>;
#if defined(__AVX512F__)
  if constexpr (is_float_vec<V>) {
    const V a = min(splat(9.1f), abs(x));  // NaN passes
    return copysign(evaluate(kTanh, a, bits(max(a, splat(0.1875f))) >> 22), x);
  }
#endif
  const V a = min(splat(E(is_float_vec<V> ? 10 : 22)), abs(x));
  const V t = expm1(a * E(2));
  return copysign(t / (t + E(2)), x);
}

// erfc(|x|) in t = 2 / (2 + |x|): log(erfc(x) exp(x^2) / t) is a polynomial in 2 t - 1 (W. Press et
// al., "Numerical Recipes", 6.2.2, there as a Chebyshev series).
template <class V>
PG_HOST_INLINE V erfc_magnitude(V x) {
  using E = Elem<V>;
  constexpr bool f32 = is_float_vec<V>;
  const V a = min(splat(E(f32 ? 11 : 28)), abs(x));
  const V t = E(2) / (a + E(2));
  const V u = E(2) * t - E(1);
  V p;
  if constexpr (f32) {
    p = polynomial_in_halves<V, 10>(
        u, {0.0003387997f, -0.00020812177f, -0.0020614048f, 0.0017785183f, 0.008713318f,
            -0.009875428f, -0.046877358f, 0.047343455f, 0.6726424f, -0.67179406f});
  } else {
    p = polynomial_in_halves<V, 25>(
        u, {-1.250795759902407e-08,  2.7737229795490892e-08,  7.913751546046312e-08,
            -2.815356553763886e-07,  -5.145755029390729e-08,  1.270418676821696e-06,
            -1.3892796569135213e-06, -2.95235074671801e-06,   8.64060560561407e-06,
            1.3467240141854447e-07,  -3.022330473108906e-05,  3.1748020314917725e-05,
            7.141197655893762e-05,   -0.00017430402438542336, -9.373730016865778e-05,
            0.0006736790235003319,   -0.00014624656192158519, -0.0023458125280070947,
            0.0017589335339249193,   0.008824938558830034,    -0.009872689365404766,
            -0.0468956102312261,     0.047343306841888394,    0.6726432239776572,
            -0.6717940840566923});
  }
  // a^2 is the exact square of the upper half of a's bits and a rest.
  const V upper = (V)(bits(a) & (f32 ? ~Elem<Mask<V>>(0xfff) : ~Elem<Mask<V>>(0x7ffffff)));
  return t * exp_of_sum(-upper * upper, p - (a - upper) * (a + upper));
}

template <class V>
PG_HOST_INLINE V erf(V x) {
  using E = Elem<V>;
  if constexpr (is_float_vec<V>) {
#if defined(__AVX512F__)
    const V a = min(splat(4.0f), abs(x));
    return copysign(evaluate(kErf, a, interval_of(a, kErfIntervals)), x);
#else
    const V a = abs(x), z = x * x;
    const V small = x * polynomial<V, 7>(z, {7.889110565884039e-05f, -8.020838722586632e-04f,
                                             5.189535208046436e-03f, -2.6854444295167923e-02f,
                                             1.1283600330352783e-01f, -3.761262595653534e-01f,
                                             1.1283791065216064f});
    const V b = min(splat(4.0f), a);
    // log erfc
    const V q = polynomial<V, 8>(
        b, {-2.1496271074283868e-05f, 4.391081165522337e-04f, -4.193619359284639e-03f,
            2.517898753285408e-02f, -1.083725094795227e-01f, -6.33262574672699e-01f,
            -1.1295568943023682f, 1.8344669661018997e-04f});
    return a < 1.0f ? small : copysign(1.0f - exp(q), x);
#endif
  } else {
    const V z = x * x;
    const V p = polynomial_in_halves<V, 10>(
        z,
        {1.1463774703005626e-08, -1.5937604962362904e-07, 1.6430388834545417e-06,
         -1.492417668052322e-05, 0.0001205528877908823, -0.0008548326169142287,
         0.005223977615123166, -0.026866170644402568, 0.11283791670952481, -0.37612638903183715});
    const V small = x * fma(z, p, splat(E(1.1283791670955126)));
    return abs(x) < E(0.75) ? small : copysign(E(1) - erfc_magnitude(x), x);
  }
}

template <class V>
PG_HOST_INLINE V erfc(V x) {
  using E = Elem<V>;
  const V y = erfc_magnitude(x);
  return x < E(0.5) ? E(1) - erf(x) : y;
}

// P(Z < x) of a standard normal Z, within a unit of the last place of 1.
template <class V>
PG_HOST_INLINE V normal_cdf(V x) {
  using E = Elem<V>;
#if defined(__AVX512F__)
  if constexpr (is_float_vec<V>) {
    const V a = min(splat(5.7f), abs(x));
    return 0.5f + copysign(evaluate(kNormal, a, interval_of(a, kNormalIntervals)), x);
  }
#endif
  return fma(splat(E(0.5)), erf(x * E(0.70710678118654752440)), splat(E(0.5)));
}
template <class V>
PG_HOST_INLINE V normal_pdf(V x) {
  using E = Elem<V>;
  return E(0.39894228040143267794) * exp(x * x * E(-0.5));
}

template <class V>
PG_HOST_INLINE V gelu(V x) {
  return x * normal_cdf(x);
}
// sqrt(2 / pi) (x + 0.044715 x^3)
template <class V>
PG_HOST_INLINE V gelu_tanh_inner(V x) {
  using E = Elem<V>;
  return x *
         fma(x * x, splat(E(0.044715 * 0.79788456080286535588)), splat(E(0.79788456080286535588)));
}
template <class V>
PG_HOST_INLINE V gelu_tanh(V x) {
  using E = Elem<V>;
  return x * fma(splat(E(0.5)), tanh(gelu_tanh_inner(x)), splat(E(0.5)));
}

}  // namespace pygrad::cpu::PG_ISA_NS
