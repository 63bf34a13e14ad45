// Packing for the tile kernels: 16 lines by 16 words at a time, read along the lines or along the
// depth, whichever is contiguous, and turned round in registers when the panel wants the other way.
#pragma once

#include <cstring>

#include "kernels/cpu/gemm_tile.h"
#include "kernels/cpu/gemm_vector.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

typedef uint32_t Words __attribute__((vector_size(64)));

// rows[i][j] -> rows[j][i], from a block of 16 x 16 words to rows `stride` words apart.
PG_HOST_INLINE void transpose_words(const uint32_t (*from)[16], uint32_t* to, int64_t stride,
                                    int64_t lines) {
#if defined(__AVX512F__)
  Vec<float> rows[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) memcpy(&rows[i], from[i], 64);
  GemmVector<float>::transpose(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i)
    if (i < lines) memcpy(to + i * stride, &rows[i], 64);
#else
  for (int i = 0; i < lines; ++i)
    for (int j = 0; j < 16; ++j) to[i * stride + j] = from[j][i];
#endif
}

// n (at most N) elements as N, the others 0.
template <class E, int N>
struct Some {
  typedef E type __attribute__((vector_size(N * sizeof(E))));
  PG_HOST_INLINE static type load(const E* p, int64_t n) {
    type x{};
    if (n >= N) {
      memcpy(&x, p, sizeof x);
    } else {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
      const uint64_t mask = (uint64_t(1) << n * int64_t(sizeof(E))) - 1;
      if constexpr (sizeof x == 64)
        x = (type)_mm512_maskz_loadu_epi8(mask, p);
      else if constexpr (sizeof x == 32)
        x = (type)_mm256_maskz_loadu_epi8(__mmask32(mask), p);
      else
        x = (type)_mm_maskz_loadu_epi8(__mmask16(mask), p);
#else
      memcpy(&x, p, size_t(n) * sizeof(E));
#endif
    }
    return x;
  }
};

// The stored elements of a bf16 or int8 operand are the bits that the words are made of.
template <class E>
struct PlainElements {
  using Stored = E;
  static constexpr int kPerWord = 4 / int(sizeof(E));
  uint32_t flip = 0;  // 0x80 in every byte turns int8 into uint8 + 128

  // `count` elements of one line.
  PG_HOST_INLINE void line(const E* from, int64_t count, uint32_t* to, int64_t) const {
    Words x = (Words)Some<E, kTileWords * kPerWord>::load(from, count);
    x ^= flip;
    memcpy(to, &x, 64);
  }
  // The word of kPerWord depths for 16 lines, of which `lines` are there; `count` depths are.
  PG_HOST_INLINE void depth(const E* from, int64_t stride, int64_t lines, int64_t count,
                            uint32_t* to, int64_t) const {
    Words words{};
#pragma GCC unroll 4
    for (int e = 0; e < kPerWord; ++e) {
      if (e >= count) break;
      const auto x = Some<E, 16>::load(from + e * stride, lines);
      words |= __builtin_convertvector(x, Words) << (8 * int(sizeof(E)) * e);
    }
    words ^= flip;
    memcpy(to, &words, 64);
  }
};

// int8 or uint8 widened to int16.
template <class E>
struct WidenedElements {
  using Stored = E;
  static constexpr int kPerWord = 2;
  PG_HOST_INLINE void line(const E* from, int64_t count, uint32_t* to, int64_t) const {
    int16_t wide[32];
    for (int i = 0; i < 32; ++i) wide[i] = i < count ? int16_t(from[i]) : int16_t(0);
    memcpy(to, wide, 64);
  }
  PG_HOST_INLINE void depth(const E* from, int64_t stride, int64_t lines, int64_t count,
                            uint32_t* to, int64_t) const {
    for (int l = 0; l < 16; ++l) {
      const uint16_t low = l < lines ? uint16_t(int16_t(from[l])) : uint16_t(0);
      const uint16_t high =
          l < lines && count > 1 ? uint16_t(int16_t(from[l + stride])) : uint16_t(0);
      to[l] = low | uint32_t(high) << 16;
    }
  }
};

// float split into planes of bfloat16, each rounded to nearest from what the ones before left.
struct SplitFloats {
  using Stored = float;
  static constexpr int kPerWord = 2;
  int planes;

  typedef float Floats __attribute__((vector_size(64)));
  // The next plane of x in the upper halves, and x without it.
  PG_HOST_INLINE static Words next_plane(Floats& x) {
    const Words bits = (Words)x;
    const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    x -= (Floats)rounded;
    return rounded;
  }
  PG_HOST_INLINE static Floats load16(const float* from, int64_t count) {
    return count > 0 ? (Floats)Some<float, 16>::load(from, count) : Floats{};
  }
  PG_HOST_INLINE void line(const float* from, int64_t count, uint32_t* to, int64_t plane) const {
    typedef uint16_t Sixteen __attribute__((vector_size(32)));
    Floats x = load16(from, count), y = load16(from + 16, count - 16);
    for (int p = 0; p < planes; ++p) {
      const Sixteen low = __builtin_convertvector(next_plane(x) >> 16, Sixteen);
      const Sixteen high = __builtin_convertvector(next_plane(y) >> 16, Sixteen);
      memcpy(to + p * plane, &low, 32);
      memcpy(to + p * plane + 8, &high, 32);
    }
  }
  PG_HOST_INLINE void depth(const float* from, int64_t stride, int64_t lines, int64_t count,
                            uint32_t* to, int64_t plane) const {
    Floats x = load16(from, lines), y = count > 1 ? load16(from + stride, lines) : Floats{};
    for (int p = 0; p < planes; ++p) {
      const Words low = next_plane(x) >> 16, words = low | next_plane(y);
      memcpy(to + p * plane, &words, 64);
    }
  }
};

// A panel of B from lines that lie side by side: word by word of the depth along all the lines, so
// that a line of the cache is read once. The rows are more streams than the hardware follows.
template <class Elements>
void pack_columns_along(const Elements& elements, const typename Elements::Stored* from,
                        int64_t depth_stride, uint32_t* panel, int64_t plane, int planes,
                        int64_t lines, int64_t width, int64_t count) {
  constexpr int64_t per = Elements::kPerWord, kAhead = 32;
  const int64_t words = (count + per * kTileWords - 1) / (per * kTileWords) * kTileWords;
  for (int64_t w = 0; w < words; ++w, from += per * depth_stride, panel += kTileColumns) {
    for (int64_t e = 0; e < per; ++e) __builtin_prefetch(from + (kAhead + e) * depth_stride);
    for (int64_t l = 0; l < width; l += 16) {
      if (w * per < count && l < lines)
        elements.depth(from + l, depth_stride, lines - l, count - w * per, panel + l, plane);
      else
        for (int q = 0; q < planes; ++q) memset(panel + l + q * plane, 0, 64);
    }
  }
}

// The lines from `line` on, of which `lines` are there, and elements [p, p + count) as a panel: if
// kByLine that of A with `width` rows, else that of B. Lines and elements that are not there become
// 0.
template <bool kByLine, class Elements>
void pack_panel(const Elements& elements, const TileSource& source, uint32_t* panel, int64_t plane,
                int planes, int64_t line, int64_t lines, int64_t width, int64_t p, int64_t count) {
  using E = typename Elements::Stored;
  constexpr int64_t per = Elements::kPerWord, kBlock = kTileWords * per;
  const int64_t ls = source.line_stride, ds = source.depth_stride;
  const E* origin = static_cast<const E*>(source.data) + line * ls + p * ds;
  const int64_t to_stride = kByLine ? kTileWords : kTileColumns;
  if (!kByLine && ls == 1 && ds != 1)
    return pack_columns_along(elements, origin, ds, panel, plane, planes, lines, width, count);
  for (int64_t d = 0; d < count; d += kBlock) {
    const int64_t elements_left = count - d;
    for (int64_t l = 0; l < width; l += 16) {
      const E* from = origin + l * ls + d * ds;
      const int64_t there = lines - l < 0 ? 0 : lines - l;
      // A's rows stand 16 words apart within the block, B's words a whole panel row.
      uint32_t* to =
          panel + (kByLine ? (d / kBlock * width + l) * kTileWords : d / per * kTileColumns + l);
      const int64_t wanted = kByLine && width - l < 16 ? width - l : 16;
      alignas(64) uint32_t block[kMostPlanes][16][16];
      if (kByLine && ls == 1 && ds != 1) {
        for (int w = 0; w < kTileWords; ++w) {
          if (w * per < elements_left && there > 0)
            elements.depth(from + w * per * ds, ds, there, elements_left - w * per, block[0][w],
                           256);
          else
            for (int q = 0; q < planes; ++q) memset(block[q][w], 0, 64);
        }
        for (int q = 0; q < planes; ++q)
          transpose_words(block[q], to + q * plane, to_stride, wanted);
        continue;
      }
      E gathered[kBlock];
      for (int64_t i = 0; i < (kByLine ? wanted : 16); ++i) {
        uint32_t* into = kByLine ? to + i * to_stride : block[0][i];
        const int64_t step = kByLine ? plane : 256;
        if (i >= there) {
          for (int q = 0; q < planes; ++q) memset(into + q * step, 0, 64);
          continue;
        }
        const E* run = from + i * ls;
        if (ds == 1) __builtin_prefetch(run + 4 * kBlock);
        const int64_t n = elements_left < kBlock ? elements_left : kBlock;
        if (ds != 1) {
          for (int64_t e = 0; e < n; ++e) gathered[e] = run[e * ds];
          run = gathered;
        }
        elements.line(run, n, into, step);
      }
      if (!kByLine)
        for (int q = 0; q < planes; ++q) transpose_words(block[q], to + q * plane, to_stride, 16);
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
