#include "csrc/autograd/inplace.h"

#include "csrc/core/deferred.h"
#include "csrc/ops/ops.h"

namespace pygrad {
namespace {

thread_local OutputTarget* current_target = nullptr;
std::atomic<int> target_count{0};  // of all threads: most ops find none without looking further

OutputTarget* find_target() {
  return target_count.load(std::memory_order_relaxed) ? current_target : nullptr;
}

}  // namespace

OutputTarget::OutputTarget(const Tensor& t, bool records)
    : self(t), recording(records), outer(current_target) {
  add_to(target_count, 1);
  current_target = this;
}
OutputTarget::~OutputTarget() {
  current_target = outer;
  add_to(target_count, -1);
}

void check_no_partial_overlap(const Tensor& self, const Tensor& input) {
  if (!may_overlap(self, input) || !is_dense(self) || !is_dense(input)) return;
  const bool same_range = self.offset() == input.offset() && self.numel() == input.numel();
  PG_CHECK(same_range && (Shape::same(self.strides(), input.strides()) || self.numel() == 1),
           "unsupported operation: some elements of the input tensor (size ", input.sizes(),
           ") and the written-to tensor (size ", self.sizes(),
           ") refer to a single memory location. Please clone() the tensor before performing the "
           "operation.");
}

Tensor make_output(const Tensor& like, Sizes sizes, DType dtype,
                   std::initializer_list<TensorRef> inputs) {
  if (OutputTarget* target = find_target(); target && !target->taken) {
    const Tensor& self = target->self;
    bool fits =
        self.dtype() == dtype && Shape::same(self.sizes(), sizes) && self.device() == like.device();
    for (const TensorRef& in : inputs) {
      if (!in.t->defined() || in.t->is(self)) continue;
      check_no_partial_overlap(self, *in.t);
      fits = fits && (!may_overlap(self, *in.t) || same_layout(self, *in.t));
    }
    if (fits) {
      target->taken = true;
      self.bump_version();
      return target->recording ? alias(self) : self;
    }
  }
  // A large result may be deferred: its memory is taken when its value is. What no machine has
  // memory for is refused here, as ever.
  constexpr int64_t kHuge = int64_t(1) << 48;
  if (is_large(like.numel()) && !like.device().is_cuda() && like.is_contiguous())
    if (const int64_t n = numel_of(sizes); n < kHuge)
      return make_tensor(make_storage_without_memory(size_t(n) * item_size(dtype)), dtype, sizes,
                         contiguous_strides(sizes), 0);
  if (Shape::same(like.sizes(), sizes)) return empty_like(like, dtype);
  return empty(sizes, dtype, like.device());
}

bool is_being_overwritten(const Tensor& t, std::span<const Tensor> outputs) {
  const OutputTarget* target = find_target();
  if (!target || !target->taken || target->self.impl()->storage.get() != t.impl()->storage.get())
    return false;
  for (const Tensor& out : outputs)
    if (t.is(out)) return false;
  return !t.impl()->silent_version;
}

void check_inplace(const char* op, const Tensor& self) {
  PG_CHECK(!self.storage().read_only, op,
           "(): the tensor's memory is read-only. Use clone() to get a writable copy");
  PG_CHECK(is_non_overlapping(self), op,
           "(): unsupported operation: more than one element of the written-to tensor refers to a "
           "single memory location (size ",
           self.sizes(), ", stride ", self.strides(), "). Please clone() the tensor before");
  PG_CHECK(!self.impl()->inference || grad_state.inference, op,
           "(): Inplace update to inference tensor outside InferenceMode is not allowed. Use "
           "clone() before");
  if (!grad_enabled()) return;
  if (self.impl()->requires_grad && is_leaf(self))
    raise(ErrorKind::Runtime, op,
          "(): a leaf Variable that requires grad is being used in an in-place operation. Use "
          "no_grad(), or detach()");
  if (const TensorImpl* base = self.impl()->base; base && base->requires_grad) {
    PG_CHECK(base->autograd && base->autograd->grad_fn, op,
             "(): a view of a leaf Variable that requires grad is being used in an in-place "
             "operation. Use no_grad(), or detach()");
    PG_CHECK(!self.impl()->view_untracked, op,
             "(): a view was created in no_grad mode and is being modified inplace with grad mode "
             "enabled. "
             "Create the view outside no_grad(), or modify it inside");
  }
}

void finish_inplace(const char* op, const Tensor& self, Tensor out) {
  const bool written =
      out.impl()->storage.get() == self.impl()->storage.get() && same_layout(out, self);
  if (out.is(self)) {  // an op that had nothing to change
    self.bump_version();
    return;
  }
  if (!written) {
    PG_CHECK(Shape::same(out.sizes(), self.sizes()), op, "(): output with shape ", self.sizes(),
             " doesn't match the broadcast shape ", out.sizes());
    PG_CHECK(out.device() == self.device(), op, "(): the result is on ", out.device(),
             ", the written-to tensor on ", self.device());
    PG_CHECK(can_cast(out.dtype(), self.dtype()), op, "(): result type ", out.dtype(),
             " can't be cast to the desired output type ", self.dtype());
    out = to(out, self.dtype());
    copy_data(self, out);
    self.bump_version();
  }
  if (!grad_enabled() || !out.requires_grad()) return;
  if (self.impl()->base && !self.impl()->view_untracked) {
    const Tensor base = Tensor::share(self.impl()->base);
    Tensor updated = alias(base);
    const Geometry bg = geometry_of(base), vg = geometry_of(self);
    PG_CHECK(base.dtype() == self.dtype(), op, "(): in-place writes to a view of another dtype (",
             self.dtype(), " of a ", base.dtype(), " tensor) have no gradient. Write out of place");
    updated =
        record("CopySlices", updated, {base, out}, {}, [bg, vg](const Node& n, const Tensor& g) {
          return Grads{n.needs(0) ? zero_region(g, bg, vg) : Tensor(),
                       n.needs(1) ? gather_geometry(g, bg, vg) : Tensor()};
        });
    set_history(base, updated.impl()->autograd->grad_fn, 0);
    // self, like every other view of the base, is now stale and rebuilds its history when asked.
    self.impl()->requires_grad = true;
    if (self.impl()->view_version == self.version()) self.impl()->view_version = self.version() - 1;
    return;
  }
  set_history(self, out.impl()->autograd->grad_fn, out.impl()->autograd->output_nr);
}

Geometry geometry_of(const Tensor& t) { return {t.shape(), Shape(t.strides()), t.offset()}; }

namespace {

// A zeroed or copied buffer laid out as `base`, as a flat storage with base's own view of it.
Tensor laid_out_like(const Geometry& base, DType dtype, Device device) {
  int64_t low = 0, high = 0;
  bool zero = false;
  for (int64_t i = 0; i < base.sizes.size(); ++i) {
    zero |= base.sizes[i] == 0;
    const int64_t reach = (base.sizes[i] - 1) * base.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  const Tensor flat = zeros(Shape{zero ? 0 : high - low + 1}, dtype, device);
  return alias(flat, base.sizes, base.strides, -low);
}

// The view's geometry inside a buffer made by laid_out_like(base).
Tensor view_in(const Tensor& buffer, const Geometry& base, const Geometry& view) {
  return alias(buffer, view.sizes, view.strides, view.offset - base.offset + buffer.offset());
}

// The offsets of the view's elements in the buffer, as int64 indices of the view's shape.
Tensor element_offsets(const Geometry& view, int64_t origin, Device device) {
  Tensor at = full(view.sizes, Scalar(origin), DType::Int64, device);
  for (int64_t d = 0; d < view.sizes.size(); ++d) {
    Shape shape = Shape::filled(view.sizes.size(), 1);
    shape[d] = view.sizes[d];
    const Tensor steps =
        arange(Scalar(int64_t(0)), Scalar(view.sizes[d]), Scalar(int64_t(1)), DType::Int64, device);
    at = add(at, reshape(mul(steps, Scalar(view.strides[d])), shape));
  }
  return at;
}

// Every element of the view must lie within the base's own range, else the gradient has nowhere to
// go.
void check_within(const Geometry& base, const Geometry& view) {
  auto range = [](const Geometry& g, int64_t& low, int64_t& high) {
    low = high = g.offset;
    for (int64_t i = 0; i < g.sizes.size(); ++i) {
      const int64_t reach = (g.sizes[i] - 1) * g.strides[i];
      (reach < 0 ? low : high) += reach;
    }
  };
  if (numel_of(view.sizes) == 0) return;
  int64_t b0, b1, v0, v1;
  range(base, b0, b1);
  range(view, v0, v1);
  PG_CHECK(v0 >= b0 && v1 <= b1, "as_strided(): the view reaches elements ", v0, "..", v1,
           " but its input only covers ", b0, "..", b1,
           ", so it has no gradient. Take the view of the whole tensor");
}

}  // namespace

Tensor gather_geometry(const Tensor& grad, const Geometry& base, const Geometry& view) {
  check_within(base, view);
  Tensor buffer;
  {
    GradGuard off(false);
    buffer = laid_out_like(base, grad.dtype(), grad.device());
    copy_data(buffer, grad);
  }
  Tensor out = empty(view.sizes, grad.dtype(), grad.device());
  copy_data(out, view_in(buffer, base, view));
  return record("as_strided", out, {grad}, {}, [base, view](const Node&, const Tensor& g) {
    return Grads{scatter_geometry(g, base, view)};
  });
}

Tensor scatter_geometry(const Tensor& grad, const Geometry& base, const Geometry& view) {
  check_within(base, view);
  Tensor out;
  {
    GradGuard off(false);
    Tensor buffer = laid_out_like(base, grad.dtype(), grad.device());
    Tensor target = view_in(buffer, base, view);
    if (is_non_overlapping(target)) {
      copy_data(target, grad);
    } else {
      const Tensor at = reshape(element_offsets(view, target.offset(), grad.device()), Shape{-1});
      const int64_t n = int64_t(buffer.storage().nbytes / item_size(grad.dtype()));
      Tensor flat = alias(buffer, Shape{n}, Shape{1}, 0);
      copy_data(flat, index_add(flat, 0, at, reshape(grad, Shape{-1}), Scalar(1)));
    }
    if (!is_non_overlapping(buffer)) {
      // Several elements of the base share memory: each carries an equal part.
      const Tensor at =
          element_offsets({base.sizes, base.strides, 0}, buffer.offset(), grad.device());
      const Tensor ones = full(base.sizes, Scalar(1), grad.dtype(), grad.device());
      const int64_t n = int64_t(buffer.storage().nbytes / item_size(grad.dtype()));
      const Tensor count = index_add(zeros(Shape{n}, grad.dtype(), grad.device()), 0,
                                     reshape(at, Shape{-1}), reshape(ones, Shape{-1}), Scalar(1));
      out = div(buffer, reshape(index_select(count, 0, reshape(at, Shape{-1})), base.sizes));
    } else {
      out = buffer;
    }
  }
  return record(
      "as_strided_scatter", alias(out), {grad}, {},
      [base, view](const Node&, const Tensor& g) { return Grads{gather_geometry(g, base, view)}; });
}

Tensor zero_region(const Tensor& grad, const Geometry& base, const Geometry& view) {
  Tensor buffer = laid_out_like(base, grad.dtype(), grad.device());
  copy_data(buffer, grad);
  const Tensor region = view_in(buffer, base, view);
  kernels::fill(region.device_type())(region.view(), Scalar(0));
  return record("zero_region", buffer, {grad}, {}, [base, view](const Node&, const Tensor& g) {
    return Grads{zero_region(g, base, view)};
  });
}

}  // namespace pygrad
