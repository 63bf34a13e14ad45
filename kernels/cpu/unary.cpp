// Unary ops, predicates and complex-to-real functions.
//
// Parallel and memory plan: the block driver of blocks.h. Every op has one loop per compute type
// (float, double, and int64 or complex double where defined); other dtypes are converted block by
// block. The common functions run on the vector functions of vec_math.h, vec_trigonometry.h,
// vec_erf.h and vec_gamma.h, the rest on the C library and kernels/math/special.h.
#include "kernels/math/unary.h"

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/vec_erf.h"
#include "kernels/cpu/vec_gamma.h"
#include "kernels/cpu/vec_trigonometry.h"

namespace pygrad::cpu::PG_ISA_NS {

#define PG_VECTOR_FORM(name)             \
  template <>                            \
  struct VectorForm<math::name##_op> {   \
    template <class V>                   \
    PG_HOST_INLINE static V apply(V x) { \
      return PG_ISA_NS::name(x);         \
    }                                    \
  };
PG_VECTOR_FORM(exp)
PG_VECTOR_FORM(exp2)
PG_VECTOR_FORM(expm1)
PG_VECTOR_FORM(log)
PG_VECTOR_FORM(log2)
PG_VECTOR_FORM(log10)
PG_VECTOR_FORM(log1p)
PG_VECTOR_FORM(sinh)
PG_VECTOR_FORM(cosh)
PG_VECTOR_FORM(tanh)
PG_VECTOR_FORM(asinh)
PG_VECTOR_FORM(acosh)
PG_VECTOR_FORM(atanh)
PG_VECTOR_FORM(sigmoid)
PG_VECTOR_FORM(sin)
PG_VECTOR_FORM(cos)
PG_VECTOR_FORM(tan)
PG_VECTOR_FORM(asin)
PG_VECTOR_FORM(acos)
PG_VECTOR_FORM(atan)
PG_VECTOR_FORM(erf)
PG_VECTOR_FORM(erfc)
#undef PG_VECTOR_FORM
template <>
struct VectorForm<math::log_sigmoid_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x) {
    return -softplus(-x);
  }
};

#define PG_FLOAT_VECTOR_FORM(name)                                                      \
  template <>                                                                           \
  struct VectorForm<math::name##_op> {                                                  \
    static constexpr bool float_only = true;                                            \
    PG_HOST_INLINE static Vec<float> apply(Vec<float> x) { return PG_ISA_NS::name(x); } \
  };
PG_FLOAT_VECTOR_FORM(lgamma)
PG_FLOAT_VECTOR_FORM(digamma)
#undef PG_FLOAT_VECTOR_FORM

namespace {

constexpr LoopSet kUnaryLoops[] = {
#define PG_FLOAT(name) \
  {nullptr, unary_loop<math::name##_op, float>, unary_loop<math::name##_op, double>, nullptr},
#define PG_FLOAT_COMPLEX(name)                                                       \
  {nullptr, unary_loop<math::name##_op, float>, unary_loop<math::name##_op, double>, \
   unary_loop<math::name##_op, Complex128>},
#define PG_ALL(name)                                                         \
  {unary_loop<math::name##_op, int64_t>, unary_loop<math::name##_op, float>, \
   unary_loop<math::name##_op, double>, unary_loop<math::name##_op, Complex128>},
#define PG_REAL(name)                                                        \
  {unary_loop<math::name##_op, int64_t>, unary_loop<math::name##_op, float>, \
   unary_loop<math::name##_op, double>, nullptr},
#define PG_INT(name) {unary_loop<math::name##_op, int64_t>, nullptr, nullptr, nullptr},
    PG_UNARY_FLOAT_OPS(PG_FLOAT) PG_UNARY_FLOAT_COMPLEX_OPS(PG_FLOAT_COMPLEX)
        PG_UNARY_ALL_OPS(PG_ALL) PG_UNARY_REAL_OPS(PG_REAL) PG_UNARY_INT_OPS(PG_INT)};
#undef PG_FLOAT
#undef PG_FLOAT_COMPLEX
#undef PG_ALL
#undef PG_REAL
#undef PG_INT

#define PG_NAME(name) #name,
constexpr const char* kUnaryNames[] = {PG_UNARY_OPS(PG_NAME)};

constexpr LoopSet kPredicateLoops[] = {
#define PG_PREDICATE(name)                                                               \
  {unary_loop<math::name##_op, int64_t, bool>, unary_loop<math::name##_op, float, bool>, \
   unary_loop<math::name##_op, double, bool>, unary_loop<math::name##_op, Complex128, bool>},
    PG_PREDICATE_OPS(PG_PREDICATE)
#undef PG_PREDICATE
};

constexpr BlockLoop kComplexToRealLoops[] = {
#define PG_COMPLEX_TO_REAL(name) unary_loop<math::name##_op, Complex128, double>,
    PG_COMPLEX_TO_REAL_OPS(PG_COMPLEX_TO_REAL)
#undef PG_COMPLEX_TO_REAL
};
constexpr const char* kComplexToRealNames[] = {PG_COMPLEX_TO_REAL_OPS(PG_NAME)};
#undef PG_NAME

// Simple operations per element, for the parallel grain.
constexpr int kFunctionCost = 8;

}  // namespace

void unary(UnaryOp op, const View& out, const View& in) {
  // ~x of a bool is "not", which no integer loop computes.
  if (op == UnaryOp::bitwise_not && in.dtype == DType::Bool) {
    predicate(PredicateOp::logical_not, out, in);
    return;
  }
  const DType compute = compute_dtype(in.dtype);
  const BlockLoop loop = pick(kUnaryLoops[int(op)], compute);
  if (!loop) unsupported(kUnaryNames[int(op)], in.dtype);
  const BlockOperand operands[] = {{&out, compute}, {&in, compute}};
  run_blocks(operands, 2, loop, nullptr, op < UnaryOp::neg ? kFunctionCost : 1);
}

void predicate(PredicateOp op, const View& out, const View& in) {
  if (op == PredicateOp::logical_not && item_size(in.dtype) == 1) {
    const BlockOperand bytes[] = {{&out, DType::Bool}, {&in, in.dtype}};
    run_blocks(bytes, 2, unary_loop<math::logical_not_op, uint8_t, bool>, nullptr, 1);
    return;
  }
  const DType compute = compute_dtype(in.dtype);
  const BlockOperand operands[] = {{&out, DType::Bool}, {&in, compute}};
  run_blocks(operands, 2, pick(kPredicateLoops[int(op)], compute), nullptr, 1);
}

void complex_to_real(ComplexToRealOp op, const View& out, const View& in) {
  if (!is_complex(in.dtype)) unsupported(kComplexToRealNames[int(op)], in.dtype);
  const BlockOperand operands[] = {{&out, DType::Float64}, {&in, DType::Complex128}};
  run_blocks(operands, 2, kComplexToRealLoops[int(op)], nullptr, kFunctionCost);
}

}  // namespace pygrad::cpu::PG_ISA_NS
