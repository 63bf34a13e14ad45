// Generator: the state of one random stream, a seed and an offset. Draws are counter-based
// (Philox), so a draw of n elements only advances the offset, and its bits do not depend on the
// device or on threads.
#pragma once

#include <cstdint>
#include <mutex>

#include "csrc/core/device.h"

namespace pygrad {

class Generator {
 public:
  explicit Generator(Device device, uint64_t seed = kDefaultSeed) : device_(device), seed_(seed) {}

  // Reserves `counters` Philox counters and returns where they begin.
  struct Draw {
    uint64_t seed, offset;
  };
  Draw reserve(int64_t counters);
  void manual_seed(uint64_t seed);
  uint64_t seed();  // reseeds from the system's entropy
  uint64_t initial_seed() const { return seed_; }
  Device device() const { return device_; }
  Draw state() const;
  void set_state(Draw state);

  static constexpr uint64_t kDefaultSeed = 67280421310721;

 private:
  mutable std::mutex mutex_;
  Device device_;
  uint64_t seed_, offset_ = 0;
};

Generator& default_generator(Device device);

}  // namespace pygrad
