// Looking for things: searchsorted, bincount, nonzero and counts, and the checks and wrapping of
// index tensors.
//
// bincount adds integers with atomics, whose sum has no order, and weights in the order of their
// positions, after a stable sort of the bins. nonzero counts chunk by chunk, scans the counts and
// writes each chunk's coordinates from there on.

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/sort_keys.cuh"

namespace pygrad::cuda {
namespace {

constexpr int kThreadsPerChunk = 128, kPerThread = 8;
constexpr int64_t kNonzeroChunk = kThreadsPerChunk * kPerThread;

// The first position whose element is not below x (or, for `right`, is above x), with comparisons
// that a NaN answers "no".
template <class A>
__global__ void __launch_bounds__(256)
    search_values(int64_t* out, Elements<A> sorted, Elements<A> values, PG_PARAMETER Lines<3> lines,
                  int64_t size, int64_t n, int64_t step, bool right) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= lines.count * size) return;
  int64_t at[3];  // values, out, the sorted line
  lines.at(i / size, at);
  const int64_t place = i % size;
  const A x = values[at[0] + place * lines.step[0]];
  int64_t first = 0, last = n;
  while (first < last) {
    const int64_t middle = first + (last - first) / 2;
    const A m = sorted[at[2] + middle * step];
    if (right ? m > x : m >= x)
      last = middle;
    else
      first = middle + 1;
  }
  out[at[1] + place * lines.step[1]] = first;
}

__global__ void __launch_bounds__(256)
    count_bins(int64_t* out, int64_t out_step, Elements<int64_t> in, int64_t step, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= n) return;
  atomicAdd(reinterpret_cast<unsigned long long*>(out + in[i * step] * out_step), 1ull);
}

template <class W>
__global__ void __launch_bounds__(256)
    add_weights(W* out, int64_t out_step, Elements<int64_t> in, int64_t step, const W* weights,
                int64_t weight_step, const WideEntry* entries, int64_t n) {
  int64_t e = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (e >= n) return;
  const uint64_t key = entries[e].key();
  if (e > 0 && entries[e - 1].key() == key) return;
  W& to = out[in[entries[e].index() * step] * out_step];
  for (; e < n && entries[e].key() == key; ++e) to += weights[entries[e].index() * weight_step];
}

__global__ void __launch_bounds__(256)
    wrap_indices(int64_t* out, const int64_t* in, PG_PARAMETER Lines<2> all, int64_t size) {
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < all.count;
       i += int64_t(gridDim.x) * blockDim.x) {
    int64_t at[2];
    all.at(i, at);
    const int64_t x = in[at[1]];
    out[at[0]] = x < 0 ? x + size : x;
  }
}

// The nonzero elements of this thread's part of its chunk, in order: f(position, offset).
template <class F>
__device__ __forceinline__ void each_nonzero(const View& in, int64_t total, F&& f) {
  const int64_t begin = blockIdx.x * kNonzeroChunk + int64_t(threadIdx.x) * kPerThread;
  for (int64_t i = begin; i < least(begin + kPerThread, total); ++i) {
    int64_t rest = i, offset = 0;
    for (int d = in.ndim - 1; d >= 0; --d) offset += divide(rest, in.sizes[d]) * in.strides[d];
    if (nonzero_at(in.data, in.dtype, offset)) f(i);
  }
}

__global__ void __launch_bounds__(kThreadsPerChunk)
    count_chunks(int64_t* counts, PG_PARAMETER View in, int64_t total) {
  int count = 0;
  each_nonzero(in, total, [&](int64_t) { ++count; });
  count = sum_row(count);
  if (threadIdx.x == 0) counts[blockIdx.x] = count;
}

// `ends`: the number of nonzero elements up to and with each chunk.
__global__ void __launch_bounds__(kThreadsPerChunk)
    write_coordinates(int64_t* out, int64_t row_step, int64_t column_step, PG_PARAMETER View in,
                      int64_t total, const int64_t* ends) {
  __shared__ int totals[kThreadsPerChunk / 32];
  int own = 0;
  each_nonzero(in, total, [&](int64_t) { ++own; });
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int upto = own;
#pragma unroll 1
  for (unsigned delta = 1; delta < 32; delta *= 2) {
    const int below = lane_below(upto, delta);
    if (lane >= delta) upto += below;
  }
  if (lane == 31) totals[warp] = upto;
  __syncthreads();
  int64_t row = (blockIdx.x > 0 ? ends[blockIdx.x - 1] : 0) + upto - own;
  for (unsigned w = 0; w < warp; ++w) row += totals[w];
  each_nonzero(in, total, [&](int64_t i) {
    for (int d = in.ndim - 1; d >= 0; --d) {
      out[row * row_step + d * column_step] = divide(i, in.sizes[d]);
    }
    ++row;
  });
}

// The first position outside [low, high).
struct OutsideFold {
  using State = int64_t;
  const int64_t* in;
  int64_t low, high;
  int64_t* found;

  PG_HOST_DEVICE int64_t identity() const { return std::numeric_limits<int64_t>::max(); }
  PG_HOST_DEVICE int64_t join(int64_t a, int64_t b) const { return least(a, b); }
  __device__ __forceinline__ int64_t run(const Plan& plan, int64_t, int64_t begin, int64_t end,
                                         int64_t step) const {
    for (int64_t i = begin; i < end; i += step) {
      const int64_t x = in[plan.element_at(i)];
      if (x < low || x >= high) return i;
    }
    return identity();
  }
  __device__ __forceinline__ void finish(const Plan&, int64_t, int64_t first) const {
    *found = first;
  }
};

// A view of one element with the dimensions of `in`.
View single(const View& in, DType dtype, void* data) {
  View v = in;
  v.data = data;
  v.dtype = dtype;
  for (int d = 0; d < v.ndim; ++d) {
    v.sizes[d] = 1;
    v.strides[d] = 0;
  }
  return v;
}
View contiguous_vector(DType dtype, void* data, int64_t n) {
  View v;
  v.data = data;
  v.dtype = dtype;
  v.ndim = 1;
  v.sizes[0] = n;
  v.strides[0] = 1;
  return v;
}

}  // namespace

void searchsorted(const View& out_, const View& sorted, const View& values_, bool right) {
  const View out = at_least_1d(out_), values = at_least_1d(values_);
  const int64_t last = values.ndim - 1, size = values.sizes[last];
  const int64_t n = sorted.sizes[sorted.ndim - 1], step = sorted.strides[sorted.ndim - 1];
  View batch = values;  // where the sorted line of each line of values starts
  for (int d = 0; d < values.ndim; ++d) {
    batch.strides[d] = sorted.ndim == values.ndim && sorted.ndim > 1 ? sorted.strides[d] : 0;
  }
  const Lines<3> lines({&values, &out, &batch}, last);
  if (is_complex(values.dtype)) unsupported("searchsorted", values.dtype);
  if (lines.count * size == 0) return;
  const auto search = [&]<class A>(A*) {
    PG_LAUNCH_INDEPENDENT((search_values<A>), dim3(unsigned(ceil_div(lines.count * size, 128))),
                          dim3(128), 0, current_stream(), out.ptr<int64_t>(), Elements<A>(sorted),
                          Elements<A>(values), lines, size, n, step, right);
  };
  if (values.dtype == DType::Float64)
    search(static_cast<double*>(nullptr));
  else if (is_floating(values.dtype))
    search(static_cast<float*>(nullptr));
  else
    search(static_cast<int64_t*>(nullptr));
}

void bincount(const View& out, const View& in, const View* weights) {
  const int64_t n = in.numel(), step = in.ndim ? in.strides[0] : 1;
  if (!is_integral(in.dtype, false)) unsupported("bincount", in.dtype);
  if (n == 0) return;
  const dim3 grid(unsigned(ceil_div(n, 128)));
  if (!weights) {
    PG_LAUNCH_INDEPENDENT(count_bins, grid, dim3(128), 0, current_stream(), out.ptr<int64_t>(),
                          out.strides[0], Elements<int64_t>(in), step, n);
    return;
  }
  if (out.dtype != weights->dtype) unsupported("bincount", weights->dtype);
  if (out.dtype != DType::Float64 && out.dtype != DType::Float32) {
    unsupported("bincount", out.dtype);
  }
  const View bins = at_least_1d(in);
  const KeySource keys{bins.data, bins.dtype, false, 0};
  const SortedLines<WideEntry> sorted(keys, Lines<1>({&bins}, 0), n, n);
  const int64_t weight_step = weights->ndim ? weights->strides[0] : 1;
  const auto add = [&]<class W>(W* to) {
    PG_LAUNCH_INDEPENDENT((add_weights<W>), grid, dim3(128), 0, current_stream(), to,
                          out.strides[0], Elements<int64_t>(in), step, weights->ptr<const W>(),
                          weight_step, sorted.entries, n);
  };
  if (out.dtype == DType::Float64)
    add(out.ptr<double>());
  else
    add(out.ptr<float>());
}

void wrap_index(const View& out, const View& in, int64_t size) {
  const Lines<2> all({&out, &in}, -1);
  if (all.count == 0) return;
  PG_LAUNCH_INDEPENDENT(wrap_indices, dim3(grid_for(all.count, 128)), dim3(128), 0,
                        current_stream(), out.ptr<int64_t>(), in.ptr<const int64_t>(), all, size);
}

void nonzero(const View& out, const View& in) {
  const int64_t total = in.numel();
  if (total == 0 || in.ndim == 0) return;
  const int64_t chunks = ceil_div(total, kNonzeroChunk);
  ScratchArray<int64_t> counts(chunks);
  PG_LAUNCH(count_chunks, dim3(unsigned(chunks)), dim3(kThreadsPerChunk), 0, current_stream(),
            counts.data, in, total);
  const View ends = contiguous_vector(DType::Int64, counts.data, chunks);
  scan(ScanOp::cumsum, ends, nullptr, ends, 0);
  PG_LAUNCH(write_coordinates, dim3(unsigned(chunks)), dim3(kThreadsPerChunk), 0, current_stream(),
            out.ptr<int64_t>(), out.strides[0], out.strides[1], in, total,
            static_cast<const int64_t*>(counts.data));
}

int64_t count_nonzero_total(const View& in) {
  if (in.numel() == 0) return 0;
  ScratchArray<int64_t> result(1);
  reduce(ReduceOp::count_nonzero, single(in, DType::Int64, result.data), in);
  int64_t count = 0;
  read_back(&count, result.data, sizeof count);
  return count;
}

int64_t find_out_of_range(const View& index, int64_t low, int64_t high) {
  if (index.numel() == 0) return -1;
  ScratchArray<int64_t> result(1);
  const View out = single(index, DType::Int64, result.data);
  run_fold(OutsideFold{index.ptr<const int64_t>(), low, high, result.data},
           plan_reduction(out, index, true));
  int64_t first = 0;
  read_back(&first, result.data, sizeof first);
  return first == std::numeric_limits<int64_t>::max() ? -1 : first;
}

}  // namespace pygrad::cuda
