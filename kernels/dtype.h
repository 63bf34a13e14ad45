// Element types: the enum, the C++ type of each, and the 16-bit floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/platform.h"

namespace pygrad {

// The order is the promotion order within a kind; promote.cpp depends on it.
enum class DType : uint8_t {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128,
};
constexpr int kNumDTypes = 12;

// IEEE binary16. Arithmetic is done in float: kernels load, compute and round once.
struct alignas(2) Half {
  uint16_t bits;
  Half() = default;
  PG_HOST_DEVICE explicit Half(float f) : bits(from_float(f)) {}
  PG_HOST_DEVICE operator float() const { return to_float(bits); }

  // Round to nearest even, with gradual underflow.
  PG_HOST_DEVICE static uint16_t from_float(float f) {
    uint32_t x;
    memcpy(&x, &f, 4);
    const uint32_t sign = (x >> 16) & 0x8000u;
    x &= 0x7fffffffu;
    if (x >= 0x7f800000u) return uint16_t(sign | 0x7c00u | (x > 0x7f800000u ? 0x0200u : 0u));
    if (x >= 0x477ff000u) return uint16_t(sign | 0x7c00u);  // rounds to infinity
    if (x < 0x38800000u) {                                  // subnormal half or zero
      if (x < 0x33000000u) return uint16_t(sign);
      const uint32_t shift = 126u - (x >> 23);
      const uint32_t mant = (x & 0x007fffffu) | 0x00800000u;
      uint32_t h = mant >> shift;
      const uint32_t rest = mant & ((1u << shift) - 1u), half = 1u << (shift - 1u);
      if (rest > half || (rest == half && (h & 1u))) ++h;
      return uint16_t(sign | h);
    }
    x += 0xc8000fffu + ((x >> 13) & 1u);  // rebias the exponent by -112 and round
    return uint16_t(sign | (x >> 13));
  }
  PG_HOST_DEVICE static float to_float(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000u) << 16;
    uint32_t exp = (h >> 10) & 0x1fu, mant = h & 0x3ffu, x;
    if (exp == 0x1fu) {
      x = sign | 0x7f800000u | (mant << 13);
    } else if (exp != 0) {
      x = sign | ((exp + 112u) << 23) | (mant << 13);
    } else if (mant == 0) {
      x = sign;
    } else {
      exp = 113u;
      while (!(mant & 0x400u)) {
        mant <<= 1;
        --exp;
      }
      x = sign | (exp << 23) | ((mant & 0x3ffu) << 13);
    }
    float f;
    memcpy(&f, &x, 4);
    return f;
  }
};

// bfloat16: the upper half of a float.
struct alignas(2) BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  PG_HOST_DEVICE explicit BFloat16(float f) : bits(from_float(f)) {}
  PG_HOST_DEVICE operator float() const {
    const uint32_t x = uint32_t(bits) << 16;
    float f;
    memcpy(&f, &x, 4);
    return f;
  }
  PG_HOST_DEVICE static uint16_t from_float(float f) {
    uint32_t x;
    memcpy(&x, &f, 4);
    if ((x & 0x7fffffffu) > 0x7f800000u) return uint16_t((x >> 16) | 0x0040u);
    return uint16_t((x + 0x7fffu + ((x >> 16) & 1u)) >> 16);
  }
};

// A plain complex number usable on host and device; functions live in kernels/math/complex.h.
template <class T>
struct alignas(2 * sizeof(T)) Complex {
  T re, im;
  Complex() = default;
  PG_HOST_DEVICE constexpr Complex(T r, T i = T(0)) : re(r), im(i) {}
  template <class U>
  PG_HOST_DEVICE constexpr explicit Complex(const Complex<U>& o) : re(T(o.re)), im(T(o.im)) {}
};
using Complex64 = Complex<float>;
using Complex128 = Complex<double>;

template <class T>
struct dtype_of;
template <>
struct dtype_of<bool> {
  static constexpr DType value = DType::Bool;
};
template <>
struct dtype_of<uint8_t> {
  static constexpr DType value = DType::UInt8;
};
template <>
struct dtype_of<int8_t> {
  static constexpr DType value = DType::Int8;
};
template <>
struct dtype_of<int16_t> {
  static constexpr DType value = DType::Int16;
};
template <>
struct dtype_of<int32_t> {
  static constexpr DType value = DType::Int32;
};
template <>
struct dtype_of<int64_t> {
  static constexpr DType value = DType::Int64;
};
template <>
struct dtype_of<Half> {
  static constexpr DType value = DType::Float16;
};
template <>
struct dtype_of<BFloat16> {
  static constexpr DType value = DType::BFloat16;
};
template <>
struct dtype_of<float> {
  static constexpr DType value = DType::Float32;
};
template <>
struct dtype_of<double> {
  static constexpr DType value = DType::Float64;
};
template <>
struct dtype_of<Complex64> {
  static constexpr DType value = DType::Complex64;
};
template <>
struct dtype_of<Complex128> {
  static constexpr DType value = DType::Complex128;
};

template <class T>
constexpr bool is_complex_v = false;
template <class T>
constexpr bool is_complex_v<Complex<T>> = true;
template <class T>
constexpr bool is_reduced_v = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
constexpr bool is_real_float_v =
    std::is_same_v<T, float> || std::is_same_v<T, double> || is_reduced_v<T>;

// The type in which a kernel computes with elements of type T: float for the 16-bit floats.
template <class T>
using opmath_t = std::conditional_t<is_reduced_v<T>, float, T>;
// The type in which a sum over elements of type T is accumulated.
template <class T>
using acc_t = std::conditional_t<std::is_integral_v<T>, int64_t, opmath_t<T>>;

PG_HOST_DEVICE constexpr size_t item_size(DType d) {
  constexpr uint8_t sizes[kNumDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return sizes[size_t(d)];
}
PG_HOST_DEVICE constexpr bool is_complex(DType d) { return d >= DType::Complex64; }
PG_HOST_DEVICE constexpr bool is_floating(DType d) {
  return d >= DType::Float16 && d <= DType::Float64;
}
PG_HOST_DEVICE constexpr bool is_integral(DType d, bool include_bool = true) {
  return d <= DType::Int64 && (include_bool || d != DType::Bool);
}
PG_HOST_DEVICE constexpr DType real_dtype(DType d) {
  return d == DType::Complex64 ? DType::Float32 : d == DType::Complex128 ? DType::Float64 : d;
}
PG_HOST_DEVICE constexpr DType complex_dtype(DType d) {
  return d == DType::Float64 || d == DType::Complex128 ? DType::Complex128 : DType::Complex64;
}
PG_HOST_DEVICE constexpr const char* dtype_name(DType d) {
  constexpr const char* names[kNumDTypes] = {"bool",    "uint8",   "int8",      "int16",
                                             "int32",   "int64",   "float16",   "bfloat16",
                                             "float32", "float64", "complex64", "complex128"};
  return names[size_t(d)];
}

}  // namespace pygrad
