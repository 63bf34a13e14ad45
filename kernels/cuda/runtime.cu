// The device: memory, transfers, errors; what launch.cuh declares and CudaRuntime offers.
//
// Nothing here may fail for want of a driver: without one the device count is 0 and why() tells
// what the runtime answered. All work goes to the default stream, so memory given back can be
// handed out again at once.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels/cuda/launch.cuh"

namespace pygrad {
namespace cuda {
namespace {

constexpr int kMaxDevices = 64;

// The last failure of this thread, until last_error() takes it.
thread_local char error_text[512];
thread_local char taken_text[512];

void record(const char* what, cudaError_t error) {
  std::snprintf(error_text, sizeof error_text, "%s: CUDA error: %s (%s)", what,
                cudaGetErrorString(error), cudaGetErrorName(error));
}

bool succeeded(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return true;
  cudaGetLastError();  // so that the next launch is not blamed
  record(what, error);
  return false;
}

bool synchronous() {
  static const bool value = [] {
    const char* text = std::getenv("PYGRAD_CUDA_SYNC");
    return text && *text && std::strcmp(text, "0") != 0;
  }();
  return value;
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

// Makes a device current for one scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    if (cudaGetDevice(&before_) == cudaSuccess && before_ != device) {
      switched_ = cudaSetDevice(device) == cudaSuccess;
    }
  }
  ~DeviceGuard() {
    if (switched_) cudaSetDevice(before_);
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int before_ = 0;
  bool switched_ = false;
};

// The pool behind Scratch keeps its memory instead of handing it back at every synchronisation.
void keep_pool_memory(int device) {
  static std::atomic<bool> done[kMaxDevices];
  if (device >= kMaxDevices || done[device].exchange(true)) return;
  cudaMemPool_t pool;
  if (cudaDeviceGetDefaultMemPool(&pool, device) != cudaSuccess) return;
  uint64_t all = ~uint64_t(0);
  cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
}

}  // namespace

void check(cudaError_t error, const char* what) {
  if (!succeeded(error, what)) throw std::runtime_error(error_text);
}

void check_launch(const char* kernel) {
  cudaError_t error = cudaGetLastError();
  const bool wait = error == cudaSuccess && synchronous();
  if (wait) error = cudaDeviceSynchronize();
  if (error == cudaSuccess) return;
  record(kernel, error);
  std::string text = error_text;
  if (!wait) text += "; an earlier kernel may have failed: PYGRAD_CUDA_SYNC=1 tells which";
  throw std::runtime_error(text);
}

int full_grid(int threads_per_block) {
  static std::atomic<int> resident[kMaxDevices];  // threads that fit on the device; 0 = not known
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  int threads = device < kMaxDevices ? resident[device].load(std::memory_order_relaxed) : 0;
  if (threads == 0) {
    threads = attribute(cudaDevAttrMultiProcessorCount, device) *
              attribute(cudaDevAttrMaxThreadsPerMultiProcessor, device);
    if (device < kMaxDevices) resident[device].store(threads, std::memory_order_relaxed);
  }
  // Four waves, so that the last one leaves little of the device idle.
  const int blocks = threads / threads_per_block * 4;
  return blocks > 0 ? blocks : 1;
}

Scratch::Scratch(size_t bytes) {
  if (bytes == 0) return;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  keep_pool_memory(device);
  check(cudaMallocAsync(&data_, bytes, current_stream()), "cudaMallocAsync");
}
Scratch::~Scratch() {
  if (data_) cudaFreeAsync(data_, current_stream());
}

void read_back(void* host, const void* device, size_t bytes) {
  check(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
}

// --- CudaRuntime --------------------------------------------------------------------------------

namespace {

// All work runs on the first visible device, so the others are only named by why().
struct Devices {
  int found = 0, count = 0;
  cudaError_t error = cudaSuccess;
  Devices() {
    error = cudaGetDeviceCount(&found);
    if (error != cudaSuccess) {
      found = 0;
      cudaGetLastError();
    }
    count = found > 0 ? 1 : 0;
  }
};
const Devices& devices() {
  static const Devices value;
  return value;
}

int device_count() { return devices().count; }

bool is_emulated() {
#ifdef PYGRAD_CUDA_EMULATE
  return true;
#else
  return false;
#endif
}

const char* why() {
  static const std::string text = [] {
    if (is_emulated()) {
      return std::string("built with PYGRAD_CUDA=EMULATE: the kernels run on the CPU");
    }
    int driver = 0, runtime = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess) cudaGetLastError();
    if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) cudaGetLastError();
    const auto version = [](int v) {
      return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
    };
    std::string s = "built with PYGRAD_CUDA=ON, CUDA runtime " + version(runtime) + "; ";
    s += driver == 0 ? "no CUDA driver found" : "the driver supports CUDA " + version(driver);
    if (devices().error != cudaSuccess) {
      return s + "; cudaGetDeviceCount: " + cudaGetErrorString(devices().error);
    }
    s += "; devices:";
    for (int i = 0; i < devices().found; ++i) {
      cudaDeviceProp p;
      if (cudaGetDeviceProperties(&p, i) != cudaSuccess) continue;
      s += std::string(i == 0 ? " " : ", ") + p.name + " (compute capability " +
           std::to_string(p.major) + "." + std::to_string(p.minor) + ")";
    }
    if (devices().found > 1) s += "; the first is used: CUDA_VISIBLE_DEVICES chooses another";
    return s;
  }();
  return text.c_str();
}

bool device_name(int device, char* out, size_t capacity) {
  if (device < 0 || device >= device_count()) return false;
  cudaDeviceProp p;
  if (!succeeded(cudaGetDeviceProperties(&p, device), "cudaGetDeviceProperties")) return false;
  std::snprintf(out, capacity, "%s", p.name);
  return true;
}

void* allocate(size_t bytes, int device) {
  const DeviceGuard guard(device);
  void* p = nullptr;
  return succeeded(cudaMalloc(&p, bytes), "cudaMalloc") ? p : nullptr;
}
void deallocate(void* p, size_t, int device) {
  const DeviceGuard guard(device);
  // At the end of the process the runtime may be gone already; there is nobody left to tell.
  if (cudaFree(p) != cudaSuccess) cudaGetLastError();
}

bool copy_bytes(void* dst, const void* src, size_t bytes, int kind) {
  if (bytes == 0) return true;
  constexpr cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost,
                                      cudaMemcpyDeviceToDevice};
  if (kind == 2) {
    return succeeded(cudaMemcpyAsync(dst, src, bytes, kinds[2], current_stream()),
                     "cudaMemcpyAsync");
  }
  return succeeded(cudaMemcpy(dst, src, bytes, kinds[kind]), "cudaMemcpy");
}

bool synchronize() { return succeeded(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

const char* last_error() {
  if (error_text[0] == '\0') return nullptr;
  std::memcpy(taken_text, error_text, sizeof taken_text);
  error_text[0] = '\0';
  return taken_text;
}

bool memory_info(size_t* free, size_t* total) {
  return succeeded(cudaMemGetInfo(free, total), "cudaMemGetInfo");
}
int current_device() {
  int device = 0;
  return device_count() > 0 && succeeded(cudaGetDevice(&device), "cudaGetDevice") ? device : 0;
}
bool set_device(int device) { return succeeded(cudaSetDevice(device), "cudaSetDevice"); }

constexpr CudaRuntime kRuntime = {
    device_count, is_emulated, why,        device_name, allocate,       deallocate,
    copy_bytes,   synchronize, last_error, memory_info, current_device, set_device};

}  // namespace
}  // namespace cuda

const CudaRuntime* cuda_runtime() { return &cuda::kRuntime; }

}  // namespace pygrad
