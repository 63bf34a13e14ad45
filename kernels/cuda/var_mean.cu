// Variance and mean over any set of dimensions: sum |x - mean|^2 / max(0, n - correction).

#include "kernels/cuda/moments.cuh"

namespace pygrad::cuda {
namespace {

template <class A, int kParts>
struct VarFold : MomentsFold<A, kParts> {
  Elements<A> var, mean;  // real elements: a complex mean is two of them
  double correction;

  __device__ __forceinline__ void finish(const Plan& plan, int64_t output,
                                         const Moments<kParts>& m) const {
    int64_t at[2];
    plan.output_at(output, at);
    const double divisor = m.n > correction ? m.n - correction : 0;
    var.set(at[0], m.n == 0 ? A(std::numeric_limits<A>::quiet_NaN()) : A(m.m2 / divisor));
    if (!mean.present()) return;
    for (int k = 0; k < kParts; ++k) {
      const A value = m.n == 0 ? A(std::numeric_limits<A>::quiet_NaN()) : A(m.mean[k]);
      mean.set(at[1] * kParts + k, value);
    }
  }
};

template <class A, int kParts>
void run(const View& var, const View* mean, View in, double correction) {
  const Plan plan = plan_reduction(var, mean ? *mean : var, in, in, false);
  in.dtype = real_dtype(in.dtype);
  VarFold<A, kParts> fold;
  fold.in = Elements<A>(in);
  fold.var = Elements<A>(var);
  fold.mean = Elements<A>(mean);
  if (mean) fold.mean.dtype = real_dtype(mean->dtype);
  fold.correction = correction;
  run_fold(fold, plan);
}

}  // namespace

void var_mean(const View& var, const View* mean, const View& in, double correction) {
  switch (in.dtype) {
    case DType::Float16:
    case DType::BFloat16:
    case DType::Float32:
      return run<float, 1>(var, mean, in, correction);
    case DType::Float64:
      return run<double, 1>(var, mean, in, correction);
    case DType::Complex64:
      return run<float, 2>(var, mean, in, correction);
    case DType::Complex128:
      return run<double, 2>(var, mean, in, correction);
    default:
      unsupported("var", in.dtype);
  }
}

}  // namespace pygrad::cuda
