// Depthwise convolution (one input channel per group), called by conv.cpp; all views have five
// dimensions.
#pragma once

#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {

void depthwise(const View& out, const View& in, const View& weight, const View* bias,
               const ConvParams& p);
void depthwise_backward_data(const View& grad_in, const View& grad, const View& weight,
                             const ConvParams& p);
void depthwise_backward_weight(const View& grad_weight, const View& grad, const View& in,
                               const ConvParams& p);

}  // namespace pygrad::cpu::PG_ISA_NS
