// scaled_dot_product_attention as one kernel each way, which keep the log-sum-exp of every row
// instead of the weights. Where the weights themselves are wanted (a mask that requires grad, or
// gradients under create_graph) the same is composed from public ops.
#include <cmath>

#include "csrc/ops/pointwise.h"
#include "csrc/ops/random.h"

namespace pygrad {
namespace {

constexpr const char* kName = "scaled_dot_product_attention";

// Query, key, value and mask over the same leading dimensions, without history or copies.
struct Heads {
  Tensor query, key, value, mask;  // the mask may be undefined
  Shape lead;

  Heads(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& m) {
    lead = lead_of(q);
    for (const Tensor* t : {&k, &v}) lead = broadcast_shapes(kName, lead, lead_of(*t));
    query = over(q, q.size(-2), q.size(-1));
    key = over(k, k.size(-2), k.size(-1));
    value = over(v, v.size(-2), v.size(-1));
    if (m.defined()) mask = over(m, q.size(-2), k.size(-2));
  }
  Shape shape(int64_t rows, int64_t columns) const {
    Shape s = lead;
    s.push_back(rows);
    s.push_back(columns);
    return s;
  }

 private:
  static Shape lead_of(const Tensor& t) { return Shape(t.sizes().first(size_t(t.dim() - 2))); }
  Tensor over(const Tensor& t, int64_t rows, int64_t columns) const {
    const Shape sizes = shape(rows, columns);
    const View v = t.view_expanded(sizes);
    return alias(t, sizes, Sizes{v.strides, size_t(v.ndim)}, t.offset());
  }
};

// A result of `columns` per row whose dimensions lie in memory in the order of the query's: heads
// that were split off a row of features come back side by side.
Tensor empty_rows(const Heads& h, const Tensor& like, int64_t columns) {
  const Shape sizes = h.shape(like.size(-2), columns);
  return empty_like(alias(like, sizes, like.strides(), 0));
}

bool wants_graph(std::initializer_list<TensorRef> tensors) {
  return grad_enabled() && any_requires_grad(Inputs{tensors.begin(), tensors.size()});
}

// The weights before dropout, composed and differentiable.
Tensor composed_weights(const Tensor& query, const Tensor& key, const Tensor& mask,
                        const AttentionParams& p) {
  Tensor scores = matmul(mul(query, Scalar(p.scale)), transpose(key, -2, -1));
  if (!mask.defined() && !p.causal) return softmax(scores, -1, std::nullopt);
  const Scalar nothing(-INFINITY);
  if (p.causal) {
    const auto positions = [&](int64_t n) {
      return arange(Scalar(int64_t(0)), Scalar(n), Scalar(int64_t(1)), DType::Int64,
                    query.device());
    };
    const Tensor hidden =
        gt(positions(key.size(-2)), Operand(unsqueeze(positions(query.size(-2)), 1)));
    scores = masked_fill(scores, hidden, Operand(nothing));
  } else if (mask.dtype() == DType::Bool) {
    scores = masked_fill(scores, logical_not(mask), Operand(nothing));
  } else {
    scores = add(scores, mask);
  }
  // A row that may see nothing has weights 0, not NaN.
  const Tensor blocked = all(eq(scores, Operand(nothing)), Shape{-1}, true);
  const Tensor weights =
      softmax(masked_fill(scores, blocked, Operand(Scalar(0.0))), -1, std::nullopt);
  return masked_fill(weights, blocked, Operand(Scalar(0.0)));
}

// 0 or 1 / (1 - p) for each weight, as the kernels draw them.
Tensor dropout_factors(const Tensor& weights, const AttentionParams& p) {
  const GradGuard off(false);
  const Tensor ones = full(weights.sizes(), Scalar(1), weights.dtype(), weights.device());
  Tensor out = empty(weights.sizes(), weights.dtype(), weights.device());
  kernels::dropout(out.device_type())(out.view(), ones.view(), p.dropout_p, p.seed, p.offset);
  return out;
}

Tensor composed_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                          const Tensor& mask, const AttentionParams& p) {
  Tensor weights = composed_weights(query, key, mask, p);
  if (p.dropout_p > 0) weights = mul(weights, dropout_factors(weights, p));
  return matmul(weights, value);
}

std::tuple<Tensor, Tensor, Tensor> composed_gradients(const Tensor& grad, const Tensor& query,
                                                      const Tensor& key, const Tensor& value,
                                                      const Tensor& mask,
                                                      const AttentionParams& p) {
  const Tensor weights = composed_weights(query, key, mask, p);
  const Tensor factors = p.dropout_p > 0 ? dropout_factors(weights, p) : Tensor();
  const Tensor kept = factors.defined() ? mul(weights, factors) : weights;
  Tensor slope = matmul(grad, transpose(value, -2, -1));
  if (factors.defined()) slope = mul(slope, factors);
  slope = mul(weights, sub(slope, sum(mul(slope, weights), Shape{-1}, true)));
  slope = mul(slope, Scalar(p.scale));
  return {matmul(slope, key), matmul(transpose(slope, -2, -1), query),
          matmul(transpose(kept, -2, -1), grad)};
}

void check_operands(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                    double dropout_p, bool is_causal) {
  for (const Tensor* t : {&query, &key, &value}) {
    const char* name = t == &query ? "query" : t == &key ? "key" : "value";
    PG_CHECK(t->dim() >= 2, kName, "(): Expected query, key, and value to all be at least 2 ",
             "dimensional, but ", name, " has shape ", t->sizes());
    check_same_device(kName, query, *t, "query", name);
    check_same_dtype(kName, query, *t, "query", name);
  }
  require_floating(kName, query.dtype());
  PG_CHECK(query.size(-1) == key.size(-1), kName, "(): query ", query.sizes(), " and key ",
           key.sizes(), " differ in their last dimension, ", query.size(-1), " != ", key.size(-1),
           "; expected equal sizes (mat1 and mat2 shapes cannot be multiplied)");
  PG_CHECK(key.size(-2) == value.size(-2), kName, "(): key ", key.sizes(), " and value ",
           value.sizes(), " differ in length, ", key.size(-2), " != ", value.size(-2),
           "; expected equal sizes");
  PG_CHECK(dropout_p >= 0 && dropout_p <= 1, kName,
           "(): dropout probability has to be between 0 and 1, but got ", dropout_p);
  if (!mask.defined()) return;
  PG_CHECK(!is_causal, kName, "(): Explicit attn_mask should not be set when is_causal=True");
  check_same_device(kName, query, mask, "query", "attn_mask");
  PG_CHECK(mask.dtype() == DType::Bool || mask.dtype() == DType::Float32 ||
               mask.dtype() == query.dtype(),
           kName, "(): Expected attn_mask dtype to be bool or float or to match query dtype, but ",
           "got attn_mask.dtype: ", mask.dtype(), " and query.dtype: ", query.dtype());
}

void check_mask_shape(const Heads& h, const Tensor& mask) {
  const Shape weights = h.shape(h.query.size(-2), h.key.size(-2));
  bool fits = mask.dim() <= weights.size();
  for (int64_t d = 1; fits && d <= mask.dim(); ++d) {
    const int64_t n = mask.size(-d);
    fits = n == 1 || n == weights[weights.size() - d];
  }
  PG_CHECK(fits, kName, "(): attn_mask ", mask.sizes(), " does not fit weights of shape ", weights,
           "; expected sizes that broadcast to it");
}

View view_or_empty(const Tensor& t) { return t.defined() ? t.view() : View{}; }

}  // namespace

std::tuple<Tensor, Tensor, Tensor> scaled_dot_product_attention_backward(
    const Tensor& grad, const Tensor& query, const Tensor& key, const Tensor& value,
    const Tensor& attn_mask, const Tensor& output, const Tensor& logsumexp, double dropout_p,
    bool is_causal, double scale, int64_t seed, int64_t offset) {
  const AttentionParams p{scale, is_causal, dropout_p, uint64_t(seed), uint64_t(offset)};
  if (wants_graph({grad, query, key, value}))
    return composed_gradients(grad, query, key, value, attn_mask, p);
  const Heads h(query, key, value, attn_mask);
  const Tensor g = to(grad, output.dtype());
  Tensor dq = empty_rows(h, h.query, query.size(-1)), dk = empty_rows(h, h.key, key.size(-1)),
         dv = empty_rows(h, h.value, value.size(-1));
  if (output.numel() == 0 || key.size(-2) == 0)
    return {zeros_like(dq), zeros_like(dk), zeros_like(dv)};
  const View mask = view_or_empty(h.mask);
  kernels::attention_backward(output.device_type())(
      dq.view(), dk.view(), dv.view(), g.view_expanded(output.sizes()), output.view(),
      logsumexp.view(), h.query.view(), h.key.view(), h.value.view(),
      h.mask.defined() ? &mask : nullptr, p);
  return {dq, dk, dv};
}
PG_OP(scaled_dot_product_attention_backward,
      "(Tensor grad, Tensor query, Tensor key, Tensor value, Tensor? attn_mask, Tensor output, "
      "Tensor logsumexp, float dropout_p, bool is_causal, float scale, int seed, int offset) -> "
      "(Tensor grad_query, Tensor grad_key, Tensor grad_value)",
      R"(The gradients of scaled_dot_product_attention; logsumexp is that of each row of scores.)")
.in("_internal").composed();

namespace {

Tensor fused_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                       const Tensor& mask, AttentionParams p) {
  const Heads h(query, key, value, mask);
  const int64_t rows = query.size(-2), keys = key.size(-2);
  Tensor out = empty_rows(h, h.query, value.size(-1));
  if (p.dropout_p > 0 && out.numel() > 0 && keys > 0) {
    const int64_t weights = numel_of(h.shape(rows, keys));
    const Generator::Draw d = generator_or_default(nullptr, query.device()).reserve(weights);
    p.seed = d.seed;
    p.offset = d.offset;
  }
  Shape lse_shape = h.lead;
  lse_shape.push_back(rows);
  const DType statistics = query.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  const Tensor lse = empty(lse_shape, statistics, query.device());
  if (keys == 0) {
    kernels::fill(out.device_type())(out.view(), Scalar(0));
  } else if (out.numel() > 0) {
    const View mask_view = view_or_empty(h.mask);
    kernels::attention(out.device_type())(out.view(), lse.view(), h.query.view(), h.key.view(),
                                          h.value.view(), mask.defined() ? &mask_view : nullptr, p);
  }
  return record(kName, out, {query, key, value}, saved(query, key, value, mask, out, lse),
                [p](const Node& n, const Tensor& g) {
                  const auto [dq, dk, dv] = scaled_dot_product_attention_backward(
                      g, n.saved(0), n.saved(1), n.saved(2), n.saved(3), n.saved(4), n.saved(5),
                      p.dropout_p, p.causal, p.scale, int64_t(p.seed), int64_t(p.offset));
                  return Grads{dq, dk, dv};
                });
}

// (..., heads, rows, n) as (..., groups, heads / groups, rows, n).
Tensor grouped(const Tensor& t, int64_t groups) {
  Shape sizes = t.shape();
  sizes[sizes.size() - 3] = groups;
  sizes.insert(sizes.size() - 2, t.size(-3) / groups);
  return reshape(t, sizes);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa) {
  check_operands(query, key, value, attn_mask, dropout_p, is_causal);
  if (enable_gqa) {
    PG_CHECK(query.dim() >= 3 && key.dim() >= 3 && value.dim() >= 3, kName,
             "(): enable_gqa needs a dimension of heads before the last two; query ", query.sizes(),
             ", key ", key.sizes(), ", value ", value.sizes());
    const int64_t heads = query.size(-3), groups = key.size(-3);
    PG_CHECK(groups == value.size(-3) && groups > 0 && heads % groups == 0, kName, "(): ", heads,
             " query heads for ", groups, " key and ", value.size(-3),
             " value heads; expected a multiple");
    if (heads != groups) {
      Tensor mask = attn_mask;
      if (mask.defined() && mask.dim() >= 3)
        mask = mask.size(-3) == 1 ? unsqueeze(mask, -3) : grouped(mask, groups);
      const Tensor out = scaled_dot_product_attention(grouped(query, groups), unsqueeze(key, -3),
                                                      unsqueeze(value, -3), mask, dropout_p,
                                                      is_causal, scale, false);
      return flatten(out, -4, -3);
    }
  }
  const AttentionParams p{scale.value_or(1.0 / std::sqrt(double(query.size(-1)))), is_causal,
                          dropout_p, 0, 0};
  Tensor mask = attn_mask;
  if (mask.defined()) {
    check_mask_shape(Heads(query, key, value, Tensor()), mask);
    if (mask.dtype() != DType::Bool) mask = to(mask, query.dtype());
    if (wants_graph({mask})) {
      AttentionParams drawn = p;
      if (dropout_p > 0) {
        const Generator::Draw d =
            generator_or_default(nullptr, query.device())
                .reserve(numel_of(
                    Heads(query, key, value, Tensor()).shape(query.size(-2), key.size(-2))));
        drawn.seed = d.seed;
        drawn.offset = d.offset;
      }
      return composed_attention(query, key, value, mask, drawn);
    }
  }
  return fused_attention(query, key, value, mask, p);
}
PG_OP(scaled_dot_product_attention,
      "(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, "
      "bool is_causal=False, float? scale=None, bool enable_gqa=False) -> Tensor",
      R"(softmax(query @ key^T * scale + mask) @ value, without keeping the weights.

Args:
    query: (..., L, E).
    key: (..., S, E); its leading dimensions broadcast with the query's.
    value: (..., S, Ev).
    attn_mask: broadcast to (..., L, S); bool (True takes part) or added to the scores.
    dropout_p: probability of dropping an attention weight.
    is_causal: whether position i sees only positions up to i.
    scale: factor of the scores; 1 / sqrt(E) when missing.
    enable_gqa: whether groups of query heads share one head of key and value (dimension -3).

Returns:
    (..., L, Ev), laid out as the query is. A row that may see no key is 0.

Raises:
    RuntimeError: when shapes, dtypes or devices do not fit, or a mask is given with is_causal.

Example:
    >>> x = pygrad.ones(1, 2, 3, 4)
    >>> pygrad.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True).shape
    torch.Size([1, 2, 3, 4])
)")
.in("nn.functional").composed();

}  // namespace pygrad
