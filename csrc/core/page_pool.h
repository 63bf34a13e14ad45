// Large blocks of CPU memory: ranges of huge pages, kept when freed and reused across sizes.
//
// A freed range joins its free neighbours, and a request takes the smallest range that holds it, so
// a loop whose tensors change size from step to step (ragged batches) settles as one of fixed sizes
// does: without page faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace pygrad {

class PagePool {
 public:
  static constexpr size_t kGrain = 4096;  // all sizes and addresses are multiples of it

  // `chunk`: the least to map at once; what a request leaves of it serves the next ones.
  explicit PagePool(size_t chunk) : chunk_(chunk) {}

  // Null when the system gives no more. `fresh` becomes true where the memory is newly mapped,
  // which means zero.
  void* take(size_t bytes, bool* fresh);
  void give(void* p, size_t bytes) noexcept;  // keeps it for the next request
  static void unmap(void* p, size_t bytes) noexcept;
  void trim() noexcept;  // unmaps everything that is free

  int64_t free_bytes();
  int64_t mappings();  // how often the system was asked for memory

  std::mutex mutex;  // taken by the members; public for the fork handlers

 private:
  struct Range {
    char* start;
    size_t bytes;
  };

  const size_t chunk_;
  std::vector<Range> free_;  // by address, no two of them touching: few, as neighbours join
  int64_t free_bytes_ = 0;
  int64_t mappings_ = 0;
};

}  // namespace pygrad
