#include "csrc/autograd/node.h"

#include <array>
#include <cctype>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/autograd/record.h"
#include "csrc/ops/ops.h"

namespace pygrad {

// Set by the Python layer: forgets the wrapper of a dying node.
void (*forget_node_object)(Node* node) = nullptr;

namespace {

std::atomic<uint64_t> next_sequence{1};
std::atomic<int64_t> hook_ids{1};

}  // namespace

int64_t next_hook_id() { return hook_ids.fetch_add(1, std::memory_order_relaxed); }

Node::Node(const char* op_name) : sequence(add_to(next_sequence, uint64_t{1})), name(op_name) {}

void destroy(Node* node) {
  // Deleting a node drops its edges and saved tensors, which may drop the next node: a queue
  // instead of recursion.
  thread_local std::vector<Node*>* queue = nullptr;
  if (queue) {
    queue->push_back(node);
    return;
  }
  std::vector<Node*> pending{node};
  queue = &pending;
  while (!pending.empty()) {
    Node* next = pending.back();
    pending.pop_back();
    if (next->object && forget_node_object) forget_node_object(next);
    delete next;
  }
  queue = nullptr;
}

std::string Node::display_name() const {
  // "log_softmax" -> "LogSoftmaxBackward0"; "sum:1" -> "SumBackward1"; names with a capital are
  // shown as they are.
  if (std::isupper(static_cast<unsigned char>(name[0]))) return name;
  std::string out, suffix = "0";
  bool up = true;
  for (const char* c = name; *c; ++c) {
    if (*c == ':') {
      suffix = c + 1;
      break;
    }
    if (*c == '_') {
      up = true;
      continue;
    }
    out += up ? char(std::toupper(static_cast<unsigned char>(*c))) : *c;
    up = false;
  }
  return out + "Backward" + suffix;
}

SavedTensor::SavedTensor(const Tensor& t, const Node* output_of, uint32_t output_nr,
                         uint32_t version)
    : tensor_(output_of ? alias(t) : t),
      version_(version),
      output_nr_(output_nr),
      is_output_(output_of != nullptr) {
  PG_CHECK(!t.impl()->inference,
           "Inference tensors cannot be saved for backward. Use clone() to get an ordinary tensor");
}

Tensor SavedTensor::unpack(const Node& node) const {
  if (!tensor_.defined()) return {};
  PG_CHECK(tensor_.impl()->silent_version || tensor_.version() == version_,
           "one of the variables needed for gradient computation has been modified by an inplace "
           "operation: a tensor of shape ",
           tensor_.sizes(), ", saved by ", node.display_name(), " at version ", version_,
           ", is at version ", tensor_.version(),
           "; expected it unchanged. Use the out-of-place form of the op that wrote to it, or "
           "clone() before");
  if (!is_output_) return tensor_;
  Tensor t = alias(tensor_);
  set_history(t, NodePtr::share(const_cast<Node*>(&node)), output_nr_);
  return t;
}

Tensor Node::saved(size_t i) const {
  PG_CHECK(!released, "Trying to backward through the graph a second time: ", display_name(),
           " has freed its saved tensors. Specify retain_graph=True in the first backward() or "
           "grad() call");
  return saved_tensors[i].unpack(*this);
}

OutputMeta::OutputMeta(const Tensor& t) : dtype(t.dtype()), device(t.device()) {
  for (int64_t s : t.sizes()) sizes.push_back(s);
}

// Set by the Python layer: the current Python stack as text, for anomaly mode.
std::string (*traceback_source)() = nullptr;

void attach(NodePtr node, std::span<Tensor> outputs, Inputs inputs, const Saved& saved) {
  Node* n = node.get();
  for (const TensorRef& r : inputs)
    n->edges.push_back(r.t->defined() ? gradient_edge(*r.t) : Edge{});
  for (const Tensor& out : outputs) n->outputs.emplace_back(out);
  for (size_t i = 0; i < saved.count; ++i) {
    const Tensor& t = *saved.items[i];
    if (!t.defined()) {
      n->saved_tensors.emplace_back();
      continue;
    }
    uint32_t output_nr = 0;
    bool is_output = false;
    for (size_t o = 0; o < outputs.size(); ++o)
      if (t.is(outputs[o])) {
        is_output = true;
        output_nr = uint32_t(o);
      }
    const uint32_t version = t.version() - (is_being_overwritten(t, outputs) ? 1u : 0u);
    n->saved_tensors.emplace_back(t, is_output ? n : nullptr, output_nr, version);
  }
  if (grad_state.anomaly && traceback_source)
    n->traceback = std::make_unique<std::string>(traceback_source());
  for (size_t o = 0; o < outputs.size(); ++o)
    if (is_floating(outputs[o].dtype()) || is_complex(outputs[o].dtype()))
      set_history(outputs[o], node, uint32_t(o));
}

AccumulateGrad::AccumulateGrad(const Tensor& t) : Node("AccumulateGrad"), leaf(t.impl()) {
  sequence = 0;  // runs last, when every consumer's gradient has been summed
  outputs.push_back(OutputMeta(t));
}

std::mutex& accumulation_lock(const TensorImpl* leaf) {
  static auto* locks = new std::array<std::mutex, 16>;
  return (*locks)[reinterpret_cast<uintptr_t>(leaf) / sizeof(TensorImpl) % locks->size()];
}

namespace {

void accumulate_into(Tensor& grad, const Tensor& leaf, Tensor g) {
  if (grad_enabled()) {  // create_graph: the sum itself is recorded
    grad = grad.defined() ? add(grad, g) : std::move(g);
    return;
  }
  if (grad.defined()) {
    add_inplace(grad, g);
    return;
  }
  // Take the buffer over when nobody else can see it and it is laid out like the leaf.
  const bool ours =
      is_only_holder(g) && !g.requires_grad() &&
      (g.is_contiguous() ? leaf.is_contiguous() : Shape::same(g.strides(), leaf.strides()));
  if (ours) {
    grad = std::move(g);
    return;
  }
  Tensor copy =
      is_dense(leaf) ? empty_like(leaf) : empty(leaf.sizes(), leaf.dtype(), leaf.device());
  copy_data(copy, g);
  grad = std::move(copy);
}

}  // namespace

Grads AccumulateGrad::apply(GradSpan grads) {
  if (!leaf) return {};
  const Tensor t = Tensor::share(leaf);
  if (grads[0].defined()) {
    const std::lock_guard lock(accumulation_lock(leaf));
    accumulate_into(ensure_meta(t).grad, t, std::move(grads[0]));
  }
  if (hooks)
    for (HookEntry& h : std::vector<HookEntry>(hooks->post_accumulate)) {
      std::vector<Tensor> self{t};
      h.hook->call(self, {});
    }
  return {};
}

}  // namespace pygrad
