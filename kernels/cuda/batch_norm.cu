// batch_norm over the channels of a (n, c, l) view of any strides, and its gradient.
//
//   y = (x - mean) rstd w + b
//   training: biased variance here, the running variance takes the unbiased one, and
//     dx = w rstd (g - mean(g) - h mean(g h)) with h = (x - mean) rstd
//   otherwise: dx = w rstd g
//
// The sums over a channel are reductions (reduce.cuh), by rows or columns as the strides suggest.
// A small kernel turns them into four numbers per channel, and one pass over all elements applies
//   out = (u - shift) scale + offset + v slope, u or v absent where it plays no part.

#include "kernels/cuda/moments.cuh"

namespace pygrad::cuda {
namespace {

// Per channel, in scratch memory.
template <class A>
struct Factors {
  A shift, scale, offset, slope;
};

template <class A>
struct Channels {
  Elements<A> elements;
  int64_t stride;
  explicit Channels(const View* v) : elements(v), stride(stride_of(v)) {}
  __device__ __forceinline__ bool present() const { return elements.present(); }
  __device__ __forceinline__ A at(int64_t c) const { return elements[c * stride]; }
  __device__ __forceinline__ void set(int64_t c, A x) const { elements.set(c * stride, x); }
};

template <class A, class T>
struct ChannelMoments : MomentsFold<A, 1, T> {
  Moments<1>* moments;
  __device__ __forceinline__ void finish(const Plan&, int64_t channel, const Moments<1>& m) const {
    moments[channel] = m;
  }
};

// sum g and sum g (x - mean) of a channel.
struct Sums {
  double sum, dot;
};
template <class A, class T>
struct ChannelSums {
  using State = Sums;
  Elements<A, T> grad, in;
  Channels<A> mean;
  Sums* sums;

  PG_HOST_DEVICE State identity() const { return {0, 0}; }
  PG_HOST_DEVICE State join(const State& a, const State& b) const {
    return {a.sum + b.sum, a.dot + b.dot};
  }
  __device__ __forceinline__ State run(const Plan& plan, int64_t channel, int64_t begin,
                                       int64_t end, int64_t step) const {
    int64_t at[2];
    plan.input_at(channel, at);
    const A m = mean.at(channel);
    const bool one = plan.reduced == 1;
    State all{0, 0};
    while (begin < end) {
      A sum = 0, dot = 0;
      const int64_t stop = least(end, begin + 64 * step);
      for (; begin < stop; begin += step) {
        const int64_t g_at = one ? begin * plan.reduced_in[0][0] : plan.element_at(begin, 0);
        const int64_t x_at = one ? begin * plan.reduced_in[1][0] : plan.element_at(begin, 1);
        const A g = grad[at[0] + g_at];
        sum += g;
        dot += g * (in[at[1] + x_at] - m);
      }
      all.sum += double(sum);
      all.dot += double(dot);
    }
    return all;
  }
  __device__ __forceinline__ void finish(const Plan&, int64_t channel, const State& s) const {
    sums[channel] = s;
  }
};

template <class A>
__global__ void forward_factors(Factors<A>* factors, const Moments<1>* moments, Channels<A> mean,
                                Channels<A> rstd, Channels<A> weight, Channels<A> bias,
                                Channels<A> running_mean, Channels<A> running_var, int64_t channels,
                                double momentum, double eps) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  double m, variance;
  if (moments) {
    const Moments<1> all = moments[c];
    m = all.mean[0];
    variance = all.m2 / all.n;
    if (running_mean.present()) {
      running_mean.set(c, A((1 - momentum) * double(running_mean.at(c)) + momentum * m));
    }
    if (running_var.present()) {
      const double unbiased = all.m2 / (all.n - 1);
      running_var.set(c, A((1 - momentum) * double(running_var.at(c)) + momentum * unbiased));
    }
  } else {
    m = double(running_mean.at(c));
    variance = double(running_var.at(c));
  }
  const double r = 1 / std::sqrt(variance + eps);
  mean.set(c, A(m));
  rstd.set(c, A(r));
  factors[c] = {A(m), A(r * (weight.present() ? double(weight.at(c)) : 1.0)),
                bias.present() ? bias.at(c) : A(0), A(0)};
}

template <class A>
__global__ void backward_factors(Factors<A>* factors, const Sums* sums, Channels<A> grad_weight,
                                 Channels<A> grad_bias, Channels<A> weight, Channels<A> mean,
                                 Channels<A> rstd, int64_t channels, double count, bool training) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  const double r = double(rstd.at(c)), w = weight.present() ? double(weight.at(c)) : 1.0;
  const Sums s = sums[c];
  if (grad_weight.present()) grad_weight.set(c, A(s.dot * r));
  if (grad_bias.present()) grad_bias.set(c, A(s.sum));
  factors[c] = {mean.at(c), training ? A(-w * r * r * r * s.dot / count) : A(0),
                training ? A(-w * r * s.sum / count) : A(0), A(w * r)};
}

template <class T>
__global__ void __launch_bounds__(256)
    apply_factors(Elements<opmath_t<T>, T> out, Elements<opmath_t<T>, T> u,
                  Elements<opmath_t<T>, T> v, PG_PARAMETER Lines<4> elements,
                  const Factors<opmath_t<T>>* factors) {
  using A = opmath_t<T>;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < elements.count;
       i += int64_t(gridDim.x) * blockDim.x) {
    int64_t at[4];
    elements.at(i, at);
    const Factors<A> f = factors[at[3]];
    A y = f.offset;
    if (u.present()) y += (u[at[1]] - f.shift) * f.scale;
    if (v.present()) y += v[at[2]] * f.slope;
    out.set(at[0], y);
  }
}

template <class T>
void apply(const View& out, const View* u, const View* v, const Factors<opmath_t<T>>* factors) {
  using E = Elements<opmath_t<T>, T>;
  if (out.numel() == 0) return;
  View channel = out;  // its offset is the channel
  for (int d = 0; d < 3; ++d) channel.strides[d] = d == 1;
  const Lines<4> elements({&out, u ? u : &out, v ? v : &out, &channel}, -1);
  PG_LAUNCH_INDEPENDENT((apply_factors<T>), dim3(grid_for(elements.count, 256)), dim3(256), 0,
                        current_stream(), E(out), E(u), E(v), elements, factors);
}

// One output per channel: a (1, c, 1) shape for the plan.
View channel_shape(const View& in) {
  View v = in;
  v.sizes[0] = v.sizes[2] = 1;
  v.strides[0] = v.strides[2] = 0;
  v.strides[1] = 1;
  return v;
}

template <class T>
void normalize(const View& out, const View& mean, const View& rstd, const View& in,
               const View* weight, const View* bias, const View* running_mean,
               const View* running_var, bool training, double momentum, double eps) {
  using A = opmath_t<T>;
  const int64_t channels = in.sizes[1];
  if (channels == 0) return;
  ScratchArray<Factors<A>> factors(channels);
  ScratchArray<Moments<1>> moments(training ? channels : 1);
  if (training) {
    ChannelMoments<A, T> fold;
    fold.in = Elements<A, T>(in);
    fold.moments = moments.data;
    run_fold(fold, plan_reduction(channel_shape(in), in));
  }
  using C = Channels<A>;
  PG_LAUNCH_INDEPENDENT(
      (forward_factors<A>), dim3(unsigned(ceil_div(channels, 64))), dim3(64), 0, current_stream(),
      factors.data, training ? static_cast<const Moments<1>*>(moments.data) : nullptr, C(&mean),
      C(&rstd), C(weight), C(bias), C(running_mean), C(running_var), channels, momentum, eps);
  apply<T>(out, &in, nullptr, factors.data);
}

template <class T>
void normalize_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                        const View& grad, const View& in, const View* weight, const View& mean,
                        const View& rstd, bool training) {
  using A = opmath_t<T>;
  using C = Channels<A>;
  const int64_t channels = in.sizes[1];
  if (channels == 0) return;
  ScratchArray<Factors<A>> factors(channels);
  ScratchArray<Sums> sums(channels);
  const View shape = channel_shape(in);
  const Plan plan = plan_reduction(shape, shape, grad, in, false);
  run_fold(ChannelSums<A, T>{Elements<A, T>(grad), Elements<A, T>(in), C(&mean), sums.data}, plan);
  PG_LAUNCH_INDEPENDENT((backward_factors<A>), dim3(unsigned(ceil_div(channels, 64))), dim3(64), 0,
                        current_stream(), factors.data, static_cast<const Sums*>(sums.data),
                        C(grad_weight), C(grad_bias), C(weight), C(&mean), C(&rstd), channels,
                        double(in.sizes[0] * in.sizes[2]), training);
  if (grad_in) apply<T>(*grad_in, training ? &in : nullptr, &grad, factors.data);
}

}  // namespace

void batch_norm(const View& out, const View& mean, const View& rstd, const View& in,
                const View* weight, const View* bias, const View* running_mean,
                const View* running_var, bool training, double momentum, double eps) {
  dispatch<Floating>(in.dtype, "batch_norm", [&]<class T>() {
    normalize<T>(out, mean, rstd, in, weight, bias, running_mean, running_var, training, momentum,
                 eps);
  });
}

void batch_norm_backward(const View* grad_in, const View* grad_weight, const View* grad_bias,
                         const View& grad, const View& in, const View* weight, const View& mean,
                         const View& rstd, bool training) {
  dispatch<Floating>(in.dtype, "batch_norm_backward", [&]<class T>() {
    normalize_backward<T>(grad_in, grad_weight, grad_bias, grad, in, weight, mean, rstd, training);
  });
}

}  // namespace pygrad::cuda
