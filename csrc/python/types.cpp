// dtype, Size, device: the small value types.
#include <cstring>

#include "csrc/ops/creation.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

// The constants torch.strided, torch.channels_last and the like: objects that are their name.
struct NamedConstant {
  const char* name;
};

struct PyDType {
  PyObject_HEAD DType dtype;
};
PyTypeObject* dtype_type;
PyObject* dtype_objects[kNumDTypes];
PyTypeObject* size_type;
thread_local std::vector<Device>
    outer_devices;  // of the `with device:` blocks that this thread is in

PyDType* as_dtype(PyObject* o) { return reinterpret_cast<PyDType*>(o); }

PyObject* dtype_repr(PyObject* self) {
  return PyUnicode_FromFormat("torch.%s", dtype_name(as_dtype(self)->dtype));
}
// Pickled as a global name, so that unpickling finds the singleton.
PyObject* dtype_reduce(PyObject* self, PyObject*) {
  return Py_BuildValue("O(s)",
                       PyObject_GetAttrString(PyImport_AddModule("pygrad._C"), "_dtype_from_name"),
                       dtype_name(as_dtype(self)->dtype));
}
PyObject* dtype_itself(PyObject* self, PyObject*) {
  Py_INCREF(self);
  return self;
}
PyObject* dtype_to_complex(PyObject* self, PyObject*) {
  return wrap_dtype(complex_dtype(as_dtype(self)->dtype));
}
PyObject* dtype_to_real(PyObject* self, PyObject*) {
  return wrap_dtype(real_dtype(as_dtype(self)->dtype));
}
PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"__copy__", dtype_itself, METH_NOARGS, nullptr},
    {"__deepcopy__", dtype_itself, METH_O, nullptr},
    {"to_complex", dtype_to_complex, METH_NOARGS, "The complex dtype of this precision."},
    {"to_real", dtype_to_real, METH_NOARGS, "The real dtype of this precision."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef dtype_attributes[] = {
    {"itemsize",
     [](PyObject* s, void*) { return PyLong_FromSize_t(item_size(as_dtype(s)->dtype)); }, nullptr,
     "Bytes per element.", nullptr},
    {"is_floating_point",
     [](PyObject* s, void*) { return PyBool_FromLong(is_floating(as_dtype(s)->dtype)); }, nullptr,
     "True for float16, bfloat16, float32 and float64.", nullptr},
    {"is_complex",
     [](PyObject* s, void*) { return PyBool_FromLong(is_complex(as_dtype(s)->dtype)); }, nullptr,
     "True for complex64 and complex128.", nullptr},
    {"is_signed",
     [](PyObject* s, void*) {
       return PyBool_FromLong(as_dtype(s)->dtype != DType::Bool &&
                              as_dtype(s)->dtype != DType::UInt8);
     },
     nullptr, "True when negative values can be held.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* size_repr(PyObject* self) {
  PyObject* list = PySequence_List(self);
  if (!list) return nullptr;
  PyObject* text = PyUnicode_FromFormat("torch.Size(%R)", list);
  Py_DECREF(list);
  return text;
}

PyObject* size_from_tuple(PyObject* tuple) {
  if (!tuple || Py_TYPE(tuple) == size_type || !PyTuple_Check(tuple)) return tuple;
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  PyObject* out = size_type->tp_alloc(size_type, n);
  for (Py_ssize_t i = 0; out && i < n; ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple, i);
    Py_INCREF(item);
    PyTuple_SET_ITEM(out, i, item);
  }
  Py_DECREF(tuple);
  return out;
}

PyObject* size_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject* items = PyTuple_Type.tp_new(&PyTuple_Type, args, nullptr);
  if (!items) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); ++i)
    if (!PyLong_Check(PyTuple_GET_ITEM(items, i)) && !PyIndex_Check(PyTuple_GET_ITEM(items, i))) {
      PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i,
                   Py_TYPE(PyTuple_GET_ITEM(items, i))->tp_name);
      Py_DECREF(items);
      return nullptr;
    }
  return size_from_tuple(items);
}
PyObject* size_concat(PyObject* self, PyObject* other) {
  return size_from_tuple(PyTuple_Type.tp_as_sequence->sq_concat(self, other));
}
PyObject* size_repeat(PyObject* self, Py_ssize_t n) {
  return size_from_tuple(PyTuple_Type.tp_as_sequence->sq_repeat(self, n));
}
PyObject* size_subscript(PyObject* self, PyObject* index) {
  PyObject* r = PyTuple_Type.tp_as_mapping->mp_subscript(self, index);
  return PySlice_Check(index) ? size_from_tuple(r) : r;
}
PyObject* size_numel(PyObject* self, PyObject*) {
  int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i)
    n *= PyLong_AsLongLong(PyTuple_GET_ITEM(self, i));
  return PyLong_FromLongLong(n);
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  return Py_BuildValue("O(N)", size_type, PySequence_Tuple(self));
}
PyMethodDef size_methods[] = {
    {"numel", size_numel, METH_NOARGS, "The number of elements: the product of the sizes."},
    {"__reduce__", size_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* wrap_dtype(DType dtype) {
  PyObject* o = dtype_objects[int(dtype)];
  Py_INCREF(o);
  return o;
}

bool is_dtype(PyObject* o) {
  return Py_TYPE(o) == dtype_type || o == reinterpret_cast<PyObject*>(&PyFloat_Type) ||
         o == reinterpret_cast<PyObject*>(&PyLong_Type) ||
         o == reinterpret_cast<PyObject*>(&PyBool_Type) ||
         o == reinterpret_cast<PyObject*>(&PyComplex_Type);
}

DType dtype_of_object(PyObject* o) {
  if (Py_TYPE(o) == dtype_type) return as_dtype(o)->dtype;
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::Float64;
  if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::Int64;
  if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::Bool;
  if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) return DType::Complex128;
  raise(ErrorKind::Type, "expected a dtype such as torch.float32, not ", Py_TYPE(o)->tp_name);
}

namespace {

PyObject* new_size(Sizes sizes) {
  PyObject* out = size_type->tp_alloc(size_type, Py_ssize_t(sizes.size()));
  if (!out) return nullptr;
  for (size_t i = 0; i < sizes.size(); ++i)
    PyTuple_SET_ITEM(out, Py_ssize_t(i), PyLong_FromLongLong(sizes[i]));
  return out;
}

// Sizes asked for lately, by a hash of their numbers: a program sees few shapes and asks for them
// often, and a Size never changes. One that meets another in its place replaces it.
struct KnownSize {
  PyObject* size = nullptr;
  int64_t dims = -1;
  int64_t values[4];
};
constexpr size_t kKnownSizes = 256;
KnownSize known_sizes[kKnownSizes];

}  // namespace

PyObject* wrap_size(Sizes sizes) {
  if (sizes.size() > std::size(KnownSize{}.values)) return new_size(sizes);
  uint64_t hash = sizes.size();
  for (int64_t s : sizes) hash = (hash ^ uint64_t(s)) * 0x9E3779B97F4A7C15u;
  KnownSize& known = known_sizes[hash >> 56];
  static_assert(kKnownSizes == 256, "the index is the hash's highest byte");
  bool same = known.dims == int64_t(sizes.size());
  for (size_t i = 0; same && i < sizes.size(); ++i) same = known.values[i] == sizes[i];
  if (!same) {
    PyObject* fresh = new_size(sizes);
    if (!fresh) return nullptr;
    PyObject* old = std::exchange(known.size, fresh);
    known.dims = int64_t(sizes.size());
    std::copy(sizes.begin(), sizes.end(), known.values);
    Py_XDECREF(old);
  }
  return Py_NewRef(known.size);
}

PyObject* wrap_device(Device device) { return py::cast(device).release().ptr(); }
bool is_device(PyObject* o) { return PyUnicode_Check(o) || py::isinstance<Device>(o); }

namespace {

constexpr int64_t kMaxDeviceIndex = 127;  // what Device::index holds

Device named_cuda(int64_t index) {
  PG_CHECK(index >= 0 && index <= kMaxDeviceIndex, "CUDA device index ", index,
           " is invalid; expected 0..", kMaxDeviceIndex);
  return {DeviceType::cuda, int8_t(index)};
}

// The device must exist; a negative index means the current one.
Device checked_cuda(int64_t index) {
  const CudaRuntime* cuda = cuda_runtime();
  const int count = cuda ? cuda->device_count() : 0;
  PG_CHECK(count > 0, "no CUDA device is available: ",
           cuda ? cuda->why()
                : "Torch not compiled with CUDA enabled (pygrad was built with PYGRAD_CUDA=OFF)",
           ". Use device='cpu'");
  if (index < 0) index = cuda->current_device();
  PG_CHECK(index < count, "CUDA device index ", index,
           " is out of range; expected 0. One device is used, the first that "
           "CUDA_VISIBLE_DEVICES names");
  return {DeviceType::cuda, int8_t(index)};
}

// "cpu", "cuda" or "cuda:1". With `lenient` a CUDA device need not exist (torch.device('cuda') is
// only a name).
Device device_from_text(const std::string& text, bool lenient) {
  const size_t colon = text.find(':');
  const std::string type = text.substr(0, colon);
  int64_t index = -1;
  if (colon != std::string::npos) {
    char* end;
    index = std::strtoll(text.c_str() + colon + 1, &end, 10);
    const bool digit =
        text[colon + 1] >= '0' && text[colon + 1] <= '9';  // strtoll would take spaces and signs
    PG_CHECK(digit && *end == 0, "Invalid device string: '", text, "'; expected e.g. 'cuda:0'");
  }
  if (type == "cpu") {
    PG_CHECK(index <= 0, "CPU device index must be -1 or zero, got ", index);
    return {};
  }
  PG_CHECK(type == "cuda", "Expected one of cpu, cuda device type at start of device string: '",
           text, "'");
  if (lenient) return index < 0 ? Device{DeviceType::cuda, int8_t(-1)} : named_cuda(index);
  return checked_cuda(index);
}

}  // namespace

Device parse_device(PyObject* o) {
  if (PyUnicode_Check(o)) return device_from_text(PyUnicode_AsUTF8(o), false);
  if (PyLong_Check(o) && !PyBool_Check(o))
    return checked_cuda(named_cuda(py::cast<int64_t>(py::handle(o))).index);
  PG_CHECK_TYPE(py::isinstance<Device>(o), "expected a device, such as 'cpu' or 'cuda:0', not ",
                Py_TYPE(o)->tp_name);
  const Device d = py::cast<Device>(py::handle(o));
  return d.is_cuda() ? checked_cuda(d.index) : d;
}

PyObject* wrap_generator(Generator* generator) {
  return py::cast(generator, py::return_value_policy::reference).release().ptr();
}

void init_types(PyObject* module_object) {
  py::module_ m = py::reinterpret_borrow<py::module_>(module_object);
  PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                               {Py_tp_methods, dtype_methods},
                               {Py_tp_getset, dtype_attributes},
                               {Py_tp_doc, const_cast<char*>("The type of a tensor's elements.")},
                               {0, nullptr}};
  PyType_Spec dtype_spec = {"pygrad.dtype", sizeof(PyDType), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};
  dtype_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&dtype_spec));
  m.attr("dtype") = py::handle(reinterpret_cast<PyObject*>(dtype_type));
  for (int i = 0; i < kNumDTypes; ++i) {
    auto* o = PyObject_New(PyDType, dtype_type);
    o->dtype = DType(i);
    dtype_objects[i] = reinterpret_cast<PyObject*>(o);
    m.attr(dtype_name(DType(i))) = py::handle(dtype_objects[i]);
  }
  m.def("_dtype_from_name", [](const std::string& name) -> py::object {
    for (int i = 0; i < kNumDTypes; ++i)
      if (name == dtype_name(DType(i))) return py::reinterpret_borrow<py::object>(dtype_objects[i]);
    throw py::value_error("unknown dtype '" + name + "'");
  });

  PyType_Slot size_slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(size_new)},
      {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
      {Py_tp_str, reinterpret_cast<void*>(size_repr)},
      {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
      {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
      {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
      {Py_tp_methods, size_methods},
      {Py_tp_doc, const_cast<char*>("The sizes of a tensor: a tuple of ints.")},
      {0, nullptr}};
  PyType_Spec size_spec = {"pygrad.Size", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           size_slots};
  py::tuple bases = py::make_tuple(py::handle(reinterpret_cast<PyObject*>(&PyTuple_Type)));
  size_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&size_spec, bases.ptr()));
  m.attr("Size") = py::handle(reinterpret_cast<PyObject*>(size_type));

  auto constants = [&](const char* type, std::initializer_list<const char*> names) {
    for (const char* name : names) m.attr(name) = m.attr(type)(name);
  };
  struct Layout : NamedConstant {};
  struct MemoryFormat : NamedConstant {};
  auto define = [&]<class T>(const char* type, T*) {
    py::class_<T>(m, type)
        .def(
            py::init([](const std::string& name) { return T{{(new std::string(name))->c_str()}}; }))
        .def("__repr__", [](const T& c) { return std::string("torch.") + c.name; })
        .def("__eq__",
             [](const T& a, py::object b) {
               return py::isinstance<T>(b) && !std::strcmp(a.name, py::cast<T&>(b).name);
             })
        .def("__hash__", [](const T& c) { return std::hash<std::string>()(c.name); })
        .def("__reduce__", [](const py::object& self) {
          return py::make_tuple(py::type::of(self),
                                py::make_tuple(std::string(py::cast<T&>(self).name)));
        });
  };
  define("layout", static_cast<Layout*>(nullptr));
  define("memory_format", static_cast<MemoryFormat*>(nullptr));
  constants("layout", {"strided"});
  constants("memory_format",
            {"contiguous_format", "preserve_format", "channels_last", "channels_last_3d"});

  py::class_<Device>(m, "device",
                     "Where a tensor lives: device('cpu'), device('cuda', 0), device('cuda:1').")
      .def(py::init([](py::object type, std::optional<int64_t> index) {
             if (py::isinstance<Device>(type)) return py::cast<Device>(type);
             if (py::isinstance<py::int_>(type)) return named_cuda(py::cast<int64_t>(type));
             std::string text = py::cast<std::string>(type);
             if (index) {
               PG_CHECK(
                   text.find(':') == std::string::npos,
                   "type (string) must not include an index because index was passed explicitly: ",
                   text);
               text += ":" + std::to_string(*index);
             }
             return device_from_text(text, true);
           }),
           py::arg("type"), py::arg("index") = py::none())
      .def_property_readonly("type", [](Device d) { return d.is_cuda() ? "cuda" : "cpu"; })
      .def_property_readonly("index",
                             [](Device d) -> py::object {
                               if (!d.is_cuda() || d.index < 0) return py::none();
                               return py::int_(int(d.index));
                             })
      .def("__repr__",
           [](Device d) {
             return d.is_cuda() ? d.index < 0
                                      ? std::string("device(type='cuda')")
                                      : "device(type='cuda', index=" + std::to_string(d.index) + ")"
                                : std::string("device(type='cpu')");
           })
      .def("__str__",
           [](Device d) {
             return d.is_cuda()
                        ? d.index < 0 ? std::string("cuda") : "cuda:" + std::to_string(d.index)
                        : std::string("cpu");
           })
      .def("__eq__",
           [](Device a, py::object b) {
             return py::isinstance<Device>(b) && a == py::cast<Device>(b);
           })
      .def("__hash__", [](Device d) { return int(d.type) * 256 + d.index; })
      .def(
          "__enter__",
          [](py::object self) {
            const Device d = parse_device(self.ptr());
            outer_devices.push_back(default_device());
            set_default_device(d);
            return self;
          },
          "Makes new tensors of this thread lie here for a block, unless they are told where.")
      .def("__exit__",
           [](Device, py::args) {
             PG_CHECK(!outer_devices.empty(), "device.__exit__(): was not entered");
             set_default_device(outer_devices.back());
             outer_devices.pop_back();
           })
      .def("__reduce__", [](py::object self) {
        return py::make_tuple(py::type::of(self), py::make_tuple(py::str(self)));
      });
}

}  // namespace pygrad::python
