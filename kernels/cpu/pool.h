// Pooling windows: a table per dimension, and walks over planes and their windows.
#pragma once

#include "kernels/cpu/bordered.h"
#include "kernels/cpu/planes.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

struct Window {
  int64_t begin, end, share;
};

// Windows of the three dimensions, one after the other.
struct Windows {
  ScratchBuffer<Window> table;
  int64_t first[3], step[3] = {1, 1, 1};
  int64_t divisor = 0;  // nonzero: instead of the product of the shares
  explicit Windows(const View& out) : table(out.sizes[2] + out.sizes[3] + out.sizes[4]) {
    first[0] = 0;
    first[1] = out.sizes[2];
    first[2] = out.sizes[2] + out.sizes[3];
  }
  Windows(const View& out, const View& in, const PoolParams& p, bool dilated) : Windows(out) {
    for (int d = 0; d < 3; ++d) {
      step[d] = dilated ? p.dilation[d] : 1;
      const int64_t size = in.sizes[2 + d];
      for (int64_t o = 0; o < out.sizes[2 + d]; ++o) {
        int64_t begin = o * p.stride[d] - p.padding[d];
        int64_t end = begin + (p.kernel[d] - 1) * step[d] + 1;
        if (end > size + p.padding[d]) end = size + p.padding[d];
        const int64_t padded = end - begin;
        if (begin < 0) begin += (-begin + step[d] - 1) / step[d] * step[d];
        if (end > size) end = size;
        if (begin >= size) begin = end = size - 1;  // empty, yet a position in the plane
        table[first[d] + o] = {begin, end, p.count_include_pad ? padded : end - begin};
      }
    }
    divisor = dilated ? 0 : p.divisor_override;
  }
  Windows(const View& out, const View& in) : Windows(out) {  // adaptive
    for (int d = 0; d < 3; ++d) {
      const int64_t size = in.sizes[2 + d], n = out.sizes[2 + d];
      for (int64_t o = 0; o < n; ++o) {
        const int64_t begin = o * size / n, end = ((o + 1) * size + n - 1) / n;
        table[first[d] + o] = {begin, end, end - begin};
      }
    }
  }
  PG_HOST_INLINE const Window& at(int d, int64_t o) const { return table.data[first[d] + o]; }
};

// Calls f(d window, h window, w window, output index) for every output of a plane, in order.
template <class F>
PG_HOST_INLINE void for_each_window(const View& out, const Windows& w, F&& f) {
  int64_t index = 0;
  for (int64_t i = 0; i < out.sizes[2]; ++i)
    for (int64_t j = 0; j < out.sizes[3]; ++j)
      for (int64_t k = 0; k < out.sizes[4]; ++k, ++index)
        f(w.at(0, i), w.at(1, j), w.at(2, k), index);
}

// Calls f(planes) for every task, where planes(g) calls g(image, channel) for each of its planes.
template <class F>
void for_each_plane(const View& v, int64_t work, F&& f) {
  const int64_t count = v.sizes[0] * v.sizes[1];
  parallel_for(count, kGrain / (2 * (work < 1 ? 1 : work)), [&](int64_t begin, int64_t end) {
    f([&](auto&& g) {
      for (int64_t i = begin; i < end; ++i) g(i / v.sizes[1], i % v.sizes[1]);
    });
  });
}

// The integers as wide as T.
template <class T>
using LaneIndex = Elem<Mask<Vec<T>>>;

// Fixed windows in two steps: folded along the rows of the input, by Rows, then across them, by the
// caller. Rows::run<stride>(x, size, start, count, p, values, places) folds `count` windows from x
// on, of which `size` elements are readable and whose place is `start`; Rows::kBorder surrounds a
// plane.
template <class T, class Rows>
struct TwoSteps {
  struct Band {
    int64_t last, first, end;  // row of the output; rows of the input
  };
  using I = LaneIndex<T>;
  static constexpr int64_t kBandBytes = 24 << 10;
  const View &out, &in;
  const PoolParams& p;
  const Windows& w;
  RunReader<T> reader;
  PlaneWriter<T> writer;
  int64_t columns, width, low, padded;
  bool flat;         // the rows of a plane act as one: no window reaches into the next
  int64_t band;      // rows of output that share the folds of some rows of input
  int64_t elements;  // of these folds
  int64_t group;     // planes folded before the first is finished: what has just been stored cannot
                     // be loaded in other pieces without a wait
  ScratchBuffer<Band> bands;  // by the first row of output
  TwoSteps(const View& out_, const View& in_, const PoolParams& p_, const Windows& w_)
      : out(out_),
        in(in_),
        p(p_),
        w(w_),
        reader(in_),
        writer(out_),
        columns(out_.sizes[4]),
        width(in_.sizes[4]),
        low(p_.padding[2]),
        bands(out_.sizes[3]) {
    const int64_t reach = (columns - 1) * p.stride[2] + (p.kernel[2] - 1) * p.dilation[2] + 1;
    padded = most(low + width, reach);
    flat = padded == width && columns * p.stride[2] == width &&
           (p.kernel[2] - 1) * p.dilation[2] < p.stride[2] && reader.native && in.strides[4] == 1 &&
           in.strides[3] == width;
    constexpr int64_t kBytes = sizeof(T) + sizeof(I);
    band = most(1, least(out.sizes[3], kBandBytes / (columns * p.stride[1] * kBytes)));
    const int64_t rows = (band - 1) * p.stride[1] + (p.kernel[1] - 1) * p.dilation[1] + 1;
    elements = p.kernel[0] * rows * columns + kLanes<T>;
    group = most(1, kBandBytes / (elements * kBytes));
    for (int64_t h = 0; h < out.sizes[3]; h += band) {
      Band b{least(out.sizes[3], h + band) - 1, w.at(1, h).begin, 0};
      for (int64_t r = h; r <= b.last; ++r) {
        b.first = least(b.first, w.at(1, r).begin);
        b.end = most(b.end, w.at(1, r).end);
      }
      bands[h] = b;
    }
  }

  // f(planes) for every task; planes(g) calls g(image, channel, rows) for each plane of the output,
  // and rows(finish) calls finish(depth window, row window, elements per depth, values, places, y,
  // offset of y in the plane) for each of its rows.
  template <class F>
  void run(F&& f) const {
    const int64_t channels = in.sizes[1], size = plane_size(out);
    parallel_for(in.sizes[0] * channels, kGrain / (2 * most(1, plane_size(in))),
                 [&](int64_t begin, int64_t end) {
                   const int64_t most_planes = least(end - begin, group);
                   ScratchBuffer<T> row(padded), values(most_planes * elements), buffer(size);
                   ScratchBuffer<I> places(most_planes * elements);
                   fill_lanes(row.data, padded, Rows::kBorder);
                   f([&](auto&& g) {
                     for (int64_t i = begin; i < end; i += most_planes) {
                       const int64_t count = least(most_planes, end - i);
                       const bool whole = band == out.sizes[3] && out.sizes[2] == 1;
                       for (int64_t k = 0; whole && k < count; ++k)
                         fold_band(i + k, 0, 0, row.data, values.data + k * elements,
                                   places.data + k * elements);
                       for (int64_t k = 0; k < count; ++k) {
                         const int64_t n = (i + k) / channels, c = (i + k) % channels;
                         T* y = writer.target(n, c, buffer.data);
                         g(n, c, [&](auto&& finish) {
                           finish_plane(i + k, whole, row.data, values.data + k * elements,
                                        places.data + k * elements, y, finish);
                         });
                         writer.put(y, n, c);
                       }
                     }
                   });
                 });
  }

 private:
  // The rows that rows of output from h on, of depth d, need.
  void fold_band(int64_t plane, int64_t d, int64_t h, T* row, T* values, I* places) const {
    const Band& b = bands.data[h];
    const Window& depth = w.at(0, d);
    const int64_t from = plane / in.sizes[1] * in.strides[0] + plane % in.sizes[1] * in.strides[1];
    const int64_t slice = most(0, b.end - b.first) * columns;
    for (int64_t i = depth.begin; i < depth.end; i += p.dilation[0]) {
      fold_rows(from, i, b.first, b.end, row, values, places);
      values += slice, places += slice;
    }
  }

  // Rows [begin, end) of depth d. `row` holds a bordered row.
  void fold_rows(int64_t plane, int64_t d, int64_t begin, int64_t end, T* row, T* values,
                 I* places) const {
    const int64_t from = plane + d * in.strides[2] + begin * in.strides[3];
    int64_t start = (d * in.sizes[3] + begin) * width - low;
    if (flat)
      return fold(in.ptr<const T>() + from, (end - begin) * width, start, (end - begin) * columns,
                  values, places);
    for (int64_t h = begin; h < end; ++h, start += width, values += columns, places += columns) {
      T* target = row + low;
      const T* x = reader.get(from + (h - begin) * in.strides[3], in.strides[4], width, target);
      if (padded != width) {
        if (x != target) copy_lanes(x, target, width);
        x = row;
      }
      fold(x, padded, start, columns, values, places);
    }
  }

  void fold(const T* x, int64_t size, int64_t start, int64_t count, T* values, I* places) const {
    switch (p.stride[2]) {
        // clang-format off
      case 1: return Rows::template run<1>(x, size, start, count, p, values, places);
      case 2: return Rows::template run<2>(x, size, start, count, p, values, places);
      case 3: return Rows::template run<3>(x, size, start, count, p, values, places);
      case 4: return Rows::template run<4>(x, size, start, count, p, values, places);
      default: return Rows::template run<0>(x, size, start, count, p, values, places);
        // clang-format on
    }
  }

  template <class Finish>
  void finish_plane(int64_t plane, bool folded, T* row, T* values, I* places, T* y,
                    Finish&& finish) const {
    for (int64_t d = 0; d < out.sizes[2]; ++d)
      for (int64_t h = 0; h < out.sizes[3]; h += band) {
        if (!folded) fold_band(plane, d, h, row, values, places);
        const Band& b = bands.data[h];
        const int64_t slice = most(0, b.end - b.first) * columns;
        for (int64_t r = h; r <= b.last; ++r) {
          const int64_t at = (d * out.sizes[3] + r) * columns;
          finish(w.at(0, d), w.at(1, r), slice, values - b.first * columns,
                 places - b.first * columns, y + at, at);
        }
      }
  }
};

// Runs f<float> or f<double> by the type in which `dtype` is computed.
template <class F>
PG_HOST_INLINE void by_compute_type(const char* kernel, DType dtype, F&& f) {
  if (dtype == DType::Float64)
    f.template operator()<double>();
  else if (is_floating(dtype))
    f.template operator()<float>();
  else
    unsupported(kernel, dtype);
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
