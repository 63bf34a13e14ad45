// Stable sort of the lines along one dimension, with positions. NaN counts as the largest value in
// either direction.
//
// The method is in sort_keys.h.
// Parallel plan: one task per line or, for short lines, per group of lines.
// Memory: two arrays of entries (8 bytes, 16 for 8-byte elements) per task in scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_keys.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class E>
void run(const View& values, const View& indices, const View& in, int64_t dim, bool descending,
         KeyAccess<E> keys) {
  const int64_t size = line_size(in, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || size == 0) return;
  // Zeros and NaN are looked up in the input after the first value is written: in place, look in a
  // copy.
  const bool in_place = values.data == in.data;
  const int64_t bytes = int64_t(item_size(in.dtype));
  parallel_for(lines.count, 1 + kGrain / 16 / size, [&](int64_t begin, int64_t end) {
    ScratchBuffer<E> entries(2 * size);
    ScratchBuffer<char> copy(in_place ? size * bytes : 0);
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[3];
      lines.at(line, at);
      const void* from = in.data;
      int64_t offset = at[2], step = lines.step[2];
      if (in_place) {
        const char* p = static_cast<const char*>(in.data) + offset * bytes;
        for (int64_t i = 0; i < size; ++i) {
          memcpy(copy.data + i * bytes, p + i * step * bytes, size_t(bytes));
        }
        from = copy.data;
        offset = 0;
        step = 1;
      }
      keys.build(from, offset, step, size, descending, entries.data);
      const E* sorted = sort_entries(entries.data, entries.data + size, size, keys.key_bytes);
      keys.emit(from, offset, step, values.data, at[0], lines.step[0], size, descending, sorted);
      emit_indices(indices.ptr<int64_t>() + at[1], lines.step[1], size, sorted);
    }
  });
}

}  // namespace

void sort(const View& values, const View& indices, const View& in, int64_t dim, bool descending) {
  dispatch<RealAndBool>(in.dtype, "sort", [&]<class T>() {
    with_keys<T>(line_size(in, dim), [&]<class E>(KeyAccess<E> keys) {
      run<E>(values, indices, in, dim, descending, keys);
    });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
