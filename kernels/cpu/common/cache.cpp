#include "kernels/cpu/cache.h"

#include <unistd.h>

namespace pygrad::cpu {

int64_t stream_threshold() {
  static const int64_t bytes = [] {
    constexpr int64_t kMost = int64_t(8) << 20;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    const int64_t share = int64_t(sysconf(_SC_LEVEL3_CACHE_SIZE)) / 4;
    if (share > 0 && share < kMost) return share;
#endif
    return kMost;
  }();
  return bytes;
}

}  // namespace pygrad::cpu
