// Checks and geometry of index tensors.
#include "csrc/ops/index_plan.h"

#include <algorithm>

#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"

namespace pygrad {

Tensor as_int64(const char* op, const Tensor& index, Device device) {
  PG_CHECK_INDEX(is_integral(index.dtype()) && index.dtype() != DType::Bool, op,
                 "(): tensors used as indices must be long, int, byte or bool tensors, not ",
                 index.dtype());
  if (index.dtype() == DType::Int64 && index.device() == device) return index;
  PG_CHECK(index.device() == device || !index.device().is_cuda(), op,
           "(): indices should be either on cpu or on the same device as the "
           "indexed tensor (",
           device, "); they are on ", index.device());
  const Tensor out = empty(index.sizes(), DType::Int64, device);
  copy_data(out, index);
  return out;
}

Tensor checked_index(const char* op, const Tensor& index, int64_t dim, int64_t size,
                     Negative negative, ErrorKind kind) {
  if (index.numel() == 0) return index;
  const auto find = kernels::find_out_of_range(index.device_type());
  const View v = index.view();
  if (find(v, 0, size) < 0) return index;
  const int64_t bad = find(v, negative == Negative::wraps ? -size : 0, size);
  if (bad >= 0) {
    const Tensor value = empty(Shape{}, DType::Int64, Device{});
    copy_data(value, alias(flat_data(index), Shape{}, Shape{}, bad + flat_data(index).offset()));
    raise(kind, op, "(): index ", *value.data_as<int64_t>(), " is out of bounds for dimension ",
          dim, " with size ", size);
  }
  const Tensor wrapped_index = empty(index.sizes(), DType::Int64, index.device());
  kernels::wrap_index(index.device_type())(wrapped_index.view(), v, size);
  return wrapped_index;
}

Tensor modified_copy(const Tensor& input) {
  Tensor out = make_output(input, input.sizes(), input.dtype(), {input});
  if (out.impl()->storage.get() != input.impl()->storage.get()) copy_data(out, input);
  return out;
}

Tensor apart(const Tensor& t, const Tensor& out) {
  if (!may_overlap(t, out)) return t;
  const Tensor copy = empty(t.sizes(), t.dtype(), t.device());
  copy_data(copy, t);
  return copy;
}

Tensor at_least_1d(const Tensor& t) {
  return t.dim() ? t : alias(t, Shape{1}, Shape{1}, t.offset());
}

Tensor flat_data(const Tensor& t) {
  Tensor c = t;
  if (!t.is_contiguous()) {
    c = empty(t.sizes(), t.dtype(), t.device());
    copy_data(c, t);
  }
  return alias(c, Shape{c.numel()}, Shape{1}, c.offset());
}

IndexPlan::IndexPlan(const char* op, const Tensor& input, const TensorList& given) {
  // Masks first: each becomes one index per dim that it covers.
  TensorList list;
  for (const Tensor& t : given) {
    if (!t.defined() || (t.dtype() != DType::Bool && t.dtype() != DType::UInt8)) {
      list.push_back(t);
      continue;
    }
    PG_CHECK_INDEX(t.dim() > 0, op, "(): a 0-D mask has no dimension to index");
    const int64_t first = int64_t(list.size());
    for (int64_t d = 0; d < t.dim(); ++d)
      PG_CHECK_INDEX(first + d < input.dim() && t.size(d) == input.size(first + d), op,
                     "(): The shape of the mask ", t.sizes(), " at index ", d,
                     " does not match the shape of the indexed tensor ", input.sizes(),
                     " at index ", first + d);
    const Tensor at = nonzero(t);
    for (int64_t d = 0; d < t.dim(); ++d)
      list.push_back(
          alias(at, Shape{at.size(0)}, Shape{at.stride(0)}, at.offset() + d * at.stride(1)));
  }
  PG_CHECK_INDEX(int64_t(list.size()) <= input.dim(), op,
                 "(): too many indices for tensor of dimension ", input.dim(), " (got ",
                 list.size(), ")");
  int64_t first = -1, last = -1, count = 0;
  for (int64_t d = 0; d < int64_t(list.size()); ++d) {
    const Tensor& t = list[size_t(d)];
    if (!t.defined()) continue;
    const Tensor index = checked_index(op, as_int64(op, t, input.device()), d, input.size(d));
    if (count == 0) {
      first = d;
      common = index.shape();
    } else {
      Shape wide = Shape::filled(std::max(common.size(), index.dim()), 1);
      for (int64_t i = 0; i < wide.size(); ++i) {
        const int64_t a = i < common.size() ? common[common.size() - 1 - i] : 1,
                      b = i < index.dim() ? index.size(index.dim() - 1 - i) : 1;
        if (a != b && a != 1 && b != 1) {
          std::ostringstream shapes;
          for (const Tensor& x : list)
            if (x.defined()) shapes << (shapes.tellp() > 0 ? ", " : "") << x.sizes();
          raise(ErrorKind::Index, op,
                "(): shape mismatch: indexing tensors could not be broadcast together with shapes ",
                shapes.str());
        }
        wide[wide.size() - 1 - i] = a == 1 ? b : a;
      }
      common = wide;
    }
    dims |= 1u << d;
    indices.push_back(index);
    last = d;
    ++count;
  }
  // Indices side by side leave their dims where they are; indices with a full slice between them
  // move to the front.
  const bool adjacent = count && last - first + 1 == count;
  place = adjacent ? first : 0;
  for (int64_t d = 0; d < input.dim(); ++d) {
    if (count && d == (adjacent ? first : 0))
      for (int64_t s : common) sizes.push_back(s);
    if (!(dims >> d & 1u)) sizes.push_back(input.size(d));
  }
}

View IndexPlan::walked(const Tensor& t) const {
  View v = t.view();
  v.ndim = int32_t(sizes.size());
  int out = 0;
  auto hold = [&] {
    for (int64_t i = 0; i < common.size(); ++i, ++out) v.strides[out] = 0;
  };
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (!indices.empty() && out == place) hold();
    if (!(dims >> d & 1u)) v.strides[out++] = t.stride(d);
  }
  for (int64_t i = 0; i < sizes.size(); ++i) v.sizes[i] = sizes[i];
  return v;
}

void IndexPlan::index_views(View* views) const {
  for (size_t k = 0; k < indices.size(); ++k) {
    const View given = indices[k].view_expanded(common);
    View& v = views[k];
    v.data = given.data;
    v.dtype = DType::Int64;
    v.ndim = int32_t(sizes.size());
    for (int64_t i = 0; i < sizes.size(); ++i) {
      const int64_t c = i - place;
      v.sizes[i] = sizes[i];
      v.strides[i] = c >= 0 && c < common.size() ? given.strides[c] : 0;
    }
  }
}

namespace {

void indexed_strides(const Tensor& t, uint32_t dims, int64_t* strides) {
  for (int64_t d = 0; d < t.dim(); ++d)
    if (dims >> d & 1u) *strides++ = t.stride(d);
}

}  // namespace

void IndexPlan::read(const Tensor& out, const Tensor& input) const {
  View views[kMaxDims];
  int64_t strides[kMaxDims];
  index_views(views);
  indexed_strides(input, dims, strides);
  kernels::index_get(out.device_type())(out.view(), walked(input),
                                        ViewList{views, int64_t(indices.size())}, strides);
}

void IndexPlan::write(const Tensor& out, const Tensor& values) const {
  View views[kMaxDims];
  int64_t strides[kMaxDims];
  index_views(views);
  indexed_strides(out, dims, strides);
  kernels::index_put(out.device_type())(walked(out), values.view(),
                                        ViewList{views, int64_t(indices.size())}, strides);
}

// Sums go through index_add, which takes one index along one dim: several indexed dims are merged
// into one first.
void IndexPlan::accumulate(const Tensor& out, const Tensor& values) const {
  if (values.numel() == 0) return;
  const auto index_add_kernel = kernels::index_add(out.device_type());
  const int64_t n = numel_of(common);
  // values as (before..., n, after...), the indices' own dims in one.
  Shape merged;
  for (int64_t i = 0; i < place; ++i) merged.push_back(sizes[i]);
  merged.push_back(n);
  for (int64_t i = place + common.size(); i < sizes.size(); ++i) merged.push_back(sizes[i]);
  const Tensor flat_values = flat_data(values);
  const Tensor rows = alias(flat_values, merged, contiguous_strides(merged), flat_values.offset());
  if (indices.size() == 1) {
    const Tensor flat = alias(
        indices[0], common, Sizes{indices[0].view_expanded(common).strides, size_t(common.size())},
        indices[0].offset());
    index_add_kernel(out.view(), flat_data(flat).view(), rows.view(), place, Scalar(1));
    return;
  }
  // The indexed dims of `out` in one dim at `place`, in a copy unless they lie that way already.
  Shape order_sizes, order_strides, joined;
  int64_t extent = 1;
  for (int64_t d = 0; d < out.dim(); ++d)
    if (dims >> d & 1u) extent *= out.size(d);
  auto append = [&](int64_t d) {
    order_sizes.push_back(out.size(d));
    order_strides.push_back(out.stride(d));
  };
  int64_t before = 0;
  for (int64_t d = 0; d < out.dim() && before < place; ++d)
    if (!(dims >> d & 1u)) append(d), joined.push_back(out.size(d)), ++before;
  for (int64_t d = 0; d < out.dim(); ++d)
    if (dims >> d & 1u) append(d);
  joined.push_back(extent);
  for (int64_t d = 0, seen = 0; d < out.dim(); ++d)
    if (!(dims >> d & 1u) && seen++ >= before) append(d), joined.push_back(out.size(d));
  const Tensor ordered = alias(out, order_sizes, order_strides, out.offset());
  const Tensor flat_out = flat_data(ordered);
  // sum_k index_k * (product of the later indexed sizes)
  const Tensor at = empty(common, DType::Int64, out.device());
  kernels::fill(out.device_type())(at.view(), Scalar(int64_t(0)));
  size_t k = 0;
  for (int64_t d = 0; d < out.dim(); ++d) {
    if (!(dims >> d & 1u)) continue;
    kernels::binary_scalar(out.device_type())(BinaryOp::mul, at.view(), at.view(),
                                              Scalar(out.size(d)), false);
    kernels::binary(out.device_type())(BinaryOp::add, at.view(), at.view(),
                                       indices[k++].view_expanded(common));
  }
  const Tensor target = alias(flat_out, joined, contiguous_strides(joined), flat_out.offset());
  index_add_kernel(target.view(), flat_data(at).view(), rows.view(), place, Scalar(1));
  if (flat_out.impl()->storage.get() != out.impl()->storage.get())
    copy_data(ordered,
              alias(flat_out, order_sizes, contiguous_strides(order_sizes), flat_out.offset()));
}

}  // namespace pygrad
