// Maximum and average pooling with one, two or three spatial dimensions.
#include "csrc/ops/pool.h"

#include "csrc/ops/pointwise.h"

namespace pygrad {

void check_pool_input(const char* op, const Tensor& input, int64_t spatial) {
  bool filled = true;
  for (int64_t d = input.dim() == spatial + 2 ? 1 : 0; d < input.dim(); ++d)
    filled = filled && input.size(d) > 0;
  PG_CHECK(filled && (input.dim() == spatial + 1 || input.dim() == spatial + 2), op,
           "(): non-empty ", spatial + 1, "D or ", spatial + 2,
           "D (batch mode) tensor expected for input, but got input of size ",
           Bracketed{input.sizes()});
  require_floating(op, input.dtype());
}

namespace {

// Window geometry as Python gives it, checked, and the sizes of the result.
struct Windows {
  PoolParams params;
  Shape out_sizes;
};

Windows windows_of(const char* op, int64_t spatial, const Tensor& input, const Shape& kernel_size,
                   const Shape& stride_given, const Shape& padding_given,
                   const Shape& dilation_given, bool ceil_mode) {
  check_pool_input(op, input, spatial);
  const Shape kernel = spatial_list(op, "kernel_size", kernel_size, spatial);
  const Shape stride =
      stride_given.empty() ? kernel : spatial_list(op, "stride", stride_given, spatial);
  const Shape padding = spatial_list(op, "padding", padding_given, spatial);
  const Shape dilation = spatial_list(op, "dilation", dilation_given, spatial);
  Windows w{};
  for (int i = 0; i < 3; ++i)
    w.params.kernel[i] = w.params.stride[i] = w.params.dilation[i] = 1, w.params.padding[i] = 0;
  w.params.count_include_pad = true;
  Shape sizes;
  for (int64_t i = 0; i < spatial; ++i) {
    const int64_t in = input.size(input.dim() - spatial + i), k = kernel[i], s = stride[i],
                  p = padding[i], d = dilation[i];
    PG_CHECK(k > 0, op, "(): kernel size should be greater than zero, but got kernel_size ",
             kernel);
    PG_CHECK(s > 0, op, "(): stride should not be zero and must be positive, but got stride ",
             stride);
    PG_CHECK(d > 0, op, "(): dilation should be greater than zero, but got dilation ", dilation);
    PG_CHECK(p >= 0, op, "(): pad must be non-negative, but got pad: ", p);
    PG_CHECK(p <= ((k - 1) * d + 1) / 2, op,
             "(): pad should be at most half of effective kernel size, but got pad=", p,
             ", kernel_size=", k, " and dilation=", d);
    const int64_t room = in + 2 * p - d * (k - 1) - 1;
    int64_t out = room < 0 ? (ceil_mode && room + s - 1 >= 0 ? 1 : 0)
                           : (room + (ceil_mode ? s - 1 : 0)) / s + 1;
    // The last window must start inside the input or its left padding.
    if (ceil_mode && (out - 1) * s >= in + p) --out;
    sizes.push_back(out);
    w.params.kernel[3 - spatial + i] = k;
    w.params.stride[3 - spatial + i] = s;
    w.params.padding[3 - spatial + i] = p;
    w.params.dilation[3 - spatial + i] = d;
  }
  for (int64_t s : sizes)
    PG_CHECK(s > 0, op, "(): Given input size: ", Bracketed{input.sizes()}, ", kernel ", kernel,
             ". Calculated output size: ", sizes,
             ". Output size is too small (Invalid computed output size)");
  w.out_sizes = with_spatial(input, sizes);
  return w;
}

std::tuple<Tensor, Tensor> max_pool(const char* op, const char* node, int64_t spatial,
                                    const Tensor& input, const Shape& kernel_size,
                                    const Shape& stride, const Shape& padding,
                                    const Shape& dilation, bool ceil_mode) {
  const Windows w =
      windows_of(op, spatial, input, kernel_size, stride, padding, dilation, ceil_mode);
  Tensor out = empty(w.out_sizes, input.dtype(), input.device());
  const Tensor indices = empty(w.out_sizes, DType::Int64, input.device());
  if (out.numel())
    kernels::max_pool(input.device_type())(spatial_view(out, spatial),
                                           spatial_view(indices, spatial),
                                           spatial_view(input, spatial), w.params);
  const Shape sizes = input.shape();
  out = record(node, out, {input}, saved(indices),
               [node, sizes, spatial](const Node& n, const Tensor& g) {
                 return Grads{max_pool_backward(node, g, n.saved(0), sizes, spatial)};
               });
  return {out, indices};
}

Tensor avg_pool_backward(const char* node, const Tensor& grad, const Shape& input_sizes,
                         int64_t spatial, const PoolParams& params);

Tensor avg_pool_forward(const char* node, const Tensor& input, const Shape& out_sizes,
                        int64_t spatial, const PoolParams& params) {
  Tensor out = empty(out_sizes, input.dtype(), input.device());
  if (out.numel())
    kernels::avg_pool(input.device_type())(spatial_view(out, spatial), spatial_view(input, spatial),
                                           params);
  const Shape sizes = input.shape();
  return record(node, out, {input}, {},
                [node, sizes, spatial, params](const Node&, const Tensor& g) {
                  return Grads{avg_pool_backward(node, g, sizes, spatial, params)};
                });
}

// The adjoint of the linear map above.
Tensor avg_pool_backward(const char* node, const Tensor& grad, const Shape& input_sizes,
                         int64_t spatial, const PoolParams& params) {
  Tensor out = grad.numel() ? empty(input_sizes, grad.dtype(), grad.device())
                            : zeros(input_sizes, grad.dtype(), grad.device());
  if (grad.numel() && out.numel())
    kernels::avg_pool_backward(grad.device_type())(spatial_view(out, spatial),
                                                   spatial_view(grad, spatial), params);
  const Shape sizes = grad.shape();
  return record(node, out, {grad}, {},
                [node, sizes, spatial, params](const Node&, const Tensor& g) {
                  return Grads{avg_pool_forward(node, g, sizes, spatial, params)};
                });
}

Tensor avg_pool(const char* op, const char* node, int64_t spatial, const Tensor& input,
                const Shape& kernel_size, const Shape& stride, const Shape& padding, bool ceil_mode,
                bool count_include_pad, std::optional<int64_t> divisor_override) {
  PG_CHECK(!divisor_override || *divisor_override != 0, op, "(): divisor must be not zero");
  Windows w = windows_of(op, spatial, input, kernel_size, stride, padding, Shape{1}, ceil_mode);
  w.params.count_include_pad = count_include_pad;
  w.params.divisor_override = divisor_override.value_or(0);
  return avg_pool_forward(node, input, w.out_sizes, spatial, w.params);
}

}  // namespace

Tensor max_pool_backward(const char* node, const Tensor& grad, const Tensor& indices,
                         const Shape& input_sizes, int64_t spatial) {
  Tensor out = grad.numel() ? empty(input_sizes, grad.dtype(), grad.device())
                            : zeros(input_sizes, grad.dtype(), grad.device());
  if (grad.numel() && out.numel())
    kernels::max_pool_backward(grad.device_type())(
        spatial_view(out, spatial), spatial_view(grad, spatial), spatial_view(indices, spatial));
  return record(node, out, {grad}, saved(indices), [spatial](const Node& n, const Tensor& gg) {
    // What each maximum would read: a gather in the flattened planes.
    const Tensor at = n.saved(0);
    const int64_t lead = gg.dim() - spatial;
    return Grads{reshape(gather(flatten(gg, lead, -1), lead, flatten(at, lead, -1)), at.shape())};
  });
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const Shape& kernel_size,
                                                   const Shape& stride, const Shape& padding,
                                                   const Shape& dilation, bool ceil_mode) {
  return max_pool("max_pool1d", "max_pool1D_with_indices", 1, input, kernel_size, stride, padding,
                  dilation, ceil_mode);
}
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Shape& kernel_size,
                                                   const Shape& stride, const Shape& padding,
                                                   const Shape& dilation, bool ceil_mode) {
  return max_pool("max_pool2d", "max_pool2D_with_indices", 2, input, kernel_size, stride, padding,
                  dilation, ceil_mode);
}
std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& input, const Shape& kernel_size,
                                                   const Shape& stride, const Shape& padding,
                                                   const Shape& dilation, bool ceil_mode) {
  return max_pool("max_pool3d", "max_pool3D_with_indices", 3, input, kernel_size, stride, padding,
                  dilation, ceil_mode);
}

#define PG_MAX_POOL_ARGS                                                                        \
  "(Tensor input, int[] kernel_size, int[] stride=[], int[] padding=0, int[] dilation=1, bool " \
  "ceil_mode=False)"
PG_OP(max_pool1d_with_indices, PG_MAX_POOL_ARGS " -> (Tensor out, Tensor indices)",
      R"(Largest value of each window of (N, C, L), and its position.

Example:
    >>> pygrad.max_pool1d_with_indices(pygrad.tensor([[1., 3., 2., 0.]]), 2)[1]
    tensor([[1, 2]])
)")
.also_in("nn.functional");
PG_OP(max_pool2d_with_indices, PG_MAX_POOL_ARGS " -> (Tensor out, Tensor indices)",
      R"(Largest value of each window of (N, C, H, W), and its position in the flattened plane.

Example:
    >>> pygrad.nn.functional.max_pool2d_with_indices(pygrad.ones(1, 1, 2, 2), 2)[1]
    tensor([[[[0]]]])
)")
.in("nn.functional");
PG_OP(max_pool3d_with_indices, PG_MAX_POOL_ARGS " -> (Tensor out, Tensor indices)",
      R"(Largest value of each window of (N, C, D, H, W), and its position in the flattened volume.

Example:
    >>> pygrad.nn.functional.max_pool3d_with_indices(pygrad.ones(1, 1, 2, 2, 2), 2)[0].shape
    torch.Size([1, 1, 1, 1, 1])
)")
.in("nn.functional");

Tensor max_pool1d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, const Shape& dilation, bool ceil_mode) {
  return std::get<0>(
      max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode));
}
PG_OP(max_pool1d, PG_MAX_POOL_ARGS " -> Tensor",
      R"(Largest value of each window of (N, C, L) or (C, L).

Example:
    >>> pygrad.max_pool1d(pygrad.tensor([[1., 3., 2., 0.]]), 2)
    tensor([[3., 2.]])
)")
.composed();

Tensor max_pool2d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, const Shape& dilation, bool ceil_mode) {
  return std::get<0>(
      max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode));
}
PG_OP(max_pool2d, PG_MAX_POOL_ARGS " -> Tensor",
      R"(Largest value of each window of (N, C, H, W) or (C, H, W).

Args:
    kernel_size: size of the window.
    stride: step of the window; kernel_size when empty.
    padding: minus infinity on each side, at most half the kernel.
    ceil_mode: whether a last window that sticks out counts.

Example:
    >>> pygrad.max_pool2d(pygrad.arange(4.).reshape(1, 2, 2), 2)
    tensor([[[3.]]])
)")
.composed();

Tensor max_pool3d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, const Shape& dilation, bool ceil_mode) {
  return std::get<0>(
      max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode));
}
PG_OP(max_pool3d, PG_MAX_POOL_ARGS " -> Tensor",
      R"(Largest value of each window of (N, C, D, H, W) or (C, D, H, W).

Example:
    >>> pygrad.max_pool3d(pygrad.arange(8.).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
)")
.composed();

Tensor avg_pool1d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, bool ceil_mode, bool count_include_pad) {
  return avg_pool("avg_pool1d", "avg_pool1D", 1, input, kernel_size, stride, padding, ceil_mode,
                  count_include_pad, std::nullopt);
}
PG_OP(avg_pool1d,
      "(Tensor input, int[] kernel_size, int[] stride=[], int[] padding=0, bool ceil_mode=False, "
      "bool count_include_pad=True) -> Tensor",
      R"(Mean of each window of (N, C, L) or (C, L).

Example:
    >>> pygrad.avg_pool1d(pygrad.tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
)")
.also_in("nn.functional");

Tensor avg_pool2d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, bool ceil_mode, bool count_include_pad,
                  std::optional<int64_t> divisor_override) {
  return avg_pool("avg_pool2d", "avg_pool2D", 2, input, kernel_size, stride, padding, ceil_mode,
                  count_include_pad, divisor_override);
}
#define PG_AVG_POOL_ARGS                                                                       \
  "(Tensor input, int[] kernel_size, int[] stride=[], int[] padding=0, bool ceil_mode=False, " \
  "bool count_include_pad=True, int? divisor_override=None) -> Tensor"
PG_OP(avg_pool2d, PG_AVG_POOL_ARGS, R"(Mean of each window of (N, C, H, W) or (C, H, W).

Args:
    count_include_pad: whether padding counts in the mean.
    divisor_override: what to divide by instead of the window's size.

Example:
    >>> pygrad.nn.functional.avg_pool2d(pygrad.arange(4.).reshape(1, 2, 2), 2)
    tensor([[[1.5000]]])
)")
.in("nn.functional");

Tensor avg_pool3d(const Tensor& input, const Shape& kernel_size, const Shape& stride,
                  const Shape& padding, bool ceil_mode, bool count_include_pad,
                  std::optional<int64_t> divisor_override) {
  return avg_pool("avg_pool3d", "avg_pool3D", 3, input, kernel_size, stride, padding, ceil_mode,
                  count_include_pad, divisor_override);
}
PG_OP(avg_pool3d, PG_AVG_POOL_ARGS, R"(Mean of each window of (N, C, D, H, W) or (C, D, H, W).

Example:
    >>> pygrad.nn.functional.avg_pool3d(pygrad.arange(8.).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
)")
.in("nn.functional");

}  // namespace pygrad
