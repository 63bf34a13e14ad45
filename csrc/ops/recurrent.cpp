// lstm, gru, rnn_tanh and rnn_relu over whole sequences, padded or packed: layers and directions,
// one recurrent_layer() each. And the cells: single steps.
#include "csrc/ops/recurrent.h"

#include "csrc/ops/checks.h"
#include "csrc/ops/registry.h"

namespace pygrad {

Tensor dropout(const Tensor& input, double p, bool training);

namespace {

struct Stack {
  const char* op;
  RecurrentMode mode;
  StepLayout layout;
  bool has_biases;
  int64_t num_layers;
  double dropout;
  bool train, bidirectional;
};

int64_t directions_of(const Stack& s) { return s.bidirectional ? 2 : 1; }

// The parameters of each layer and direction, in PyTorch's flat order.
std::vector<RecurrentWeights> weights_of(const Stack& s, const TensorList& params) {
  const int64_t count = s.num_layers * directions_of(s);
  PG_CHECK(s.num_layers > 0, s.op, "(): num_layers is ", s.num_layers, "; expected 1 or more");
  const int64_t each = s.has_biases ? 4 : 2, given = int64_t(params.size());
  const bool projected = s.mode == RecurrentMode::lstm && given == count * (each + 1);
  PG_CHECK(projected || given == count * each, s.op, "(): ", given, " parameters for ",
           s.num_layers, " layers in ", directions_of(s), " directions; expected ", each,
           " for each layer and direction");
  std::vector<RecurrentWeights> result;
  for (int64_t i = 0; i < count; ++i) {
    const Tensor* p = &params[size_t(i * (each + projected))];
    RecurrentWeights w{p[0], p[1], {}, {}, {}};
    if (s.has_biases) w.bias_ih = p[2], w.bias_hh = p[3];
    if (projected) w.hr = p[each];
    result.push_back(w);
  }
  return result;
}

void check_state(const Stack& s, const char* what, const Tensor& state, int64_t count) {
  PG_CHECK(state.dim() == 3 && state.size(0) == count, s.op, "(): ", what, " has shape ",
           state.sizes(), "; expected (", count, ", batch, size) for ", s.num_layers, " layers in ",
           directions_of(s), " directions");
}

Tensor stacked(const TensorList& states) {
  return states.size() == 1 ? unsqueeze(states[0], 0) : stack(states, 0);
}

// All layers; c0 is undefined except for an LSTM.
RecurrentResult run_stack(const Stack& s, const Tensor& input, const Tensor& batch_sizes,
                          const Tensor& h0, const Tensor& c0, const TensorList& params) {
  const int64_t dims = s.layout == StepLayout::packed ? 2 : 3;
  PG_CHECK(input.dim() == dims, s.op, "(): input has shape ", input.sizes(), "; expected ", dims,
           " dimensions");
  PG_CHECK(s.dropout >= 0 && s.dropout <= 1, s.op,
           "(): dropout probability has to be between 0 and 1, but got ", s.dropout);
  const std::vector<RecurrentWeights> weights = weights_of(s, params);
  const int64_t count = int64_t(weights.size()), directions = directions_of(s);
  check_state(s, "the hidden state", h0, count);
  if (c0.defined()) check_state(s, "the cell state", c0, count);
  TensorList h, c;
  Tensor rows = input;
  for (int64_t layer = 0; layer < s.num_layers; ++layer) {
    TensorList outputs;
    for (int64_t d = 0; d < directions; ++d) {
      const int64_t i = layer * directions + d;
      const RecurrentKind kind{s.op, s.mode, s.layout, d == 1};
      const RecurrentResult r =
          recurrent_layer(kind, rows, batch_sizes, select(h0, 0, i),
                          c0.defined() ? select(c0, 0, i) : Tensor(), weights[size_t(i)]);
      outputs.push_back(r.out);
      h.push_back(r.h);
      if (r.c.defined()) c.push_back(r.c);
    }
    rows = directions == 1 ? outputs[0] : cat(outputs, -1);
    if (layer + 1 < s.num_layers) rows = dropout(rows, s.dropout, s.train);
  }
  return {rows, stacked(h), c.empty() ? Tensor() : stacked(c)};
}

StepLayout padded_layout(bool batch_first) {
  return batch_first ? StepLayout::batch_first : StepLayout::time_first;
}

void check_pair(const char* op, const TensorList& hx) {
  PG_CHECK(hx.size() == 2, op, "(): hx holds ", hx.size(),
           " tensors; expected two, the hidden and the cell state (", op, " expects two hidden ",
           "states)");
}

template <RecurrentMode mode>
constexpr const char* kOpName = mode == RecurrentMode::gru    ? "gru"
                                : mode == RecurrentMode::tanh ? "rnn_tanh"
                                                              : "rnn_relu";

template <RecurrentMode mode>
std::tuple<Tensor, Tensor> padded(const Tensor& input, const Tensor& hx, const TensorList& params,
                                  bool has_biases, int64_t num_layers, double dropout, bool train,
                                  bool bidirectional, bool batch_first) {
  const Stack s{kOpName<mode>, mode,         padded_layout(batch_first),
                has_biases,    num_layers,   dropout,
                train,         bidirectional};
  const RecurrentResult r = run_stack(s, input, Tensor(), hx, Tensor(), params);
  return {r.out, r.h};
}

template <RecurrentMode mode>
std::tuple<Tensor, Tensor> packed(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx,
                                  const TensorList& params, bool has_biases, int64_t num_layers,
                                  double dropout, bool train, bool bidirectional) {
  const Stack s{kOpName<mode>, mode,  StepLayout::packed, has_biases, num_layers,
                dropout,       train, bidirectional};
  const RecurrentResult r = run_stack(s, data, batch_sizes, hx, Tensor(), params);
  return {r.out, r.h};
}

std::tuple<Tensor, Tensor, Tensor> lstm_padded(const Tensor& input, const TensorList& hx,
                                               const TensorList& params, bool has_biases,
                                               int64_t num_layers, double dropout, bool train,
                                               bool bidirectional, bool batch_first) {
  check_pair("lstm", hx);
  const Stack s{"lstm",     RecurrentMode::lstm, padded_layout(batch_first),
                has_biases, num_layers,          dropout,
                train,      bidirectional};
  const RecurrentResult r = run_stack(s, input, Tensor(), hx[0], hx[1], params);
  return {r.out, r.h, r.c};
}

std::tuple<Tensor, Tensor, Tensor> lstm_packed(const Tensor& data, const Tensor& batch_sizes,
                                               const TensorList& hx, const TensorList& params,
                                               bool has_biases, int64_t num_layers, double dropout,
                                               bool train, bool bidirectional) {
  check_pair("lstm", hx);
  const Stack s{"lstm", RecurrentMode::lstm, StepLayout::packed, has_biases, num_layers, dropout,
                train,  bidirectional};
  const RecurrentResult r = run_stack(s, data, batch_sizes, hx[0], hx[1], params);
  return {r.out, r.h, r.c};
}

// --- cells --------------------------------------------------------------------------------------

RecurrentResult step(const char* op, RecurrentMode mode, const Tensor& input, const Tensor& h,
                     const Tensor& c, const RecurrentWeights& w) {
  PG_CHECK(input.dim() == 1 || input.dim() == 2, op, "(): input has shape ", input.sizes(),
           "; expected 1 or 2 dimensions");
  const RecurrentKind kind{op, mode, StepLayout::single, false};
  if (input.dim() == 2) return recurrent_layer(kind, input, Tensor(), h, c, w);
  PG_CHECK(h.dim() == 1 && (!c.defined() || c.dim() == 1), op, "(): the hidden state has shape ",
           h.sizes(), "; expected 1 dimension as the input ", input.sizes(), " has");
  RecurrentResult r = recurrent_layer(kind, unsqueeze(input, 0), Tensor(), unsqueeze(h, 0),
                                      c.defined() ? unsqueeze(c, 0) : c, w);
  r.out = squeeze(r.out, 0);
  if (r.c.defined()) r.c = squeeze(r.c, 0);
  return r;
}

template <RecurrentMode mode>
constexpr const char* kCellName = mode == RecurrentMode::gru    ? "gru_cell"
                                  : mode == RecurrentMode::tanh ? "rnn_tanh_cell"
                                                                : "rnn_relu_cell";

template <RecurrentMode mode>
Tensor cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh,
            const Tensor& b_ih, const Tensor& b_hh) {
  return step(kCellName<mode>, mode, input, hx, Tensor(), {w_ih, w_hh, b_ih, b_hh, {}}).out;
}

}  // namespace

std::tuple<Tensor, Tensor> lstm_cell(const Tensor& input, const TensorList& hx, const Tensor& w_ih,
                                     const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  check_pair("lstm_cell", hx);
  const RecurrentResult r =
      step("lstm_cell", RecurrentMode::lstm, input, hx[0], hx[1], {w_ih, w_hh, b_ih, b_hh, {}});
  return {r.out, r.c};
}

#define PG_STACK_ARGS                                                                  \
  "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool " \
  "bidirectional"

PG_OP_NAMED("lstm", &lstm_padded,
            "(Tensor input, Tensor[] hx, " PG_STACK_ARGS
            ", bool batch_first) -> (Tensor, Tensor, Tensor)",
            R"(Long short-term memory over a sequence; what nn.LSTM runs.

Args:
    input: (steps, batch, features), or (batch, steps, features) with batch_first.
    hx: the first hidden and cell state, (layers * directions, batch, size) each.
    params: weight_ih, weight_hh, with has_biases bias_ih and bias_hh, and with a projection
        weight_hr, for each layer and direction.
    has_biases: whether the parameters hold biases.
    num_layers: layers, each over the outputs of the one before.
    dropout: probability of dropping an output between layers while training.
    train: whether anything is dropped.
    bidirectional: whether to run backwards too and join the outputs.
    batch_first: the layout of input and output.

Returns:
    The outputs of the last layer, and the last hidden and cell states.

Raises:
    RuntimeError: when shapes, dtypes or devices do not fit.

Example:
    >>> w = [pygrad.ones(8, 3), pygrad.ones(8, 2)]
    >>> state = [pygrad.zeros(1, 4, 2)] * 2
    >>> out, h, c = pygrad.lstm(pygrad.ones(5, 4, 3), state, w, False, 1, 0., False, False, False)
    >>> out.shape, h.shape
    (torch.Size([5, 4, 2]), torch.Size([1, 4, 2]))
)")
    .composed();
PG_OP_NAMED("lstm", &lstm_packed,
            "(Tensor data, Tensor batch_sizes, Tensor[] hx, " PG_STACK_ARGS
            ") -> (Tensor, Tensor, Tensor)",
            R"(The same over packed sequences: rows sorted by time, batch_sizes of them per step.)")
    .composed();

#define PG_RECURRENT_STACK(NAME, MODE, GATES, TEXT)                                           \
  PG_OP_NAMED(NAME, &padded<RecurrentMode::MODE>,                                             \
              "(Tensor input, Tensor hx, " PG_STACK_ARGS                                      \
              ", bool batch_first) -> (Tensor, Tensor)",                                      \
              TEXT                                                                            \
              " over a sequence; arguments as for lstm(), but one state.\n\n"                 \
              "Example:\n"                                                                    \
              "    >>> w = [pygrad.ones(2 * " GATES ", 3), pygrad.ones(2 * " GATES            \
              ", 2)]\n"                                                                       \
              "    >>> x, h = pygrad.ones(5, 4, 3), pygrad.zeros(1, 4, 2)\n"                  \
              "    >>> pygrad." NAME                                                          \
              "(x, h, w, False, 1, 0., False, False, False)[0].shape\n"                       \
              "    torch.Size([5, 4, 2])\n")                                                  \
      .composed();                                                                            \
  PG_OP_NAMED(NAME, &packed<RecurrentMode::MODE>,                                             \
              "(Tensor data, Tensor batch_sizes, Tensor hx, " PG_STACK_ARGS                   \
              ") -> (Tensor, Tensor)",                                                        \
              "The same over packed sequences: rows sorted by time, batch_sizes of them per " \
              "step.")                                                                        \
      .composed()
PG_RECURRENT_STACK("gru", gru, "3", "Gated recurrent units");
PG_RECURRENT_STACK("rnn_tanh", tanh, "1", "An Elman network with tanh");
PG_RECURRENT_STACK("rnn_relu", relu, "1", "An Elman network with ReLU");

#define PG_CELL_ARGS "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"

PG_OP(lstm_cell, "(Tensor input, Tensor[] hx, " PG_CELL_ARGS ") -> (Tensor, Tensor)",
      R"(One step of an LSTM: c' = f c + i g and h' = o tanh(c').

Args:
    input: (batch, features), or (features).
    hx: the hidden and the cell state, (batch, hidden) or (hidden) each.
    w_ih: (4 hidden, features), the gates in the order i, f, g, o.
    w_hh: (4 hidden, hidden).
    b_ih: (4 hidden), or None.
    b_hh: (4 hidden), or None.

Returns:
    The new hidden and cell state.

Example:
    >>> state = [pygrad.zeros(1, 2), pygrad.zeros(1, 2)]
    >>> h, c = pygrad.lstm_cell(pygrad.ones(1, 3), state, pygrad.ones(8, 3), pygrad.ones(8, 2))
    >>> h.shape
    torch.Size([1, 2])
)")
.composed();

#define PG_RECURRENT_CELL(NAME, MODE, GATES, TEXT)                                 \
  PG_OP_NAMED(NAME, &cell<RecurrentMode::MODE>,                                    \
              "(Tensor input, Tensor hx, " PG_CELL_ARGS ") -> Tensor",             \
              "One step of " TEXT                                                  \
              ": the new hidden state; arguments as for lstm_cell(), "             \
              "but one state.\n\n"                                                 \
              "Example:\n"                                                         \
              "    >>> w = [pygrad.ones(2 * " GATES ", 3), pygrad.ones(2 * " GATES \
              ", 2)]\n"                                                            \
              "    >>> pygrad." NAME                                               \
              "(pygrad.ones(1, 3), pygrad.zeros(1, 2), *w).shape\n"                \
              "    torch.Size([1, 2])\n")                                          \
      .composed()
PG_RECURRENT_CELL("gru_cell", gru, "3", "gated recurrent units, in the order r, z, n");
PG_RECURRENT_CELL("rnn_tanh_cell", tanh, "1", "an Elman network with tanh");
PG_RECURRENT_CELL("rnn_relu_cell", relu, "1", "an Elman network with ReLU");

}  // namespace pygrad
