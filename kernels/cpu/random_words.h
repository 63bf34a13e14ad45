// Philox blocks by the vector: one counter per lane (kernels/math/philox.h tells which bits belong
// to which element).
#pragma once

#include "kernels/cpu/vec.h"
#include "kernels/math/philox.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

using Words = Vec<uint32_t>;

// 32 x 32 -> 64-bit products of all lanes by one factor, as high and low halves.
PG_HOST_INLINE void multiply_wide(Words a, uint32_t factor, Words& high, Words& low) {
#if defined(__AVX512F__)
  const __m512i f = _mm512_set1_epi32(int(factor)), x = (__m512i)a;
  const Vec<uint64_t> even = (Vec<uint64_t>)_mm512_maskz_mul_epu32(0xff, x, f);
  const Vec<uint64_t> odd =
      (Vec<uint64_t>)_mm512_maskz_mul_epu32(0xff, (__m512i)((Vec<uint64_t>)a >> 32), f);
#elif defined(__AVX2__)
  const __m256i f = _mm256_set1_epi32(int(factor)), x = (__m256i)a;
  const Vec<uint64_t> even = (Vec<uint64_t>)_mm256_mul_epu32(x, f);
  const Vec<uint64_t> odd = (Vec<uint64_t>)_mm256_mul_epu32((__m256i)((Vec<uint64_t>)a >> 32), f);
#elif defined(__SSE2__)
  const __m128i f = _mm_set1_epi32(int(factor)), x = (__m128i)a;
  const Vec<uint64_t> even = (Vec<uint64_t>)_mm_mul_epu32(x, f);
  const Vec<uint64_t> odd = (Vec<uint64_t>)_mm_mul_epu32((__m128i)((Vec<uint64_t>)a >> 32), f);
#else
  const Vec<uint64_t> wide = (Vec<uint64_t>)a;
  const Vec<uint64_t> even = (wide & 0xffffffffu) * uint64_t(factor);
  const Vec<uint64_t> odd = (wide >> 32) * uint64_t(factor);
#endif
  constexpr uint64_t kHigh = 0xffffffff00000000u;
  high = (Words)((even >> 32) | (odd & kHigh));
  low = (Words)((even & ~kHigh) | (odd << 32));
}

// The words of blocks [first, first + blocks), four each, in order. Writes whole vectors of blocks:
// `words` holds room for 4 * (blocks rounded up to kLanes).
inline void fill_words(uint32_t* words, uint64_t seed, uint64_t offset, uint64_t first,
                       int64_t blocks) {
  constexpr int lanes = kLanes<uint32_t>;
  for (int64_t at = 0; at < blocks; at += lanes) {
    Words c0, c1;
    for (int l = 0; l < lanes; ++l) {
      const uint64_t counter = first + uint64_t(at + l);
      c0[l] = uint32_t(counter);
      c1[l] = uint32_t(counter >> 32);
    }
    Words c2 = Words{} + uint32_t(offset), c3 = Words{} + uint32_t(offset >> 32);
    uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      Words h0, l0, h1, l1;
      multiply_wide(c0, 0xD2511F53u, h0, l0);
      multiply_wide(c2, 0xCD9E8D57u, h1, l1);
      c0 = h1 ^ c1 ^ k0;
      c1 = l1;
      c2 = h0 ^ c3 ^ k1;
      c3 = l0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    uint32_t* to = words + 4 * at;
    for (int l = 0; l < lanes; ++l) {
      to[4 * l] = c0[l];
      to[4 * l + 1] = c1[l];
      to[4 * l + 2] = c2[l];
      to[4 * l + 3] = c3[l];
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
