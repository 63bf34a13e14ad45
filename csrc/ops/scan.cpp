// Running sums, products and extremes along a dimension.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {

Tensor logcumsumexp(const Tensor& input, int64_t dim);
Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype);

namespace {

DType scan_type(const Tensor& input, std::optional<DType> dtype) {
  return dtype ? *dtype : is_integral(input.dtype()) ? DType::Int64 : input.dtype();
}

// A 0-d tensor is scanned as one of one element.
View scan_view(const Tensor& t) {
  View v = t.view();
  if (v.ndim == 0) {
    v.ndim = 1;
    v.sizes[0] = v.strides[0] = 1;
  }
  return v;
}

Tensor run_scan(ScanOp op, const Tensor& x, int64_t dim, Tensor* indices) {
  const Tensor out = make_output(x, x.sizes(), x.dtype(), {x});
  View at{};
  if (indices) {
    *indices = empty(x.sizes(), DType::Int64, x.device());
    at = scan_view(*indices);
  }
  kernels::scan(x.device_type())(op, scan_view(out), indices ? &at : nullptr, scan_view(x), dim);
  return out;
}

// The sum of what follows each element, itself included.
Tensor sum_from(const Tensor& t, int64_t dim) {
  if (t.dim() == 0) return t;
  return flip(cumsum(flip(t, Shape{dim}), dim), Shape{dim});
}

}  // namespace

Tensor cumsum_typed(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  dim = check_dim("cumsum", dim, input.dim());
  const Tensor out = run_scan(ScanOp::cumsum, to(input, scan_type(input, dtype)), dim, nullptr);
  return record("cumsum", out, {input}, {},
                [dim](const Node&, const Tensor& g) { return Grads{sum_from(g, dim)}; });
}
Tensor cumsum(const Tensor& input, int64_t dim) { return cumsum_typed(input, dim, std::nullopt); }
PG_OP_NAMED("cumsum", &cumsum_typed, "(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
            R"(Running sum along a dimension.

Args:
    input: any shape; bools and integers are summed as int64.
    dim: the dimension to run along.
    dtype: convert to this dtype first.

Example:
    >>> pygrad.cumsum(pygrad.tensor([1., 2., 3.]), 0)
    tensor([1., 3., 6.])
)")
    .method()
    .inplace();

namespace {

// With one zero on the way the usual quotient says nothing at its place; there, the products with
// that factor left out count.
Tensor cumprod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int64_t dim) {
  const Tensor flow = sum_from(mul(g, conj(y)), dim);
  if (kernels::count_nonzero_total(x.device_type())(x.view()) == x.numel())
    return div(flow, conj(x));
  const Tensor zero = eq(x, Scalar(0));
  const Tensor first = logical_and(zero, Operand(eq(cumsum(zero, dim), Scalar(1))));
  const Tensor without = cumprod(masked_fill(x, first, Scalar(1)), dim, std::nullopt);
  const Tensor elsewhere = div(flow, conj(masked_fill(x, zero, Scalar(1))));
  return where(first, sum_from(mul(g, conj(without)), dim), elsewhere);
}

}  // namespace

Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  dim = check_dim("cumprod", dim, input.dim());
  const Tensor x = to(input, scan_type(input, dtype));
  const bool wanted = input.requires_grad();
  const Tensor kept = wanted && grad_enabled() ? clone(x) : Tensor();
  const Tensor out = run_scan(ScanOp::cumprod, x, dim, nullptr);
  return record("cumprod", out, {input}, saved(kept, out), [dim](const Node& n, const Tensor& g) {
    const Tensor y = n.saved(1);
    return Grads{y.dim() ? cumprod_gradient(g, n.saved(0), y, dim) : g};
  });
}
PG_OP(cumprod, "(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
      R"(Running product along a dimension.

Example:
    >>> pygrad.cumprod(pygrad.tensor([1., 2., 3.]), 0)
    tensor([1., 2., 6.])
)")
.method().inplace();

namespace {

std::tuple<Tensor, Tensor> running_extreme(const char* name, ScanOp op, const Tensor& input,
                                           int64_t dim) {
  refuse_complex(name, input.dtype());
  dim = check_dim(name, dim, input.dim());
  Tensor indices;
  Tensor values = run_scan(op, input, dim, &indices);
  values = record(name, values, {input}, saved(indices), [dim](const Node& n, const Tensor& g) {
    if (g.dim() == 0) return Grads{g};
    return Grads{scatter_add(zeros_like(g), dim, n.saved(0), g)};
  });
  return {values, indices};
}

}  // namespace

std::tuple<Tensor, Tensor> cummax(const Tensor& input, int64_t dim) {
  return running_extreme("cummax", ScanOp::cummax, input, dim);
}
PG_OP(cummax, "(Tensor input, int dim) -> (Tensor values, Tensor indices)",
      R"(Running maximum along a dimension, and where it was last reached.

Example:
    >>> pygrad.cummax(pygrad.tensor([1., 3., 2.]), 0).values
    tensor([1., 3., 3.])
)")
.method();

std::tuple<Tensor, Tensor> cummin(const Tensor& input, int64_t dim) {
  return running_extreme("cummin", ScanOp::cummin, input, dim);
}
PG_OP(cummin, "(Tensor input, int dim) -> (Tensor values, Tensor indices)",
      R"(Running minimum along a dimension, and where it was last reached.

Example:
    >>> pygrad.cummin(pygrad.tensor([3., 1., 2.]), 0).values
    tensor([3., 1., 1.])
)")
.method();

Tensor logcumsumexp(const Tensor& input, int64_t dim) {
  require_floating("logcumsumexp", input.dtype());
  dim = check_dim("logcumsumexp", dim, input.dim());
  const Tensor kept = input.requires_grad() && grad_enabled() ? clone(input) : Tensor();
  const Tensor out = run_scan(ScanOp::logcumsumexp, input, dim, nullptr);
  return record(
      "logcumsumexp", out, {input}, saved(kept, out), [dim](const Node& n, const Tensor& g) {
        if (g.dim() == 0) return Grads{g};
        // e^x sum(g e^-y) over what follows, in logarithms and for each sign of g apart, so that
        // nothing overflows.
        const Tensor x = n.saved(0), y = n.saved(1), none = full_like(g, Scalar(-HUGE_VAL));
        const auto part = [&](const Tensor& present, const Tensor& size) {
          const Tensor log_g = sub(log(where(present, size, Scalar(1.0))), y);
          const Tensor from =
              flip(logcumsumexp(flip(where(present, log_g, none), Shape{dim}), dim), Shape{dim});
          return exp(add(from, x));
        };
        return Grads{sub(part(gt(g, Scalar(0)), g), part(lt(g, Scalar(0)), neg(g)))};
      });
}
PG_OP(logcumsumexp, "(Tensor input, int dim) -> Tensor",
      R"(Logarithm of the running sum of exponentials along a dimension.

Example:
    >>> pygrad.logcumsumexp(pygrad.tensor([0., 0.]), 0)
    tensor([0.0000, 0.6931])
)")
.method();

}  // namespace pygrad
