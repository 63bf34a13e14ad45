// One layer of an RNN, LSTM or GRU over a sequence, in one direction, and its gradients (see
// kernels/cpu/recurrent.cpp for the formulas): for every step a product by gemm() and one pointwise
// kernel for all gates. The state is kept in place, since the launches are in order.
#include "kernels/cuda/common.cuh"

namespace pygrad::cuda {
namespace {

int64_t gates_of(RecurrentMode mode) {
  return mode == RecurrentMode::lstm ? 4 : mode == RecurrentMode::gru ? 3 : 1;
}

template <class T>
__device__ __forceinline__ T logistic(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

// Rows of one step of a matrix: sequence b's begins at data + b * stride.
template <class T>
struct StepRows {
  T* data;
  int64_t stride;
  __device__ __forceinline__ T* at(int64_t b) const { return data + b * stride; }
};

template <class T>
struct ForwardStep {
  RecurrentMode mode;
  int64_t size, hidden;
  StepRows<T> gates, extra, result, state, cell;  // state: none when there is a projection
};

template <class T>
__global__ void __launch_bounds__(kThreads) forward_gates_kernel(ForwardStep<T> s) {
  const int64_t H = s.hidden, n = s.size * H;
  for (int64_t e = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; e < n;
       e += int64_t(gridDim.x) * blockDim.x) {
    const int64_t b = e / H, u = e % H;
    T* g = s.gates.at(b) + u;
    T h;
    if (s.mode == RecurrentMode::lstm) {
      // Each gate is stored at once: what lives across a call of exp or tanh takes registers.
      const T fresh = g[2 * H] = std::tanh(g[2 * H]);
      const T in = g[0] = logistic(g[0]), added = in * fresh;
      const T forget = g[H] = logistic(g[H]);
      const T c = forget * s.cell.at(b)[u] + added;
      s.cell.at(b)[u] = s.extra.at(b)[u] = c;
      const T open = g[3 * H] = logistic(g[3 * H]);
      h = open * std::tanh(c);
    } else if (s.mode == RecurrentMode::gru) {
      const T reset = logistic(g[0]), update = logistic(g[H]);
      const T fresh = std::tanh(g[2 * H] + reset * s.extra.at(b)[u]);
      g[0] = reset, g[H] = update, g[2 * H] = fresh;
      h = fresh + update * (s.state.at(b)[u] - fresh);
    } else if (s.mode == RecurrentMode::tanh) {
      h = std::tanh(g[0]);
    } else {
      h = g[0] < T(0) ? T(0) : g[0];
    }
    s.result.at(b)[u] = h;
    if (s.state.data) s.state.at(b)[u] = h;
  }
}

template <class T>
struct BackwardStep {
  RecurrentMode mode;
  int64_t size, hidden;
  StepRows<const T> gates, extra;
  // The cell (lstm) or state (gru) before the step: of `earlier` sequences from the step before,
  // else the first one.
  StepRows<const T> before, first;
  int64_t earlier;
  StepRows<T> d_gates, d_extra, d_state, d_cell;
};

template <class T>
__global__ void __launch_bounds__(kThreads) backward_gates_kernel(BackwardStep<T> s) {
  const int64_t H = s.hidden, n = s.size * H;
  for (int64_t e = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; e < n;
       e += int64_t(gridDim.x) * blockDim.x) {
    const int64_t b = e / H, u = e % H;
    const T* y = s.gates.at(b) + u;
    T* d = s.d_gates.at(b) + u;
    const T slope = s.d_state.at(b)[u];
    if (s.mode == RecurrentMode::lstm) {
      const T in = y[0], forget = y[H], fresh = y[2 * H], open = y[3 * H];
      const T bent = std::tanh(s.extra.at(b)[u]);
      const T before = (b < s.earlier ? s.before : s.first).at(b)[u];
      const T cell = s.d_cell.at(b)[u] + slope * open * (T(1) - bent * bent);
      d[0] = cell * fresh * in * (T(1) - in);
      d[H] = cell * before * forget * (T(1) - forget);
      d[2 * H] = cell * in * (T(1) - fresh * fresh);
      d[3 * H] = slope * bent * open * (T(1) - open);
      s.d_cell.at(b)[u] = cell * forget;
    } else if (s.mode == RecurrentMode::gru) {
      const T reset = y[0], update = y[H], fresh = y[2 * H];
      const T before = (b < s.earlier ? s.before : s.first).at(b)[u];
      const T d_fresh = slope * (T(1) - update) * (T(1) - fresh * fresh);
      d[0] = d_fresh * s.extra.at(b)[u] * reset * (T(1) - reset);
      d[H] = slope * (before - fresh) * update * (T(1) - update);
      d[2 * H] = d_fresh;
      s.d_extra.at(b)[u] = d_fresh * reset;
      s.d_state.at(b)[u] = slope * update;
    } else if (s.mode == RecurrentMode::tanh) {
      d[0] = slope * (T(1) - y[0] * y[0]);
    } else {
      d[0] = y[0] > T(0) ? slope : T(0);
    }
  }
}

// A row-major (rows, columns) view with `stride` between rows.
View matrix(const void* data, DType dtype, int64_t rows, int64_t columns, int64_t stride) {
  View v{};
  v.data = const_cast<void*>(data);
  v.dtype = dtype;
  v.ndim = 2;
  v.sizes[0] = rows, v.sizes[1] = columns;
  v.strides[0] = stride, v.strides[1] = 1;
  return v;
}

template <class T>
struct Layer {
  const RecurrentArgs& a;
  int64_t gates;

  explicit Layer(const RecurrentArgs& args) : a(args), gates(gates_of(args.mode)) {}

  int64_t step(int64_t i) const { return a.reverse ? a.steps - 1 - i : i; }
  int64_t size(int64_t i) const { return i < 0 || i >= a.steps ? 0 : a.sizes[step(i)]; }
  template <class U>
  StepRows<U> rows(U* data, int64_t columns, int64_t i) const {
    if (!data || i < 0) return {nullptr, 0};
    return {data + a.starts[step(i)] * columns, a.row_step * columns};
  }
  StepRows<T> rows_of(void* data, int64_t columns, int64_t i) const {
    return rows(static_cast<T*>(data), columns, i);
  }
  StepRows<const T> rows_of(const void* data, int64_t columns, int64_t i) const {
    return rows(static_cast<const T*>(data), columns, i);
  }

  // c = x w + beta c + bias, w as (k x n) with the given strides.
  void multiply(int64_t m, int64_t n, int64_t k, const T* x, int64_t x_stride, const T* w,
                int64_t w_rs, int64_t w_cs, T* c, int64_t c_stride, double beta,
                const T* bias) const {
    GemmArgs g{};
    g.dtype = a.dtype;
    g.batch = 1, g.m = m, g.n = n, g.k = k;
    g.a = x, g.a_rs = x_stride, g.a_cs = 1;
    g.b = w, g.b_rs = w_rs, g.b_cs = w_cs;
    g.c = c, g.c_rs = c_stride, g.c_cs = 1;
    g.beta = beta;
    g.bias = bias;
    gemm(g);
  }

  void copy_rows(T* to, int64_t to_stride, const T* from, int64_t from_stride, int64_t count,
                 int64_t columns) const {
    if (count == 0 || columns == 0) return;
    copy(matrix(to, a.dtype, count, columns, to_stride),
         matrix(from, a.dtype, count, columns, from_stride));
  }

  void forward() const {
    const int64_t H = a.hidden, P = a.width, row = gates * H;
    const bool lstm = a.mode == RecurrentMode::lstm, gru = a.mode == RecurrentMode::gru;
    const Scratch state_memory(a.h_last ? 0 : size_t(a.batch * P) * sizeof(T)),
        cell_memory(a.c_last || !lstm ? 0 : size_t(a.batch * H) * sizeof(T));
    T* state = a.h_last ? static_cast<T*>(a.h_last) : state_memory.as<T>();
    T* cell = a.c_last ? static_cast<T*>(a.c_last) : cell_memory.as<T>();
    copy_rows(state, P, static_cast<const T*>(a.h0), P, a.batch, P);
    if (lstm) copy_rows(cell, H, static_cast<const T*>(a.c0), H, a.batch, H);
    const T* weight = static_cast<const T*>(a.weight);
    const T* bias = static_cast<const T*>(a.bias);
    for (int64_t i = 0; i < a.steps; ++i) {
      const int64_t n = size(i);
      const StepRows<T> g = rows_of(a.gates, row, i), extra = rows_of(a.extra, H, i);
      const int64_t sums = gru ? 2 * H : row;
      multiply(n, sums, P, state, P, weight, 1, P, g.data, g.stride, 1, bias);
      if (gru)
        multiply(n, H, P, state, P, weight + sums * P, 1, P, extra.data, extra.stride, 0,
                 bias ? bias + sums : nullptr);
      const StepRows<T> out = rows_of(a.out, P, i),
                        result = a.projection ? rows_of(a.unprojected, H, i) : out;
      const ForwardStep<T> s{a.mode,   n, H, g, extra, result, {a.projection ? nullptr : state, P},
                             {cell, H}};
      PG_LAUNCH_INDEPENDENT((forward_gates_kernel<T>), dim3(grid_for(n * H, kThreads)),
                            dim3(kThreads), 0, current_stream(), s);
      if (!a.projection) continue;
      multiply(n, P, H, result.data, result.stride, static_cast<const T*>(a.projection), 1, H,
               state, P, 0, nullptr);
      copy_rows(out.data, out.stride, state, P, n, P);
    }
  }

  // The gradient of the state before step i out of that of its gates.
  void send_back(const RecurrentGrads& d, int64_t i, T* state) const {
    const int64_t n = size(i), H = a.hidden, P = a.width;
    if (n == 0) return;
    const bool gru = a.mode == RecurrentMode::gru;
    const int64_t depth = gru ? 2 * H : gates * H;
    const StepRows<T> g = rows_of(d.gates, gates * H, i);
    const T* weight = static_cast<const T*>(a.weight);
    multiply(n, P, depth, g.data, g.stride, weight, P, 1, state, P, gru ? 1 : 0, nullptr);
    if (!gru) return;
    const StepRows<T> extra = rows_of(d.extra, H, i);
    multiply(n, P, H, extra.data, extra.stride, weight + depth * P, P, 1, state, P, 1, nullptr);
  }

  void begin(T* to, const void* from, int64_t columns) const {
    if (from)
      copy_rows(to, columns, static_cast<const T*>(from), columns, a.batch, columns);
    else
      fill(matrix(to, a.dtype, a.batch, columns, columns), Scalar(0));
  }

  void backward(const RecurrentGrads& d) const {
    const int64_t H = a.hidden, P = a.width;
    T *state = static_cast<T*>(d.h0), *cell = static_cast<T*>(d.c0);
    begin(state, d.h_last, P);
    if (cell) begin(cell, d.c_last, H);
    const Scratch memory(a.projection ? size_t(a.batch * H) * sizeof(T) : 0);
    const bool lstm = a.mode == RecurrentMode::lstm;
    for (int64_t i = a.steps - 1; i >= 0; --i) {
      const int64_t n = size(i);
      send_back(d, i + 1, state);
      const View whole = matrix(state, a.dtype, n, P, P);
      if (d.out) {
        const StepRows<const T> out = rows_of(d.out, P, i);
        binary(BinaryOp::add, whole, whole, matrix(out.data, a.dtype, n, P, out.stride));
      }
      T* slopes = state;
      if (a.projection) {
        const StepRows<T> projected = rows_of(d.projected, P, i);
        copy_rows(projected.data, projected.stride, state, P, n, P);
        slopes = memory.as<T>();
        multiply(n, H, P, state, P, static_cast<const T*>(a.projection), H, 1, slopes, H, 0,
                 nullptr);
      }
      const void *before = lstm ? a.extra : a.out, *first = lstm ? a.c0 : a.h0;
      const BackwardStep<T> s{a.mode,
                              n,
                              H,
                              rows_of(static_cast<const void*>(a.gates), gates * H, i),
                              rows_of(static_cast<const void*>(a.extra), H, i),
                              rows_of(before, H, i - 1),
                              {static_cast<const T*>(first), H},
                              size(i - 1),
                              rows_of(d.gates, gates * H, i),
                              rows_of(d.extra, H, i),
                              {slopes, H},
                              {cell, H}};
      PG_LAUNCH_INDEPENDENT((backward_gates_kernel<T>), dim3(grid_for(n * H, kThreads)),
                            dim3(kThreads), 0, current_stream(), s);
    }
    send_back(d, 0, state);
  }
};

}  // namespace

void recurrent(const RecurrentArgs& args) {
  if (args.dtype == DType::Float64)
    Layer<double>(args).forward();
  else if (args.dtype == DType::Float32)
    Layer<float>(args).forward();
  else
    unsupported("recurrent", args.dtype);
}

void recurrent_backward(const RecurrentArgs& args, const RecurrentGrads& grads) {
  if (args.dtype == DType::Float64)
    Layer<double>(args).backward(grads);
  else if (args.dtype == DType::Float32)
    Layer<float>(args).backward(grads);
  else
    unsupported("recurrent_backward", args.dtype);
}

}  // namespace pygrad::cuda
