// Comparisons and logical ops: two operands of one dtype in, bool out.
//
// Parallel and memory plan: iterate.h's block driver, one loop per op and compute type. A Python
// number is compared in the type computed in, so `x > 0.1` on 16-bit floats uses 0.1 rounded to
// float, and on integers it compares as double.
#include "kernels/cpu/pointwise.h"
#include "kernels/math/binary.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class Op, class T>
constexpr BlockLoop complex_loop() {
  // Complex numbers have no order.
  if constexpr (requires(T a) { a < a; } || std::is_same_v<Op, math::eq_op> ||
                std::is_same_v<Op, math::ne_op> || std::is_same_v<Op, math::logical_and_op> ||
                std::is_same_v<Op, math::logical_or_op> ||
                std::is_same_v<Op, math::logical_xor_op>) {
    return binary_loop<Op, T, bool>;
  } else {
    return nullptr;
  }
}

constexpr LoopSet kLoops[] = {
#define PG_COMPARE(name)                                                                   \
  {binary_loop<math::name##_op, int64_t, bool>, binary_loop<math::name##_op, float, bool>, \
   binary_loop<math::name##_op, double, bool>, complex_loop<math::name##_op, Complex128>()},
    PG_COMPARE_OPS(PG_COMPARE)
#undef PG_COMPARE
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_COMPARE_OPS(PG_NAME)};
#undef PG_NAME

// An integer tensor against a float: every int64 is compared with the double itself, without
// rounding the integer.
struct ThresholdParams {
  CompareOp op;
  double value;
};
void int_against_float(char* const* p, int64_t n, const void* params_) {
  const ThresholdParams& params = *static_cast<const ThresholdParams*>(params_);
  bool* out = as<bool>(p[0]);
  const int64_t* in = as<int64_t>(p[1]);
  const double v = params.value;
  // floor(v) splits the integers: x <= v exactly when x <= floor(v). Beyond int64 (and NaN) the
  // answer is constant.
  const bool below_all = v < -0x1p63, above_all = v >= 0x1p63, nan = v != v;
  const double whole = std::floor(v);
  const int64_t f = below_all || above_all || nan ? 0 : int64_t(whole);
  const bool exact = whole == v && !below_all && !above_all;
  for (int64_t i = 0; i < n; ++i) {
    const bool le = nan ? false : below_all ? false : above_all ? true : in[i] <= f;
    const bool eq = exact && in[i] == f;
    bool r = false;
    switch (params.op) {
      case CompareOp::eq:
        r = eq;
        break;
      case CompareOp::ne:
        r = !eq;
        break;
      case CompareOp::lt:
        r = le && !eq;
        break;
      case CompareOp::le:
        r = le;
        break;
      case CompareOp::gt:
        r = !nan && !le;
        break;
      case CompareOp::ge:
        r = !nan && (!le || eq);
        break;
      case CompareOp::logical_and:
        r = in[i] != 0 && v != 0;
        break;
      case CompareOp::logical_or:
        r = in[i] != 0 || v != 0;
        break;
      case CompareOp::logical_xor:
        r = (in[i] != 0) != (v != 0);
        break;
    }
    out[i] = r;
  }
}

}  // namespace

void compare(CompareOp op, const View& out, const View& a, const View& b) {
  const DType compute = compute_dtype(a.dtype);
  const BlockLoop loop = pick(kLoops[int(op)], compute);
  if (!loop) unsupported(kNames[int(op)], a.dtype);
  const BlockOperand operands[] = {{&out, DType::Bool}, {&a, compute}, {&b, compute}};
  run_blocks(operands, 3, loop, nullptr, 1);
}

void compare_scalar(CompareOp op, const View& out, const View& a, Scalar b) {
  const DType compute = compute_dtype(a.dtype);
  const BlockLoop loop = pick(kLoops[int(op)], compute);
  if (!loop) unsupported(kNames[int(op)], a.dtype);
  if (compute == DType::Int64 && !b.is_integral()) {
    const ThresholdParams params = {op, b.to_double()};
    const BlockOperand operands[] = {{&out, DType::Bool}, {&a, compute}};
    run_blocks(operands, 2, int_against_float, &params, 2);
    return;
  }
  alignas(16) char value[16];
  View scalar = out;
  scalar.data = value;
  scalar.dtype = compute;
  for (int d = 0; d < scalar.ndim; ++d) scalar.strides[d] = 0;
  switch (compute) {
    case DType::Int64:
      *as<int64_t>(value) = b.to<int64_t>();
      break;
    case DType::Float32:
      *as<float>(value) = b.to<float>();
      break;
    case DType::Float64:
      *as<double>(value) = b.to<double>();
      break;
    default:
      *as<Complex128>(value) = b.to<Complex128>();
      break;
  }
  const BlockOperand operands[] = {{&out, DType::Bool}, {&a, compute}, {&scalar, compute}};
  run_blocks(operands, 3, loop, nullptr, 1);
}

}  // namespace pygrad::cpu::PG_ISA_NS
