// addcmul, addcdiv, lerp; where; clamp: iterate.cuh's driver. where moves elements by their size
// alone.
#include "kernels/cuda/pointwise.cuh"
#include "kernels/math/binary.h"

namespace pygrad::cuda {
namespace {

template <class Op, class T>
struct Ternary {
  static constexpr bool kHeavy = is_complex_v<T>;
  T s;
  __device__ __forceinline__ T operator()(const T (&x)[3]) const {
    return Op::apply(x[0], x[1], x[2], s);
  }
};

using Kernel = void (*)(const View& out, const View& a, const View& b, const View& c, Scalar s);
template <class Op, class T>
void run(const View& out, const View& a, const View& b, const View& c, Scalar s) {
  const View* views[] = {&out, &a, &b, &c};
  pointwise<T, T>(views, Ternary<Op, T>{s.to<T>()});
}

constexpr ComputeSet<Kernel> kKernels[] = {
    {run<math::addcmul_op, int64_t>, run<math::addcmul_op, float>, run<math::addcmul_op, double>,
     run<math::addcmul_op, Complex128>},
    {nullptr, run<math::addcdiv_op, float>, run<math::addcdiv_op, double>,
     run<math::addcdiv_op, Complex128>},
    {nullptr, run<math::lerp_op, float>, run<math::lerp_op, double>,
     run<math::lerp_op, Complex128>},
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_TERNARY_OPS(PG_NAME)};
#undef PG_NAME

template <class Word>
struct Where {
  static constexpr bool kHeavy = sizeof(Word) > 8;
  __device__ __forceinline__ Word operator()(const Word (&x)[3]) const {
    return x[0] != Word(0) ? x[1] : x[2];
  }
};

// A missing bound is a comparison that never holds; a NaN bound makes every result NaN.
template <class T>
struct Clamp {
  static constexpr bool kHeavy = false;
  T low, high;
  bool has_low, has_high;

  __device__ __forceinline__ T operator()(const T (&x)[1]) const {
    if (has_low && low != low) return low;
    if (has_high && high != high) return high;
    const T v = has_low && x[0] < low ? low : x[0];
    return has_high && v > high ? high : v;
  }
};

}  // namespace

void ternary(TernaryOp op, const View& out, const View& a, const View& b, const View& c, Scalar s) {
  const Kernel kernel = kKernels[int(op)].pick(a.dtype);
  if (!kernel) unsupported(kNames[int(op)], a.dtype);
  kernel(out, a, b, c, s);
}

void where(const View& out, const View& condition, const View& a, const View& b) {
  const View* views[] = {&out, &condition, &a, &b};
  dispatch_words(out.dtype, [&]<class Word>() { pointwise<Word, Word>(views, Where<Word>{}); });
}

void clamp(const View& out, const View& in, Scalar low, bool has_low, Scalar high, bool has_high) {
  const View* views[] = {&out, &in};
  const auto run = [&]<class T>() {
    pointwise<T, T>(views, Clamp<T>{low.to<T>(), high.to<T>(), has_low, has_high});
  };
  switch (compute_dtype(in.dtype)) {
    case DType::Int64:
      return run.operator()<int64_t>();
    case DType::Float32:
      return run.operator()<float>();
    case DType::Float64:
      return run.operator()<double>();
    default:
      unsupported("clamp", in.dtype);
  }
}

}  // namespace pygrad::cuda
