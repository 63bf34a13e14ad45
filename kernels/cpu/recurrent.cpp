// One layer of an RNN, LSTM or GRU over a sequence, in one direction. The input's projection is
// there already, for all steps at once; a step adds the state's and applies the gates.
//
//   lstm  i, f, g, o: c' = f c + i g, h' = o tanh(c')       gru  r, z, n: n = tanh(x_n + r h_n),
//   tanh, relu: h' = act(x + W h + b)                            h' = n + z (h - n)
//
// Parallel plan: the units of the layer, a panel of them at a time. A task computes all gates of
// its units and then the state, so there is one meeting of the threads in a step (two with a
// projection), and each thread keeps its part of the weight in its cache. Every gate is one sum in
// the order of the state: the bits do not depend on threads.
//
// Memory plan: the weight packed once per call (unless there are too few rows for that), two copies
// of the state, so that a step reads one and writes the other; the gates stay where the projection
// was.
#include "kernels/cpu/recurrent.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class T>
struct RecurrentLayer {
  const RecurrentArgs& a;
  const int64_t gates, state_stride;
  const StepOrder order;
  const StepWeight<T> weight, projection;
  ScratchBuffer<T> states, cells;

  explicit RecurrentLayer(const RecurrentArgs& args)
      : a(args),
        gates(gates_of(args.mode)),
        // Rows a power of two apart would share cache sets.
        state_stride(args.width + kLanes<T>),
        order{args},
        weight(args.weight, args.width, gates, args.hidden, 1, args.width, packing_pays(args)),
        projection(args.projection, args.hidden, 1, args.width, 1, args.hidden, packing_pays(args)),
        states(2 * args.batch * state_stride),
        cells(args.c0 ? args.batch * args.hidden : 0) {
    const T* h = static_cast<const T*>(a.h0);
    for (int64_t b = 0; b < a.batch; ++b)
      for (int copy = 0; copy < 2; ++copy)
        memcpy(states.data + (copy * a.batch + b) * state_stride, h + b * a.width,
               size_t(a.width) * sizeof(T));
    if (a.c0) memcpy(cells.data, a.c0, size_t(a.batch * a.hidden) * sizeof(T));
  }

  void run() {
    for (int64_t i = 0; i < a.steps; ++i) {
      T* next = states.data + (i + 1) % 2 * a.batch * state_stride;
      const T* now = states.data + i % 2 * a.batch * state_stride;
      const int64_t size = order.size(i);
      for_units<T>(a.hidden, weight.packed, size * gates * a.width, [&](int64_t u, int64_t n) {
        add_state(i, now, u, n);
        for_sequences(size, n, [&](int64_t b) { apply_gates(i, b, now, next, u, n); });
      });
      if (a.projection) project(i, next);
    }
    if (a.c_last) memcpy(a.c_last, cells.data, size_t(a.batch * a.hidden) * sizeof(T));
  }

 private:
  // gates += h W^T + b for units [u, u + n) of every gate; the GRU's last one lands in `extra`.
  // Without panels all units are here and the gates lie side by side: one product.
  void add_state(int64_t i, const T* state, int64_t u, int64_t n) const {
    const int64_t row = gates * a.hidden, size = order.size(i);
    T* to = order.row(static_cast<T*>(a.gates), row, i);
    const T* bias = static_cast<const T*>(a.bias);
    const int64_t sums = a.mode == RecurrentMode::gru ? 2 : gates;
    const int64_t at_once = weight.packed ? 1 : sums;
    for (int64_t g = 0; g < sums; g += at_once)
      weight.multiply(size, state, state_stride, 0, a.width, g, u, at_once * n,
                      to + g * a.hidden + u, a.row_step * row, T(1),
                      bias ? bias + g * a.hidden + u : nullptr);
    if (a.mode == RecurrentMode::gru)
      weight.multiply(size, state, state_stride, 0, a.width, 2, u, n,
                      order.row(static_cast<T*>(a.extra), a.hidden, i) + u, a.row_step * a.hidden,
                      T(0), bias ? bias + 2 * a.hidden + u : nullptr);
  }

  // The new state of sequence b, for units [u, u + n).
  void apply_gates(int64_t i, int64_t b, const T* now, T* next, int64_t u, int64_t n) const {
    const int64_t row = b * a.row_step;
    T* g = order.row(static_cast<T*>(a.gates), gates * a.hidden, i) + row * gates * a.hidden + u;
    T* extra =
        a.extra ? order.row(static_cast<T*>(a.extra), a.hidden, i) + row * a.hidden + u : nullptr;
    T* result = a.projection
                    ? order.row(static_cast<T*>(a.unprojected), a.hidden, i) + row * a.hidden + u
                    : order.row(static_cast<T*>(a.out), a.hidden, i) + row * a.hidden + u;
    const T* before = now + b * state_stride + u;
    T* after = next + b * state_stride + u;
    T* cell = cells.data + b * a.hidden + u;
    const int64_t H = a.hidden;
    const bool keep = !a.projection;
    const auto put = [&](int64_t k, int64_t l, Vec<T> h) PG_LANES {
      store_part(result + k, h, l);
      if (keep) store_part(after + k, h, l);
    };
    switch (a.mode) {
      case RecurrentMode::lstm:
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> in = sigmoid(load_part(g + k, l)), forget = sigmoid(load_part(g + H + k, l)),
                       fresh = tanh(load_part(g + 2 * H + k, l)),
                       open = sigmoid(load_part(g + 3 * H + k, l));
          const Vec<T> c = fma(forget, load_part(cell + k, l), in * fresh);
          store_part(g + k, in, l);
          store_part(g + H + k, forget, l);
          store_part(g + 2 * H + k, fresh, l);
          store_part(g + 3 * H + k, open, l);
          store_part(cell + k, c, l);
          store_part(extra + k, c, l);
          put(k, l, open * tanh(c));
        });
        break;
      case RecurrentMode::gru:
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> reset = sigmoid(load_part(g + k, l)),
                       update = sigmoid(load_part(g + H + k, l));
          const Vec<T> fresh =
              tanh(fma(reset, load_part(extra + k, l), load_part(g + 2 * H + k, l)));
          store_part(g + k, reset, l);
          store_part(g + H + k, update, l);
          store_part(g + 2 * H + k, fresh, l);
          put(k, l, fma(update, load_part(before + k, l) - fresh, fresh));
        });
        break;
      case RecurrentMode::tanh:
        for_lanes<T>(n,
                     [&](int64_t k, int64_t l) PG_LANES { put(k, l, tanh(load_part(g + k, l))); });
        break;
      case RecurrentMode::relu:
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> x = load_part(g + k, l);
          put(k, l, x < T(0) ? Vec<T>{} : x);  // NaN stays
        });
        break;
    }
    if (keep) finish(i, b, after, u, n);
  }

  // The state of a sequence that ends with this step.
  void finish(int64_t i, int64_t b, const T* state, int64_t u, int64_t n) const {
    if (!a.h_last || b < order.size(i + 1)) return;
    memcpy(static_cast<T*>(a.h_last) + b * a.width + u, state, size_t(n) * sizeof(T));
  }

  // h' = W_hr m for the results m of the step.
  void project(int64_t i, T* next) const {
    const int64_t size = order.size(i);
    const T* from = order.row(static_cast<T*>(a.unprojected), a.hidden, i);
    T* to = order.row(static_cast<T*>(a.out), a.width, i);
    for_units<T>(a.width, projection.packed, size * a.hidden, [&](int64_t u, int64_t n) {
      projection.multiply(size, from, a.row_step * a.hidden, 0, a.hidden, 0, u, n, next + u,
                          state_stride, T(0), nullptr);
      for (int64_t b = 0; b < size; ++b) {
        const T* h = next + b * state_stride + u;
        memcpy(to + b * a.row_step * a.width + u, h, size_t(n) * sizeof(T));
        finish(i, b, h, u, n);
      }
    });
  }
};

}  // namespace

void recurrent(const RecurrentArgs& args) {
  if (args.dtype == DType::Float64)
    RecurrentLayer<double>(args).run();
  else if (args.dtype == DType::Float32)
    RecurrentLayer<float>(args).run();
  else
    unsupported("recurrent", args.dtype);
}

}  // namespace pygrad::cpu::PG_ISA_NS
