#include "kernels/cpu/cache.h"

#include <unistd.h>

namespace pygrad::cpu {

int64_t last_level_cache() {
  static const int64_t bytes = [] {
    constexpr int64_t kMost = int64_t(64) << 20, kUnknown = int64_t(32) << 20;
    int64_t size = -1;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    size = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (size <= 0) size = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    if (size <= 0) size = kUnknown;
    return size < kMost ? size : kMost;
  }();
  return bytes;
}

int64_t stream_threshold() {
  static const int64_t bytes = [] {
    constexpr int64_t kMost = int64_t(8) << 20;
    const int64_t share = last_level_cache() / 4;
    return share < kMost ? share : kMost;
  }();
  return bytes;
}

}  // namespace pygrad::cpu
