// batch_norm over the channels of a (n, c, l) view of any strides, and its gradient.
//
//   y = (x - mean) rstd w + b
//   training: biased variance here, the running variance takes the unbiased one, and
//     dx = w rstd (g - mean(g) - h mean(g h)) with h = (x - mean) rstd
//   otherwise: dx = w rstd g
//
// Three ways through memory: where a channel's l elements are closer together than the channels,
// runs lie along l and are summed; otherwise (2-D input, channels last) runs lie along the channels
// and whole rows are added up. Small images in planes are such rows, too, of c l columns, whose
// sums are folded by channel at the end. The variance is a second pass about the mean.
//
// Parallel plan: chunks of images or rows, and single channels along l, cut by shape; one partial
// sum per chunk and channel, added in order in double.
//
// Memory plan: partial sums only, and a run for strided or 16-bit data.
#include <cmath>

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/runs.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kMostChunks = 32;
constexpr int64_t kRun = 1024;  // elements of a run handled at once
constexpr int64_t kFlush = 256;
constexpr int64_t kSmallImage = 32, kFewImages = 4;

PG_HOST_INLINE bool planes_touch(const View& v) {
  return v.sizes[1] == 1 || v.strides[1] == v.sizes[2] * v.strides[2];
}

struct Geometry {
  int64_t n, c, l;
  bool along_channels;
  int64_t repeat = 1;           // columns per channel of rows along the channels
  int64_t outer, runs, length;  // chunks cut `outer`; a chunk has outer x runs runs of `length`
  // `v` and `w`: the other views that will be walked.
  PG_HOST_INLINE Geometry(const View& u, const View& v, const View& w)
      : n(u.sizes[0]), c(u.sizes[1]), l(u.sizes[2]) {
    const auto magnitude = [](int64_t x) { return x < 0 ? -x : x; };
    along_channels = c > 1 && (l == 1 || magnitude(u.strides[1]) < magnitude(u.strides[2]));
    if (!along_channels && l <= kSmallImage && n >= kFewImages && planes_touch(u) &&
        planes_touch(v) && planes_touch(w)) {
      along_channels = true;
      repeat = l;
    }
    outer = along_channels ? n * (l / repeat) : n;
    runs = along_channels ? 1 : c;
    length = along_channels ? c * repeat : l;
  }
  PG_HOST_INLINE int64_t columns() const { return c * repeat; }
  PG_HOST_INLINE int64_t chunks() const {
    int64_t k = n * c * l / (4 * kGrain);
    if (k > kMostChunks) k = kMostChunks;
    if (k > outer) k = outer;
    return k < 1 ? 1 : k;
  }
};

// Where run `r` of outer index `o` starts in a view, and the stride within it.
PG_HOST_INLINE int64_t run_offset(const Geometry& q, const View& v, int64_t o, int64_t r) {
  if (q.along_channels && q.repeat == 1) return o / q.l * v.strides[0] + o % q.l * v.strides[2];
  return o * v.strides[0] + r * v.strides[1];
}
PG_HOST_INLINE int64_t run_stride(const Geometry& q, const View& v) {
  return v.strides[q.along_channels && q.repeat == 1 ? 1 : 2];
}

// A value per channel becomes a value per column, in place; `table` has room for q.columns().
template <class T>
PG_HOST_INLINE void spread(const Geometry& q, T* table) {
  if (q.repeat == 1) return;
  for (int64_t c = q.c; c-- > 0;)
    for (int64_t i = q.repeat; i-- > 0;) table[c * q.repeat + i] = table[c];
}

// Calls f(outer, run, first, count): runs in pieces of at most kRun elements, in parallel; the same
// piece of all runs before the next, for the tables' sake.
template <class F>
void for_each_piece(const Geometry& q, F&& f) {
  if (q.length == 0) return;
  const int64_t lines = q.outer * q.runs, pieces = (q.length + kRun - 1) / kRun;
  parallel_for(lines * pieces, kGrain / (q.length < kRun ? q.length : kRun),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t line = i % lines, first = i / lines * kRun;
                   f(line / q.runs, line % q.runs, first,
                     q.length - first < kRun ? q.length - first : kRun);
                 }
               });
}

// Per channel: sums[c] = sum u, and dots[c] = sum (u - mu[c]) (v - mv[c]); either may be null, as
// may mu (zero). When v is the same view as u it is read once. mu and mv have been spread.
template <class T>
void channel_sums(const Geometry& q, const View& u, const T* mu, const View& v, const T* mv,
                  double* sums, double* dots) {
  const int64_t chunks = q.chunks(), step = (q.outer + chunks - 1) / chunks;
  ScratchBuffer<double> partial(2 * chunks * q.c);
  memset(partial.data, 0, size_t(2 * chunks * q.c) * sizeof(double));
  const RunReader<T> u_reader(u), v_reader(v);
  const bool same = &u == &v;
  const int64_t us = run_stride(q, u), vs = run_stride(q, v);
  // Tasks: a chunk, and one channel or a piece of the columns.
  const int64_t piece = kRun / q.repeat * q.repeat;
  const int64_t parts = q.along_channels ? (q.length + piece - 1) / piece : q.runs;
  const bool small = chunks == 1 && q.n * q.c * q.l < kGrain;
  parallel_for(chunks * parts, small ? parts : 1, [&](int64_t begin, int64_t end) {
    T u_buffer[kRun], v_buffer[kRun], sum_row[kRun], dot_row[kRun];
    const auto read = [&](int64_t o, int64_t r, int64_t first, int64_t n, const T*& a,
                          const T*& b) {
      a = u_reader.get(run_offset(q, u, o, r) + first * us, us, n, u_buffer);
      b = same || !dots ? a : v_reader.get(run_offset(q, v, o, r) + first * vs, vs, n, v_buffer);
    };
    for (int64_t task = begin; task < end; ++task) {
      const int64_t chunk = task / parts, part = task % parts;
      const int64_t last = (chunk + 1) * step < q.outer ? (chunk + 1) * step : q.outer;
      double *s = partial.data + 2 * chunk * q.c, *d = s + q.c;
      const T *a, *b;
      if (q.along_channels) {
        const int64_t first = part * piece, n = q.length - first < piece ? q.length - first : piece;
        const T *ma = mu ? mu + first : nullptr, *mb = mv ? mv + first : nullptr;
        // Sums of up to kFlush rows stay in T; then they go to the double ones.
        for (int64_t o = chunk * step; o < last;) {
          const int64_t stop = o + kFlush < last ? o + kFlush : last;
          memset(sum_row, 0, size_t(n) * sizeof(T));
          memset(dot_row, 0, size_t(n) * sizeof(T));
          for (; o < stop; ++o) {
            read(o, 0, first, n, a, b);
            for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
              Vec<T> x = load_part(a + i, k);
              if (sums) store_part(sum_row + i, load_part(sum_row + i, k) + x, k);
              if (dots) {
                Vec<T> y = load_part(b + i, k);
                if (ma) x = x - load_part(ma + i, k);
                if (mb) y = y - load_part(mb + i, k);
                store_part(dot_row + i, load_part(dot_row + i, k) + x * y, k);
              }
            });
          }
          for (int64_t i = 0; i < n; ++i) {
            s[(first + i) / q.repeat] += double(sum_row[i]);
            d[(first + i) / q.repeat] += double(dot_row[i]);
          }
        }
        continue;
      }
      double sum = 0, dot = 0;
      for (int64_t o = chunk * step; o < last; ++o) {
        for (int64_t first = 0; first < q.length; first += kRun) {
          const int64_t n = q.length - first < kRun ? q.length - first : kRun;
          read(o, part, first, n, a, b);
          if (sums)
            sum += double(sum_lanes<T>(
                n, [&](int64_t i, int64_t k) PG_LANES { return load_part(a + i, k); }));
          if (dots) {
            const T ma = mu ? mu[part] : T(0), mb = mv ? mv[part] : T(0);
            dot += double(sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
              return (load_part(a + i, k) - ma) * (load_part(b + i, k) - mb);
            }));
          }
        }
      }
      s[part] = sum, d[part] = dot;
    }
  });
  for (int64_t c = 0; c < q.c; ++c) {
    double sum = 0, dot = 0;
    for (int64_t k = 0; k < chunks; ++k) {
      sum += partial[2 * k * q.c + c];
      dot += partial[(2 * k + 1) * q.c + c];
    }
    if (sums) sums[c] = sum;
    if (dots) dots[c] = dot;
  }
}

// out = (u - shift[c]) scale[c] + offset[c] + v slope[c] over all elements; v and slope may be
// null. The tables have been spread.
template <class T>
void channel_map(const Geometry& q, const View& out, const View& u, const T* shift, const T* scale,
                 const T* offset, const View* v, const T* slope) {
  const RunReader<T> u_reader(u), v_reader(v ? *v : u);
  const RunWriter<T> writer(out);
  const int64_t us = run_stride(q, u), vs = v ? run_stride(q, *v) : 0, ws = run_stride(q, out);
  for_each_piece(q, [&](int64_t o, int64_t r, int64_t first, int64_t n) {
    T u_buffer[kRun], v_buffer[kRun];
    const T* a = u_reader.get(run_offset(q, u, o, r) + first * us, us, n, u_buffer);
    const T* b = v ? v_reader.get(run_offset(q, *v, o, r) + first * vs, vs, n, v_buffer) : nullptr;
    const int64_t at = run_offset(q, out, o, r) + first * ws;
    T* y = writer.target(at, ws, n, u_buffer);
    if (q.along_channels) {
      for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
        const int64_t c = first + i;
        Vec<T> x = (load_part(a + i, k) - load_part(shift + c, k)) * load_part(scale + c, k) +
                   load_part(offset + c, k);
        if (b) x += load_part(b + i, k) * load_part(slope + c, k);
        store_part(y + i, x, k);
      });
    } else {
      const T m = shift[r], s = scale[r], f = offset[r], l = b ? slope[r] : T(0);
      for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
        Vec<T> x = (load_part(a + i, k) - m) * s + f;
        if (b) x += load_part(b + i, k) * l;
        store_part(y + i, x, k);
      });
    }
    writer.put(y, at, ws, n);
  });
}

// running = (1 - momentum) running + momentum now
template <class T>
void update_running(const View* running, int64_t c, double now, double momentum) {
  if (!running) return;
  const int64_t at = c * running->strides[0];
  const double old = double(RunReader<T>(*running).at(at));
  RunWriter<T>(*running).set(at, T((1 - momentum) * old + momentum * now));
}

template <class T>
void normalize(const View& out, const View& mean, const View& rstd, const View& in,
               const View* weight, const View* bias, const View* running_mean,
               const View* running_var, bool training, double momentum, double eps) {
  const Geometry q(in, in, out);
  const int64_t c = q.c, count = q.n * q.l;
  ScratchBuffer<double> sums(2 * c);
  ScratchBuffer<T> table(3 * q.columns()), means(c);
  T *shift = table.data, *scale = shift + q.columns(), *offset = scale + q.columns();
  T* m = means.data;
  if (training) {
    channel_sums<T>(q, in, nullptr, in, nullptr, sums.data, nullptr);
    for (int64_t i = 0; i < c; ++i) m[i] = T(sums[i] / double(count));
    memcpy(shift, m, size_t(c) * sizeof(T));
    spread(q, shift);
    channel_sums<T>(q, in, shift, in, shift, nullptr, sums.data + c);
  }
  for (int64_t i = 0; i < c; ++i) {
    double r;
    if (training) {
      const double squares = sums[c + i];
      r = 1 / std::sqrt(squares / double(count) + eps);
      update_running<T>(running_mean, i, sums[i] / double(count), momentum);
      update_running<T>(running_var, i, squares / double(count - 1), momentum);
    } else {
      m[i] = RunReader<T>(*running_mean).at(i * running_mean->strides[0]);
      r = 1 / std::sqrt(double(RunReader<T>(*running_var).at(i * running_var->strides[0])) + eps);
    }
    RunWriter<T>(mean).set(i * mean.strides[0], m[i]);
    RunWriter<T>(rstd).set(i * rstd.strides[0], T(r));
    scale[i] = T(r * (weight ? double(RunReader<T>(*weight).at(i * weight->strides[0])) : 1.0));
    offset[i] = bias ? RunReader<T>(*bias).at(i * bias->strides[0]) : T(0);
  }
  memcpy(shift, m, size_t(c) * sizeof(T));
  T* const tables[] = {shift, scale, offset};
  for (T* t : tables) spread(q, t);
  channel_map<T>(q, out, in, shift, scale, offset, nullptr, nullptr);
}

template <class T>
void normalize_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                        const View& grad, const View& in, const View* weight, const View& mean,
                        const View& rstd, bool training) {
  const Geometry q(in, grad, grad_in ? *grad_in : in);
  const int64_t c = q.c, columns = q.columns();
  ScratchBuffer<double> sums(2 * c);
  ScratchBuffer<T> table(5 * columns);
  T *m = table.data, *scale = m + columns, *offset = scale + columns;
  T *slope = offset + columns, *zero = slope + columns;
  for (int64_t i = 0; i < c; ++i) m[i] = RunReader<T>(mean).at(i * mean.strides[0]);
  spread(q, m);
  channel_sums<T>(q, grad, nullptr, in, m, sums.data, sums.data + c);
  const double count = double(q.n * q.l);
  for (int64_t i = 0; i < c; ++i) {
    const double r = double(RunReader<T>(rstd).at(i * rstd.strides[0]));
    const double w = weight ? double(RunReader<T>(*weight).at(i * weight->strides[0])) : 1.0;
    if (grad_weight)
      RunWriter<T>(*grad_weight).set(i * grad_weight->strides[0], T(sums[c + i] * r));
    if (grad_bias) RunWriter<T>(*grad_bias).set(i * grad_bias->strides[0], T(sums[i]));
    // dx = (x - mean) slope' + offset + g w r, by channel_map with u = x, v = g
    slope[i] = T(w * r);
    scale[i] = training ? T(-w * r * r * r * sums[c + i] / count) : T(0);
    offset[i] = training ? T(-w * r * sums[i] / count) : T(0);
    zero[i] = T(0);
  }
  if (!grad_in) return;
  T* const tables[] = {scale, offset, slope, zero};
  for (T* t : tables) spread(q, t);
  if (training)
    channel_map<T>(q, *grad_in, in, m, scale, offset, &grad, slope);
  else
    channel_map<T>(q, *grad_in, grad, zero, slope, zero, nullptr, nullptr);
}

}  // namespace

void batch_norm(const View& out, const View& mean, const View& rstd, const View& in,
                const View* weight, const View* bias, const View* running_mean,
                const View* running_var, bool training, double momentum, double eps) {
  if (!is_floating(in.dtype)) unsupported("batch_norm", in.dtype);
  const auto run = in.dtype == DType::Float64 ? normalize<double> : normalize<float>;
  run(out, mean, rstd, in, weight, bias, running_mean, running_var, training, momentum, eps);
}

void batch_norm_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                         const View& grad, const View& in, const View* weight, const View& mean,
                         const View& rstd, bool training) {
  if (!is_floating(in.dtype)) unsupported("batch_norm_backward", in.dtype);
  const auto run =
      in.dtype == DType::Float64 ? normalize_backward<double> : normalize_backward<float>;
  run(grad_in, grad_weight, grad_bias, grad, in, weight, mean, rstd, training);
}

}  // namespace pygrad::cpu::PG_ISA_NS
