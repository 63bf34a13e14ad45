// softmax and log_softmax over any dimension, and their gradients.
//
// Two ways through memory, chosen by strides: along a contiguous dimension one row at a time (in
// registers when short; else it stays in cache over the passes: maximum, exponentials and sum,
// scaling; very long rows in two passes with a running maximum); across it a block of neighbouring
// columns at a time, so that no transposed copy is made.
//
// Parallel plan: rows or column blocks, each result by one thread.
//
// Memory plan: two rows, or a few rows of a column block, of scratch. While a row is computed the
// next is fetched; rows of large results are streamed.
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/softmax_rows.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// --- rows ---

// x and y may be the same; `scratch` has room for a row. `next` is the row after x.
template <bool kLog, class T>
void softmax_row(T* y, const T* x, const T* next, T* scratch, int64_t n, bool streamed) {
  if (kLog || n * int64_t(sizeof(T)) > kLongRowBytes) {
    const SumExp s = row_sum_exp(x, n, next);
    const T m = T(s.max), scale = T(kLog ? std::log(s.sum) : 1 / s.sum);
    store_lanes(y, n, streamed, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> shifted = load_part(x + i, k) - m;
      return kLog ? shifted - scale : exp_or_zero(shifted) * scale;
    });
    return;
  }
  const T m = row_max(x, n);
  const T sum = sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    __builtin_prefetch(next + i);
    const Vec<T> e = exp_or_zero(load_part(x + i, k) - m);
    store_part(scratch + i, e, k);
    return e;
  });
  const T scale = T(1) / sum;
  store_lanes(y, n, streamed,
              [&](int64_t i, int64_t k) PG_LANES { return load_part(scratch + i, k) * scale; });
}

template <bool kLog, class T>
PG_HOST_INLINE void softmax_short_row(T* y, const T* x, int64_t n) {
  constexpr int L = kLanes<T>;
  Vec<T> v[kShortVectors];
  load_short(v, x, n, -std::numeric_limits<T>::infinity());
  const T m = reduce_max(max(max(v[0], v[1]), max(v[2], v[3])));
  Vec<T> e[kShortVectors] = {exp_or_zero(v[0] - m)};
  Vec<T> sum = e[0];
#pragma GCC unroll 4
  for (int j = 1; j < kShortVectors; ++j) {
    if (n > j * L) sum += e[j] = exp_or_zero(v[j] - m);
  }
  const T total = reduce_add(sum), scale = kLog ? std::log(total) : T(1) / total;
#pragma GCC unroll 4
  for (int j = 0; j < kShortVectors; ++j) {
    const int64_t left = n - j * L;
    if (left > 0)
      store_part(y + j * L, kLog ? (v[j] - m) - scale : e[j] * scale, left < L ? left : L);
  }
}

// softmax: (g - sum(g y)) y; log_softmax: g - exp(y) sum(g).
template <bool kLog, class T>
PG_HOST_INLINE void softmax_row_backward(T* d, const T* g, const T* y, const T* next_g,
                                         const T* next_y, int64_t n, bool streamed) {
  const T sum = sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    const Vec<T> v = load_part(g + i, k);
    return kLog ? v : v * load_part(y + i, k);
  });
  store_lanes(d, n, streamed, [&](int64_t i, int64_t k) PG_LANES {
    __builtin_prefetch(next_g + i);
    __builtin_prefetch(next_y + i);
    const Vec<T> v = load_part(g + i, k), p = load_part(y + i, k);
    return kLog ? v - exp_or_zero(p) * sum : (v - sum) * p;
  });
}

// --- blocks of columns: element (r, j) of the block is run r, column j ---

constexpr int64_t kLeastColumns = 64, kMostColumns = 1024;
constexpr int64_t kBlockElements = 65536;

// n rounded up to whole vectors.
template <class T>
PG_HOST_INLINE int64_t padded(int64_t n) {
  return (n + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// One view's runs of neighbouring columns along the softmax dimension.
template <class T, class Access>
struct Column {
  Access access;
  int64_t offset, row_stride, column_stride;
};
template <class T>
PG_HOST_INLINE const T* column_run(const Column<T, RunReader<T>>& c, int64_t r, int64_t n,
                                   T* buffer) {
  return c.access.get(c.offset + r * c.row_stride, c.column_stride, n, buffer);
}

// Few columns whose rows touch are taken several rows at a time, as rows of `width` elements, and
// each column's parts joined between the passes.
struct Groups {
  int64_t n, rows, count, width;  // columns, rows of them; rows in a group and their elements
  Groups(int64_t columns, int64_t rows_, bool touch) : n(columns), rows(rows_), count(1) {
    if (touch && n < kLeastColumns && rows >= 8) count = least(kMostColumns / 2 / n, rows / 4);
    width = n * count;
  }
  // f(first row, elements) for each group.
  template <class F>
  PG_HOST_INLINE void each(F&& f) const {
    for (int64_t r = 0; r < rows; r += count) f(r, least(width, (rows - r) * n));
  }
  // join(a, b) over the parts of each column.
  template <class T, class F>
  void fold(T* values, F&& join) const {
    for (int64_t i = n; i < width; i += n) {
      for (int64_t c = 0; c < n; ++c) values[c] = join(values[c], values[i + c]);
    }
  }
  template <class T>
  void spread(T* values) const {
    for (int64_t i = n; i < width; ++i) values[i] = values[i - n];
  }
};
template <class T, class Access>
bool rows_touch(const Column<T, Access>& c, int64_t n) {
  return c.access.native && c.column_stride == 1 && c.row_stride == n;
}

template <bool kLog, class T>
void softmax_columns(const Column<T, RunWriter<T>>& out, const Column<T, RunReader<T>>& in,
                     int64_t rows, int64_t columns) {
  alignas(64) T buffer[kMostColumns], m[kMostColumns], s[kMostColumns];
  const Groups groups(columns, rows, rows_touch(in, columns) && rows_touch(out, columns));
  const T lowest = -std::numeric_limits<T>::infinity();
  for (int64_t i = 0; i < padded<T>(groups.width); ++i) {
    m[i] = lowest;
    s[i] = T(0);
  }
  groups.each([&](int64_t r, int64_t n) {
    const T* x = column_run(in, r, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k)
                        PG_LANES { store(m + i, max(load_or(x + i, k, lowest), load(m + i))); });
  });
  groups.fold(m, [](T a, T b) { return a > b ? a : b; });
  groups.spread(m);
  // The exponentials stay where the results go, unless that rounds them.
  const bool kept = !kLog && out.access.native && out.column_stride == 1;
  groups.each([&](int64_t r, int64_t n) {
    const T* x = column_run(in, r, n, buffer);
    T* y = kept ? out.access.target(out.offset + r * out.row_stride, 1, n, buffer) : buffer;
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> e = exp_or_zero(load_part(x + i, k) - load(m + i));
      store(s + i, load(s + i) + first_lanes(e, k, T(0)));
      if (kept) store_part(y + i, e, k);
    });
  });
  groups.fold(s, [](T a, T b) { return a + b; });
  for (int64_t i = 0; i < columns; i += kLanes<T>) {
    store(s + i, kLog ? log(load(s + i)) : T(1) / load(s + i));
  }
  groups.spread(s);
  groups.each([&](int64_t r, int64_t n) {
    const int64_t at = out.offset + r * out.row_stride;
    T* y = out.access.target(at, out.column_stride, n, buffer);
    if (kept) {
      for_lanes<T>(n, [&](int64_t i, int64_t k)
                          PG_LANES { store_part(y + i, load_part(y + i, k) * load(s + i), k); });
      return;
    }
    const T* x = column_run(in, r, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> shifted = load_part(x + i, k) - load(m + i);
      store_part(y + i, kLog ? shifted - load(s + i) : exp_or_zero(shifted) * load(s + i), k);
    });
    out.access.put(y, at, out.column_stride, n);
  });
}

template <bool kLog, class T>
void softmax_columns_backward(const Column<T, RunWriter<T>>& out,
                              const Column<T, RunReader<T>>& grad,
                              const Column<T, RunReader<T>>& in, int64_t rows, int64_t columns) {
  alignas(64) T buffer[kMostColumns], buffer2[kMostColumns], s[kMostColumns];
  const Groups groups(
      columns, rows,
      rows_touch(in, columns) && rows_touch(grad, columns) && rows_touch(out, columns));
  for (int64_t i = 0; i < padded<T>(groups.width); ++i) s[i] = T(0);
  groups.each([&](int64_t r, int64_t n) {
    const T *g = column_run(grad, r, n, buffer), *y = column_run(in, r, n, buffer2);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> v = load_part(g + i, k);
      store(s + i, load(s + i) + (kLog ? v : v * load_part(y + i, k)));
    });
  });
  groups.fold(s, [](T a, T b) { return a + b; });
  groups.spread(s);
  groups.each([&](int64_t r, int64_t n) {
    const T *g = column_run(grad, r, n, buffer), *y = column_run(in, r, n, buffer2);
    const int64_t at = out.offset + r * out.row_stride;
    T* d = out.access.target(at, out.column_stride, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> a = load_part(g + i, k), b = load_part(y + i, k), sum = load(s + i);
      store_part(d + i, kLog ? a - exp_or_zero(b) * sum : (a - sum) * b, k);
    });
    out.access.put(d, at, out.column_stride, n);
  });
}

// --- drivers ---

// The dimension whose neighbours lie closest together, or -1 when that is `dim` itself (or there is
// no other).
int64_t column_dim(const View& in, int64_t dim) {
  int64_t best = -1, closest = in.strides[dim] < 0 ? -in.strides[dim] : in.strides[dim];
  if (in.sizes[dim] == 1) closest = std::numeric_limits<int64_t>::max();
  for (int64_t d = 0; d < in.ndim; ++d) {
    const int64_t stride = in.strides[d] < 0 ? -in.strides[d] : in.strides[d];
    if (d != dim && in.sizes[d] > 1 && stride != 0 && stride < closest) best = d, closest = stride;
  }
  return best;
}

// Calls f(offsets, columns) for blocks of columns along `inner`: as many as keep a block in the L2
// cache, so that it comes from memory once.
template <int N, class F>
void for_each_block(const View* const (&views)[N], int64_t dim, int64_t inner, F&& f) {
  const Positions<N> positions(views, dim, inner);
  const int64_t length = views[0]->sizes[dim], columns = views[0]->sizes[inner];
  int64_t step = kBlockElements / length / kLeastColumns * kLeastColumns;
  step = step < kLeastColumns ? kLeastColumns : step > kMostColumns ? kMostColumns : step;
  const int64_t blocks = (columns + step - 1) / step, work = length * least(step, columns) * 4;
  parallel_for(positions.count * blocks, kGrain / work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t offsets[N];
      positions.offsets(i / blocks, offsets);
      const int64_t first = i % blocks * step;
      for (int k = 0; k < N; ++k) offsets[k] += first * views[k]->strides[inner];
      f(offsets, least(step, columns - first));
    }
  });
}

// Calls f(offsets, scratch) for every row.
template <class T, int N, class F>
void for_each_line(const View* const (&views)[N], int64_t dim, bool streamed, F&& f) {
  const Lines<N> lines(views, dim);
  const int64_t n = line_size(*views[0], dim);
  parallel_for(lines.count, kGrain / (4 * n), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> scratch(2 * n);
    for_runs(lines, begin, end, [&](const int64_t (&at)[N], int64_t count) {
      int64_t offsets[N];
      for (int64_t i = 0; i < count; ++i) {
        for (int k = 0; k < N; ++k) offsets[k] = at[k] + i * lines.inner_stride(k);
        f(offsets, scratch.data);
      }
    });
    if (streamed) stream_fence();
  });
}

// Whether rows of a large packed result are stored past the caches.
bool rows_are_streamed(const View& out, int64_t dim) {
  constexpr int64_t kLeast = 1024;
  const int64_t item = int64_t(item_size(out.dtype));
  return item >= 4 && out.strides[dim] == 1 && out.sizes[dim] * item >= kLeast &&
         is_streamed(out.numel() * item);
}

// A 0-d view is one row of one element.
View at_least_1d(const View& v) {
  View w = v;
  if (w.ndim == 0) {
    w.ndim = 1;
    w.sizes[0] = w.strides[0] = 1;
  }
  return w;
}

template <bool kLog, class T>
void softmax_views(const View& out, const View& in, int64_t dim) {
  const int64_t inner = column_dim(in, dim), n = in.sizes[dim];
  const RunReader<T> reader(in);
  const RunWriter<T> writer(out);
  const View* const views[2] = {&out, &in};
  if (inner >= 0) {
    for_each_block<2>(views, dim, inner, [&](const int64_t (&at)[2], int64_t columns) {
      softmax_columns<kLog, T>({writer, at[0], out.strides[dim], out.strides[inner]},
                               {reader, at[1], in.strides[dim], in.strides[inner]}, n, columns);
    });
    return;
  }
  const bool streamed = rows_are_streamed(out, dim) && out.data != in.data;
  for_each_line<T>(views, dim, streamed, [&](const int64_t (&at)[2], T* scratch) PG_LANES {
    const T* x = reader.get(at[1], in.strides[dim], n, scratch);
    T* y = writer.target(at[0], out.strides[dim], n, scratch);
    if (n <= kShortRow<T>) {
      softmax_short_row<kLog>(y, x, n);
    } else {
      softmax_row<kLog>(y, x, x + n, streamed ? scratch : y, n, streamed);
    }
    writer.put(y, at[0], out.strides[dim], n);
  });
}

template <bool kLog, class T>
void softmax_backward_views(const View& grad_in, const View& grad, const View& out, int64_t dim) {
  const int64_t inner = column_dim(out, dim), n = out.sizes[dim], step = grad_in.strides[dim];
  const RunReader<T> g_reader(grad), y_reader(out);
  const RunWriter<T> writer(grad_in);
  const View* const views[3] = {&grad_in, &grad, &out};
  if (inner >= 0) {
    for_each_block<3>(views, dim, inner, [&](const int64_t (&at)[3], int64_t columns) {
      softmax_columns_backward<kLog, T>({writer, at[0], step, grad_in.strides[inner]},
                                        {g_reader, at[1], grad.strides[dim], grad.strides[inner]},
                                        {y_reader, at[2], out.strides[dim], out.strides[inner]}, n,
                                        columns);
    });
    return;
  }
  const bool streamed = rows_are_streamed(grad_in, dim);
  for_each_line<T>(views, dim, streamed, [&](const int64_t (&at)[3], T* scratch) PG_LANES {
    const T* g = g_reader.get(at[1], grad.strides[dim], n, scratch);
    const T* y = y_reader.get(at[2], out.strides[dim], n, scratch + n);
    T* d = writer.target(at[0], step, n, scratch);
    softmax_row_backward<kLog>(d, g, y, g + n, y + n, n, streamed);
    writer.put(d, at[0], step, n);
  });
}

// Drops dimensions of size 1 and merges neighbours where every view allows it, but for `dim`: so
// columns are as long as can be.
template <int N>
void merge_dims(View (&views)[N], int64_t& dim) {
  int kept = 0;
  int64_t dim_at = dim;
  const int ndim = views[0].ndim;
  for (int d = 0; d < ndim; ++d) {
    const int64_t size = views[0].sizes[d];
    if (d != dim && size == 1) continue;
    bool touch = d != dim && kept > 0 && !(kept - 1 == dim_at && d > dim);
    for (View& v : views) touch = touch && v.strides[kept - 1] == size * v.strides[d];
    if (d == dim) dim_at = kept;
    const int to = touch ? kept - 1 : kept++;
    for (View& v : views) {
      v.sizes[to] = touch ? v.sizes[to] * size : size;
      v.strides[to] = v.strides[d];
    }
  }
  for (View& v : views) v.ndim = kept;
  dim = dim_at;
}

}  // namespace

void softmax(const View& out_, const View& in_, int64_t dim, bool log) {
  if (in_.numel() == 0) return;
  View views[2] = {at_least_1d(out_), at_least_1d(in_)};
  merge_dims(views, dim);
  const View &out = views[0], &in = views[1];
  if (in.dtype == DType::Float64)
    return log ? softmax_views<true, double>(out, in, dim)
               : softmax_views<false, double>(out, in, dim);
  if (!is_floating(in.dtype)) unsupported("softmax", in.dtype);
  log ? softmax_views<true, float>(out, in, dim) : softmax_views<false, float>(out, in, dim);
}

void softmax_backward(const View& grad_in_, const View& grad_, const View& out_, int64_t dim,
                      bool log) {
  if (out_.numel() == 0) return;
  View views[3] = {at_least_1d(grad_in_), at_least_1d(grad_), at_least_1d(out_)};
  merge_dims(views, dim);
  const View &grad_in = views[0], &grad = views[1], &out = views[2];
  if (out.dtype == DType::Float64)
    return log ? softmax_backward_views<true, double>(grad_in, grad, out, dim)
               : softmax_backward_views<false, double>(grad_in, grad, out, dim);
  if (!is_floating(out.dtype)) unsupported("softmax_backward", out.dtype);
  log ? softmax_backward_views<true, float>(grad_in, grad, out, dim)
      : softmax_backward_views<false, float>(grad_in, grad, out, dim);
}

}  // namespace pygrad::cpu::PG_ISA_NS
