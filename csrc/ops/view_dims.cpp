// Views that reorder dims or keep a part of one: transpose, permute, select, slice, diagonal,
// unfold.
#include <algorithm>

#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// An untracked alias of the part of `t` that a view op shows; what the gradient ops write through.
Tensor part_of(const Tensor& t, int64_t dim, int64_t start, int64_t length, int64_t step) {
  const int64_t stride = t.stride(dim);
  return alias(t, with_size(t.sizes(), dim, length), with_size(t.strides(), dim, stride * step),
               t.offset() + start * stride);
}

Tensor diagonal_alias(const Tensor& t, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rows = t.size(dim1), cols = t.size(dim2);
  const int64_t length = std::max<int64_t>(
      0, offset >= 0 ? std::min(rows, cols - offset) : std::min(rows + offset, cols));
  int64_t start = t.offset();
  if (length > 0) start += offset >= 0 ? offset * t.stride(dim2) : -offset * t.stride(dim1);
  Shape sizes, strides;
  for (int64_t i = 0; i < t.dim(); ++i) {
    if (i == dim1 || i == dim2) continue;
    sizes.push_back(t.size(i));
    strides.push_back(t.stride(i));
  }
  sizes.push_back(length);
  strides.push_back(t.stride(dim1) + t.stride(dim2));
  return alias(t, sizes, strides, start);
}

void check_diagonal_dims(const char* op, int64_t& dim1, int64_t& dim2, int64_t ndim) {
  PG_CHECK_INDEX(ndim >= 2, op, "(): expected a tensor of 2 or more dimensions, got ", ndim,
                 "-D (Dimension out of range)");
  dim1 = check_dim(op, dim1, ndim);
  dim2 = check_dim(op, dim2, ndim);
  PG_CHECK(dim1 != dim2, op, "(): diagonal dimensions cannot be identical ", dim1, ", ", dim2);
}

}  // namespace

Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1) {
  dim0 = check_dim("transpose", dim0, input.dim());
  dim1 = check_dim("transpose", dim1, input.dim());
  Shape sizes = input.shape(), strides(input.strides());
  if (input.dim()) {
    std::swap(sizes[dim0], sizes[dim1]);
    std::swap(strides[dim0], strides[dim1]);
  }
  return make_view(
      "transpose", input, sizes, strides, input.offset(),
      [dim0, dim1](const Node&, const Tensor& g) { return Grads{transpose(g, dim0, dim1)}; });
}
PG_OP(transpose, "(Tensor input, int dim0, int dim1) -> Tensor",
      R"(The view with two dimensions exchanged.

Example:
    >>> pygrad.transpose(pygrad.zeros(2, 3), 0, 1).shape
    torch.Size([3, 2])
)")
.method();
PG_OP_NAMED("swapaxes", &transpose, "(Tensor input, int axis0, int axis1) -> Tensor",
            R"(transpose() by NumPy's name.

Example:
    >>> pygrad.swapaxes(pygrad.zeros(2, 3), 0, 1).shape
    torch.Size([3, 2])
)")
    .method();
PG_OP_NAMED("swapdims", &transpose, "(Tensor input, int dim0, int dim1) -> Tensor",
            R"(transpose() by another name.

Example:
    >>> pygrad.swapdims(pygrad.zeros(2, 3), 0, 1).shape
    torch.Size([3, 2])
)")
    .method();

Tensor t(const Tensor& input) {
  const int64_t n = input.dim();
  PG_CHECK(n <= 2, "t(): t() expects a tensor with <= 2 dimensions, but self is ", n,
           "D with shape ", input.sizes(), ". Use transpose(0, 1) or mT");
  Shape sizes = input.shape(), strides(input.strides());
  if (n == 2) {
    std::swap(sizes[0], sizes[1]);
    std::swap(strides[0], strides[1]);
  }
  return make_view("t", input, sizes, strides, input.offset(),
                   [](const Node&, const Tensor& g) { return Grads{t(g)}; });
}
PG_OP(t, "(Tensor input) -> Tensor",
      R"(The transposed view of a matrix; vectors and numbers stay as they are.

Example:
    >>> pygrad.t(pygrad.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
)")
.method();

Tensor permute(const Tensor& input, const Shape& dims) {
  const int64_t n = input.dim();
  PG_CHECK(dims.size() == n,
           "permute(): number of dimensions in the tensor input does not match the length of the "
           "desired ordering of "
           "dimensions i.e. input.dim() = ",
           n, " is not equal to len(dims) = ", dims.size());
  Shape sizes, strides, inverse = Shape::filled(n, -1);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t d = check_dim("permute", dims[i], n);
    PG_CHECK(inverse[d] < 0, "permute(): duplicate dims are not allowed: ", dims);
    inverse[d] = i;
    sizes.push_back(input.size(d));
    strides.push_back(input.stride(d));
  }
  return make_view("permute", input, sizes, strides, input.offset(),
                   [inverse](const Node&, const Tensor& g) { return Grads{permute(g, inverse)}; });
}
PG_OP(permute, "(Tensor input, int[...] dims) -> Tensor",
      R"(The view with its dimensions in another order.

Example:
    >>> pygrad.permute(pygrad.zeros(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
)")
.method();

Tensor movedim(const Tensor& input, const Shape& source, const Shape& destination) {
  const int64_t n = input.dim();
  PG_CHECK(source.size() == destination.size(),
           "movedim(): Invalid source or destination dims: source (", source,
           " dims) should contain the same number of dims as destination (", destination, " dims)");
  Shape order = Shape::filled(n, -1);
  uint32_t moved = 0, filled = 0;
  for (int64_t i = 0; i < source.size(); ++i) {
    const int64_t from = check_dim("movedim", source[i], n),
                  to_dim = check_dim("movedim", destination[i], n);
    PG_CHECK(!(moved >> from & 1u), "movedim(): repeated dim in `source` (", source, ")");
    PG_CHECK(!(filled >> to_dim & 1u), "movedim(): repeated dim in `destination` (", destination,
             ")");
    moved |= 1u << from;
    filled |= 1u << to_dim;
    if (n) order[to_dim] = from;
  }
  int64_t next = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (filled >> i & 1u) continue;
    while (moved >> next & 1u) ++next;
    order[i] = next++;
  }
  return permute(input, order);
}
PG_OP(movedim, "(Tensor input, int[] source, int[] destination) -> Tensor",
      R"(The view with dimensions moved to other places, the rest keeping their order.

Args:
    source: dimensions of the input.
    destination: where they go.

Example:
    >>> pygrad.movedim(pygrad.zeros(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])
)")
.method().composed().alias("moveaxis");

Tensor adjoint(const Tensor& input) {
  PG_CHECK(
      input.dim() >= 2,
      "adjoint(): tensor.adjoint() is only supported on matrices or batches of matrices; got a ",
      input.dim(), "-D tensor");
  return conj(transpose(input, -2, -1));
}
PG_OP(adjoint, "(Tensor input) -> Tensor",
      R"(The conjugate of the view with the last two dimensions exchanged.

Example:
    >>> pygrad.adjoint(pygrad.zeros(2, 3)).shape
    torch.Size([3, 2])
)")
.method().composed();

Tensor select_backward(const Tensor& grad, const Shape& sizes, int64_t dim, int64_t index) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  Shape strides(out.strides());
  const int64_t offset = index * strides[dim];
  strides.erase(dim);
  copy_data(alias(out, grad.sizes(), strides, offset), grad);
  return record(
      "select_backward", std::move(out), {grad}, {},
      [dim, index](const Node&, const Tensor& g) { return Grads{select(g, dim, index)}; });
}
PG_OP(select_backward, "(Tensor grad, int[] sizes, int dim, int index) -> Tensor",
      R"(Zeros of the given sizes with grad at one index of dim.)")
.in("_internal");

Tensor select(const Tensor& input, int64_t dim, int64_t index) {
  PG_CHECK_INDEX(input.dim() > 0, "select(): select() cannot be applied to a 0-dim tensor.");
  dim = check_dim("select", dim, input.dim());
  const int64_t size = input.size(dim);
  PG_CHECK_INDEX(index >= -size && index < size, "select(): index ", index,
                 " out of range for tensor of size ", input.sizes(), " at dimension ", dim);
  if (index < 0) index += size;
  const Shape from = input.shape();
  return make_view("select", input, without_dim(input.sizes(), dim),
                   without_dim(input.strides(), dim), input.offset() + index * input.stride(dim),
                   [from, dim, index](const Node&, const Tensor& g) {
                     return Grads{select_backward(g, from, dim, index)};
                   });
}
PG_OP(select, "(Tensor input, int dim, int index) -> Tensor",
      R"(The view at one index of a dimension.

Raises:
    IndexError: for an index outside the dimension.

Example:
    >>> pygrad.select(pygrad.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
)")
.method();

SliceRange slice_range(int64_t size, int64_t start, int64_t end, int64_t step) {
  const int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  auto clamped = [&](int64_t i) {
    return std::clamp(i < 0 ? i + size : i, low, std::max(low, high));
  };
  start = clamped(start);
  end = clamped(end);
  int64_t length = 0;
  if (step > 0 && start < end) length = (end - start - 1) / step + 1;
  if (step < 0 && start > end) length = (start - end - 1) / -step + 1;
  return {length ? start : 0, length};
}

Tensor slice_backward(const Tensor& grad, const Shape& sizes, int64_t dim, int64_t start,
                      int64_t end, int64_t step) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  const SliceRange r = slice_range(sizes[dim], start, end, step);
  copy_data(part_of(out, dim, r.start, r.length, step), grad);
  return record("slice_backward", std::move(out), {grad}, {},
                [dim, start, end, step](const Node&, const Tensor& g) {
                  return Grads{slice(g, dim, start, end, step)};
                });
}
PG_OP(slice_backward, "(Tensor grad, int[] sizes, int dim, int start, int end, int step) -> Tensor",
      R"(Zeros of the given sizes with grad in the slice start:end:step of dim.)")
.in("_internal");

Tensor slice(const Tensor& input, int64_t dim, int64_t start, int64_t end, int64_t step) {
  PG_CHECK_INDEX(input.dim() > 0, "slice(): slice() cannot be applied to a 0-dim tensor.");
  PG_CHECK(step != 0, "slice(): slice step cannot be zero");
  dim = check_dim("slice", dim, input.dim());
  const SliceRange r = slice_range(input.size(dim), start, end, step);
  Shape strides(input.strides());
  const int64_t offset = input.offset() + r.start * strides[dim];
  strides[dim] *= step;
  const Shape from = input.shape();
  return make_view("slice", input, with_size(input.sizes(), dim, r.length), strides, offset,
                   [from, dim, start, end, step](const Node&, const Tensor& g) {
                     return Grads{slice_backward(g, from, dim, start, end, step)};
                   });
}

Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length) {
  PG_CHECK(input.dim() > 0, "narrow(): narrow() cannot be applied to a 0-dim tensor.");
  PG_CHECK(length >= 0, "narrow(): length must be non-negative, got ", length);
  dim = check_dim("narrow", dim, input.dim());
  const int64_t size = input.size(dim);
  PG_CHECK_INDEX(start >= -size && start <= size,
                 "narrow(): start out of range (expected to be in range of [", -size, ", ", size,
                 "], but got ", start, ") for shape ", input.sizes());
  if (start < 0) start += size;
  PG_CHECK(start <= size - length, "narrow(): start (", start, ") + length (", length,
           ") exceeds dimension size (", size, ") of shape ", input.sizes());
  return slice(input, dim, start, start + length, 1);
}
PG_OP(narrow, "(Tensor input, int dim, int start, int length) -> Tensor",
      R"(The view of length elements of a dimension from start on.

Example:
    >>> pygrad.narrow(pygrad.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
)")
.method().composed();
PG_OP_NAMED(
    "narrow",
    +[](const Tensor& input, int64_t dim, const Tensor& start, int64_t length) {
      PG_CHECK(start.numel() == 1 && is_integral(start.dtype()),
               "narrow(): start must be an 0-dim integral Tensor, not shape ", start.sizes());
      return narrow(input, dim, item(start).to_int(), length);
    },
    "(Tensor input, int dim, Tensor start, int length) -> Tensor",
    R"(narrow() from a start held in a tensor.)")
    .method()
    .composed();

Tensor narrow_copy(const Tensor& input, int64_t dim, int64_t start, int64_t length) {
  Tensor out;
  {
    GradGuard off(false);
    out = clone(narrow(input, dim, start, length));
  }
  const Shape from = input.shape();
  const int64_t d = check_dim("narrow_copy", dim, input.dim()),
                first = start < 0 ? start + input.size(d) : start;
  return record("narrow_copy", std::move(out), {input}, {},
                [from, d, first, length](const Node&, const Tensor& g) {
                  return Grads{slice_backward(g, from, d, first, first + length, 1)};
                });
}
PG_OP(narrow_copy, "(Tensor input, int dim, int start, int length) -> Tensor",
      R"(narrow() into fresh memory.

Example:
    >>> pygrad.narrow_copy(pygrad.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
)")
.method();

Tensor diagonal_backward(const Tensor& grad, const Shape& sizes, int64_t offset, int64_t dim1,
                         int64_t dim2) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  copy_data(diagonal_alias(out, offset, dim1, dim2), grad);
  return record("diagonal_backward", std::move(out), {grad}, {},
                [offset, dim1, dim2](const Node&, const Tensor& g) {
                  return Grads{diagonal(g, offset, dim1, dim2)};
                });
}
PG_OP(diagonal_backward, "(Tensor grad, int[] sizes, int offset, int dim1, int dim2) -> Tensor",
      R"(Zeros of the given sizes with grad on a diagonal.)")
.in("_internal");

Tensor diagonal(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2) {
  check_diagonal_dims("diagonal", dim1, dim2, input.dim());
  const Tensor at = diagonal_alias(input, offset, dim1, dim2);
  const Shape from = input.shape();
  return make_view("diagonal", input, at.sizes(), at.strides(), at.offset(),
                   [from, offset, dim1, dim2](const Node&, const Tensor& g) {
                     return Grads{diagonal_backward(g, from, offset, dim1, dim2)};
                   });
}
PG_OP(diagonal, "(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor",
      R"(The view of a diagonal of two dimensions, as the last one.

Args:
    offset: above the main diagonal when positive, below it when negative.
    dim1, dim2: the two dimensions.

Example:
    >>> pygrad.diagonal(pygrad.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
)")
.method();

Tensor diag_embed(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2) {
  PG_CHECK_INDEX(input.dim() > 0, "diag_embed(): input must be at least 1-dimensional");
  check_diagonal_dims("diag_embed", dim1, dim2, input.dim() + 1);
  const int64_t length = input.size(-1) + (offset < 0 ? -offset : offset);
  Shape sizes;
  for (int64_t i = 0, next = 0; i <= input.dim(); ++i)
    sizes.push_back(i == dim1 || i == dim2 ? length : input.size(next++));
  const Tensor out = zeros(sizes, input.dtype(), input.device());
  copy_data(diagonal_alias(out, offset, dim1, dim2), input);
  return record("diag_embed", std::move(out), {input}, {},
                [offset, dim1, dim2](const Node&, const Tensor& g) {
                  return Grads{diagonal(g, offset, dim1, dim2)};
                });
}
PG_OP(diag_embed, "(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
      R"(Zeros with the last dimension of the input on a diagonal of two new ones.

Example:
    >>> pygrad.diag_embed(pygrad.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
)")
.method();

Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step) {
  const int64_t d = check_dim("unfold", dimension, input.dim());
  const int64_t length = input.dim() ? input.size(d) : 1;
  PG_CHECK(size >= 0, "unfold(): size is ", size, " but must be >= 0");
  PG_CHECK(size <= length, "unfold(): maximum size for tensor at dimension ", d, " is ", length,
           " but size is ", size);
  PG_CHECK(step > 0, "unfold(): step is ", step, " but must be > 0");
  const int64_t windows = (length - size) / step + 1;
  Shape sizes = input.shape(), strides(input.strides());
  const int64_t stride = input.dim() ? strides[d] : 1;
  if (input.dim()) {
    sizes[d] = windows;
    strides[d] *= step;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  const Shape from = input.shape();
  return make_view("unfold", input, sizes, strides, input.offset(),
                   [from, d, size, step, windows](const Node&, const Tensor& g) {
                     if (from.empty()) return Grads{reshape(g, from)};
                     // Element j of window w belongs to position w * step + j: windows and elements
                     // side by side, then summed by position.
                     const int64_t last = g.dim() - 1;
                     const Tensor rows = movedim(g, Shape{last}, Shape{d + 1});
                     Shape merged = with_size(without_dim(rows.sizes(), d + 1), d, windows * size);
                     const auto steps = [&](int64_t n) {
                       return arange(Scalar(int64_t(0)), Scalar(n), Scalar(int64_t(1)),
                                     DType::Int64, g.device());
                     };
                     const Tensor at =
                         add(unsqueeze(mul(steps(windows), Scalar(step)), 1), steps(size));
                     return Grads{index_add(zeros(from, g.dtype(), g.device()), d,
                                            reshape(at, Shape{windows * size}),
                                            reshape(rows, merged), Scalar(1))};
                   });
}
PG_OP(
    unfold, "(Tensor input, int dimension, int size, int step) -> Tensor",
    R"(The view of all windows of a size along a dimension; the window is the last dimension of the result.

Example:
    >>> pygrad.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
)")
.in("Tensor").method();

}  // namespace pygrad
