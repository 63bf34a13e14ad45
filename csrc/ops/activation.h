// The fused activations: one forward and one backward for the whole list of kernels/op_lists.h.
#pragma once

#include "csrc/ops/pointwise.h"

namespace pygrad {

// `name` for errors, `node` for the tape; a, b and c as op_lists.h says.
Tensor activation(const char* name, const char* node, ActivationOp op, const Tensor& input,
                  double a, double b, double c);
// grad * f'(input), differentiable.
Tensor activation_backward(const Tensor& grad, const Tensor& input, ActivationOp op, double a,
                           double b, double c);

}  // namespace pygrad
