// Convolution and its two gradients: three differentiable ops, each the derivative of the others.
#pragma once

#include "csrc/ops/spatial.h"

namespace pygrad {

// One entry per spatial dimension.
struct ConvGeometry {
  Shape stride, padding, dilation;
  int64_t groups = 1;
  int64_t spatial() const { return stride.size(); }
};

// Checks and fills up the lists.
ConvGeometry conv_geometry(const char* op, int64_t spatial, const Shape& stride,
                           const Shape& padding, const Shape& dilation, int64_t groups);
// Dtypes, devices and the shape of the bias; `bias` may be undefined.
void check_conv_operands(const char* op, const Tensor& input, const Tensor& weight,
                         const Tensor& bias, int64_t out_channels);

// input (N, C, *), weight (O, C / groups, *), bias (O) or undefined -> (N, O, *).
Tensor conv_forward(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const ConvGeometry& g);
// The gradient for an input of the given sizes; also the transposed convolution.
Tensor conv_data_gradient(const Tensor& grad, const Tensor& weight, const Shape& input_sizes,
                          const ConvGeometry& g);
Tensor conv_weight_gradient(const Tensor& grad, const Tensor& input, const Shape& weight_sizes,
                            const ConvGeometry& g);
// The sum over all dimensions but the channels.
Tensor conv_bias_gradient(const Tensor& grad);

// The public ops, unbatched input included.
Tensor conv_nd(const char* op, int64_t spatial, const Tensor& input, const Tensor& weight,
               const Tensor& bias, const Shape& stride, const Shape& padding, const Shape& dilation,
               int64_t groups);
Tensor conv_transpose_nd(const char* op, int64_t spatial, const Tensor& input, const Tensor& weight,
                         const Tensor& bias, const Shape& stride, const Shape& padding,
                         const Shape& output_padding, int64_t groups, const Shape& dilation);

}  // namespace pygrad
