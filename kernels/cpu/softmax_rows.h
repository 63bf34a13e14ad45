// The row arithmetic that softmax and cross entropy share: the maximum, the log-sum-exp.
#pragma once

#include <cmath>

#include "kernels/cpu/runs.h"
#include "kernels/cpu/vec_math.h"

namespace pygrad::cpu::PG_ISA_NS {

// exp(x) for x <= 0, but 0 where the result would be subnormal: most processors take those in
// microcode, at many times the cost, and beside a sum of at least 1 they are nothing. Masked
// elements (-inf) and missing lanes are the common case.
template <class V>
PG_HOST_INLINE V exp_or_zero(V x) {
  const V least =
      splat(Elem<V>(is_float_vec<V> ? -87.33654 : -708.3964));  // log of the first normal
  return x < least ? V{} : exp(max(least, x));                  // NaN passes: it stands second
}

// Vectors of a row that are kept in registers.
constexpr int kShortVectors = 4;
template <class T>
constexpr int kShortRow = kShortVectors * kLanes<T>;

// A row of at most kShortRow elements, the missing ones `fill`.
template <class T>
PG_HOST_INLINE void load_short(Vec<T> (&v)[kShortVectors], const T* x, int64_t n, T fill) {
  constexpr int L = kLanes<T>;
#pragma GCC unroll 4
  for (int j = 0; j < kShortVectors; ++j) {
    const int64_t left = n - j * L;
    v[j] = left >= L ? load(x + j * L) : left > 0 ? load_or(x + j * L, left, fill) : splat(fill);
  }
}

// The largest element; NaN elements may or may not count (what follows turns NaN through the
// exponentials).
template <class T>
PG_HOST_INLINE T row_max(const T* x, int64_t n) {
  constexpr int L = kLanes<T>;
  const T lowest = -std::numeric_limits<T>::infinity();
  Vec<T> m[4] = {splat(lowest), splat(lowest), splat(lowest), splat(lowest)};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) m[j] = max(load(x + i + j * L), m[j]);
  }
  for (; i < n; i += L) m[0] = max(load_or(x + i, n - i < L ? n - i : int64_t(L), lowest), m[0]);
  return reduce_max(max(max(m[0], m[1]), max(m[2], m[3])));
}

// The sum of exp(x - shift). The row that follows, `next`, is fetched meanwhile: the arithmetic of
// a row hides the way of another through memory.
template <class T>
PG_HOST_INLINE T sum_exp(const T* x, T shift, int64_t n, const T* next) {
  return sum_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES {
    __builtin_prefetch(next + i);
    return exp_or_zero(load_part(x + i, k) - shift);
  });
}

struct SumExp {
  double max, sum;  // of a row: sum of exp(x - max)
};

// Rows longer than this leave the L2 cache, so they are read once, block by block, with the sum
// rescaled when the maximum grows.
constexpr int64_t kLongRowBytes = 512 * 1024;

template <class T>
PG_HOST_INLINE SumExp short_sum_exp(const T* x, int64_t n) {
  Vec<T> v[kShortVectors];
  load_short(v, x, n, -std::numeric_limits<T>::infinity());
  const T m = reduce_max(max(max(v[0], v[1]), max(v[2], v[3])));
  Vec<T> sum = exp_or_zero(v[0] - m);
#pragma GCC unroll 4
  for (int j = 1; j < kShortVectors; ++j) {
    if (n > j * kLanes<T>) sum += exp_or_zero(v[j] - m);
  }
  return {m, reduce_add(sum)};
}

// A row in one pass over memory.
template <class T>
SumExp long_sum_exp(const T* x, int64_t n) {
  constexpr int64_t kPiece = 4096;
  T m = -std::numeric_limits<T>::infinity();
  double sum = 0;
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t k = n - i < kPiece ? n - i : kPiece;
    const T piece = row_max(x + i, k);
    // An all -inf beginning must not turn later finite pieces into NaN, an all -inf row must be
    // NaN.
    if (piece > m) {
      sum = sum != sum ? sum : sum * std::exp(double(m) - double(piece));
      m = piece;
    }
    const bool nothing_yet = m == -std::numeric_limits<T>::infinity();
    if (nothing_yet) {
      for (int64_t j = i; j < i + k; ++j)
        if (x[j] != x[j]) sum = x[j];
    } else {
      sum += double(sum_exp(x + i, m, k, x + i + k));
    }
  }
  if (m == -std::numeric_limits<T>::infinity() && n > 0)
    sum = std::numeric_limits<double>::quiet_NaN();
  return {m, sum};
}

template <class T>
PG_HOST_INLINE SumExp row_sum_exp(const T* x, int64_t n, const T* next) {
  if (n <= kShortRow<T>) return short_sum_exp(x, n);
  if (n * int64_t(sizeof(T)) > kLongRowBytes) return long_sum_exp(x, n);
  const T m = row_max(x, n);
  return {m, sum_exp(x, m, n, next)};
}

}  // namespace pygrad::cpu::PG_ISA_NS
