// Products of small tiles on the GEMM micro-kernel, for kernels that fuse them with other work
// (attention, recurrent layers). Packing is left to the caller, who does it once for many products.
#pragma once

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

template <class T>
constexpr int64_t kPanel = 2 * kLanes<T>;  // columns of a panel of a right operand
template <class T>
PG_HOST_INLINE int64_t padded(int64_t columns) {
  return ceil_div(columns, kPanel<T>) * kPanel<T>;
}

// Rows in memory, elements of a row contiguous.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;
};

// The right operand of a product: element (p, j) lies at data[j / kPanel * panel + p * step +
// j % kPanel].
template <class T>
struct Right {
  const T* data;
  int64_t panel, step;
};
template <class T>
PG_HOST_INLINE Right<T> as_right(Rows<T> rows) {
  return {rows.data, kPanel<T>, rows.stride};
}

// Lines [0, lines) as the columns of a right operand of `depth` rows, in panels.
template <class T>
Right<T> pack_columns(Rows<T> from, int64_t lines, int64_t depth, T* panels) {
  for (int64_t j = 0; j < lines; j += kPanel<T>)
    interleave(from.data + j * from.stride, from.stride, panels + j * depth,
               least(kPanel<T>, lines - j), kPanel<T>, depth);
  return {panels, kPanel<T> * depth, kPanel<T>};
}

// c = alpha a b + beta c + bias; element (i, p) of a lies at a[i * a_step + p], or with `k_major`
// at a[p * a_step + i]. bias: one value a column, or null.
template <class T>
void multiply_tile(int64_t rows, int64_t columns, int64_t depth, const T* a, int64_t a_step,
                   bool k_major, Right<T> b, T* c, int64_t c_stride, T alpha, T beta,
                   const T* bias = nullptr) {
  if (rows <= 0 || columns <= 0) return;
  constexpr int64_t W = kLanes<T>;
  const int64_t mr = ceil_div(rows, ceil_div(rows, kGemmRows));
  Epilogue<T> e{};
  e.alpha = alpha;
  e.beta = beta;
  e.c_rs = c_stride;
  e.bias_per_column = true;
  for (int64_t j = 0; j < columns; j += kPanel<T>) {
    const int64_t width = least(kPanel<T>, columns - j), vectors = ceil_div(width, W);
    e.bias = bias ? bias + j : nullptr;
    for (int64_t i = 0; i < rows; i += mr) {
      e.c = c + i * c_stride + j;
      micro_kernel_for<T>(k_major, least(mr, rows - i), vectors)(
          depth, a + (k_major ? i : i * a_step), a_step, b.data + j / kPanel<T> * b.panel, b.step,
          int(width - (vectors - 1) * W), e);
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
