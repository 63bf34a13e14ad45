// Reductions of losses, and checks they share. Codes: 0 none, 1 mean, 2 sum.
#pragma once

#include "csrc/ops/pointwise.h"

namespace pygrad {

inline void check_reduction(const char* op, int64_t reduction) {
  PG_CHECK(reduction >= 0 && reduction <= 2, op, "(): reduction is ", reduction,
           "; expected 0 (none), 1 (mean) or 2 (sum)");
}

inline Tensor reduced(const Tensor& loss, int64_t reduction) {
  return reduction == 0   ? loss
         : reduction == 1 ? mean(loss, Shape(), false)
                          : sum(loss, Shape(), false);
}

// The gradient of one element of the loss, given that of the reduced loss over `count` elements.
inline Tensor element_gradient(const Tensor& grad, int64_t reduction, int64_t count) {
  return reduction == 1 ? div(grad, Scalar(double(count))) : grad;
}

}  // namespace pygrad
