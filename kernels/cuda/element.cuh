// Elements of a View in the type a kernel computes in.
//
// `Elements<A, T>` reads and writes storage type T as A. With T = AnyType the dtype is looked up at
// run time, by a switch that all threads take alike: one instance then serves many dtypes, for
// kernels and operands where arithmetic or memory traffic is not the limit.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/cuda/common.cuh"
#include "kernels/view.h"

namespace pygrad::cuda {

struct AnyType {};

// The type in which order-based kernels compare elements of type T.
template <class T>
using order_t = std::conditional_t<std::is_integral_v<T>, int64_t, opmath_t<T>>;

template <class A, class T>
__device__ __forceinline__ A load_as(const void* data, int64_t i) {
  return A(upcast(static_cast<const T*>(data)[i]));
}
template <class A, class T>
__device__ __forceinline__ void store_as(void* data, int64_t i, A x) {
  T& to = static_cast<T*>(data)[i];
  if constexpr (std::is_same_v<T, bool>)
    to = x != A(0);
  else if constexpr (is_reduced_v<T>)
    to = downcast<T>(float(x));
  else
    to = T(x);
}

template <class A>
__device__ __forceinline__ A load_any(const void* data, DType dtype, int64_t i) {
  if constexpr (is_complex_v<A>) {
    return dtype == DType::Complex64 ? load_as<A, Complex64>(data, i)
                                     : load_as<A, Complex128>(data, i);
  } else if constexpr (std::is_integral_v<A>) {
    switch (dtype) {
      case DType::Bool:
        return A(load_as<A, bool>(data, i));
      case DType::UInt8:
        return load_as<A, uint8_t>(data, i);
      case DType::Int8:
        return load_as<A, int8_t>(data, i);
      case DType::Int16:
        return load_as<A, int16_t>(data, i);
      case DType::Int32:
        return load_as<A, int32_t>(data, i);
      default:
        return load_as<A, int64_t>(data, i);
    }
  } else {
    switch (dtype) {
      case DType::Float16:
        return load_as<A, Half>(data, i);
      case DType::BFloat16:
        return load_as<A, BFloat16>(data, i);
      case DType::Float32:
        return load_as<A, float>(data, i);
      default:
        return load_as<A, double>(data, i);
    }
  }
}

template <class A>
__device__ __forceinline__ void store_any(void* data, DType dtype, int64_t i, A x) {
  if constexpr (is_complex_v<A>) {
    if (dtype == DType::Complex64)
      store_as<A, Complex64>(data, i, x);
    else
      store_as<A, Complex128>(data, i, x);
  } else if constexpr (std::is_integral_v<A>) {
    switch (dtype) {
      case DType::Bool:
        return store_as<A, bool>(data, i, x);
      case DType::UInt8:
        return store_as<A, uint8_t>(data, i, x);
      case DType::Int8:
        return store_as<A, int8_t>(data, i, x);
      case DType::Int16:
        return store_as<A, int16_t>(data, i, x);
      case DType::Int32:
        return store_as<A, int32_t>(data, i, x);
      default:
        return store_as<A, int64_t>(data, i, x);
    }
  } else {
    switch (dtype) {
      case DType::Float16:
        return store_as<A, Half>(data, i, x);
      case DType::BFloat16:
        return store_as<A, BFloat16>(data, i, x);
      case DType::Float32:
        return store_as<A, float>(data, i, x);
      default:
        return store_as<A, double>(data, i, x);
    }
  }
}

template <class A, class T = AnyType>
struct Elements {
  void* data;
  DType dtype;
  Elements() = default;
  PG_HOST_INLINE Elements(const View& v) : data(v.data), dtype(v.dtype) {}
  // An absent operand; `present` is then false.
  PG_HOST_INLINE Elements(const View* v) : data(v ? v->data : nullptr), dtype(DType::Float32) {
    if (v) dtype = v->dtype;
  }
  __device__ __forceinline__ bool present() const { return data != nullptr; }
  __device__ __forceinline__ A operator[](int64_t i) const {
    if constexpr (std::is_same_v<T, AnyType>)
      return load_any<A>(data, dtype, i);
    else
      return load_as<A, T>(data, i);
  }
  __device__ __forceinline__ void set(int64_t i, A x) const {
    if constexpr (std::is_same_v<T, AnyType>)
      store_any<A>(data, dtype, i, x);
    else
      store_as<A, T>(data, i, x);
  }
};

// The stride of an optional one-dimensional operand.
PG_HOST_INLINE int64_t stride_of(const View* v) { return v && v->ndim > 0 ? v->strides[0] : 0; }

template <class T>
PG_HOST_DEVICE bool is_nonzero(T x) {
  if constexpr (is_complex_v<T>)
    return (x.re != 0) | (x.im != 0);
  else if constexpr (is_reduced_v<T>)
    return (x.bits & 0x7fffu) != 0;
  else
    return x != T(0);
}
// NaN is not zero.
__device__ __forceinline__ bool nonzero_at(const void* data, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::Bool:
    case DType::UInt8:
    case DType::Int8:
      return static_cast<const uint8_t*>(data)[i] != 0;
    case DType::Int16:
      return static_cast<const int16_t*>(data)[i] != 0;
    case DType::Int32:
      return static_cast<const int32_t*>(data)[i] != 0;
    case DType::Int64:
      return static_cast<const int64_t*>(data)[i] != 0;
    case DType::Float16:
      return is_nonzero(static_cast<const Half*>(data)[i]);
    case DType::BFloat16:
      return is_nonzero(static_cast<const BFloat16*>(data)[i]);
    case DType::Float32:
      return static_cast<const float*>(data)[i] != 0;
    case DType::Float64:
      return static_cast<const double*>(data)[i] != 0;
    case DType::Complex64:
      return is_nonzero(static_cast<const Complex64*>(data)[i]);
    default:
      return is_nonzero(static_cast<const Complex128*>(data)[i]);
  }
}

// Arithmetic that wraps for integers.
template <class A>
PG_HOST_DEVICE A add_values(A a, A b) {
  if constexpr (std::is_integral_v<A>)
    return A(uint64_t(a) + uint64_t(b));
  else
    return a + b;
}
template <class A>
PG_HOST_DEVICE A multiply_values(A a, A b) {
  if constexpr (std::is_integral_v<A>)
    return A(uint64_t(a) * uint64_t(b));
  else
    return a * b;
}

}  // namespace pygrad::cuda
