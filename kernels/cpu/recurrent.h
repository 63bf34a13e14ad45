// What the two passes of a recurrent layer share: the order of the steps, and products with a
// weight that is packed once for all of them.
#pragma once

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/runs.h"
#include "kernels/cpu/tile.h"
#include "kernels/cpu/vec_erf.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t gates_of(RecurrentMode mode) {
  return mode == RecurrentMode::lstm ? 4 : mode == RecurrentMode::gru ? 3 : 1;
}

// The steps in the order in which they run forward: step(0) first. size(i) is 0 outside.
struct StepOrder {
  const RecurrentArgs& a;
  PG_HOST_INLINE int64_t step(int64_t i) const { return a.reverse ? a.steps - 1 - i : i; }
  PG_HOST_INLINE int64_t size(int64_t i) const {
    return i < 0 || i >= a.steps ? 0 : a.sizes[step(i)];
  }
  // Sequence 0's row of a matrix with `columns` columns.
  template <class T>
  PG_HOST_INLINE T* row(T* matrix, int64_t columns, int64_t i) const {
    return matrix + a.starts[step(i)] * columns;
  }
};

// Packing costs about as much as four rows of product; and a single row streams the weight once
// whatever its layout, which the matrix-vector route of gemm() does best.
PG_HOST_INLINE bool packing_pays(const RecurrentArgs& a) {
  int64_t rows = 0;
  for (int64_t i = 0; i < a.steps; ++i) rows += a.sizes[i];
  return a.batch > 1 && a.steps > 1 && rows >= 8;
}

// The right operand of the steps' products: `depth` rows and `groups` times `columns` columns (the
// gates), element (p, j) at data[p * depth_stride + j * column_stride]; in panels when `packed`, a
// group beginning with a panel of its own.
template <class T>
struct StepWeight {
  const T* data;
  int64_t depth, columns, depth_stride, column_stride;
  bool packed;
  ScratchBuffer<T> panels;

  StepWeight(const void* weight, int64_t k, int64_t groups, int64_t n, int64_t k_stride,
             int64_t n_stride, bool pack)
      : data(static_cast<const T*>(weight)),
        depth(k),
        columns(n),
        depth_stride(k_stride),
        column_stride(n_stride),
        packed(pack && weight != nullptr),
        panels(packed ? groups * padded<T>(n) * k : 0) {
    if (!packed) return;
    const int64_t in_group = padded<T>(n) / kPanel<T>;
    parallel_for(groups * in_group, most(1, kGrain / most(1, kPanel<T> * k)),
                 [&](int64_t begin, int64_t end) {
                   const Lines<T> lines{data, column_stride, depth_stride};
                   for (int64_t panel = begin; panel < end; ++panel) {
                     const int64_t j = panel % in_group * kPanel<T>;
                     pack_lines<T, T>(&lines, panels.data + panel * kPanel<T> * depth,
                                      panel / in_group * columns + j, least(kPanel<T>, columns - j),
                                      kPanel<T>, 0, depth);
                   }
                 });
  }

  // c = a b + beta c + bias for columns [j, j + n) of a group, over depth [p, p + k). Packed:
  // within one panel, on this thread; else by gemm(), and n may go on into the groups that follow.
  void multiply(int64_t rows, const T* a, int64_t a_stride, int64_t p, int64_t k, int64_t group,
                int64_t j, int64_t n, T* c, int64_t c_stride, T beta, const T* bias) const {
    if (rows <= 0 || n <= 0) return;
    if (packed) {
      const T* panel = panels.data + (group * padded<T>(columns) + j) * depth + p * kPanel<T>;
      multiply_tile(rows, n, k, a, a_stride, false, Right<T>{panel, 0, kPanel<T>}, c, c_stride,
                    T(1), beta, bias);
      return;
    }
    GemmArgs g{};
    g.dtype = dtype_of<T>::value;
    g.batch = 1, g.m = rows, g.n = n, g.k = k;
    g.a = a, g.a_rs = a_stride, g.a_cs = 1;
    g.b = data + p * depth_stride + (group * columns + j) * column_stride;
    g.b_rs = depth_stride, g.b_cs = column_stride;
    g.c = c, g.c_rs = c_stride, g.c_cs = 1;
    g.beta = double(beta);
    g.bias = bias;
    gemm(g);
  }
};

// f(first, count) for the panels of `units` columns: in parallel when the weight is packed, else
// once for all of them, since gemm() cuts its work itself. macs: of one column.
template <class T, class F>
PG_HOST_INLINE void for_units(int64_t units, bool packed, int64_t macs, F&& f) {
  if (!packed) {
    f(int64_t(0), units);
    return;
  }
  parallel_for(ceil_div(units, kPanel<T>), ceil_div(kSerialMacs, most(1, kPanel<T> * macs)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t u = begin * kPanel<T>; u < least(units, end * kPanel<T>);
                      u += kPanel<T>)
                   f(u, least(kPanel<T>, units - u));
               });
}

// f(b) for every sequence of a step; f works on n units.
template <class F>
PG_HOST_INLINE void for_sequences(int64_t size, int64_t n, F&& f) {
  constexpr int64_t kCost = 16;
  parallel_for(size, most(1, kGrain / (kCost * n)), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) f(b);
  });
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
