// Tensors out of Python data, and lists out of tensors.
#include <cstring>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/creation.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

bool is_array_like(PyObject* o) {
  return !PyUnicode_Check(o) && !PyBytes_Check(o) &&
         PyObject_HasAttrString(o, "__array_interface__");
}

// The struct-module format of a buffer.
std::optional<DType> dtype_of_format(const char* format, Py_ssize_t itemsize) {
  const char* f = format ? format : "B";
  if (*f == '<' || *f == '=' || *f == '@' || *f == '|') ++f;
  if (*f == '>' || *f == '!') return std::nullopt;
  if (!std::strcmp(f, "?")) return DType::Bool;
  if (!std::strcmp(f, "e")) return DType::Float16;
  if (!std::strcmp(f, "f")) return DType::Float32;
  if (!std::strcmp(f, "d")) return DType::Float64;
  if (!std::strcmp(f, "Zf")) return DType::Complex64;
  if (!std::strcmp(f, "Zd")) return DType::Complex128;
  if (!std::strcmp(f, "B")) return DType::UInt8;
  if (std::strlen(f) == 1 && std::strchr("bhilq", *f))
    return itemsize == 1   ? DType::Int8
           : itemsize == 2 ? DType::Int16
           : itemsize == 4 ? DType::Int32
                           : DType::Int64;
  return std::nullopt;
}

// Unsigned NumPy types without a tensor dtype (uint16 ...) are refused, as is anything else
// unknown.
[[noreturn]] void raise_format(const char* format) {
  raise(ErrorKind::Type, "can't convert an array with elements of format '", format ? format : "B",
        "'. The only supported types are: float64, float32, float16, complex64, complex128, int64, "
        "int32, int16, int8, uint8, and bool.");
}

struct HeldBuffer {
  Py_buffer view;
  bool read_only;
};

}  // namespace

// Shares the memory of anything with the buffer protocol. Negative strides are kept.
Tensor tensor_from_buffer(PyObject* o) {
  auto* held = new HeldBuffer;
  if (PyObject_GetBuffer(o, &held->view, PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_STRIDES) == 0) {
    held->read_only = false;
  } else {
    PyErr_Clear();
    if (PyObject_GetBuffer(o, &held->view, PyBUF_FORMAT | PyBUF_STRIDES) < 0) {
      delete held;
      throw py::error_already_set();
    }
    held->read_only = true;
  }
  auto release = [](void* p) {
    auto* h = static_cast<HeldBuffer*>(p);
    if (const DestructorGil gil; gil) PyBuffer_Release(&h->view);
    delete h;
  };
  const Py_buffer& b = held->view;
  const std::optional<DType> dtype = dtype_of_format(b.format, b.itemsize);
  if (!dtype || Py_ssize_t(item_size(*dtype)) != b.itemsize) {
    const std::string format = b.format ? b.format : "B";
    release(held);
    raise_format(format.c_str());
  }
  Shape sizes, strides;
  int64_t low = 0, high = 0;
  bool aligned = true;
  for (int i = 0; i < b.ndim; ++i) {
    sizes.push_back(b.shape[i]);
    aligned &= b.strides[i] % b.itemsize == 0;
    strides.push_back(b.strides[i] / b.itemsize);
    if (b.shape[i] > 0)
      (b.strides[i] < 0 ? low : high) += (b.shape[i] - 1) * (b.strides[i] / b.itemsize);
  }
  if (!aligned || reinterpret_cast<uintptr_t>(b.buf) % size_t(b.itemsize > 8 ? 8 : b.itemsize)) {
    release(held);
    raise(ErrorKind::Value,
          "the array's strides or address are not multiples of its element size. Copy it first");
  }
  StoragePtr storage = wrap_storage(static_cast<char*>(b.buf) + low * b.itemsize,
                                    size_t((high - low + 1) * b.itemsize), Device{}, release, held);
  storage->read_only = held->read_only;
  return make_tensor(std::move(storage), *dtype, sizes, strides, -low);
}

namespace {

// Views with negative strides exist inside the engine only; files and other libraries do not know
// them.
void check_strides(const Tensor& t) {
  for (int64_t s : t.strides())
    PG_CHECK_VALUE(s >= 0,
                   "At least one stride in the given numpy array is negative, and tensors with "
                   "negative strides are not "
                   "currently supported. (You can probably work around this by making a copy of "
                   "your array with array.copy().)");
}

}  // namespace

Tensor tensor_from_object(PyObject* data, std::optional<DType> dtype, Device device,
                          bool share_memory) {
  Tensor t;
  if (is_tensor(data)) {
    t = tensor_of(data);
    if (!share_memory) t = detach(t);
  } else if (PyList_CheckExact(data) || PyTuple_CheckExact(data)) {
    t = tensor_from_sequence(data, dtype);
  } else if (is_number(data)) {
    if (!dtype && std::strncmp(Py_TYPE(data)->tp_name, "numpy.", 6) == 0) {
      t = tensor_from_sequence(data, dtype);
    } else {
      const Scalar s = scalar_of(data);
      if (dtype) check_fits(s, *dtype);
      t = full(Shape{}, s, dtype ? *dtype : scalar_dtype(s), Device{});
    }
  } else if (is_array_like(data) ||
             (PyObject_CheckBuffer(data) && !PyBytes_Check(data) && !PyUnicode_Check(data))) {
    // NumPy's buffer of a 0-stride or big-endian array may be refused by the buffer protocol; its
    // own copy always works.
    t = tensor_from_buffer(data);
    if (share_memory) check_strides(t);
    if (!share_memory) t = clone(t);
  } else if (is_nested(data)) {
    t = tensor_from_sequence(data, dtype);
  } else if (PyObject_HasAttrString(data, "__dlpack__")) {
    t = py::cast<Tensor>(py::module_::import("pygrad._C").attr("from_dlpack")(py::handle(data)));
    if (!share_memory) t = clone(t);
  } else if (PyObject_HasAttrString(data, "__array__")) {
    py::object array = py::handle(data).attr("__array__")();
    return tensor_from_object(array.ptr(), dtype, device, share_memory);
  } else if (PyObject_HasAttrString(data, "__float__") || PyIndex_Check(data)) {
    py::object number = py::reinterpret_steal<py::object>(
        PyIndex_Check(data) ? PyNumber_Index(data) : PyNumber_Float(data));
    if (!number) throw py::error_already_set();
    return tensor_from_object(number.ptr(), dtype, device, share_memory);
  } else {
    if (PyUnicode_Check(data) || PyBytes_Check(data))
      raise(ErrorKind::Type, "new(): invalid data type '", Py_TYPE(data)->tp_name,
            "'; expected numbers, nested sequences of them, or an array");
    raise(ErrorKind::Runtime, "Could not infer dtype of ", Py_TYPE(data)->tp_name,
          "; expected numbers, nested sequences of them, or an array");
  }
  if (dtype && t.dtype() != *dtype) t = to(t, *dtype);
  if (t.device() != device) t = to_device(t, device);
  if (!share_memory && is_tensor(data) && t.impl()->storage.get() == impl_of(data)->storage.get())
    t = clone(t);
  return t;
}

namespace {

PyObject* list_of(const char* data, DType dtype, const Tensor& t, int64_t dim) {
  if (dim == t.dim()) {
    switch (dtype) {
      case DType::Bool:
        return PyBool_FromLong(*reinterpret_cast<const bool*>(data));
      case DType::UInt8:
        return PyLong_FromLong(*reinterpret_cast<const uint8_t*>(data));
      case DType::Int8:
        return PyLong_FromLong(*reinterpret_cast<const int8_t*>(data));
      case DType::Int16:
        return PyLong_FromLong(*reinterpret_cast<const int16_t*>(data));
      case DType::Int32:
        return PyLong_FromLong(*reinterpret_cast<const int32_t*>(data));
      case DType::Int64:
        return PyLong_FromLongLong(*reinterpret_cast<const int64_t*>(data));
      case DType::Float16:
        return PyFloat_FromDouble(float(*reinterpret_cast<const Half*>(data)));
      case DType::BFloat16:
        return PyFloat_FromDouble(float(*reinterpret_cast<const BFloat16*>(data)));
      case DType::Float32:
        return PyFloat_FromDouble(*reinterpret_cast<const float*>(data));
      case DType::Float64:
        return PyFloat_FromDouble(*reinterpret_cast<const double*>(data));
      case DType::Complex64: {
        auto* z = reinterpret_cast<const Complex64*>(data);
        return PyComplex_FromDoubles(z->re, z->im);
      }
      case DType::Complex128: {
        auto* z = reinterpret_cast<const Complex128*>(data);
        return PyComplex_FromDoubles(z->re, z->im);
      }
    }
  }
  PyObject* list = PyList_New(Py_ssize_t(t.size(dim)));
  const int64_t step = t.stride(dim) * int64_t(item_size(dtype));
  for (int64_t i = 0; list && i < t.size(dim); ++i) {
    PyObject* item = list_of(data + i * step, dtype, t, dim + 1);
    if (!item) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, Py_ssize_t(i), item);
  }
  return list;
}

}  // namespace

PyObject* to_list(const Tensor& tensor) {
  const Tensor t = to_device(detach(tensor), Device{});
  return list_of(static_cast<const char*>(t.data()), t.dtype(), t, 0);
}

namespace {

// tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False)
PyObject* new_tensor(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    static constexpr const char* kNames[] = {"data", "dtype", "device", "requires_grad",
                                             "pin_memory"};
    PG_CHECK_TYPE(nargs <= 1, "tensor() takes 1 positional argument but ", nargs, " were given");
    PyObject* given[5] = {nargs ? args[0] : nullptr, Py_None, Py_None, Py_False, Py_False};
    for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); ++k) {
      const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k));
      size_t i = 0;
      while (i < std::size(kNames) && std::strcmp(name, kNames[i])) ++i;
      PG_CHECK_TYPE(i < std::size(kNames), "tensor() got an unexpected keyword argument '", name,
                    "'; expected dtype, device, requires_grad or pin_memory");
      PG_CHECK_TYPE(i || !nargs, "tensor() got multiple values for argument 'data'");
      given[i] = args[nargs + k];
    }
    const auto& [data, dtype, device, requires_grad, pin_memory] = given;
    PG_CHECK_TYPE(data, "tensor() missing 1 required positional argument: \"data\"");
    if (is_tensor(data) &&
        PyErr_WarnEx(PyExc_UserWarning,
                     "To copy construct from a tensor, it is recommended to use "
                     "sourceTensor.detach().clone() or "
                     "sourceTensor.detach().clone().requires_grad_(True), rather than "
                     "torch.tensor(sourceTensor).",
                     1) < 0)
      throw py::error_already_set();
    const Device where = device != Py_None ? parse_device(device)
                         : is_tensor(data) ? impl_of(data)->device
                                           : default_device();
    Tensor t = tensor_from_object(
        data, dtype == Py_None ? std::nullopt : std::optional(dtype_of_object(dtype)), where,
        false);
    const int wants_grad = PyObject_IsTrue(requires_grad);
    if (wants_grad < 0) throw py::error_already_set();
    if (wants_grad) set_requires_grad(t, true);
    return wrap(std::move(t));
  });
}

}  // namespace

void init_factory(py::module_& m) {
  static PyMethodDef tensor_function = {
      "tensor", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(new_tensor)),
      METH_FASTCALL | METH_KEYWORDS,
      "tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False)\n--\n\n"
      "A tensor with a copy of `data`: numbers, nested sequences, or an array. The dtype is "
      "inferred unless given."};
  m.attr("tensor") = py::reinterpret_steal<py::object>(
      PyCFunction_NewEx(&tensor_function, nullptr, m.attr("__name__").ptr()));
  m.def(
      "as_tensor",
      [](py::object data, py::object dtype, py::object device) {
        const std::optional<DType> d =
            dtype.is_none() ? std::nullopt : std::optional(dtype_of_object(dtype.ptr()));
        const Device where = !device.is_none()       ? parse_device(device.ptr())
                             : is_tensor(data.ptr()) ? impl_of(data.ptr())->device
                                                     : default_device();
        return tensor_from_object(data.ptr(), d, where, true);
      },
      py::arg("data"), py::arg("dtype") = py::none(), py::arg("device") = py::none(),
      "Like tensor(), but shares memory where it can and keeps a tensor's history.");
  m.def(
      "from_numpy",
      [](py::object array) {
        PG_CHECK_TYPE(is_array_like(array.ptr()), "expected np.ndarray (got ",
                      Py_TYPE(array.ptr())->tp_name, ")");
        Tensor t = tensor_from_buffer(array.ptr());
        check_strides(t);
        return t;
      },
      "A tensor on the memory of a NumPy array.");
  m.def(
      "frombuffer",
      [](py::object buffer, py::object dtype, int64_t count, int64_t offset, bool requires_grad) {
        const DType d = dtype_of_object(dtype.ptr());
        py::object bytes =
            py::module_::import("builtins").attr("memoryview")(buffer).attr("cast")("B");
        const int64_t size = int64_t(item_size(d));
        const Tensor raw = tensor_from_buffer(bytes.ptr());
        PG_CHECK_VALUE(offset >= 0 && offset < raw.numel(), "offset (", offset,
                       " bytes) must be non-negative and no greater than buffer length (",
                       raw.numel(), " bytes) minus 1");
        if (count < 0) {
          PG_CHECK_VALUE((raw.numel() - offset) % size == 0, "buffer length (",
                         raw.numel() - offset,
                         " bytes) after offset must be a multiple of element size (", size, ")");
          count = (raw.numel() - offset) / size;
        }
        PG_CHECK_VALUE(count > 0 && offset + count * size <= raw.numel(),
                       "requested buffer length (", count * size, " bytes) after offset (", offset,
                       " bytes) must not be greater than actual buffer length (", raw.numel(),
                       " bytes)");
        PG_CHECK_VALUE(
            offset % size == 0 &&
                reinterpret_cast<uintptr_t>(raw.data()) % size_t(size > 8 ? 8 : size) == 0,
            "offset ", offset, " is not a multiple of the element size ", size);
        Tensor t = make_tensor(raw.impl()->storage, d, Shape{count}, Shape{1}, offset / size);
        if (requires_grad) set_requires_grad(t, true);
        return t;
      },
      py::arg("buffer"), py::kw_only(), py::arg("dtype"), py::arg("count") = -1,
      py::arg("offset") = 0, py::arg("requires_grad") = false,
      "A 1-D tensor on the memory of an object with the buffer protocol.");
}

}  // namespace pygrad::python
