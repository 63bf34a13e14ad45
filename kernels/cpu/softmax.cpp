// softmax and log_softmax over any dimension, and their gradients.
//
// Two ways through memory, chosen by strides: along a contiguous dimension one row at a time (it
// stays in cache over the passes: maximum, exponentials and sum, scaling; very long rows in two
// passes with a running maximum); across it a block of neighbouring columns at a time, so that no
// transposed copy is made.
//
// Parallel plan: rows or column blocks, each result by one thread.
//
// Memory plan: one row, or one row of a column block, of scratch.
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/softmax_rows.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kColumns = 64;

// --- rows ---

template <class T>
void softmax_row(T* y, const T* x, int64_t n, bool log) {
  if (log) {
    const SumExp s = row_sum_exp(x, n);
    const T m = T(s.max), log_sum = T(std::log(s.sum));
    for_lanes<T>(n, [&](int64_t i, int64_t k)
                        PG_LANES { store_part(y + i, (load_part(x + i, k) - m) - log_sum, k); });
    return;
  }
  if (n * int64_t(sizeof(T)) > kLongRowBytes) {
    const SumExp s = row_sum_exp(x, n);
    const T m = T(s.max), scale = T(1 / s.sum);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      store_part(y + i, exp_lanes<T>(load_part(x + i, k) - m) * scale, k);
    });
    return;
  }
  const T m = row_max(x, n);
  const T sum = sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    const Vec<T> e = exp_lanes<T>(load_part(x + i, k) - m);
    store_part(y + i, e, k);
    return e;
  });
  const T scale = T(1) / sum;
  for_lanes<T>(
      n, [&](int64_t i, int64_t k) PG_LANES { store_part(y + i, load_part(y + i, k) * scale, k); });
}

// softmax: (g - sum(g y)) y; log_softmax: g - exp(y) sum(g).
template <class T>
void softmax_row_backward(T* d, const T* g, const T* y, int64_t n, bool log) {
  if (log) {
    const T sum =
        sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES { return load_part(g + i, k); });
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      store_part(d + i, load_part(g + i, k) - exp_lanes<T>(load_part(y + i, k)) * sum, k);
    });
    return;
  }
  const T sum = sum_lanes<T>(
      n, [&](int64_t i, int64_t k) PG_LANES { return load_part(g + i, k) * load_part(y + i, k); });
  for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    store_part(d + i, (load_part(g + i, k) - sum) * load_part(y + i, k), k);
  });
}

// --- blocks of columns: element (r, j) of the block is run r, column j ---

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

template <class T>
void softmax_columns(const Column<T, RunWriter<T>>& out, const Column<T, RunReader<T>>& in,
                     int64_t rows, int64_t n, bool log) {
  T buffer[kColumns], m[kColumns], s[kColumns] = {};
  for (T& x : m) x = -std::numeric_limits<T>::infinity();
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = column_run(in, r, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k)
                        PG_LANES { store(m + i, max(load_part(x + i, k), load(m + i))); });
  }
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = column_run(in, r, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      store(s + i, load(s + i) + exp_lanes<T>(load_part(x + i, k) - load(m + i)));
    });
  }
  for (int64_t i = 0; i < n; ++i) s[i] = log ? T(std::log(s[i])) : T(1) / s[i];
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = column_run(in, r, n, buffer);
    const int64_t at = out.offset + r * out.row_stride;
    T* y = out.access.target(at, out.column_stride, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> shifted = load_part(x + i, k) - load(m + i);
      store_part(y + i, log ? shifted - load(s + i) : exp_lanes<T>(shifted) * load(s + i), k);
    });
    out.access.put(y, at, out.column_stride, n);
  }
}

template <class T>
void softmax_columns_backward(const Column<T, RunWriter<T>>& out,
                              const Column<T, RunReader<T>>& grad,
                              const Column<T, RunReader<T>>& in, int64_t rows, int64_t n,
                              bool log) {
  T buffer[kColumns], buffer2[kColumns], s[kColumns] = {};
  for (int64_t r = 0; r < rows; ++r) {
    const T *g = column_run(grad, r, n, buffer), *y = column_run(in, r, n, buffer2);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> v = load_part(g + i, k);
      store(s + i, load(s + i) + (log ? v : v * load_part(y + i, k)));
    });
  }
  for (int64_t r = 0; r < rows; ++r) {
    const T *g = column_run(grad, r, n, buffer), *y = column_run(in, r, n, buffer2);
    const int64_t at = out.offset + r * out.row_stride;
    T* d = out.access.target(at, out.column_stride, n, buffer);
    for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
      const Vec<T> a = load_part(g + i, k), b = load_part(y + i, k), sum = load(s + i);
      store_part(d + i, log ? a - exp_lanes<T>(b) * sum : (a - sum) * b, k);
    });
    out.access.put(d, at, out.column_stride, n);
  }
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

// Calls f(offsets, columns) for blocks of columns along `inner`, or for single rows when inner is
// -1.
template <int N, class F>
void for_each_block(const View* const (&views)[N], int64_t dim, int64_t inner, F&& f) {
  const Positions<N> positions(views, dim, inner);
  const int64_t length = views[0]->sizes[dim];
  const int64_t columns = inner < 0 ? 1 : views[0]->sizes[inner];
  const int64_t step = inner < 0 ? 1 : kColumns, blocks = (columns + step - 1) / step;
  const int64_t work = length * (inner < 0 ? 1 : step) * 4;
  parallel_for(positions.count * blocks, kGrain / (work < 1 ? 1 : work),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   int64_t offsets[N];
                   positions.offsets(i / blocks, offsets);
                   const int64_t first = i % blocks * step;
                   if (inner >= 0)
                     for (int k = 0; k < N; ++k) offsets[k] += first * views[k]->strides[inner];
                   f(offsets, columns - first < step ? columns - first : step);
                 }
               });
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

template <class T>
void softmax_views(const View& out, const View& in, int64_t dim, bool log) {
  const int64_t inner = column_dim(in, dim), n = in.sizes[dim];
  const RunReader<T> reader(in);
  const RunWriter<T> writer(out);
  const View* const views[2] = {&out, &in};
  for_each_block<2>(views, dim, inner, [&](const int64_t (&at)[2], int64_t columns) {
    if (inner >= 0) {
      softmax_columns<T>({writer, at[0], out.strides[dim], out.strides[inner]},
                         {reader, at[1], in.strides[dim], in.strides[inner]}, n, columns, log);
      return;
    }
    ScratchBuffer<T> buffer(n);
    const T* x = reader.get(at[1], in.strides[dim], n, buffer.data);
    T* y = writer.target(at[0], out.strides[dim], n, buffer.data);
    softmax_row(y, x, n, log);
    writer.put(y, at[0], out.strides[dim], n);
  });
}

template <class T>
void softmax_backward_views(const View& grad_in, const View& grad, const View& out, int64_t dim,
                            bool log) {
  const int64_t inner = column_dim(out, dim), n = out.sizes[dim];
  const RunReader<T> g_reader(grad), y_reader(out);
  const RunWriter<T> writer(grad_in);
  const View* const views[3] = {&grad_in, &grad, &out};
  for_each_block<3>(views, dim, inner, [&](const int64_t (&at)[3], int64_t columns) {
    const int64_t step = grad_in.strides[dim];
    if (inner >= 0) {
      softmax_columns_backward<T>({writer, at[0], step, grad_in.strides[inner]},
                                  {g_reader, at[1], grad.strides[dim], grad.strides[inner]},
                                  {y_reader, at[2], out.strides[dim], out.strides[inner]}, n,
                                  columns, log);
      return;
    }
    ScratchBuffer<T> buffer(n), buffer2(n);
    const T* g = g_reader.get(at[1], grad.strides[dim], n, buffer.data);
    const T* y = y_reader.get(at[2], out.strides[dim], n, buffer2.data);
    T* d = writer.target(at[0], step, n, buffer.data);
    softmax_row_backward(d, g, y, n, log);
    writer.put(d, at[0], step, n);
  });
}

}  // namespace

void softmax(const View& out_, const View& in_, int64_t dim, bool log) {
  if (in_.numel() == 0) return;
  const View out = at_least_1d(out_), in = at_least_1d(in_);
  if (in.dtype == DType::Float64) return softmax_views<double>(out, in, dim, log);
  if (!is_floating(in.dtype)) unsupported("softmax", in.dtype);
  softmax_views<float>(out, in, dim, log);
}

void softmax_backward(const View& grad_in_, const View& grad_, const View& out_, int64_t dim,
                      bool log) {
  if (out_.numel() == 0) return;
  const View grad_in = at_least_1d(grad_in_), grad = at_least_1d(grad_), out = at_least_1d(out_);
  if (out.dtype == DType::Float64)
    return softmax_backward_views<double>(grad_in, grad, out, dim, log);
  if (!is_floating(out.dtype)) unsupported("softmax_backward", out.dtype);
  softmax_backward_views<float>(grad_in, grad, out, dim, log);
}

}  // namespace pygrad::cpu::PG_ISA_NS
