// Ordering arrays of distinct unsigned integers, the entries of a sort (see sort_order.h).
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

// Puts n entries in order.
void sort_entries(uint32_t* a, int64_t n);

// The same for kEntryColumns lines of n at once: entry i of line l at a[i * kEntryColumns + l].
constexpr int kEntryColumns = kLanes<uint32_t>;
void sort_entry_columns(uint32_t* a, int64_t n);

// Elements of scratch behind n entries that the function below may write.
constexpr int64_t kEntryPadding = 16;

// Puts the first `wanted` of n entries in order at the front; the rest stay behind them in any
// order. The entries are the bits of positive, finite, normal doubles; `spare` has room for
// n + kEntryPadding.
void sort_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted);

// The same in parallel, quicker for kLongArray entries and more.
constexpr int64_t kLongArray = 8192;
void sort_long_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted);

}  // namespace pygrad::cpu::PG_ISA_NS
