// One call of the block driver (blocks.cpp), as its parts see it.
#pragma once

#include "kernels/cpu/blocks.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// How a block of one operand reaches the loop.
enum class Reach : uint8_t {
  in_place,
  number,    // row_loop takes the one element
  gathered,  // copied into a buffer, and kept there while the place stays the same
};

// A block's part of one operand: the dimensions within a block, merged where this operand allows.
struct Part {
  Reach reach;
  int ndim;
  int64_t sizes[kMaxDims];  // the last one for one step along the block's last dimension
  int64_t strides[kMaxDims];
};

struct BlockJob {
  Nest<kMaxOperands> nest;
  int count;
  BlockLoop loop;      // for packed operands
  BlockLoop row_loop;  // where operand `number` is one element for all of a block
  int number;          // 0: none
  bool stream;
  const void* params;
  LoadRun load[kMaxOperands];
  StoreRun store;
  int64_t item[kMaxOperands];  // bytes of an element in the type computed in
  int64_t storage_item[kMaxOperands];
  bool same_type[kMaxOperands];
  bool packed[kMaxOperands];  // right type and without gaps through the whole nest

  // A block is all of dimensions 0 .. last - 1, `inner` elements, by up to `step` of dimension
  // `last`, which takes `steps` blocks.
  int last;
  int64_t inner, step, steps;
  bool direct;  // nothing is gathered, converted or streamed, and a block is a row
  Part parts[kMaxOperands];
};

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
