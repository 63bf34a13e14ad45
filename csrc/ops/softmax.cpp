// softmax, log_softmax and their fused gradients.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

Tensor softmax_input(const char* name, const Tensor& input, std::optional<DType> dtype) {
  const Tensor x = dtype ? to(input, *dtype) : input;
  require_floating(name, x.dtype());
  return x;
}

}  // namespace

Tensor softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim) {
  dim = check_dim("softmax_backward", dim, output.dim());
  const Tensor g = to(grad, output.dtype());
  Tensor out = empty_like(output);
  kernels::softmax_backward(output.device_type())(out.view(), g.view_expanded(out.sizes()),
                                                  output.view(), dim, false);
  return record("softmax_backward_data", out, {grad, output}, saved(g, output),
                [dim](const Node& n, const Tensor& gg) {
                  const Tensor g = n.saved(0), y = n.saved(1);
                  Tensor to_output;
                  if (n.needs(1))
                    to_output = sub(mul(gg, sub(g, sum(mul(g, y), Shape{dim}, true))),
                                    mul(g, sum(mul(gg, y), Shape{dim}, true)));
                  return Grads{n.needs(0) ? softmax_backward(gg, y, dim) : Tensor(), to_output};
                });
}
PG_OP(softmax_backward, "(Tensor grad, Tensor output, int dim) -> Tensor",
      R"((g - sum(g * y)) * y along dim: the gradient of softmax with result y.)")
.in("_internal");

Tensor log_softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim) {
  dim = check_dim("log_softmax_backward", dim, output.dim());
  const Tensor g = to(grad, output.dtype());
  Tensor out = empty_like(output);
  kernels::softmax_backward(output.device_type())(out.view(), g.view_expanded(out.sizes()),
                                                  output.view(), dim, true);
  return record("log_softmax_backward_data", out, {grad, output}, saved(g, output),
                [dim](const Node& n, const Tensor& gg) {
                  const Tensor p = exp(n.saved(1));
                  Tensor to_output;
                  if (n.needs(1))
                    to_output = neg(mul(mul(gg, p), sum(n.saved(0), Shape{dim}, true)));
                  return Grads{n.needs(0) ? sub(gg, sum(mul(gg, p), Shape{dim}, true)) : Tensor(),
                               to_output};
                });
}
PG_OP(log_softmax_backward, "(Tensor grad, Tensor output, int dim) -> Tensor",
      R"(g - exp(y) * sum(g) along dim: the gradient of log_softmax with result y.)")
.in("_internal");

Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  dim = check_dim("softmax", dim, input.dim());
  const Tensor x = softmax_input("softmax", input, dtype);
  Tensor out = empty_like(x);
  kernels::softmax(x.device_type())(out.view(), x.view(), dim, false);
  return record("softmax", out, {x}, saved(out), [dim](const Node& n, const Tensor& g) {
    return Grads{softmax_backward(g, n.saved(0), dim)};
  });
}
PG_OP(softmax, "(Tensor input, int dim, dtype? dtype=None) -> Tensor",
      R"(Exponentials divided by their sum along dim: y_i = e^(x_i) / sum_j e^(x_j).

Args:
    input: any shape.
    dim: the dimension along which the results sum to 1.
    dtype: what the input is converted to first.

Raises:
    IndexError: if dim is out of range.

Example:
    >>> pygrad.softmax(pygrad.tensor([0., 0.]), 0)
    tensor([0.5000, 0.5000])
)")
.method().also_in("nn.functional");

Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  dim = check_dim("log_softmax", dim, input.dim());
  const Tensor x = softmax_input("log_softmax", input, dtype);
  Tensor out = empty_like(x);
  kernels::softmax(x.device_type())(out.view(), x.view(), dim, true);
  return record("log_softmax", out, {x}, saved(out), [dim](const Node& n, const Tensor& g) {
    return Grads{log_softmax_backward(g, n.saved(0), dim)};
  });
}
PG_OP(log_softmax, "(Tensor input, int dim, dtype? dtype=None) -> Tensor",
      R"(Logarithm of softmax, without its overflow: x_i - log(sum_j e^(x_j)).

Args:
    input: any shape.
    dim: the dimension that is normalised.
    dtype: what the input is converted to first.

Example:
    >>> pygrad.log_softmax(pygrad.tensor([0., 0.]), 0)
    tensor([-0.6931, -0.6931])
)")
.method().also_in("nn.functional");

}  // namespace pygrad
