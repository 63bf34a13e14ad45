// Activations. Those with a kernel share one fused backward (activation_backward.cpp); the others
// are composed.
#include "csrc/ops/activation.h"

#include <cmath>
#include <limits>

namespace pygrad {

Tensor activation(const char* name, const char* node, ActivationOp op, const Tensor& input,
                  double a, double b, double c) {
  require_floating(name, input.dtype());
  Tensor out = make_output(input, input.sizes(), input.dtype(), {input});
  const Tensor kept = keep(input, out, input.requires_grad());
  if (!is_large(out.numel()) ||
      !defer(
          {.kernel = PointwiseStep::Kernel::activation, .op = uint8_t(op), .parameters = {a, b, c}},
          out, {&input}))
    kernels::activation(input.device_type())(op, out.view(), input.view(), a, b, c);
  return record(node, std::move(out), {input}, saved(kept),
                [op, a, b, c](const Node& n, const Tensor& g) {
                  return Grads{activation_backward(g, n.saved(0), op, a, b, c)};
                });
}

Tensor relu(const Tensor& input) {
  PG_CHECK(input.dtype() != DType::Bool, "relu(): Boolean inputs not supported for relu");
  refuse_complex("relu", input.dtype());
  return unary_of_output("relu", UnaryOp::relu, input, input, [](const Node& n, const Tensor& g) {
    return Grads{relu_backward(g, n.saved(0))};
  });
}
PG_OP(relu, "(Tensor input) -> Tensor", R"(Rectified linear unit: max(x, 0).

Args:
    input: any shape.

Example:
    >>> pygrad.relu(pygrad.tensor([-1., 2.]))
    tensor([0., 2.])
)")
.method().inplace().also_in("nn.functional");

Tensor relu_backward(const Tensor& grad, const Tensor& output) {
  const Tensor g = to(grad, output.dtype());
  Tensor out = make_output(output, output.sizes(), output.dtype(), {g, output});
  if (!is_large(out.numel()) ||
      !defer({.kernel = PointwiseStep::Kernel::relu_backward}, out, {&g, &output}))
    kernels::relu_backward(output.device_type())(out.view(), g.view(), output.view());
  return record(
      "threshold_backward", std::move(out), {grad}, saved(output),
      [](const Node& n, const Tensor& gg) { return Grads{relu_backward(gg, n.saved(0))}; });
}
PG_OP(relu_backward, "(Tensor grad, Tensor output) -> Tensor",
      R"(grad where output is positive, else 0.)")
.in("_internal");

Tensor leaky_relu(const Tensor& input, double negative_slope) {
  return activation("leaky_relu", "leaky_relu", ActivationOp::leaky_relu, input, negative_slope, 0,
                    0);
}
PG_OP(leaky_relu, "(Tensor input, float negative_slope=0.01) -> Tensor",
      R"(x where positive, else negative_slope * x.

Example:
    >>> pygrad.nn.functional.leaky_relu(pygrad.tensor([-1., 2.]), 0.5)
    tensor([-0.5000,  2.0000])
)")
.in("nn.functional").inplace();

Tensor elu(const Tensor& input, double alpha) {
  return activation("elu", "elu", ActivationOp::elu, input, alpha, 1, 1);
}
PG_OP(elu, "(Tensor input, float alpha=1.0) -> Tensor", R"(x where positive, else alpha * (e^x - 1).

Example:
    >>> pygrad.nn.functional.elu(pygrad.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
)")
.in("nn.functional").inplace();

Tensor selu(const Tensor& input) {
  // The fixed point of mean 0 and variance 1 (Klambauer et al., 2017).
  return activation("selu", "elu", ActivationOp::elu, input, 1.6732632423543772848170429916717,
                    1.0507009873554804934193349852946, 1);
}
PG_OP(selu, "(Tensor input) -> Tensor", R"(Scaled ELU, which keeps mean 0 and variance 1.

Example:
    >>> pygrad.selu(pygrad.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
)")
.also_in("nn.functional").inplace();

Tensor celu(const Tensor& input, double alpha) {
  PG_CHECK(alpha != 0,
           "celu(): alpha is 0 (ZeroDivisionError: alpha cannot be 0 for CELU); expected another "
           "number");
  return activation("celu", "celu", ActivationOp::elu, input, alpha, 1, 1 / alpha);
}
PG_OP(celu, "(Tensor input, float alpha=1.0) -> Tensor",
      R"(max(0, x) + min(0, alpha * (e^(x / alpha) - 1)).

Example:
    >>> pygrad.celu(pygrad.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
)")
.also_in("nn.functional").inplace();

Tensor gelu(const Tensor& input, const std::string& approximate) {
  PG_CHECK(approximate == "none" || approximate == "tanh",
           "gelu(): approximate argument must be either none or tanh, not '", approximate, "'");
  return activation("gelu", "gelu",
                    approximate == "tanh" ? ActivationOp::gelu_tanh : ActivationOp::gelu, input, 0,
                    0, 0);
}
PG_OP(gelu, "(Tensor input, *, str approximate='none') -> Tensor",
      R"(Gaussian error linear unit: x * Phi(x), Phi the standard normal's distribution function.

Args:
    input: any shape.
    approximate: 'none', or 'tanh' for 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

Example:
    >>> pygrad.nn.functional.gelu(pygrad.tensor([-1., 1.]))
    tensor([-0.1587,  0.8413])
)")
.in("nn.functional");

Tensor silu(const Tensor& input) {
  return activation("silu", "silu", ActivationOp::silu, input, 0, 0, 0);
}
PG_OP(silu, "(Tensor input) -> Tensor", R"(x * sigmoid(x), also called swish.

Example:
    >>> pygrad.nn.functional.silu(pygrad.tensor([-1., 1.]))
    tensor([-0.2689,  0.7311])
)")
.in("nn.functional").inplace();

Tensor mish(const Tensor& input) {
  return activation("mish", "mish", ActivationOp::mish, input, 0, 0, 0);
}
PG_OP(mish, "(Tensor input) -> Tensor", R"(x * tanh(softplus(x)).

Example:
    >>> pygrad.nn.functional.mish(pygrad.tensor([-1., 1.]))
    tensor([-0.3034,  0.8651])
)")
.in("nn.functional").inplace();

Tensor softplus(const Tensor& input, double beta, double threshold) {
  return activation("softplus", "softplus", ActivationOp::softplus, input, beta, threshold, 0);
}
PG_OP(softplus, "(Tensor input, float beta=1.0, float threshold=20.0) -> Tensor",
      R"(log(1 + e^(beta x)) / beta, linear where beta x is above threshold.

Example:
    >>> pygrad.nn.functional.softplus(pygrad.tensor([0., 30.]))
    tensor([ 0.6931, 30.0000])
)")
.in("nn.functional");

Tensor hardtanh(const Tensor& input, double min_val, double max_val) {
  refuse_bool("hardtanh", input.dtype());
  if (is_integral(input.dtype()))
    return clamp(input, Scalar(int64_t(min_val)), Scalar(int64_t(max_val)));
  return activation("hardtanh", "hardtanh", ActivationOp::hardtanh, input, min_val, max_val, 0);
}
PG_OP(hardtanh, "(Tensor input, float min_val=-1.0, float max_val=1.0) -> Tensor",
      R"(x cut off at min_val and max_val.

Example:
    >>> pygrad.nn.functional.hardtanh(pygrad.tensor([-2., 0.5]))
    tensor([-1.0000,  0.5000])
)")
.in("nn.functional").inplace();

Tensor relu6(const Tensor& input) { return hardtanh(input, 0, 6); }
PG_OP(relu6, "(Tensor input) -> Tensor", R"(min(max(x, 0), 6).

Example:
    >>> pygrad.nn.functional.relu6(pygrad.tensor([-2., 8.]))
    tensor([0., 6.])
)")
.in("nn.functional").inplace().composed();

Tensor hardswish(const Tensor& input) {
  return activation("hardswish", "hardswish", ActivationOp::hardswish, input, 0, 0, 0);
}
PG_OP(hardswish, "(Tensor input) -> Tensor", R"(x * relu6(x + 3) / 6.

Example:
    >>> pygrad.nn.functional.hardswish(pygrad.tensor([-4., 1.]))
    tensor([-0.0000,  0.6667])
)")
.in("nn.functional").inplace();

Tensor hardsigmoid(const Tensor& input) {
  return activation("hardsigmoid", "hardsigmoid", ActivationOp::hardsigmoid, input, 0, 0, 0);
}
PG_OP(hardsigmoid, "(Tensor input) -> Tensor", R"(relu6(x + 3) / 6.

Example:
    >>> pygrad.nn.functional.hardsigmoid(pygrad.tensor([-4., 0.]))
    tensor([0.0000, 0.5000])
)")
.in("nn.functional").inplace();

Tensor hardshrink(const Tensor& input, double lambd) {
  return activation("hardshrink", "hardshrink", ActivationOp::hardshrink, input, lambd, 0, 0);
}
PG_OP(hardshrink, "(Tensor input, float lambd=0.5) -> Tensor", R"(x where |x| > lambd, else 0.

Example:
    >>> pygrad.hardshrink(pygrad.tensor([-2., 0.2]))
    tensor([-2.,  0.])
)")
.method().also_in("nn.functional");

Tensor softshrink(const Tensor& input, double lambd) {
  PG_CHECK(lambd >= 0, "softshrink(): lambda must be greater or equal to 0, but found to be ",
           lambd);
  return activation("softshrink", "softshrink", ActivationOp::softshrink, input, lambd, 0, 0);
}
PG_OP(softshrink, "(Tensor input, float lambd=0.5) -> Tensor",
      R"(x moved towards 0 by lambd, and 0 where |x| <= lambd.

Example:
    >>> pygrad.nn.functional.softshrink(pygrad.tensor([-2., 0.2]))
    tensor([-1.5000,  0.0000])
)")
.in("nn.functional");

Tensor threshold(const Tensor& input, Scalar threshold, Scalar value) {
  refuse_bool("threshold", input.dtype());
  if (is_integral(input.dtype()))
    return where(gt(input, threshold), input, full_like(input, value));
  return activation("threshold", "threshold", ActivationOp::threshold, input, threshold.to_double(),
                    value.to_double(), 0);
}
PG_OP_NAMED("threshold", static_cast<Tensor (*)(const Tensor&, Scalar, Scalar)>(&pygrad::threshold),
            "(Tensor input, Scalar threshold, Scalar value) -> Tensor",
            R"(x where above threshold, else value.

Example:
    >>> pygrad.threshold(pygrad.tensor([-1., 2.]), 0., 7.)
    tensor([7., 2.])
)")
    .also_in("nn.functional")
    .inplace(false);

Tensor nan_to_num(const Tensor& input, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  if (is_integral(input.dtype())) return clone(input);
  if (is_complex(input.dtype())) {
    const Tensor parts = view_as_real(input);
    return view_as_complex(nan_to_num(parts, nan, posinf, neginf));
  }
  const double limit = input.dtype() == DType::Float64   ? std::numeric_limits<double>::max()
                       : input.dtype() == DType::Float16 ? 65504.0
                       : input.dtype() == DType::BFloat16
                           ? 3.38953138925153547590e38
                           : double(std::numeric_limits<float>::max());
  return activation("nan_to_num", "nan_to_num", ActivationOp::nan_to_num, input, nan.value_or(0),
                    posinf.value_or(limit), neginf.value_or(-limit));
}
PG_OP(nan_to_num,
      "(Tensor input, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
      R"(NaN and infinities replaced by numbers.

Args:
    input: any shape.
    nan: what replaces NaN; 0 by default.
    posinf: what replaces +inf; the dtype's largest number by default.
    neginf: what replaces -inf; the dtype's lowest number by default.

Example:
    >>> pygrad.nan_to_num(pygrad.tensor([float('nan'), 1.]))
    tensor([0., 1.])
)")
.method().inplace(false);

Tensor logsigmoid(const Tensor& input) {
  require_floating("logsigmoid", input.dtype());
  return unary_of_input(
      "log_sigmoid", UnaryOp::log_sigmoid, input, input,
      [](const Node& n, const Tensor& g) { return Grads{mul(g, sigmoid(neg(n.saved(0))))}; });
}
PG_OP(logsigmoid, "(Tensor input) -> Tensor", R"(log(sigmoid(x)) without overflow.

Example:
    >>> pygrad.nn.functional.logsigmoid(pygrad.tensor([0., -100.]))
    tensor([  -0.6931, -100.0000])
)")
.in("nn.functional");

Tensor prelu(const Tensor& input, const Tensor& weight) {
  check_same_dtype("prelu", input, weight, "input", "weight");
  PG_CHECK(weight.dim() <= 1,
           "prelu(): `weight` is expected to be a scalar or 1D tensor, got shape ", weight.sizes());
  Tensor slope = weight;
  if (weight.numel() != 1) {
    PG_CHECK(input.dim() > 0, "prelu(): Not allow zero-dim input tensor with ", weight.numel(),
             " weights");
    const int64_t channels = input.dim() > 1 ? input.size(1) : 1;
    PG_CHECK(
        channels == weight.numel(),
        "prelu(): Mismatch of parameter numbers and input channel size. Found parameter numbers = ",
        weight.numel(), " and channel size = ", channels, " in input ", input.sizes());
    Shape shape = Shape::filled(input.dim(), 1);
    shape[1] = channels;
    slope = reshape(weight, shape);
  } else if (weight.dim() && input.dim()) {
    slope = reshape(weight, Shape::filled(input.dim(), 1));
  } else {
    slope = reshape(weight, Shape{});
  }
  return where(gt(input, Scalar(0)), input, mul(input, slope));
}
PG_OP(prelu, "(Tensor input, Tensor weight) -> Tensor", R"(x where positive, else weight * x.

Args:
    input: (N, C, ...) or any shape with a single weight.
    weight: one number, or C of them.

Example:
    >>> pygrad.prelu(pygrad.tensor([-2., 3.]), pygrad.tensor([0.25]))
    tensor([-0.5000,  3.0000])
)")
.method().also_in("nn.functional").composed();

Tensor softsign(const Tensor& input) { return div(input, add(abs(input), Scalar(1))); }
PG_OP(softsign, "(Tensor input) -> Tensor", R"(x / (1 + |x|).

Example:
    >>> pygrad.nn.functional.softsign(pygrad.tensor([-1., 3.]))
    tensor([-0.5000,  0.7500])
)")
.in("nn.functional").composed();

Tensor tanhshrink(const Tensor& input) { return sub(input, tanh(input)); }
PG_OP(tanhshrink, "(Tensor input) -> Tensor", R"(x - tanh(x).

Example:
    >>> pygrad.nn.functional.tanhshrink(pygrad.tensor([0., 1.]))
    tensor([0.0000, 0.2384])
)")
.in("nn.functional").composed();

Tensor glu(const Tensor& input, int64_t dim) {
  PG_CHECK(input.dim() > 0, "glu(): glu does not support 0-dimensional tensors");
  dim = check_dim("glu", dim, input.dim());
  PG_CHECK(input.size(dim) % 2 == 0, "glu(): Halving dimension must be even, but dimension ", dim,
           " is size ", input.size(dim));
  const int64_t half = input.size(dim) / 2;
  return mul(narrow(input, dim, 0, half), sigmoid(narrow(input, dim, half, half)));
}
PG_OP(glu, "(Tensor input, int dim=-1) -> Tensor",
      R"(a * sigmoid(b), where a and b are the halves of x along dim.

Example:
    >>> pygrad.nn.functional.glu(pygrad.tensor([2., 0.]))
    tensor([1.])
)")
.in("nn.functional").composed();

}  // namespace pygrad
