// Joining tensors: cat, stack and the forms that widen their inputs first.
#include <vector>

#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// PyTorch skips 1-D tensors without elements whatever the others' shape is.
bool is_skipped(const Tensor& t) { return t.dim() == 1 && t.size(0) == 0; }

void check_devices(const char* op, const TensorList& tensors) {
  for (const Tensor& t : tensors)
    check_same_device(op, tensors[0], t, "tensor 0", "another tensor");
}

}  // namespace

Tensor cat(const TensorList& tensors, int64_t dim) {
  PG_CHECK_VALUE(!tensors.empty(), "cat(): torch.cat(): expected a non-empty list of Tensors");
  const Tensor* model = nullptr;
  for (size_t i = 0; i < tensors.size(); ++i) {
    PG_CHECK(tensors[i].dim() > 0, "cat(): zero-dimensional tensor (at position ", i,
             ") cannot be concatenated");
    if (!model && !is_skipped(tensors[i])) model = &tensors[i];
  }
  check_devices("cat", tensors);
  if (!model) model = &tensors[0];
  dim = check_dim("cat", dim, model->dim());
  Shape sizes = with_size(model->sizes(), dim, 0);
  // Sizes along dim, for the gradient: -1 where an input was skipped.
  const Tensor lengths = empty(Shape{int64_t(tensors.size())}, DType::Int64, Device{});
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    const bool skipped = is_skipped(t) && model->dim() != 1;
    lengths.data_as<int64_t>()[i] = skipped ? -1 : t.size(dim);
    if (skipped) continue;
    PG_CHECK(t.dim() == sizes.size(), "cat(): Tensors must have same number of dimensions: got ",
             sizes.size(), " and ", t.dim(), " (shapes ", model->sizes(), " and ", t.sizes(), ")");
    for (int64_t d = 0; d < sizes.size(); ++d)
      PG_CHECK(d == dim || t.size(d) == sizes[d],
               "cat(): Sizes of tensors must match except in dimension ", dim, ". Expected size ",
               sizes[d], " but got size ", t.size(d), " for tensor number ", i,
               " in the list (shapes ", model->sizes(), " and ", t.sizes(), ")");
    sizes[dim] += t.size(dim);
  }
  Tensor out = empty(sizes, result_type(tensors), tensors[0].device());
  std::vector<View> parts;
  parts.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (lengths.data_as<int64_t>()[i] > 0) parts.push_back(tensors[i].view());
  }
  kernels::cat(out.device_type())(out.view(), ViewList{parts.data(), int64_t(parts.size())}, dim);
  return record("cat", out, tensors, saved(lengths), [dim](const Node& n, const Tensor& g) {
    const Tensor kept = n.saved(0);
    Grads grads;
    int64_t at = 0;
    for (int64_t i = 0; i < kept.numel(); ++i) {
      const int64_t length = kept.data_as<int64_t>()[i];
      if (length < 0) {
        grads.push_back(zeros(Shape{0}, g.dtype(), g.device()));
        continue;
      }
      grads.push_back(n.needs(size_t(i)) ? narrow(g, dim, at, length) : Tensor());
      at += length;
    }
    return grads;
  });
}
PG_OP(cat, "(Tensor[] tensors, int dim=0) -> Tensor",
      R"(The tensors joined along an existing dimension.

Args:
    tensors: equal in every dimension but dim; dtypes are promoted. Empty 1-D tensors are skipped.
    dim: where to join.

Raises:
    RuntimeError: when the shapes do not fit.

Example:
    >>> pygrad.cat([pygrad.tensor([1, 2]), pygrad.tensor([3])])
    tensor([1, 2, 3])
)");
PG_OP_NAMED("concat", &cat, "(Tensor[] tensors, int dim=0) -> Tensor", R"(cat() by another name.

Example:
    >>> pygrad.concat([pygrad.tensor([1, 2]), pygrad.tensor([3])])
    tensor([1, 2, 3])
)")
    .alias("concatenate");

Tensor stack(const TensorList& tensors, int64_t dim) {
  PG_CHECK(!tensors.empty(), "stack(): stack expects a non-empty TensorList");
  dim = check_dim("stack", dim, tensors[0].dim() + 1);
  check_devices("stack", tensors);
  for (size_t i = 1; i < tensors.size(); ++i)
    PG_CHECK(Shape::same(tensors[i].sizes(), tensors[0].sizes()),
             "stack(): stack expects each tensor to be equal size, but got ", tensors[0].sizes(),
             " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
  Shape sizes = tensors[0].shape();
  sizes.insert(dim, int64_t(tensors.size()));
  Tensor out = empty(sizes, result_type(tensors), tensors[0].device());
  std::vector<View> parts;
  parts.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    View part = t.view();
    for (int64_t d = part.ndim++; d > dim; --d) {
      part.sizes[d] = part.sizes[d - 1];
      part.strides[d] = part.strides[d - 1];
    }
    part.sizes[dim] = 1;
    part.strides[dim] = 0;
    parts.push_back(part);
  }
  kernels::cat(out.device_type())(out.view(), ViewList{parts.data(), int64_t(parts.size())}, dim);
  return record("stack", out, tensors, {}, [dim](const Node& n, const Tensor& g) {
    Grads grads;
    for (int64_t i = 0; i < g.size(dim); ++i)
      grads.push_back(n.needs(size_t(i)) ? select(g, dim, i) : Tensor());
    return grads;
  });
}
PG_OP(stack, "(Tensor[] tensors, int dim=0) -> Tensor", R"(The tensors joined along a new dimension.

Args:
    tensors: of one shape; dtypes are promoted.
    dim: where the new dimension goes.

Example:
    >>> pygrad.stack([pygrad.tensor([1, 2]), pygrad.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
)");

namespace {

// Every tensor with at least `ndim` dims, as NumPy's atleast_1d, 2d and 3d give them.
TensorList at_least(const char* op, const TensorList& tensors, int64_t ndim) {
  PG_CHECK(!tensors.empty(), op, "(): ", op, " expects a non-empty TensorList");
  TensorList out;
  for (const Tensor& t : tensors) {
    Tensor r = t.dim() == 0 ? reshape(t, Shape{1}) : t;
    if (ndim >= 2 && r.dim() == 1) r = unsqueeze(r, 0);
    if (ndim >= 3 && r.dim() == 2) r = unsqueeze(r, 2);
    out.push_back(r);
  }
  return out;
}

}  // namespace

Tensor hstack(const TensorList& tensors) {
  const TensorList list = at_least("hstack", tensors, 1);
  return cat(list, list[0].dim() == 1 ? 0 : 1);
}
PG_OP(hstack, "(Tensor[] tensors) -> Tensor",
      R"(The tensors joined side by side: along dimension 1, or 0 for vectors.

Example:
    >>> pygrad.hstack([pygrad.tensor([1, 2]), pygrad.tensor([3])])
    tensor([1, 2, 3])
)")
.composed();

Tensor vstack(const TensorList& tensors) { return cat(at_least("vstack", tensors, 2), 0); }
PG_OP(vstack, "(Tensor[] tensors) -> Tensor", R"(The tensors joined as rows, along dimension 0.

Example:
    >>> pygrad.vstack([pygrad.tensor([1, 2]), pygrad.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
)")
.composed().alias("row_stack");

Tensor dstack(const TensorList& tensors) { return cat(at_least("dstack", tensors, 3), 2); }
PG_OP(dstack, "(Tensor[] tensors) -> Tensor", R"(The tensors joined in depth, along dimension 2.

Example:
    >>> pygrad.dstack([pygrad.tensor([1, 2]), pygrad.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
)")
.composed();

Tensor column_stack(const TensorList& tensors) {
  PG_CHECK(!tensors.empty(), "column_stack(): column_stack expects a non-empty TensorList");
  TensorList columns;
  for (const Tensor& t : tensors)
    columns.push_back(t.dim() <= 1 ? reshape(t, Shape{t.numel(), 1}) : t);
  return cat(columns, 1);
}
PG_OP(column_stack, "(Tensor[] tensors) -> Tensor",
      R"(The tensors joined along dimension 1, vectors being columns.

Example:
    >>> pygrad.column_stack([pygrad.tensor([1, 2]), pygrad.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
)")
.composed();

}  // namespace pygrad
