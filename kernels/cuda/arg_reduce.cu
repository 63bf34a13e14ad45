// argmax and argmin along one dimension, with the values when asked. The first of equals wins, and
// the first NaN over all: positions travel with the values, so the order of the joins is free.

#include "kernels/cuda/reduce.cuh"

namespace pygrad::cuda {
namespace {

template <class A>
struct Found {
  A value;
  int64_t index;  // -1: nothing yet
};

template <bool kMax, class A>
struct ArgFold {
  using State = Found<A>;
  Elements<A> in, values;
  int64_t* indices;

  PG_HOST_DEVICE State identity() const { return {A(0), -1}; }
  PG_HOST_DEVICE State join(State a, State b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool tie = (a_nan && b_nan) || a.value == b.value;
    const bool second = tie     ? b.index < a.index
                        : a_nan ? false
                        : b_nan ? true
                        : kMax  ? b.value > a.value
                                : b.value < a.value;
    return second ? b : a;
  }
  __device__ __forceinline__ State run(const Plan& plan, int64_t output, int64_t begin, int64_t end,
                                       int64_t step) const {
    const int64_t base = plan.input_at(output), stride = plan.reduced_in[0][0];
    State best = identity();
    for (int64_t i = begin; i < end; i += step) {
      const A x = in[base + i * stride];
      const bool beyond = kMax ? x > best.value : x < best.value;
      if (best.index < 0 || beyond || (x != x && best.value == best.value)) best = {x, i};
    }
    return best;
  }
  __device__ __forceinline__ void finish(const Plan& plan, int64_t output, State found) const {
    int64_t at[2];
    plan.output_at(output, at);
    indices[at[0]] = found.index;
    if (values.present()) values.set(at[1], found.value);
  }
};

template <class A>
void run(bool max, const View* values, const View& indices, const View& in) {
  const Plan plan = plan_reduction(indices, values ? *values : indices, in, in, true);
  if (plan.count == 0) return;
  if (max)
    run_fold(ArgFold<true, A>{in, values, indices.ptr<int64_t>()}, plan);
  else
    run_fold(ArgFold<false, A>{in, values, indices.ptr<int64_t>()}, plan);
}

}  // namespace

void arg_reduce(bool max, const View* values, const View& indices, const View& in, int64_t) {
  // The outputs have size 1 at the dimension: the plan needs no other word of it.
  if (is_complex(in.dtype)) unsupported(max ? "argmax" : "argmin", in.dtype);
  if (in.dtype == DType::Float64)
    run<double>(max, values, indices, in);
  else if (is_floating(in.dtype))
    run<float>(max, values, indices, in);
  else
    run<int64_t>(max, values, indices, in);
}

}  // namespace pygrad::cuda
