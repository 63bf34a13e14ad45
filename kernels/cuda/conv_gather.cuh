// What a convolution adds to the tile loop: operands that gather images, and targets.
//
// A Tap is one (channel, kernel position) pair: its place in the weights, and what it adds to a
// pixel's coordinates and address in the image that is read. The data gradient for a stride s is
// computed phase by phase: input pixels with the same remainders by s meet the same taps, and the
// offset of a tap in the output's gradient is a whole number, so every phase is a plain gather.
#pragma once

#include "kernels/cuda/gemm_tile.cuh"
#include "kernels/cuda/planes.cuh"

namespace pygrad::cuda {

struct Tap {
  int64_t weight_at, image_at;
  int32_t d, h, w, unused;
};
struct Pixel {
  int64_t target_at, image_at;  // in the output (or its gradient), and in the image that is read
  int32_t d, h, w, unused;      // coordinates that tap offsets are added to
};

// The taps of one phase: in each dimension positions first + i * period, for i < count, with the
// offset (base + position * slope) / divisor in the image.
struct TapPlan {
  int64_t channels, weight_channel, image_channel;  // channels and their strides
  int64_t first[3], period[3], count[3], base[3], slope[3], divisor[3];
  int64_t weight_stride[3], image_stride[3];
  PG_HOST_DEVICE int64_t taps() const { return count[0] * count[1] * count[2]; }
  PG_HOST_DEVICE int64_t depth() const { return channels * taps(); }
};

static __global__ void __launch_bounds__(128) make_taps(Tap* table, PG_PARAMETER TapPlan plan) {
  int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= plan.depth()) return;
  Tap& tap = table[i];
  int64_t offset[3];
  int64_t weight_at = 0, image_at = 0;
  for (int d = 2; d >= 0; --d) {
    const int64_t position = plan.first[d] + divide(i, plan.count[d]) * plan.period[d];
    offset[d] = (plan.base[d] + position * plan.slope[d]) / plan.divisor[d];
    weight_at += position * plan.weight_stride[d];
    image_at += offset[d] * plan.image_stride[d];
  }
  tap.weight_at = weight_at + i * plan.weight_channel;
  tap.image_at = image_at + i * plan.image_channel;
  tap.d = int32_t(offset[0]);
  tap.h = int32_t(offset[1]);
  tap.w = int32_t(offset[2]);
  tap.unused = 0;
}

// A grid of pixels: pixel p of the grid reads the image round p * step and stands for pixel
// first + p * spacing of the target.
struct PixelGrid {
  int64_t size[3], step[3], first[3], spacing[3];
  int64_t image_size[3], image_stride[3], image_batch;
  int64_t target_stride[3], target_batch;
  PG_HOST_DEVICE int64_t count() const { return size[0] * size[1] * size[2]; }
  __device__ __forceinline__ Pixel pixel(int64_t i) const {
    int64_t p[3];
    p[2] = divide(i, size[2]);
    p[1] = divide(i, size[1]);
    p[0] = i;
    Pixel to{};
    for (int d = 0; d < 3; ++d) {
      to.target_at += (first[d] + p[d] * spacing[d]) * target_stride[d];
      to.image_at += p[d] * step[d] * image_stride[d];
    }
    to.d = int32_t(p[0] * step[0]);
    to.h = int32_t(p[1] * step[1]);
    to.w = int32_t(p[2] * step[2]);
    return to;
  }
  __device__ __forceinline__ bool inside(const Pixel& p, const Tap& t) const {
    return uint32_t(p.d + t.d) < uint32_t(image_size[0]) &&
           uint32_t(p.h + t.h) < uint32_t(image_size[1]) &&
           uint32_t(p.w + t.w) < uint32_t(image_size[2]);
  }
};

static __global__ void __launch_bounds__(128)
    make_pixels(Pixel* table, PG_PARAMETER PixelGrid grid) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < grid.count()) table[i] = grid.pixel(i);
}

// Weights: line = row channel, k = tap.
template <class T, class Acc>
struct WeightOperand {
  static constexpr bool kGather = false;
  const T* data;
  const Tap* taps;
  int64_t row_stride, group_stride;
  bool k_fast;
  __device__ __forceinline__ WeightOperand at_batch(int64_t z) const {
    WeightOperand o = *this;
    o.data += z * group_stride;
    return o;
  }
  __device__ __forceinline__ Acc at(int64_t line, int64_t k) const {
    return Acc(upcast(data[line * row_stride + taps[k].weight_at]));
  }
};

// An image: line = (image, pixel of the grid), k = tap.
template <class T, class Acc>
struct ImageOperand {
  static constexpr bool kGather = true;
  const T* data;
  const Tap* taps;
  PixelGrid grid;
  int64_t group_stride;
  __device__ __forceinline__ ImageOperand at_batch(int64_t z) const {
    ImageOperand o = *this;
    o.data += z * group_stride;
    return o;
  }
  __device__ __forceinline__ Pixel line(int64_t j) const {
    const int64_t place = divide(j, grid.count());
    Pixel p = grid.pixel(place);
    p.image_at += j * grid.image_batch;
    return p;
  }
  __device__ __forceinline__ Acc at(const Pixel& pixel, int64_t k) const {
    const Tap tap = taps[k];
    if (!grid.inside(pixel, tap)) return Acc(0);
    return Acc(upcast(data[pixel.image_at + tap.image_at]));
  }
};

// out[image, row channel, pixel] (+ bias[row channel]).
template <class T, class Acc>
struct ImageTarget {
  Elements<Acc, T> out;
  Elements<Acc> bias;
  PixelGrid grid;
  int64_t channel_stride, bias_stride, rows, first_channel;
  using Column = int64_t;
  __device__ __forceinline__ ImageTarget at_batch(int64_t z) const {
    ImageTarget t = *this;
    t.first_channel = z * rows;
    return t;
  }
  __device__ __forceinline__ Column column(int64_t j) const {
    const int64_t place = divide(j, grid.count());
    return grid.pixel(place).target_at + j * grid.target_batch;
  }
  __device__ __forceinline__ void put(int64_t i, Column at, Acc sum) const {
    const int64_t channel = first_channel + i;
    if (bias.present()) sum += bias[channel * bias_stride];
    out.set(at + channel * channel_stride, sum);
  }
};

// The weight gradient's operands: k = (image, pixel).
template <class T, class Acc>
struct GradientOperand {  // line = output channel
  static constexpr bool kGather = false;
  const T* data;
  const Pixel* pixels;
  int64_t positions, batch_stride, channel_stride, group_stride;
  bool k_fast;
  __device__ __forceinline__ GradientOperand at_batch(int64_t z) const {
    GradientOperand o = *this;
    o.data += z * group_stride;
    return o;
  }
  __device__ __forceinline__ Acc at(int64_t line, int64_t k) const {
    const int64_t place = divide(k, positions);
    return Acc(upcast(data[line * channel_stride + k * batch_stride + pixels[place].target_at]));
  }
};
template <class T, class Acc>
struct PatchOperand {  // line = tap
  static constexpr bool kGather = false;
  const T* data;
  const Pixel* pixels;
  const Tap* taps;
  PixelGrid grid;
  int64_t positions, group_stride;
  bool k_fast;
  __device__ __forceinline__ PatchOperand at_batch(int64_t z) const {
    PatchOperand o = *this;
    o.data += z * group_stride;
    return o;
  }
  __device__ __forceinline__ Acc at(int64_t line, int64_t k) const {
    const int64_t place = divide(k, positions);
    const Pixel pixel = pixels[place];
    const Tap tap = taps[line];
    if (!grid.inside(pixel, tap)) return Acc(0);
    return Acc(upcast(data[k * grid.image_batch + pixel.image_at + tap.image_at]));
  }
};
template <class T, class Acc>
struct WeightTarget {
  Elements<Acc, T> out;
  const Tap* taps;
  int64_t row_stride, rows, first_row;
  using Column = int64_t;
  __device__ __forceinline__ WeightTarget at_batch(int64_t z) const {
    WeightTarget t = *this;
    t.first_row = z * rows;
    return t;
  }
  __device__ __forceinline__ Column column(int64_t j) const { return taps[j].weight_at; }
  __device__ __forceinline__ void put(int64_t i, Column at, Acc sum) const {
    out.set(at + (first_row + i) * row_stride, sum);
  }
};

}  // namespace pygrad::cuda
