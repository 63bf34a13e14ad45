// Writing and accumulating along one dimension: scatter (set, add, prod, amax, amin) and index_add.
//
// Several elements of a line may meet in one target. They are always applied in the order of their
// positions, without atomics, so sums have one order and the last one set wins. Two ways:
//   lines    a thread walks a whole line: where lines are many, or short
//   sorted   positions are sorted by their index (stable); the thread at the first of each run of
//            equal indices applies the run. index_add sorts once for all lines.
// 16-bit floats round after each element, as PyTorch's do.

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/sort_keys.cuh"

namespace pygrad::cuda {
namespace {

struct ApplySet {
  template <class A>
  PG_HOST_DEVICE A operator()(A, A b) const {
    return b;
  }
};
struct ApplyAdd {
  template <class A>
  PG_HOST_DEVICE A operator()(A a, A b) const {
    return add_values(a, b);
  }
};
struct ApplyProd {
  template <class A>
  PG_HOST_DEVICE A operator()(A a, A b) const {
    return multiply_values(a, b);
  }
};
// NaN on either side wins.
struct ApplyMax {
  template <class A>
  PG_HOST_DEVICE A operator()(A a, A b) const {
    return b > a || b != b ? b : a;
  }
};
struct ApplyMin {
  template <class A>
  PG_HOST_DEVICE A operator()(A a, A b) const {
    return b < a || b != b ? b : a;
  }
};
template <class A>
struct ApplyScaled {
  A alpha;
  PG_HOST_DEVICE A operator()(A a, A b) const { return add_values(a, multiply_values(alpha, b)); }
};

// Moving elements by size needs no arithmetic type.
template <class U>
struct RawElements {
  U* data;
  __device__ __forceinline__ U operator[](int64_t i) const { return data[i]; }
  __device__ __forceinline__ void set(int64_t i, U x) const { data[i] = x; }
};

template <class Op, class E>
__global__ void __launch_bounds__(64, 16)
    apply_lines(E out, E src, const int64_t* index, PG_PARAMETER Lines<3> lines, int64_t n, Op op) {
  const int64_t line = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (line >= lines.count) return;
  int64_t at[3];  // index, out, src
  lines.at(line, at);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t to = at[1] + index[at[0] + i * lines.step[0]] * lines.step[1];
    out.set(to, op(out[to], src[at[2] + i * lines.step[2]]));
  }
}

// `entries` of one line of n serve all lines when `shared`.
template <class Op, class E>
__global__ void __launch_bounds__(256)
    apply_runs(E out, E src, const WideEntry* entries, bool shared, PG_PARAMETER Lines<3> lines,
               int64_t n, Op op) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= lines.count * n) return;
  const int64_t line = i % lines.count;
  int64_t e = i / lines.count;
  const WideEntry* sorted = entries + (shared ? 0 : line * n);
  const uint64_t key = sorted[e].key();
  if (e > 0 && sorted[e - 1].key() == key) return;
  int64_t at[3];
  lines.at(line, at);
  // Sorting keys of int64 have their sign bit inverted; indices are not negative.
  const int64_t to = at[1] + int64_t(key ^ (uint64_t(1) << 63)) * lines.step[1];
  for (; e < n && sorted[e].key() == key; ++e) {
    out.set(to, op(out[to], src[at[2] + sorted[e].index() * lines.step[2]]));
  }
}

template <class Op, class E>
void run(const View& out, const View& index, const View& src, int64_t dim, const View* shared_index,
         E out_elements, E src_elements, Op op) {
  const Lines<3> lines({&index, &out, &src}, dim);
  const int64_t n = line_size(index, dim);
  if (lines.count == 0 || n == 0) return;
  if (n < 128 || lines.count >= 16 * n) {
    PG_LAUNCH_INDEPENDENT((apply_lines<Op, E>), dim3(unsigned(ceil_div(lines.count, 64))), dim3(64),
                          0, current_stream(), out_elements, src_elements,
                          index.ptr<const int64_t>(), lines, n, op);
    return;
  }
  const dim3 grid(unsigned(ceil_div(lines.count * n, 256)));
  const auto apply = [&](const Lines<1>& key_lines, const View& keys) {
    const KeySource source{keys.data, DType::Int64, false, 0};
    const SortedLines<WideEntry> sorted(source, key_lines, n, n);
    PG_LAUNCH_INDEPENDENT((apply_runs<Op, E>), grid, dim3(256), 0, current_stream(), out_elements,
                          src_elements, sorted.entries, shared_index != nullptr, lines, n, op);
  };
  if (shared_index) {
    const View one = at_least_1d(*shared_index);
    apply(Lines<1>({&one}, 0), one);
  } else {
    apply(Lines<1>({&index}, dim), index);
  }
}

// `make` gives the operation for an arithmetic type, from a null pointer to it.
template <class Make>
void run_arithmetic(const View& out, const View& index, const View& src, int64_t dim,
                    const View* shared_index, bool ordered, Make&& make) {
  const auto with = [&]<class A>(A*) {
    run(out, index, src, dim, shared_index, Elements<A>(out), Elements<A>(src),
        make(static_cast<A*>(nullptr)));
  };
  if (is_complex(out.dtype) && ordered) unsupported("scatter", out.dtype);
  if (out.dtype == DType::Float64) return with(static_cast<double*>(nullptr));
  if (is_floating(out.dtype)) return with(static_cast<float*>(nullptr));
  if (is_integral(out.dtype)) return with(static_cast<int64_t*>(nullptr));
  if constexpr (!std::is_same_v<decltype(make(static_cast<float*>(nullptr))), ApplyMax> &&
                !std::is_same_v<decltype(make(static_cast<float*>(nullptr))), ApplyMin>) {
    if (out.dtype == DType::Complex64) return with(static_cast<Complex64*>(nullptr));
    return with(static_cast<Complex128*>(nullptr));
  }
}

}  // namespace

void scatter(ScatterOp op, const View& out, const View& index, const View& src, int64_t dim) {
  const auto with = [&]<class Op>(Op, bool ordered) {
    run_arithmetic(out, index, src, dim, nullptr, ordered, []<class A>(A*) { return Op{}; });
  };
  const auto move = [&]<class U>(U*) {
    run(out, index, src, dim, nullptr, RawElements<U>{out.ptr<U>()}, RawElements<U>{src.ptr<U>()},
        ApplySet{});
  };
  switch (op) {
    case ScatterOp::set:
      switch (item_size(out.dtype)) {
        case 1:
          return move(static_cast<uint8_t*>(nullptr));
        case 2:
          return move(static_cast<uint16_t*>(nullptr));
        case 4:
          return move(static_cast<uint32_t*>(nullptr));
        case 8:
          return move(static_cast<uint64_t*>(nullptr));
        default:
          return move(static_cast<Bytes16*>(nullptr));
      }
    case ScatterOp::add:
      return with(ApplyAdd{}, false);
    case ScatterOp::prod:
      return with(ApplyProd{}, false);
    case ScatterOp::amax:
      return with(ApplyMax{}, true);
    case ScatterOp::amin:
      return with(ApplyMin{}, true);
  }
}

void index_add(const View& out, const View& index, const View& src, int64_t dim, Scalar alpha) {
  View where = src;  // the index, expanded over the other dimensions
  where.dtype = DType::Int64;
  where.data = index.data;
  for (int d = 0; d < src.ndim; ++d) {
    where.strides[d] = d == dim && index.ndim ? index.strides[0] : 0;
  }
  const bool one = alpha.is_complex() ? alpha.d == 1 && alpha.im == 0 : alpha.to_double() == 1;
  if (one) {
    run_arithmetic(out, where, src, dim, &index, false, []<class A>(A*) { return ApplyAdd{}; });
  } else {
    run_arithmetic(out, where, src, dim, &index, false,
                   [&]<class A>(A*) { return ApplyScaled<A>{alpha.to<A>()}; });
  }
}

}  // namespace pygrad::cuda
