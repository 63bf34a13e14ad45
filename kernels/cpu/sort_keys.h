// Sorting by keys: an element becomes an unsigned integer with the same order, joined with its
// position in the line.
//
// All NaN share the largest key and both zeros one key, so that equal elements keep their order; a
// descending sort inverts the bits. Entries are then distinct, and ordering them is a stable sort
// of the elements. Short lines are merged up from sorted runs, long ones go through a least-
// significant-digit radix sort that skips digits all keys share.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Keys of at most 4 bytes in the upper half, position in the lower: for lines of fewer than 2^32
// elements.
using NarrowEntry = uint64_t;
struct WideEntry {
  uint64_t key, index;
};

PG_HOST_INLINE bool precedes(NarrowEntry a, NarrowEntry b) { return a < b; }
PG_HOST_INLINE bool precedes(const WideEntry& a, const WideEntry& b) {
  return (a.key < b.key) | ((a.key == b.key) & (a.index < b.index));
}
PG_HOST_INLINE uint64_t key_of(NarrowEntry e) { return e >> 32; }
PG_HOST_INLINE uint64_t key_of(const WideEntry& e) { return e.key; }
PG_HOST_INLINE int64_t index_of(NarrowEntry e) { return int64_t(e & 0xffffffffu); }
PG_HOST_INLINE int64_t index_of(const WideEntry& e) { return int64_t(e.index); }
PG_HOST_INLINE void make_entry(uint64_t key, int64_t index, NarrowEntry* e) {
  *e = key << 32 | uint64_t(index);
}
PG_HOST_INLINE void make_entry(uint64_t key, int64_t index, WideEntry* e) {
  *e = {key, uint64_t(index)};
}

template <class T>
using key_bits_t =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

template <class T>
PG_HOST_INLINE key_bits_t<T> sort_key(T x) {
  using K = key_bits_t<T>;
  constexpr K kSign = K(K(1) << (8 * sizeof(K) - 1));
  K bits;
  memcpy(&bits, &x, sizeof(K));
  if constexpr (is_real_float_v<T>) {
    constexpr K kInfinity = std::is_same_v<T, Half>       ? K(0x7c00u)
                            : std::is_same_v<T, BFloat16> ? K(0x7f80u)
                            : std::is_same_v<T, float>    ? K(0x7f800000u)
                                                          : K(0x7ff0000000000000ull);
    const K magnitude = K(bits & K(~kSign));
    if (magnitude > kInfinity) return K(~K(0));
    if (magnitude == 0) return kSign;
    return bits & kSign ? K(~bits) : K(bits | kSign);
  } else if constexpr (std::is_signed_v<T>) {
    return K(bits ^ kSign);
  } else {
    return bits;
  }
}

// The element of a key; NaN and zeros have lost their bits and are looked up (see emit_values).
template <class T>
PG_HOST_INLINE T from_sort_key(key_bits_t<T> key) {
  using K = key_bits_t<T>;
  constexpr K kSign = K(K(1) << (8 * sizeof(K) - 1));
  K bits = key;
  if constexpr (is_real_float_v<T>)
    bits = key & kSign ? K(key ^ kSign) : K(~key);
  else if constexpr (std::is_signed_v<T>)
    bits = K(key ^ kSign);
  T x;
  memcpy(&x, &bits, sizeof(K));
  return x;
}

// The dtype's part of a sort: entries of a line, and elements of the sorted entries.
template <class E>
struct KeyAccess {
  int key_bytes;
  void (*build)(const void* in, int64_t offset, int64_t step, int64_t n, bool descending,
                E* entries);
  void (*emit)(const void* in, int64_t offset, int64_t step, void* out, int64_t out_offset,
               int64_t out_step, int64_t n, bool descending, const E* sorted);
};

template <class E, class T>
void build_entries(const void* in, int64_t offset, int64_t step, int64_t n, bool descending,
                   E* entries) {
  using K = key_bits_t<T>;
  const T* p = static_cast<const T*>(in) + offset;
  const K flip = descending ? K(~K(0)) : K(0);
  for (int64_t i = 0; i < n; ++i) make_entry(K(sort_key(p[i * step]) ^ flip), i, entries + i);
}

template <class E, class T>
void emit_values(const void* in, int64_t offset, int64_t step, void* out, int64_t out_offset,
                 int64_t out_step, int64_t n, bool descending, const E* sorted) {
  using K = key_bits_t<T>;
  const T* p = static_cast<const T*>(in) + offset;
  T* to = static_cast<T*>(out) + out_offset;
  const K flip = descending ? K(~K(0)) : K(0);
  for (int64_t i = 0; i < n; ++i) {
    const K key = K(K(key_of(sorted[i])) ^ flip);
    T x = from_sort_key<T>(key);
    if constexpr (is_real_float_v<T>) {
      constexpr K kZero = K(K(1) << (8 * sizeof(K) - 1));
      if (key == kZero || key == K(~K(0))) x = p[index_of(sorted[i]) * step];
    }
    to[i * out_step] = x;
  }
}

template <class E>
PG_HOST_INLINE void insertion_sort(E* a, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const E x = a[i];
    int64_t j = i;
    for (; j > 0 && precedes(x, a[j - 1]); --j) a[j] = a[j - 1];
    a[j] = x;
  }
}

// Sorts up to kRun entries into `to` by counting, for each, those that precede it: many
// comparisons, but no branch, and vectors of them.
constexpr int64_t kRun = 32;
PG_HOST_INLINE void sort_run(const NarrowEntry* a, int64_t n, NarrowEntry* to) {
  NarrowEntry padded[kRun];
  for (int64_t i = 0; i < kRun; ++i) padded[i] = ~NarrowEntry(0);
  memcpy(padded, a, size_t(n) * sizeof(NarrowEntry));
  uint64_t rank[kRun] = {};
  for (int64_t j = 0; j < n; ++j) {
    const NarrowEntry x = padded[j];
    for (int64_t i = 0; i < kRun; ++i) rank[i] += x < padded[i];
  }
  for (int64_t i = 0; i < n; ++i) to[rank[i]] = padded[i];
}
PG_HOST_INLINE void sort_run(const WideEntry* a, int64_t n, WideEntry* to) {
  memcpy(static_cast<void*>(to), a, size_t(n) * sizeof(WideEntry));
  insertion_sort(to, n);
}

// Merges the neighbours a[0, n) and a[n, n + m) into `to`, without a branch on the comparison.
template <class E>
PG_HOST_INLINE void merge_runs(const E* a, int64_t n, int64_t m, E* to) {
  const E* b = a + n;
  const E *a_end = a + n, *b_end = b + m;
  while (a < a_end && b < b_end) {
    const bool second = precedes(*b, *a);
    *to++ = second ? *b : *a;
    b += second;
    a += !second;
  }
  if (a < a_end) memcpy(static_cast<void*>(to), a, size_t(a_end - a) * sizeof(E));
  if (b < b_end) memcpy(static_cast<void*>(to + (a_end - a)), b, size_t(b_end - b) * sizeof(E));
}

template <class E>
E* merge_sort(E* a, E* spare, int64_t n) {
  constexpr int64_t kFirst = sizeof(E) == sizeof(NarrowEntry) ? kRun : 12;
  for (int64_t i = 0; i < n; i += kFirst) {
    sort_run(a + i, n - i < kFirst ? n - i : kFirst, spare + i);
  }
  E* sorted = spare;
  spare = a;
  a = sorted;
  for (int64_t width = kFirst; width < n; width *= 2) {
    for (int64_t i = 0; i < n; i += 2 * width) {
      const int64_t first = n - i < width ? n - i : width;
      const int64_t rest = n - i - first, second = rest < width ? rest : width;
      merge_runs(a + i, first, second, spare + i);
    }
    E* t = a;
    a = spare;
    spare = t;
  }
  return a;
}

template <class E>
E* radix_sort(E* a, E* spare, int64_t n, int key_bytes) {
  uint64_t counts[8][256];
  memset(counts, 0, sizeof(uint64_t) * 256 * size_t(key_bytes));
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t key = key_of(a[i]);
    for (int d = 0; d < key_bytes; ++d) ++counts[d][key >> (8 * d) & 255];
  }
  for (int d = 0; d < key_bytes; ++d) {
    uint64_t* count = counts[d];
    if (count[key_of(a[0]) >> (8 * d) & 255] == uint64_t(n)) continue;  // all keys share it
    uint64_t sum = 0;
    for (int v = 0; v < 256; ++v) {
      const uint64_t c = count[v];
      count[v] = sum;
      sum += c;
    }
    for (int64_t i = 0; i < n; ++i) spare[count[key_of(a[i]) >> (8 * d) & 255]++] = a[i];
    E* t = a;
    a = spare;
    spare = t;
  }
  return a;
}

// Sorts entries in the order of `precedes`, given in the order of their positions. The result lies
// in `a` or `spare`.
template <class E>
E* sort_entries(E* a, E* spare, int64_t n, int key_bytes) {
  const int64_t merge_below = key_bytes <= 2 ? 64 : key_bytes == 4 ? 256 : 640;
  return n < merge_below ? merge_sort(a, spare, n) : radix_sort(a, spare, n, key_bytes);
}

template <class E>
void emit_indices(int64_t* to, int64_t step, int64_t n, const E* sorted) {
  for (int64_t i = 0; i < n; ++i) to[i * step] = index_of(sorted[i]);
}

// f.operator()<E>(access) with the entry type that fits elements of type T and lines of `size`
// elements.
template <class T, class F>
PG_HOST_INLINE void with_keys(int64_t size, F&& f) {
  constexpr int kBytes = int(sizeof(T));
  if constexpr (kBytes <= 4) {
    if (size <= int64_t(0xffffffff)) {
      f(KeyAccess<NarrowEntry>{kBytes, build_entries<NarrowEntry, T>, emit_values<NarrowEntry, T>});
      return;
    }
  }
  f(KeyAccess<WideEntry>{kBytes, build_entries<WideEntry, T>, emit_values<WideEntry, T>});
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
