// Sorting by keys: an element becomes an unsigned integer with the same order, and a key joined
// with its position becomes an entry.
//
// All NaN share the largest key and both zeros one key, so that equal elements keep their order; a
// descending sort inverts the bits. Entries are distinct, so ordering them, by whatever method, is
// a stable sort of the elements.
//
// An entry has 32 bits (short lines) or 61 (see sort_network.h), the position in the lowest. Where
// key and position do not fit together, the keys are counted from the smallest of the line, and if
// that is not enough, the lowest bits of the key are left out; runs of entries that have become
// equal but for their position are then ordered by their whole keys (`settle_ties`). So all
// dtypes share two kinds of keys and two of entries.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_entries.h"
#include "kernels/cpu/vec.h"
#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// --- elements and keys --------------------------------------------------------------------------

template <class T>
using key_bits_t =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
template <class T>
constexpr key_bits_t<T> kSignBit = key_bits_t<T>(key_bits_t<T>(1) << (8 * sizeof(T) - 1));
template <class T>
constexpr key_bits_t<T> kInfinityBits =
    std::is_same_v<T, Half>       ? key_bits_t<T>(0x7c00u)
    : std::is_same_v<T, BFloat16> ? key_bits_t<T>(0x7f80u)
    : std::is_same_v<T, float>    ? key_bits_t<T>(0x7f800000u)
                                  : key_bits_t<T>(0x7ff0000000000000ull);
template <class T>  // with the highest bit of the fraction, too
constexpr key_bits_t<T> kNaNBits =
    std::is_same_v<T, Half>       ? key_bits_t<T>(0x7e00u)
    : std::is_same_v<T, BFloat16> ? key_bits_t<T>(0x7fc0u)
    : std::is_same_v<T, float>    ? key_bits_t<T>(0x7fc00000u)
                                  : key_bits_t<T>(0x7ff8000000000000ull);

template <class T>
PG_HOST_INLINE key_bits_t<T> sort_key(key_bits_t<T> bits) {
  using K = key_bits_t<T>;
  constexpr K kSign = kSignBit<T>;
  if constexpr (is_real_float_v<T>) {
    const K magnitude = K(bits & K(~kSign));
    const K negative = K(-(bits >> (8 * sizeof(T) - 1)));  // all ones, or 0
    K key = K(bits ^ (negative | kSign));
    key = magnitude == 0 ? kSign : key;
    return magnitude > kInfinityBits<T> ? K(~K(0)) : key;
  } else if constexpr (std::is_signed_v<T>) {
    return K(bits ^ kSign);
  } else {
    return bits;
  }
}

// The element of a key: of zeros the positive one, of NaN the usual one.
template <class T>
PG_HOST_INLINE key_bits_t<T> from_sort_key(key_bits_t<T> key) {
  using K = key_bits_t<T>;
  constexpr K kSign = kSignBit<T>;
  if constexpr (is_real_float_v<T>) {
    const K positive = K(-(key >> (8 * sizeof(T) - 1)));
    const K bits = K(key ^ (K(~positive) | kSign));
    return key == K(~K(0)) ? kNaNBits<T> : bits;
  } else if constexpr (std::is_signed_v<T>) {
    return K(key ^ kSign);
  } else {
    return key;
  }
}

// The dtype's part of a sort, with keys of type K (uint32_t, or uint64_t for 8-byte elements).
template <class K>
struct KeyCodec {
  int bits;  // of a key
  int64_t item;
  // Keys of n elements `step` apart; true when an element is not the one of its key (negative
  // zeros, rare NaN), so that the results must be looked up.
  bool (*load)(const void* in, int64_t offset, int64_t step, int64_t n, bool descending, K* keys);
  void (*store)(void* out, int64_t offset, int64_t step, int64_t n, bool descending, const K* keys);
  void (*look_up)(void* out, int64_t out_offset, int64_t out_step, int64_t n, const void* in,
                  int64_t offset, int64_t step, const int64_t* index);
};

template <bool kPacked, class K, class T>
PG_HOST_INLINE bool load_run(const void* in, int64_t offset, int64_t step, int64_t n,
                             bool descending, K* keys) {
  using B = key_bits_t<T>;
  const B* p = static_cast<const B*>(in) + offset;
  const B flip = descending ? B(~B(0)) : B(0);
  B changed = 0;
  for (int64_t i = 0; i < n; ++i) {
    const B bits = p[kPacked ? i : i * step], key = sort_key<T>(bits);
    if constexpr (is_real_float_v<T>) changed = B(changed | (from_sort_key<T>(key) ^ bits));
    keys[i] = K(B(key ^ flip));
  }
  return changed != 0;
}

template <class K, class T>
bool load_keys(const void* in, int64_t offset, int64_t step, int64_t n, bool descending, K* keys) {
  return step == 1 ? load_run<true, K, T>(in, offset, step, n, descending, keys)
                   : load_run<false, K, T>(in, offset, step, n, descending, keys);
}

template <class K, class T>
void store_keys(void* out, int64_t offset, int64_t step, int64_t n, bool descending,
                const K* keys) {
  using B = key_bits_t<T>;
  B* to = static_cast<B*>(out) + offset;
  const B flip = descending ? B(~B(0)) : B(0);
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = from_sort_key<T>(B(B(keys[i]) ^ flip));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * step] = from_sort_key<T>(B(B(keys[i]) ^ flip));
  }
}

template <class B>
void look_up_elements(void* out, int64_t out_offset, int64_t out_step, int64_t n, const void* in,
                      int64_t offset, int64_t step, const int64_t* index) {
  B* to = static_cast<B*>(out) + out_offset;
  const B* from = static_cast<const B*>(in) + offset;
  for (int64_t i = 0; i < n; ++i) to[i * out_step] = from[index[i] * step];
}

// f(codec) with the codec of T.
template <class T, class F>
PG_HOST_INLINE void with_codec(F&& f) {
  using K = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  f(KeyCodec<K>{int(8 * sizeof(T)), int64_t(sizeof(T)), load_keys<K, T>, store_keys<K, T>,
                look_up_elements<key_bits_t<T>>});
}

// --- keys and entries ---------------------------------------------------------------------------

PG_HOST_INLINE int bit_width(uint64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(x); }

// entry = ((key - low) >> drop) << index_bits | position
struct Packing {
  uint64_t low;
  int drop, index_bits;
};

template <class K>
Packing choose_packing(const K* keys, int64_t n, int key_bits, int entry_bits) {
  const int index_bits = bit_width(uint64_t(n - 1));
  if (key_bits + index_bits <= entry_bits) return {0, 0, index_bits};
  K low = keys[0], high = keys[0];
  for (int64_t i = 1; i < n; ++i) {
    low = keys[i] < low ? keys[i] : low;
    high = keys[i] > high ? keys[i] : high;
  }
  const int excess = bit_width(uint64_t(high - low)) + index_bits - entry_bits;
  return {low, excess > 0 ? excess : 0, index_bits};
}

template <class K>
void pack(const K* keys, int64_t n, const Packing& p, uint32_t* entries) {
  const K low = K(p.low);
  for (int64_t i = 0; i < n; ++i) {
    entries[i] = uint32_t(K(keys[i] - low) >> p.drop) << p.index_bits | uint32_t(i);
  }
}
template <class K>
void pack(const K* keys, int64_t n, const Packing& p, uint64_t* entries) {
  constexpr uint64_t kTag = uint64_t(1) << 61;
  for (int64_t i = 0; i < n; ++i) {
    entries[i] = kTag | (uint64_t(keys[i]) - p.low) >> p.drop << p.index_bits | uint64_t(i);
  }
}

PG_HOST_INLINE void sort_line(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted) {
  sort_entries(a, spare, n, wanted);
}
PG_HOST_INLINE void sort_line(uint32_t* a, uint32_t*, int64_t n, int64_t) { sort_entries(a, n); }

// Words of scratch that order_keys() needs for n keys.
PG_HOST_INLINE int64_t order_scratch(int64_t n) { return 2 * (n + kEntryPadding); }

template <class K, class Emit>
void order_keys(const K* keys, int64_t n, int64_t wanted, int key_bits, uint64_t* scratch,
                int64_t* order, Emit&& emit);

// Orders the sorted entries from `begin` to `end`, equal but for their positions, by whole keys.
template <class E, class K>
[[gnu::noinline]] void settle_run(E* a, int64_t begin, int64_t end, const K* keys,
                                  const Packing& p) {
  const E positions = E((E(1) << p.index_bits) - 1), common = E(a[begin] & E(~positions));
  const auto key = [&](E e) { return keys[e & positions]; };
  if (end - begin <= 16) {
    for (int64_t i = begin + 1; i < end; ++i) {
      const E x = a[i];
      int64_t j = i;
      for (; j > begin && key(x) < key(a[j - 1]); --j) a[j] = a[j - 1];
      a[j] = x;
    }
    return;
  }
  const int64_t n = end - begin;
  ScratchBuffer<uint64_t> whole(n), scratch(order_scratch(n));
  ScratchBuffer<E> before(n);
  for (int64_t i = 0; i < n; ++i) {
    before[i] = a[begin + i];
    whole[i] = key(before[i]);
  }
  order_keys(whole.data, n, n, 64, scratch.data, nullptr,
             [&](int64_t first, int64_t count, const uint64_t*, const int64_t* at) {
               for (int64_t i = 0; i < count; ++i) {
                 a[begin + first + i] = E(common | (before[at[i]] & positions));
               }
             });
}

// A bit for each of kProbe neighbours that come with a bound, p[i] <= limit, or p[i] ^ p[i + 1] <=
// limit where kPairs.
constexpr int64_t kProbe = 16;
template <bool kPairs, class K>
PG_HOST_INLINE uint32_t probe(const K* p, K limit) {
#if defined(__AVX512F__)
  const auto load = [&](int64_t i) __attribute__((always_inline)) {
    const __m512i x = _mm512_loadu_si512(p + i);
    return kPairs ? _mm512_xor_si512(x, _mm512_loadu_si512(p + i + 1)) : x;
  };
  if constexpr (sizeof(K) == 4) {
    return _mm512_cmple_epu32_mask(load(0), _mm512_set1_epi32(int32_t(limit)));
  } else {
    const __m512i bound = _mm512_set1_epi64(int64_t(limit));
    return _mm512_cmple_epu64_mask(load(0), bound) |
           uint32_t(_mm512_cmple_epu64_mask(load(8), bound)) << 8;
  }
#else
  uint32_t mask = 0;
  for (int64_t i = 0; i < kProbe; ++i) {
    mask |= uint32_t((kPairs ? p[i] ^ p[i + 1] : p[i]) <= limit) << i;
  }
  return mask;
#endif
}

template <class E, class K>
void settle_ties(E* a, int64_t n, const K* keys, const Packing& p) {
  const E limit = E((E(1) << p.index_bits) - 1);  // neighbours that differ in no higher bit
  int64_t i = 0;
  const auto settle = [&] {  // i and i + 1 tie
    const int64_t begin = i;
    while (i + 1 < n && (a[i] ^ a[i + 1]) <= limit) ++i;
    settle_run(a, begin, ++i, keys, p);
  };
  while (i + kProbe < n) {
    const uint32_t ties = probe<true>(a + i, limit);
    if (ties) {
      i += __builtin_ctz(ties);
      settle();
    } else {
      i += kProbe;
    }
  }
  while (i + 1 < n) {
    if ((a[i] ^ a[i + 1]) <= limit)
      settle();
    else
      ++i;
  }
}

// to[i] = keys[at[i]]
PG_HOST_INLINE void gather_keys(const uint32_t* keys, const uint32_t* entries, uint32_t positions,
                                int64_t n, uint32_t* to) {
  int64_t i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16) {
    const __m512i at =
        _mm512_and_si512(_mm512_loadu_si512(entries + i), _mm512_set1_epi32(int32_t(positions)));
    _mm512_storeu_si512(to + i,
                        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, at, keys, 4));
  }
#endif
  for (; i < n; ++i) to[i] = keys[entries[i] & positions];
}
template <class K, class E>
PG_HOST_INLINE void gather_keys(const K* keys, const E* entries, E positions, int64_t n, K* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = keys[entries[i] & positions];
}

template <class E, class K, class Emit>
void order_as(const K* keys, int64_t n, int64_t wanted, const Packing& p, E* entries, E* spare,
              int64_t* order, Emit&& emit) {
  pack(keys, n, p, entries);
  sort_line(entries, spare, n, p.drop ? n : wanted);
  if (p.drop) settle_ties(entries, n, keys, p);
  constexpr int64_t kChunk = 512;
  alignas(64) K chunk[kChunk];
  alignas(64) int64_t chunk_order[kChunk];
  const E positions = E((E(1) << p.index_bits) - 1);
  // Keys of 61-bit entries are read off, since a look-up in a long line misses the cache.
  const bool read_off = sizeof(E) == 8 && p.drop == 0;
  for (int64_t first = 0; first < wanted; first += kChunk) {
    const int64_t count = wanted - first < kChunk ? wanted - first : kChunk;
    const E* e = entries + first;
    int64_t* to = order ? order + first : chunk_order;
    for (int64_t i = 0; i < count; ++i) to[i] = int64_t(e[i] & positions);
    if (read_off) {
      constexpr uint64_t kTag = uint64_t(1) << 61;
      for (int64_t i = 0; i < count; ++i) {
        chunk[i] = K(((uint64_t(e[i]) ^ kTag) >> p.index_bits) + p.low);
      }
    } else {
      gather_keys(keys, e, positions, count, chunk);
    }
    emit(first, count, chunk, to);
  }
}

// The first `wanted` of n keys in order: emit(first, count, keys, positions) for consecutive pieces
// of the result, with the positions in `order` unless it is null. key_bits bounds the keys.
template <class K, class Emit>
void order_keys(const K* keys, int64_t n, int64_t wanted, int key_bits, uint64_t* scratch,
                int64_t* order, Emit&& emit) {
  if (n > kWideBlock && n <= kNarrowLine) {
    const Packing p = choose_packing(keys, n, key_bits, 32);
    if (p.drop == 0 || sizeof(K) == 4) {
      uint32_t* entries = reinterpret_cast<uint32_t*>(scratch);
      return order_as(keys, n, wanted, p, entries, entries, order, emit);
    }
  }
  const Packing p = choose_packing(keys, n, key_bits, 61);
  order_as(keys, n, wanted, p, scratch, scratch + n + kEntryPadding, order, emit);
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
