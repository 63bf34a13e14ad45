// make_view(): the one way an op makes a view that autograd follows.
#pragma once

#include <optional>

#include "csrc/autograd/record.h"
#include "csrc/core/tensor.h"

namespace pygrad {

// Remembers the tensor that owns the memory, so that an in-place write to either side reaches the
// other's history. A view of a view points at the root. In inference mode nothing is remembered.
inline void track_view(const Tensor& view, const Tensor& of) {
  if (grad_state.inference || of.impl()->inference) return;
  TensorImpl* p = view.impl();
  TensorImpl* root = of.impl()->base ? of.impl()->base : of.impl();
  root->refs.take();
  p->base = root;
  p->view_untracked = !grad_enabled() || of.impl()->view_untracked;
  p->view_version = view.version();
}

template <class F>
Tensor make_view(const char* name, const Tensor& base, Sizes sizes, Sizes strides, int64_t offset,
                 const F& backward) {
  Tensor out = alias(base, sizes, strides, offset);
  track_view(out, base);
  return record(name, std::move(out), {base}, {}, backward);
}

// The same bytes as another dtype; sizes, strides and offset count elements of that dtype.
template <class F>
Tensor make_view_as(const char* name, DType dtype, const Tensor& base, Sizes sizes, Sizes strides,
                    int64_t offset, const F& backward) {
  Tensor out = alias(base, sizes, strides, offset);
  out.impl()->dtype = dtype;
  track_view(out, base);
  return record(name, std::move(out), {base}, {}, backward);
}

// Gradients of views: zeros of the input's shape with `grad` in the view's place. Differentiable.
Tensor select_backward(const Tensor& grad, const Shape& sizes, int64_t dim, int64_t index);
Tensor slice_backward(const Tensor& grad, const Shape& sizes, int64_t dim, int64_t start,
                      int64_t end, int64_t step);
Tensor diagonal_backward(const Tensor& grad, const Shape& sizes, int64_t offset, int64_t dim1,
                         int64_t dim2);

// A copy of the shape without, or with other, dims.
inline Shape without_dim(Sizes s, int64_t dim) {
  Shape r(s);
  r.erase(dim);
  return r;
}
inline Shape with_size(Sizes s, int64_t dim, int64_t size) {
  Shape r(s);
  r[dim] = size;
  return r;
}

// Strides that show memory of the given layout in another shape, or nothing when only a copy can.
std::optional<Shape> strides_for_view(Sizes sizes, Sizes strides, Sizes target);
// `size` with its one -1 replaced so that it holds numel elements.
Shape infer_size(const char* op, const Shape& size, int64_t numel);

// The view x[start:end:step] of one dim after Python's clamping, as (start, length).
struct SliceRange {
  int64_t start, length;
};
SliceRange slice_range(int64_t size, int64_t start, int64_t end, int64_t step);

}  // namespace pygrad
