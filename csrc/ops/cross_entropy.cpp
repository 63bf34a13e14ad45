// nll_loss and cross_entropy. With class numbers, cross_entropy is one kernel over rows of logits,
// which keeps the log-sum-exp of each row instead of a matrix of probabilities; with class
// probabilities it is composed.
#include "csrc/ops/loss.h"
#include "csrc/ops/spatial.h"

namespace pygrad {
namespace {

int64_t class_dim(const Tensor& input) { return input.dim() == 1 ? 0 : 1; }

// Class numbers checked against the input and brought to int64; `valid` and `safe` only where some
// are ignored.
struct ClassTarget {
  Tensor index;  // as given
  Tensor safe;   // ignored entries replaced by class 0
  Tensor valid;  // bool; undefined when nothing is ignored
};

ClassTarget class_target(const char* op, const Tensor& input, const Tensor& target,
                         int64_t ignore_index) {
  check_same_device(op, input, target, "input", "target");
  PG_CHECK(target.dtype() == DType::Int64 || target.dtype() == DType::UInt8, op,
           "(): expected target dtype to be Long or Byte, but got ", target.dtype(),
           " (expected scalar type Long but found ", target.dtype(), "). Convert it with .long()");
  PG_CHECK(input.dim() >= 1, op, "(): input has shape ", input.sizes(),
           "; expected (C), (N, C) or (N, C, *)");
  const int64_t dim = class_dim(input), classes = input.size(dim);
  if (input.dim() > 1) {
    PG_CHECK(input.dim() != 2 || target.dim() <= 1, op,
             "(): 0D or 1D target tensor expected, multi-target not supported; target has shape ",
             target.sizes(), ", input ", input.sizes());
    PG_CHECK(target.dim() == input.dim() - 1, op, "(): target has shape ", target.sizes(),
             "; expected ", input.dim() - 1, " dimensions for input ", input.sizes());
    PG_CHECK_VALUE(target.size(0) == input.size(0), op, "(): Expected input batch_size (",
                   input.size(0), ") to match target batch_size (", target.size(0), ").");
    PG_CHECK(Shape::same(input.sizes().subspan(2), target.sizes().subspan(1)), op,
             "(): size mismatch (got input: ", Bracketed{input.sizes()},
             " , target: ", Bracketed{target.sizes()}, ")");
  } else {
    PG_CHECK(target.dim() == 0, op, "(): target has shape ", target.sizes(),
             "; expected () for input ", input.sizes());
  }
  ClassTarget t{to(target, DType::Int64), {}, {}};
  t.safe = t.index;
  const auto out_of_range = [&] {
    return kernels::find_out_of_range(t.safe.device_type())(t.safe.view(), 0, classes);
  };
  int64_t bad = out_of_range();
  if (bad >= 0 || (ignore_index >= 0 && ignore_index < classes)) {
    t.valid = ne(t.index, Scalar(ignore_index));
    t.safe = where(t.valid, t.index, Scalar(int64_t(0)));
    bad = out_of_range();
  }
  if (bad >= 0 && classes == 0 && item(any(t.valid, Shape(), false)).to_int() == 0) bad = -1;
  if (bad >= 0) [[unlikely]]
    raise(ErrorKind::Index, op, "(): Target ",
          item(select(reshape(t.safe, Shape{-1}), 0, bad)).to_int(),
          " is out of bounds. Expected a class in 0..", classes - 1, " or ignore_index ",
          ignore_index);
  return t;
}

// The weights of the classes in the input's dtype.
Tensor class_weight(const char* op, const Tensor& input, const Tensor& weight) {
  if (!weight.defined()) return weight;
  check_same_device(op, input, weight, "input", "weight");
  const int64_t classes = input.size(class_dim(input));
  PG_CHECK(weight.dim() == 1 && weight.numel() == classes, op,
           "(): weight tensor should be defined either for all ", classes,
           " classes or no classes but got weight tensor of shape: ", Bracketed{weight.sizes()});
  PG_CHECK(weight.dtype() == input.dtype(), op, "(): expected scalar type ", input.dtype(),
           " but found ", weight.dtype(), " for weight. Convert one with .to()");
  return weight;
}

// The weight of each target, 0 where ignored, in `dtype`.
Tensor target_weight(const ClassTarget& t, const Tensor& weight, DType dtype) {
  Tensor w;
  if (weight.defined())
    w = to(reshape(index_select(weight, 0, reshape(t.safe, Shape{-1})), t.safe.shape()), dtype);
  else if (!t.valid.defined())
    return full(t.safe.sizes(), Scalar(1.0), dtype, t.safe.device());
  else
    return to(t.valid, dtype);
  return t.valid.defined() ? where(t.valid, w, Scalar(0.0)) : w;
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t reduction,
                int64_t ignore_index) {
  check_reduction("nll_loss", reduction);
  require_floating("nll_loss", input.dtype());
  Tensor out, index, factor;  // factor: what multiplies input[target], before the incoming gradient
  {
    GradGuard off(false);
    const ClassTarget t = class_target("nll_loss", input, target, ignore_index);
    const Tensor w = class_weight("nll_loss", input, weight);
    const int64_t dim = class_dim(input);
    index = unsqueeze(t.safe, dim);
    const Tensor each = target_weight(t, w, input.dtype());
    Tensor picked = squeeze(gather(input, dim, index), dim);
    // An ignored entry counts for nothing, be its input infinite.
    if (t.valid.defined()) picked = where(t.valid, picked, Scalar(0.0));
    factor = neg(each);
    const Tensor loss = mul(picked, factor);
    out = reduction == 0 ? loss : sum(loss, Shape(), false);
    if (reduction == 1) {
      const Tensor total = sum(each, Shape(), false);
      out = div(out, total);
      factor = div(factor, total);
      if (t.valid.defined()) factor = where(t.valid, factor, Scalar(0.0));
    }
  }
  const Shape sizes = input.shape();
  return record(
      input.dim() > 2 ? "nll_loss2D" : "nll_loss", out, {input}, saved(index, factor),
      [sizes](const Node& n, const Tensor& g) {
        const int64_t dim = sizes.size() == 1 ? 0 : 1;
        const Tensor nothing = zeros(sizes, g.dtype(), g.device());
        return Grads{scatter(nothing, dim, n.saved(0), unsqueeze(mul(g, n.saved(1)), dim))};
      });
}
PG_OP(
    nll_loss,
    "(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> "
    "Tensor",
    R"(-weight[target] input[target] of log probabilities, reduced; the mean divides by the sum of the weights.

Args:
    input: log probabilities, (C,), (N, C) or (N, C, *).
    target: class numbers, (), (N,) or (N, *).
    weight: (C,), a factor per class.
    reduction: 0 none, 1 mean, 2 sum.
    ignore_index: a class number that counts for nothing.

Raises:
    IndexError: if a class number is not below C.

Example:
    >>> pygrad._C.ops.nll_loss(pygrad.tensor([[-1., -2.]]), pygrad.tensor([1]))
    tensor(2.)
)")
.in("nn.functional");

namespace {

// (N, C, *) as (rows, C), and back; differentiable.
Tensor to_rows(const Tensor& t) {
  if (t.dim() == 2) return t;
  if (t.dim() == 1) return unsqueeze(t, 0);
  Shape order{0};
  for (int64_t d = 2; d < t.dim(); ++d) order.push_back(d);
  order.push_back(1);
  const int64_t classes = t.size(1);
  return reshape(permute(t, order), Shape{classes ? t.numel() / classes : 0, classes});
}
Tensor from_rows(const Tensor& rows, const Shape& sizes) {
  if (sizes.size() <= 2) return reshape(rows, sizes);
  Shape inner{sizes[0]}, order{0, sizes.size() - 1};
  for (int64_t d = 2; d < sizes.size(); ++d) {
    inner.push_back(sizes[d]);
    order.push_back(d - 1);
  }
  inner.push_back(sizes[1]);
  return permute(reshape(rows, inner), order);
}

DType loss_dtype(DType dtype) { return dtype == DType::Float64 ? dtype : DType::Float32; }

}  // namespace

// grad: one per row, or one for all. target: (rows) int64.
Tensor cross_entropy_backward(const Tensor& grad, const Tensor& input, const Tensor& lse,
                              const Tensor& target, const Tensor& weight, int64_t ignore_index,
                              double label_smoothing) {
  const Tensor x = to_rows(input);
  const int64_t rows = x.size(0), classes = x.size(1);
  if (grad_enabled() && (grad.requires_grad() || input.requires_grad())) {
    const Tensor valid = ne(target, Scalar(ignore_index)),
                 safe = where(valid, target, Scalar(int64_t(0)));
    const Tensor p = softmax(x, 1, std::nullopt);
    const Tensor chosen =
        scatter(zeros(x.sizes(), x.dtype(), x.device()), 1, unsqueeze(safe, 1), Scalar(1.0));
    Tensor each = to(valid, x.dtype());
    if (weight.defined()) each = mul(each, index_select(weight, 0, safe));
    Tensor d = mul(mul(sub(p, chosen), unsqueeze(each, 1)), Scalar(1 - label_smoothing));
    if (label_smoothing != 0) {
      const Tensor spread = weight.defined() ? sub(mul(p, sum(weight, Shape(), false)), weight)
                                             : sub(mul(p, Scalar(double(classes))), Scalar(1.0));
      d = add(d, mul(mul(spread, unsqueeze(to(valid, x.dtype()), 1)),
                     Scalar(label_smoothing / double(classes))));
    }
    const Tensor g = grad.dim() == 0 ? grad : unsqueeze(reshape(grad, Shape{rows}), 1);
    return from_rows(mul(d, to(g, x.dtype())), input.shape());
  }
  const Tensor out = empty(x.sizes(), x.dtype(), x.device());
  if (out.numel()) {
    const Tensor g = grad.dim() == 0 ? grad : reshape(grad, Shape{rows});
    const View w = weight.defined() ? weight.view() : View{};
    kernels::cross_entropy_backward(x.device_type())(
        out.view(), to(g, lse.dtype()).view_expanded(lse.sizes()), x.view(), lse.view(),
        target.view(), weight.defined() ? &w : nullptr, ignore_index, label_smoothing);
  }
  return from_rows(out, input.shape());
}
PG_OP(
    cross_entropy_backward,
    "(Tensor grad, Tensor input, Tensor lse, Tensor target, Tensor? weight, int ignore_index, "
    "float label_smoothing) -> Tensor",
    R"(The gradient of cross_entropy with class numbers, from the log-sum-exp of each row of logits.)")
.in("_internal").composed();

namespace {

Tensor class_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                           int64_t reduction, int64_t ignore_index, double label_smoothing) {
  Tensor out, lse, index, total;
  {
    GradGuard off(false);
    const ClassTarget t = class_target("cross_entropy", input, target, ignore_index);
    const Tensor w = class_weight("cross_entropy", input, weight), x = to_rows(input);
    const DType dtype = loss_dtype(x.dtype());
    index = contiguous(reshape(t.index, Shape{-1}));
    const Tensor loss = empty(Shape{x.size(0)}, dtype, x.device());
    lse = empty(Shape{x.size(0)}, dtype, x.device());
    if (x.numel()) {
      const View w_view = w.defined() ? w.view() : View{};
      kernels::cross_entropy(x.device_type())(loss.view(), lse.view(), x.view(), index.view(),
                                              w.defined() ? &w_view : nullptr, ignore_index,
                                              label_smoothing);
    } else {
      copy_data(loss, zeros_like(loss));
    }
    if (reduction == 0) {
      out = reshape(loss, target.shape());
    } else {
      out = sum(loss, Shape(), false);
      if (reduction == 1 && (w.defined() || t.valid.defined())) {
        total = sum(target_weight(t, w, dtype), Shape(), false);
        out = div(out, total);
      } else if (reduction == 1) {
        out = div(out, Scalar(double(x.size(0))));
      }
    }
    out = to(out, input.dtype());
  }
  const int64_t count = index.numel();
  return record(input.dim() > 2 ? "nll_loss2D" : "nll_loss", out, {input},
                saved(input, lse, index, weight, total),
                [reduction, count, ignore_index, label_smoothing](const Node& n, const Tensor& g) {
                  const Tensor total = n.saved(4);
                  const Tensor each = reduction != 1    ? g
                                      : total.defined() ? div(g, total)
                                                        : div(g, Scalar(double(count)));
                  return Grads{cross_entropy_backward(each, n.saved(0), n.saved(1), n.saved(2),
                                                      n.saved(3), ignore_index, label_smoothing)};
                });
}

Tensor soft_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                          int64_t reduction, double label_smoothing) {
  PG_CHECK(
      is_floating(target.dtype()),
      "cross_entropy(): Expected floating point type for target with class probabilities, got ",
      target.dtype());
  check_same_device("cross_entropy", input, target, "input", "target");
  const int64_t dim = class_dim(input), classes = input.size(dim);
  Tensor t = target;
  if (label_smoothing > 0)
    t = add(mul(t, Scalar(1 - label_smoothing)),
            Scalar(label_smoothing / double(classes ? classes : 1)));
  Tensor each = mul(log_softmax(input, dim, std::nullopt), t);
  if (const Tensor w = class_weight("cross_entropy", input, weight); w.defined()) {
    Shape shape = Shape::filled(input.dim(), 1);
    shape[dim] = classes;
    each = mul(each, reshape(w, shape));
  }
  if (reduction == 0) return neg(sum(each, Shape{dim}, false));
  const Tensor total = neg(sum(each, Shape(), false));
  if (reduction == 2) return total;
  return div(total, Scalar(classes ? double(input.numel() / classes) : 0.0));
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                     int64_t reduction, int64_t ignore_index, double label_smoothing) {
  check_reduction("cross_entropy", reduction);
  require_floating("cross_entropy", input.dtype());
  PG_CHECK(label_smoothing >= 0 && label_smoothing <= 1,
           "cross_entropy(): label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  if (Shape::same(input.sizes(), target.sizes())) {
    PG_CHECK(ignore_index < 0,
             "cross_entropy(): ignore_index is not supported for floating point target; got ",
             ignore_index);
    return soft_cross_entropy(input, target, weight, reduction, label_smoothing);
  }
  return class_cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing);
}
PG_OP(cross_entropy,
      "(Tensor input, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, "
      "float label_smoothing=0.0) -> Tensor",
      R"(-log(softmax(input)[target]) of logits, reduced.

Args:
    input: logits, (C,), (N, C) or (N, C, *).
    target: class numbers, (), (N,) or (N, *); or probabilities of input's shape.
    weight: (C,), a factor per class.
    reduction: 0 none, 1 mean, 2 sum.
    ignore_index: a class number that counts for nothing.
    label_smoothing: the share of the target spread evenly over all classes, in 0..1.

Raises:
    IndexError: if a class number is not below C.
    ValueError: if the batch sizes differ.

Example:
    >>> pygrad._C.ops.cross_entropy(pygrad.zeros(1, 2), pygrad.tensor([0]))
    tensor(0.6931)
)")
.in("nn.functional");

}  // namespace pygrad
