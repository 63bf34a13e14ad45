// Transposed convolution: the data gradient of a convolution, as a forward op.
#include "csrc/ops/convolution.h"

namespace pygrad {

Tensor constant_pad_nd(const Tensor& input, const Shape& pad, Scalar value);

Tensor conv_transpose_nd(const char* op, int64_t spatial, const Tensor& input, const Tensor& weight,
                         const Tensor& bias, const Shape& stride, const Shape& padding,
                         const Shape& output_padding, int64_t groups, const Shape& dilation) {
  PG_CHECK(weight.dim() == spatial + 2, op, "(): weight has size ", Bracketed{weight.sizes()},
           "; expected ", spatial + 2, " dimensions (in channels, out channels / groups, kernel)");
  PG_CHECK(input.dim() == spatial + 1 || input.dim() == spatial + 2, op, "(): Expected ",
           spatial + 1, "D (unbatched) or ", spatial + 2, "D (batched) input to ", op,
           ", but got input of size: ", Bracketed{input.sizes()});
  const ConvGeometry g = conv_geometry(op, spatial, stride, padding, dilation, groups);
  Shape extra = spatial_list(op, "output_padding", output_padding, spatial);
  const bool batched = input.dim() == spatial + 2;
  Tensor x = batched ? input : unsqueeze(input, 0);
  const int64_t out_channels = weight.size(1) * groups;
  check_conv_operands(op, x, weight, bias, out_channels);
  PG_CHECK(x.size(1) == weight.size(0), op, "(): Given transposed=1, weight of size ",
           Bracketed{weight.sizes()}, ", expected input", Bracketed{x.sizes()}, " to have ",
           weight.size(0), " channels, but got ", x.size(1), " channels instead");
  PG_CHECK(weight.size(0) % groups == 0, op, "(): Given groups=", groups,
           ", expected weight to be divisible by ", groups,
           " at dimension 0, but got weight of size ", Bracketed{weight.sizes()}, " instead");
  Shape sizes{x.size(0), out_channels};
  Shape pad;  // in pad()'s order: last dimension first
  bool padded = false;
  for (int64_t i = 0; i < spatial; ++i) {
    PG_CHECK(extra[i] >= 0, op, "(): negative output_padding is not supported; got ", extra);
    PG_CHECK(extra[i] < g.stride[i] || extra[i] < g.dilation[i], op,
             "(): output padding must be smaller than either stride or dilation, but got "
             "output_padding ",
             extra, ", stride ", g.stride, ", dilation ", g.dilation);
    PG_CHECK(x.size(2 + i) > 0, op,
             "(): non-empty input is expected in the spatial dimensions, but got input of size ",
             Bracketed{x.sizes()});
    sizes.push_back((x.size(2 + i) - 1) * g.stride[i] - 2 * g.padding[i] +
                    g.dilation[i] * (weight.size(2 + i) - 1) + extra[i] + 1);
    PG_CHECK(sizes[2 + i] > 0, op, "(): the output would have size ", sizes[2 + i],
             " in spatial dimension ", i, " (Output size is too small); input ",
             Bracketed{x.sizes()}, ", kernel ", Bracketed{weight.sizes()}, ", padding ", g.padding);
    padded = padded || extra[i] >= g.stride[i];
  }
  if (padded) {
    // More output than the input implies: whole strides of it are further inputs, of zero.
    for (int64_t i = spatial - 1; i >= 0; --i) {
      pad.push_back(0);
      pad.push_back(extra[i] / g.stride[i]);
    }
    x = constant_pad_nd(x, pad, Scalar(0));
  }
  Tensor out = conv_data_gradient(x, weight, sizes, g);
  if (bias.defined()) {
    Shape shape = Shape::filled(spatial + 2, 1);
    shape[1] = out_channels;
    if (grad_enabled() && (out.requires_grad() || bias.requires_grad())) {
      // One node for the sum: what PyTorch shows as a single convolution.
      Tensor total;
      {
        GradGuard off(false);
        total = add(out, reshape(bias, shape));
      }
      out = record("convolution", total, {x, weight, bias}, saved(x, weight),
                   [g](const Node& node, const Tensor& grad) {
                     const Tensor x = node.saved(0), w = node.saved(1);
                     return Grads{
                         node.needs(0) ? conv_forward(grad, w, Tensor(), g) : Tensor(),
                         node.needs(1) ? conv_weight_gradient(x, grad, w.shape(), g) : Tensor(),
                         node.needs(2) ? conv_bias_gradient(grad) : Tensor()};
                   });
    } else {
      out = add(out, reshape(bias, shape));
    }
  }
  return batched ? out : squeeze(out, 0);
}

Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Shape& stride, const Shape& padding, const Shape& output_padding,
                        int64_t groups, const Shape& dilation) {
  return conv_transpose_nd("conv_transpose1d", 1, input, weight, bias, stride, padding,
                           output_padding, groups, dilation);
}
PG_OP(conv_transpose1d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "output_padding=0, int groups=1, "
      "int[] dilation=1) -> Tensor",
      R"(Transposed 1-D convolution.

Args:
    input: (N, C, L) or (C, L).
    weight: (C, O / groups, k).
    bias: (O,).
    output_padding: added to the output's size at its end.

Example:
    >>> pygrad.conv_transpose1d(pygrad.ones(1, 1, 2), pygrad.ones(1, 1, 2))
    tensor([[[1., 2., 1.]]])
)")
.also_in("nn.functional").composed();

Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Shape& stride, const Shape& padding, const Shape& output_padding,
                        int64_t groups, const Shape& dilation) {
  return conv_transpose_nd("conv_transpose2d", 2, input, weight, bias, stride, padding,
                           output_padding, groups, dilation);
}
PG_OP(conv_transpose2d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "output_padding=0, int groups=1, "
      "int[] dilation=1) -> Tensor",
      R"(Transposed 2-D convolution.

Args:
    input: (N, C, H, W) or (C, H, W).
    weight: (C, O / groups, kH, kW).
    bias: (O,).

Example:
    >>> pygrad.conv_transpose2d(pygrad.ones(1, 1, 2, 2), pygrad.ones(1, 1, 2, 2), stride=2).shape
    torch.Size([1, 1, 4, 4])
)")
.also_in("nn.functional").composed();

Tensor conv_transpose3d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Shape& stride, const Shape& padding, const Shape& output_padding,
                        int64_t groups, const Shape& dilation) {
  return conv_transpose_nd("conv_transpose3d", 3, input, weight, bias, stride, padding,
                           output_padding, groups, dilation);
}
PG_OP(conv_transpose3d,
      "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] "
      "output_padding=0, int groups=1, "
      "int[] dilation=1) -> Tensor",
      R"(Transposed 3-D convolution.

Args:
    input: (N, C, D, H, W) or (C, D, H, W).
    weight: (C, O / groups, kD, kH, kW).
    bias: (O,).

Example:
    >>> pygrad.conv_transpose3d(pygrad.ones(1, 1, 1, 1, 1), pygrad.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 2, 2, 2])
)")
.also_in("nn.functional").composed();

}  // namespace pygrad
