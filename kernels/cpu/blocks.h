// The driver of the pointwise kernels: it hands a loop packed blocks of every operand, in the type
// the loop computes in.
//
// Operands that lie that way already are passed in place; others are gathered into small buffers
// that stay in the L1 cache, and an output is scattered back. So there is one inner loop per (op,
// type), not one per layout, and the 16-bit floats and small integers need no loop of their own.
#pragma once

#include "kernels/cpu/iterate.h"

namespace pygrad::cpu::PG_ISA_NS {

constexpr int kMaxOperands = 5;

// Computes n results into operands[0] from operands[1..]: packed arrays, of which the output may be
// one of the inputs.
using BlockLoop = void (*)(char* const* operands, int64_t n, const void* params);

struct BlockOperand {
  const View* view;
  DType compute;  // the type the loop sees
};

// One number of the type computed in, as an operand of the sizes of `out`.
PG_HOST_INLINE View number_view(const View& out, void* number, DType dtype) {
  View view;
  view.data = number;
  view.dtype = dtype;
  view.ndim = out.ndim;
  for (int d = 0; d < out.ndim; ++d) view.sizes[d] = out.sizes[d], view.strides[d] = 0;
  return view;
}

// The same loop for an input that is one number: operands[1] (or [2]) then points to it alone. Null
// where there is none; the number is then repeated in a buffer.
struct NumberLoops {
  BlockLoop first = nullptr, second = nullptr;
};

// operands[0] is the output. `cost` tells how many simple operations an element takes: the grain
// shrinks with it.
void run_blocks(const BlockOperand* operands, int count, BlockLoop loop, const void* params,
                int cost, NumberLoops number_loops = {});

}  // namespace pygrad::cpu::PG_ISA_NS
