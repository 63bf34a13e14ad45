// The k largest or smallest elements of each line along one dimension, in sorted order, with
// positions; equal elements in the order of their positions. NaN counts as the largest value.
//
// Entries as in sort_keys.h, made so that the wanted elements come first. For small k a binary heap
// holds the best k of the entries seen, its worst on top, so most elements cost one comparison;
// otherwise the whole line is sorted.
// Parallel plan: one task per line or group of short lines.
// Memory: one or two arrays of entries per task in scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_keys.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Restores the heap (every parent after its children) below position i.
template <class E>
PG_HOST_INLINE void sift_down(E* heap, int64_t k, int64_t i) {
  const E x = heap[i];
  for (;;) {
    int64_t child = 2 * i + 1;
    if (child >= k) break;
    if (child + 1 < k && precedes(heap[child], heap[child + 1])) ++child;
    if (!precedes(x, heap[child])) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = x;
}

// Leaves the k first entries in order at the front of what it returns.
template <class E>
E* select(E* a, E* spare, int64_t n, int64_t k, int key_bytes) {
  if (k * 16 > n) return sort_entries(a, spare, n, key_bytes);
  for (int64_t i = k / 2; i-- > 0;) sift_down(a, k, i);
  for (int64_t i = k; i < n; ++i) {
    if (!precedes(a[i], a[0])) continue;
    a[0] = a[i];
    sift_down(a, k, int64_t(0));
  }
  return merge_sort(a, spare, k);
}

template <class E>
void run(const View& values, const View& indices, const View& in, int64_t dim, bool largest,
         KeyAccess<E> keys) {
  const int64_t size = line_size(in, dim), k = line_size(values, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || size == 0 || k == 0) return;
  parallel_for(lines.count, 1 + kGrain / 4 / size, [&](int64_t begin, int64_t end) {
    ScratchBuffer<E> entries(2 * size);
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[3];
      lines.at(line, at);
      keys.build(in.data, at[2], lines.step[2], size, largest, entries.data);
      const E* first = select(entries.data, entries.data + size, size, k, keys.key_bytes);
      keys.emit(in.data, at[2], lines.step[2], values.data, at[0], lines.step[0], k, largest,
                first);
      emit_indices(indices.ptr<int64_t>() + at[1], lines.step[1], k, first);
    }
  });
}

}  // namespace

void topk(const View& values, const View& indices, const View& in, int64_t dim, bool largest) {
  dispatch<RealAndBool>(in.dtype, "topk", [&]<class T>() {
    with_keys<T>(line_size(in, dim), [&]<class E>(KeyAccess<E> keys) {
      run<E>(values, indices, in, dim, largest, keys);
    });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
