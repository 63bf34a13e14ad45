// Ordering keys (see sort_keys.h): a key joined with its position becomes an entry, entries are
// distinct, so ordering them, by whatever method, is a stable sort.
//
// Narrow entries have 32 bits, wide ones 61 (see sort_network.h), the position in the lowest. Where
// key and position do not fit together, the keys are counted from the smallest of the line, and if
// that is not enough, the lowest bits of the key are left out; what that leaves in the wrong order
// is put right afterwards.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_narrow.h"
#include "kernels/cpu/sort_wide.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// The first `wanted` of n keys in order: emit(first, count, keys, positions) for consecutive pieces
// of the result. key_bits bounds the keys; scratch as order_scratch() says.
template <class K, class Emit>
void order_keys(const K* keys, int64_t n, int64_t wanted, int key_bits, uint64_t* scratch,
                Emit&& emit) {
  if (n > kNarrowLine) return order_wide(keys, n, wanted, key_bits, scratch, nullptr, emit);
  ScratchBuffer<char> narrow(narrow_scratch<K>(1, n));
  ScratchBuffer<K> sorted(n + kLinePadding);
  ScratchBuffer<int64_t> order(n);
  order_narrow(keys, 1, n, key_bits, narrow.data, sorted.data, order.data);
  emit(0, wanted, sorted.data, order.data);
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
