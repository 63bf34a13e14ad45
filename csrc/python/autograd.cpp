// The tape as Python sees it: grad_fn objects, hooks, custom functions, backward, and the grad
// modes.
#include "csrc/autograd/engine.h"
#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"
#include "csrc/python/tensor_methods.h"

namespace pygrad {
extern void (*forget_node_object)(Node* node);
extern std::string (*traceback_source)();
}  // namespace pygrad

namespace pygrad::python {
namespace {

// --- hooks
// ---------------------------------------------------------------------------------------------------

enum class HookStyle { gradient, leaf, pre, post };

// A Python callable on the tape. The engine runs without the GIL, so every use takes it.
class PythonHook final : public Hook {
 public:
  PythonHook(PyObject* callable, HookStyle style) : callable_(Py_NewRef(callable)), style_(style) {}
  ~PythonHook() override {
    if (const DestructorGil gil; gil) Py_CLEAR(callable_);
  }
  PyObject* callable() const { return callable_; }
  void drop() { Py_CLEAR(callable_); }

  void call(std::vector<Tensor>& grads, const std::vector<Tensor>& outer) override {
    const py::gil_scoped_acquire gil;
    if (!callable_) return;
    py::object f = py::reinterpret_borrow<py::object>(callable_);
    if (style_ == HookStyle::gradient || style_ == HookStyle::leaf) {
      py::object result = f(py::cast(grads[0]));
      if (style_ == HookStyle::leaf || result.is_none()) return;
      PG_CHECK_TYPE(is_tensor(result.ptr()), "hook returned ", Py_TYPE(result.ptr())->tp_name,
                    "; expected a Tensor or None");
      const Tensor t = tensor_of(result.ptr());
      PG_CHECK(!grads[0].defined() || Shape::same(t.sizes(), grads[0].sizes()),
               "hook has changed the size of value: from ", grads[0].sizes(), " to ", t.sizes());
      grads[0] = t;
      return;
    }
    py::object result =
        style_ == HookStyle::pre ? f(as_tuple(grads)) : f(as_tuple(grads), as_tuple(outer));
    if (result.is_none()) return;
    if (is_tensor(result.ptr())) result = py::make_tuple(result);
    PG_CHECK_TYPE(PyTuple_Check(result.ptr()), "hook returned ", Py_TYPE(result.ptr())->tp_name,
                  "; expected a tuple of Tensors or None");
    PG_CHECK(size_t(PyTuple_GET_SIZE(result.ptr())) == grads.size(),
             "hook has returned an incorrect number of values (got ",
             PyTuple_GET_SIZE(result.ptr()), ", but expected ", grads.size(), ")");
    for (size_t i = 0; i < grads.size(); ++i)
      grads[i] = py::cast<Tensor>(py::handle(PyTuple_GET_ITEM(result.ptr(), Py_ssize_t(i))));
  }

 private:
  static py::tuple as_tuple(const std::vector<Tensor>& grads) {
    py::tuple t(grads.size());
    for (size_t i = 0; i < grads.size(); ++i) t[i] = py::cast(grads[i]);
    return t;
  }
  PyObject* callable_;
  HookStyle style_;
};

using HookList = std::vector<HookEntry> NodeHooks::*;

// What register_hook returns: with handle: ... removes the hook at the end, as remove() does.
struct HookHandle {
  NodePtr node;
  HookList list;
  int64_t id;
  void remove() {
    if (!node || !node->hooks) return;
    auto& entries = (*node->hooks).*list;
    for (size_t i = 0; i < entries.size(); ++i)
      if (entries[i].id == id) {
        entries.erase(entries.begin() + int64_t(i));
        break;
      }
    node = {};
  }
};

PyObject* add_hook(const NodePtr& node, HookList list, uint32_t nr, PyObject* callable,
                   HookStyle style) {
  PG_CHECK_TYPE(PyCallable_Check(callable), "register_hook(): the hook must be callable, not ",
                Py_TYPE(callable)->tp_name);
  const int64_t id = next_hook_id();
  ((*node).ensure_hooks().*list).push_back({id, nr, std::make_shared<PythonHook>(callable, style)});
  return py::cast(HookHandle{node, list, id}).release().ptr();
}

}  // namespace

PyObject* register_tensor_hook(PyObject* self, PyObject* callable) {
  const Tensor t = tensor_of(self);
  PG_CHECK(t.requires_grad(), "cannot register a hook on a tensor that doesn't require gradient");
  const Edge edge = gradient_edge(t);
  track_object(self);
  return add_hook(edge.node, &NodeHooks::tensor, edge.nr, callable, HookStyle::gradient);
}

PyObject* register_post_accumulate_hook(PyObject* self, PyObject* callable) {
  const Tensor t = tensor_of(self);
  PG_CHECK(t.requires_grad() && is_leaf(t),
           "post accumulate grad hooks cannot be registered on non-leaf tensors, or on tensors "
           "that don't require gradient");
  track_object(self);
  return add_hook(gradient_edge(t).node, &NodeHooks::post_accumulate, 0, callable, HookStyle::leaf);
}

namespace {

// Stores the gradient of an inner tensor. Holds the header weakly enough: the tensor owns its node,
// not the reverse.
class RetainGradHook final : public Hook {
 public:
  explicit RetainGradHook(PyObject* self) {
    weak_ = PyWeakref_NewRef(self, nullptr);
    if (!weak_) throw py::error_already_set();
  }
  ~RetainGradHook() override {
    if (const DestructorGil gil; gil) Py_CLEAR(weak_);
  }
  void call(std::vector<Tensor>& grads, const std::vector<Tensor>&) override {
    const py::gil_scoped_acquire gil;
    PyObject* self = PyWeakref_GetObject(weak_);
    if (self == Py_None) return;
    Tensor& grad = ensure_meta(tensor_of(self)).grad;
    grad = grad.defined() ? add(grad, grads[0]) : grad_enabled() ? grads[0] : clone(grads[0]);
  }

 private:
  PyObject* weak_;
};

}  // namespace

void retain_grad(PyObject* self) {
  const Tensor t = tensor_of(self);
  PG_CHECK(t.requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
  if (is_leaf(t)) return;
  AutogradMeta& meta = ensure_meta(t);
  if (meta.retains_grad) return;
  const Edge edge = gradient_edge(t);
  edge.node->ensure_hooks().retain_grad.push_back(
      {next_hook_id(), uint32_t(edge.nr), std::make_shared<RetainGradHook>(self)});
  ensure_meta(t).retains_grad = true;
}

// Visits the callables that only this tensor keeps alive.
int traverse_hooks(TensorImpl* impl, visitproc visit, void* arg) {
  if (!impl->autograd) return 0;
  for (const NodePtr* node : {&impl->autograd->accumulator, &impl->autograd->grad_fn}) {
    if (!*node || (*node)->refs.load() != 1 || !(*node)->hooks) continue;
    for (HookList list :
         {&NodeHooks::tensor, &NodeHooks::pre, &NodeHooks::post, &NodeHooks::post_accumulate})
      for (const HookEntry& e : (*node)->hooks.get()->*list)
        if (e.hook.use_count() == 1)
          if (auto* hook = dynamic_cast<PythonHook*>(e.hook.get()); hook && hook->callable()) {
            const int r = visit(hook->callable(), arg);
            if (r) return r;
          }
  }
  return 0;
}

void clear_hooks(TensorImpl* impl) {
  if (!impl->autograd) return;
  for (const NodePtr* node : {&impl->autograd->accumulator, &impl->autograd->grad_fn})
    if (*node && (*node)->refs.load() == 1) (*node)->hooks.reset();
}

// --- grad_fn objects
// ----------------------------------------------------------------------------------------------

namespace {

struct PyNode {
  PyObject_HEAD Node* node;
  PyObject* dict;
};
PyTypeObject* node_type;

NodePtr node_of(PyObject* o) { return NodePtr::share(reinterpret_cast<PyNode*>(o)->node); }

// A custom autograd.Function on the tape.
struct FunctionNode final : Node {
  std::string class_name;
  PyObject* backward;  // callable(tuple of gradients, node) -> tuple of gradients
  std::vector<const TensorImpl*>
      output_impls;  // for finding the number of a saved output; never dereferenced
  FunctionNode(std::string name_, PyObject* f)
      : Node("Function"), class_name(std::move(name_)), backward(Py_NewRef(f)) {}
  ~FunctionNode() override {
    if (const DestructorGil gil; gil) Py_CLEAR(backward);
  }
  std::string display_name() const override { return class_name; }
  void release_saved() override {
    released = true;
    if (const DestructorGil gil; gil) Py_CLEAR(backward);
  }
  Grads apply(GradSpan grads) override {
    const py::gil_scoped_acquire gil;
    PG_CHECK(!released, "Trying to backward through the graph a second time: ", class_name,
             " has freed its saved tensors. Specify retain_graph=True in the first backward() or "
             "grad() call");
    py::tuple args(grads.size());
    for (size_t i = 0; i < grads.size(); ++i) args[i] = py::cast(grads[i]);
    py::object self = py::reinterpret_steal<py::object>(wrap_node(NodePtr::share(this)));
    py::object result = py::reinterpret_borrow<py::object>(backward)(args, self);
    Grads out;
    for (py::handle h : py::reinterpret_borrow<py::tuple>(result))
      out.push_back(py::cast<Tensor>(h));
    return out;
  }
};

void node_dealloc(PyObject* self) {
  auto* n = reinterpret_cast<PyNode*>(self);
  n->node->object = nullptr;
  Py_CLEAR(n->dict);
  NodePtr::adopt(n->node);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject* node_repr(PyObject* self) {
  return PyUnicode_FromFormat("<%s object at %p>", node_of(self)->display_name().c_str(),
                              static_cast<void*>(self));
}
PyObject* node_name(PyObject* self, PyObject*) {
  return PyUnicode_FromString(node_of(self)->display_name().c_str());
}
PyObject* node_next(PyObject* self, void*) {
  const NodePtr node = node_of(self);
  PyObject* t = PyTuple_New(node->edges.size());
  for (uint32_t i = 0; i < node->edges.size(); ++i)
    PyTuple_SET_ITEM(t, i,
                     Py_BuildValue("(NI)", wrap_node(node->edges[i].node), node->edges[i].nr));
  return t;
}
PyObject* node_variable(PyObject* self, void*) {
  auto* leaf = dynamic_cast<AccumulateGrad*>(node_of(self).get());
  if (!leaf) {
    PyErr_SetString(PyExc_AttributeError, "only AccumulateGrad has a variable");
    return nullptr;
  }
  return leaf->leaf ? wrap(Tensor::share(leaf->leaf)) : Py_NewRef(Py_None);
}
PyObject* node_saved(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const NodePtr node = node_of(self);
    PyObject* t = PyTuple_New(node->saved_tensors.size());
    for (uint32_t i = 0; i < node->saved_tensors.size(); ++i)
      PyTuple_SET_ITEM(t, i, wrap(node->saved(i)));
    return t;
  });
}
PyObject* node_metadata(PyObject* self, void*) {
  auto* n = reinterpret_cast<PyNode*>(self);
  if (!n->dict) n->dict = PyDict_New();
  return Py_XNewRef(n->dict);
}
PyObject* node_sequence(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(node_of(self)->sequence);
}
PyObject* node_register_hook(PyObject* self, PyObject* f) {
  return guarded([&] { return add_hook(node_of(self), &NodeHooks::post, 0, f, HookStyle::post); });
}
PyObject* node_register_prehook(PyObject* self, PyObject* f) {
  return guarded([&] { return add_hook(node_of(self), &NodeHooks::pre, 0, f, HookStyle::pre); });
}
PyObject* node_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(b) != node_type || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((a == b) == (op == Py_EQ));
}

PyMethodDef node_methods[] = {{"name", node_name, METH_NOARGS, "The name, such as MulBackward0."},
                              {"register_hook", node_register_hook, METH_O,
                               "Calls hook(grad_inputs, grad_outputs) after the node ran."},
                              {"register_prehook", node_register_prehook, METH_O,
                               "Calls hook(grad_outputs) before the node runs."},
                              {"_sequence_nr", node_sequence, METH_NOARGS, "Creation order."},
                              {nullptr, nullptr, 0, nullptr}};
PyGetSetDef node_attributes[] = {
    {"next_functions", node_next, nullptr, "Pairs (node, output number) that the gradients go to.",
     nullptr},
    {"variable", node_variable, nullptr, "The leaf of an AccumulateGrad node.", nullptr},
    {"saved_tensors", node_saved, nullptr, "The tensors kept for backward.", nullptr},
    {"metadata", node_metadata, nullptr, "A dict for the user.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

void forget_object(Node* node) { static_cast<PyNode*>(node->object)->node = nullptr; }

}  // namespace

PyObject* wrap_node(const NodePtr& node) {
  if (!node) Py_RETURN_NONE;
  if (node->object) return Py_NewRef(static_cast<PyObject*>(node->object));
  auto* self = reinterpret_cast<PyNode*>(node_type->tp_alloc(node_type, 0));
  self->node = NodePtr(node).release();
  self->dict = nullptr;
  self->node->object = self;
  return reinterpret_cast<PyObject*>(self);
}

// --- the functions of autograd
// -----------------------------------------------------------------------------------

namespace {

// Python's traceback.format_stack(), for anomaly mode.
std::string python_stack() {
  const py::gil_scoped_acquire gil;
  try {
    return py::str("")
        .attr("join")(py::module_::import("traceback").attr("format_stack")())
        .cast<std::string>();
  } catch (const py::error_already_set&) {
    return {};
  }
}

py::object backward_entry(const TensorList& roots, const std::vector<py::object>& grads,
                          py::object inputs, bool retain_graph, bool create_graph, bool accumulate,
                          bool allow_unused) {
  BackwardOptions options{retain_graph, create_graph, allow_unused, accumulate};
  TensorList gradients, wanted;
  for (const py::object& g : grads) gradients.push_back(py::cast<Tensor>(g));
  PG_CHECK(gradients.size() == roots.size(), "got ", roots.size(), " tensors and ",
           gradients.size(), " gradients");
  if (!inputs.is_none())
    for (py::handle h : inputs) wanted.push_back(py::cast<Tensor>(h));
  std::vector<Tensor> result;
  {
    const ReleaseGil gil(true);
    result = run_backward(roots, gradients, wanted, options);
  }
  if (accumulate) return py::none();
  py::tuple out(result.size());
  for (size_t i = 0; i < result.size(); ++i) out[i] = py::cast(result[i]);
  return out;
}

// Puts a custom function on the tape. `outputs` were computed without history; each comes back with
// it.
py::tuple record_function(const std::string& name, py::tuple inputs, py::tuple outputs,
                          py::object backward, py::tuple dirty, py::tuple non_differentiable) {
  auto contains = [](const py::tuple& list, PyObject* o) {
    for (py::handle h : list)
      if (h.ptr() == o) return true;
    return false;
  };
  std::vector<Tensor> held;
  for (py::handle h : inputs) held.push_back(is_tensor(h.ptr()) ? tensor_of(h.ptr()) : Tensor());
  std::vector<TensorRef> refs(held.begin(), held.end());
  auto* node = new FunctionNode(name, backward.ptr());
  const NodePtr owner = NodePtr::adopt(node);

  std::vector<Tensor> differentiable;
  std::vector<Edge> old;  // of dirty tensors, before they get their new history
  for (const Tensor& t : held) node->edges.push_back(t.defined() ? gradient_edge(t) : Edge{});
  py::tuple result(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    PyObject* o = outputs[i].ptr();
    if (!is_tensor(o)) {
      result[i] = outputs[i];
      continue;
    }
    Tensor t = tensor_of(o);
    node->outputs.push_back(OutputMeta(t));
    node->output_impls.push_back(t.impl());
    const uint32_t nr = node->outputs.size() - 1;
    if (contains(non_differentiable, o) || (!is_floating(t.dtype()) && !is_complex(t.dtype()))) {
      result[i] = outputs[i];
      continue;
    }
    if (contains(dirty, o)) {
      check_inplace(name.c_str(), t);
      Tensor updated = alias(t);
      set_history(updated, owner, nr);
      finish_inplace(name.c_str(), t, updated);
      result[i] = outputs[i];
      continue;
    }
    // An input handed back unchanged must not get a new history itself.
    if (contains(inputs, o) || t.requires_grad() || t.impl()->base) t = alias(t);
    set_history(t, owner, nr);
    result[i] = py::cast(t);
  }
  return result;
}

// save_for_backward(): like the tape's own saved tensors, but handed out to Python. An output is
// kept without its history, which unpacking for the running node puts back.
struct PySaved {
  SavedTensor saved;
  const TensorImpl* output = nullptr;
  Tensor unpack(py::object node) const {
    static const auto* none =
        new NodePtr(NodePtr::adopt(new FunctionNode("a custom Function", Py_None)));
    const NodePtr owner = node.is_none() ? *none : node_of(node.ptr());
    Tensor t = saved.unpack(*owner);
    auto* function = dynamic_cast<FunctionNode*>(owner.get());
    if (!output || !function) return t;
    for (size_t i = 0; i < function->output_impls.size(); ++i)
      if (function->output_impls[i] == output) {
        t = alias(t);
        set_history(t, owner, uint32_t(i));
      }
    return t;
  }
};

}  // namespace

namespace {

// Plain functions of C: a `with no_grad()` around a small op should not cost as much as the op.
PyMethodDef grad_mode_functions[] = {
    {"is_grad_enabled", [](PyObject*, PyObject*) { return PyBool_FromLong(grad_enabled()); },
     METH_NOARGS, "Whether ops are recorded in this thread."},
    {"set_grad_enabled",
     [](PyObject*, PyObject* mode) -> PyObject* {
       const int value = is_number(mode) ? PyObject_IsTrue(mode) : -1;
       if (value < 0)
         return PyErr_Format(PyExc_TypeError,
                             "set_grad_enabled(): argument 'mode' must be bool, not %s",
                             Py_TYPE(mode)->tp_name);
       grad_state.enabled = value;
       Py_RETURN_NONE;
     },
     METH_O, "Turns recording in this thread on or off."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_autograd(py::module_& m) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                         {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
                         {Py_tp_richcompare, reinterpret_cast<void*>(node_compare)},
                         {Py_tp_hash, reinterpret_cast<void*>(_Py_HashPointer)},
                         {Py_tp_methods, node_methods},
                         {Py_tp_getset, node_attributes},
                         {Py_tp_doc, const_cast<char*>("A recorded operation.")},
                         {0, nullptr}};
  PyType_Spec spec = {"pygrad.autograd.graph.Node", sizeof(PyNode), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  node_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  m.attr("Node") = py::handle(reinterpret_cast<PyObject*>(node_type));
  forget_node_object = forget_object;
  traceback_source = python_stack;

  py::class_<HookHandle>(m, "RemovableHandle", "What a hook's registration returns.")
      .def("remove", &HookHandle::remove, "Takes the hook off again.")
      .def_readonly("id", &HookHandle::id)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](HookHandle& self, py::args) { self.remove(); });

  py::class_<PySaved>(m, "SavedTensor", "A tensor kept for backward, with the version it had.")
      .def(py::init([](const Tensor& t, bool is_output) {
             // An output is kept without its history: node and tensor must not own each other.
             return PySaved{SavedTensor(is_output ? alias(t) : t, nullptr, 0, t.version()),
                            is_output ? t.impl() : nullptr};
           }),
           py::arg("tensor"), py::arg("is_output"))
      .def("unpack", &PySaved::unpack, py::arg("node") = py::none(),
           "The tensor; raises when it was changed in place since.");

  m.def("run_backward", backward_entry);
  m.def("record_function", record_function);
  if (PyModule_AddFunctions(m.ptr(), grad_mode_functions) < 0) throw py::error_already_set();
  m.def("is_inference_mode_enabled", [] { return grad_state.inference; });
  m.def("set_inference_mode", [](bool v) { grad_state.inference = v; });
  m.def("is_anomaly_enabled", [] { return grad_state.anomaly; });
  m.def(
      "set_anomaly_enabled",
      [](bool mode, bool check_nan) {
        grad_state.anomaly = mode;
        grad_state.check_nan = check_nan;
      },
      py::arg("mode"), py::arg("check_nan") = true);
  m.def("increment_version", [](const Tensor& t) { t.bump_version(); });
}

}  // namespace pygrad::python
