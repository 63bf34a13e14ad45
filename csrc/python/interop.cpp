// Sharing memory with others: NumPy, the buffer protocol, DLPack, storages, pickling and copying.
#include <cstring>

#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

const char* buffer_format(DType d) {
  switch (d) {
    case DType::Bool: return "?";
    case DType::UInt8: return "B";
    case DType::Int8: return "b";
    case DType::Int16: return "h";
    case DType::Int32: return "i";
    case DType::Int64: return sizeof(long) == 8 ? "l" : "q";  // NumPy's int64 is the first of these with 8 bytes
    case DType::Float16: return "e";
    case DType::Float32: return "f";
    case DType::Float64: return "d";
    case DType::Complex64: return "Zf";
    case DType::Complex128: return "Zd";
    case DType::BFloat16: return nullptr;
  }
  return nullptr;
}

}  // namespace

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  return guarded([&]() -> int {
    view->obj = nullptr;
    const Tensor t = tensor_of(self);
    auto refuse = [](const char* why) {
      PyErr_SetString(PyExc_BufferError, why);
      return -1;
    };
    if (t.device().is_cuda()) return refuse("a CUDA tensor has no host memory; use .cpu() first");
    const char* format = buffer_format(t.dtype());
    // NumPy would silently drop the history.
    if (t.requires_grad()) return refuse("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    if (!format) return refuse("bfloat16 has no buffer format; use .float() first");
    const bool read_only = t.storage().read_only;
    if ((flags & PyBUF_WRITABLE) && read_only) return refuse("this tensor's memory is read-only; use .clone()");
    if (!(flags & PyBUF_STRIDES) && !t.is_contiguous()) return refuse("the tensor is not contiguous; use .contiguous() first");
    const int n = int(t.dim());
    auto* dims = static_cast<Py_ssize_t*>(PyMem_Malloc(sizeof(Py_ssize_t) * size_t(2 * n + 1)));
    for (int i = 0; i < n; ++i) {
      dims[i] = t.size(i);
      dims[n + i] = t.stride(i) * Py_ssize_t(item_size(t.dtype()));
    }
    static char nothing[16];
    view->buf = t.numel() ? t.data() : nothing;
    view->obj = Py_NewRef(self);
    view->len = t.numel() * Py_ssize_t(item_size(t.dtype()));
    view->itemsize = Py_ssize_t(item_size(t.dtype()));
    view->readonly = read_only;
    view->ndim = n;
    view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(format) : nullptr;
    view->shape = (flags & PyBUF_ND) ? dims : nullptr;
    view->strides = (flags & PyBUF_STRIDES) ? dims + n : nullptr;
    view->suboffsets = nullptr;
    view->internal = dims;
    return 0;
  });
}

void release_buffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

PyObject* to_numpy(const Tensor& tensor, PyObject*, bool force) {
  Tensor t = tensor;
  if (force) {
    t = to_device(detach(t), Device{});
  } else {
    PG_CHECK_TYPE(!t.device().is_cuda(), "can't convert ", t.device(), " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.");
    PG_CHECK(!t.requires_grad(), "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  }
  PG_CHECK_TYPE(t.dtype() != DType::BFloat16, "Got unsupported ScalarType BFloat16: NumPy has no such type. Use .float() first");
  py::object holder = py::cast(detach(t));  // never requires grad, so its buffer may be written
  py::object view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(holder.ptr()));
  if (!view) throw py::error_already_set();
  return py::module_::import("numpy").attr("asarray")(view).release().ptr();
}

// --- DLPack: the structures of its ABI, versions 0 and 1 ----------------------------------------------------

namespace {

struct DLDevice {
  int32_t device_type, device_id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};
struct DLManagedTensorVersioned {
  uint32_t major, minor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;
  DLTensor dl_tensor;
};
enum { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3 };
enum { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLComplex = 5, kDLBool = 6 };
constexpr uint64_t kReadOnlyFlag = 1, kCopiedFlag = 2;

DLDataType dl_type(DType d) {
  const auto bits = uint8_t(item_size(d) * 8);
  if (d == DType::Bool) return {kDLBool, 8, 1};
  if (d == DType::UInt8) return {kDLUInt, 8, 1};
  if (d == DType::BFloat16) return {kDLBfloat, 16, 1};
  if (is_integral(d)) return {kDLInt, bits, 1};
  return {uint8_t(is_complex(d) ? kDLComplex : kDLFloat), bits, 1};
}

DType dtype_from_dl(DLDataType t) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const DLDataType d = dl_type(DType(i));
    if (d.code == t.code && d.bits == t.bits && t.lanes == 1) return DType(i);
  }
  raise(ErrorKind::Runtime, "from_dlpack(): unsupported element type: code ", int(t.code), ", ", int(t.bits), " bits, ", t.lanes, " lanes");
}

DLDevice dl_device(const Tensor& t) {
  // Emulated CUDA memory is host memory to everybody else.
  if (t.device().is_cuda() && !cuda_runtime()->is_emulated()) return {kDLCUDA, t.device().index};
  return {kDLCPU, 0};
}

// What a capsule owns: the tensor and the arrays that DLTensor points to.
template <class Managed>
struct Exported {
  Managed managed{};
  Tensor tensor;
  int64_t shape[kMaxDims], strides[kMaxDims];
};

void fill(DLTensor& d, const Tensor& t, int64_t* shape, int64_t* strides) {
  for (int64_t i = 0; i < t.dim(); ++i) {
    shape[i] = t.size(i);
    strides[i] = t.size(i) < 2 ? 1 : t.stride(i);
  }
  d = {t.numel() ? t.data() : nullptr, dl_device(t), int32_t(t.dim()), dl_type(t.dtype()), shape, strides, 0};
}

template <class Managed>
PyObject* export_capsule(const Tensor& t, const char* name, uint64_t flags) {
  auto* e = new Exported<Managed>;
  e->tensor = t;
  fill(e->managed.dl_tensor, t, e->shape, e->strides);
  e->managed.manager_ctx = e;
  e->managed.deleter = [](Managed* m) { delete static_cast<Exported<Managed>*>(m->manager_ctx); };
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    e->managed.major = 1;
    e->managed.minor = 0;
    e->managed.flags = flags;
  }
  return PyCapsule_New(&e->managed, name, [](PyObject* capsule) {
    // A consumer renames the capsule; then the memory is its business.
    const char* unused = std::is_same_v<Managed, DLManagedTensor> ? "dltensor" : "dltensor_versioned";
    if (!PyCapsule_IsValid(capsule, unused)) return;
    auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, unused));
    if (m->deleter) m->deleter(m);
  });
}

template <class Managed>
Tensor import_capsule(PyObject* capsule, const char* name, const char* used) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  if (!m) throw py::error_already_set();
  const DLTensor& d = m->dl_tensor;
  PG_CHECK(d.ndim >= 0 && d.ndim <= kMaxDims, "from_dlpack(): ", d.ndim, " dimensions; expected at most ", kMaxDims);
  const DType dtype = dtype_from_dl(d.dtype);
  Device device;
  if (d.device.device_type == kDLCUDA) {
    PG_CHECK(cuda_runtime() && cuda_runtime()->device_count() > d.device.device_id, "from_dlpack(): the data is on cuda:",
             d.device.device_id, ", which this build cannot reach");
    device = {DeviceType::cuda, int8_t(d.device.device_id)};
  } else {
    PG_CHECK(d.device.device_type == kDLCPU || d.device.device_type == kDLCUDAHost, "from_dlpack(): unsupported device type ", d.device.device_type);
  }
  Shape sizes, strides;
  int64_t low = 0, high = 0;
  bool empty = false;
  for (int i = 0; i < d.ndim; ++i) {
    sizes.push_back(d.shape[i]);
    empty |= d.shape[i] == 0;
  }
  const Shape dense = contiguous_strides(sizes);
  for (int i = 0; i < d.ndim; ++i) {
    strides.push_back(d.strides ? d.strides[i] : dense[i]);
    (strides[i] < 0 ? low : high) += (d.shape[i] - 1) * strides[i];
  }
  PyCapsule_SetName(capsule, used);
  auto* data = static_cast<char*>(d.data) + d.byte_offset;
  const auto bytes = int64_t(item_size(dtype));
  StoragePtr storage = wrap_storage(empty ? nullptr : data + low * bytes, empty ? 0 : size_t((high - low + 1) * bytes), device,
                                    [](void* p) {
                                      auto* managed = static_cast<Managed*>(p);
                                      const DestructorGil gil;
                                      if (gil && managed->deleter) managed->deleter(managed);
                                    },
                                    m);
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) storage->read_only = m->flags & kReadOnlyFlag;
  return make_tensor(std::move(storage), dtype, sizes, strides, empty ? 0 : -low);
}

py::object to_dlpack(const Tensor& tensor, py::object stream, py::object max_version, py::object device, py::object copy) {
  Tensor t = tensor;
  PG_CHECK_KIND(Runtime, !t.requires_grad(), "Can't export tensors that require gradient, use tensor.detach()");
  (void)stream;  // the device is synchronised by the copy rules of the default stream
  bool copied = false;
  if (!device.is_none()) {
    const auto wanted = py::cast<std::pair<int, int>>(device);
    const Device target = wanted.first == kDLCUDA ? Device{DeviceType::cuda, int8_t(wanted.second)} : Device{};
    if (target != t.device()) {
      PG_CHECK_VALUE(copy.is_none() || py::cast<bool>(copy), "__dlpack__(): cannot move the tensor to another device without a copy");
      t = to_device(t, target);
      copied = true;
    }
  }
  if (!copy.is_none() && py::cast<bool>(copy) && !copied) {
    t = clone(t);
    copied = true;
  }
  const bool versioned = !max_version.is_none() && py::cast<int>(py::object(py::reinterpret_borrow<py::tuple>(max_version)[0])) >= 1;
  const uint64_t flags = (t.storage().read_only ? kReadOnlyFlag : 0) | (copied ? kCopiedFlag : 0);
  PG_CHECK_KIND(Runtime, versioned || !t.storage().read_only, "__dlpack__(): read-only memory needs a consumer of DLPack 1.0 or later. Use clone()");
  return py::reinterpret_steal<py::object>(versioned ? export_capsule<DLManagedTensorVersioned>(t, "dltensor_versioned", flags)
                                                     : export_capsule<DLManagedTensor>(t, "dltensor", 0));
}

Tensor from_dlpack(py::object source) {
  py::object capsule = source;
  if (!PyCapsule_CheckExact(source.ptr())) {
    PG_CHECK_TYPE(py::hasattr(source, "__dlpack__"), "from_dlpack(): expected an object with __dlpack__, not ", Py_TYPE(source.ptr())->tp_name);
    try {
      capsule = source.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
    } catch (py::error_already_set& e) {
      if (!e.matches(PyExc_TypeError)) throw;
      capsule = source.attr("__dlpack__")();  // a producer from before DLPack 1.0
    }
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned"))
    return import_capsule<DLManagedTensorVersioned>(capsule.ptr(), "dltensor_versioned", "used_dltensor_versioned");
  PG_CHECK_VALUE(PyCapsule_IsValid(capsule.ptr(), "dltensor"), "from_dlpack(): the capsule holds no DLPack tensor, or was already used");
  return import_capsule<DLManagedTensor>(capsule.ptr(), "dltensor", "used_dltensor");
}

// --- storages -------------------------------------------------------------------------------------------------

struct PyStorage {
  StoragePtr storage;
};

// A tensor on part of a storage, with every bound checked: files come through here.
Tensor rebuild_tensor(const PyStorage& s, py::object dtype, int64_t offset, const Shape& size, const Shape& stride) {
  const DType d = dtype_of_object(dtype.ptr());
  PG_CHECK_VALUE(size.size() == stride.size(), "_rebuild_tensor(): size ", size, " and stride ", stride, " have different lengths");
  PG_CHECK_VALUE(offset >= 0, "_rebuild_tensor(): storage offset ", offset, " is negative");
  const int64_t n = numel_of(size);
  int64_t last = offset;
  for (int64_t i = 0; i < size.size() && n; ++i) {
    int64_t reach;
    PG_CHECK_VALUE(stride[i] >= 0 && !__builtin_mul_overflow(size[i] - 1, stride[i], &reach) && !__builtin_add_overflow(last, reach, &last),
                   "_rebuild_tensor(): size ", size, " with stride ", stride, " reaches too far");
  }
  const auto elements = int64_t(s.storage->nbytes / item_size(d));
  PG_CHECK_VALUE(n ? last < elements : offset <= elements, "_rebuild_tensor(): a tensor of size ", size, ", stride ", stride, " and offset ",
                 offset, " needs ", last + 1, " elements, but the storage holds ", elements);
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
  PG_CHECK(is_leaf(t), "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
           "Copy .detach() of it, or clone() to stay in the graph");
  Storage* storage = t.impl()->storage.get();
  py::object storage_id = py::make_tuple("storage", reinterpret_cast<uintptr_t>(storage));
  if (!memo.contains(storage_id)) {
    StoragePtr copied = make_storage(storage->nbytes, storage->device);
    if (storage->device.is_cuda())
      cuda_runtime()->copy(copied->data, storage->data, storage->nbytes, 2);
    else if (storage->nbytes)
      std::memcpy(copied->data, storage->data, storage->nbytes);
    memo[storage_id] = py::cast(PyStorage{std::move(copied)});
  }
  Tensor c = make_tensor(py::cast<PyStorage&>(py::object(memo[storage_id])).storage, t.dtype(), t.sizes(), t.strides(), t.offset());
  if (t.requires_grad()) set_requires_grad(c, true);
  py::object result = py::reinterpret_steal<py::object>(wrap_as(Py_TYPE(self.ptr()), c));
  memo[id] = result;
  if (const Tensor g = grad_of(t); g.defined()) set_grad(tensor_of(result.ptr()), py::cast<Tensor>(deep_copy(py::cast(g), memo)));
  if (PyObject* dict = reinterpret_cast<PyTensor*>(self.ptr())->dict) {
    py::object deepcopy = py::module_::import("copy").attr("deepcopy");
    for (auto item : py::reinterpret_borrow<py::dict>(dict)) py::setattr(result, item.first, deepcopy(item.second, memo));
  }
  return result;
}

// (function, arguments) for pickle: the elements travel as one buffer, out of band under protocol 5.
py::object reduce(py::object self, int protocol) {
  const Tensor t = tensor_of(self.ptr());
  PG_CHECK(is_leaf(t), "cannot pickle a tensor with history (", t.requires_grad() ? grad_fn(t)->display_name() : "", "). Use detach()");
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
        wrap(make_tensor(host.impl()->storage, DType::UInt8, Shape{int64_t(bytes)}, Shape{1}, host.offset() * int64_t(item_size(host.dtype())))));
    data = py::reinterpret_steal<py::object>(PyPickleBuffer_FromObject(view.ptr()));
  } else {
    data = py::bytes(start, bytes);
  }
  py::object cls = py::type::of(self);
  if (reinterpret_cast<PyTypeObject*>(cls.ptr()) == tensor_type) cls = py::none();
  PyObject* dict = reinterpret_cast<PyTensor*>(self.ptr())->dict;
  return py::make_tuple(py::module_::import("pygrad._C").attr("_unpickle_tensor"),
                        py::make_tuple(data, py::reinterpret_steal<py::object>(wrap_dtype(t.dtype())),
                                       py::tuple(py::reinterpret_steal<py::object>(wrap_size(t.sizes()))),
                                       py::tuple(py::reinterpret_steal<py::object>(wrap_size(strides))), t.requires_grad(),
                                       py::str(py::reinterpret_steal<py::object>(wrap_device(t.device()))), cls),
                        dict ? py::reinterpret_borrow<py::object>(dict) : py::none());
}

py::object unpickle(py::object data, py::object dtype, py::tuple size, py::tuple stride, bool requires_grad, py::str device,
                    py::object cls) {
  const DType d = dtype_of_object(dtype.ptr());
  const int64_t n = numel_of(shape_from(size));
  // rebuild_tensor checks that sizes and strides stay within the memory.
  Tensor t = rebuild_tensor(PyStorage{make_storage(size_t(n) * item_size(d), Device{})}, dtype, 0, shape_from(size), shape_from(stride));
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

void init_interop(py::module_& m) {
  py::class_<PyStorage>(m, "UntypedStorage", py::buffer_protocol(), "The memory behind tensors, as bytes.")
      .def(py::init([](int64_t nbytes, py::object device) {
             PG_CHECK_VALUE(nbytes >= 0, "UntypedStorage(): size ", nbytes, " is negative");
             return PyStorage{make_storage(size_t(nbytes), device.is_none() ? Device{} : parse_device(device.ptr()))};
           }),
           py::arg("nbytes") = 0, py::kw_only(), py::arg("device") = py::none())
      .def("data_ptr", [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage->data); })
      .def("nbytes", [](const PyStorage& s) { return s.storage->nbytes; })
      .def("size", [](const PyStorage& s) { return s.storage->nbytes; })
      .def("__len__", [](const PyStorage& s) { return s.storage->nbytes; })
      .def_property_readonly("device", [](const PyStorage& s) { return s.storage->device; })
      .def("_id", [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage.get()); })
      .def("__eq__", [](const PyStorage& a, py::object b) {
        return py::isinstance<PyStorage>(b) && py::cast<PyStorage&>(b).storage == a.storage;
      })
      .def("__hash__", [](const PyStorage& s) { return reinterpret_cast<uintptr_t>(s.storage.get()) >> 4; })
      .def_buffer([](PyStorage& s) {
        if (s.storage->device.is_cuda()) throw py::buffer_error("CUDA memory has no buffer; copy the tensor with .cpu() first");
        static char nothing;
        return py::buffer_info(s.storage->nbytes ? s.storage->data : &nothing, 1, "B", Py_ssize_t(s.storage->nbytes), s.storage->read_only);
      });
  m.def("_rebuild_tensor", [](const PyStorage& s, py::object dtype, int64_t offset, py::object size, py::object stride) {
    return rebuild_tensor(s, dtype, offset, shape_from(size), shape_from(stride));
  });
  m.def("from_dlpack", from_dlpack, "A tensor on the memory of any object with __dlpack__, or of a capsule.");
  m.def("_unpickle_tensor", unpickle);

  // Methods that are easier said with pybind11; functions bind to instances like any Python function.
  py::object tensor = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(tensor_type));
  auto add_method = [&](const char* name, auto f, auto... extra) {
    tensor.attr(name) = py::cpp_function(f, py::name(name), py::is_method(tensor), extra...);
  };
  add_method("untyped_storage", [](const Tensor& self) { return PyStorage{self.impl()->storage}; });
  add_method("storage", [](const Tensor& self) { return PyStorage{self.impl()->storage}; });
  add_method("is_set_to", [](const Tensor& self, const Tensor& other) {
    return self.impl()->storage == other.impl()->storage && same_layout(self, other);
  });
  add_method("is_same_size", [](const Tensor& self, const Tensor& other) { return Shape::same(self.sizes(), other.sizes()); });
  add_method("__dlpack__", to_dlpack, py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
             py::arg("dl_device") = py::none(), py::arg("copy") = py::none());
  add_method("__dlpack_device__", [](const Tensor& self) {
    const DLDevice d = dl_device(self);
    return std::make_pair(d.device_type, d.device_id);
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
