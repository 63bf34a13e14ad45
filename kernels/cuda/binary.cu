// Binary ops between tensors, and between a tensor and a Python number (with_scalar.cuh): one
// kernel per op and compute type on iterate.cuh's driver.
#include "kernels/cuda/with_scalar.cuh"
#include "kernels/math/binary.h"

namespace pygrad::cuda {
namespace {

template <class Op>
constexpr bool is_arithmetic =
    std::is_same_v<Op, math::add_op> || std::is_same_v<Op, math::sub_op> ||
    std::is_same_v<Op, math::mul_op> || std::is_same_v<Op, math::maximum_op> ||
    std::is_same_v<Op, math::minimum_op> || std::is_same_v<Op, math::bitwise_and_op> ||
    std::is_same_v<Op, math::bitwise_or_op> || std::is_same_v<Op, math::bitwise_xor_op>;
template <class Op, class T>
constexpr bool is_heavy =
    is_complex_v<T> ||
    !(is_arithmetic<Op> || (std::is_same_v<Op, math::div_op> && std::is_floating_point_v<T>));

template <class Op, class T>
constexpr BinaryKernel run = binary_with_scalar<Op, T, T, is_heavy<Op, T>>;

constexpr ComputeSet<BinaryKernel> kKernels[] = {
#define PG_ARITH(name)                                                                       \
  {run<math::name##_op, int64_t>, run<math::name##_op, float>, run<math::name##_op, double>, \
   run<math::name##_op, Complex128>},
#define PG_FLOAT_COMPLEX(name)                                         \
  {nullptr, run<math::name##_op, float>, run<math::name##_op, double>, \
   run<math::name##_op, Complex128>},
#define PG_REAL(name)                                                                        \
  {run<math::name##_op, int64_t>, run<math::name##_op, float>, run<math::name##_op, double>, \
   nullptr},
#define PG_FLOAT(name) \
  {nullptr, run<math::name##_op, float>, run<math::name##_op, double>, nullptr},
#define PG_INT(name) {run<math::name##_op, int64_t>, nullptr, nullptr, nullptr},
    PG_BINARY_ARITH_OPS(PG_ARITH) PG_BINARY_FLOAT_COMPLEX_OPS(PG_FLOAT_COMPLEX)
        PG_BINARY_REAL_OPS(PG_REAL) PG_BINARY_FLOAT_OPS(PG_FLOAT) PG_BINARY_INT_OPS(PG_INT)};
#undef PG_ARITH
#undef PG_FLOAT_COMPLEX
#undef PG_REAL
#undef PG_FLOAT
#undef PG_INT
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_BINARY_OPS(PG_NAME)};
#undef PG_NAME

void run_op(BinaryOp op, const View& out, const View& a, const View& b, const ScalarPlace& s) {
  BinaryKernel kernel = kKernels[int(op)].pick(a.dtype);
  if (op == BinaryOp::pow && is_integral(a.dtype)) kernel = run<math::pow_op, int64_t>;
  // The neighbour of a 16-bit number is not the neighbour of the float it is computed in.
  if (op == BinaryOp::nextafter && item_size(a.dtype) == 2) kernel = nullptr;
  if (!kernel) unsupported(kNames[int(op)], a.dtype);
  kernel(out, a, b, s);
}

// a^2, a^3, a^-1 and the like without the general power function; the exponent is the same for all
// elements, so the branch costs little.
template <class T>
struct SmallPower {
  static constexpr bool kHeavy = false;
  int exponent;  // -2, -1, 0, 1, 2 or 3

  __device__ __forceinline__ T operator()(const T (&x)[1]) const {
    const T v = x[0];
    switch (exponent) {
      case -2:
        return T(1) / (v * v);
      case -1:
        return T(1) / v;
      case 0:
        return T(1);
      case 1:
        return v;
      case 2:
        return v * v;
      default:
        return v * v * v;
    }
  }
};

}  // namespace

void binary(BinaryOp op, const View& out, const View& a, const View& b) {
  run_op(op, out, a, b, {});
}

void binary_scalar(BinaryOp op, const View& out, const View& a, Scalar b, bool scalar_first) {
  if (op == BinaryOp::pow && !scalar_first && !b.is_complex() && is_floating(a.dtype)) {
    const double exponent = b.to_double();
    if (exponent >= -2 && exponent <= 3 && exponent == std::floor(exponent)) {
      const View* views[] = {&out, &a};
      if (a.dtype == DType::Float64) {
        pointwise<double, double>(views, SmallPower<double>{int(exponent)});
      } else {
        pointwise<float, float>(views, SmallPower<float>{int(exponent)});
      }
      return;
    }
  }
  run_op(op, out, a, a, {b, scalar_first ? 0 : 1});
}

}  // namespace pygrad::cuda
