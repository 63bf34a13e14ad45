// The backward pass.
//
// Nodes that received a gradient wait in a heap ordered by creation number, largest first. Every
// consumer of a node is younger than the node, so when a node is popped its gradient is complete:
// no pass over the graph to count dependencies is needed. Accumulators have number 0 and run last.
// Running is iterative, and so is freeing (see destroy(Node*)).
#pragma once

#include "csrc/autograd/node.h"

namespace pygrad {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused = false;
  // backward(inputs=...): accumulate into .grad of these only. Otherwise, with inputs: return their
  // gradients.
  bool accumulate = true;
};

// roots and grads have equal length; an undefined grad means 1 and needs a one-element root. With
// `inputs` non-empty only the nodes on a path to them run.
std::vector<Tensor> run_backward(std::span<const Tensor> roots, std::span<const Tensor> grads,
                                 const TensorList& inputs, const BackwardOptions& options);

}  // namespace pygrad
