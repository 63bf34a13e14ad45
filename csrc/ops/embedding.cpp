// Rows of a table by number, and one-hot vectors.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

// int64, contiguous, one dimension.
Tensor flat_indices(const Tensor& indices) {
  return contiguous(reshape(to(indices, DType::Int64), Shape{-1}));
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx);

Tensor embedding_backward(const Tensor& grad, const Tensor& indices, int64_t num_embeddings,
                          int64_t padding_idx) {
  const int64_t width = grad.size(-1);
  Tensor out = zeros(Shape{num_embeddings, width}, grad.dtype(), grad.device());
  if (grad.numel()) {
    GradGuard off(false);
    const Tensor rows = reshape(grad, Shape{indices.numel(), width}), at = flat_indices(indices);
    kernels::index_add(out.device_type())(out.view(), at.view(), rows.view(), 0, Scalar(1));
    if (padding_idx >= 0 && padding_idx < num_embeddings) {
      const Tensor padding = alias(out, Shape{width}, Shape{1}, padding_idx * width);
      kernels::fill(out.device_type())(padding.view(), Scalar(0));
    }
  }
  return record("embedding_dense_backward", out, {grad}, saved(indices),
                [padding_idx](const Node& n, const Tensor& gg) {
                  const Tensor at = n.saved(0), rows = embedding(gg, at, padding_idx);
                  return Grads{padding_idx < 0
                                   ? rows
                                   : masked_fill(rows, unsqueeze(eq(at, Scalar(padding_idx)), -1),
                                                 Scalar(0.0))};
                });
}
PG_OP(embedding_backward,
      "(Tensor grad, Tensor indices, int num_embeddings, int padding_idx=-1) -> Tensor",
      R"(The sum of the gradients of each row of the table; zero for padding_idx.)")
.in("_internal");

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx) {
  PG_CHECK(weight.dim() == 2, "embedding(): 'weight' must be 2-D, but got shape ", weight.sizes());
  PG_CHECK(indices.dtype() == DType::Int64 || indices.dtype() == DType::Int32,
           "embedding(): Expected tensor for argument 'indices' to have one of the following "
           "scalar types: Long, Int; but got ",
           indices.dtype(), " instead (while checking arguments for embedding)");
  check_same_device("embedding", weight, indices, "weight", "indices");
  const int64_t count = weight.size(0), width = weight.size(1);
  const Tensor at = flat_indices(indices);
  if (const int64_t bad = kernels::find_out_of_range(at.device_type())(at.view(), 0, count);
      bad >= 0) [[unlikely]]
    raise(ErrorKind::Index, "embedding(): index out of range in self: index ",
          item(select(at, 0, bad)).to_int(), " for a table of ", count, " rows; expected 0..",
          count - 1);
  Shape sizes = indices.shape();
  sizes.push_back(width);
  Tensor out = empty(sizes, weight.dtype(), weight.device());
  if (out.numel())
    kernels::index_select(out.device_type())(
        alias(out, Shape{at.numel(), width}, Shape{width, 1}, 0).view(), weight.view(), at.view(),
        0);
  return record("embedding", out, {weight}, saved(indices),
                [count, padding_idx](const Node& n, const Tensor& g) {
                  return Grads{embedding_backward(g, n.saved(0), count, padding_idx)};
                });
}
PG_OP(embedding, "(Tensor weight, Tensor indices, int padding_idx=-1) -> Tensor",
      R"(Rows of weight by number.

Args:
    weight: (num_embeddings, embedding_dim).
    indices: int64 or int32 numbers of any shape.
    padding_idx: a row that gets no gradient; -1 for none.

Returns:
    (*indices.shape, embedding_dim).

Raises:
    IndexError: if an index is not below num_embeddings.

Example:
    >>> pygrad.embedding(pygrad.eye(3), pygrad.tensor([2, 0]))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
)");

Tensor one_hot(const Tensor& tensor, int64_t num_classes) {
  PG_CHECK(tensor.dtype() == DType::Int64,
           "one_hot(): one_hot is only applicable to index tensor of type LongTensor, but got ",
           tensor.dtype());
  PG_CHECK(num_classes >= -1, "one_hot(): num_classes is ", num_classes,
           "; expected a positive number, or -1 to infer it");
  Shape sizes = tensor.shape();
  if (tensor.numel() == 0) {
    PG_CHECK(num_classes > 0,
             "one_hot(): Can not infer total number of classes from empty tensor.");
    sizes.push_back(num_classes);
    return zeros(sizes, DType::Int64, tensor.device());
  }
  const int64_t low = item(amin(tensor, Shape(), false)).to_int(),
                high = item(amax(tensor, Shape(), false)).to_int();
  PG_CHECK(low >= 0, "one_hot(): Class values must be non-negative; the smallest is ", low);
  if (num_classes == -1) num_classes = high + 1;
  PG_CHECK(high < num_classes,
           "one_hot(): Class values must be smaller than num_classes; the largest is ", high,
           ", num_classes is ", num_classes);
  sizes.push_back(num_classes);
  return scatter(zeros(sizes, DType::Int64, tensor.device()), -1, unsqueeze(tensor, -1),
                 Scalar(int64_t(1)));
}
PG_OP(one_hot, "(Tensor tensor, int num_classes=-1) -> Tensor",
      R"(One more dimension, with 1 at each class number and 0 elsewhere.

Args:
    tensor: int64 class numbers.
    num_classes: the size of the new dimension; -1 for the largest number plus 1.

Example:
    >>> pygrad.nn.functional.one_hot(pygrad.tensor([1, 0]))
    tensor([[0, 1],
            [1, 0]])
)")
.in("nn.functional").nondifferentiable();

}  // namespace pygrad
