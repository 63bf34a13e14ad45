// Looking for things: searchsorted, bincount, nonzero and counts, and the checks and wrapping of
// index tensors.
//
// Parallel plan: equal runs of elements; nonzero and the counts keep one number per run and combine
// them in order. bincount is serial, so that its sums have one order.
// Memory: a number per run in scratch memory.

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kFound = 1024;  // positions nonzero collects before it writes them

// Elements that are not zero among [begin, end).
template <class T>
int64_t count_run(const View& in, const Lines<1>& all, int64_t begin, int64_t end) {
  int64_t count = 0;
  const int64_t step = all.inner_stride(0);
  for_runs(all, begin, end, [&](const int64_t (&at)[1], int64_t n) {
    const T* p = in.ptr<const T>() + at[0];
    if (step == 1) {
      for (int64_t i = 0; i < n; ++i) count += is_nonzero(p[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) count += is_nonzero(p[i * step]);
    }
  });
  return count;
}

using CountRun = int64_t (*)(const View& in, const Lines<1>& all, int64_t begin, int64_t end);

CountRun count_run_of(DType dtype) {
  CountRun f = nullptr;
  dispatch<AllTypes>(dtype, "count_nonzero", [&]<class T>() { f = count_run<T>; });
  return f;
}

// counts[c] for the c-th run of kGrain elements.
void count_runs(const View& in, int64_t* counts) {
  const Lines<1> all({&in}, -1);
  const CountRun count = count_run_of(in.dtype);
  parallel_for(in.numel(), kGrain, [&](int64_t begin, int64_t end) {
    counts[begin / kGrain] = count(in, all, begin, end);
  });
}

// Writes the coordinates of the nonzero elements among [begin, end) from row `row` of `out` on.
template <class T>
void write_coordinates(const View& out, const View& in, int64_t begin, int64_t end, int64_t row) {
  int64_t* to = out.ptr<int64_t>() + row * out.strides[0];
  const int64_t row_step = out.strides[0], column_step = out.strides[1];
  const int last = in.ndim - 1;
  int64_t at[kMaxDims], rest = begin, offset = 0;
  for (int d = last; d >= 0; --d) {
    at[d] = rest % in.sizes[d];
    rest /= in.sizes[d];
    offset += at[d] * in.strides[d];
  }
  const T* p = in.ptr<const T>() + offset;
  while (begin < end) {
    int64_t n = in.sizes[last] - at[last];
    if (n > end - begin) n = end - begin;
    if (n > kFound) n = kFound;
    int32_t found[kFound];  // first the positions, without a branch on the data
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
      found[count] = int32_t(i);
      count += is_nonzero(p[i * in.strides[last]]);
    }
    for (int64_t i = 0; i < count; ++i) {
      for (int d = 0; d < last; ++d) to[d * column_step] = at[d];
      to[last * column_step] = at[last] + found[i];
      to += row_step;
    }
    begin += n;
    p += n * in.strides[last];
    at[last] += n;
    for (int d = last; d > 0 && at[d] == in.sizes[d]; --d) {  // carry
      p += in.strides[d - 1] - in.sizes[d] * in.strides[d];
      at[d] = 0;
      ++at[d - 1];
    }
  }
}

// The first position whose element is not below x (or, for `right`, is above x), with comparisons
// that a NaN answers "no".
template <class T>
PG_HOST_INLINE int64_t bound(const T* sorted, int64_t step, int64_t n, T value, bool right) {
  using A = order_t<T>;
  const A x = load_as<A>(value);
  int64_t first = 0, last = n;
  while (first < last) {
    const int64_t middle = first + (last - first) / 2;
    const A m = load_as<A>(sorted[middle * step]);
    const bool stop = right ? m > x : m >= x;
    if (stop)
      last = middle;
    else
      first = middle + 1;
  }
  return first;
}

// A 0-d view as one of one element.
View at_least_1d(View v) {
  if (v.ndim == 0) {
    v.ndim = 1;
    v.sizes[0] = v.strides[0] = 1;
  }
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
  dispatch<RealAndBool>(values.dtype, "searchsorted", [&]<class T>() {
    const T* from = values.ptr<const T>();
    const T* line = sorted.ptr<const T>();
    int64_t* to = out.ptr<int64_t>();
    parallel_for(lines.count * size, kGrain / 8, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        int64_t at[3];
        lines.at(begin / size, at);
        int64_t i = begin % size;
        for (; i < size && begin < end; ++i, ++begin) {
          to[at[1] + i * lines.step[1]] =
              bound(line + at[2], step, n, from[at[0] + i * lines.step[0]], right);
        }
      }
    });
  });
}

void bincount(const View& out, const View& in, const View* weights) {
  const int64_t n = in.numel(), step = in.ndim ? in.strides[0] : 1;
  const int64_t out_step = out.strides[0];
  dispatch<Integers>(in.dtype, "bincount", [&]<class T>() {
    const T* p = in.ptr<const T>();
    if (!weights) {
      int64_t* count = out.ptr<int64_t>();
      for (int64_t i = 0; i < n; ++i) ++count[int64_t(p[i * step]) * out_step];
      return;
    }
    const int64_t weight_step = weights->ndim ? weights->strides[0] : 1;
    const auto add = [&]<class W>(W* sum) {
      const W* w = weights->ptr<const W>();
      for (int64_t i = 0; i < n; ++i) sum[int64_t(p[i * step]) * out_step] += w[i * weight_step];
    };
    if (out.dtype != weights->dtype) unsupported("bincount", weights->dtype);
    if (out.dtype == DType::Float64)
      add(out.ptr<double>());
    else if (out.dtype == DType::Float32)
      add(out.ptr<float>());
    else
      unsupported("bincount", out.dtype);
  });
}

void wrap_index(const View& out, const View& in, int64_t size) {
  const Lines<2> all({&out, &in}, -1);
  const int64_t to_step = all.inner_stride(0), step = all.inner_stride(1);
  parallel_for(out.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for_runs(all, begin, end, [&](const int64_t (&at)[2], int64_t n) {
      int64_t* to = out.ptr<int64_t>() + at[0];
      const int64_t* from = in.ptr<const int64_t>() + at[1];
      for (int64_t i = 0; i < n; ++i) {
        const int64_t x = from[i * step];
        to[i * to_step] = x < 0 ? x + size : x;
      }
    });
  });
}

void nonzero(const View& out, const View& in) {
  const int64_t total = in.numel();
  if (total == 0 || in.ndim == 0) return;
  const int64_t chunks = (total + kGrain - 1) / kGrain;
  ScratchBuffer<int64_t> counts(chunks);
  count_runs(in, counts.data);
  int64_t row = 0;
  for (int64_t c = 0; c < chunks; ++c) {
    const int64_t n = counts[c];
    counts[c] = row;
    row += n;
  }
  dispatch<AllTypes>(in.dtype, "nonzero", [&]<class T>() {
    parallel_for(total, kGrain, [&](int64_t begin, int64_t end) {
      write_coordinates<T>(out, in, begin, end, counts[begin / kGrain]);
    });
  });
}

int64_t count_nonzero_total(const View& in) {
  const int64_t chunks = (in.numel() + kGrain - 1) / kGrain;
  ScratchBuffer<int64_t> counts(chunks);
  count_runs(in, counts.data);
  int64_t count = 0;
  for (int64_t c = 0; c < chunks; ++c) count += counts[c];
  return count;
}

int64_t find_out_of_range(const View& index, int64_t low, int64_t high) {
  const int64_t total = index.numel(), chunks = (total + kGrain - 1) / kGrain;
  const Lines<1> all({&index}, -1);
  const int64_t step = all.inner_stride(0);
  ScratchBuffer<int64_t> found(chunks);
  parallel_for(total, kGrain, [&](int64_t begin, int64_t end) {
    int64_t bad = -1, position = begin;
    for_runs(all, begin, end, [&](const int64_t (&at)[1], int64_t n) {
      const int64_t* p = index.ptr<const int64_t>() + at[0];
      int64_t outside = 0;  // counted without a branch first: nearly always zero
      for (int64_t i = 0; i < n; ++i) outside += (p[i * step] < low) | (p[i * step] >= high);
      for (int64_t i = 0; outside && bad < 0 && i < n; ++i) {
        if (p[i * step] < low || p[i * step] >= high) bad = position + i;
      }
      position += n;
    });
    found[begin / kGrain] = bad;
  });
  for (int64_t c = 0; c < chunks; ++c) {
    if (found[c] >= 0) return found[c];
  }
  return -1;
}

}  // namespace pygrad::cpu::PG_ISA_NS
