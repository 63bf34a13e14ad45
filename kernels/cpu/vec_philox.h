// Philox4x32-10 on vectors: one block to every 64-bit lane (kernels/math/philox.h defines the
// stream).
//
// The four words of a block stand in the lower halves of the lanes of four vectors, where the
// 32 x 32 -> 64-bit multiplication takes its operands and leaves both halves of its product; the
// upper halves hold rubbish until the end. The blocks are dealt to the lanes so that interleaving
// within 128 bits, the one cheap way to do it, puts the words into order.
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

using Lanes = Vec<uint64_t>;
using Words = Vec<uint32_t>;

// The product of the lower halves.
PG_HOST_INLINE Lanes multiply_low_halves(Lanes a, Lanes b) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

// Within every 128 bits: the first half of a's lanes alternating with those of b, then the second.
template <class V>
PG_HOST_INLINE void interleave(V a, V b, V& first, V& second) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Elem<V>) == 8) {
    first = (V)_mm512_maskz_unpacklo_epi64(0xff, (__m512i)a, (__m512i)b);
    second = (V)_mm512_maskz_unpackhi_epi64(0xff, (__m512i)a, (__m512i)b);
  } else {
    first = (V)_mm512_maskz_unpacklo_epi32(0xffff, (__m512i)a, (__m512i)b);
    second = (V)_mm512_maskz_unpackhi_epi32(0xffff, (__m512i)a, (__m512i)b);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(Elem<V>) == 8) {
    first = (V)_mm256_unpacklo_epi64((__m256i)a, (__m256i)b);
    second = (V)_mm256_unpackhi_epi64((__m256i)a, (__m256i)b);
  } else {
    first = (V)_mm256_unpacklo_epi32((__m256i)a, (__m256i)b);
    second = (V)_mm256_unpackhi_epi32((__m256i)a, (__m256i)b);
  }
#else
  constexpr int per = 16 / int(sizeof(Elem<V>)), lanes = kLanes<Elem<V>>;
  for (int l = 0; l < lanes; ++l) {
    const int from = l / per * per + l % per / 2;
    first[l] = l % 2 ? b[from] : a[from];
    second[l] = l % 2 ? b[from + per / 2] : a[from + per / 2];
  }
#endif
}

// Several vectors of blocks, as the registers allow, so that the rounds of one fill the waits of
// the others.
constexpr int kPhiloxUnroll = kVecBytes == 64 ? 4 : 2;
constexpr int kPhiloxLanes = kLanes<uint64_t>;
constexpr int kPhiloxBlocks = kPhiloxUnroll * kPhiloxLanes;

// words[u][w]: word w of block first + u * kPhiloxLanes + ..., in the lower halves.
PG_HOST_INLINE void philox_lanes(uint64_t seed, uint64_t offset, uint64_t first,
                                 Lanes (&words)[kPhiloxUnroll][4]) {
  static constexpr uint64_t kOrder[3][8] = {{0, 1}, {0, 2, 1, 3}, {0, 4, 1, 5, 2, 6, 3, 7}};
  const Lanes order = load(kOrder[kPhiloxLanes / 4]);
#pragma GCC unroll 4
  for (int u = 0; u < kPhiloxUnroll; ++u) {
    const Lanes counter = order + (first + uint64_t(u * kPhiloxLanes));
    words[u][0] = counter;
    words[u][1] = counter >> 32;
    words[u][2] = Lanes{} + uint32_t(offset);
    words[u][3] = Lanes{} + (offset >> 32);
  }
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  const Lanes m0 = Lanes{} + 0xD2511F53u, m1 = Lanes{} + 0xCD9E8D57u;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
    for (int u = 0; u < kPhiloxUnroll; ++u) {
      Lanes(&c)[4] = words[u];
      const Lanes p0 = multiply_low_halves(c[0], m0), p1 = multiply_low_halves(c[2], m1);
      c[0] = (p1 >> 32) ^ c[1] ^ uint64_t(k0);
      c[2] = (p0 >> 32) ^ c[3] ^ uint64_t(k1);
      c[1] = p1;
      c[3] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// Words a and b of the blocks as 64-bit numbers, b above a.
PG_HOST_INLINE Lanes join_halves(Lanes a, Lanes b) { return (a & 0xffffffffu) | (b << 32); }

// The words of `blocks` blocks from `first` on, four each, in order. Writes whole steps of
// kPhiloxBlocks.
PG_HOST_INLINE void fill_words(uint32_t* to, uint64_t seed, uint64_t offset, uint64_t first,
                               int64_t blocks) {
  for (int64_t at = 0; at < blocks; at += kPhiloxBlocks) {
    Lanes words[kPhiloxUnroll][4];
    philox_lanes(seed, offset, first + uint64_t(at), words);
#pragma GCC unroll 4
    for (int u = 0; u < kPhiloxUnroll; ++u, to += 4 * kPhiloxLanes) {
      Lanes even, odd;
      interleave(join_halves(words[u][0], words[u][1]), join_halves(words[u][2], words[u][3]), even,
                 odd);
      store(to, (Words)even);
      store(to + 2 * kPhiloxLanes, (Words)odd);
    }
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
