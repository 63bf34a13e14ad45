// Reductions over any set of dimensions: sum, mean, prod, amax, amin, sums of squares and
// magnitudes, any, all, counts. The walk is in reduce.cuh.
//
// Accumulators: float for 16-bit and single floats, double, int64 for integers and truth values,
// complex for complex. A thread keeps four partial results and folds them every 64 elements, then
// warps, blocks and segments are joined as trees, so the error of a float sum grows slowly.
// Floats and sums read their own storage type; rarer combinations look the dtype up per element.

#include "kernels/cuda/reduce.cuh"

namespace pygrad::cuda {
namespace {

struct OpSum {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return A(0);
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return add_values(a, b);
  }
};
struct OpProduct {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return A(1);
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return multiply_values(a, b);
  }
};
// The first NaN stays.
struct OpMax {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    using L = std::numeric_limits<A>;
    return L::has_infinity ? -L::infinity() : L::lowest();
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return b > a || b != b ? b : a;
  }
};
struct OpMin {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    using L = std::numeric_limits<A>;
    return L::has_infinity ? L::infinity() : L::max();
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return b < a || b != b ? b : a;
  }
};

// Of zeros and ones.
struct OpAny {
  template <class A>
  PG_HOST_DEVICE static A identity() {
    return A(0);
  }
  template <class A>
  PG_HOST_DEVICE static A apply(A a, A b) {
    return a | b;
  }
};

// What becomes of an element before it is folded.
struct Plain {
  template <class A, class T>
  __device__ static A load(const void* data, DType dtype, int64_t i) {
    if constexpr (std::is_same_v<T, AnyType>)
      return load_any<A>(data, dtype, i);
    else
      return load_as<A, T>(data, i);
  }
};
struct Nonzero {
  template <class A, class T>
  __device__ static A load(const void* data, DType dtype, int64_t i) {
    return A(nonzero_at(data, dtype, i));
  }
};
template <bool kSquare>
struct Magnitude {
  template <class A, class T>
  __device__ static A load(const void* data, DType dtype, int64_t i) {
    if (is_complex(dtype)) {
      const auto z = load_any<Complex<A>>(data, dtype, i);
      if constexpr (kSquare)
        return z.re * z.re + z.im * z.im;
      else
        return std::hypot(z.re, z.im);
    }
    const A x = load_any<A>(data, dtype, i);
    if constexpr (kSquare)
      return x * x;
    else
      return std::fabs(x);
  }
};

template <class Op, class A, class T, class Load>
struct ReduceFold {
  using State = A;
  const void* in;
  DType dtype, out_dtype;
  void* out;
  double divisor;  // of the mean; 1 otherwise

  PG_HOST_DEVICE A identity() const { return Op::template identity<A>(); }
  PG_HOST_DEVICE A join(A a, A b) const { return Op::apply(a, b); }
  __device__ __forceinline__ A run(const Plan& plan, int64_t output, int64_t begin, int64_t end,
                                   int64_t step) const {
    const int64_t base = plan.input_at(output);
    const bool one = plan.reduced == 1;
    const int64_t stride = plan.reduced_in[0][0];
    const auto element = [&](int64_t i) {
      const int64_t at = base + (one ? i * stride : plan.element_at(i));
      return Load::template load<A, T>(in, dtype, at);
    };
    A total = identity();
    while (begin < end) {
      A part[4] = {identity(), identity(), identity(), identity()};
      const int64_t stop = least(end, begin + 64 * step);
      for (; begin + 3 * step < stop; begin += 4 * step) {
#pragma unroll
        for (int k = 0; k < 4; ++k) part[k] = Op::apply(part[k], element(begin + k * step));
      }
      for (; begin < stop; begin += step) part[0] = Op::apply(part[0], element(begin));
      total = Op::apply(total, Op::apply(Op::apply(part[0], part[1]), Op::apply(part[2], part[3])));
    }
    return total;
  }
  __device__ __forceinline__ void finish(const Plan& plan, int64_t output, A result) const {
    if constexpr (is_complex_v<A>) {
      using R = decltype(A::re);
      if (divisor != 1) result = A(result.re / R(divisor), result.im / R(divisor));
    } else if constexpr (!std::is_integral_v<A>) {
      if (divisor != 1) result = result / A(divisor);
    }
    int64_t at[2];
    plan.output_at(output, at);
    store_any(out, out_dtype, at[0], result);
  }
};

template <class Op, class A, class T = AnyType, class Load = Plain>
void fold(const View& out, const View& in, bool mean = false) {
  const Plan plan = plan_reduction(out, in);
  run_fold(ReduceFold<Op, A, T, Load>{in.data, in.dtype, out.dtype, out.data,
                                      mean ? double(plan.count) : 1.0},
           plan);
}

// Sums and extremes read each float type directly.
template <class Op>
void fold_any(const View& out, const View& in, bool mean) {
  if (in.dtype == DType::Float32) return fold<Op, float, float>(out, in, mean);
  if (in.dtype == DType::Float16) return fold<Op, float, Half>(out, in, mean);
  if (in.dtype == DType::BFloat16) return fold<Op, float, BFloat16>(out, in, mean);
  if (in.dtype == DType::Float64) return fold<Op, double, double>(out, in, mean);
  if (is_integral(in.dtype)) return fold<Op, int64_t>(out, in, mean);
  if constexpr (std::is_same_v<Op, OpSum>) {
    if (in.dtype == DType::Complex64)
      fold<Op, Complex64, Complex64>(out, in, mean);
    else
      fold<Op, Complex128, Complex128>(out, in, mean);
  }
}

template <bool kSquare>
void fold_magnitudes(const View& out, const View& in) {
  if (real_dtype(in.dtype) == DType::Float64) {
    fold<OpSum, double, AnyType, Magnitude<kSquare>>(out, in);
  } else {
    fold<OpSum, float, AnyType, Magnitude<kSquare>>(out, in);
  }
}

}  // namespace

void reduce(ReduceOp op, const View& out, const View& in) {
  switch (op) {
    case ReduceOp::sum:
      return fold_any<OpSum>(out, in, false);
    case ReduceOp::mean:
      if (is_integral(in.dtype)) unsupported("mean", in.dtype);
      return fold_any<OpSum>(out, in, true);
    case ReduceOp::prod:
      if (in.dtype == DType::Float64) return fold<OpProduct, double>(out, in);
      if (in.dtype == DType::Complex64) return fold<OpProduct, Complex64>(out, in);
      if (in.dtype == DType::Complex128) return fold<OpProduct, Complex128>(out, in);
      if (is_integral(in.dtype)) return fold<OpProduct, int64_t>(out, in);
      return fold<OpProduct, float>(out, in);
    case ReduceOp::amax:
      if (is_complex(in.dtype)) unsupported("amax", in.dtype);
      return fold_any<OpMax>(out, in, false);
    case ReduceOp::amin:
      if (is_complex(in.dtype)) unsupported("amin", in.dtype);
      return fold_any<OpMin>(out, in, false);
    case ReduceOp::sum_of_squares:
      if (is_integral(in.dtype)) unsupported("norm", in.dtype);
      return fold_magnitudes<true>(out, in);
    case ReduceOp::sum_of_abs:
      if (is_integral(in.dtype)) unsupported("norm", in.dtype);
      return fold_magnitudes<false>(out, in);
    case ReduceOp::any:
      return fold<OpAny, int64_t, AnyType, Nonzero>(out, in);
    case ReduceOp::all:
      return fold<OpMin, int64_t, AnyType, Nonzero>(out, in);
    case ReduceOp::count_nonzero:
      return fold<OpSum, int64_t, AnyType, Nonzero>(out, in);
  }
}

}  // namespace pygrad::cuda
