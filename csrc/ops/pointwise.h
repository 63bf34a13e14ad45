// What the pointwise op families share: promotion of inputs, broadcasting, and memory for results.
#pragma once

#include "csrc/autograd/inplace.h"
#include "csrc/core/deferred.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {

// Integers and bools become the default dtype, as the mathematical functions want. The result is
// `input` itself or lies in the caller's temporary `converted`, so it holds for one expression.
inline const Tensor& floating_input(const Tensor& input, Tensor&& converted = Tensor()) {
  return is_integral(input.dtype()) ? converted = to(input, default_dtype()) : input;
}

// An operand that backward will need. Undefined when it will not; a copy when the op, running in
// place, is about to write into it (`x.sin_()` needs the old x).
inline Tensor keep(const Tensor& operand, const Tensor& out, bool needed) {
  if (!needed || !grad_enabled()) return {};
  const bool overwritten =
      operand.impl()->storage.get() == out.impl()->storage.get() && !operand.is(out);
  return overwritten ? clone(operand) : operand;
}

// Runs the op, now or, on a large tensor, when its value is needed.
inline void run_unary(UnaryOp op, const Tensor& out, const Tensor& x) {
  if (is_large(out.numel()) &&
      defer({.kernel = PointwiseStep::Kernel::unary, .op = uint8_t(op)}, out, {&x}))
    return;
  kernels::unary(x.device_type())(op, out.view(), x.view());
}

// The same for s-scaled combinations of three operands, which broadcast to `out`.
inline void run_ternary(TernaryOp op, const Tensor& out, const Tensor& a, const Tensor& b,
                        const Tensor& c, Scalar s) {
  if (is_large(out.numel()) &&
      defer({.kernel = PointwiseStep::Kernel::ternary, .op = uint8_t(op), .scalar = s}, out,
            {&a, &b, &c}))
    return;
  const Sizes sizes = out.sizes();
  kernels::ternary(out.device_type())(op, out.view(), a.view_expanded(sizes),
                                      b.view_expanded(sizes), c.view_expanded(sizes), s);
}

// f(x) whose backward needs x, its own result, or neither. `x` is `input` after promotion.
template <class F>
Tensor unary_of_input(const char* name, UnaryOp op, const Tensor& input, const Tensor& x,
                      const F& backward) {
  Tensor out = make_output(x, x.sizes(), x.dtype(), {x});
  const Tensor kept = keep(x, out, input.requires_grad());
  run_unary(op, out, x);
  return record(name, std::move(out), {input}, saved(kept), backward);
}
template <class F>
Tensor unary_of_output(const char* name, UnaryOp op, const Tensor& input, const Tensor& x,
                       const F& backward) {
  Tensor out = make_output(x, x.sizes(), x.dtype(), {x});
  run_unary(op, out, x);
  return record(name, std::move(out), {input}, saved(out), backward);
}
template <class F>
Tensor unary_plain(const char* name, UnaryOp op, const Tensor& input, const Tensor& x,
                   const F& backward) {
  Tensor out = make_output(x, x.sizes(), x.dtype(), {x});
  run_unary(op, out, x);
  return record(name, std::move(out), {input}, {}, backward);
}

// f(a, b) of tensors, or of a tensor and a number, brought to one dtype, device and shape.
// Construction takes the memory of the result; between that and run() the op decides what to
// keep().
class BinaryCall {
  std::pair<Tensor, Tensor> converted_;  // what had to change dtype or device

 public:
  const Tensor &a, &b;  // the operands, or what they were converted to; b is undefined for a number
  Scalar scalar;
  bool scalar_first = false;
  Tensor out;

  // `compute`: the dtype of the operands; `result`: of the output. The operands are borrowed: they
  // must outlive the call.
  BinaryCall(const char* name, const Tensor& input, const Operand& other, DType compute,
             DType result)
      : BinaryCall(name, input, other.tensor, other.scalar, compute, result) {}
  BinaryCall(const char* name, const Tensor& input, const Operand& other, DType dtype)
      : BinaryCall(name, input, other, dtype, dtype) {}
  BinaryCall(const char* name, const Tensor& input, const Tensor& other, DType dtype)
      : BinaryCall(name, input, other, Scalar(), dtype, dtype) {}
  BinaryCall(const char* name, const Tensor& input, Scalar other, DType dtype)
      : BinaryCall(name, input, kNoTensor, other, dtype, dtype) {}
  BinaryCall(const BinaryCall&) = delete;
  void run(BinaryOp op) const;
  void run(CompareOp op) const;

 private:
  static const Tensor kNoTensor;
  BinaryCall(const char* name, const Tensor& input, const Tensor& other, Scalar scalar,
             DType compute, DType result);
};

// A 0-d CPU tensor follows the other operand's device; any other difference is an error.
void align_devices(const char* name, Tensor& a, Tensor& b);

// Raised by arithmetic that PyTorch has no complex or no bool form of.
void refuse_complex(const char* name, DType dtype);
void refuse_bool(const char* name, DType dtype);
void refuse_floating(const char* name, DType dtype);
void require_floating(const char* name, DType dtype);

// The conjugate, and the negative, of a number.
inline Scalar conj(Scalar s) { return s.is_complex() ? Scalar(Complex128(s.d, -s.im)) : s; }
inline Scalar negated(Scalar s) {
  switch (s.kind) {
    case Scalar::Kind::Float:
      return Scalar(-s.d);
    case Scalar::Kind::Complex:
      return Scalar(Complex128(-s.d, -s.im));
    default:
      return Scalar(int64_t(0 - uint64_t(s.i)));
  }
}
inline bool is_one(Scalar s) { return s.is_integral() ? s.i == 1 : s.d == 1 && s.im == 0; }
inline bool is_zero(Scalar s) { return s.is_integral() ? s.i == 0 : s.d == 0 && s.im == 0; }

// True when an integer tensor has a zero in it; such a divisor is refused before any kernel sees
// it.
bool contains_zero(const Tensor& t);

}  // namespace pygrad
