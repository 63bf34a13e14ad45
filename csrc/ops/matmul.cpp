// Matrix products: mm, bmm, mv, dot, matmul and their relatives, all one GEMM over strided
// operands.
#include <algorithm>

#include "csrc/autograd/grad_sum.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/products.h"
#include "csrc/ops/registry.h"

namespace pygrad {
void check_product_operands(const char* op, const Tensor& a, const Tensor& b) {
  check_same_device(op, a, b);
  if (a.dtype() != b.dtype()) [[unlikely]]
    raise(ErrorKind::Runtime, op,
          "(): expected m1 and m2 to have the same dtype, but got: ", c_type_name(a.dtype()),
          " != ", c_type_name(b.dtype()), " (", a.dtype(), " and ", b.dtype(),
          "). Convert one with .to()");
  PG_CHECK_KIND(NotImplemented, a.dtype() != DType::Bool, op,
                "(): matrix products are not implemented for 'Bool'; expected numbers. "
                "Convert with .to(torch.int64) or .float()");
}

void raise_inner_mismatch(const char* op, const Tensor& a, const Tensor& b, int64_t m, int64_t ka,
                          int64_t kb, int64_t n) {
  raise(ErrorKind::Runtime, op, "(): mat1 and mat2 shapes cannot be multiplied (", m, "x", ka,
        " and ", kb, "x", n, "): inner dimensions differ: input ", a.sizes(), " @ other ",
        b.sizes(), ", ", ka, " != ", kb);
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
  if (options.relu) args.activation = GemmArgs::Activation::relu;
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
      if (next.a == last.a * last.size && next.b == last.b * last.size &&
          next.c == last.c * last.size) {
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
    for (int i = 1; i < dims; ++i)
      ao += at[i] * batch[i].a, bo += at[i] * batch[i].b, co += at[i] * batch[i].c;
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

bool is_column_major(const Tensor& m) {
  return m.stride(0) == 1 && m.stride(1) >= std::max<int64_t>(1, m.size(0)) && m.size(1) > 1;
}

Tensor times_conj(const Tensor& t, Scalar s) {
  if (is_number(s, 1)) return t;
  return mul(t, s.is_complex() ? Scalar(Complex128(s.d, -s.im)) : s);
}

Tensor gradient_product(const Node& node, size_t edge, const Tensor& a, const Tensor& b,
                        bool column_major, Scalar alpha) {
  const bool one_right = b.dim() == 2;
  const size_t batch_dims = size_t(b.dim() - 2);
  if (!alpha.is_complex() && (one_right || Shape::same(a.sizes().first(size_t(a.dim() - 2)),
                                                       b.sizes().first(batch_dims)))) {
    Shape sizes = a.shape();
    sizes.back() = b.size(-1);
    if (const GradSum sum{node, edge, sizes, {a, b}}) {
      const ProductOptions add{alpha.to_double(), 1};
      if (one_right && a.dim() != 2) {
        const int64_t rows = (*sum).numel() / std::max<int64_t>(1, sizes.back());
        run_product(alias(*sum, Shape{rows, sizes.back()}, Shape{sizes.back(), 1}, (*sum).offset()),
                    reshape(a, Shape{rows, a.size(-1)}), b, add);
      } else {
        run_product(*sum, a, b, add);
      }
      return {};
    }
  }
  return times_conj(column_major ? t(mm(t(b), t(a))) : matmul(a, b), alpha);
}

namespace {

Tensor mm_named(const char* op, const Tensor& input, const Tensor& mat2) {
  check_product_operands(op, input, mat2);
  if (input.size(1) != mat2.size(0))
    raise_inner_mismatch(op, input, mat2, input.size(0), input.size(1), mat2.size(0), mat2.size(1));
  Tensor out = empty(Shape{input.size(0), mat2.size(1)}, input.dtype(), input.device());
  run_product(out, input, mat2);
  const bool left = is_column_major(input), right = is_column_major(mat2);
  return record(
      "mm", std::move(out), {input, mat2}, saved(input, mat2),
      [left, right](const Node& n, const Tensor& g) {
        return Grads{
            n.needs(0) ? gradient_product(n, 0, g, hermitian(n.saved(1)), left) : Tensor(),
            n.needs(1) ? gradient_product(n, 1, hermitian(n.saved(0)), g, right) : Tensor()};
      });
}

Tensor mv_named(const char* op, const Tensor& input, const Tensor& vec) {
  check_product_operands(op, input, vec);
  PG_CHECK(input.size(1) == vec.size(0), op, "(): size mismatch, got input (", input.size(0),
           "), mat (", input.size(0), "x", input.size(1), "), vec (", vec.size(0),
           "): inner dimensions differ: input ", input.sizes(), " @ other ", vec.sizes());
  Tensor out = empty(Shape{input.size(0)}, input.dtype(), input.device());
  run_product(as_column(out), input, as_column(vec));
  return record(
      "mv", std::move(out), {input, vec}, saved(input, vec), [](const Node& n, const Tensor& g) {
        return Grads{n.needs(0)
                         ? gradient_product(n, 0, unsqueeze(g, 1), unsqueeze(conj(n.saved(1)), 0))
                         : Tensor(),
                     n.needs(1) ? matmul(conj(t(n.saved(0))), g) : Tensor()};
      });
}

void check_vectors(const char* op, const Tensor& a, const Tensor& b) {
  PG_CHECK(a.dim() == 1 && b.dim() == 1, op, "(): 1D tensors expected, but got ", a.dim(), "D and ",
           b.dim(), "D tensors");
  check_same_device(op, a, b, "input", "tensor");
  PG_CHECK(a.dtype() == b.dtype(), op,
           "(): dot : expected both vectors to have same dtype, but found ", a.dtype(), " and ",
           b.dtype());
  PG_CHECK(a.numel() == b.numel(), op, "(): inconsistent tensor size, expected tensor ", a.sizes(),
           " and src ", b.sizes(), " to have the same number of elements, but got ", a.numel(),
           " and ", b.numel(), " elements respectively");
  PG_CHECK_KIND(NotImplemented, a.dtype() != DType::Bool, op,
                "(): \"dot\" not implemented for 'Bool'");
}

// Products of matrices over broadcast batch dims, without a copy of either operand. The engine sums
// the gradients over the dims that were broadcast.
Tensor batched(const char* op, const Tensor& a, const Tensor& b, const Shape& batch) {
  Shape a_sizes = batch, b_sizes = batch, sizes = batch;
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  if (k != b.size(-2)) {
    if (a.dim() == 3 && b.dim() == 3)
      raise(ErrorKind::Runtime, op,
            "(): Expected size for first two dimensions of batch2 tensor to be: [", batch[0], ", ",
            k, "] but got: [", b.size(0), ", ", b.size(1), "]: inner dimensions differ: input ",
            a.sizes(), " @ other ", b.sizes(), ", ", k, " != ", b.size(-2));
    raise_inner_mismatch(op, a, b, m, k, b.size(-2), n);
  }
  a_sizes.push_back(m), a_sizes.push_back(k);
  b_sizes.push_back(k), b_sizes.push_back(n);
  sizes.push_back(m), sizes.push_back(n);
  Tensor out = empty(sizes, a.dtype(), a.device());
  run_product(out, expanded(a, a_sizes), expanded(b, b_sizes));
  return record("bmm", std::move(out), {a, b}, saved(a, b), [](const Node& node, const Tensor& g) {
    return Grads{node.needs(0) ? gradient_product(node, 0, g, hermitian(node.saved(1))) : Tensor(),
                 node.needs(1) ? gradient_product(node, 1, hermitian(node.saved(0)), g) : Tensor()};
  });
}

}  // namespace

Tensor mm(const Tensor& input, const Tensor& mat2) {
  check_dims_are("mm", input, 2, "self must be a matrix");
  check_dims_are("mm", mat2, 2, "mat2 must be a matrix");
  return mm_named("mm", input, mat2);
}
PG_OP(mm, "(Tensor input, Tensor mat2) -> Tensor",
      R"(Product of two matrices: c[i, j] = sum_k a[i, k] b[k, j].

Args:
    input: (m, k).
    mat2: (k, n), of the same dtype.

Raises:
    RuntimeError: when shapes or dtypes do not fit.

Example:
    >>> pygrad.mm(pygrad.tensor([[1., 2.]]), pygrad.tensor([[3.], [4.]]))
    tensor([[11.]])
)")
.method();

Tensor bmm(const Tensor& input, const Tensor& mat2) {
  check_dims_are("bmm", input, 3, "batch1 must be a 3D tensor");
  check_dims_are("bmm", mat2, 3, "batch2 must be a 3D tensor");
  check_product_operands("bmm", input, mat2);
  PG_CHECK(input.size(0) == mat2.size(0),
           "bmm(): Expected size for first two dimensions of batch2 tensor to be: [", input.size(0),
           ", ", input.size(2), "] but got: [", mat2.size(0), ", ", mat2.size(1), "] (shapes ",
           input.sizes(), " and ", mat2.sizes(), ")");
  return batched("bmm", input, mat2, Shape{input.size(0)});
}
PG_OP(bmm, "(Tensor input, Tensor mat2) -> Tensor",
      R"(Products of matrices in two batches of equal length.

Args:
    input: (b, m, k).
    mat2: (b, k, n), of the same dtype.

Example:
    >>> pygrad.bmm(pygrad.ones(2, 1, 3), pygrad.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
)")
.method();

Tensor mv(const Tensor& input, const Tensor& vec) {
  PG_CHECK(input.dim() == 2 && vec.dim() == 1, "mv(): vector + matrix @ vector expected, got ",
           input.dim(), ", ", vec.dim(), " dimensions (shapes ", input.sizes(), " and ",
           vec.sizes(), ")");
  return mv_named("mv", input, vec);
}
PG_OP(mv, "(Tensor input, Tensor vec) -> Tensor", R"(Product of a matrix and a vector.

Args:
    input: (m, k).
    vec: (k), of the same dtype.

Example:
    >>> pygrad.mv(pygrad.tensor([[1., 2.], [3., 4.]]), pygrad.tensor([1., 1.]))
    tensor([3., 7.])
)")
.method();

Tensor dot(const Tensor& input, const Tensor& tensor) {
  check_vectors("dot", input, tensor);
  Tensor out = empty(Shape{}, input.dtype(), input.device());
  run_product(alias(out, Shape{1, 1}, Shape{1, 1}, 0), as_row(input), as_column(tensor));
  return record("dot", std::move(out), {input, tensor}, saved(input, tensor),
                [](const Node& n, const Tensor& g) {
                  return Grads{n.needs(0) ? mul(conj(n.saved(1)), g) : Tensor(),
                               n.needs(1) ? mul(conj(n.saved(0)), g) : Tensor()};
                });
}
PG_OP(dot, "(Tensor input, Tensor tensor) -> Tensor",
      R"(Scalar product of two vectors, without conjugation.

Example:
    >>> pygrad.dot(pygrad.tensor([1., 2.]), pygrad.tensor([3., 4.]))
    tensor(11.)
)")
.method();

Tensor vdot(const Tensor& input, const Tensor& other) {
  check_vectors("vdot", input, other);
  return dot(conj(input), other);
}
PG_OP(vdot, "(Tensor input, Tensor other) -> Tensor",
      R"(Scalar product of two vectors, the first one conjugated.

Example:
    >>> pygrad.vdot(pygrad.tensor([1j]), pygrad.tensor([1j]))
    tensor(1.+0.j)
)")
.method().composed();

Tensor matmul(const Tensor& input, const Tensor& other) {
  const int64_t da = input.dim(), db = other.dim();
  if (da == 2 && db == 2) return mm_named("matmul", input, other);
  PG_CHECK(da > 0 && db > 0,
           "matmul(): both arguments to matmul need to be at least 1D, but they are ", da, "D and ",
           db, "D. Multiply by a number with *");
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
    if (k != other.size(0))
      raise_inner_mismatch("matmul", input, other, rows, k, other.size(0), other.size(1));
    return reshape(mm_named("matmul", reshape(input, Shape{rows, k}), other), sizes);
  }
  const Shape batch = broadcast_shapes("matmul", input.sizes().first(size_t(da - 2)),
                                       other.sizes().first(size_t(db - 2)));
  return batched("matmul", input, other, batch);
}
PG_OP(matmul, "(Tensor input, Tensor other) -> Tensor",
      R"(Matrix product of tensors of any dimensions.

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
)")
.method().also_in("linalg");

Tensor inner(const Tensor& input, const Tensor& other) {
  if (input.dim() == 0 || other.dim() == 0) return mul(input, other);
  PG_CHECK(input.size(-1) == other.size(-1),
           "inner(): inner() the last dimension must match on both input tensors but got shapes ",
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
PG_OP(inner, "(Tensor input, Tensor other) -> Tensor",
      R"(Scalar products along the last dimensions of both tensors.

Args:
    input: (..., k).
    other: (..., k).

Example:
    >>> pygrad.inner(pygrad.tensor([[1., 2.], [3., 4.]]), pygrad.tensor([1., 1.]))
    tensor([3., 7.])
)")
.method().composed();

Tensor outer(const Tensor& input, const Tensor& vec2) {
  PG_CHECK(input.dim() == 1 && vec2.dim() == 1,
           "outer(): outer: Expected 1-D arguments self and vec2, but got ", input.dim(), "-D and ",
           vec2.dim(), "-D");
  return mul(unsqueeze(input, 1), vec2);
}
PG_OP(outer, "(Tensor input, Tensor vec2) -> Tensor",
      R"(The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j].

Example:
    >>> pygrad.outer(pygrad.tensor([1, 2]), pygrad.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
)")
.method().composed().alias("ger");

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
PG_OP(kron, "(Tensor input, Tensor other) -> Tensor",
      R"(Kronecker product: every element of the input times the whole other tensor.

Example:
    >>> pygrad.kron(pygrad.tensor([[1, 2]]), pygrad.tensor([[1, 1]]))
    tensor([[1, 1, 2, 2]])
)")
.method().composed();

}  // namespace pygrad
