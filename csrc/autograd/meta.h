// What autograd hangs on a tensor.
#pragma once

#include "csrc/autograd/node.h"

namespace pygrad {

struct AutogradMeta {
  Tensor grad;
  NodePtr grad_fn;  // the op that made this tensor; null for leaves
  uint32_t output_nr = 0;
  NodePtr accumulator;  // leaves: the AccumulateGrad node, made on first use
  bool retains_grad = false;
};

AutogradMeta& ensure_meta(const Tensor& t);

// The op that made `t`. For a view whose base was changed in place this first rebuilds the view's
// history from the base.
NodePtr grad_fn(const Tensor& t);
// Where the gradient of `t` goes: its grad_fn, or its accumulator, or nowhere.
Edge gradient_edge(const Tensor& t);
void set_history(const Tensor& t, NodePtr node, uint32_t output_nr);
bool is_leaf(const Tensor& t);
void set_requires_grad(const Tensor& t, bool value);
Tensor grad_of(const Tensor& t);  // undefined when there is none
void set_grad(const Tensor& t, const Tensor& grad);
Tensor detach(const Tensor& t);  // shares storage and version counter, no history

}  // namespace pygrad
