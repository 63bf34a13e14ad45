// Convolution forward and its two gradients: the choice of the way by shape.
//
//   winograd   3 x 3 of stride 1 with many channels, in float32
//   direct     everything else
//   depthwise  the weight gradient of one input channel per group
#include "kernels/cpu/conv.h"

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/planes.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

bool is_depthwise(const View& weight, int64_t groups) {
  return groups > 1 && weight.sizes[1] == 1 && weight.sizes[0] <= 4 * groups;
}

}  // namespace

void conv(const View& out_, const View& in_, const View& weight_, const View* bias,
          const ConvParams& p) {
  const View out = five_dims(out_), in = five_dims(in_), weight = five_dims(weight_);
  if (!is_floating(in.dtype)) unsupported("conv", in.dtype);
  if (out.numel() == 0) return;
  (winograd_pays(out, in, weight, p) ? winograd : direct)(out, in, weight, bias, p);
}

void conv_backward_data(const View& grad_in_, const View& grad_, const View& weight_,
                        const ConvParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), weight = five_dims(weight_);
  if (!is_floating(grad.dtype)) unsupported("conv_backward_data", grad.dtype);
  if (grad_in.numel() == 0) return;
  (winograd_pays(grad, grad_in, weight, p) ? winograd_backward_data : direct_backward_data)(
      grad_in, grad, weight, p);
}

void conv_backward_weight(const View& grad_weight_, const View& grad_, const View& in_,
                          const ConvParams& p) {
  const View grad_weight = five_dims(grad_weight_), grad = five_dims(grad_), in = five_dims(in_);
  if (!is_floating(grad.dtype)) unsupported("conv_backward_weight", grad.dtype);
  if (grad_weight.numel() == 0) return;
  if (is_depthwise(grad_weight, p.groups))
    depthwise_backward_weight(grad_weight, grad, in, p);
  else if (winograd_pays(grad, in, grad_weight, p))
    winograd_backward_weight(grad_weight, grad, in, p);
  else
    direct_backward_weight(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
