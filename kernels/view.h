// View: all that a kernel knows of a tensor. Trivially copyable, passed to CUDA kernels by value.
#pragma once

#include "kernels/dtype.h"
#include "kernels/scalar.h"

namespace pygrad {

constexpr int kMaxDims = 16;

struct View {
  void* data;
  DType dtype;
  int32_t ndim;
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxDims];  // in elements; may be zero (broadcast) or negative (flipped)

  PG_HOST_DEVICE int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < ndim; ++i) n *= sizes[i];
    return n;
  }
  template <class T>
  PG_HOST_DEVICE T* ptr() const {
    return static_cast<T*>(data);
  }
  // Row-major without gaps. Dimensions of size 1 do not matter; an empty view is contiguous.
  PG_HOST_DEVICE bool is_contiguous() const {
    int64_t expected = 1;
    for (int i = ndim - 1; i >= 0; --i) {
      if (sizes[i] == 0) return true;
      if (sizes[i] != 1) {
        if (strides[i] != expected) return false;
        expected *= sizes[i];
      }
    }
    return true;
  }
};

// A list of views by pointer and count: kernel files use no standard containers.
struct ViewList {
  const View* views;
  int64_t count;
  PG_HOST_DEVICE const View& operator[](int64_t i) const { return views[i]; }
};

}  // namespace pygrad
