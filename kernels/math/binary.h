// One struct per binary, comparison and ternary op of op_lists.h. Integers wrap; dividing an
// integer by zero gives 0 (the op layer reports it first); -2^63 / -1 wraps instead of trapping.
#pragma once

#include <cmath>

#include "kernels/math/complex.h"

namespace pygrad::math {

template <class T>
constexpr bool is_float_v = std::is_floating_point_v<T>;

// +, - and * of integers, through unsigned so that overflow is defined.
#define PG_ARITHMETIC(name, op)               \
  struct name##_op {                          \
    template <class T>                        \
    PG_HOST_DEVICE static T apply(T a, T b) { \
      if constexpr (std::is_integral_v<T>) {  \
        return T(uint64_t(a) op uint64_t(b)); \
      } else {                                \
        return a op b;                        \
      }                                       \
    }                                         \
  };
PG_ARITHMETIC(add, +)
PG_ARITHMETIC(sub, -)
PG_ARITHMETIC(mul, *)
#undef PG_ARITHMETIC

struct div_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return a / b;
  }
};

struct pow_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    if constexpr (is_complex_v<T>) {
      return pow(a, b);
    } else if constexpr (is_float_v<T>) {
      return std::pow(a, b);
    } else {
      if (b < T(0)) {
        return a == T(1) ? T(1) : a == T(-1) ? ((b & 1) ? T(-1) : T(1)) : T(0);
      }
      uint64_t power = uint64_t(a), result = 1;
      for (uint64_t n = uint64_t(b); n != 0; n >>= 1) {
        if (n & 1) result *= power;
        power *= power;
      }
      return T(result);
    }
  }
};

// NaN on either side wins.
struct maximum_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return (a > b || a != a) ? a : b;
  }
};
struct minimum_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return (a < b || a != a) ? a : b;
  }
};
// NaN loses.
struct fmax_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return (a > b || b != b) ? a : b;
  }
};
struct fmin_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return (a < b || b != b) ? a : b;
  }
};

struct fmod_op {  // the sign of the dividend
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    if constexpr (is_float_v<T>) {
      return std::fmod(a, b);
    } else {
      return b == T(0) || b == T(-1) ? T(0) : T(a % b);
    }
  }
};
struct remainder_op {  // the sign of the divisor, as Python's %
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    const T r = fmod_op::apply<T>(a, b);
    return r != T(0) && (r < T(0)) != (b < T(0)) ? add_op::apply<T>(r, b) : r;
  }
};
struct trunc_divide_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    if constexpr (is_float_v<T>) {
      return std::trunc(a / b);
    } else {
      return b == T(0) ? T(0) : b == T(-1) ? T(0 - uint64_t(a)) : T(a / b);
    }
  }
};
struct floor_divide_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    if constexpr (is_float_v<T>) {
      // Python's: (a - a mod b) / b is a whole number up to rounding, unlike floor(a / b).
      if (b == 0) return a / b;
      const T r = std::fmod(a, b);
      T quotient = (a - r) / b;
      if (r != 0 && (b < 0) != (r < 0)) quotient -= 1;
      if (quotient == 0) return std::copysign(T(0), a / b);
      const T whole = std::floor(quotient);
      return quotient - whole > T(0.5) ? whole + 1 : whole;
    } else {
      const T quotient = trunc_divide_op::apply<T>(a, b);
      const T r = fmod_op::apply<T>(a, b);
      return r != T(0) && (r < T(0)) != (b < T(0)) ? T(quotient - 1) : quotient;
    }
  }
};

struct atan2_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return std::atan2(a, b);
  }
};
struct hypot_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return std::hypot(a, b);
  }
};
struct copysign_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return std::copysign(a, b);
  }
};
struct nextafter_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return std::nextafter(a, b);
  }
};
struct logaddexp_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    if (a == b && std::fabs(a) == T(INFINITY)) return a;  // the difference would be NaN
    return (a > b ? a : b) + std::log1p(std::exp(-std::fabs(a - b)));
  }
};
struct xlogy_op {  // 0 log y = 0, but NaN stays
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return b != b ? b : a == 0 ? T(0) : a * std::log(b);
  }
};

#define PG_BITWISE(name, op)                  \
  struct name##_op {                          \
    template <class T>                        \
    PG_HOST_DEVICE static T apply(T a, T b) { \
      return T(a op b);                       \
    }                                         \
  };
PG_BITWISE(bitwise_and, &)
PG_BITWISE(bitwise_or, |)
PG_BITWISE(bitwise_xor, ^)
#undef PG_BITWISE
// Shifting by a negative count or by the width and more moves every bit out.
struct bitwise_left_shift_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    return b < T(0) || uint64_t(b) >= 8 * sizeof(T) ? T(0) : T(uint64_t(a) << uint64_t(b));
  }
};
struct bitwise_right_shift_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    const bool all = b < T(0) || uint64_t(b) >= 8 * sizeof(T);
    return all ? (a < T(0) ? T(-1) : T(0)) : T(a >> b);
  }
};
struct gcd_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b) {
    uint64_t x = a < T(0) ? 0 - uint64_t(a) : uint64_t(a);
    uint64_t y = b < T(0) ? 0 - uint64_t(b) : uint64_t(b);
    while (y != 0) {
      const uint64_t r = x % y;
      x = y;
      y = r;
    }
    return T(x);
  }
};

// --- comparisons: bool out ----------------------------------------------------------------------

#define PG_COMPARISON(name, op)                  \
  struct name##_op {                             \
    template <class T>                           \
    PG_HOST_DEVICE static bool apply(T a, T b) { \
      return a op b;                             \
    }                                            \
  };
PG_COMPARISON(eq, ==)
PG_COMPARISON(ne, !=)
PG_COMPARISON(lt, <)
PG_COMPARISON(le, <=)
PG_COMPARISON(gt, >)
PG_COMPARISON(ge, >=)
#undef PG_COMPARISON
struct logical_and_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T a, T b) {
    return bool(int(a != T(0)) & int(b != T(0)));
  }
};
struct logical_or_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T a, T b) {
    return bool(int(a != T(0)) | int(b != T(0)));
  }
};
struct logical_xor_op {
  template <class T>
  PG_HOST_DEVICE static bool apply(T a, T b) {
    return (a != T(0)) != (b != T(0));
  }
};

// --- ternary ------------------------------------------------------------------------------------

struct addcmul_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b, T c, T s) {
    return add_op::apply<T>(a, mul_op::apply<T>(mul_op::apply<T>(s, b), c));
  }
};
struct addcdiv_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b, T c, T s) {
    return a + s * b / c;
  }
};
// From the nearer end, so that weight 1 gives exactly b.
struct lerp_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T a, T b, T c, T) {
    if constexpr (is_complex_v<T>) {
      return abs(c) < 0.5 ? a + c * (b - a) : b - (b - a) * (T(1) - c);
    } else {
      return std::fabs(c) < T(0.5) ? a + c * (b - a) : b - (b - a) * (T(1) - c);
    }
  }
};

}  // namespace pygrad::math
