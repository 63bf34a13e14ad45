// Binary functors of which one operand may be a number.
//
// The number travels inside the functor, in the type computed in (so next to 16-bit floats it keeps
// float precision). Its place in the nest is taken by the other operand with strides 0, of which
// one element is read and ignored: tensor-tensor and tensor-number share a kernel.
#pragma once

#include "kernels/cuda/pointwise.cuh"

namespace pygrad::cuda {

template <class Op, class R, class T, bool Heavy>
struct BinaryWithScalar {
  static constexpr bool kHeavy = Heavy;
  T scalar;
  int place;  // of the number: 0, 1, or -1 when there is none

  __device__ __forceinline__ R operator()(const T (&x)[2]) const {
    return Op::apply(place == 0 ? scalar : x[0], place == 1 ? scalar : x[1]);
  }
};

struct ScalarPlace {
  Scalar value;
  int place = -1;
};

template <class Op, class R, class T, bool Heavy>
void binary_with_scalar(const View& out, const View& a, const View& b, const ScalarPlace& s) {
  View first = a, second = b;
  if (s.place >= 0) {
    View& unused = s.place == 0 ? first : second;
    for (int d = 0; d < unused.ndim; ++d) unused.strides[d] = 0;
  }
  const View* views[] = {&out, &first, &second};
  pointwise<R, T>(views, BinaryWithScalar<Op, R, T, Heavy>{s.value.to<T>(), s.place});
}
using BinaryKernel = void (*)(const View& out, const View& a, const View& b, const ScalarPlace& s);

}  // namespace pygrad::cuda
