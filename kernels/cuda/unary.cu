// Unary ops, predicates and complex-to-real functions: iterate.cuh's driver with the structs of
// kernels/math/unary.h, one kernel per op and compute type.
#include "kernels/cuda/pointwise.cuh"
#include "kernels/math/unary.h"

namespace pygrad::cuda {
namespace {

using Kernel = void (*)(const View& out, const View& in);

template <class Op, class... List>
constexpr bool is_one_of = (std::is_same_v<Op, List> || ...);

// Ops whose code is short enough to stand four times in a kernel.
template <class Op>
constexpr bool is_arithmetic =
    is_one_of<Op, math::neg_op, math::square_op, math::conj_op, math::abs_op, math::sign_op,
              math::relu_op, math::bitwise_not_op, math::floor_op, math::ceil_op, math::round_op,
              math::trunc_op, math::frac_op, math::isnan_op, math::isinf_op, math::isfinite_op,
              math::signbit_op, math::logical_not_op>;
template <class Op>
constexpr bool is_short_function =
    is_one_of<Op, math::exp_op, math::exp2_op, math::log_op, math::log2_op, math::sqrt_op,
              math::rsqrt_op, math::reciprocal_op, math::tanh_op, math::sigmoid_op, math::erf_op>;
template <class Op, class T>
constexpr bool is_heavy =
    is_complex_v<T> || !(is_arithmetic<Op> || (is_short_function<Op> && sizeof(T) == 4));

template <class Op, class T, class R = T>
void run(const View& out, const View& in) {
  const View* views[] = {&out, &in};
  pointwise<R, T>(views, Unary<Op, R, is_heavy<Op, T>>{});
}

constexpr ComputeSet<Kernel> kUnary[] = {
#define PG_FLOAT(name) \
  {nullptr, run<math::name##_op, float>, run<math::name##_op, double>, nullptr},
#define PG_FLOAT_COMPLEX(name)                                         \
  {nullptr, run<math::name##_op, float>, run<math::name##_op, double>, \
   run<math::name##_op, Complex128>},
#define PG_ALL(name)                                                                         \
  {run<math::name##_op, int64_t>, run<math::name##_op, float>, run<math::name##_op, double>, \
   run<math::name##_op, Complex128>},
#define PG_REAL(name)                                                                        \
  {run<math::name##_op, int64_t>, run<math::name##_op, float>, run<math::name##_op, double>, \
   nullptr},
#define PG_INT(name) {run<math::name##_op, int64_t>, nullptr, nullptr, nullptr},
    PG_UNARY_FLOAT_OPS(PG_FLOAT) PG_UNARY_FLOAT_COMPLEX_OPS(PG_FLOAT_COMPLEX)
        PG_UNARY_ALL_OPS(PG_ALL) PG_UNARY_REAL_OPS(PG_REAL) PG_UNARY_INT_OPS(PG_INT)};
#undef PG_FLOAT
#undef PG_FLOAT_COMPLEX
#undef PG_ALL
#undef PG_REAL
#undef PG_INT

constexpr ComputeSet<Kernel> kPredicate[] = {
#define PG_PREDICATE(name)                                                 \
  {run<math::name##_op, int64_t, bool>, run<math::name##_op, float, bool>, \
   run<math::name##_op, double, bool>, run<math::name##_op, Complex128, bool>},
    PG_PREDICATE_OPS(PG_PREDICATE)
#undef PG_PREDICATE
};

constexpr Kernel kComplexToReal[] = {
#define PG_COMPLEX_TO_REAL(name) run<math::name##_op, Complex128, double>,
    PG_COMPLEX_TO_REAL_OPS(PG_COMPLEX_TO_REAL)
#undef PG_COMPLEX_TO_REAL
};

#define PG_NAME(name) #name,
constexpr const char* kUnaryNames[] = {PG_UNARY_OPS(PG_NAME)};
constexpr const char* kComplexToRealNames[] = {PG_COMPLEX_TO_REAL_OPS(PG_NAME)};
#undef PG_NAME

}  // namespace

void unary(UnaryOp op, const View& out, const View& in) {
  // ~x of a bool is "not", which no integer kernel computes.
  if (op == UnaryOp::bitwise_not && in.dtype == DType::Bool) {
    predicate(PredicateOp::logical_not, out, in);
    return;
  }
  const Kernel kernel = kUnary[int(op)].pick(in.dtype);
  if (!kernel) unsupported(kUnaryNames[int(op)], in.dtype);
  kernel(out, in);
}

void predicate(PredicateOp op, const View& out, const View& in) {
  kPredicate[int(op)].pick(in.dtype)(out, in);
}

void complex_to_real(ComplexToRealOp op, const View& out, const View& in) {
  if (!is_complex(in.dtype)) unsupported(kComplexToRealNames[int(op)], in.dtype);
  kComplexToReal[int(op)](out, in);
}

}  // namespace pygrad::cuda
