// Limits: clamp with numbers or tensors on either side.
#include "csrc/ops/creation.h"
#include "csrc/ops/pointwise.h"

namespace pygrad {

Tensor clamp(const Tensor& input, const std::optional<Scalar>& min,
             const std::optional<Scalar>& max) {
  PG_CHECK(min || max, "clamp(): torch.clamp: At least one of 'min' or 'max' must not be None");
  DType dtype = input.dtype();
  if (min) dtype = result_type(input, *min);
  if (max) dtype = promote_types(dtype, result_type(input, *max));
  PG_CHECK_KIND(NotImplemented, !is_complex(dtype),
                "clamp(): clamp is not supported for complex types, got ", dtype);
  refuse_bool("clamp", dtype);
  if (min) check_convertible("clamp", *min, dtype);
  if (max) check_convertible("clamp", *max, dtype);
  const Tensor x = to(input, dtype);
  Tensor out = make_output(x, x.sizes(), dtype, {x});
  const Tensor kept = keep(x, out, input.requires_grad());
  const Scalar low = min.value_or(Scalar()), high = max.value_or(Scalar());
  const bool has_low = min.has_value(), has_high = max.has_value();
  if (!is_large(out.numel()) || !defer({.kernel = PointwiseStep::Kernel::clamp,
                                        .has_low = has_low,
                                        .has_high = has_high,
                                        .scalar = low,
                                        .high = high},
                                       out, {&x}))
    kernels::clamp(x.device_type())(out.view(), x.view(), low, has_low, high, has_high);
  return record("clamp:1", out, {input}, saved(kept),
                [low, high, has_low, has_high](const Node& n, const Tensor& g) {
                  const Tensor v = n.saved(0);
                  Tensor inside = has_low ? ge(v, low) : le(v, high);
                  if (has_low && has_high) inside = logical_and(inside, Operand(le(v, high)));
                  return Grads{where(inside, g, Scalar(0))};
                });
}
PG_OP(clamp, "(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor",
      R"(Each element moved into [min, max]; NaN stays.

Args:
    input: any shape.
    min: a number, a tensor, or None for no limit.
    max: likewise. Where min is above max, the result is max.

Raises:
    RuntimeError: when both limits are None.

Example:
    >>> pygrad.clamp(pygrad.tensor([-2., 0.5, 3.]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
)")
.method().inplace().alias("clip");

namespace {

// A missing limit is undefined.
Tensor clamp_between(const char* node, const Tensor& input, const Tensor& low, const Tensor& high) {
  PG_CHECK(low.defined() || high.defined(),
           "clamp(): torch.clamp: At least one of 'min' or 'max' must not be None");
  DType dtype = input.dtype();
  TensorList all{input};
  if (low.defined()) all.push_back(low);
  if (high.defined()) all.push_back(high);
  dtype = result_type(all);
  PG_CHECK_KIND(NotImplemented, !is_complex(dtype),
                "clamp(): clamp is not supported for complex types, got ", dtype);
  Tensor out;
  {
    GradGuard off(false);
    out = to(input, dtype);
    if (low.defined()) out = maximum(out, to(low, dtype));
    if (high.defined()) out = minimum(out, to(high, dtype));
    if (out.impl()->storage.get() == input.impl()->storage.get()) out = clone(out);
  }
  return record(node, alias(out), {input, low, high}, saved(input, low, high),
                [](const Node& n, const Tensor& g) {
                  const Tensor x = n.saved(0), lo = n.saved(1), hi = n.saved(2);
                  Grads grads{Tensor(), Tensor(), Tensor()};
                  if (n.needs(0)) {
                    Tensor inside = lo.defined() ? ge(x, lo) : le(x, hi);
                    if (lo.defined() && hi.defined())
                      inside = logical_and(inside, Operand(le(x, hi)));
                    grads[0] = where(inside, g, Scalar(0));
                  }
                  if (n.needs(1)) {
                    Tensor below = lt(x, lo);
                    if (hi.defined()) below = logical_and(below, Operand(lt(lo, hi)));
                    grads[1] = where(below, g, Scalar(0));
                  }
                  if (n.needs(2)) {
                    Tensor above = gt(x, hi);
                    if (lo.defined()) above = logical_or(above, Operand(gt(lo, hi)));
                    grads[2] = where(above, g, Scalar(0));
                  }
                  return grads;
                });
}

}  // namespace

Tensor clamp_tensors(const Tensor& input, const Tensor& min, const Tensor& max) {
  return clamp_between("clamp", input, min, max);
}
PG_OP_NAMED("clamp", &clamp_tensors, "(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor",
            R"(Each element moved between the elements of two tensors, either of which may be None.

Example:
    >>> pygrad.clamp(pygrad.tensor([-2., 3.]), min=pygrad.tensor([0., 4.]))
    tensor([0., 4.])
)")
    .method()
    .inplace(false)
    .alias("clip");

// One limit a number, the other a tensor.
Tensor clamp_mixed(const Tensor& input, const Operand& min, const Operand& max) {
  return clamp_between("clamp", input, wrapped(min, input), wrapped(max, input));
}
PG_OP_NAMED("clamp", &clamp_mixed, "(Tensor input, Tensor|Scalar min, Tensor|Scalar max) -> Tensor",
            R"(Each element moved between a number and the elements of a tensor, in either order.)")
    .method()
    .inplace(false)
    .alias("clip");

Tensor clamp_min(const Tensor& input, const Operand& min) {
  if (min.is_tensor()) return clamp_between("clamp_min", input, min.tensor, Tensor());
  return clamp(input, min.scalar, std::nullopt);
}
PG_OP(clamp_min, "(Tensor input, Tensor|Scalar min) -> Tensor", R"(Each element, but at least min.

Example:
    >>> pygrad.clamp_min(pygrad.tensor([-2., 3.]), 0)
    tensor([0., 3.])
)")
.method().inplace(false);

Tensor clamp_max(const Tensor& input, const Operand& max) {
  if (max.is_tensor()) return clamp_between("clamp_max", input, Tensor(), max.tensor);
  return clamp(input, std::nullopt, max.scalar);
}
PG_OP(clamp_max, "(Tensor input, Tensor|Scalar max) -> Tensor", R"(Each element, but at most max.

Example:
    >>> pygrad.clamp_max(pygrad.tensor([-2., 3.]), 0)
    tensor([-2.,  0.])
)")
.method().inplace(false);

}  // namespace pygrad
