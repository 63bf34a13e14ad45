// Elements moved as words of their size: short rows by the thousand, and runs picked at a stride.
//
// What a row of a few dozen bytes costs is calls and branches, not bytes. So the size is looked at
// once for all rows, and a row is then two or more pieces of one fixed size, of which the last
// overlaps the one before: no row is read or written beyond its end.
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// A word of 16 bytes.
struct Pair {
  uint64_t halves[2];
};

template <int64_t kPart>
PG_HOST_INLINE void copy_part(char* to, const char* from) {
  if constexpr (kPart >= 16) {
    typedef char Part __attribute__((vector_size(kPart), aligned(1), may_alias));
    *reinterpret_cast<Part*>(to) = *reinterpret_cast<const Part*>(from);
  } else {
    memcpy(to, from, kPart);
  }
}

// f(copier) with the copier for rows of `bytes` > 0: copier(to, from) copies one.
template <class F>
PG_HOST_INLINE void with_copier(int64_t bytes, F&& f) {
  const auto ends = [&]<int kPart>(std::integral_constant<int, kPart>)
                        __attribute__((always_inline)) {
                          f([=](char* to, const char* from) __attribute__((always_inline)) {
                            copy_part<kPart>(to, from);
                            copy_part<kPart>(to + bytes - kPart, from + bytes - kPart);
                          });
                        };
  if (bytes > 64) {
    f([=](char* to, const char* from) __attribute__((always_inline)) {
      for (int64_t i = 0; i + 64 < bytes; i += 64) copy_part<64>(to + i, from + i);
      copy_part<64>(to + bytes - 64, from + bytes - 64);
    });
  } else if (bytes >= 32) {
    ends(std::integral_constant<int, 32>());
  } else if (bytes >= 16) {
    ends(std::integral_constant<int, 16>());
  } else if (bytes >= 8) {
    ends(std::integral_constant<int, 8>());
  } else if (bytes >= 4) {
    ends(std::integral_constant<int, 4>());
  } else if (bytes >= 2) {
    ends(std::integral_constant<int, 2>());
  } else {
    ends(std::integral_constant<int, 1>());
  }
}

// `rows` packed rows of `bytes` > 0, at steps in bytes.
[[maybe_unused]] void copy_rows(char* to, int64_t to_step, const char* from, int64_t from_step,
                                int64_t rows, int64_t bytes) {
  with_copier(bytes, [&](auto copy) __attribute__((always_inline)) {
    for (int64_t r = 0; r < rows; ++r) copy(to + r * to_step, from + r * from_step);
  });
}

// --- runs at a stride
// -----------------------------------------------------------------------------

template <class V, int... i>
PG_HOST_INLINE V even_lanes(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (2 * i)...);
}
template <class V, int... i>
PG_HOST_INLINE V reversed_lanes(V v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (int(sizeof...(i)) - 1 - i)...);
}

// The word at `from` n times.
template <class Word>
PG_HOST_INLINE void repeat_word(char* to, const char* from, int64_t n) {
  constexpr int64_t kItem = sizeof(Word);
  if constexpr (kItem <= 8) {
    Word word;
    memcpy(&word, from, kItem);
    const Vec<Word> v = Vec<Word>{} + word;
    int64_t i = 0;
    for (; i + kLanes<Word> <= n; i += kLanes<Word>) memcpy(to + i * kItem, &v, sizeof v);
    for (; i < n; ++i) memcpy(to + i * kItem, &word, kItem);
  } else {
    for (int64_t i = 0; i < n; ++i) memcpy(to + i * kItem, from, kItem);
  }
}

// The words at `from`, `step` bytes apart, n times each. The few bytes after the last are written
// too: kVecBytes at most.
template <class Word>
PG_HOST_INLINE void repeat_words(char* to, const char* from, int64_t step, int64_t rows,
                                 int64_t n) {
  constexpr int64_t kItem = sizeof(Word);
  const auto in_vectors = [&]<int kBytes>(std::integral_constant<int, kBytes>)
                              __attribute__((always_inline)) {
                                typedef Word V __attribute__((vector_size(kBytes)));
                                for (int64_t r = 0; r < rows; ++r, to += n * kItem, from += step) {
                                  Word word;
                                  memcpy(&word, from, kItem);
                                  const V v = V{} + word;
                                  memcpy(to, &v, sizeof v);
                                }
                              };
  if (n * kItem <= 16) {
    in_vectors(std::integral_constant<int, 16>());
  } else if (n * kItem <= kVecBytes) {
    in_vectors(std::integral_constant<int, kVecBytes>());
  } else {
    for (int64_t r = 0; r < rows; ++r) repeat_word<Word>(to + r * n * kItem, from + r * step, n);
  }
}

// n words, `stride` bytes apart, into packed ones. Every second word and words in reverse order go
// by vectors.
template <class Word>
PG_HOST_INLINE void pick_words(char* to, const char* from, int64_t stride, int64_t n) {
  constexpr int64_t kItem = sizeof(Word);
  if (stride == 0) return repeat_word<Word>(to, from, n);
  int64_t i = 0;
  if constexpr (kItem <= 8) {
    constexpr int L = kLanes<Word>;
    using Lanes = std::make_integer_sequence<int, L>;
    const auto load = [&](int64_t at) __attribute__((always_inline)) {
      Vec<Word> v;
      memcpy(&v, from + at, sizeof v);
      return v;
    };
    if (stride == 2 * kItem) {
      // The word after the last may not exist: it is left to the loop below.
      for (; i + L < n; i += L) {
        const Vec<Word> v = even_lanes(load(i * stride), load(i * stride + kVecBytes), Lanes());
        memcpy(to + i * kItem, &v, sizeof v);
      }
    } else if (stride == -kItem) {
      for (; i + L <= n; i += L) {
        const Vec<Word> v = reversed_lanes(load((1 - i - L) * kItem), Lanes());
        memcpy(to + i * kItem, &v, sizeof v);
      }
#if defined(__AVX512F__)
      if constexpr (kItem >= 4) {
        // The lanes that do not exist come first, and are not touched.
        const int64_t left = n - i;
        if (left == 0) return;
        const char* low = from + (1 - i - L) * kItem;
        Vec<Word> v;
        if constexpr (kItem == 4) {
          v = (Vec<Word>)_mm512_maskz_loadu_epi32(__mmask16(0xffffu << (L - left)), low);
        } else {
          v = (Vec<Word>)_mm512_maskz_loadu_epi64(__mmask8(0xffu << (L - left)), low);
        }
        store_n(reinterpret_cast<Word*>(to + i * kItem), reversed_lanes(v, Lanes()), left);
        return;
      }
#endif
      // 16 bytes at a time, the last ones overlapping those before.
      typedef Word Short __attribute__((vector_size(16)));
      constexpr int k = 16 / int(kItem);
      if (n >= k) {
        for (; i < n; i += k) {
          if (i + k > n) i = n - k;
          Short v;
          memcpy(&v, from + (1 - i - k) * kItem, sizeof v);
          v = reversed_lanes(v, std::make_integer_sequence<int, k>());
          memcpy(to + i * kItem, &v, sizeof v);
        }
        return;
      }
    }
  }
#pragma GCC ivdep
  for (; i < n; ++i) memcpy(to + i * kItem, from + i * stride, kItem);
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
