#include "csrc/autograd/grad_sum.h"

#include "csrc/autograd/ready_nodes.h"

namespace pygrad {
namespace {

bool may_be_added_to(const Tensor& sum, Sizes sizes, std::initializer_list<TensorRef> operands) {
  if (!Shape::same(sum.sizes(), sizes) || sum.requires_grad()) return false;
  if (!sum.is_contiguous() && !(sum.dim() == 2 && is_dense(sum))) return false;
  for (const TensorRef& r : operands)
    if (r.t->dtype() != sum.dtype() || r.t->device() != sum.device() || may_overlap(sum, *r.t))
      return false;
  return true;
}

bool is_seen_by_hooks(const Node& accumulator) {
  const NodeHooks* h = accumulator.hooks.get();
  return h && !(h->tensor.empty() && h->retain_grad.empty() && h->pre.empty() && h->post.empty());
}

}  // namespace

GradSum::GradSum(const Node& node, size_t i, Sizes sizes,
                 std::initializer_list<TensorRef> operands) {
  const RunningNode* running = grad_state.running;
  if (!running || running->node_ != &node || !running->sums_) return;
  const Edge& edge = node.edges[i];
  if (Tensor* sum = running->sums_->waiting(edge); sum && sum->defined()) {
    if (is_only_holder(*sum) && may_be_added_to(*sum, sizes, operands)) sum_ = *sum;
    return;
  }
  if (!running->leaves_ || !edge.node->is_accumulator() || is_seen_by_hooks(*edge.node)) return;
  const TensorImpl* leaf = static_cast<const AccumulateGrad&>(*edge.node).leaf;
  if (!leaf || !leaf->autograd) return;
  lock_ = std::unique_lock(accumulation_lock(leaf));
  const Tensor& grad = leaf->autograd->grad;
  if (!grad.defined() || !may_be_added_to(grad, sizes, operands) || grad.impl()->inference ||
      grad.impl()->storage->read_only) {
    lock_ = {};
    return;
  }
  sum_ = grad;
  sum_.bump_version();
  if (edge.node->hooks) running->sums_->of(edge.node);  // post-accumulate hooks run all the same
}

}  // namespace pygrad
