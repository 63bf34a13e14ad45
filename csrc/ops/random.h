// Drawing from a generator's stream, for the ops that need random numbers.
#pragma once

#include "csrc/core/generator.h"
#include "csrc/ops/ops.h"

namespace pygrad {

// The generator given, or the global one: one stream serves every device.
Generator& generator_or_default(Generator* generator, Device device);
// Fills `out` (of a dtype the kernel has: float32 or float64, int64 for randint) with one draw per
// element.
void draw(RandomOp op, const Tensor& out, Generator* generator, Scalar a, Scalar b);

}  // namespace pygrad
