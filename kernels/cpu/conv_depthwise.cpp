// Depthwise convolution, direct: a GEMM of one input channel would waste the register tile.
//
// A row of the output is a sum of shifted, scaled rows of the input, one per tap; the gradients are
// the same sum turned round and dot products of such rows. Planes are contiguous T (planes.h), so
// the inner loops run along w.
//
// Parallel plan: forward and data gradient by plane, weight gradient by output channel with the
// images in order.
//
// Memory plan: a framed plane of scratch, and a plane for strided or 16-bit data.
#include "kernels/cpu/conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/planes.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Calls f(tap, output row start, input row start, low, high, shift) for every pair of rows that a
// tap joins: output columns [low, high) meet input columns column * stride + shift.
template <class F>
PG_HOST_INLINE void for_each_row_pair(const View& out, const View& in, const View& weight,
                                      const ConvParams& p, F&& f) {
  const int64_t width = in.sizes[4], s = p.stride[2];
  for (int64_t od = 0; od < out.sizes[2]; ++od)
    for (int64_t oh = 0; oh < out.sizes[3]; ++oh)
      for (int64_t kd = 0; kd < weight.sizes[2]; ++kd) {
        const int64_t id = od * p.stride[0] - p.padding[0] + kd * p.dilation[0];
        if (id < 0 || id >= in.sizes[2]) continue;
        for (int64_t kh = 0; kh < weight.sizes[3]; ++kh) {
          const int64_t ih = oh * p.stride[1] - p.padding[1] + kh * p.dilation[1];
          if (ih < 0 || ih >= in.sizes[3]) continue;
          for (int64_t kw = 0; kw < weight.sizes[4]; ++kw) {
            const int64_t shift = kw * p.dilation[2] - p.padding[2];
            const int64_t left = width - shift;
            const int64_t low = shift >= 0 ? 0 : s == 1 ? -shift : (-shift + s - 1) / s;
            int64_t high = left <= 0 ? 0 : s == 1 ? left : (left + s - 1) / s;
            if (high > out.sizes[4]) high = out.sizes[4];
            if (low < high)
              f((kd * weight.sizes[3] + kh) * weight.sizes[4] + kw,
                (od * out.sizes[3] + oh) * out.sizes[4], (id * in.sizes[3] + ih) * width, low, high,
                shift);
          }
        }
      }
}

// to += k * from
template <class T>
PG_HOST_INLINE void add_scaled(T* to, const T* from, T k, int64_t n) {
  for_lanes<T>(n, [&](int64_t i, int64_t count) PG_LANES {
    store_part(to + i, fma(splat(k), load_part(from + i, count), load_part(to + i, count)), count);
  });
}

// The way for stride 1 along w: the plane is copied into a frame of zeros, after which no tap needs
// clipping and a vector of outputs stays in a register over all taps.
template <class T>
struct Framed {
  int64_t size[3];  // of the input plane
  int64_t frame[3];
  int64_t row, plane;             // strides of the framed plane
  ScratchBuffer<int64_t> offset;  // of each tap

  Framed(const View& in, const View& weight, const ConvParams& p, const int64_t (&padding)[3])
      : offset(plane_size(weight)) {
    for (int d = 0; d < 3; ++d) size[d] = in.sizes[2 + d], frame[d] = padding[d];
    row = size[2] + 2 * frame[2];
    plane = row * (size[1] + 2 * frame[1]);
    int64_t tap = 0;
    for (int64_t d = 0; d < weight.sizes[2]; ++d)
      for (int64_t h = 0; h < weight.sizes[3]; ++h)
        for (int64_t w = 0; w < weight.sizes[4]; ++w)
          offset[tap++] = d * p.dilation[0] * plane + h * p.dilation[1] * row + w * p.dilation[2];
  }
  // A vector more than the plane: the last load of a row may run past its end.
  int64_t elements() const { return plane * (size[0] + 2 * frame[0]) + kLanes<T>; }
  void copy(const T* x, T* to) const {
    memset(to, 0, size_t(elements()) * sizeof(T));
    for (int64_t d = 0; d < size[0]; ++d)
      for (int64_t h = 0; h < size[1]; ++h, x += size[2])
        memcpy(to + (d + frame[0]) * plane + (h + frame[1]) * row + frame[2], x,
               size_t(size[2]) * sizeof(T));
  }
  // y = start (or y, to accumulate) + sum over taps of w[tap] * x.
  void correlate(const T* x, const T* w, int64_t taps, const View& out, const int64_t* stride, T* y,
                 T start, bool accumulate) const {
    for (int64_t d = 0; d < out.sizes[2]; ++d) {
      for (int64_t h = 0; h < out.sizes[3]; ++h, y += out.sizes[4]) {
        const T* from = x + d * stride[0] * plane + h * stride[1] * row;
        for_lanes<T>(out.sizes[4], [&](int64_t i, int64_t k) PG_LANES {
          Vec<T> acc = accumulate ? load_part(y + i, k) : splat(start);
          for (int64_t t = 0; t < taps; ++t)
            acc = fma(splat(w[t]), load(from + offset.data[t] + i), acc);
          store_part(y + i, acc, k);
        });
      }
    }
  }
};

// Planes of `v`, in parallel; `work` is the cost of one.
template <class F>
void for_each_plane(const View& v, int64_t work, F&& f) {
  const int64_t planes = v.sizes[0] * v.sizes[1];
  parallel_for(planes, kGrain / (work < 1 ? 1 : work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i / v.sizes[1], i % v.sizes[1]);
  });
}

template <class T>
void forward(const View& out, const View& in, const View& weight, const View* bias,
             const ConvParams& p) {
  const PlaneReader<T> in_planes(in), taps(weight);
  const PlaneWriter<T> out_planes(out);
  const int64_t size = plane_size(out), kernel = plane_size(weight), s = p.stride[2];
  const int64_t per_group = weight.sizes[0] / p.groups;
  const Framed<T> frame(in, weight, p, p.padding);
  for_each_plane(out, size * kernel / 4, [&](int64_t n, int64_t o) {
    ScratchBuffer<T> in_buffer(plane_size(in)), out_buffer(size), tap_buffer(kernel);
    const T *x = in_planes.get(n, o / per_group, in_buffer.data),
            *w = taps.get(o, 0, tap_buffer.data);
    T* y = out_planes.target(n, o, out_buffer.data);
    const T start = bias ? RunReader<T>(*bias).at(o * bias->strides[0]) : T(0);
    if (s == 1) {
      ScratchBuffer<T> framed(frame.elements());
      frame.copy(x, framed.data);
      frame.correlate(framed.data, w, kernel, out, p.stride, y, start, false);
      out_planes.put(y, n, o);
      return;
    }
    for (int64_t i = 0; i < size; ++i) y[i] = start;
    for_each_row_pair(
        out, in, weight, p,
        [&](int64_t tap, int64_t to, int64_t from, int64_t low, int64_t high, int64_t shift) {
          const T k = w[tap];
          T* row = y + to;
          const T* source = x + from + shift;
          if (s == 1)
            add_scaled(row + low, source + low, k, high - low);
          else
            for (int64_t i = low; i < high; ++i) row[i] += k * source[i * s];
        });
    out_planes.put(y, n, o);
  });
}

template <class T>
void data_gradient(const View& grad_in, const View& grad, const View& weight, const ConvParams& p) {
  const PlaneReader<T> grad_planes(grad), taps(weight);
  const PlaneWriter<T> in_planes(grad_in);
  const int64_t size = plane_size(grad_in), kernel = plane_size(weight), s = p.stride[2];
  const int64_t per_group = weight.sizes[0] / p.groups;
  // With strides of 1 this is the forward pass over the gradient with the taps in reverse.
  int64_t padding[3];
  bool reversed = true;
  for (int d = 0; d < 3; ++d) {
    padding[d] = (weight.sizes[2 + d] - 1) * p.dilation[d] - p.padding[d];
    reversed = reversed && p.stride[d] == 1 && padding[d] >= 0;
    if (padding[d] < 0) padding[d] = 0;
  }
  const Framed<T> frame(grad, weight, p, padding);
  for_each_plane(grad_in, plane_size(grad) * kernel / 4, [&](int64_t n, int64_t c) {
    ScratchBuffer<T> buffer(size), grad_buffer(plane_size(grad)), tap_buffer(kernel);
    T* d = in_planes.target(n, c, buffer.data);
    memset(d, 0, size_t(size) * sizeof(T));
    for (int64_t o = c * per_group; o < (c + 1) * per_group; ++o) {
      const T *g = grad_planes.get(n, o, grad_buffer.data), *w = taps.get(o, 0, tap_buffer.data);
      if (reversed) {
        ScratchBuffer<T> framed(frame.elements()), turned(kernel);
        for (int64_t t = 0; t < kernel; ++t) turned[t] = w[kernel - 1 - t];
        frame.copy(g, framed.data);
        frame.correlate(framed.data, turned.data, kernel, grad_in, p.stride, d, T(0), true);
        continue;
      }
      for_each_row_pair(
          grad, grad_in, weight, p,
          [&](int64_t tap, int64_t from, int64_t to, int64_t low, int64_t high, int64_t shift) {
            const T k = w[tap];
            const T* row = g + from;
            T* target = d + to + shift;
            if (s == 1)
              add_scaled(target + low, row + low, k, high - low);
            else
              for (int64_t i = low; i < high; ++i) target[i * s] += k * row[i];
          });
    }
    in_planes.put(d, n, c);
  });
}

template <class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  const PlaneReader<T> grad_planes(grad), in_planes(in);
  const PlaneWriter<T> taps(grad_weight);
  const int64_t kernel = plane_size(grad_weight), s = p.stride[2];
  const int64_t outputs = grad_weight.sizes[0], per_group = outputs / p.groups;
  const int64_t work = in.sizes[0] * plane_size(grad) * kernel / 4;
  parallel_for(outputs, kGrain / (work < 1 ? 1 : work), [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> grad_buffer(plane_size(grad)), in_buffer(plane_size(in)), result(kernel);
    ScratchBuffer<double> sums(kernel);
    for (int64_t o = begin; o < end; ++o) {
      memset(sums.data, 0, size_t(kernel) * sizeof(double));
      for (int64_t n = 0; n < in.sizes[0]; ++n) {
        const T* g = grad_planes.get(n, o, grad_buffer.data);
        const T* x = in_planes.get(n, o / per_group, in_buffer.data);
        for_each_row_pair(
            grad, in, grad_weight, p,
            [&](int64_t tap, int64_t at, int64_t from, int64_t low, int64_t high, int64_t shift) {
              const T *row = g + at + low, *source = x + from + shift + low * s;
              const int64_t count = high - low;
              if (s == 1) {
                sums[tap] += double(sum_lanes<T>(count, [&](int64_t i, int64_t k) PG_LANES {
                  return load_part(row + i, k) * load_part(source + i, k);
                }));
              } else {
                T sum = T(0);
                for (int64_t i = 0; i < count; ++i) sum += row[i] * source[i * s];
                sums[tap] += double(sum);
              }
            });
      }
      for (int64_t i = 0; i < kernel; ++i) result[i] = T(sums[i]);
      taps.put(result.data, o, 0);
    }
  });
}

}  // namespace

void depthwise(const View& out, const View& in, const View& weight, const View* bias,
               const ConvParams& p) {
  const auto run = in.dtype == DType::Float64 ? forward<double> : forward<float>;
  run(out, in, weight, bias, p);
}

void depthwise_backward_data(const View& grad_in, const View& grad, const View& weight,
                             const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? data_gradient<double> : data_gradient<float>;
  run(grad_in, grad, weight, p);
}

void depthwise_backward_weight(const View& grad_weight, const View& grad, const View& in,
                               const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? weight_gradient<double> : weight_gradient<float>;
  run(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
