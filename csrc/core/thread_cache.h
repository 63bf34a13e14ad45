// Free lists and a share of the statistics: what makes a small allocation cost a few nanoseconds,
// without locks or locked instructions.
//
// There is one cache for whichever thread is alone (core/turns.h), which it takes along when it
// goes on beside others, so that what it frees is found again; and one for every other such thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "csrc/core/turns.h"

namespace pygrad {

// A free block's first word points to the next of its list.
struct FreeList {
  void* head = nullptr;
  int count = 0;

  void* pop() {
    void* p = head;
    if (p) {
      head = *static_cast<void**>(p);
      --count;
    }
    return p;
  }
  void push(void* p) {
    *static_cast<void**>(p) = head;
    head = p;
    ++count;
  }
};

// A counter that one thread at a time writes and others may read.
class OwnedCounter {
 public:
  int64_t get() const { return value_.load(std::memory_order_relaxed); }
  void set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(int64_t v) { set(get() + v); }

 private:
  std::atomic<int64_t> value_{0};
};

struct ThreadCache {
  static constexpr int kBlockClasses = 4 * 10 + 1;  // tensor data of up to 64 KiB
  static constexpr size_t kObjectStep = 32, kObjectLimit = 1024;

  FreeList blocks[kBlockClasses];
  FreeList objects[kObjectLimit / kObjectStep + 1];
  OwnedCounter cached;          // bytes in `blocks`
  OwnedCounter requests;        // since the cache began
  OwnedCounter allocated;       // bytes that are not yet in the process's count
  OwnedCounter highest;         // of `allocated`, since it was last added to that count
  ThreadCache* next = nullptr;  // of all caches
};

// Of a thread that is not alone: null before its first allocation and after its thread-local
// objects are gone. Of the general thread-local model: a faster one would take part of the small
// reserve that glibc keeps for modules loaded late, and importing would fail where others have used
// it up.
extern constinit thread_local ThreadCache* thread_cache;
extern ThreadCache lone_cache;

inline ThreadCache* current_cache() { return is_alone() ? &lone_cache : thread_cache; }

}  // namespace pygrad
