// The operands of gemm's routes.
#pragma once

#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

template <class T>
struct Matrix {
  const T* data;
  int64_t rs, cs;
};

// C^T = B^T A^T, for products without a bias.
PG_HOST_INLINE GemmArgs transposed(GemmArgs g) {
  const GemmArgs o = g;
  g.m = o.n, g.n = o.m;
  g.c_rs = o.c_cs, g.c_cs = o.c_rs;
  return g;
}
template <class T>
PG_HOST_INLINE Matrix<T> transposed(Matrix<T> x) {
  return {x.data, x.cs, x.rs};
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
