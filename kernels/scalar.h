// A Python number on its way into a kernel: bool, int, float or complex, without a tensor round it.
#pragma once

#include "kernels/dtype.h"

namespace pygrad {

struct Scalar {
  // A whole word: a processor stalls where a copy reads at once what was written in pieces.
  enum class Kind : uint64_t { Bool, Int, Float, Complex };
  Kind kind = Kind::Int;
  union {
    int64_t i = 0;  // Bool and Int
    double d;       // Float, and the real part of Complex
  };
  double im = 0;

  PG_HOST_DEVICE constexpr Scalar() {}
  PG_HOST_DEVICE constexpr Scalar(bool v) : kind(Kind::Bool), i(v) {}
  PG_HOST_DEVICE constexpr Scalar(int v) : kind(Kind::Int), i(v) {}
  PG_HOST_DEVICE constexpr Scalar(int64_t v) : kind(Kind::Int), i(v) {}
  PG_HOST_DEVICE constexpr Scalar(double v) : kind(Kind::Float), d(v) {}
  PG_HOST_DEVICE constexpr Scalar(Complex128 v) : kind(Kind::Complex), d(v.re), im(v.im) {}

  PG_HOST_DEVICE constexpr bool is_integral() const { return kind <= Kind::Int; }
  PG_HOST_DEVICE constexpr bool is_complex() const { return kind == Kind::Complex; }
  // The default tensor type of such a number, before the default dtype is applied.
  PG_HOST_DEVICE constexpr DType dtype() const {
    return kind == Kind::Bool    ? DType::Bool
           : kind == Kind::Int   ? DType::Int64
           : kind == Kind::Float ? DType::Float64
                                 : DType::Complex128;
  }
  // Convert as a C++ cast does; the imaginary part is dropped for real targets.
  template <class T>
  PG_HOST_DEVICE T to() const {
    if constexpr (is_complex_v<T>) {
      using R = decltype(T::re);
      return is_integral() ? T(R(i), R(0)) : T(R(d), R(im));
    } else if constexpr (std::is_same_v<T, bool>) {
      return is_integral() ? i != 0 : (d != 0 || im != 0);
    } else if constexpr (is_reduced_v<T>) {
      return T(is_integral() ? float(i) : float(d));
    } else {
      return is_integral() ? T(i) : T(d);
    }
  }
  PG_HOST_DEVICE double to_double() const { return to<double>(); }
  PG_HOST_DEVICE int64_t to_int() const { return to<int64_t>(); }
};

}  // namespace pygrad
