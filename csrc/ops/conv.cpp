// Convolution (cross-correlation) with one, two or three spatial dimensions.
#include "csrc/ops/convolution.h"

namespace pygrad {
namespace {

ConvParams params_of(const ConvGeometry& g) {
  ConvParams p;
  const int64_t n = g.spatial();
  for (int i = 0; i < 3; ++i) p.stride[i] = 1, p.padding[i] = 0, p.dilation[i] = 1;
  for (int64_t i = 0; i < n; ++i) {
    p.stride[3 - n + i] = g.stride[i];
    p.padding[3 - n + i] = g.padding[i];
    p.dilation[3 - n + i] = g.dilation[i];
  }
  p.groups = g.groups;
  return p;
}

// With no channels or no taps every sum is empty.
Tensor zeros_for(Sizes sizes, const Tensor& like) {
  return zeros(sizes, like.dtype(), like.device());
}

struct Crossed {  // 5 x 5, as PyTorch writes image sizes
  Sizes sizes;
};
std::ostream& operator<<(std::ostream& out, const Crossed& c) {
  for (size_t i = 0; i < c.sizes.size(); ++i) out << (i ? " x " : "") << c.sizes[i];
  return out;
}

}  // namespace

ConvGeometry conv_geometry(const char* op, int64_t spatial, const Shape& stride,
                           const Shape& padding, const Shape& dilation, int64_t groups) {
  ConvGeometry g{spatial_list(op, "stride", stride, spatial),
                 spatial_list(op, "padding", padding, spatial),
                 spatial_list(op, "dilation", dilation, spatial), groups};
  for (int64_t i = 0; i < spatial; ++i) {
    PG_CHECK(g.stride[i] > 0, op, "(): non-positive stride is not supported; got stride ",
             g.stride);
    PG_CHECK(g.padding[i] >= 0, op, "(): negative padding is not supported; got padding ",
             g.padding);
    PG_CHECK(g.dilation[i] > 0, op, "(): non-positive dilation is not supported; got dilation ",
             g.dilation);
  }
  PG_CHECK(groups > 0, op, "(): non-positive groups is not supported; got groups ", groups);
  return g;
}

void check_conv_operands(const char* op, const Tensor& input, const Tensor& weight,
                         const Tensor& bias, int64_t out_channels) {
  check_same_device(op, input, weight, "input", "weight");
  PG_CHECK(input.dtype() == weight.dtype(), op, "(): Input type (", input.dtype(),
           ") and weight type (", weight.dtype(), ") should be the same. Convert one with .to()");
  PG_CHECK_KIND(NotImplemented, is_floating(input.dtype()), op, "(): not implemented for dtype ",
                input.dtype(), "; expected a floating dtype. Convert the input with .float()");
  if (!bias.defined()) return;
  check_same_device(op, input, bias, "input", "bias");
  PG_CHECK(input.dtype() == bias.dtype(), op, "(): Input type (", input.dtype(),
           ") and bias type (", bias.dtype(), ") should be the same. Convert one with .to()");
  PG_CHECK(bias.dim() == 1 && bias.size(0) == out_channels, op, "(): Given weight of size ",
           Bracketed{weight.sizes()}, ", expected bias to be 1-dimensional with ", out_channels,
           " elements, but got bias of size ", Bracketed{bias.sizes()}, " instead");
}

Tensor conv_bias_gradient(const Tensor& grad) {
  Shape dims;
  for (int64_t d = 0; d < grad.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return sum(grad, dims, false);
}

Tensor conv_forward(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const ConvGeometry& g) {
  const int64_t n = g.spatial();
  Shape sizes{input.size(0), weight.size(0)};
  for (int64_t i = 0; i < n; ++i)
    sizes.push_back(
        (input.size(2 + i) + 2 * g.padding[i] - g.dilation[i] * (weight.size(2 + i) - 1) - 1) /
            g.stride[i] +
        1);
  Tensor out = empty(sizes, input.dtype(), input.device());
  if (out.numel() && (!input.numel() || !weight.numel())) {
    Shape shape = Shape::filled(n + 2, 1);
    shape[1] = weight.size(0);
    const Tensor nothing = zeros_for(sizes, input);
    copy_data(out, nothing);
    if (bias.defined()) {
      GradGuard off(false);
      copy_data(out, expand(reshape(bias, shape), sizes));
    }
  } else if (out.numel()) {
    const View b = bias.defined() ? bias.view() : View{};
    kernels::conv(input.device_type())(spatial_view(out, n), spatial_view(input, n),
                                       spatial_view(weight, n), bias.defined() ? &b : nullptr,
                                       params_of(g));
  }
  return record("convolution", out, {input, weight, bias}, saved(input, weight),
                [g](const Node& node, const Tensor& grad) {
                  const Tensor x = node.saved(0), w = node.saved(1);
                  return Grads{
                      node.needs(0) ? conv_data_gradient(grad, w, x.shape(), g) : Tensor(),
                      node.needs(1) ? conv_weight_gradient(grad, x, w.shape(), g) : Tensor(),
                      node.needs(2) ? conv_bias_gradient(grad) : Tensor()};
                });
}

Tensor conv_data_gradient(const Tensor& grad, const Tensor& weight, const Shape& input_sizes,
                          const ConvGeometry& g) {
  const int64_t n = g.spatial();
  Tensor out;
  if (!grad.numel() || !weight.numel()) {
    out = zeros_for(input_sizes, grad);
  } else {
    out = empty(input_sizes, grad.dtype(), grad.device());
    if (out.numel())
      kernels::conv_backward_data(grad.device_type())(spatial_view(out, n), spatial_view(grad, n),
                                                      spatial_view(weight, n), params_of(g));
  }
  // <gg, D(grad, w)> = <conv(gg, w), grad>: so the derivatives are a convolution and a weight
  // gradient.
  return record("convolution", out, {grad, weight}, saved(grad, weight),
                [g](const Node& node, const Tensor& gg) {
                  const Tensor grad = node.saved(0), w = node.saved(1);
                  return Grads{
                      node.needs(0) ? conv_forward(gg, w, Tensor(), g) : Tensor(),
                      node.needs(1) ? conv_weight_gradient(grad, gg, w.shape(), g) : Tensor()};
                });
}

Tensor conv_weight_gradient(const Tensor& grad, const Tensor& input, const Shape& weight_sizes,
                            const ConvGeometry& g) {
  const int64_t n = g.spatial();
  Tensor out;
  if (!grad.numel() || !input.numel()) {
    out = zeros_for(weight_sizes, grad);
  } else {
    out = empty(weight_sizes, grad.dtype(), grad.device());
    if (out.numel())
      kernels::conv_backward_weight(grad.device_type())(spatial_view(out, n), spatial_view(grad, n),
                                                        spatial_view(input, n), params_of(g));
  }
  return record("convolution_backward", out, {grad, input}, saved(grad, input),
                [g](const Node& node, const Tensor& gg) {
                  const Tensor grad = node.saved(0), x = node.saved(1);
                  return Grads{
                      node.needs(0) ? conv_forward(x, gg, Tensor(), g) : Tensor(),
                      node.needs(1) ? conv_data_gradient(grad, gg, x.shape(), g) : Tensor()};
                });
}

Tensor conv_nd(const char* op, int64_t spatial, const Tensor& input, const Tensor& weight,
               const Tensor& bias, const Shape& stride, const Shape& padding, const Shape& dilation,
               int64_t groups) {
  PG_CHECK(weight.dim() == spatial + 2, op, "(): weight has size ", Bracketed{weight.sizes()},
           "; expected ", spatial + 2, " dimensions (out channels, in channels / groups, kernel)");
  PG_CHECK(input.dim() == spatial + 1 || input.dim() == spatial + 2, op, "(): Expected ",
           spatial + 1, "D (unbatched) or ", spatial + 2, "D (batched) input to ", op,
           ", but got input of size: ", Bracketed{input.sizes()});
  const ConvGeometry g = conv_geometry(op, spatial, stride, padding, dilation, groups);
  const bool batched = input.dim() == spatial + 2;
  const Tensor x = batched ? input : unsqueeze(input, 0);
  check_conv_operands(op, x, weight, bias, weight.size(0));
  PG_CHECK(weight.size(0) >= groups, op, "(): Given groups=", groups,
           ", expected weight to be at least ", groups, " at dimension 0, but got weight of size ",
           Bracketed{weight.sizes()}, " instead");
  PG_CHECK(weight.size(0) % groups == 0, op, "(): Given groups=", groups,
           ", expected weight to be divisible by ", groups,
           " at dimension 0, but got weight of size ", Bracketed{weight.sizes()}, " instead");
  PG_CHECK(x.size(1) == weight.size(1) * groups, op, "(): Given groups=", groups,
           ", weight of size ", Bracketed{weight.sizes()}, ", expected input", Bracketed{x.sizes()},
           " to have ", weight.size(1) * groups, " channels, but got ", x.size(1),
           " channels instead");
  Shape padded, kernel;
  bool fits = true;
  for (int64_t i = 0; i < spatial; ++i) {
    PG_CHECK(weight.size(2 + i) > 0, op,
             "(): kernel size should be greater than zero, but got weight of size ",
             Bracketed{weight.sizes()});
    padded.push_back(x.size(2 + i) + 2 * g.padding[i]);
    kernel.push_back(g.dilation[i] * (weight.size(2 + i) - 1) + 1);
    fits = fits && padded[i] >= kernel[i];
  }
  PG_CHECK(fits, op, "(): Calculated padded input size per channel: (", Crossed{padded},
           "). Kernel size: (", Crossed{kernel},
           "). Kernel size can't be greater than actual input size");
  const Tensor out = conv_forward(x, weight, bias, g);
  return batched ? out : squeeze(out, 0);
}

Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Shape& stride,
              const Shape& padding, const Shape& dilation, int64_t groups) {
  return conv_nd("conv1d", 1, input, weight, bias, stride, padding, dilation, groups);
}
PG_OP(conv1d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "dilation=1, int groups=1) -> Tensor",
      R"(1-D convolution (cross-correlation).

Args:
    input: (N, C, L) or (C, L).
    weight: (O, C / groups, k).
    bias: (O,).

Example:
    >>> pygrad.conv1d(pygrad.ones(1, 1, 4), pygrad.ones(1, 1, 3))
    tensor([[[3., 3.]]])
)")
.also_in("nn.functional").composed();

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Shape& stride,
              const Shape& padding, const Shape& dilation, int64_t groups) {
  return conv_nd("conv2d", 2, input, weight, bias, stride, padding, dilation, groups);
}
PG_OP(conv2d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "dilation=1, int groups=1) -> Tensor",
      R"(2-D convolution (cross-correlation).

Args:
    input: (N, C, H, W) or (C, H, W).
    weight: (O, C / groups, kH, kW).
    bias: (O,).
    stride, padding, dilation: one number, or two for height and width.
    groups: blocks of channels that do not see each other.

Raises:
    RuntimeError: if the channels differ, or the kernel is larger than the padded input.

Example:
    >>> pygrad.conv2d(pygrad.ones(1, 1, 3, 3), pygrad.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
)")
.also_in("nn.functional").composed();

Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Shape& stride,
              const Shape& padding, const Shape& dilation, int64_t groups) {
  return conv_nd("conv3d", 3, input, weight, bias, stride, padding, dilation, groups);
}
PG_OP(conv3d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "dilation=1, int groups=1) -> Tensor",
      R"(3-D convolution (cross-correlation).

Args:
    input: (N, C, D, H, W) or (C, D, H, W).
    weight: (O, C / groups, kD, kH, kW).
    bias: (O,).

Example:
    >>> pygrad.conv3d(pygrad.ones(1, 1, 2, 2, 2), pygrad.ones(1, 1, 2, 2, 2)).item()
    8.0
)")
.also_in("nn.functional").composed();

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   const Shape& stride, const Shape& padding, const Shape& dilation,
                   bool transposed, const Shape& output_padding, int64_t groups) {
  const int64_t spatial = weight.dim() - 2;
  PG_CHECK(spatial >= 1 && spatial <= 3, "convolution(): weight has size ",
           Bracketed{weight.sizes()}, "; expected 3 to 5 dimensions");
  return transposed ? conv_transpose_nd("convolution", spatial, input, weight, bias, stride,
                                        padding, output_padding, groups, dilation)
                    : conv_nd("convolution", spatial, input, weight, bias, stride, padding,
                              dilation, groups);
}
PG_OP(
    convolution,
    "(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, bool "
    "transposed, "
    "int[] output_padding, int groups) -> Tensor",
    R"(Any of the convolutions, with 1 to 3 spatial dimensions as weight has, or its transposed form.

Example:
    >>> pygrad.convolution(pygrad.ones(1, 1, 2), pygrad.ones(1, 1, 2), None, [1], [0], [1], True, [0], 1)
    tensor([[[1., 2., 1.]]])
)")
.composed();

}  // namespace pygrad
