// The memory behind tensors as Python sees it: UntypedStorage, rebuilding from files, copying and
// pickling.
#include <cstring>

#include "csrc/core/crc32.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

struct PyStorage {
  StoragePtr storage;
};

// A tensor on part of a storage, with every bound checked: files come through here.
Tensor rebuild_tensor(const PyStorage& s, py::object dtype, int64_t offset, const Shape& size,
                      const Shape& stride) {
  const DType d = dtype_of_object(dtype.ptr());
  PG_CHECK_VALUE(size.size() == stride.size(), "_rebuild_tensor(): size ", size, " and stride ",
                 stride, " have different lengths");
  PG_CHECK_VALUE(offset >= 0, "_rebuild_tensor(): storage offset ", offset, " is negative");
  const int64_t n = numel_of(size);
  int64_t last = offset;
  for (int64_t i = 0; i < size.size() && n; ++i) {
    int64_t reach;
    PG_CHECK_VALUE(stride[i] >= 0 && !__builtin_mul_overflow(size[i] - 1, stride[i], &reach) &&
                       !__builtin_add_overflow(last, reach, &last),
                   "_rebuild_tensor(): size ", size, " with stride ", stride, " reaches too far");
  }
  const auto elements = int64_t(s.storage->nbytes / item_size(d));
  PG_CHECK_VALUE(n ? last < elements : offset <= elements, "_rebuild_tensor(): a tensor of size ",
                 size, ", stride ", stride, " and offset ", offset, " needs ", last + 1,
                 " elements, but the storage holds ", elements);
  return make_tensor(s.storage, d, size, stride, offset);
}

Shape shape_from(py::handle o) {
  Shape s;
  for (py::handle h : o) s.push_back(py::cast<int64_t>(h));
  return s;
}

void copy_attributes(PyObject* from, py::object to) {
  PyObject* dict = reinterpret_cast<PyTensor*>(from)->dict;
  if (!dict) return;
  for (auto item : py::reinterpret_borrow<py::dict>(dict)) py::setattr(to, item.first, item.second);
}

// deepcopy keeps sharing: two views of one storage become two views of one copied storage.
py::object deep_copy(py::object self, py::dict memo) {
  PyObject* key = PyLong_FromVoidPtr(self.ptr());
  py::object id = py::reinterpret_steal<py::object>(key);
  if (memo.contains(id)) return memo[id];
  const Tensor t = tensor_of(self.ptr());
  PG_CHECK(is_leaf(t),
           "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
           "protocol at the moment. "
           "Copy .detach() of it, or clone() to stay in the graph");
  Storage* storage = t.impl()->storage.get();
  py::object storage_id = py::make_tuple("storage", reinterpret_cast<uintptr_t>(storage));
  if (!memo.contains(storage_id)) {
    StoragePtr copied = make_storage(storage->nbytes, storage->device);
    if (storage->device.is_cuda())
      cuda_runtime()->copy(copied->data(), storage->data(), storage->nbytes, 2);
    else if (storage->nbytes)
      std::memcpy(copied->data(), storage->data(), storage->nbytes);
    memo[storage_id] = py::cast(PyStorage{std::move(copied)});
  }
  Tensor c = make_tensor(py::cast<PyStorage&>(py::object(memo[storage_id])).storage, t.dtype(),
                         t.sizes(), t.strides(), t.offset());
  if (t.requires_grad()) set_requires_grad(c, true);
  py::object result = py::reinterpret_steal<py::object>(wrap_as(Py_TYPE(self.ptr()), c));
  memo[id] = result;
  if (const Tensor g = grad_of(t); g.defined())
    set_grad(tensor_of(result.ptr()), py::cast<Tensor>(deep_copy(py::cast(g), memo)));
  if (PyObject* dict = reinterpret_cast<PyTensor*>(self.ptr())->dict) {
    py::object deepcopy = py::module_::import("copy").attr("deepcopy");
    for (auto item : py::reinterpret_borrow<py::dict>(dict))
      py::setattr(result, item.first, deepcopy(item.second, memo));
  }
  return result;
}

// (function, arguments) for pickle: the elements travel as one buffer, out of band under
// protocol 5.
py::object reduce(py::object self, int protocol) {
  const Tensor t = tensor_of(self.ptr());
  PG_CHECK(is_leaf(t), "cannot pickle a tensor with history (",
           t.requires_grad() ? grad_fn(t)->display_name() : "", "). Use detach()");
  // A dense tensor travels as its memory and strides, any other in row-major order.
  Tensor host = to_device(detach(t), Device{});
  const bool keeps_strides = is_dense(host);
  if (!keeps_strides) host = contiguous(host);
  const Shape strides(host.strides());
  const size_t bytes = size_t(host.numel()) * item_size(host.dtype());
  py::object storage = py::cast(PyStorage{host.impl()->storage});
  py::object data;
  const char* start = bytes ? static_cast<const char*>(host.data()) : "";
  if (protocol >= 5) {
    py::object view = py::reinterpret_steal<py::object>(
        wrap(make_tensor(host.impl()->storage, DType::UInt8, Shape{int64_t(bytes)}, Shape{1},
                         host.offset() * int64_t(item_size(host.dtype())))));
    data = py::reinterpret_steal<py::object>(PyPickleBuffer_FromObject(view.ptr()));
  } else {
    data = py::bytes(start, bytes);
  }
  py::object cls = py::type::of(self);
  if (reinterpret_cast<PyTypeObject*>(cls.ptr()) == tensor_type) cls = py::none();
  PyObject* dict = reinterpret_cast<PyTensor*>(self.ptr())->dict;
  return py::make_tuple(
      py::module_::import("pygrad._C").attr("_unpickle_tensor"),
      py::make_tuple(data, py::reinterpret_steal<py::object>(wrap_dtype(t.dtype())),
                     py::tuple(py::reinterpret_steal<py::object>(wrap_size(t.sizes()))),
                     py::tuple(py::reinterpret_steal<py::object>(wrap_size(strides))),
                     t.requires_grad(),
                     py::str(py::reinterpret_steal<py::object>(wrap_device(t.device()))), cls),
      dict ? py::reinterpret_borrow<py::object>(dict) : py::none());
}

py::object unpickle(py::object data, py::object dtype, py::tuple size, py::tuple stride,
                    bool requires_grad, py::str device, py::object cls) {
  const DType d = dtype_of_object(dtype.ptr());
  const int64_t n = numel_of(shape_from(size));
  // rebuild_tensor checks that sizes and strides stay within the memory.
  Tensor t = rebuild_tensor(PyStorage{make_storage(size_t(n) * item_size(d), Device{})}, dtype, 0,
                            shape_from(size), shape_from(stride));
  Py_buffer b;
  if (PyObject_GetBuffer(data.ptr(), &b, PyBUF_SIMPLE) < 0) throw py::error_already_set();
  const auto bytes = Py_ssize_t(size_t(t.numel()) * item_size(t.dtype()));
  const bool fits = b.len == bytes;
  if (fits && bytes) std::memcpy(t.data(), b.buf, size_t(bytes));
  PyBuffer_Release(&b);
  PG_CHECK_VALUE(fits, "a pickled tensor of size ", t.sizes(), " should have ", bytes, " bytes");
  t = to_device(t, parse_device(device.ptr()));
  if (requires_grad) set_requires_grad(t, true);
  if (cls.is_none()) return py::cast(t);
  return py::reinterpret_steal<py::object>(wrap_as(reinterpret_cast<PyTypeObject*>(cls.ptr()), t));
}

}  // namespace

void init_storage(py::module_& m) {
  py::class_<PyStorage>(m, "UntypedStorage", py::buffer_protocol(),
                        "The memory behind tensors, as bytes.")
      .def(py::init([](int64_t nbytes, py::object device) {
             PG_CHECK_VALUE(nbytes >= 0, "UntypedStorage(): size ", nbytes, " is negative");
             return PyStorage{make_storage(
                 size_t(nbytes), device.is_none() ? Device{} : parse_device(device.ptr()))};
           }),
           py::arg("nbytes") = 0, py::kw_only(), py::arg("device") = py::none())
      .def("data_ptr",
           [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage->expose()); })
      .def("nbytes", [](const PyStorage& s) { return s.storage->nbytes; })
      .def("size", [](const PyStorage& s) { return s.storage->nbytes; })
      .def("__len__", [](const PyStorage& s) { return s.storage->nbytes; })
      .def_property_readonly("device", [](const PyStorage& s) { return s.storage->device; })
      .def("_id", [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage.get()); })
      .def("__eq__",
           [](const PyStorage& a, py::object b) {
             return py::isinstance<PyStorage>(b) && py::cast<PyStorage&>(b).storage == a.storage;
           })
      .def("__hash__",
           [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage.get()) >> 4; })
      .def_buffer([](PyStorage& s) {
        if (s.storage->device.is_cuda())
          throw py::buffer_error("CUDA memory has no buffer; copy the tensor with .cpu() first");
        static char nothing;
        return py::buffer_info(s.storage->nbytes ? s.storage->expose() : &nothing, 1, "B",
                               Py_ssize_t(s.storage->nbytes), s.storage->read_only);
      });
  m.def("_rebuild_tensor", [](const PyStorage& s, py::object dtype, int64_t offset, py::object size,
                              py::object stride) {
    return rebuild_tensor(s, dtype, offset, shape_from(size), shape_from(stride));
  });
  m.def("_unpickle_tensor", unpickle);
  if (has_crc32()) {
    m.def(
        "crc32",
        [](const py::buffer& data, uint32_t crc) {
          const py::buffer_info info = data.request();
          PG_CHECK(info.ndim == 1 && (info.size == 0 || info.strides[0] == info.itemsize),
                   "crc32(): the buffer has ", info.ndim,
                   " dimensions or gaps; expected one dimension without");
          const ReleaseGil gil(info.size * info.itemsize > 65536);
          return crc32(crc, info.ptr, size_t(info.size * info.itemsize));
        },
        py::arg("data"), py::arg("value") = 0,
        "The CRC-32 of `data`, as zlib.crc32; only on processors with the instruction for it.");
  }

  add_method("untyped_storage", [](const Tensor& self) { return PyStorage{self.impl()->storage}; });
  add_method("storage", [](const Tensor& self) { return PyStorage{self.impl()->storage}; });
  add_method("is_set_to", [](const Tensor& self, const Tensor& other) {
    return self.impl()->storage == other.impl()->storage && same_layout(self, other);
  });
  add_method("is_same_size", [](const Tensor& self, const Tensor& other) {
    return Shape::same(self.sizes(), other.sizes());
  });
  add_method("__deepcopy__", deep_copy);
  add_method("__reduce_ex__", reduce);
  add_method("__copy__", [](py::object self) {
    const Tensor t = tensor_of(self.ptr());
    Tensor c = alias(t);
    if (AutogradMeta* meta = t.impl()->autograd; meta && meta->grad_fn)
      set_history(c, meta->grad_fn, meta->output_nr);
    else if (t.requires_grad())
      set_requires_grad(c, true);
    py::object result = py::reinterpret_steal<py::object>(wrap_as(Py_TYPE(self.ptr()), c));
    copy_attributes(self.ptr(), result);
    return result;
  });
}

}  // namespace pygrad::python
