// The callables behind pygrad.relu and Tensor.relu: small objects over an OpDef, put into the
// module and onto the Tensor type.
#include <cstring>

#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  OpDef* op;
  CallForm form;
};
PyTypeObject* function_type;
PyTypeObject* method_type;

PyObject* call(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  auto* self = reinterpret_cast<PyOp*>(callable);
  return guarded([&] {
    return call_op(self->op, self->form, args, size_t(PyVectorcall_NARGS(nargsf)), kwnames);
  });
}

}  // namespace

namespace {

py::object make(PyTypeObject* type, OpDef* op, CallForm form) {
  auto* self = PyObject_New(PyOp, type);
  self->vectorcall = call;
  self->op = op;
  self->form = form;
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(self));
}

PyOp* as_op(PyObject* o) { return reinterpret_cast<PyOp*>(o); }

PyObject* op_name(PyObject* self, void*) {
  return PyUnicode_FromFormat("%s%s", as_op(self)->op->name,
                              as_op(self)->form == CallForm::inplace ? "_" : "");
}
PyObject* op_doc(PyObject* self, void*) {
  std::string text;
  for (OpDef* op = as_op(self)->op; op; op = op->next_overload)
    text += std::string(op->name) + (as_op(self)->form == CallForm::inplace ? "_" : "") +
            op->schema + "\n";
  return PyUnicode_FromFormat("%s\n%s", text.c_str(), as_op(self)->op->doc);
}
PyObject* op_module(PyObject*, void*) { return PyUnicode_FromString("pygrad._C.ops"); }
PyObject* op_text_signature(PyObject* self, void*) {
  // inspect.signature() reads this: the names and defaults without the types.
  std::string s = "(";
  bool star = false;
  for (const Param& p : as_op(self)->op->params) {
    if (s.size() > 1) s += ", ";
    if (p.keyword_only && !star) {
      s += "*, ";
      star = true;
    }
    s += p.name;
    if (p.has_default) s += "=None";
  }
  return PyUnicode_FromString((s + ")").c_str());
}
PyObject* op_repr(PyObject* self) {
  return PyUnicode_FromFormat("<built-in op %s%s>", as_op(self)->op->name,
                              as_op(self)->form == CallForm::inplace ? "_" : "");
}
// A string: pickle looks the op up by module and name.
PyObject* op_reduce(PyObject* self, PyObject*) { return op_name(self, nullptr); }
PyObject* op_bind(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) {
    Py_INCREF(self);
    return self;
  }
  return PyMethod_New(self, instance);
}

PyMethodDef op_methods[] = {{"__reduce__", op_reduce, METH_NOARGS, nullptr},
                            {nullptr, nullptr, 0, nullptr}};
PyGetSetDef op_attributes[] = {{"__name__", op_name, nullptr, nullptr, nullptr},
                               {"__qualname__", op_name, nullptr, nullptr, nullptr},
                               {"__doc__", op_doc, nullptr, nullptr, nullptr},
                               {"__module__", op_module, nullptr, nullptr, nullptr},
                               {"__text_signature__", op_text_signature, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyTypeObject* make_type(const char* name, bool method) {
  PyType_Slot slots[] = {
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_repr, reinterpret_cast<void*>(op_repr)},
      {Py_tp_methods, op_methods},
      {Py_tp_getset, op_attributes},
      {Py_tp_members, op_members},
      {method ? Py_tp_descr_get : 0, method ? reinterpret_cast<void*>(op_bind) : nullptr},
      {0, nullptr}};
  unsigned flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  if (method) flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PyType_Spec spec = {name, sizeof(PyOp), 0, flags, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

}  // namespace

namespace {

bool chain_has_inplace(OpDef* op) {
  for (; op; op = op->next_overload)
    if (op->has_inplace) return true;
  return false;
}
bool chain_is_method(OpDef* op) {
  for (; op; op = op->next_overload)
    if (op->is_method) return true;
  return false;
}
bool chain_in(OpDef* op, const std::string& ns) {
  for (; op; op = op->next_overload)
    for (const char* n : op->namespaces)
      if (ns == n) return true;
  return false;
}
bool is_first(OpDef* op) { return find_op(op->name) == op; }

// A dict finds a key by its address when the key and the name in the caller's code are the one
// interned string, else by comparing characters.
py::str interned(const char* name) {
  return py::reinterpret_steal<py::str>(PyUnicode_InternFromString(name));
}

}  // namespace

void init_call(PyObject* module_object) {
  py::module_ m = py::reinterpret_borrow<py::module_>(module_object);
  function_type = make_type("pygrad._C.OpFunction", false);
  method_type = make_type("pygrad._C.OpMethod", true);

  // Functions by name, methods onto the Tensor type.
  py::module_ ops = m.def_submodule("ops", "Every operation, by its PyTorch name.");
  py::object tensor = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(tensor_type));
  for (OpDef* op : all_ops()) {
    if (!is_first(op)) continue;
    ops.attr(op->name) = make(function_type, op, CallForm::function);
    // What the type does natively (item, detach) needs no binder.
    const bool native = PyDict_GetItemString(tensor_type->tp_dict, op->name);
    if (chain_is_method(op) && !native)
      tensor.attr(op->name) = make(method_type, op, CallForm::method);
    if (chain_has_inplace(op)) {
      const std::string name = std::string(op->name) + "_";
      ops.attr(name.c_str()) = make(function_type, op, CallForm::inplace);
      if (chain_is_method(op)) tensor.attr(name.c_str()) = make(method_type, op, CallForm::inplace);
    }
  }
  m.def(
      "export_ops",
      [ops](py::dict target, const std::string& ns) {
        for (OpDef* op : all_ops()) {
          if (!is_first(op) || !chain_in(op, ns)) continue;
          target[interned(op->name)] = ops.attr(op->name);
          if (chain_has_inplace(op)) {
            const std::string name = std::string(op->name) + "_";
            target[interned(name.c_str())] = ops.attr(name.c_str());
          }
        }
      },
      "Puts every function of a namespace (\"torch\", \"nn.functional\", ...) into a dict.");
  m.def("op_names", [] {
    py::list names;
    for (OpDef* op : all_ops())
      if (is_first(op)) names.append(op->name);
    return names;
  });
  m.def("op_info", [](const std::string& name) {
    py::list overloads;
    for (OpDef* op = find_op(name); op; op = op->next_overload) {
      py::list namespaces;
      for (const char* ns : op->namespaces) namespaces.append(ns);
      py::dict d;
      d["name"] = op->name;
      d["schema"] = op->schema;
      d["doc"] = op->doc;
      d["namespaces"] = namespaces;
      d["method"] = op->is_method;
      d["inplace"] = op->has_inplace;
      d["differentiable"] = !op->non_differentiable;
      d["composed"] = op->is_composed;
      overloads.append(d);
    }
    if (overloads.empty()) throw py::key_error("no op named '" + name + "'");
    py::dict first = py::dict(overloads[0]);
    first["overloads"] = overloads;
    return first;
  });
}

}  // namespace pygrad::python
