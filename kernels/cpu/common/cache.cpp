// What the kernels ask about the processor's caches.
#include <unistd.h>

#include <cstdint>

#include "kernels/cpu/stream.h"

namespace pygrad::cpu {

int64_t stream_threshold() {
  static const int64_t threshold = [] {
    constexpr int64_t kMost = int64_t(64) << 20, kUnknown = int64_t(32) << 20;
    int64_t bytes = -1;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (bytes <= 0) bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    if (bytes <= 0) bytes = kUnknown;
    return bytes < kMost ? bytes : kMost;
  }();
  return threshold;
}

}  // namespace pygrad::cpu
