#include "csrc/core/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace pygrad {
namespace {

constexpr size_t kHugePage = size_t(2) << 20;

char* map_pages(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}

size_t past_boundary(const char* p) { return reinterpret_cast<uintptr_t>(p) % kHugePage; }

// `bytes` (whole huge pages) on a huge-page boundary.
char* map_huge(size_t bytes) {
  char* p = map_pages(bytes);
  if (p && past_boundary(p)) {  // mostly the first only: map more than needed, cut off both ends
    munmap(p, bytes);
    p = map_pages(bytes + kHugePage);
    if (!p) return nullptr;
    const size_t head = (kHugePage - past_boundary(p)) % kHugePage;
    if (head) munmap(p, head);
    p += head;
    munmap(p + bytes, kHugePage - head);
  }
#ifdef MADV_HUGEPAGE
  if (p) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

}  // namespace

void* PagePool::take(size_t bytes, bool* fresh) {
  {
    std::lock_guard lock(mutex);
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      if (it->bytes >= bytes && (best == free_.end() || it->bytes < best->bytes)) best = it;
    }
    if (best != free_.end()) {
      char* p = best->start;
      best->start += bytes;
      best->bytes -= bytes;
      if (best->bytes == 0) free_.erase(best);
      free_bytes_ -= int64_t(bytes);
      return p;
    }
    ++mappings_;
  }
  const size_t mapped = (std::max(bytes, chunk_) + kHugePage - 1) / kHugePage * kHugePage;
  char* p = map_huge(mapped);
  if (!p) return nullptr;
  *fresh = true;
  if (mapped > bytes) give(p + bytes, mapped - bytes);
  return p;
}

void PagePool::give(void* p, size_t bytes) noexcept {
  char* start = static_cast<char*>(p);
  std::lock_guard lock(mutex);
  const auto next = std::lower_bound(free_.begin(), free_.end(), start,
                                     [](const Range& r, char* at) { return r.start < at; });
  const bool joins_next = next != free_.end() && start + bytes == next->start;
  const auto before = next == free_.begin() ? free_.end() : std::prev(next);
  if (before != free_.end() && before->start + before->bytes == start) {
    before->bytes += bytes + (joins_next ? next->bytes : 0);
    if (joins_next) free_.erase(next);
  } else if (joins_next) {
    next->start = start;
    next->bytes += bytes;
  } else {
    try {
      free_.insert(next, Range{start, bytes});
    } catch (const std::bad_alloc&) {  // no memory to remember it by
      unmap(p, bytes);
      return;
    }
  }
  free_bytes_ += int64_t(bytes);
}

void PagePool::unmap(void* p, size_t bytes) noexcept { munmap(p, bytes); }

void PagePool::trim() noexcept {
  std::lock_guard lock(mutex);
  for (const Range& r : free_) unmap(r.start, r.bytes);
  free_.clear();
  free_bytes_ = 0;
}

int64_t PagePool::free_bytes() {
  std::lock_guard lock(mutex);
  return free_bytes_;
}

int64_t PagePool::mappings() {
  std::lock_guard lock(mutex);
  return mappings_;
}

}  // namespace pygrad
