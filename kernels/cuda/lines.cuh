// A tensor as lines along one dimension, on the device: the twin of kernels/cpu/lines.h.
//
// The other dimensions are merged where every operand allows it and numbered row-major; `at` gives
// the first element of a line in each operand. Plain data, passed to kernels by value.
#pragma once

#include "kernels/view.h"

namespace pygrad::cuda {

PG_HOST_DEVICE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_DEVICE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_DEVICE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
PG_HOST_DEVICE int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

// Divides in place and returns the remainder; both not negative. A GPU divides 32-bit numbers
// inline; its 64-bit division is a call that costs registers everywhere, so the rare wide case is
// done bit by bit.
PG_HOST_DEVICE int64_t divide(int64_t& a, int64_t b) {
  if (((a | b) >> 32) == 0) {
    const uint32_t q = uint32_t(a) / uint32_t(b), r = uint32_t(a) - q * uint32_t(b);
    a = q;
    return r;
  }
#ifdef __CUDA_ARCH__
  uint64_t q = 0, r = 0;
#pragma unroll 1
  for (int bit = 63 - __clzll(a); bit >= 0; --bit) {
    r = r << 1 | (uint64_t(a) >> bit & 1);
    const bool fits = r >= uint64_t(b);
    r -= fits ? uint64_t(b) : 0;
    q |= uint64_t(fits) << bit;
  }
  a = int64_t(q);
  return int64_t(r);
#else
  const int64_t q = a / b, r = a - q * b;
  a = q;
  return r;
#endif
}

template <int kOperands>
struct Lines {
  int ndim = 0;  // merged dimensions other than the line's own
  int64_t count = 1;
  int64_t sizes[kMaxDims + 1];
  int64_t strides[kOperands][kMaxDims + 1];
  int64_t step[kOperands];  // between the elements of a line

  // Sizes are those of the first view. With dim -1 every element is a line.
  PG_HOST_INLINE Lines(const View* const (&views)[kOperands], int64_t dim) {
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

  PG_HOST_DEVICE void at(int64_t line, int64_t (&offset)[kOperands]) const {
    for (int k = 0; k < kOperands; ++k) offset[k] = 0;
    for (int d = ndim - 1; d > 0; --d) {
      const int64_t i = divide(line, sizes[d]);
      for (int k = 0; k < kOperands; ++k) offset[k] += i * strides[k][d];
    }
    for (int k = 0; k < kOperands; ++k) offset[k] += line * strides[k][0];
  }

  // True where neighbouring lines lie closer together than the elements of one line.
  PG_HOST_INLINE bool prefer_columns(int k) const {
    return sizes[ndim - 1] >= 16 && magnitude(strides[k][ndim - 1]) < magnitude(step[k]);
  }
};

PG_HOST_INLINE int64_t line_size(const View& v, int64_t dim) { return v.ndim ? v.sizes[dim] : 1; }

// A 0-d view as one of one element.
PG_HOST_INLINE View at_least_1d(View v) {
  if (v.ndim == 0) {
    v.ndim = 1;
    v.sizes[0] = v.strides[0] = 1;
  }
  return v;
}

}  // namespace pygrad::cuda
