// Contiguous loops over one, two or three operands for a struct of kernels/math, and how a struct
// gets a vector form.
//
// A loop runs Op::apply on every element and is left to the compiler's vectoriser, unless
// VectorForm<Op> is specialised: then it works on whole vectors, the tail included, so that an
// element's bits never depend on its place.
#pragma once

#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/vec_math.h"

namespace pygrad::cpu::PG_ISA_NS {

// Specialisations provide `static V apply(V)` (see unary.cpp) or take the parameters of their
// family.
template <class Op>
struct VectorForm {
  static constexpr bool none = true;
};
template <class Op, class T>
constexpr bool has_vector_form = std::is_floating_point_v<T> && !requires { VectorForm<Op>::none; };

// f(i, lanes-wide load and store) over n elements: body(offset, count) with count == kLanes<T> but
// for the last.
template <class T, class Whole, class Tail>
PG_HOST_INLINE void for_each_vector(int64_t n, Whole&& whole, Tail&& tail) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) whole(i);
  if (i < n) tail(i, n - i);
}

template <class Op, class T, class R = T>
void unary_loop(char* const* p, int64_t n, const void*) {
  R* out = as<R>(p[0]);
  const T* in = as<T>(p[1]);
  if constexpr (has_vector_form<Op, T>) {
    for_each_vector<T>(
        n,
        [&](int64_t i)
            __attribute__((always_inline)) { store(out + i, VectorForm<Op>::apply(load(in + i))); },
        [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
          store_n(out + i, VectorForm<Op>::apply(load_n(in + i, rest)), rest);
        });
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(in[i]);
  }
}

template <class Op, class T, class R = T>
void binary_loop(char* const* p, int64_t n, const void*) {
  R* out = as<R>(p[0]);
  const T* a = as<T>(p[1]);
  const T* b = as<T>(p[2]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], b[i]);
}

// A family's loops by compute type; null where the op is not defined for it.
struct LoopSet {
  BlockLoop int64, float32, float64, complex128;
};
PG_HOST_INLINE BlockLoop pick(const LoopSet& set, DType compute) {
  switch (compute) {
    case DType::Int64:
      return set.int64;
    case DType::Float32:
      return set.float32;
    case DType::Float64:
      return set.float64;
    case DType::Complex128:
      return set.complex128;
    default:
      return nullptr;
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
