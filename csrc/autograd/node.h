// Node: one recorded operation, with edges to the operations (or leaves) that made its inputs.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "csrc/core/small_vector.h"
#include "csrc/core/tensor.h"

namespace pygrad {

struct Node;
void destroy(Node* node);  // iterative: a chain of a million nodes does not recurse
using NodePtr = Intrusive<Node>;

// Where a gradient goes: input number `nr` of `node`. A null node means that nobody wants it.
struct Edge {
  NodePtr node;
  size_t nr = 0;
};

using Grads = SmallVector<Tensor, 3>;
using GradSpan = std::span<Tensor>;  // the engine's own: a node may take one over

// A tensor kept for backward, with the version it had. An output of the node itself is kept without
// its history, which unpack() puts back: otherwise node and tensor would own each other.
class SavedTensor {
 public:
  SavedTensor() = default;
  SavedTensor(const Tensor& t, const Node* output_of, uint32_t output_nr, uint32_t version);
  Tensor unpack(const Node& node) const;
  void reset() { tensor_ = {}; }

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  uint32_t output_nr_ = 0;
  bool is_output_ = false;
};

// What a node's output looked like; the engine brings gradients to this shape and dtype.
struct OutputMeta {
  DType dtype;
  Device device;
  SmallVector<int64_t, 4> sizes;
  explicit OutputMeta(const Tensor& t);
  Sizes shape() const { return {sizes.data(), sizes.size()}; }
};

// Hooks are Python callables in practice; the tape knows only this interface.
struct Hook {
  virtual ~Hook() = default;
  // For tensor hooks: one gradient in `grads`, replaced when the hook returns another. For node
  // hooks: all of them. `outer` are the gradients on the node's other side, for post hooks.
  virtual void call(std::vector<Tensor>& grads, const std::vector<Tensor>& outer) = 0;
};
struct HookEntry {
  int64_t id;
  uint32_t nr;  // tensor hooks: which output of the node
  std::shared_ptr<Hook> hook;
};
struct NodeHooks {
  std::vector<HookEntry> tensor;           // on the gradient of one output, before the node runs
  std::vector<HookEntry> retain_grad;      // after the tensor hooks: stores into .grad
  std::vector<HookEntry> pre;              // on all the gradients that reach the node
  std::vector<HookEntry> post;             // on the gradients the node produced
  std::vector<HookEntry> post_accumulate;  // leaves only: after .grad was updated
};
int64_t next_hook_id();

struct Node {
  ReferenceCount refs;
  bool released = false;  // saved tensors were freed by a backward pass without retain_graph
  uint64_t sequence;      // creation order; consumers always have larger numbers than producers
  const char* name;       // the forward op, "sum" or "sum:1" for SumBackward1
  SmallVector<Edge, 2> edges;
  SmallVector<SavedTensor, 2> saved_tensors;
  SmallVector<OutputMeta, 1> outputs;
  std::unique_ptr<NodeHooks> hooks;
  std::unique_ptr<std::string> traceback;  // anomaly mode: where the forward op was called
  void* object = nullptr;                  // borrowed: the Python wrapper, if one is alive

  explicit Node(const char* op_name);
  virtual ~Node() = default;
  Node(const Node&) = delete;
  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* p, size_t bytes) { pool_free(p, bytes); }

  // grads: one per output, undefined where nothing flowed. Returns one gradient per edge (missing
  // ones count as none).
  virtual Grads apply(GradSpan grads) = 0;
  // The Python-visible class name, e.g. "MulBackward0".
  virtual std::string display_name() const;
  virtual void release_saved() {
    for (SavedTensor& s : saved_tensors) s.reset();
    released = true;
  }

  bool is_accumulator() const { return sequence == 0; }
  bool needs(size_t i) const { return i < edges.size() && edges[i].node; }
  // The i-th saved tensor; raises when it was freed, or changed in place since.
  Tensor saved(size_t i) const;
  NodeHooks& ensure_hooks() {
    if (!hooks) hooks = std::make_unique<NodeHooks>();
    return *hooks;
  }
};

// The end of the tape at a leaf: adds what arrives into leaf.grad. Nothing arrives, and only hooks
// are left to call, when the formulas have added to leaf.grad themselves (GradSum).
struct AccumulateGrad final : Node {
  TensorImpl* leaf;  // not owning: the leaf owns this node and clears the pointer when it dies
  explicit AccumulateGrad(const Tensor& t);
  Grads apply(GradSpan grads) override;
  std::string display_name() const override { return "AccumulateGrad"; }
  void release_saved() override {}
};

// Backward passes of several threads may meet at a parameter; a few locks shared by all leaves keep
// the sums whole.
std::mutex& accumulation_lock(const TensorImpl* leaf);

// Whether nobody but the caller can see the values of `t`.
inline bool is_only_holder(const Tensor& t) {
  return t.impl()->refs.load() == 1 && t.impl()->storage->refs.load() == 1;
}

}  // namespace pygrad
