// Transposed copies of equal-sized elements in registers.
//
// A vector is filled with 16-byte pieces of as many rows as it has 128-bit lanes, so that only
// exchanges within the lanes are left: with k elements in 16 bytes and L lanes, k vectors hold k L
// rows by k columns, log2(k) rounds of interleaving transpose every lane, and each result is a run
// of k L neighbours of the output.
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int kVecPieces = kVecBytes / 16;
template <class Word>
constexpr int kBlockCols = 16 / int(sizeof(Word));
template <class Word>
constexpr int kBlockRows = kBlockCols<Word> * kVecPieces;

typedef char Bytes __attribute__((vector_size(kVecBytes)));

// 16 bytes from each of the addresses at(0), at(1), ...: one per lane, or for the lowest alone.
template <bool kOne, class At>
PG_HOST_INLINE Bytes load_pieces(At&& at) {
#if defined(__AVX512F__)
  const auto piece = [&](int l) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at(l)));
  };
  __m512i v = _mm512_zextsi128_si512(piece(0));
  if constexpr (kOne) return (Bytes)v;
  v = _mm512_maskz_inserti32x4(0xffff, v, piece(1), 1);
  v = _mm512_maskz_inserti32x4(0xffff, v, piece(2), 2);
  return (Bytes)_mm512_maskz_inserti32x4(0xffff, v, piece(3), 3);
#elif defined(__AVX2__)
  const auto piece = [&](int l) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at(l)));
  };
  const __m256i v = _mm256_zextsi128_si256(piece(0));
  if constexpr (kOne) return (Bytes)v;
  return (Bytes)_mm256_inserti128_si256(v, piece(1), 1);
#else
  Bytes v;
  memcpy(&v, at(0), 16);
  return v;
#endif
}

// The lower or upper halves of each 16-byte lane of a and b, by turns.
template <class Word>
PG_HOST_INLINE Bytes interleave(Bytes a, Bytes b, bool high) {
#if defined(__AVX512BW__)
  const __m512i x = (__m512i)a, y = (__m512i)b;
  switch (sizeof(Word)) {
    case 1:
      return (Bytes)(high ? _mm512_unpackhi_epi8(x, y) : _mm512_unpacklo_epi8(x, y));
    case 2:
      return (Bytes)(high ? _mm512_unpackhi_epi16(x, y) : _mm512_unpacklo_epi16(x, y));
    case 4:
      return (Bytes)(high ? _mm512_maskz_unpackhi_epi32(0xffff, x, y)
                          : _mm512_maskz_unpacklo_epi32(0xffff, x, y));
    default:
      return (Bytes)(high ? _mm512_maskz_unpackhi_epi64(0xff, x, y)
                          : _mm512_maskz_unpacklo_epi64(0xff, x, y));
  }
#elif defined(__AVX2__)
  const __m256i x = (__m256i)a, y = (__m256i)b;
  switch (sizeof(Word)) {
    case 1:
      return (Bytes)(high ? _mm256_unpackhi_epi8(x, y) : _mm256_unpacklo_epi8(x, y));
    case 2:
      return (Bytes)(high ? _mm256_unpackhi_epi16(x, y) : _mm256_unpacklo_epi16(x, y));
    case 4:
      return (Bytes)(high ? _mm256_unpackhi_epi32(x, y) : _mm256_unpacklo_epi32(x, y));
    default:
      return (Bytes)(high ? _mm256_unpackhi_epi64(x, y) : _mm256_unpacklo_epi64(x, y));
  }
#else
  constexpr int k = kBlockCols<Word>;
  Word u[k], v[k], r[k];
  memcpy(u, &a, 16);
  memcpy(v, &b, 16);
  for (int i = 0; i < k; ++i) r[i] = (i & 1 ? v : u)[i / 2 + (high ? k / 2 : 0)];
  Bytes out;
  memcpy(&out, r, 16);
  return out;
#endif
}

// kBlockRows rows by kBlockCols columns: at(l, i) is the address of row l * kBlockCols + i.
// columns[j] holds column j; with kOne, which asks for l = 0 alone, its first 16 bytes.
template <class Word, bool kOne, class At>
PG_HOST_INLINE void transpose_pieces(At&& at, Bytes (&columns)[kBlockCols<Word>]) {
  constexpr int k = kBlockCols<Word>;
  Bytes v[k];
#pragma GCC unroll 16
  for (int i = 0; i < k; ++i) {
    v[i] = load_pieces<kOne>([&](int l) __attribute__((always_inline)) { return at(l, i); });
  }
  // A round sends element e of vector i to the place with (i, e)'s bits turned by one.
#pragma GCC unroll 4
  for (int round = 1; round < k; round *= 2) {
    Bytes w[k];
#pragma GCC unroll 8
    for (int i = 0; i < k / 2; ++i) {
      w[2 * i] = interleave<Word>(v[i], v[i + k / 2], false);
      w[2 * i + 1] = interleave<Word>(v[i], v[i + k / 2], true);
    }
#pragma GCC unroll 16
    for (int i = 0; i < k; ++i) v[i] = w[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < k; ++i) columns[i] = v[i];
}

// Rows `step` bytes apart, from their column of address `in` (the last ones may repeat: `rows`
// exist).
template <class Word, bool kOne = false>
PG_HOST_INLINE void load_transposed(const char* in, int64_t step, int rows,
                                    Bytes (&columns)[kBlockCols<Word>]) {
  transpose_pieces<Word, kOne>(
      [&](int l, int i) __attribute__((always_inline)) {
        const int row = l * kBlockCols<Word> + i;
        return in + (row < rows ? row : rows - 1) * step;
      },
      columns);
}

// The first n bytes of a vector, 0 < n <= kVecBytes.
PG_HOST_INLINE void store_bytes(char* p, const Bytes& v, int64_t n) {
#if defined(__AVX512BW__)
  _mm512_mask_storeu_epi8(p, ~__mmask64(0) >> (64 - n), (__m512i)v);
#else
  memcpy(p, &v, size_t(n));
#endif
}

// out[c][r] = in[r][c] for r < rows, c < cols; steps in bytes, elements of a row of either packed.
// At least kBlockCols columns.
template <class Word>
PG_HOST_INLINE void transpose_block(char* out, int64_t out_step, const char* in, int64_t in_step,
                                    int64_t rows, int64_t cols) {
  constexpr int64_t kItem = sizeof(Word);
  constexpr int kRows = kBlockRows<Word>, kCols = kBlockCols<Word>;
  for (int64_t r = 0; r < rows; r += kRows) {
    const int64_t m = rows - r < kRows ? rows - r : kRows;
    const char* from = in + r * in_step;
    char* to = out + r * kItem;
    Bytes columns[kCols];
    int64_t c = 0;
    if (m == kRows) {
      for (; c + kCols <= cols; c += kCols) {
        load_transposed<Word>(from + c * kItem, in_step, kRows, columns);
#pragma GCC unroll 16
        for (int j = 0; j < kCols; ++j) {
          memcpy(to + (c + j) * out_step, &columns[j], kVecBytes);
        }
      }
    }
    while (c < cols) {
      // The last block starts early enough to lie within the rows; its first columns are done.
      const int64_t start = c + kCols <= cols ? c : cols - kCols;
      if (m <= kCols) {
        load_transposed<Word, true>(from + start * kItem, in_step, int(m), columns);
      } else {
        load_transposed<Word>(from + start * kItem, in_step, int(m), columns);
      }
      for (; c < start + kCols; ++c) store_bytes(to + c * out_step, columns[c - start], m * kItem);
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
