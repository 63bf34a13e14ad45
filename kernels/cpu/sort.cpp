// Stable sort of the lines along one dimension, with positions. NaN counts as the largest value in
// either direction.
//
// The method is in sort_keys.h, sort_order.h, sort_entries.cpp and sort_buckets.cpp.
// Parallel plan: groups of short lines; long lines, and where there is but one, its parts.
// Memory: per task, keys and entries of a group of short lines (up to some 300 KiB), or keys and
// two arrays of 8-byte entries of a long line, in scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_keys.h"
#include "kernels/cpu/sort_order.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// The operands of a sort. Functions take `count` lines from `line` on.
template <class K>
struct SortOperands {
  const View &values, &indices, &in;
  const int64_t size;
  const bool descending;
  const KeyCodec<K>& codec;
  const Lines<3> lines;

  // Loads keys; where the results must be looked up, true and a packed copy of the elements, since
  // `values` may be `in`.
  bool load(int64_t line, int64_t count, K* keys, char* copy) const {
    int64_t at[3];
    bool look_up = false;
    if (lines.packed(2, size) || count == 1) {
      lines.at(line, at);
      parallel_for(count * size, kGrain, [&](int64_t begin, int64_t end) {
        const int64_t step = lines.step[2];
        if (codec.load(in.data, at[2] + begin * step, step, end - begin, descending, keys + begin))
          __atomic_store_n(&look_up, true, __ATOMIC_RELAXED);
      });
    } else {
      for (int64_t l = 0; l < count; ++l) {
        lines.at(line + l, at);
        look_up |= codec.load(in.data, at[2], lines.step[2], size, descending, keys + l * size);
      }
    }
    if (look_up) {
      for (int64_t l = 0; l < count; ++l) {
        lines.at(line + l, at);
        const char* from = static_cast<const char*>(in.data) + at[2] * codec.item;
        for (int64_t i = 0; i < size; ++i, copy += codec.item) {
          memcpy(copy, from + i * lines.step[2] * codec.item, size_t(codec.item));
        }
      }
    }
    return look_up;
  }
  void store(int64_t line, int64_t count, const K* sorted) const {
    int64_t at[3];
    if (lines.packed(0, size)) {
      lines.at(line, at);
      codec.store(values.data, at[0], 1, count * size, descending, sorted);
      return;
    }
    for (int64_t l = 0; l < count; ++l) {
      lines.at(line + l, at);
      codec.store(values.data, at[0], lines.step[0], size, descending, sorted + l * size);
    }
  }
  void look_up(int64_t line, int64_t count, const char* copy, const int64_t* order) const {
    int64_t at[3];
    for (int64_t l = 0; l < count; ++l) {
      lines.at(line + l, at);
      codec.look_up(values.data, at[0], lines.step[0], size, copy, l * size, 1, order + l * size);
    }
  }
  // Where positions go: to the result itself if that is packed, else to `spare` and from there on.
  int64_t* order_of(int64_t line, int64_t* spare) const {
    int64_t at[3];
    lines.at(line, at);
    return lines.packed(1, size) ? indices.ptr<int64_t>() + at[1] : spare;
  }
  void store_order(int64_t line, int64_t count, const int64_t* order) const {
    if (lines.packed(1, size)) return;
    int64_t at[3];
    for (int64_t l = 0; l < count; ++l) {
      lines.at(line + l, at);
      int64_t* to = indices.ptr<int64_t>() + at[1];
      for (int64_t i = 0; i < size; ++i) to[i * lines.step[1]] = order[l * size + i];
    }
  }
};

template <class K>
void sort_short_lines(const SortOperands<K>& o) {
  const int64_t size = o.size, group = kEntryColumns;
  const int64_t groups = (o.lines.count + group - 1) / group;
  parallel_for(groups, 1 + kGrain / 16 / (size * group), [&](int64_t begin, int64_t end) {
    ScratchBuffer<K> keys(group * size + kLinePadding), sorted(group * size + kLinePadding);
    ScratchBuffer<char> copy(group * size * o.codec.item), scratch(narrow_scratch<K>(group, size));
    ScratchBuffer<int64_t> spare(group * size);
    for (int64_t g = begin; g < end; ++g) {
      const int64_t line = g * group, left = o.lines.count - line;
      const int64_t count = left < group ? left : group;
      const bool look_up = o.load(line, count, keys.data, copy.data);
      int64_t* order = o.order_of(line, spare.data);
      order_narrow(keys.data, count, size, o.codec.bits, scratch.data, sorted.data, order);
      if (look_up)
        o.look_up(line, count, copy.data, order);
      else
        o.store(line, count, sorted.data);
      o.store_order(line, count, order);
    }
  });
}

template <class K>
void sort_long_lines(const SortOperands<K>& o) {
  const int64_t size = o.size;
  parallel_for(o.lines.count, 1 + kGrain / 16 / size, [&](int64_t begin, int64_t end) {
    ScratchBuffer<K> keys(size);
    ScratchBuffer<char> copy(size * o.codec.item);
    ScratchBuffer<uint64_t> scratch(order_scratch(size));
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[3];
      o.lines.at(line, at);
      const bool look_up = o.load(line, 1, keys.data, copy.data);
      int64_t* index = o.indices.template ptr<int64_t>() + at[1];
      const int64_t out_step = o.lines.step[0], index_step = o.lines.step[1];
      order_wide(keys.data, size, size, o.codec.bits, scratch.data,
                 index_step == 1 ? index : nullptr,
                 [&](int64_t first, int64_t n, const K* sorted, const int64_t* order) {
                   const int64_t to = at[0] + first * out_step;
                   if (look_up)
                     o.codec.look_up(o.values.data, to, out_step, n, copy.data, 0, 1, order);
                   else
                     o.codec.store(o.values.data, to, out_step, n, o.descending, sorted);
                   if (index_step == 1) return;  // they are there already
                   for (int64_t i = 0; i < n; ++i) index[(first + i) * index_step] = order[i];
                 });
    }
  });
}

}  // namespace

void sort(const View& values, const View& indices, const View& in, int64_t dim, bool descending) {
  dispatch<RealAndBool>(in.dtype, "sort", [&]<class T>() {
    with_codec<T>([&]<class K>(const KeyCodec<K>& codec) {
      const SortOperands<K> o{values,
                              indices,
                              in,
                              line_size(in, dim),
                              descending,
                              codec,
                              {{&values, &indices, &in}, dim}};
      if (o.lines.count == 0 || o.size == 0) return;
      if (o.size <= kNarrowLine)
        sort_short_lines(o);
      else
        sort_long_lines(o);
    });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
