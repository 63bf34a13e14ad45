// Launching kernels, the same on a GPU and under emulation.
//
//   PG_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...)
//   PG_LAUNCH_INDEPENDENT(...)   the same, for kernels whose threads never meet (no barrier, no
//                                shuffle): under emulation it is a plain loop, many times as fast
//   DYN_SHARED(T, name);         declares `T* name`, the block's dynamic shared memory
//
// A kernel with template arguments is put into parentheses: PG_LAUNCH((scan_kernel<T, 4>), ...).
// After every launch the runtime's error is looked at; a failure is recorded for
// CudaRuntime::last_error and thrown as std::runtime_error. With PYGRAD_CUDA_SYNC=1 the host also
// waits for every kernel, so that a fault is reported by the kernel it happened in.
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

#include "kernels/kernels.h"

namespace pygrad::cuda {

// Throws when the kernel launched last failed to start (with PYGRAD_CUDA_SYNC=1: failed at all).
void check_launch(const char* kernel);
// Throws when a call of the runtime API failed; `what` names the caller.
void check(cudaError_t error, const char* what);

// All work of a device goes to its default stream, in the order of the calls.
inline cudaStream_t current_stream() { return nullptr; }

// Number of blocks that fill the device a few times over, for grid-stride loops.
int full_grid(int threads_per_block);
// Blocks for n elements, per_block each, at most full_grid: the kernel must stride. n > 0.
inline unsigned grid_for(int64_t n, int64_t per_block, int threads_per_block = 256) {
  const int64_t blocks = (n + per_block - 1) / per_block, most = full_grid(threads_per_block);
  return unsigned(blocks < most ? blocks : most);
}

// Lets a kernel take more than 48 KiB of dynamic shared memory.
template <class K>
void allow_shared(K kernel, size_t bytes) {
  if (bytes > 48 * 1024) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)),
          "cudaFuncSetAttribute");
  }
}

// Device memory for the time of one host function. Freed in stream order, so kernels launched in
// the meantime may still use it.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* as(size_t byte_offset = 0) const {
    return reinterpret_cast<T*>(static_cast<char*>(data_) + byte_offset);
  }

 private:
  void* data_ = nullptr;
};

// One small value from the device, for the few host functions that return one.
void read_back(void* host, const void* device, size_t bytes);

}  // namespace pygrad::cuda

#ifdef PYGRAD_CUDA_EMULATE
#define PG_LAUNCH_AS(independent, kernel, grid, block, shared_bytes, stream, ...)      \
  do {                                                                                 \
    static_cast<void>(stream);                                                         \
    ::pygrad::emulate::launch<independent>(#kernel, grid, block, shared_bytes, kernel, \
                                           __VA_ARGS__);                               \
    ::pygrad::cuda::check_launch(#kernel);                                             \
  } while (false)
#define PG_LAUNCH(...) PG_LAUNCH_AS(false, __VA_ARGS__)
#define PG_LAUNCH_INDEPENDENT(...) PG_LAUNCH_AS(true, __VA_ARGS__)
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(::pygrad::emulate::dynamic_shared())
#else
#define PG_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)       \
  do {                                                                  \
    kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__); \
    ::pygrad::cuda::check_launch(#kernel);                              \
  } while (false)
#define PG_LAUNCH_INDEPENDENT(...) PG_LAUNCH(__VA_ARGS__)
// One byte array for all kernels: extern arrays of one name may not differ in type.
#define DYN_SHARED(T, name)                                  \
  extern __shared__ __align__(16) unsigned char pg_shared[]; \
  T* const name = reinterpret_cast<T*>(pg_shared)
#endif
