// Elementwise losses with a reduction. Each is one node: the value is computed without a tape, the
// gradient from public ops.
#include "csrc/ops/loss.h"

#include <utility>

namespace pygrad {

Tensor log1p(const Tensor& input);
Tensor logsigmoid(const Tensor& input);
Tensor xlogy(const Tensor& input, const Operand& other);

namespace {

// value(d) and its derivative slope(d) of the difference d = input - target, which broadcast.
template <class Value, class Slope>
Tensor difference_loss(const char* op, const char* node, const Tensor& input, const Tensor& target,
                       int64_t reduction, Value value, Slope slope) {
  check_reduction(op, reduction);
  check_same_device(op, input, target, "input", "target");
  const DType dtype = result_type(input, target);
  require_floating(op, dtype);
  const Tensor x = to(input, dtype), t = to(target, dtype);
  Tensor out;
  int64_t count;
  {
    GradGuard off(false);
    const Tensor loss = value(sub(x, t));
    count = loss.numel();
    out = reduced(loss, reduction);
  }
  return record(node, std::move(out), {input, target}, saved(x, t),
                [slope, reduction, count](const Node& n, const Tensor& g) {
                  const Tensor d = mul(slope(sub(n.saved(0), n.saved(1))),
                                       element_gradient(g, reduction, count));
                  return Grads{n.needs(0) ? d : Tensor(), n.needs(1) ? neg(d) : Tensor()};
                });
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  return difference_loss(
      "mse_loss", "mse_loss", input, target, reduction, [](const Tensor& d) { return square(d); },
      [](const Tensor& d) { return mul(d, Scalar(2)); });
}
PG_OP(mse_loss, "(Tensor input, Tensor target, int reduction=1) -> Tensor",
      R"((input - target)^2, reduced.

Args:
    input, target: shapes that broadcast.
    reduction: 0 none, 1 mean, 2 sum.

Example:
    >>> pygrad._C.ops.mse_loss(pygrad.zeros(2), pygrad.tensor([1., 2.]))
    tensor(2.5000)
)")
.in("nn.functional");

Tensor l1_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  check_reduction("l1_loss", reduction);
  check_same_device("l1_loss", input, target, "input", "target");
  return reduced(abs(sub(input, target)), reduction);
}
PG_OP(l1_loss, "(Tensor input, Tensor target, int reduction=1) -> Tensor",
      R"(|input - target|, reduced.

Example:
    >>> pygrad._C.ops.l1_loss(pygrad.zeros(2), pygrad.tensor([1., 2.]))
    tensor(1.5000)
)")
.in("nn.functional").composed();

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, int64_t reduction, double beta) {
  PG_CHECK(beta >= 0,
           "smooth_l1_loss(): smooth_l1_loss does not support negative values for beta; got ",
           beta);
  if (beta == 0) return l1_loss(input, target, reduction);
  return difference_loss(
      "smooth_l1_loss", "smooth_l1_loss", input, target, reduction,
      // With z = min(|d|, beta): z (|d| - z / 2) / beta, on both sides of beta.
      [beta](const Tensor& d) {
        const Tensor a = abs(d), z = clamp(a, std::nullopt, Scalar(beta));
        return mul(mul(z, sub(a, mul(z, Scalar(0.5)))), Scalar(1 / beta));
      },
      [beta](const Tensor& d) {
        return clamp(mul(d, Scalar(1 / beta)), Scalar(-1.0), Scalar(1.0));
      });
}
PG_OP(smooth_l1_loss, "(Tensor input, Tensor target, int reduction=1, float beta=1.0) -> Tensor",
      R"(d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2; reduced.

Example:
    >>> pygrad._C.ops.smooth_l1_loss(pygrad.zeros(2), pygrad.tensor([1., 2.]))
    tensor(1.)
)")
.in("nn.functional");

Tensor huber_loss(const Tensor& input, const Tensor& target, int64_t reduction, double delta) {
  PG_CHECK(delta > 0,
           "huber_loss(): huber_loss does not support non-positive values for delta; got ", delta);
  return difference_loss(
      "huber_loss", "huber_loss", input, target, reduction,
      [delta](const Tensor& d) {
        const Tensor a = abs(d), z = clamp(a, std::nullopt, Scalar(delta));
        return mul(z, sub(a, mul(z, Scalar(0.5))));
      },
      [delta](const Tensor& d) { return clamp(d, Scalar(-delta), Scalar(delta)); });
}
PG_OP(huber_loss, "(Tensor input, Tensor target, int reduction=1, float delta=1.0) -> Tensor",
      R"(d^2 / 2 where d = |input - target| <= delta, else delta (d - delta / 2); reduced.

Example:
    >>> pygrad._C.ops.huber_loss(pygrad.zeros(2), pygrad.tensor([1., 2.]))
    tensor(1.)
)")
.in("nn.functional");

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            int64_t reduction) {
  const char* op = "binary_cross_entropy";
  check_reduction(op, reduction);
  check_same_device(op, input, target, "input", "target");
  require_floating(op, input.dtype());
  PG_CHECK(target.dtype() == input.dtype(), op, "(): Found dtype ", target.dtype(),
           " but expected ", input.dtype(),
           ": target and input must agree. Convert one with .to()");
  PG_CHECK(Shape::same(input.sizes(), target.sizes()), op, "(): target size ", target.sizes(),
           " is different to the input size ", input.sizes(), "; expected them equal");
  if (weight.defined()) check_same_device(op, input, weight, "input", "weight");
  if (input.numel()) {
    GradGuard off(false);
    const double low = item(amin(input, Shape(), false)).to_double(),
                 high = item(amax(input, Shape(), false)).to_double();
    // Written so that NaN is refused too.
    PG_CHECK(low >= 0 && high <= 1, op,
             "(): all elements of input should be between 0 and 1; they lie between ", low, " and ",
             high, ". Apply sigmoid(), or use binary_cross_entropy_with_logits");
  }
  Tensor out;
  int64_t count;
  {
    GradGuard off(false);
    // Logarithms are cut off at -100, so that a certain but wrong answer costs a finite amount.
    const Tensor yes = clamp(log(input), Scalar(-100.0), std::nullopt);
    const Tensor no = clamp(log1p(neg(input)), Scalar(-100.0), std::nullopt);
    Tensor loss = neg(add(mul(target, sub(yes, no)), no));
    if (weight.defined()) loss = mul(loss, to(weight, input.dtype()));
    count = loss.numel();
    out = reduced(loss, reduction);
  }
  return record(op, std::move(out), {input, target}, saved(input, target, weight),
                [reduction, count](const Node& n, const Tensor& g) {
                  const Tensor x = n.saved(0), t = n.saved(1), w = n.saved(2);
                  Tensor e = element_gradient(g, reduction, count), to_input, to_target;
                  if (w.defined()) e = mul(e, to(w, x.dtype()));
                  if (n.needs(0))
                    to_input = mul(e, div(sub(x, t), clamp(mul(x, rsub(x, Scalar(1))),
                                                           Scalar(1e-12), std::nullopt)));
                  if (n.needs(1))
                    to_target = mul(e, sub(clamp(log1p(neg(x)), Scalar(-100.0), std::nullopt),
                                           clamp(log(x), Scalar(-100.0), std::nullopt)));
                  return Grads{to_input, to_target};
                });
}
PG_OP(
    binary_cross_entropy,
    "(Tensor input, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor",
    R"(-(t log(p) + (1 - t) log(1 - p)) of probabilities p, reduced; logarithms are cut off at -100.

Args:
    input: probabilities, any shape.
    target: of the same shape, in 0..1.
    weight: a factor, broadcast.

Raises:
    RuntimeError: if an input lies outside 0..1.

Example:
    >>> pygrad._C.ops.binary_cross_entropy(pygrad.tensor([0.5]), pygrad.tensor([1.]))
    tensor(0.6931)
)")
.in("nn.functional");

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, const Tensor& pos_weight,
                                        int64_t reduction) {
  const char* op = "binary_cross_entropy_with_logits";
  check_reduction(op, reduction);
  check_same_device(op, input, target, "input", "target");
  require_floating(op, input.dtype());
  PG_CHECK(is_floating(target.dtype()), op, "(): result type ", input.dtype(),
           " can't be cast to the desired output type ", target.dtype(),
           ": target must be floating. Convert it with .float()");
  for (const Tensor* p : {&weight, &pos_weight})
    if (p->defined())
      check_same_device(op, input, *p, "input", p == &weight ? "weight" : "pos_weight");
  Tensor out;
  int64_t count;
  {
    GradGuard off(false);
    // (1 - t) x - (1 + (pos_weight - 1) t) log(sigmoid(x)): exact for either sign of x.
    Tensor likely = logsigmoid(input);
    if (pos_weight.defined())
      likely = mul(likely, add(mul(target, sub(pos_weight, Scalar(1))), Scalar(1)));
    Tensor loss = sub(mul(input, rsub(target, Scalar(1))), likely);
    if (weight.defined()) loss = mul(loss, weight);
    count = loss.numel();
    out = reduced(loss, reduction);
  }
  return record(op, std::move(out), {input, target}, saved(input, target, weight, pos_weight),
                [reduction, count](const Node& n, const Tensor& g) {
                  const Tensor x = n.saved(0), t = n.saved(1), w = n.saved(2), pos = n.saved(3);
                  Tensor e = element_gradient(g, reduction, count), to_input, to_target;
                  if (w.defined()) e = mul(e, w);
                  if (n.needs(0)) {
                    if (pos.defined()) {
                      const Tensor factor = add(mul(t, sub(pos, Scalar(1))), Scalar(1));
                      to_input = mul(e, sub(rsub(t, Scalar(1)), mul(factor, sigmoid(neg(x)))));
                    } else {
                      to_input = mul(e, sub(sigmoid(x), t));
                    }
                  }
                  if (n.needs(1)) {
                    Tensor d = neg(x);
                    if (pos.defined()) d = sub(d, mul(sub(pos, Scalar(1)), logsigmoid(x)));
                    to_target = mul(e, d);
                  }
                  return Grads{to_input, to_target};
                });
}
PG_OP(binary_cross_entropy_with_logits,
      "(Tensor input, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int "
      "reduction=1) -> Tensor",
      R"(binary_cross_entropy of sigmoid(input), without overflow.

Args:
    input: logits, any shape.
    target: of a shape that broadcasts, in 0..1.
    weight: a factor of each loss.
    pos_weight: a factor of the positive answers.

Example:
    >>> pygrad.binary_cross_entropy_with_logits(pygrad.zeros(1), pygrad.ones(1))
    tensor(0.6931)
)")
.also_in("nn.functional");

Tensor kl_div(const Tensor& input, const Tensor& target, int64_t reduction, bool log_target) {
  check_reduction("kl_div", reduction);
  check_same_device("kl_div", input, target, "input", "target");
  const Tensor loss = log_target ? mul(exp(target), sub(target, input))
                                 : sub(xlogy(target, target), mul(target, input));
  return reduced(loss, reduction);
}
PG_OP(kl_div, "(Tensor input, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor",
      R"(target (log(target) - input), reduced; input holds log probabilities.

Args:
    input: log probabilities, any shape.
    target: probabilities, or their logarithms if log_target.

Example:
    >>> pygrad.kl_div(pygrad.zeros(1), pygrad.ones(1))
    tensor(0.)
)")
.also_in("nn.functional").composed();

}  // namespace pygrad
