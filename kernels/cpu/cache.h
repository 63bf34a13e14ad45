// What kernels must know of the processor's caches (kernels/cpu/common/cache.cpp).
#pragma once

#include <cstdint>

namespace pygrad::cpu {

// Bytes of the last-level cache, of which a shared machine gives us 64 MiB at most.
int64_t last_level_cache();

// Results of at least so many bytes are stored past the caches: a quarter of the last-level cache,
// at most 8 MiB.
int64_t stream_threshold();

}  // namespace pygrad::cpu
