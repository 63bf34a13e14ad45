// One layer of a recurrent network in one direction: what the stacks and the cells are made of.
#pragma once

#include "csrc/ops/ops.h"
#include "kernels/kernels.h"

namespace pygrad {

// How the steps of an input lie in memory.
enum class StepLayout : uint8_t {
  single,       // (batch, features): one step
  time_first,   // (steps, batch, features)
  batch_first,  // (batch, steps, features)
  packed,       // (rows, features), sorted by time; the sequences by falling length
};

struct RecurrentKind {
  const char* op;  // for messages
  RecurrentMode mode;
  StepLayout layout;
  bool reverse;
};

struct RecurrentWeights {
  Tensor ih, hh, bias_ih, bias_hh, hr;  // biases and projection may be undefined
};

struct RecurrentResult {
  Tensor out, h, c;  // the last state; h is undefined for a single step, c except for an LSTM
};

// batch_sizes (packed only): int64, the sequences still going at each step.
RecurrentResult recurrent_layer(const RecurrentKind& kind, const Tensor& input,
                                const Tensor& batch_sizes, const Tensor& h0, const Tensor& c0,
                                const RecurrentWeights& weights);

}  // namespace pygrad
