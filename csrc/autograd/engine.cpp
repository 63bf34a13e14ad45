#include "csrc/autograd/engine.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/grad_sum.h"
#include "csrc/autograd/meta.h"
#include "csrc/autograd/ready_nodes.h"
#include "csrc/ops/ops.h"

namespace pygrad {
namespace {

// Brings a gradient to what the node's output looked like: the place where broadcasting and
// promotion are undone.
Tensor conform(const Node& node, uint32_t nr, Tensor g) {
  if (nr >= node.outputs.size()) return g;
  const OutputMeta& meta = node.outputs[nr];
  if (!Shape::same(g.sizes(), meta.shape())) g = sum_to_size(g, meta.shape());
  if (g.dtype() != meta.dtype) {
    if (is_complex(g.dtype()) && !is_complex(meta.dtype)) g = real(g);
    g = to(g, meta.dtype);
  }
  if (g.device() != meta.device) {
    PG_CHECK(meta.sizes.empty(), "a gradient of shape ", meta.shape(), " is on ", g.device(),
             "; expected it on ", meta.device, ", where its tensor is. Move it with .to()");
    g = to_device(g, meta.device);  // a number that met tensors of the other device
  }
  return g;
}

// Adds in place when this buffer is the only holder of the sum: then nobody can see it change.
void accumulate(Tensor& sum, Tensor g, bool recording) {
  if (!sum.defined()) {
    sum = std::move(g);
    return;
  }
  if (!recording && is_only_holder(sum) && is_dense(sum))
    add_inplace(sum, g);
  else
    sum = add(sum, g);
}

void run_hooks(std::vector<HookEntry> entries, uint32_t nr,
               Tensor& grad) {  // a copy: a hook may remove itself
  for (HookEntry& h : entries) {
    if (h.nr != nr) continue;
    std::vector<Tensor> one{grad};
    h.hook->call(one, {});
    grad = one[0];
  }
}

bool has_nan(const Tensor& t) {
  if (!is_floating(t.dtype()) && !is_complex(t.dtype())) return false;
  GradGuard off(false);
  return item(any(isnan(t), {}, false)).i != 0;
}

void check_for_nan(const Node& node, const Grads& grads) {
  for (size_t i = 0; i < grads.size(); ++i)
    if (grads[i].defined() && has_nan(grads[i]))
      raise(
          ErrorKind::Runtime, "Function '", node.display_name(), "' returned nan values in its ", i,
          "th output.",
          node.traceback ? "\nThe forward call was made here:\n" + *node.traceback : std::string());
}

// The nodes from which some input can be reached, so that nothing else runs.
std::unordered_set<Node*> nodes_towards(const std::vector<Edge>& roots,
                                        const std::vector<Edge>& inputs) {
  std::unordered_set<Node*> targets, needed, visited;
  uint64_t oldest = UINT64_MAX;
  for (const Edge& e : inputs) {
    targets.insert(e.node.get());
    oldest = std::min(oldest, e.node->sequence);
  }
  struct Frame {
    Node* node;
    uint32_t next;
  };
  std::vector<Frame> stack;
  for (const Edge& root : roots) {
    if (!root.node || !visited.insert(root.node.get()).second) continue;
    stack.push_back({root.node.get(), 0});
    while (!stack.empty()) {
      Frame& f = stack.back();
      if (f.next == 0 && targets.count(f.node)) needed.insert(f.node);
      Node* child = nullptr;
      while (f.next < f.node->edges.size() && !child) {
        Node* c = f.node->edges[f.next++].node.get();
        if (!c) continue;
        if (needed.count(c)) needed.insert(f.node);
        // What is older than every target cannot lead to one.
        if (c->sequence >= oldest && visited.insert(c).second) child = c;
      }
      if (child) {
        stack.push_back({child, 0});
        continue;
      }
      Node* done = f.node;
      stack.pop_back();
      if (!stack.empty() && needed.count(done)) needed.insert(stack.back().node);
    }
  }
  return needed;
}

}  // namespace

std::vector<Tensor> run_backward(std::span<const Tensor> roots, std::span<const Tensor> grads,
                                 const TensorList& inputs, const BackwardOptions& options) {
  std::vector<Edge> root_edges, input_edges;
  ReadyNodes ready;
  const GradGuard mode(options.create_graph);
  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& root = roots[i];
    PG_CHECK(root.requires_grad(), "element ", i,
             " of tensors does not require grad and does not have a grad_fn. "
             "Was it computed under no_grad(), or from tensors without requires_grad?");
    Tensor g = grads[i];
    if (!g.defined()) {
      PG_CHECK(root.numel() == 1,
               "grad can be implicitly created only for scalar outputs; this output has shape ",
               root.sizes(),
               ". Pass a gradient of that shape, or reduce it first (.sum(), .mean())");
      PG_CHECK(!is_complex(root.dtype()),
               "grad can be implicitly created only for real scalar outputs but got ",
               root.dtype());
      g = ones_like(root);
    } else {
      PG_CHECK(Shape::same(g.sizes(), root.sizes()), "Mismatch in shape: grad_output[", i,
               "] has a shape of ", g.sizes(), " and output[", i, "] has a shape of ",
               root.sizes());
      PG_CHECK(is_complex(g.dtype()) == is_complex(root.dtype()),
               "For complex Tensors, both grad_output and output are required "
               "to have the same dtype: grad_output[",
               i, "] is ", g.dtype(), ", output[", i, "] is ", root.dtype());
    }
    root_edges.push_back(gradient_edge(root));
    const Edge& e = root_edges.back();
    accumulate(ready.of(e.node)[e.nr], conform(*e.node, e.nr, g), options.create_graph);
  }

  // Gradients to return (or to accumulate) for explicit inputs, by node and output number.
  std::vector<Tensor> captured(inputs.size());
  std::unordered_map<Node*, std::vector<size_t>> captures;
  std::unordered_set<Node*> needed;
  if (!inputs.empty()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      PG_CHECK(inputs[i].requires_grad(),
               "One of the differentiated Tensors does not require grad: input ", i, " of shape ",
               inputs[i].sizes());
      input_edges.push_back(gradient_edge(inputs[i]));
      captures[input_edges[i].node.get()].push_back(i);
    }
    needed = nodes_towards(root_edges, input_edges);
  }

  while (!ready.empty()) {
    auto [node, buffer] = ready.pop();
    if (!inputs.empty() && !needed.count(node.get())) continue;
    if (node->hooks) {
      for (uint32_t nr = 0; nr < buffer.size(); ++nr) {
        if (!buffer[nr].defined()) continue;
        run_hooks(node->hooks->tensor, nr, buffer[nr]);
        run_hooks(node->hooks->retain_grad, nr, buffer[nr]);
      }
      for (HookEntry& h : std::vector<HookEntry>(node->hooks->pre)) {
        std::vector<Tensor> all(buffer.begin(), buffer.end());
        h.hook->call(all, {});
        for (size_t i = 0; i < all.size(); ++i) buffer[i] = all[i];
      }
    }
    bool run = true;
    if (auto it = captures.find(node.get()); it != captures.end()) {
      for (size_t i : it->second) captured[i] = buffer[input_edges[i].nr];
      // A captured leaf is not accumulated; a captured inner node goes on only when something
      // behind it is wanted too.
      run = std::any_of(node->edges.begin(), node->edges.end(),
                        [&](const Edge& e) { return e.node && needed.count(e.node.get()); });
    }
    if (!run) continue;

    const bool keep_outer = node->hooks && !node->hooks->post.empty();
    std::vector<Tensor> outer;
    if (keep_outer) outer.assign(buffer.begin(), buffer.end());
    Grads result;
    {
      // Whoever looks at the single gradients keeps the node from adding them up itself.
      const bool alone = options.create_graph || grad_state.anomaly || keep_outer;
      const RunningNode running(*node, alone ? nullptr : &ready, inputs.empty());
      result = node->apply({buffer.data(), buffer.size()});
    }
    buffer.clear();
    if (keep_outer) {
      std::vector<Tensor> all(result.begin(), result.end());
      all.resize(node->edges.size());
      for (HookEntry& h : std::vector<HookEntry>(node->hooks->post)) h.hook->call(all, outer);
      result.clear();
      for (Tensor& t : all) result.push_back(std::move(t));
    }
    if (grad_state.anomaly && grad_state.check_nan) check_for_nan(*node, result);
    if (!options.retain_graph) node->release_saved();
    const size_t n = std::min<size_t>(result.size(), node->edges.size());
    for (size_t i = 0; i < n; ++i) {
      const Edge& e = node->edges[i];
      if (!e.node || !result[i].defined()) continue;
      if (!inputs.empty() && !needed.count(e.node.get())) continue;
      accumulate(ready.of(e.node)[e.nr], conform(*e.node, e.nr, std::move(result[i])),
                 options.create_graph);
    }
  }

  if (!inputs.empty()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!options.accumulate) {
        PG_CHECK(
            captured[i].defined() || options.allow_unused,
            "One of the differentiated Tensors appears to not have been used in the graph: input ",
            i, " of shape ", inputs[i].sizes(),
            ". Set allow_unused=True if this is the desired behavior");
        continue;
      }
      if (!captured[i].defined()) continue;
      // backward(inputs=...) adds into .grad, of inner tensors as well.
      const bool retained = inputs[i].impl()->autograd->retains_grad;
      if (retained) continue;
      Tensor& grad = ensure_meta(inputs[i]).grad;
      grad = grad.defined() ? add(grad, captured[i]) : clone(captured[i]);
    }
  }
  return captured;
}

}  // namespace pygrad
