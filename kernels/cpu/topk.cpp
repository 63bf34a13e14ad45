// The k largest or smallest elements of each line along one dimension, in sorted order, with
// positions; equal elements in the order of their positions. NaN counts as the largest value.
//
// Keys as in sort_keys.h, ordered as in sort_order.h, made so that the wanted elements have the
// smallest. For small k a first pass takes the smallest key of each of several groups; the k-th
// smallest of those bounds the k-th smallest of the line, and a second pass keeps the few elements
// within that bound. These, or for large k the whole line, are ordered as far as needed. Parallel
// plan: one task per line or group of short lines. Memory: keys, candidates and entries per task in
// scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_keys.h"
#include "kernels/cpu/sort_order.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kGroups = 64;  // and a multiple of it for larger k
// The candidates for the k smallest keys, in order of position: their number.
template <class K>
int64_t filter(const K* keys, int64_t n, int64_t k, int key_bits, int64_t groups, K* least,
               uint64_t* scratch, K* candidates, int64_t* positions) {
  memcpy(least, keys, size_t(groups) * sizeof(K));
  int64_t i = groups;
  for (; i + groups <= n; i += groups) {
    for (int64_t g = 0; g < groups; ++g) least[g] = keys[i + g] < least[g] ? keys[i + g] : least[g];
  }
  K limit = 0;
  order_keys(least, groups, k, key_bits, scratch,
             [&](int64_t first, int64_t count, const K* sorted, const int64_t*) {
               if (first + count == k) limit = sorted[count - 1];
             });
  int64_t found = 0;
  i = 0;
  for (; i + kProbe <= n; i += kProbe) {
    for (uint32_t mask = probe_bound(keys + i, limit); mask; mask &= mask - 1) {
      const int64_t at = i + __builtin_ctz(mask);
      candidates[found] = keys[at];
      positions[found++] = at;
    }
  }
  for (; i < n; ++i) {
    if (keys[i] > limit) continue;
    candidates[found] = keys[i];
    positions[found++] = i;
  }
  return found;
}

template <class K>
void run(const View& values, const View& indices, const View& in, int64_t dim, bool largest,
         const KeyCodec<K>& codec) {
  const int64_t size = line_size(in, dim), k = line_size(values, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || size == 0 || k == 0) return;
  const int64_t groups = (4 * k + kGroups - 1) / kGroups * kGroups;
  const bool filtered = groups * 4 <= size;
  parallel_for(lines.count, 1 + kGrain / 4 / size, [&](int64_t begin, int64_t end) {
    ScratchBuffer<K> keys(size + kLinePadding);
    ScratchBuffer<K> least(filtered ? groups + kLinePadding : 0);
    ScratchBuffer<K> candidates(filtered ? size + kLinePadding : 0);
    ScratchBuffer<int64_t> positions(filtered ? size : 0);
    ScratchBuffer<uint64_t> scratch(order_scratch(size));
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[3];
      lines.at(line, at);
      const int64_t offset = at[2], step = lines.step[2];
      const bool look_up = codec.load(in.data, offset, step, size, largest, keys.data);
      const K* from = keys.data;
      int64_t n = size;
      if (filtered) {
        n = filter(keys.data, size, k, codec.bits, groups, least.data, scratch.data,
                   candidates.data, positions.data);
        from = candidates.data;
      }
      int64_t* index = indices.ptr<int64_t>() + at[1];
      const int64_t out_step = lines.step[0], index_step = lines.step[1];
      order_keys(from, n, k, codec.bits, scratch.data,
                 [&](int64_t first, int64_t count, const K* sorted, int64_t* order) {
                   if (filtered) {
                     for (int64_t i = 0; i < count; ++i) order[i] = positions[order[i]];
                   }
                   const int64_t to = at[0] + first * out_step;
                   if (look_up)
                     codec.look_up(values.data, to, out_step, count, in.data, offset, step, order);
                   else
                     codec.store(values.data, to, out_step, count, largest, sorted);
                   for (int64_t i = 0; i < count; ++i) index[(first + i) * index_step] = order[i];
                 });
    }
  });
}

}  // namespace

void topk(const View& values, const View& indices, const View& in, int64_t dim, bool largest) {
  dispatch<RealAndBool>(in.dtype, "topk", [&]<class T>() {
    with_codec<T>([&](const auto& codec) { run(values, indices, in, dim, largest, codec); });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
