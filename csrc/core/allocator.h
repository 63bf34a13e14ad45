// Memory for tensor data and for the engine's small objects.
//
// Tensor data: size classes with four steps an octave below 2 MiB, kept in caches without a lock
// (core/thread_cache.h) up to 64 KiB and in one locked list per class above; ranges of huge pages
// (core/page_pool.h) from 2 MiB on. Everything is 64-byte aligned. Freed blocks stay cached up to a
// cap. CUDA memory goes through size classes over the device's own allocator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "csrc/core/device.h"
#include "csrc/core/thread_cache.h"

namespace pygrad {

struct MemoryStats {
  int64_t allocated_bytes;       // in live tensors, rounded up as they are stored
  int64_t peak_allocated_bytes;  // exact for one thread, else to about 1 MiB a thread
  int64_t cached_bytes;          // freed, kept for the next tensor
  int64_t allocations;           // requests served
  int64_t system_allocations;    // how often the operating system or the driver was asked
};

// Throws OutOfMemory with the size asked for. Zero bytes give a null pointer. `zeroed` becomes true
// where the memory is known to be all zeros.
void* allocate(size_t bytes, Device device, bool* zeroed);
void deallocate(void* p, size_t bytes, Device device) noexcept;
MemoryStats memory_stats(DeviceType device);
void reset_peak_memory(DeviceType device);
// Returns what is cached to the system: what this thread may touch, and all that threads share.
void empty_cache();
// At most about `bytes` stay cached for each kind of device; 0 turns the cache off.
void set_memory_cache_cap(int64_t bytes);

// Fixed-size small objects (tensor headers, tape nodes): free lists in 32-byte steps.
void* pool_allocate_slow(size_t bytes);

inline void* pool_allocate(size_t bytes) {
  const size_t c = (bytes + ThreadCache::kObjectStep - 1) / ThreadCache::kObjectStep;
  if (ThreadCache* cache = current_cache(); cache && bytes <= ThreadCache::kObjectLimit)
    if (void* p = cache->objects[c].pop()) return p;
  return pool_allocate_slow(bytes);
}

inline void pool_free(void* p, size_t bytes) noexcept {
  constexpr int kMost = 4096;  // per class: bounds what a burst of nodes leaves behind
  const size_t c = (bytes + ThreadCache::kObjectStep - 1) / ThreadCache::kObjectStep;
  ThreadCache* cache = current_cache();
  if (cache && bytes <= ThreadCache::kObjectLimit && cache->objects[c].count < kMost)
    cache->objects[c].push(p);
  else
    std::free(p);
}

}  // namespace pygrad
