// batch_norm over channels, with running statistics; backward as in norm.cpp: fused, or composed
// under create_graph.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

// Merges the dimensions after the channels into one without a copy; false when their strides do not
// allow it.
bool as_planes(const Tensor& t, View& v) {
  v = t.view();
  v.ndim = 3;
  v.sizes[2] = 1;
  v.strides[2] = 1;
  bool first = true;
  for (int64_t d = t.dim() - 1; d >= 2; --d) {
    if (t.size(d) == 1) continue;
    if (first) {
      v.sizes[2] = t.size(d);
      v.strides[2] = t.stride(d);
      first = false;
    } else if (t.stride(d) == v.strides[2] * v.sizes[2]) {
      v.sizes[2] *= t.size(d);
    } else {
      return false;
    }
  }
  return true;
}

// `t`, or a contiguous copy whose planes can be merged.
Tensor with_planes(const Tensor& t, View& v) {
  if (as_planes(t, v)) return t;
  GradGuard off(false);
  const Tensor c = contiguous(t);
  as_planes(c, v);
  return c;
}

Shape channel_shape(const Tensor& input) {
  Shape s = Shape::filled(input.dim(), 1);
  s[1] = input.size(1);
  return s;
}

Shape all_but_channels(const Tensor& input) {
  Shape dims;
  for (int64_t d = 0; d < input.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return dims;
}

// From public ops only. Statistics of the batch depend on the input; running ones are constants.
std::tuple<Tensor, Tensor, Tensor> composed_gradients(const Tensor& grad, const Tensor& input,
                                                      const Tensor& weight,
                                                      const Tensor& mean_given, const Tensor& rstd,
                                                      bool training, double eps) {
  const DType compute = input.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  const Shape channels = channel_shape(input), dims = all_but_channels(input);
  const Tensor x = to(input, compute), g = to(grad, compute);
  Tensor c, r;
  if (training) {
    c = sub(x, mean(x, dims, true));
    r = rsqrt(add(mean(square(c), dims, true), Scalar(eps)));
  } else {
    c = sub(x, reshape(mean_given, channels));
    r = reshape(rstd, channels);
  }
  const Tensor h = mul(c, r),
               u = weight.defined() ? mul(g, to(reshape(weight, channels), compute)) : g;
  const Tensor d =
      training ? sub(sub(u, mean(u, dims, true)), mul(h, mean(mul(u, h), dims, true))) : u;
  Tensor dw;
  if (weight.defined()) dw = to(sum(mul(g, h), dims, false), weight.dtype());
  return {to(mul(d, r), input.dtype()), dw, sum(g, dims, false)};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> batch_norm_backward(const Tensor& grad, const Tensor& input,
                                                       const Tensor& weight, const Tensor& mean,
                                                       const Tensor& rstd, bool training,
                                                       double eps, bool need_input,
                                                       bool need_weight, bool need_bias) {
  if (grad_enabled() && (grad.requires_grad() || input.requires_grad() ||
                         (weight.defined() && weight.requires_grad())))
    return composed_gradients(grad, input, weight, mean, rstd, training, eps);
  const Shape channels{input.size(1)};
  if (input.numel() == 0)
    return {zeros_like(input),
            need_weight ? zeros(channels, input.dtype(), input.device()) : Tensor(),
            need_bias ? zeros(channels, input.dtype(), input.device()) : Tensor()};
  View g_view, x_view, dx_view;
  const Tensor g = with_planes(to(grad, input.dtype()), g_view), x = with_planes(input, x_view);
  Tensor dx, dw, db;
  if (need_input) {
    dx = empty_like(x);
    as_planes(dx, dx_view);
  }
  if (need_weight) dw = empty(channels, input.dtype(), input.device());
  if (need_bias) db = empty(channels, input.dtype(), input.device());
  const View dw_view = need_weight ? dw.view() : View{}, db_view = need_bias ? db.view() : View{};
  const View w_view = weight.defined() ? weight.view() : View{};
  kernels::batch_norm_backward(input.device_type())(
      need_input ? &dx_view : nullptr, need_weight ? &dw_view : nullptr,
      need_bias ? &db_view : nullptr, g_view, x_view, weight.defined() ? &w_view : nullptr,
      mean.view(), rstd.view(), training);
  return {dx, dw, db};
}
PG_OP(batch_norm_backward,
      "(Tensor grad, Tensor input, Tensor? weight, Tensor mean, Tensor rstd, bool training, float "
      "eps, bool need_input, "
      "bool need_weight, bool need_bias) -> (Tensor grad_input, Tensor grad_weight, Tensor "
      "grad_bias)",
      R"(The gradients of batch_norm.)")
.in("_internal").composed();

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  require_floating("batch_norm", input.dtype());
  PG_CHECK(input.dim() >= 2, "batch_norm(): input has shape ", input.sizes(),
           "; expected at least 2 dimensions (N, C, *)");
  const int64_t c = input.size(1);
  PG_CHECK(
      running_mean.defined() == running_var.defined(),
      "batch_norm(): only one of running_mean and running_var is given; expected both or neither");
  PG_CHECK(training || running_mean.defined(),
           "batch_norm(): running_mean must be defined in evaluation mode");
  const char* names[] = {"running_mean", "running_var", "weight", "bias"};
  const Tensor* parameters[] = {&running_mean, &running_var, &weight, &bias};
  for (int i = 0; i < 4; ++i) {
    const Tensor& p = *parameters[i];
    if (!p.defined()) continue;
    PG_CHECK(p.numel() == c && p.dim() == 1, "batch_norm(): ", names[i], " should contain ", c,
             " elements not ", p.numel(), "; ", names[i], " has shape ", p.sizes(), ", input ",
             input.sizes());
    check_same_device("batch_norm", input, p, "input", names[i]);
    PG_CHECK(p.dtype() == input.dtype() ||
                 (item_size(input.dtype()) == 2 && p.dtype() == DType::Float32),
             "batch_norm(): expected scalar type ", input.dtype(), " but found ", p.dtype(),
             " for ", names[i], ". Convert one with .to()");
  }
  const DType compute = input.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  View x_view, out_view;
  const Tensor x = with_planes(input, x_view);
  Tensor out = empty_like(x);
  as_planes(out, out_view);
  const Tensor mean = empty(Shape{c}, compute, input.device()),
               rstd = empty(Shape{c}, compute, input.device());
  if (input.numel()) {
    View views[4];
    const View* given[4] = {};
    for (int i = 0; i < 4; ++i) {
      if (!parameters[i]->defined()) continue;
      views[i] = parameters[i]->view();
      given[i] = &views[i];
    }
    kernels::batch_norm(input.device_type())(out_view, mean.view(), rstd.view(), x_view, given[2],
                                             given[3], given[0], given[1], training, momentum, eps);
    if (training && running_mean.defined()) {
      running_mean.bump_version();
      running_var.bump_version();
    }
  }
  return record("native_batch_norm", out, {input, weight, bias}, saved(input, weight, mean, rstd),
                [training, eps](const Node& n, const Tensor& g) {
                  auto [dx, dw, db] =
                      batch_norm_backward(g, n.saved(0), n.saved(1), n.saved(2), n.saved(3),
                                          training, eps, n.needs(0), n.needs(1), n.needs(2));
                  return Grads{dx, dw, db};
                });
}
PG_OP(batch_norm,
      "(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, Tensor? "
      "bias=None, bool training=False, "
      "float momentum=0.1, float eps=1e-5) -> Tensor",
      R"(Normalises each channel over the batch: (x - mean) / sqrt(var + eps) * weight + bias.

Args:
    input: (N, C, *).
    running_mean, running_var: (C,); used in evaluation, updated in place in training.
    weight, bias: (C,).
    training: whether to use the statistics of this batch.
    momentum: the weight of this batch in the running statistics.
    eps: added to the variance.

Example:
    >>> pygrad.nn.functional.batch_norm(pygrad.tensor([[1.], [3.]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
)")
.in("nn.functional");

}  // namespace pygrad
