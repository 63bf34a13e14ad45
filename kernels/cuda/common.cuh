// What every CUDA kernel file starts from: launches, conversions of the 16-bit floats, shuffles of
// any type, reductions over a warp and a block, atomic updates.
#pragma once

#include "kernels/cuda/kernels_decl.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/dispatch.h"
#include "kernels/math/complex.h"

#ifndef PYGRAD_CUDA_EMULATE
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace pygrad::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kThreads = 256;  // the usual block

// --- elements -----------------------------------------------------------------------------------

// An element in the type a kernel computes with; the 16-bit floats by the hardware's conversions.
template <class T>
__device__ __forceinline__ opmath_t<T> upcast(T v) {
#ifndef PYGRAD_CUDA_EMULATE
  if constexpr (std::is_same_v<T, Half>) {
    return __half2float(__ushort_as_half(v.bits));
  } else
#endif
  {
    return opmath_t<T>(v);
  }
}
// The way back, rounded to nearest even.
template <class T>
__device__ __forceinline__ T downcast(opmath_t<T> v) {
#ifndef PYGRAD_CUDA_EMULATE
  if constexpr (std::is_same_v<T, Half>) {
    T r;
    r.bits = __half_as_ushort(__float2half_rn(v));
    return r;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    T r;
    r.bits = __bfloat16_as_ushort(__float2bfloat16_rn(v));
    return r;
  } else
#endif
  {
    return T(v);
  }
}

template <class T>
constexpr T divide_up(T a, T b) {
  return (a + b - 1) / b;
}

// Element offset of row-major position i of a view.
__device__ __forceinline__ int64_t strided_offset(const View& v, int64_t i) {
  int64_t offset = 0;
  for (int d = v.ndim - 1; d > 0; --d) {
    const int64_t q = i / v.sizes[d];
    offset += (i - q * v.sizes[d]) * v.strides[d];
    i = q;
  }
  return v.ndim > 0 ? offset + i * v.strides[0] : 0;
}

// --- shuffles of any trivially copyable type of up to 16 bytes --------------------------------

template <class T, class F>
__device__ __forceinline__ T shuffle_words(T v, F&& move) {
  if constexpr (sizeof(T) == 4 || sizeof(T) < 4) {
    unsigned word = 0;
    memcpy(&word, &v, sizeof(T));
    word = move(word);
    memcpy(&v, &word, sizeof(T));
  } else {
    static_assert(sizeof(T) == 8 || sizeof(T) == 16);
    unsigned long long words[sizeof(T) / 8];
    memcpy(words, &v, sizeof(T));
    for (auto& word : words) word = move(word);
    memcpy(&v, words, sizeof(T));
  }
  return v;
}
template <class T>
__device__ __forceinline__ T shuffle_xor(T v, int lanes, unsigned mask = kAllLanes) {
  return shuffle_words(v, [=](auto word) { return __shfl_xor_sync(mask, word, lanes); });
}
template <class T>
__device__ __forceinline__ T shuffle_down(T v, unsigned delta, unsigned mask = kAllLanes) {
  return shuffle_words(v, [=](auto word) { return __shfl_down_sync(mask, word, delta); });
}
template <class T>
__device__ __forceinline__ T shuffle_up(T v, unsigned delta, unsigned mask = kAllLanes) {
  return shuffle_words(v, [=](auto word) { return __shfl_up_sync(mask, word, delta); });
}
template <class T>
__device__ __forceinline__ T shuffle_from(T v, int lane, unsigned mask = kAllLanes) {
  return shuffle_words(v, [=](auto word) { return __shfl_sync(mask, word, lane); });
}

// --- reductions: op(a, b) on a full warp, a full block
// --------------------------------------------

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
// NaN on either side wins.
struct Max {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

// Every lane gets the result. All 32 lanes must call.
template <class T, class Op>
__device__ __forceinline__ T warp_reduce(T v, Op op) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) v = op(v, shuffle_xor(v, lanes));
  return v;
}

// Every thread gets the result, in an order of operations that depends on the block size alone.
// For one-dimensional blocks of a multiple of 32 threads, called by all of them; `identity` fills
// up the last step. Ends with a barrier, so it can be called again at once.
template <class T, class Op>
__device__ T block_reduce(T v, T identity, Op op) {
  __shared__ T partial[kWarp];
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  v = warp_reduce(v, op);
  if (lane == 0) partial[warp] = v;
  __syncthreads();
  v = warp_reduce(lane < blockDim.x / kWarp ? partial[lane] : identity, op);
  __syncthreads();
  return v;
}

// --- atomics
// --------------------------------------------------------------------------------------

// *p = f(*p) as one step, for elements of 1, 2, 4 or 8 bytes.
template <class T, class F>
__device__ __forceinline__ void atomic_update(T* p, F f) {
#ifdef PYGRAD_CUDA_EMULATE
  *p = f(*p);
#else
  if constexpr (sizeof(T) == 1) {
    // The aligned word round the byte.
    const uintptr_t address = reinterpret_cast<uintptr_t>(p);
    unsigned* word = reinterpret_cast<unsigned*>(address & ~uintptr_t(3));
    const unsigned shift = unsigned(address & 3) * 8;
    unsigned old = *word, seen;
    do {
      seen = old;
      unsigned char byte = static_cast<unsigned char>(seen >> shift);
      T value;
      memcpy(&value, &byte, 1);
      value = f(value);
      memcpy(&byte, &value, 1);
      old = atomicCAS(word, seen, (seen & ~(0xffu << shift)) | (unsigned(byte) << shift));
    } while (old != seen);
  } else {
    using Word =
        std::conditional_t<sizeof(T) == 2, unsigned short,
                           std::conditional_t<sizeof(T) == 4, unsigned, unsigned long long>>;
    static_assert(sizeof(T) == sizeof(Word));
    Word* word = reinterpret_cast<Word*>(p);
    Word old = *word, seen;
    do {
      seen = old;
      T value;
      memcpy(&value, &seen, sizeof(T));
      value = f(value);
      Word next;
      memcpy(&next, &value, sizeof(T));
      old = atomicCAS(word, seen, next);
    } while (old != seen);
  }
#endif
}

// *p += v as one step, for every element type; bool is or. The order of several additions is open,
// so with floats the last bits are too.
template <class T>
__device__ __forceinline__ void atomic_add(T* p, T v) {
  if constexpr (is_complex_v<T>) {
    atomicAdd(&p->re, v.re);
    atomicAdd(&p->im, v.im);
  } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double> ||
                       std::is_same_v<T, int32_t>) {
    atomicAdd(p, v);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    using Word = unsigned long long;
    atomicAdd(reinterpret_cast<Word*>(p), static_cast<Word>(v));
  } else if constexpr (std::is_same_v<T, bool>) {
    if (v) *p = true;
  } else {
    atomic_update(p, [v](T old) { return downcast<T>(opmath_t<T>(upcast(old) + upcast(v))); });
  }
}

}  // namespace pygrad::cuda
