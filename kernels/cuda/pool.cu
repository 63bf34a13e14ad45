// Pooling over the last three dimensions: maximum and average, fixed and adaptive windows.
//
// Forward kernels have a thread per output. The average's gradient is a gather: a thread per input
// element finds the windows that cover it. The maximum's gradient only knows indices: a block owns
// a plane and goes through its outputs in chunks; of the outputs of a chunk with one index the
// first thread adds all, in order. No atomics, and one order of the sums.

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/planes.cuh"

namespace pygrad::cuda {
namespace {

constexpr int kPlaneThreads = 128;

struct Window {
  int64_t begin, end, share;  // share: the dimension's factor of the average's divisor
};

// The windows of the three dimensions. `dilated` for the maximum; averages are never dilated.
struct Windows {
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], step[3];
  int64_t divisor = 0;  // nonzero: instead of the product of the shares
  bool adaptive, count_padding = false;

  Windows(const View& small, const View& large) : adaptive(true) {
    for (int d = 0; d < 3; ++d) {
      in[d] = large.sizes[2 + d];
      out[d] = small.sizes[2 + d];
      kernel[d] = stride[d] = step[d] = 1;
      padding[d] = 0;
    }
  }
  Windows(const View& small, const View& large, const PoolParams& p, bool dilated)
      : Windows(small, large) {
    adaptive = false;
    count_padding = p.count_include_pad;
    divisor = dilated ? 0 : p.divisor_override;
    for (int d = 0; d < 3; ++d) {
      kernel[d] = p.kernel[d];
      stride[d] = p.stride[d];
      padding[d] = p.padding[d];
      step[d] = dilated ? p.dilation[d] : 1;
    }
  }
  __device__ __forceinline__ Window at(int d, int64_t o) const {
    if (adaptive) {
      const int64_t begin = o * in[d] / out[d], end = ((o + 1) * in[d] + out[d] - 1) / out[d];
      return {begin, end, end - begin};
    }
    int64_t begin = o * stride[d] - padding[d];
    int64_t end = least(begin + (kernel[d] - 1) * step[d] + 1, in[d] + padding[d]);
    const int64_t padded = end - begin;
    if (begin < 0) begin += (-begin + step[d] - 1) / step[d] * step[d];
    end = least(end, in[d]);
    if (begin >= in[d]) begin = end = in[d] - 1;  // empty, yet a position in the plane
    return {begin, end, count_padding ? padded : end - begin};
  }
  // The outputs [first, last) whose windows may cover input x (undilated windows).
  __device__ __forceinline__ void covering(int d, int64_t x, int64_t& first, int64_t& last) const {
    if (adaptive) {
      first = x * out[d] / in[d];
      last = least(out[d], ((x + 1) * out[d] + in[d] - 1) / in[d]);
      return;
    }
    const int64_t place = x + padding[d], before = place - kernel[d] + 1;
    first = before <= 0 ? 0 : (before + stride[d] - 1) / stride[d];
    last = least(out[d], place / stride[d] + 1);
  }
  __device__ __forceinline__ double divisor_of(const Window& a, const Window& b,
                                               const Window& c) const {
    return double(divisor ? divisor : a.share * b.share * c.share);
  }
};

// As in PyTorch a NaN wins, the last one of a window when there are several; otherwise the first of
// equals.
template <class T>
__global__ void __launch_bounds__(256)
    max_windows(Images<opmath_t<T>, T> out, Images<int64_t, int64_t> indices,
                Images<opmath_t<T>, T> in, PG_PARAMETER Windows windows) {
  using A = opmath_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= out.count()) return;
  int64_t at[5];
  out.coordinates(i, at);
  const Window d = windows.at(0, at[2]), h = windows.at(1, at[3]), l = windows.at(2, at[4]);
  const int64_t base = at[0] * in.stride[0] + at[1] * in.stride[1];
  A best = -std::numeric_limits<A>::infinity();
  int64_t found = (d.begin * in.size[3] + h.begin) * in.size[4] + l.begin;
  for (int64_t a = d.begin; a < d.end; a += windows.step[0]) {
    for (int64_t b = h.begin; b < h.end; b += windows.step[1]) {
      for (int64_t c = l.begin; c < l.end; c += windows.step[2]) {
        const A v = in.elements[base + a * in.stride[2] + b * in.stride[3] + c * in.stride[4]];
        if (v > best || v != v) {
          best = v;
          found = (a * in.size[3] + b) * in.size[4] + c;
        }
      }
    }
  }
  out.elements.set(out.offset(at), best);
  indices.elements.set(indices.offset(at), found);
}

template <class T>
__global__ void __launch_bounds__(256)
    average_windows(Images<opmath_t<T>, T> out, Images<opmath_t<T>, T> in,
                    PG_PARAMETER Windows windows) {
  using A = opmath_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= out.count()) return;
  int64_t at[5];
  out.coordinates(i, at);
  const Window d = windows.at(0, at[2]), h = windows.at(1, at[3]), l = windows.at(2, at[4]);
  const int64_t base = at[0] * in.stride[0] + at[1] * in.stride[1];
  A sum = 0;
  for (int64_t a = d.begin; a < d.end; ++a) {
    for (int64_t b = h.begin; b < h.end; ++b) {
      for (int64_t c = l.begin; c < l.end; ++c) {
        sum += in.elements[base + a * in.stride[2] + b * in.stride[3] + c * in.stride[4]];
      }
    }
  }
  const bool empty = d.begin >= d.end || h.begin >= h.end || l.begin >= l.end;
  out.elements.set(out.offset(at), empty ? A(0) : sum / A(windows.divisor_of(d, h, l)));
}

template <class T>
__global__ void __launch_bounds__(256)
    average_gradient(Images<opmath_t<T>, T> grad_in, Images<opmath_t<T>, T> grad,
                     PG_PARAMETER Windows windows) {
  using A = opmath_t<T>;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= grad_in.count()) return;
  int64_t at[5], first[3], last[3];
  grad_in.coordinates(i, at);
  for (int d = 0; d < 3; ++d) windows.covering(d, at[2 + d], first[d], last[d]);
  const int64_t base = at[0] * grad.stride[0] + at[1] * grad.stride[1];
  A sum = 0;
  for (int64_t a = first[0]; a < last[0]; ++a) {
    const Window d = windows.at(0, a);
    if (at[2] < d.begin || at[2] >= d.end) continue;
    for (int64_t b = first[1]; b < last[1]; ++b) {
      const Window h = windows.at(1, b);
      if (at[3] < h.begin || at[3] >= h.end) continue;
      for (int64_t c = first[2]; c < last[2]; ++c) {
        const Window l = windows.at(2, c);
        if (at[4] < l.begin || at[4] >= l.end) continue;
        sum += grad.elements[base + a * grad.stride[2] + b * grad.stride[3] + c * grad.stride[4]] /
               A(windows.divisor_of(d, h, l));
      }
    }
  }
  grad_in.elements.set(grad_in.offset(at), sum);
}

// grad_in is float or double: 16-bit gradients are summed in scratch memory and rounded once.
template <class A>
__global__ void __launch_bounds__(kPlaneThreads)
    max_gradient(Images<A, A> grad_in, Images<A> grad, Images<int64_t, int64_t> indices) {
  __shared__ int64_t chunk_index[kPlaneThreads];
  __shared__ A chunk_grad[kPlaneThreads];
  const int64_t n = blockIdx.x / grad.size[1], c = blockIdx.x % grad.size[1];
  const int64_t to = n * grad_in.stride[0] + c * grad_in.stride[1];
  const auto place = [](const auto& images, int64_t i) {
    const int64_t l = divide(i, images.size[4]), h = divide(i, images.size[3]);
    return i * images.stride[2] + h * images.stride[3] + l * images.stride[4];
  };
  const int64_t size = grad_in.size[2] * grad_in.size[3] * grad_in.size[4];
  const int64_t outputs = grad.size[2] * grad.size[3] * grad.size[4];
  for (int64_t i = threadIdx.x; i < size; i += kPlaneThreads) {
    grad_in.elements.set(to + place(grad_in, i), A(0));
  }
  for (int64_t first = 0; first < outputs; first += kPlaneThreads) {
    const int count = int(least(kPlaneThreads, outputs - first));
    if (int(threadIdx.x) < count) {
      const int64_t i = first + threadIdx.x;
      const int64_t g_at = n * grad.stride[0] + c * grad.stride[1] + place(grad, i);
      const int64_t i_at = n * indices.stride[0] + c * indices.stride[1] + place(indices, i);
      chunk_grad[threadIdx.x] = grad.elements[g_at];
      chunk_index[threadIdx.x] = indices.elements[i_at];
    }
    __syncthreads();
    if (int(threadIdx.x) < count) {
      const int64_t own = chunk_index[threadIdx.x];
      bool leads = true;
      for (int t = 0; t < int(threadIdx.x) && leads; ++t) leads = chunk_index[t] != own;
      if (leads) {
        const int64_t at = to + place(grad_in, own);
        A sum = grad_in.elements[at];
        for (int t = int(threadIdx.x); t < count; ++t) {
          if (chunk_index[t] == own) sum += chunk_grad[t];
        }
        grad_in.elements.set(at, sum);
      }
    }
    __syncthreads();  // the sums are in memory, the chunk is free
  }
}

template <class A>
void max_gradient_planes(const View& grad_in, const View& grad, const View& indices) {
  PG_LAUNCH((max_gradient<A>), dim3(unsigned(grad_in.sizes[0] * grad_in.sizes[1])),
            dim3(kPlaneThreads), 0, current_stream(), (Images<A, A>(grad_in)), Images<A>(grad),
            (Images<int64_t, int64_t>(indices)));
}

void maximum(const View& out, const View& indices, const View& in, const Windows& windows,
             const char* name) {
  dispatch<Floating>(in.dtype, name, [&]<class T>() {
    using I = Images<opmath_t<T>, T>;
    if (out.numel() == 0) return;
    PG_LAUNCH_INDEPENDENT((max_windows<T>), dim3(unsigned(ceil_div(out.numel(), 256))), dim3(256),
                          0, current_stream(), I(out), (Images<int64_t, int64_t>(indices)), I(in),
                          windows);
  });
}
void average(const View& out, const View& in, const Windows& windows, const char* name) {
  dispatch<Floating>(in.dtype, name, [&]<class T>() {
    using I = Images<opmath_t<T>, T>;
    if (out.numel() == 0) return;
    PG_LAUNCH_INDEPENDENT((average_windows<T>), dim3(unsigned(ceil_div(out.numel(), 256))),
                          dim3(256), 0, current_stream(), I(out), I(in), windows);
  });
}
void average_backward(const View& grad_in, const View& grad, const Windows& windows,
                      const char* name) {
  dispatch<Floating>(grad.dtype, name, [&]<class T>() {
    using I = Images<opmath_t<T>, T>;
    if (grad_in.numel() == 0) return;
    PG_LAUNCH_INDEPENDENT((average_gradient<T>), dim3(unsigned(ceil_div(grad_in.numel(), 256))),
                          dim3(256), 0, current_stream(), I(grad_in), I(grad), windows);
  });
}

}  // namespace

void max_pool(const View& out_, const View& indices_, const View& in_, const PoolParams& p) {
  const View out = five_dims(out_), indices = five_dims(indices_), in = five_dims(in_);
  maximum(out, indices, in, Windows(out, in, p, true), "max_pool");
}

void max_pool_backward(const View& grad_in_, const View& grad_, const View& indices_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_), indices = five_dims(indices_);
  if (!is_floating(grad.dtype)) unsupported("max_pool_backward", grad.dtype);
  if (grad_in.numel() == 0) return;
  if (grad.dtype == DType::Float64) return max_gradient_planes<double>(grad_in, grad, indices);
  if (grad.dtype == DType::Float32) return max_gradient_planes<float>(grad_in, grad, indices);
  ScratchArray<float> sums(grad_in.numel());
  View wide = grad_in;
  wide.data = sums.data;
  wide.dtype = DType::Float32;
  int64_t stride = 1;
  for (int d = 4; d >= 0; --d) {
    wide.strides[d] = stride;
    stride *= wide.sizes[d];
  }
  max_gradient_planes<float>(wide, grad, indices);
  copy(grad_in, wide);
}

void avg_pool(const View& out_, const View& in_, const PoolParams& p) {
  const View out = five_dims(out_), in = five_dims(in_);
  average(out, in, Windows(out, in, p, false), "avg_pool");
}

void avg_pool_backward(const View& grad_in_, const View& grad_, const PoolParams& p) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_);
  average_backward(grad_in, grad, Windows(grad, grad_in, p, false), "avg_pool_backward");
}

void adaptive_avg_pool(const View& out_, const View& in_) {
  const View out = five_dims(out_), in = five_dims(in_);
  average(out, in, Windows(out, in), "adaptive_avg_pool");
}

void adaptive_avg_pool_backward(const View& grad_in_, const View& grad_) {
  const View grad_in = five_dims(grad_in_), grad = five_dims(grad_);
  average_backward(grad_in, grad, Windows(grad, grad_in), "adaptive_avg_pool_backward");
}

void adaptive_max_pool(const View& out_, const View& indices_, const View& in_) {
  const View out = five_dims(out_), indices = five_dims(indices_), in = five_dims(in_);
  maximum(out, indices, in, Windows(out, in), "adaptive_max_pool");
}

}  // namespace pygrad::cuda
