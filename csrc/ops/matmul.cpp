// Matrix products: mm, bmm, mv, dot, matmul, addmm and their relatives, all one GEMM over strided operands.
#include <algorithm>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/products.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

// PyTorch names dtypes by their C++ type in this one message.
const char* c_type_name(DType dtype) {
  constexpr const char* names[kNumDTypes] = {"bool", "unsigned char", "signed char", "short int", "int", "long int", "c10::Half",
                                             "c10::BFloat16", "float", "double", "c10::complex<float>", "c10::complex<double>"};
  return names[int(dtype)];
}

void check_dims_are(const char* op, const Tensor& t, int64_t dims, const char* text) {
  PG_CHECK(t.dim() == dims, op, "(): ", text, ", got shape ", t.sizes());
}

// C *= s, for the complex factors that the kernel's double cannot carry.
void scale(const Tensor& c, Scalar s) { kernels::binary_scalar(c.device_type())(BinaryOp::mul, c.view(), c.view(), s, false); }

bool is_number(Scalar s, int64_t n) { return s.is_integral() ? s.i == n : s.d == double(n) && s.im == 0; }

// Integer products take integer factors; a float one is cut off, as PyTorch does.
Scalar factor(Scalar s, DType dtype) { return is_integral(dtype) && !s.is_integral() ? Scalar(s.to_int()) : s; }

// An untracked 2-D or 3-D look at a tensor.
Tensor as_row(const Tensor& v) { return alias(v, Shape{1, v.size(0)}, Shape{0, v.stride(0)}, v.offset()); }
Tensor as_column(const Tensor& v) { return alias(v, Shape{v.size(0), 1}, Shape{v.stride(0), 0}, v.offset()); }
Tensor expanded(const Tensor& t, Sizes sizes) {
  const View v = t.view_expanded(sizes);
  return alias(t, sizes, Sizes{v.strides, sizes.size()}, t.offset());
}

Tensor apart_from(const Tensor& out, const Tensor& t) { return may_overlap(out, t) ? alias(clone(t)) : t; }

}  // namespace

void check_product_operands(const char* op, const Tensor& a, const Tensor& b) {
  check_same_device(op, a, b);
  if (a.dtype() != b.dtype()) [[unlikely]]
    raise(ErrorKind::Runtime, op, "(): expected m1 and m2 to have the same dtype, but got: ", c_type_name(a.dtype()), " != ",
          c_type_name(b.dtype()), " (", a.dtype(), " and ", b.dtype(), "). Convert one with .to()");
  PG_CHECK_KIND(NotImplemented, a.dtype() != DType::Bool, op, "(): matrix products are not implemented for 'Bool'; expected numbers. "
                "Convert with .to(torch.int64) or .float()");
}

void raise_inner_mismatch(const char* op, const Tensor& a, const Tensor& b, int64_t m, int64_t ka, int64_t kb, int64_t n) {
  raise(ErrorKind::Runtime, op, "(): mat1 and mat2 shapes cannot be multiplied (", m, "x", ka, " and ", kb, "x", n,
        "): inner dimensions differ: input ", a.sizes(), " @ other ", b.sizes(), ", ", ka, " != ", kb);
}

void run_product(const Tensor& c, const Tensor& a, const Tensor& b, const ProductOptions& options) {
  if (c.numel() == 0) return;
  const int64_t n = c.dim(), batch_dims = n - 2;
  GemmArgs args{};
  args.dtype = c.dtype();
  args.batch = 1;
  args.m = c.size(n - 2);
  args.n = c.size(n - 1);
  args.k = a.size(n - 1);
  args.a_rs = a.stride(n - 2), args.a_cs = a.stride(n - 1);
  args.b_rs = b.stride(n - 2), args.b_cs = b.stride(n - 1);
  args.c_rs = c.stride(n - 2), args.c_cs = c.stride(n - 1);
  args.alpha = options.alpha;
  args.beta = options.beta;
  if (const Tensor* bias = options.bias) {
    args.bias = bias->data();
    args.bias_stride = bias->numel() == 1 ? 0 : bias->stride(bias->dim() - 1);
  }
  // Batch dims that all three operands step through evenly become one; the rest is looped over.
  struct Batch {
    int64_t size, a, b, c;
  };
  Batch batch[kMaxDims];
  int dims = 0;
  for (int64_t d = batch_dims - 1; d >= 0; --d) {
    const Batch next{c.size(d), a.stride(d), b.stride(d), c.stride(d)};
    if (next.size == 1) continue;
    if (dims) {
      Batch& last = batch[dims - 1];
      if (next.a == last.a * last.size && next.b == last.b * last.size && next.c == last.c * last.size) {
        last.size *= next.size;
        continue;
      }
    }
    batch[dims++] = next;
  }
  if (dims) {
    args.batch = batch[0].size;
    args.a_bs = batch[0].a, args.b_bs = batch[0].b, args.c_bs = batch[0].c;
  }
  const int64_t bytes = int64_t(item_size(c.dtype()));
  const auto gemm = kernels::gemm(c.device_type());
  int64_t at[kMaxDims] = {};
  for (;;) {
    int64_t ao = 0, bo = 0, co = 0;
    for (int i = 1; i < dims; ++i) ao += at[i] * batch[i].a, bo += at[i] * batch[i].b, co += at[i] * batch[i].c;
    args.a = static_cast<const char*>(a.data()) + ao * bytes;
    args.b = static_cast<const char*>(b.data()) + bo * bytes;
    args.c = static_cast<char*>(c.data()) + co * bytes;
    gemm(args);
    int i = 1;
    while (i < dims && ++at[i] == batch[i].size) at[i++] = 0;
    if (i >= dims) return;
  }
}

Tensor hermitian(const Tensor& t) { return conj(transpose(t, -2, -1)); }

bool is_column_major(const Tensor& m) { return m.stride(0) == 1 && m.stride(1) >= std::max<int64_t>(1, m.size(0)) && m.size(1) > 1; }

Tensor grad_of_left(const Tensor& g, const Tensor& b, bool column_major) {
  return column_major ? t(mm(conj(b), t(g))) : mm(g, conj(t(b)));
}
Tensor grad_of_right(const Tensor& g, const Tensor& a, bool column_major) {
  return column_major ? t(mm(t(g), conj(a))) : mm(conj(t(a)), g);
}

namespace {

Tensor mm_named(const char* op, const Tensor& input, const Tensor& mat2) {
  check_product_operands(op, input, mat2);
  if (input.size(1) != mat2.size(0))
    raise_inner_mismatch(op, input, mat2, input.size(0), input.size(1), mat2.size(0), mat2.size(1));
  Tensor out = empty(Shape{input.size(0), mat2.size(1)}, input.dtype(), input.device());
  run_product(out, input, mat2);
  const bool left = is_column_major(input), right = is_column_major(mat2);
  return record("mm", out, {input, mat2}, saved(input, mat2), [left, right](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? grad_of_left(g, n.saved(1), left) : Tensor(), n.needs(1) ? grad_of_right(g, n.saved(0), right) : Tensor()};
  });
}

Tensor mv_named(const char* op, const Tensor& input, const Tensor& vec) {
  check_product_operands(op, input, vec);
  PG_CHECK(input.size(1) == vec.size(0), op, "(): size mismatch, got input (", input.size(0), "), mat (", input.size(0), "x", input.size(1),
           "), vec (", vec.size(0), "): inner dimensions differ: input ", input.sizes(), " @ other ", vec.sizes());
  Tensor out = empty(Shape{input.size(0)}, input.dtype(), input.device());
  run_product(as_column(out), input, as_column(vec));
  return record("mv", out, {input, vec}, saved(input, vec), [](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? mul(unsqueeze(g, 1), conj(n.saved(1))) : Tensor(), n.needs(1) ? matmul(conj(t(n.saved(0))), g) : Tensor()};
  });
}

void check_vectors(const char* op, const Tensor& a, const Tensor& b) {
  PG_CHECK(a.dim() == 1 && b.dim() == 1, op, "(): 1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors");
  check_same_device(op, a, b, "input", "tensor");
  PG_CHECK(a.dtype() == b.dtype(), op, "(): dot : expected both vectors to have same dtype, but found ", a.dtype(), " and ", b.dtype());
  PG_CHECK(a.numel() == b.numel(), op, "(): inconsistent tensor size, expected tensor ", a.sizes(), " and src ", b.sizes(),
           " to have the same number of elements, but got ", a.numel(), " and ", b.numel(), " elements respectively");
  PG_CHECK_KIND(NotImplemented, a.dtype() != DType::Bool, op, "(): \"dot\" not implemented for 'Bool'");
}

// Products of matrices over broadcast batch dims, without a copy of either operand. The engine sums the gradients over the
// dims that were broadcast.
Tensor batched(const char* op, const Tensor& a, const Tensor& b, const Shape& batch) {
  Shape a_sizes = batch, b_sizes = batch, sizes = batch;
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  if (k != b.size(-2)) {
    if (a.dim() == 3 && b.dim() == 3)
      raise(ErrorKind::Runtime, op, "(): Expected size for first two dimensions of batch2 tensor to be: [", batch[0], ", ", k,
            "] but got: [", b.size(0), ", ", b.size(1), "]: inner dimensions differ: input ", a.sizes(), " @ other ", b.sizes(), ", ", k,
            " != ", b.size(-2));
    raise_inner_mismatch(op, a, b, m, k, b.size(-2), n);
  }
  a_sizes.push_back(m), a_sizes.push_back(k);
  b_sizes.push_back(k), b_sizes.push_back(n);
  sizes.push_back(m), sizes.push_back(n);
  Tensor out = empty(sizes, a.dtype(), a.device());
  run_product(out, expanded(a, a_sizes), expanded(b, b_sizes));
  return record("bmm", out, {a, b}, saved(a, b), [](const Node& node, const Tensor& g) {
    return Grads{node.needs(0) ? matmul(g, hermitian(node.saved(1))) : Tensor(),
                 node.needs(1) ? matmul(hermitian(node.saved(0)), g) : Tensor()};
  });
}

}  // namespace

Tensor mm(const Tensor& input, const Tensor& mat2) {
  check_dims_are("mm", input, 2, "self must be a matrix");
  check_dims_are("mm", mat2, 2, "mat2 must be a matrix");
  return mm_named("mm", input, mat2);
}
PG_OP(mm, "(Tensor input, Tensor mat2) -> Tensor", R"(Product of two matrices: c[i, j] = sum_k a[i, k] b[k, j].

Args:
    input: (m, k).
    mat2: (k, n), of the same dtype.

Raises:
    RuntimeError: when shapes or dtypes do not fit.

Example:
    >>> pygrad.mm(pygrad.tensor([[1., 2.]]), pygrad.tensor([[3.], [4.]]))
    tensor([[11.]])
)").method();

Tensor bmm(const Tensor& input, const Tensor& mat2) {
  check_dims_are("bmm", input, 3, "batch1 must be a 3D tensor");
  check_dims_are("bmm", mat2, 3, "batch2 must be a 3D tensor");
  check_product_operands("bmm", input, mat2);
  PG_CHECK(input.size(0) == mat2.size(0), "bmm(): Expected size for first two dimensions of batch2 tensor to be: [", input.size(0), ", ",
           input.size(2), "] but got: [", mat2.size(0), ", ", mat2.size(1), "] (shapes ", input.sizes(), " and ", mat2.sizes(), ")");
  return batched("bmm", input, mat2, Shape{input.size(0)});
}
PG_OP(bmm, "(Tensor input, Tensor mat2) -> Tensor", R"(Products of matrices in two batches of equal length.

Args:
    input: (b, m, k).
    mat2: (b, k, n), of the same dtype.

Example:
    >>> pygrad.bmm(pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
)").method();

Tensor mv(const Tensor& input, const Tensor& vec) {
  PG_CHECK(input.dim() == 2 && vec.dim() == 1, "mv(): vector + matrix @ vector expected, got ", input.dim(), ", ", vec.dim(),
           " dimensions (shapes ", input.sizes(), " and ", vec.sizes(), ")");
  return mv_named("mv", input, vec);
}
PG_OP(mv, "(Tensor input, Tensor vec) -> Tensor", R"(Product of a matrix and a vector.

Args:
    input: (m, k).
    vec: (k), of the same dtype.

Example:
    >>> pygrad.mv(pygrad.tensor([[1., 2.], [3., 4.]]), pygrad.tensor([1., 1.]))
    tensor([3., 7.])
)").method();

Tensor dot(const Tensor& input, const Tensor& tensor) {
  check_vectors("dot", input, tensor);
  Tensor out = empty(Shape{}, input.dtype(), input.device());
  run_product(alias(out, Shape{1, 1}, Shape{1, 1}, 0), as_row(input), as_column(tensor));
  return record("dot", out, {input, tensor}, saved(input, tensor), [](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? mul(conj(n.saved(1)), g) : Tensor(), n.needs(1) ? mul(conj(n.saved(0)), g) : Tensor()};
  });
}
PG_OP(dot, "(Tensor input, Tensor tensor) -> Tensor", R"(Scalar product of two vectors, without conjugation.

Example:
    >>> pygrad.dot(pygrad.tensor([1., 2.]), pygrad.tensor([3., 4.]))
    tensor(11.)
)").method();

Tensor vdot(const Tensor& input, const Tensor& other) {
  check_vectors("vdot", input, other);
  return dot(conj(input), other);
}
PG_OP(vdot, "(Tensor input, Tensor other) -> Tensor", R"(Scalar product of two vectors, the first one conjugated.

Example:
    >>> pygrad.vdot(pygrad.tensor([1j]), pygrad.tensor([1j]))
    tensor(1.+0.j)
)").method().composed();

Tensor matmul(const Tensor& input, const Tensor& other) {
  const int64_t da = input.dim(), db = other.dim();
  if (da == 2 && db == 2) return mm_named("matmul", input, other);
  PG_CHECK(da > 0 && db > 0, "matmul(): both arguments to matmul need to be at least 1D, but they are ", da, "D and ", db,
           "D. Multiply by a number with *");
  if (da == 1 && db == 1) return dot(input, other);
  if (da == 2 && db == 1) return mv_named("matmul", input, other);
  if (da == 1 && db == 2) return squeeze(mm_named("matmul", unsqueeze(input, 0), other), 0);
  check_product_operands("matmul", input, other);
  if (db == 1) return squeeze(matmul(input, unsqueeze(other, 1)), -1);
  if (da == 1) return squeeze(matmul(unsqueeze(input, 0), other), -2);
  if (db == 2) {
    // One product over all the rows.
    const int64_t k = input.size(-1);
    int64_t rows = 1;
    Shape sizes = input.shape();
    for (int64_t i = 0; i + 1 < da; ++i) rows *= sizes[i];
    sizes.back() = other.size(1);
    if (k != other.size(0)) raise_inner_mismatch("matmul", input, other, rows, k, other.size(0), other.size(1));
    return reshape(mm_named("matmul", reshape(input, Shape{rows, k}), other), sizes);
  }
  const Shape batch = broadcast_shapes("matmul", input.sizes().first(size_t(da - 2)), other.sizes().first(size_t(db - 2)));
  return batched("matmul", input, other, batch);
}
PG_OP(matmul, "(Tensor input, Tensor other) -> Tensor", R"(Matrix product of tensors of any dimensions.

Two vectors give their scalar product; a vector beside a matrix is a row on the left and a column on the right; leading dimensions
are a batch and broadcast.

Args:
    input: (..., m, k), or (k).
    other: (..., k, n), or (k), of the same dtype.

Raises:
    RuntimeError: when shapes or dtypes do not fit.

Example:
    >>> pygrad.matmul(pygrad.ones(2, 3, 4), pygrad.ones(4, 5)).shape
    torch.Size([2, 3, 5])
)").method().also_in("linalg");

Tensor inner(const Tensor& input, const Tensor& other) {
  if (input.dim() == 0 || other.dim() == 0) return mul(input, other);
  PG_CHECK(input.size(-1) == other.size(-1), "inner(): inner() the last dimension must match on both input tensors but got shapes ",
           input.sizes(), " and ", other.sizes());
  Shape sizes(input.sizes().first(size_t(input.dim() - 1)));
  for (int64_t i = 0; i + 1 < other.dim(); ++i) sizes.push_back(other.size(i));
  const int64_t k = input.size(-1);
  auto rows = [k](const Tensor& x) {
    int64_t n = 1;
    for (int64_t i = 0; i + 1 < x.dim(); ++i) n *= x.size(i);
    return reshape(x, Shape{n, k});
  };
  if (input.dim() == 1 && other.dim() == 1) return dot(input, other);
  return reshape(mm_named("inner", rows(input), t(rows(other))), sizes);
}
PG_OP(inner, "(Tensor input, Tensor other) -> Tensor", R"(Scalar products along the last dimensions of both tensors.

Args:
    input: (..., k).
    other: (..., k).

Example:
    >>> pygrad.inner(pygrad.tensor([[1., 2.], [3., 4.]]), pygrad.tensor([1., 1.]))
    tensor([3., 7.])
)").method().composed();

Tensor outer(const Tensor& input, const Tensor& vec2) {
  PG_CHECK(input.dim() == 1 && vec2.dim() == 1, "outer(): outer: Expected 1-D arguments self and vec2, but got ", input.dim(), "-D and ",
           vec2.dim(), "-D");
  return mul(unsqueeze(input, 1), vec2);
}
PG_OP(outer, "(Tensor input, Tensor vec2) -> Tensor", R"(The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j].

Example:
    >>> pygrad.outer(pygrad.tensor([1, 2]), pygrad.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
)").method().composed().alias("ger");

namespace {

// beta * input + alpha * (a b), the result of `sizes`; input broadcasts to it. One GEMM: a single row of input is added as a bias,
// anything else is copied into the result first.
struct AddProduct {
  Tensor out;
  AddProduct(const char* op, const Tensor& input, const Tensor& a, const Tensor& b, const Shape& sizes, Scalar beta, Scalar alpha) {
    check_same_device(op, input, a, "input", "mat1");
    PG_CHECK(input.dtype() == a.dtype(), op, "(): expected input and the matrices to have the same dtype, but got: ",
             c_type_name(input.dtype()), " != ", c_type_name(a.dtype()));
    const Shape common = broadcast_shapes(op, input.sizes(), sizes);
    PG_CHECK(common == sizes, op, "(): The expanded size of the tensor must match: input ", input.sizes(),
             " does not broadcast to the product's shape ", sizes);
    out = make_output(empty(Shape{}, a.dtype(), a.device()), sizes, a.dtype(), {});
    const Tensor left = apart_from(out, a), right = apart_from(out, b);
    const bool complex_factor = alpha.is_complex() || beta.is_complex();
    const bool row = input.dim() <= 1 || (input.dim() == 2 && input.size(0) == 1);
    if (row && !complex_factor && is_number(beta, 1) && !may_overlap(out, input)) {
      run_product(out, left, right, {alpha.to_double(), 0, &input});
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
    run_product(out, left, right, {alpha.to_double(), beta.to_double(), nullptr});
  }

 private:
  void load(const Tensor& input, Sizes sizes) {
    if (out.impl()->storage.get() == input.impl()->storage.get() && same_layout(out, input)) return;
    copy_data(out, expanded(may_overlap(out, input) ? alias(clone(input)) : input, sizes));
  }
};

Tensor times(const Tensor& t, Scalar s) {
  if (is_number(s, 1)) return t;
  return mul(t, s.is_complex() ? Scalar(Complex128(s.d, -s.im)) : s);
}

// What backward needs of an operand: a copy when the op runs in place over it.
Tensor kept(const Tensor& t, const Tensor& out, bool needed) {
  if (!needed || !grad_enabled()) return {};
  return t.impl()->storage.get() == out.impl()->storage.get() ? clone(t) : t;
}

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, Scalar beta, Scalar alpha) {
  check_dims_are("addmm", mat1, 2, "mat1 must be a matrix");
  check_dims_are("addmm", mat2, 2, "mat2 must be a matrix");
  check_product_operands("addmm", mat1, mat2);
  if (mat1.size(1) != mat2.size(0)) raise_inner_mismatch("addmm", mat1, mat2, mat1.size(0), mat1.size(1), mat2.size(0), mat2.size(1));
  beta = factor(beta, mat1.dtype()), alpha = factor(alpha, mat1.dtype());
  const Tensor a = kept(mat1, input, mat2.requires_grad()), b = kept(mat2, input, mat1.requires_grad());
  AddProduct r("addmm", input, mat1, mat2, Shape{mat1.size(0), mat2.size(1)}, beta, alpha);
  const bool left = is_column_major(mat1), right = is_column_major(mat2);
  return record("addmm", r.out, {input, mat1, mat2}, saved(a, b), [beta, alpha, left, right](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? times(g, beta) : Tensor(), n.needs(1) ? times(grad_of_left(g, n.saved(1), left), alpha) : Tensor(),
                 n.needs(2) ? times(grad_of_right(g, n.saved(0), right), alpha) : Tensor()};
  });
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
)").method().inplace();

Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha) {
  PG_CHECK(mat.dim() == 2 && vec.dim() == 1, "addmv(): vector + matrix @ vector expected, got ", input.dim(), ", ", mat.dim(), ", ",
           vec.dim(), " dimensions");
  check_product_operands("addmv", mat, vec);
  PG_CHECK(mat.size(1) == vec.size(0), "addmv(): size mismatch, got input (", mat.size(0), "), mat (", mat.size(0), "x", mat.size(1),
           "), vec (", vec.size(0), ")");
  PG_CHECK(input.dim() <= 1, "addmv(): input must be a vector, got shape ", input.sizes());
  return squeeze(addmm(input.dim() ? unsqueeze(input, 1) : input, mat, unsqueeze(vec, 1), beta, alpha), 1);
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
)").method().inplace(false).composed();

Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, Scalar beta, Scalar alpha) {
  const Tensor product = outer(vec1, vec2);
  const Tensor scaled = is_number(alpha, 1) ? product : mul(product, alpha);
  PG_CHECK(broadcast_shapes("addr", input.sizes(), product.sizes()) == product.sizes(), "addr(): input ", input.sizes(),
           " does not broadcast to ", product.sizes());
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
)").method().inplace(false).composed();

Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta, Scalar alpha) {
  check_dims_are("baddbmm", batch1, 3, "batch1 must be a 3D tensor");
  check_dims_are("baddbmm", batch2, 3, "batch2 must be a 3D tensor");
  check_product_operands("baddbmm", batch1, batch2);
  PG_CHECK(batch1.size(0) == batch2.size(0) && batch1.size(2) == batch2.size(1),
           "baddbmm(): Expected size for first two dimensions of batch2 tensor to be: [", batch1.size(0), ", ", batch1.size(2),
           "] but got: [", batch2.size(0), ", ", batch2.size(1), "]");
  beta = factor(beta, batch1.dtype()), alpha = factor(alpha, batch1.dtype());
  const Tensor a = kept(batch1, input, batch2.requires_grad()), b = kept(batch2, input, batch1.requires_grad());
  AddProduct r("baddbmm", input, batch1, batch2, Shape{batch1.size(0), batch1.size(1), batch2.size(2)}, beta, alpha);
  return record("baddbmm", r.out, {input, batch1, batch2}, saved(a, b), [beta, alpha](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? times(g, beta) : Tensor(), n.needs(1) ? times(bmm(g, hermitian(n.saved(1))), alpha) : Tensor(),
                 n.needs(2) ? times(bmm(hermitian(n.saved(0)), g), alpha) : Tensor()};
  });
}
PG_OP(baddbmm, "(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(Batched matrix products added to a tensor: beta input + alpha (batch1 batch2).

Args:
    input: broadcasts to (b, m, n).
    batch1: (b, m, k).
    batch2: (b, k, n).

Example:
    >>> pygrad.baddbmm(pygrad.ones(1), pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1)).flatten()
    tensor([4., 4.])
)").method().inplace();

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta, Scalar alpha) {
  check_dims_are("addbmm", batch1, 3, "batch1 must be a 3D tensor");
  check_dims_are("addbmm", batch2, 3, "batch2 must be a 3D tensor");
  PG_CHECK(batch1.size(0) == batch2.size(0) && batch1.size(2) == batch2.size(1),
           "addbmm(): Expected size for first two dimensions of batch2 tensor to be: [", batch1.size(0), ", ", batch1.size(2),
           "] but got: [", batch2.size(0), ", ", batch2.size(1), "]");
  // The sum over the batch is part of the inner dimension: one product of (m, b k) with (b k, n).
  const int64_t b = batch1.size(0), m = batch1.size(1), k = batch1.size(2), n = batch2.size(2);
  return addmm(input, reshape(transpose(batch1, 0, 1), Shape{m, b * k}), reshape(batch2, Shape{b * k, n}), beta, alpha);
}
PG_OP(addbmm, "(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
      R"(The sum of a batch of matrix products added to a matrix: beta input + alpha sum_i batch1[i] batch2[i].

Args:
    input: broadcasts to (m, n).
    batch1: (b, m, k).
    batch2: (b, k, n).

Example:
    >>> pygrad.addbmm(pygrad.zeros(1, 1), pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1))
    tensor([[6.]])
)").method().inplace(false).composed();

Tensor kron(const Tensor& input, const Tensor& other) {
  const int64_t n = std::max(input.dim(), other.dim());
  // Every dim of the result is a pair (input's, other's).
  Shape a = Shape::filled(2 * n, 1), b = a, sizes = Shape::filled(n, 1);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t ai = i - (n - input.dim()), bi = i - (n - other.dim());
    if (ai >= 0) a[2 * i] = input.size(ai);
    if (bi >= 0) b[2 * i + 1] = other.size(bi);
    sizes[i] = a[2 * i] * b[2 * i + 1];
  }
  return reshape(mul(reshape(input, a), reshape(other, b)), sizes);
}
PG_OP(kron, "(Tensor input, Tensor other) -> Tensor", R"(Kronecker product: every element of the input times the whole other tensor.

Example:
    >>> pygrad.kron(pygrad.tensor([[1, 2]]), pygrad.tensor([[1, 1]]))
    tensor([[1, 1, 2, 2]])
)").method().composed();

}  // namespace pygrad
