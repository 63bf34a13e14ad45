// Running sums, products, extremes (with their positions) and log-sum-exps along one dimension.
//
// A block walks a line in tiles: each thread folds a few neighbouring elements, the totals are
// scanned over the block, and the thread runs over its elements again from where it starts. Where
// there are many lines, or short ones, a thread walks a whole line. Sums and products of single
// floats run in double, of 16-bit floats in float, and every result is rounded once.

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {
namespace {

constexpr int kPerThread = 8;

// A Scan has a State (whole 4-byte words), identity(), join(a, b) with a before b, load(at, i) and
// store(at, i, state), where `at` are a line's offsets and i the element.

struct RunningSum {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return A(0);
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return add_values(a, b);
  }
};
struct RunningProduct {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return A(1);
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return multiply_values(a, b);
  }
};
// log(exp(a) + exp(b)) from the larger of the two; equal infinities stay as they are.
struct RunningLogSumExp {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return -std::numeric_limits<A>::infinity();
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    if (a != a || b != b) return a + b;
    const A low = a < b ? a : b, high = a < b ? b : a;
    if (low == high && std::isinf(low)) return low;
    return high + std::log1p(std::exp(low - high));
  }
};

template <class Op, class A>
struct Arithmetic {
  using State = A;
  Elements<A> out, in;
  __device__ __forceinline__ State identity() const { return Op::template identity<A>(); }
  __device__ __forceinline__ State join(State a, State b) const { return Op::apply(a, b); }
  __device__ __forceinline__ State load(const Lines<3>& lines, const int64_t (&at)[3],
                                        int64_t i) const {
    return in[at[2] + i * lines.step[2]];
  }
  __device__ __forceinline__ void store(const Lines<3>& lines, const int64_t (&at)[3], int64_t i,
                                        State s) const {
    out.set(at[0] + i * lines.step[0], s);
  }
};

// The last of equals wins, and the last NaN once there is one.
template <bool kMax, class A>
struct Extreme {
  struct State {
    A value;
    int64_t index;  // -1: nothing yet
  };
  Elements<A> out, in;
  int64_t* indices;
  __device__ __forceinline__ State identity() const { return {A(0), -1}; }
  __device__ __forceinline__ State join(State a, State b) const {
    if (b.index < 0) return a;
    if (a.index < 0) return b;
    const bool second = (kMax ? b.value >= a.value : b.value <= a.value) || b.value != b.value;
    return second ? b : a;
  }
  __device__ __forceinline__ State load(const Lines<3>& lines, const int64_t (&at)[3],
                                        int64_t i) const {
    return {in[at[2] + i * lines.step[2]], i};
  }
  __device__ __forceinline__ void store(const Lines<3>& lines, const int64_t (&at)[3], int64_t i,
                                        State s) const {
    out.set(at[0] + i * lines.step[0], s.value);
    if (indices) indices[at[1] + i * lines.step[1]] = s.index;
  }
};

template <class Scan>
__global__ void __launch_bounds__(256, 4)
    scan_whole_lines(const Scan scan, PG_PARAMETER Lines<3> lines, int64_t n) {
  const int64_t line = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (line >= lines.count) return;
  int64_t at[3];
  lines.at(line, at);
  auto running = scan.identity();
  for (int64_t i = 0; i < n; ++i) {
    running = scan.join(running, scan.load(lines, at, i));
    scan.store(lines, at, i, running);
  }
}

template <class Scan>
__global__ void __launch_bounds__(256, 4)
    scan_tiles(const Scan scan, PG_PARAMETER Lines<3> lines, int64_t n) {
  using State = typename Scan::State;
  __shared__ State totals[kMostWarps];
  int64_t at[3];
  lines.at(blockIdx.x, at);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  State carry = scan.identity();
  for (int64_t tile = 0; tile < n; tile += int64_t(blockDim.x) * kPerThread) {
    const int64_t begin = least(n, tile + int64_t(threadIdx.x) * kPerThread);
    const int64_t end = least(n, begin + kPerThread);
    State own = scan.identity();
    for (int64_t i = begin; i < end; ++i) own = scan.join(own, scan.load(lines, at, i));
    // Inclusive over the warp.
    State upto = own;
#pragma unroll 1
    for (unsigned delta = 1; delta < 32; delta *= 2) {
      const State below = lane_below(upto, delta);
      if (lane >= delta) upto = scan.join(below, upto);
    }
    if (lane == 31) totals[warp] = upto;
    State before = lane_below(upto, 1);
    if (lane == 0) before = scan.identity();
    __syncthreads();
    State all = carry;
    for (unsigned w = 0; w < blockDim.x / 32; ++w) {
      if (w == warp) before = scan.join(all, before);
      all = scan.join(all, totals[w]);
    }
    carry = all;
    for (int64_t i = begin; i < end; ++i) {
      before = scan.join(before, scan.load(lines, at, i));
      scan.store(lines, at, i, before);
    }
    __syncthreads();  // `totals` is free again
  }
}

template <class Scan>
void run(const Scan& scan, const View& out, const View& indices, const View& in, int64_t dim) {
  const int64_t n = line_size(in, dim);
  const Lines<3> lines({&out, &indices, &in}, dim);
  if (lines.count == 0 || n == 0) return;
  if (n <= 64 || lines.count >= 16384 || (lines.count >= 2048 && lines.prefer_columns(2))) {
    PG_LAUNCH_INDEPENDENT((scan_whole_lines<Scan>), dim3(unsigned(ceil_div(lines.count, 64))),
                          dim3(64), 0, current_stream(), scan, lines, n);
    return;
  }
  const unsigned threads = n > 8192 ? 256 : n > 512 ? 128 : 32;
  PG_LAUNCH((scan_tiles<Scan>), dim3(unsigned(lines.count)), dim3(threads), 0, current_stream(),
            scan, lines, n);
}

template <class Op>
void run_arithmetic(const View& out, const View& in, int64_t dim) {
  if constexpr (!std::is_same_v<Op, RunningLogSumExp>) {
    if (is_complex(in.dtype)) {
      return run(Arithmetic<Op, Complex128>{Elements<Complex128>(out), Elements<Complex128>(in)},
                 out, out, in, dim);
    }
    if (is_integral(in.dtype)) {
      return run(Arithmetic<Op, int64_t>{Elements<int64_t>(out), Elements<int64_t>(in)}, out, out,
                 in, dim);
    }
  }
  if (in.dtype == DType::Float32 || in.dtype == DType::Float64) {
    run(Arithmetic<Op, double>{Elements<double>(out), Elements<double>(in)}, out, out, in, dim);
  } else {
    run(Arithmetic<Op, float>{Elements<float>(out), Elements<float>(in)}, out, out, in, dim);
  }
}

template <bool kMax, class A>
void run_extreme(const View& out, const View* indices, const View& in, int64_t dim) {
  run(Extreme<kMax, A>{Elements<A>(out), Elements<A>(in),
                       indices ? indices->ptr<int64_t>() : nullptr},
      out, indices ? *indices : out, in, dim);
}
template <bool kMax>
void run_extreme(const View& out, const View* indices, const View& in, int64_t dim) {
  if (is_complex(in.dtype)) unsupported(kMax ? "cummax" : "cummin", in.dtype);
  if (in.dtype == DType::Float64)
    run_extreme<kMax, double>(out, indices, in, dim);
  else if (is_floating(in.dtype))
    run_extreme<kMax, float>(out, indices, in, dim);
  else
    run_extreme<kMax, int64_t>(out, indices, in, dim);
}

}  // namespace

void scan(ScanOp op, const View& out, const View* indices, const View& in, int64_t dim) {
  switch (op) {
    case ScanOp::cumsum:
      return run_arithmetic<RunningSum>(out, in, dim);
    case ScanOp::cumprod:
      return run_arithmetic<RunningProduct>(out, in, dim);
    case ScanOp::cummax:
      return run_extreme<true>(out, indices, in, dim);
    case ScanOp::cummin:
      return run_extreme<false>(out, indices, in, dim);
    case ScanOp::logcumsumexp:
      if (!is_floating(in.dtype)) unsupported("logcumsumexp", in.dtype);
      return run_arithmetic<RunningLogSumExp>(out, in, dim);
  }
}

}  // namespace pygrad::cuda
