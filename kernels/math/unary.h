// One struct per unary op of op_lists.h: `exp_op::apply<T>(x)`. T is the type computed in: float,
// double, a complex type, or an integer type where the list allows it. Shared by the CPU and CUDA
// kernels.
#pragma once

#include <cmath>

#include "kernels/math/complex.h"
#include "kernels/math/special.h"

namespace pygrad::math {

// Functions under one name for real and complex arguments.
#define PG_LIFT(name)                    \
  struct name##_op {                     \
    template <class T>                   \
    PG_HOST_DEVICE static T apply(T x) { \
      if constexpr (is_complex_v<T>)     \
        return pygrad::math::name(x);    \
      else                               \
        return std::name(x);             \
    }                                    \
  };
PG_LIFT(exp)
PG_LIFT(log)
PG_LIFT(sqrt)
PG_LIFT(sin)
PG_LIFT(cos)
PG_LIFT(tan)
PG_LIFT(asin)
PG_LIFT(acos)
PG_LIFT(atan)
PG_LIFT(sinh)
PG_LIFT(cosh)
PG_LIFT(tanh)
PG_LIFT(asinh)
PG_LIFT(acosh)
PG_LIFT(atanh)
#undef PG_LIFT

#define PG_REAL(name, expression)        \
  struct name##_op {                     \
    template <class T>                   \
    PG_HOST_DEVICE static T apply(T x) { \
      return expression;                 \
    }                                    \
  };
PG_REAL(exp2, std::exp2(x))
PG_REAL(expm1, std::expm1(x))
PG_REAL(log2, std::log2(x))
PG_REAL(log10, std::log10(x))
PG_REAL(log1p, std::log1p(x))
PG_REAL(cbrt, std::cbrt(x))
PG_REAL(erf, std::erf(x))
PG_REAL(erfc, std::erfc(x))
PG_REAL(erfinv, T(pygrad::math::erfinv(double(x))))
PG_REAL(lgamma, T(pygrad::math::lgamma(double(x))))
PG_REAL(digamma, T(pygrad::math::digamma(double(x))))
PG_REAL(i0, T(pygrad::math::i0(double(x))))
PG_REAL(floor, std::floor(x))
PG_REAL(ceil, std::ceil(x))
PG_REAL(round, std::nearbyint(x))  // halves to even
PG_REAL(trunc, std::trunc(x))
PG_REAL(frac, x - std::trunc(x))
PG_REAL(logit, std::log(x / (T(1) - x)))
PG_REAL(log_sigmoid, (x < 0 ? x : T(0)) - std::log1p(std::exp(-std::fabs(x))))
#undef PG_REAL

struct sinc_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if (x == 0) return T(1);
    const T y = T(3.14159265358979323846) * x;
    return std::sin(y) / y;
  }
};
struct reciprocal_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    return T(1) / x;
  }
};
struct rsqrt_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    return T(1) / sqrt_op::apply<T>(x);
  }
};
struct sigmoid_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    return T(1) / (T(1) + exp_op::apply<T>(-x));
  }
};

struct neg_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (std::is_integral_v<T>) {
      return T(0 - uint64_t(x));  // wraps
    } else {
      return -x;
    }
  }
};
struct square_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (std::is_integral_v<T>) {
      return T(uint64_t(x) * uint64_t(x));
    } else {
      return x * x;
    }
  }
};
struct sgn_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (is_complex_v<T>) {
      const auto r = abs(x);
      return r == 0 ? T(0) : T(x.re / r, x.im / r);
    } else {
      return T(int(x > T(0)) - int(x < T(0)));
    }
  }
};
struct conj_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (is_complex_v<T>) {
      return conj(x);
    } else {
      return x;
    }
  }
};
struct abs_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(x);
    } else {
      return x < T(0) ? neg_op::apply<T>(x) : x;
    }
  }
};
struct sign_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    return T(int(x > T(0)) - int(x < T(0)));  // 0 for NaN
  }
};
struct relu_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    return x < T(0) ? T(0) : x;  // NaN stays
  }
};
struct bitwise_not_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x) {
    if constexpr (std::is_same_v<T, bool>) {
      return !x;
    } else {
      return T(~x);
    }
  }
};

// --- predicates: bool out -----------------------------------------------------------------------

struct isnan_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T x) {
    if constexpr (is_complex_v<T>) {
      return x.re != x.re || x.im != x.im;
    } else {
      return x != x;
    }
  }
};
struct isinf_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T x) {
    if constexpr (is_complex_v<T>) {
      return apply(x.re) || apply(x.im);
    } else if constexpr (std::is_integral_v<T>) {
      return false;
    } else {
      return std::fabs(x) == T(INFINITY);
    }
  }
};
struct isfinite_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T x) {
    if constexpr (is_complex_v<T>) {
      return apply(x.re) && apply(x.im);
    } else if constexpr (std::is_integral_v<T>) {
      return true;
    } else {
      return std::fabs(x) < T(INFINITY);
    }
  }
};
struct signbit_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T x) {
    if constexpr (is_complex_v<T>) {
      return apply(x.re);
    } else if constexpr (std::is_integral_v<T>) {
      return x < T(0);
    } else if constexpr (sizeof(T) == 4) {
      int32_t bits;
      memcpy(&bits, &x, 4);
      return bits < 0;
    } else {
      int64_t bits;
      memcpy(&bits, &x, 8);
      return bits < 0;
    }
  }
};
struct logical_not_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T x) {
    return x == T(0);
  }
};

// --- complex in, real out -----------------------------------------------------------------------

struct complex_abs_op {
  template <class R>
  PG_HOST_DEVICE static R apply(Complex<R> z) {
    return abs(z);
  }
};
struct angle_op {
  template <class R>
  PG_HOST_DEVICE static R apply(Complex<R> z) {
    return arg(z);
  }
};

}  // namespace pygrad::math
