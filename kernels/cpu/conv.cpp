// Convolution forward and its two gradients as implicit GEMM: only the packing functions
// (conv_gather.h) know of convolution.
//
//   forward          out[o, pixel] = weight[o, (c, tap)] gather(in)[(c, tap), pixel]
//   data gradient    the same with the output's gradient gathered and the taps flipped
//   weight gradient  dW[o, (c, tap)] = grad[o, (image, pixel)] gather(in)[(image, pixel), (c, tap)]
//
// For strides s > 1 the data gradient splits the input pixels into the s^3 phases of their
// coordinates, each of which meets its own subset of taps: no product with an inserted zero is
// computed, and each pixel is written once. Depthwise problems go to conv_depthwise.cpp.
//
// Parallel plan: small products by (image, group), large ones inside the engine; the weight
// gradient of small filters by chunks of images, cut by shape, whose partial sums are added in
// order.
//
// Memory plan: panels; one copy of the weights in row-major order; results in scratch only where
// the output cannot be addressed as a matrix.
//
// Limits: channels-last images are gathered element by element.
#include "kernels/cpu/conv.h"

#include "kernels/cpu/conv_gather.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/planes.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kLargeProduct = int64_t(1)
                                  << 24;  // multiply-adds from which a product is cut inside

// f(image, group) for all of them.
template <class F>
void for_each_product(int64_t images, int64_t groups, int64_t macs, F&& f) {
  const int64_t count = images * groups;
  const int64_t grain = macs >= kLargeProduct ? count : (kSerialMacs + macs) / (macs + 1);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i / groups, i % groups);
  });
}

// Where the results of one phase go: positions first + step * t of the plane, or the whole plane.
template <class T>
struct Target {
  const View& out;
  int64_t stride = 1;
  bool direct;
  int64_t first[3] = {0, 0, 0}, step[3] = {1, 1, 1}, grid[3];
  explicit Target(const View& v) : out(v), direct(plane_collapses(v, stride)) {
    for (int d = 0; d < 3; ++d) grid[d] = v.sizes[2 + d];
  }
  // Rows of `sums`, one per channel from `channel` on, to the phase's positions.
  void scatter(const T* sums, int64_t image, int64_t channel, int64_t channels) const {
    const RunWriter<T> writer(out);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t d = 0; d < grid[0]; ++d)
        for (int64_t h = 0; h < grid[1]; ++h, sums += grid[2])
          writer.put(sums,
                     image * out.strides[0] + (channel + c) * out.strides[1] +
                         (first[0] + d * step[0]) * out.strides[2] +
                         (first[1] + h * step[1]) * out.strides[3] + first[2] * out.strides[4],
                     step[2] * out.strides[4], grid[2]);
  }
};

// out[channel of group, position] = rows[channel, k] x gather(image)[k, position] (+ bias) for all
// images and groups. `rows` holds the groups' matrices one after the other.
template <class In, class T>
void gathered_products(const Target<T>& target, Gather<In> gather, const In* source,
                       int64_t group_stride, int64_t groups, const T* rows, int64_t channels,
                       int64_t k, const T* bias) {
  const View& out = target.out;
  const int64_t positions = target.grid[0] * target.grid[1] * target.grid[2];
  for (int d = 0; d < 3; ++d) gather.grid[d] = target.grid[d];
  for_each_product(
      out.sizes[0], groups, channels * positions * k, [&](int64_t image, int64_t group) {
        Gather<In> g = gather;
        g.data = source + image * gather.image_stride + group * group_stride;
        join_rows(g);
        const Lines<T> lines{rows + group * channels * k, k, 1};
        Product<T> q{channels,
                     positions,
                     k,
                     {&pack_lines<T, T>, &lines},
                     {&pack_gather<In, T>, &g},
                     nullptr,
                     out.dtype,
                     0,
                     0};
        q.bias = bias ? bias + group * channels : nullptr;
        q.bias_rs = 1;
        if (target.direct) {
          q.c = out.ptr<char>() + (image * out.strides[0] + group * channels * out.strides[1]) *
                                      int64_t(item_size(out.dtype));
          q.c_rs = out.strides[1];
          q.c_cs = target.stride;
          multiply(q);
          return;
        }
        ScratchBuffer<T> sums(channels * positions);
        q.c = sums.data;
        q.c_dtype = dtype_of<T>::value;
        q.c_rs = positions;
        q.c_cs = 1;
        multiply(q);
        target.scatter(sums.data, image, group * channels, channels);
      });
}

template <class In>
Gather<In> gather_of(const View& image) {
  Gather<In> g{};
  g.data = image.ptr<const In>();
  g.image_stride = image.strides[0];
  g.channel_stride = image.strides[1];
  for (int d = 0; d < 3; ++d) {
    g.stride[d] = image.strides[2 + d];
    g.size[d] = image.sizes[2 + d];
    g.step[d] = 1;
  }
  return g;
}

// Taps of the kernel in row-major order: offset = k * dilation - padding.
void forward_taps(const View& weight, const ConvParams& p, int64_t* offset) {
  for (int64_t a = 0; a < weight.sizes[2]; ++a)
    for (int64_t b = 0; b < weight.sizes[3]; ++b)
      for (int64_t c = 0; c < weight.sizes[4]; ++c, offset += 3) {
        offset[0] = a * p.dilation[0] - p.padding[0];
        offset[1] = b * p.dilation[1] - p.padding[1];
        offset[2] = c * p.dilation[2] - p.padding[2];
      }
}

template <class In, class T>
void forward(const View& out, const View& in, const View& weight, const View* bias,
             const ConvParams& p) {
  const int64_t groups = p.groups, outputs = weight.sizes[0] / groups, inputs = weight.sizes[1];
  const int64_t taps = plane_size(weight), k = inputs * taps;
  ScratchBuffer<T> rows(groups * outputs * k), bias_buffer(bias ? weight.sizes[0] : 1);
  const PlaneReader<T> weight_planes(weight);
  for (int64_t o = 0; o < weight.sizes[0]; ++o)
    for (int64_t c = 0; c < inputs; ++c) {
      T* to = rows.data + (o * inputs + c) * taps;
      const T* from = weight_planes.get(o, c, to);
      if (from != to) memcpy(to, from, size_t(taps) * sizeof(T));
    }
  ScratchBuffer<int64_t> offset(3 * taps);
  forward_taps(weight, p, offset.data);
  Gather<In> g = gather_of<In>(in);
  g.taps = taps;
  g.offset = offset.data;
  for (int d = 0; d < 3; ++d) g.step[d] = p.stride[d];
  gathered_products<In, T>(Target<T>(out), g, in.ptr<const In>(), inputs * in.strides[1], groups,
                           rows.data, outputs, k,
                           bias ? whole_run(*bias, bias_buffer.data) : nullptr);
}

template <class In, class T>
void data_gradient(const View& grad_in, const View& grad, const View& weight, const ConvParams& p) {
  const int64_t groups = p.groups, outputs = weight.sizes[0] / groups, inputs = weight.sizes[1];
  const int64_t taps = plane_size(weight);
  ScratchBuffer<T> rows(groups * inputs * outputs * taps);
  ScratchBuffer<int64_t> offset(3 * taps), where(taps);
  const RunReader<T> weights(weight);
  const bool one_phase = p.stride[0] == 1 && p.stride[1] == 1 && p.stride[2] == 1;
  const int64_t phases = p.stride[0] * p.stride[1] * p.stride[2];
  for (int64_t phase = 0; phase < phases; ++phase) {
    Target<T> target(grad_in);
    target.first[0] = phase / (p.stride[1] * p.stride[2]);
    target.first[1] = phase / p.stride[2] % p.stride[1];
    target.first[2] = phase % p.stride[2];
    bool empty = false;
    for (int d = 0; d < 3; ++d) {
      target.step[d] = p.stride[d];
      target.grid[d] = (grad_in.sizes[2 + d] - target.first[d] + p.stride[d] - 1) / p.stride[d];
      empty = empty || target.grid[d] <= 0;
    }
    if (empty) continue;
    target.direct = target.direct && one_phase;
    // Input pixel first + s t meets output (first + pad - k dilation) / s + t: the taps for which
    // that is whole.
    int64_t count = 0;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t at[3] = {tap / (weight.sizes[3] * weight.sizes[4]),
                             tap / weight.sizes[4] % weight.sizes[3], tap % weight.sizes[4]};
      bool whole = true;
      where[count] = 0;
      for (int d = 0; d < 3; ++d) {
        const int64_t x = target.first[d] + p.padding[d] - at[d] * p.dilation[d];
        whole = whole && x % p.stride[d] == 0;
        offset[3 * count + d] = x / p.stride[d];
        where[count] += at[d] * weight.strides[2 + d];
      }
      count += whole;
    }
    const int64_t k = outputs * count;
    T* to = rows.data;
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t c = 0; c < inputs; ++c)
        for (int64_t o = 0; o < outputs; ++o)
          for (int64_t t = 0; t < count; ++t)
            *to++ = weights.at((group * outputs + o) * weight.strides[0] + c * weight.strides[1] +
                               where[t]);
    Gather<In> g = gather_of<In>(grad);
    g.taps = count == 0 ? 1 : count;
    g.offset = offset.data;
    gathered_products<In, T>(target, g, grad.ptr<const In>(), outputs * grad.strides[1], groups,
                             rows.data, inputs, k, nullptr);
  }
}

template <class In, class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  const int64_t groups = p.groups, outputs = grad_weight.sizes[0] / groups;
  const int64_t inputs = grad_weight.sizes[1], taps = plane_size(grad_weight), n = inputs * taps;
  const int64_t images = in.sizes[0], positions = plane_size(grad), size = groups * outputs * n;
  ScratchBuffer<int64_t> offset(3 * taps);
  forward_taps(grad_weight, p, offset.data);
  // Chunks of images: about 2^22 multiply-adds each, few enough for their partial sums to stay
  // small.
  constexpr int64_t kMostChunks = 16, kMostPartials = int64_t(1) << 22;
  const int64_t macs = size * images * positions;
  int64_t chunks = macs >> 22;
  if (chunks > kMostChunks) chunks = kMostChunks;
  if (chunks > images) chunks = images;
  if (chunks * size > kMostPartials) chunks = 1;
  if (chunks < 1) chunks = 1;
  const int64_t step = (images + chunks - 1) / chunks;
  ScratchBuffer<T> sums(chunks * size);
  const int64_t zero[3] = {0, 0, 0};
  parallel_for(chunks * groups, macs < kSerialMacs ? chunks * groups : 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t chunk = task / groups, group = task % groups, first = chunk * step;
                   int64_t count = images - first < step ? images - first : step;
                   if (count < 0) count = 0;
                   Gather<In> b = gather_of<In>(in), a = gather_of<In>(grad);
                   b.data += first * in.strides[0] + group * inputs * in.strides[1];
                   b.taps = taps;
                   b.offset = offset.data;
                   a.data += first * grad.strides[0] + group * outputs * grad.strides[1];
                   a.taps = 1;
                   a.offset = zero;
                   for (int d = 0; d < 3; ++d) {
                     a.grid[d] = b.grid[d] = grad.sizes[2 + d];
                     b.step[d] = p.stride[d];
                   }
                   join_rows(a);
                   join_rows(b);
                   const Product<T> q{outputs,
                                      n,
                                      count * positions,
                                      {&pack_gather_turned<In, T>, &a},
                                      {&pack_gather_turned<In, T>, &b},
                                      sums.data + chunk * size + group * outputs * n,
                                      dtype_of<T>::value,
                                      n,
                                      1};
                   multiply(q);
                 }
               });
  parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
      const T* from = sums.data + chunk * size;
      for (int64_t i = begin; i < end; ++i) sums[i] += from[i];
    }
  });
  const PlaneWriter<T> writer(grad_weight);
  for (int64_t o = 0; o < groups * outputs; ++o)
    for (int64_t c = 0; c < inputs; ++c) writer.put(sums.data + (o * inputs + c) * taps, o, c);
}

bool is_depthwise(const View& weight, int64_t groups) {
  return groups > 1 && weight.sizes[1] == 1 && weight.sizes[0] <= 4 * groups;
}

}  // namespace

void conv(const View& out_, const View& in_, const View& weight_, const View* bias,
          const ConvParams& p) {
  const View out = five_dims(out_), in = five_dims(in_), weight = five_dims(weight_);
  if (out.numel() == 0) return;
  if (is_depthwise(weight, p.groups) && is_floating(in.dtype))
    return depthwise(out, in, weight, bias, p);
  dispatch<Floating>(in.dtype, "conv",
                     [&]<class In>() { forward<In, opmath_t<In>>(out, in, weight, bias, p); });
}

void conv_backward_data(const View& grad_in_, const View& grad_, const View& weight_,
                        const ConvParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), weight = five_dims(weight_);
  if (grad_in.numel() == 0) return;
  if (is_depthwise(weight, p.groups) && is_floating(grad.dtype))
    return depthwise_backward_data(grad_in, grad, weight, p);
  dispatch<Floating>(grad.dtype, "conv_backward_data", [&]<class In>() {
    data_gradient<In, opmath_t<In>>(grad_in, grad, weight, p);
  });
}

void conv_backward_weight(const View& grad_weight_, const View& grad_, const View& in_,
                          const ConvParams& p) {
  const View grad_weight = five_dims(grad_weight_), grad = five_dims(grad_), in = five_dims(in_);
  if (grad_weight.numel() == 0) return;
  if (is_depthwise(grad_weight, p.groups) && is_floating(grad.dtype))
    return depthwise_backward_weight(grad_weight, grad, in, p);
  dispatch<Floating>(grad.dtype, "conv_backward_weight", [&]<class In>() {
    weight_gradient<In, opmath_t<In>>(grad_weight, grad, in, p);
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
