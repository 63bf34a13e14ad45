// Selecting by truth: nonzero, argwhere, masked_select and masked_scatter.
#include "csrc/ops/checks.h"
#include "csrc/ops/index_plan.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {

Tensor masked_scatter(const Tensor& input, const Tensor& mask, const Tensor& source);

Tensor nonzero(const Tensor& input) {
  const int64_t count =
      input.numel() ? kernels::count_nonzero_total(input.device_type())(input.view()) : 0;
  const Tensor out = empty(Shape{count, input.dim()}, DType::Int64, input.device());
  if (out.numel()) kernels::nonzero(input.device_type())(out.view(), input.view());
  return out;
}
PG_OP(nonzero, "(Tensor input) -> Tensor",
      R"(The positions of the elements that are not zero, one row each.

Returns:
    (count, input.dim()) of int64, in row-major order; with as_tuple=True one vector per dimension instead.

Example:
    >>> pygrad.nonzero(pygrad.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
)")
.method().nondifferentiable();
PG_OP_NAMED(
    "nonzero", +[](const Tensor& input, bool) { return nonzero(input); },
    "(Tensor input, *, bool(False) as_tuple) -> Tensor",
    R"(The positions of the elements that are not zero, one row each.)")
    .method()
    .nondifferentiable();
PG_OP_NAMED(
    "nonzero",
    +[](const Tensor& input, bool) {
      return unbind(input.dim() ? nonzero(input) : nonzero(unsqueeze(input, 0)), 1);
    },
    "(Tensor input, *, bool(True) as_tuple) -> Tensor[]",
    R"(The positions of the elements that are not zero, one vector per dimension.)")
    .method()
    .nondifferentiable();

PG_OP_NAMED("argwhere", &nonzero, "(Tensor input) -> Tensor",
            R"(The positions of the elements that are not zero, one row each.

Example:
    >>> pygrad.argwhere(pygrad.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
)")
    .method()
    .nondifferentiable();

namespace {

Tensor expanded_data(const Tensor& t, const Shape& sizes) {
  const View v = t.view_expanded(sizes);
  return alias(t, sizes, Sizes{v.strides, size_t(sizes.size())}, t.offset());
}

// Positions of the true elements in the flattened mask, as a vector.
Tensor flat_true(const Tensor& mask) {
  const Tensor at = nonzero(flat_data(mask));
  return alias(at, Shape{at.size(0)}, Shape{1}, at.offset());
}

void check_mask(const char* op, const Tensor& input, const Tensor& mask) {
  check_same_device(op, input, mask, "input", "mask");
  PG_CHECK(mask.dtype() == DType::Bool, op, "(): ", op, ": expected BoolTensor for mask, got ",
           mask.dtype());
}

}  // namespace

Tensor masked_select(const Tensor& input, const Tensor& mask) {
  check_mask("masked_select", input, mask);
  const Shape sizes = broadcast_shapes("masked_select", input.sizes(), mask.sizes());
  const Tensor full_mask = expanded_data(mask, sizes),
               flat = flat_data(expanded_data(input, sizes)), at = flat_true(full_mask);
  Tensor out = empty(at.sizes(), input.dtype(), input.device());
  if (out.numel()) kernels::index_select(out.device_type())(out.view(), flat.view(), at.view(), 0);
  return record("masked_select", out, {input}, saved(full_mask),
                [](const Node& n, const Tensor& g) {
                  const Tensor kept = n.saved(0);
                  return Grads{masked_scatter(zeros(kept.sizes(), g.dtype(), g.device()), kept, g)};
                });
}
PG_OP(masked_select, "(Tensor input, Tensor mask) -> Tensor",
      R"(The elements where the mask is true, as a vector.

Args:
    mask: bool; broadcasts with the input.

Example:
    >>> pygrad.masked_select(pygrad.tensor([1, 2, 3]), pygrad.tensor([True, False, True]))
    tensor([1, 3])
)")
.method();

Tensor masked_scatter(const Tensor& input, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", input, mask);
  check_same_device("masked_scatter", input, source, "input", "source");
  PG_CHECK(
      input.dtype() == source.dtype(),
      "masked_scatter(): masked_scatter: expected self and source to have same dtypes but got ",
      input.dtype(), " and ", source.dtype());
  const Shape sizes = broadcast_shapes("masked_scatter", input.sizes(), mask.sizes());
  const Tensor full_mask = expanded_data(mask, sizes), at = flat_true(full_mask);
  PG_CHECK(at.numel() <= source.numel(),
           "masked_scatter(): Number of elements of source < number of ones in mask: ",
           source.numel(), " < ", at.numel());
  Tensor out;
  if (sizes == input.sizes()) {
    out = modified_copy(input);
  } else {
    out = empty(sizes, input.dtype(), input.device());
    copy_data(out, input);
  }
  const Tensor values = flat_data(apart(source, out));
  Tensor kept_mask = apart(full_mask, out);
  if (at.numel()) {
    const Tensor flat = flat_data(out);
    const View from = alias(values, at.sizes(), Shape{1}, values.offset()).view(),
               where = at.view();
    View target = from;
    target.data = flat.data();
    target.strides[0] = 0;
    const int64_t stride = 1;
    kernels::index_put(out.device_type())(target, from, ViewList{&where, 1}, &stride);
    if (flat.impl()->storage.get() != out.impl()->storage.get())
      copy_data(out, alias(flat, sizes, contiguous_strides(sizes), flat.offset()));
  }
  const Shape source_sizes = source.shape();
  return record("masked_scatter", out, {input, source}, saved(kept_mask),
                [source_sizes](const Node& n, const Tensor& g) {
                  const Tensor kept = n.saved(0);
                  Tensor to_source;
                  if (n.needs(1)) {
                    to_source = masked_select(g, kept);
                    const int64_t missing = numel_of(source_sizes) - to_source.numel();
                    if (missing)
                      to_source = cat({to_source, zeros(Shape{missing}, g.dtype(), g.device())}, 0);
                    to_source = reshape(to_source, source_sizes);
                  }
                  return Grads{n.needs(0) ? masked_fill(g, kept, Scalar(0)) : Tensor(), to_source};
                });
}
PG_OP(masked_scatter, "(Tensor input, Tensor mask, Tensor source) -> Tensor",
      R"(The tensor with the elements where the mask is true replaced by those of source, in order.

Args:
    mask: bool; broadcasts with the input.
    source: at least as many elements as the mask has true ones.

Example:
    >>> pygrad.masked_scatter(pygrad.zeros(3), pygrad.tensor([True, False, True]), pygrad.tensor([1., 2.]))
    tensor([1., 0., 2.])
)")
.method().inplace();

}  // namespace pygrad
