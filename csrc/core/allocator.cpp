#include "csrc/core/allocator.h"

#include <sys/mman.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "csrc/core/error.h"

namespace pygrad {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t(2) << 20;
constexpr size_t kThreadCacheLimit = 64 * 1024;  // larger blocks are shared between threads
constexpr int kThreadCacheBlocks = 32;           // per class and thread
constexpr int kClasses = 4 * 58;

// Class c holds blocks of class_bytes(c): 64, 80, 96, 112, 128, 160, ... four to an octave.
int class_of(size_t bytes) {
  if (bytes <= kAlignment) return 0;
  const int octave = 63 - std::countl_zero(bytes - 1);  // 2^octave < bytes <= 2^(octave + 1)
  const size_t step = (size_t(1) << octave) / 4;
  const size_t quarter = (bytes - (size_t(1) << octave) + step - 1) / step;  // 1..4
  return (octave - 6) * 4 + int(quarter);
}

size_t class_bytes(int c) {
  const size_t base = kAlignment << (c / 4);
  return base + (base / 4) * size_t(c % 4);
}

// Rounded so that every block of a class is a whole number of cache lines.
size_t block_bytes(int c) { return (class_bytes(c) + kAlignment - 1) & ~(kAlignment - 1); }

struct Counters {
  std::atomic<int64_t> allocated{0}, peak{0}, cached{0}, requests{0}, system{0};
  void add(int64_t bytes) {
    requests.fetch_add(1, std::memory_order_relaxed);
    const int64_t now = allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    int64_t seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }
};
Counters counters[2];
std::atomic<int64_t> cache_cap{int64_t(4) << 30};

void* system_allocate(size_t bytes, Device device) {
  counters[int(device.type)].system.fetch_add(1, std::memory_order_relaxed);
  if (device.is_cuda()) return cuda_runtime()->allocate(bytes, device.index);
  if (bytes < kHugePage) return std::aligned_alloc(kAlignment, bytes);
  // Over-map, then trim, so that the block starts on a huge-page boundary.
  const size_t mapped = bytes + kHugePage;
  if (mapped < bytes) return nullptr;
  char* raw = static_cast<char*>(
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (raw == MAP_FAILED) return nullptr;
  const size_t head = (kHugePage - reinterpret_cast<uintptr_t>(raw) % kHugePage) % kHugePage;
  const size_t length = (bytes + 4095) & ~size_t(4095);
  if (head) munmap(raw, head);
  if (mapped > head + length) munmap(raw + head + length, mapped - head - length);
#ifdef MADV_HUGEPAGE
  madvise(raw + head, length, MADV_HUGEPAGE);
#endif
  return raw + head;
}

void system_free(void* p, size_t bytes, Device device) noexcept {
  if (device.is_cuda())
    cuda_runtime()->deallocate(p, bytes, device.index);
  else if (bytes < kHugePage)
    std::free(p);
  else
    munmap(p, (bytes + 4095) & ~size_t(4095));
}

struct SharedCache {
  std::mutex mutex;
  std::vector<void*> free[kClasses];
};
// Never destroyed: tensors may outlive static destruction at exit.
SharedCache& shared_cache(Device device) {
  static SharedCache* cpu = new SharedCache;
  static SharedCache* cuda = new SharedCache[16];
  return device.is_cuda() ? cuda[device.index & 15] : *cpu;
}

void* take_shared(int c, Device device) {
  SharedCache& cache = shared_cache(device);
  std::lock_guard lock(cache.mutex);
  if (cache.free[c].empty()) return nullptr;
  void* p = cache.free[c].back();
  cache.free[c].pop_back();
  return p;
}

void release_shared(SharedCache& cache, Device device) {
  std::lock_guard lock(cache.mutex);
  for (int c = 0; c < kClasses; ++c) {
    for (void* p : cache.free[c]) {
      system_free(p, block_bytes(c), device);
      counters[int(device.type)].cached.fetch_sub(int64_t(block_bytes(c)),
                                                  std::memory_order_relaxed);
    }
    cache.free[c].clear();
    cache.free[c].shrink_to_fit();
  }
}

// Intrusive lists: a free block's first word points to the next.
struct ThreadCache {
  static constexpr int kThreadClasses = 4 * 10 + 1;  // classes up to kThreadCacheLimit
  void* head[kThreadClasses] = {};
  int count[kThreadClasses] = {};
  bool alive = true;

  void flush() noexcept {
    for (int c = 0; c < kThreadClasses; ++c) {
      while (void* p = head[c]) {
        head[c] = *static_cast<void**>(p);
        system_free(p, block_bytes(c), Device{});
        counters[0].cached.fetch_sub(int64_t(block_bytes(c)), std::memory_order_relaxed);
      }
      count[c] = 0;
    }
  }
  ~ThreadCache() {
    flush();
    alive = false;  // a tensor freed later on this thread goes straight to the shared lists
  }
};
thread_local ThreadCache thread_cache;

}  // namespace

void* allocate(size_t bytes, Device device) {
  if (bytes == 0) return nullptr;
  PG_CHECK_KIND(OutOfMemory, bytes <= (size_t(1) << 50), "out of memory on ", device,
                ": tried to allocate ", bytes, " bytes");
  const int c = class_of(bytes);
  const size_t block = block_bytes(c);
  Counters& count = counters[int(device.type)];
  void* p = nullptr;
  if (!device.is_cuda() && c < ThreadCache::kThreadClasses && thread_cache.head[c]) {
    p = thread_cache.head[c];
    thread_cache.head[c] = *static_cast<void**>(p);
    --thread_cache.count[c];
  } else {
    p = take_shared(c, device);
  }
  if (p) {
    count.cached.fetch_sub(int64_t(block), std::memory_order_relaxed);
  } else {
    p = system_allocate(block, device);
    if (!p) {  // give back what is cached, then try once more
      empty_cache();
      p = system_allocate(block, device);
    }
    PG_CHECK_KIND(OutOfMemory, p != nullptr, "out of memory on ", device, ": tried to allocate ",
                  bytes, " bytes; ", count.allocated.load(),
                  " bytes are in use. Use a smaller batch, or free tensors");
  }
  count.add(int64_t(block));
  return p;
}

void deallocate(void* p, size_t bytes, Device device) noexcept {
  if (!p) return;
  const int c = class_of(bytes);
  const size_t block = block_bytes(c);
  Counters& count = counters[int(device.type)];
  count.allocated.fetch_sub(int64_t(block), std::memory_order_relaxed);
  if (count.cached.load(std::memory_order_relaxed) + int64_t(block) >
      cache_cap.load(std::memory_order_relaxed)) {
    system_free(p, block, device);
    return;
  }
  count.cached.fetch_add(int64_t(block), std::memory_order_relaxed);
  if (!device.is_cuda() && c < ThreadCache::kThreadClasses && thread_cache.alive &&
      thread_cache.count[c] < kThreadCacheBlocks) {
    *static_cast<void**>(p) = thread_cache.head[c];
    thread_cache.head[c] = p;
    ++thread_cache.count[c];
    return;
  }
  SharedCache& cache = shared_cache(device);
  std::lock_guard lock(cache.mutex);
  cache.free[c].push_back(p);
}

MemoryStats memory_stats(DeviceType device) {
  const Counters& c = counters[int(device)];
  return {c.allocated.load(), c.peak.load(), c.cached.load(), c.requests.load(), c.system.load()};
}

void reset_peak_memory(DeviceType device) {
  counters[int(device)].peak.store(counters[int(device)].allocated.load());
}

void empty_cache() {
  thread_cache.flush();
  release_shared(shared_cache(Device{}), Device{});
  if (const CudaRuntime* cuda = cuda_runtime())
    for (int i = 0; i < cuda->device_count(); ++i)
      release_shared(shared_cache(Device{DeviceType::cuda, int8_t(i)}),
                     Device{DeviceType::cuda, int8_t(i)});
}

void set_memory_cache_cap(int64_t bytes) { cache_cap.store(bytes); }

namespace {

constexpr size_t kPoolStep = 32, kPoolLimit = 1024;
constexpr int kPoolBlocks = 4096;  // per class: bounds what a burst of nodes leaves behind

struct ObjectPool {
  void* head[kPoolLimit / kPoolStep + 1] = {};
  int count[kPoolLimit / kPoolStep + 1] = {};
  bool alive = true;
  ~ObjectPool() {
    for (void*& list : head)
      while (void* p = list) {
        list = *static_cast<void**>(p);
        std::free(p);
      }
    alive = false;
  }
};
thread_local ObjectPool object_pool;

}  // namespace

void* pool_allocate(size_t bytes) {
  const size_t c = (bytes + kPoolStep - 1) / kPoolStep;
  if (bytes <= kPoolLimit && object_pool.head[c]) {
    void* p = object_pool.head[c];
    object_pool.head[c] = *static_cast<void**>(p);
    --object_pool.count[c];
    return p;
  }
  void* p = std::malloc(c * kPoolStep);
  if (!p) throw std::bad_alloc();
  return p;
}

void pool_free(void* p, size_t bytes) noexcept {
  const size_t c = (bytes + kPoolStep - 1) / kPoolStep;
  if (bytes > kPoolLimit || !object_pool.alive || object_pool.count[c] >= kPoolBlocks) {
    std::free(p);
    return;
  }
  *static_cast<void**>(p) = object_pool.head[c];
  object_pool.head[c] = p;
  ++object_pool.count[c];
}

}  // namespace pygrad
