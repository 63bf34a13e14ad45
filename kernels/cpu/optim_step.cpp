// Optimizer steps: SGD, Adam and AdamW, RMSprop, Adagrad; each one pass over the parameter, its
// gradient and its state.
//
// Parallel plan: every tensor is cut into chunks of kChunk elements, and the chunks of all tensors
// of a call form one parallel loop, so many small parameters cost one fork and join. Memory plan:
// packed tensors of the computing type are read and written in place; others (strided views, 16-bit
// floats, state of another precision) pass through L1 blocks. Formulas are those of PyTorch's
// single-tensor optimizers, in the same order of operations.
#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/pointwise.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kChunk = 16 * kBlock;

// One tensor's operands: [0] the parameter, [1] the gradient, [2..] the state. All but the gradient
// are written back.
struct Step {
  Nest<kMaxOperands> nest;
  int count;
  BlockLoop loop;
  LoadRun load[kMaxOperands];
  StoreRun store[kMaxOperands];
  int64_t item;
  bool packed[kMaxOperands];
  alignas(8) char params[72];
};

void prepare(const char* name, Step& step, const View* const* views, int count) {
  const DType compute = compute_dtype(views[0]->dtype);
  if (!is_floating(views[0]->dtype)) unsupported(name, views[0]->dtype);
  step.count = count;
  step.item = int64_t(item_size(compute));
  Nest<kMaxOperands>& nest = step.nest;
  build_nest(views, count, Order::free, nest.ndim, nest.numel, nest.sizes, &nest.strides[0][0],
             nest.data);
  for (int k = 0; k < count; ++k) {
    step.load[k] = load_run(compute, views[k]->dtype);
    step.store[k] = store_run(views[k]->dtype, compute);
    if (!step.load[k]) unsupported(name, views[k]->dtype);
    bool packed = views[k]->dtype == compute;
    int64_t expected = step.item;
    for (int d = 0; d < nest.ndim; ++d) {
      packed = packed && nest.strides[k][d] == expected;
      expected *= nest.sizes[d];
    }
    step.packed[k] = packed;
  }
}

void run_range(const Step& step, int64_t begin, int64_t end) {
  alignas(64) char buffers[kMaxOperands][kBlock * 8];
  bool whole = true;
  for (int k = 0; k < step.count; ++k) whole = whole && step.packed[k];
  const int64_t block = whole ? end - begin : kBlock;
  for (int64_t at = begin; at < end; at += block) {
    const int64_t m = end - at < block ? end - at : block;
    char* p[kMaxOperands];
    for (int k = 0; k < step.count; ++k) {
      p[k] = step.packed[k] ? step.nest.data[k] + at * step.item : buffers[k];
    }
    const auto move = [&](bool in) {
      int64_t done = 0;
      for_each_row(step.nest, at, at + m, [&](char* const* q, int64_t n) {
        for (int k = 0; k < step.count; ++k) {
          if (step.packed[k]) continue;
          const int64_t stride = step.nest.strides[k][0];
          char* buffer = buffers[k] + done * step.item;
          if (in) {
            step.load[k](buffer, q[k], stride, n);
          } else if (k != 1) {
            step.store[k](q[k], stride, buffer, n);
          }
        }
        done += n;
      });
    };
    if (!whole) move(true);
    step.loop(p, m, step.params);
    if (!whole) move(false);
  }
}

void run_steps(const Step* steps, int64_t count) {
  ScratchBuffer<int64_t> first(count + 1);  // number of the first chunk of each tensor
  first[0] = 0;
  for (int64_t t = 0; t < count; ++t) {
    first[t + 1] = first[t] + (steps[t].nest.numel + kChunk - 1) / kChunk;
  }
  parallel_for(first[count], 2, [&](int64_t begin, int64_t end) {
    int64_t low = 0, high = count;  // the tensor of chunk `begin`
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (first[middle] <= begin ? low : high) = middle;
    }
    for (int64_t chunk = begin, t = low; chunk < end; ++chunk) {
      while (first[t + 1] <= chunk) ++t;
      const int64_t from = (chunk - first[t]) * kChunk, n = steps[t].nest.numel;
      run_range(steps[t], from, from + kChunk < n ? from + kChunk : n);
    }
  });
}

template <class P>
void set_params(Step& step, const P& p) {
  static_assert(sizeof(P) <= sizeof step.params && std::is_trivially_copyable_v<P>);
  memcpy(step.params, &p, sizeof p);
}

template <class T>
PG_HOST_INLINE T square_root(T x) {
  if constexpr (sizeof(T) == 4) {
    return __builtin_sqrtf(x);
  } else {
    return __builtin_sqrt(x);
  }
}

// The gradient as the formulas use it: negated when maximising, with L2 weight decay added.
template <bool Decay, class T>
PG_HOST_INLINE T effective(T g, T param, T sign, T decay) {
  return Decay ? sign * g + decay * param : sign * g;
}

// --- SGD ----------------------------------------------------------------------------------------

struct SgdFactors {
  double lr, momentum, fresh, decay, sign;  // fresh = 1 - dampening
};
enum SgdMode { kPlain, kMomentum, kNesterov, kMomentumFirst, kNesterovFirst, kSgdModes };

template <int Mode, bool Decay, class T>
void sgd_loop(char* const* p, int64_t n, const void* params) {
  SgdFactors f;
  memcpy(&f, params, sizeof f);
  T* param = as<T>(p[0]);
  const T* grad = as<T>(p[1]);
  const T lr = T(f.lr), momentum = T(f.momentum), fresh = T(f.fresh), decay = T(f.decay),
          sign = T(f.sign);
  if constexpr (Mode == kPlain) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i)
      param[i] -= lr * effective<Decay>(grad[i], param[i], sign, decay);
  } else {
    T* buffer = as<T>(p[2]);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const T g = effective<Decay>(grad[i], param[i], sign, decay);
      const T b =
          Mode == kMomentumFirst || Mode == kNesterovFirst ? g : momentum * buffer[i] + fresh * g;
      buffer[i] = b;
      param[i] -= lr * (Mode == kNesterov || Mode == kNesterovFirst ? g + momentum * b : b);
    }
  }
}

// --- Adam, AdamW --------------------------------------------------------------------------------

struct AdamFactors {
  double keep, weight1, beta2, weight2, step_size, root2, eps;  // keep: AdamW's 1 - lr wd
  double decay, sign;
};

template <bool Amsgrad, bool Decay, class T>
void adam_loop(char* const* p, int64_t n, const void* params) {
  AdamFactors f;
  memcpy(&f, params, sizeof f);
  T* param = as<T>(p[0]);
  const T* grad = as<T>(p[1]);
  T* average = as<T>(p[2]);
  T* square = as<T>(p[3]);
  T* largest = Amsgrad ? as<T>(p[4]) : nullptr;
  const T keep = T(f.keep), weight1 = T(f.weight1), beta2 = T(f.beta2), weight2 = T(f.weight2);
  const T step_size = T(f.step_size), root2 = T(f.root2), eps = T(f.eps), decay = T(f.decay),
          sign = T(f.sign);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T x = param[i] * keep;
    const T g = effective<Decay>(grad[i], x, sign, decay);
    const T m = average[i] + weight1 * (g - average[i]);
    const T v = square[i] * beta2 + weight2 * g * g;
    average[i] = m;
    square[i] = v;
    T bound = v;
    if constexpr (Amsgrad) {
      const T before = largest[i];
      bound = before > v || before != before ? before : v;
      largest[i] = bound;
    }
    param[i] = x - step_size * (m / (square_root(bound) / root2 + eps));
  }
}

// --- RMSprop ------------------------------------------------------------------------------------

struct RmspropFactors {
  double lr, alpha, eps, decay, momentum, sign;
};

template <bool Centered, bool Momentum, bool Decay, class T>
void rmsprop_loop(char* const* p, int64_t n, const void* params) {
  RmspropFactors f;
  memcpy(&f, params, sizeof f);
  T* param = as<T>(p[0]);
  const T* grad = as<T>(p[1]);
  T* square = as<T>(p[2]);
  T* buffer = Momentum ? as<T>(p[3]) : nullptr;
  T* mean = Centered ? as<T>(p[Momentum ? 4 : 3]) : nullptr;
  const T lr = T(f.lr), alpha = T(f.alpha), rest = T(1 - f.alpha), eps = T(f.eps);
  const T decay = T(f.decay), momentum = T(f.momentum), sign = T(f.sign);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T g = effective<Decay>(grad[i], param[i], sign, decay);
    const T v = square[i] * alpha + rest * g * g;
    square[i] = v;
    T variance = v;
    if constexpr (Centered) {
      const T m = mean[i] + rest * (g - mean[i]);
      mean[i] = m;
      variance = v - m * m;
    }
    T step = g / (square_root(variance) + eps);
    if constexpr (Momentum) {
      step = momentum * buffer[i] + step;
      buffer[i] = step;
    }
    param[i] -= lr * step;
  }
}

// --- Adagrad ------------------------------------------------------------------------------------

struct AdagradFactors {
  double lr, eps, decay, sign;
};

template <bool Decay, class T>
void adagrad_loop(char* const* p, int64_t n, const void* params) {
  AdagradFactors f;
  memcpy(&f, params, sizeof f);
  T* param = as<T>(p[0]);
  const T* grad = as<T>(p[1]);
  T* sum = as<T>(p[2]);
  const T lr = T(f.lr), eps = T(f.eps), decay = T(f.decay), sign = T(f.sign);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T g = effective<Decay>(grad[i], param[i], sign, decay);
    const T s = sum[i] + g * g;
    sum[i] = s;
    param[i] -= lr * (g / (square_root(s) + eps));
  }
}

PG_HOST_INLINE BlockLoop by_type(const View& param, BlockLoop float_loop, BlockLoop double_loop) {
  return param.dtype == DType::Float64 ? double_loop : float_loop;
}

}  // namespace

void sgd_step(ViewList params, ViewList grads, ViewList momentum_buffers, const int64_t* first,
              const SgdParams& p) {
#define PG_SGD(mode, decay)                                     \
  {                                                             \
    sgd_loop<mode, decay, float>, sgd_loop<mode, decay, double> \
  }
  static constexpr BlockLoop loops[2][kSgdModes][2] = {
      {PG_SGD(kPlain, false), PG_SGD(kMomentum, false), PG_SGD(kNesterov, false),
       PG_SGD(kMomentumFirst, false), PG_SGD(kNesterovFirst, false)},
      {PG_SGD(kPlain, true), PG_SGD(kMomentum, true), PG_SGD(kNesterov, true),
       PG_SGD(kMomentumFirst, true), PG_SGD(kNesterovFirst, true)}};
#undef PG_SGD
  ScratchBuffer<Step> steps(params.count);
  for (int64_t t = 0; t < params.count; ++t) {
    Step& step = steps[t];
    const bool momentum = p.momentum != 0;
    const View* views[] = {&params[t], &grads[t], momentum ? &momentum_buffers[t] : nullptr};
    prepare("sgd_step", step, views, momentum ? 3 : 2);
    const bool fresh = momentum && first && first[t];
    const int mode = !momentum    ? kPlain
                     : p.nesterov ? (fresh ? kNesterovFirst : kNesterov)
                                  : (fresh ? kMomentumFirst : kMomentum);
    const auto& pair = loops[p.weight_decay != 0][mode];
    step.loop = by_type(params[t], pair[0], pair[1]);
    set_params(step, SgdFactors{p.lr, p.momentum, 1 - p.dampening, p.weight_decay,
                                p.maximize ? -1.0 : 1.0});
  }
  run_steps(steps.data, params.count);
}

void adam_step(ViewList params, ViewList grads, ViewList exp_avgs, ViewList exp_avg_sqs,
               ViewList max_exp_avg_sqs, const double* step_counts, const AdamParams& p) {
  ScratchBuffer<Step> steps(params.count);
  for (int64_t t = 0; t < params.count; ++t) {
    Step& step = steps[t];
    const View* views[] = {&params[t], &grads[t], &exp_avgs[t], &exp_avg_sqs[t],
                           p.amsgrad ? &max_exp_avg_sqs[t] : nullptr};
    prepare("adam_step", step, views, p.amsgrad ? 5 : 4);
    const bool decay = p.weight_decay != 0 && !p.decoupled;
    step.loop =
        p.amsgrad
            ? decay
                  ? by_type(params[t], adam_loop<true, true, float>, adam_loop<true, true, double>)
                  : by_type(params[t], adam_loop<true, false, float>,
                            adam_loop<true, false, double>)
        : decay
            ? by_type(params[t], adam_loop<false, true, float>, adam_loop<false, true, double>)
            : by_type(params[t], adam_loop<false, false, float>, adam_loop<false, false, double>);
    const double correction1 = 1 - std::pow(p.beta1, step_counts[t]);
    const double correction2 = 1 - std::pow(p.beta2, step_counts[t]);
    AdamFactors f;
    f.keep = p.decoupled ? 1 - p.lr * p.weight_decay : 1;
    f.weight1 = 1 - p.beta1;
    f.beta2 = p.beta2;
    f.weight2 = 1 - p.beta2;
    f.step_size = p.lr / correction1;
    f.root2 = std::sqrt(correction2);
    f.eps = p.eps;
    f.decay = p.weight_decay;
    f.sign = p.maximize ? -1.0 : 1.0;
    set_params(step, f);
  }
  run_steps(steps.data, params.count);
}

void rmsprop_step(ViewList params, ViewList grads, ViewList square_avgs, ViewList momentum_buffers,
                  ViewList grad_avgs, const RmspropParams& p) {
#define PG_RMSPROP(c, m, d)                                     \
  {                                                             \
    rmsprop_loop<c, m, d, float>, rmsprop_loop<c, m, d, double> \
  }
  static constexpr BlockLoop loops[2][2][2][2] = {
      {{PG_RMSPROP(false, false, false), PG_RMSPROP(false, false, true)},
       {PG_RMSPROP(false, true, false), PG_RMSPROP(false, true, true)}},
      {{PG_RMSPROP(true, false, false), PG_RMSPROP(true, false, true)},
       {PG_RMSPROP(true, true, false), PG_RMSPROP(true, true, true)}}};
#undef PG_RMSPROP
  ScratchBuffer<Step> steps(params.count);
  const bool momentum = p.momentum > 0, decay = p.weight_decay != 0;
  for (int64_t t = 0; t < params.count; ++t) {
    Step& step = steps[t];
    const View* views[kMaxOperands] = {&params[t], &grads[t], &square_avgs[t]};
    int count = 3;
    if (momentum) views[count++] = &momentum_buffers[t];
    if (p.centered) views[count++] = &grad_avgs[t];
    prepare("rmsprop_step", step, views, count);
    const auto& pair = loops[p.centered][momentum][decay];
    step.loop = by_type(params[t], pair[0], pair[1]);
    set_params(step, RmspropFactors{p.lr, p.alpha, p.eps, p.weight_decay, p.momentum,
                                    p.maximize ? -1.0 : 1.0});
  }
  run_steps(steps.data, params.count);
}

void adagrad_step(ViewList params, ViewList grads, ViewList state_sums, const double* step_counts,
                  const AdagradParams& p) {
  ScratchBuffer<Step> steps(params.count);
  for (int64_t t = 0; t < params.count; ++t) {
    Step& step = steps[t];
    const View* views[] = {&params[t], &grads[t], &state_sums[t]};
    prepare("adagrad_step", step, views, 3);
    step.loop = p.weight_decay != 0
                    ? by_type(params[t], adagrad_loop<true, float>, adagrad_loop<true, double>)
                    : by_type(params[t], adagrad_loop<false, float>, adagrad_loop<false, double>);
    const double lr = p.lr / (1 + (step_counts[t] - 1) * p.lr_decay);
    set_params(step, AdagradFactors{lr, p.eps, p.weight_decay, p.maximize ? -1.0 : 1.0});
  }
  run_steps(steps.data, params.count);
}

}  // namespace pygrad::cpu::PG_ISA_NS
