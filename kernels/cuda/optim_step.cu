// Optimizer steps: SGD, Adam and AdamW, RMSprop, Adagrad; each one pass over the parameter, its
// gradient and its state, many tensors in one launch.
//
// Packed tensors travel in a table passed by value (kMaxTensors at a time); a block takes a chunk
// of kChunk elements and finds its tensor by bisection. Other layouts get a launch each, on the
// common loop nest. Both run the same functor, in the order of operations of PyTorch's
// single-tensor optimizers; options are branches that are the same for all threads, since the work
// is bound by memory.
#include "kernels/cuda/pointwise.cuh"

namespace pygrad::cuda {
namespace {

constexpr int kMaxOperands = 5;  // the parameter, the gradient, up to three of state
constexpr int kMaxTensors = 32;
constexpr int kChunk = 8 * kThreads * kGroup;

// What differs from tensor to tensor: SGD's "first step" flag, Adam's bias corrections, Adagrad's
// decayed learning rate.
struct PerTensor {
  double a, b;
};

struct PackedTensor {
  char* data[kMaxOperands];
  DType dtypes[kMaxOperands];
  bool groups;  // aligned for group accesses
  int64_t numel;
  PerTensor own;
};
struct Table {
  int count;
  int64_t first_chunk[kMaxTensors + 1];
  PackedTensor tensors[kMaxTensors];
};
static_assert(sizeof(Table) <= 3800, "must fit the 4 KiB of kernel parameters");

template <class T>
__device__ __forceinline__ T square_root(T x) {
  return std::sqrt(x);
}

// --- the algorithms: x[0] the parameter, x[1] the gradient, x[2..] the state
// -----------------------

// The gradient as the formulas use it: negated when maximising, with L2 weight decay added.
template <class T>
__device__ __forceinline__ T effective(T grad, T param, T sign, T decay) {
  return decay != 0 ? sign * grad + decay * param : sign * grad;
}

template <class T>
struct Sgd {
  using Type = T;
  T lr, momentum, fresh, decay, sign;  // fresh = 1 - dampening
  bool nesterov;

  __device__ __forceinline__ void operator()(T (&x)[kMaxOperands], const PerTensor& own) const {
    T g = effective(x[1], x[0], sign, decay);
    if (momentum != 0) {
      x[2] = own.a != 0 ? g : momentum * x[2] + fresh * g;
      g = nesterov ? g + momentum * x[2] : x[2];
    }
    x[0] -= lr * g;
  }
};

// own.a: lr / (1 - beta1^t); own.b: sqrt(1 - beta2^t).
template <class T>
struct Adam {
  using Type = T;
  T keep, weight1, beta2, weight2, eps, decay, sign;  // keep: AdamW's 1 - lr wd
  bool amsgrad;

  __device__ __forceinline__ void operator()(T (&x)[kMaxOperands], const PerTensor& own) const {
    const T param = x[0] * keep;
    const T g = effective(x[1], param, sign, decay);
    x[2] = x[2] + weight1 * (g - x[2]);
    x[3] = x[3] * beta2 + weight2 * g * g;
    T bound = x[3];
    if (amsgrad) {
      if (x[4] > bound || x[4] != x[4]) bound = x[4];
      x[4] = bound;
    }
    x[0] = param - T(own.a) * (x[2] / (square_root(bound) / T(own.b) + eps));
  }
};

// The state in order: the squares, then the momentum buffer and the mean gradient where used.
template <class T>
struct Rmsprop {
  using Type = T;
  T lr, alpha, rest, eps, decay, momentum, sign;
  bool centered;

  __device__ __forceinline__ void operator()(T (&x)[kMaxOperands], const PerTensor&) const {
    const T g = effective(x[1], x[0], sign, decay);
    x[2] = x[2] * alpha + rest * g * g;
    T variance = x[2];
    if (centered) {
      T& mean = momentum > 0 ? x[4] : x[3];
      mean = mean + rest * (g - mean);
      variance = variance - mean * mean;
    }
    T step = g / (square_root(variance) + eps);
    if (momentum > 0) {
      x[3] = momentum * x[3] + step;
      step = x[3];
    }
    x[0] -= lr * step;
  }
};

// own.a: the learning rate of this step.
template <class T>
struct Adagrad {
  using Type = T;
  T eps, decay, sign;

  __device__ __forceinline__ void operator()(T (&x)[kMaxOperands], const PerTensor& own) const {
    const T g = effective(x[1], x[0], sign, decay);
    x[2] = x[2] + g * g;
    x[0] -= T(own.a) * (g / (square_root(x[2]) + eps));
  }
};

// --- the kernels
// ----------------------------------------------------------------------------------

template <int N, class F>
__global__ void __launch_bounds__(kThreads) optim_step_kernel(const Table table, F f) {
  using T = typename F::Type;
  int low = 0, high = table.count;  // the tensor of this block's chunk
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (table.first_chunk[middle] <= int64_t(blockIdx.x)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const PackedTensor& t = table.tensors[low];
  const int64_t begin = (int64_t(blockIdx.x) - table.first_chunk[low]) * kChunk;
  const int count = int(t.numel - begin < kChunk ? t.numel - begin : kChunk);
  char* data[N];
#pragma unroll
  for (int k = 0; k < N; ++k) data[k] = t.data[k] + begin * int64_t(item_size(t.dtypes[k]));
  int done = 0;
  if (t.groups) {
    for (int g = int(threadIdx.x); g < count / kGroup; g += kThreads) {
      T x[N][kGroup];
#pragma unroll
      for (int k = 0; k < N; ++k) load_group<T>(t.dtypes[k], data[k], uint32_t(g), x[k]);
#pragma unroll
      for (int j = 0; j < kGroup; ++j) {
        T operands[kMaxOperands] = {};
#pragma unroll
        for (int k = 0; k < N; ++k) operands[k] = x[k][j];
        f(operands, t.own);
#pragma unroll
        for (int k = 0; k < N; ++k) x[k][j] = operands[k];
      }
#pragma unroll
      for (int k = 0; k < N; ++k) {
        if (k != 1) store_group<T>(t.dtypes[k], data[k], uint32_t(g), x[k]);
      }
    }
    done = count / kGroup * kGroup;
  }
  for (int i = done + int(threadIdx.x); i < count; i += kThreads) {
    T operands[kMaxOperands] = {};
#pragma unroll
    for (int k = 0; k < N; ++k) {
      operands[k] = load_element<T>(t.dtypes[k], data[k] + i * int(item_size(t.dtypes[k])));
    }
    f(operands, t.own);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (k == 1) continue;
      store_element<T>(t.dtypes[k], data[k] + i * int(item_size(t.dtypes[k])), operands[k]);
    }
  }
}

template <int N, class F>
__global__ void __launch_bounds__(kThreads)
    optim_step_strided_kernel(Nest<N> nest, F f, PerTensor own) {
  using T = typename F::Type;
  const uint32_t threads = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < nest.numel; i += threads) {
    int32_t offset[N];
    nest.offsets(i, offset);
    T operands[kMaxOperands] = {};
#pragma unroll
    for (int k = 0; k < N; ++k) {
      operands[k] = load_element<T>(nest.dtypes[k], nest.data[k] + offset[k]);
    }
    f(operands, own);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (k != 1) store_element<T>(nest.dtypes[k], nest.data[k] + offset[k], operands[k]);
    }
  }
}

// --- the host side
// --------------------------------------------------------------------------------

// Collects the tensors of one call whose parameters compute in F::Type, launching when full.
template <int N, class F>
class Steps {
 public:
  explicit Steps(const F& f) : f_(f) { table_.first_chunk[0] = 0; }
  void add(const View* const (&views)[N], const PerTensor& own) {
    const int64_t numel = views[0]->numel();
    if (numel == 0) return;
    // Equal layouts without gaps are the same sequence of elements, in whatever order.
    const bool packed = [&] {
      for (int k = 0; k < N; ++k) {
        if (!views[k]->is_contiguous()) return false;
      }
      return true;
    }();
    if (!packed) {
      for_each_part(views, Order::free, [&](const Nest<N>& nest, int64_t) {
        PG_LAUNCH_INDEPENDENT((optim_step_strided_kernel<N, F>), grid_for(nest.numel, kThreads),
                              kThreads, 0, current_stream(), nest, f_, own);
      });
      return;
    }
    PackedTensor& t = table_.tensors[table_.count];
    t.groups = true;
    for (int k = 0; k < N; ++k) {
      t.data[k] = views[k]->template ptr<char>();
      t.dtypes[k] = views[k]->dtype;
      const uintptr_t width = item_size(t.dtypes[k]) * kGroup;
      t.groups =
          t.groups && reinterpret_cast<uintptr_t>(t.data[k]) % (width < 16 ? width : 16) == 0;
    }
    t.numel = numel;
    t.own = own;
    const int64_t chunks = table_.first_chunk[table_.count] + divide_up<int64_t>(numel, kChunk);
    table_.first_chunk[++table_.count] = chunks;
    // A grid has fewer than 2^31 blocks, and one tensor cannot fill half of that.
    if (table_.count == kMaxTensors || chunks > (int64_t(1) << 30)) flush();
  }
  void flush() {
    if (table_.count == 0) return;
    PG_LAUNCH_INDEPENDENT((optim_step_kernel<N, F>), unsigned(table_.first_chunk[table_.count]),
                          kThreads, 0, current_stream(), table_, f_);
    table_.count = 0;
  }

 private:
  F f_;
  Table table_ = {};
};

void check_dtypes(const char* name, const View* const* views, int count) {
  if (!is_floating(views[0]->dtype)) unsupported(name, views[0]->dtype);
  for (int k = 1; k < count; ++k) {
    if (!is_floating(views[k]->dtype) ||
        compute_dtype(views[k]->dtype) != compute_dtype(views[0]->dtype)) {
      unsupported(name, views[k]->dtype);
    }
  }
}

// Runs F<float> on the float and 16-bit parameters and F<double> on the others. `lists` are the
// operands in order, `own(t)` gives what belongs to tensor t alone.
template <int N, template <class> class F, class Make, class Own>
void run_steps(const char* name, const ViewList* const (&lists)[N], Make&& make, Own&& own) {
  Steps<N, F<float>> in_float(make.template operator()<float>());
  Steps<N, F<double>> in_double(make.template operator()<double>());
  for (int64_t t = 0; t < lists[0]->count; ++t) {
    const View* views[N];
    for (int k = 0; k < N; ++k) views[k] = &(*lists[k])[t];
    check_dtypes(name, views, N);
    if (views[0]->dtype == DType::Float64) {
      in_double.add(views, own(t));
    } else {
      in_float.add(views, own(t));
    }
  }
  in_float.flush();
  in_double.flush();
}

}  // namespace

void sgd_step(ViewList params, ViewList grads, ViewList momentum_buffers, const int64_t* first,
              const SgdParams& p) {
  const auto make = [&]<class T>() {
    return Sgd<T>{T(p.lr),           T(p.momentum),          T(1 - p.dampening),
                  T(p.weight_decay), T(p.maximize ? -1 : 1), p.nesterov};
  };
  const auto own = [&](int64_t t) { return PerTensor{first && first[t] ? 1.0 : 0.0, 0}; };
  if (p.momentum != 0) {
    run_steps<3, Sgd>("sgd_step", {&params, &grads, &momentum_buffers}, make, own);
  } else {
    run_steps<2, Sgd>("sgd_step", {&params, &grads}, make, own);
  }
}

void adam_step(ViewList params, ViewList grads, ViewList exp_avgs, ViewList exp_avg_sqs,
               ViewList max_exp_avg_sqs, const double* steps, const AdamParams& p) {
  const auto make = [&]<class T>() {
    return Adam<T>{T(p.decoupled ? 1 - p.lr * p.weight_decay : 1.0),
                   T(1 - p.beta1),
                   T(p.beta2),
                   T(1 - p.beta2),
                   T(p.eps),
                   T(p.decoupled ? 0.0 : p.weight_decay),
                   T(p.maximize ? -1 : 1),
                   p.amsgrad};
  };
  const auto own = [&](int64_t t) {
    return PerTensor{p.lr / (1 - std::pow(p.beta1, steps[t])),
                     std::sqrt(1 - std::pow(p.beta2, steps[t]))};
  };
  if (p.amsgrad) {
    run_steps<5, Adam>("adam_step", {&params, &grads, &exp_avgs, &exp_avg_sqs, &max_exp_avg_sqs},
                       make, own);
  } else {
    run_steps<4, Adam>("adam_step", {&params, &grads, &exp_avgs, &exp_avg_sqs}, make, own);
  }
}

void rmsprop_step(ViewList params, ViewList grads, ViewList square_avgs, ViewList momentum_buffers,
                  ViewList grad_avgs, const RmspropParams& p) {
  const auto make = [&]<class T>() {
    return Rmsprop<T>{T(p.lr),           T(p.alpha),    T(1 - p.alpha),         T(p.eps),
                      T(p.weight_decay), T(p.momentum), T(p.maximize ? -1 : 1), p.centered};
  };
  const auto own = [](int64_t) { return PerTensor{0, 0}; };
  const bool momentum = p.momentum > 0;
  if (momentum && p.centered) {
    run_steps<5, Rmsprop>(
        "rmsprop_step", {&params, &grads, &square_avgs, &momentum_buffers, &grad_avgs}, make, own);
  } else if (momentum || p.centered) {
    run_steps<4, Rmsprop>(
        "rmsprop_step", {&params, &grads, &square_avgs, momentum ? &momentum_buffers : &grad_avgs},
        make, own);
  } else {
    run_steps<3, Rmsprop>("rmsprop_step", {&params, &grads, &square_avgs}, make, own);
  }
}

void adagrad_step(ViewList params, ViewList grads, ViewList state_sums, const double* steps,
                  const AdagradParams& p) {
  const auto make = [&]<class T>() {
    return Adagrad<T>{T(p.eps), T(p.weight_decay), T(p.maximize ? -1 : 1)};
  };
  const auto own = [&](int64_t t) {
    return PerTensor{p.lr / (1 + (steps[t] - 1) * p.lr_decay), 0};
  };
  run_steps<3, Adagrad>("adagrad_step", {&params, &grads, &state_sums}, make, own);
}

}  // namespace pygrad::cuda
