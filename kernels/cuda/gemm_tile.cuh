// The tile loop of matrix products, shared by gemm.cu and conv.cu: C[i, j] = sum_k A(i, k) B(j, k).
//
// A block makes a tile of C. Slices of A and B go through registers into shared memory, stored k by
// k, so that the loads of the next slice overlap with the arithmetic of this one; each thread holds
// kRows x kCols sums. Only the operands and the target know where elements lie:
//
//   operand:  Acc at(line, k) const       for 0 <= line < lines, 0 <= k < depth
//             bool k_fast                 whether neighbouring threads take neighbouring k
//   gather:   Line line(i) const, Acc at(const Line&, k) const, kGather = true: for operands whose
//             lines are expensive to find; a thread then keeps to one line
//   target:   Column column(j) const, void put(i, const Column&, Acc) const
//
// An operand and a target belong to one entry of the batch: `at_batch(z)` makes them.
//
// A product with few tiles and a large depth is cut along the depth: partial sums go to scratch
// memory and are added in order by a second kernel. All cuts follow from the shape alone.
#pragma once

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {

template <int kM_, int kN_, int kK_, int kRows_, int kCols_>
struct Tile {
  static constexpr int kM = kM_, kN = kN_, kK = kK_, kRows = kRows_, kCols = kCols_;
  static constexpr int kThreads = kM / kRows * (kN / kCols);
};
using LargeTile = Tile<128, 128, 8, 8, 8>;  // 256 threads
using MediumTile = Tile<64, 64, 8, 8, 4>;   // 128 threads: double
using SmallTile = Tile<32, 32, 8, 4, 4>;    // 64 threads
using WideTile = Tile<32, 32, 8, 2, 4>;     // 128 threads: elements of 16 bytes

// One operand's slices: kLines lines of kK elements, on their way through registers.
template <class Acc, class Operand, int kLines, int kK, int kThreads>
struct SliceLoader {
  static constexpr int kEach = kLines * kK / kThreads;
  static_assert(kLines * kK % kThreads == 0);
  static constexpr bool kGather = Operand::kGather;
  static_assert(!kGather || kThreads % kLines == 0);  // one line per thread

  Acc held[kEach];

  __device__ __forceinline__ static void place(bool k_fast, int r, int& line, int& k) {
    const int i = int(threadIdx.x) + r * kThreads;
    line = k_fast ? i / kK : i % kLines;
    k = k_fast ? i % kK : i / kLines;
  }
  // `line`: the operand's line of this thread, for gathers.
  template <class Line>
  __device__ __forceinline__ void load(const Operand& operand, const Line& own, bool own_valid,
                                       int64_t first, int64_t lines, int64_t k0, int64_t depth) {
#pragma unroll
    for (int r = 0; r < kEach; ++r) {
      int line, k;
      if constexpr (kGather) {
        place(false, r, line, k);
        held[r] = own_valid && k0 + k < depth ? operand.at(own, k0 + k) : Acc(0);
      } else {
        place(operand.k_fast, r, line, k);
        const bool inside = first + line < lines && k0 + k < depth;
        held[r] = inside ? operand.at(first + line, k0 + k) : Acc(0);
      }
    }
  }
  template <int kPitch>
  __device__ __forceinline__ void store(bool k_fast, Acc (*slice)[kPitch]) const {
#pragma unroll
    for (int r = 0; r < kEach; ++r) {
      int line, k;
      place(k_fast, r, line, k);
      slice[k][line] = held[r];
    }
  }
};

struct NoLine {};
template <class Operand>
__device__ __forceinline__ auto line_of(const Operand& operand, int64_t i, int64_t lines) {
  if constexpr (Operand::kGather)
    return operand.line(i < lines ? i : 0);
  else
    return NoLine{};
}
template <class Operand>
__device__ __forceinline__ bool is_k_fast(const Operand& operand) {
  if constexpr (Operand::kGather)
    return false;
  else
    return operand.k_fast;
}

template <class T, class A, class B, class Target, class Acc>
__global__ void __launch_bounds__(T::kThreads)
    tile_product(const A a_all, const B b_all, const Target target_all, int64_t m, int64_t n,
                 int64_t depth, int64_t slice, int64_t slices, int64_t first_batch,
                 int64_t first_row, Acc* partial) {
  constexpr int kPadA = T::kM + 4, kPadB = T::kN + 4;
  __shared__ __align__(16) Acc as[T::kK][kPadA];
  __shared__ __align__(16) Acc bs[T::kK][kPadB];
  const int64_t z = first_batch + blockIdx.z / slices, part = blockIdx.z % slices;
  const auto a = a_all.at_batch(z);
  const auto b = b_all.at_batch(z);
  const auto target = target_all.at_batch(z);
  const int64_t i0 = first_row + int64_t(blockIdx.y) * T::kM, j0 = int64_t(blockIdx.x) * T::kN;
  const int64_t begin = part * slice, end = least(begin + slice, depth);
  SliceLoader<Acc, A, T::kM, T::kK, T::kThreads> a_loader;
  SliceLoader<Acc, B, T::kN, T::kK, T::kThreads> b_loader;
  const int64_t a_own = i0 + threadIdx.x % T::kM, b_own = j0 + threadIdx.x % T::kN;
  const auto a_line = line_of(a, a_own, m);
  const auto b_line = line_of(b, b_own, n);
  // A thread makes neighbouring rows, and columns kColThreads apart: neighbouring threads then have
  // neighbouring columns, so that stores coalesce and shared reads do not conflict.
  constexpr int kColThreads = T::kN / T::kCols;
  const int row0 = int(threadIdx.x) / kColThreads * T::kRows, col0 = int(threadIdx.x) % kColThreads;
  Acc sums[T::kRows][T::kCols];
#pragma unroll
  for (int i = 0; i < T::kRows; ++i) {
#pragma unroll
    for (int j = 0; j < T::kCols; ++j) sums[i][j] = Acc(0);
  }
  if (begin < end) {
    a_loader.load(a, a_line, a_own < m, i0, m, begin, end);
    b_loader.load(b, b_line, b_own < n, j0, n, begin, end);
  }
  for (int64_t k0 = begin; k0 < end; k0 += T::kK) {
    a_loader.store(is_k_fast(a), as);
    b_loader.store(is_k_fast(b), bs);
    __syncthreads();
    if (k0 + T::kK < end) {
      a_loader.load(a, a_line, a_own < m, i0, m, k0 + T::kK, end);
      b_loader.load(b, b_line, b_own < n, j0, n, k0 + T::kK, end);
    }
#pragma unroll
    for (int k = 0; k < T::kK; ++k) {
      Acc x[T::kRows], y[T::kCols];
#pragma unroll
      for (int i = 0; i < T::kRows; ++i) x[i] = as[k][row0 + i];
#pragma unroll
      for (int j = 0; j < T::kCols; ++j) y[j] = bs[k][col0 + j * kColThreads];
#pragma unroll
      for (int i = 0; i < T::kRows; ++i) {
#pragma unroll
        for (int j = 0; j < T::kCols; ++j) sums[i][j] = sums[i][j] + x[i] * y[j];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int j = 0; j < T::kCols; ++j) {
    const int64_t column = j0 + col0 + j * kColThreads;
    if (column >= n) continue;
    if (partial) {
#pragma unroll
      for (int i = 0; i < T::kRows; ++i) {
        if (i0 + row0 + i < m) {
          partial[((z * slices + part) * m + i0 + row0 + i) * n + column] = sums[i][j];
        }
      }
      continue;
    }
    const auto to = target.column(column);
#pragma unroll
    for (int i = 0; i < T::kRows; ++i) {
      if (i0 + row0 + i < m) target.put(i0 + row0 + i, to, sums[i][j]);
    }
  }
}

template <class Target, class Acc>
__global__ void __launch_bounds__(256, 5)
    join_slices(const Target target_all, const Acc* partial, int64_t m, int64_t n, int64_t slices,
                int64_t total) {
  for (int64_t e = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; e < total;
       e += int64_t(gridDim.x) * blockDim.x) {
    const int64_t z = e / (m * n), place = e % (m * n);
    Acc sum = Acc(0);
    for (int64_t s = 0; s < slices; ++s) sum = sum + partial[(z * slices + s) * m * n + place];
    const auto target = target_all.at_batch(z);
    target.put(place / n, target.column(place % n), sum);
  }
}

constexpr int64_t kMostGridYZ = 65535;

template <class T, class Acc, class A, class B, class Target>
void launch_tiles(const A& a, const B& b, const Target& target, int64_t batch, int64_t m, int64_t n,
                  int64_t depth) {
  const int64_t rows = ceil_div(m, T::kM), cols = ceil_div(n, T::kN);
  const int64_t tiles = rows * cols * batch;
  int64_t slices = tiles >= 128 ? 1 : least(least(ceil_div(depth, 512), 256 / tiles), 64);
  slices = most(1, slices);
  const int64_t slice = ceil_div(ceil_div(most(depth, 1), slices), T::kK) * T::kK;
  slices = most(1, ceil_div(depth, slice));
  ScratchArray<Acc> scratch(slices > 1 ? batch * slices * m * n : 0);
  Acc* partial = slices > 1 ? scratch.data : nullptr;
  // Batches and rows beyond the limits of a grid go into further launches.
  const int64_t z_step = kMostGridYZ / slices, y_step = kMostGridYZ;
  for (int64_t z = 0; z < batch; z += z_step) {
    for (int64_t y = 0; y < rows; y += y_step) {
      const dim3 grid(unsigned(cols), unsigned(least(rows - y, y_step)),
                      unsigned(least(batch - z, z_step) * slices));
      PG_LAUNCH((tile_product<T, A, B, Target, Acc>), grid, dim3(T::kThreads), 0, current_stream(),
                a, b, target, m, n, depth, slice, slices, z, y * T::kM, partial);
    }
  }
  if (slices == 1) return;
  const int64_t total = batch * m * n;
  PG_LAUNCH_INDEPENDENT((join_slices<Target, Acc>), dim3(grid_for(total, 256)), dim3(256), 0,
                        current_stream(), target, static_cast<const Acc*>(partial), m, n, slices,
                        total);
}

}  // namespace pygrad::cuda
