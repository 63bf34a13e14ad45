#include "csrc/core/allocator.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "csrc/core/error.h"
#include "csrc/core/page_pool.h"

namespace pygrad {

constinit thread_local ThreadCache* thread_cache = nullptr;
constinit ThreadCache lone_cache;

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kThreadBlock = 64 * 1024;   // up to here, a block may lie in a thread's cache
constexpr size_t kLarge = size_t(2) << 20;   // from here on, CPU blocks are ranges of pages
constexpr int kThreadBlocks = 32;            // per class and thread
constexpr int64_t kUncounted = 1024 * 1024;  // what a thread may keep to itself of the statistics
constexpr int kClasses = 4 * 58;
constexpr int kMaxDevices = 16;

// Class c holds blocks of block_bytes(c): 64, 80, 96, 112, 128, 160, ... four to an octave, rounded
// up to whole cache lines.
constexpr int class_of(size_t bytes) {
  if (bytes <= kAlignment) return 0;
  const int octave = 63 - std::countl_zero(bytes - 1);  // 2^octave < bytes <= 2^(octave + 1)
  const size_t step = (size_t(1) << octave) / 4;
  const size_t quarter = (bytes - (size_t(1) << octave) + step - 1) / step;  // 1..4
  return (octave - 6) * 4 + int(quarter);
}

constexpr size_t block_bytes(int c) {
  const size_t base = kAlignment << (c / 4);
  return (base + base / 4 * size_t(c % 4) + kAlignment - 1) & ~(kAlignment - 1);
}
static_assert(class_of(kThreadBlock) == ThreadCache::kBlockClasses - 1);
static_assert(block_bytes(class_of(kThreadBlock + 1)) % PagePool::kGrain == 0);

constexpr size_t page_bytes(size_t bytes) {
  return (bytes + PagePool::kGrain - 1) & ~(PagePool::kGrain - 1);
}

// What `bytes` take on the device.
size_t stored_bytes(size_t bytes, Device device) {
  return bytes >= kLarge && !device.is_cuda() ? page_bytes(bytes) : block_bytes(class_of(bytes));
}

// --- what all threads share ---------------------------------------------------------------------

struct SharedCache {
  std::mutex mutex;
  std::vector<void*> free[kClasses];
  std::atomic<int64_t> cached{0}, system{0};
};

// A process's counts; each ThreadCache holds what it has not added yet.
struct Counters {
  std::atomic<int64_t> allocated{0}, peak{0}, requests{0};

  // Adds `change`, during which the count was at most `highest` above its start.
  void add(int64_t change, int64_t highest) {
    const int64_t top = allocated.fetch_add(change, std::memory_order_relaxed) + highest;
    int64_t seen = peak.load(std::memory_order_relaxed);
    while (top > seen && !peak.compare_exchange_weak(seen, top, std::memory_order_relaxed)) {
    }
  }
};

std::atomic<int64_t> cache_cap{int64_t(4) << 30};

struct Shared {
  SharedCache cpu;
  SharedCache cuda[kMaxDevices];
  // CPU blocks below kLarge are cut from mappings of their own, lest they break up the large ones.
  PagePool medium{4 * kLarge};
  PagePool large{0};
  Counters counters[2];
  std::mutex caches_mutex;
  ThreadCache* caches = &lone_cache;

  SharedCache& cache(Device device) {
    return device.is_cuda() ? cuda[device.index & (kMaxDevices - 1)] : cpu;
  }
  int64_t cpu_cached() { return cpu.cached.load(std::memory_order_relaxed) + large.free_bytes(); }
};

// A child process gets a copy of every lock as it stands, and none of the threads that would
// release it: so no lock is held while a process forks.
void lock_for_fork();
void unlock_after_fork();

// Never destroyed: tensors may outlive static destruction at exit.
Shared& shared() {
  static Shared* instance = [] {
    pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);
    return new Shared;
  }();
  return *instance;
}

void lock_for_fork() {
  shared().caches_mutex.lock();
  shared().cpu.mutex.lock();
  for (SharedCache& cache : shared().cuda) cache.mutex.lock();
  shared().medium.mutex.lock();
  shared().large.mutex.lock();
}

void unlock_after_fork() {
  shared().large.mutex.unlock();
  shared().medium.mutex.unlock();
  for (SharedCache& cache : shared().cuda) cache.mutex.unlock();
  shared().cpu.mutex.unlock();
  shared().caches_mutex.unlock();
}

// `block` is a whole block of a class, below kLarge on the CPU.
void* system_allocate(size_t block, Device device, bool* zeroed) {
  if (device.is_cuda()) {
    shared().cache(device).system.fetch_add(1, std::memory_order_relaxed);
    return cuda_runtime()->allocate(block, device.index);
  }
  if (block > kThreadBlock) return shared().medium.take(block, zeroed);
  shared().cpu.system.fetch_add(1, std::memory_order_relaxed);
  return std::aligned_alloc(kAlignment, block);
}

void system_free(void* p, size_t block, Device device) noexcept {
  if (device.is_cuda())
    cuda_runtime()->deallocate(p, block, device.index);
  else if (block > kThreadBlock)
    PagePool::unmap(p, block);
  else
    std::free(p);
}

void* take_shared(int c, Device device) {
  SharedCache& cache = shared().cache(device);
  std::lock_guard lock(cache.mutex);
  if (cache.free[c].empty()) return nullptr;
  void* p = cache.free[c].back();
  cache.free[c].pop_back();
  cache.cached.fetch_sub(int64_t(block_bytes(c)), std::memory_order_relaxed);
  return p;
}

// False when the cache is full.
bool give_shared(void* p, int c, Device device) noexcept {
  SharedCache& cache = shared().cache(device);
  const int64_t block = int64_t(block_bytes(c));
  const int64_t cached =
      device.is_cuda() ? cache.cached.load(std::memory_order_relaxed) : shared().cpu_cached();
  if (cached + block > cache_cap.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(cache.mutex);
  try {
    cache.free[c].push_back(p);
  } catch (const std::bad_alloc&) {
    return false;
  }
  cache.cached.fetch_add(block, std::memory_order_relaxed);
  return true;
}

void release_shared(SharedCache& cache, Device device) {
  std::lock_guard lock(cache.mutex);
  for (int c = 0; c < kClasses; ++c) {
    for (void* p : cache.free[c]) system_free(p, block_bytes(c), device);
    cache.free[c] = {};
  }
  cache.cached.store(0, std::memory_order_relaxed);
}

// --- the caches ---------------------------------------------------------------------------------

void publish(ThreadCache& t) {
  Counters& all = shared().counters[0];
  all.add(t.allocated.get(), t.highest.get());
  t.allocated.set(0);
  t.highest.set(0);
}

// Counts a block taken (or, negative, given back) on the CPU.
void count_bytes(ThreadCache* t, int64_t bytes) {
  if (!t) {
    shared().counters[0].add(bytes, std::max<int64_t>(bytes, 0));
    return;
  }
  const int64_t now = t->allocated.get() + bytes;
  t->allocated.set(now);
  if (now > t->highest.get()) t->highest.set(now);
  if (now > kUncounted || now < -kUncounted) publish(*t);
}

void flush(ThreadCache& t) noexcept {
  for (FreeList& list : t.blocks) {
    while (void* p = list.pop()) std::free(p);
  }
  t.cached.set(0);
}

// A thread's own cache, while it uses the one that it had when it was alone.
thread_local ThreadCache* set_aside = nullptr;

// Ends a thread's cache with the thread.
struct Detach {
  bool done = false;
  ~Detach() {
    done = true;
    ThreadCache* t = thread_cache == &lone_cache ? set_aside : thread_cache;
    if (!t) return;
    thread_cache = nullptr;
    flush(*t);
    for (FreeList& list : t->objects) {
      while (void* p = list.pop()) std::free(p);
    }
    publish(*t);
    {
      std::lock_guard lock(shared().caches_mutex);
      shared().counters[0].requests.fetch_add(t->requests.get(), std::memory_order_relaxed);
      ThreadCache** at = &shared().caches;
      while (*at != t) at = &(*at)->next;
      *at = t->next;
    }
    delete t;
  }
};
thread_local Detach detach;

// The current cache, made if need be; null while the thread ends.
ThreadCache* attach() {
  if (is_alone()) return &lone_cache;
  if (thread_cache || detach.done) return thread_cache;
  auto* t = new (std::nothrow) ThreadCache;
  if (!t) return nullptr;
  std::lock_guard lock(shared().caches_mutex);
  t->next = shared().caches;
  shared().caches = t;
  thread_cache = t;
  return t;
}

// The caches that are this thread's to touch, where they exist.
std::array<ThreadCache*, 2> own_caches() {
  return {thread_cache, is_alone() ? &lone_cache : nullptr};
}

[[noreturn]] void out_of_memory(size_t bytes, Device device) {
  PG_CHECK_KIND(OutOfMemory, false, "out of memory on ", device, ": tried to allocate ", bytes,
                " bytes; ", memory_stats(device.type).allocated_bytes,
                " bytes are in use. Use a smaller batch, or free tensors");
  __builtin_unreachable();
}

void* allocate_slow(size_t bytes, Device device, bool* zeroed) {
  PG_CHECK_KIND(OutOfMemory, bytes <= (size_t(1) << 50), "out of memory on ", device,
                ": tried to allocate ", bytes, " bytes");
  const bool large = bytes >= kLarge && !device.is_cuda();
  const int c = class_of(bytes);
  const size_t block = stored_bytes(bytes, device);
  const auto obtain = [&]() -> void* {
    if (large) return shared().large.take(block, zeroed);
    if (void* p = take_shared(c, device)) return p;
    return system_allocate(block, device, zeroed);
  };
  void* p = obtain();
  if (!p) {  // give back what is cached, then try once more
    empty_cache();
    p = obtain();
    if (!p) out_of_memory(bytes, device);
  }
  if (device.is_cuda()) {
    Counters& count = shared().counters[1];
    count.requests.fetch_add(1, std::memory_order_relaxed);
    count.add(int64_t(block), int64_t(block));
    return p;
  }
  ThreadCache* t = attach();
  if (t) {
    t->requests.add(1);
  } else {
    shared().counters[0].requests.fetch_add(1, std::memory_order_relaxed);
  }
  count_bytes(t, int64_t(block));
  return p;
}

void deallocate_slow(void* p, size_t bytes, Device device) noexcept {
  const size_t block = stored_bytes(bytes, device);
  if (device.is_cuda())
    shared().counters[1].add(-int64_t(block), 0);
  else
    count_bytes(attach(), -int64_t(block));
  if (bytes >= kLarge && !device.is_cuda()) {
    if (shared().cpu_cached() + int64_t(block) <= cache_cap.load(std::memory_order_relaxed))
      shared().large.give(p, block);
    else
      PagePool::unmap(p, block);
  } else if (!give_shared(p, class_of(bytes), device)) {
    system_free(p, block, device);
  }
}

}  // namespace

void begin_beside_others() {
  if (is_alone()) {
    set_aside = thread_cache;
    thread_cache = &lone_cache;
  }
  beside_others.fetch_add(1);
}

void end_beside_others() {
  if (thread_cache == &lone_cache) thread_cache = set_aside;
  beside_others.fetch_sub(1);
}

void* allocate(size_t bytes, Device device, bool* zeroed) {
  *zeroed = false;
  if (bytes == 0) return nullptr;
  if (ThreadCache* cache = current_cache(); cache && bytes <= kThreadBlock && !device.is_cuda()) {
    const int c = class_of(bytes);
    if (void* p = cache->blocks[c].pop()) {
      const int64_t block = int64_t(block_bytes(c));
      cache->requests.add(1);
      cache->cached.add(-block);
      count_bytes(cache, block);
      return p;
    }
  }
  return allocate_slow(bytes, device, zeroed);
}

void deallocate(void* p, size_t bytes, Device device) noexcept {
  if (!p) return;
  if (ThreadCache* cache = current_cache(); cache && bytes <= kThreadBlock && !device.is_cuda()) {
    const int c = class_of(bytes);
    const int64_t block = int64_t(block_bytes(c));
    if (cache->blocks[c].count < kThreadBlocks &&
        cache->cached.get() + block <= cache_cap.load(std::memory_order_relaxed)) {
      cache->blocks[c].push(p);
      cache->cached.add(block);
      count_bytes(cache, -block);
      return;
    }
  }
  deallocate_slow(p, bytes, device);
}

MemoryStats memory_stats(DeviceType device) {
  const Counters& all = shared().counters[int(device)];
  MemoryStats s{all.allocated.load(), all.peak.load(), 0, all.requests.load(), 0};
  if (device == DeviceType::cuda) {
    for (const SharedCache& cache : shared().cuda) {
      s.cached_bytes += cache.cached.load();
      s.system_allocations += cache.system.load();
    }
    return s;
  }
  s.cached_bytes = shared().cpu_cached();
  s.system_allocations =
      shared().cpu.system.load() + shared().medium.mappings() + shared().large.mappings();
  std::lock_guard lock(shared().caches_mutex);
  for (const ThreadCache* t = shared().caches; t; t = t->next)
    s.allocated_bytes += t->allocated.get();
  for (const ThreadCache* t = shared().caches; t; t = t->next) {
    s.peak_allocated_bytes =
        std::max(s.peak_allocated_bytes, s.allocated_bytes - t->allocated.get() + t->highest.get());
    s.cached_bytes += t->cached.get();
    s.allocations += t->requests.get();
  }
  s.peak_allocated_bytes = std::max(s.peak_allocated_bytes, s.allocated_bytes);
  return s;
}

void reset_peak_memory(DeviceType device) {
  Counters& all = shared().counters[int(device)];
  if (device == DeviceType::cpu)
    for (ThreadCache* cache : own_caches())
      if (cache) publish(*cache);
  all.peak.store(all.allocated.load());
}

void empty_cache() {
  for (ThreadCache* cache : own_caches())
    if (cache) flush(*cache);
  release_shared(shared().cpu, Device{});
  shared().medium.trim();
  shared().large.trim();
  if (const CudaRuntime* cuda = cuda_runtime())
    for (int i = 0; i < cuda->device_count(); ++i)
      release_shared(shared().cuda[i & (kMaxDevices - 1)], Device{DeviceType::cuda, int8_t(i)});
}

void set_memory_cache_cap(int64_t bytes) {
  cache_cap.store(bytes);
  if (memory_stats(DeviceType::cpu).cached_bytes > bytes ||
      memory_stats(DeviceType::cuda).cached_bytes > bytes)
    empty_cache();
}

void* pool_allocate_slow(size_t bytes) {
  attach();
  constexpr size_t step = ThreadCache::kObjectStep;
  void* p = std::malloc((bytes + step - 1) / step * step);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace pygrad
