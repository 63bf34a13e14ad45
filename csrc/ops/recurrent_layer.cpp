// One recurrent layer in one direction: a product for the input's projection of all steps, the
// kernel that runs the steps, and in backward a product per weight over all steps at once. Under
// create_graph the gradients are those of the layer composed from public ops.
#include "csrc/autograd/engine.h"
#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/products.h"
#include "csrc/ops/recurrent.h"

namespace pygrad {
namespace {

int64_t gates_of(RecurrentMode mode) {
  return mode == RecurrentMode::lstm ? 4 : mode == RecurrentMode::gru ? 3 : 1;
}

// The rows of each step: sequence b of step t has row starts[t] + b * row_step.
struct Steps {
  std::vector<int64_t> sizes, starts;
  int64_t row_step = 1, batch, rows;

  Steps(const char* op, StepLayout layout, const Tensor& input, const Tensor& batch_sizes) {
    if (layout == StepLayout::packed) {
      read_sizes(op, batch_sizes);
      PG_CHECK(rows == input.size(0), op, "(): batch_sizes sum to ", rows,
               ", but the packed data has ", input.size(0), " rows; expected them to be equal");
      return;
    }
    const bool batch_first = layout == StepLayout::batch_first;
    const int64_t steps = layout == StepLayout::single ? 1 : input.size(batch_first ? 1 : 0);
    batch = input.size(layout == StepLayout::time_first ? 1 : 0);
    rows = steps * batch;
    if (batch_first) row_step = steps;
    PG_CHECK(steps > 0, op, "(): Expected sequence length to be larger than 0 in RNN; got input ",
             input.sizes());
    sizes.assign(size_t(steps), batch);
    for (int64_t t = 0; t < steps; ++t) starts.push_back(batch_first ? t : t * batch);
  }
  int64_t count() const { return int64_t(sizes.size()); }

 private:
  void read_sizes(const char* op, const Tensor& given) {
    PG_CHECK(given.dim() == 1 && given.dtype() == DType::Int64 && given.numel() > 0, op,
             "(): batch_sizes must be a 1-D int64 tensor with a size per step; got shape ",
             given.sizes(), ", ", given.dtype());
    const Tensor batch_sizes = to_device(given, Device{});
    rows = 0;
    for (int64_t t = 0; t < batch_sizes.size(0); ++t) {
      const int64_t n = batch_sizes.data_as<const int64_t>()[t * batch_sizes.stride(0)];
      PG_CHECK(n > 0 && (t == 0 || n <= sizes.back()), op, "(): batch_sizes[", t, "] is ", n,
               "; expected sizes above 0 that do not grow");
      sizes.push_back(n);
      starts.push_back(rows);
      rows += n;
    }
    batch = sizes[0];
  }
};

void check_sizes(const char* op, const char* name, const Tensor& t, const Tensor& input,
                 std::initializer_list<int64_t> sizes) {
  check_same_device(op, input, t, "input", name);
  check_same_dtype(op, input, t, "input", name);
  PG_CHECK(Shape::same(t.sizes(), Shape(sizes)), op, "(): ", name, " has shape ", t.sizes(),
           "; expected ", Shape(sizes), " for input ", input.sizes());
}

// Checks every operand against the others; returns the number of units.
int64_t check_operands(const RecurrentKind& kind, const Tensor& input, int64_t batch,
                       const Tensor& h0, const Tensor& c0, const RecurrentWeights& w) {
  const char* op = kind.op;
  const int64_t gates = gates_of(kind.mode);
  PG_CHECK(w.ih.dim() == 2 && w.ih.size(0) > 0 && w.ih.size(0) % gates == 0, op,
           "(): weight_ih has shape ", w.ih.sizes(), "; expected (", gates,
           " * hidden_size, input_size)");
  const int64_t hidden = w.ih.size(0) / gates;
  PG_CHECK(input.size(-1) == w.ih.size(1), op,
           "(): input.size(-1) must be equal to input_size. Expected ", w.ih.size(1), ", got ",
           input.size(-1), " (input ", input.sizes(), ")");
  const int64_t width = w.hr.defined() ? w.hr.size(0) : hidden;
  check_sizes(op, "weight_ih", w.ih, input, {gates * hidden, input.size(-1)});
  check_sizes(op, "weight_hh", w.hh, input, {gates * hidden, width});
  if (w.bias_ih.defined()) check_sizes(op, "bias_ih", w.bias_ih, input, {gates * hidden});
  if (w.bias_hh.defined()) check_sizes(op, "bias_hh", w.bias_hh, input, {gates * hidden});
  if (w.hr.defined()) check_sizes(op, "weight_hr", w.hr, input, {width, hidden});
  check_sizes(op, "the hidden state", h0, input, {batch, width});
  if (c0.defined()) check_sizes(op, "the cell state", c0, input, {batch, hidden});
  return hidden;
}

// A contiguous (rows, columns) alias without history.
Tensor as_rows(const Tensor& t, int64_t rows, int64_t columns) {
  const GradGuard off(false);
  const Tensor c = contiguous(t);
  return alias(c, Shape{rows, columns}, Shape{columns, 1}, c.offset());
}

Tensor columns_of(const Tensor& t, int64_t first, int64_t count) {
  return alias(t, Shape{t.size(0), count}, Shape{t.stride(0), 1}, t.offset() + first);
}
Tensor flipped(const Tensor& t) {
  return alias(t, Shape{t.size(1), t.size(0)}, Shape{t.stride(1), t.stride(0)}, t.offset());
}

void* data_or_null(const Tensor& t) { return t.defined() ? t.data() : nullptr; }

// --- composed of public ops ---------------------------------------------------------------------

// One step; `projected` is the input's part.
std::pair<Tensor, Tensor> composed_step(RecurrentMode mode, const Tensor& projected,
                                        const Tensor& h, const Tensor& c,
                                        const RecurrentWeights& w) {
  const Tensor state = linear(h, w.hh, w.bias_hh);
  const int64_t n = w.ih.size(0) / gates_of(mode);
  const auto part = [n](const Tensor& t, int64_t gate) { return narrow(t, 1, gate * n, n); };
  switch (mode) {
    case RecurrentMode::tanh:
      return {tanh(add(projected, state)), Tensor()};
    case RecurrentMode::relu:
      return {relu(add(projected, state)), Tensor()};
    case RecurrentMode::gru: {
      const Tensor reset = sigmoid(add(part(projected, 0), part(state, 0))),
                   update = sigmoid(add(part(projected, 1), part(state, 1)));
      const Tensor fresh = tanh(add(part(projected, 2), mul(reset, part(state, 2))));
      return {add(fresh, mul(update, sub(h, fresh))), Tensor()};
    }
    default: {
      const Tensor sums = add(projected, state);
      const Tensor cell =
          add(mul(sigmoid(part(sums, 1)), c), mul(sigmoid(part(sums, 0)), tanh(part(sums, 2))));
      const Tensor out = mul(sigmoid(part(sums, 3)), tanh(cell));
      return {w.hr.defined() ? linear(out, w.hr, Tensor()) : out, cell};
    }
  }
}

RecurrentResult composed_layer(const RecurrentKind& kind, const Tensor& input,
                               const Tensor& batch_sizes, const Tensor& h0, const Tensor& c0,
                               const RecurrentWeights& w) {
  const Steps steps(kind.op, kind.layout, input, batch_sizes);
  const Tensor projected = linear(input, w.ih, w.bias_ih);
  TensorList inputs;
  if (kind.layout == StepLayout::single) inputs = {projected};
  if (kind.layout == StepLayout::time_first) inputs = unbind(projected, 0);
  if (kind.layout == StepLayout::batch_first) inputs = unbind(projected, 1);
  if (kind.layout == StepLayout::packed)
    for (size_t t = 0; t < steps.sizes.size(); ++t)
      inputs.push_back(narrow(projected, 0, steps.starts[t], steps.sizes[t]));
  TensorList outputs(inputs.size());
  const TensorList first = c0.defined() ? TensorList{h0, c0} : TensorList{h0};
  TensorList state;
  std::vector<TensorList> ended;
  int64_t live = 0;
  for (int64_t i = 0; i < steps.count(); ++i) {
    const int64_t t = kind.reverse ? steps.count() - 1 - i : i, size = steps.sizes[size_t(t)];
    if (i == 0)
      for (const Tensor& part : first) state.push_back(narrow(part, 0, 0, size));
    if (i > 0 && size < live) {  // some sequences are over: put their state aside
      TensorList over;
      for (Tensor& part : state) {
        over.push_back(narrow(part, 0, size, live - size));
        part = narrow(part, 0, 0, size);
      }
      ended.push_back(over);
    }
    if (i > 0 && size > live)  // walking backwards, some begin
      for (size_t k = 0; k < state.size(); ++k)
        state[k] = cat({state[k], narrow(first[k], 0, live, size - live)}, 0);
    live = size;
    const auto [h, c] = composed_step(kind.mode, inputs[size_t(t)], state[0],
                                      c0.defined() ? state[1] : Tensor(), w);
    state = c.defined() ? TensorList{h, c} : TensorList{h};
    outputs[size_t(t)] = h;
  }
  for (size_t k = 0; k < state.size(); ++k) {
    TensorList pieces{state[k]};
    for (size_t e = ended.size(); e-- > 0;) pieces.push_back(ended[e][k]);
    if (pieces.size() > 1) state[k] = cat(pieces, 0);
  }
  const Tensor out = kind.layout == StepLayout::single ? outputs[0]
                     : kind.layout == StepLayout::packed
                         ? cat(outputs, 0)
                         : stack(outputs, kind.layout == StepLayout::batch_first ? 1 : 0);
  return {out, state[0], c0.defined() ? state[1] : Tensor()};
}

// --- backward -----------------------------------------------------------------------------------

// Places in saved(); the first eight are the recorded inputs.
enum Kept {
  kInput,
  kH0,
  kC0,
  kWeightIh,
  kWeightHh,
  kBiasIh,
  kBiasHh,
  kWeightHr,
  kBatchSizes,
  kGates,
  kExtra,
  kUnprojected,
  kOut,
};
constexpr size_t kInputs = 8;

Grads composed_gradients(const Node& node, GradSpan grads, const RecurrentKind& kind) {
  // Views, so that an operand given twice has two gradients.
  TensorList operands, wanted;
  for (size_t i = 0; i < kInputs; ++i) {
    const Tensor t = node.saved(i);
    operands.push_back(node.needs(i) ? view(t, t.shape()) : t);
    if (node.needs(i)) wanted.push_back(operands.back());
  }
  const RecurrentResult r =
      composed_layer(kind, operands[kInput], node.saved(kBatchSizes), operands[kH0], operands[kC0],
                     {operands[kWeightIh], operands[kWeightHh], operands[kBiasIh],
                      operands[kBiasHh], operands[kWeightHr]});
  const TensorList results =
      kind.layout == StepLayout::single ? TensorList{r.out, r.c} : TensorList{r.out, r.h, r.c};
  TensorList roots, root_grads;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined()) continue;
    roots.push_back(results[i]);
    root_grads.push_back(grads[i]);
  }
  BackwardOptions options;
  options.retain_graph = options.create_graph = options.allow_unused = true;
  options.accumulate = false;
  const std::vector<Tensor> found = run_backward(roots, root_grads, wanted, options);
  Grads result;
  size_t next = 0;
  for (size_t i = 0; i < kInputs; ++i) result.push_back(node.needs(i) ? found[next++] : Tensor());
  return result;
}

// The state before every step, in the rows of that step.
Tensor previous_states(const RecurrentKind& kind, const Steps& s, const Tensor& out,
                       const Tensor& h0) {
  const int64_t width = out.size(1), n = s.count();
  const Tensor result = empty(out.sizes(), out.dtype(), out.device());
  const auto block = [&](const Tensor& t, int64_t first_step, int64_t count, int64_t size) {
    const int64_t apart = n > 1 ? s.starts[1] - s.starts[0] : 0;
    return alias(t, Shape{count, size, width}, Shape{apart * width, s.row_step * width, 1},
                 t.offset() + s.starts[size_t(first_step)] * width);
  };
  const auto first = [&](int64_t begin, int64_t size) {
    return alias(h0, Shape{1, size, width}, Shape{0, width, 1}, h0.offset() + begin * width);
  };
  if (kind.layout != StepLayout::packed) {  // equal sizes: all steps but one are one copy
    const int64_t begin = kind.reverse ? n - 1 : 0;
    copy_data(block(result, begin, 1, s.batch), first(0, s.batch));
    if (n > 1)
      copy_data(block(result, kind.reverse ? 0 : 1, n - 1, s.batch),
                block(out, kind.reverse ? 1 : 0, n - 1, s.batch));
    return result;
  }
  for (int64_t t = 0; t < n; ++t) {
    const int64_t from = kind.reverse ? t + 1 : t - 1, size = s.sizes[size_t(t)];
    const int64_t had = from < 0 || from >= n ? 0 : std::min(size, s.sizes[size_t(from)]);
    if (had > 0) copy_data(block(result, t, 1, had), block(out, from, 1, had));
    if (size > had) {
      const Tensor rest = block(result, t, 1, size);
      copy_data(
          alias(rest, Shape{1, size - had, width}, rest.strides(), rest.offset() + had * width),
          first(had, size - had));
    }
  }
  return result;
}

RecurrentArgs arguments(const RecurrentKind& kind, const Steps& s, const Tensor& out,
                        int64_t hidden, int64_t width) {
  RecurrentArgs a{};
  a.dtype = out.dtype();
  a.mode = kind.mode;
  a.reverse = kind.reverse;
  a.steps = s.count();
  a.batch = s.batch;
  a.hidden = hidden;
  a.width = width;
  a.sizes = s.sizes.data();
  a.starts = s.starts.data();
  a.row_step = s.row_step;
  a.out = out.data();
  return a;
}

Grads layer_gradients(const Node& node, GradSpan grads, const RecurrentKind& kind) {
  const Tensor input = node.saved(kInput), out = node.saved(kOut);
  const Steps s(kind.op, kind.layout, input, node.saved(kBatchSizes));
  const RecurrentMode mode = kind.mode;
  const Tensor w_ih = contiguous(node.saved(kWeightIh)), w_hh = contiguous(node.saved(kWeightHh)),
               w_hr = node.saved(kWeightHr), h0 = contiguous(node.saved(kH0)), c0 = node.saved(kC0);
  const int64_t all = w_ih.size(0), hidden = all / gates_of(mode), width = w_hh.size(1);
  const DType dtype = out.dtype();
  const auto fresh = [&](int64_t rows, int64_t columns) {
    return empty(Shape{rows, columns}, dtype, out.device());
  };
  const auto dense = [&](size_t i) {
    return i < grads.size() && grads[i].defined() ? contiguous(grads[i]) : Tensor();
  };
  const bool single = kind.layout == StepLayout::single;
  const Tensor g_out = dense(0), g_h = single ? Tensor() : dense(1),
               g_c = c0.defined() ? dense(single ? 1 : 2) : Tensor();

  const Tensor kept_gates = node.saved(kGates), extra = node.saved(kExtra),
               unprojected = node.saved(kUnprojected),
               dense_c0 = c0.defined() ? contiguous(c0) : c0,
               dense_hr = w_hr.defined() ? contiguous(w_hr) : w_hr;
  const Tensor d_gates = fresh(s.rows, all), d_h = fresh(s.batch, width),
               d_extra = mode == RecurrentMode::gru ? fresh(s.rows, hidden) : Tensor(),
               d_c = c0.defined() ? fresh(s.batch, hidden) : Tensor(),
               d_projected = w_hr.defined() ? fresh(s.rows, width) : Tensor();
  if (s.rows > 0) {
    RecurrentArgs a = arguments(kind, s, out, hidden, width);
    a.weight = w_hh.data();
    a.projection = data_or_null(dense_hr);
    a.h0 = h0.data();
    a.c0 = data_or_null(dense_c0);
    a.gates = kept_gates.defined() ? kept_gates.data() : out.data();
    a.extra = data_or_null(extra);
    a.unprojected = data_or_null(unprojected);
    RecurrentGrads g{};
    g.out = data_or_null(g_out);
    g.h_last = data_or_null(g_h);
    g.c_last = data_or_null(g_c);
    g.gates = d_gates.data();
    g.extra = data_or_null(d_extra);
    g.projected = data_or_null(d_projected);
    g.h0 = d_h.data();
    g.c0 = data_or_null(d_c);
    kernels::recurrent_backward(out.device_type())(a, g);
  }

  Grads result;
  for (size_t i = 0; i < kInputs; ++i) result.push_back(Tensor());
  result[kH0] = d_h;
  result[kC0] = d_c;
  const Tensor x = as_rows(input, s.rows, input.size(-1));
  if (node.needs(kInput)) {
    result[kInput] = empty(input.sizes(), dtype, input.device());
    run_product(as_rows(result[kInput], s.rows, input.size(-1)), d_gates, w_ih);
  }
  if (node.needs(kWeightIh)) {
    result[kWeightIh] = fresh(all, x.size(1));
    run_product(result[kWeightIh], flipped(d_gates), x);
  }
  // The GRU's last gate meets the state by a sum of its own.
  const int64_t shared = d_extra.defined() ? 2 * hidden : all;
  if (node.needs(kWeightHh)) {
    const Tensor before = previous_states(kind, s, as_rows(out, s.rows, width), h0);
    const Tensor d_weight = fresh(all, width);
    const auto rows = [&](int64_t first, int64_t count) {
      return alias(d_weight, Shape{count, width}, Shape{width, 1}, first * width);
    };
    run_product(rows(0, shared), flipped(columns_of(d_gates, 0, shared)), before);
    if (d_extra.defined()) run_product(rows(shared, hidden), flipped(d_extra), before);
    result[kWeightHh] = d_weight;
  }
  if (node.needs(kBiasIh) || node.needs(kBiasHh)) {
    const Tensor sums = sum(d_gates, Shape{0}, false);
    if (node.needs(kBiasIh)) result[kBiasIh] = sums;
    if (node.needs(kBiasHh))
      result[kBiasHh] = d_extra.defined()
                            ? cat({narrow(sums, 0, 0, shared), sum(d_extra, Shape{0}, false)}, 0)
                            : sums;
  }
  if (node.needs(kWeightHr)) {
    result[kWeightHr] = fresh(width, hidden);
    run_product(result[kWeightHr], flipped(d_projected), as_rows(unprojected, s.rows, hidden));
  }
  return result;
}

// The same in float, for dtypes in which the kernel does not keep its states.
RecurrentResult layer_in_float(const RecurrentKind& kind, const Tensor& input,
                               const Tensor& batch_sizes, const Tensor& h0, const Tensor& c0,
                               const RecurrentWeights& w) {
  const auto wide = [](const Tensor& t) { return t.defined() ? to(t, DType::Float32) : t; };
  RecurrentResult r =
      recurrent_layer(kind, wide(input), batch_sizes, wide(h0), wide(c0),
                      {wide(w.ih), wide(w.hh), wide(w.bias_ih), wide(w.bias_hh), wide(w.hr)});
  for (Tensor* t : {&r.out, &r.h, &r.c})
    if (t->defined()) *t = to(*t, input.dtype());
  return r;
}

}  // namespace

RecurrentResult recurrent_layer(const RecurrentKind& kind, const Tensor& input,
                                const Tensor& batch_sizes, const Tensor& h0, const Tensor& c0,
                                const RecurrentWeights& w) {
  const Steps s(kind.op, kind.layout, input, batch_sizes);
  const int64_t hidden = check_operands(kind, input, s.batch, h0, c0, w);
  if (!is_floating(input.dtype()))
    raise(ErrorKind::NotImplemented, kind.op, "(): not implemented for ", input.dtype(),
          "; expected a floating dtype. Convert with .float()");
  if (item_size(input.dtype()) == 2) return layer_in_float(kind, input, batch_sizes, h0, c0, w);
  const RecurrentMode mode = kind.mode;
  const bool single = kind.layout == StepLayout::single, lstm = mode == RecurrentMode::lstm;
  const int64_t features = input.size(-1), all = w.ih.size(0), width = w.hh.size(1);
  const auto fresh = [&](int64_t rows, int64_t columns) {
    return empty(Shape{rows, columns}, input.dtype(), input.device());
  };
  Shape sizes = input.shape();
  sizes.back() = width;
  RecurrentResult r;
  r.out = empty(sizes, input.dtype(), input.device());
  // A simple layer's only gate is its output.
  const bool simple = all == hidden;
  Tensor gates = simple ? alias(r.out, Shape{s.rows, all}, Shape{all, 1}, 0) : fresh(s.rows, all);
  const Tensor extra = simple ? Tensor() : fresh(s.rows, hidden),
               unprojected = w.hr.defined() ? fresh(s.rows, hidden) : Tensor();
  if (!single) r.h = fresh(s.batch, width);
  if (lstm) r.c = single ? extra : fresh(s.batch, hidden);

  const Tensor bias_ih = w.bias_ih.defined() ? as_rows(w.bias_ih, 1, all) : Tensor(),
               bias_hh = w.bias_hh.defined() ? as_rows(w.bias_hh, 1, all) : Tensor(),
               dense_hh = as_rows(w.hh, all, width), dense_h0 = as_rows(h0, s.batch, width),
               dense_c0 = c0.defined() ? as_rows(c0, s.batch, hidden) : Tensor(),
               dense_hr = w.hr.defined() ? as_rows(w.hr, width, hidden) : Tensor();
  const Tensor bias =
      bias_ih.defined() ? alias(bias_ih, Shape{all}, Shape{1}, bias_ih.offset()) : Tensor();
  ProductOptions options;
  options.bias = bias.defined() ? &bias : nullptr;
  run_product(gates, as_rows(input, s.rows, features), flipped(w.ih), options);
  if (s.rows > 0) {
    RecurrentArgs a = arguments(kind, s, r.out, hidden, width);
    a.weight = dense_hh.data();
    a.bias = data_or_null(bias_hh);
    a.projection = data_or_null(dense_hr);
    a.h0 = dense_h0.data();
    a.c0 = data_or_null(dense_c0);
    a.gates = gates.data();
    a.extra = data_or_null(extra);
    a.unprojected = data_or_null(unprojected);
    a.h_last = data_or_null(r.h);
    a.c_last = single ? nullptr : data_or_null(r.c);
    kernels::recurrent(input.device_type())(a);
  }
  Tensor outputs[3] = {r.out};
  size_t count = 1;
  if (r.h.defined()) outputs[count++] = r.h;
  if (r.c.defined()) outputs[count++] = r.c;
  if (simple) gates = Tensor();
  record_multi(kind.op, {outputs, count}, {input, h0, c0, w.ih, w.hh, w.bias_ih, w.bias_hh, w.hr},
               saved(input, h0, c0, w.ih, w.hh, w.bias_ih, w.bias_hh, w.hr, batch_sizes, gates,
                     extra, unprojected, r.out),
               [kind](const Node& node, GradSpan grads) {
                 return grad_enabled() ? composed_gradients(node, grads, kind)
                                       : layer_gradients(node, grads, kind);
               });
  return r;
}

}  // namespace pygrad
