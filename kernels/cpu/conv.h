// The ways of convolution that conv.cpp chooses from; all views have five dimensions.
#pragma once

#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {

// Multiply-adds below which a second thread does not pay.
constexpr int64_t kSerialConvMacs = int64_t(1) << 18;

// Any convolution (conv_direct.cpp, conv_weight.cpp).
void direct(const View& out, const View& in, const View& weight, const View* bias,
            const ConvParams& p);
void direct_backward_data(const View& grad_in, const View& grad, const View& weight,
                          const ConvParams& p);
void direct_backward_weight(const View& grad_weight, const View& grad, const View& in,
                            const ConvParams& p);

// 3 x 3 of stride 1 with many channels, in fewer products (conv_winograd.cpp).
bool winograd_pays(const View& out, const View& in, const View& weight, const ConvParams& p);
void winograd(const View& out, const View& in, const View& weight, const View* bias,
              const ConvParams& p);
void winograd_backward_data(const View& grad_in, const View& grad, const View& weight,
                            const ConvParams& p);
void winograd_backward_weight(const View& grad_weight, const View& grad, const View& in,
                              const ConvParams& p);

// Batches of small images (conv_images.cpp).
bool image_lanes_pay(const View& out, const View& in, const View& weight, const ConvParams& p);
bool image_lanes_pay_backward_data(const View& grad, const View& grad_in, const View& weight,
                                   const ConvParams& p);
bool image_lanes_pay_backward_weight(const View& grad, const View& in, const View& weight,
                                     const ConvParams& p);
void image_lanes(const View& out, const View& in, const View& weight, const View* bias,
                 const ConvParams& p);
void image_lanes_backward_data(const View& grad_in, const View& grad, const View& weight,
                               const ConvParams& p);
void image_lanes_backward_weight(const View& grad_weight, const View& grad, const View& in,
                                 const ConvParams& p);

// One input channel per group (conv_depthwise.cpp).
void depthwise_backward_weight(const View& grad_weight, const View& grad, const View& in,
                               const ConvParams& p);

}  // namespace pygrad::cpu::PG_ISA_NS
