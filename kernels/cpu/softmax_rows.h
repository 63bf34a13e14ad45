// The row arithmetic that softmax and cross entropy share: a vector exponential, the maximum, the
// log-sum-exp.
#pragma once

#include <cmath>

#include "kernels/cpu/runs.h"

namespace pygrad::cpu::PG_ISA_NS {

// exp, about 1 ULP: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor's series in r (to r^7 for float,
// r^13 for double), then two exact scalings by powers of two, so that results below the normal
// range round once. NaN stays NaN.
template <class T>
PG_HOST_INLINE Vec<T> exp_lanes(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  using I = Elem<Mask<Vec<T>>>;
  const T low = single ? T(-104) : T(-746), high = single ? T(89) : T(710);
  const Vec<T> y = min(max(x, splat(low)), splat(high));
  const T magic = single ? T(0x1.8p23) : T(0x1.8p52);  // adding it rounds to an integer
  const Vec<T> shifted = fma(y, splat(T(1.4426950408889634)), splat(magic));
  const Vec<T> n = shifted - magic;
  // ln 2 in two parts, the first with trailing zeros, so that n * hi is exact.
  const T hi = single ? T(0x1.62e4p-1) : T(0x1.62e42feep-1);
  const T lo = single ? T(0x1.7f7d1cp-20) : T(0x1.a39ef35793c76p-33);
  const Vec<T> r = fma(n, splat(-lo), fma(n, splat(-hi), y));
  constexpr double inverse_factorials[] = {1,
                                           1,
                                           1. / 2,
                                           1. / 6,
                                           1. / 24,
                                           1. / 120,
                                           1. / 720,
                                           1. / 5040,
                                           1. / 40320,
                                           1. / 362880,
                                           1. / 3628800,
                                           1. / 39916800,
                                           1. / 479001600,
                                           1. / 6227020800.};
  constexpr int degree = single ? 7 : 13;
  Vec<T> p = splat(T(inverse_factorials[degree]));
#pragma GCC unroll 13
  for (int k = degree - 1; k >= 0; --k) p = fma(p, r, splat(T(inverse_factorials[k])));
  constexpr int fraction = single ? 23 : 52, bias = single ? 127 : 1023;
  const Mask<Vec<T>> whole = bits(shifted) - bits(splat(magic)), half = whole >> 1;
  p = p * (Vec<T>)((half + I(bias)) << fraction);
  p = p * (Vec<T>)((whole - half + I(bias)) << fraction);
  return x != x ? x : p;
}

// The largest element; NaN elements may or may not count (what follows turns NaN through the
// exponentials).
template <class T>
PG_HOST_INLINE T row_max(const T* x, int64_t n) {
  const T lowest = -std::numeric_limits<T>::infinity();
  Vec<T> a = splat(T(0)) + lowest, b = a;
  constexpr int L = kLanes<T>;
  int64_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    a = max(load(x + i), a);
    b = max(load(x + i + L), b);
  }
  for (; i < n; i += L) a = max(load_or(x + i, n - i < L ? n - i : int64_t(L), lowest), a);
  return reduce_max(max(a, b));
}

// The sum of exp(x - shift).
template <class T>
PG_HOST_INLINE T sum_exp(const T* x, T shift, int64_t n) {
  return sum_lanes<T>(
      n, [&](int64_t i, int64_t k) PG_LANES { return exp_lanes<T>(load_part(x + i, k) - shift); });
}

struct SumExp {
  double max, sum;  // of a row: sum of exp(x - max)
};

// Rows longer than this leave the L2 cache, so they are read once, block by block, with the sum
// rescaled when the maximum grows.
constexpr int64_t kLongRowBytes = 256 * 1024;

template <class T>
inline SumExp row_sum_exp(const T* x, int64_t n) {
  constexpr int64_t kPiece = 4096;
  if (n * int64_t(sizeof(T)) <= kLongRowBytes) {
    const T m = row_max(x, n);
    return {m, sum_exp(x, m, n)};
  }
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
      sum += double(sum_exp(x + i, m, k));
    }
  }
  if (m == -std::numeric_limits<T>::infinity() && n > 0)
    sum = std::numeric_limits<double>::quiet_NaN();
  return {m, sum};
}

}  // namespace pygrad::cpu::PG_ISA_NS
