// What ops that make new tensors share.
#pragma once

#include "csrc/ops/ops.h"

namespace pygrad {

// Refuses negative sizes.
void check_sizes(const char* op, Sizes size);
// Refuses a number that the dtype cannot hold: a complex one for a real dtype, or one beyond its
// range.
void check_convertible(const char* op, Scalar value, DType dtype);
// Where this thread's new tensors lie unless they are told: the CPU at first.
Device default_device();
void set_default_device(Device device);
// The tensor as a leaf that wants a gradient, when asked; refuses integers.
Tensor with_grad(Tensor t, bool requires_grad);

}  // namespace pygrad
