// Philox4x32-10, the counter-based generator of J. Salmon, M. Moraes, R. Dror and D. Shaw,
// "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011): 128 bits of counter and 64 of key give
// 128 random bits, with no state between calls.
//
// Mapping, the same on every device and for any thread count. The offset numbers the draws of a
// generator (each draw advances it by 1); within a draw with (seed, offset), block number j is
//
//   philox(counter = {lo(j), hi(j), lo(offset), hi(offset)}, key = {lo(seed), hi(seed)}).
//
// Element i (row-major position) takes its bits from
//   32-bit kinds   word i % 4 of block i / 4:          uniform float is (word >> 8) 2^-24
//   64-bit kinds   half i % 2 of block i / 2:          uniform double is (half >> 11) 2^-53;
//   integers in [0, n) are the high
//                                                      half of the 64 x 64-bit product half * n
//   normal         Box-Muller of a pair of uniforms:   in float words 0, 1 of the block give
//   elements 0 (cosine) and 1 (sine),
//                                                      words 2, 3 elements 2 and 3; in double the
//                                                      two halves give both
// A 16-bit uniform keeps only as many leading bits as its significand has (uniform_mask), so that
// it cannot round up to 1. float and the 16-bit floats, and every yes-or-no draw, are of the 32-bit
// kind; double and integers of the 64-bit kind.
#pragma once

#include <cmath>

#include "kernels/dtype.h"

namespace pygrad::math {

struct PhiloxBlock {
  uint32_t w[4];
  // The first and second pair as 64-bit numbers.
  PG_HOST_DEVICE uint64_t low() const { return uint64_t(w[0]) | (uint64_t(w[1]) << 32); }
  PG_HOST_DEVICE uint64_t high() const { return uint64_t(w[2]) | (uint64_t(w[3]) << 32); }
};

PG_HOST_DEVICE PhiloxBlock philox(uint64_t seed, uint64_t offset, uint64_t i) {
  uint32_t c0 = uint32_t(i), c1 = uint32_t(i >> 32), c2 = uint32_t(offset),
           c3 = uint32_t(offset >> 32);
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t(0xD2511F53u) * c0, p1 = uint64_t(0xCD9E8D57u) * c2;
    const uint32_t n0 = uint32_t(p1 >> 32) ^ c1 ^ k0, n2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c1 = uint32_t(p1);
    c3 = uint32_t(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// [0, 1): every multiple of 2^-24 (2^-53) equally likely.
PG_HOST_DEVICE float uniform_from(uint32_t word) { return float(word >> 8) * 0x1p-24f; }
PG_HOST_DEVICE double uniform_from(uint64_t half) { return double(half >> 11) * 0x1p-53; }

// The bits of a word that a uniform of element type T uses.
template <class T>
PG_HOST_DEVICE constexpr uint32_t uniform_mask() {
  return std::is_same_v<T, Half>       ? 0xffe00000u
         : std::is_same_v<T, BFloat16> ? 0xff000000u
                                       : 0xffffff00u;
}

// Elements 2 j (odd = false) and 2 j + 1 of a standard normal draw. The radius takes a uniform in
// (0, 1], so its logarithm is finite; the quarter turns of the angle are taken out before it is
// rounded.
template <class T>
PG_HOST_DEVICE T normal_from_uniforms(T u1, T u2, T step, bool odd) {
  const T radius = std::sqrt(T(-2) * std::log(u1 + step));
  const int turns = int(T(4) * u2 + T(0.5));
  const T angle = T(6.28318530717958647692) * (u2 - T(0.25) * T(turns));
  const int quadrant = turns + (odd ? 0 : 1);  // sin(x + pi / 2) = cos(x)
  const T y = quadrant & 1 ? std::cos(angle) : std::sin(angle);
  return quadrant & 2 ? -radius * y : radius * y;
}
PG_HOST_DEVICE float normal_from(uint32_t first, uint32_t second, bool odd) {
  return normal_from_uniforms(uniform_from(first), uniform_from(second), 0x1p-24f, odd);
}
PG_HOST_DEVICE double normal_from(uint64_t first, uint64_t second, bool odd) {
  return normal_from_uniforms(uniform_from(first), uniform_from(second), 0x1p-53, odd);
}

// One element by its position; kernels that walk whole blocks get the same numbers more cheaply.
template <class T>
PG_HOST_DEVICE T uniform_at(uint64_t seed, uint64_t offset, uint64_t i) {
  if constexpr (sizeof(T) == 4) {
    return uniform_from(philox(seed, offset, i / 4).w[i % 4]);
  } else {
    const PhiloxBlock b = philox(seed, offset, i / 2);
    return uniform_from(i % 2 ? b.high() : b.low());
  }
}
template <class T>
PG_HOST_DEVICE T normal_at(uint64_t seed, uint64_t offset, uint64_t i) {
  if constexpr (sizeof(T) == 4) {
    const PhiloxBlock b = philox(seed, offset, i / 4);
    const int pair = int(i & 2);
    return normal_from(b.w[pair], b.w[pair + 1], (i & 1) != 0);
  } else {
    const PhiloxBlock b = philox(seed, offset, i / 2);
    return normal_from(b.low(), b.high(), (i & 1) != 0);
  }
}

// The high 64 bits of a 128-bit product.
PG_HOST_DEVICE uint64_t multiply_high(uint64_t a, uint64_t b) {
  const uint64_t al = uint32_t(a), ah = a >> 32, bl = uint32_t(b), bh = b >> 32;
  const uint64_t mid = ah * bl + ((al * bl) >> 32);
  const uint64_t mid2 = al * bh + uint32_t(mid);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}
// An integer in [0, n) from 64 random bits; n = 0 stands for 2^64. Biased by less than n / 2^64.
PG_HOST_DEVICE uint64_t integer_below(uint64_t bits, uint64_t n) {
  return n == 0 ? bits : multiply_high(bits, n);
}
PG_HOST_DEVICE uint64_t integer_at(uint64_t seed, uint64_t offset, uint64_t i, uint64_t n) {
  const PhiloxBlock b = philox(seed, offset, i / 2);
  return integer_below(i % 2 ? b.high() : b.low(), n);
}

// The other distributions, from a uniform u in [0, 1) or a standard normal z.
template <class T>
PG_HOST_DEVICE T exponential_from(T u, T rate) {
  return -std::log1p(-u) / rate;
}
// Number of trials up to the first success, at least 1; log_failure = log(1 - p).
template <class T>
PG_HOST_DEVICE T geometric_from(T u, T log_failure) {
  const T trials = std::ceil(std::log1p(-u) / log_failure);
  return trials >= 1 ? trials : T(1);
}
template <class T>
PG_HOST_DEVICE T cauchy_from(T u, T median, T scale) {
  return median + scale * std::tan(T(3.14159265358979323846) * (u - T(0.5)));
}

}  // namespace pygrad::math
