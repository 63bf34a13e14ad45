// Activations with parameters and their fused backwards; relu, sigmoid and tanh backward from the
// output.
//
// Parallel and memory plan: iterate.h's block driver; one float and one double loop per op and
// direction, 16-bit floats through float blocks. The ones with exp, tanh or erf run on the vector
// polynomials of vec_math.h.
#include "kernels/math/activation.h"

#include "kernels/cpu/pointwise.h"
#include "kernels/math/complex.h"

namespace pygrad::cpu::PG_ISA_NS {

// apply(x, a, b, c) and backward(g, x, a, b, c) as in kernels/math/activation.h, on vectors.
template <>
struct VectorForm<math::elu_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V a, V b, V c) {
    return x > Elem<V>(0) ? b * x : a * b * expm1(c * x);
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V a, V b, V c) {
    return x > Elem<V>(0) ? g * b : g * (a * b * c) * exp(c * x);
  }
};
template <>
struct VectorForm<math::gelu_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V, V, V) {
    return gelu(x);
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V, V, V) {
    using E = Elem<V>;
    const V cdf = E(0.5) * (E(1) + erf(x * E(0.70710678118654752440)));
    const V pdf = E(0.39894228040143267794) * exp(E(-0.5) * x * x);
    return g * (cdf + x * pdf);
  }
};
template <>
struct VectorForm<math::gelu_tanh_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V, V, V) {
    return gelu_tanh(x);
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V, V, V) {
    using E = Elem<V>;
    const V t = tanh(E(0.79788456080286535588) * (x + E(0.044715) * x * x * x));
    const V slope = E(0.79788456080286535588) * (E(1) + E(3 * 0.044715) * x * x);
    return g * (E(0.5) * (E(1) + t) + E(0.5) * x * (E(1) - t * t) * slope);
  }
};
template <>
struct VectorForm<math::silu_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V, V, V) {
    return silu(x);
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V, V, V) {
    using E = Elem<V>;
    const V s = sigmoid(x);
    return g * s * (E(1) + x * (E(1) - s));
  }
};
template <>
struct VectorForm<math::mish_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V, V, V) {
    return x * tanh(softplus(x));
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V, V, V) {
    using E = Elem<V>;
    const V t = tanh(softplus(x));
    return g * (t + x * sigmoid(x) * (E(1) - t * t));
  }
};
template <>
struct VectorForm<math::softplus_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V a, V b, V) {
    return a * x > b ? x : log1p(exp(a * x)) / a;
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V a, V b, V) {
    return a * x > b ? g : g * sigmoid(a * x);
  }
};

namespace {

struct Parameters {
  double a, b, c;
};

template <class Op, class T>
void forward_loop(char* const* p, int64_t n, const void* params) {
  T* out = as<T>(p[0]);
  const T* x = as<T>(p[1]);
  const Parameters& q = *static_cast<const Parameters*>(params);
  const T a = T(q.a), b = T(q.b), c = T(q.c);
  if constexpr (has_vector_form<Op, T>) {
    const Vec<T> va = splat(a), vb = splat(b), vc = splat(c);
    for_each_vector<T>(
        n,
        [&](int64_t i) __attribute__((always_inline)) {
          store(out + i, VectorForm<Op>::apply(load(x + i), va, vb, vc));
        },
        [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
          store_n(out + i, VectorForm<Op>::apply(load_n(x + i, rest), va, vb, vc), rest);
        });
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(x[i], a, b, c);
  }
}

template <class Op, class T>
void backward_loop(char* const* p, int64_t n, const void* params) {
  T* out = as<T>(p[0]);
  const T* g = as<T>(p[1]);
  const T* x = as<T>(p[2]);
  const Parameters& q = *static_cast<const Parameters*>(params);
  const T a = T(q.a), b = T(q.b), c = T(q.c);
  if constexpr (has_vector_form<Op, T>) {
    const Vec<T> va = splat(a), vb = splat(b), vc = splat(c);
    for_each_vector<T>(
        n,
        [&](int64_t i) __attribute__((always_inline)) {
          store(out + i, VectorForm<Op>::backward(load(g + i), load(x + i), va, vb, vc));
        },
        [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
          store_n(out + i,
                  VectorForm<Op>::backward(load_n(g + i, rest), load_n(x + i, rest), va, vb, vc),
                  rest);
        });
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = Op::backward(g[i], x[i], a, b, c);
  }
}

constexpr LoopSet kForward[] = {
#define PG_FORWARD(name) \
  {nullptr, forward_loop<math::name##_op, float>, forward_loop<math::name##_op, double>, nullptr},
    PG_ACTIVATION_OPS(PG_FORWARD)
#undef PG_FORWARD
};
constexpr LoopSet kBackward[] = {
#define PG_BACKWARD(name) \
  {nullptr, backward_loop<math::name##_op, float>, backward_loop<math::name##_op, double>, nullptr},
    PG_ACTIVATION_OPS(PG_BACKWARD)
#undef PG_BACKWARD
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_ACTIVATION_OPS(PG_NAME)};
#undef PG_NAME

constexpr int kActivationCost = 6;

// Backwards that need the output only.
struct ReluBackward {
  template <class T>
  PG_HOST_INLINE static T apply(T g, T y) {
    return y > T(0) ? g : T(0);
  }
};
struct SigmoidBackward {
  template <class T>
  PG_HOST_INLINE static T apply(T g, T y) {
    if constexpr (is_complex_v<T>) y = math::conj(y);
    return g * y * (T(1) - y);
  }
};
struct TanhBackward {
  template <class T>
  PG_HOST_INLINE static T apply(T g, T y) {
    if constexpr (is_complex_v<T>) y = math::conj(y);
    return g * (T(1) - y * y);
  }
};

void from_output(const char* name, const LoopSet& loops, const View& grad_in, const View& grad,
                 const View& out) {
  const DType compute = compute_dtype(grad.dtype);
  const BlockLoop loop = pick(loops, compute);
  if (!loop) unsupported(name, grad.dtype);
  const BlockOperand operands[] = {{&grad_in, compute}, {&grad, compute}, {&out, compute}};
  run_blocks(operands, 3, loop, nullptr, 1);
}

}  // namespace

void activation(ActivationOp op, const View& out, const View& in, double a, double b, double c) {
  const DType compute = compute_dtype(in.dtype);
  const BlockLoop loop = pick(kForward[int(op)], compute);
  if (!loop) unsupported(kNames[int(op)], in.dtype);
  const Parameters params = {a, b, c};
  const BlockOperand operands[] = {{&out, compute}, {&in, compute}};
  run_blocks(operands, 2, loop, &params, kActivationCost);
}

void activation_backward(ActivationOp op, const View& grad_in, const View& grad, const View& in,
                         double a, double b, double c) {
  const DType compute = compute_dtype(in.dtype);
  const BlockLoop loop = pick(kBackward[int(op)], compute);
  if (!loop) unsupported(kNames[int(op)], in.dtype);
  const Parameters params = {a, b, c};
  const BlockOperand operands[] = {{&grad_in, compute}, {&grad, compute}, {&in, compute}};
  run_blocks(operands, 3, loop, &params, kActivationCost);
}

void relu_backward(const View& grad_in, const View& grad, const View& out) {
  from_output("relu_backward",
              {binary_loop<ReluBackward, int64_t>, binary_loop<ReluBackward, float>,
               binary_loop<ReluBackward, double>, nullptr},
              grad_in, grad, out);
}
void sigmoid_backward(const View& grad_in, const View& grad, const View& out) {
  from_output("sigmoid_backward",
              {nullptr, binary_loop<SigmoidBackward, float>, binary_loop<SigmoidBackward, double>,
               binary_loop<SigmoidBackward, Complex128>},
              grad_in, grad, out);
}
void tanh_backward(const View& grad_in, const View& grad, const View& out) {
  from_output("tanh_backward",
              {nullptr, binary_loop<TanhBackward, float>, binary_loop<TanhBackward, double>,
               binary_loop<TanhBackward, Complex128>},
              grad_in, grad, out);
}

}  // namespace pygrad::cpu::PG_ISA_NS
