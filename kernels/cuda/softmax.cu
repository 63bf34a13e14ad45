// softmax and log_softmax over any dimension, and their gradients.
//
// Two ways through memory, chosen by strides: along a dimension whose elements are closest together
// a warp or a block takes a line (maximum, sum of exponentials, result: three passes, the last two
// from cache); across it, where there are lines enough, neighbouring threads take neighbouring
// lines, so that reads coalesce and no transposed copy is made.

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {
namespace {

constexpr int64_t kColumnLines = 2048;  // lines from which a thread may take one each

// This thread's share of a line: all of it for columns, every blockDim.x-th element for rows.
template <int kOperands>
struct Share {
  int64_t line, first, step;
  bool columns;
  __device__ __forceinline__ explicit Share(bool by_columns) : columns(by_columns) {
    line = columns ? int64_t(blockIdx.x) * blockDim.x + threadIdx.x
                   : int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
    first = columns ? 0 : threadIdx.x;
    step = columns ? 1 : blockDim.x;
  }
  template <class A>
  __device__ __forceinline__ A sum(A v) const {
    return columns ? v : sum_row(v);
  }
  template <class A>
  __device__ __forceinline__ A max(A v) const {
    return columns ? v : max_row(v);
  }
};

template <class T>
__global__ void __launch_bounds__(256)
    softmax_lines(Elements<opmath_t<T>, T> out, Elements<opmath_t<T>, T> in,
                  PG_PARAMETER Lines<2> lines, int64_t n, bool log, bool columns) {
  using A = opmath_t<T>;
  const Share<2> own(columns);
  if (own.line >= lines.count) return;
  int64_t at[2];
  lines.at(own.line, at);
  A m = -std::numeric_limits<A>::infinity();
  for (int64_t i = own.first; i < n; i += own.step) {
    const A x = in[at[1] + i * lines.step[1]];
    m = x > m ? x : m;
  }
  m = own.max(m);
  A sum = 0;
  for (int64_t i = own.first; i < n; i += own.step) {
    sum += std::exp(in[at[1] + i * lines.step[1]] - m);
  }
  sum = own.sum(sum);
  const A last = log ? std::log(sum) : A(1) / sum;
  for (int64_t i = own.first; i < n; i += own.step) {
    const A x = in[at[1] + i * lines.step[1]] - m;
    out.set(at[0] + i * lines.step[0], log ? x - last : std::exp(x) * last);
  }
}

// softmax: (g - sum(g y)) y; log_softmax: g - exp(y) sum(g).
template <class T>
__global__ void __launch_bounds__(256)
    softmax_gradient(Elements<opmath_t<T>, T> grad_in, Elements<opmath_t<T>, T> grad,
                     Elements<opmath_t<T>, T> out, PG_PARAMETER Lines<3> lines, int64_t n, bool log,
                     bool columns) {
  using A = opmath_t<T>;
  const Share<3> own(columns);
  if (own.line >= lines.count) return;
  int64_t at[3];
  lines.at(own.line, at);
  A sum = 0;
  for (int64_t i = own.first; i < n; i += own.step) {
    const A g = grad[at[1] + i * lines.step[1]];
    sum += log ? g : g * out[at[2] + i * lines.step[2]];
  }
  sum = own.sum(sum);
  for (int64_t i = own.first; i < n; i += own.step) {
    const A g = grad[at[1] + i * lines.step[1]], y = out[at[2] + i * lines.step[2]];
    grad_in.set(at[0] + i * lines.step[0], log ? g - std::exp(y) * sum : (g - sum) * y);
  }
}

// launch(grid, block, columns) for lines of n elements; operand `k` decides the way.
template <int N, class F>
void with_shape(const Lines<N>& lines, int64_t n, int k, F&& launch) {
  const bool short_lines = n <= 16;
  const bool columns = short_lines || (lines.prefer_columns(k) && lines.count >= kColumnLines);
  if (columns) {
    const unsigned threads = lines.count >= 16384 ? 256 : 64;
    launch(dim3(unsigned(ceil_div(lines.count, threads))), dim3(threads), true);
    return;
  }
  const RowShape shape(n);
  const unsigned rows = unsigned(least(shape.rows, lines.count));
  launch(dim3(unsigned(ceil_div(lines.count, rows))), dim3(shape.threads, rows), false);
}

}  // namespace

void softmax(const View& out_, const View& in_, int64_t dim, bool log) {
  if (in_.numel() == 0) return;
  const View out = at_least_1d(out_), in = at_least_1d(in_);
  const Lines<2> lines({&out, &in}, dim);
  const int64_t n = in.sizes[dim];
  dispatch<Floating>(in.dtype, "softmax", [&]<class T>() {
    using E = Elements<opmath_t<T>, T>;
    with_shape(lines, n, 1, [&](dim3 grid, dim3 block, bool columns) {
      if (columns) {
        PG_LAUNCH_INDEPENDENT((softmax_lines<T>), grid, block, 0, current_stream(), E(out), E(in),
                              lines, n, log, columns);
      } else {
        PG_LAUNCH((softmax_lines<T>), grid, block, 0, current_stream(), E(out), E(in), lines, n,
                  log, columns);
      }
    });
  });
}

void softmax_backward(const View& grad_in_, const View& grad_, const View& out_, int64_t dim,
                      bool log) {
  if (out_.numel() == 0) return;
  const View grad_in = at_least_1d(grad_in_), grad = at_least_1d(grad_), out = at_least_1d(out_);
  const Lines<3> lines({&grad_in, &grad, &out}, dim);
  const int64_t n = out.sizes[dim];
  dispatch<Floating>(out.dtype, "softmax_backward", [&]<class T>() {
    using E = Elements<opmath_t<T>, T>;
    with_shape(lines, n, 2, [&](dim3 grid, dim3 block, bool columns) {
      if (columns) {
        PG_LAUNCH_INDEPENDENT((softmax_gradient<T>), grid, block, 0, current_stream(), E(grad_in),
                              E(grad), E(out), lines, n, log, columns);
      } else {
        PG_LAUNCH((softmax_gradient<T>), grid, block, 0, current_stream(), E(grad_in), E(grad),
                  E(out), lines, n, log, columns);
      }
    });
  });
}

}  // namespace pygrad::cuda
