// layer_norm and rms_norm over the rows of a (rows, cols) view, and their gradients.
//
//   layer: y = (x - mean) rstd w + b
//   rms:   y = x rstd w, rstd = 1 / sqrt(mean(x^2) + eps)
//   with h = (x - mean) rstd and u = g w: dx = rstd (u - mean(u) - h mean(u h))
//   (rms: without mean(u)); dw = sum over rows of g h, db = sum over rows of g
//
// The variance is taken about the mean in a second pass over a row that is then in cache: more
// exact than one pass, as fast.
//
// Parallel plan: rows; dw and db as one partial row per chunk, chunks cut by shape and added in
// order. Backward takes kRows rows at a time, so that dw and db are loaded and stored once for
// them.
//
// Memory plan: scratch for the partial rows (at most kMostChunks) and for rows that are strided or
// 16-bit. The rows that follow are fetched while one is computed; large results are streamed.
#include <cmath>

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/runs.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kMostChunks = 32;
constexpr int kRows = 4;

PG_HOST_INLINE int64_t row_stride(const View& v) { return v.ndim > 0 ? v.strides[0] : 0; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
bool rows_are_streamed(const View& out) {
  return out.dtype == dtype_of<T>::value && out.strides[1] == 1 && out.sizes[1] >= 256 &&
         is_streamed(out.numel() * int64_t(sizeof(T)));
}

// The sum of (x - m)^2.
template <class T>
PG_HOST_INLINE T centred_squares(const T* x, T m, int64_t n) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[4] = {};
  int64_t i = 0;
  const auto add = [&](int j, Vec<T> v) PG_LANES { acc[j] = fma(v, v, acc[j]); };
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) add(j, load(x + i + j * L) - m);
  }
  for (; i + L <= n; i += L) add(0, load(x + i) - m);
  if (i < n) add(1, load_or(x + i, n - i, m) - m);
  return reduce_add((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

template <class T, bool kCentered>
void norm_rows(const View& out, const View* mean, const View& rstd, const View& in,
               const View* weight, const View* bias, double eps) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  const RunReader<T> reader(in);
  const RunWriter<T> writer(out);
  ScratchBuffer<T> weight_buffer(weight ? cols : 1), bias_buffer(bias ? cols : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  const T* b = bias ? whole_run(*bias, bias_buffer.data) : nullptr;
  const bool streamed = rows_are_streamed<T>(out);
  parallel_for(rows, kGrain / (cols < 1 ? 1 : 2 * cols), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> buffer(cols);
    for (int64_t row = begin; row < end; ++row) {
      const T* x = reader.get(row * in.strides[0], in.strides[1], cols, buffer.data);
      T m = T(0);
      if constexpr (kCentered) {
        m = sum_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES { return load_part(x + i, k); }) /
            T(cols);
        mean->ptr<T>()[row * row_stride(*mean)] = m;
      }
      const T r = T(1) / std::sqrt(centred_squares(x, m, cols) / T(cols) + T(eps));
      rstd.ptr<T>()[row * row_stride(rstd)] = r;
      const int64_t at = row * out.strides[0];
      T* y = writer.target(at, out.strides[1], cols, buffer.data);
      const auto normalize = [&](auto&& scaled) PG_LANES {
        store_lanes(y, cols, streamed, [&](int64_t i, int64_t k) PG_LANES {
          __builtin_prefetch(x + cols + i);
          return scaled((load_part(x + i, k) - m) * r, i, k);
        });
      };
      if (w && b) {
        normalize([&](Vec<T> h, int64_t i, int64_t k)
                      PG_LANES { return fma(h, load_part(w + i, k), load_part(b + i, k)); });
      } else if (w) {
        normalize([&](Vec<T> h, int64_t i, int64_t k) PG_LANES { return h * load_part(w + i, k); });
      } else if (b) {
        normalize([&](Vec<T> h, int64_t i, int64_t k) PG_LANES { return h + load_part(b + i, k); });
      } else {
        normalize([&](Vec<T> h, int64_t, int64_t) PG_LANES { return h; });
      }
      writer.put(y, at, out.strides[1], cols);
    }
    if (streamed) stream_fence();
  });
}

// dst += src
template <class T>
PG_HOST_INLINE void add_row(T* dst, const T* src, int64_t n) {
  for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    store_part(dst + i, load_part(dst + i, k) + load_part(src + i, k), k);
  });
}

// One row of the backward pass. With c = x - mean, dx = rstd u + shift + slope c.
template <class T>
struct Row {
  const T *x, *g;
  T* d;
  T mean, rstd, shift, slope;
};

// shift and slope, from the sums of u and u c.
template <class T, bool kCentered>
PG_HOST_INLINE void row_sums(Row<T>& row, const T* w, int64_t n) {
  constexpr int L = kLanes<T>;
  Vec<T> u_sum[2] = {}, uc_sum[2] = {};
  const auto add = [&](int j, int64_t i, int64_t k) PG_LANES {
    Vec<T> u = load_part(row.g + i, k);
    if (w) u *= load_part(w + i, k);
    if constexpr (kCentered) u_sum[j] += u;
    uc_sum[j] = fma(u, load_part(row.x + i, k) - row.mean, uc_sum[j]);  // missing u are 0
  };
  int64_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    add(0, i, L);
    add(1, i + L, L);
  }
  if (i + L <= n) {
    add(0, i, L);
    i += L;
  }
  if (i < n) add(1, i, n - i);
  const T r = row.rstd, mean_uh = reduce_add(uc_sum[0] + uc_sum[1]) / T(n) * r;
  row.shift = kCentered ? -r * (reduce_add(u_sum[0] + u_sum[1]) / T(n)) : T(0);
  row.slope = -r * r * mean_uh;
}

// dx of `count` rows, and what they add to dw and db (null when not wanted).
template <class T, int count>
PG_HOST_INLINE void gradient_rows(const Row<T> (&rows)[kRows], const T* w, T* dw, T* db, int64_t n,
                                  int64_t next, bool wanted, bool streamed) {
  const auto columns = [&](int64_t i, int64_t k) PG_LANES {
    Vec<T> dw_sum{}, db_sum{};
    if (dw) {
      dw_sum = load_part(dw + i, k);
      db_sum = load_part(db + i, k);
    }
#pragma GCC unroll 4
    for (int j = 0; j < count; ++j) {
      const Row<T>& row = rows[j];
      __builtin_prefetch(row.x + next + i);
      __builtin_prefetch(row.g + next + i);
      const Vec<T> g = load_part(row.g + i, k), c = load_part(row.x + i, k) - row.mean;
      dw_sum = fma(g, c * row.rstd, dw_sum);
      db_sum += g;
      if (!wanted) continue;
      const Vec<T> u = w ? g * load_part(w + i, k) : g;
      const Vec<T> d = fma(u, splat(row.rstd), fma(c, splat(row.slope), splat(row.shift)));
      if (streamed) {
        stream(row.d + i, d);
      } else {
        store_part(row.d + i, d, k);
      }
    }
    if (dw) {
      store_part(dw + i, dw_sum, k);
      store_part(db + i, db_sum, k);
    }
  };
  for_lanes<T>(n, columns);
}

template <class T, bool kCentered>
void norm_gradients(const View* grad_in, const View* grad_weight, const View* grad_bias,
                    const View& grad, const View& in, const View* mean, const View& rstd,
                    const View* weight) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  const RunReader<T> x_reader(in), g_reader(grad);
  const RunWriter<T> writer(grad_in ? *grad_in : in);
  ScratchBuffer<T> weight_buffer(weight ? cols : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  const bool partials = grad_weight || grad_bias;
  // All rows begin on a line, or none is streamed: several are written by turns.
  const bool streamed = grad_in && rows_are_streamed<T>(*grad_in) &&
                        (grad_in->strides[0] | cols) * int64_t(sizeof(T)) % 64 == 0 &&
                        reinterpret_cast<uintptr_t>(grad_in->data) % 64 == 0;
  const int64_t most = least(rows * cols / (2 * kGrain), kMostChunks), chunks = most < 1 ? 1 : most;
  const int64_t chunk_rows = rows == 0 ? 1 : (rows + chunks - 1) / chunks;
  ScratchBuffer<T> dw(partials ? chunks * cols : 1), db(partials ? chunks * cols : 1);
  if (partials) {
    memset(dw.data, 0, size_t(chunks * cols) * sizeof(T));
    memset(db.data, 0, size_t(chunks * cols) * sizeof(T));
  }
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> x_buffer(kRows * cols), g_buffer(kRows * cols);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t last = least((chunk + 1) * chunk_rows, rows);
      T* dw_row = partials ? dw.data + chunk * cols : nullptr;
      T* db_row = partials ? db.data + chunk * cols : nullptr;
      for (int64_t first = chunk * chunk_rows; first < last; first += kRows) {
        const int count = int(least(last - first, kRows));
        Row<T> set[kRows];
        for (int j = 0; j < count; ++j) {
          const int64_t at = first + j;
          Row<T>& row = set[j];
          row.x = x_reader.get(at * in.strides[0], in.strides[1], cols, x_buffer.data + j * cols);
          row.g =
              g_reader.get(at * grad.strides[0], grad.strides[1], cols, g_buffer.data + j * cols);
          row.rstd = rstd.ptr<const T>()[at * row_stride(rstd)];
          row.mean = kCentered ? mean->ptr<const T>()[at * row_stride(*mean)] : T(0);
          if (!grad_in) continue;
          row.d = writer.target(at * grad_in->strides[0], grad_in->strides[1], cols,
                                g_buffer.data + j * cols);
          row_sums<T, kCentered>(row, w, cols);
        }
        if (count == kRows) {
          gradient_rows<T, kRows>(set, w, dw_row, db_row, cols, kRows * cols, grad_in, streamed);
        } else {
          for (int j = 0; j < count; ++j) {
            const Row<T> one[kRows] = {set[j]};
            gradient_rows<T, 1>(one, w, dw_row, db_row, cols, cols, grad_in, streamed);
          }
        }
        for (int j = 0; grad_in && j < count; ++j) {
          writer.put(set[j].d, (first + j) * grad_in->strides[0], grad_in->strides[1], cols);
        }
      }
    }
    if (streamed) stream_fence();
  });
  for (int64_t chunk = 1; partials && chunk < chunks; ++chunk) {
    add_row(dw.data, dw.data + chunk * cols, cols);
    add_row(db.data, db.data + chunk * cols, cols);
  }
  if (grad_weight) RunWriter<T>(*grad_weight).put(dw.data, 0, grad_weight->strides[0], cols);
  if (grad_bias) RunWriter<T>(*grad_bias).put(db.data, 0, grad_bias->strides[0], cols);
}

}  // namespace

void layer_norm(const View& out, const View& mean, const View& rstd, const View& in,
                const View* weight, const View* bias, double eps) {
  if (!is_floating(in.dtype)) unsupported("layer_norm", in.dtype);
  const auto run = in.dtype == DType::Float64 ? norm_rows<double, true> : norm_rows<float, true>;
  run(out, &mean, rstd, in, weight, bias, eps);
}

void layer_norm_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                         const View& grad, const View& in, const View& mean, const View& rstd,
                         const View* weight) {
  if (!is_floating(in.dtype)) unsupported("layer_norm_backward", in.dtype);
  const auto run =
      in.dtype == DType::Float64 ? norm_gradients<double, true> : norm_gradients<float, true>;
  run(grad_in, grad_weight, grad_bias, grad, in, &mean, rstd, weight);
}

void rms_norm(const View& out, const View& rstd, const View& in, const View* weight, double eps) {
  if (!is_floating(in.dtype)) unsupported("rms_norm", in.dtype);
  const auto run = in.dtype == DType::Float64 ? norm_rows<double, false> : norm_rows<float, false>;
  run(out, nullptr, rstd, in, weight, nullptr, eps);
}

void rms_norm_backward(const View* grad_in, const View* grad_weight, const View& grad,
                       const View& in, const View& rstd, const View* weight) {
  if (!is_floating(in.dtype)) unsupported("rms_norm_backward", in.dtype);
  const auto run =
      in.dtype == DType::Float64 ? norm_gradients<double, false> : norm_gradients<float, false>;
  run(grad_in, grad_weight, nullptr, grad, in, nullptr, rstd, weight);
}

}  // namespace pygrad::cpu::PG_ISA_NS
