// Blocks of elements in L1: widening loads and lane-wise folds, the innermost loops of the
// reductions.
//
// A fold keeps kLanes partial results: lane j takes elements j, j + kLanes, ... and a tree joins
// the lanes at the end. The number of lanes is the same at every instruction set (only the vectors
// that hold them differ), so the bits are as well.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/cpu/vec.h"
#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {

constexpr int kFoldBytes = 256;  // of partial results in a fold

// Elements in a block: its buffer, and the four rows of a column reduction, stay in L1.
constexpr int64_t kBlock = 2048;

// --- arithmetic of a fold: on elements and on vectors alike --------------------------------------

template <class X>
PG_HOST_INLINE X add_values(X a, X b) {
  if constexpr (std::is_same_v<X, int64_t>) {
    return X(uint64_t(a) + uint64_t(b));  // integers wrap
  } else if constexpr (is_complex_v<X>) {
    return X(a.re + b.re, a.im + b.im);
  } else if constexpr (std::is_same_v<X, Vec<int64_t>>) {
    using U = Vec<uint64_t>;
    return X(U(a) + U(b));
  } else {
    return a + b;
  }
}
template <class X>
PG_HOST_INLINE X multiply_values(X a, X b) {
  if constexpr (std::is_same_v<X, int64_t>) {
    return X(uint64_t(a) * uint64_t(b));
  } else if constexpr (is_complex_v<X>) {
    return X(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
  } else if constexpr (std::is_same_v<X, Vec<int64_t>>) {
    using U = Vec<uint64_t>;
    return X(U(a) * U(b));
  } else {
    return a * b;
  }
}

struct FoldSum {
  template <class A>
  static PG_HOST_INLINE A identity() {
    return A(0);
  }
  template <class A, class X>
  static PG_HOST_INLINE X apply(X a, X b) {
    return add_values(a, b);
  }
};
struct FoldProduct {
  template <class A>
  static PG_HOST_INLINE A identity() {
    return A(1);
  }
  template <class A, class X>
  static PG_HOST_INLINE X apply(X a, X b) {
    return multiply_values(a, b);
  }
};
// The first NaN met stays: nothing compares above it, and the second test takes only a NaN of the
// newcomer.
struct FoldMax {
  template <class A>
  static PG_HOST_INLINE A identity() {
    using L = std::numeric_limits<A>;
    return L::has_infinity ? -L::infinity() : L::lowest();
  }
  template <class A, class X>
  static PG_HOST_INLINE X apply(X a, X b) {
    if constexpr (std::is_integral_v<A>)
      return b > a ? b : a;
    else
      return (b > a) | (b != b) ? b : a;
  }
};
struct FoldMin {
  template <class A>
  static PG_HOST_INLINE A identity() {
    using L = std::numeric_limits<A>;
    return L::has_infinity ? L::infinity() : L::max();
  }
  template <class A, class X>
  static PG_HOST_INLINE X apply(X a, X b) {
    if constexpr (std::is_integral_v<A>)
      return b < a ? b : a;
    else
      return (b < a) | (b != b) ? b : a;
  }
};

// --- folds ---------------------------------------------------------------------------------------

template <class T, int kBytes>
struct SizedVec {
  typedef T type __attribute__((vector_size(kBytes)));
};

// The first n elements from p, the others `fill`.
template <class A>
PG_HOST_INLINE Vec<A> load_first(const A* p, int64_t n, A fill) {
  using V = Vec<A>;
  constexpr int kWidth = kVecBytes / int(sizeof(A));
  V v = V{} + fill;
  if (n >= kWidth) {
    memcpy(&v, p, sizeof v);
    return v;
  }
#if defined(__AVX512BW__)
  if constexpr (sizeof(A) == 1) {
    return (V)_mm512_mask_loadu_epi8((__m512i)v, ~__mmask64(0) >> (64 - n), p);
  } else if constexpr (sizeof(A) == 4) {
    return (V)_mm512_mask_loadu_epi32((__m512i)v, __mmask16((1u << n) - 1), p);
  } else if constexpr (sizeof(A) == 8) {
    return (V)_mm512_mask_loadu_epi64((__m512i)v, __mmask8((1u << n) - 1), p);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(A) == 4 || sizeof(A) == 8) {
    return lane_numbers<V>() < Elem<Mask<V>>(n) ? load_n(p, n) : v;
  }
#endif
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}

// join_lanes for small elements: halves of the vector as vectors of their own, then single lanes.
template <class Op, class A, int width, class V>
PG_HOST_INLINE A join_narrow_lanes(V v) {
  if constexpr (width == 0) {
    return v[0];
  } else {
    using Lanes = std::make_integer_sequence<int, int(sizeof(V) / sizeof(A))>;
    return join_narrow_lanes<Op, A, width / 2>(
        Op::template apply<A>(v, swap_lanes<width>(v, Lanes())));
  }
}
template <class Op, class A, int kBytes>
PG_HOST_INLINE A join_narrow(const typename SizedVec<A, kBytes>::type& v) {
  if constexpr (kBytes > 16) {
    typename SizedVec<A, kBytes / 2>::type low, high;
    memcpy(&low, &v, sizeof low);
    memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
    return join_narrow<Op, A, kBytes / 2>(Op::template apply<A>(low, high));
  } else {
    return join_narrow_lanes<Op, A, kBytes / int(sizeof(A)) / 2>(v);
  }
}
// Joins lanes j and j + half, then halves again. Lane 0 is the result.
template <class Op, class A>
PG_HOST_INLINE A join_lanes(Vec<A> v) {
  if constexpr (sizeof(A) >= 4) {
    return reduce(v, [](Vec<A> a, Vec<A> b)
                         __attribute__((always_inline)) { return Op::template apply<A>(a, b); });
  } else {
    return join_narrow<Op, A, kVecBytes>(v);
  }
}

// Joins vectors k and k + half, then halves again.
template <class Op, class A, int kVectors>
PG_HOST_INLINE Vec<A> join_vectors(Vec<A> (&acc)[kVectors]) {
#pragma GCC unroll 4
  for (int half = kVectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int k = 0; k < half; ++k) acc[k] = Op::template apply<A>(acc[k], acc[k + half]);
  }
  return acc[0];
}

// op over p[0..n), contiguous, but for the lanes of one vector.
template <class Op, class A>
PG_HOST_INLINE Vec<A> fold_vectors(const A* p, int64_t n) {
  using V = Vec<A>;
  constexpr int kLanes = kFoldBytes / int(sizeof(A));
  constexpr int kWidth = kVecBytes / int(sizeof(A)), kVectors = kLanes / kWidth;
  const A identity = Op::template identity<A>();
  if (n <= kWidth) {  // the other vectors would hold identities
    return Op::template apply<A>(V{} + identity, load_first(p, n, identity));
  }
  int64_t i = 0;
  V acc[kVectors];
  for (int k = 0; k < kVectors; ++k) acc[k] = V{} + identity;
  for (; i + kLanes <= n; i += kLanes) {
#pragma GCC unroll 16
    for (int k = 0; k < kVectors; ++k) {
      acc[k] = Op::template apply<A>(acc[k], load_first(p + i + k * kWidth, kWidth, identity));
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < kVectors; ++k) {
    const int64_t left = n - i - k * kWidth;
    if (left <= 0) break;
    acc[k] = Op::template apply<A>(acc[k], load_first(p + i + k * kWidth, left, identity));
  }
  return join_vectors<Op, A>(acc);
}

// op over p[0..n), contiguous.
template <class Op, class A>
PG_HOST_INLINE A fold_block(const A* p, int64_t n) {
  if constexpr (is_complex_v<A>) {
    constexpr int kLanes = kFoldBytes / int(sizeof(A));
    const A identity = Op::template identity<A>();
    int64_t i = 0;
    A lanes[kLanes];
    for (int j = 0; j < kLanes; ++j) lanes[j] = identity;
    for (; i + kLanes <= n; i += kLanes) {
      for (int j = 0; j < kLanes; ++j) lanes[j] = Op::template apply<A>(lanes[j], p[i + j]);
    }
    for (int j = 0; i < n; ++i, ++j) lanes[j] = Op::template apply<A>(lanes[j], p[i]);
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int j = 0; j < half; ++j) lanes[j] = Op::template apply<A>(lanes[j], lanes[j + half]);
    }
    return lanes[0];
  } else {
    return join_lanes<Op, A>(fold_vectors<Op>(p, n));
  }
}

// The groups of `width` lanes with even numbers, or odd ones, out of two vectors.
template <int width, bool kOdd, class V, int... i>
PG_HOST_INLINE V every_other(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (i / width * 2 * width + i % width + kOdd * width)...);
}
// Joins each of 2 width vectors' lanes as join_lanes does, all at once: lane r is vector r's
// result.
template <class Op, class A, int width = kVecBytes / int(sizeof(A)) / 2>
PG_HOST_INLINE Vec<A> join_each(Vec<A>* v) {
  if constexpr (width == 0) {
    return v[0];
  } else {
    using Lanes = std::make_integer_sequence<int, kVecBytes / int(sizeof(A))>;
#pragma GCC unroll 8
    for (int i = 0; i < width; ++i) {
      v[i] = Op::template apply<A>(every_other<width, false>(v[2 * i], v[2 * i + 1], Lanes()),
                                   every_other<width, true>(v[2 * i], v[2 * i + 1], Lanes()));
    }
    return join_each<Op, A, width / 2>(v);
  }
}

// fold_block of `count` rows of n elements, `step` apart.
template <class Op, class A>
PG_HOST_INLINE void fold_lines(const A* p, int64_t step, int64_t count, int64_t n, A* results) {
  int64_t r = 0;
  if constexpr (!is_complex_v<A> && sizeof(A) >= 4) {
    constexpr int kWidth = kVecBytes / int(sizeof(A));
    for (; r + kWidth <= count; r += kWidth) {
      Vec<A> v[kWidth];
      for (int i = 0; i < kWidth; ++i) v[i] = fold_vectors<Op>(p + (r + i) * step, n);
      const Vec<A> joined = join_each<Op, A>(v);
      memcpy(results + r, &joined, sizeof joined);
    }
  }
  for (; r < count; ++r) results[r] = fold_block<Op>(p + r * step, n);
}

constexpr int kFoldRows = 8;  // rows folded together

// acc[j] = op(acc[j], row[j]) for one row, or kFoldRows, which are joined pairwise before they meet
// the accumulator, while what lies `ahead` elements further on is fetched.
template <class Op, bool kMany, class A>
PG_HOST_INLINE void fold_rows(A* acc, const A* const* rows, int64_t n, int64_t ahead) {
  const auto join = [&](auto a, auto b)
                        __attribute__((always_inline)) { return Op::template apply<A>(a, b); };
  const auto joined = [&](auto&& row) __attribute__((always_inline)) {
    if constexpr (kMany) {
      return join(join(join(row(0), row(1)), join(row(2), row(3))),
                  join(join(row(4), row(5)), join(row(6), row(7))));
    } else {
      return row(0);
    }
  };
  int64_t i = 0;
  if constexpr (!is_complex_v<A>) {
    using V = Vec<A>;
    constexpr int kWidth = kVecBytes / int(sizeof(A));
    for (; i + kWidth <= n; i += kWidth) {
      V a;
      memcpy(&a, acc + i, sizeof a);
      a = join(a, joined([&](int r) __attribute__((always_inline)) {
                 V v;
                 memcpy(&v, rows[r] + i, sizeof v);
                 if (kMany) __builtin_prefetch(rows[r] + i + ahead);
                 return v;
               }));
      memcpy(acc + i, &a, sizeof a);
    }
  }
#if defined(__AVX512F__)
  if constexpr (!is_complex_v<A> && sizeof(A) >= 4) {
    if (i == n) return;
    const Vec<A> rest =
        joined([&](int r) __attribute__((always_inline)) { return load_n(rows[r] + i, n - i); });
    store_n(acc + i, join(load_n(acc + i, n - i), rest), n - i);
    return;
  }
#endif
  for (; i < n; ++i) {
    acc[i] = join(acc[i], joined([&](int r) __attribute__((always_inline)) { return rows[r][i]; }));
  }
}

// Joins a sequence of partial results pairwise, as a binary counter does: the rounding error of a
// sum grows with the logarithm of its length, and the order depends on the sequence alone.
template <class A>
struct Cascade {
  A (*join)(A a, A b);
  A identity;
  uint64_t count = 0;
  A level[48];
  PG_HOST_INLINE Cascade(A (*f)(A, A), A empty) : join(f), identity(empty) {}
  PG_HOST_INLINE void push(A x) {
    int i = 0;
    for (uint64_t c = count; c & 1; c >>= 1) x = join(level[i++], x);
    level[i] = x;
    ++count;
  }
  PG_HOST_INLINE A result() const {
    if (count == 0) return identity;
    int i = 0;
    while (!((count >> i) & 1)) ++i;
    A x = level[i];
    while (count >> ++i) {
      if ((count >> i) & 1) x = join(level[i], x);
    }
    return x;
  }
};

// --- loads ---------------------------------------------------------------------------------------

// binary16 to float without a branch, so that loops vectorise: the exponent is rebiased by a
// product, which is exact and also normalises subnormals.
PG_HOST_INLINE float widen(Half h) {
  const uint32_t magnitude = uint32_t(h.bits & 0x7fffu) << 13;
  float f;
  memcpy(&f, &magnitude, 4);
  f *= 0x1p112f;
  uint32_t x;
  memcpy(&x, &f, 4);
  x |= magnitude >= 0x0f800000u ? 0x7f800000u : 0u;
  x |= uint32_t(h.bits & 0x8000u) << 16;
  memcpy(&f, &x, 4);
  return f;
}
PG_HOST_INLINE float widen(BFloat16 h) { return float(h); }

// An element of type T as an A: the reduced floats as float, integers and bool as int64.
template <class A, class T>
PG_HOST_INLINE A load_as(T x) {
  if constexpr (is_reduced_v<T>)
    return A(widen(x));
  else
    return A(x);
}

template <class T>
PG_HOST_INLINE bool is_nonzero(T x) {
  if constexpr (is_complex_v<T>)
    return (x.re != 0) | (x.im != 0);
  else if constexpr (is_reduced_v<T>)
    return (x.bits & 0x7fffu) != 0;
  else
    return x != T(0);
}

// The type in which order-based reductions compare elements of type T.
template <class T>
using order_t = std::conditional_t<std::is_integral_v<T>, int64_t, opmath_t<T>>;
// The same for a fold, of which there is one for bytes as well.
template <class T>
using extreme_t =
    std::conditional_t<std::is_same_v<T, bool> || std::is_same_v<T, uint8_t>, uint8_t, order_t<T>>;

// n elements at `stride` as contiguous A: in place where possible, else in `buffer`.
template <class A, class T>
PG_HOST_INLINE const A* load_block(const T* p, int64_t stride, int64_t n, A* buffer) {
  if constexpr (std::is_same_v<A, T>) {
    if (stride == 1) return p;
  } else {
    if (stride == 1) {
      int64_t i = 0;
      if constexpr (is_reduced_v<T> && std::is_same_v<A, float>) {
        constexpr int64_t L = kLanes<float>;
        for (; i + L <= n; i += L) store(buffer + i, load_as_float(p + i));
        if (i < n && n >= L) {  // once more, from where a vector ends with the last
          store(buffer + n - L, load_as_float(p + n - L));
          return buffer;
        }
      }
      for (; i < n; ++i) buffer[i] = load_as<A>(p[i]);
      return buffer;
    }
  }
  for (int64_t i = 0; i < n; ++i) buffer[i] = load_as<A>(p[i * stride]);
  return buffer;
}

// Type-erased loads and stores: what lets one walk per accumulator type serve every dtype. Offsets
// and strides are in elements of T.
template <class A>
struct Access {
  const A* (*load)(const void* base, int64_t offset, int64_t stride, int64_t n, A* buffer);
  void (*store)(void* base, int64_t offset, int64_t stride, int64_t n, const A* results);
  bool in_place = false;  // elements at stride 1 are loaded where they are
};
namespace {
template <class A, class T>
const A* load_plain(const void* base, int64_t offset, int64_t stride, int64_t n, A* buffer) {
  return load_block<A>(static_cast<const T*>(base) + offset, stride, n, buffer);
}
template <class A, class T>
void store_cast(void* base, int64_t offset, int64_t stride, int64_t n, const A* results) {
  T* to = static_cast<T*>(base) + offset;
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, bool>)
      to[i * stride] = results[i] != A(0);
    else
      to[i * stride] = T(results[i]);
  }
}
template <class A, class T>
PG_HOST_INLINE Access<A> plain_access() {
  return {load_plain<A, T>, store_cast<A, T>, std::is_same_v<A, T>};
}
}  // namespace

}  // namespace pygrad::cpu::PG_ISA_NS
