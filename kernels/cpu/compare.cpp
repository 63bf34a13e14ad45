// Comparisons and logical ops: two operands of one dtype in, bool out.
//
// Parallel and memory plan: the block driver of blocks.h, one loop per op and compute type. A
// Python number is compared in the type computed in, so `x > 0.1` on 16-bit floats uses 0.1 rounded
// to float, and on integers it compares as double.
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

struct CompareLoops {
  LoopSet wide;
  BlockLoop uint8, int8, int16, int32;  // bools are bytes
};
constexpr CompareLoops kLoops[] = {
#define PG_COMPARE(name)                                                                      \
  {{binary_loop<math::name##_op, int64_t, bool>, binary_loop<math::name##_op, float, bool>,   \
    binary_loop<math::name##_op, double, bool>, complex_loop<math::name##_op, Complex128>()}, \
   binary_loop<math::name##_op, uint8_t, bool>,                                               \
   binary_loop<math::name##_op, int8_t, bool>,                                                \
   binary_loop<math::name##_op, int16_t, bool>,                                               \
   binary_loop<math::name##_op, int32_t, bool>},
    PG_COMPARE_OPS(PG_COMPARE)
#undef PG_COMPARE
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_COMPARE_OPS(PG_NAME)};
#undef PG_NAME

// The loop for a dtype, and the type it computes in.
struct Choice {
  BlockLoop loop;
  DType compute;
};
Choice choose(CompareOp op, DType dtype) {
  const CompareLoops& loops = kLoops[int(op)];
  switch (dtype) {
    case DType::Bool:
    case DType::UInt8:
      return {loops.uint8, dtype};
    case DType::Int8:
      return {loops.int8, dtype};
    case DType::Int16:
      return {loops.int16, dtype};
    case DType::Int32:
      return {loops.int32, dtype};
    default:
      break;
  }
  const DType compute = compute_dtype(dtype);
  const BlockLoop loop = pick(loops.wide, compute);
  if (!loop) unsupported(kNames[int(op)], dtype);
  return {loop, compute};
}

// Whether a small integer type holds the number.
bool holds(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::Bool:
      return value == 0 || value == 1;
    case DType::UInt8:
      return value == uint8_t(value);
    case DType::Int8:
      return value == int8_t(value);
    case DType::Int16:
      return value == int16_t(value);
    default:
      return value == int32_t(value);
  }
}

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
  const Choice choice = choose(op, a.dtype);
  const BlockOperand operands[] = {{&out, DType::Bool}, {&a, choice.compute}, {&b, choice.compute}};
  run_blocks(operands, 3, choice.loop, nullptr, 1);
}

void compare_scalar(CompareOp op, const View& out, const View& a, Scalar b) {
  Choice choice = choose(op, a.dtype);
  const DType wide = compute_dtype(a.dtype);
  if (wide == DType::Int64 && !b.is_integral()) {
    const ThresholdParams params = {op, b.to_double()};
    const BlockOperand operands[] = {{&out, DType::Bool}, {&a, wide}};
    run_blocks(operands, 2, int_against_float, &params, 2);
    return;
  }
  if (choice.compute != wide && !holds(choice.compute, b.to<int64_t>())) {
    choice = {kLoops[int(op)].wide.int64, wide};
  }
  alignas(16) char value[16];
  const View scalar = number_view(out, value, choice.compute);
  switch (choice.compute) {
    case DType::Float32:
      *as<float>(value) = b.to<float>();
      break;
    case DType::Float64:
      *as<double>(value) = b.to<double>();
      break;
    case DType::Complex128:
      *as<Complex128>(value) = b.to<Complex128>();
      break;
    default: {  // integers: the low bytes of the number
      const int64_t number = b.to<int64_t>();
      memcpy(value, &number, item_size(choice.compute));
      break;
    }
  }
  const BlockOperand operands[] = {
      {&out, DType::Bool}, {&a, choice.compute}, {&scalar, choice.compute}};
  run_blocks(operands, 3, choice.loop, nullptr, 1);
}

}  // namespace pygrad::cpu::PG_ISA_NS
