// Pooling over the last three dimensions: maximum and average, fixed and adaptive windows.
//
// The windows of a dimension come from a table (first and past-the-last element inside the input,
// and the divisor's share), so that fixed and adaptive pooling run the same loops and padding never
// takes part in a maximum. As in PyTorch a NaN wins a maximum, the last one of a window when there
// are several; otherwise the first of equals.
//
// Fixed windows run along the rows of the output in vectors, over planes with a border and split by
// stride (bordered.h), so that every element of a window is a contiguous load; a vector of indices
// follows the maxima. Adaptive windows, and planes whose indices do not fit a lane, go one by one.
//
// Parallel plan: planes (n, c); the gradients scatter within a plane, which one thread owns, so no
// atomics and one order.
//
// Memory plan: the tables, a bordered plane per task, and a plane of scratch for strided or 16-bit
// data.
#include "kernels/cpu/bordered.h"
#include "kernels/cpu/kernels_decl.h"
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

template <class T>
void max_planes(const View& out, const View& indices, const View& in, const Windows& w) {
  const PlaneReader<T> reader(in);
  const PlaneWriter<T> writer(out);
  const PlaneWriter<int64_t> index_writer(indices);
  const int64_t size = plane_size(in), out_size = plane_size(out);
  const int64_t height = in.sizes[3], width = in.sizes[4];
  const int64_t sd = w.step[0], sh = w.step[1], sw = w.step[2];
  for_each_plane(in, size, [&](auto&& planes) {
    ScratchBuffer<T> in_buffer(size), out_buffer(out_size);
    ScratchBuffer<int64_t> index_buffer(out_size);
    planes([&](int64_t n, int64_t c) {
      const T* x = reader.get(n, c, in_buffer.data);
      T* y = writer.target(n, c, out_buffer.data);
      int64_t* where = index_writer.target(n, c, index_buffer.data);
      for_each_window(out, w,
                      [&](const Window& d, const Window& h, const Window& l, int64_t index) {
                        T best = -std::numeric_limits<T>::infinity();
                        int64_t at = (d.begin * height + h.begin) * width + l.begin;
                        for (int64_t i = d.begin; i < d.end; i += sd) {
                          for (int64_t j = h.begin; j < h.end; j += sh) {
                            const int64_t row = (i * height + j) * width;
                            for (int64_t k = l.begin; k < l.end; k += sw) {
                              const T v = x[row + k];
                              const bool take = (v > best) | (v != v);
                              // Which element wins is not predictable: a mask and a maximum
                              // instruction, no branch.
                              at ^= (at ^ (row + k)) & -int64_t(take);
                              best = v > best ? v : best;
                              if (v != v) best = v;
                            }
                          }
                        }
                        y[index] = best;
                        where[index] = at;
                      });
      writer.put(y, n, c);
      index_writer.put(where, n, c);
    });
  });
}

// The border that fixed windows reach into.
void borders(const View& out, const View& in, const PoolParams& p, const int64_t (&dilation)[3],
             int64_t (&low)[3], int64_t (&high)[3]) {
  for (int d = 0; d < 3; ++d) {
    low[d] = p.padding[d];
    high[d] = most(0, (out.sizes[2 + d] - 1) * p.stride[d] + (p.kernel[d] - 1) * dilation[d] -
                          p.padding[d] - (in.sizes[2 + d] - 1));
  }
}

// The elements of a window: where they lie in a bordered plane, and in the input's.
struct Elements {
  int64_t count;
  ScratchBuffer<int64_t> offset, index;
  template <class T>
  Elements(const View& in, const PoolParams& p, const int64_t (&dilation)[3],
           const ImageSource<T>& source)
      : count(p.kernel[0] * p.kernel[1] * p.kernel[2]), offset(count), index(count) {
    int64_t i = 0;
    for (int64_t a = 0; a < p.kernel[0]; ++a)
      for (int64_t b = 0; b < p.kernel[1]; ++b)
        for (int64_t c = 0; c < p.kernel[2]; ++c, ++i) {
          const int64_t at[3] = {a * dilation[0] - p.padding[0], b * dilation[1] - p.padding[1],
                                 c * dilation[2] - p.padding[2]};
          offset[i] = source.offset(at);
          index[i] = (at[0] * in.sizes[3] + at[1]) * in.sizes[4] + at[2];
        }
  }
};

// Maxima of fixed windows. A lane of T's width holds an index.
template <class T>
void max_rows(const View& out, const View& indices, const View& in, const PoolParams& p,
              const Windows& w) {
  using I = Elem<Mask<Vec<T>>>;
  constexpr int L = kLanes<T>;
  int64_t low[3], high[3];
  borders(out, in, p, p.dilation, low, high);
  const T infinity = std::numeric_limits<T>::infinity();
  const ImageSource<T> source(in, p.stride, low, high, true, -infinity);
  const Elements window(in, p, p.dilation, source);
  const PlaneWriter<T> writer(out);
  const PlaneWriter<int64_t> index_writer(indices);
  const int64_t out_size = plane_size(out), height = in.sizes[3], width = in.sizes[4];
  const int64_t columns = out.sizes[4];
  // Of each column: the start of its window, with and without the border.
  ScratchBuffer<I> start(round_up(columns, L)), first(round_up(columns, L));
  for (int64_t k = 0; k < round_up(columns, L); ++k) {
    start[k] = I(k * p.stride[2]);
    first[k] = I(k < columns ? w.at(2, k).begin : 0);
  }
  for_each_plane(in, plane_size(in), [&](auto&& planes) {
    ScratchBuffer<T> plane(source.plane_elements()), out_buffer(out_size);
    ScratchBuffer<int64_t> index_buffer(out_size);
    planes([&](int64_t n, int64_t c) {
      const T* x = source.load_plane(plane.data, n, c);
      T* y = writer.target(n, c, out_buffer.data);
      int64_t* where = index_writer.target(n, c, index_buffer.data);
      for (int64_t row = 0, at = 0; row < out.sizes[2] * out.sizes[3]; ++row, at += columns) {
        const int64_t d = row / out.sizes[3], h = row % out.sizes[3];
        const T* from = x + d * source.stride(0) + h * source.stride(1);
        const int64_t corner = (d * p.stride[0] * height + h * p.stride[1]) * width;
        const int64_t inside = (w.at(0, d).begin * height + w.at(1, h).begin) * width;
        for_lanes<T>(columns, [&](int64_t i, int64_t k) PG_LANES {
          Vec<T> best = splat(-infinity);
          Vec<I> best_at = load(first.data + i) + I(inside),
                 base = load(start.data + i) + I(corner);
          for (int64_t e = 0; e < window.count; ++e) {
            const Vec<T> v = load(from + window.offset.data[e] + i);
            const Vec<I> take = (v > best) | (v != v);
            best = take ? v : best;
            best_at = take ? base + I(window.index.data[e]) : best_at;
          }
          store_part(y + at + i, best, k);
          I lanes[L];
          memcpy(lanes, &best_at, sizeof best_at);
          int64_t* to = where + at + i;
          if (k == L)
            for (int l = 0; l < L; ++l) to[l] = lanes[l];
          else
            for (int64_t l = 0; l < k; ++l) to[l] = lanes[l];
        });
      }
      writer.put(y, n, c);
      index_writer.put(where, n, c);
    });
  });
}

template <class T>
void max_planes_backward(const View& grad_in, const View& grad, const View& indices) {
  const PlaneReader<T> reader(grad);
  const PlaneReader<int64_t> index_reader(indices);
  const PlaneWriter<T> writer(grad_in);
  const int64_t size = plane_size(grad_in), out_size = plane_size(grad);
  for_each_plane(grad_in, size, [&](auto&& planes) {
    ScratchBuffer<T> buffer(size), grad_buffer(out_size);
    ScratchBuffer<int64_t> index_buffer(out_size);
    planes([&](int64_t n, int64_t c) {
      T* d = writer.target(n, c, buffer.data);
      const T* g = reader.get(n, c, grad_buffer.data);
      const int64_t* where = index_reader.get(n, c, index_buffer.data);
      memset(d, 0, size_t(size) * sizeof(T));
      for (int64_t i = 0; i < out_size; ++i) d[where[i]] += g[i];
      writer.put(d, n, c);
    });
  });
}

PG_HOST_INLINE double divisor_of(const Windows& w, const Window& d, const Window& h,
                                 const Window& l) {
  return double(w.divisor ? w.divisor : d.share * h.share * l.share);
}

template <class T>
void average_planes(const View& out, const View& in, const Windows& w) {
  const PlaneReader<T> reader(in);
  const PlaneWriter<T> writer(out);
  const int64_t size = plane_size(in), height = in.sizes[3], width = in.sizes[4];
  for_each_plane(in, size, [&](auto&& planes) {
    ScratchBuffer<T> in_buffer(size), out_buffer(plane_size(out));
    planes([&](int64_t n, int64_t c) {
      const T* x = reader.get(n, c, in_buffer.data);
      T* y = writer.target(n, c, out_buffer.data);
      for_each_window(out, w,
                      [&](const Window& d, const Window& h, const Window& l, int64_t index) {
                        T sum = T(0);
                        for (int64_t i = d.begin; i < d.end; ++i)
                          for (int64_t j = h.begin; j < h.end; ++j) {
                            const T* row = x + (i * height + j) * width;
                            for (int64_t k = l.begin; k < l.end; ++k) sum += row[k];
                          }
                        const bool empty = d.begin >= d.end || h.begin >= h.end || l.begin >= l.end;
                        y[index] = empty ? T(0) : T(sum / T(divisor_of(w, d, h, l)));
                      });
      writer.put(y, n, c);
    });
  });
}

// Averages of fixed windows.
template <class T>
void average_rows(const View& out, const View& in, const PoolParams& p, const Windows& w) {
  const int64_t one[3] = {1, 1, 1};
  int64_t low[3], high[3];
  borders(out, in, p, one, low, high);
  const ImageSource<T> source(in, p.stride, low, high, true);
  const Elements window(in, p, one, source);
  const PlaneWriter<T> writer(out);
  const int64_t out_size = plane_size(out), columns = out.sizes[4];
  ScratchBuffer<T> share(round_up(columns, kLanes<T>));
  for (int64_t k = 0; k < round_up(columns, kLanes<T>); ++k)
    share[k] = T(k < columns && !w.divisor ? w.at(2, k).share : 1);
  for_each_plane(in, plane_size(in), [&](auto&& planes) {
    ScratchBuffer<T> plane(source.plane_elements()), out_buffer(out_size);
    planes([&](int64_t n, int64_t c) {
      const T* x = source.load_plane(plane.data, n, c);
      T* y = writer.target(n, c, out_buffer.data);
      for (int64_t row = 0, at = 0; row < out.sizes[2] * out.sizes[3]; ++row, at += columns) {
        const int64_t d = row / out.sizes[3], h = row % out.sizes[3];
        const T* from = x + d * source.stride(0) + h * source.stride(1);
        const T rows = T(w.divisor ? w.divisor : w.at(0, d).share * w.at(1, h).share);
        for_lanes<T>(columns, [&](int64_t i, int64_t k) PG_LANES {
          Vec<T> sum{};
          for (int64_t e = 0; e < window.count; ++e) sum += load(from + window.offset.data[e] + i);
          const Vec<T> divisor = load(share.data + i) * rows;
          // A window that lies in the border altogether has no share.
          store_part(y + at + i, divisor == T(0) ? sum : sum / divisor, k);
        });
      }
      writer.put(y, n, c);
    });
  });
}

template <class T>
void average_planes_backward(const View& grad_in, const View& grad, const Windows& w) {
  const PlaneReader<T> reader(grad);
  const PlaneWriter<T> writer(grad_in);
  const int64_t size = plane_size(grad_in), height = grad_in.sizes[3], width = grad_in.sizes[4];
  for_each_plane(grad_in, size, [&](auto&& planes) {
    ScratchBuffer<T> buffer(size), grad_buffer(plane_size(grad));
    planes([&](int64_t n, int64_t c) {
      const T* g = reader.get(n, c, grad_buffer.data);
      T* to = writer.target(n, c, buffer.data);
      memset(to, 0, size_t(size) * sizeof(T));
      for_each_window(grad, w,
                      [&](const Window& d, const Window& h, const Window& l, int64_t index) {
                        const T part = g[index] / T(divisor_of(w, d, h, l));
                        for (int64_t i = d.begin; i < d.end; ++i)
                          for (int64_t j = h.begin; j < h.end; ++j) {
                            T* row = to + (i * height + j) * width;
                            for (int64_t k = l.begin; k < l.end; ++k) row[k] += part;
                          }
                      });
      writer.put(to, n, c);
    });
  });
}

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

void max_pool(const View& out_, const View& indices_, const View& in_, const PoolParams& p) {
  const View out = five_dims(out_), indices = five_dims(indices_), in = five_dims(in_);
  const Windows windows(out, in, p, true);
  // Lanes of 32 bits hold an index, and where its window starts in the border.
  int64_t reach = 1;
  for (int d = 0; d < 3; ++d) reach *= in.sizes[2 + d] + 2 * p.kernel[d] * p.dilation[d];
  const bool fits = reach < (int64_t(1) << 31);
  by_compute_type("max_pool", in.dtype, [&]<class T>() {
    if (fits)
      max_rows<T>(out, indices, in, p, windows);
    else
      max_planes<T>(out, indices, in, windows);
  });
}

void max_pool_backward(const View& grad_in_, const View& grad_, const View& indices_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), indices = five_dims(indices_);
  by_compute_type("max_pool_backward", grad.dtype,
                  [&]<class T>() { max_planes_backward<T>(grad_in, grad, indices); });
}

void avg_pool(const View& out_, const View& in_, const PoolParams& p) {
  const View out = five_dims(out_), in = five_dims(in_);
  const Windows windows(out, in, p, false);
  by_compute_type("avg_pool", in.dtype, [&]<class T>() { average_rows<T>(out, in, p, windows); });
}

void avg_pool_backward(const View& grad_in_, const View& grad_, const PoolParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_);
  const Windows windows(grad, grad_in, p, false);
  by_compute_type("avg_pool_backward", grad.dtype,
                  [&]<class T>() { average_planes_backward<T>(grad_in, grad, windows); });
}

void adaptive_avg_pool(const View& out_, const View& in_) {
  const View out = five_dims(out_), in = five_dims(in_);
  const Windows windows(out, in);
  by_compute_type("adaptive_avg_pool", in.dtype,
                  [&]<class T>() { average_planes<T>(out, in, windows); });
}

void adaptive_avg_pool_backward(const View& grad_in_, const View& grad_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_);
  const Windows windows(grad, grad_in);
  by_compute_type("adaptive_avg_pool_backward", grad.dtype,
                  [&]<class T>() { average_planes_backward<T>(grad_in, grad, windows); });
}

void adaptive_max_pool(const View& out_, const View& indices_, const View& in_) {
  const View out = five_dims(out_), indices = five_dims(indices_), in = five_dims(in_);
  const Windows windows(out, in);
  by_compute_type("adaptive_max_pool", in.dtype,
                  [&]<class T>() { max_planes<T>(out, indices, in, windows); });
}

}  // namespace pygrad::cpu::PG_ISA_NS
