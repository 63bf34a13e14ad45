#include "csrc/python/tensor_methods.h"

#include <cstring>

#include "csrc/autograd/engine.h"
#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"

namespace pygrad::python {
namespace {

// --- attributes -----------------------------------------------------------------------------------------

#define PG_GETTER(name, expression)               \
  PyObject* name(PyObject* self, void*) {         \
    return guarded([&]() -> PyObject* {           \
      const TensorImpl* p = impl_of(self);        \
      (void)p;                                    \
      return expression;                          \
    });                                           \
  }
PG_GETTER(get_shape, wrap_size({p->sizes, p->ndim}))
PG_GETTER(get_dtype, wrap_dtype(p->dtype))
PG_GETTER(get_device, wrap_device(p->device))
PG_GETTER(get_ndim, PyLong_FromLong(p->ndim))
PG_GETTER(get_itemsize, PyLong_FromSize_t(item_size(p->dtype)))
PG_GETTER(get_nbytes, PyLong_FromLongLong(p->numel * int64_t(item_size(p->dtype))))
PG_GETTER(get_requires_grad, PyBool_FromLong(tensor_of(self).requires_grad()))
PG_GETTER(get_is_leaf, PyBool_FromLong(is_leaf(tensor_of(self))))
PG_GETTER(get_grad, wrap(grad_of(tensor_of(self))))
PG_GETTER(get_grad_fn, wrap_node(grad_fn(tensor_of(self))))
PG_GETTER(get_is_cuda, PyBool_FromLong(p->device.is_cuda()))
PG_GETTER(get_is_cpu, PyBool_FromLong(!p->device.is_cuda()))
PG_GETTER(get_version, PyLong_FromUnsignedLong(p->storage->version.load()))
PG_GETTER(get_output_nr, PyLong_FromUnsignedLong(p->autograd ? p->autograd->output_nr : 0))
PG_GETTER(get_retains_grad, PyBool_FromLong(p->autograd && p->autograd->retains_grad))
PG_GETTER(get_real, wrap(real(tensor_of(self))))
PG_GETTER(get_imag, wrap(imag(tensor_of(self))))
#undef PG_GETTER

PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_none(PyObject*, void*) { Py_RETURN_NONE; }
PyObject* get_layout(PyObject*, void*) {
  PyObject* m = PyImport_ImportModule("pygrad");
  PyObject* r = m ? PyObject_GetAttrString(m, "strided") : nullptr;
  Py_XDECREF(m);
  return r;
}

PyObject* reversed_dims(PyObject* self, void*) {  // .T
  return guarded([&] {
    const Tensor t = tensor_of(self);
    Shape dims;
    for (int64_t i = t.dim() - 1; i >= 0; --i) dims.push_back(i);
    return wrap(permute(t, dims));
  });
}
PyObject* matrix_transpose(PyObject* self, bool conjugate) {
  return guarded([&]() -> PyObject* {
    const Tensor t = tensor_of(self);
    if (t.dim() == 0) return wrap(t);
    PG_CHECK(t.dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ", t.dim(), "-D tensor.");
    const Tensor r = transpose(t, -2, -1);
    return wrap(conjugate ? conj(r) : r);
  });
}
PyObject* get_mT(PyObject* self, void*) { return matrix_transpose(self, false); }
PyObject* get_mH(PyObject* self, void*) { return matrix_transpose(self, true); }

PyObject* get_base(PyObject* self, void*) {
  TensorImpl* base = impl_of(self)->base;
  return base ? wrap(Tensor::share(base)) : Py_NewRef(Py_None);
}

// Shares the storage, but neither history nor version counter.
PyObject* get_data(PyObject* self, void*) {
  return guarded([&] {
    Tensor t = alias(tensor_of(self));
    t.impl()->silent_version = true;
    return wrap(std::move(t));
  });
}

int require_value(PyObject* value, const char* name) {
  if (value) return 0;
  PyErr_Format(PyExc_RuntimeError, "can't delete the '%s' attribute of a Tensor", name);
  return -1;
}

// x.data = y: x now looks at y's memory.
int set_data(PyObject* self, PyObject* value, void*) {
  if (require_value(value, "data")) return -1;
  return guarded([&]() -> int {
    PG_CHECK_TYPE(is_tensor(value), "Variable data has to be a tensor, but got ", Py_TYPE(value)->tp_name);
    const Tensor t = tensor_of(value);
    TensorImpl* p = impl_of(self);
    PG_CHECK(!p->requires_grad || is_floating(t.dtype()) || is_complex(t.dtype()), "data set to a tensor that requires gradients must be floating point or complex dtype");
    const Tensor keep = alias(t);
    const TensorImpl* q = keep.impl();
    p->storage = q->storage;
    p->dtype = q->dtype;
    p->device = q->device;
    p->ndim = q->ndim;
    p->contiguous = q->contiguous;
    p->offset = q->offset;
    p->numel = q->numel;
    std::memcpy(p->sizes, q->sizes, sizeof p->sizes);
    std::memcpy(p->strides, q->strides, sizeof p->strides);
    if (p->autograd) p->autograd->accumulator = {};  // it remembered the old shape
    return 0;
  });
}

int set_requires_grad_attribute(PyObject* self, PyObject* value, void*) {
  if (require_value(value, "requires_grad")) return -1;
  return guarded([&]() -> int {
    PG_CHECK_TYPE(PyBool_Check(value), "requires_grad must be a bool, not ", Py_TYPE(value)->tp_name);
    set_requires_grad(tensor_of(self), value == Py_True);
    return 0;
  });
}

int set_grad_attribute(PyObject* self, PyObject* value, void*) {
  return guarded([&]() -> int {
    PG_CHECK_TYPE(!value || value == Py_None || is_tensor(value), "assigned grad expected to be a Tensor or None but got grad of type ", Py_TYPE(value)->tp_name);
    set_grad(tensor_of(self), !value || value == Py_None ? Tensor() : tensor_of(value));
    track_object(self);
    return 0;
  });
}

template <Tensor (*Part)(const Tensor&)>
int set_part(PyObject* self, PyObject* value, void*) {
  if (require_value(value, "real or imag")) return -1;
  return guarded([&]() -> int {
    const Tensor part = Part(tensor_of(self));
    copy_(part, is_tensor(value) ? tensor_of(value) : wrapped(Operand(scalar_of(value)), part));
    return 0;
  });
}

PyObject* get_cuda_array_interface(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const Tensor t = tensor_of(self);
    if (!t.device().is_cuda() || cuda_runtime()->is_emulated()) {
      PyErr_SetString(PyExc_AttributeError, "__cuda_array_interface__: only tensors on a CUDA device have it. Use .numpy()");
      return nullptr;
    }
    const DType d = t.dtype();
    PG_CHECK_TYPE(d != DType::BFloat16, "__cuda_array_interface__: bfloat16 has no NumPy type string");
    const char kind = d == DType::Bool ? 'b' : d == DType::UInt8 ? 'u' : is_integral(d) ? 'i' : is_complex(d) ? 'c' : 'f';
    py::tuple strides(t.dim());
    for (int64_t i = 0; i < t.dim(); ++i) strides[size_t(i)] = t.stride(i) * int64_t(item_size(d));
    py::dict r;
    r["typestr"] = std::string(kind == 'b' ? "|" : "<") + kind + std::to_string(item_size(d));
    r["shape"] = py::tuple(py::reinterpret_steal<py::object>(wrap_size(t.sizes())));
    r["strides"] = strides;
    r["data"] = py::make_tuple(reinterpret_cast<uintptr_t>(t.numel() ? t.data() : nullptr), false);
    r["version"] = 2;
    return r.release().ptr();
  });
}

// --- methods ----------------------------------------------------------------------------------------------

using Fast = PyObject* const*;

// One optional argument, by position or by keyword; borrowed, null when absent.
PyObject* optional_argument(const char* function, const char* name, Fast args, Py_ssize_t n, PyObject* kwnames) {
  const Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  PG_CHECK_TYPE(n + nkw <= 1, function, "() takes at most 1 argument (", n + nkw, " given)");
  if (n) return args[0];
  if (!nkw) return nullptr;
  const char* given = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, 0));
  PG_CHECK_TYPE(!std::strcmp(given, name), function, "() got an unexpected keyword argument '", given, "'");
  return args[0];
}

PyObject* method_size(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const TensorImpl* p = impl_of(self);
    PyObject* dim = optional_argument("size", "dim", args, n, kwnames);
    if (!dim || dim == Py_None) return wrap_size({p->sizes, p->ndim});
    PG_CHECK_TYPE(PyIndex_Check(dim), "size(): argument 'dim' must be int, not ", Py_TYPE(dim)->tp_name);
    PG_CHECK_INDEX(p->ndim > 0, "Dimension specified as ", PyLong_AsLongLong(dim), " but tensor has no dimensions");
    int64_t d = PyLong_AsLongLong(dim);
    PG_CHECK_INDEX(d >= -p->ndim && d < p->ndim, "size(): dim ", d, " is out of range for a ", int(p->ndim), "-D tensor; expected ",
                   -int(p->ndim), "..", p->ndim - 1, " (Dimension out of range)");
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
    PG_CHECK_INDEX(d >= -p->ndim && d < p->ndim, "stride(): dim ", d, " is out of range for a ", int(p->ndim), "-D tensor; expected ",
                   -int(p->ndim), "..", p->ndim - 1, " (Dimension out of range)");
    return PyLong_FromLongLong(p->strides[d < 0 ? d + p->ndim : d]);
  });
}

#define PG_SIMPLE(name, expression)                   \
  PyObject* name(PyObject* self, PyObject*) {         \
    return guarded([&]() -> PyObject* {               \
      const TensorImpl* p = impl_of(self);            \
      (void)p;                                        \
      return expression;                              \
    });                                               \
  }
PG_SIMPLE(method_dim, PyLong_FromLong(p->ndim))
PG_SIMPLE(method_numel, PyLong_FromLongLong(p->numel))
PG_SIMPLE(method_element_size, PyLong_FromSize_t(item_size(p->dtype)))
PG_SIMPLE(method_data_ptr, PyLong_FromVoidPtr(p->numel ? tensor_of(self).data() : nullptr))
PG_SIMPLE(method_storage_offset, PyLong_FromLongLong(p->offset))
PG_SIMPLE(method_item, wrap_scalar(item(tensor_of(self))))
PG_SIMPLE(method_tolist, to_list(tensor_of(self)))
PG_SIMPLE(method_is_floating_point, PyBool_FromLong(is_floating(p->dtype)))
PG_SIMPLE(method_is_complex, PyBool_FromLong(is_complex(p->dtype)))
PG_SIMPLE(method_is_signed, PyBool_FromLong(p->dtype != DType::Bool && p->dtype != DType::UInt8))
PG_SIMPLE(method_is_inference, PyBool_FromLong(p->inference))
PG_SIMPLE(method_get_device, PyLong_FromLong(p->device.is_cuda() ? p->device.index : -1))
PG_SIMPLE(method_detach, wrap(detach(tensor_of(self))))
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

// backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): through autograd.backward's own code.
PyObject* method_backward(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"gradient", "retain_graph", "create_graph", "inputs", nullptr};
    PyObject *gradient = Py_None, *retain = Py_None, *create = Py_False, *inputs = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOO", const_cast<char**>(names), &gradient, &retain, &create, &inputs))
      return nullptr;
    PG_CHECK_TYPE(gradient == Py_None || is_tensor(gradient), "gradient can be either Tensor or None, but got ", Py_TYPE(gradient)->tp_name);
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
          PG_CHECK_TYPE(is_tensor(h.ptr()), "backward(): inputs must be Tensors, not ", Py_TYPE(h.ptr())->tp_name);
          wanted.push_back(tensor_of(h.ptr()));
        }
      }
      PG_CHECK(!wanted.empty(), "backward(): `inputs` argument cannot be empty");
    }
    const Tensor root = tensor_of(self);
    const Tensor grad = gradient == Py_None ? Tensor() : tensor_of(gradient);
    {
      const ReleaseGil gil(true);
      run_backward({root}, {grad}, wanted, options);
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
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p", const_cast<char**>(names), &force)) return nullptr;
    return to_numpy(tensor_of(self), self, force);
  });
}

// NumPy 2's protocol: copy=False must raise when a copy cannot be avoided.
PyObject* method_array(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"dtype", "copy", nullptr};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", const_cast<char**>(names), &dtype, &copy)) return nullptr;
    py::object array = py::reinterpret_steal<py::object>(to_numpy(tensor_of(self), self, false));
    if (!array) return nullptr;
    py::object wanted = py::reinterpret_borrow<py::object>(dtype);
    if (dtype != Py_None && !py::object(array.attr("dtype")).equal(py::module_::import("numpy").attr("dtype")(wanted))) {
      PG_CHECK_VALUE(copy != Py_False, "__array__(): Unable to avoid copy while creating an array as requested: the dtype differs");
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
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p", const_cast<char**>(names), &cls, &data, &require_grad)) return nullptr;
    PG_CHECK_TYPE(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type),
                  "_make_subclass(): cls must be a subclass of Tensor");
    PG_CHECK_TYPE(is_tensor(data), "_make_subclass(): data must be Tensor, not ", Py_TYPE(data)->tp_name);
    Tensor t = alias(tensor_of(data));
    if (require_grad) set_requires_grad(t, true);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), std::move(t));
  });
}

PyObject* as_subclass(PyObject* self, PyObject* cls) {
  return guarded([&]() -> PyObject* {
    PG_CHECK_TYPE(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type),
                  "as_subclass(): cls must be a subclass of Tensor");
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), alias(tensor_of(self)));
  });
}

// set_(source): looks at another tensor's memory from now on.
PyObject* method_set_(PyObject* self, PyObject* source) {
  return set_data(self, source, nullptr) < 0 ? nullptr : Py_NewRef(self);
}

// type(): the legacy name of the tensor's type. type(dtype) converts.
PyObject* method_type(PyObject* self, Fast args, Py_ssize_t n, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    PyObject* target = optional_argument("type", "dtype", args, n, kwnames);
    const Tensor t = tensor_of(self);
    static const char* legacy[kNumDTypes] = {"Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double",
                                             "ComplexFloat", "ComplexDouble"};
    if (!target || target == Py_None)
      return PyUnicode_FromFormat("torch.%s%sTensor", t.device().is_cuda() ? "cuda." : "", legacy[int(t.dtype())]);
    if (is_dtype(target)) return wrap(to(t, dtype_of_object(target)));
    std::string name = PyUnicode_Check(target) ? PyUnicode_AsUTF8(target) : py::str(py::handle(target).attr("__name__")).cast<std::string>();
    if (const size_t dot = name.rfind('.'); dot != std::string::npos) name = name.substr(dot + 1);
    for (int i = 0; i < kNumDTypes; ++i)
      if (name == std::string(legacy[i]) + "Tensor") return wrap(to(t, DType(i)));
    raise(ErrorKind::Value, "invalid type: '", name, "'; expected a dtype or a name such as 'torch.FloatTensor'");
  });
}

}  // namespace

#define PG_KW(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f))
PyMethodDef tensor_methods[] = {
    {"size", PG_KW(method_size), METH_FASTCALL | METH_KEYWORDS, "size(dim=None): the sizes, or the size of one dimension."},
    {"stride", PG_KW(method_stride), METH_FASTCALL | METH_KEYWORDS, "stride(dim=None): the strides in elements."},
    {"dim", method_dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", method_dim, METH_NOARGS, "The number of dimensions."},
    {"numel", method_numel, METH_NOARGS, "The number of elements."},
    {"nelement", method_numel, METH_NOARGS, "The number of elements."},
    {"element_size", method_element_size, METH_NOARGS, "Bytes per element."},
    {"data_ptr", method_data_ptr, METH_NOARGS, "The address of the first element; 0 for an empty tensor."},
    {"storage_offset", method_storage_offset, METH_NOARGS, "Where the first element lies in the storage, in elements."},
    {"is_contiguous", PG_KW(method_is_contiguous), METH_FASTCALL | METH_KEYWORDS, "True when laid out row by row without gaps."},
    {"item", method_item, METH_NOARGS, "The only element, as a Python number."},
    {"tolist", method_tolist, METH_NOARGS, "Nested lists of Python numbers."},
    {"is_floating_point", method_is_floating_point, METH_NOARGS, "True for the floating dtypes."},
    {"is_complex", method_is_complex, METH_NOARGS, "True for the complex dtypes."},
    {"is_signed", method_is_signed, METH_NOARGS, "True when the dtype holds negative values."},
    {"is_inference", method_is_inference, METH_NOARGS, "True for a tensor made in inference mode."},
    {"is_conj", method_false, METH_NOARGS, "Always False: conjugation is done at once."},
    {"is_neg", method_false, METH_NOARGS, "Always False: negation is done at once."},
    {"is_pinned", PG_KW(+[](PyObject*, PyObject*, PyObject*) -> PyObject* { Py_RETURN_FALSE; }), METH_VARARGS | METH_KEYWORDS,
     "Always False: host memory is not pinned."},
    {"get_device", method_get_device, METH_NOARGS, "The index of the CUDA device, or -1 on the CPU."},
    {"requires_grad_", PG_KW(method_requires_grad_), METH_FASTCALL | METH_KEYWORDS,
     "requires_grad_(requires_grad=True): says whether gradients are wanted; returns the tensor."},
    {"detach", method_detach, METH_NOARGS, "A tensor that shares the memory but has no history."},
    {"detach_", method_detach_, METH_NOARGS, "Drops this tensor's history; returns it."},
    {"backward", PG_KW(method_backward), METH_VARARGS | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): computes gradients of this tensor and adds "
     "them into the .grad of the leaves."},
    {"register_hook", method_register_hook, METH_O, "register_hook(hook): calls hook(grad) when the gradient is computed."},
    {"register_post_accumulate_grad_hook", method_register_post_accumulate, METH_O,
     "Calls hook(tensor) after a gradient was added into a leaf's .grad."},
    {"retain_grad", method_retain_grad, METH_NOARGS, "Keeps .grad of a tensor that is not a leaf."},
    {"numpy", PG_KW(method_numpy), METH_VARARGS | METH_KEYWORDS, "numpy(*, force=False): a NumPy array on the same memory."},
    {"__array__", PG_KW(method_array), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_make_subclass", PG_KW(make_subclass), METH_VARARGS | METH_KEYWORDS | METH_STATIC, nullptr},
    {"as_subclass", as_subclass, METH_O, "A tensor of another class on the same memory."},
    {"set_", method_set_, METH_O, "set_(source): looks at the source's memory from now on."},
    {"type", PG_KW(method_type), METH_FASTCALL | METH_KEYWORDS, "type(dtype=None): the type's name, or a converted tensor."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef tensor_attributes[] = {
    {"shape", get_shape, nullptr, "The sizes.", nullptr},
    {"dtype", get_dtype, nullptr, "The type of the elements.", nullptr},
    {"device", get_device, nullptr, "Where the memory is.", nullptr},
    {"layout", get_layout, nullptr, "Always torch.strided.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad_attribute, "True when gradients are wanted.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "True when not made by a recorded op.", nullptr},
    {"grad", get_grad, set_grad_attribute, "The accumulated gradient, or None.", nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The recorded op that made this tensor, or None.", nullptr},
    {"data", get_data, set_data, "The same memory without history.", nullptr},
    {"T", reversed_dims, nullptr, "All dimensions reversed.", nullptr},
    {"mT", get_mT, nullptr, "The last two dimensions swapped.", nullptr},
    {"H", get_mH, nullptr, "The conjugate transpose of a matrix.", nullptr},
    {"mH", get_mH, nullptr, "The conjugate transpose of the last two dimensions.", nullptr},
    {"real", get_real, set_part<real>, "The real part.", nullptr},
    {"imag", get_imag, set_part<imag>, "The imaginary part.", nullptr},
    {"is_cuda", get_is_cuda, nullptr, "True on a CUDA device.", nullptr},
    {"is_cpu", get_is_cpu, nullptr, "True on the CPU.", nullptr},
    {"is_sparse", get_false, nullptr, "Always False.", nullptr},
    {"is_quantized", get_false, nullptr, "Always False.", nullptr},
    {"is_meta", get_false, nullptr, "Always False.", nullptr},
    {"is_mps", get_false, nullptr, "Always False.", nullptr},
    {"is_nested", get_false, nullptr, "Always False.", nullptr},
    {"names", get_none, nullptr, "Always None.", nullptr},
    {"name", get_none, nullptr, "Always None.", nullptr},
    {"output_nr", get_output_nr, nullptr, "Which output of grad_fn this is.", nullptr},
    {"retains_grad", get_retains_grad, nullptr, "True after retain_grad().", nullptr},
    {"_version", get_version, nullptr, "How often the memory was changed in place.", nullptr},
    {"_base", get_base, nullptr, "The tensor this is a view of, or None.", nullptr},
    {"__cuda_array_interface__", get_cuda_array_interface, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace pygrad::python
