// Ordering arrays of distinct unsigned integers, the entries of a sort (see sort_keys.h).
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

// Lines up to kNarrowLine may be sorted as 32-bit entries, where the instruction set has their
// minimum; not those that fit a network of 64-bit entries, which have no ties to settle and no keys
// to look up.
constexpr int64_t kWideBlock = 16 * kVecBytes / int64_t(sizeof(uint64_t));
#if defined(__AVX2__) || !defined(__x86_64__)
constexpr int64_t kNarrowLine = 1024;
#else
constexpr int64_t kNarrowLine = 0;
#endif
// Elements of scratch behind n entries that sort_entries() may write.
constexpr int64_t kEntryPadding = 16;

// Puts the first `wanted` of n entries in order at the front; the rest stay behind them in any
// order. 64-bit entries are the bits of positive, finite, normal doubles; `spare` has room for
// n + kEntryPadding.
void sort_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted);
void sort_entries(uint32_t* a, int64_t n);

}  // namespace pygrad::cpu::PG_ISA_NS
