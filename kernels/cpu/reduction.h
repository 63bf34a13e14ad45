// The geometry of a reduction over any set of dimensions: what is kept, what is reduced, and in
// which order to walk it.
//
// Dimensions of size 1 vanish, reduced ones are flipped to positive strides, both groups are sorted
// by stride and merged where they touch. What remains is walked in one of two ways:
//   rows     each output folds its own elements, the innermost reduced dimension contiguous if
//            any is;
//   columns  neighbouring outputs are folded together, a row of elements at a time, when they
//            are closer in memory than the elements of one output, or when those are few.
// No layout needs a transposing copy. Segments cut an output's reduced elements by shape alone.
#pragma once

#include "kernels/view.h"

namespace pygrad::cpu::PG_ISA_NS {

struct Reduction {
  int kept, reduced;  // at least 1 each; the last is the innermost
  int64_t kept_size[kMaxDims + 1], kept_in[kMaxDims + 1], kept_out[2][kMaxDims + 1];
  int64_t reduced_size[kMaxDims + 1], reduced_in[kMaxDims + 1];
  int64_t offset;   // of the first element, in elements of the input
  int64_t outputs;  // product of the kept sizes
  int64_t count;    // product of the reduced sizes
  bool columns;

  // Innermost sizes and strides.
  PG_HOST_INLINE int64_t row_size() const { return reduced_size[reduced - 1]; }
  PG_HOST_INLINE int64_t row_stride() const { return reduced_in[reduced - 1]; }
  PG_HOST_INLINE int64_t line_size() const { return kept_size[kept - 1]; }
  PG_HOST_INLINE int64_t line_stride() const { return kept_in[kept - 1]; }
};

// Internal linkage instead of forced inlining: the divisions are many instructions and called from
// many places.
namespace {

// Offset of the reduced element `index` of an output relative to the output's first element.
[[maybe_unused]] int64_t reduced_offset(const Reduction& r, int64_t index) {
  int64_t at = 0;
  for (int d = r.reduced - 1; d > 0; --d) {
    at += index % r.reduced_size[d] * r.reduced_in[d];
    index /= r.reduced_size[d];
  }
  return at + index * r.reduced_in[0];
}

struct Offsets {
  int64_t in, out, out2;
};
// Of output `index`, row-major over the kept dimensions.
[[maybe_unused]] Offsets kept_offset(const Reduction& r, int64_t index) {
  Offsets at{r.offset, 0, 0};
  for (int d = r.kept - 1; d >= 0; --d) {
    const int64_t i = d > 0 ? index % r.kept_size[d] : index;
    if (d > 0) index /= r.kept_size[d];
    at.in += i * r.kept_in[d];
    at.out += i * r.kept_out[0][d];
    at.out2 += i * r.kept_out[1][d];
  }
  return at;
}

PG_HOST_INLINE int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

// Sorts by decreasing stride, then merges dimension d + 1 into d where every stride list says they
// touch.
template <int kLists>
PG_HOST_INLINE int sort_and_merge(int n, int64_t* size, int64_t* const (&strides)[kLists]) {
  const auto swap = [](int64_t& a, int64_t& b) {
    const int64_t t = a;
    a = b;
    b = t;
  };
  for (int i = 1; i < n; ++i) {
    for (int j = i; j > 0 && magnitude(strides[0][j]) > magnitude(strides[0][j - 1]); --j) {
      swap(size[j], size[j - 1]);
      for (auto* s : strides) swap(s[j], s[j - 1]);
    }
  }
  int last = 0;
  for (int i = 1; i < n; ++i) {
    bool touch = true;
    for (auto* s : strides) touch = touch && s[last] == size[i] * s[i];
    if (touch) {
      size[last] *= size[i];
      for (auto* s : strides) s[last] = s[i];
    } else {
      ++last;
      size[last] = size[i];
      for (auto* s : strides) s[last] = s[i];
    }
  }
  if (n == 0) {
    size[0] = 1;
    for (auto* s : strides) s[0] = 1;
  }
  return last + 1;
}
// `out2` has the sizes of `out`; pass `out` again when there is only one output.
[[maybe_unused]] Reduction plan_reduction(const View& out, const View& out2, const View& in) {
  Reduction r;
  r.kept = r.reduced = 0;
  r.offset = 0;
  r.outputs = r.count = 1;
  for (int d = 0; d < in.ndim; ++d) {
    const int64_t size = in.sizes[d], stride = in.strides[d];
    if (size == 1) continue;
    if (out.sizes[d] == 1) {
      r.count *= size;
      r.offset += stride < 0 && size > 0 ? stride * (size - 1) : 0;
      r.reduced_size[r.reduced] = size;
      r.reduced_in[r.reduced++] = magnitude(stride);
    } else {
      r.outputs *= size;
      r.kept_size[r.kept] = size;
      r.kept_in[r.kept] = stride;
      r.kept_out[0][r.kept] = out.strides[d];
      r.kept_out[1][r.kept++] = out2.strides[d];
    }
  }
  r.reduced = sort_and_merge<1>(r.reduced, r.reduced_size, {r.reduced_in});
  r.kept = sort_and_merge<3>(r.kept, r.kept_size, {r.kept_in, r.kept_out[0], r.kept_out[1]});
  const int64_t line = r.line_size(), row = r.row_size();
  r.columns = row < 16 ? line > row : line >= 16 && magnitude(r.line_stride()) < r.row_stride();
  return r;
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
