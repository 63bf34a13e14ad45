// The functions that CUDA gives to device code, as plain C++.
//
// Only one thread of a kernel runs at a time, so atomics are ordinary reads and writes. Where
// CUDA's fast functions (__expf) are less exact than the library's, these are the library's.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

// --- numbers ------------------------------------------------------------------------------------

template <class T>
inline T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
inline T max(T a, T b) {
  return a < b ? b : a;
}
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }

template <class To, class From>
inline To pg_bits_as(From v) {
  static_assert(sizeof(To) == sizeof(From));
  To r;
  std::memcpy(&r, &v, sizeof r);
  return r;
}
inline unsigned __float_as_uint(float v) { return pg_bits_as<unsigned>(v); }
inline int __float_as_int(float v) { return pg_bits_as<int>(v); }
inline float __uint_as_float(unsigned v) { return pg_bits_as<float>(v); }
inline float __int_as_float(int v) { return pg_bits_as<float>(v); }
inline long long __double_as_longlong(double v) { return pg_bits_as<long long>(v); }
inline double __longlong_as_double(long long v) { return pg_bits_as<double>(v); }

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(unsigned(v)); }
inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll((unsigned long long)(v)); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return (unsigned long long)((Wide(a) * b) >> 64);
}
inline unsigned __brev(unsigned v) {
  unsigned r = 0;
  for (int i = 0; i < 32; ++i) r |= ((v >> i) & 1u) << (31 - i);
  return r;
}

// --- memory -------------------------------------------------------------------------------------

template <class T>
inline T __ldg(const T* p) {
  return *p;
}
template <class T>
inline T __ldcs(const T* p) {
  return *p;
}
template <class T>
inline void __stcs(T* p, T v) {
  *p = v;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

// The second argument does not take part in deduction: atomicAdd(&u64, 1) works as in CUDA.
template <class T>
struct PgIdentity {
  using type = T;
};
#define PG_ATOMIC(name, expression)                     \
  template <class T>                                    \
  inline T name(T* p, typename PgIdentity<T>::type v) { \
    const T old = *p;                                   \
    *p = T(expression);                                 \
    return old;                                         \
  }
PG_ATOMIC(atomicAdd, old + v)
PG_ATOMIC(atomicSub, old - v)
PG_ATOMIC(atomicExch, v)
PG_ATOMIC(atomicMin, v < old ? v : old)
PG_ATOMIC(atomicMax, old < v ? v : old)
PG_ATOMIC(atomicAnd, old& v)
PG_ATOMIC(atomicOr, old | v)
PG_ATOMIC(atomicXor, old ^ v)
#undef PG_ATOMIC
template <class T>
inline T atomicCAS(T* p, typename PgIdentity<T>::type expected, typename PgIdentity<T>::type v) {
  const T old = *p;
  if (old == expected) *p = v;
  return old;
}
inline unsigned atomicInc(unsigned* p, unsigned limit) {
  const unsigned old = *p;
  *p = old >= limit ? 0 : old + 1;
  return old;
}
