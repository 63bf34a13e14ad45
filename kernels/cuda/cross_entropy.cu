// cross_entropy per row of logits, and its gradient: nothing of the size of the logits is kept.
// With weights w, smoothing e and C classes, for target t:
//
//   loss = (1 - e) w[t] (lse - x[t]) + e / C sum_c w[c] (lse - x[c])
//   d loss / d x[c] = (1 - e) w[t] (p[c] - [c = t]) + e / C (p[c] sum(w) - w[c])
//
// A warp or a block takes a row.

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {
namespace {

template <class A, class T>
struct Row {
  Elements<A, T> logits;
  int64_t row_stride, stride;
  explicit Row(const View& v) : logits(v), row_stride(v.strides[0]), stride(v.strides[1]) {}
  __device__ __forceinline__ A at(int64_t row, int64_t c) const {
    return logits[row * row_stride + c * stride];
  }
  __device__ __forceinline__ void set(int64_t row, int64_t c, A x) const {
    logits.set(row * row_stride + c * stride, x);
  }
};
template <class A>
struct Values {
  Elements<A> elements;
  int64_t stride;
  explicit Values(const View* v) : elements(v), stride(stride_of(v)) {}
  __device__ __forceinline__ bool present() const { return elements.present(); }
  __device__ __forceinline__ A at(int64_t i) const { return elements[i * stride]; }
  __device__ __forceinline__ void set(int64_t i, A x) const { elements.set(i * stride, x); }
};
struct Targets {
  const int64_t* data;
  int64_t stride, ignore_index;
  Targets(const View& v, int64_t ignored)
      : data(v.ptr<const int64_t>()), stride(stride_of(&v)), ignore_index(ignored) {}
};

// The sum of the weights, or the number of classes; for the threads of one row.
template <class A>
__device__ __forceinline__ A weight_sum(const Values<A>& weight, int64_t classes) {
  if (!weight.present()) return A(classes);
  A sum = 0;
  for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) sum += weight.at(c);
  return sum_row(sum);
}

template <class T>
__global__ void __launch_bounds__(256)
    loss_rows(Values<opmath_t<T>> loss, Values<opmath_t<T>> lse, Row<opmath_t<T>, T> logits,
              Targets target, Values<opmath_t<T>> weight, int64_t rows, int64_t classes,
              double smoothing) {
  using A = opmath_t<T>;
  const int64_t row = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  A m = -std::numeric_limits<A>::infinity();
  for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
    const A x = logits.at(row, c);
    m = x > m ? x : m;
  }
  m = max_row(m);
  A sum = 0;
  for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
    sum += std::exp(logits.at(row, c) - m);
  }
  const A log_sum = std::log(sum_row(sum));
  double spread = 0;
  if (smoothing != 0) {
    A dot = 0;
    for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
      const A v = logits.at(row, c) - m;
      dot += weight.present() ? v * weight.at(c) : v;
    }
    dot = sum_row(dot);
    spread = smoothing / double(classes) *
             (double(weight_sum(weight, classes)) * double(log_sum) - double(dot));
  }
  if (threadIdx.x != 0) return;
  const int64_t t = target.data[row * target.stride];
  lse.set(row, A(double(m) + double(log_sum)));
  if (t == target.ignore_index) {
    loss.set(row, A(0));
    return;
  }
  // The maximum is taken off first: it cancels exactly.
  const double from_max = double(log_sum) - (double(logits.at(row, t)) - double(m));
  const double w = weight.present() ? double(weight.at(t)) : 1.0;
  loss.set(row, A((1 - smoothing) * w * from_max + spread));
}

template <class T>
__global__ void __launch_bounds__(256)
    loss_gradient_rows(Row<opmath_t<T>, T> grad_in, Values<opmath_t<T>> grad_loss,
                       Row<opmath_t<T>, T> logits, Values<opmath_t<T>> lse, Targets target,
                       Values<opmath_t<T>> weight, int64_t rows, int64_t classes,
                       double smoothing) {
  using A = opmath_t<T>;
  const int64_t row = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  const A weights = smoothing != 0 ? weight_sum(weight, classes) : A(0);
  const int64_t t = target.data[row * target.stride];
  if (t == target.ignore_index) {
    for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) grad_in.set(row, c, A(0));
    return;
  }
  const double g = double(grad_loss.at(row));
  const double hit = (1 - smoothing) * (weight.present() ? double(weight.at(t)) : 1.0) * g;
  const double spread = smoothing / double(classes) * g;
  const A log_sum = lse.at(row), scale = A(hit + spread * double(weights)), each = A(spread);
  for (int64_t c = threadIdx.x; c < classes; c += blockDim.x) {
    A v = std::exp(logits.at(row, c) - log_sum) * scale;
    if (smoothing != 0) v -= weight.present() ? weight.at(c) * each : each;
    if (c == t) v -= A(hit);
    grad_in.set(row, c, v);
  }
}

}  // namespace

void cross_entropy(const View& loss, const View& lse, const View& logits, const View& target,
                   const View* weight, int64_t ignore_index, double label_smoothing) {
  const int64_t rows = logits.sizes[0], classes = logits.sizes[1];
  const RowShape shape(classes);
  const unsigned in_block = unsigned(least(shape.rows, rows));
  dispatch<Floating>(logits.dtype, "cross_entropy", [&]<class T>() {
    using A = opmath_t<T>;
    using V = Values<A>;
    if (rows == 0) return;
    PG_LAUNCH((loss_rows<T>), dim3(unsigned(ceil_div(rows, in_block))),
              dim3(shape.threads, in_block), 0, current_stream(), V(&loss), V(&lse),
              (Row<A, T>(logits)), Targets(target, ignore_index), V(weight), rows, classes,
              label_smoothing);
  });
}

void cross_entropy_backward(const View& grad_in, const View& grad_loss, const View& logits,
                            const View& lse, const View& target, const View* weight,
                            int64_t ignore_index, double label_smoothing) {
  const int64_t rows = logits.sizes[0], classes = logits.sizes[1];
  const RowShape shape(classes);
  const unsigned in_block = unsigned(least(shape.rows, rows));
  dispatch<Floating>(logits.dtype, "cross_entropy_backward", [&]<class T>() {
    using A = opmath_t<T>;
    using V = Values<A>;
    if (rows == 0) return;
    PG_LAUNCH((loss_gradient_rows<T>), dim3(unsigned(ceil_div(rows, in_block))),
              dim3(shape.threads, in_block), 0, current_stream(), (Row<A, T>(grad_in)),
              V(&grad_loss), (Row<A, T>(logits)), V(&lse), Targets(target, ignore_index), V(weight),
              rows, classes, label_smoothing);
  });
}

}  // namespace pygrad::cuda
