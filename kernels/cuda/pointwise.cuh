// A family's kernels by compute type, and the words by which elements are moved.
#pragma once

#include "kernels/cuda/iterate.cuh"

namespace pygrad::cuda {

// Null where the op is not defined for the type.
template <class Function>
struct ComputeSet {
  Function int64, float32, float64, complex128;

  Function pick(DType dtype) const {
    switch (compute_dtype(dtype)) {
      case DType::Int64:
        return int64;
      case DType::Float32:
        return float32;
      case DType::Float64:
        return float64;
      default:
        return complex128;
    }
  }
};

// Calls f.operator()<Word>() for a type as large as an element: for kernels that only move them.
template <class F>
void dispatch_words(DType dtype, F&& f) {
  switch (item_size(dtype)) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    case 8:
      return f.template operator()<uint64_t>();
    default:
      return f.template operator()<Complex128>();
  }
}

}  // namespace pygrad::cuda
