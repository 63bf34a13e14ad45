// Indexing by tensors of positions: index, index_put, index_select, index_add, index_copy,
// index_fill, take and put.
//
// Ops that write take their result's memory with modified_copy(), so that the in-place forms write
// where the tensor lies. Everything is checked before that, without ops that could take the memory
// first.
#include <algorithm>

#include "csrc/ops/checks.h"
#include "csrc/ops/index_plan.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// An index list for the tape: the defined ones saved in order, the dims they belong to as a mask.
Saved saved_indices(const IndexPlan& plan) {
  PG_CHECK(plan.indices.size() <= 8 || !grad_enabled(),
           "index(): gradients are supported for at most 8 index tensors, got ",
           plan.indices.size());
  Saved s;
  for (size_t i = 0; i < plan.indices.size() && i < Saved::kMost; ++i)
    s.items[s.count++] = &plan.indices[i];
  return s;
}
TensorList unpack_indices(const Node& n, uint32_t dims) {
  TensorList list;
  size_t next = 0;
  for (int d = 0; dims >> d; ++d) list.push_back(dims >> d & 1u ? n.saved(next++) : Tensor());
  return list;
}

bool has_indices(const TensorList& indices) {
  for (const Tensor& t : indices)
    if (t.defined()) return true;
  return false;
}

Tensor put_into_zeros(const Tensor& grad, const Shape& sizes, const TensorList& indices) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  const IndexPlan plan("index_backward", out, indices);
  plan.accumulate(out, grad);
  const uint32_t dims = plan.dims;
  return record(
      "index_backward", out, {grad}, saved_indices(plan),
      [dims](const Node& n, const Tensor& g) { return Grads{index(g, unpack_indices(n, dims))}; });
}

void check_index_dtype(const char* op, const Tensor& index) {
  PG_CHECK(index.dtype() == DType::Int32 || index.dtype() == DType::Int64, op,
           "(): Expected dtype int32 or int64 for index, got ", index.dtype());
}

void check_same_type(const char* op, const Tensor& a, const Tensor& b, const char* what) {
  check_same_device(op, a, b, "input", what);
  PG_CHECK(a.dtype() == b.dtype(), op, "(): self and ", what,
           " expected to have the same dtype, but got self ", a.dtype(), " and ", what, " ",
           b.dtype());
}

int64_t size_at(const Tensor& t, int64_t dim) { return t.dim() ? t.size(dim) : 1; }

}  // namespace

Tensor index(const Tensor& input, const TensorList& indices) {
  if (!has_indices(indices)) return clone(input);
  const IndexPlan plan("index", input, indices);
  Tensor out = empty(plan.sizes, input.dtype(), input.device());
  plan.read(out, input);
  const Shape from = input.shape();
  const uint32_t dims = plan.dims;
  return record("index", out, {input}, input.requires_grad() ? saved_indices(plan) : Saved{},
                [from, dims](const Node& n, const Tensor& g) {
                  return Grads{put_into_zeros(g, from, unpack_indices(n, dims))};
                });
}
PG_OP(index, "(Tensor input, Tensor[] indices) -> Tensor",
      R"(Advanced indexing of the leading dimensions, as x[i, j] does.

Args:
    indices: integer tensors that broadcast against each other, or masks.

Raises:
    IndexError: for a position outside its dimension.
)")
.in("_internal");

Tensor index_put(const Tensor& input, const TensorList& indices, const Tensor& values,
                 bool accumulate) {
  check_same_device("index_put", input, values, "input", "values");
  PG_CHECK(input.dtype() == values.dtype(),
           "index_put(): Index put requires the source and destination dtypes match, got ",
           input.dtype(), " for the destination and ", values.dtype(), " for the source.");
  const IndexPlan plan("index_put", input, indices);
  const int64_t lead = values.dim() - plan.sizes.size();
  bool fits = true;
  for (int64_t i = 0; i < values.dim(); ++i)
    fits &= values.size(i) == 1 || (i >= lead && values.size(i) == plan.sizes[i - lead]);
  PG_CHECK(fits, "index_put(): shape mismatch: value tensor of shape ", values.sizes(),
           " cannot be broadcast to indexing result of shape ", plan.sizes);
  Tensor source = values;
  if (lead > 0)
    source = alias(values, values.sizes().subspan(size_t(lead)),
                   values.strides().subspan(size_t(lead)), values.offset());
  Tensor out = modified_copy(input);
  source = apart(source, out);
  IndexPlan safe = plan;
  for (Tensor& t : safe.indices) t = apart(t, out);
  const View expanded = source.view_expanded(plan.sizes);
  const Tensor wide = alias(source, plan.sizes, Sizes{expanded.strides, size_t(plan.sizes.size())},
                            source.offset());
  if (safe.indices.empty()) {
    const Tensor target = alias(out);
    if (accumulate)
      kernels::binary(out.device_type())(BinaryOp::add, target.view(), target.view(), wide.view());
    else
      copy_data(target, wide);
  } else if (accumulate) {
    safe.accumulate(out, wide);
  } else {
    safe.write(out, wide);
  }
  const uint32_t dims = plan.dims;
  const bool any = input.requires_grad() || values.requires_grad();
  return record("index_put", out, {input, values}, any ? saved_indices(safe) : Saved{},
                [dims, accumulate](const Node& n, const Tensor& g) {
                  const TensorList list = unpack_indices(n, dims);
                  Tensor to_input = n.needs(0) ? g : Tensor();
                  if (n.needs(0) && !accumulate)
                    to_input = index_put(g, list, zeros(Shape{}, g.dtype(), g.device()), false);
                  return Grads{to_input, n.needs(1) ? index(g, list) : Tensor()};
                });
}
PG_OP(
    index_put, "(Tensor input, Tensor[] indices, Tensor values, bool accumulate=False) -> Tensor",
    R"(The tensor with the elements at the indexed positions replaced by values, or values added to them.

Args:
    indices: integer tensors for the leading dimensions, which broadcast against each other, or masks.
    values: broadcasts to the shape that indexing gives.
    accumulate: add instead of replacing; positions that occur several times get every addend.

Raises:
    IndexError: for a position outside its dimension.

Example:
    >>> pygrad.index_put(pygrad.zeros(3), (pygrad.tensor([0, 2]),), pygrad.tensor([1., 2.]))
    tensor([1., 0., 2.])
)")
.method().inplace();

Tensor index_put_(const Tensor& self, const TensorList& indices, const Tensor& values,
                  bool accumulate) {
  return inplace("index_put_", self, [&] { return index_put(self, indices, values, accumulate); });
}

namespace {

// Zeros of `sizes` with the rows of `grad` added at `index` along dim.
Tensor add_into_zeros(const Tensor& grad, const Shape& sizes, int64_t dim, const Tensor& index) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  kernels::index_add(out.device_type())(at_least_1d(out).view(), at_least_1d(index).view(),
                                        at_least_1d(grad).view(), dim, Scalar(1));
  return record(
      "index_select_backward", out, {grad}, saved(index),
      [dim](const Node& n, const Tensor& g) { return Grads{index_select(g, dim, n.saved(0))}; });
}

}  // namespace

Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index) {
  dim = check_dim("index_select", dim, input.dim());
  check_index_dtype("index_select", index);
  PG_CHECK_INDEX(index.dim() <= 1,
                 "index_select(): Index is supposed to be a vector, but got shape ", index.sizes());
  PG_CHECK(input.dim() > 0 || index.numel() == 1,
           "index_select(): Index to scalar can have only 1 value, got ", index.numel());
  const Tensor at = checked_index("index_select", as_int64("index_select", index, input.device()),
                                  dim, size_at(input, dim), Negative::refused);
  const Shape sizes = input.dim() ? with_size(input.sizes(), dim, index.numel()) : Shape{};
  Tensor out = empty(sizes, input.dtype(), input.device());
  if (out.numel())
    kernels::index_select(out.device_type())(at_least_1d(out).view(), at_least_1d(input).view(),
                                             at_least_1d(at).view(), dim);
  const Shape from = input.shape();
  return record("index_select", out, {input}, saved(at),
                [from, dim](const Node& n, const Tensor& g) {
                  return Grads{add_into_zeros(g, from, dim, n.saved(0))};
                });
}
PG_OP(index_select, "(Tensor input, int dim, Tensor index) -> Tensor",
      R"(The slices of a dimension at the positions in a vector.

Args:
    dim: the dimension.
    index: (n) of int32 or int64; the result's size along dim is n.

Raises:
    IndexError: for a position outside the dimension.

Example:
    >>> pygrad.index_select(pygrad.tensor([1, 2, 3]), 0, pygrad.tensor([2, 0]))
    tensor([3, 1])
)")
.method();

namespace {

// What index_add and index_copy ask of index and source: the wrapped positions.
Tensor check_rows(const char* op, const Tensor& input, int64_t dim, const Tensor& index,
                  const Tensor& source, ErrorKind kind) {
  check_index_dtype(op, index);
  PG_CHECK_INDEX(index.dim() <= 1, op,
                 "(): Index is supposed to be a vector, but got dim: ", index.dim());
  check_same_type(op, input, source, "source");
  PG_CHECK(source.dim() == input.dim(), op,
           "(): source tensor shape must match self tensor shape, excluding the specified "
           "dimension. Got self.shape = ",
           input.sizes(), " source.shape = ", source.sizes());
  PG_CHECK(index.numel() == size_at(source, dim), op, "(): Number of indices (", index.numel(),
           ") should be equal to source.size(dim): (", size_at(source, dim), "), for dim: ", dim);
  for (int64_t d = 0; d < input.dim() && source.dim(); ++d)
    PG_CHECK(d == dim || source.size(d) == input.size(d), op,
             "(): source tensor shape must match self tensor shape, excluding the specified "
             "dimension. Got self.shape = ",
             input.sizes(), " source.shape = ", source.sizes());
  return checked_index(op, as_int64(op, index, input.device()), dim, size_at(input, dim),
                       Negative::refused, kind);
}

// out[..., index[i], ...] = values[..., i, ...]; `values` may have stride 0.
void set_rows(const Tensor& out, int64_t dim, const Tensor& index, const View& values) {
  const Tensor o = at_least_1d(out), i = at_least_1d(index);
  View target = values, where = values;
  target.data = o.data();
  where.data = i.data();
  where.dtype = DType::Int64;
  for (int d = 0; d < values.ndim; ++d) {
    target.strides[d] = d == dim ? 0 : o.stride(d);
    where.strides[d] = d == dim ? i.stride(0) : 0;
  }
  const int64_t stride = o.stride(dim);
  kernels::index_put(out.device_type())(target, values, ViewList{&where, 1}, &stride);
}

}  // namespace

Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  dim = check_dim("index_add", dim, input.dim());
  Tensor at = check_rows("index_add", input, dim, index, source, ErrorKind::Runtime);
  Tensor out = modified_copy(input);
  const Tensor from = apart(source, out);
  at = apart(at, out);
  kernels::index_add(out.device_type())(at_least_1d(out).view(), at_least_1d(at).view(),
                                        at_least_1d(from).view(), dim, alpha);
  return record("index_add", out, {input, source}, saved(at),
                [dim, alpha](const Node& n, const Tensor& g) {
                  Tensor to_source;
                  if (n.needs(1)) {
                    to_source = index_select(g, dim, n.saved(0));
                    if (alpha.is_complex())
                      to_source = mul(to_source, Scalar(Complex128(alpha.d, -alpha.im)));
                    else if (alpha.to_double() != 1)
                      to_source = mul(to_source, alpha);
                  }
                  return Grads{n.needs(0) ? g : Tensor(), to_source};
                });
}
PG_OP(index_add,
      "(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
      R"(The tensor with alpha times each slice of source added at the positions in index.

Args:
    dim: the dimension that index counts along.
    index: (n) of int32 or int64; a position may occur several times.
    source: of the input's shape, but n along dim.
    alpha: factor of source.

Example:
    >>> pygrad.index_add(pygrad.zeros(2), 0, pygrad.tensor([1, 1]), pygrad.tensor([1., 2.]))
    tensor([0., 3.])
)")
.method().inplace();

Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, Scalar value);

Tensor index_copy(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source) {
  dim = check_dim("index_copy", dim, input.dim());
  Tensor at = check_rows("index_copy", input, dim, index, source, ErrorKind::Index);
  Tensor out = modified_copy(input);
  const Tensor from = apart(source, out);
  at = apart(at, out);
  set_rows(out, dim, at, at_least_1d(from).view());
  return record("index_copy", out, {input, source}, saved(at),
                [dim](const Node& n, const Tensor& g) {
                  return Grads{n.needs(0) ? index_fill(g, dim, n.saved(0), Scalar(0)) : Tensor(),
                               n.needs(1) ? index_select(g, dim, n.saved(0)) : Tensor()};
                });
}
PG_OP(index_copy, "(Tensor input, int dim, Tensor index, Tensor source) -> Tensor",
      R"(The tensor with the slices at the positions in index replaced by those of source.

Args:
    dim: the dimension that index counts along.
    index: (n) of int64.
    source: of the input's shape, but n along dim.

Example:
    >>> pygrad.index_copy(pygrad.zeros(3), 0, pygrad.tensor([2]), pygrad.tensor([5.]))
    tensor([0., 0., 5.])
)")
.method().inplace();

namespace {

Tensor fill_rows(const char* name, const Tensor& input, int64_t dim, const Tensor& index,
                 const Operand& value) {
  dim = check_dim("index_fill", dim, input.dim());
  check_index_dtype("index_fill", index);
  PG_CHECK_INDEX(index.dim() <= 1, "index_fill(): Index has to be a vector/scalar, but got shape ",
                 index.sizes());
  Tensor at = checked_index("index_fill", as_int64("index_fill", index, input.device()), dim,
                            size_at(input, dim));
  Tensor number = empty(Shape{}, input.dtype(), input.device());
  if (value.is_tensor())
    copy_data(number, value.tensor);
  else
    kernels::fill(input.device_type())(number.view(), value.scalar);
  Tensor out = modified_copy(input);
  at = apart(at, out);
  const Shape sizes = input.dim() ? with_size(input.sizes(), dim, at.numel()) : Shape{1};
  if (at.numel()) set_rows(out, dim, at, number.view_expanded(sizes));
  return record(name, out, {input, value.tensor}, saved(at), [dim](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? index_fill(g, dim, n.saved(0), Scalar(0)) : Tensor(),
                 n.needs(1) ? sum(index_select(g, dim, n.saved(0)), Shape{}, false) : Tensor()};
  });
}

}  // namespace

Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, Scalar value) {
  PG_CHECK(!value.is_complex() || is_complex(input.dtype()),
           "index_fill(): a complex value does not fit into a tensor of dtype ", input.dtype());
  return fill_rows("index_fill", input, dim, index, Operand(value));
}
// The tensor form comes first: a 0-D tensor also converts to a number, which would drop its
// gradient.
PG_OP_NAMED(
    "index_fill",
    +[](const Tensor& input, int64_t dim, const Tensor& index, const Tensor& value) {
      PG_CHECK(value.dim() == 0,
               "index_fill(): Only supports 0-dimension value tensor, but got tensor with ",
               value.dim(), " dimension(s).");
      return fill_rows("index_fill:1", input, dim, index, Operand(value));
    },
    "(Tensor input, int dim, Tensor index, Tensor value) -> Tensor",
    R"(The tensor with the slices at the positions in index set to a number.

Args:
    dim: the dimension that index counts along.
    index: (n) of int64; negative positions count from the end.
    value: a number, or a 0-D tensor.

Example:
    >>> pygrad.index_fill(pygrad.zeros(3), 0, pygrad.tensor([0, 2]), 7)
    tensor([7., 0., 7.])
)")
    .method()
    .inplace();
PG_OP(index_fill, "(Tensor input, int dim, Tensor index, Scalar value) -> Tensor",
      R"(index_fill() with a number.)")
.method().inplace();

namespace {

// Positions in the flattened tensor, as take() and put() count them.
Tensor flat_positions(const char* op, const Tensor& input, const Tensor& index) {
  PG_CHECK_INDEX(index.dtype() == DType::Int64 || index.dtype() == DType::Int32, op,
                 "(): Expected a long tensor for index, but got ", index.dtype());
  const Tensor at = as_int64(op, index, input.device());
  PG_CHECK_INDEX(input.numel() > 0 || at.numel() == 0, op,
                 "(): tried to take from an empty tensor");
  const auto find = kernels::find_out_of_range(at.device_type());
  const int64_t n = input.numel(), bad = at.numel() ? find(at.view(), -n, n) : -1;
  if (bad >= 0) {
    const Tensor value = empty(Shape{}, DType::Int64, Device{}), flat = flat_data(at);
    copy_data(value, alias(flat, Shape{}, Shape{}, flat.offset() + bad));
    raise(ErrorKind::Index, op, "(): out of range: tried to access index ",
          *value.data_as<int64_t>(), " on a tensor of ", n, " elements.");
  }
  return checked_index(op, at, 0, n);
}

}  // namespace

Tensor put(const Tensor& input, const Tensor& index, const Tensor& source, bool accumulate);

Tensor take(const Tensor& input, const Tensor& index) {
  const Tensor at = flat_positions("take", input, index);
  Tensor out = empty(at.sizes(), input.dtype(), input.device());
  if (out.numel()) {
    const Tensor flat = flat_data(input);
    View from = out.view();
    from.data = flat.data();
    for (int d = 0; d < from.ndim; ++d) from.strides[d] = 0;
    const View where = at.view();
    const int64_t stride = 1;
    kernels::index_get(out.device_type())(out.view(), from, ViewList{&where, 1}, &stride);
  }
  const Shape sizes = input.shape();
  return record("take", out, {input}, saved(at), [sizes](const Node& n, const Tensor& g) {
    return Grads{put(zeros(sizes, g.dtype(), g.device()), n.saved(0), g, true)};
  });
}
PG_OP(take, "(Tensor input, Tensor index) -> Tensor",
      R"(The elements at positions in the flattened tensor.

Args:
    index: int64, of any shape, which becomes the result's.

Raises:
    IndexError: for a position outside the tensor.

Example:
    >>> pygrad.take(pygrad.tensor([[1, 2], [3, 4]]), pygrad.tensor([0, 3]))
    tensor([1, 4])
)")
.method();

Tensor put(const Tensor& input, const Tensor& index, const Tensor& source, bool accumulate) {
  check_same_type("put", input, source, "source");
  PG_CHECK(index.numel() == source.numel(),
           "put(): Expected source and index to have the same number of elements, but got "
           "source.numel() = ",
           source.numel(), ", index.numel() = ", index.numel());
  Tensor at = flat_positions("put", input, index);
  Tensor out = modified_copy(input);
  const Tensor values = flat_data(apart(source, out)), where = flat_data(apart(at, out));
  at = apart(at, out);
  if (values.numel()) {
    const Tensor flat = flat_data(out);
    if (accumulate)
      kernels::index_add(out.device_type())(flat.view(), where.view(), values.view(), 0, Scalar(1));
    else
      set_rows(flat, 0, where, values.view());
    if (flat.impl()->storage.get() != out.impl()->storage.get())
      copy_data(out, alias(flat, out.sizes(), contiguous_strides(out.sizes()), flat.offset()));
  }
  const Shape sizes = source.shape();
  return record("put", out, {input, source}, saved(at),
                [accumulate, sizes](const Node& n, const Tensor& g) {
                  const Tensor kept = n.saved(0);
                  Tensor to_input = n.needs(0) ? g : Tensor();
                  if (n.needs(0) && !accumulate)
                    to_input = put(g, kept, zeros(kept.sizes(), g.dtype(), g.device()), false);
                  return Grads{to_input, n.needs(1) ? reshape(take(g, kept), sizes) : Tensor()};
                });
}
PG_OP(
    put, "(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
    R"(The tensor with the elements at positions in its flattened form replaced by those of source.

Args:
    index: int64, with as many elements as source.
    source: the new elements.
    accumulate: add instead of replacing.

Example:
    >>> pygrad.put(pygrad.zeros(2, 2), pygrad.tensor([3]), pygrad.tensor([5.]))
    tensor([[0., 0.],
            [0., 5.]])
)")
.method().inplace();

}  // namespace pygrad
