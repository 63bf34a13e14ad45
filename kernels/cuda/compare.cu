// Comparisons and logical ops: two operands of one dtype, or one and a number, in; bool out. One
// kernel per op and compute type on iterate.cuh's driver.
//
// A number is compared in the type computed in, so `x > 0.1` on 16-bit floats uses 0.1 rounded to
// float; an integer tensor is compared with the double itself, without rounding the integer.
#include "kernels/cuda/with_scalar.cuh"
#include "kernels/math/binary.h"

namespace pygrad::cuda {
namespace {

template <class Op, class T>
constexpr BinaryKernel run = binary_with_scalar<Op, bool, T, false>;

template <class Op>
constexpr BinaryKernel complex_kernel() {
  // Complex numbers have no order.
  if constexpr (std::is_same_v<Op, math::eq_op> || std::is_same_v<Op, math::ne_op> ||
                std::is_same_v<Op, math::logical_and_op> ||
                std::is_same_v<Op, math::logical_or_op> ||
                std::is_same_v<Op, math::logical_xor_op>) {
    return binary_with_scalar<Op, bool, Complex128, true>;
  } else {
    return nullptr;
  }
}

constexpr ComputeSet<BinaryKernel> kKernels[] = {
#define PG_COMPARE(name)                                                                     \
  {run<math::name##_op, int64_t>, run<math::name##_op, float>, run<math::name##_op, double>, \
   complex_kernel<math::name##_op>()},
    PG_COMPARE_OPS(PG_COMPARE)
#undef PG_COMPARE
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_COMPARE_OPS(PG_NAME)};
#undef PG_NAME

// floor(v) splits the integers: x <= v exactly when x <= floor(v). Beyond int64 (and for NaN) the
// answer is the same for all.
struct IntAgainstFloat {
  static constexpr bool kHeavy = false;
  CompareOp op;
  bool below_all, above_all, nan, whole, zero;
  int64_t floor;

  IntAgainstFloat(CompareOp o, double v)
      : op(o),
        below_all(v < -0x1p63),
        above_all(v >= 0x1p63),
        nan(v != v),
        whole(!below_all && !above_all && std::floor(v) == v),
        zero(v == 0),
        floor(below_all || above_all || nan ? 0 : int64_t(std::floor(v))) {}

  __device__ __forceinline__ bool operator()(const int64_t (&x)[1]) const {
    const bool le = !nan && !below_all && (above_all || x[0] <= floor);
    const bool eq = whole && x[0] == floor;
    switch (op) {
      case CompareOp::eq:
        return eq;
      case CompareOp::ne:
        return !eq;
      case CompareOp::lt:
        return le && !eq;
      case CompareOp::le:
        return le;
      case CompareOp::gt:
        return !nan && !le;
      case CompareOp::ge:
        return !nan && (!le || eq);
      case CompareOp::logical_and:
        return x[0] != 0 && !zero;
      case CompareOp::logical_or:
        return x[0] != 0 || !zero;
      case CompareOp::logical_xor:
        return (x[0] != 0) != !zero;
    }
    return false;
  }
};

BinaryKernel choose(CompareOp op, DType dtype) {
  const BinaryKernel kernel = kKernels[int(op)].pick(dtype);
  if (!kernel) unsupported(kNames[int(op)], dtype);
  return kernel;
}

}  // namespace

void compare(CompareOp op, const View& out, const View& a, const View& b) {
  choose(op, a.dtype)(out, a, b, {});
}

void compare_scalar(CompareOp op, const View& out, const View& a, Scalar b) {
  const BinaryKernel kernel = choose(op, a.dtype);
  if (is_integral(a.dtype) && !b.is_integral()) {
    const View* views[] = {&out, &a};
    pointwise<bool, int64_t>(views, IntAgainstFloat(op, b.to_double()));
    return;
  }
  kernel(out, a, a, {b, 1});
}

}  // namespace pygrad::cuda
