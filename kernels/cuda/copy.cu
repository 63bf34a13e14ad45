// copy: any dtype and strides into any dtype and strides; cat: a copy for each part.
//
// Equal dtypes are moved by their size: packed ones by the copy engine, transposes through square
// tiles in shared memory, so that both sides are read and written in whole lines. Others pass
// through the type that holds every value of the input (int64, float, double or complex double).
#include "kernels/cuda/pointwise.cuh"

namespace pygrad::cuda {
namespace {

template <class Word>
struct Move {
  static constexpr bool kHeavy = sizeof(Word) > 8;
  __device__ __forceinline__ Word operator()(const Word (&x)[1]) const { return x[0]; }
};

constexpr int kTile = 32, kTileRows = 8;

// Dimension 0 is contiguous in the output, dimension 1 in the input; the others number the planes.
// A block takes a tile after the other. The tile's rows are one element longer than they need to
// be, so that a column of it lies in 32 different banks.
template <class Word>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(Nest<2> nest, uint32_t row_tiles, uint32_t col_tiles, uint32_t tiles) {
  __shared__ Word tile[kTile][kTile + 1];
  const uint32_t cols = nest.sizes[0].divisor, rows = nest.sizes[1].divisor;
  for (uint32_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const char* in = nest.data[1];
    char* out = nest.data[0];
    uint32_t plane = t / (row_tiles * col_tiles);
    for (int d = 2; d < nest.ndim; ++d) {
      const uint32_t q = nest.sizes[d].divide(plane);
      const int64_t at = plane - q * nest.sizes[d].divisor;
      out += at * nest.strides[0][d];
      in += at * nest.strides[1][d];
      plane = q;
    }
    const uint32_t place = t % (row_tiles * col_tiles);
    const uint32_t r0 = place / col_tiles * kTile, c0 = place % col_tiles * kTile;
    for (uint32_t y = threadIdx.y; y < kTile; y += kTileRows) {
      const uint32_t r = r0 + threadIdx.x, c = c0 + y;
      if (r < rows && c < cols) {
        tile[y][threadIdx.x] =
            reinterpret_cast<const Word*>(in + int64_t(c) * nest.strides[1][0])[r];
      }
    }
    __syncthreads();
    for (uint32_t y = threadIdx.y; y < kTile; y += kTileRows) {
      const uint32_t r = r0 + y, c = c0 + threadIdx.x;
      if (r < rows && c < cols) {
        reinterpret_cast<Word*>(out + int64_t(r) * nest.strides[0][1])[c] = tile[threadIdx.x][y];
      }
    }
    __syncthreads();
  }
}

template <class Word>
void move_words(const View& out, const View& in) {
  const View* views[] = {&out, &in};
  for_each_part(views, Order::free, [&](const Nest<2>& nest, int64_t) {
    constexpr int item = int(sizeof(Word));
    if (nest.ndim >= 2 && nest.strides[0][0] == item && nest.strides[1][1] == item &&
        nest.strides[1][0] > item && nest.sizes[0].divisor >= kTile &&
        nest.sizes[1].divisor >= kTile) {
      const uint32_t cols = nest.sizes[0].divisor, rows = nest.sizes[1].divisor;
      const uint32_t row_tiles = divide_up<uint32_t>(rows, kTile);
      const uint32_t col_tiles = divide_up<uint32_t>(cols, kTile);
      const uint32_t tiles = nest.numel / (rows * cols) * row_tiles * col_tiles;
      PG_LAUNCH(transpose_kernel<Word>, grid_for(tiles, 1), dim3(kTile, kTileRows), 0,
                current_stream(), nest, row_tiles, col_tiles, tiles);
      return;
    }
    const int64_t per_thread = nest.vectors && !Move<Word>::kHeavy ? kGroup : 1;
    const unsigned grid = grid_for(nest.numel, kThreads * per_thread);
    PG_LAUNCH_INDEPENDENT((pointwise_kernel<1, Word, Word, Move<Word>>), grid, kThreads, 0,
                          current_stream(), nest, Move<Word>{});
  });
}

// From compute type T to any dtype.
template <class T>
__global__ void __launch_bounds__(kThreads) cast_kernel(Nest<2> nest) {
  const uint32_t thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
  uint32_t begin = thread;
  if (nest.vectors && !nest.fixed[1]) {
    const uint32_t groups = nest.numel / kGroup;
    for (uint32_t g = thread; g < groups; g += threads) {
      T x[kGroup];
      load_group<T>(nest.dtypes[1], nest.data[1], g, x);
      store_any_group(nest.dtypes[0], nest.data[0], g, x);
    }
    begin += groups * kGroup;
  }
  for (uint32_t i = begin; i < nest.numel; i += threads) {
    int32_t offset[2];
    nest.offsets(i, offset);
    store_any(nest.dtypes[0], nest.data[0] + offset[0],
              load_element<T>(nest.dtypes[1], nest.data[1] + offset[1]));
  }
}

template <class T>
void cast(const View& out, const View& in) {
  const View* views[] = {&out, &in};
  for_each_part(views, Order::free, [&](const Nest<2>& nest, int64_t) {
    const unsigned grid = grid_for(nest.numel, kThreads * (nest.vectors ? kGroup : 1));
    PG_LAUNCH_INDEPENDENT(cast_kernel<T>, grid, kThreads, 0, current_stream(), nest);
  });
}

}  // namespace

void copy(const View& out, const View& in) {
  if (out.dtype == in.dtype) {
    if (out.is_contiguous() && in.is_contiguous()) {
      const size_t bytes = size_t(out.numel()) * item_size(out.dtype);
      if (bytes != 0 && out.data != in.data) {
        check(cudaMemcpyAsync(out.data, in.data, bytes, cudaMemcpyDeviceToDevice, current_stream()),
              "cudaMemcpyAsync");
      }
      return;
    }
    dispatch_words(out.dtype, [&]<class Word>() { move_words<Word>(out, in); });
    return;
  }
  switch (compute_dtype(in.dtype)) {
    case DType::Int64:
      return cast<int64_t>(out, in);
    case DType::Float32:
      return cast<float>(out, in);
    case DType::Float64:
      return cast<double>(out, in);
    default:
      return cast<Complex128>(out, in);
  }
}

void cat(const View& out, ViewList parts, int64_t dim) {
  View target = out;
  const int64_t step = out.strides[dim] * int64_t(item_size(out.dtype));
  for (int64_t i = 0; i < parts.count; ++i) {
    for (int d = 0; d < out.ndim; ++d) target.sizes[d] = parts[i].sizes[d];
    copy(target, parts[i]);
    target.data = target.ptr<char>() + parts[i].sizes[dim] * step;
  }
}

}  // namespace pygrad::cuda
