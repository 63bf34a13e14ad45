// Tensors with spatial dimensions: (N, C, *) or unbatched (C, *), as the kernels of convolution and
// pooling see them.
#pragma once

#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {

// The (n, c, d, h, w) view of a tensor with `spatial` (1 to 3) spatial dimensions; missing ones
// have size 1.
inline View spatial_view(const Tensor& t, int64_t spatial) {
  View v;
  v.data = t.data();
  v.dtype = t.dtype();
  v.ndim = 5;
  for (int i = 0; i < 5; ++i) v.sizes[i] = 1, v.strides[i] = 0;
  for (int64_t i = 0; i < spatial; ++i) {
    v.sizes[5 - spatial + i] = t.size(t.dim() - spatial + i);
    v.strides[5 - spatial + i] = t.stride(t.dim() - spatial + i);
  }
  const int64_t lead = t.dim() - spatial;  // C, or N and C
  for (int64_t i = 0; i < lead; ++i) {
    v.sizes[2 - lead + i] = t.size(i);
    v.strides[2 - lead + i] = t.stride(i);
  }
  return v;
}

// One number for every spatial dimension, or one each.
inline Shape spatial_list(const char* op, const char* what, const Shape& given, int64_t spatial) {
  if (given.size() == spatial) return given;
  PG_CHECK(given.size() == 1, op, "(): expected ", what,
           " to be a single integer value or a list of ", spatial,
           " values to match the spatial dimensions, but got ", what, "=", given);
  return Shape::filled(spatial, given[0]);
}

// PyTorch prints sizes in these messages as lists: [1, 3, 8, 8].
struct Bracketed {
  Sizes sizes;
};
inline std::ostream& operator<<(std::ostream& out, const Bracketed& b) {
  out << '[';
  for (size_t i = 0; i < b.sizes.size(); ++i) out << (i ? ", " : "") << b.sizes[i];
  return out << ']';
}

}  // namespace pygrad
