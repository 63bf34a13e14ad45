// A tensor as lines along one dimension, for kernels that work along it: scans, sorts, arg-
// reductions, scatters.
//
// The other dimensions are merged where every operand allows it and numbered row-major; `at` gives
// the first element of a line in each operand. A 0-d operand is one line of one element.
#pragma once

#include "kernels/view.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <int kOperands>
struct Lines {
  int ndim = 0;  // merged dimensions other than the line's own
  int64_t count = 1;
  int64_t sizes[kMaxDims + 1];
  int64_t strides[kOperands][kMaxDims + 1];
  int64_t step[kOperands];  // between the elements of a line

  // Sizes are those of the first view. With dim -1 all dimensions are merged and every element is a
  // line.
  Lines(const View* const (&views)[kOperands], int64_t dim) {
    const View& first = *views[0];
    for (int k = 0; k < kOperands; ++k) {
      step[k] = views[k]->ndim && dim >= 0 ? views[k]->strides[dim] : 1;
    }
    for (int d = 0; d < first.ndim; ++d) {
      if (d == dim || first.sizes[d] == 1) continue;
      count *= first.sizes[d];
      bool touch = ndim > 0;
      for (int k = 0; k < kOperands && touch; ++k) {
        touch = strides[k][ndim - 1] == first.sizes[d] * views[k]->strides[d];
      }
      const int to = touch ? ndim - 1 : ndim++;
      sizes[to] = (touch ? sizes[to] : 1) * first.sizes[d];
      for (int k = 0; k < kOperands; ++k) strides[k][to] = views[k]->strides[d];
    }
    if (ndim == 0) {
      ndim = 1;
      sizes[0] = 1;
      for (auto& s : strides) s[0] = 0;
    }
  }

  void at(int64_t line, int64_t (&offset)[kOperands]) const {
    for (auto& o : offset) o = 0;
    for (int d = ndim - 1; d >= 0; --d) {
      const int64_t i = d > 0 ? line % sizes[d] : line;
      if (d > 0) line /= sizes[d];
      for (int k = 0; k < kOperands; ++k) offset[k] += i * strides[k][d];
    }
  }

  // The innermost merged dimension: neighbouring lines, `strides[k][ndim - 1]` apart.
  int64_t inner_size() const { return sizes[ndim - 1]; }
  int64_t inner_stride(int k) const { return strides[k][ndim - 1]; }

  // True where operand k holds the lines one behind the other, each n packed elements.
  bool packed(int k, int64_t n) const { return ndim == 1 && step[k] == 1 && strides[k][0] == n; }

  // True where neighbouring lines lie closer together than the elements of one line.
  bool prefer_columns(int k) const {
    const int64_t s = inner_stride(k) < 0 ? -inner_stride(k) : inner_stride(k);
    return inner_size() >= 16 && s < (step[k] < 0 ? -step[k] : step[k]);
  }
};

[[maybe_unused]] int64_t line_size(const View& v, int64_t dim) { return v.ndim ? v.sizes[dim] : 1; }

// Elements [begin, end), row-major, of views with the sizes of the first: f(offsets, n) for each
// run of n elements along the innermost merged dimension, in which operand k advances by
// inner_stride(k).
template <int kOperands, class F>
PG_HOST_INLINE void for_runs(const Lines<kOperands>& all, int64_t begin, int64_t end, F&& f) {
  if (begin >= end) return;
  const int inner = all.ndim - 1;
  int64_t index[kMaxDims + 1], offset[kOperands];
  all.at(begin, offset);
  for (int64_t d = inner, rest = begin; d >= 0; --d) {
    index[d] = d > 0 ? rest % all.sizes[d] : rest;
    if (d > 0) rest /= all.sizes[d];
  }
  while (true) {
    const int64_t left = all.sizes[inner] - index[inner],
                  n = left < end - begin ? left : end - begin;
    f(offset, n);
    begin += n;
    if (begin >= end) return;
    for (int k = 0; k < kOperands; ++k) offset[k] -= index[inner] * all.strides[k][inner];
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {
      for (int k = 0; k < kOperands; ++k) offset[k] += all.strides[k][d];
      if (++index[d] < all.sizes[d]) break;
      index[d] = 0;
      for (int k = 0; k < kOperands; ++k) offset[k] -= all.sizes[d] * all.strides[k][d];
    }
  }
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
