// Contiguous loops over one, two or three operands for a struct of kernels/math, and how a struct
// gets a vector form.
//
// A loop runs Op::apply on every element and is left to the compiler's vectoriser, unless
// VectorForm<Op> is specialised: then it works on whole vectors, the tail included, so that an
// element's bits never depend on its place.
#pragma once

#include <cmath>

#include "kernels/cpu/blocks.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

// Specialisations provide `static V apply(V...)` (see unary.cpp) or take the parameters of their
// family.
template <class Op>
struct VectorForm {
  static constexpr bool none = true;
};
template <class Op, class T>
constexpr bool has_vector_form = std::is_floating_point_v<T> && !requires {
  VectorForm<Op>::none;
} && !(std::is_same_v<T, double> && requires { VectorForm<Op>::float_only; });

// out[i] = f(in[i]...) by whole vectors. The last one goes through the same code with masked loads
// and stores: the body stands in the program once.
template <class T, class F, class... In>
PG_HOST_INLINE void map_vectors(T* out, int64_t n, F&& f, const In*... in) {
  constexpr int lanes = kLanes<T>;
  for (int64_t i = 0; i < n; i += lanes) {
    const int64_t left = n - i;
    const bool full = left >= lanes;
    const Vec<T> y = f((full ? load(in + i) : load_n(in + i, left))...);
    if (full) {
      store(out + i, y);
    } else {
      store_n(out + i, y, left);
    }
  }
}

template <class Op, class T, class R = T>
void unary_loop(char* const* p, int64_t n, const void*) {
  R* out = as<R>(p[0]);
  const T* in = as<T>(p[1]);
  if constexpr (has_vector_form<Op, T>) {
    map_vectors(
        out, n, [](Vec<T> x) __attribute__((always_inline)) { return VectorForm<Op>::apply(x); },
        in);
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
  if constexpr (has_vector_form<Op, T>) {
    map_vectors(
        out, n,
        [](Vec<T> x, Vec<T> y)
            __attribute__((always_inline)) { return VectorForm<Op>::apply(x, y); },
        a, b);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], b[i]);
  }
}

// binary_loop where the first or the second operand is one number.
template <class Op, class T, class R = T>
void number_first_loop(char* const* p, int64_t n, const void*) {
  R* out = as<R>(p[0]);
  const T a = *as<T>(p[1]);
  const T* b = as<T>(p[2]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a, b[i]);
}
template <class Op, class T, class R = T>
void number_second_loop(char* const* p, int64_t n, const void*) {
  R* out = as<R>(p[0]);
  const T* a = as<T>(p[1]);
  const T b = *as<T>(p[2]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], b);
}
template <class Op, class T, class R = T>
constexpr NumberLoops number_loops_of = {number_first_loop<Op, T, R>, number_second_loop<Op, T, R>};

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
