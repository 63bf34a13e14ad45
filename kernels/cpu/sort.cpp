// Stable sort of the lines along one dimension, with positions. NaN counts as the largest value in
// either direction.
//
// The method is in sort_keys.h and sort_entries.cpp.
// Parallel plan: one task per line or, for short lines, per group of lines.
// Memory: keys and two arrays of entries (4 or 8, and twice 8 bytes an element) per task in
// scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_keys.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class K>
void run(const View& values, const View& indices, const View& in, int64_t dim, bool descending,
         const KeyCodec<K>& codec) {
  const int64_t size = line_size(in, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || size == 0) return;
  // What is looked up in the input after the first value is written: in place, look in a copy.
  const bool in_place = values.data == in.data;
  parallel_for(lines.count, 1 + kGrain / 16 / size, [&](int64_t begin, int64_t end) {
    ScratchBuffer<K> keys(size);
    ScratchBuffer<uint64_t> scratch(order_scratch(size));
    ScratchBuffer<char> copy(in_place ? size * codec.item : 0);
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[3];
      lines.at(line, at);
      const void* from = in.data;
      int64_t offset = at[2], step = lines.step[2];
      const bool look_up = codec.load(from, offset, step, size, descending, keys.data);
      if (look_up && in_place) {
        const char* p = static_cast<const char*>(in.data);
        for (int64_t i = 0; i < size; ++i) {
          memcpy(copy.data + i * codec.item, p + (offset + i * step) * codec.item,
                 size_t(codec.item));
        }
        from = copy.data;
        offset = 0;
        step = 1;
      }
      int64_t* index = indices.ptr<int64_t>() + at[1];
      const int64_t out_step = lines.step[0], index_step = lines.step[1];
      order_keys(keys.data, size, size, codec.bits, scratch.data, index_step == 1 ? index : nullptr,
                 [&](int64_t first, int64_t n, const K* sorted, const int64_t* order) {
                   const int64_t to = at[0] + first * out_step;
                   if (look_up)
                     codec.look_up(values.data, to, out_step, n, from, offset, step, order);
                   else
                     codec.store(values.data, to, out_step, n, descending, sorted);
                   if (index_step == 1) return;  // they are there already
                   for (int64_t i = 0; i < n; ++i) index[(first + i) * index_step] = order[i];
                 });
    }
  });
}

}  // namespace

void sort(const View& values, const View& indices, const View& in, int64_t dim, bool descending) {
  dispatch<RealAndBool>(in.dtype, "sort", [&]<class T>() {
    with_codec<T>([&](const auto& codec) { run(values, indices, in, dim, descending, codec); });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
