// ModuleBase, the native base of nn.Module: calling a module and finding its parameters, without a
// Python frame for either.
//
// A call goes straight to forward() unless a hook exists. An attribute that neither the class nor
// the instance has is looked up in the tables of parameters, submodules and buffers, which
// nn.Module keeps in the instance's dictionary.
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

PyTypeObject* module_type;
PyObject *base_getattr, *base_getattribute;  // of ModuleBase: what a subclass may have replaced

// Interned names.
PyObject *name_forward, *name_hooks, *name_getattr, *name_getattribute;
PyObject* table_names[3];  // _parameters, _modules, _buffers

// Set by pygrad.nn.module.
PyObject* global_hooks;     // a dict: empty when no global hook exists
PyObject* call_with_hooks;  // f(module, args, kwargs)
PyObject* add_module_path;  // f(error, module)

// ModuleBase adds no memory of its own: subclasses may mix it with any other base, and pickle and
// copy treat modules as ordinary objects. The dictionary is the interpreter's. Borrowed, or null.
PyObject* dict_of(PyObject* self) {
  PyObject** dict = _PyObject_GetDictPtr(self);
  return dict ? *dict : nullptr;
}

// --- attributes ----------------------------------------------------------------------------------

// A new reference from the tables, or null without an error.
PyObject* find_in_tables(PyObject* self, PyObject* name) {
  PyObject* own = dict_of(self);
  if (!own) return nullptr;
  for (PyObject* table_name : table_names) {
    PyObject* table = PyDict_GetItemWithError(own, table_name);
    if (!table || !PyDict_Check(table)) continue;
    if (PyObject* found = PyDict_GetItemWithError(table, name)) return Py_NewRef(found);
  }
  return nullptr;
}

PyObject* get_from_tables(PyObject* self, PyObject* name) {
  PyObject* found = find_in_tables(self, name);
  if (!found && !PyErr_Occurred())
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'", Py_TYPE(self)->tp_name,
                 name);
  return found;
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  // The ordinary lookup, which does not spend time on an exception when it fails.
  PyObject* found = _PyObject_GenericGetAttrWithDict(self, name, nullptr, 1);
  return found || PyErr_Occurred() ? found : get_from_tables(self, name);
}

// Python gives a subclass the interpreter's own slot function because it sees a __getattr__; unless
// the subclass brought its own, ours does the same without the detour.
PyObject* init_subclass(PyObject* cls, PyObject* args, PyObject* kwargs) {
  auto* type = reinterpret_cast<PyTypeObject*>(cls);
  if (_PyType_Lookup(type, name_getattr) == base_getattr &&
      _PyType_Lookup(type, name_getattribute) == base_getattribute)
    type->tp_getattro = get_attribute;
  return guarded([&]() -> PyObject* {
    py::object next = py::reinterpret_steal<py::object>(
        PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PySuper_Type),
                                     reinterpret_cast<PyObject*>(module_type), cls, nullptr));
    if (!next) return nullptr;
    return PyObject_Call(next.attr("__init_subclass__").ptr(), args, kwargs);
  });
}

// --- calls ---------------------------------------------------------------------------------------

bool has_hooks(PyObject* self) {
  if (global_hooks && PyDict_GET_SIZE(global_hooks)) return true;
  PyObject* own = dict_of(self);
  PyObject* hooks = own ? PyDict_GetItemWithError(own, name_hooks) : nullptr;
  return hooks && hooks != Py_None;
}

// self.forward(*args, **kwargs), without a bound method when forward is a plain function.
PyObject* call_forward(PyObject* self, PyObject* args, PyObject* kwargs) {
  const Py_ssize_t n = PyTuple_GET_SIZE(args), nkw = kwargs ? PyDict_GET_SIZE(kwargs) : 0;
  constexpr Py_ssize_t kInline = 12;
  PyObject* function = _PyType_Lookup(Py_TYPE(self), name_forward);
  PyObject* own = dict_of(self);
  const bool shadowed = own && PyDict_GetItemWithError(own, name_forward);
  if (!function || shadowed || nkw || n > kInline ||
      !PyType_HasFeature(Py_TYPE(function), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
    PyObject* bound = PyObject_GetAttr(self, name_forward);
    if (!bound) return nullptr;
    PyObject* result = PyObject_Call(bound, args, kwargs);
    Py_DECREF(bound);
    return result;
  }
  PyObject* stack[kInline + 2];
  stack[1] = self;  // stack[0] is the callee's to use
  for (Py_ssize_t i = 0; i < n; ++i) stack[i + 2] = PyTuple_GET_ITEM(args, i);
  Py_INCREF(function);
  PyObject* result = PyObject_Vectorcall(function, stack + 1,
                                         size_t(n + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  Py_DECREF(function);
  return result;
}

// The error names the modules it passed through.
void describe_error(PyObject* self) {
  if (!add_module_path ||
      !(PyErr_ExceptionMatches(PyExc_RuntimeError) || PyErr_ExceptionMatches(PyExc_TypeError) ||
        PyErr_ExceptionMatches(PyExc_IndexError) || PyErr_ExceptionMatches(PyExc_ValueError)))
    return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyObject* done = PyObject_CallFunctionObjArgs(add_module_path, value, self, nullptr);
  if (!done) PyErr_Clear();  // the first error is the one to show
  Py_XDECREF(done);
  PyErr_Restore(type, value, traceback);
}

PyObject* call_module(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* result;
  if (!has_hooks(self)) {
    result = call_forward(self, args, kwargs);
  } else {
    PyObject* options = kwargs ? Py_NewRef(kwargs) : PyDict_New();
    result = options ? PyObject_CallFunctionObjArgs(call_with_hooks, self, args, options, nullptr)
                     : nullptr;
    Py_XDECREF(options);
  }
  if (!result) describe_error(self);
  return result;
}

// --- the type ------------------------------------------------------------------------------------

PyMethodDef methods[] = {
    {"__getattr__", get_from_tables, METH_O,
     "A parameter, submodule or buffer of that name; raises AttributeError for any other."},
    {"__init_subclass__",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(init_subclass)),
     METH_CLASS | METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
#define PG_SLOT(id, f) {id, reinterpret_cast<void*>(f)}
PyType_Slot slots[] = {
    PG_SLOT(Py_tp_getattro, get_attribute),
    PG_SLOT(Py_tp_call, call_module),
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("The native base of nn.Module: its call and attribute lookup.")},
    {0, nullptr}};
#undef PG_SLOT

}  // namespace

void init_module_type(py::module_& m) {
  name_forward = PyUnicode_InternFromString("forward");
  name_hooks = PyUnicode_InternFromString("_hooks");
  name_getattr = PyUnicode_InternFromString("__getattr__");
  name_getattribute = PyUnicode_InternFromString("__getattribute__");
  table_names[0] = PyUnicode_InternFromString("_parameters");
  table_names[1] = PyUnicode_InternFromString("_modules");
  table_names[2] = PyUnicode_InternFromString("_buffers");
  PyType_Spec spec = {"pygrad._C.ModuleBase", sizeof(PyObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  module_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!module_type) throw py::error_already_set();
  base_getattr = _PyType_Lookup(module_type, name_getattr);
  base_getattribute = _PyType_Lookup(module_type, name_getattribute);
  m.attr("ModuleBase") = py::handle(reinterpret_cast<PyObject*>(module_type));
  m.def(
      "set_module_helpers",
      [](py::dict hooks, py::function with_hooks, py::function path) {
        global_hooks = hooks.release().ptr();
        call_with_hooks = with_hooks.release().ptr();
        add_module_path = path.release().ptr();
      },
      "Gives ModuleBase the table of global hooks, and the functions that run hooks and describe "
      "errors.");
}

}  // namespace pygrad::python
