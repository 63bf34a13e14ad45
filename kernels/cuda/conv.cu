// Convolution forward and its two gradients as implicit GEMM: the tile loop of gemm_tile.cuh over
// the gathering operands of conv_gather.cuh. Nothing of the size of the unfolded image is stored;
// tables of taps (and of pixels, for the weight gradient) replace the divisions in the inner loop.
//
//   forward          out[o, pixel] = weight[o, (c, tap)] image[(c, tap), pixel]
//   data gradient    the same with the output's gradient as image, by phases of the stride
//   weight gradient  dW[o, (c, tap)] = grad[o, (image, pixel)] image[(image, pixel), (c, tap)]
//
// Depthwise problems, where a tile would be nearly empty, have a thread per result (a block per
// weight for the weight gradient) in conv_depthwise.cuh.

#include "kernels/cuda/conv_depthwise.cuh"
#include "kernels/cuda/conv_gather.cuh"

namespace pygrad::cuda {
namespace {

// The taps of the whole kernel: offset = position * dilation - padding.
TapPlan forward_taps(const View& weight, const View& in, const ConvParams& p) {
  TapPlan t;
  t.channels = weight.sizes[1];
  t.weight_channel = weight.strides[1];
  t.image_channel = in.strides[1];
  for (int d = 0; d < 3; ++d) {
    t.first[d] = 0;
    t.period[d] = t.divisor[d] = 1;
    t.count[d] = weight.sizes[2 + d];
    t.base[d] = -p.padding[d];
    t.slope[d] = p.dilation[d];
    t.weight_stride[d] = weight.strides[2 + d];
    t.image_stride[d] = in.strides[2 + d];
  }
  return t;
}

PixelGrid forward_grid(const View& out, const View& in, const ConvParams& p) {
  PixelGrid g;
  for (int d = 0; d < 3; ++d) {
    g.size[d] = out.sizes[2 + d];
    g.step[d] = p.stride[d];
    g.first[d] = 0;
    g.spacing[d] = 1;
    g.image_size[d] = in.sizes[2 + d];
    g.image_stride[d] = in.strides[2 + d];
    g.target_stride[d] = out.strides[2 + d];
  }
  g.image_batch = in.strides[0];
  g.target_batch = out.strides[0];
  return g;
}

struct TapTable {
  ScratchArray<Tap> taps;
  explicit TapTable(const TapPlan& plan) : taps(most(1, plan.depth())) {
    if (plan.depth() == 0) return;
    PG_LAUNCH_INDEPENDENT(make_taps, dim3(unsigned(ceil_div(plan.depth(), 128))), dim3(128), 0,
                          current_stream(), taps.data, plan);
  }
};

// Medium tiles but for products that leave most of them empty.
template <class Acc, class A, class B, class Target>
void launch_product(const A& a, const B& b, const Target& target, int64_t groups, int64_t m,
                    int64_t n, int64_t depth) {
  if (m <= 32 || n <= 32)
    launch_tiles<SmallTile, Acc>(a, b, target, groups, m, n, depth);
  else
    launch_tiles<MediumTile, Acc>(a, b, target, groups, m, n, depth);
}

// Channels [group * rows, (group + 1) * rows) of `target` at the pixels of `grid`.
template <class T>
void gathered_product(const View& target, const View& image, const View& weight, const View* bias,
                      int64_t groups, int64_t rows, int64_t weight_row, int64_t weight_group,
                      int64_t image_group, const TapPlan& plan, const PixelGrid& grid) {
  using Acc = opmath_t<T>;
  const TapTable table(plan);
  const WeightOperand<T, Acc> a{weight.ptr<const T>(), table.taps.data, weight_row, weight_group,
                                true};
  const ImageOperand<T, Acc> b{image.ptr<const T>(), table.taps.data, grid, image_group};
  const ImageTarget<T, Acc> to{Elements<Acc, T>(target),
                               Elements<Acc>(bias),
                               grid,
                               target.strides[1],
                               stride_of(bias),
                               rows,
                               0};
  launch_product<Acc>(a, b, to, groups, rows, target.sizes[0] * grid.count(), plan.depth());
}

template <class T>
void forward(const View& out, const View& in, const View& weight, const View* bias,
             const ConvParams& p) {
  const int64_t rows = weight.sizes[0] / p.groups;
  gathered_product<T>(out, in, weight, bias, p.groups, rows, weight.strides[0],
                      rows * weight.strides[0], weight.sizes[1] * in.strides[1],
                      forward_taps(weight, in, p), forward_grid(out, in, p));
}

int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

template <class T>
void data_gradient(const View& grad_in, const View& grad, const View& weight, const ConvParams& p) {
  const int64_t outputs = weight.sizes[0] / p.groups;
  const int64_t phases = p.stride[0] * p.stride[1] * p.stride[2];
  for (int64_t phase = 0; phase < phases; ++phase) {
    const int64_t first[3] = {phase / (p.stride[1] * p.stride[2]),
                              phase / p.stride[2] % p.stride[1], phase % p.stride[2]};
    TapPlan t;
    PixelGrid g;
    t.channels = outputs;
    t.weight_channel = weight.strides[0];
    t.image_channel = grad.strides[1];
    g.image_batch = grad.strides[0];
    g.target_batch = grad_in.strides[0];
    for (int d = 0; d < 3; ++d) {
      const int64_t s = p.stride[d], pad = p.padding[d], dilation = p.dilation[d];
      g.size[d] = most(0, ceil_div(grad_in.sizes[2 + d] - first[d], s));
      g.step[d] = 1;
      g.first[d] = first[d];
      g.spacing[d] = s;
      g.image_size[d] = grad.sizes[2 + d];
      g.image_stride[d] = t.image_stride[d] = grad.strides[2 + d];
      g.target_stride[d] = grad_in.strides[2 + d];
      // Pixel first + s q meets output q + (first + pad - tap * dilation) / s: the taps for which
      // that is whole are a progression.
      const int64_t kernel = weight.sizes[2 + d];
      t.period[d] = s / greatest_common_divisor(s, dilation);
      t.first[d] = 0;
      while (t.first[d] < t.period[d] && (first[d] + pad - t.first[d] * dilation) % s != 0) {
        ++t.first[d];
      }
      const bool none = t.first[d] >= t.period[d] || t.first[d] >= kernel;
      t.count[d] = none ? 0 : ceil_div(kernel - t.first[d], t.period[d]);
      t.base[d] = first[d] + pad;
      t.slope[d] = -dilation;
      t.divisor[d] = s;
      t.weight_stride[d] = weight.strides[2 + d];
    }
    if (g.count() == 0) continue;
    gathered_product<T>(grad_in, grad, weight, nullptr, p.groups, weight.sizes[1],
                        weight.strides[1], outputs * weight.strides[0], outputs * grad.strides[1],
                        t, g);
  }
}

template <class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  using Acc = opmath_t<T>;
  const int64_t rows = grad_weight.sizes[0] / p.groups;
  const TapPlan plan = forward_taps(grad_weight, in, p);
  const PixelGrid grid = forward_grid(grad, in, p);
  const int64_t positions = grid.count(), depth = in.sizes[0] * positions;
  const TapTable table(plan);
  ScratchArray<Pixel> pixels(most(1, positions));
  if (positions > 0) {
    PG_LAUNCH_INDEPENDENT(make_pixels, dim3(unsigned(ceil_div(positions, 128))), dim3(128), 0,
                          current_stream(), pixels.data, grid);
  }
  const GradientOperand<T, Acc> a{
      grad.ptr<const T>(),    pixels.data, most(1, positions), grad.strides[0], grad.strides[1],
      rows * grad.strides[1], true};
  const PatchOperand<T, Acc> b{in.ptr<const T>(),
                               pixels.data,
                               table.taps.data,
                               grid,
                               most(1, positions),
                               plan.channels * in.strides[1],
                               true};
  const WeightTarget<T, Acc> to{Elements<Acc, T>(grad_weight), table.taps.data,
                                grad_weight.strides[0], rows, 0};
  launch_product<Acc>(a, b, to, p.groups, rows, plan.depth(), depth);
}

bool is_depthwise(const View& weight, int64_t groups) {
  return groups > 1 && weight.sizes[1] == 1 && weight.sizes[0] <= 4 * groups;
}

}  // namespace

void conv(const View& out_, const View& in_, const View& weight_, const View* bias,
          const ConvParams& p) {
  const View out = five_dims(out_), in = five_dims(in_), weight = five_dims(weight_);
  if (out.numel() == 0) return;
  dispatch<Floating>(in.dtype, "conv", [&]<class T>() {
    if (is_depthwise(weight, p.groups))
      depthwise<T>(out, in, weight, bias, p);
    else
      forward<T>(out, in, weight, bias, p);
  });
}

void conv_backward_data(const View& grad_in_, const View& grad_, const View& weight_,
                        const ConvParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), weight = five_dims(weight_);
  if (grad_in.numel() == 0) return;
  dispatch<Floating>(grad.dtype, "conv_backward_data", [&]<class T>() {
    if (is_depthwise(weight, p.groups))
      depthwise_data_gradient<T>(grad_in, grad, weight, p);
    else
      data_gradient<T>(grad_in, grad, weight, p);
  });
}

void conv_backward_weight(const View& grad_weight_, const View& grad_, const View& in_,
                          const ConvParams& p) {
  const View grad_weight = five_dims(grad_weight_), grad = five_dims(grad_), in = five_dims(in_);
  if (grad_weight.numel() == 0) return;
  dispatch<Floating>(grad.dtype, "conv_backward_weight", [&]<class T>() {
    if (is_depthwise(grad_weight, p.groups))
      depthwise_weight_gradient<T>(grad_weight, grad, in, p);
    else
      weight_gradient<T>(grad_weight, grad, in, p);
  });
}

}  // namespace pygrad::cuda
