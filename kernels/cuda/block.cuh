// Joining values across the threads of a warp and of a block, in one fixed order.
//
// Values may be any trivially copyable type of whole 4-byte words; they travel through shuffles in
// pieces of 8 or 4 bytes. `join(a, b)` gets its operands in the order of the threads.
#pragma once

#include "kernels/cuda/common.cuh"

// A kernel parameter that is indexed at run time is read where it lies, not from a private copy.
#ifdef PYGRAD_CUDA_EMULATE
#define PG_PARAMETER const
#else
#define PG_PARAMETER const __grid_constant__
#endif

namespace pygrad::cuda {

constexpr int kMostWarps = 32;

// v of the lane `delta` above.
template <class A>
__device__ __forceinline__ A lane_above(A v, unsigned delta) {
  static_assert(sizeof(A) % 4 == 0);
  using Word = std::conditional_t<sizeof(A) % 8 == 0, unsigned long long, unsigned>;
  constexpr int kWords = int(sizeof(A) / sizeof(Word));
  Word words[kWords];
  memcpy(words, &v, sizeof(A));
#pragma unroll
  for (int i = 0; i < kWords; ++i) words[i] = __shfl_down_sync(kAllLanes, words[i], delta);
  memcpy(static_cast<void*>(&v), words, sizeof(A));
  return v;
}
// v of the lane `delta` below.
template <class A>
__device__ __forceinline__ A lane_below(A v, unsigned delta) {
  static_assert(sizeof(A) % 4 == 0);
  using Word = std::conditional_t<sizeof(A) % 8 == 0, unsigned long long, unsigned>;
  constexpr int kWords = int(sizeof(A) / sizeof(Word));
  Word words[kWords];
  memcpy(words, &v, sizeof(A));
#pragma unroll
  for (int i = 0; i < kWords; ++i) words[i] = __shfl_up_sync(kAllLanes, words[i], delta);
  memcpy(static_cast<void*>(&v), words, sizeof(A));
  return v;
}
// v of lane 0.
template <class A>
__device__ __forceinline__ A first_lane(A v) {
  static_assert(sizeof(A) % 4 == 0);
  using Word = std::conditional_t<sizeof(A) % 8 == 0, unsigned long long, unsigned>;
  constexpr int kWords = int(sizeof(A) / sizeof(Word));
  Word words[kWords];
  memcpy(words, &v, sizeof(A));
#pragma unroll
  for (int i = 0; i < kWords; ++i) words[i] = __shfl_sync(kAllLanes, words[i], 0);
  memcpy(static_cast<void*>(&v), words, sizeof(A));
  return v;
}

// The join over a warp, right in lane 0. All 32 lanes must call.
template <class A, class Join>
__device__ __forceinline__ A join_warp(A v, const Join& join) {
#pragma unroll 1
  for (unsigned delta = 16; delta > 0; delta /= 2) v = join(v, lane_above(v, delta));
  return v;
}

// The join over threadIdx.x, given to every thread of the row. blockDim.x is a multiple of 32;
// where it is more than 32 then blockDim.y is 1 and the whole block must call.
template <class A, class Join>
__device__ __forceinline__ A join_row(A v, const Join& join) {
  v = join_warp(v, join);
  if (blockDim.x == 32) return first_lane(v);
  __shared__ A totals[kMostWarps];
  __syncthreads();  // the previous call's readers are done
  if (threadIdx.x % 32 == 0) totals[threadIdx.x / 32] = v;
  __syncthreads();
  v = totals[0];
  for (unsigned w = 1; w < blockDim.x / 32; ++w) v = join(v, totals[w]);
  return v;
}

// Device memory for n elements, for the time of one host function.
template <class T>
struct ScratchArray {
  Scratch memory;
  T* data;
  explicit ScratchArray(int64_t n) : memory(size_t(n) * sizeof(T)), data(memory.as<T>()) {}
};

struct JoinSum {
  template <class A>
  __device__ A operator()(A a, A b) const {
    return a + b;
  }
};
// NaN loses.
struct JoinMax {
  template <class A>
  __device__ A operator()(A a, A b) const {
    return b > a || a != a ? b : a;
  }
};
template <class A>
__device__ __forceinline__ A sum_row(A v) {
  return join_row(v, JoinSum{});
}
template <class A>
__device__ __forceinline__ A max_row(A v) {
  return join_row(v, JoinMax{});
}

// Threads that share a row of n elements, and rows in a block: a warp for short rows, several of
// them in a block, else up to 256 threads for one row. The choice follows from n alone.
struct RowShape {
  unsigned threads, rows;
  PG_HOST_INLINE explicit RowShape(int64_t n)
      : threads(n >= 4096  ? 256
                : n >= 512 ? 128
                           : 32),
        rows(threads == 32 ? 4 : 1) {}
};

}  // namespace pygrad::cuda
