#include "csrc/autograd/meta.h"

#include "csrc/autograd/grad_mode.h"
#include "csrc/ops/ops.h"

namespace pygrad {

// Set by the Python layer: drops the Python object that a dying tensor owns.
void (*release_python_object)(void* object) = nullptr;

void destroy(TensorImpl* impl) {
  if (impl->object && impl->owns_object && release_python_object) {
    // The object may look at the tensor once more (weak references, __del__); it must find a dead
    // one.
    void* object = impl->object;
    impl->object = nullptr;
    release_python_object(object);
  }
  if (AutogradMeta* meta = impl->autograd) {
    if (meta->accumulator) static_cast<AccumulateGrad*>(meta->accumulator.get())->leaf = nullptr;
    impl->autograd = nullptr;
    delete meta;
  }
  if (impl->base) Tensor(Intrusive<TensorImpl>::adopt(impl->base));
  delete impl;
}

AutogradMeta& ensure_meta(const Tensor& t) {
  if (!t.impl()->autograd) t.impl()->autograd = new AutogradMeta;
  return *t.impl()->autograd;
}

namespace {

// A tracked view whose storage was written since its grad_fn was made.
bool view_is_stale(const TensorImpl* p) {
  return p->base && !p->view_untracked &&
         p->view_version != p->storage->version.load(std::memory_order_relaxed);
}

}  // namespace

bool Tensor::requires_grad() const {
  return p_->requires_grad || (view_is_stale(p_.get()) && p_->base->requires_grad &&
                               p_->base->autograd && p_->base->autograd->grad_fn);
}

NodePtr grad_fn(const Tensor& t) {
  TensorImpl* p = t.impl();
  if (view_is_stale(p) && p->base->requires_grad && p->base->autograd &&
      p->base->autograd->grad_fn) {
    // Rebuild by geometry: every view of a storage is an as_strided of its base.
    GradGuard on(true);
    Tensor base = Tensor::share(p->base);
    Tensor rebuilt;
    if (is_complex(t.dtype()) && !is_complex(base.dtype())) {
      Shape sizes = t.shape(), strides(t.strides());
      for (int64_t& s : strides) s *= 2;
      sizes.push_back(2);
      strides.push_back(1);
      rebuilt = view_as_complex(as_strided(base, sizes, strides, t.offset() * 2));
    } else {
      if (is_complex(base.dtype()) && !is_complex(t.dtype())) base = view_as_real(base);
      rebuilt = as_strided(base, t.shape(), Shape(t.strides()), t.offset());
    }
    AutogradMeta& meta = ensure_meta(t);
    meta.grad_fn = rebuilt.impl()->autograd->grad_fn;
    meta.output_nr = 0;
    p->requires_grad = true;
    p->view_version = t.version();
  }
  return p->autograd ? p->autograd->grad_fn : NodePtr();
}

Edge gradient_edge(const Tensor& t) {
  if (!t.requires_grad()) return {};
  if (NodePtr fn = grad_fn(t)) return {std::move(fn), t.impl()->autograd->output_nr};
  AutogradMeta& meta = ensure_meta(t);
  if (!meta.accumulator) meta.accumulator = NodePtr::adopt(new AccumulateGrad(t));
  return {meta.accumulator, 0};
}

void set_history(const Tensor& t, NodePtr node, uint32_t output_nr) {
  AutogradMeta& meta = ensure_meta(t);
  meta.grad_fn = std::move(node);
  meta.output_nr = output_nr;
  t.impl()->requires_grad = true;
  t.impl()->view_version = t.version();
}

bool is_leaf(const Tensor& t) { return !t.requires_grad() || !grad_fn(t); }

void set_requires_grad(const Tensor& t, bool value) {
  if (value == t.requires_grad()) return;
  if (value) {
    PG_CHECK(is_floating(t.dtype()) || is_complex(t.dtype()),
             "only Tensors of floating point and complex dtype can require gradients; this one is ",
             t.dtype());
    PG_CHECK(!t.impl()->inference || grad_state.inference,
             "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed. "
             "Use clone() to get an ordinary tensor");
    t.impl()->requires_grad = true;
    return;
  }
  PG_CHECK(is_leaf(t),
           "you can only change requires_grad flags of leaf variables; this one is the result of ",
           grad_fn(t)->display_name(), ". Use detach() to get a tensor without history");
  t.impl()->requires_grad = false;
}

Tensor grad_of(const Tensor& t) { return t.impl()->autograd ? t.impl()->autograd->grad : Tensor(); }

void set_grad(const Tensor& t, const Tensor& grad) {
  if (!grad.defined()) {
    if (t.impl()->autograd) t.impl()->autograd->grad = {};
    return;
  }
  PG_CHECK(grad.impl() != t.impl(), "can't assign Variable as its own grad");
  PG_CHECK(Shape::same(grad.sizes(), t.sizes()),
           "assigned grad has data of a different size: grad ", grad.sizes(), ", tensor ",
           t.sizes());
  PG_CHECK(grad.device() == t.device(),
           "assigned grad has data located on a different device: grad on ", grad.device(),
           ", tensor on ", t.device());
  PG_CHECK(grad.dtype() == t.dtype(), "assigned grad has data of a different type: grad is ",
           grad.dtype(), ", tensor is ", t.dtype());
  ensure_meta(t).grad = grad;
}

Tensor detach(const Tensor& t) { return alias(t); }

}  // namespace pygrad
