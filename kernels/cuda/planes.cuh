// Images on the device: (n, c, d, h, w) views of fewer dimensions brought to five.
#pragma once

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {

// Fewer dimensions become five, with leading spatial ones of size 1: (n, c, w) is (n, c, 1, 1, w).
PG_HOST_INLINE View five_dims(const View& v) {
  View r = v;
  const int missing = 5 - v.ndim;
  if (missing <= 0) return r;
  r.ndim = 5;
  for (int d = 0; d < 5; ++d) {
    const int from = d < 2 ? d : d - missing;
    const bool real = d < 2 || from >= 2;
    r.sizes[d] = real ? v.sizes[from] : 1;
    r.strides[d] = real ? v.strides[from] : 0;
  }
  return r;
}
PG_HOST_INLINE int64_t plane_size(const View& v) { return v.sizes[2] * v.sizes[3] * v.sizes[4]; }

// The shape of an image batch, for kernels.
template <class A, class T = AnyType>
struct Images {
  Elements<A, T> elements;
  int64_t size[5], stride[5];
  explicit Images(const View& v) : elements(v) {
    for (int d = 0; d < 5; ++d) {
      size[d] = v.sizes[d];
      stride[d] = v.strides[d];
    }
  }
  __device__ __forceinline__ int64_t count() const {
    return size[0] * size[1] * size[2] * size[3] * size[4];
  }
  // Coordinates of row-major position i.
  __device__ __forceinline__ void coordinates(int64_t i, int64_t (&at)[5]) const {
    for (int d = 4; d > 0; --d) at[d] = divide(i, size[d]);
    at[0] = i;
  }
  __device__ __forceinline__ int64_t offset(const int64_t (&at)[5]) const {
    return at[0] * stride[0] + at[1] * stride[1] + at[2] * stride[2] + at[3] * stride[3] +
           at[4] * stride[4];
  }
};

}  // namespace pygrad::cuda
