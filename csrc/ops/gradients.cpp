// What is done to the gradients of many parameters at once, in place and without a tape.
#include <cmath>

#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

// The real dtype in which a gradient's norm is taken.
DType norm_dtype(DType dtype) {
  return dtype == DType::Float64 || dtype == DType::Complex128 ? DType::Float64 : DType::Float32;
}

void check_gradient(const char* op, const Tensor& grad) {
  PG_CHECK(!grad.storage().read_only, op,
           "(): a gradient's memory is read-only. Use clone() to get a writable copy");
  PG_CHECK(is_non_overlapping(grad), op,
           "(): more than one element of a gradient refers to a single memory location (size ",
           grad.sizes(), ", stride ", grad.strides(), "). Use clone() to get one of its own");
}

// sum |x|^p of one tensor (max |x| for infinite p), as a 0-d tensor of norm_dtype.
Tensor power_sum(const Tensor& grad, double p) {
  const DType dtype = norm_dtype(grad.dtype());
  if (p == 0) return to(sum(ne(grad, Scalar(0)), Shape(), false), dtype);
  const Tensor x = is_complex(grad.dtype()) ? grad : to(grad, dtype);
  if (p == 1 || p == 2) {
    const Tensor out = empty(Shape(), dtype, grad.device());
    kernels::reduce(x.device_type())(p == 2 ? ReduceOp::sum_of_squares : ReduceOp::sum_of_abs,
                                     out.view_expanded(Shape::filled(x.dim(), 1)), x.view());
    return out;
  }
  if (std::isinf(p)) {
    if (x.numel() == 0) return zeros(Shape(), dtype, grad.device());
    return p > 0 ? amax(abs(x), Shape(), false) : amin(abs(x), Shape(), false);
  }
  return sum(pow(abs(x), Scalar(p)), Shape(), false);
}

}  // namespace

Tensor clip_grad_norm(const TensorList& grads, double max_norm, double norm_type) {
  GradGuard off(false);
  if (grads.empty()) return zeros(Shape(), default_dtype(), Device());
  const Device home = grads[0].device();
  DType dtype = DType::Float32;
  for (const Tensor& g : grads) {
    PG_CHECK_KIND(NotImplemented, is_floating(g.dtype()) || is_complex(g.dtype()),
                  "clip_grad_norm(): a gradient has dtype ", g.dtype(),
                  "; expected a floating or complex dtype");
    check_gradient("clip_grad_norm", g);
    if (norm_dtype(g.dtype()) == DType::Float64) dtype = DType::Float64;
  }
  TensorList sums;
  for (const Tensor& g : grads) sums.push_back(to(to_device(power_sum(g, norm_type), home), dtype));
  const Tensor all = stack(sums, 0);
  Tensor total;
  if (std::isinf(norm_type)) {
    total = norm_type > 0 ? amax(all, Shape(), false) : amin(all, Shape(), false);
  } else if (norm_type == 0) {
    total = to(sum(ne(all, Scalar(0)), Shape(), false),
               dtype);  // as a norm of norms, each of which counts as one
  } else {
    total = sum(all, Shape(), false);
    total = norm_type == 2   ? sqrt(total)
            : norm_type == 1 ? total
                             : pow(total, Scalar(1 / norm_type));
  }
  const Tensor factor =
      clamp(rdiv(Scalar(max_norm), add(total, Scalar(1e-6))), std::nullopt, Scalar(1.0));
  // On the CPU it costs nothing to look; a factor of 1 changes nothing.
  const bool needed = home.is_cuda() || item(factor).to_double() != 1;
  for (const Tensor& g : grads) {
    if (!needed || g.numel() == 0) continue;
    const Tensor f = to(to_device(factor, g.device()), g.dtype());
    kernels::binary(g.device_type())(BinaryOp::mul, g.view(), g.view(), f.view_expanded(g.sizes()));
    g.bump_version();
  }
  return total;
}
PG_OP(clip_grad_norm, "(Tensor[] grads, float max_norm, float norm_type=2.0) -> Tensor",
      R"(Scales gradients in place so that their common norm is at most max_norm.

Returns:
    The norm before, of all gradients as one vector.

Example:
    >>> g = pygrad.tensor([3., 4.])
    >>> pygrad._C.ops.clip_grad_norm([g], 1.0)
    tensor(5.)
)")
.in("_internal").nondifferentiable();

void foreach_zero(const TensorList& tensors) {
  for (const Tensor& t : tensors) check_gradient("foreach_zero", t);
  for (const Tensor& t : tensors) {
    if (t.numel()) kernels::fill(t.device_type())(t.view(), Scalar(0));
    t.bump_version();
  }
}
PG_OP(foreach_zero, "(Tensor[] tensors) -> ()",
      R"(Sets all elements of all tensors to 0, in place and without a tape.)")
.in("_internal").nondifferentiable();

}  // namespace pygrad
