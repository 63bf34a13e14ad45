// The affine layer as one GEMM with the bias in its last step, and the bilinear form.
#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/products.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

int64_t rows_of(const Tensor& x) {
  int64_t rows = 1;
  for (int64_t i = 0; i + 1 < x.dim(); ++i) rows *= x.size(i);
  return rows;
}

// (..., n) as (rows, n).
Tensor as_rows(const Tensor& x) {
  return x.dim() == 2 ? x : reshape(x, Shape{rows_of(x), x.size(-1)});
}

// The same without the tape: only a layout that has no common row stride is copied.
Tensor rows_data(const Tensor& x) {
  if (x.dim() == 2) return x;
  GradGuard off(false);
  return as_rows(x);
}

}  // namespace

namespace {

// An image batch given to the first layer as it is: (64, 28, 28) where 784 features are expected.
bool flattening_fits(const Tensor& input, int64_t features) {
  int64_t n = 1;
  for (int64_t d = 1; d < input.dim(); ++d) n *= input.size(d);
  return input.dim() > 2 && n == features;
}

}  // namespace

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_product_operands("linear", input, weight);
  PG_CHECK(
      input.dim() > 0,
      "linear(): input must have at least one dimension, (..., in_features); got a 0-D tensor");
  if (weight.dim() == 1) {
    const Tensor out = matmul(input, weight);
    return bias.defined() ? add(out, bias) : out;
  }
  PG_CHECK(weight.dim() == 2, "linear(): weight must be (out_features, in_features), got shape ",
           weight.sizes());
  const int64_t k = input.size(-1), n = weight.size(0), rows = rows_of(input);
  if (k != weight.size(1)) [[unlikely]]
    raise(ErrorKind::Runtime, "linear(): mat1 and mat2 shapes cannot be multiplied (", rows, "x", k,
          " and ", weight.size(1), "x", n, "): input's last dimension is ", k, ", expected ",
          weight.size(1), "; input ", input.sizes(), ", weight ", weight.sizes(),
          flattening_fits(input, weight.size(1)) ? ". Did you mean x.flatten(1)?" : "");
  if (bias.defined()) {
    check_product_operands("linear", input, bias);
    PG_CHECK(bias.numel() == 1 || (bias.size(-1) == n && bias.numel() == n), "linear(): bias ",
             bias.sizes(), " does not fit weight ", weight.sizes(), "; expected (", n,
             ") (The expanded size of the tensor must match)");
  }
  Shape sizes = input.shape();
  sizes.back() = n;
  Tensor out = empty(sizes, input.dtype(), input.device());
  ProductOptions options;
  options.bias = bias.defined() ? &bias : nullptr;
  run_product(
      alias(out, Shape{rows, n}, Shape{n, 1}, 0), rows_data(input),
      alias(weight, Shape{k, n}, Shape{weight.stride(1), weight.stride(0)}, weight.offset()),
      options);
  return record(bias.defined() ? "addmm" : "mm", out, {input, weight, bias}, saved(input, weight),
                [](const Node& node, const Tensor& g) {
                  const Tensor rows_g = as_rows(g);
                  Grads grads;
                  grads.push_back(node.needs(0) ? gradient_product(node, 0, g, conj(node.saved(1)))
                                                : Tensor());
                  grads.push_back(node.needs(1) ? gradient_product(node, 1, t(rows_g),
                                                                   conj(as_rows(node.saved(0))))
                                                : Tensor());
                  grads.push_back(node.needs(2) ? sum(rows_g, Shape{0}, false) : Tensor());
                  return grads;
                });
}
PG_OP(linear, "(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
      R"(The affine map of the last dimension: y = x W^T + b.

Args:
    input: (..., in_features).
    weight: (out_features, in_features), or (in_features).
    bias: (out_features), or None.

Raises:
    RuntimeError: when shapes or dtypes do not fit.

Example:
    >>> pygrad.nn.functional.linear(pygrad.ones(1, 3), pygrad.ones(2, 3), pygrad.tensor([0., 1.]))
    tensor([[3., 4.]])
)")
.in("nn.functional");

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  PG_CHECK(input1.dim() > 0 && input1.dim() == input2.dim(),
           "bilinear(): input dimensions do not match: got ", input1.dim(), " and ", input2.dim());
  Shape sizes = input1.shape();
  for (int64_t i = 0; i + 1 < input1.dim(); ++i)
    PG_CHECK(input1.size(i) == input2.size(i),
             "bilinear(): input batch dimensions do not match at dim ", i, ": got ", input1.size(i),
             " and ", input2.size(i));
  PG_CHECK(
      weight.dim() == 3 && input1.size(-1) == weight.size(1) && input2.size(-1) == weight.size(2),
      "bilinear(): weight ", weight.sizes(), " does not fit inputs ", input1.sizes(), " and ",
      input2.sizes(), "; expected (out_features, in1_features, in2_features)");
  const int64_t rows = rows_of(input1), o = weight.size(0), i = weight.size(1), j = weight.size(2);
  PG_CHECK(!bias.defined() || bias.numel() == o, "bilinear(): bias ",
           bias.defined() ? bias.sizes() : Sizes(), " does not fit weight ", weight.sizes(),
           "; expected (", o, ")");
  // x1 times W gives (rows, out, in2), whose rows then meet x2.
  const Tensor half =
      reshape(mm(as_rows(input1), reshape(permute(weight, Shape{1, 0, 2}), Shape{i, o * j})),
              Shape{rows, o, j});
  sizes.back() = o;
  const Tensor out = reshape(bmm(half, unsqueeze(as_rows(input2), 2)), sizes);
  return bias.defined() ? add(out, bias) : out;
}
PG_OP(bilinear, "(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
      R"(A bilinear map of two inputs: y_o = x1^T W_o x2 + b_o.

Args:
    input1: (..., in1_features).
    input2: (..., in2_features).
    weight: (out_features, in1_features, in2_features).
    bias: (out_features), or None.

Example:
    >>> pygrad.nn.functional.bilinear(pygrad.ones(1, 2), pygrad.ones(1, 3), pygrad.ones(1, 2, 3))
    tensor([[6.]])
)")
.composed().also_in("nn.functional");

}  // namespace pygrad
