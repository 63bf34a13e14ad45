// The attributes of Tensor: x.shape, x.grad, x.data, x.T and so on.
#include <cstring>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/tensor_methods.h"

namespace pygrad::python {
namespace {

#define PG_GETTER(name, expression)        \
  PyObject* name(PyObject* self, void*) {  \
    return guarded([&]() -> PyObject* {    \
      const TensorImpl* p = impl_of(self); \
      (void)p;                             \
      return expression;                   \
    });                                    \
  }
PG_GETTER(get_shape, wrap_size({p->sizes, p->ndim}))
PG_GETTER(get_dtype, wrap_dtype(p->dtype))
PG_GETTER(get_device, wrap_device(p->device))
PG_GETTER(get_ndim, PyLong_FromLong(p->ndim))
PG_GETTER(get_itemsize, PyLong_FromSize_t(item_size(p->dtype)))
PG_GETTER(get_nbytes, PyLong_FromLongLong(p->numel* int64_t(item_size(p->dtype))))
PG_GETTER(get_requires_grad, PyBool_FromLong((*Borrowed(self)).requires_grad()))
PG_GETTER(get_is_leaf, PyBool_FromLong(is_leaf(*Borrowed(self))))
PG_GETTER(get_grad, wrap(grad_of(*Borrowed(self))))
PG_GETTER(get_grad_fn, wrap_node(grad_fn(*Borrowed(self))))
PG_GETTER(get_is_cuda, PyBool_FromLong(p->device.is_cuda()))
PG_GETTER(get_is_cpu, PyBool_FromLong(!p->device.is_cuda()))
PG_GETTER(get_version, PyLong_FromUnsignedLong(p->storage->version.load()))
PG_GETTER(get_output_nr, PyLong_FromUnsignedLong(p->autograd ? p->autograd->output_nr : 0))
PG_GETTER(get_retains_grad, PyBool_FromLong(p->autograd && p->autograd->retains_grad))
PG_GETTER(get_real, wrap(real(*Borrowed(self))))
PG_GETTER(get_imag, wrap(imag(*Borrowed(self))))
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
    PG_CHECK(t.dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ",
             t.dim(), "-D tensor.");
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
    PG_CHECK_TYPE(is_tensor(value), "Variable data has to be a tensor, but got ",
                  Py_TYPE(value)->tp_name);
    const Tensor t = tensor_of(value);
    TensorImpl* p = impl_of(self);
    PG_CHECK(
        !p->requires_grad || is_floating(t.dtype()) || is_complex(t.dtype()),
        "data set to a tensor that requires gradients must be floating point or complex dtype");
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
    PG_CHECK_TYPE(PyBool_Check(value), "requires_grad must be a bool, not ",
                  Py_TYPE(value)->tp_name);
    set_requires_grad(tensor_of(self), value == Py_True);
    return 0;
  });
}

int set_grad_attribute(PyObject* self, PyObject* value, void*) {
  return guarded([&]() -> int {
    PG_CHECK_TYPE(!value || value == Py_None || is_tensor(value),
                  "assigned grad expected to be a Tensor or None but got grad of type ",
                  Py_TYPE(value)->tp_name);
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
      PyErr_SetString(
          PyExc_AttributeError,
          "__cuda_array_interface__: only tensors on a CUDA device have it. Use .numpy()");
      return nullptr;
    }
    const DType d = t.dtype();
    PG_CHECK_TYPE(d != DType::BFloat16,
                  "__cuda_array_interface__: bfloat16 has no NumPy type string");
    const char kind = d == DType::Bool    ? 'b'
                      : d == DType::UInt8 ? 'u'
                      : is_integral(d)    ? 'i'
                      : is_complex(d)     ? 'c'
                                          : 'f';
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

}  // namespace

PyGetSetDef tensor_attributes[] = {
    {"shape", get_shape, nullptr, "The sizes.", nullptr},
    {"dtype", get_dtype, nullptr, "The type of the elements.", nullptr},
    {"device", get_device, nullptr, "Where the memory is.", nullptr},
    {"layout", get_layout, nullptr, "Always torch.strided.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad_attribute,
     "True when gradients are wanted.", nullptr},
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
