// Reading and writing through index tensors: index_get, index_put, index_select, gather.
//
// All reads are one walk: an element's place is a strided offset plus the sum of index * stride.
// Elements are moved by size, whatever their dtype. A write may meet the same element twice, and
// the last in row-major order wins: writes are sorted by their target, and of each target only the
// last entry is written. Dimensions on which no index depends never make two writes meet and stay
// out of the sort.

#include "kernels/cuda/sort_keys.cuh"

namespace pygrad::cuda {
namespace {

// Row-major positions of `plain`, its offsets, those of `indexed` and of every index.
template <int kMost>
struct IndexWalk {
  int ndim, count;
  int64_t total;
  int64_t sizes[kMaxDims], plain[kMaxDims], indexed[kMaxDims], index[kMost][kMaxDims];
  const int64_t* data[kMost];
  int64_t scale[kMost];

  IndexWalk(const View& p, const View& x, ViewList indices, const int64_t* strides)
      : ndim(0), count(int(indices.count)), total(p.numel()) {
    for (int d = 0; d < p.ndim; ++d) {
      if (p.sizes[d] == 1) continue;
      bool touch = ndim > 0;
      const int64_t n = p.sizes[d];
      touch = touch && plain[ndim - 1] == n * p.strides[d] && indexed[ndim - 1] == n * x.strides[d];
      for (int k = 0; k < kMost && k < count; ++k) {
        touch = touch && index[k][ndim - 1] == n * indices[k].strides[d];
      }
      const int to = touch ? ndim - 1 : ndim++;
      sizes[to] = touch ? sizes[to] * n : n;
      plain[to] = p.strides[d];
      indexed[to] = x.strides[d];
      for (int k = 0; k < kMost && k < count; ++k) index[k][to] = indices[k].strides[d];
    }
    for (int k = 0; k < kMost && k < count; ++k) {
      data[k] = indices[k].ptr<const int64_t>();
      scale[k] = strides[k];
    }
  }
  __device__ __forceinline__ void at(int64_t i, int64_t& from, int64_t& place) const {
    int64_t where[kMost] = {};
    from = place = 0;
    for (int d = ndim - 1; d >= 0; --d) {
      const int64_t c = d > 0 ? divide(i, sizes[d]) : i;
      from += c * plain[d];
      place += c * indexed[d];
      for (int k = 0; k < kMost; ++k) {
        if (k < count) where[k] += c * index[k][d];
      }
    }
    for (int k = 0; k < kMost; ++k) {
      if (k < count) place += data[k][where[k]] * scale[k];
    }
  }
};

template <class U, int kMost>
__global__ void __launch_bounds__(256)
    get_elements(U* out, const U* in, PG_PARAMETER IndexWalk<kMost> walk) {
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < walk.total;
       i += int64_t(gridDim.x) * blockDim.x) {
    int64_t to, from;
    walk.at(i, to, from);
    out[to] = in[from];
  }
}

// Entry i: the place that the i-th write of the indexed dimensions goes to.
template <int kMost>
__global__ void __launch_bounds__(256)
    write_places(int64_t* places, PG_PARAMETER IndexWalk<kMost> walk) {
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < walk.total;
       i += int64_t(gridDim.x) * blockDim.x) {
    int64_t from;
    walk.at(i, from, places[i]);
  }
}

// `entries` null: the writes are known not to meet.
template <class U>
__global__ void __launch_bounds__(256)
    put_elements(U* out, const U* values, const WideEntry* entries, const int64_t* places,
                 int64_t writes, PG_PARAMETER Lines<1> write_from, PG_PARAMETER Lines<2> free) {
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < writes * free.count;
       i += int64_t(gridDim.x) * blockDim.x) {
    const int64_t e = i / free.count;
    int64_t write = e;
    if (entries) {
      if (e + 1 < writes && entries[e + 1].key() == entries[e].key()) continue;
      write = entries[e].index();
    }
    int64_t at[2], from[1];
    free.at(i % free.count, at);
    write_from.at(write, from);
    out[places[write] + at[0]] = values[from[0] + at[1]];
  }
}

template <class F>
void by_size(DType dtype, F&& f) {
  switch (item_size(dtype)) {
    case 1:
      return f(static_cast<uint8_t*>(nullptr));
    case 2:
      return f(static_cast<uint16_t*>(nullptr));
    case 4:
      return f(static_cast<uint32_t*>(nullptr));
    case 8:
      return f(static_cast<uint64_t*>(nullptr));
    default:
      return f(static_cast<Bytes16*>(nullptr));
  }
}

template <int kMost>
void get_any(const View& out, const View& in, ViewList indices, const int64_t* strides) {
  const IndexWalk<kMost> walk(out, in, indices, strides);
  by_size(out.dtype, [&]<class U>(U*) {
    PG_LAUNCH_INDEPENDENT((get_elements<U, kMost>), dim3(grid_for(walk.total, 256)), dim3(256), 0,
                          current_stream(), out.ptr<U>(), in.ptr<const U>(), walk);
  });
}

template <int kMost>
void put_any(const View& out, const View& values, ViewList indices, const int64_t* strides) {
  // Dimensions with an index, and those without.
  View write_values = values, write_out = out, free_values = values, free_out = out;
  for (int d = 0; d < values.ndim; ++d) {
    bool varies = false;
    for (int64_t k = 0; k < indices.count; ++k) varies = varies || indices[k].strides[d] != 0;
    View& a = varies ? free_values : write_values;
    View& b = varies ? free_out : write_out;
    a.sizes[d] = b.sizes[d] = 1;
    a.strides[d] = b.strides[d] = 0;
  }
  const IndexWalk<kMost> walk(write_values, write_out, indices, strides);
  ScratchArray<int64_t> places(walk.total);
  PG_LAUNCH_INDEPENDENT((write_places<kMost>), dim3(grid_for(walk.total, 256)), dim3(256), 0,
                        current_stream(), places.data, walk);
  View line = values;
  line.data = places.data;
  line.dtype = DType::Int64;
  line.ndim = 1;
  line.sizes[0] = walk.total;
  line.strides[0] = 1;
  const Lines<1> one({&line}, 0), from({&write_values}, -1);
  const Lines<2> free({&free_out, &free_values}, -1);
  const KeySource keys{places.data, DType::Int64, false, 0};
  const SortedLines<WideEntry> sorted(keys, one, walk.total, walk.total);
  by_size(out.dtype, [&]<class U>(U*) {
    PG_LAUNCH_INDEPENDENT((put_elements<U>), dim3(grid_for(walk.total * free.count, 256)),
                          dim3(256), 0, current_stream(), out.ptr<U>(), values.ptr<const U>(),
                          walk.total > 1 ? sorted.entries : nullptr,
                          static_cast<const int64_t*>(places.data), walk.total, from, free);
  });
}

}  // namespace

void index_get(const View& out, const View& in, ViewList indices, const int64_t* strides) {
  if (out.numel() == 0) return;
  if (indices.count == 1)
    get_any<1>(out, in, indices, strides);
  else if (indices.count <= 3)
    get_any<3>(out, in, indices, strides);
  else
    get_any<kMaxDims>(out, in, indices, strides);
}

void index_put(const View& out, const View& values, ViewList indices, const int64_t* strides) {
  if (values.numel() == 0) return;
  if (indices.count == 1)
    put_any<1>(out, values, indices, strides);
  else if (indices.count <= 3)
    put_any<3>(out, values, indices, strides);
  else
    put_any<kMaxDims>(out, values, indices, strides);
}

void index_select(const View& out, const View& in, const View& index, int64_t dim) {
  View source = out, where = out;
  source.data = in.data;
  where.data = index.data;
  for (int d = 0; d < out.ndim; ++d) {
    source.strides[d] = d == dim ? 0 : in.strides[d];
    where.strides[d] = d == dim && index.ndim ? index.strides[0] : 0;
  }
  const int64_t stride = in.ndim ? in.strides[dim] : 0;
  index_get(out, source, ViewList{&where, 1}, &stride);
}

void gather(const View& out, const View& in, const View& index, int64_t dim) {
  View source = out;  // the index may cover less than the input
  source.data = in.data;
  for (int d = 0; d < out.ndim; ++d) source.strides[d] = d == dim ? 0 : in.strides[d];
  const int64_t stride = in.ndim ? in.strides[dim] : 0;
  index_get(out, source, ViewList{&index, 1}, &stride);
}

}  // namespace pygrad::cuda
