// A product added to a tensor: addmm, addmv, addr, baddbmm, addbmm. The factors and the addend go
// into the GEMM itself.
#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/products.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

// beta * input + alpha * (a b), the result of `sizes`; input broadcasts to it. One GEMM: a single
// row of input is added as a bias, anything else is copied into the result first.
struct AddProduct {
  Tensor out;
  AddProduct(const char* op, const Tensor& input, const Tensor& a, const Tensor& b,
             const Shape& sizes, Scalar beta, Scalar alpha, bool relu = false) {
    check_same_device(op, input, a, "input", "mat1");
    PG_CHECK(input.dtype() == a.dtype(), op,
             "(): expected input and the matrices to have the same dtype, but got: ",
             c_type_name(input.dtype()), " != ", c_type_name(a.dtype()));
    const Shape common = broadcast_shapes(op, input.sizes(), sizes);
    PG_CHECK(common == sizes, op, "(): The expanded size of the tensor must match: input ",
             input.sizes(), " does not broadcast to the product's shape ", sizes);
    out = make_output(empty(Shape{}, a.dtype(), a.device()), sizes, a.dtype(), {});
    const Tensor left = apart_from(out, a), right = apart_from(out, b);
    const bool complex_factor = alpha.is_complex() || beta.is_complex();
    const bool row = input.dim() <= 1 || (input.dim() == 2 && input.size(0) == 1);
    if (row && !complex_factor && is_number(beta, 1) && !may_overlap(out, input)) {
      run_product(out, left, right, {alpha.to_double(), 0, &input, relu});
      return;
    }
    if (complex_factor) {
      const Tensor product = empty(sizes, a.dtype(), a.device());
      run_product(product, left, right);
      scale(product, alpha);
      if (is_number(beta, 0)) {
        copy_data(out, product);
        return;
      }
      load(input, sizes);
      scale(out, beta);
      kernels::binary(out.device_type())(BinaryOp::add, out.view(), out.view(), product.view());
      return;
    }
    if (!is_number(beta, 0)) load(input, sizes);
    run_product(out, left, right, {alpha.to_double(), beta.to_double(), nullptr, relu});
  }

 private:
  void load(const Tensor& input, Sizes sizes) {
    if (out.impl()->storage.get() == input.impl()->storage.get() && same_layout(out, input)) return;
    copy_data(out, expanded(may_overlap(out, input) ? alias(clone(input)) : input, sizes));
  }
};

// What backward needs of an operand: a copy when the op runs in place over it.
Tensor kept(const Tensor& t, const Tensor& out, bool needed) {
  if (!needed || !grad_enabled()) return {};
  return t.impl()->storage.get() == out.impl()->storage.get() ? clone(t) : t;
}

}  // namespace

namespace {

void check_addmm(const char* op, const Tensor& mat1, const Tensor& mat2) {
  check_dims_are(op, mat1, 2, "mat1 must be a matrix");
  check_dims_are(op, mat2, 2, "mat2 must be a matrix");
  check_product_operands(op, mat1, mat2);
  if (mat1.size(1) != mat2.size(0))
    raise_inner_mismatch(op, mat1, mat2, mat1.size(0), mat1.size(1), mat2.size(0), mat2.size(1));
}

// The gradients of addmm's operands, of which mat1 and mat2 are saved first.
struct AddmmGradients {
  Scalar beta, alpha;
  bool left, right;  // column-major matrices, as their gradients shall be
  Grads operator()(const Node& n, const Tensor& g) const {
    return {n.needs(0) ? times_conj(g, beta) : Tensor(),
            n.needs(1) ? gradient_product(n, 1, g, hermitian(n.saved(1)), left, alpha) : Tensor(),
            n.needs(2) ? gradient_product(n, 2, hermitian(n.saved(0)), g, right, alpha) : Tensor()};
  }
};

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, Scalar beta,
             Scalar alpha) {
  check_addmm("addmm", mat1, mat2);
  beta = factor(beta, mat1.dtype()), alpha = factor(alpha, mat1.dtype());
  const Tensor a = kept(mat1, input, mat2.requires_grad()),
               b = kept(mat2, input, mat1.requires_grad());
  AddProduct r("addmm", input, mat1, mat2, Shape{mat1.size(0), mat2.size(1)}, beta, alpha);
  return record("addmm", r.out, {input, mat1, mat2}, saved(a, b),
                AddmmGradients{beta, alpha, is_column_major(mat1), is_column_major(mat2)});
}
PG_OP(addmm, "(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(A matrix product added to a tensor: beta input + alpha (mat1 mat2).

Args:
    input: broadcasts to (m, n); not read when beta is 0.
    mat1: (m, k).
    mat2: (k, n).

Example:
    >>> pygrad.addmm(pygrad.tensor([1., 2.]), pygrad.ones(2, 3), pygrad.ones(3, 2))
    tensor([[4., 5.],
            [4., 5.]])
)")
.method().inplace();

Tensor _addmm_activation(const Tensor& input, const Tensor& mat1, const Tensor& mat2, Scalar beta,
                         Scalar alpha, bool use_gelu) {
  if (use_gelu) return gelu(addmm(input, mat1, mat2, beta, alpha), "none");
  check_addmm("_addmm_activation", mat1, mat2);
  PG_CHECK_KIND(NotImplemented, !is_complex(mat1.dtype()),
                "_addmm_activation(): not implemented for dtype ", mat1.dtype(),
                "; expected real matrices");
  beta = factor(beta, mat1.dtype()), alpha = factor(alpha, mat1.dtype());
  AddProduct r("_addmm_activation", input, mat1, mat2, Shape{mat1.size(0), mat2.size(1)}, beta,
               alpha, true);
  const AddmmGradients gradients{beta, alpha, is_column_major(mat1), is_column_major(mat2)};
  return record("_addmm_activation", r.out, {input, mat1, mat2}, saved(mat1, mat2, r.out),
                [gradients](const Node& n, const Tensor& g) {
                  return gradients(n, relu_backward(g, n.saved(2)));
                });
}
PG_OP(_addmm_activation,
      "(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1, bool "
      "use_gelu=False) -> Tensor",
      R"(An activation of beta input + alpha (mat1 mat2).

ReLU is applied as the product is written. For a layer: input is the bias, mat2 the transposed weight.

Args:
    input: broadcasts to (m, n); not read when beta is 0.
    mat1: (m, k).
    mat2: (k, n).
    use_gelu: GELU in place of ReLU.

Example:
    >>> pygrad._addmm_activation(pygrad.tensor([-4., 1.]), pygrad.ones(2, 3), pygrad.ones(3, 2))
    tensor([[0., 4.],
            [0., 4.]])
)");

Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha) {
  PG_CHECK(mat.dim() == 2 && vec.dim() == 1, "addmv(): vector + matrix @ vector expected, got ",
           input.dim(), ", ", mat.dim(), ", ", vec.dim(), " dimensions");
  check_product_operands("addmv", mat, vec);
  PG_CHECK(mat.size(1) == vec.size(0), "addmv(): size mismatch, got input (", mat.size(0),
           "), mat (", mat.size(0), "x", mat.size(1), "), vec (", vec.size(0), ")");
  PG_CHECK(input.dim() <= 1, "addmv(): input must be a vector, got shape ", input.sizes());
  return squeeze(
      addmm(input.dim() ? unsqueeze(input, 1) : input, mat, unsqueeze(vec, 1), beta, alpha), 1);
}
PG_OP(addmv, "(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(A matrix-vector product added to a vector: beta input + alpha (mat vec).

Args:
    input: broadcasts to (m).
    mat: (m, k).
    vec: (k).

Example:
    >>> pygrad.addmv(pygrad.tensor([1., 2.]), pygrad.ones(2, 3), pygrad.ones(3))
    tensor([4., 5.])
)")
.method().inplace(false).composed();

Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, Scalar beta,
            Scalar alpha) {
  const Tensor product = outer(vec1, vec2);
  const Tensor scaled = is_number(alpha, 1) ? product : mul(product, alpha);
  PG_CHECK(broadcast_shapes("addr", input.sizes(), product.sizes()) == product.sizes(),
           "addr(): input ", input.sizes(), " does not broadcast to ", product.sizes());
  if (is_number(beta, 0)) return add(scaled, zeros(Shape{}, input.dtype(), input.device()));
  return add(is_number(beta, 1) ? input : mul(input, beta), scaled);
}
PG_OP(addr, "(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(An outer product added to a matrix: beta input + alpha vec1 vec2^T.

Args:
    input: broadcasts to (m, n).
    vec1: (m).
    vec2: (n).

Example:
    >>> pygrad.addr(pygrad.zeros(2, 2), pygrad.tensor([1., 2.]), pygrad.tensor([1., 1.]))
    tensor([[1., 1.],
            [2., 2.]])
)")
.method().inplace(false).composed();

Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta,
               Scalar alpha) {
  check_dims_are("baddbmm", batch1, 3, "batch1 must be a 3D tensor");
  check_dims_are("baddbmm", batch2, 3, "batch2 must be a 3D tensor");
  check_product_operands("baddbmm", batch1, batch2);
  PG_CHECK(batch1.size(0) == batch2.size(0) && batch1.size(2) == batch2.size(1),
           "baddbmm(): Expected size for first two dimensions of batch2 tensor to be: [",
           batch1.size(0), ", ", batch1.size(2), "] but got: [", batch2.size(0), ", ",
           batch2.size(1), "]");
  beta = factor(beta, batch1.dtype()), alpha = factor(alpha, batch1.dtype());
  const Tensor a = kept(batch1, input, batch2.requires_grad()),
               b = kept(batch2, input, batch1.requires_grad());
  AddProduct r("baddbmm", input, batch1, batch2,
               Shape{batch1.size(0), batch1.size(1), batch2.size(2)}, beta, alpha);
  return record(
      "baddbmm", r.out, {input, batch1, batch2}, saved(a, b),
      [beta, alpha](const Node& n, const Tensor& g) {
        return Grads{
            n.needs(0) ? times_conj(g, beta) : Tensor(),
            n.needs(1) ? gradient_product(n, 1, g, hermitian(n.saved(1)), false, alpha) : Tensor(),
            n.needs(2) ? gradient_product(n, 2, hermitian(n.saved(0)), g, false, alpha) : Tensor()};
      });
}
PG_OP(baddbmm,
      "(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(Batched matrix products added to a tensor: beta input + alpha (batch1 batch2).

Args:
    input: broadcasts to (b, m, n).
    batch1: (b, m, k).
    batch2: (b, k, n).

Example:
    >>> pygrad.baddbmm(pygrad.ones(1), pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1)).flatten()
    tensor([4., 4.])
)")
.method().inplace();

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta,
              Scalar alpha) {
  check_dims_are("addbmm", batch1, 3, "batch1 must be a 3D tensor");
  check_dims_are("addbmm", batch2, 3, "batch2 must be a 3D tensor");
  PG_CHECK(batch1.size(0) == batch2.size(0) && batch1.size(2) == batch2.size(1),
           "addbmm(): Expected size for first two dimensions of batch2 tensor to be: [",
           batch1.size(0), ", ", batch1.size(2), "] but got: [", batch2.size(0), ", ",
           batch2.size(1), "]");
  // The sum over the batch is part of the inner dimension: one product of (m, b k) with (b k, n).
  const int64_t b = batch1.size(0), m = batch1.size(1), k = batch1.size(2), n = batch2.size(2);
  return addmm(input, reshape(transpose(batch1, 0, 1), Shape{m, b * k}),
               reshape(batch2, Shape{b * k, n}), beta, alpha);
}
PG_OP(
    addbmm,
    "(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    R"(The sum of a batch of matrix products added to a matrix: beta input + alpha sum_i batch1[i] batch2[i].

Args:
    input: broadcasts to (m, n).
    batch1: (b, m, k).
    batch2: (b, k, n).

Example:
    >>> pygrad.addbmm(pygrad.zeros(1, 1), pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1))
    tensor([[6.]])
)")
.method().inplace(false).composed();

}  // namespace pygrad
