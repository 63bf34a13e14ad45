// Norms, variances and log-sum-exp.
#include <cmath>

#include "csrc/ops/reduction.h"

namespace pygrad {
namespace {

// The dims of a reduction as a list; all of them when none were given.
Shape reduced_dims(const Reduced& r) {
  Shape s;
  for (int64_t d = 0; d < r.sizes.size(); ++d)
    if (r.reduces(d)) s.push_back(d);
  return s;
}

// p-norm of x without a tape; the result is real.
Tensor norm_value(const Tensor& x, double p, const Reduced& r) {
  GradGuard off(false);
  const DType type = real_dtype(x.dtype());
  if (p == 2) return sqrt(run_reduce(ReduceOp::sum_of_squares, x, r, type));
  if (p == 1) return run_reduce(ReduceOp::sum_of_abs, x, r, type);
  if (p == 0) return to(run_reduce(ReduceOp::count_nonzero, x, r, DType::Int64), type);
  const Tensor size = abs(x);
  if (std::isinf(p)) return run_reduce(p > 0 ? ReduceOp::amax : ReduceOp::amin, size, r, type);
  return pow(run_reduce(ReduceOp::sum, pow(size, Scalar(p)), r, type), Scalar(1 / p));
}

// d norm / dx, with 0 where the norm is 0 (the subgradient that keeps training alive).
Tensor norm_gradient(const Tensor& g_, const Tensor& x, const Tensor& y_, double p,
                     const Reduced& r) {
  const Tensor g = r.with_dims(g_), y = r.with_dims(y_);
  if (p == 0) return zeros_like(x);
  if (p == 1) return mul(sgn(x), g);
  if (p == 2) return mul(x, masked_fill(div(g, y), eq(y, Scalar(0)), Scalar(0)));
  const Tensor size = abs(x);
  if (std::isinf(p)) {
    const Tensor hit =
        to(logical_or(eq(size, y), Operand(logical_and(isnan(size), Operand(isnan(y))))),
           size.dtype());
    const Shape dims = reduced_dims(r);
    const Tensor count = dims.empty() ? hit : sum(hit, dims, true);
    return mul(mul(sgn(x), hit), div(g, count));
  }
  if (p < 1) {
    const Tensor slope =
        masked_fill(mul(sgn(x), pow(size, Scalar(p - 1))), eq(x, Scalar(0)), Scalar(0));
    return mul(slope, mul(g, pow(y, Scalar(1 - p))));
  }
  const Tensor scale = masked_fill(div(g, pow(y, Scalar(p - 1))), eq(y, Scalar(0)), Scalar(0));
  if (p < 2) return mul(mul(sgn(x), pow(size, Scalar(p - 1))), scale);
  return mul(mul(x, pow(size, Scalar(p - 2))), scale);
}

}  // namespace

Tensor vector_norm(const Tensor& input, Scalar ord, const std::optional<Shape>& dim, bool keepdim,
                   std::optional<DType> dtype) {
  PG_CHECK(!is_integral(input.dtype()),
           "vector_norm(): linalg.vector_norm: Expected a floating point or complex tensor as "
           "input. Got ",
           input.dtype(), ". Convert it with .float()");
  const Tensor x = dtype ? to(input, *dtype) : input;
  PG_CHECK(!is_integral(x.dtype()),
           "vector_norm(): dtype should be floating point or complex. Got ", x.dtype());
  const Reduced r("vector_norm", input, dims_of(dim), keepdim);
  const double p = ord.to_double();
  if (r.count() == 0 && (p < 0 || std::isinf(p)))
    raise(ErrorKind::Runtime, "vector_norm(): linalg.vector_norm cannot compute the ", p,
          " norm on an empty tensor because the operation does not have an identity; input ",
          input.sizes());
  const Tensor out = norm_value(x, p, r);
  return record("linalg_vector_norm", out, {input}, saved(x, out),
                [p, r](const Node& n, const Tensor& g) {
                  return Grads{norm_gradient(g, n.saved(0), n.saved(1), p, r)};
                });
}
PG_OP(
    vector_norm,
    "(Tensor x, Scalar ord=2, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
    R"(p-norm of vectors: (sum |x|^p)^(1/p); the largest |x| for inf, the count of non-zeros for 0.

Args:
    x: floating or complex, any shape.
    ord: the p.
    dim: the dimensions that make one vector; None for all.
    keepdim: keep them with size 1.
    dtype: compute in this dtype.

Example:
    >>> pygrad.linalg.vector_norm(pygrad.tensor([3., 4.]))
    tensor(5.)
)")
.in("linalg");

Tensor norm(const Tensor& input, const std::optional<Scalar>& p, const std::optional<Shape>& dim,
            bool keepdim, std::optional<DType> dtype) {
  return vector_norm(input, p.value_or(Scalar(2)), dim, keepdim, dtype);
}
PG_OP(norm,
      "(Tensor input, Scalar? p=2, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> "
      "Tensor",
      R"(Vector norm of all elements, or over dimensions.

Example:
    >>> pygrad.norm(pygrad.tensor([3., 4.]))
    tensor(5.)
)")
.method().composed();

Tensor norm_named(const Tensor& input, const std::string& p, const std::optional<Shape>& dim,
                  bool keepdim, std::optional<DType> dtype) {
  PG_CHECK(p == "fro", "norm(): p is '", p,
           "'; expected a number or 'fro' here. Other matrix norms are in linalg.matrix_norm");
  return vector_norm(input, Scalar(2), dim, keepdim, dtype);
}
PG_OP_NAMED(
    "norm", &norm_named,
    "(Tensor input, str p, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
    R"(Frobenius norm: the 2-norm of all elements, or over dimensions.)")
    .method()
    .composed();

Tensor dist(const Tensor& input, const Tensor& other, Scalar p) {
  return vector_norm(sub(input, other), p, std::nullopt, false, std::nullopt);
}
PG_OP(dist, "(Tensor input, Tensor other, Scalar p=2) -> Tensor", R"(p-norm of the difference.

Example:
    >>> pygrad.dist(pygrad.tensor([3., 4.]), pygrad.tensor([0., 0.]))
    tensor(5.)
)")
.method().composed();

Tensor logsumexp(const Tensor& input, const Shape& dim, bool keepdim) {
  const Reduced r("logsumexp", input, dim, keepdim);
  Tensor x, out;
  {
    GradGuard off(false);
    x = is_integral(input.dtype()) ? to(input, default_dtype()) : input;
    if (x.numel() == 0) {
      out = log(run_reduce(ReduceOp::sum, x, r, x.dtype()));
    } else {
      // Subtract the maximum, or 0 where that is infinite.
      const Tensor size = is_complex(x.dtype()) ? real(x) : x;
      Tensor top = run_reduce(ReduceOp::amax, size, r, size.dtype());
      top = masked_fill(top, eq(abs(top), Scalar(HUGE_VAL)), Scalar(0));
      out = add(log(run_reduce(ReduceOp::sum, exp(sub(x, r.with_dims(top))), r, x.dtype())), top);
    }
  }
  return record("logsumexp", out, {input}, saved(x, out), [r](const Node& n, const Tensor& g) {
    return Grads{mul(r.with_dims(g), conj(exp(sub(n.saved(0), r.with_dims(n.saved(1))))))};
  });
}
PG_OP(logsumexp, "(Tensor input, int[] dim, bool keepdim=False) -> Tensor",
      R"(log(sum(e^x)) over dimensions, without overflow.

Example:
    >>> pygrad.logsumexp(pygrad.tensor([0., 0.]), 0)
    tensor(0.6931)
)")
.method().also_in("special");

namespace {

// Shared by var and std: what the options say, the checks, and the kernel.
struct Spread {
  Reduced r;
  double correction;
  Tensor x, var, mean;

  Spread(const char* name, const Tensor& input, Sizes dims, double correction_, bool keepdim,
         bool want_mean)
      : r(name, input, dims, keepdim), correction(correction_), x(input) {
    PG_CHECK(!is_integral(input.dtype()), name,
             "(): std and var only support floating point and complex dtypes, got ", input.dtype(),
             ". Convert the input with .float()");
    GradGuard off(false);
    const DType type = real_dtype(x.dtype());
    if (is_complex(x.dtype())) {
      // |z - mean|^2 is the sum of the variances of both parts.
      const Spread re(name, real(x), dims, correction, keepdim, true),
          im(name, imag(x), dims, correction, keepdim, true);
      var = add(re.var, im.var);
      if (want_mean) mean = run_reduce(ReduceOp::mean, x, r, x.dtype());
      return;
    }
    var = empty(r.result_shape(), type, x.device());
    if (want_mean) mean = empty(r.result_shape(), type, x.device());
    const View v = r.kernel_view(var), m = want_mean ? r.kernel_view(mean) : View{};
    kernels::var_mean(x.device_type())(v, want_mean ? &m : nullptr, x.view(), correction);
  }
};

// d var / dx = 2 (x - mean) / (n - correction)
Tensor var_gradient(const Tensor& g, const Tensor& x, const Reduced& r, double correction) {
  const double n = double(r.count()) - correction;
  const Shape dims = reduced_dims(r);
  const Tensor centre = dims.empty() ? x : mean(x, dims, true);
  const Tensor scaled = mul(r.with_dims(g), Scalar(2 / (n > 0 ? n : 0)));
  return mul(scaled, sub(x, centre));
}

// g / (2 std), 0 where std is 0.
Tensor through_root(const Tensor& g, const Tensor& root) {
  return masked_fill(div(g, mul(root, Scalar(2))), eq(root, Scalar(0)), Scalar(0));
}

Tensor var_over(const Tensor& input, Sizes dims, double correction, bool keepdim) {
  const Spread s("var", input, dims, correction, keepdim, false);
  const Reduced r = s.r;
  return record("var", s.var, {input}, saved(input),
                [r, correction](const Node& n, const Tensor& g) {
                  return Grads{var_gradient(g, n.saved(0), r, correction)};
                });
}

Tensor std_over(const Tensor& input, Sizes dims, double correction, bool keepdim) {
  const Spread s("std", input, dims, correction, keepdim, false);
  const Reduced r = s.r;
  Tensor out = empty_like(s.var);
  kernels::unary(out.device_type())(UnaryOp::sqrt, out.view(), s.var.view());
  return record(
      "std", out, {input}, saved(input, out), [r, correction](const Node& n, const Tensor& g) {
        return Grads{var_gradient(through_root(g, n.saved(1)), n.saved(0), r, correction)};
      });
}

std::tuple<Tensor, Tensor> spread_and_mean(const char* name, bool root, const Tensor& input,
                                           Sizes dims, double correction, bool keepdim) {
  const Spread s(name, input, dims, correction, keepdim, true);
  const Reduced r = s.r;
  const double count = double(r.count());
  Tensor outputs[2] = {s.var, s.mean};
  if (root) kernels::unary(s.var.device_type())(UnaryOp::sqrt, s.var.view(), s.var.view());
  record_multi(name, outputs, {input}, saved(input, outputs[0]), [=](const Node& n, GradSpan g) {
    Tensor total;
    if (g[0].defined())
      total = var_gradient(root ? through_root(g[0], n.saved(1)) : g[0], n.saved(0), r, correction);
    if (g[1].defined()) {
      const Tensor part = r.expanded(div(g[1], Scalar(count)));
      total = total.defined() ? add(total, part) : part;
    }
    return Grads{total};
  });
  return {outputs[0], outputs[1]};
}

// numbers of freedom removed: `correction`, or by `unbiased`.
double correction_of(const std::optional<Scalar>& correction) {
  return correction ? correction->to_double() : 1;
}

}  // namespace

std::tuple<Tensor, Tensor> var_mean(const Tensor& input, const Shape& dims, double correction,
                                    bool keepdim) {
  return spread_and_mean("var_mean", false, input, dims, correction, keepdim);
}

#define PG_SPREAD_OVERLOADS(name, result, compute, returns, text, example)                         \
  result name##_unbiased(const Tensor& input, bool unbiased) {                                     \
    return compute(input, {}, unbiased, false);                                                    \
  }                                                                                                \
  PG_OP_NAMED(#name, &name##_unbiased, "(Tensor input, bool unbiased) -> " returns,                \
              text                                                                                 \
              ".\n\nArgs:\n    input: floating or "                                                \
              "complex.\n    unbiased: divide by n - 1 rather than n.\n")                          \
      .method();                                                                                   \
  result name##_dim_unbiased(const Tensor& input, const std::optional<Shape>& dim, bool unbiased,  \
                             bool keepdim) {                                                       \
    return compute(input, dims_of(dim), unbiased, keepdim);                                        \
  }                                                                                                \
  PG_OP_NAMED(#name, &name##_dim_unbiased,                                                         \
              "(Tensor input, int[]? dim, bool unbiased, bool keepdim=False) -> " returns,         \
              text ", over dimensions.\n\nArgs:\n    unbiased: divide by n - 1 rather than n.\n")  \
      .method();                                                                                   \
  result name##_corrected(const Tensor& input, const std::optional<Shape>& dim,                    \
                          const std::optional<Scalar>& correction, bool keepdim) {                 \
    return compute(input, dims_of(dim), correction_of(correction), keepdim);                       \
  }                                                                                                \
  PG_OP_NAMED(                                                                                     \
      #name, &name##_corrected,                                                                    \
      "(Tensor input, int[]? dim=None, *, Scalar? correction=1, bool keepdim=False) -> " returns,  \
      text                                                                                         \
      ", of all elements or over dimensions.\n\nArgs:\n    input: floating or complex.\n    dim: " \
      "a dimension, "                                                                              \
      "several, or None for all.\n    correction: subtracted from the number of elements.\n    "   \
      "keepdim: keep the "                                                                         \
      "reduced dimensions with size 1.\n\nExample:\n    >>> pygrad." #name                         \
      "(pygrad.tensor([[1., 3.], [2., 6.]]), 1)\n    " example "\n")                               \
      .method();

#define PG_STD_MEAN(input, dims, correction, keepdim) \
  spread_and_mean("std_mean", true, input, dims, correction, keepdim)
#define PG_VAR_MEAN(input, dims, correction, keepdim) \
  spread_and_mean("var_mean", false, input, dims, correction, keepdim)
using Pair = std::tuple<Tensor, Tensor>;
PG_SPREAD_OVERLOADS(var, Tensor, var_over, "Tensor", "Variance", "tensor([2., 8.])")
PG_SPREAD_OVERLOADS(std, Tensor, std_over, "Tensor", "Standard deviation",
                    "tensor([1.4142, 2.8284])")
PG_SPREAD_OVERLOADS(var_mean, Pair, PG_VAR_MEAN, "(Tensor, Tensor)", "Variance and mean",
                    "(tensor([2., 8.]), tensor([2., 4.]))")
PG_SPREAD_OVERLOADS(std_mean, Pair, PG_STD_MEAN, "(Tensor, Tensor)", "Standard deviation and mean",
                    "(tensor([1.4142, 2.8284]), tensor([2., 4.]))")
#undef PG_STD_MEAN
#undef PG_VAR_MEAN
#undef PG_SPREAD_OVERLOADS

}  // namespace pygrad
