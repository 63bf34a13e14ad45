// Compiler attributes shared by host code, nvcc and the emulated CUDA build.
#pragma once

// Forced inlining is a rule here, not a wish: an inline function that a per-ISA object file emitted
// out of line would be a weak symbol, and the linker might keep the AVX-512 copy of it for every
// caller.
#define PG_HOST_INLINE inline __attribute__((always_inline))
#if defined(__CUDACC__)
#define PG_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define PG_HOST_DEVICE PG_HOST_INLINE
#endif
