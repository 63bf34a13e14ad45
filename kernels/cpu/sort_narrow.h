// Ordering keys by narrow entries, of 32 bits (see sort_order.h).
//
// Several lines are transposed, so that each lies in a lane of the vectors, and sorted at
// once; a few lines are sorted one by one. Then the whole keys are looked up; the few
// neighbours that turn out to be in the wrong order are moved, and a line with many of those starts
// again with wide entries.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_entries.h"
#include "kernels/cpu/sort_lookup.h"
#include "kernels/cpu/sort_wide.h"
#include "kernels/cpu/transpose.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kNarrowLine = 1024;

// Between kEntryColumns lines of n elements that lie one behind the other and as many columns.
// Whole blocks are read, and written to columns: up to kColumnPadding elements too far.
constexpr int64_t kColumnPadding = 16 * kEntryColumns;

template <class W>
void lines_to_columns(const W* lines, int64_t n, W* columns) {
  constexpr int kCols = kBlockCols<W>, kRows = kBlockRows<W>;
  for (int first = 0; first < kEntryColumns; first += kRows) {
    const W* from[kVecPieces];
    for (int l = 0; l < kVecPieces; ++l) from[l] = lines + (first + l * kCols) * n;
    W* to = columns + first;
    for (int64_t i = 0; i < n; i += kCols, to += kCols * kEntryColumns) {
      Bytes v[kCols];
      transpose_pieces<W, false>(
          [&](int l, int r) __attribute__((always_inline)) { return from[l] + r * n; }, v);
      for (auto& f : from) f += kCols;
#pragma GCC unroll 4
      for (int j = 0; j < kCols; ++j) memcpy(to + j * kEntryColumns, &v[j], kVecBytes);
    }
  }
}
PG_HOST_INLINE void columns_to_lines(const uint32_t* columns, int64_t n, uint32_t* lines) {
  constexpr int kCols = kBlockCols<uint32_t>, kRows = kBlockRows<uint32_t>;
  for (int64_t i = 0; i < n; i += kRows) {
#pragma GCC unroll 4
    for (int c = 0; c < kEntryColumns; c += kCols) {
      const uint32_t* from = columns + i * kEntryColumns + c;
      Bytes v[kCols];
      transpose_pieces<uint32_t, false>(
          [&](int l, int r)
              __attribute__((always_inline)) { return from + (l * kCols + r) * kEntryColumns; },
          v);
#pragma GCC unroll 4
      for (int j = 0; j < kCols; ++j) {
        char* to = reinterpret_cast<char*>(lines + (c + j) * n + i);
        if (n - i >= kRows)
          memcpy(to, &v[j], kVecBytes);
        else
          store_bytes(to, v[j], (n - i) * int64_t(sizeof(uint32_t)));
      }
    }
  }
}

// Entries of the keys in `columns`, a line per lane. Lanes without a line hold anything.
template <class K>
void pack_columns(const K* columns, int64_t lines, int64_t n, int key_bits, Packing* packing,
                  uint32_t* entries) {
  constexpr int kVectors = kEntryColumns / kLanes<K>;
  typedef uint32_t Narrowed __attribute__((vector_size(kLanes<K> * sizeof(uint32_t))));
  const int index_bits = index_width(n);
  Vec<K> low[kVectors]{}, drop[kVectors]{};
  if (key_bits + index_bits > 32) {
    Vec<K> high[kVectors];
    for (int v = 0; v < kVectors; ++v) high[v] = low[v] = load(columns + v * kLanes<K>);
    for (int64_t i = 1; i < n; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const Vec<K> x = load(columns + i * kEntryColumns + v * kLanes<K>);
        low[v] = min(low[v], x);
        high[v] = max(high[v], x);
      }
    }
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t v = l / kLanes<K>, lane = l % kLanes<K>;
      packing[l] = packing_of(low[v][lane], high[v][lane], index_bits, 32);
      drop[v][lane] = K(packing[l].drop);
    }
  }
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = i * kEntryColumns + v * kLanes<K>;
      const Narrowed x =
          __builtin_convertvector((load(columns + at) - low[v]) >> drop[v], Narrowed);
      const Narrowed entry = x << index_bits | uint32_t(i);
      memcpy(entries + at, &entry, sizeof entry);
    }
  }
}

// A bit for each of p[1..kProbe] that is less than the one before it.
template <class K>
PG_HOST_INLINE uint32_t probe_descents(const K* p) {
  uint32_t mask = 0;
#pragma GCC unroll 8
  for (int i = 0; i < kProbe; i += kLanes<K>) {
#if defined(__AVX512F__)
    const __m512i a = _mm512_loadu_si512(p + i), b = _mm512_loadu_si512(p + i + 1);
    if constexpr (sizeof(K) == 4)
      mask |= uint32_t(_mm512_cmplt_epu32_mask(b, a)) << i;
    else
      mask |= uint32_t(_mm512_cmplt_epu64_mask(b, a)) << i;
#else
    for (int l = i; l < i + kLanes<K>; ++l) mask |= uint32_t(p[l + 1] < p[l]) << l;
#endif
  }
  return mask;
}

// sorted[i] = the key at the position of entries[i]; `words` has the low halves of longer lines'
// keys. `falls` gets a bit for each key that is less than the one before it.
template <class K>
PG_HOST_INLINE void look_up_keys(const K* keys, [[maybe_unused]] const uint16_t* words,
                                 const uint32_t* entries, [[maybe_unused]] const Packing& packing,
                                 int64_t n, K* sorted, uint16_t* falls) {
  const int index_bits = index_width(n);
  const uint32_t positions = (uint32_t(1) << index_bits) - 1;
#if defined(__AVX512BW__)
  if constexpr (sizeof(K) == 4) {
    if (n <= 32) return look_up_few<1>(keys, entries, positions, n, sorted, falls);
    if (n <= kFewKeys)
      return look_up_few<kFewKeys / 32>(keys, entries, positions, n, sorted, falls);
    return look_up_words(words, entries, index_bits, uint32_t(packing.low), packing.drop, n, sorted,
                         falls);
  }
#endif
  for (int64_t i = 0; i < n; ++i) sorted[i] = keys[entries[i] & positions];
  K before[kProbe + 1];  // a vector and the key before it
  before[0] = 0;
  for (int64_t i = 0; i < n; i += kProbe) {
    const K* p = i ? sorted + i - 1 : before;
    const int64_t count = n - i < kProbe ? n - i : kProbe;
    if (!i) memcpy(before + 1, sorted, size_t(count) * sizeof(K));
    falls[i / kProbe] = uint16_t(probe_descents(p) & ((1u << count) - 1));
  }
}

// Moves the keys that are not in order, with their positions; gives up, false, after too many
// moves.
template <class K>
bool repair(K* sorted, int64_t* order, int64_t n, const uint16_t* falls) {
  int64_t budget = 4 * n;
  for (int64_t i = 0; i < n; i += 64) {
    uint64_t found;
    memcpy(&found, falls + i / 16, sizeof found);
    for (; found; found &= found - 1) {
      int64_t k = i + __builtin_ctzll(found);
      do {  // the move may leave a fall behind
        const K x = sorted[k];
        const int64_t at = order[k];
        int64_t j = k;
        for (; j > 0 && x < sorted[j - 1]; --j) {
          sorted[j] = sorted[j - 1];
          order[j] = order[j - 1];
        }
        sorted[j] = x;
        order[j] = at;
        budget -= k - j;
      } while (++k < n && sorted[k] < sorted[k - 1]);
      if (budget < 0) return false;
    }
  }
  return true;
}

// Elements of an array of `lines` lines of n with its padding, whole cache lines for any element.
PG_HOST_INLINE int64_t padded_lines(int64_t lines, int64_t n) {
  return (lines * n + kLinePadding + 63) / 64 * 64;
}
// Bytes of scratch to order up to `lines` lines of n keys of type K by narrow entries.
template <class K>
PG_HOST_INLINE int64_t narrow_scratch(int64_t lines, int64_t n) {
  const int64_t columns = lines > 1 ? n * kEntryColumns + kColumnPadding : 0;
  return columns * int64_t(sizeof(K) == 4 ? sizeof(K) : sizeof(K) + sizeof(uint32_t)) +
         padded_lines(lines, n) * int64_t(sizeof(uint32_t)) +
         padded_lines(1, n) * int64_t(sizeof(uint16_t));
}

// Orders `lines` lines of n <= kNarrowLine keys that lie one behind the other; `sorted` gets them,
// `order` the positions each had in its line. There is either one line, or room for kEntryColumns
// of them. kLinePadding elements behind the keys may be read and behind
// `sorted` be written.
template <class K>
void order_narrow(const K* keys, int64_t lines, int64_t n, int key_bits, char* scratch, K* sorted,
                  int64_t* order) {
  const int64_t all = lines * n, room = padded_lines(lines > 1 ? kEntryColumns : 1, n);
  const int index_bits = index_width(n);
  Packing packing[kEntryColumns];
  uint32_t* entries = reinterpret_cast<uint32_t*>(scratch);
  uint16_t* words = reinterpret_cast<uint16_t*>(entries + room);
  if (3 * lines >= kEntryColumns) {
    K* columns = reinterpret_cast<K*>(words + padded_lines(1, n));
    lines_to_columns(keys, n, columns);
    uint32_t* packed;  // in place if the types allow it
    if constexpr (sizeof(K) == sizeof(uint32_t))
      packed = columns;
    else
      packed = reinterpret_cast<uint32_t*>(columns + n * kEntryColumns + kColumnPadding);
    pack_columns(columns, lines, n, key_bits, packing, packed);
    sort_entry_columns(packed, n);
    columns_to_lines(packed, n, entries);
  } else {
    for (int64_t l = 0; l < lines; ++l) {
      const Packing p = packing[l] = choose_packing(keys + l * n, n, key_bits, 32);
      const K low = K(p.low), *from = keys + l * n;
      uint32_t* to = entries + l * n;
      for (int64_t i = 0; i < n; ++i) {
        to[i] = uint32_t(K(from[i] - low) >> p.drop) << index_bits | uint32_t(i);
      }
      sort_entries(to, n);
    }
  }
  const uint32_t positions = (uint32_t(1) << index_bits) - 1;
  if (key_bits + index_bits <= 32) {
    for (int64_t i = 0; i < all; ++i) {
      order[i] = int64_t(entries[i] & positions);
      sorted[i] = entries[i] >> index_bits;
    }
    return;
  }
  if (n <= kFewKeys) {
    for (int64_t i = 0; i < all; ++i) order[i] = int64_t(entries[i] & positions);
  }
  for (int64_t at = 0; at < all; at += n) {
    if (n > kFewKeys) {
      for (int64_t i = 0; i < n; ++i) order[at + i] = int64_t(entries[at + i] & positions);
      for (int64_t i = 0; i < n; ++i) words[i] = uint16_t(keys[at + i]);
    }
    const Packing& p = packing[at / n];
    uint16_t falls[kNarrowLine / 16 + 4];  // read 64 at a time
    memset(falls + n / 64 * 4, 0, sizeof(uint64_t));
    look_up_keys(keys + at, words, entries + at, p, n, sorted + at, falls);
    if (p.drop == 0 || repair(sorted + at, order + at, n, falls)) continue;
    ScratchBuffer<uint64_t> wide(order_scratch(n));
    order_wide(keys + at, n, n, key_bits, wide.data, order + at,
               [&](int64_t first, int64_t count, const K* chunk, const int64_t*) {
                 memcpy(sorted + at + first, chunk, size_t(count) * sizeof(K));
               });
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
