// Reading and writing through index tensors: index_get, index_put, index_select, gather.
//
// All four are one walk: an element's place is a strided offset plus index * stride. Several
// indices are first combined into one tensor of offsets, of the indices' own (unexpanded) shape.
// Elements are moved by size, whatever their dtype; where the index does not change along the
// innermost dimension and both sides are contiguous, whole rows are copied, the next ones on their
// way from memory meanwhile.
// Parallel plan: reads are cut into equal runs of outputs. Writes may meet the same element twice,
// and the last in row-major order wins, so they are cut only along a dimension that no index
// depends on.
// Memory: the combined offsets, when there are several indices, in scratch memory.

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/words.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Rows picked at random are cold, and no hardware prefetcher guesses the next one. At most a page.
PG_HOST_INLINE void prefetch_row(const void* row, int64_t bytes) {
  const char* p = static_cast<const char*>(row);
  for (int64_t i = 0; i < bytes && i < 4096; i += 64) __builtin_prefetch(p + i);
}

// `plain` is strided by the loop alone, `indexed` also by index * scale. `last`: of the indices.
template <bool kPut, class U>
void move_runs(const Lines<3>& all, U* plain, U* indexed, const int64_t* index, const int64_t* last,
               int64_t scale, int64_t begin, int64_t end) {
  const int64_t ps = all.inner_stride(0), xs = all.inner_stride(1), is = all.inner_stride(2);
  for_runs(all, begin, end, [&](const int64_t (&at)[3], int64_t n) {
    U* p = plain + at[0];
    U* x = indexed + at[1];
    const int64_t* k = index + at[2];
    if (is == 0) {
      x += *k * scale;
      if (ps == 1 && xs == 1) {
        // Mostly the next index is the next row's; where it is not, nothing is lost but a moment.
        if (!kPut && k < last && n * int64_t(sizeof(U)) >= 256)
          prefetch_row(indexed + at[1] + k[1] * scale, n * int64_t(sizeof(U)));
        memcpy(static_cast<void*>(kPut ? x : p), kPut ? p : x, size_t(n) * sizeof(U));
        return;
      }
      for (int64_t i = 0; i < n; ++i) {
        if constexpr (kPut)
          x[i * xs] = p[i * ps];
        else
          p[i * ps] = x[i * xs];
      }
      return;
    }
    const auto each = [&](int64_t ps, int64_t xs, int64_t is, int64_t scale)
                          __attribute__((always_inline)) {
#pragma GCC unroll 4
                            for (int64_t i = 0; i < n; ++i) {
                              U* element = x + i * xs + k[i * is] * scale;
                              if constexpr (kPut)
                                *element = p[i * ps];
                              else
                                p[i * ps] = *element;
                            }
                          };
    if (ps != 1 || is != 1) {
      each(ps, xs, is, scale);
    } else if (xs == 0 && scale == 1) {  // picked within a row
      each(1, 0, 1, 1);
    } else {
      each(1, xs, 1, scale);
    }
  });
}

// --- whole rows ---------------------------------------------------------------------------------

// Where every run is a row to copy.
bool moves_rows(const Lines<3>& all, int64_t item) {
  return all.inner_stride(0) == 1 && all.inner_stride(1) == 1 && all.inner_stride(2) == 0 &&
         all.ndim > 1 && all.inner_size() * item >= 8;
}

// Rows [begin, end) of those that `all` numbers.
template <bool kPut>
void move_rows(const Lines<3>& all, char* plain, char* indexed, const int64_t* index, int64_t scale,
               int64_t item, int64_t begin, int64_t end) {
  constexpr int64_t kAhead = 8, kLine = 64, kFetched = 512;  // rows; bytes of a row
  const int d = all.ndim - 2;  // rows follow each other along this dimension
  const int64_t inner = all.inner_size(), bytes = inner * item;
  const int64_t ps = all.strides[0][d], xs = all.strides[1][d], is = all.strides[2][d];
  while (begin < end) {
    int64_t at[3];
    all.at(begin * inner, at);
    const int64_t left = all.sizes[d] - begin % all.sizes[d],
                  n = left < end - begin ? left : end - begin;
    char* p = plain + at[0] * item;
    char* x = indexed + at[1] * item;
    const int64_t* k = index + at[2];
    const auto row = [&](int64_t i) __attribute__((always_inline)) {
      return x + (i * xs + k[i * is] * scale) * item;
    };
    with_copier(bytes, [&](auto copy) __attribute__((always_inline)) {
      for (int64_t i = 0; i < n; ++i) {
        if (i + kAhead < n) {
          const char* next = row(i + kAhead);
          for (int64_t b = 0; b < bytes && b < kFetched; b += kLine) __builtin_prefetch(next + b);
        }
        char* target = p + i * ps * item;
        kPut ? copy(row(i), target) : copy(target, row(i));
      }
    });
    begin += n;
  }
}

template <bool kPut>
void move_any(const View& plain, const View& indexed, const View& index, int64_t scale,
              int64_t begin, int64_t end) {
  const Lines<3> all({&plain, &indexed, &index}, -1);
  const int64_t* k = index.ptr<const int64_t>();
  const int64_t item = int64_t(item_size(plain.dtype)), inner = all.inner_size();
  if (begin % inner == 0 && end % inner == 0 && moves_rows(all, item)) {
    return move_rows<kPut>(all, plain.ptr<char>(), indexed.ptr<char>(), k, scale, item,
                           begin / inner, end / inner);
  }
  const int64_t* last = k;  // packed indices only: between others lies anything
  for (int d = 0; d < index.ndim; ++d) last += index.strides[d] == 1 ? index.sizes[d] - 1 : 0;
  const auto move = [&]<class U>(U*) {
    move_runs<kPut>(all, plain.ptr<U>(), indexed.ptr<U>(), k, last, scale, begin, end);
  };
  switch (item_size(plain.dtype)) {
    case 1:
      return move(static_cast<uint8_t*>(nullptr));
    case 2:
      return move(static_cast<uint16_t*>(nullptr));
    case 4:
      return move(static_cast<uint32_t*>(nullptr));
    case 8:
      return move(static_cast<uint64_t*>(nullptr));
    default:
      return move(static_cast<Pair*>(nullptr));
  }
}

void get(const View& out, const View& in, const View& index, int64_t scale) {
  const int64_t item = int64_t(item_size(out.dtype));
  const Lines<3> all({&out, &in, &index}, -1);
  if (all.count > 0 && moves_rows(all, item)) {
    const int64_t inner = all.inner_size(), bytes = inner * item;
    parallel_for(all.count / inner, 1 + 4 * kGrain / bytes, [&](int64_t begin, int64_t end) {
      move_rows<false>(all, out.ptr<char>(), in.ptr<char>(), index.ptr<const int64_t>(), scale,
                       item, begin, end);
    });
    return;
  }
  parallel_for(out.numel(), kGrain, [&](int64_t begin, int64_t end) {
    move_any<false>(out, in, index, scale, begin, end);
  });
}

void put(const View& out, const View& values, const View& index, int64_t scale) {
  const int64_t total = values.numel();
  int free_dim = -1;
  for (int d = 0; d < values.ndim; ++d) {
    if (index.strides[d] != 0 || values.sizes[d] < 2) continue;
    if (free_dim < 0 || values.sizes[d] > values.sizes[free_dim]) free_dim = d;
  }
  if (total == 0) return;
  if (total <= kGrain || free_dim < 0) return move_any<true>(values, out, index, scale, 0, total);
  const int64_t size = values.sizes[free_dim];
  int64_t grain = (size + 7) / 8;
  if (grain < 32) grain = 32;
  parallel_for(size, grain, [&](int64_t begin, int64_t end) {
    const int64_t bytes = int64_t(item_size(out.dtype));
    View part = values, target = out, where = index;
    part.sizes[free_dim] = target.sizes[free_dim] = where.sizes[free_dim] = end - begin;
    part.data = values.ptr<char>() + begin * values.strides[free_dim] * bytes;
    target.data = out.ptr<char>() + begin * out.strides[free_dim] * bytes;
    move_any<true>(part, target, where, scale, 0, total / size * (end - begin));
  });
}

// The indices of index_get as one tensor of element offsets, contiguous but for stride 0 where no
// index varies.
View combined_shape(const View& shape, ViewList indices) {
  View all = shape;
  all.dtype = DType::Int64;
  int64_t stride = 1;
  for (int d = shape.ndim - 1; d >= 0; --d) {
    bool varies = false;
    for (int64_t k = 0; k < indices.count; ++k) varies = varies || indices[k].strides[d] != 0;
    varies = varies && shape.sizes[d] > 1;
    all.strides[d] = varies ? stride : 0;
    if (varies) stride *= shape.sizes[d];
  }
  return all;
}

int64_t stored_size(const View& v) {
  int64_t n = 1;
  for (int d = 0; d < v.ndim; ++d) n *= v.strides[d] != 0 ? v.sizes[d] : 1;
  return n;
}

void combine(const View& all, ViewList indices, const int64_t* strides) {
  View stored = all;
  for (int d = 0; d < stored.ndim; ++d) {
    if (stored.strides[d] == 0) stored.sizes[d] = 1;
  }
  const int64_t total = stored.numel();
  int64_t* to = all.ptr<int64_t>();
  for (int64_t i = 0; i < total; ++i) to[i] = 0;
  for (int64_t k = 0; k < indices.count; ++k) {
    const Lines<2> lines({&stored, &indices[k]}, -1);
    const int64_t* from = indices[k].ptr<const int64_t>();
    const int64_t to_step = lines.inner_stride(0), step = lines.inner_stride(1), s = strides[k];
    parallel_for(total, kGrain, [&](int64_t begin, int64_t end) {
      for_runs(lines, begin, end, [&](const int64_t (&at)[2], int64_t n) {
        for (int64_t i = 0; i < n; ++i) to[at[0] + i * to_step] += from[at[1] + i * step] * s;
      });
    });
  }
}

// move(index, scale) with the one index, or with the combined ones.
template <class F>
PG_HOST_INLINE void with_index(const View& shape, ViewList indices, const int64_t* strides, F&& f) {
  if (shape.numel() == 0) return;
  if (indices.count == 1) return f(indices[0], strides[0]);
  View all = combined_shape(shape, indices);
  ScratchBuffer<int64_t> offsets(stored_size(all));
  all.data = offsets.data;
  combine(all, indices, strides);
  f(all, 1);
}

}  // namespace

void index_get(const View& out, const View& in, ViewList indices, const int64_t* strides) {
  with_index(out, indices, strides,
             [&](const View& index, int64_t scale) { get(out, in, index, scale); });
}

void index_put(const View& out, const View& values, ViewList indices, const int64_t* strides) {
  with_index(values, indices, strides,
             [&](const View& index, int64_t scale) { put(out, values, index, scale); });
}

void index_select(const View& out, const View& in, const View& index, int64_t dim) {
  View source = out, where = out;
  source.data = in.data;
  where.data = index.data;
  for (int d = 0; d < out.ndim; ++d) {
    source.strides[d] = d == dim ? 0 : in.strides[d];
    where.strides[d] = d == dim && index.ndim ? index.strides[0] : 0;
  }
  get(out, source, where, in.ndim ? in.strides[dim] : 0);
}

void gather(const View& out, const View& in, const View& index, int64_t dim) {
  View source = out;  // the index may cover less than the input
  source.data = in.data;
  for (int d = 0; d < out.ndim; ++d) source.strides[d] = d == dim ? 0 : in.strides[d];
  get(out, source, index, in.ndim ? in.strides[dim] : 0);
}

}  // namespace pygrad::cpu::PG_ISA_NS
