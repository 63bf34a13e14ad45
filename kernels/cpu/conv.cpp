// Convolution forward and its two gradients: the choice of the way by shape.
//
//   product    one window that is the whole image: a matrix product
//   winograd   3 x 3 of stride 1 with many channels, in float32
//   images     batches of small images, where channels do not fill vectors or borders are wide
//   depthwise  the weight gradient of one input channel per group
//   direct     everything else
#include "kernels/cpu/conv.h"

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/planes.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

bool is_depthwise(const View& weight, int64_t groups) {
  return groups > 1 && weight.sizes[1] == 1 && weight.sizes[0] <= 4 * groups;
}

// Whether the only window is the image, whose elements are in the order of the filters'.
bool is_product(const View& out, const View& in, const View& weight, const ConvParams& p) {
  int64_t stride;
  bool whole = p.groups == 1 && plane_size(out) == 1 && weight.is_contiguous() &&
               plane_collapses(in, stride) && (stride == 1 || plane_size(in) == 1) &&
               (in.strides[1] == plane_size(in) || in.sizes[1] == 1) && in.dtype == weight.dtype &&
               out.dtype == weight.dtype;
  for (int d = 0; d < 3; ++d)
    whole = whole && p.padding[d] == 0 && weight.sizes[2 + d] == in.sizes[2 + d] &&
            (p.dilation[d] == 1 || weight.sizes[2 + d] == 1);
  return whole;
}

// The operands of these products: rows are images or filters, columns their elements or channels.
struct Matrix {
  const View& view;
  int64_t rs, cs;
  Matrix turned() const { return {view, cs, rs}; }
};
Matrix images(const View& v) { return {v, v.strides[0], 1}; }
Matrix filters(const View& v) { return {v, v.sizes[1] * plane_size(v), 1}; }
Matrix channels(const View& v) { return {v, v.strides[0], v.strides[1]}; }

void multiply(const Matrix& c, const Matrix& a, const Matrix& b, int64_t m, int64_t n, int64_t k,
              const View* bias) {
  GemmArgs g{};
  g.dtype = c.view.dtype;
  g.batch = 1, g.m = m, g.n = n, g.k = k;
  g.a = a.view.data, g.a_rs = a.rs, g.a_cs = a.cs;
  g.b = b.view.data, g.b_rs = b.rs, g.b_cs = b.cs;
  g.c = c.view.data, g.c_rs = c.rs, g.c_cs = c.cs;
  if (bias) g.bias = bias->data, g.bias_stride = bias->strides[0];
  gemm(g);
}

}  // namespace

void conv(const View& out_, const View& in_, const View& weight_, const View* bias,
          const ConvParams& p) {
  const View out = five_dims(out_), in = five_dims(in_), weight = five_dims(weight_);
  if (!is_floating(in.dtype)) unsupported("conv", in.dtype);
  if (out.numel() == 0) return;
  if (is_product(out, in, weight, p))
    return multiply(channels(out), images(in), filters(weight).turned(), in.sizes[0],
                    weight.sizes[0], in.sizes[1] * plane_size(in), bias);
  const auto way = winograd_pays(out, in, weight, p)     ? winograd
                   : image_lanes_pay(out, in, weight, p) ? image_lanes
                                                         : direct;
  way(out, in, weight, bias, p);
}

void conv_backward_data(const View& grad_in_, const View& grad_, const View& weight_,
                        const ConvParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), weight = five_dims(weight_);
  if (!is_floating(grad.dtype)) unsupported("conv_backward_data", grad.dtype);
  if (grad_in.numel() == 0) return;
  if (is_product(grad, grad_in, weight, p))
    return multiply(images(grad_in), channels(grad), filters(weight), grad_in.sizes[0],
                    grad_in.sizes[1] * plane_size(grad_in), weight.sizes[0], nullptr);
  const auto way = winograd_pays(grad, grad_in, weight, p) ? winograd_backward_data
                   : image_lanes_pay_backward_data(grad, grad_in, weight, p)
                       ? image_lanes_backward_data
                       : direct_backward_data;
  way(grad_in, grad, weight, p);
}

void conv_backward_weight(const View& grad_weight_, const View& grad_, const View& in_,
                          const ConvParams& p) {
  const View grad_weight = five_dims(grad_weight_), grad = five_dims(grad_), in = five_dims(in_);
  if (!is_floating(grad.dtype)) unsupported("conv_backward_weight", grad.dtype);
  if (grad_weight.numel() == 0) return;
  if (is_product(grad, in, grad_weight, p))
    return multiply(filters(grad_weight), channels(grad).turned(), images(in), grad_weight.sizes[0],
                    in.sizes[1] * plane_size(in), in.sizes[0], nullptr);
  const auto way = winograd_pays(grad, in, grad_weight, p) ? winograd_backward_weight
                   : image_lanes_pay_backward_weight(grad, in, grad_weight, p)
                       ? image_lanes_backward_weight
                   : is_depthwise(grad_weight, p.groups) ? depthwise_backward_weight
                                                         : direct_backward_weight;
  way(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
