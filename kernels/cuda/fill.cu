// fill, arange, linspace, tri: one thread per element. A fill writes a pattern of the element's
// size, and zeros into packed memory by cudaMemsetAsync.
#include "kernels/cuda/pointwise.cuh"

namespace pygrad::cuda {
namespace {

template <class Word>
__global__ void __launch_bounds__(kThreads) fill_kernel(Nest<1> nest, Word value) {
  const uint32_t thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
  uint32_t begin = thread;
  if (nest.vectors) {
    Word x[kGroup];
#pragma unroll
    for (int j = 0; j < kGroup; ++j) x[j] = value;
    const uint32_t groups = nest.numel / kGroup;
    for (uint32_t g = thread; g < groups; g += threads) {
      store_group<Word>(nest.dtypes[0], nest.data[0], g, x);
    }
    begin += groups * kGroup;
  }
  for (uint32_t i = begin; i < nest.numel; i += threads) {
    int32_t offset[1];
    nest.offsets(i, offset);
    store_element<Word>(nest.dtypes[0], nest.data[0] + offset[0], value);
  }
}

// out[first + i] of a 1-D output. Integers wrap.
struct IntegerSteps {
  uint64_t start, step;
  __device__ __forceinline__ int64_t operator()(int64_t i) const {
    return int64_t(start + step * uint64_t(i));
  }
};
struct RealSteps {
  double start, step;
  __device__ __forceinline__ double operator()(int64_t i) const { return start + step * double(i); }
};
// From the nearer end, so that both ends are exact and the values symmetric.
struct Linspace {
  double start, end, step;
  int64_t n;
  __device__ __forceinline__ double operator()(int64_t i) const {
    return i < n / 2 || n == 1 ? start + step * double(i) : end - step * double(n - 1 - i);
  }
};

template <class F>
__global__ void __launch_bounds__(kThreads) arange_kernel(Nest<1> nest, int64_t first, F f) {
  const uint32_t threads = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < nest.numel; i += threads) {
    int32_t offset[1];
    nest.offsets(i, offset);
    store_any(nest.dtypes[0], nest.data[0] + offset[0], f(first + int64_t(i)));
  }
}

template <class F>
void generate(const View& out, F f) {
  const View* views[] = {&out};
  for_each_part(views, Order::row_major, [&](const Nest<1>& nest, int64_t first) {
    PG_LAUNCH_INDEPENDENT(arange_kernel<F>, grid_for(nest.numel, kThreads), kThreads, 0,
                          current_stream(), nest, first, f);
  });
}

template <class Word>
__global__ void __launch_bounds__(kThreads) tri_kernel(Nest<2> nest, int64_t first, int64_t rows,
                                                       int64_t cols, int64_t diagonal, bool upper) {
  const uint32_t threads = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < nest.numel; i += threads) {
    const int64_t position = first + int64_t(i), line = position / cols;
    const int64_t right = position - line * cols - line % rows;  // column - row
    const bool keep = upper ? right >= diagonal : right <= diagonal;
    int32_t offset[2];
    nest.offsets(i, offset);
    store_element<Word>(
        nest.dtypes[0], nest.data[0] + offset[0],
        keep ? load_element<Word>(nest.dtypes[1], nest.data[1] + offset[1]) : Word(0));
  }
}

}  // namespace

void fill(const View& out, Scalar value) {
  char pattern[16] = {};
  dispatch<AllTypes>(out.dtype, "fill", [&]<class T>() {
    // A C cast from the number's own kind.
    const T v = value.is_complex()    ? convert<T>(value.to<Complex128>())
                : value.is_integral() ? convert<T>(value.to_int())
                                      : convert<T>(value.to_double());
    memcpy(pattern, &v, sizeof v);
  });
  bool zero = true;
  for (const char byte : pattern) zero = zero && byte == 0;
  if (zero && out.is_contiguous()) {
    const size_t bytes = size_t(out.numel()) * item_size(out.dtype);
    if (bytes != 0) check(cudaMemsetAsync(out.data, 0, bytes, current_stream()), "cudaMemsetAsync");
    return;
  }
  dispatch_words(out.dtype, [&]<class Word>() {
    Word word;
    memcpy(&word, pattern, sizeof word);
    const View* views[] = {&out};
    for_each_part(views, Order::free, [&](const Nest<1>& nest, int64_t) {
      const unsigned grid = grid_for(nest.numel, kThreads * (nest.vectors ? kGroup : 1));
      PG_LAUNCH_INDEPENDENT(fill_kernel<Word>, grid, kThreads, 0, current_stream(), nest, word);
    });
  });
}

void arange(const View& out, Scalar start, Scalar step) {
  if (is_integral(out.dtype, false)) {
    generate(out, IntegerSteps{uint64_t(start.to_int()), uint64_t(step.to_int())});
  } else {
    generate(out, RealSteps{start.to_double(), step.to_double()});
  }
}

void linspace(const View& out, double start, double end) {
  const int64_t n = out.numel();
  generate(out, Linspace{start, end, n > 1 ? (end - start) / double(n - 1) : 0, n});
}

void tri(const View& out, const View& in, int64_t diagonal, bool upper) {
  if (out.numel() == 0) return;
  const int64_t rows = out.sizes[out.ndim - 2], cols = out.sizes[out.ndim - 1];
  dispatch_words(out.dtype, [&]<class Word>() {
    const View* views[] = {&out, &in};
    for_each_part(views, Order::row_major, [&](const Nest<2>& nest, int64_t first) {
      PG_LAUNCH_INDEPENDENT(tri_kernel<Word>, grid_for(nest.numel, kThreads), kThreads, 0,
                            current_stream(), nest, first, rows, cols, diagonal, upper);
    });
  });
}

}  // namespace pygrad::cuda
