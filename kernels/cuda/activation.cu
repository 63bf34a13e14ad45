// Activations with parameters and their fused backwards; relu, sigmoid and tanh backward from the
// output. One kernel per op, direction and compute type (float, double) on iterate.cuh's driver.
#include "kernels/cuda/pointwise.cuh"
#include "kernels/math/activation.h"

namespace pygrad::cuda {
namespace {

template <class Op, class T>
struct Forward {
  static constexpr bool kHeavy = sizeof(T) == 8;
  T a, b, c;
  __device__ __forceinline__ T operator()(const T (&x)[1]) const {
    return Op::apply(x[0], a, b, c);
  }
};
template <class Op, class T>
struct Backward {
  static constexpr bool kHeavy = sizeof(T) == 8;
  T a, b, c;
  __device__ __forceinline__ T operator()(const T (&x)[2]) const {
    return Op::backward(x[0], x[1], a, b, c);
  }
};

using ForwardKernel = void (*)(const View& out, const View& in, double a, double b, double c);
using BackwardKernel = void (*)(const View& grad_in, const View& grad, const View& in, double a,
                                double b, double c);

template <class Op, class T>
void forward(const View& out, const View& in, double a, double b, double c) {
  const View* views[] = {&out, &in};
  pointwise<T, T>(views, Forward<Op, T>{T(a), T(b), T(c)});
}
template <class Op, class T>
void backward(const View& grad_in, const View& grad, const View& in, double a, double b, double c) {
  const View* views[] = {&grad_in, &grad, &in};
  pointwise<T, T>(views, Backward<Op, T>{T(a), T(b), T(c)});
}

constexpr ComputeSet<ForwardKernel> kForward[] = {
#define PG_FORWARD(name) \
  {nullptr, forward<math::name##_op, float>, forward<math::name##_op, double>, nullptr},
    PG_ACTIVATION_OPS(PG_FORWARD)
#undef PG_FORWARD
};
constexpr ComputeSet<BackwardKernel> kBackward[] = {
#define PG_BACKWARD(name) \
  {nullptr, backward<math::name##_op, float>, backward<math::name##_op, double>, nullptr},
    PG_ACTIVATION_OPS(PG_BACKWARD)
#undef PG_BACKWARD
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_ACTIVATION_OPS(PG_NAME)};
#undef PG_NAME

// Backwards that need the output only.
struct ReluBackward {
  template <class T>
  PG_HOST_DEVICE static T apply(T g, T y) {
    return y > T(0) ? g : T(0);
  }
};
struct SigmoidBackward {
  template <class T>
  PG_HOST_DEVICE static T apply(T g, T y) {
    if constexpr (is_complex_v<T>) y = math::conj(y);
    return g * y * (T(1) - y);
  }
};
struct TanhBackward {
  template <class T>
  PG_HOST_DEVICE static T apply(T g, T y) {
    if constexpr (is_complex_v<T>) y = math::conj(y);
    return g * (T(1) - y * y);
  }
};

using OutputKernel = void (*)(const View& grad_in, const View& grad, const View& out);

template <class Op, class T>
void from_output(const View& grad_in, const View& grad, const View& out) {
  const View* views[] = {&grad_in, &grad, &out};
  pointwise<T, T>(views, Binary<Op, T, is_complex_v<T>>{});
}
void run(const char* name, const ComputeSet<OutputKernel>& kernels, const View& grad_in,
         const View& grad, const View& out) {
  const OutputKernel kernel = kernels.pick(grad.dtype);
  if (!kernel) unsupported(name, grad.dtype);
  kernel(grad_in, grad, out);
}

}  // namespace

void activation(ActivationOp op, const View& out, const View& in, double a, double b, double c) {
  const ForwardKernel kernel = kForward[int(op)].pick(in.dtype);
  if (!kernel) unsupported(kNames[int(op)], in.dtype);
  kernel(out, in, a, b, c);
}

void activation_backward(ActivationOp op, const View& grad_in, const View& grad, const View& in,
                         double a, double b, double c) {
  const BackwardKernel kernel = kBackward[int(op)].pick(in.dtype);
  if (!kernel) unsupported(kNames[int(op)], in.dtype);
  kernel(grad_in, grad, in, a, b, c);
}

void relu_backward(const View& grad_in, const View& grad, const View& out) {
  run("relu_backward",
      {from_output<ReluBackward, int64_t>, from_output<ReluBackward, float>,
       from_output<ReluBackward, double>, nullptr},
      grad_in, grad, out);
}
void sigmoid_backward(const View& grad_in, const View& grad, const View& out) {
  run("sigmoid_backward",
      {nullptr, from_output<SigmoidBackward, float>, from_output<SigmoidBackward, double>,
       from_output<SigmoidBackward, Complex128>},
      grad_in, grad, out);
}
void tanh_backward(const View& grad_in, const View& grad, const View& out) {
  run("tanh_backward",
      {nullptr, from_output<TanhBackward, float>, from_output<TanhBackward, double>,
       from_output<TanhBackward, Complex128>},
      grad_in, grad, out);
}

}  // namespace pygrad::cuda
