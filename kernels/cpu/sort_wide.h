// Packing keys into entries, and ordering keys by wide entries, of 61 bits (see sort_order.h).
// Ties, possible for 64-bit keys alone, are settled run by run.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_entries.h"
#include "kernels/cpu/sort_network.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int bit_width(uint64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(x); }
// Of positions in a line of n.
PG_HOST_INLINE int index_width(int64_t n) { return bit_width(uint64_t(n - 1)); }

// entry = ((key - low) >> drop) << index_bits | position
struct Packing {
  uint64_t low = 0;
  int drop = 0;
};
PG_HOST_INLINE Packing packing_of(uint64_t low, uint64_t high, int index_bits, int entry_bits) {
  const int excess = bit_width(high - low) + index_bits - entry_bits;
  return {low, excess > 0 ? excess : 0};
}
template <class K>
Packing choose_packing(const K* keys, int64_t n, int key_bits, int entry_bits) {
  const int index_bits = index_width(n);
  if (key_bits + index_bits <= entry_bits) return {};
  K low = keys[0], high = keys[0];
  for (int64_t i = 1; i < n; ++i) {
    low = keys[i] < low ? keys[i] : low;
    high = keys[i] > high ? keys[i] : high;
  }
  return packing_of(low, high, index_bits, entry_bits);
}

constexpr int64_t kProbe = 16;
// A bit for each of kProbe keys p[i] <= limit.
template <class K>
PG_HOST_INLINE uint32_t probe_bound(const K* p, K limit) {
#if defined(__AVX512F__)
  const __m512i a = _mm512_loadu_si512(p);
  if constexpr (sizeof(K) == 4) {
    return _mm512_cmple_epu32_mask(a, _mm512_set1_epi32(int32_t(limit)));
  } else {
    const __m512i bound = _mm512_set1_epi64(int64_t(limit));
    return _mm512_cmple_epu64_mask(a, bound) |
           uint32_t(_mm512_cmple_epu64_mask(_mm512_loadu_si512(p + 8), bound)) << 8;
  }
#else
  uint32_t mask = 0;
  for (int64_t i = 0; i < kProbe; ++i) mask |= uint32_t(p[i] <= limit) << i;
  return mask;
#endif
}

// --- wide entries -------------------------------------------------------------------------------

// Words of scratch to order n keys by wide entries.
PG_HOST_INLINE int64_t order_scratch(int64_t n) { return 2 * (n + kEntryPadding); }

template <class K, class Emit>
void order_wide(const K* keys, int64_t n, int64_t wanted, int key_bits, uint64_t* scratch,
                int64_t* order, Emit&& emit);

// Orders the sorted entries from `begin` to `end`, equal but for their positions, by whole keys.
template <class K>
[[gnu::noinline]] void settle_run(uint64_t* a, int64_t begin, int64_t end, const K* keys,
                                  uint64_t positions) {
  const auto key = [&](uint64_t e) { return keys[e & positions]; };
  if (end - begin <= 16) {
    for (int64_t i = begin + 1; i < end; ++i) {
      const uint64_t x = a[i];
      int64_t j = i;
      for (; j > begin && key(x) < key(a[j - 1]); --j) a[j] = a[j - 1];
      a[j] = x;
    }
    return;
  }
  // The keys of the run differ in their lowest bits alone, so there are no ties a second time.
  const int64_t n = end - begin;
  ScratchBuffer<uint64_t> whole(n), before(n), scratch(order_scratch(n));
  for (int64_t i = 0; i < n; ++i) {
    before[i] = a[begin + i];
    whole[i] = key(before[i]);
  }
  order_wide(whole.data, n, n, 64, scratch.data, nullptr,
             [&](int64_t first, int64_t count, const uint64_t*, const int64_t* at) {
               for (int64_t i = 0; i < count; ++i) a[begin + first + i] = before[at[i]];
             });
}

template <class K>
void settle_ties(uint64_t* a, int64_t n, const K* keys, uint64_t positions) {
  // A bit for each of kProbe neighbours that differ in their positions alone.
  const auto ties = [&](const uint64_t* p) __attribute__((always_inline)) {
    uint64_t differ[kProbe];
    for (int64_t i = 0; i < kProbe; ++i) differ[i] = p[i] ^ p[i + 1];
    return probe_bound(differ, positions);
  };
  int64_t i = 0;
  while (i + 1 < n) {
    if (i + kProbe < n) {
      const uint32_t found = ties(a + i);
      i += found ? __builtin_ctz(found) : kProbe;
      if (!found) continue;
    } else if ((a[i] ^ a[i + 1]) > positions) {
      ++i;
      continue;
    }
    const int64_t begin = i;
    while (i + 1 < n && (a[i] ^ a[i + 1]) <= positions) ++i;
    settle_run(a, begin, ++i, keys, positions);
  }
}

// emit(first, count, keys, positions) gets pieces of the result, in any order and in parallel.
template <class K, class Emit>
void order_wide(const K* keys, int64_t n, int64_t wanted, int key_bits, uint64_t* scratch,
                int64_t* order, Emit&& emit) {
  const Packing p = choose_packing(keys, n, key_bits, kWideBits);
  const int index_bits = index_width(n);
  const uint64_t positions = (uint64_t(1) << index_bits) - 1;
  uint64_t *entries = scratch, *spare = scratch + n + kEntryPadding;
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      entries[i] = kWideTag | (uint64_t(keys[i]) - p.low) >> p.drop << index_bits | uint64_t(i);
    }
  });
  const int64_t in_order = p.drop ? n : wanted;
  if (n < kLongArray)
    sort_entries(entries, spare, n, in_order);
  else
    sort_long_entries(entries, spare, n, in_order);
  if (p.drop) settle_ties(entries, n, keys, positions);
  constexpr int64_t kChunk = 512;
  parallel_for((wanted + kChunk - 1) / kChunk, kGrain / kChunk, [&](int64_t begin, int64_t end) {
    alignas(64) K chunk[kChunk];
    alignas(64) int64_t chunk_order[kChunk];
    for (int64_t first = begin * kChunk; first < end * kChunk && first < wanted; first += kChunk) {
      const int64_t count = wanted - first < kChunk ? wanted - first : kChunk;
      const uint64_t* e = entries + first;
      int64_t* to = order ? order + first : chunk_order;
      for (int64_t i = 0; i < count; ++i) to[i] = int64_t(e[i] & positions);
      if (p.drop) {
        for (int64_t i = 0; i < count; ++i) chunk[i] = keys[to[i]];
      } else {
        for (int64_t i = 0; i < count; ++i) {
          chunk[i] = K(((e[i] ^ kWideTag) >> index_bits) + p.low);
        }
      }
      emit(first, count, chunk, to);
    }
  });
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
