// Runs emulated kernels: how a launch becomes calls, and where threads wait for each other.
//
// - launch<false>: every thread of a block is a fiber with its own stack. A warp runs ahead until
//   all of its lanes are at a block barrier or done, then another warp does, in an order shuffled
//   by PYGRAD_EMULATE_SEED (0: ascending). So a missing barrier shows as a wrong result here and
//   not only on a GPU.
// - launch<true>: for kernels without barriers and shuffles, a plain loop over the threads.
//
// A barrier that some threads never reach, or lanes of a mask that never meet, ends in an Error
// that names the kernel and the places. One launch runs at a time, whatever thread it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <tuple>

namespace pygrad::emulate {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where a thread waits, for messages.
struct Site {
  const char* what;
  const char* file;
  int line;
};

struct Launch {
  const char* kernel;  // its name in the source
  dim3 grid, block;
  size_t shared_bytes;
  void (*call)(const void* arguments);  // runs the kernel as the current thread
  const void* arguments;
};
void run(const Launch& launch, bool independent);

template <bool Independent, class... P, class... A>
void launch(const char* name, dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(P...),
            A&&... arguments) {
  struct Call {
    void (*kernel)(P...);
    std::tuple<P...> arguments;
  };
  const Call call = {kernel, std::tuple<P...>(static_cast<A&&>(arguments)...)};
  run({name, grid, block, shared_bytes,
       [](const void* c) {
         const Call& call = *static_cast<const Call*>(c);
         std::apply(call.kernel, call.arguments);
       },
       &call},
      Independent);
}

// The block's dynamic shared memory, filled with a pattern before each block.
void* dynamic_shared();

void wait_block(const Site& site);
// Meets the other lanes of `mask`, then returns the value of lane `source` (an undefined pattern if
// it did not take part).
uint64_t exchange(unsigned mask, uint64_t value, unsigned source, const Site& site);
// Meets the other lanes and returns a bit per lane whose predicate holds.
unsigned vote(unsigned mask, bool predicate, const Site& site);
unsigned lane();

}  // namespace pygrad::emulate

// --- the functions of the language --------------------------------------------------------------

#define PG_SITE_PARAMETERS const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(PG_SITE_PARAMETERS) {
  pygrad::emulate::wait_block({"__syncthreads", file, line});
}
inline void __syncwarp(unsigned mask = 0xffffffffu, PG_SITE_PARAMETERS) {
  pygrad::emulate::vote(mask, true, {"__syncwarp", file, line});
}
inline unsigned __ballot_sync(unsigned mask, int predicate, PG_SITE_PARAMETERS) {
  return pygrad::emulate::vote(mask, predicate != 0, {"__ballot_sync", file, line});
}
inline int __any_sync(unsigned mask, int predicate, PG_SITE_PARAMETERS) {
  return pygrad::emulate::vote(mask, predicate != 0, {"__any_sync", file, line}) != 0;
}
inline int __all_sync(unsigned mask, int predicate, PG_SITE_PARAMETERS) {
  return pygrad::emulate::vote(mask, predicate == 0, {"__all_sync", file, line}) == 0;
}
namespace pygrad::emulate {
// Lane `source` of the own group of `width` lanes; out of the group: the lane itself.
template <class T>
T shuffle(unsigned mask, T value, int source, const Site& site) {
  static_assert(sizeof(T) <= 8, "shuffles move at most 8 bytes");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(mask, bits, unsigned(source), site);
  T result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}
}  // namespace pygrad::emulate
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, PG_SITE_PARAMETERS) {
  const int lane = int(pygrad::emulate::lane());
  return pygrad::emulate::shuffle(mask, value, (lane & ~(width - 1)) | (source & (width - 1)),
                                  {"__shfl_sync", file, line});
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, PG_SITE_PARAMETERS) {
  const int lane = int(pygrad::emulate::lane()), from = lane ^ lanes;
  return pygrad::emulate::shuffle(mask, value, from > (lane | (width - 1)) ? lane : from,
                                  {"__shfl_xor_sync", file, line});
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, PG_SITE_PARAMETERS) {
  const int lane = int(pygrad::emulate::lane()), from = lane + int(delta);
  return pygrad::emulate::shuffle(mask, value, from > (lane | (width - 1)) ? lane : from,
                                  {"__shfl_down_sync", file, line});
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, PG_SITE_PARAMETERS) {
  const int lane = int(pygrad::emulate::lane()), from = lane - int(delta);
  return pygrad::emulate::shuffle(mask, value, from < (lane & ~(width - 1)) ? lane : from,
                                  {"__shfl_up_sync", file, line});
}
#undef PG_SITE_PARAMETERS
