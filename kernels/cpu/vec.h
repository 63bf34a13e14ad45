// Vectors as wide as the instruction set's registers, on GCC's vector extensions: +, -, *, /,
// comparisons, bit operations and `mask ? a : b` come with the types. This header adds what the
// extensions lack.
//
//   Vec<float> x = load(p);  store(q, fma(x, splat(2.f), x));
//   tail: load_n(p, n) fills the missing lanes with 0, store_n(q, v, n) writes the first n lanes
//   only.
//
// A comparison of two Vec<float> is a Vec<int32_t> of 0 and -1 (Vec<double>: Vec<int64_t>).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/dtype.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pygrad::cpu::PG_ISA_NS {

#if defined(__AVX512F__)
constexpr int kVecBytes = 64;
#elif defined(__AVX2__)
constexpr int kVecBytes = 32;
#else
constexpr int kVecBytes = 16;
#endif

template <class T>
struct VecType {
  typedef T type __attribute__((vector_size(kVecBytes)));
};
template <class T>
using Vec = typename VecType<T>::type;
template <class T>
constexpr int kLanes = kVecBytes / int(sizeof(T));

// The element type of a vector, and the vector of same-width signed integers (its masks).
template <class V>
using Elem = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;
template <class V>
using Mask = Vec<std::conditional_t<sizeof(Elem<V>) == 4, int32_t, int64_t>>;

// gcc 12 reports the unmasked forms of some AVX-512 intrinsics as reading uninitialised registers,
// hence `maskz` below.

// --- memory -------------------------------------------------------------------------------------

template <class T>
PG_HOST_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
PG_HOST_INLINE void store(T* p, Vec<T> v) {
  memcpy(p, &v, sizeof v);
}
template <class T>
PG_HOST_INLINE Vec<T> splat(T x) {
  return x - Vec<T>{};  // x - 0 keeps the sign of zero
}
// 0, 1, 2, ...
template <class V>
PG_HOST_INLINE Mask<V> lane_numbers() {
  alignas(64) static constexpr Elem<Mask<V>> numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                            8, 9, 10, 11, 12, 13, 14, 15};
  Mask<V> lanes;
  memcpy(&lanes, numbers, sizeof lanes);
  return lanes;
}
// 0 <= n <= kLanes<T>.
template <class T>
PG_HOST_INLINE Vec<T> load_n(const T* p, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_loadu_epi32(__mmask16((1u << n) - 1u), p);
  } else if constexpr (sizeof(T) == 8) {
    return (Vec<T>)_mm512_maskz_loadu_epi64(__mmask8((1u << n) - 1u), p);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const Mask<Vec<T>> mask = lane_numbers<Vec<T>>() < int32_t(n);
    return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), (__m256i)mask);
  } else if constexpr (sizeof(T) == 8) {
    const Mask<Vec<T>> mask = lane_numbers<Vec<T>>() < n;
    return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), (__m256i)mask);
  }
#endif
  Vec<T> v{};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
template <class T>
PG_HOST_INLINE void store_n(T* p, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(p, __mmask16((1u << n) - 1u), (__m512i)v);
    return;
  } else if constexpr (sizeof(T) == 8) {
    _mm512_mask_storeu_epi64(p, __mmask8((1u << n) - 1u), (__m512i)v);
    return;
  }
#endif
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}

// --- arithmetic ---------------------------------------------------------------------------------

// a * b + c: one rounding where the instruction set has FMA, two at baseline.
template <class V>
PG_HOST_INLINE V fma(V a, V b, V c) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
  }
#elif defined(__FMA__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
  }
#endif
  return a * b + c;
}

template <class V>
PG_HOST_INLINE V sqrt(V a) {
  V r;
  for (int i = 0; i < int(sizeof(V) / sizeof(a[0])); ++i) {
    if constexpr (sizeof(a[0]) == 4) {
      r[i] = __builtin_sqrtf(a[i]);
    } else {
      r[i] = __builtin_sqrt(a[i]);
    }
  }
  return r;
}
#if defined(__AVX512F__)
template <>
PG_HOST_INLINE Vec<float> sqrt(Vec<float> a) {
  return (Vec<float>)_mm512_maskz_sqrt_ps(0xffff, (__m512)a);
}
template <>
PG_HOST_INLINE Vec<double> sqrt(Vec<double> a) {
  return (Vec<double>)_mm512_maskz_sqrt_pd(0xff, (__m512d)a);
}
#elif defined(__AVX2__)
template <>
PG_HOST_INLINE Vec<float> sqrt(Vec<float> a) {
  return (Vec<float>)_mm256_sqrt_ps((__m256)a);
}
template <>
PG_HOST_INLINE Vec<double> sqrt(Vec<double> a) {
  return (Vec<double>)_mm256_sqrt_pd((__m256d)a);
}
#elif defined(__SSE2__)
template <>
PG_HOST_INLINE Vec<float> sqrt(Vec<float> a) {
  return (Vec<float>)_mm_sqrt_ps((__m128)a);
}
template <>
PG_HOST_INLINE Vec<double> sqrt(Vec<double> a) {
  return (Vec<double>)_mm_sqrt_pd((__m128d)a);
}
#endif

// The second operand wins when one is NaN (the x86 min and max instructions). To let a NaN through
// whichever side it stands on, use maximum and minimum.
template <class V>
PG_HOST_INLINE V max(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm512_maskz_max_pd(0xff, (__m512d)a, (__m512d)b);
  } else if constexpr (std::is_same_v<Elem<V>, uint32_t>) {
    return (V)_mm512_maskz_max_epu32(0xffff, (__m512i)a, (__m512i)b);
  }
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm256_max_ps((__m256)a, (__m256)b);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm256_max_pd((__m256d)a, (__m256d)b);
  } else if constexpr (std::is_same_v<Elem<V>, uint32_t>) {
    return (V)_mm256_max_epu32((__m256i)a, (__m256i)b);
  }
#endif
  return a > b ? a : b;
}
template <class V>
PG_HOST_INLINE V min(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm512_maskz_min_pd(0xff, (__m512d)a, (__m512d)b);
  } else if constexpr (std::is_same_v<Elem<V>, uint32_t>) {
    return (V)_mm512_maskz_min_epu32(0xffff, (__m512i)a, (__m512i)b);
  }
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return (V)_mm256_min_ps((__m256)a, (__m256)b);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return (V)_mm256_min_pd((__m256d)a, (__m256d)b);
  } else if constexpr (std::is_same_v<Elem<V>, uint32_t>) {
    return (V)_mm256_min_epu32((__m256i)a, (__m256i)b);
  }
#endif
  return a < b ? a : b;
}
template <class V>
PG_HOST_INLINE V maximum(V a, V b) {
  return a != a ? a : (a > b ? a : b);
}
template <class V>
PG_HOST_INLINE V minimum(V a, V b) {
  return a != a ? a : (a < b ? a : b);
}

template <class V>
PG_HOST_INLINE Mask<V> bits(V a) {
  return (Mask<V>)a;
}
// a - b of bit patterns, wrapping (signed overflow is undefined for vectors too).
template <class M>
PG_HOST_INLINE M subtract_bits(M a, M b) {
  using U = Vec<std::make_unsigned_t<Elem<M>>>;
  return (M)((U)a - (U)b);
}
template <class V>
PG_HOST_INLINE V abs(V a) {
  using I = Elem<Mask<V>>;
  constexpr I magnitude = sizeof(I) == 4 ? I(0x7fffffff) : I(0x7fffffffffffffff);
  return (V)(bits(a) & magnitude);
}
// The magnitude of a with the sign of s.
template <class V>
PG_HOST_INLINE V copysign(V a, V s) {
  using I = Elem<Mask<V>>;
  constexpr I sign = sizeof(I) == 4 ? ~I(0x7fffffff) : ~I(0x7fffffffffffffff);
  return (V)((bits(a) & ~sign) | (bits(s) & sign));
}

// --- across the lanes: always the same binary tree, so the same bits ----------------------------

// Neighbouring groups of `width` lanes, a power of two, change places.
template <int width, class V, int... lane>
PG_HOST_INLINE V swap_lanes(V v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, (lane ^ width)...);
}
// f joins the upper half of the lanes with the lower, and so on down to one.
template <class V, class F, int width = kLanes<Elem<V>> / 2>
PG_HOST_INLINE Elem<V> reduce(V v, F&& f) {
  if constexpr (width == 0) {
    return v[0];
  } else {
    v = f(v, swap_lanes<width>(v, std::make_integer_sequence<int, kLanes<Elem<V>>>()));
    return reduce<V, F, width / 2>(v, static_cast<F&&>(f));
  }
}
template <class V>
PG_HOST_INLINE Elem<V> reduce_add(V v) {
  return reduce(v, [](V a, V b) __attribute__((always_inline)) { return a + b; });
}
// Like max above: meant for values without NaN.
template <class V>
PG_HOST_INLINE Elem<V> reduce_max(V v) {
  return reduce(v, [](V a, V b) __attribute__((always_inline)) { return max(a, b); });
}
// True when any lane of a mask is set.
template <class M>
PG_HOST_INLINE bool any(M mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
  typedef int64_t Words __attribute__((vector_size(16)));
  const Words w = (Words)mask;
  return (w[0] | w[1]) != 0;
#endif
}

// --- 16-bit floats as floats --------------------------------------------------------------------

typedef uint16_t HalfWords __attribute__((vector_size(kVecBytes / 2)));  // kLanes<float> of them

PG_HOST_INLINE Vec<float> load_as_float(const float* p) { return load(p); }
PG_HOST_INLINE void store_from_float(float* p, Vec<float> v) { store(p, v); }

PG_HOST_INLINE Vec<float> load_as_float(const BFloat16* p) {
  HalfWords h;
  memcpy(&h, p, sizeof h);
  return (Vec<float>)(__builtin_convertvector(h, Vec<uint32_t>) << 16);
}
PG_HOST_INLINE void store_from_float(BFloat16* p, Vec<float> v) {
  const Vec<uint32_t> x = (Vec<uint32_t>)v;
  const Vec<uint32_t> rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
  const Vec<uint32_t> nan = (x >> 16) | 0x0040u;
  const HalfWords h = __builtin_convertvector(v != v ? nan : rounded, HalfWords);
  memcpy(p, &h, sizeof h);
}

PG_HOST_INLINE Vec<float> load_as_float(const Half* p) {
#if defined(__AVX512F__)
  __m256i h;
  memcpy(&h, p, sizeof h);
  return (Vec<float>)_mm512_maskz_cvtph_ps(0xffff, h);
#elif defined(__F16C__)
  __m128i h;
  memcpy(&h, p, sizeof h);
  return (Vec<float>)_mm256_cvtph_ps(h);
#else
  Vec<float> v;
  for (int i = 0; i < kLanes<float>; ++i) v[i] = Half::to_float(p[i].bits);
  return v;
#endif
}
PG_HOST_INLINE void store_from_float(Half* p, Vec<float> v) {
#if defined(__AVX512F__)
  const __m256i h =
      _mm512_maskz_cvtps_ph(0xffff, (__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  memcpy(p, &h, sizeof h);
#elif defined(__F16C__)
  const __m128i h = _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  memcpy(p, &h, sizeof h);
#else
  for (int i = 0; i < kLanes<float>; ++i) p[i].bits = Half::from_float(v[i]);
#endif
}

}  // namespace pygrad::cpu::PG_ISA_NS
