// record(): puts one operation on the tape.
//
//   return record("exp", out, {input}, saved(out), [](const Node& n, const Tensor& g) {
//     return Grads{mul(g, conj(n.saved(0)))};
//   });
//
// The lambda gets the node and the gradient of the output, and returns one gradient per input, in
// their order; an undefined Tensor where `n.needs(i)` is false, or for none. It is written with
// public ops, so that it can itself be recorded when create_graph is on. It captures only values
// that own nothing (dims, shapes, numbers): tensors go through saved(), where the tape frees them,
// checks their versions and avoids reference cycles. The engine sums a gradient down to its
// source's shape and casts it to its dtype, so no formula mentions broadcasting or promotion.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/meta.h"
#include "csrc/autograd/node.h"

namespace pygrad {

struct TensorRef {
  const Tensor* t;
  TensorRef(const Tensor& tensor) : t(&tensor) {}
};
using Inputs = std::span<const TensorRef>;

// The first `count` items are set: most ops save a tensor or two.
struct Saved {
  static constexpr size_t kMost = 16;
  const Tensor* items[kMost];
  size_t count = 0;
  Saved() {}  // written out, so that `{}` does not set the rest to zero
};
template <class... T>
Saved saved(const T&... tensors) {
  static_assert(sizeof...(T) <= Saved::kMost);
  Saved s;
  ((s.items[s.count++] = &tensors), ...);
  return s;
}

template <class F>
struct OpNode final : Node {
  F fn;
  OpNode(const char* op_name, const F& f) : Node(op_name), fn(f) {}
  Grads apply(GradSpan grads) override {
    if constexpr (std::is_invocable_v<F, const Node&, const Tensor&>) {
      if (!grads[0].defined()) return {};
      return fn(*this, grads[0]);
    } else {
      return fn(*this, grads);
    }
  }
};

// Edges to the inputs, metadata of the outputs, saved tensors; then the outputs get their history.
void attach(NodePtr node, std::span<Tensor> outputs, Inputs inputs, const Saved& saved);

inline bool any_requires_grad(Inputs inputs) {
  for (const TensorRef& r : inputs)
    if (r.t->defined() && r.t->requires_grad()) return true;
  return false;
}

// One output. It is moved out of `out` when the tape has seen it, so `saved(out)` may name it too.
template <class F>
Tensor record(const char* name, Tensor&& out, std::initializer_list<TensorRef> inputs,
              const Saved& saved, const F& backward) {
  static_assert(std::is_trivially_destructible_v<F>,
                "capture numbers and shapes only; tensors go through saved()");
  const Inputs in{inputs.begin(), inputs.size()};
  if (any_requires_grad(in) && grad_enabled())
    attach(NodePtr::adopt(new OpNode<F>(name, backward)), {&out, 1}, in, saved);
  return std::move(out);
}
template <class F>
Tensor record(const char* name, const Tensor& out, std::initializer_list<TensorRef> inputs,
              const Saved& saved, const F& backward) {
  return record(name, Tensor(out), inputs, saved, backward);
}

// Several inputs in a list (cat, stack, ...).
template <class F>
Tensor record(const char* name, Tensor out, const TensorList& inputs, const Saved& saved,
              const F& backward) {
  static_assert(std::is_trivially_destructible_v<F>,
                "capture numbers and shapes only; tensors go through saved()");
  std::vector<TensorRef> refs(inputs.begin(), inputs.end());
  if (any_requires_grad(refs) && grad_enabled())
    attach(NodePtr::adopt(new OpNode<F>(name, backward)), {&out, 1}, refs, saved);
  return out;
}

// Several differentiable outputs; the lambda gets a GradSpan, undefined where nothing flowed.
// Outputs without a gradient (indices) are left out of `outputs` by the caller.
template <class F>
void record_multi(const char* name, std::span<Tensor> outputs,
                  std::initializer_list<TensorRef> inputs, const Saved& saved, const F& backward) {
  static_assert(std::is_trivially_destructible_v<F>,
                "capture numbers and shapes only; tensors go through saved()");
  const Inputs in{inputs.begin(), inputs.size()};
  if (any_requires_grad(in) && grad_enabled())
    attach(NodePtr::adopt(new OpNode<F>(name, backward)), outputs, in, saved);
}

}  // namespace pygrad
