// Cutting a tensor into several views: unbind, split, chunk and their relatives.
#include <algorithm>

#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// The gradient of output i, or zeros of its shape when nothing flowed there.
Tensor grad_or_zeros(const Node& n, GradSpan grads, size_t i) {
  return grads[i].defined() ? grads[i]
                            : zeros(n.outputs[i].shape(), n.outputs[i].dtype, n.outputs[i].device);
}

// The only output that a gradient reached, or -1 when there are several.
int64_t only_gradient(GradSpan grads) {
  int64_t found = -1;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined()) continue;
    if (found >= 0) return -1;
    found = int64_t(i);
  }
  return found;
}

TensorList split_into(const char* node, const Tensor& input, std::span<const int64_t> lengths,
                      int64_t dim) {
  TensorList pieces;
  pieces.reserve(lengths.size());
  int64_t start = 0;
  for (int64_t length : lengths) {
    pieces.push_back(alias(input, with_size(input.sizes(), dim, length), input.strides(),
                           input.offset() + start * input.stride(dim)));
    track_view(pieces.back(), input);
    start += length;
  }
  const Shape from = input.shape();
  record_multi(node, pieces, {input}, {}, [from, dim](const Node& n, GradSpan grads) {
    const int64_t only = only_gradient(grads);
    if (only >= 0) {
      int64_t at = 0;
      for (int64_t i = 0; i < only; ++i) at += n.outputs[size_t(i)].sizes[size_t(dim)];
      return Grads{slice_backward(grads[size_t(only)], from, dim, at,
                                  at + grads[size_t(only)].size(dim), 1)};
    }
    TensorList parts;
    for (size_t i = 0; i < grads.size(); ++i) parts.push_back(grad_or_zeros(n, grads, i));
    return Grads{cat(parts, dim)};
  });
  return pieces;
}

int64_t splittable_dim(const char* op, const Tensor& input, int64_t dim) {
  PG_CHECK(input.dim() > 0, op, "(): ", op, " expects at least a 1-dimensional tensor");
  return check_dim(op, dim, input.dim());
}

// Cuts at positions, as Python slices: an empty piece where they run backwards.
TensorList cut_at(const Tensor& input, std::span<const int64_t> indices, int64_t dim) {
  const int64_t size = input.size(dim);
  auto wrapped_at = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  TensorList pieces;
  int64_t start = 0;
  for (int64_t i : indices) {
    const int64_t end = wrapped_at(i);
    pieces.push_back(slice(input, dim, start, std::max(start, end), 1));
    start = end;
  }
  pieces.push_back(slice(input, dim, start, size, 1));
  return pieces;
}

std::vector<int64_t> integers_of(const char* op, const Tensor& t) {
  PG_CHECK(t.dtype() == DType::Int64 && t.dim() <= 1 && !t.device().is_cuda(), op,
           "(): expected a 0-D or 1-D int64 tensor on the CPU, got ", t.dtype(), " of shape ",
           t.sizes(), " on ", t.device());
  const Tensor c = contiguous(t);
  return {c.data_as<int64_t>(), c.data_as<int64_t>() + c.numel()};
}

}  // namespace

TensorList unbind(const Tensor& input, int64_t dim) {
  PG_CHECK_INDEX(input.dim() > 0, "unbind(): Dimension specified as ", dim,
                 " but tensor has no dimensions");
  dim = check_dim("unbind", dim, input.dim());
  const Shape sizes = without_dim(input.sizes(), dim), strides = without_dim(input.strides(), dim);
  TensorList pieces;
  pieces.reserve(size_t(input.size(dim)));
  for (int64_t i = 0; i < input.size(dim); ++i) {
    pieces.push_back(alias(input, sizes, strides, input.offset() + i * input.stride(dim)));
    track_view(pieces.back(), input);
  }
  const Shape from = input.shape();
  record_multi("unbind", pieces, {input}, {}, [from, dim](const Node& n, GradSpan grads) {
    const int64_t only = only_gradient(grads);
    if (only >= 0) return Grads{select_backward(grads[size_t(only)], from, dim, only)};
    TensorList parts;
    for (size_t i = 0; i < grads.size(); ++i) parts.push_back(grad_or_zeros(n, grads, i));
    return Grads{stack(parts, dim)};
  });
  return pieces;
}
PG_OP(unbind, "(Tensor input, int dim=0) -> Tensor[]", R"(The views at every index of a dimension.

Example:
    >>> pygrad.unbind(pygrad.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
)")
.method();

namespace {

TensorList split_by(const Tensor& input, std::span<const int64_t> sizes, int64_t dim) {
  dim = splittable_dim("split", input, dim);
  int64_t total = 0;
  for (int64_t s : sizes) {
    PG_CHECK(s >= 0,
             "split(): split_with_sizes expects split_sizes have only non-negative entries, but "
             "got split_sizes=",
             sizes);
    total += s;
  }
  PG_CHECK(total == input.size(dim),
           "split(): split_with_sizes expects split_sizes to sum exactly to ", input.size(dim),
           " (input tensor's size at dimension ", dim, "), but got split_sizes=", sizes);
  return split_into("split_with_sizes", input, sizes, dim);
}

}  // namespace

TensorList split(const Tensor& input, const Shape& sizes, int64_t dim) {
  return split_by(input, sizes, dim);
}
TensorList split_sizes(const Tensor& input, const std::vector<int64_t>& sizes, int64_t dim) {
  return split_by(input, sizes, dim);
}

TensorList split_evenly(const Tensor& input, int64_t split_size, int64_t dim) {
  dim = splittable_dim("split", input, dim);
  const int64_t size = input.size(dim);
  PG_CHECK(split_size >= 0,
           "split(): split expects split_size be non-negative, but got split_size=", split_size);
  PG_CHECK(split_size > 0 || size == 0,
           "split(): split_size can only be 0 if dimension size is 0, but got dimension size of ",
           size);
  std::vector<int64_t> lengths;
  for (int64_t left = size; left > 0; left -= split_size)
    lengths.push_back(std::min(left, split_size));
  if (lengths.empty()) lengths.push_back(0);
  return split_into("split", input, lengths, dim);
}
PG_OP_NAMED("split", &split_evenly,
            "(Tensor tensor, int split_size_or_sections, int dim=0) -> Tensor[]",
            R"(Views of equal size along a dimension; the last may be smaller.

Args:
    split_size_or_sections: the size of the pieces, or a list with the size of each.

Example:
    >>> pygrad.split(pygrad.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
)")
    .method();
PG_OP_NAMED("split", &split_evenly, "(Tensor input, int split_size, int dim=0) -> Tensor[]",
            R"(Views of equal size along a dimension; the last may be smaller.)")
    .method();
PG_OP_NAMED("split", &split_sizes,
            "(Tensor tensor, int[*] split_size_or_sections, int dim=0) -> Tensor[]",
            R"(Views of the given sizes along a dimension.)")
    .method();
PG_OP_NAMED("split", &split_sizes, "(Tensor input, int[*] split_size, int dim=0) -> Tensor[]",
            R"(Views of the given sizes along a dimension.)")
    .method();
PG_OP_NAMED("split_with_sizes", &split_sizes,
            "(Tensor input, int[*] split_sizes, int dim=0) -> Tensor[]",
            R"(Views of the given sizes along a dimension.

Example:
    >>> pygrad.split_with_sizes(pygrad.arange(3), (1, 2))
    (tensor([0]), tensor([1, 2]))
)")
    .method();

TensorList chunk(const Tensor& input, int64_t chunks, int64_t dim) {
  dim = splittable_dim("chunk", input, dim);
  PG_CHECK(chunks > 0, "chunk(): chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t size = input.size(dim), piece = (size + chunks - 1) / chunks;
  if (size == 0)
    return split_into("split_with_sizes", input, std::vector<int64_t>(size_t(chunks), 0), dim);
  return split_evenly(input, piece, dim);
}
PG_OP(chunk, "(Tensor input, int chunks, int dim=0) -> Tensor[]",
      R"(At most `chunks` views of equal size; the last may be smaller.

Example:
    >>> pygrad.chunk(pygrad.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
)")
.method();

TensorList tensor_split_sections(const Tensor& input, int64_t sections, int64_t dim) {
  dim = splittable_dim("tensor_split", input, dim);
  PG_CHECK(sections > 0, "tensor_split(): number of sections must be larger than 0, got ",
           sections);
  const int64_t size = input.size(dim), small = size / sections, larger = size % sections;
  TensorList pieces;
  for (int64_t i = 0, start = 0; i < sections; ++i) {
    const int64_t length = small + (i < larger ? 1 : 0);
    pieces.push_back(slice(input, dim, start, start + length, 1));
    start += length;
  }
  return pieces;
}
TensorList tensor_split_indices(const Tensor& input, const std::vector<int64_t>& indices,
                                int64_t dim) {
  return cut_at(input, indices, splittable_dim("tensor_split", input, dim));
}
TensorList tensor_split_tensor(const Tensor& input, const Tensor& tensor_indices_or_sections,
                               int64_t dim) {
  const std::vector<int64_t> at = integers_of("tensor_split", tensor_indices_or_sections);
  if (tensor_indices_or_sections.dim() == 0) return tensor_split_sections(input, at[0], dim);
  return cut_at(input, at, splittable_dim("tensor_split", input, dim));
}
PG_OP_NAMED(
    "tensor_split", &tensor_split_sections,
    "(Tensor input, int indices_or_sections, int dim=0) -> Tensor[]",
    R"(Views of a number of sections that differ by at most one in size, or cut at given positions.

Args:
    indices_or_sections: the number of sections, or the positions to cut at.

Example:
    >>> pygrad.tensor_split(pygrad.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
)")
    .method()
    .composed();
PG_OP_NAMED("tensor_split", &tensor_split_indices,
            "(Tensor input, int[*] indices_or_sections, int dim=0) -> Tensor[]",
            R"(Views cut at the given positions.)")
    .method()
    .composed();
PG_OP_NAMED("tensor_split", &tensor_split_tensor,
            "(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]",
            R"(tensor_split() with the number or the positions in a tensor.)")
    .method()
    .composed();
PG_OP_NAMED("tensor_split", &tensor_split_sections,
            "(Tensor input, int sections, int dim=0) -> Tensor[]",
            R"(Views of a number of sections.)")
    .method()
    .composed();
PG_OP_NAMED("tensor_split", &tensor_split_indices,
            "(Tensor input, int[*] indices, int dim=0) -> Tensor[]",
            R"(Views cut at the given positions.)")
    .method()
    .composed();

namespace {

// hsplit, vsplit and dsplit: tensor_split along a fixed dim, into equal parts only.
int64_t fixed_dim(const char* op, const Tensor& input, int64_t least, int64_t dim) {
  PG_CHECK(input.dim() >= least, op, "(): torch.", op, " requires a tensor with at least ", least,
           " dimension", least == 1 ? "" : "s", ", but got a tensor with ", input.dim(),
           " dimensions!");
  return dim;
}
TensorList equal_parts(const char* op, const Tensor& input, int64_t sections, int64_t dim) {
  PG_CHECK(sections > 0 && input.size(dim) % sections == 0, op, "(): torch.", op,
           " attempted to split along dimension ", dim, ", but the size of the dimension ",
           input.size(dim), " is not divisible by the split_size ", sections, "!");
  return tensor_split_sections(input, sections, dim);
}

}  // namespace

#define PG_SPLIT_ALONG(name, LEAST, DIM, SHAPE, WHERE)                                     \
  PG_OP_NAMED(                                                                             \
      #name,                                                                               \
      +[](const Tensor& input, int64_t sections) {                                         \
        return equal_parts(#name, input, sections, fixed_dim(#name, input, LEAST, DIM));   \
      },                                                                                   \
      "(Tensor input, int indices_or_sections) -> Tensor[]",                               \
      "Views cut " WHERE                                                                   \
      ": a number of equal parts, or at positions.\n\n"                                    \
      "Example:\n    >>> [p.shape[" #DIM "] for p in pygrad." #name "(pygrad.zeros(" SHAPE \
      "), 2)]\n    [2, 2]\n")                                                              \
      .method()                                                                            \
      .composed();                                                                         \
  PG_OP_NAMED(                                                                             \
      #name,                                                                               \
      +[](const Tensor& input, const std::vector<int64_t>& indices) {                      \
        return tensor_split_indices(input, indices, fixed_dim(#name, input, LEAST, DIM));  \
      },                                                                                   \
      "(Tensor input, int[*] indices_or_sections) -> Tensor[]",                            \
      "Views cut " WHERE " at positions.")                                                 \
      .method()                                                                            \
      .composed();
PG_OP_NAMED(
    "hsplit",
    +[](const Tensor& input, int64_t sections) {
      return equal_parts("hsplit", input, sections,
                         fixed_dim("hsplit", input, 1, input.dim() == 1 ? 0 : 1));
    },
    "(Tensor input, int indices_or_sections) -> Tensor[]",
    R"(Views cut along columns: a number of equal parts, or at positions.

Example:
    >>> [p.shape[1] for p in pygrad.hsplit(pygrad.zeros(2, 4), 2)]
    [2, 2]
)")
    .method()
    .composed();
PG_OP_NAMED(
    "hsplit",
    +[](const Tensor& input, const std::vector<int64_t>& indices) {
      return tensor_split_indices(input, indices,
                                  fixed_dim("hsplit", input, 1, input.dim() == 1 ? 0 : 1));
    },
    "(Tensor input, int[*] indices_or_sections) -> Tensor[]",
    R"(Views cut along columns at positions.)")
    .method()
    .composed();
PG_SPLIT_ALONG(vsplit, 2, 0, "4, 2", "along rows")
PG_SPLIT_ALONG(dsplit, 3, 2, "1, 1, 4", "along depth")
#undef PG_SPLIT_ALONG

}  // namespace pygrad
