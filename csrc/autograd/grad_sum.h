// GradSum: where a gradient is going to be added, offered to the formula that makes it.
//
// As a rule a formula returns gradients, and the engine adds each to what its edge received before,
// in the end to the leaf's .grad. A kernel that can add to its result as it computes (a matrix
// product) spares that pass and its memory:
//
//   if (const GradSum sum{node, 1, weight_sizes, {a, b}})
//     run_product(*sum, a, b, {.beta = 1});  // and returns no gradient for edge 1
//
// Offered is the engine's sum for the edge, when nobody else holds it, or else a leaf's .grad, when
// nobody is to see this gradient alone: not under create_graph, in anomaly mode, with inputs=, with
// hooks on the gradient or on the node, and not when .grad differs in dtype, has gaps, or requires
// grad itself. The .grad that the user holds changes in place, as it does without this.
#pragma once

#include <initializer_list>
#include <mutex>

#include "csrc/autograd/record.h"

namespace pygrad {

class ReadyNodes;

// The node whose formula the engine runs on this thread; passes may nest.
class RunningNode {
 public:
  // `sums` is null when gradients must be returned; `leaves`: whether .grad is what they go to.
  RunningNode(const Node& node, ReadyNodes* sums, bool leaves)
      : node_(&node), sums_(sums), leaves_(leaves), outer_(grad_state.running) {
    grad_state.running = this;
  }
  ~RunningNode() { grad_state.running = outer_; }
  RunningNode(const RunningNode&) = delete;

 private:
  friend class GradSum;
  const Node* node_;
  ReadyNodes* sums_;
  bool leaves_;
  const RunningNode* outer_;
};

class GradSum {
 public:
  // For the gradient of edge `i`, which has `sizes` and is computed by reading `operands`.
  GradSum(const Node& node, size_t i, Sizes sizes, std::initializer_list<TensorRef> operands);

  // A contiguous tensor of `sizes`, or a dense matrix, to be added to; false: return the gradient.
  explicit operator bool() const { return sum_.defined(); }
  const Tensor& operator*() const { return sum_; }

 private:
  Tensor sum_;
  std::unique_lock<std::mutex> lock_;  // of the leaf
};

}  // namespace pygrad
