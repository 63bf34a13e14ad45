// Operands of pointwise ops: devices, promotion, broadcasting, and the dtypes an op refuses.
#include "csrc/ops/pointwise.h"

namespace pygrad {

void align_devices(const char* name, Tensor& a, Tensor& b) {
  if (a.device() == b.device()) return;
  if (b.dim() == 0 && !b.device().is_cuda())
    b = to_device(b, a.device());
  else if (a.dim() == 0 && !a.device().is_cuda())
    a = to_device(a, b.device());
  else
    check_same_device(name, a, b);
}

const Tensor BinaryCall::kNoTensor;

namespace {

// The operands in the dtype to compute in and on one device; undefined where they already are.
std::pair<Tensor, Tensor> converted(const char* name, const Tensor& a, const Tensor& b,
                                    DType dtype) {
  std::pair<Tensor, Tensor> r;
  if (a.dtype() != dtype) r.first = to(a, dtype);
  if (!b.defined()) return r;
  if (b.dtype() != dtype) r.second = to(b, dtype);
  if (a.device() != b.device()) {
    if (!r.first.defined()) r.first = a;
    if (!r.second.defined()) r.second = b;
    align_devices(name, r.first, r.second);
  }
  return r;
}

}  // namespace

BinaryCall::BinaryCall(const char* name, const Tensor& input, const Tensor& other, Scalar number,
                       DType compute, DType result)
    : converted_(converted(name, input, other, compute)),
      a(converted_.first.defined() ? converted_.first : input),
      b(converted_.second.defined() ? converted_.second : other),
      scalar(number) {
  if (!b.defined()) {
    out = make_output(a, a.sizes(), result, {a});
  } else if (Shape::same(a.sizes(), b.sizes())) {
    out = make_output(a.is_contiguous() ? a : b.is_contiguous() ? b : a, a.sizes(), result, {a, b});
  } else {
    const Shape sizes = broadcast_shapes(name, a.sizes(), b.sizes());
    out = make_output(sizes == b.sizes() && !(sizes == a.sizes()) ? b : a, sizes, result, {a, b});
  }
}

void BinaryCall::run(BinaryOp op) const {
  if (is_large(out.numel())) {
    using Kernel = PointwiseStep::Kernel;
    if (b.defined() ? defer({.kernel = Kernel::binary, .op = uint8_t(op)}, out, {&a, &b})
                    : defer({.kernel = Kernel::binary_scalar,
                             .op = uint8_t(op),
                             .scalar_first = scalar_first,
                             .scalar = scalar},
                            out, {&a}))
      return;
  }
  if (!b.defined()) {
    kernels::binary_scalar(a.device_type())(op, out.view(), a.view(), scalar, scalar_first);
  } else {
    kernels::binary(a.device_type())(op, out.view(), a.view_expanded(out.sizes()),
                                     b.view_expanded(out.sizes()));
  }
}

void BinaryCall::run(CompareOp op) const {
  if (!b.defined()) {
    kernels::compare_scalar(a.device_type())(op, out.view(), a.view(), scalar);
  } else {
    kernels::compare(a.device_type())(op, out.view(), a.view_expanded(out.sizes()),
                                      b.view_expanded(out.sizes()));
  }
}

void refuse_complex(const char* name, DType dtype) {
  PG_CHECK_KIND(NotImplemented, !is_complex(dtype), name,
                "(): not implemented for complex tensors (dtype ", dtype,
                "); expected a real dtype");
}

void refuse_bool(const char* name, DType dtype) {
  PG_CHECK_KIND(NotImplemented, dtype != DType::Bool, name,
                "(): not implemented for 'Bool' (dtype bool); expected a number");
}

void refuse_floating(const char* name, DType dtype) {
  PG_CHECK_KIND(NotImplemented, is_integral(dtype), name, "(): not implemented for dtype ", dtype,
                "; expected an integer or bool dtype");
}

void require_floating(const char* name, DType dtype) {
  PG_CHECK_KIND(NotImplemented, is_floating(dtype), name, "(): not implemented for dtype ", dtype,
                "; expected a floating dtype. Convert the input with .float()");
}

bool contains_zero(const Tensor& t) {
  return kernels::count_nonzero_total(t.device_type())(t.view()) != t.numel();
}

}  // namespace pygrad
