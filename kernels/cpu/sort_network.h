// Sorting networks on a register file's worth of entries: compare-and-exchange of whole vectors,
// without a branch on the data.
//
// A block is 2^kRegisterBits registers, so an entry's position has bits in the register number and
// bits in the lane number. A comparison across a register bit is one min and one max for two
// registers, while one across a lane bit would need shuffles and blends around them. So a
// network here only ever compares across register bits, and exchanges a register bit with a lane
// bit (one shuffle a register) where the next bit to compare lies in the lanes. Which bit makes
// room is decided as a cache decides: the one needed last (Belady). The steps are worked out at
// compile time; every position is a constant and the block stays in registers.
//
// Columns (one entry of each register) are sorted by Batcher's odd-even mergesort, then merged by
// bitonic merges whose first comparison mirrors the second half ("flip"), so that all runs ascend.
//
// Without lane bits the columns stay apart: as many lines as a vector has lanes, each down one lane
// of the registers, are sorted at once and without a shuffle.
//
// Entries are uint32_t, or uint64_t that are compared as doubles: minpd and maxpd exist in every
// x86 instruction set and are fast in all, which is not so of 64-bit integer comparisons. Such an
// entry must be the bits of a finite, positive, normal double: see kWideTag.
#pragma once

#include <utility>

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Bit 61 alone of the highest three: the exponent is neither that of denormals (which a caller's
// flush-to-zero mode would make equal) nor that of infinity and NaN.
constexpr int kWideBits = 61;
constexpr uint64_t kWideTag = uint64_t(1) << kWideBits;

template <class E>
struct EntryVector {
  using type = Vec<uint32_t>;
  using element = uint32_t;
  static constexpr element kLast = ~uint32_t(0);  // not before any entry
};
template <>
struct EntryVector<uint64_t> {
  using type = Vec<double>;
  using element = double;
  static constexpr element kLast = __builtin_inf();
};
template <class E>
using Entries = typename EntryVector<E>::type;
template <class E>
constexpr int kEntryLanes = kVecBytes / int(sizeof(E));
template <class E>
constexpr int kEntryLaneBits = __builtin_ctz(unsigned(kEntryLanes<E>));

// Lane i of vector kVector of a block holds entry kVector * lanes + i: which of them come before n.
#if defined(__AVX512F__)
template <class E>
using LaneMask = std::conditional_t<sizeof(E) == 8, __mmask8, __mmask16>;
template <class E, int kVector = 0>
PG_HOST_INLINE LaneMask<E> lanes_below(int32_t n) {
  constexpr int k = kVector * kEntryLanes<E>;
  const __m512i at = _mm512_setr_epi32(k, k + 1, k + 2, k + 3, k + 4, k + 5, k + 6, k + 7, k + 8,
                                       k + 9, k + 10, k + 11, k + 12, k + 13, k + 14, k + 15);
  return LaneMask<E>(_mm512_cmpgt_epi32_mask(_mm512_set1_epi32(n), at));
}
#endif

// The entries of a vector that come before n; the lanes behind them are kLast. With kWhole all do.
template <class E, bool kWhole = false, int kVector = 0>
PG_HOST_INLINE Entries<E> load_entries(const E* p, int32_t n) {
  using V = Entries<E>;
  if constexpr (kWhole) {
    V v;
    memcpy(&v, p, sizeof v);
    return v;
  }
  const V last = V{} + EntryVector<E>::kLast;
#if defined(__AVX512F__)
  if constexpr (sizeof(E) == 8)
    return (V)_mm512_mask_loadu_pd((__m512d)last, lanes_below<E, kVector>(n), p);
  else
    return (V)_mm512_mask_loadu_epi32((__m512i)last, lanes_below<E, kVector>(n), p);
#else
  V v = last;
  const int left = n - kVector * kEntryLanes<E>;
  if (left >= kEntryLanes<E>)
    memcpy(&v, p, sizeof v);
  else if (left > 0)
    memcpy(&v, p, size_t(left) * sizeof(E));
  return v;
#endif
}
template <class E, bool kWhole = false, int kVector = 0>
PG_HOST_INLINE void store_entries(E* p, Entries<E> v, int32_t n) {
  if constexpr (kWhole) {
    memcpy(p, &v, sizeof v);
    return;
  }
#if defined(__AVX512F__)
  if constexpr (sizeof(E) == 8)
    _mm512_mask_storeu_pd(p, lanes_below<E, kVector>(n), (__m512d)v);
  else
    _mm512_mask_storeu_epi32(p, lanes_below<E, kVector>(n), (__m512i)v);
#else
  const int left = n - kVector * kEntryLanes<E>;
  if (left >= kEntryLanes<E>)
    memcpy(p, &v, sizeof v);
  else if (left > 0)
    memcpy(p, &v, size_t(left) * sizeof(E));
#endif
}

// --- the plan of a network ----------------------------------------------------------------------

struct NetworkStep {
  enum Kind : int8_t {
    compare,   // registers a and b
    across,    // all pairs that differ in register bit a
    flip,      // the same, the second of a pair mirrored: register bits b, lanes c
    exchange,  // register bit a with lane bit b
  } kind;
  int8_t a, b, c;
};

// `merge`: the block is bitonic and lies in memory order; else it is in no order at all. After the
// last step register r belongs at vector slot[r] of memory.
template <int kRegisterBits, int kLaneBits>
struct NetworkPlan {
  static constexpr int kRegisters = 1 << kRegisterBits, kBits = kRegisterBits + kLaneBits;
  int count = 0;
  NetworkStep steps[128]{};
  int slot[kRegisters]{};

  constexpr explicit NetworkPlan(bool merge) {
    // place[x]: where bit x of the position is: a register bit, or a lane bit from kRegisterBits on
    int place[kBits]{};
    for (int x = 0; x < kBits; ++x) {
      place[x] = !merge ? x : x < kLaneBits ? kRegisterBits + x : x - kLaneBits;
    }
    if (!merge) sort_columns();
    const int first = merge ? kBits : kRegisterBits + 1;
    for (int size = first; size <= kBits; ++size) {
      for (int bit = size - 1; bit >= 0; --bit) {
        if (place[bit] >= kRegisterBits) make_room(place, bit, size);
        if (merge || bit < size - 1) {
          add(NetworkStep::across, place[bit]);
          continue;
        }
        int registers = 0, lanes = 0;
        for (int x = 0; x < bit; ++x) {
          (place[x] < kRegisterBits ? registers : lanes) |= 1 << place[x];
        }
        add(NetworkStep::flip, place[bit], registers, lanes >> kRegisterBits);
      }
    }
    for (int x = 0; x < kLaneBits; ++x) {  // back to memory order within a vector
      if (place[x] == kRegisterBits + x) continue;
      if (place[x] >= kRegisterBits) exchange(place, 0, place[x]);
      exchange(place, place[x], kRegisterBits + x);
    }
    for (int r = 0; r < kRegisters; ++r) {
      for (int x = kLaneBits; x < kBits; ++x) slot[r] |= (r >> place[x] & 1) << (x - kLaneBits);
    }
  }

  constexpr void add(NetworkStep::Kind kind, int a, int b = 0, int c = 0) {
    steps[count++] = {kind, int8_t(a), int8_t(b), int8_t(c)};
  }
  constexpr void sort_columns() {
    for (int p = 1; p < kRegisters; p *= 2) {
      for (int k = p; k >= 1; k /= 2) {
        for (int j = k % p; j + k < kRegisters; j += 2 * k) {
          for (int i = j; i < j + k && i + k < kRegisters; ++i) {
            if (i / (2 * p) == (i + k) / (2 * p)) add(NetworkStep::compare, i, i + k);
          }
        }
      }
    }
  }
  constexpr int bit_at(const int* place, int where) {
    int x = 0;
    while (place[x] != where) ++x;
    return x;
  }
  constexpr void exchange(int* place, int register_bit, int lane_place) {
    const int x = bit_at(place, register_bit), y = bit_at(place, lane_place);
    place[x] = lane_place;
    place[y] = register_bit;
    add(NetworkStep::exchange, register_bit, lane_place - kRegisterBits);
  }
  // Brings `bit`, about to be compared in the merge of runs of 2^size entries, into the registers.
  constexpr void make_room(int* place, int bit, int size) {
    int victim = 0, longest = -1;
    for (int r = 0; r < kRegisterBits; ++r) {
      const int x = bit_at(place, r);
      int wait = 0;  // comparisons until x's turn
      for (int s = size, b = bit; s <= kBits && b != x; ++wait) {
        if (--b < 0) b = s++;
      }
      const int score = wait * kBits + x;  // of bits not needed any more, the highest
      if (score > longest) {
        longest = score;
        victim = r;
      }
    }
    exchange(place, victim, place[bit]);
  }
};

template <int kRegisterBits, int kLaneBits, bool kMerge>
constexpr NetworkPlan<kRegisterBits, kLaneBits> kPlan(kMerge);

// --- its execution ------------------------------------------------------------------------------

// The lanes where lane bit kBit is 0, or with kUpper 1, from a and then from b.
template <int kBit, bool kUpper, class V, int... i>
PG_HOST_INLINE V join_halves(V a, V b, std::integer_sequence<int, i...>) {
  constexpr int n = int(sizeof...(i)), bit = 1 << kBit;
#if defined(__AVX512F__)
  if constexpr (sizeof(a[0]) == 4 && kBit == 1) {  // cheaper than what gcc chooses
    return kUpper ? (V)_mm512_maskz_unpackhi_epi64(0xff, (__m512i)a, (__m512i)b)
                  : (V)_mm512_maskz_unpacklo_epi64(0xff, (__m512i)a, (__m512i)b);
  }
#endif
  return __builtin_shufflevector(a, b,
                                 ((i & bit ? n : 0) + (bool(i & bit) == kUpper ? i : i ^ bit))...);
}
// Lane i from lane i ^ kMask.
template <int kMask, class V, int... i>
PG_HOST_INLINE V mirror(V a, std::integer_sequence<int, i...>) {
  if constexpr (kMask == 0) return a;
  return __builtin_shufflevector(a, a, (i ^ kMask)...);
}
template <class E>
using LaneSequence = std::make_integer_sequence<int, kEntryLanes<E>>;

template <class E, const auto& kPlan, int kStep>
PG_HOST_INLINE void network_step(Entries<E>* v) {
  using V = Entries<E>;
  constexpr NetworkStep step = kPlan.steps[kStep];
  constexpr int n = kPlan.kRegisters, bit = 1 << step.a;
  if constexpr (step.kind == NetworkStep::compare) {
    const V a = v[step.a], b = v[step.b];
    v[step.a] = min(a, b);
    v[step.b] = max(a, b);
    return;
  }
  V old[n];
#pragma GCC unroll 16
  for (int r = 0; r < n; ++r) old[r] = v[r];
#pragma GCC unroll 16
  for (int r = 0; r < n; ++r) {
    if (r & bit) continue;
    const V a = old[r];
    if constexpr (step.kind == NetworkStep::exchange) {
      v[r] = join_halves<step.b, false>(a, old[r | bit], LaneSequence<E>());
      v[r | bit] = join_halves<step.b, true>(a, old[r | bit], LaneSequence<E>());
    } else {
      constexpr bool kFlip = step.kind == NetworkStep::flip;
      const V b =
          mirror<kFlip ? step.c : 0>(old[(kFlip ? r ^ step.b : r) | bit], LaneSequence<E>());
      v[r] = min(a, b);
      v[r | bit] = max(a, b);  // mirrored as a whole, which the merge below does not mind
    }
  }
}
template <class E, const auto& kPlan, int... kStep>
PG_HOST_INLINE void network_steps(Entries<E>* v, std::integer_sequence<int, kStep...>) {
  (network_step<E, kPlan, kStep>(v), ...);
}

template <class E, const auto& kPlan, bool kWhole, int... kVector>
PG_HOST_INLINE void run_block(E* p, int32_t n, std::integer_sequence<int, kVector...>) {
  constexpr int kLanes = kEntryLanes<E>;
  Entries<E> v[] = {load_entries<E, kWhole, kVector>(p + kVector * kLanes, n)...};
  network_steps<E, kPlan>(v, std::make_integer_sequence<int, kPlan.count>());
  (store_entries<E, kWhole, kPlan.slot[kVector]>(p + kPlan.slot[kVector] * kLanes, v[kVector], n),
   ...);
}

// Sorts p[0..n), at most a block, or all of one with kWhole; with kMerge, if it is bitonic.
template <class E, int kRegisterBits, int kLaneBits, bool kMerge, bool kWhole>
[[gnu::noinline]] void run_network(E* p, int64_t n) {
  run_block<E, kPlan<kRegisterBits, kLaneBits, kMerge>, kWhole>(
      p, int32_t(n), std::make_integer_sequence<int, 1 << kRegisterBits>());
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
