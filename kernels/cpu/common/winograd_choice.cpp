// Whether convolution may use Winograd's algorithm (kernels/cpu/conv_winograd.cpp).
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "kernels/kernels.h"

namespace pygrad {
namespace {

std::atomic<bool> allowed{[] {
  const char* text = std::getenv("PYGRAD_WINOGRAD");
  return !text || std::strcmp(text, "0") != 0;
}()};

}  // namespace

bool winograd_allowed() { return allowed.load(std::memory_order_relaxed); }
void set_winograd_allowed(bool value) { allowed.store(value, std::memory_order_relaxed); }

}  // namespace pygrad
