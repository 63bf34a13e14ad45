// layer_norm and rms_norm over the rows of a (rows, cols) view, and their gradients.
//
//   layer: y = (x - mean) rstd w + b
//   rms:   y = x rstd w, rstd = 1 / sqrt(mean(x^2) + eps)
//   with h = (x - mean) rstd and u = g w: dx = rstd (u - mean(u) - h mean(u h))
//   (rms: without mean(u)); dw = sum over rows of g h, db = sum over rows of g
//
// A warp or a block takes a row; the variance is taken about the mean in a second pass. dw and db
// are a reduction over the rows (reduce.cuh) with neighbouring columns in neighbouring threads.

#include "kernels/cuda/reduce.cuh"

namespace pygrad::cuda {
namespace {

// A matrix, or the vector of rows' or columns' values, of any strides.
template <class A, class T = AnyType>
struct Matrix {
  Elements<A, T> elements;
  int64_t rows, cols;  // strides
  Matrix() = default;
  explicit Matrix(const View& v) : elements(v), rows(v.strides[0]), cols(v.strides[1]) {}
  __device__ __forceinline__ A at(int64_t i, int64_t j) const {
    return elements[i * rows + j * cols];
  }
  __device__ __forceinline__ void set(int64_t i, int64_t j, A x) const {
    elements.set(i * rows + j * cols, x);
  }
};
template <class A>
struct Vector {
  Elements<A> elements;
  int64_t stride;
  explicit Vector(const View* v) : elements(v), stride(stride_of(v)) {}
  __device__ __forceinline__ bool present() const { return elements.present(); }
  __device__ __forceinline__ A at(int64_t i) const { return elements[i * stride]; }
  __device__ __forceinline__ void set(int64_t i, A x) const { elements.set(i * stride, x); }
};

template <class T, bool kCentered>
__global__ void __launch_bounds__(256)
    norm_rows(Matrix<opmath_t<T>, T> out, Vector<opmath_t<T>> mean, Vector<opmath_t<T>> rstd,
              Matrix<opmath_t<T>, T> in, Vector<opmath_t<T>> weight, Vector<opmath_t<T>> bias,
              int64_t rows, int64_t cols, double eps) {
  using A = opmath_t<T>;
  const int64_t row = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  A m = 0;
  if constexpr (kCentered) {
    for (int64_t j = threadIdx.x; j < cols; j += blockDim.x) m += in.at(row, j);
    m = sum_row(m) / A(cols);
  }
  A squares = 0;
  for (int64_t j = threadIdx.x; j < cols; j += blockDim.x) {
    const A d = in.at(row, j) - m;
    squares += d * d;
  }
  const A r = A(1) / std::sqrt(sum_row(squares) / A(cols) + A(eps));
  if (threadIdx.x == 0) {
    if constexpr (kCentered) mean.set(row, m);
    rstd.set(row, r);
  }
  for (int64_t j = threadIdx.x; j < cols; j += blockDim.x) {
    A y = (in.at(row, j) - m) * r;
    if (weight.present()) y = y * weight.at(j);
    if (bias.present()) y = y + bias.at(j);
    out.set(row, j, y);
  }
}

template <class T, bool kCentered>
__global__ void __launch_bounds__(256, 4)
    norm_gradient_rows(Matrix<opmath_t<T>, T> grad_in, Matrix<opmath_t<T>, T> grad,
                       Matrix<opmath_t<T>, T> in, Vector<opmath_t<T>> mean,
                       Vector<opmath_t<T>> rstd, Vector<opmath_t<T>> weight, int64_t rows,
                       int64_t cols) {
  using A = opmath_t<T>;
  const int64_t row = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  const A r = rstd.at(row), m = kCentered ? mean.at(row) : A(0);
  A u_sum = 0, uh_sum = 0;
  for (int64_t j = threadIdx.x; j < cols; j += blockDim.x) {
    const A g = grad.at(row, j), u = weight.present() ? g * weight.at(j) : g;
    u_sum += u;
    uh_sum += u * ((in.at(row, j) - m) * r);
  }
  const A mean_u = kCentered ? sum_row(u_sum) / A(cols) : A(0);
  const A mean_uh = sum_row(uh_sum) / A(cols);
  for (int64_t j = threadIdx.x; j < cols; j += blockDim.x) {
    const A g = grad.at(row, j), u = weight.present() ? g * weight.at(j) : g;
    const A h = (in.at(row, j) - m) * r;
    grad_in.set(row, j, ((u - mean_u) - h * mean_uh) * r);
  }
}

// sum over rows of (g h, g); the plan's reduced elements are the rows, its outputs the columns.
template <class A>
struct WeightFold {
  struct State {
    A dot, sum;
  };
  Elements<A> grad, in, grad_weight, grad_bias;
  Vector<A> mean, rstd;

  PG_HOST_DEVICE State identity() const { return {A(0), A(0)}; }
  PG_HOST_DEVICE State join(const State& a, const State& b) const {
    return {a.dot + b.dot, a.sum + b.sum};
  }
  __device__ __forceinline__ State run(const Plan& plan, int64_t output, int64_t begin, int64_t end,
                                       int64_t step) const {
    int64_t at[2];
    plan.input_at(output, at);
    State s{A(0), A(0)};
    for (int64_t row = begin; row < end; row += step) {
      const A g = grad[at[0] + row * plan.reduced_in[0][0]];
      const A x = in[at[1] + row * plan.reduced_in[1][0]];
      s.sum += g;
      s.dot += g * ((x - (mean.present() ? mean.at(row) : A(0))) * rstd.at(row));
    }
    return s;
  }
  __device__ __forceinline__ void finish(const Plan& plan, int64_t output, const State& s) const {
    int64_t at[2];
    plan.output_at(output, at);
    if (grad_weight.present()) grad_weight.set(at[0], s.dot);
    if (grad_bias.present()) grad_bias.set(at[1], s.sum);
  }
};

template <bool kCentered>
void forward(const View& out, const View* mean, const View& rstd, const View& in,
             const View* weight, const View* bias, double eps, const char* name) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  const RowShape shape(cols);
  const unsigned in_block = unsigned(least(shape.rows, rows));
  dispatch<Floating>(in.dtype, name, [&]<class T>() {
    using A = opmath_t<T>;
    using M = Matrix<A, T>;
    if (rows == 0) return;
    PG_LAUNCH((norm_rows<T, kCentered>), dim3(unsigned(ceil_div(rows, in_block))),
              dim3(shape.threads, in_block), 0, current_stream(), M(out), Vector<A>(mean),
              Vector<A>(&rstd), M(in), Vector<A>(weight), Vector<A>(bias), rows, cols, eps);
  });
}

// A (1, cols) view of an optional vector.
View as_row(const View* v, int64_t cols) {
  View r;
  r.data = v ? v->data : nullptr;
  r.dtype = v ? v->dtype : DType::Float32;
  r.ndim = 2;
  r.sizes[0] = 1;
  r.sizes[1] = cols;
  r.strides[0] = 0;
  r.strides[1] = stride_of(v);
  return r;
}

template <class A>
void weight_gradients(const View* grad_weight, const View* grad_bias, const View& grad,
                      const View& in, const View* mean, const View& rstd) {
  const int64_t cols = in.sizes[1];
  const View dw = as_row(grad_weight, cols), db = as_row(grad_bias, cols);
  const Plan plan = plan_reduction(dw, db, grad, in, true);
  run_fold(WeightFold<A>{grad, in, dw, db, Vector<A>(mean), Vector<A>(&rstd)}, plan);
}

template <bool kCentered>
void backward(const View* grad_in, const View* grad_weight, const View* grad_bias, const View& grad,
              const View& in, const View* mean, const View& rstd, const View* weight,
              const char* name) {
  const int64_t rows = in.sizes[0], cols = in.sizes[1];
  if (!is_floating(in.dtype)) unsupported(name, in.dtype);
  if (grad_weight || grad_bias) {
    if (in.dtype == DType::Float64) {
      weight_gradients<double>(grad_weight, grad_bias, grad, in, mean, rstd);
    } else {
      weight_gradients<float>(grad_weight, grad_bias, grad, in, mean, rstd);
    }
  }
  if (!grad_in || rows == 0 || cols == 0) return;
  const RowShape shape(cols);
  const unsigned in_block = unsigned(least(shape.rows, rows));
  dispatch<Floating>(in.dtype, name, [&]<class T>() {
    using A = opmath_t<T>;
    using M = Matrix<A, T>;
    PG_LAUNCH((norm_gradient_rows<T, kCentered>), dim3(unsigned(ceil_div(rows, in_block))),
              dim3(shape.threads, in_block), 0, current_stream(), M(*grad_in), M(grad), M(in),
              Vector<A>(mean), Vector<A>(&rstd), Vector<A>(weight), rows, cols);
  });
}

}  // namespace

void layer_norm(const View& out, const View& mean, const View& rstd, const View& in,
                const View* weight, const View* bias, double eps) {
  forward<true>(out, &mean, rstd, in, weight, bias, eps, "layer_norm");
}

void layer_norm_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                         const View& grad, const View& in, const View& mean, const View& rstd,
                         const View* weight) {
  backward<true>(grad_in, grad_weight, grad_bias, grad, in, &mean, rstd, weight,
                 "layer_norm_backward");
}

void rms_norm(const View& out, const View& rstd, const View& in, const View* weight, double eps) {
  forward<false>(out, nullptr, rstd, in, weight, nullptr, eps, "rms_norm");
}

void rms_norm_backward(const View* grad_in, const View* grad_weight, const View& grad,
                       const View& in, const View& rstd, const View* weight) {
  backward<false>(grad_in, grad_weight, nullptr, grad, in, nullptr, rstd, weight,
                  "rms_norm_backward");
}

}  // namespace pygrad::cuda
