// The keys at the positions of sorted narrow entries (see sort_narrow.h).
//
// A gather costs some two cycles an element. AVX-512 has permutations that pick from two registers,
// so 32-bit keys of lines up to kFewKeys are looked up in registers. In longer lines only the low
// half of a key is looked up, 64 at a time, since the entry holds the rest.
#pragma once

#include <cstdint>

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Tables are read, and keys written, up to this many elements too far.
constexpr int64_t kLinePadding = 128;

#if defined(__AVX512BW__)
constexpr int64_t kFewKeys = 128;

// Follows the keys of a line, a vector at a time: falls gets a bit for each one that is less than
// the one before it.
struct OrderWatch {
  uint16_t* falls;
  __m512i last = _mm512_setzero_si512();
  PG_HOST_INLINE void add(__m512i keys, __mmask16 lanes) {
    const __m512i before = _mm512_maskz_alignr_epi32(0xffff, keys, last, 15);
    *falls++ = _mm512_mask_cmplt_epu32_mask(lanes, keys, before);
    last = keys;
  }
};

// f(i, lanes) for the vectors of a line, the last one with less lanes.
template <class F>
PG_HOST_INLINE void for_vectors(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) f(i, __mmask16(0xffff));
  if (i < n) f(i, __mmask16((1u << (n - i)) - 1));
}

// From kTables times 32 keys in registers.
template <int kTables>
PG_HOST_INLINE void look_up_few(const uint32_t* keys, const uint32_t* entries, uint32_t positions,
                                int64_t n, uint32_t* sorted, uint16_t* falls) {
  __m512i table[2 * kTables];
#pragma GCC unroll 8
  for (int t = 0; t < 2 * kTables; ++t) table[t] = _mm512_loadu_si512(keys + 16 * t);
  const __m512i mask = _mm512_set1_epi32(int32_t(positions));
  OrderWatch watch{falls};
  for_vectors(n, [&](int64_t i, __mmask16 lanes) __attribute__((always_inline)) {
    const __m512i at = _mm512_and_si512(_mm512_loadu_si512(entries + i), mask);
    __m512i key = _mm512_permutex2var_epi32(table[0], at, table[1]);
    if constexpr (kTables > 1) {
      const __m512i number = _mm512_maskz_srli_epi32(0xffff, at, 5);
#pragma GCC unroll 8
      for (int t = 1; t < kTables; ++t) {
        const __mmask16 here = _mm512_cmpeq_epi32_mask(number, _mm512_set1_epi32(t));
        key = _mm512_mask_mov_epi32(key, here,
                                    _mm512_permutex2var_epi32(table[2 * t], at, table[2 * t + 1]));
      }
    }
    _mm512_storeu_si512(sorted + i, key);
    watch.add(key, lanes);
  });
}

// The entry lacks the low `drop` <= 16 bits of a key counted from `low`; `words` has the low halves
// of the keys.
PG_HOST_INLINE void look_up_words(const uint16_t* words, const uint32_t* entries, int index_bits,
                                  uint32_t low, int drop, int64_t n, uint32_t* sorted,
                                  uint16_t* falls) {
  const __m512i base = _mm512_set1_epi32(int32_t(low)), half = _mm512_set1_epi32(0xffff);
  const __m512i positions = _mm512_set1_epi32((1 << index_bits) - 1);
  const __m128i up = _mm_cvtsi32_si128(drop), down = _mm_cvtsi32_si128(index_bits);
  OrderWatch watch{falls};
  for (int64_t i = 0; i < n; i += 128) {
    __m512i at[4], number[4], word[4];
    for (int h = 0; h < 4; ++h) {
      const uint32_t* e = entries + i + 32 * h;
      at[h] = _mm512_or_si512(  // two vectors' positions by turns
          _mm512_and_si512(_mm512_loadu_si512(e), positions),
          _mm512_maskz_slli_epi32(0xffff, _mm512_and_si512(_mm512_loadu_si512(e + 16), positions),
                                  16));
      number[h] = _mm512_srli_epi16(at[h], 6);
      word[h] = at[h];
    }
    __m512i current = _mm512_setzero_si512();
    for (const uint16_t* table = words; table < words + n; table += 64) {
      const __m512i first = _mm512_loadu_si512(table), second = _mm512_loadu_si512(table + 32);
      for (int h = 0; h < 4; ++h) {
        const __mmask32 here = _mm512_cmpeq_epi16_mask(number[h], current);
        word[h] =
            _mm512_mask_mov_epi16(word[h], here, _mm512_permutex2var_epi16(first, at[h], second));
      }
      current = _mm512_sub_epi16(current, _mm512_set1_epi16(-1));
    }
    const int64_t left = n - i < 128 ? n - i : 128;
    for_vectors(left, [&](int64_t j, __mmask16 lanes) __attribute__((always_inline)) {
      const __m512i e = _mm512_loadu_si512(entries + i + j), pair = word[j / 32];
      const __m512i known = _mm512_add_epi32(
          base, _mm512_maskz_sll_epi32(0xffff, _mm512_maskz_srl_epi32(0xffff, e, down), up));
      const __m512i low_half = j % 32 ? _mm512_maskz_srli_epi32(0xffff, pair, 16) : pair;
      const __m512i key =
          _mm512_add_epi32(known, _mm512_and_si512(_mm512_sub_epi32(low_half, known), half));
      _mm512_storeu_si512(sorted + i + j, key);
      watch.add(key, lanes);
    });
  }
}
#else
constexpr int64_t kFewKeys = kLinePadding;
#endif

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
