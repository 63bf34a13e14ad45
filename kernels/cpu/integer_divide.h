// Quotients and remainders of int64 vectors by way of double, which has a vector division; the
// processor's integer division takes one number at a time, for many cycles.
//
// For |a|, |b| < 2^50 the rounded quotient in double is within a quarter of the true one, even as
// a times a rounded 1 / b. Its nearest integer r is therefore the floor or one above, a - r b is
// exact, and a remainder of the wrong sign tells which it was. Truncated division is that of the
// magnitudes. Larger numbers, a few dozen at a time, take the scalar way.
#pragma once

#include "kernels/cpu/vec.h"
#include "kernels/math/binary.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class Op>
constexpr bool is_floored =
    std::is_same_v<Op, math::floor_divide_op> || std::is_same_v<Op, math::remainder_op>;
template <class Op>
constexpr bool is_quotient =
    std::is_same_v<Op, math::floor_divide_op> || std::is_same_v<Op, math::trunc_divide_op>;

// 1.5 * 2^52: the integers around it are all of its neighbours, so adding it rounds, and its bits
// plus an integer are those of their sum.
constexpr double kRounder = 0x1.8p52;
constexpr uint64_t kRounderBits = 0x4338000000000000;

PG_HOST_INLINE Vec<double> to_double(Vec<int64_t> a) {
  return (Vec<double>)((Vec<uint64_t>)a + kRounderBits) - kRounder;
}
PG_HOST_INLINE Vec<int64_t> to_int64(Vec<double> whole) {
  return (Vec<int64_t>)((Vec<uint64_t>)(whole + kRounder) - kRounderBits);
}
// Not 0 where a is too large.
PG_HOST_INLINE Vec<uint64_t> excess(Vec<int64_t> a) { return (Vec<uint64_t>)(a ^ (a < 0)) >> 50; }

// a / b or a mod b; `inverse` is 1 / b rounded where kNumber. Dividing by zero gives 0.
template <class Op, bool kNumber>
PG_HOST_INLINE Vec<int64_t> divide_vectors(Vec<int64_t> a, Vec<int64_t> b, Vec<double> inverse) {
  using V = Vec<double>;
  const V signed_x = to_double(a), signed_y = to_double(b);
  const V x = is_floored<Op> ? signed_x : abs(signed_x);
  const V y = is_floored<Op> ? signed_y : abs(signed_y);
  const V quotient = kNumber ? x * (is_floored<Op> ? inverse : abs(inverse)) : x / y;
  V r = (quotient + kRounder) - kRounder;
  V rest = x - r * y;
  const auto wrong = (y < 0) ? (rest > 0) : (rest < 0);
  r = wrong ? r - 1 : r;
  rest = wrong ? rest + y : rest;
  V result = is_quotient<Op> ? r : rest;
  if constexpr (!is_floored<Op>) {
    const auto negative = is_quotient<Op> ? (a ^ b) < 0 : a < 0;
    result = negative ? -result : result;
  }
  return b == 0 ? Vec<int64_t>{} : to_int64(result);
}

// The loop of an op: the divisors are n, or one number.
template <class Op, bool kNumber>
PG_HOST_INLINE void divide_loop(int64_t* out, const int64_t* a, const int64_t* b, int64_t n) {
  constexpr int L = kLanes<int64_t>;
  constexpr int64_t kGroup = 64;
  const auto part = [](const int64_t* p, int64_t k)
                        __attribute__((always_inline)) { return k < L ? load_n(p, k) : load(p); };
  Vec<int64_t> divisor = splat(kNumber ? *b : int64_t(1));
  const Vec<double> inverse = 1.0 / to_double(divisor);
  for (int64_t begin = 0; begin < n; begin += kGroup) {
    const int64_t end = begin + kGroup < n ? begin + kGroup : n;
    Vec<uint64_t> large = kNumber ? excess(divisor) : Vec<uint64_t>{};
    for (int64_t i = begin; i < end; i += L) {
      large |= excess(part(a + i, end - i));
      if (!kNumber) large |= excess(part(b + i, end - i));
    }
    if (any((Vec<int64_t>)large)) {
      for (int64_t i = begin; i < end; ++i) out[i] = Op::apply(a[i], b[kNumber ? 0 : i]);
      continue;
    }
    for (int64_t i = begin; i < end; i += L) {
      const int64_t k = end - i;
      if (!kNumber) divisor = part(b + i, k);
      const Vec<int64_t> y = divide_vectors<Op, kNumber>(part(a + i, k), divisor, inverse);
      k < L ? store_n(out + i, y, k) : store(out + i, y);
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
