// What the module says of itself and of the machine: threads, instruction sets, memory, CUDA,
// generators, dtype rules.
#include "csrc/core/allocator.h"
#include "csrc/core/deferred.h"
#include "csrc/ops/creation.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

#ifndef PYGRAD_VERSION
#define PYGRAD_VERSION "0"
#endif
#ifndef PYGRAD_BUILD_OPTIONS
#define PYGRAD_BUILD_OPTIONS ""
#endif

namespace pygrad {
extern void* (*release_python_lock)();
extern void (*retake_python_lock)(void* state);
}  // namespace pygrad

namespace pygrad::python {
namespace {

constexpr const char* kPrecisions[] = {"highest", "high", "medium"};  // as in Float32Precision

void init_generators(py::module_& m) {
  py::class_<Generator>(m, "Generator", "The state of a random stream: a seed and a position.")
      .def(py::init([](py::object device) {
             return std::make_unique<Generator>(device.is_none() ? Device{}
                                                                 : parse_device(device.ptr()));
           }),
           py::arg("device") = py::none())
      .def("manual_seed",
           [](py::object self, py::int_ seed) {
             // Any Python int is accepted; negative ones wrap as in PyTorch.
             const uint64_t s = PyLong_AsUnsignedLongLongMask(seed.ptr());
             py::cast<Generator&>(self).manual_seed(s);
             return self;
           })
      .def("seed", &Generator::seed)
      .def("initial_seed", &Generator::initial_seed)
      .def_property_readonly("device", &Generator::device)
      .def(
          "get_state",
          [](const Generator& g) {
            const Generator::Draw s = g.state();
            Tensor t = empty(Shape{16}, DType::UInt8);
            std::memcpy(t.data(), &s, 16);
            return t;
          },
          "The state as a tensor of 16 bytes: seed, then position.")
      .def("set_state",
           [](py::object self, const Tensor& t) {
             PG_CHECK_TYPE(t.defined() && t.dtype() == DType::UInt8,
                           "RNG state must be a torch.ByteTensor");
             PG_CHECK(t.numel() == 16, "RNG state is wrong size: ", t.numel(),
                      " bytes; expected 16");
             Generator::Draw s;
             std::memcpy(&s, contiguous(t).data(), 16);
             py::cast<Generator&>(self).set_state(s);
             return self;
           })
      .def("clone_state",
           [](const Generator& g) {
             auto c = std::make_unique<Generator>(g.device());
             c->set_state(g.state());
             return c;
           })
      .def("__reduce__", [](py::object self) {
        const Generator& g = py::cast<Generator&>(self);
        return py::make_tuple(
            py::module_::import("pygrad._C").attr("_unpickle_generator"),
            py::make_tuple(py::str(py::cast(g.device())), g.state().seed, g.state().offset));
      });
  m.def("_unpickle_generator", [](const std::string& device, uint64_t seed, uint64_t offset) {
    auto g = std::make_unique<Generator>(parse_device(py::str(device).ptr()));
    g->set_state({seed, offset});
    return g;
  });
  m.attr("default_generator") =
      py::cast(&default_generator(Device{}), py::return_value_policy::reference);
  m.attr("default_cuda_generator") =
      py::cast(&default_generator(Device{DeviceType::cuda, 0}), py::return_value_policy::reference);
}

py::dict stats_of(DeviceType device) {
  const MemoryStats s = memory_stats(device);
  py::dict d;
  d["allocated"] = s.allocated_bytes;
  d["max_allocated"] = s.peak_allocated_bytes;
  d["reserved"] = s.allocated_bytes + s.cached_bytes;
  d["max_reserved"] = s.peak_allocated_bytes + s.cached_bytes;
  d["allocations"] = s.allocations;
  d["system_allocations"] = s.system_allocations;
  return d;
}

DeviceType device_type(const std::string& name) {
  return name.rfind("cuda", 0) == 0 ? DeviceType::cuda : DeviceType::cpu;
}

void init_cuda(py::module_& m) {
  m.def("cuda_is_available", [] { return cuda_runtime() && cuda_runtime()->device_count() > 0; });
  m.def("cuda_is_built", [] { return cuda_runtime() != nullptr; });
  m.def("cuda_is_emulated", [] { return cuda_runtime() && cuda_runtime()->is_emulated(); });
  m.def("cuda_device_count", [] { return cuda_runtime() ? cuda_runtime()->device_count() : 0; });
  m.def("cuda_why", [] {
    return std::string(cuda_runtime() ? cuda_runtime()->why()
                                      : "pygrad was built with PYGRAD_CUDA=OFF");
  });
  m.def("cuda_device_name", [](int i) {
    char name[256] = "";
    PG_CHECK(cuda_runtime() && cuda_runtime()->device_name(i, name, sizeof name),
             "no CUDA device with index ", i);
    return std::string(name);
  });
  m.def("cuda_synchronize", [] {
    if (!cuda_runtime()) return;
    bool ok;
    {
      const ReleaseGil gil(true);
      ok = cuda_runtime()->synchronize();
    }
    const char* error = ok ? nullptr : cuda_runtime()->last_error();
    PG_CHECK(ok, "CUDA error: ", error ? error : "unknown");
  });
  m.def("cuda_current_device",
        [] { return cuda_runtime() ? cuda_runtime()->current_device() : 0; });
  m.def("cuda_set_device", [](int i) {
    PG_CHECK(cuda_runtime() && i >= 0 && i < cuda_runtime()->device_count() &&
                 cuda_runtime()->set_device(i),
             "no CUDA device with index ", i);
  });
  m.def("cuda_memory_info", [] {
    size_t free = 0, total = 0;
    if (cuda_runtime()) cuda_runtime()->memory_info(&free, &total);
    return std::make_pair(free, total);
  });
}

}  // namespace

void init_runtime(py::module_& m) {
  init_generators(m);
  init_cuda(m);
  release_python_lock = []() -> void* {
    return Py_IsInitialized() && PyGILState_Check() ? release_gil() : nullptr;
  };
  retake_python_lock = [](void* s) { retake_gil(static_cast<PyThreadState*>(s)); };

  m.attr("__version__") = PYGRAD_VERSION;
  m.def("build_info", [] {
    py::dict d;
    d["version"] = PYGRAD_VERSION;
    d["options"] = PYGRAD_BUILD_OPTIONS;
    d["compiler"] = __VERSION__;
    d["isa"] = isa_name();
    d["cuda"] = cuda_runtime() == nullptr       ? "off"
                : cuda_runtime()->is_emulated() ? "emulated"
                                                : "on";
    return d;
  });
  m.def("get_num_threads", &num_threads);
  m.def("set_num_threads", [](int n) {
    PG_CHECK(n > 0, "set_num_threads(): expected a positive integer, got ", n);
    set_num_threads(n);
  });
  m.def("get_deferral_threshold", []() -> std::optional<int64_t> {
    const int64_t n = deferral_threshold.load();
    return n == INT64_MAX ? std::nullopt : std::optional<int64_t>(n);
  });
  m.def("set_deferral_threshold", [](std::optional<int64_t> n) {
    PG_CHECK_VALUE(!n || *n > 0,
                   "set_deferral_threshold(): expected a positive number of elements, or None to "
                   "run every op at once, got ",
                   n.value_or(0));
    const ReleaseGil gil(true);
    set_deferral_threshold(n.value_or(INT64_MAX));
  });
  m.def("isa_name", [] { return std::string(isa_name()); });
  m.def(
      "fma_peak",
      [](py::object dtype, double seconds) {
        const DType type = dtype_of_object(dtype.ptr());
        PG_CHECK(type == DType::Float32 || type == DType::Float64, "fma_peak(): dtype is ", type,
                 "; expected float32 or float64");
        const ReleaseGil gil(true);
        return fma_peak(type, seconds);
      },
      py::arg("dtype"), py::arg("seconds") = 0.01,
      "Flops a second that registers alone allow, on the threads in force: the best in `seconds`.");
  m.def("available_isas", [] {
    const char* names[8];
    const int n = available_isas(names, 8);
    py::list list;
    for (int i = 0; i < n; ++i) list.append(names[i]);
    return list;
  });
  m.def("set_isa", [](const std::string& name) {
    PG_CHECK_VALUE(set_isa(name.c_str()), "set_isa(): '", name,
                   "' is not available on this processor");
  });

  m.def(
      "memory_stats", [](const std::string& device) { return stats_of(device_type(device)); },
      py::arg("device") = "cpu");
  m.def(
      "reset_peak_memory_stats",
      [](const std::string& device) { reset_peak_memory(device_type(device)); },
      py::arg("device") = "cpu");
  m.def("empty_cache", &empty_cache);
  m.def("set_memory_cache_cap", &set_memory_cache_cap);

  m.def("get_default_dtype",
        [] { return py::reinterpret_steal<py::object>(wrap_dtype(default_dtype())); });
  m.def("set_default_dtype", [](py::object d) {
    PG_CHECK_TYPE(is_dtype(d.ptr()),
                  "set_default_dtype(): invalid dtype object: only floating-point types are "
                  "supported as the default type");
    set_default_dtype(dtype_of_object(d.ptr()));
  });
  m.def("get_default_device", &default_device);
  m.def("set_default_device",
        [](py::object device) { set_default_device(parse_device(device.ptr())); });
  m.def("promote_types", [](py::object a, py::object b) {
    return py::reinterpret_steal<py::object>(
        wrap_dtype(promote_types(dtype_of_object(a.ptr()), dtype_of_object(b.ptr()))));
  });
  m.def("can_cast", [](py::object a, py::object b) {
    return can_cast(dtype_of_object(a.ptr()), dtype_of_object(b.ptr()));
  });
  m.def("result_type", [](py::object a, py::object b) {
    auto operand = [](py::object o) {
      if (is_tensor(o.ptr())) return Operand(tensor_of(o.ptr()));
      PG_CHECK_TYPE(is_number(o.ptr()), "result_type(): expected a Tensor or a number, not ",
                    Py_TYPE(o.ptr())->tp_name);
      return Operand(scalar_of(o.ptr()));
    };
    const Operand x = operand(a), y = operand(b);
    DType d;
    if (x.is_tensor())
      d = result_type(x.tensor, y);
    else if (y.is_tensor())
      d = result_type(y.tensor, x);
    else
      d = promote_types(scalar_dtype(x.scalar), scalar_dtype(y.scalar));
    return py::reinterpret_steal<py::object>(wrap_dtype(d));
  });
  m.def("cpu_capability", [] { return std::string(isa_name()); });
  m.def("set_float32_matmul_precision", [](const std::string& precision) {
    for (int i = 0; i < 3; ++i)
      if (precision == kPrecisions[i]) return set_float32_precision(Float32Precision(i));
    raise(ErrorKind::Value, "set_float32_matmul_precision(): '", precision,
          "' is unknown; expected 'highest', 'high' or 'medium'");
  });
  m.def("get_float32_matmul_precision", [] { return kPrecisions[int(float32_precision())]; });
  m.def("tile_unit", [] { return std::string(tile_unit()); });
  m.def("set_tile_unit", [](const std::string& name) {
    PG_CHECK_KIND(Value, set_tile_unit(name.c_str()), "tile_unit: '", name,
                  "' is unknown or not available on this processor; expected 'auto', 'none', "
                  "'emulated', 'avx512' or 'amx'");
  });
  m.def("float32_split_allowed", [] { return float32_split_allowed(); });
  m.def("set_float32_split_allowed", [](bool allowed) { set_float32_split_allowed(allowed); });
  m.def("winograd_allowed", [] { return winograd_allowed(); });
  m.def("set_winograd_allowed", [](bool allowed) { set_winograd_allowed(allowed); });
}

}  // namespace pygrad::python
