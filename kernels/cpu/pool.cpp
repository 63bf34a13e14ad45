// Average pooling over the last three dimensions, fixed and adaptive windows.
//
// The windows of a dimension come from a table (first and past-the-last element inside the input,
// and the divisor's share), so that fixed and adaptive pooling run the same loops.
//
// Fixed windows are summed in two steps, along the rows of the input and then across them, in
// vectors. Windows as large as a plane and adaptive ones go one by one.
//
// Parallel plan: planes (n, c); the gradients scatter within a plane, which one thread owns, so no
// atomics and one order.
//
// Memory plan: the tables, the sums of the rows that some rows of output share, and a plane of
// scratch for strided or 16-bit data.
#include "kernels/cpu/pool.h"

#include "kernels/cpu/kernels_decl.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

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

// Sums of windows along a row.
template <class T>
struct RowSums {
  static constexpr T kBorder = T(0);

  template <int kStride>
  static void run(const T* x, int64_t size, int64_t, int64_t count, const PoolParams& p, T* sums,
                  LaneIndex<T>*) {
    const int64_t stride = p.stride[2];
    for (int64_t i = 0; i < count; i += kLanes<T>) {
      const int64_t from = i * stride;
      Vec<T> sum{};
      for (int64_t e = 0; e < p.kernel[2]; ++e)
        sum += load_strided<kStride>(x + from + e, stride, size - from - e);
      store(sums + i, sum);
    }
  }
};

// Averages of fixed windows.
template <class T>
void average_rows(const View& out, const View& in, const PoolParams& p, const Windows& w) {
  const TwoSteps<T, RowSums<T>> steps(out, in, p, w);
  const int64_t columns = steps.columns;
  ScratchBuffer<T> share(round_up(columns, kLanes<T>));
  for (int64_t k = 0; k < round_up(columns, kLanes<T>); ++k)
    share[k] = T(k < columns && !w.divisor ? w.at(2, k).share : 1);
  const auto finish = [&](const Window& depth, const Window& rows, int64_t slice, const T* sums,
                          const LaneIndex<T>*, T* y, int64_t) {
    const T area = T(w.divisor ? w.divisor : depth.share * rows.share);
    for_lanes<T>(columns, [&](int64_t i, int64_t k) PG_LANES {
      Vec<T> sum{};
      int64_t from = i;
      for (int64_t d = depth.begin; d < depth.end; ++d, from += slice)
        for (int64_t h = rows.begin; h < rows.end; ++h) sum += load(sums + from + h * columns);
      const Vec<T> divisor = load(share.data + i) * area;
      // A window that lies in the border altogether has no share.
      store_part(y + i, divisor == T(0) ? sum : sum / divisor, k);
    });
  };
  steps.run([&](auto&& planes) { planes([&](int64_t, int64_t, auto&& rows) { rows(finish); }); });
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

}  // namespace

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
  if (plane_size(out) == 1 && plane_size(in) > 0) return reduce(ReduceOp::mean, out, in);
  const Windows windows(out, in);
  by_compute_type("adaptive_avg_pool", in.dtype,
                  [&]<class T>() { average_planes<T>(out, in, windows); });
}

void adaptive_avg_pool_backward(const View& grad_in_, const View& grad_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_);
  if (plane_size(grad) == 1) {
    View everywhere = grad;
    for (int d = 2; d < 5; ++d) {
      everywhere.sizes[d] = grad_in.sizes[d];
      everywhere.strides[d] = 0;
    }
    return binary_scalar(BinaryOp::div, grad_in, everywhere, plane_size(grad_in), false);
  }
  const Windows windows(grad, grad_in);
  by_compute_type("adaptive_avg_pool_backward", grad.dtype,
                  [&]<class T>() { average_planes_backward<T>(grad_in, grad, windows); });
}

}  // namespace pygrad::cpu::PG_ISA_NS
