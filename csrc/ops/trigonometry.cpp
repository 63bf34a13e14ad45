// Circular and hyperbolic functions and their inverses; all take complex numbers.
#include "csrc/ops/pointwise.h"

namespace pygrad {

Tensor sin(const Tensor& input) {
  return unary_of_input(
      "sin", UnaryOp::sin, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, conj(cos(n.saved(0))))}; });
}
PG_OP(sin, "(Tensor input) -> Tensor", R"(Sine of each element, in radians.

Example:
    >>> pygrad.sin(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.8415])
)")
.method().inplace();

Tensor cos(const Tensor& input) {
  return unary_of_input(
      "cos", UnaryOp::cos, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(neg(g), conj(sin(n.saved(0))))}; });
}
PG_OP(cos, "(Tensor input) -> Tensor", R"(Cosine of each element, in radians.

Example:
    >>> pygrad.cos(pygrad.tensor([0., 1.]))
    tensor([1.0000, 0.5403])
)")
.method().inplace();

Tensor tan(const Tensor& input) {
  return unary_of_output("tan", UnaryOp::tan, input, floating_input(input),
                         [](const Node& n, const Tensor& g) {
                           return Grads{mul(g, conj(add(square(n.saved(0)), Scalar(1))))};
                         });
}
PG_OP(tan, "(Tensor input) -> Tensor", R"(Tangent of each element, in radians.

Example:
    >>> pygrad.tan(pygrad.tensor([0., 1.]))
    tensor([0.0000, 1.5574])
)")
.method().inplace();

Tensor asin(const Tensor& input) {
  return unary_of_input("asin", UnaryOp::asin, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          return Grads{mul(g, conj(rsqrt(rsub(square(n.saved(0)), Scalar(1)))))};
                        });
}
PG_OP(asin, "(Tensor input) -> Tensor", R"(Arc sine of each element; NaN outside [-1, 1].

Example:
    >>> pygrad.asin(pygrad.tensor([0., 1.]))
    tensor([0.0000, 1.5708])
)")
.method().inplace().alias("arcsin");

Tensor acos(const Tensor& input) {
  return unary_of_input(
      "acos", UnaryOp::acos, input, floating_input(input), [](const Node& n, const Tensor& g) {
        return Grads{mul(neg(g), conj(rsqrt(rsub(square(n.saved(0)), Scalar(1)))))};
      });
}
PG_OP(acos, "(Tensor input) -> Tensor", R"(Arc cosine of each element; NaN outside [-1, 1].

Example:
    >>> pygrad.acos(pygrad.tensor([0., 1.]))
    tensor([1.5708, 0.0000])
)")
.method().inplace().alias("arccos");

Tensor atan(const Tensor& input) {
  return unary_of_input("atan", UnaryOp::atan, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          return Grads{div(g, conj(add(square(n.saved(0)), Scalar(1))))};
                        });
}
PG_OP(atan, "(Tensor input) -> Tensor", R"(Arc tangent of each element.

Example:
    >>> pygrad.atan(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.7854])
)")
.method().inplace().alias("arctan");

Tensor sinh(const Tensor& input) {
  return unary_of_input("sinh", UnaryOp::sinh, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          const Tensor x = n.saved(0);
                          return Grads{mul(g, conj(mul(add(exp(x), exp(neg(x))), Scalar(0.5))))};
                        });
}
PG_OP(sinh, "(Tensor input) -> Tensor", R"(Hyperbolic sine of each element.

Example:
    >>> pygrad.sinh(pygrad.tensor([0., 1.]))
    tensor([0.0000, 1.1752])
)")
.method().inplace();

Tensor cosh(const Tensor& input) {
  return unary_of_input(
      "cosh", UnaryOp::cosh, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{mul(g, conj(sinh(n.saved(0))))}; });
}
PG_OP(cosh, "(Tensor input) -> Tensor", R"(Hyperbolic cosine of each element.

Example:
    >>> pygrad.cosh(pygrad.tensor([0., 1.]))
    tensor([1.0000, 1.5431])
)")
.method().inplace();

Tensor tanh_backward(const Tensor& grad, const Tensor& output);

Tensor tanh(const Tensor& input) {
  return unary_of_output(
      "tanh", UnaryOp::tanh, input, floating_input(input),
      [](const Node& n, const Tensor& g) { return Grads{tanh_backward(g, n.saved(0))}; });
}
PG_OP(tanh, "(Tensor input) -> Tensor", R"(Hyperbolic tangent of each element.

Example:
    >>> pygrad.tanh(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
)")
.method().inplace();

Tensor tanh_backward(const Tensor& grad, const Tensor& output) {
  if (is_complex(output.dtype()) || grad.dtype() != output.dtype())
    return mul(grad, conj(rsub(square(output), Scalar(1))));
  const Tensor out = make_output(output, output.sizes(), output.dtype(), {grad, output});
  if (!is_large(out.numel()) ||
      !defer({.kernel = PointwiseStep::Kernel::tanh_backward}, out, {&grad, &output}))
    kernels::tanh_backward(output.device_type())(out.view(), grad.view(), output.view());
  return record("tanh_backward", out, {grad, output}, saved(grad, output),
                [](const Node& n, const Tensor& gg) {
                  const Tensor g = n.saved(0), y = n.saved(1);
                  return Grads{n.needs(0) ? tanh_backward(gg, y) : Tensor(),
                               n.needs(1) ? mul(mul(mul(g, gg), y), Scalar(-2)) : Tensor()};
                });
}
PG_OP(tanh_backward, "(Tensor grad, Tensor output) -> Tensor", R"(grad * (1 - output^2))")
.in("_internal");

Tensor asinh(const Tensor& input) {
  return unary_of_input("asinh", UnaryOp::asinh, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          return Grads{mul(g, conj(rsqrt(add(square(n.saved(0)), Scalar(1)))))};
                        });
}
PG_OP(asinh, "(Tensor input) -> Tensor", R"(Inverse hyperbolic sine of each element.

Example:
    >>> pygrad.asinh(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.8814])
)")
.method().inplace().alias("arcsinh");

Tensor acosh(const Tensor& input) {
  return unary_of_input(
      "acosh", UnaryOp::acosh, input, floating_input(input), [](const Node& n, const Tensor& g) {
        const Tensor x = n.saved(0);
        if (!is_complex(x.dtype())) return Grads{mul(g, rsqrt(sub(square(x), Scalar(1))))};
        // Two roots rather than one of x^2 - 1: right on both halves of the complex plane.
        return Grads{mul(g, conj(mul(rsqrt(sub(x, Scalar(1))), rsqrt(add(x, Scalar(1))))))};
      });
}
PG_OP(acosh, "(Tensor input) -> Tensor", R"(Inverse hyperbolic cosine of each element; NaN below 1.

Example:
    >>> pygrad.acosh(pygrad.tensor([1., 2.]))
    tensor([0.0000, 1.3170])
)")
.method().inplace().alias("arccosh");

Tensor atanh(const Tensor& input) {
  return unary_of_input("atanh", UnaryOp::atanh, input, floating_input(input),
                        [](const Node& n, const Tensor& g) {
                          return Grads{div(g, conj(rsub(square(n.saved(0)), Scalar(1))))};
                        });
}
PG_OP(atanh, "(Tensor input) -> Tensor",
      R"(Inverse hyperbolic tangent of each element; NaN outside [-1, 1].

Example:
    >>> pygrad.atanh(pygrad.tensor([0., 0.5]))
    tensor([0.0000, 0.5493])
)")
.method().inplace().alias("arctanh");

}  // namespace pygrad
