// Extremes with their places: max and min along a dimension, argmax, argmin.
#include "csrc/ops/reduction.h"

namespace pygrad {

Tensor extreme_over(const char* name, const char* node, ReduceOp op, const Tensor& input,
                    Sizes dims, bool keepdim);

namespace {

// The gradient of values picked out of `r.sizes` along dim goes back to where they came from.
Tensor to_picked(const Tensor& g, const Tensor& indices, const Reduced& r, int64_t dim) {
  if (r.sizes.empty()) return g;
  return scatter(zeros(r.sizes, g.dtype(), g.device()), dim, r.with_dims(indices), r.with_dims(g));
}

std::tuple<Tensor, Tensor> extreme_along(const char* name, bool largest, const Tensor& input,
                                         int64_t dim, bool keepdim) {
  PG_CHECK(!is_complex(input.dtype()), name, "(): does not support complex input (dtype ",
           input.dtype(), ")");
  dim = check_dim(name, dim, input.dim());
  if (input.dim() == 0) {
    Tensor values = clone(input);
    return {values, zeros(Shape{}, DType::Int64, input.device())};
  }
  const Reduced r(name, input, Shape{dim}, keepdim);
  PG_CHECK_INDEX(input.size(dim) > 0, name, "(): Expected reduction dim ", dim,
                 " to have non-zero size, but the input is ", input.sizes());
  Tensor values = empty(r.result_shape(), input.dtype(), input.device());
  const Tensor indices = empty(r.result_shape(), DType::Int64, input.device());
  const View v = r.kernel_view(values);
  kernels::arg_reduce(input.device_type())(largest, &v, r.kernel_view(indices), input.view(), dim);
  values = record(name, values, {input}, saved(indices), [r, dim](const Node& n, const Tensor& g) {
    return Grads{to_picked(g, n.saved(0), r, dim)};
  });
  return {values, indices};
}

Tensor arg_extreme(const char* name, bool largest, const Tensor& input, std::optional<int64_t> dim,
                   bool keepdim) {
  PG_CHECK(!is_complex(input.dtype()), name, "(): does not support complex input (dtype ",
           input.dtype(), ")");
  PG_CHECK(input.dtype() != DType::Bool, name,
           "(): does not support bool input. Convert it with .int()");
  GradGuard off(false);
  if (!dim) {
    PG_CHECK_INDEX(input.numel() > 0, name,
                   "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                   "reduction dim "
                   "with the 'dim' argument");
    const Tensor flat = reshape(input, Shape{-1});
    const Tensor out =
        empty(keepdim ? Shape::filled(input.dim(), 1) : Shape(), DType::Int64, input.device());
    View v = out.view();
    v.ndim = 1;
    v.sizes[0] = v.strides[0] = 1;
    kernels::arg_reduce(input.device_type())(largest, nullptr, v, flat.view(), 0);
    return out;
  }
  const int64_t d = check_dim(name, *dim, input.dim());
  if (input.dim() == 0) return zeros(Shape{}, DType::Int64, input.device());
  const Reduced r(name, input, Shape{d}, keepdim);
  PG_CHECK_INDEX(input.size(d) > 0, name, "(): Expected reduction dim ", d,
                 " to have non-zero size, but the input is ", input.sizes());
  const Tensor out = empty(r.result_shape(), DType::Int64, input.device());
  kernels::arg_reduce(input.device_type())(largest, nullptr, r.kernel_view(out), input.view(), d);
  return out;
}

}  // namespace

std::tuple<Tensor, Tensor> max_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return extreme_along("max", true, input, dim, keepdim);
}
PG_OP_NAMED("max", &max_dim,
            "(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
            R"(Largest element along a dimension, and where the first of them is.

Args:
    input: any shape.
    dim: the dimension to reduce.
    keepdim: keep it with size 1.

Example:
    >>> pygrad.max(pygrad.tensor([[1., 5.], [3., 2.]]), 1).indices
    tensor([1, 0])
)")
    .method();

Tensor max_all(const Tensor& input) {
  return extreme_over("max", "max:1", ReduceOp::amax, input, {}, false);
}
PG_OP_NAMED("max", &max_all, "(Tensor input) -> Tensor",
            R"(Largest of all elements; equal ones share the gradient.

Example:
    >>> pygrad.max(pygrad.tensor([1., 5.]))
    tensor(5.)
)")
    .method();

std::tuple<Tensor, Tensor> min_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return extreme_along("min", false, input, dim, keepdim);
}
PG_OP_NAMED("min", &min_dim,
            "(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
            R"(Smallest element along a dimension, and where the first of them is.

Example:
    >>> pygrad.min(pygrad.tensor([[1., 5.], [3., 2.]]), 1).indices
    tensor([0, 1])
)")
    .method();

Tensor min_all(const Tensor& input) {
  return extreme_over("min", "min:1", ReduceOp::amin, input, {}, false);
}
PG_OP_NAMED("min", &min_all, "(Tensor input) -> Tensor",
            R"(Smallest of all elements; equal ones share the gradient.

Example:
    >>> pygrad.min(pygrad.tensor([1., 5.]))
    tensor(1.)
)")
    .method();

Tensor argmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmax", true, input, dim, keepdim);
}
PG_OP(argmax, "(Tensor input, int? dim=None, bool keepdim=False) -> Tensor",
      R"(Where the largest element is: the first of equal ones; NaN counts as largest.

Args:
    input: any shape.
    dim: a dimension, or None for the flattened input.
    keepdim: keep the dimension with size 1.

Example:
    >>> pygrad.argmax(pygrad.tensor([[1., 5.], [3., 2.]]), dim=1)
    tensor([1, 0])
)")
.method().nondifferentiable();

Tensor argmin(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmin", false, input, dim, keepdim);
}
PG_OP(argmin, "(Tensor input, int? dim=None, bool keepdim=False) -> Tensor",
      R"(Where the smallest element is: the first of equal ones; NaN counts as smallest.

Example:
    >>> pygrad.argmin(pygrad.tensor([[1., 5.], [3., 2.]]), dim=1)
    tensor([0, 1])
)")
.method().nondifferentiable();

}  // namespace pygrad
