// DLPack both ways: the structures of its ABI (versions 0 and 1), __dlpack__ and from_dlpack().
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
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
  raise(ErrorKind::Runtime, "from_dlpack(): unsupported element type: code ", int(t.code), ", ",
        int(t.bits), " bits, ", t.lanes, " lanes");
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
  t.storage().expose();
  d = {t.numel() ? t.data() : nullptr,
       dl_device(t),
       int32_t(t.dim()),
       dl_type(t.dtype()),
       shape,
       strides,
       0};
}

template <class Managed>
PyObject* export_capsule(const Tensor& t, const char* name, uint64_t flags) {
  auto* e = new Exported<Managed>;
  e->tensor = t;
  fill(e->managed.dl_tensor, t, e->shape, e->strides);
  e->managed.manager_ctx = e;
  e->managed.deleter = [](Managed* m) {  // called by any thread, whether it has the GIL or not
    const DestructorGil gil;
    delete static_cast<Exported<Managed>*>(m->manager_ctx);
  };
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    e->managed.major = 1;
    e->managed.minor = 0;
    e->managed.flags = flags;
  }
  return PyCapsule_New(&e->managed, name, [](PyObject* capsule) {
    // A consumer renames the capsule; then the memory is its business.
    const char* unused =
        std::is_same_v<Managed, DLManagedTensor> ? "dltensor" : "dltensor_versioned";
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
  PG_CHECK(d.ndim >= 0 && d.ndim <= kMaxDims, "from_dlpack(): ", d.ndim,
           " dimensions; expected at most ", kMaxDims);
  const DType dtype = dtype_from_dl(d.dtype);
  Device device;
  if (d.device.device_type == kDLCUDA) {
    PG_CHECK(cuda_runtime() && cuda_runtime()->device_count() > d.device.device_id,
             "from_dlpack(): the data is on cuda:", d.device.device_id,
             ", which this build cannot reach");
    device = {DeviceType::cuda, int8_t(d.device.device_id)};
  } else {
    PG_CHECK(d.device.device_type == kDLCPU || d.device.device_type == kDLCUDAHost,
             "from_dlpack(): unsupported device type ", d.device.device_type);
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
  StoragePtr storage = wrap_storage(
      empty ? nullptr : data + low * bytes, empty ? 0 : size_t((high - low + 1) * bytes), device,
      [](void* p) {
        auto* managed = static_cast<Managed*>(p);
        const DestructorGil gil;
        if (gil && managed->deleter) managed->deleter(managed);
      },
      m);
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>)
    storage->read_only = m->flags & kReadOnlyFlag;
  return make_tensor(std::move(storage), dtype, sizes, strides, empty ? 0 : -low);
}

py::object to_dlpack(const Tensor& tensor, py::object stream, py::object max_version,
                     py::object device, py::object copy) {
  Tensor t = tensor;
  PG_CHECK_KIND(Runtime, !t.requires_grad(),
                "Can't export tensors that require gradient, use tensor.detach()");
  (void)stream;  // the device is synchronised by the copy rules of the default stream
  bool copied = false;
  if (!device.is_none()) {
    const auto wanted = py::cast<std::pair<int, int>>(device);
    const Device target =
        wanted.first == kDLCUDA ? Device{DeviceType::cuda, int8_t(wanted.second)} : Device{};
    if (target != t.device()) {
      PG_CHECK_VALUE(copy.is_none() || py::cast<bool>(copy),
                     "__dlpack__(): cannot move the tensor to another device without a copy");
      t = to_device(t, target);
      copied = true;
    }
  }
  if (!copy.is_none() && py::cast<bool>(copy) && !copied) {
    t = clone(t);
    copied = true;
  }
  const bool versioned =
      !max_version.is_none() &&
      py::cast<int>(py::object(py::reinterpret_borrow<py::tuple>(max_version)[0])) >= 1;
  const uint64_t flags = (t.storage().read_only ? kReadOnlyFlag : 0) | (copied ? kCopiedFlag : 0);
  PG_CHECK_KIND(
      Runtime, versioned || !t.storage().read_only,
      "__dlpack__(): read-only memory needs a consumer of DLPack 1.0 or later. Use clone()");
  return py::reinterpret_steal<py::object>(
      versioned ? export_capsule<DLManagedTensorVersioned>(t, "dltensor_versioned", flags)
                : export_capsule<DLManagedTensor>(t, "dltensor", 0));
}

Tensor from_dlpack(py::object source) {
  py::object capsule = source;
  if (!PyCapsule_CheckExact(source.ptr())) {
    PG_CHECK_TYPE(py::hasattr(source, "__dlpack__"),
                  "from_dlpack(): expected an object with __dlpack__, not ",
                  Py_TYPE(source.ptr())->tp_name);
    try {
      capsule = source.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
    } catch (py::error_already_set& e) {
      if (!e.matches(PyExc_TypeError)) throw;
      capsule = source.attr("__dlpack__")();  // a producer from before DLPack 1.0
    }
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned"))
    return import_capsule<DLManagedTensorVersioned>(capsule.ptr(), "dltensor_versioned",
                                                    "used_dltensor_versioned");
  PG_CHECK_VALUE(PyCapsule_IsValid(capsule.ptr(), "dltensor"),
                 "from_dlpack(): the capsule holds no DLPack tensor, or was already used");
  return import_capsule<DLManagedTensor>(capsule.ptr(), "dltensor", "used_dltensor");
}

}  // namespace

void init_dlpack(py::module_& m) {
  m.def("from_dlpack", from_dlpack,
        "A tensor on the memory of any object with __dlpack__, or of a capsule.");
  add_method("__dlpack__", to_dlpack, py::kw_only(), py::arg("stream") = py::none(),
             py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(),
             py::arg("copy") = py::none());
  add_method("__dlpack_device__", [](const Tensor& self) {
    const DLDevice d = dl_device(self);
    return std::make_pair(d.device_type, d.device_id);
  });
}

}  // namespace pygrad::python
