// Maximum pooling over the last three dimensions, fixed and adaptive windows.
//
// As in PyTorch a NaN wins a maximum, the last one of a window when there are several; otherwise
// the first of equals. Padding never takes part.
//
// Fixed windows are taken in two steps, along the rows of the input and then across them, in
// vectors that are followed by vectors of indices; both steps keep the order of the elements, so
// the winner is that of the whole window. Adaptive windows, and planes whose indices do not fit a
// lane, go one by one.
//
// Parallel plan: planes (n, c); the gradients scatter within a plane, which one thread owns, so no
// atomics and one order.
//
// Memory plan: the tables, the maxima of the rows that some rows of output share, and a plane of
// scratch for strided or 16-bit data.
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/pool.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// The first k lanes.
template <class I>
PG_HOST_INLINE void store_index(int64_t* to, Vec<I> at, int64_t k) {
  if constexpr (sizeof(I) == 8) {
    store_part(to, at, k);
  } else {
    constexpr int L = kLanes<int64_t>;
    const auto half = [&]<int... N>(int64_t from, std::integer_sequence<int, N...>) {
      const auto wide =
          from ? __builtin_convertvector(__builtin_shufflevector(at, at, (L + N)...), Vec<int64_t>)
               : __builtin_convertvector(__builtin_shufflevector(at, at, N...), Vec<int64_t>);
      if (k > from) store_part(to + from, wide, least(L, k - from));
    };
    half(0, std::make_integer_sequence<int, L>{});
    half(L, std::make_integer_sequence<int, L>{});
  }
}

// Maxima of windows along a row and where they lie; x's place is `start`.
template <class T>
struct RowMaxima {
  using I = LaneIndex<T>;
  static constexpr T kBorder = -std::numeric_limits<T>::infinity();

  template <int kStride>
  static void run(const T* x, int64_t size, int64_t start, int64_t count, const PoolParams& p,
                  T* best_out, I* at_out) {
    const int64_t stride = p.stride[2], dilation = p.dilation[2];
    const Vec<I> steps = lane_numbers<Vec<T>>() * I(stride);
    for (int64_t i = 0; i < count; i += kLanes<T>) {
      const int64_t from = i * stride;
      const Vec<I> first = steps + I(start + from);
      Vec<T> best = splat(kBorder);
      Vec<I> at = first;
      for (int64_t e = 0; e < p.kernel[2] * dilation; e += dilation) {
        const Vec<T> v = load_strided<kStride>(x + from + e, stride, size - from - e);
        const Vec<I> take = (v > best) | (v != v);
        best = take ? v : best;
        at = take ? first + I(e) : at;
      }
      store(best_out + i, best);
      store(at_out + i, at);
    }
  }
};

// Maxima of fixed windows, where an index fits a lane.
template <class T>
struct FixedMaxima {
  using I = LaneIndex<T>;
  const TwoSteps<T, RowMaxima<T>>& steps;
  ScratchBuffer<I> head;  // the first column of each window
  explicit FixedMaxima(const TwoSteps<T, RowMaxima<T>>& s)
      : steps(s), head(round_up(s.columns, kLanes<T>)) {
    for (int64_t c = 0; c < s.columns; ++c) head[c] = I(s.w.at(2, c).begin);
  }

  // One row of the output, from the maxima of the rows of input, `slice` elements per depth.
  void operator()(const Window& depth, const Window& rows, int64_t slice, const T* values,
                  const I* places, T* y, int64_t* where) const {
    const PoolParams& p = steps.p;
    const int64_t columns = steps.columns;
    const int64_t corner = (depth.begin * steps.in.sizes[3] + rows.begin) * steps.width;
    for_lanes<T>(columns, [&](int64_t i, int64_t k) PG_LANES {
      Vec<T> best = splat(RowMaxima<T>::kBorder);
      Vec<I> at = load(head.data + i) + I(corner);
      int64_t from = i;
      for (int64_t d = depth.begin; d < depth.end; d += p.dilation[0], from += slice)
        for (int64_t h = rows.begin; h < rows.end; h += p.dilation[1]) {
          const Vec<T> v = load(values + from + h * columns);
          const Vec<I> take = (v > best) | (v != v);
          best = take ? v : best;
          at = take ? load(places + from + h * columns) : at;
        }
      store_part(y + i, best, k);
      store_index<I>(where + i, at, k);
    });
  }
};

template <class T>
void max_rows(const View& out, const View& indices, const View& in, const PoolParams& p,
              const Windows& w) {
  const TwoSteps<T, RowMaxima<T>> steps(out, in, p, w);
  const FixedMaxima<T> maxima(steps);
  const PlaneWriter<int64_t> index_writer(indices);
  const int64_t size = plane_size(out);
  steps.run([&](auto&& planes) {
    ScratchBuffer<int64_t> buffer(size);
    planes([&](int64_t n, int64_t c, auto&& rows) {
      int64_t* where = index_writer.target(n, c, buffer.data);
      rows([&](const Window& depth, const Window& row, int64_t slice, const T* values,
               const LaneIndex<T>* places, T* y,
               int64_t at) { maxima(depth, row, slice, values, places, y, where + at); });
      index_writer.put(where, n, c);
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

void adaptive_max_pool(const View& out_, const View& indices_, const View& in_) {
  const View out = five_dims(out_), indices = five_dims(indices_), in = five_dims(in_);
  const Windows windows(out, in);
  by_compute_type("adaptive_max_pool", in.dtype,
                  [&]<class T>() { max_planes<T>(out, indices, in, windows); });
}

}  // namespace pygrad::cpu::PG_ISA_NS
