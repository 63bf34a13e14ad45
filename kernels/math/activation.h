// One struct per activation of op_lists.h: apply(x, a, b, c) is the function, backward(g, x, a, b,
// c) = g * f'(x). Where the derivative is 0 the backward gives 0 whatever the incoming gradient is.
#pragma once

#include <cmath>

#include "kernels/platform.h"

namespace pygrad::math {

struct leaky_relu_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T, T) {
    return x > 0 ? x : a * x;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T, T) {
    return x > 0 ? g : a * g;
  }
};
struct elu_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T b, T c) {
    return x > 0 ? b * x : a * b * std::expm1(c * x);
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T b, T c) {
    return x > 0 ? g * b : g * (a * b * c) * std::exp(c * x);
  }
};
struct gelu_op {  // x Phi(x)
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    return T(0.5) * x * (T(1) + std::erf(x * T(0.70710678118654752440)));
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    const T cdf = T(0.5) * (T(1) + std::erf(x * T(0.70710678118654752440)));
    const T pdf = T(0.39894228040143267794) * std::exp(T(-0.5) * x * x);
    return g * (cdf + x * pdf);
  }
};
struct gelu_tanh_op {
  template <class T>
  PG_HOST_DEVICE static T inner(T x) {  // sqrt(2 / pi) (x + 0.044715 x^3)
    return T(0.79788456080286535588) * (x + T(0.044715) * x * x * x);
  }
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    return T(0.5) * x * (T(1) + std::tanh(inner(x)));
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    const T t = std::tanh(inner(x));
    const T slope = T(0.79788456080286535588) * (T(1) + T(3 * 0.044715) * x * x);
    return g * (T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * slope);
  }
};
struct silu_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    return x / (T(1) + std::exp(-x));
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    const T s = T(1) / (T(1) + std::exp(-x));
    return g * s * (T(1) + x * (T(1) - s));
  }
};
struct mish_op {  // x tanh(softplus(x))
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    return x * std::tanh(x > 20 ? x : std::log1p(std::exp(x)));
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    const T s = T(1) / (T(1) + std::exp(-x));
    const T t = std::tanh(x > 20 ? x : std::log1p(std::exp(x)));
    return g * (t + x * s * (T(1) - t * t));
  }
};
struct softplus_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T b, T) {
    return a * x > b ? x : std::log1p(std::exp(a * x)) / a;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T b, T) {
    return a * x > b ? g : g / (T(1) + std::exp(-a * x));
  }
};
struct hardtanh_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T b, T) {
    return x < a ? a : x > b ? b : x;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T b, T) {
    return x <= a || x >= b ? T(0) : g;
  }
};
struct hardswish_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    const T y = x + 3;
    return x * (y < 0 ? T(0) : y > 6 ? T(6) : y) / T(6);
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    return x < -3 ? T(0) : x > 3 ? g : g * (x / T(3) + T(0.5));
  }
};
struct hardsigmoid_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T, T, T) {
    const T y = x + 3;
    return (y < 0 ? T(0) : y > 6 ? T(6) : y) / T(6);
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    return x > -3 && x < 3 ? g * T(1.0 / 6) : T(0);
  }
};
struct hardshrink_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T, T) {
    return x >= -a && x <= a ? T(0) : x;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T, T) {
    return x >= -a && x <= a ? T(0) : g;
  }
};
struct softshrink_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T, T) {
    return x > a ? x - a : x < -a ? x + a : x * T(0);  // NaN stays
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T, T) {
    return x >= -a && x <= a ? T(0) : g;
  }
};
struct threshold_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T b, T) {
    return x <= a ? b : x;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T a, T, T) {
    return x <= a ? T(0) : g;
  }
};
struct nan_to_num_op {
  template <class T>
  PG_HOST_DEVICE static T apply(T x, T a, T b, T c) {
    return x != x ? a : x == T(INFINITY) ? b : x == -T(INFINITY) ? c : x;
  }
  template <class T>
  PG_HOST_DEVICE static T backward(T g, T x, T, T, T) {
    return x != x || std::fabs(x) == T(INFINITY) ? T(0) : g;
  }
};

}  // namespace pygrad::math
