// The forms that change a tensor's own geometry in place: squeeze_, unsqueeze_, transpose_,
// resize_.
#include <algorithm>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// x.t_(): x goes on as the view f(x) of what it was. The version counts up, since saved uses of x
// would see another shape.
template <class F>
Tensor become(const char* op, const Tensor& self, F f) {
  PG_CHECK(!grad_enabled() || !self.impl()->requires_grad || !is_leaf(self), op,
           "(): a leaf Variable that requires grad is being used in an in-place operation. Use "
           "no_grad(), or detach()");
  const Tensor out = f();
  TensorImpl* p = self.impl();
  const TensorImpl* q = out.impl();
  p->ndim = q->ndim;
  p->numel = q->numel;
  p->contiguous = q->contiguous;
  p->offset = q->offset;
  std::copy(q->sizes, q->sizes + q->ndim, p->sizes);
  std::copy(q->strides, q->strides + q->ndim, p->strides);
  self.bump_version();
  if (q->autograd && q->autograd->grad_fn)
    set_history(self, q->autograd->grad_fn, q->autograd->output_nr);
  return self;
}

}  // namespace

PG_OP_NAMED(
    "t_", +[](const Tensor& self) { return become("t_", self, [&] { return t(self); }); },
    "(Tensor self) -> Tensor",
    R"(t() of the tensor itself.

Example:
    >>> pygrad.tensor([[1, 2], [3, 4]]).t_()
    tensor([[1, 3],
            [2, 4]])
)")
    .in("Tensor")
    .method()
    .composed();
Tensor transpose_(const Tensor& self, int64_t dim0, int64_t dim1) {
  return become("transpose_", self, [&] { return transpose(self, dim0, dim1); });
}
PG_OP(transpose_, "(Tensor self, int dim0, int dim1) -> Tensor",
      R"(transpose() of the tensor itself.

Example:
    >>> pygrad.ones(2, 3).transpose_(0, 1).shape
    torch.Size([3, 2])
)")
.in("Tensor").method().composed();
PG_OP_NAMED("swapaxes_", &transpose_, "(Tensor self, int axis0, int axis1) -> Tensor",
            R"(swapaxes() of the tensor itself.

Example:
    >>> pygrad.ones(2, 3).swapaxes_(0, 1).shape
    torch.Size([3, 2])
)")
    .in("Tensor")
    .method()
    .composed();
PG_OP_NAMED("swapdims_", &transpose_, "(Tensor self, int dim0, int dim1) -> Tensor",
            R"(swapdims() of the tensor itself.

Example:
    >>> pygrad.ones(2, 3).swapdims_(0, 1).shape
    torch.Size([3, 2])
)")
    .in("Tensor")
    .method()
    .composed();
PG_OP_NAMED(
    "unsqueeze_",
    +[](const Tensor& self, int64_t dim) {
      return become("unsqueeze_", self, [&] { return unsqueeze(self, dim); });
    },
    "(Tensor self, int dim) -> Tensor", R"(unsqueeze() of the tensor itself.

Example:
    >>> pygrad.ones(2, 3).unsqueeze_(0).shape
    torch.Size([1, 2, 3])
)")
    .in("Tensor")
    .method()
    .composed();
PG_OP_NAMED(
    "squeeze_",
    +[](const Tensor& self) {
      return become("squeeze_", self, [&] {
        Shape sizes;
        for (int64_t s : self.sizes())
          if (s != 1) sizes.push_back(s);
        return view(self, sizes);
      });
    },
    "(Tensor self) -> Tensor", R"(squeeze() of the tensor itself.

Example:
    >>> pygrad.ones(1, 3).squeeze_().shape
    torch.Size([3])
)")
    .in("Tensor")
    .method()
    .composed();
PG_OP_NAMED(
    "squeeze_",
    +[](const Tensor& self, int64_t dim) {
      return become("squeeze_", self, [&] { return squeeze(self, dim); });
    },
    "(Tensor self, int dim) -> Tensor", R"(squeeze() of one dimension of the tensor itself.)")
    .in("Tensor")
    .method()
    .composed();
PG_OP_NAMED(
    "as_strided_",
    +[](const Tensor& self, const Shape& size, const Shape& stride,
        std::optional<int64_t> storage_offset) {
      return become("as_strided_", self, [&] {
        return as_strided(self, size, stride, storage_offset.value_or(self.offset()));
      });
    },
    "(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    R"(as_strided() of the tensor itself.

Example:
    >>> pygrad.arange(6).as_strided_((2, 2), (3, 1))
    tensor([[0, 1],
            [3, 4]])
)")
    .in("Tensor")
    .method()
    .composed();

namespace {

// Gives `self` a contiguous shape in its own storage, which grows when it is too small. The bytes
// that were there stay.
Tensor resized(const char* op, const Tensor& self, const Shape& size) {
  PG_CHECK(!self.requires_grad(), op, "(): cannot resize variables that require grad");
  for (int64_t s : size) PG_CHECK(s >= 0, op, "(): size ", size, " has a negative entry");
  const int64_t numel = numel_of(size), item_bytes = int64_t(item_size(self.dtype()));
  Storage& storage = self.storage();
  int64_t bytes;
  PG_CHECK(!__builtin_mul_overflow(numel + self.offset(), item_bytes, &bytes), op, "(): size ",
           size, " needs too many bytes");
  if (numel && size_t(bytes) > storage.nbytes) {
    PG_CHECK(!storage.read_only && !storage.deleter, op,
             "(): Trying to resize storage that is not resizable: its memory belongs to another "
             "library. clone() the tensor first");
    const StoragePtr grown = make_storage(size_t(bytes), self.device());
    const Shape whole{int64_t(storage.nbytes)}, one{1};
    const StoragePtr old = StoragePtr::share(&storage);
    if (storage.nbytes)
      copy_data(make_tensor(grown, DType::UInt8, whole, one, 0),
                make_tensor(old, DType::UInt8, whole, one, 0));
    storage.swap_memory(*grown);
  }
  TensorImpl* p = self.impl();
  const Shape strides = contiguous_strides(size);
  p->ndim = uint8_t(size.size());
  p->numel = numel;
  p->contiguous = true;
  std::copy(size.begin(), size.end(), p->sizes);
  std::copy(strides.begin(), strides.end(), p->strides);
  return self;
}

}  // namespace

PG_OP_NAMED(
    "resize_",
    +[](const Tensor& self, const Shape& size) { return resized("resize_", self, size); },
    "(Tensor self, int[...] size) -> Tensor",
    R"(Gives the tensor another shape, with more memory if needed; new elements are not set.

Example:
    >>> pygrad.zeros(2).resize_(1, 2).shape
    torch.Size([1, 2])
)")
    .in("Tensor")
    .method()
    .nondifferentiable();
PG_OP_NAMED(
    "resize_as_",
    +[](const Tensor& self, const Tensor& other) {
      return resized("resize_as_", self, other.shape());
    },
    "(Tensor self, Tensor other) -> Tensor", R"(resize_() to the shape of another tensor.

Example:
    >>> pygrad.zeros(6).resize_as_(pygrad.ones(2, 3)).shape
    torch.Size([2, 3])
)")
    .in("Tensor")
    .method()
    .nondifferentiable();

}  // namespace pygrad
