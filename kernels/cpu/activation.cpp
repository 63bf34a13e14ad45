// Activations with parameters and their fused backwards; relu, sigmoid and tanh backward from the
// output.
//
// Parallel and memory plan: the block driver of blocks.h; one float and one double loop per op and
// direction, 16-bit floats through float blocks. The ones with exp, tanh or erf run on the vector
// functions of vec_math.h and vec_erf.h.
#include "kernels/math/activation.h"

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/vec_erf.h"
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
    return g * fma(x, normal_pdf(x), normal_cdf(x));
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
    const V t = tanh(gelu_tanh_inner(x));
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
// With e = exp(x) and n = e (e + 2): tanh(softplus(x)) = n / (n + 2), and its derivative is
// 4 e (e + 1) / (n + 2)^2. Beyond 20 they are 1 and 0.
template <>
struct VectorForm<math::mish_op> {
  template <class V>
  PG_HOST_INLINE static V apply(V x, V, V, V) {
    using E = Elem<V>;
    const V e = exp(min(splat(E(20)), x)), n = e * (e + E(2));
    return x * (n / (n + E(2)));
  }
  template <class V>
  PG_HOST_INLINE static V backward(V g, V x, V, V, V) {
    using E = Elem<V>;
    const V e = exp(min(splat(E(20)), x)), n = e * (e + E(2));
    const V r = E(1) / (n + E(2));
    return g * (n * r + E(4) * x * (e * r) * ((e + E(1)) * r));
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
    map_vectors(
        out, n,
        [&](Vec<T> v)
            __attribute__((always_inline)) { return VectorForm<Op>::apply(v, va, vb, vc); },
        x);
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
    map_vectors(
        out, n,
        [&](Vec<T> u, Vec<T> v)
            __attribute__((always_inline)) { return VectorForm<Op>::backward(u, v, va, vb, vc); },
        g, x);
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

}  // namespace

// The gradient is loaded before it is chosen from: as one masked load, which the compiler makes of
// the two, it would wait for the output's cache line before asking for its own.
template <>
struct VectorForm<ReluBackward> {
  template <class V>
  PG_HOST_INLINE static V apply(V g, V y) {
#if defined(__AVX512F__)
    asm("" : "+v"(g));
#endif
    return y > Elem<V>(0) ? g : V{};
  }
};

namespace {

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
