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

#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {

#if defined(__AVX512F__)
constexpr int kBlockVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kBlockVectorBytes = 32;
#else
constexpr int kBlockVectorBytes = 16;
#endif
constexpr int kFoldBytes = 256;  // of partial results in a fold

// Elements in a block: its buffer, and the four rows of a column reduction, stay in L1.
constexpr int64_t kBlock = 2048;

template <class A>
struct BlockVector {
  typedef A type __attribute__((vector_size(kBlockVectorBytes)));
  typedef A unaligned
      __attribute__((vector_size(kBlockVectorBytes), aligned(alignof(A)), may_alias));
};

// --- arithmetic of a fold: on elements and on vectors alike --------------------------------------

template <class X>
PG_HOST_INLINE X add_values(X a, X b) {
  if constexpr (std::is_same_v<X, int64_t>) {
    return X(uint64_t(a) + uint64_t(b));  // integers wrap
  } else if constexpr (is_complex_v<X>) {
    return X(a.re + b.re, a.im + b.im);
  } else if constexpr (std::is_same_v<X, BlockVector<int64_t>::type>) {
    using U = BlockVector<uint64_t>::type;
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
  } else if constexpr (std::is_same_v<X, BlockVector<int64_t>::type>) {
    using U = BlockVector<uint64_t>::type;
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

// op over p[0..n), contiguous.
template <class Op, class A>
PG_HOST_INLINE A fold_block(const A* p, int64_t n) {
  constexpr int kLanes = kFoldBytes / int(sizeof(A));
  alignas(64) A lanes[kLanes];
  int64_t i = 0;
  if constexpr (is_complex_v<A>) {
    for (int j = 0; j < kLanes; ++j) lanes[j] = Op::template identity<A>();
    for (; i + kLanes <= n; i += kLanes) {
      for (int j = 0; j < kLanes; ++j) lanes[j] = Op::template apply<A>(lanes[j], p[i + j]);
    }
  } else {
    using V = typename BlockVector<A>::type;
    using U = typename BlockVector<A>::unaligned;
    constexpr int kWidth = kBlockVectorBytes / int(sizeof(A)), kVectors = kLanes / kWidth;
    V acc[kVectors];
    for (int k = 0; k < kVectors; ++k) acc[k] = V{} + Op::template identity<A>();
    for (; i + kLanes <= n; i += kLanes) {
      for (int k = 0; k < kVectors; ++k) {
        const V x = *reinterpret_cast<const U*>(p + i + k * kWidth);
        acc[k] = Op::template apply<A>(acc[k], x);
      }
    }
    memcpy(lanes, acc, sizeof(lanes));
  }
  for (int j = 0; i < n; ++i, ++j) lanes[j] = Op::template apply<A>(lanes[j], p[i]);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) {
      lanes[j] = Op::template apply<A>(lanes[j], lanes[j + half]);
    }
  }
  return lanes[0];
}

// acc[j] = op(acc[j], row[j]) for `rows` rows, 1 or 4; four are joined pairwise before they meet
// the accumulator.
template <class Op, int kRows, class A>
PG_HOST_INLINE void fold_rows(A* acc, const A* const* rows, int64_t n) {
  static_assert(kRows == 1 || kRows == 4);
  const auto join = [&](auto a, auto r0, auto r1, auto r2, auto r3) {
    return Op::template apply<A>(
        a, Op::template apply<A>(Op::template apply<A>(r0, r1), Op::template apply<A>(r2, r3)));
  };
  int64_t i = 0;
  if constexpr (!is_complex_v<A>) {
    using V = typename BlockVector<A>::type;
    using U = typename BlockVector<A>::unaligned;
    constexpr int kWidth = kBlockVectorBytes / int(sizeof(A));
    const auto at = [&](int r) -> V { return *reinterpret_cast<const U*>(rows[r] + i); };
    for (; i + kWidth <= n; i += kWidth) {
      U* a = reinterpret_cast<U*>(acc + i);
      if constexpr (kRows == 4)
        *a = join(V(*a), at(0), at(1), at(2), at(3));
      else
        *a = Op::template apply<A>(V(*a), at(0));
    }
  }
  for (; i < n; ++i) {
    if constexpr (kRows == 4) {
      acc[i] = join(acc[i], rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
    } else {
      acc[i] = Op::template apply<A>(acc[i], rows[0][i]);
    }
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

// n elements at `stride` as contiguous A: in place where possible, else in `buffer`.
template <class A, class T>
PG_HOST_INLINE const A* load_block(const T* p, int64_t stride, int64_t n, A* buffer) {
  if constexpr (std::is_same_v<A, T>) {
    if (stride == 1) return p;
  } else {
    if (stride == 1) {
      for (int64_t i = 0; i < n; ++i) buffer[i] = load_as<A>(p[i]);
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
}  // namespace

}  // namespace pygrad::cpu::PG_ISA_NS
