#include "csrc/python/tensor_methods.h"

#include <cstring>

#include "csrc/autograd/engine.h"
#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"

namespace pygrad::python {
namespace {

using Fast = PyObject* const*;

// One optional argument, by position or by keyword; borrowed, null when absent.
PyObject* optional_argument(const char* function, const char* name, Fast args, Py_ssize_t n,
                            PyObject* kwnames) {
  const Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  PG_CHECK_TYPE(n + nkw <= 1, function, "() takes at most 1 argument (", n + nkw, " given)");
  if (n) return args[0];
  if (!nkw) return nullptr;
  const char* given = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, 0));
  PG_CHECK_TYPE(!std::strcmp(given, name), function, "() got an unexpected keyword argument '",
                given, "'");
  return args[0];
}

PyObject* method_size(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const TensorImpl* p = impl_of(self);
    PyObject* dim = optional_argument("size", "dim", args, n, kwnames);
    if (!dim || dim == Py_None) return wrap_size({p->sizes, p->ndim});
    PG_CHECK_TYPE(PyIndex_Check(dim), "size(): argument 'dim' must be int, not ",
                  Py_TYPE(dim)->tp_name);
    PG_CHECK_INDEX(p->ndim > 0, "Dimension specified as ", PyLong_AsLongLong(dim),
                   " but tensor has no dimensions");
    int64_t d = PyLong_AsLongLong(dim);
    PG_CHECK_INDEX(d >= -p->ndim && d < p->ndim, "size(): dim ", d, " is out of range for a ",
                   int(p->ndim), "-D tensor; expected ", -int(p->ndim), "..", p->ndim - 1,
                   " (Dimension out of range)");
    return PyLong_FromLongLong(p->sizes[d < 0 ? d + p->ndim : d]);
  });
}
PyObject* method_stride(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const TensorImpl* p = impl_of(self);
    PyObject* dim = optional_argument("stride", "dim", args, n, kwnames);
    if (!dim || dim == Py_None) {
      PyObject* t = PyTuple_New(p->ndim);
      for (int i = 0; i < p->ndim; ++i) PyTuple_SET_ITEM(t, i, PyLong_FromLongLong(p->strides[i]));
      return t;
    }
    const int64_t d = PyLong_AsLongLong(dim);
    PG_CHECK_INDEX(d >= -p->ndim && d < p->ndim, "stride(): dim ", d, " is out of range for a ",
                   int(p->ndim), "-D tensor; expected ", -int(p->ndim), "..", p->ndim - 1,
                   " (Dimension out of range)");
    return PyLong_FromLongLong(p->strides[d < 0 ? d + p->ndim : d]);
  });
}

#define PG_SIMPLE(name, expression)           \
  PyObject* name(PyObject* self, PyObject*) { \
    return guarded([&]() -> PyObject* {       \
      const TensorImpl* p = impl_of(self);    \
      (void)p;                                \
      return expression;                      \
    });                                       \
  }
PG_SIMPLE(method_dim, PyLong_FromLong(p->ndim))
PG_SIMPLE(method_numel, PyLong_FromLongLong(p->numel))
PG_SIMPLE(method_element_size, PyLong_FromSize_t(item_size(p->dtype)))
PG_SIMPLE(method_data_ptr,
          PyLong_FromVoidPtr(p->storage->expose() && p->numel ? (*Borrowed(self)).data() : nullptr))
PG_SIMPLE(method_storage_offset, PyLong_FromLongLong(p->offset))
PG_SIMPLE(method_item, wrap_scalar(item(*Borrowed(self))))
PG_SIMPLE(method_tolist, to_list(*Borrowed(self)))
PG_SIMPLE(method_is_floating_point, PyBool_FromLong(is_floating(p->dtype)))
PG_SIMPLE(method_is_complex, PyBool_FromLong(is_complex(p->dtype)))
PG_SIMPLE(method_is_signed, PyBool_FromLong(p->dtype != DType::Bool && p->dtype != DType::UInt8))
PG_SIMPLE(method_is_inference, PyBool_FromLong(p->inference))
PG_SIMPLE(method_get_device, PyLong_FromLong(p->device.is_cuda() ? p->device.index : -1))
PG_SIMPLE(method_detach, wrap(detach(*Borrowed(self))))
PG_SIMPLE(method_false, Py_NewRef(Py_False))
#undef PG_SIMPLE

PyObject* method_is_contiguous(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    PyObject* format = optional_argument("is_contiguous", "memory_format", args, n, kwnames);
    const Tensor t = tensor_of(self);
    if (format && format != Py_None) {
      const std::string name = py::str(py::handle(format));
      if (name.find("channels_last") != std::string::npos) {
        if (t.dim() != 4 && t.dim() != 5) Py_RETURN_FALSE;
        // Channels vary fastest: contiguous once they are moved to the end.
        int64_t expected = 1;
        bool ok = true;
        auto check = [&](int64_t d) {
          if (t.size(d) != 1) ok &= t.stride(d) == expected;
          expected *= t.size(d);
        };
        check(1);
        for (int64_t d = t.dim() - 1; d >= 2; --d) check(d);
        check(0);
        return PyBool_FromLong(ok);
      }
    }
    return PyBool_FromLong(t.is_contiguous());
  });
}

PyObject* method_requires_grad_(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    PyObject* value = optional_argument("requires_grad_", "requires_grad", args, n, kwnames);
    set_requires_grad(tensor_of(self), !value || PyObject_IsTrue(value));
    return Py_NewRef(self);
  });
}

PyObject* method_detach_(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    TensorImpl* p = impl_of(self);
    PG_CHECK(!p->base || p->view_untracked, "Can't detach views in-place. Use detach() instead");
    if (p->autograd) {
      p->autograd->grad_fn = {};
      p->autograd->output_nr = 0;
    }
    p->requires_grad = false;
    return Py_NewRef(self);
  });
}

// backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): through
// autograd.backward's own code.
PyObject* method_backward(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"gradient", "retain_graph", "create_graph", "inputs", nullptr};
    PyObject *gradient = Py_None, *retain = Py_None, *create = Py_False, *inputs = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOO", const_cast<char**>(names), &gradient,
                                     &retain, &create, &inputs))
      return nullptr;
    PG_CHECK_TYPE(gradient == Py_None || is_tensor(gradient),
                  "gradient can be either Tensor or None, but got ", Py_TYPE(gradient)->tp_name);
    BackwardOptions options;
    options.create_graph = PyObject_IsTrue(create);
    options.retain_graph = retain == Py_None ? options.create_graph : PyObject_IsTrue(retain);
    TensorList wanted;
    if (inputs != Py_None) {
      if (is_tensor(inputs)) {
        wanted.push_back(tensor_of(inputs));
      } else {
        py::tuple list = py::reinterpret_steal<py::tuple>(PySequence_Tuple(inputs));
        if (!list) throw py::error_already_set();
        for (py::handle h : list) {
          PG_CHECK_TYPE(is_tensor(h.ptr()), "backward(): inputs must be Tensors, not ",
                        Py_TYPE(h.ptr())->tp_name);
          wanted.push_back(tensor_of(h.ptr()));
        }
      }
      PG_CHECK(!wanted.empty(), "backward(): `inputs` argument cannot be empty");
    }
    const Tensor root = tensor_of(self);
    const Tensor grad = gradient == Py_None ? Tensor() : tensor_of(gradient);
    {
      const ReleaseGil gil(true);
      run_backward({&root, 1}, {&grad, 1}, wanted, options);
    }
    Py_RETURN_NONE;
  });
}

PyObject* method_register_hook(PyObject* self, PyObject* hook) {
  return guarded([&] { return register_tensor_hook(self, hook); });
}
PyObject* method_register_post_accumulate(PyObject* self, PyObject* hook) {
  return guarded([&] { return register_post_accumulate_hook(self, hook); });
}
PyObject* method_retain_grad(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    retain_grad(self);
    Py_RETURN_NONE;
  });
}

PyObject* method_numpy(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"force", nullptr};
    int force = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p", const_cast<char**>(names), &force))
      return nullptr;
    return to_numpy(tensor_of(self), self, force);
  });
}

// NumPy 2's protocol: copy=False must raise when a copy cannot be avoided.
PyObject* method_array(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"dtype", "copy", nullptr};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", const_cast<char**>(names), &dtype, &copy))
      return nullptr;
    py::object array = py::reinterpret_steal<py::object>(to_numpy(tensor_of(self), self, false));
    if (!array) return nullptr;
    py::object wanted = py::reinterpret_borrow<py::object>(dtype);
    if (dtype != Py_None && !py::object(array.attr("dtype"))
                                 .equal(py::module_::import("numpy").attr("dtype")(wanted))) {
      PG_CHECK_VALUE(copy != Py_False,
                     "__array__(): Unable to avoid copy while creating an array as requested: the "
                     "dtype differs");
      return array.attr("astype")(py::handle(dtype)).release().ptr();
    }
    if (copy == Py_True) return array.attr("copy")().release().ptr();
    return array.release().ptr();
  });
}

// _make_subclass(cls, data, require_grad=False): how nn.Parameter is made.
PyObject* make_subclass(PyObject*, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"cls", "data", "require_grad", nullptr};
    PyObject *cls, *data;
    int require_grad = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p", const_cast<char**>(names), &cls, &data,
                                     &require_grad))
      return nullptr;
    PG_CHECK_TYPE(
        PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type),
        "_make_subclass(): cls must be a subclass of Tensor");
    PG_CHECK_TYPE(is_tensor(data), "_make_subclass(): data must be Tensor, not ",
                  Py_TYPE(data)->tp_name);
    Tensor t = alias(tensor_of(data));
    if (require_grad) set_requires_grad(t, true);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), std::move(t));
  });
}

PyObject* as_subclass(PyObject* self, PyObject* cls) {
  return guarded([&]() -> PyObject* {
    PG_CHECK_TYPE(
        PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type),
        "as_subclass(): cls must be a subclass of Tensor");
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), alias(tensor_of(self)));
  });
}

// set_(source): looks at another tensor's memory from now on.
PyObject* method_set_(PyObject* self, PyObject* source) {
  return PyObject_SetAttrString(self, "data", source) < 0 ? nullptr : Py_NewRef(self);
}

// type(): the legacy name of the tensor's type. type(dtype) converts.
PyObject* method_type(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    PyObject* target = optional_argument("type", "dtype", args, n, kwnames);
    const Tensor t = tensor_of(self);
    static const char* legacy[kNumDTypes] = {"Bool",  "Byte",   "Char",         "Short",
                                             "Int",   "Long",   "Half",         "BFloat16",
                                             "Float", "Double", "ComplexFloat", "ComplexDouble"};
    if (!target || target == Py_None)
      return PyUnicode_FromFormat("torch.%s%sTensor", t.device().is_cuda() ? "cuda." : "",
                                  legacy[int(t.dtype())]);
    if (is_dtype(target)) return wrap(to(t, dtype_of_object(target)));
    std::string name = PyUnicode_Check(target)
                           ? PyUnicode_AsUTF8(target)
                           : py::str(py::handle(target).attr("__name__")).cast<std::string>();
    if (const size_t dot = name.rfind('.'); dot != std::string::npos) name = name.substr(dot + 1);
    for (int i = 0; i < kNumDTypes; ++i)
      if (name == std::string(legacy[i]) + "Tensor") return wrap(to(t, DType(i)));
    raise(ErrorKind::Value, "invalid type: '", name,
          "'; expected a dtype or a name such as 'torch.FloatTensor'");
  });
}

}  // namespace

#define PG_KW(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f))
PyMethodDef tensor_methods[] = {
    {"size", PG_KW(method_size), METH_FASTCALL | METH_KEYWORDS,
     "size(dim=None): the sizes, or the size of one dimension."},
    {"stride", PG_KW(method_stride), METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None): the strides in elements."},
    {"dim", method_dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", method_dim, METH_NOARGS, "The number of dimensions."},
    {"numel", method_numel, METH_NOARGS, "The number of elements."},
    {"nelement", method_numel, METH_NOARGS, "The number of elements."},
    {"element_size", method_element_size, METH_NOARGS, "Bytes per element."},
    {"data_ptr", method_data_ptr, METH_NOARGS,
     "The address of the first element; 0 for an empty tensor."},
    {"storage_offset", method_storage_offset, METH_NOARGS,
     "Where the first element lies in the storage, in elements."},
    {"is_contiguous", PG_KW(method_is_contiguous), METH_FASTCALL | METH_KEYWORDS,
     "True when laid out row by row without gaps."},
    {"item", method_item, METH_NOARGS, "The only element, as a Python number."},
    {"tolist", method_tolist, METH_NOARGS, "Nested lists of Python numbers."},
    {"is_floating_point", method_is_floating_point, METH_NOARGS, "True for the floating dtypes."},
    {"is_complex", method_is_complex, METH_NOARGS, "True for the complex dtypes."},
    {"is_signed", method_is_signed, METH_NOARGS, "True when the dtype holds negative values."},
    {"is_inference", method_is_inference, METH_NOARGS, "True for a tensor made in inference mode."},
    {"is_conj", method_false, METH_NOARGS, "Always False: conjugation is done at once."},
    {"is_neg", method_false, METH_NOARGS, "Always False: negation is done at once."},
    {"is_pinned", PG_KW(+[](PyObject*, PyObject*, PyObject*) -> PyObject* { Py_RETURN_FALSE; }),
     METH_VARARGS | METH_KEYWORDS, "Always False: host memory is not pinned."},
    {"get_device", method_get_device, METH_NOARGS,
     "The index of the CUDA device, or -1 on the CPU."},
    {"requires_grad_", PG_KW(method_requires_grad_), METH_FASTCALL | METH_KEYWORDS,
     "requires_grad_(requires_grad=True): says whether gradients are wanted; returns the tensor."},
    {"detach", method_detach, METH_NOARGS, "A tensor that shares the memory but has no history."},
    {"detach_", method_detach_, METH_NOARGS, "Drops this tensor's history; returns it."},
    {"backward", PG_KW(method_backward), METH_VARARGS | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): computes "
     "gradients of this tensor and adds "
     "them into the .grad of the leaves."},
    {"register_hook", method_register_hook, METH_O,
     "register_hook(hook): calls hook(grad) when the gradient is computed."},
    {"register_post_accumulate_grad_hook", method_register_post_accumulate, METH_O,
     "Calls hook(tensor) after a gradient was added into a leaf's .grad."},
    {"retain_grad", method_retain_grad, METH_NOARGS, "Keeps .grad of a tensor that is not a leaf."},
    {"numpy", PG_KW(method_numpy), METH_VARARGS | METH_KEYWORDS,
     "numpy(*, force=False): a NumPy array on the same memory."},
    {"__array__", PG_KW(method_array), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_make_subclass", PG_KW(make_subclass), METH_VARARGS | METH_KEYWORDS | METH_STATIC, nullptr},
    {"as_subclass", as_subclass, METH_O, "A tensor of another class on the same memory."},
    {"set_", method_set_, METH_O, "set_(source): looks at the source's memory from now on."},
    {"type", PG_KW(method_type), METH_FASTCALL | METH_KEYWORDS,
     "type(dtype=None): the type's name, or a converted tensor."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace pygrad::python
