// A chain: pointwise steps over arrays of equal length, run block by block, so that what one step
// leaves for the next stays in the L1 cache and values that nobody asked for are never stored. CPU
// only; see kernels/cpu/common/chain.cpp.
#pragma once

#include "kernels/op_lists.h"
#include "kernels/view.h"

namespace pygrad {

// One call of a pointwise kernel, without its operands: which kernel, which op of it, and numbers.
struct PointwiseStep {
  enum class Kernel : uint8_t {
    unary,
    binary,
    binary_scalar,
    ternary,
    activation,
    activation_backward,
    relu_backward,
    sigmoid_backward,
    tanh_backward,
    clamp,
  };
  Kernel kernel;
  uint8_t op = 0;                          // the value of the kernel's own enum
  bool scalar_first = false;               // binary_scalar
  bool has_low = false, has_high = false;  // clamp
  Scalar scalar = {}, high = {};           // `scalar` is clamp's low
  double parameters[3] = {};               // activations
};

// What a step reads or writes: element i of the chain is element (i / inner) % count of an array.
// All slots of a chain have one dtype.
struct ChainSlot {
  char* data = nullptr;  // null: lives in L1 only, in the given buffer
  DType dtype;
  int64_t inner = 1;
  int64_t count = 0;  // 0: an ordinary array, element i at i
  int buffer = -1;    // of a value that is not stored, or of a repeating one that is spread out
};

struct ChainInstruction {
  static constexpr int kMaxInputs = 3;
  PointwiseStep step;
  int16_t output;
  int16_t inputs[kMaxInputs];
};

// Runs the instructions in their order on every block of `numel` elements.
void run_chain(const ChainInstruction* instructions, int instruction_count, const ChainSlot* slots,
               int slot_count, int buffer_count, int64_t numel);

}  // namespace pygrad
