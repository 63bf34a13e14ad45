// Pooling onto a given number of even windows: window i of n over size s covers floor(i s / n) to
// ceil((i + 1) s / n).
#include "csrc/ops/pool.h"

namespace pygrad {
namespace {

Shape adaptive_sizes(const char* op, int64_t spatial, const Tensor& input,
                     const Shape& output_size) {
  check_pool_input(op, input, spatial);
  const Shape out = spatial_list(op, "output_size", output_size, spatial);
  for (int64_t s : out)
    PG_CHECK(s >= 0, op,
             "(): elements of output_size must be greater than or equal to 0 but received ", out);
  return with_spatial(input, out);
}

Tensor adaptive_avg_backward(const char* node, const Tensor& grad, const Shape& input_sizes,
                             int64_t spatial);

Tensor adaptive_avg_forward(const char* node, const Tensor& input, const Shape& out_sizes,
                            int64_t spatial) {
  Tensor out = empty(out_sizes, input.dtype(), input.device());
  if (out.numel())
    kernels::adaptive_avg_pool(input.device_type())(spatial_view(out, spatial),
                                                    spatial_view(input, spatial));
  const Shape sizes = input.shape();
  return record(node, out, {input}, {}, [node, sizes, spatial](const Node&, const Tensor& g) {
    return Grads{adaptive_avg_backward(node, g, sizes, spatial)};
  });
}

// The adjoint of the linear map above.
Tensor adaptive_avg_backward(const char* node, const Tensor& grad, const Shape& input_sizes,
                             int64_t spatial) {
  Tensor out = grad.numel() ? empty(input_sizes, grad.dtype(), grad.device())
                            : zeros(input_sizes, grad.dtype(), grad.device());
  if (grad.numel() && out.numel())
    kernels::adaptive_avg_pool_backward(grad.device_type())(spatial_view(out, spatial),
                                                            spatial_view(grad, spatial));
  const Shape sizes = grad.shape();
  return record(node, out, {grad}, {}, [node, sizes, spatial](const Node&, const Tensor& g) {
    return Grads{adaptive_avg_forward(node, g, sizes, spatial)};
  });
}

std::tuple<Tensor, Tensor> adaptive_max(const char* op, const char* node, int64_t spatial,
                                        const Tensor& input, const Shape& output_size) {
  const Shape out_sizes = adaptive_sizes(op, spatial, input, output_size);
  Tensor out = empty(out_sizes, input.dtype(), input.device());
  const Tensor indices = empty(out_sizes, DType::Int64, input.device());
  if (out.numel())
    kernels::adaptive_max_pool(input.device_type())(
        spatial_view(out, spatial), spatial_view(indices, spatial), spatial_view(input, spatial));
  const Shape sizes = input.shape();
  out = record(node, out, {input}, saved(indices),
               [node, sizes, spatial](const Node& n, const Tensor& g) {
                 return Grads{max_pool_backward(node, g, n.saved(0), sizes, spatial)};
               });
  return {out, indices};
}

}  // namespace

Tensor adaptive_avg_pool1d(const Tensor& input, const Shape& output_size) {
  return adaptive_avg_forward("adaptive_avg_pool1D", input,
                              adaptive_sizes("adaptive_avg_pool1d", 1, input, output_size), 1);
}
PG_OP(adaptive_avg_pool1d, "(Tensor input, int[] output_size) -> Tensor",
      R"(Mean over output_size even windows of (N, C, L) or (C, L).

Example:
    >>> pygrad.adaptive_avg_pool1d(pygrad.tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
)")
.also_in("nn.functional");

Tensor adaptive_avg_pool2d(const Tensor& input, const Shape& output_size) {
  return adaptive_avg_forward("adaptive_avg_pool2D", input,
                              adaptive_sizes("adaptive_avg_pool2d", 2, input, output_size), 2);
}
PG_OP(adaptive_avg_pool2d, "(Tensor input, int[] output_size) -> Tensor",
      R"(Mean over a grid of even windows of (N, C, H, W) or (C, H, W).

Example:
    >>> pygrad.nn.functional.adaptive_avg_pool2d(pygrad.arange(4.).reshape(1, 2, 2), 1)
    tensor([[[1.5000]]])
)")
.in("nn.functional");

Tensor adaptive_avg_pool3d(const Tensor& input, const Shape& output_size) {
  return adaptive_avg_forward("adaptive_avg_pool3D", input,
                              adaptive_sizes("adaptive_avg_pool3d", 3, input, output_size), 3);
}
PG_OP(adaptive_avg_pool3d, "(Tensor input, int[] output_size) -> Tensor",
      R"(Mean over a grid of even windows of (N, C, D, H, W) or (C, D, H, W).

Example:
    >>> pygrad.nn.functional.adaptive_avg_pool3d(pygrad.arange(8.).reshape(1, 2, 2, 2), 1)
    tensor([[[[3.5000]]]])
)")
.in("nn.functional");

std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& input, const Shape& output_size) {
  return adaptive_max("adaptive_max_pool1d", "adaptive_max_pool1D", 1, input, output_size);
}
PG_OP(adaptive_max_pool1d, "(Tensor input, int[] output_size) -> (Tensor out, Tensor indices)",
      R"(Largest value, and its position, in output_size even windows of (N, C, L) or (C, L).

Example:
    >>> pygrad.adaptive_max_pool1d(pygrad.tensor([[1., 3., 2., 0.]]), 2)[0]
    tensor([[3., 2.]])
)")
.also_in("nn.functional");

std::tuple<Tensor, Tensor> adaptive_max_pool2d(const Tensor& input, const Shape& output_size) {
  return adaptive_max("adaptive_max_pool2d", "adaptive_max_pool2D", 2, input, output_size);
}
PG_OP(
    adaptive_max_pool2d, "(Tensor input, int[] output_size) -> (Tensor out, Tensor indices)",
    R"(Largest value, and its position in the flattened plane, in a grid of even windows of (N, C, H, W) or (C, H, W).

Example:
    >>> pygrad.nn.functional.adaptive_max_pool2d(pygrad.arange(4.).reshape(1, 2, 2), 1)
    tensor([[[3.]]])
)")
.in("nn.functional");

std::tuple<Tensor, Tensor> adaptive_max_pool3d(const Tensor& input, const Shape& output_size) {
  return adaptive_max("adaptive_max_pool3d", "adaptive_max_pool3D", 3, input, output_size);
}
PG_OP(
    adaptive_max_pool3d, "(Tensor input, int[] output_size) -> (Tensor out, Tensor indices)",
    R"(Largest value, and its position in the flattened volume, in a grid of even windows of (N, C, D, H, W).

Example:
    >>> pygrad.nn.functional.adaptive_max_pool3d(pygrad.arange(8.).reshape(1, 2, 2, 2), 1)[0].item()
    7.0
)")
.in("nn.functional");

}  // namespace pygrad
