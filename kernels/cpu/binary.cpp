// Binary ops between tensors, and between a tensor and a Python number.
//
// Parallel and memory plan: the block driver of blocks.h; one loop per op and compute type. A
// number is a view with strides 0: the common ops have loops that take it as it is, for the others
// the driver repeats it in a block; next to 16-bit floats it keeps float precision. Small integers
// and complex64 have own loops for +, - and *, 16-bit floats for these and /, and integers of one
// size share those of the bitwise ops; all other small types are converted.
#include "kernels/math/binary.h"

#include "kernels/cpu/integer_divide.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/vec_power.h"
#include "kernels/cpu/vec_trigonometry.h"

namespace pygrad::cpu::PG_ISA_NS {

#define PG_FLOAT_VECTOR_FORM(name)                                       \
  template <>                                                            \
  struct VectorForm<math::name##_op> {                                   \
    static constexpr bool float_only = true;                             \
    PG_HOST_INLINE static Vec<float> apply(Vec<float> a, Vec<float> b) { \
      return PG_ISA_NS::name(a, b);                                      \
    }                                                                    \
  };
PG_FLOAT_VECTOR_FORM(pow)
PG_FLOAT_VECTOR_FORM(hypot)
PG_FLOAT_VECTOR_FORM(fmod)
PG_FLOAT_VECTOR_FORM(remainder)
PG_FLOAT_VECTOR_FORM(floor_divide)
#undef PG_FLOAT_VECTOR_FORM
template <>
struct VectorForm<math::atan2_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V a, V b) {
    return atan2(a, b);
  }
};

#define PG_DIVISION(name)                                                                        \
  template <>                                                                                    \
  void binary_loop<math::name##_op, int64_t>(char* const* p, int64_t n, const void*) {           \
    divide_loop<math::name##_op, false>(as<int64_t>(p[0]), as<int64_t>(p[1]), as<int64_t>(p[2]), \
                                        n);                                                      \
  }                                                                                              \
  template <>                                                                                    \
  void number_second_loop<math::name##_op, int64_t>(char* const* p, int64_t n, const void*) {    \
    divide_loop<math::name##_op, true>(as<int64_t>(p[0]), as<int64_t>(p[1]), as<int64_t>(p[2]),  \
                                       n);                                                       \
  }
PG_DIVISION(remainder)
PG_DIVISION(fmod)
PG_DIVISION(floor_divide)
PG_DIVISION(trunc_divide)
#undef PG_DIVISION

namespace {

constexpr LoopSet kLoops[] = {
#define PG_ARITH(name)                                                         \
  {binary_loop<math::name##_op, int64_t>, binary_loop<math::name##_op, float>, \
   binary_loop<math::name##_op, double>, binary_loop<math::name##_op, Complex128>},
#define PG_FLOAT_COMPLEX(name)                                                         \
  {nullptr, binary_loop<math::name##_op, float>, binary_loop<math::name##_op, double>, \
   binary_loop<math::name##_op, Complex128>},
#define PG_REAL(name)                                                          \
  {binary_loop<math::name##_op, int64_t>, binary_loop<math::name##_op, float>, \
   binary_loop<math::name##_op, double>, nullptr},
#define PG_FLOAT(name) \
  {nullptr, binary_loop<math::name##_op, float>, binary_loop<math::name##_op, double>, nullptr},
#define PG_INT(name) {binary_loop<math::name##_op, int64_t>, nullptr, nullptr, nullptr},
    PG_BINARY_ARITH_OPS(PG_ARITH) PG_BINARY_FLOAT_COMPLEX_OPS(PG_FLOAT_COMPLEX)
        PG_BINARY_REAL_OPS(PG_REAL) PG_BINARY_FLOAT_OPS(PG_FLOAT) PG_BINARY_INT_OPS(PG_INT)};
#undef PG_ARITH
#undef PG_FLOAT_COMPLEX
#undef PG_REAL
#undef PG_FLOAT
#undef PG_INT

// +, - and * wrap, so signed and unsigned integers of one size share a loop.
struct NarrowLoops {
  BlockLoop bytes, shorts, int32, complex64;
};
constexpr NarrowLoops kNarrow[] = {
#define PG_NARROW(name)                                                           \
  {binary_loop<math::name##_op, uint8_t>, binary_loop<math::name##_op, uint16_t>, \
   binary_loop<math::name##_op, int32_t>, binary_loop<math::name##_op, Complex64>},
    PG_BINARY_ARITH_OPS(PG_NARROW)
#undef PG_NARROW
};
constexpr BlockLoop kNarrowBitwise[][3] = {
#define PG_NARROW(name)                                                           \
  {binary_loop<math::name##_op, uint8_t>, binary_loop<math::name##_op, uint16_t>, \
   binary_loop<math::name##_op, uint32_t>},
    PG_NARROW(bitwise_and) PG_NARROW(bitwise_or) PG_NARROW(bitwise_xor)
#undef PG_NARROW
};

// Where an operand is one number.
NumberLoops number_loops(BinaryOp op, DType compute) {
  switch (op) {
#define PG_NUMBER(name)                                                           \
  case BinaryOp::name:                                                            \
    return compute == DType::Float32   ? number_loops_of<math::name##_op, float>  \
           : compute == DType::Float64 ? number_loops_of<math::name##_op, double> \
                                       : NumberLoops{};
    PG_BINARY_ARITH_OPS(PG_NUMBER)
    PG_NUMBER(div)
    PG_NUMBER(maximum)
    PG_NUMBER(minimum)
#undef PG_NUMBER
#define PG_DIVISOR(name)                    \
  case BinaryOp::name:                      \
    if (compute != DType::Int64) return {}; \
    return {nullptr, number_second_loop<math::name##_op, int64_t>};
    PG_DIVISOR(remainder)
    PG_DIVISOR(fmod)
    PG_DIVISOR(floor_divide)
    PG_DIVISOR(trunc_divide)
#undef PG_DIVISOR
    default:
      return {};
  }
}

// 16-bit floats, computed in float without blocks of them.
template <class Op, class T>
void reduced_loop(char* const* p, int64_t n, const void*) {
  constexpr int L = kLanes<float>;
  T* out = as<T>(p[0]);
  const T* a = as<T>(p[1]);
  const T* b = as<T>(p[2]);
  const auto each = [](T* to, const T* x, const T* y) __attribute__((always_inline)) {
    store_from_float(to, Op::apply(load_as_float(x), load_as_float(y)));
  };
  int64_t i = 0;
  for (; i + L <= n; i += L) each(out + i, a + i, b + i);
  if (i < n) {
    const size_t bytes = size_t(n - i) * sizeof(T);
    T x[L] = {}, y[L] = {};
    memcpy(static_cast<void*>(x), a + i, bytes);
    memcpy(static_cast<void*>(y), b + i, bytes);
    each(x, x, y);
    memcpy(static_cast<void*>(out + i), x, bytes);
  }
}
BlockLoop find_reduced_loop(BinaryOp op, DType dtype) {
  switch (op) {
#define PG_REDUCED(name)                                                        \
  case BinaryOp::name:                                                          \
    return dtype == DType::Float16    ? reduced_loop<math::name##_op, Half>     \
           : dtype == DType::BFloat16 ? reduced_loop<math::name##_op, BFloat16> \
                                      : nullptr;
    PG_BINARY_ARITH_OPS(PG_REDUCED)
    PG_REDUCED(div)
#undef PG_REDUCED
    default:
      return nullptr;
  }
}

#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_BINARY_OPS(PG_NAME)};
#undef PG_NAME

struct Choice {
  BlockLoop loop;
  DType compute;
  NumberLoops number_loops = {};
};
Choice choose(BinaryOp op, DType dtype) {
  // Of bools, + is "or" and * is "and".
  if (dtype == DType::Bool && (op == BinaryOp::add || op == BinaryOp::mul)) {
    return {kNarrowBitwise[op == BinaryOp::add][0], dtype};
  }
  if (op <= BinaryOp::mul) {
    const NarrowLoops& narrow = kNarrow[int(op)];
    switch (dtype) {
      case DType::UInt8:
      case DType::Int8:
        return {narrow.bytes, dtype};
      case DType::Int16:
        return {narrow.shorts, dtype};
      case DType::Int32:
        return {narrow.int32, dtype};
      case DType::Complex64:
        return {narrow.complex64, dtype};
      default:
        break;
    }
  }
  if (op >= BinaryOp::bitwise_and && op <= BinaryOp::bitwise_xor && is_integral(dtype, true) &&
      dtype != DType::Int64) {
    const int size = int(item_size(dtype));
    return {kNarrowBitwise[int(op) - int(BinaryOp::bitwise_and)][size / 2], dtype};
  }
  const DType compute = compute_dtype(dtype);
  BlockLoop loop = pick(kLoops[int(op)], compute);
  if (op == BinaryOp::pow && compute == DType::Int64) loop = binary_loop<math::pow_op, int64_t>;
  // The neighbour of a 16-bit number is not the neighbour of the float it is computed in.
  if (op == BinaryOp::nextafter && item_size(dtype) == 2) loop = nullptr;
  if (!loop) unsupported(kNames[int(op)], dtype);
  return {loop, compute, number_loops(op, compute)};
}

int cost_of(BinaryOp op) {
  return op <= BinaryOp::div ? 1 : op == BinaryOp::pow || op >= BinaryOp::remainder ? 8 : 2;
}

// a^2, a^3, a^-1 and the like without the general power function. Null where there is no
// shorter way.
template <class T>
struct PowerLoops {
  struct One {
    PG_HOST_INLINE static T apply(T) { return T(1); }
  };
  struct Identity {
    PG_HOST_INLINE static T apply(T x) { return x; }
  };
  struct Square {
    PG_HOST_INLINE static T apply(T x) { return x * x; }
  };
  struct Cube {
    PG_HOST_INLINE static T apply(T x) { return x * x * x; }
  };
  struct Reciprocal {
    PG_HOST_INLINE static T apply(T x) { return T(1) / x; }
  };
  struct ReciprocalSquare {
    PG_HOST_INLINE static T apply(T x) { return T(1) / (x * x); }
  };
  static BlockLoop find(double exponent) {
    return exponent == 0    ? unary_loop<One, T>
           : exponent == 1  ? unary_loop<Identity, T>
           : exponent == 2  ? unary_loop<Square, T>
           : exponent == 3  ? unary_loop<Cube, T>
           : exponent == -1 ? unary_loop<Reciprocal, T>
           : exponent == -2 ? unary_loop<ReciprocalSquare, T>
                            : nullptr;
  }
};

}  // namespace

void binary(BinaryOp op, const View& out, const View& a, const View& b) {
  if (const BlockLoop loop = find_reduced_loop(op, a.dtype)) {
    const BlockOperand operands[] = {{&out, a.dtype}, {&a, a.dtype}, {&b, a.dtype}};
    return run_blocks(operands, 3, loop, nullptr, 1);
  }
  const Choice choice = choose(op, a.dtype);
  const BlockOperand operands[] = {
      {&out, choice.compute}, {&a, choice.compute}, {&b, choice.compute}};
  run_blocks(operands, 3, choice.loop, nullptr, cost_of(op), choice.number_loops);
}

void binary_scalar(BinaryOp op, const View& out, const View& a, Scalar b, bool scalar_first) {
  const Choice choice = choose(op, a.dtype);
  if (op == BinaryOp::pow && !scalar_first && !b.is_complex()) {
    const BlockLoop loop = choice.compute == DType::Float32 ? PowerLoops<float>::find(b.to_double())
                           : choice.compute == DType::Float64
                               ? PowerLoops<double>::find(b.to_double())
                               : nullptr;
    if (loop) {
      const BlockOperand operands[] = {{&out, choice.compute}, {&a, choice.compute}};
      run_blocks(operands, 2, loop, nullptr, 1);
      return;
    }
  }
  // The number as a view of the output's sizes with strides 0, in the type computed in.
  alignas(16) char value[16];
  const View scalar = number_view(out, value, choice.compute);
  switch (choice.compute) {
    case DType::Bool:
      *as<bool>(value) = b.to<bool>();
      break;
    case DType::UInt8:
    case DType::Int8:
      *as<uint8_t>(value) = uint8_t(b.to<int64_t>());
      break;
    case DType::Int16:
      *as<uint16_t>(value) = uint16_t(b.to<int64_t>());
      break;
    case DType::Int32:
      *as<int32_t>(value) = b.to<int32_t>();
      break;
    case DType::Int64:
      *as<int64_t>(value) = b.to<int64_t>();
      break;
    case DType::Float32:
      *as<float>(value) = b.to<float>();
      break;
    case DType::Float64:
      *as<double>(value) = b.to<double>();
      break;
    case DType::Complex64:
      *as<Complex64>(value) = b.to<Complex64>();
      break;
    default:
      *as<Complex128>(value) = b.to<Complex128>();
      break;
  }
  const BlockOperand tensor = {&a, choice.compute}, number = {&scalar, choice.compute};
  const BlockOperand operands[] = {
      {&out, choice.compute}, scalar_first ? number : tensor, scalar_first ? tensor : number};
  run_blocks(operands, 3, choice.loop, nullptr, cost_of(op), choice.number_loops);
}

}  // namespace pygrad::cpu::PG_ISA_NS
