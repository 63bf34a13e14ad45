// The micro-kernel: one register tile of C, MR rows by NV vectors, over a stretch of the depth.
//
// Every entry of C is one chain of fused multiply-adds in the order of k, then the epilogue;
// neither MR, NV nor the place in the tile changes its bits, so the engine may cut M and N as it
// likes.
#pragma once

#include "kernels/cpu/gemm_vector.h"

namespace pygrad::cpu::PG_ISA_NS {

// What becomes of the accumulators: c = relu(alpha * acc + beta * c + bias).
template <class T>
struct Epilogue {
  T* c;
  int64_t c_rs;          // columns are contiguous
  T alpha, beta;         // beta == 0: c is not read
  const T* bias;         // of the tile's first element, or null
  int64_t bias_rs;       // 0 or the stride along rows
  bool bias_per_column;  // contiguous along columns, else one value per row
  bool relu;
};

template <class T>
using MicroKernel = void (*)(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step,
                             int tail, const Epilogue<T>& e);

// The micro-kernel for 1..kGemmRows rows and 1 or 2 vectors of columns (gemm_micro.cpp).
// A is read at a[p * a_step + i] when k_major (a packed panel, or a matrix with contiguous
// columns), else at a[i * a_step + p]. B row p is b + p * b_step. `tail` lanes of the last vector
// are columns of C; the others are readable in B unless masks are cheap.
template <class T>
MicroKernel<T> micro_kernel_for(bool k_major, int64_t rows, int64_t vectors);
template <>
MicroKernel<float> micro_kernel_for<float>(bool k_major, int64_t rows, int64_t vectors);
template <>
MicroKernel<double> micro_kernel_for<double>(bool k_major, int64_t rows, int64_t vectors);

}  // namespace pygrad::cpu::PG_ISA_NS
