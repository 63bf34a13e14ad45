// The lists of pointwise operations. Each name is PyTorch's, and the stem of a struct in
// kernels/math/. A kernel family is instantiated from its list, so a new pointwise op is one entry
// here or there, never a new kernel.
#pragma once

#include <cstdint>

namespace pygrad {

// clang-format off
// out = f(x), output of the input's dtype. Real and reduced floats always; "Z" ops also complex, "I" ops also integers.
#define PG_UNARY_FLOAT_OPS(X)                                                                      \
  X(exp2) X(expm1) X(log2) X(log10) X(log1p) X(cbrt) X(erf) X(erfc) X(erfinv) X(lgamma) X(digamma) \
  X(i0) X(floor) X(ceil) X(round) X(trunc) X(frac) X(logit) X(log_sigmoid) X(sinc)
#define PG_UNARY_FLOAT_COMPLEX_OPS(X)                                                              \
  X(exp) X(log) X(sqrt) X(rsqrt) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh)      \
  X(tanh) X(asinh) X(acosh) X(atanh) X(sigmoid) X(reciprocal)
// Real, integer and complex.
#define PG_UNARY_ALL_OPS(X) X(neg) X(square) X(sgn) X(conj)
// Real and integer.
#define PG_UNARY_REAL_OPS(X) X(abs) X(sign) X(relu)
// Integers and bool.
#define PG_UNARY_INT_OPS(X) X(bitwise_not)
#define PG_UNARY_OPS(X)                                                                            \
  PG_UNARY_FLOAT_OPS(X) PG_UNARY_FLOAT_COMPLEX_OPS(X) PG_UNARY_ALL_OPS(X) PG_UNARY_REAL_OPS(X)     \
  PG_UNARY_INT_OPS(X)

// out = p(x), output bool, any input dtype.
#define PG_PREDICATE_OPS(X) X(isnan) X(isinf) X(isfinite) X(signbit) X(logical_not)

// Complex input, real output of the matching precision.
#define PG_COMPLEX_TO_REAL_OPS(X) X(complex_abs) X(angle)

// Activations with up to three parameters; floats only. The fused backward has the same list:
// grad_input = grad * f'(x; a, b, c).
#define PG_ACTIVATION_OPS(X)                                                                       \
  X(leaky_relu) /* a = slope */                                                                    \
  X(elu)        /* a = alpha, b = scale, c = input scale: x > 0 ? b x : a b (exp(c x) - 1) */      \
  X(gelu)       /* exact, with erf */                                                              \
  X(gelu_tanh)                                                                                     \
  X(silu)                                                                                          \
  X(mish)                                                                                          \
  X(softplus)   /* a = beta, b = threshold */                                                      \
  X(hardtanh)   /* a = min, b = max */                                                             \
  X(hardswish) X(hardsigmoid) X(hardshrink) /* a = lambda */                                       \
  X(softshrink) /* a = lambda */                                                                   \
  X(threshold)  /* a = threshold, b = value */                                                     \
  X(nan_to_num) /* a = nan, b = +inf, c = -inf replacement; gradient 0 where replaced */

// out = f(a, b), all three of one dtype. add, sub, mul, div also complex; bool add = or, mul = and.
#define PG_BINARY_ARITH_OPS(X) X(add) X(sub) X(mul)
#define PG_BINARY_FLOAT_COMPLEX_OPS(X) X(div) X(pow)
#define PG_BINARY_REAL_OPS(X) X(maximum) X(minimum) X(remainder) X(fmod) X(floor_divide) X(trunc_divide) X(fmax) X(fmin)
#define PG_BINARY_FLOAT_OPS(X) X(atan2) X(hypot) X(copysign) X(nextafter) X(logaddexp) X(xlogy)
#define PG_BINARY_INT_OPS(X)                                                                       \
  X(bitwise_and) X(bitwise_or) X(bitwise_xor) X(bitwise_left_shift) X(bitwise_right_shift) X(gcd)
#define PG_BINARY_OPS(X)                                                                           \
  PG_BINARY_ARITH_OPS(X) PG_BINARY_FLOAT_COMPLEX_OPS(X) PG_BINARY_REAL_OPS(X)                      \
  PG_BINARY_FLOAT_OPS(X) PG_BINARY_INT_OPS(X)

// out = f(a, b), inputs of one dtype, output bool. Complex for eq, ne and the logical ones.
#define PG_COMPARE_OPS(X)                                                                          \
  X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logical_and) X(logical_or) X(logical_xor)

// Ternary, one dtype (floats and complex; integers for addcmul and lerp excluded).
#define PG_TERNARY_OPS(X)                                                                          \
  X(addcmul) /* a + s b c */                                                                       \
  X(addcdiv) /* a + s b / c */                                                                     \
  X(lerp)    /* a + c (b - a) */

#define PG_REDUCE_OPS(X)                                                                           \
  X(sum) X(mean) X(prod) X(amax) X(amin) /* output of the input's dtype */                         \
  X(sum_of_squares) X(sum_of_abs)        /* real floats; |z|^2 and |z| for complex, real output */ \
  X(any) X(all)                          /* output bool */                                         \
  X(count_nonzero)                       /* output int64 */

// Running reductions. cummax and cummin also give indices.
#define PG_SCAN_OPS(X) X(cumsum) X(cumprod) X(cummax) X(cummin) X(logcumsumexp)

#define PG_SCATTER_OPS(X) X(set) X(add) X(prod) X(amax) X(amin)

// Draws from a counter-based stream; a and b are the parameters in the comment.
#define PG_RANDOM_OPS(X)                                                                           \
  X(uniform)     /* [a, b) */                                                                      \
  X(normal)      /* mean a, standard deviation b */                                                \
  X(bernoulli)   /* probability a */                                                               \
  X(exponential) /* rate a */                                                                      \
  X(geometric)   /* probability a, values from 1 */                                                \
  X(cauchy)      /* median a, scale b */                                                           \
  X(log_normal)  /* of the underlying normal: mean a, standard deviation b */                      \
  X(randint)     /* integers in [a, a + n); passed as int64 */

// clang-format on

#define PG_ENUM_ENTRY(name) name,
enum class UnaryOp : uint8_t { PG_UNARY_OPS(PG_ENUM_ENTRY) };
enum class PredicateOp : uint8_t { PG_PREDICATE_OPS(PG_ENUM_ENTRY) };
enum class ComplexToRealOp : uint8_t { PG_COMPLEX_TO_REAL_OPS(PG_ENUM_ENTRY) };
enum class ActivationOp : uint8_t { PG_ACTIVATION_OPS(PG_ENUM_ENTRY) };
enum class BinaryOp : uint8_t { PG_BINARY_OPS(PG_ENUM_ENTRY) };
enum class CompareOp : uint8_t { PG_COMPARE_OPS(PG_ENUM_ENTRY) };
enum class TernaryOp : uint8_t { PG_TERNARY_OPS(PG_ENUM_ENTRY) };
enum class ReduceOp : uint8_t { PG_REDUCE_OPS(PG_ENUM_ENTRY) };
enum class ScanOp : uint8_t { PG_SCAN_OPS(PG_ENUM_ENTRY) };
enum class ScatterOp : uint8_t { PG_SCATTER_OPS(PG_ENUM_ENTRY) };
enum class RandomOp : uint8_t { PG_RANDOM_OPS(PG_ENUM_ENTRY) };
#undef PG_ENUM_ENTRY

}  // namespace pygrad
