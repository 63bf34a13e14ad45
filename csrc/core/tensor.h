// Tensor: an intrusive pointer to a header that says where the numbers are and how they are laid
// out.
//
// Only metadata and views live here; operations are free functions (csrc/ops/). Autograd data hangs
// off the header and exists only where it is needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "csrc/core/device.h"
#include "csrc/core/error.h"
#include "csrc/core/shape.h"
#include "csrc/core/storage.h"
#include "kernels/view.h"

namespace pygrad {

struct AutogradMeta;
struct TensorImpl;
void destroy(TensorImpl* impl);

struct TensorImpl {
  ReferenceCount refs;
  DType dtype;
  Device device;
  uint8_t ndim;
  bool contiguous : 1;
  bool requires_grad : 1 = false;   // a leaf that wants a gradient, or has a grad_fn
  bool silent_version : 1 = false;  // made by `.data`: writes do not advance the version counter
  bool inference : 1 = false;       // made in inference mode
  bool view_untracked : 1 = false;  // a view made under no_grad: does not follow its base's history
  uint32_t view_version = 0;        // the storage's version when the view's grad_fn was made
  bool owns_object : 1 =
      false;  // the Python object lives as long as this header (see python/tensor_type.cpp)
  int64_t offset = 0;  // in elements, from the storage's start
  int64_t numel;
  StoragePtr storage;
  AutogradMeta* autograd = nullptr;  // owned; null until needed
  TensorImpl* base = nullptr;  // owning reference to the tensor this is a differentiable view of
  void* object = nullptr;      // the one Python object of this tensor, if any
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxDims];

  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* p, size_t bytes) { pool_free(p, bytes); }
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Intrusive<TensorImpl> p) : p_(std::move(p)) {}
  static Tensor share(TensorImpl* p) { return Tensor(Intrusive<TensorImpl>::share(p)); }

  bool defined() const { return bool(p_); }
  TensorImpl* impl() const { return p_.get(); }
  TensorImpl* release() { return p_.release(); }
  bool is(const Tensor& o) const { return p_.get() == o.p_.get(); }

  DType dtype() const { return p_->dtype; }
  Device device() const { return p_->device; }
  DeviceType device_type() const { return p_->device.type; }
  int64_t dim() const { return p_->ndim; }
  int64_t numel() const { return p_->numel; }
  Sizes sizes() const { return {p_->sizes, p_->ndim}; }
  Sizes strides() const { return {p_->strides, p_->ndim}; }
  Shape shape() const { return Shape(sizes()); }
  int64_t size(int64_t i) const { return p_->sizes[i < 0 ? i + p_->ndim : i]; }      // no check
  int64_t stride(int64_t i) const { return p_->strides[i < 0 ? i + p_->ndim : i]; }  // no check
  int64_t offset() const { return p_->offset; }
  bool is_contiguous() const { return p_->contiguous; }
  bool requires_grad() const;  // follows the history of a view's base; in autograd/meta.cpp
  Storage& storage() const { return *p_->storage; }
  uint32_t version() const { return p_->storage->version.load(std::memory_order_relaxed); }
  void bump_version() const {
    if (!p_->silent_version) add_to(p_->storage->version, 1u);
  }

  void* data() const {
    return static_cast<char*>(p_->storage->data()) + p_->offset * int64_t(item_size(p_->dtype));
  }
  template <class T>
  T* data_as() const {
    return static_cast<T*>(data());
  }
  View view() const;                      // the kernels' view of this tensor
  View view_expanded(Sizes sizes) const;  // broadcast to `sizes`, which must be compatible

 private:
  Intrusive<TensorImpl> p_;
};

using TensorList = std::vector<Tensor>;

// Fresh, uninitialised memory.
Tensor empty(Sizes sizes, DType dtype, Device device = {});
Tensor empty_strided(Sizes sizes, Sizes strides, DType dtype, Device device);
// Like `t`: its strides are kept when it is dense (a transposed tensor gives a transposed one), as
// PyTorch's preserve_format.
Tensor empty_like(const Tensor& t);
Tensor empty_like(const Tensor& t, DType dtype);
// Another header on the same storage: no history, no view tracking. Views that autograd follows are
// made in ops/view.cpp.
Tensor alias(const Tensor& t, Sizes sizes, Sizes strides, int64_t offset);
Tensor alias(const Tensor& t);
Tensor make_tensor(StoragePtr storage, DType dtype, Sizes sizes, Sizes strides, int64_t offset);

// True when distinct indices always reach distinct elements (a cheap sufficient test on sorted
// strides).
bool is_non_overlapping(const Tensor& t);
// A permutation of a contiguous layout, without gaps or overlaps.
bool is_dense(const Tensor& t);
// Same storage and intersecting byte ranges.
bool may_overlap(const Tensor& a, const Tensor& b);
bool same_layout(const Tensor& a, const Tensor& b);  // same sizes, strides and offset

// The result shape of broadcasting; raises naming `op` and both shapes.
Shape broadcast_shapes(const char* op, Sizes a, Sizes b);

}  // namespace pygrad
