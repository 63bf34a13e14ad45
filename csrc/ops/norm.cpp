// layer_norm, rms_norm and group_norm: rows of numbers, normalised. Backward runs the fused kernel;
// under create_graph it is composed from public ops instead, so that derivatives of any order
// exist.
#include <limits>

#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

// A (rows, cols) contiguous alias, without history.
Tensor rows_of(const Tensor& t, int64_t rows, int64_t cols) {
  GradGuard off(false);
  const Tensor c = contiguous(t);
  return alias(c, Shape{rows, cols}, Shape{cols, 1}, c.offset());
}

DType statistics_dtype(DType dtype) { return dtype == DType::Float64 ? dtype : DType::Float32; }

bool wants_graph(std::initializer_list<TensorRef> tensors) {
  return grad_enabled() && any_requires_grad(Inputs{tensors.begin(), tensors.size()});
}

// The affine parameters in the input's dtype. 16-bit input may come with float32 parameters, as in
// PyTorch.
Tensor parameter_for(const char* op, const char* name, const Tensor& input,
                     const Tensor& parameter) {
  if (!parameter.defined()) return parameter;
  check_same_device(op, input, parameter, "input", name);
  if (parameter.dtype() == input.dtype()) return parameter;
  PG_CHECK(item_size(input.dtype()) == 2 && parameter.dtype() == DType::Float32, op,
           "(): expected scalar type ", input.dtype(), " but found ", parameter.dtype(),
           ": input is ", input.dtype(), ", ", name, " is ", parameter.dtype(),
           ". Convert one with .to()");
  return to(parameter, input.dtype());
}

// Elements of one row; checks that normalized_shape ends the input's shape and that the parameters
// have it.
int64_t row_length(const char* op, const Tensor& input, const Shape& normalized_shape,
                   const Tensor& weight, const Tensor& bias) {
  require_floating(op, input.dtype());
  const int64_t n = normalized_shape.size();
  PG_CHECK(n > 0, op,
           "(): Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
           "one element, but got "
           "normalized_shape = []");
  for (const Tensor* p : {&weight, &bias})
    PG_CHECK(!p->defined() || Shape::same(p->sizes(), normalized_shape), op, "(): Expected ",
             p == &weight ? "weight" : "bias", " to be of same shape as normalized_shape, but got ",
             p == &weight ? "weight" : "bias", " of shape ", p->sizes(),
             " and normalized_shape = ", normalized_shape);
  const bool fits = input.dim() >= n &&
                    Shape::same(input.sizes().subspan(size_t(input.dim() - n)), normalized_shape);
  PG_CHECK(fits, op, "(): Given normalized_shape=", normalized_shape,
           ", expected input with shape [*, ", normalized_shape, "], but got input of size ",
           input.sizes());
  return numel_of(normalized_shape);
}

// h = (x - mean) rstd over the last dimension, in float at least; differentiable. Also gives rstd.
std::pair<Tensor, Tensor> normalized_rows(const Tensor& x, bool centered, double eps) {
  const Tensor c = centered ? sub(x, mean(x, Shape{-1}, true)) : x;
  const Tensor r = rsqrt(add(mean(square(c), Shape{-1}, true), Scalar(eps)));
  return {mul(c, r), r};
}

// dx = r (u - mean(u) - h mean(u h)) with u = g w; without mean(u) when not centered.
Tensor row_input_gradient(const Tensor& u, const Tensor& h, const Tensor& r, bool centered) {
  Tensor d = sub(u, mul(h, mean(mul(u, h), Shape{-1}, true)));
  if (centered) d = sub(d, mean(u, Shape{-1}, true));
  return mul(d, r);
}

int64_t rows_for(const Tensor& input, int64_t cols) { return cols ? input.numel() / cols : 0; }

Shape flat_row(int64_t cols) { return Shape{1, cols}; }

// The composed gradients of layer_norm (centered) and rms_norm.
std::tuple<Tensor, Tensor, Tensor> composed_gradients(const Tensor& grad, const Tensor& input,
                                                      const Tensor& weight, int64_t cols,
                                                      bool centered, double eps) {
  const DType compute = statistics_dtype(input.dtype());
  const Shape rows{rows_for(input, cols), cols};
  const Tensor g = to(reshape(grad, rows), compute), x = to(reshape(input, rows), compute);
  const auto [h, r] = normalized_rows(x, centered, eps);
  const Tensor u = weight.defined() ? mul(g, to(reshape(weight, flat_row(cols)), compute)) : g;
  Tensor to_weight, to_bias;
  if (weight.defined())
    to_weight = to(reshape(sum(mul(g, h), Shape{0}, false), weight.shape()), weight.dtype());
  const Tensor to_input =
      to(reshape(row_input_gradient(u, h, r, centered), input.shape()), input.dtype());
  return {to_input, to_weight, sum(g, Shape{0}, false)};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> layer_norm_backward(const Tensor& grad, const Tensor& input,
                                                       const Tensor& mean, const Tensor& rstd,
                                                       const Tensor& weight, int64_t cols,
                                                       double eps, bool need_input,
                                                       bool need_weight, bool need_bias) {
  if (wants_graph({grad, input, weight}))
    return composed_gradients(grad, input, weight, cols, true, eps);
  const int64_t rows = rows_for(input, cols);
  if (rows == 0)
    return {zeros_like(input),
            need_weight ? zeros(Shape{cols}, input.dtype(), input.device()) : Tensor(),
            need_bias ? zeros(Shape{cols}, input.dtype(), input.device()) : Tensor()};
  const Tensor g = rows_of(to(grad, input.dtype()), rows, cols), x = rows_of(input, rows, cols);
  Tensor dx, dw, db, w;
  if (need_input) dx = empty(input.sizes(), input.dtype(), input.device());
  if (need_weight) dw = empty(Shape{cols}, input.dtype(), input.device());
  if (need_bias) db = empty(Shape{cols}, input.dtype(), input.device());
  if (weight.defined()) w = rows_of(weight, 1, cols);
  const View dx_view = need_input ? alias(dx, Shape{rows, cols}, Shape{cols, 1}, 0).view() : View{};
  const View dw_view = need_weight ? dw.view() : View{}, db_view = need_bias ? db.view() : View{};
  const View w_view =
      weight.defined() ? alias(w, Shape{cols}, Shape{1}, w.offset()).view() : View{};
  kernels::layer_norm_backward(input.device_type())(
      need_input ? &dx_view : nullptr, need_weight ? &dw_view : nullptr,
      need_bias ? &db_view : nullptr, g.view(), x.view(), mean.view(), rstd.view(),
      weight.defined() ? &w_view : nullptr);
  return {dx, dw, db};
}
PG_OP(
    layer_norm_backward,
    "(Tensor grad, Tensor input, Tensor mean, Tensor rstd, Tensor? weight, int cols, float eps, "
    "bool need_input, "
    "bool need_weight, bool need_bias) -> (Tensor grad_input, Tensor grad_weight, Tensor "
    "grad_bias)",
    R"(The gradients of layer_norm over rows of cols elements; those of the parameters are flat.)")
.in("_internal").composed();

Tensor layer_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const int64_t cols = row_length("layer_norm", input, normalized_shape, weight, bias),
                rows = rows_for(input, cols);
  const Tensor w = parameter_for("layer_norm", "weight", input, weight),
               b = parameter_for("layer_norm", "bias", input, bias);
  const DType compute = statistics_dtype(input.dtype());
  Tensor out = empty(input.sizes(), input.dtype(), input.device());
  const Tensor mean = empty(Shape{rows}, compute, input.device()),
               rstd = empty(Shape{rows}, compute, input.device());
  if (rows) {
    const Tensor x = rows_of(input, rows, cols);
    const Tensor flat_w = w.defined() ? rows_of(w, 1, cols) : w,
                 flat_b = b.defined() ? rows_of(b, 1, cols) : b;
    const View w_view =
        w.defined() ? alias(flat_w, Shape{cols}, Shape{1}, flat_w.offset()).view() : View{};
    const View b_view =
        b.defined() ? alias(flat_b, Shape{cols}, Shape{1}, flat_b.offset()).view() : View{};
    kernels::layer_norm(input.device_type())(
        alias(out, Shape{rows, cols}, Shape{cols, 1}, 0).view(), mean.view(), rstd.view(), x.view(),
        w.defined() ? &w_view : nullptr, b.defined() ? &b_view : nullptr, eps);
  }
  return record("native_layer_norm", out, {input, weight, bias}, saved(input, mean, rstd, w),
                [cols, normalized_shape, eps](const Node& n, const Tensor& g) {
                  auto [dx, dw, db] =
                      layer_norm_backward(g, n.saved(0), n.saved(1), n.saved(2), n.saved(3), cols,
                                          eps, n.needs(0), n.needs(1), n.needs(2));
                  return Grads{dx, n.needs(1) ? reshape(dw, normalized_shape) : Tensor(),
                               n.needs(2) ? reshape(db, normalized_shape) : Tensor()};
                });
}
PG_OP(layer_norm,
      "(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float "
      "eps=1e-5) -> Tensor",
      R"(Normalises over the last dimensions: (x - mean) / sqrt(var + eps) * weight + bias.

Args:
    input: (*, *normalized_shape).
    normalized_shape: the sizes of the dimensions that are normalised together.
    weight, bias: of shape normalized_shape.
    eps: added to the variance.

Raises:
    RuntimeError: if the input's shape does not end with normalized_shape.

Example:
    >>> pygrad.layer_norm(pygrad.tensor([[1., 3.]]), [2])
    tensor([[-1.0000,  1.0000]])
)")
.also_in("nn.functional");

std::tuple<Tensor, Tensor> rms_norm_backward(const Tensor& grad, const Tensor& input,
                                             const Tensor& rstd, const Tensor& weight, int64_t cols,
                                             double eps, bool need_input, bool need_weight) {
  if (wants_graph({grad, input, weight})) {
    auto [dx, dw, db] = composed_gradients(grad, input, weight, cols, false, eps);
    return {dx, dw};
  }
  const int64_t rows = rows_for(input, cols);
  if (rows == 0)
    return {zeros_like(input),
            need_weight ? zeros(Shape{cols}, input.dtype(), input.device()) : Tensor()};
  const Tensor g = rows_of(to(grad, input.dtype()), rows, cols), x = rows_of(input, rows, cols);
  Tensor dx, dw, w;
  if (need_input) dx = empty(input.sizes(), input.dtype(), input.device());
  if (need_weight) dw = empty(Shape{cols}, input.dtype(), input.device());
  if (weight.defined()) w = rows_of(weight, 1, cols);
  const View dx_view = need_input ? alias(dx, Shape{rows, cols}, Shape{cols, 1}, 0).view() : View{};
  const View dw_view = need_weight ? dw.view() : View{};
  const View w_view =
      weight.defined() ? alias(w, Shape{cols}, Shape{1}, w.offset()).view() : View{};
  kernels::rms_norm_backward(input.device_type())(
      need_input ? &dx_view : nullptr, need_weight ? &dw_view : nullptr, g.view(), x.view(),
      rstd.view(), weight.defined() ? &w_view : nullptr);
  return {dx, dw};
}
PG_OP(rms_norm_backward,
      "(Tensor grad, Tensor input, Tensor rstd, Tensor? weight, int cols, float eps, bool "
      "need_input, bool need_weight) -> "
      "(Tensor grad_input, Tensor grad_weight)",
      R"(The gradients of rms_norm over rows of cols elements; that of the weight is flat.)")
.in("_internal").composed();

Tensor rms_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps_given) {
  const int64_t cols = row_length("rms_norm", input, normalized_shape, weight, Tensor()),
                rows = rows_for(input, cols);
  const Tensor w = parameter_for("rms_norm", "weight", input, weight);
  const DType compute = statistics_dtype(input.dtype());
  const double eps =
      eps_given.value_or(compute == DType::Float64 ? std::numeric_limits<double>::epsilon()
                                                   : double(std::numeric_limits<float>::epsilon()));
  Tensor out = empty(input.sizes(), input.dtype(), input.device());
  const Tensor rstd = empty(Shape{rows}, compute, input.device());
  if (rows) {
    const Tensor x = rows_of(input, rows, cols), flat_w = w.defined() ? rows_of(w, 1, cols) : w;
    const View w_view =
        w.defined() ? alias(flat_w, Shape{cols}, Shape{1}, flat_w.offset()).view() : View{};
    kernels::rms_norm(input.device_type())(alias(out, Shape{rows, cols}, Shape{cols, 1}, 0).view(),
                                           rstd.view(), x.view(), w.defined() ? &w_view : nullptr,
                                           eps);
  }
  return record("rms_norm", out, {input, weight}, saved(input, rstd, w),
                [cols, normalized_shape, eps](const Node& n, const Tensor& g) {
                  auto [dx, dw] = rms_norm_backward(g, n.saved(0), n.saved(1), n.saved(2), cols,
                                                    eps, n.needs(0), n.needs(1));
                  return Grads{dx, n.needs(1) ? reshape(dw, normalized_shape) : Tensor()};
                });
}
PG_OP(
    rms_norm,
    "(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor",
    R"(Divides by the root mean square over the last dimensions: x / sqrt(mean(x^2) + eps) * weight.

Args:
    input: (*, *normalized_shape).
    weight: of shape normalized_shape.
    eps: the precision of the computation when missing.

Example:
    >>> pygrad.rms_norm(pygrad.tensor([[3., 3.]]), [2])
    tensor([[1., 1.]])
)")
.also_in("nn.functional");

namespace {

Shape channel_shape(const Tensor& input) {
  Shape s = Shape::filled(input.dim(), 1);
  s[1] = input.size(1);
  return s;
}

// The sum over all dimensions but the channels.
Tensor channel_sum(const Tensor& t) {
  Shape dims;
  for (int64_t d = 0; d < t.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return sum(t, dims, false);
}

// (x - mean) rstd by the kernel, in the input's shape, without history.
Tensor normalized_groups(const Tensor& input, int64_t rows, int64_t cols, const Tensor& mean,
                         const Tensor& rstd, double eps) {
  const Tensor out = empty(input.sizes(), input.dtype(), input.device());
  kernels::layer_norm(input.device_type())(
      alias(out, Shape{rows, cols}, Shape{cols, 1}, 0).view(), mean.view(), rstd.view(),
      rows_of(input, rows, cols).view(), nullptr, nullptr, eps);
  return out;
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> group_norm_backward(const Tensor& grad, const Tensor& input,
                                                       const Tensor& mean, const Tensor& rstd,
                                                       const Tensor& weight, int64_t num_groups,
                                                       double eps, bool need_input,
                                                       bool need_weight, bool need_bias) {
  const int64_t rows = input.size(0) * num_groups, cols = rows ? input.numel() / rows : 0;
  const Shape channels = channel_shape(input);
  const Tensor u = weight.defined() ? mul(grad, reshape(weight, channels)) : grad;
  Tensor dx, dw, db;
  if (need_bias) db = channel_sum(grad);
  if (input.numel() == 0) {
    if (need_weight) dw = zeros_like(weight);
    return {zeros_like(input), dw, db};
  }
  if (wants_graph({grad, input, weight})) {
    const DType compute = statistics_dtype(input.dtype());
    const Shape flat{rows, cols};
    const auto [h, r] = normalized_rows(to(reshape(input, flat), compute), true, eps);
    const Tensor d = row_input_gradient(to(reshape(u, flat), compute), h, r, true);
    dx = to(reshape(d, input.shape()), input.dtype());
    if (need_weight) dw = channel_sum(mul(grad, to(reshape(h, input.shape()), grad.dtype())));
    return {dx, dw, db};
  }
  if (need_input)
    dx = reshape(std::get<0>(layer_norm_backward(u, input, mean, rstd, Tensor(), cols, eps, true,
                                                 false, false)),
                 input.shape());
  if (need_weight) {
    const Tensor unused_mean = empty_like(mean), unused_rstd = empty_like(rstd);
    dw =
        channel_sum(mul(grad, normalized_groups(input, rows, cols, unused_mean, unused_rstd, eps)));
  }
  return {dx, dw, db};
}
PG_OP(group_norm_backward,
      "(Tensor grad, Tensor input, Tensor mean, Tensor rstd, Tensor? weight, int num_groups, float "
      "eps, bool need_input, "
      "bool need_weight, bool need_bias) -> (Tensor grad_input, Tensor grad_weight, Tensor "
      "grad_bias)",
      R"(The gradients of group_norm.)")
.in("_internal").composed();

Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  require_floating("group_norm", input.dtype());
  PG_CHECK(input.dim() >= 2,
           "group_norm(): Expected at least 2 dimensions for input tensor but received ",
           input.dim());
  PG_CHECK(num_groups > 0, "group_norm(): Expected num groups to be greater than 0, got ",
           num_groups);
  const int64_t c = input.size(1);
  PG_CHECK(c % num_groups == 0,
           "group_norm(): Expected number of channels in input to be divisible by num_groups, but "
           "got input of "
           "shape ",
           input.sizes(), " and num_groups=", num_groups);
  for (const Tensor* p : {&weight, &bias})
    PG_CHECK(!p->defined() || (p->dim() == 1 && p->size(0) == c), "group_norm(): Expected ",
             p == &weight ? "weight" : "bias",
             " to be a vector of size equal to the number of channels in input, but got ",
             p == &weight ? "weight" : "bias", " of shape ", p->sizes(), " and input of shape ",
             input.sizes());
  const Tensor w = parameter_for("group_norm", "weight", input, weight),
               b = parameter_for("group_norm", "bias", input, bias);
  const int64_t rows = input.numel() ? input.size(0) * num_groups : 0,
                cols = rows ? input.numel() / rows : 0;
  const DType compute = statistics_dtype(input.dtype());
  const Tensor mean = empty(Shape{rows}, compute, input.device()),
               rstd = empty(Shape{rows}, compute, input.device());
  Tensor out = rows ? normalized_groups(input, rows, cols, mean, rstd, eps)
                    : empty(input.sizes(), input.dtype(), input.device());
  if (rows && (w.defined() || b.defined())) {
    GradGuard off(false);
    const Shape channels = channel_shape(input);
    const View o = out.view();
    if (w.defined() && b.defined()) {
      kernels::ternary(out.device_type())(
          TernaryOp::addcmul, o, reshape(b, channels).view_expanded(out.sizes()), o,
          reshape(w, channels).view_expanded(out.sizes()), Scalar(1));
    } else {
      const Tensor p = reshape(w.defined() ? w : b, channels);
      kernels::binary(out.device_type())(w.defined() ? BinaryOp::mul : BinaryOp::add, o, o,
                                         p.view_expanded(out.sizes()));
    }
  }
  return record("native_group_norm", out, {input, weight, bias}, saved(input, mean, rstd, w),
                [num_groups, eps](const Node& n, const Tensor& g) {
                  auto [dx, dw, db] =
                      group_norm_backward(g, n.saved(0), n.saved(1), n.saved(2), n.saved(3),
                                          num_groups, eps, n.needs(0), n.needs(1), n.needs(2));
                  return Grads{dx, dw, db};
                });
}
PG_OP(group_norm,
      "(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-5) -> "
      "Tensor",
      R"(Normalises each sample over groups of channels, then scales and shifts each channel.

Args:
    input: (N, C, *).
    num_groups: a divisor of C.
    weight, bias: (C,).
    eps: added to the variance.

Example:
    >>> pygrad.group_norm(pygrad.tensor([[1., 3.]]), 1)
    tensor([[-1.0000,  1.0000]])
)")
.also_in("nn.functional");

}  // namespace pygrad
