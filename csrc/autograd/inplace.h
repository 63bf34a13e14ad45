// In-place operations, built on the out-of-place ones.
//
// `x.mul_(y)` runs mul(x, y) inside an OutputTarget for x. An op that was registered as writing
// straight into its result asks take_target() for memory and gets x's own, when that is safe; any
// other op computes a fresh result, which is copied. Either way the op records itself against the
// old x, and finish_inplace() makes x continue from the result. When x is a view, its base
// continues from a CopySlices node and every other view of the base rebuilds its history when next
// asked.
#pragma once

#include "csrc/autograd/record.h"

namespace pygrad {

class OutputTarget {
 public:
  OutputTarget(const Tensor& self, bool recording);
  ~OutputTarget();
  OutputTarget(const OutputTarget&) = delete;

  const Tensor& self;  // outlives the target
  // Whether the op may go on the tape: its result then needs a header beside self's, which still
  // has the old history. Else the result is self.
  const bool recording;
  bool taken = false;
  OutputTarget* outer;
};

// Memory for the result of a pointwise op: the in-place target when one is set and fits, else fresh
// memory of `like`'s layout. `inputs` are what the kernel will read: one that overlaps the target
// in another layout rules it out.
Tensor make_output(const Tensor& like, Sizes sizes, DType dtype,
                   std::initializer_list<TensorRef> inputs);

// PyTorch's rule: dense operands that partly overlap the written tensor are refused, since the
// result would depend on the order of reading and writing. (Others that overlap are computed into
// fresh memory first.)
void check_no_partial_overlap(const Tensor& self, const Tensor& input);

// True while the storage of `t` has been handed out as the current op's output and `t` is not that
// output: its old contents are about to be lost, so saving it must fail the version check later.
bool is_being_overwritten(const Tensor& t, std::span<const Tensor> outputs);

// Refuses what may not be written: leaves that require grad, views of such, expanded tensors,
// read-only memory.
void check_inplace(const char* op, const Tensor& self);
// Makes `self` hold `out` (copying when the op did not write in place) and continue its history.
void finish_inplace(const char* op, const Tensor& self, Tensor out);
// Runs f inside a target for self: `inplace("mul_", self, [&] { return mul(self, other); })`.
// recording: false promises that no operand requires grad.
template <class F>
const Tensor& inplace(const char* op, const Tensor& self, F&& f, bool direct = true,
                      bool recording = true) {
  check_inplace(op, self);
  Tensor out;
  if (direct) {
    OutputTarget target(self, recording && grad_enabled());
    out = f();
    if (target.taken && out.is(self)) return self;
  } else {
    out = f();
  }
  finish_inplace(op, self, std::move(out));
  return self;
}

// The layout of a base tensor and of a view into it, for the gradient of as_strided and CopySlices.
struct Geometry {
  Shape sizes, strides;
  int64_t offset;
};
Geometry geometry_of(const Tensor& t);
// as_strided on `grad` laid out as `base`; and its adjoint, which sums where the view overlaps
// itself.
Tensor gather_geometry(const Tensor& grad, const Geometry& base, const Geometry& view);
Tensor scatter_geometry(const Tensor& grad, const Geometry& base, const Geometry& view);
// `grad` with the view's elements set to zero.
Tensor zero_region(const Tensor& grad, const Geometry& base, const Geometry& view);

}  // namespace pygrad
