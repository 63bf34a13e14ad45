// cross_entropy per row of logits, and its gradient: log-softmax and the loss in one pass over each
// row, nothing of the size of the logits kept. With weights w, smoothing e and C classes, for
// target t:
//
//   loss = (1 - e) w[t] (lse - x[t]) + e / C sum_c w[c] (lse - x[c])
//   d loss / d x[c] = (1 - e) w[t] (p[c] - [c = t]) + e / C (p[c] sum(w) - w[c])
//
// Parallel plan: rows. Memory plan: one row of scratch for strided or 16-bit logits; while a row is
// computed the next is fetched, and large gradients are streamed.
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/softmax_rows.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t row_grain(int64_t classes) {
  return kGrain / (4 * (classes < 1 ? 1 : classes));
}

template <class T>
void loss_rows(const View& loss, const View& lse, const View& logits, const View& target,
               const View* weight, int64_t ignore_index, double smoothing) {
  const int64_t classes = logits.sizes[1];
  const RunReader<T> reader(logits);
  const RunWriter<T> loss_out(loss), lse_out(lse);
  ScratchBuffer<T> weight_buffer(weight ? classes : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  double weight_sum = double(classes);
  if (w)
    weight_sum = double(
        sum_lanes<T>(classes, [&](int64_t i, int64_t k) PG_LANES { return load_part(w + i, k); }));
  parallel_for(logits.sizes[0], row_grain(classes), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> buffer(classes);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t t = target.ptr<int64_t>()[row * target.strides[0]];
      const T* x = reader.get(row * logits.strides[0], logits.strides[1], classes, buffer.data);
      const SumExp s = row_sum_exp(x, classes, x + classes);
      const double log_sum = s.max + std::log(s.sum);
      lse_out.set(row * lse.strides[0], T(log_sum));
      double result = 0;
      if (t != ignore_index) {
        // The maximum is taken off first: it cancels exactly.
        const double from_max = std::log(s.sum) - (double(x[t]) - s.max);
        result = (1 - smoothing) * (w ? double(w[t]) : 1.0) * from_max;
        if (smoothing != 0) {
          const T m = T(s.max);
          const double dot = double(sum_lanes<T>(classes, [&](int64_t i, int64_t k) PG_LANES {
            const Vec<T> v = load_part(x + i, k) - m;
            return w ? v * load_part(w + i, k) : v;
          }));
          result += smoothing / double(classes) * (weight_sum * std::log(s.sum) - dot);
        }
      }
      loss_out.set(row * loss.strides[0], T(result));
    }
  });
}

template <class T>
void gradient_rows(const View& grad_in, const View& grad_loss, const View& logits, const View& lse,
                   const View& target, const View* weight, int64_t ignore_index, double smoothing) {
  const int64_t classes = logits.sizes[1];
  const RunReader<T> reader(logits), grad_reader(grad_loss), lse_reader(lse);
  const RunWriter<T> writer(grad_in);
  ScratchBuffer<T> weight_buffer(weight ? classes : 1);
  const T* w = weight ? whole_run(*weight, weight_buffer.data) : nullptr;
  double weight_sum = double(classes);
  if (w)
    weight_sum = double(
        sum_lanes<T>(classes, [&](int64_t i, int64_t k) PG_LANES { return load_part(w + i, k); }));
  const bool streamed = grad_in.dtype == dtype_of<T>::value && grad_in.strides[1] == 1 &&
                        classes * int64_t(sizeof(T)) >= 1024 &&
                        is_streamed(grad_in.numel() * int64_t(sizeof(T)));
  parallel_for(logits.sizes[0], row_grain(classes), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> buffer(classes);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t t = target.ptr<int64_t>()[row * target.strides[0]];
      const int64_t at = row * grad_in.strides[0];
      const T* x = reader.get(row * logits.strides[0], logits.strides[1], classes, buffer.data);
      T* d = writer.target(at, grad_in.strides[1], classes, buffer.data);
      if (t == ignore_index) {
        for (int64_t c = 0; c < classes; ++c) d[c] = T(0);
      } else {
        const double g = double(grad_reader.at(row * grad_loss.strides[0]));
        const T log_sum = lse_reader.at(row * lse.strides[0]);
        const double hit = (1 - smoothing) * (w ? double(w[t]) : 1.0) * g;
        const double spread = smoothing / double(classes) * g;
        const T scale = T(hit + spread * weight_sum), each = T(spread);
        const auto lane_of = [](int64_t i) PG_LANES {
          return Elem<Mask<Vec<T>>>(i >= 0 && i < kLanes<T> ? i : -1);
        };
        store_lanes(d, classes, streamed, [&](int64_t i, int64_t k) PG_LANES {
          __builtin_prefetch(x + classes + i);
          Vec<T> v = exp_or_zero(load_part(x + i, k) - log_sum) * scale;
          if (smoothing != 0) v -= w ? load_part(w + i, k) * each : splat(each);
          return v - (lane_numbers<Vec<T>>() == lane_of(t - i) ? splat(T(hit)) : Vec<T>{});
        });
      }
      writer.put(d, at, grad_in.strides[1], classes);
    }
    if (streamed) stream_fence();
  });
}

}  // namespace

void cross_entropy(const View& loss, const View& lse, const View& logits, const View& target,
                   const View* weight, int64_t ignore_index, double label_smoothing) {
  if (!is_floating(logits.dtype)) unsupported("cross_entropy", logits.dtype);
  const auto run = logits.dtype == DType::Float64 ? loss_rows<double> : loss_rows<float>;
  run(loss, lse, logits, target, weight, ignore_index, label_smoothing);
}

void cross_entropy_backward(const View& grad_in, const View& grad_loss, const View& logits,
                            const View& lse, const View& target, const View* weight,
                            int64_t ignore_index, double label_smoothing) {
  if (!is_floating(logits.dtype)) unsupported("cross_entropy_backward", logits.dtype);
  const auto run = logits.dtype == DType::Float64 ? gradient_rows<double> : gradient_rows<float>;
  run(grad_in, grad_loss, logits, lse, target, weight, ignore_index, label_smoothing);
}

}  // namespace pygrad::cpu::PG_ISA_NS
