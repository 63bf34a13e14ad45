// What the reductions share: which dims go, the shape that stays, and the way back for gradients.
#pragma once

#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {

// The dims of a reduction as a bit mask, with the input's sizes: it owns nothing, so that
// backward may capture it.
struct Reduced {
  Shape sizes;  // of the input
  uint32_t mask = 0;
  bool keepdim = false;

  Reduced() = default;
  Reduced(const char* op, const Tensor& input, Sizes dims, bool keep)
      : sizes(input.shape()), mask(check_dims(op, dims, input.dim())), keepdim(keep) {}

  bool reduces(int64_t d) const { return mask >> d & 1u; }
  bool everything() const { return mask == (sizes.size() ? (1u << sizes.size()) - 1u : 0u); }
  int64_t count() const {  // elements that go into one result
    int64_t n = 1;
    for (int64_t d = 0; d < sizes.size(); ++d)
      if (reduces(d)) n *= sizes[d];
    return n;
  }
  Shape kept_shape() const {  // size 1 where reduced
    Shape s = sizes;
    for (int64_t d = 0; d < s.size(); ++d)
      if (reduces(d)) s[d] = 1;
    return s;
  }
  Shape result_shape() const {
    if (keepdim) return kept_shape();
    Shape s;
    for (int64_t d = 0; d < sizes.size(); ++d)
      if (!reduces(d)) s.push_back(sizes[d]);
    return s;
  }
  // A result, or a gradient of one, with the reduced dims back as 1; differentiable.
  Tensor with_dims(const Tensor& t) const { return keepdim ? t : reshape(t, kept_shape()); }
  // Broadcast to the input's shape; differentiable.
  Tensor expanded(const Tensor& t) const { return expand(with_dims(t), sizes); }
  // The kernel's view of a result tensor: the input's dims, size 1 where reduced.
  View kernel_view(const Tensor& out) const {
    View v = out.view();
    if (!keepdim) {
      v.ndim = int32_t(sizes.size());
      int64_t j = 0;
      for (int64_t d = 0; d < sizes.size(); ++d) {
        v.sizes[d] = reduces(d) ? 1 : sizes[d];
        v.strides[d] = reduces(d) ? 0 : out.stride(j++);
      }
    }
    return v;
  }
};

// Runs the kernel on fresh memory; no tape.
Tensor run_reduce(ReduceOp op, const Tensor& x, const Reduced& r, DType dtype);
// A dimension that must hold something: amax, max, min, argmax, median...
void check_not_empty(const char* op, const Tensor& input, const Reduced& r);

inline Shape dims_of(const std::optional<Shape>& dims) { return dims ? *dims : Shape(); }

}  // namespace pygrad
