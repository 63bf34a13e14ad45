// Memory for tensor data and for the engine's small objects.
//
// Tensor data: size classes with four steps an octave, kept in per-thread lists below 64 KiB and in
// one locked list per class above; 64-byte aligned; blocks of 2 MiB and more are mapped on a
// huge-page boundary. Freed blocks stay cached up to a cap. CUDA memory goes through the same
// classes over the device's own allocator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "csrc/core/device.h"

namespace pygrad {

struct MemoryStats {
  int64_t allocated_bytes;  // in live tensors, rounded to their size class
  int64_t peak_allocated_bytes;
  int64_t cached_bytes;        // freed, kept for the next tensor
  int64_t allocations;         // requests served
  int64_t system_allocations;  // requests that went to the operating system or the driver
};

// Throws OutOfMemory with the size asked for. Zero bytes give a null pointer.
void* allocate(size_t bytes, Device device);
void deallocate(void* p, size_t bytes, Device device) noexcept;
MemoryStats memory_stats(DeviceType device);
void reset_peak_memory(DeviceType device);
void empty_cache();  // returns every cached block of this thread and of the shared lists to the
                     // system
void set_memory_cache_cap(int64_t bytes);

// Fixed-size small objects (tensor headers, tape nodes): per-thread free lists in 32-byte steps.
void* pool_allocate(size_t bytes);
void pool_free(void* p, size_t bytes) noexcept;

}  // namespace pygrad
