// Depthwise convolution, where every group has one input channel and at most four outputs: a thread
// per result for the output and the data gradient, a block per weight for the weight gradient.
#pragma once

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/planes.cuh"

namespace pygrad::cuda {

struct WindowParams {
  int64_t stride[3], padding[3], dilation[3], outputs;  // outputs of a group
  WindowParams(const ConvParams& p, const View& weight) : outputs(weight.sizes[0] / p.groups) {
    for (int d = 0; d < 3; ++d) {
      stride[d] = p.stride[d];
      padding[d] = p.padding[d];
      dilation[d] = p.dilation[d];
    }
  }
  // The input coordinate that `tap` meets from output `o`.
  __device__ __forceinline__ int64_t input(int d, int64_t o, int64_t tap) const {
    return o * stride[d] - padding[d] + tap * dilation[d];
  }
  // The output that meets input x by `tap`, or -1.
  __device__ __forceinline__ int64_t output(int d, int64_t x, int64_t tap) const {
    const int64_t place = x + padding[d] - tap * dilation[d];
    if (place < 0) return -1;
    return stride[d] == 1 ? place : place % stride[d] == 0 ? place / stride[d] : -1;
  }
};

template <class T>
__global__ void __launch_bounds__(256)
    depthwise_forward(Images<opmath_t<T>, T> out, Images<opmath_t<T>, T> in,
                      Images<opmath_t<T>, T> weight, Elements<opmath_t<T>> bias,
                      int64_t bias_stride, WindowParams p) {
  using A = opmath_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= out.count()) return;
  int64_t at[5];
  out.coordinates(i, at);
  const int64_t o = at[1];
  const int64_t base = at[0] * in.stride[0] + o / p.outputs * in.stride[1];
  A sum = 0;
  for (int64_t a = 0; a < weight.size[2]; ++a) {
    const int64_t x = p.input(0, at[2], a);
    if (x < 0 || x >= in.size[2]) continue;
    for (int64_t b = 0; b < weight.size[3]; ++b) {
      const int64_t y = p.input(1, at[3], b);
      if (y < 0 || y >= in.size[3]) continue;
      for (int64_t c = 0; c < weight.size[4]; ++c) {
        const int64_t z = p.input(2, at[4], c);
        if (z < 0 || z >= in.size[4]) continue;
        const A w = weight.elements[o * weight.stride[0] + a * weight.stride[2] +
                                    b * weight.stride[3] + c * weight.stride[4]];
        sum += w * in.elements[base + x * in.stride[2] + y * in.stride[3] + z * in.stride[4]];
      }
    }
  }
  if (bias.present()) sum += bias[o * bias_stride];
  out.elements.set(out.offset(at), sum);
}

template <class T>
__global__ void __launch_bounds__(256)
    depthwise_to_input(Images<opmath_t<T>, T> grad_in, Images<opmath_t<T>, T> grad,
                       Images<opmath_t<T>, T> weight, WindowParams p) {
  using A = opmath_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= grad_in.count()) return;
  int64_t at[5];
  grad_in.coordinates(i, at);
  A sum = 0;
  for (int64_t o = at[1] * p.outputs; o < (at[1] + 1) * p.outputs; ++o) {
    const int64_t base = at[0] * grad.stride[0] + o * grad.stride[1];
    for (int64_t a = 0; a < weight.size[2]; ++a) {
      const int64_t x = p.output(0, at[2], a);
      if (x < 0 || x >= grad.size[2]) continue;
      for (int64_t b = 0; b < weight.size[3]; ++b) {
        const int64_t y = p.output(1, at[3], b);
        if (y < 0 || y >= grad.size[3]) continue;
        for (int64_t c = 0; c < weight.size[4]; ++c) {
          const int64_t z = p.output(2, at[4], c);
          if (z < 0 || z >= grad.size[4]) continue;
          const A w = weight.elements[o * weight.stride[0] + a * weight.stride[2] +
                                      b * weight.stride[3] + c * weight.stride[4]];
          const A g =
              grad.elements[base + x * grad.stride[2] + y * grad.stride[3] + z * grad.stride[4]];
          sum += w * g;
        }
      }
    }
  }
  grad_in.elements.set(grad_in.offset(at), sum);
}

// One weight: the threads share its (image, pixel) pairs.
template <class T>
__global__ void __launch_bounds__(256)
    depthwise_to_weight(Images<opmath_t<T>, T> grad_weight, Images<opmath_t<T>, T> grad,
                        Images<opmath_t<T>, T> in, WindowParams p) {
  using A = opmath_t<T>;
  int64_t tap[5];
  grad_weight.coordinates(blockIdx.x, tap);
  const int64_t o = tap[0], plane = grad.size[2] * grad.size[3] * grad.size[4];
  A sum = 0;
  for (int64_t i = threadIdx.x; i < grad.size[0] * plane; i += blockDim.x) {
    int64_t rest = i, at[3];
    at[2] = divide(rest, grad.size[4]);
    at[1] = divide(rest, grad.size[3]);
    at[0] = divide(rest, grad.size[2]);
    int64_t from = rest * in.stride[0] + o / p.outputs * in.stride[1];
    int64_t to = rest * grad.stride[0] + o * grad.stride[1];
    bool inside = true;
    for (int d = 0; d < 3; ++d) {
      const int64_t x = p.input(d, at[d], tap[2 + d]);
      inside = inside && x >= 0 && x < in.size[2 + d];
      from += x * in.stride[2 + d];
      to += at[d] * grad.stride[2 + d];
    }
    if (inside) sum += grad.elements[to] * in.elements[from];
  }
  sum = sum_row(sum);
  if (threadIdx.x == 0) grad_weight.elements.set(grad_weight.offset(tap), sum);
}

template <class T>
void depthwise(const View& out, const View& in, const View& weight, const View* bias,
               const ConvParams& p) {
  using I = Images<opmath_t<T>, T>;
  PG_LAUNCH_INDEPENDENT((depthwise_forward<T>), dim3(unsigned(ceil_div(out.numel(), 256))),
                        dim3(256), 0, current_stream(), I(out), I(in), I(weight),
                        Elements<opmath_t<T>>(bias), stride_of(bias), WindowParams(p, weight));
}
template <class T>
void depthwise_data_gradient(const View& grad_in, const View& grad, const View& weight,
                             const ConvParams& p) {
  using I = Images<opmath_t<T>, T>;
  PG_LAUNCH_INDEPENDENT((depthwise_to_input<T>), dim3(unsigned(ceil_div(grad_in.numel(), 256))),
                        dim3(256), 0, current_stream(), I(grad_in), I(grad), I(weight),
                        WindowParams(p, weight));
}
template <class T>
void depthwise_weight_gradient(const View& grad_weight, const View& grad, const View& in,
                               const ConvParams& p) {
  using I = Images<opmath_t<T>, T>;
  const int64_t pairs = grad.sizes[0] * plane_size(grad);
  PG_LAUNCH((depthwise_to_weight<T>), dim3(unsigned(grad_weight.numel())),
            dim3(RowShape(pairs).threads), 0, current_stream(), I(grad_weight), I(grad), I(in),
            WindowParams(p, grad_weight));
}

}  // namespace pygrad::cuda
