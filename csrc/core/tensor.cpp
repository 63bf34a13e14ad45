#include "csrc/core/tensor.h"

#include <algorithm>

namespace pygrad {
namespace {

// Fills in sizes, strides and what follows from them.
void set_geometry(TensorImpl* p, Sizes sizes, const int64_t* strides) {
  PG_CHECK(sizes.size() <= size_t(kMaxDims), "tensors have at most ", kMaxDims, " dimensions, not ",
           sizes.size());
  p->ndim = uint8_t(sizes.size());
  int64_t expected = 1;
  bool contiguous = true, zero = false;
  for (int i = int(sizes.size()) - 1; i >= 0; --i) {
    const int64_t n = sizes[size_t(i)];
    p->sizes[i] = n;
    p->strides[i] = strides ? strides[i] : expected;
    contiguous &= n == 1 || p->strides[i] == expected;
    zero |= n == 0;
    expected *= n > 1 ? n : 1;
  }
  p->numel = zero ? 0 : expected;
  p->contiguous = contiguous || zero;
}

Tensor new_header(DType dtype, Device device) {
  auto* p = new TensorImpl;
  p->dtype = dtype;
  p->device = device;
  return Tensor(Intrusive<TensorImpl>::adopt(p));
}

size_t bytes_for(int64_t numel, DType dtype, Sizes sizes) {
  int64_t bytes;
  PG_CHECK(!__builtin_mul_overflow(numel, int64_t(item_size(dtype)), &bytes), "size ", sizes,
           " of ", dtype, " needs more bytes than 63 bits count");
  return size_t(bytes);
}

}  // namespace

View Tensor::view() const {
  View v;
  const TensorImpl* p = p_.get();
  v.data = data();
  v.dtype = p->dtype;
  v.ndim = p->ndim;
  for (int i = 0; i < p->ndim; ++i) {
    v.sizes[i] = p->sizes[i];
    v.strides[i] = p->strides[i];
  }
  return v;
}

View Tensor::view_expanded(Sizes sizes) const {
  View v;
  const TensorImpl* p = p_.get();
  v.data = data();
  v.dtype = p->dtype;
  v.ndim = int32_t(sizes.size());
  const int lead = int(sizes.size()) - p->ndim;
  for (int i = 0; i < v.ndim; ++i) {
    v.sizes[i] = sizes[size_t(i)];
    const int j = i - lead;
    v.strides[i] = j < 0 || (p->sizes[j] == 1 && v.sizes[i] != 1) ? 0 : p->strides[j];
  }
  return v;
}

Tensor empty(Sizes sizes, DType dtype, Device device) {
  const int64_t n = numel_of(sizes);
  Tensor t = new_header(dtype, device);
  t.impl()->storage = make_storage(bytes_for(n, dtype, sizes), device);
  set_geometry(t.impl(), sizes, nullptr);
  return t;
}

Tensor empty_strided(Sizes sizes, Sizes strides, DType dtype, Device device) {
  PG_CHECK(sizes.size() == strides.size(), "empty_strided(): size ", sizes, " and stride ", strides,
           " have different lengths");
  int64_t last = 0;
  const int64_t n = numel_of(sizes);
  for (size_t i = 0; i < sizes.size() && n; ++i) {
    PG_CHECK(strides[i] >= 0, "empty_strided(): stride ", strides[i],
             " is negative; expected 0 or more");
    int64_t reach;
    PG_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                 !__builtin_add_overflow(last, reach, &last),
             "empty_strided(): size ", sizes, " with stride ", strides, " reaches too far");
  }
  Tensor t = new_header(dtype, device);
  t.impl()->storage = make_storage(n ? bytes_for(last + 1, dtype, sizes) : 0, device);
  set_geometry(t.impl(), sizes, strides.data());
  return t;
}

Tensor empty_like(const Tensor& t, DType dtype) {
  if (t.is_contiguous()) return empty(t.sizes(), dtype, t.device());
  // Keep the order of the dimensions by stride, as PyTorch does for pointwise results.
  int order[kMaxDims];
  const int n = int(t.dim());
  for (int i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order, order + n, [&](int a, int b) {
    const int64_t sa = t.stride(a), sb = t.stride(b);
    if (sa == 0 || sb == 0) return false;  // broadcast dimensions keep their place
    return sa > sb;
  });
  Shape strides = Shape::filled(n, 1);
  int64_t step = 1;
  for (int i = n - 1; i >= 0; --i) {
    strides[order[i]] = step;
    step *= t.size(order[i]) > 1 ? t.size(order[i]) : 1;
  }
  return empty_strided(t.sizes(), strides, dtype, t.device());
}

Tensor empty_like(const Tensor& t) { return empty_like(t, t.dtype()); }

Tensor alias(const Tensor& t, Sizes sizes, Sizes strides, int64_t offset) {
  Tensor r = new_header(t.dtype(), t.device());
  r.impl()->storage = t.impl()->storage;
  r.impl()->offset = offset;
  r.impl()->silent_version = t.impl()->silent_version;
  r.impl()->inference = t.impl()->inference;
  set_geometry(r.impl(), sizes, strides.data());
  return r;
}

Tensor alias(const Tensor& t) { return alias(t, t.sizes(), t.strides(), t.offset()); }

Tensor make_tensor(StoragePtr storage, DType dtype, Sizes sizes, Sizes strides, int64_t offset) {
  Tensor r = new_header(dtype, storage->device);
  r.impl()->storage = std::move(storage);
  r.impl()->offset = offset;
  set_geometry(r.impl(), sizes, strides.data());
  return r;
}

bool is_non_overlapping(const Tensor& t) {
  if (t.is_contiguous()) return true;
  int order[kMaxDims];
  int n = 0;
  for (int i = 0; i < t.dim(); ++i) {
    if (t.size(i) == 0) return true;
    if (t.size(i) > 1) order[n++] = i;
  }
  auto magnitude = [&](int i) { return t.stride(i) < 0 ? -t.stride(i) : t.stride(i); };
  std::sort(order, order + n, [&](int a, int b) { return magnitude(a) < magnitude(b); });
  int64_t reach = 0;  // the largest distance the smaller strides cover
  for (int i = 0; i < n; ++i) {
    if (magnitude(order[i]) <= reach) return false;
    reach += magnitude(order[i]) * (t.size(order[i]) - 1);
  }
  return true;
}

bool is_dense(const Tensor& t) {
  if (t.is_contiguous()) return true;
  if (!is_non_overlapping(t)) return false;
  int64_t reach = 1;
  for (int i = 0; i < t.dim(); ++i) {
    if (t.stride(i) < 0) return false;
    reach += (t.size(i) - 1) * t.stride(i);
  }
  return reach == t.numel();
}

bool may_overlap(const Tensor& a, const Tensor& b) {
  if (a.impl()->storage.get() != b.impl()->storage.get() || !a.numel() || !b.numel()) return false;
  auto range = [](const Tensor& t, int64_t& low, int64_t& high) {
    low = high = t.offset();
    for (int i = 0; i < t.dim(); ++i) {
      const int64_t reach = (t.size(i) - 1) * t.stride(i);
      (reach < 0 ? low : high) += reach;
    }
    low *= int64_t(item_size(t.dtype()));
    high = (high + 1) * int64_t(item_size(t.dtype()));
  };
  int64_t a0, a1, b0, b1;
  range(a, a0, a1);
  range(b, b0, b1);
  return a0 < b1 && b0 < a1;
}

bool same_layout(const Tensor& a, const Tensor& b) {
  return a.offset() == b.offset() && Shape::same(a.sizes(), b.sizes()) &&
         Shape::same(a.strides(), b.strides());
}

Shape broadcast_shapes(const char* op, Sizes a, Sizes b) {
  Shape out = Shape::filled(int64_t(std::max(a.size(), b.size())), 1);
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t ia = int64_t(a.size()) - 1 - i, ib = int64_t(b.size()) - 1 - i;
    const int64_t sa = ia >= 0 ? a[size_t(ia)] : 1, sb = ib >= 0 ? b[size_t(ib)] : 1;
    PG_CHECK(sa == sb || sa == 1 || sb == 1, op, "(): shapes ", a, " and ", b,
             " do not broadcast: The size of tensor a (", sa, ") must match the size of tensor b (",
             sb, ") at non-singleton dimension ", out.size() - 1 - i,
             "; expected equal sizes, or 1");
    out[out.size() - 1 - i] = sa == 1 ? sb : sa;
  }
  return out;
}

}  // namespace pygrad
