// Scratch memory: each thread keeps the last buffers it released, so that a kernel called in a
// loop does not pay for fresh pages (several microseconds per 4 KiB on first touch) every time.
//
// Sizes are rounded up to a power of two (from 4 KiB), so a buffer fits the next similar request;
// from 2 MiB on, a buffer is a mapping of huge pages. At most kSlots buffers and kKeep bytes stay
// with a thread, the longest unused ones leave first; all go back to the system when the thread
// ends.
#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "kernels/cpu/parallel.h"

namespace pygrad::cpu {
namespace {

constexpr int kSlots = 16;
constexpr int64_t kHugePage = int64_t(2) << 20;
constexpr int64_t kKeep = int64_t(512) << 20;

int64_t rounded(int64_t bytes) {
  int64_t size = 4096;
  while (size < bytes) size *= 2;
  return size;
}

void* system_allocate(int64_t size) {
  if (size < kHugePage) return std::aligned_alloc(64, size_t(size));
  void* p = std::aligned_alloc(size_t(kHugePage), size_t(size));
#ifdef MADV_HUGEPAGE
  if (p) madvise(p, size_t(size), MADV_HUGEPAGE);
#endif
  return p;
}

struct Cache {
  struct Slot {
    void* data;
    int64_t size;
  };
  Slot slots[kSlots] = {};  // the first `count`, in the order of their release
  int count = 0;
  int64_t held = 0;
  bool alive = true;  // false once the thread's storage has been torn down

  Slot remove(int i) {
    const Slot taken = slots[i];
    --count;
    for (; i < count; ++i) slots[i] = slots[i + 1];
    held -= taken.size;
    return taken;
  }
  ~Cache() {
    alive = false;
    while (count) std::free(remove(0).data);
  }
};
thread_local Cache cache;

}  // namespace

void* scratch_allocate(int64_t bytes) {
  const int64_t size = rounded(bytes);
  for (int i = cache.count; i-- > 0;) {  // the latest is the likeliest to be in the cache
    if (cache.slots[i].size == size) return cache.remove(i).data;
  }
  void* p = system_allocate(size);
  if (!p) throw std::bad_alloc();
  return p;
}

void scratch_free(void* p, int64_t bytes) {
  if (!p) return;
  const int64_t size = rounded(bytes);
  if (!cache.alive || size > kKeep) {
    std::free(p);
    return;
  }
  while (cache.count == kSlots || cache.held + size > kKeep) std::free(cache.remove(0).data);
  cache.slots[cache.count++] = {p, size};
  cache.held += size;
}

}  // namespace pygrad::cpu
