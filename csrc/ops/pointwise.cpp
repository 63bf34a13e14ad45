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

BinaryCall::BinaryCall(const char* name, const Tensor& input, const Operand& other, DType compute,
                       DType result)
    : a(input.dtype() == compute ? input : to(input, compute)), scalar(other.scalar) {
  if (!other.is_tensor()) {
    out = make_output(a, a.sizes(), result, {a});
    return;
  }
  b = other.tensor.dtype() == compute ? other.tensor : to(other.tensor, compute);
  align_devices(name, a, b);
  if (Shape::same(a.sizes(), b.sizes())) {
    out = make_output(a.is_contiguous() ? a : b.is_contiguous() ? b : a, a.sizes(), result, {a, b});
    return;
  }
  const Shape sizes = broadcast_shapes(name, a.sizes(), b.sizes());
  out = make_output(sizes == b.sizes() && !(sizes == a.sizes()) ? b : a, sizes, result, {a, b});
}

void BinaryCall::run(BinaryOp op) const {
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
