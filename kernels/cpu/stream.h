// Stores that pass by the caches, for results too large to be found there by the next operator: no
// line is fetched only to be overwritten, and what the caches hold stays.
//
// Such stores are not ordered with others: call stream_fence() at the end of a task that made some.
#pragma once

#include "kernels/cpu/cache.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

PG_HOST_INLINE bool is_streamed(int64_t bytes) { return bytes >= stream_threshold(); }

// p must be aligned to kVecBytes.
template <class T>
PG_HOST_INLINE void stream(T* p, Vec<T> v) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#elif defined(__AVX2__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#elif defined(__SSE2__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#else
  store(p, v);
#endif
}

PG_HOST_INLINE void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// Bytes from p to the next 64-byte line, at most n.
PG_HOST_INLINE int64_t bytes_to_line(const void* p, int64_t n) {
  const int64_t head = -int64_t(reinterpret_cast<uintptr_t>(p)) & 63;
  return head < n ? head : n;
}

// memcpy whose whole lines are streamed.
PG_HOST_INLINE void stream_copy(void* to_, const void* from_, int64_t n) {
  char* to = static_cast<char*>(to_);
  const char* from = static_cast<const char*>(from_);
  int64_t i = bytes_to_line(to, n);
  memcpy(to, from, size_t(i));
  for (; i + 64 <= n; i += 64) {
    for (int64_t j = 0; j < 64; j += kVecBytes) {
      stream(reinterpret_cast<int32_t*>(to + i + j),
             load(reinterpret_cast<const int32_t*>(from + i + j)));
    }
  }
  memcpy(to + i, from + i, size_t(n - i));
}

// y[i] = term(i, k) for lanes i .. i + k - 1 of n; whole lines are streamed when asked for.
template <class T, class F>
PG_HOST_INLINE void store_lanes(T* y, int64_t n, bool streamed, F&& term) {
  constexpr int L = kLanes<T>, kLine = 64 / int(sizeof(T));
  const auto put = [&](int64_t i, int64_t k) __attribute__((always_inline)) {
    k == L ? store(y + i, term(i, k)) : store_n(y + i, term(i, k), k);
  };
  int64_t i = 0;
  if (streamed) {
    const int64_t head = bytes_to_line(y, n * int64_t(sizeof(T))) / int64_t(sizeof(T));
    for (; i < head; i += L) put(i, head - i < L ? head - i : L);
    for (i = head; i + kLine <= n; i += kLine) {
#pragma GCC unroll 4
      for (int64_t j = i; j < i + kLine; j += L) stream(y + j, term(j, int64_t(L)));
    }
  }
  for (; i + L <= n; i += L) put(i, int64_t(L));
  if (i < n) put(i, n - i);
}

}  // namespace pygrad::cpu::PG_ISA_NS
