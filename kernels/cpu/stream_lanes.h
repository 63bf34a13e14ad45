// Vectors stored past the caches (stream.h), for kernels that make their results a row at a time.
#pragma once

#include "kernels/cpu/stream.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

// Whether a result of so many bytes is streamed. It is read by the next operator, if at all, after
// the rest of it and this operator's inputs came by: of the last-level cache a quarter counts.
PG_HOST_INLINE bool is_streamed(int64_t bytes) {
  constexpr int64_t kMost = int64_t(8) << 20;
  const int64_t share = stream_threshold() / 4;
  return bytes >= (share < kMost ? share : kMost);
}

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

// y[i] = term(i, k) for lanes i .. i + k - 1 of n; whole lines are streamed when asked for.
template <class T, class F>
PG_HOST_INLINE void store_lanes(T* y, int64_t n, bool streamed, F&& term) {
  constexpr int L = kLanes<T>, kLine = 64 / int(sizeof(T));
  const auto put = [&](int64_t i, int64_t k) __attribute__((always_inline)) {
    k == L ? store(y + i, term(i, k)) : store_n(y + i, term(i, k), k);
  };
  int64_t i = 0;
  if (streamed) {
    int64_t head = (-int64_t(reinterpret_cast<uintptr_t>(y)) & 63) / int64_t(sizeof(T));
    if (head > n) head = n;
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
