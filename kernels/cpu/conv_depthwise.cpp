// Depthwise convolution (one input channel per group), weight gradient: every tap is a dot product
// of the gradient's plane and a shifted plane of the input. Forward and data gradient are direct
// convolutions of one channel (conv_direct.cpp).
//
// The input's planes are bordered and split by stride, so a row of the gradient meets contiguous
// rows for every tap; a block of taps is summed in registers over a plane.
//
// Parallel plan: by output channel; the planes of the images are added in order, in double.
//
// Memory plan: a bordered plane per running task, and a plane for strided or 16-bit gradients.
#include "kernels/cpu/bordered.h"
#include "kernels/cpu/conv.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int kTapBlock = 10;

// sums[t] += sum over pixels of g x[offset[t]], for kTaps taps.
template <class T, int kTaps>
void add_taps(const T* g, const View& grad, const T* x, const ImageSource<T>& source,
              const int64_t* offset, double* sums) {
  using G = GemmVector<T>;
  constexpr int W = kLanes<T>;
  const int64_t width = grad.sizes[4], whole = width / W * W;
  const auto mask = G::mask(int(width - whole));
  Vec<T> acc[kTaps] = {};
  for (int64_t d = 0; d < grad.sizes[2]; ++d)
    for (int64_t h = 0; h < grad.sizes[3]; ++h, g += width) {
      const T* row = x + d * source.stride(0) + h * source.stride(1);
      for (int64_t i = 0; i < whole; i += W) {
        const Vec<T> v = load(g + i);
#pragma GCC unroll 10
        for (int t = 0; t < kTaps; ++t) acc[t] = fma(v, load(row + offset[t] + i), acc[t]);
      }
      if (whole == width) continue;
      const Vec<T> v = G::load(mask, g + whole);
#pragma GCC unroll 10
      for (int t = 0; t < kTaps; ++t)
        acc[t] = fma(v, G::load(mask, row + offset[t] + whole), acc[t]);
    }
  for (int t = 0; t < kTaps; ++t) sums[t] += double(reduce_add(acc[t]));
}

template <class T>
using AddTaps = void (*)(const T*, const View&, const T*, const ImageSource<T>&, const int64_t*,
                         double*);
template <class T, int... I>
AddTaps<T> add_taps_for(int64_t taps, std::integer_sequence<int, I...>) {
  static constexpr AddTaps<T> table[] = {&add_taps<T, I + 1>...};
  return table[taps - 1];
}

template <class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  const PlaneReader<T> grad_planes(grad);
  const PlaneWriter<T> writer(grad_weight);
  const int64_t taps = plane_size(grad_weight), outputs = grad_weight.sizes[0];
  const int64_t per_group = outputs / p.groups, positions = plane_size(grad);
  ScratchBuffer<int64_t> tap(3 * taps), offset(taps);
  forward_taps(grad_weight, p, tap.data);
  int64_t low[3], high[3];
  border_of(grad, in, p, tap.data + 3 * (taps - 1), low, high);
  const ImageSource<T> source(in, p.stride, low, high, true);
  for (int64_t t = 0; t < taps; ++t) offset[t] = source.offset(tap.data + 3 * t);
  const int64_t block = ceil_div(taps, ceil_div(taps, kTapBlock));
  const int64_t work = in.sizes[0] * positions * taps / 4;
  parallel_for(outputs, kGrain / most(1, work), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> scratch(source.plane_elements()), buffer(positions), result(taps);
    ScratchBuffer<double> sums(taps);
    for (int64_t o = begin; o < end; ++o) {
      memset(sums.data, 0, size_t(taps) * sizeof(double));
      for (int64_t n = 0; n < in.sizes[0]; ++n) {
        const T* g = grad_planes.get(n, o, buffer.data);
        const T* x = source.load_plane(scratch.data, n, o / per_group);
        for (int64_t t = 0; t < taps; t += block)
          add_taps_for<T>(least(block, taps - t), std::make_integer_sequence<int, kTapBlock>{})(
              g, grad, x, source, offset.data + t, sums.data + t);
      }
      for (int64_t t = 0; t < taps; ++t) result[t] = T(sums[t]);
      writer.put(result.data, o, 0);
    }
  });
}

}  // namespace

void depthwise_backward_weight(const View& grad_weight, const View& grad, const View& in,
                               const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? weight_gradient<double> : weight_gradient<float>;
  run(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
