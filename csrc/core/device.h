// Device: where memory lies and kernels run, a kind and an index.
#pragma once

#include "kernels/kernels.h"

namespace pygrad {

// "cpu" has index 0 always; "cuda" without an index means the current device, resolved when parsed.
struct Device {
  DeviceType type = DeviceType::cpu;
  int8_t index = 0;
  friend bool operator==(Device a, Device b) = default;
  bool is_cuda() const { return type == DeviceType::cuda; }
};

}  // namespace pygrad
