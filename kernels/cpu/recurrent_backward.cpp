// The gradients of a recurrent layer with regard to its projected input and its first state; those
// of the weights are products over all steps at once, which the caller makes of them.
//
// Backward through the steps: the state's gradient is what the output of the step got, plus what
// the next step's gates send back through the weight. Parallel and memory plan as in recurrent.cpp:
// a task owns some units, first their column of that product, then their gates.
#include "kernels/cpu/recurrent.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class T>
struct RecurrentGradient {
  const RecurrentArgs& a;
  const RecurrentGrads& g;
  const int64_t gates;
  const StepOrder order;
  const StepWeight<T> weight, projection;
  T *const h, *const c;
  ScratchBuffer<T> unprojected;  // gradient of the results before the projection

  RecurrentGradient(const RecurrentArgs& args, const RecurrentGrads& grads)
      : a(args),
        g(grads),
        gates(gates_of(args.mode)),
        order{args},
        weight(args.weight, gates * args.hidden, 1, args.width, args.width, 1, packing_pays(args)),
        projection(args.projection, args.width, 1, args.hidden, args.hidden, 1, packing_pays(args)),
        h(static_cast<T*>(grads.h0)),
        c(static_cast<T*>(grads.c0)),
        unprojected(args.projection ? args.batch * args.hidden : 0) {
    begin(h, g.h_last, a.batch * a.width);
    if (c) begin(c, g.c_last, a.batch * a.hidden);
  }

  void run() {
    for (int64_t i = a.steps - 1; i >= 0; --i) {
      const int64_t size = order.size(i), later = order.size(i + 1);
      for_units<T>(a.width, weight.packed, later * gates * a.hidden, [&](int64_t u, int64_t n) {
        send_back(i + 1, u, n);
        for_sequences(size, n, [&](int64_t b) {
          add_output(i, b, u, n);
          if (!a.projection) gate_gradients(i, b, h + b * a.width + u, u, n);
        });
      });
      if (a.projection) unproject(i);
    }
    for_units<T>(a.width, weight.packed, order.size(0) * gates * a.hidden,
                 [&](int64_t u, int64_t n) { send_back(0, u, n); });
  }

 private:
  static void begin(T* to, const void* from, int64_t n) {
    if (from)
      memcpy(to, from, size_t(n) * sizeof(T));
    else
      memset(static_cast<void*>(to), 0, size_t(n) * sizeof(T));
  }

  // The gradient of the state before step i out of that of its gates, for units [u, u + n). The
  // GRU's state also passes by the gates: that part is there already.
  void send_back(int64_t i, int64_t u, int64_t n) const {
    const int64_t size = order.size(i), row = gates * a.hidden;
    if (size == 0) return;
    const T* from = order.row(static_cast<const T*>(g.gates), row, i);
    const bool gru = a.mode == RecurrentMode::gru;
    weight.multiply(size, from, a.row_step * row, 0, gru ? 2 * a.hidden : row, 0, u, n, h + u,
                    a.width, gru ? T(1) : T(0), nullptr);
    if (gru)
      weight.multiply(size, order.row(static_cast<const T*>(g.extra), a.hidden, i),
                      a.row_step * a.hidden, 2 * a.hidden, a.hidden, 0, u, n, h + u, a.width, T(1),
                      nullptr);
  }

  void add_output(int64_t i, int64_t b, int64_t u, int64_t n) const {
    T* to = h + b * a.width + u;
    if (g.out) {
      const T* from =
          order.row(static_cast<const T*>(g.out), a.width, i) + b * a.row_step * a.width + u;
      for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
        store_part(to + k, load_part(to + k, l) + load_part(from + k, l), l);
      });
    }
    if (a.projection)
      memcpy(order.row(static_cast<T*>(g.projected), a.width, i) + b * a.row_step * a.width + u, to,
             size_t(n) * sizeof(T));
  }

  void unproject(int64_t i) const {
    const int64_t size = order.size(i);
    const T* from = order.row(static_cast<const T*>(g.projected), a.width, i);
    for_units<T>(a.hidden, projection.packed, size * a.width, [&](int64_t u, int64_t n) {
      projection.multiply(size, from, a.row_step * a.width, 0, a.width, 0, u, n,
                          unprojected.data + u, a.hidden, T(0), nullptr);
      for_sequences(size, n, [&](int64_t b) {
        gate_gradients(i, b, unprojected.data + b * a.hidden + u, u, n);
      });
    });
  }

  // What sequence b's row of a (rows, hidden) matrix held before step i: of the step before, or of
  // the first state.
  const T* previous(const void* matrix, const void* first, int64_t i, int64_t b) const {
    if (b >= order.size(i - 1)) return static_cast<const T*>(first) + b * a.hidden;
    return order.row(static_cast<const T*>(matrix), a.hidden, i - 1) + b * a.row_step * a.hidden;
  }

  // From the gradient `dh` of the state of sequence b to that of its gates, for units [u, u + n).
  void gate_gradients(int64_t i, int64_t b, T* dh, int64_t u, int64_t n) const {
    const int64_t row = b * a.row_step, H = a.hidden;
    const T* y = order.row(static_cast<const T*>(a.gates), gates * H, i) + row * gates * H + u;
    T* d = order.row(static_cast<T*>(g.gates), gates * H, i) + row * gates * H + u;
    switch (a.mode) {
      case RecurrentMode::lstm: {
        const T* now = order.row(static_cast<const T*>(a.extra), H, i) + row * H + u;
        const T* before = previous(a.extra, a.c0, i, b) + u;
        T* dc = c + b * H + u;
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> in = load_part(y + k, l), forget = load_part(y + H + k, l),
                       fresh = load_part(y + 2 * H + k, l), open = load_part(y + 3 * H + k, l);
          const Vec<T> bent = tanh(load_part(now + k, l)), slope = load_part(dh + k, l);
          const Vec<T> cell = fma(slope * open, T(1) - bent * bent, load_part(dc + k, l));
          store_part(d + k, cell * fresh * in * (T(1) - in), l);
          store_part(d + H + k, cell * load_part(before + k, l) * forget * (T(1) - forget), l);
          store_part(d + 2 * H + k, cell * in * (T(1) - fresh * fresh), l);
          store_part(d + 3 * H + k, slope * bent * open * (T(1) - open), l);
          store_part(dc + k, cell * forget, l);
        });
        break;
      }
      case RecurrentMode::gru: {
        const T* inner = order.row(static_cast<const T*>(a.extra), H, i) + row * H + u;
        const T* before = previous(a.out, a.h0, i, b) + u;
        T* d_inner = order.row(static_cast<T*>(g.extra), H, i) + row * H + u;
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> reset = load_part(y + k, l), update = load_part(y + H + k, l),
                       fresh = load_part(y + 2 * H + k, l), slope = load_part(dh + k, l);
          const Vec<T> d_fresh = slope * (T(1) - update) * (T(1) - fresh * fresh);
          store_part(d + k, d_fresh * load_part(inner + k, l) * reset * (T(1) - reset), l);
          store_part(d + H + k,
                     slope * (load_part(before + k, l) - fresh) * update * (T(1) - update), l);
          store_part(d + 2 * H + k, d_fresh, l);
          store_part(d_inner + k, d_fresh * reset, l);
          store_part(dh + k, slope * update, l);
        });
        break;
      }
      case RecurrentMode::tanh:
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          const Vec<T> x = load_part(y + k, l);
          store_part(d + k, load_part(dh + k, l) * (T(1) - x * x), l);
        });
        break;
      case RecurrentMode::relu:
        for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
          store_part(d + k, load_part(y + k, l) > T(0) ? load_part(dh + k, l) : Vec<T>{}, l);
        });
        break;
    }
  }
};

}  // namespace

void recurrent_backward(const RecurrentArgs& args, const RecurrentGrads& grads) {
  if (args.dtype == DType::Float64)
    RecurrentGradient<double>(args, grads).run();
  else if (args.dtype == DType::Float32)
    RecurrentGradient<float>(args, grads).run();
  else
    unsupported("recurrent_backward", args.dtype);
}

}  // namespace pygrad::cpu::PG_ISA_NS
