// The backward of all fused activations, itself an op: its own backward needs f'', composed here
// from public ops, so that derivatives of any order exist.
#include <cmath>

#include "csrc/ops/activation.h"

namespace pygrad {
namespace {

// f''(x), or undefined where it is zero almost everywhere.
Tensor second_derivative(ActivationOp op, const Tensor& x, double a, double b, double c) {
  switch (op) {
    case ActivationOp::elu:
      return where(
          gt(x, Scalar(0)), Scalar(0.0),
          mul(exp(mul(clamp(x, std::nullopt, Scalar(0.0)), Scalar(c))), Scalar(a * b * c * c)));
    case ActivationOp::gelu: {
      const Tensor density = mul(exp(mul(square(x), Scalar(-0.5))), Scalar(0.39894228040143267794));
      return mul(density, rsub(square(x), Scalar(2)));
    }
    case ActivationOp::gelu_tanh: {
      // f = x (1 + t) / 2 with t = tanh(u), u = k (x + q x^3).
      constexpr double k = 0.79788456080286535588, q = 0.044715;
      const Tensor xx = square(x),
                   t = tanh(mul(mul(x, add(mul(xx, Scalar(q)), Scalar(1))), Scalar(k)));
      const Tensor u1 = mul(add(mul(xx, Scalar(3 * q)), Scalar(1)), Scalar(k)),
                   u2 = mul(x, Scalar(6 * k * q));
      const Tensor t1 = rsub(square(t), Scalar(1));
      const Tensor bend = sub(mul(t1, u2), mul(mul(mul(t, t1), square(u1)), Scalar(2)));
      return add(mul(t1, u1), mul(mul(x, bend), Scalar(0.5)));
    }
    case ActivationOp::silu: {
      const Tensor s = sigmoid(x), s1 = mul(s, rsub(s, Scalar(1)));
      return mul(s1, add(mul(x, rsub(mul(s, Scalar(2)), Scalar(1))), Scalar(2)));
    }
    case ActivationOp::mish: {
      // f = x t with t = tanh(p), p = softplus(x), p' = s.
      const Tensor s = sigmoid(x), p = neg(log(sigmoid(neg(clamp(x, std::nullopt, Scalar(30.0))))));
      const Tensor t = tanh(p), flat = rsub(square(t), Scalar(1)), t1 = mul(flat, s);
      const Tensor t2 =
          sub(mul(flat, mul(s, rsub(s, Scalar(1)))), mul(mul(mul(t, flat), square(s)), Scalar(2)));
      return add(mul(t1, Scalar(2)), mul(x, t2));
    }
    case ActivationOp::softplus: {
      const Tensor s = sigmoid(mul(x, Scalar(a)));
      return where(gt(mul(x, Scalar(a)), Scalar(b)), Scalar(0.0),
                   mul(mul(s, rsub(s, Scalar(1))), Scalar(a)));
    }
    case ActivationOp::hardswish:
      return where(lt(abs(x), Scalar(3)), full_like(x, Scalar(1.0 / 3)), Scalar(0.0));
    case ActivationOp::leaky_relu:
    case ActivationOp::hardtanh:
    case ActivationOp::hardsigmoid:
    case ActivationOp::hardshrink:
    case ActivationOp::softshrink:
    case ActivationOp::threshold:
    case ActivationOp::nan_to_num:
      break;
  }
  return {};
}

}  // namespace

Tensor activation_backward(const Tensor& grad, const Tensor& input, ActivationOp op, double a,
                           double b, double c) {
  const Tensor g = to(grad, input.dtype());
  Tensor out = make_output(input, input.sizes(), input.dtype(), {g, input});
  if (!is_large(out.numel()) || !defer({.kernel = PointwiseStep::Kernel::activation_backward,
                                        .op = uint8_t(op),
                                        .parameters = {a, b, c}},
                                       out, {&g, &input}))
    kernels::activation_backward(input.device_type())(op, out.view(), g.view(), input.view(), a, b,
                                                      c);
  return record("activation_backward", std::move(out), {grad, input}, saved(g, input),
                [op, a, b, c](const Node& n, const Tensor& gg) {
                  const Tensor x = n.saved(1);
                  Tensor to_input;
                  if (n.needs(1)) {
                    const Tensor bend = second_derivative(op, x, a, b, c);
                    to_input = bend.defined() ? mul(mul(n.saved(0), gg), bend) : zeros_like(gg);
                  }
                  return Grads{n.needs(0) ? activation_backward(gg, x, op, a, b, c) : Tensor(),
                               to_input};
                });
}

namespace {

Tensor activation_backward_by_number(const Tensor& grad, const Tensor& input, int64_t op, double a,
                                     double b, double c) {
  PG_CHECK(op >= 0 && op <= int64_t(ActivationOp::nan_to_num),
           "activation_backward(): no activation has the number ", op);
  PG_CHECK(Shape::same(grad.sizes(), input.sizes()), "activation_backward(): grad ", grad.sizes(),
           " and input ", input.sizes(), " differ in shape");
  return activation_backward(grad, input, ActivationOp(op), a, b, c);
}

}  // namespace
PG_OP_NAMED("activation_backward", &activation_backward_by_number,
            "(Tensor grad, Tensor input, int op, float a=0.0, float b=0.0, float c=0.0) -> Tensor",
            R"(grad * f'(input) for the fused activation number op.)")
    .in("_internal");

}  // namespace pygrad
