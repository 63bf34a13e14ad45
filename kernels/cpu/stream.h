// Non-temporal stores: results too large for the caches go straight to memory.
//
// An ordinary store first reads its cache line, and then pushes a line out that somebody might have
// wanted. A kernel whose operands exceed stream_threshold() therefore computes blocks in the L1
// cache and moves each out by stream_copy. That changes no bits, only where they wait.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/platform.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pygrad::cpu {

// Bytes read and written by one call above which its output is streamed: the last-level cache, of
// which a shared machine gives us 64 MiB at most (kernels/cpu/common/cache.cpp).
int64_t stream_threshold();

// memcpy that leaves no trace of `to` in the caches; end a run of them with stream_fence().
PG_HOST_INLINE void stream_copy(char* to, const char* from, int64_t bytes) {
#if defined(__SSE2__)
  int64_t i = int64_t(-reinterpret_cast<uintptr_t>(to) & 63);
  if (i > bytes) i = bytes;
  memcpy(to, from, size_t(i));
  for (; i + 64 <= bytes; i += 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#elif defined(__AVX2__)
    for (int part = 0; part < 64; part += 32) {
      _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i + part),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i + part)));
    }
#else
    for (int part = 0; part < 64; part += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i + part),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + part)));
    }
#endif
  }
  memcpy(to + i, from + i, size_t(bytes - i));
#else
  memcpy(to, from, size_t(bytes));
#endif
}

// Makes the streamed bytes visible to other threads before anything stored after.
PG_HOST_INLINE void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace pygrad::cpu
