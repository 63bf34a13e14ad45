#include "csrc/core/generator.h"

#include <random>

namespace pygrad {

Generator::Draw Generator::reserve(int64_t counters) {
  std::lock_guard lock(mutex_);
  const Draw d{seed_, offset_};
  offset_ += uint64_t(counters);
  return d;
}

void Generator::manual_seed(uint64_t seed) {
  std::lock_guard lock(mutex_);
  seed_ = seed;
  offset_ = 0;
}

uint64_t Generator::seed() {
  std::random_device device;
  const uint64_t s = (uint64_t(device()) << 32) | device();
  manual_seed(s);
  return s;
}

Generator::Draw Generator::state() const {
  std::lock_guard lock(mutex_);
  return {seed_, offset_};
}

void Generator::set_state(Draw state) {
  std::lock_guard lock(mutex_);
  seed_ = state.seed;
  offset_ = state.offset;
}

Generator& default_generator(Device device) {
  static Generator* cpu = new Generator(Device{});
  static Generator* cuda = new Generator(Device{DeviceType::cuda, 0});
  return device.is_cuda() ? *cuda : *cpu;
}

}  // namespace pygrad
