// Pooling over the last three dimensions: maximum and average, fixed and adaptive windows.
//
// The windows of a dimension come from a table (first and past-the-last element inside the input,
// and the divisor's share), so that fixed and adaptive pooling run the same loops and padding never
// takes part in a maximum. As in PyTorch a NaN wins a maximum, the last one of a window when there
// are several; otherwise the first of equals.
//
// Parallel plan: planes (n, c); the gradients scatter within a plane, which one thread owns, so no
// atomics and one order.
//
// Memory plan: the tables, and a plane of scratch for strided or 16-bit data.
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

template <class F>
void for_each_plane(const View& v, int64_t work, F&& f) {
  const int64_t planes = v.sizes[0] * v.sizes[1];
  parallel_for(planes, kGrain / (2 * (work < 1 ? 1 : work)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i / v.sizes[1], i % v.sizes[1]);
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
  for_each_plane(in, size, [&](int64_t n, int64_t c) {
    ScratchBuffer<T> in_buffer(size), out_buffer(out_size);
    ScratchBuffer<int64_t> index_buffer(out_size);
    const T* x = reader.get(n, c, in_buffer.data);
    T* y = writer.target(n, c, out_buffer.data);
    int64_t* where = index_writer.target(n, c, index_buffer.data);
    for_each_window(out, w, [&](const Window& d, const Window& h, const Window& l, int64_t index) {
      T best = -std::numeric_limits<T>::infinity();
      int64_t at = (d.begin * height + h.begin) * width + l.begin;
      for (int64_t i = d.begin; i < d.end; i += sd) {
        for (int64_t j = h.begin; j < h.end; j += sh) {
          const int64_t row = (i * height + j) * width;
          for (int64_t k = l.begin; k < l.end; k += sw) {
            const T v = x[row + k];
            const bool take = (v > best) | (v != v);
            // Which element wins is not predictable: a mask and a maximum instruction, no branch.
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
}

template <class T>
void max_planes_backward(const View& grad_in, const View& grad, const View& indices) {
  const PlaneReader<T> reader(grad);
  const PlaneReader<int64_t> index_reader(indices);
  const PlaneWriter<T> writer(grad_in);
  const int64_t size = plane_size(grad_in), out_size = plane_size(grad);
  for_each_plane(grad_in, size, [&](int64_t n, int64_t c) {
    ScratchBuffer<T> buffer(size), grad_buffer(out_size);
    ScratchBuffer<int64_t> index_buffer(out_size);
    T* d = writer.target(n, c, buffer.data);
    const T* g = reader.get(n, c, grad_buffer.data);
    const int64_t* where = index_reader.get(n, c, index_buffer.data);
    memset(d, 0, size_t(size) * sizeof(T));
    for (int64_t i = 0; i < out_size; ++i) d[where[i]] += g[i];
    writer.put(d, n, c);
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
  for_each_plane(in, size, [&](int64_t n, int64_t c) {
    ScratchBuffer<T> in_buffer(size), out_buffer(plane_size(out));
    const T* x = reader.get(n, c, in_buffer.data);
    T* y = writer.target(n, c, out_buffer.data);
    for_each_window(out, w, [&](const Window& d, const Window& h, const Window& l, int64_t index) {
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
}

template <class T>
void average_planes_backward(const View& grad_in, const View& grad, const Windows& w) {
  const PlaneReader<T> reader(grad);
  const PlaneWriter<T> writer(grad_in);
  const int64_t size = plane_size(grad_in), height = grad_in.sizes[3], width = grad_in.sizes[4];
  for_each_plane(grad_in, size, [&](int64_t n, int64_t c) {
    ScratchBuffer<T> buffer(size), grad_buffer(plane_size(grad));
    const T* g = reader.get(n, c, grad_buffer.data);
    T* to = writer.target(n, c, buffer.data);
    memset(to, 0, size_t(size) * sizeof(T));
    for_each_window(grad, w, [&](const Window& d, const Window& h, const Window& l, int64_t index) {
      const T part = g[index] / T(divisor_of(w, d, h, l));
      for (int64_t i = d.begin; i < d.end; ++i)
        for (int64_t j = h.begin; j < h.end; ++j) {
          T* row = to + (i * height + j) * width;
          for (int64_t k = l.begin; k < l.end; ++k) row[k] += part;
        }
    });
    writer.put(to, n, c);
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
  by_compute_type("max_pool", in.dtype,
                  [&]<class T>() { max_planes<T>(out, indices, in, windows); });
}

void max_pool_backward(const View& grad_in_, const View& grad_, const View& indices_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), indices = five_dims(indices_);
  by_compute_type("max_pool_backward", grad.dtype,
                  [&]<class T>() { max_planes_backward<T>(grad_in, grad, indices); });
}

void avg_pool(const View& out_, const View& in_, const PoolParams& p) {
  const View out = five_dims(out_), in = five_dims(in_);
  const Windows windows(out, in, p, false);
  by_compute_type("avg_pool", in.dtype, [&]<class T>() { average_planes<T>(out, in, windows); });
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
