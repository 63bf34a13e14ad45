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
// order.
//
// Memory plan: scratch for the partial rows (at most kMostChunks) and for rows that are strided or
// 16-bit.
#include <cmath>

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/runs.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kMostChunks = 32;

PG_HOST_INLINE int64_t row_stride(const View& v) { return v.ndim > 0 ? v.strides[0] : 0; }

template <class T, bool kCentered>
void norm_rows(const View& out, const View* mean, const View& rstd, const View& in,
               const View* weight, const View* bias, double eps) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  const RunReader<T> reader(in);
  const RunWriter<T> writer(out), rstd_out(rstd), mean_out(kCentered ? *mean : rstd);
  ScratchBuffer<T> weight_buffer(weight ? cols : 1), bias_buffer(bias ? cols : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  const T* b = bias ? whole_run(*bias, bias_buffer.data) : nullptr;
  parallel_for(rows, kGrain / (cols < 1 ? 1 : 2 * cols), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> buffer(cols);
    for (int64_t row = begin; row < end; ++row) {
      const T* x = reader.get(row * in.strides[0], in.strides[1], cols, buffer.data);
      T m = T(0);
      if constexpr (kCentered) {
        m = sum_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES { return load_part(x + i, k); }) /
            T(cols);
        mean_out.set(row * row_stride(*mean), m);
      }
      const T squares = sum_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES {
        const Vec<T> d = load_part(x + i, k) - m;
        return d * d;
      });
      const T r = T(1) / std::sqrt(squares / T(cols) + T(eps));
      rstd_out.set(row * row_stride(rstd), r);
      const int64_t at = row * out.strides[0];
      T* y = writer.target(at, out.strides[1], cols, buffer.data);
      for_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES {
        Vec<T> v = (load_part(x + i, k) - m) * r;
        if (w) v = v * load_part(w + i, k);
        if (b) v = v + load_part(b + i, k);
        store_part(y + i, v, k);
      });
      writer.put(y, at, out.strides[1], cols);
    }
  });
}

// dst += src
template <class T>
PG_HOST_INLINE void add_row(T* dst, const T* src, int64_t n) {
  for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    store_part(dst + i, load_part(dst + i, k) + load_part(src + i, k), k);
  });
}

template <class T, bool kCentered>
void norm_gradients(const View* grad_in, const View* grad_weight, const View* grad_bias,
                    const View& grad, const View& in, const View* mean, const View& rstd,
                    const View* weight) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  const RunReader<T> x_reader(in), g_reader(grad), rstd_reader(rstd),
      mean_reader(kCentered ? *mean : rstd);
  const RunWriter<T> writer(grad_in ? *grad_in : in);
  ScratchBuffer<T> weight_buffer(weight ? cols : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  const bool partials = grad_weight || grad_bias;
  int64_t chunks = rows * cols / (2 * kGrain);
  chunks = chunks < 1 ? 1 : chunks > kMostChunks ? kMostChunks : chunks;
  const int64_t chunk_rows = rows == 0 ? 1 : (rows + chunks - 1) / chunks;
  ScratchBuffer<T> dw(partials ? chunks * cols : 1), db(partials ? chunks * cols : 1);
  if (partials) {
    memset(dw.data, 0, size_t(chunks * cols) * sizeof(T));
    memset(db.data, 0, size_t(chunks * cols) * sizeof(T));
  }
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> x_buffer(cols), g_buffer(cols);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t last = (chunk + 1) * chunk_rows < rows ? (chunk + 1) * chunk_rows : rows;
      T *dw_row = dw.data + (partials ? chunk * cols : 0),
        *db_row = db.data + (partials ? chunk * cols : 0);
      for (int64_t row = chunk * chunk_rows; row < last; ++row) {
        const T* x = x_reader.get(row * in.strides[0], in.strides[1], cols, x_buffer.data);
        const T* g = g_reader.get(row * grad.strides[0], grad.strides[1], cols, g_buffer.data);
        const T r = rstd_reader.at(row * row_stride(rstd));
        const T m = kCentered ? mean_reader.at(row * row_stride(*mean)) : T(0);
        if (partials) {
          for_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES {
            const Vec<T> v = load_part(g + i, k), h = (load_part(x + i, k) - m) * r;
            store_part(dw_row + i, load_part(dw_row + i, k) + v * h, k);
            store_part(db_row + i, load_part(db_row + i, k) + v, k);
          });
        }
        if (!grad_in) continue;
        const auto weighted = [&](int64_t i, int64_t k) PG_LANES {
          return w ? load_part(g + i, k) * load_part(w + i, k) : load_part(g + i, k);
        };
        const T mean_u = kCentered ? sum_lanes<T>(cols, weighted) / T(cols) : T(0);
        const T mean_uh = sum_lanes<T>(cols,
                                       [&](int64_t i, int64_t k) PG_LANES {
                                         return weighted(i, k) * ((load_part(x + i, k) - m) * r);
                                       }) /
                          T(cols);
        const int64_t at = row * grad_in->strides[0];
        T* d = writer.target(at, grad_in->strides[1], cols, g_buffer.data);
        for_lanes<T>(cols, [&](int64_t i, int64_t k) PG_LANES {
          const Vec<T> h = (load_part(x + i, k) - m) * r;
          store_part(d + i, ((weighted(i, k) - mean_u) - h * mean_uh) * r, k);
        });
        writer.put(d, at, grad_in->strides[1], cols);
      }
    }
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
