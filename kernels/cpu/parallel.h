// parallel_for over the library's own thread pool (kernels/cpu/common/parallel.cpp).
//
// The range [0, n) is cut into chunks of `grain` elements: by n and grain alone, never by the
// number of threads, so a kernel that keeps one partial result per chunk and combines them in order
// gives the same bits for any thread count. Up to one chunk runs inline without touching the pool.
// Nested calls run serially in the calling worker.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/platform.h"

namespace pygrad::cpu {

// Runs body(context, chunk) for every chunk in [0, chunks), in any order, on the pool and the
// calling thread. Bodies must not throw.
void parallel_chunks(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context);

// f(begin, end) for consecutive pieces of [0, n).
template <class F>
PG_HOST_INLINE void parallel_for(int64_t n, int64_t grain, F&& f) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (n <= grain) {
    f(int64_t(0), n);
    return;
  }
  struct Context {
    std::remove_reference_t<F>* f;
    int64_t n, grain;
  } context{&f, n, grain};
  parallel_chunks((n + grain - 1) / grain,
                  [](void* p, int64_t chunk) {
                    auto* c = static_cast<Context*>(p);
                    const int64_t begin = chunk * c->grain;
                    const int64_t end = begin + c->grain < c->n ? begin + c->grain : c->n;
                    (*c->f)(begin, end);
                  },
                  &context);
}

// A grain of at most about `grain` that cuts [0, n) into pieces of one length, a multiple of
// `unit`, and few pieces into an even number: a last piece of a few elements leaves a thread idle
// for as long as the others take.
PG_HOST_INLINE int64_t even_grain(int64_t n, int64_t grain, int64_t unit) {
  if (n <= grain) return grain;
  int64_t pieces = (n + grain - 1) / grain;
  if (pieces < 16) pieces += pieces % 2;
  const int64_t piece = (n + pieces - 1) / pieces;
  return (piece + unit - 1) / unit * unit;
}

// Elements of simple work (one load, one store) below which a second thread does not pay.
constexpr int64_t kGrain = 32768;

// Scratch memory for a kernel, cached per thread; freed by ScratchBuffer's destructor
// (kernels/cpu/common/scratch.cpp).
void* scratch_allocate(int64_t bytes);  // 64-byte aligned
void scratch_free(void* p, int64_t bytes);
template <class T>
struct ScratchBuffer {
  T* data;
  int64_t bytes;
  PG_HOST_INLINE explicit ScratchBuffer(int64_t n)
      : data(static_cast<T*>(scratch_allocate(n * int64_t(sizeof(T))))),
        bytes(n * int64_t(sizeof(T))) {}
  PG_HOST_INLINE ~ScratchBuffer() { scratch_free(data, bytes); }
  ScratchBuffer(const ScratchBuffer&) = delete;
  PG_HOST_INLINE T& operator[](int64_t i) { return data[i]; }
};

}  // namespace pygrad::cpu
