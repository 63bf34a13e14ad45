// What fixed and adaptive pooling share.
#pragma once

#include "csrc/ops/spatial.h"

namespace pygrad {

// The gradient of any maximum pooling: each gradient goes to where its maximum was found. `indices`
// number the positions of one image's plane.
Tensor max_pool_backward(const char* node, const Tensor& grad, const Tensor& indices,
                         const Shape& input_sizes, int64_t spatial);

// (N, C, *) or (C, *), not empty but for the batch.
void check_pool_input(const char* op, const Tensor& input, int64_t spatial);

// The input's batch and channels with other spatial sizes.
inline Shape with_spatial(const Tensor& input, const Shape& spatial_sizes) {
  Shape sizes;
  for (int64_t d = 0; d < input.dim() - spatial_sizes.size(); ++d) sizes.push_back(input.size(d));
  for (int64_t s : spatial_sizes) sizes.push_back(s);
  return sizes;
}

}  // namespace pygrad
