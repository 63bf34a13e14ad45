// The gradients of a list of parameters in one call: what zero_grad() and step() need of each.
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

// Calls f(object, header) for each tensor of a sequence, which is the user's to change.
template <class F>
void for_each_parameter(const char* function, PyObject* sequence, F f) {
  const py::object items =
      py::reinterpret_steal<py::object>(PySequence_Fast(sequence, "params must be a sequence"));
  if (!items) throw py::error_already_set();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    PyObject* p = PySequence_Fast_GET_ITEM(items.ptr(), i);
    PG_CHECK_TYPE(is_tensor(p), function, "(): params[", i, "] must be Tensor, not ",
                  Py_TYPE(p)->tp_name);
    f(p, impl_of(p));
  }
}

PyObject* clear_gradients(PyObject*, PyObject* params) {
  return guarded([&]() -> PyObject* {
    for_each_parameter("clear_gradients", params, [](PyObject*, const TensorImpl* p) {
      if (!p->autograd) return;
      const Tensor gone = std::exchange(p->autograd->grad, Tensor());  // freed after it is unlinked
    });
    Py_RETURN_NONE;
  });
}

PyObject* gather_gradients(PyObject*, PyObject* params) {
  return guarded([&]() -> PyObject* {
    py::list with, grads;
    for_each_parameter("gather_gradients", params, [&](PyObject* object, const TensorImpl* p) {
      if (!p->autograd || !p->autograd->grad.defined()) return;
      const py::object grad = py::reinterpret_steal<py::object>(wrap(p->autograd->grad));
      if (PyList_Append(with.ptr(), object) < 0 || PyList_Append(grads.ptr(), grad.ptr()) < 0)
        throw py::error_already_set();
    });
    return PyTuple_Pack(2, with.ptr(), grads.ptr());
  });
}

PyMethodDef functions[] = {
    {"clear_gradients", clear_gradients, METH_O,
     "clear_gradients(params): sets .grad of every tensor to None."},
    {"gather_gradients", gather_gradients, METH_O,
     "gather_gradients(params): the tensors that have a gradient, and the gradients."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_gradients(py::module_& m) {
  if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw py::error_already_set();
}

}  // namespace pygrad::python
