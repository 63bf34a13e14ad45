// argmax and argmin along one dimension, with the values when asked. The first of equals wins, and
// the first NaN over all.
//
// Lines: each block of a line is folded to its extreme value, at memory speed; only the block that
// holds the final answer is searched for its position.
// Columns: when neighbouring lines are closer than the elements of one, a tile of lines advances
// together, value and position chosen by compare and blend.
// Parallel plan: lines, or tiles of them; a long single line is cut into segments of kSegment
// elements joined in order.
// Memory: a block or a tile on the stack; a value and position per segment in scratch memory.

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSegment = 1 << 17;
constexpr int64_t kTile = 256;
constexpr int64_t kShort = 32;   // lines up to this size are walked element by element
constexpr int64_t kStride = 64;  // elements compared at once in the search for the position

template <class A>
struct Found {
  A value;
  int64_t index;
};

// Whether x replaces `best`, which came before it.
template <class Op, class A>
PG_HOST_INLINE bool better(A best, A x) {
  constexpr bool kMax = std::is_same_v<Op, FoldMax>;
  const bool beyond = kMax ? x > best : x < best;
  if constexpr (std::is_integral_v<A>)
    return beyond;
  else
    return beyond | ((x != x) & (best == best));
}

// Position of the first match in p[0..n), which holds one.
template <class A, class Match>
PG_HOST_INLINE int64_t first_match(const A* p, int64_t n, Match match) {
  int64_t i = 0;
  for (; i + kStride <= n; i += kStride) {  // without a branch per element
    std::conditional_t<sizeof(A) == 8, int64_t, int32_t> matches = 0;
    for (int64_t j = 0; j < kStride; ++j) matches |= match(p[i + j]);
    if (matches) break;
  }
  while (i + 1 < n && !match(p[i])) ++i;
  return i;
}

// Over elements [begin, end) of the line that starts at `line`.
template <class Op, class A>
Found<A> search_line(const Access<A>& access, const void* in, int64_t line, int64_t step,
                     int64_t begin, int64_t end) {
  alignas(64) A buffer[kBlock];
  if (end - begin <= kShort) {
    const A* p = access.load(in, line + begin * step, step, end - begin, buffer);
    Found<A> best{p[0], begin};
    for (int64_t i = 1; i < end - begin; ++i) {
      const bool take = better<Op>(best.value, p[i]);
      best.index = take ? begin + i : best.index;
      best.value = take ? p[i] : best.value;
    }
    return best;
  }
  Found<A> best{A(0), begin};
  int64_t best_block = -1;
  for (int64_t b = begin; b < end; b += kBlock) {
    const int64_t n = end - b < kBlock ? end - b : kBlock;
    const A x = fold_block<Op>(access.load(in, line + b * step, step, n, buffer), n);
    if (best_block < 0 || better<Op>(best.value, x)) {
      best.value = x;
      best_block = b;
    }
  }
  const int64_t n = end - best_block < kBlock ? end - best_block : kBlock;
  const A* p = access.load(in, line + best_block * step, step, n, buffer);
  const A x = best.value;
  const int64_t i = x == x ? first_match(p, n, [x](A y) { return y == x; })
                           : first_match(p, n, [](A y) { return y != y; });
  return {p[i], best_block + i};  // p[i] keeps the sign of a zero
}

// n lines that start `stride` apart, all elements.
template <class Op, class A>
void search_tile(const Access<A>& access, const void* in, int64_t lines, int64_t stride, int64_t n,
                 int64_t step, int64_t size, A* best, int64_t* index) {
  alignas(64) A buffer[kTile];
  const A* first = access.load(in, lines, stride, n, buffer);
  for (int64_t i = 0; i < n; ++i) {
    best[i] = first[i];
    index[i] = 0;
  }
  for (int64_t r = 1; r < size; ++r) {
    const A* row = access.load(in, lines + r * step, stride, n, buffer);
    for (int64_t i = 0; i < n; ++i) {
      const bool take = better<Op>(best[i], row[i]);
      index[i] = take ? r : index[i];
      best[i] = take ? row[i] : best[i];
    }
  }
}

template <class Op, class A>
void run(const View* values, const View& indices, const View& in, int64_t dim,
         const Access<A>& access) {
  const View& out = values ? *values : indices;
  const int64_t size = line_size(in, dim);
  // The outputs have size 1 at `dim`, so their own sizes number the lines.
  const Lines<3> lines({&indices, &in, &out}, dim);
  if (lines.count == 0 || size == 0) return;
  const int64_t step = lines.step[1];
  const auto put = [&](int64_t index_at, int64_t value_at, Found<A> found) {
    indices.ptr<int64_t>()[index_at] = found.index;
    if (values) access.store(values->data, value_at, 1, 1, &found.value);
  };
  if (lines.prefer_columns(1)) {
    const int64_t inner = lines.inner_size(), tiles = (inner + kTile - 1) / kTile;
    const int64_t grain = 1 + kGrain / (kTile * size + 1);
    parallel_for(lines.count / inner * tiles, grain, [&](int64_t begin, int64_t end) {
      alignas(64) A best[kTile];
      alignas(64) int64_t index[kTile];
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = t % tiles * kTile, n = inner - first < kTile ? inner - first : kTile;
        int64_t at[3];
        lines.at(t / tiles * inner + first, at);
        search_tile<Op>(access, in.data, at[1], lines.inner_stride(1), n, step, size, best, index);
        for (int64_t i = 0; i < n; ++i) {
          put(at[0] + i * lines.inner_stride(0), at[2] + i * lines.inner_stride(2),
              {best[i], index[i]});
        }
      }
    });
    return;
  }
  const int64_t segments = (size + kSegment - 1) / kSegment;
  ScratchBuffer<Found<A>> partial(segments > 1 ? lines.count * segments : 0);
  parallel_for(lines.count * segments, 1 + kGrain / (size + 1), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      int64_t at[3];
      lines.at(t / segments, at);
      const int64_t from = t % segments * kSegment;
      const int64_t to = size - from < kSegment ? size : from + kSegment;
      const Found<A> found = search_line<Op>(access, in.data, at[1], step, from, to);
      if (segments > 1)
        partial[t] = found;
      else
        put(at[0], at[2], found);
    }
  });
  if (segments == 1) return;
  for (int64_t line = 0; line < lines.count; ++line) {
    Found<A> best = partial[line * segments];
    for (int64_t s = 1; s < segments; ++s) {
      const Found<A> next = partial[line * segments + s];
      if (better<Op>(best.value, next.value)) best = next;
    }
    int64_t at[3];
    lines.at(line, at);
    put(at[0], at[2], best);
  }
}

}  // namespace

void arg_reduce(bool max, const View* values, const View& indices, const View& in, int64_t dim) {
  dispatch<RealAndBool>(in.dtype, max ? "argmax" : "argmin", [&]<class T>() {
    using A = order_t<T>;
    const Access<A> access{load_plain<A, T>, store_cast<A, T>};
    if (max)
      run<FoldMax, A>(values, indices, in, dim, access);
    else
      run<FoldMin, A>(values, indices, in, dim, access);
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
