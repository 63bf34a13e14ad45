// dtype dispatch: one switch, hidden in a generic lambda.
//
//   dispatch<Floating>(in.dtype, "softmax", [&]<class T>() { softmax_rows<T>(out, in); });
//
// A dtype outside the set raises NotImplementedError naming the kernel and the dtype.
#pragma once

#include "kernels/kernels.h"

namespace pygrad {

template <DType... Ds>
struct DTypeSet {
  static constexpr uint32_t mask = ((1u << unsigned(Ds)) | ... | 0u);
};
template <class... Sets>
struct Union {
  static constexpr uint32_t mask = (Sets::mask | ...);
};
using Boolean = DTypeSet<DType::Bool>;
using Integers = DTypeSet<DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64>;
using Floating = DTypeSet<DType::Float16, DType::BFloat16, DType::Float32, DType::Float64>;
using ComplexTypes = DTypeSet<DType::Complex64, DType::Complex128>;
using FloatingComplex = Union<Floating, ComplexTypes>;
using Real = Union<Integers, Floating>;
using Numbers = Union<Real, ComplexTypes>;
using RealAndBool = Union<Real, Boolean>;
using AllTypes = Union<Numbers, Boolean>;

#define PG_DISPATCH_CASE(D, T)                              \
  case DType::D:                                            \
    if constexpr ((Set::mask >> unsigned(DType::D)) & 1u) { \
      f.template operator()<T>();                           \
      return;                                               \
    }                                                       \
    break;

template <class Set, class F>
PG_HOST_INLINE void dispatch(DType dtype, const char* kernel, F&& f) {
  switch (dtype) {
    PG_DISPATCH_CASE(Bool, bool)
    PG_DISPATCH_CASE(UInt8, uint8_t)
    PG_DISPATCH_CASE(Int8, int8_t)
    PG_DISPATCH_CASE(Int16, int16_t)
    PG_DISPATCH_CASE(Int32, int32_t)
    PG_DISPATCH_CASE(Int64, int64_t)
    PG_DISPATCH_CASE(Float16, Half)
    PG_DISPATCH_CASE(BFloat16, BFloat16)
    PG_DISPATCH_CASE(Float32, float)
    PG_DISPATCH_CASE(Float64, double)
    PG_DISPATCH_CASE(Complex64, Complex64)
    PG_DISPATCH_CASE(Complex128, Complex128)
  }
  unsupported(kernel, dtype);
}
#undef PG_DISPATCH_CASE

}  // namespace pygrad
