// Scratch memory: each thread keeps the last few buffers it released, so that a kernel called in a
// loop does not pay for fresh pages (several microseconds per 4 KiB on first touch) every time.
//
// Sizes are rounded up to a power of two (from 4 KiB), so a buffer fits the next similar request.
// At most kSlots buffers and kKeep bytes stay with a thread; they go back to the system when the
// thread ends.
#include <cstdlib>
#include <new>

#include "kernels/cpu/parallel.h"

namespace pygrad::cpu {
namespace {

constexpr int kSlots = 8;
constexpr int64_t kKeep = int64_t(32) << 20;

int64_t rounded(int64_t bytes) {
  int64_t size = 4096;
  while (size < bytes) size *= 2;
  return size;
}

struct Cache {
  void* slots[kSlots] = {};
  int64_t sizes[kSlots] = {};
  int64_t held = 0;
  bool alive = true;  // false once the thread's storage has been torn down

  ~Cache() {
    alive = false;
    for (void* p : slots) std::free(p);
  }
};
thread_local Cache cache;

}  // namespace

void* scratch_allocate(int64_t bytes) {
  const int64_t size = rounded(bytes);
  if (cache.alive) {
    for (int i = 0; i < kSlots; ++i) {
      if (cache.slots[i] && cache.sizes[i] == size) {
        void* p = cache.slots[i];
        cache.slots[i] = nullptr;
        cache.held -= size;
        return p;
      }
    }
  }
  void* p = std::aligned_alloc(64, size_t(size));
  if (!p) throw std::bad_alloc();
  return p;
}

void scratch_free(void* p, int64_t bytes) {
  if (!p) return;
  const int64_t size = rounded(bytes);
  if (cache.alive && cache.held + size <= kKeep) {
    for (int i = 0; i < kSlots; ++i) {
      if (!cache.slots[i]) {
        cache.slots[i] = p;
        cache.sizes[i] = size;
        cache.held += size;
        return;
      }
    }
  }
  std::free(p);
}

}  // namespace pygrad::cpu
