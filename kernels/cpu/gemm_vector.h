// What the GEMM engine needs of vectors beyond vec.h: masks computed once for many accesses, and
// in-register transposition.
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

#if defined(__AVX512F__)
constexpr int kGemmRows = 14;  // 14 x 2 accumulators + 2 of B + 2 broadcasts fill 32 registers
#elif defined(__AVX2__)
constexpr int kGemmRows = 6;  // 6 x 2 accumulators + 2 of B + 1 or 2 broadcasts fill 16
#else
constexpr int kGemmRows = 4;
#endif

template <class T>
struct GemmVector {
  using V = Vec<T>;
  static constexpr int width = kLanes<T>;
#if defined(__AVX512F__)
  using Mask = std::conditional_t<sizeof(T) == 4, __mmask16, __mmask8>;
#elif defined(__AVX2__)
  using Mask = __m256i;
#else
  using Mask = int;
#endif
  // Whether a masked load costs no more than a full one, so that it may stand in an inner loop.
  static constexpr bool cheap_masks = kVecBytes == 64;

  // Selects the first `lanes` (0..width) lanes.
  PG_HOST_INLINE static Mask mask(int lanes) {
#if defined(__AVX512F__)
    return Mask((1u << lanes) - 1u);
#elif defined(__AVX2__)
    alignas(32) static constexpr int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const int words = lanes * int(sizeof(T) / 4);
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(ones + 8 - words));
#else
    return lanes;
#endif
  }
  // Lanes outside the mask are neither read nor written; they load as zero.
  PG_HOST_INLINE static V load(Mask m, const T* p) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      return (V)_mm512_maskz_loadu_ps(m, p);
    else
      return (V)_mm512_maskz_loadu_pd(m, p);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      return (V)_mm256_maskload_ps(p, m);
    else
      return (V)_mm256_maskload_pd(p, m);
#else
    V v{};
    for (int i = 0; i < m; ++i) v[i] = p[i];
    return v;
#endif
  }
  PG_HOST_INLINE static void store(Mask m, T* p, V v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
      _mm512_mask_storeu_ps(p, m, (__m512)v);
    else
      _mm512_mask_storeu_pd(p, m, (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      _mm256_maskstore_ps(p, m, (__m256)v);
    else
      _mm256_maskstore_pd(p, m, (__m256d)v);
#else
    for (int i = 0; i < m; ++i) p[i] = v[i];
#endif
  }

  // In-register transposition of width x width elements: log2(width) rounds that exchange blocks of
  // S lanes.
  template <int S = 1>
  PG_HOST_INLINE static void transpose(V (&rows)[width]) {
    if constexpr (S < width) {
#pragma GCC unroll 16
      for (int i = 0; i < width; ++i) {
        if (i & S) continue;
        const V a = rows[i], b = rows[i + S];
        rows[i] = exchange<S, 0>(a, b, std::make_integer_sequence<int, width>{});
        rows[i + S] = exchange<S, 1>(a, b, std::make_integer_sequence<int, width>{});
      }
      transpose<2 * S>(rows);
    }
  }

  // The same from a block in L1, `width` lines of `width` elements: kPiece elements of every line
  // become columns. Loads put the 128-bit pieces of a vector together, so that shuffles are left
  // for 4 x 4 (2 x 2) elements.
  static constexpr int kPiece = 16 / int(sizeof(T));  // elements in 128 bits
  PG_HOST_INLINE static void transpose_piece(const T* from, int64_t stride, V (&out)[kPiece]) {
    V r[kPiece];
#pragma GCC unroll 4
    for (int i = 0; i < kPiece; ++i) r[i] = load_pieces(from + i * stride, kPiece * stride);
    constexpr auto lanes = std::make_integer_sequence<int, width>{};
    if constexpr (kPiece == 2) {
      out[0] = unpack<1, 0>(r[0], r[1], lanes), out[1] = unpack<1, 1>(r[0], r[1], lanes);
    } else {
      const V a = unpack<1, 0>(r[0], r[1], lanes), b = unpack<1, 0>(r[2], r[3], lanes),
              c = unpack<1, 1>(r[0], r[1], lanes), d = unpack<1, 1>(r[2], r[3], lanes);
      out[0] = unpack<2, 0>(a, b, lanes), out[1] = unpack<2, 1>(a, b, lanes);
      out[2] = unpack<2, 0>(c, d, lanes), out[3] = unpack<2, 1>(c, d, lanes);
    }
  }

 private:
  template <int S, int High, int... L>
  PG_HOST_INLINE static V exchange(V a, V b, std::integer_sequence<int, L...>) {
    return __builtin_shufflevector(
        a, b, (High ? (L & S ? width + L : L + S) : (L & S ? width + L - S : L))...);
  }
  PG_HOST_INLINE static V load_pieces(const T* from, [[maybe_unused]] int64_t step) {
#if defined(__AVX512F__)
    const auto piece = [&](int q) { return _mm_loadu_ps((const float*)(from + q * step)); };
    __m512 v = _mm512_castps128_ps512(piece(0));
    v = _mm512_insertf32x4(v, piece(1), 1);
    v = _mm512_insertf32x4(v, piece(2), 2);
    return (V)_mm512_insertf32x4(v, piece(3), 3);
#elif defined(__AVX2__)
    const auto piece = [&](int q) { return _mm_loadu_ps((const float*)(from + q * step)); };
    return (V)_mm256_insertf128_ps(_mm256_castps128_ps256(piece(0)), piece(1), 1);
#else
    static_assert(width == kPiece);
    return pygrad::cpu::PG_ISA_NS::load(from);
#endif
  }
  // Within every 128 bits: groups of U elements of a's and b's lower (higher) halves in turn.
  template <int U, int High, int... L>
  PG_HOST_INLINE static V unpack(V a, V b, std::integer_sequence<int, L...>) {
    return __builtin_shufflevector(
        a, b,
        (L / kPiece * kPiece + High * (kPiece / 2) + L % kPiece / U / 2 * U + L % kPiece % U +
         (L % kPiece / U % 2 ? width : 0))...);
  }
};

}  // namespace pygrad::cpu::PG_ISA_NS
