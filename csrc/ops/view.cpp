// Views that regroup or reinterpret the elements: view, reshape, flatten, squeeze, expand,
// as_strided, bit views.
#include <utility>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {

// The input's dims are first merged into runs of evenly spaced elements; the target's dims are then
// cut off the runs from the innermost outwards. A target dim that does not divide what is left of
// its run would cross into the next one.
std::optional<Shape> strides_for_view(Sizes sizes, Sizes strides, Sizes target) {
  const int64_t numel = numel_of(sizes);
  if (numel == 0) return Shape::same(sizes, target) ? Shape(strides) : contiguous_strides(target);
  int64_t run_size[kMaxDims], run_stride[kMaxDims];
  int runs = 0;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 1) continue;
    if (runs && strides[i] == run_stride[runs - 1] * run_size[runs - 1])
      run_size[runs - 1] *= sizes[i];
    else
      run_size[runs] = sizes[i], run_stride[runs++] = strides[i];
  }
  Shape result = Shape::filled(int64_t(target.size()), 1);
  int run = 0;
  int64_t left = runs ? run_size[0] : 1, step = runs ? run_stride[0] : 1;
  for (int64_t i = int64_t(target.size()) - 1; i >= 0; --i) {
    const int64_t n = target[size_t(i)];
    if (n != 1 && left == 1 && ++run < runs) left = run_size[run], step = run_stride[run];
    if (left % n != 0) return std::nullopt;
    result[i] = step;
    left /= n;
    step *= n;
  }
  return result;
}

Shape infer_size(const char* op, const Shape& size, int64_t numel) {
  Shape out = size;
  int64_t product = 1, unknown = -1;
  for (int64_t i = 0; i < size.size(); ++i) {
    if (size[i] == -1) {
      PG_CHECK(unknown < 0, op, "(): only one dimension can be inferred, but shape ", size,
               " has several -1");
      unknown = i;
      continue;
    }
    PG_CHECK(size[i] >= 0, op, "(): invalid shape dimension ", size[i], " at index ", i,
             " of shape ", size);
    PG_CHECK(!__builtin_mul_overflow(product, size[i], &product), op, "(): shape ", size,
             " holds more elements than 63 bits count");
  }
  if (unknown >= 0) {
    PG_CHECK(product != 0 || numel != 0, op, "(): cannot reshape tensor of 0 elements into shape ",
             size, " because the unspecified dimension size -1 can be any value and is ambiguous");
    if (product != 0 && numel % product == 0) {
      out[unknown] = numel / product;
      return out;
    }
  } else if (product == numel) {
    return out;
  }
  std::ostringstream brackets;  // PyTorch's spelling of the shape, which people search for
  for (int64_t i = 0; i < size.size(); ++i) brackets << (i ? ", " : "") << size[i];
  raise(ErrorKind::Runtime, op, "(): shape '[", brackets.str(), "]' is invalid for input of size ",
        numel);
}

namespace {

std::optional<Shape> strides_for_view(const Tensor& input, const Shape& sizes) {
  if (input.is_contiguous()) return contiguous_strides(sizes);
  return strides_for_view(input.sizes(), input.strides(), sizes);
}

Tensor viewed(const Tensor& input, const Shape& sizes, const Shape& strides) {
  const Shape from = input.shape();
  return make_view("view", input, sizes, strides, input.offset(),
                   [from](const Node&, const Tensor& g) { return Grads{reshape(g, from)}; });
}

}  // namespace

Tensor view(const Tensor& input, const Shape& size) {
  const Shape sizes = infer_size("view", size, input.numel());
  const auto strides = strides_for_view(input, sizes);
  PG_CHECK(strides,
           "view(): view size is not compatible with input tensor's size and stride (at least one "
           "dimension spans across two "
           "contiguous subspaces): size ",
           input.sizes(), ", stride ", input.strides(), ", asked for ", sizes,
           ". Use .reshape(...) instead.");
  return viewed(input, sizes, *strides);
}
PG_OP(view, "(Tensor input, int[...] size) -> Tensor",
      R"(The same elements in another shape, without a copy.

Args:
    size: the new shape; one entry may be -1 and is worked out.

Raises:
    RuntimeError: when the memory layout does not allow it; reshape() then copies.

Example:
    >>> pygrad.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
)")
.in("Tensor").method();

Tensor view_dtype(const Tensor& input, DType dtype) {
  const int64_t from = int64_t(item_size(input.dtype())), to_size = int64_t(item_size(dtype));
  Shape sizes = input.shape(), strides(input.strides());
  int64_t offset = input.offset();
  const int64_t last = input.dim() - 1;
  if (from != to_size) {
    PG_CHECK(last >= 0, "view(): self.dim() cannot be 0 to view ", input.dtype(), " as ", dtype,
             " (different element sizes)");
    PG_CHECK(input.stride(last) == 1, "view(): self.stride(-1) must be 1 to view ", input.dtype(),
             " as ", dtype, " (different element sizes), but got ", input.stride(last));
  }
  if (from > to_size) {
    const int64_t ratio = from / to_size;
    sizes[last] *= ratio;
    for (int64_t i = 0; i < last; ++i) strides[i] *= ratio;
    offset *= ratio;
  } else if (from < to_size) {
    const int64_t ratio = to_size / from;
    PG_CHECK(sizes[last] % ratio == 0, "view(): self.size(-1) must be divisible by ", ratio,
             " to view ", input.dtype(), " as ", dtype, " (different element sizes), but got ",
             sizes[last]);
    PG_CHECK(offset % ratio == 0, "view(): self.storage_offset() must be divisible by ", ratio,
             " to view ", input.dtype(), " as ", dtype, " (different element sizes), but got ",
             offset);
    for (int64_t i = 0; i < last; ++i) {
      PG_CHECK(strides[i] % ratio == 0, "view(): self.stride(", i, ") must be divisible by ", ratio,
               " to view ", input.dtype(), " as ", dtype, " (different element sizes), but got ",
               strides[i]);
      strides[i] /= ratio;
    }
    sizes[last] /= ratio;
    offset /= ratio;
  }
  if (dtype == input.dtype()) return viewed(input, sizes, strides);
  Tensor out = alias(input, sizes, strides, offset);
  out.impl()->dtype = dtype;
  return out;
}
PG_OP_NAMED(
    "view", &view_dtype, "(Tensor input, dtype dtype) -> Tensor",
    R"(The same bytes read as another dtype; the last dimension's size changes with the element's.)")
    .in("Tensor")
    .method()
    .nondifferentiable();

Tensor view_as(const Tensor& input, const Tensor& other) { return view(input, other.shape()); }
PG_OP(view_as, "(Tensor input, Tensor other) -> Tensor", R"(view() to the shape of another tensor.

Example:
    >>> pygrad.arange(4).view_as(pygrad.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
)")
.in("Tensor").method().composed();

Tensor reshape(const Tensor& input, const Shape& shape) {
  const Shape sizes = infer_size("reshape", shape, input.numel());
  if (const auto strides = strides_for_view(input, sizes)) return viewed(input, sizes, *strides);
  const Tensor copy = contiguous(input);
  const Shape from = input.shape();
  return record("unsafe_view", alias(copy, sizes, contiguous_strides(sizes), copy.offset()), {copy},
                {}, [from](const Node&, const Tensor& g) { return Grads{reshape(g, from)}; });
}
PG_OP(reshape, "(Tensor input, int[...] shape) -> Tensor",
      R"(The same elements in another shape: a view where possible, else a copy.

Args:
    shape: the new shape; one entry may be -1 and is worked out.

Raises:
    RuntimeError: when the numbers of elements differ.

Example:
    >>> pygrad.reshape(pygrad.arange(4), (2, 2))
    tensor([[0, 1],
            [2, 3]])
)")
.method();

Tensor reshape_as(const Tensor& input, const Tensor& other) {
  return reshape(input, other.shape());
}
PG_OP(reshape_as, "(Tensor input, Tensor other) -> Tensor",
      R"(reshape() to the shape of another tensor.

Example:
    >>> pygrad.arange(4).reshape_as(pygrad.zeros(2, 2)).shape
    torch.Size([2, 2])
)")
.in("Tensor").method().composed();

Tensor flatten(const Tensor& input, int64_t start_dim, int64_t end_dim) {
  start_dim = check_dim("flatten", start_dim, input.dim());
  end_dim = check_dim("flatten", end_dim, input.dim());
  PG_CHECK(start_dim <= end_dim,
           "flatten(): flatten() has invalid args: start_dim cannot come after end_dim, got ",
           start_dim, " and ", end_dim);
  if (input.dim() == 0) return reshape(input, Shape{1});
  if (start_dim == end_dim) return input;
  Shape sizes;
  for (int64_t i = 0; i < input.dim(); ++i) {
    if (i > start_dim && i <= end_dim)
      sizes.back() *= input.size(i);
    else
      sizes.push_back(input.size(i));
  }
  return reshape(input, sizes);
}
PG_OP(flatten, "(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor",
      R"(Dimensions start_dim to end_dim merged into one.

Example:
    >>> pygrad.flatten(pygrad.zeros(2, 3, 4), 1).shape
    torch.Size([2, 12])
)")
.method().composed();
PG_OP_NAMED(
    "ravel", +[](const Tensor& input) { return reshape(input, Shape{input.numel()}); },
    "(Tensor input) -> Tensor",
    R"(All elements in one dimension: a view where possible.

Example:
    >>> pygrad.ravel(pygrad.zeros(2, 3)).shape
    torch.Size([6])
)")
    .method()
    .composed();

Tensor unflatten(const Tensor& input, int64_t dim, const Shape& sizes) {
  PG_CHECK_INDEX(input.dim() > 0, "unflatten(): dim ", dim, " is out of range for a 0-D tensor");
  dim = check_dim("unflatten", dim, input.dim());
  PG_CHECK(!sizes.empty(), "unflatten(): sizes must be non-empty");
  int64_t product = 1, unknown = 0;
  for (int64_t s : sizes) s == -1 ? ++unknown : product *= s;
  const int64_t length = input.size(dim);
  PG_CHECK(unknown <= 1, "unflatten(): only one dimension can be inferred, but sizes are ", sizes);
  PG_CHECK(unknown ? product != 0 && length % product == 0 : product == length,
           "unflatten(): Provided sizes ", sizes, " don't multiply up to the size of dim ", dim,
           " (", length, ") in the input tensor of shape ", input.sizes());
  Shape out;
  for (int64_t i = 0; i < input.dim(); ++i) {
    if (i != dim) {
      out.push_back(input.size(i));
      continue;
    }
    for (int64_t s : sizes) out.push_back(s == -1 ? length / product : s);
  }
  return view(input, out);
}
PG_OP(unflatten, "(Tensor input, int dim, int[] sizes) -> Tensor",
      R"(One dimension split into several.

Args:
    dim: the dimension to split.
    sizes: the new sizes; one may be -1.

Example:
    >>> pygrad.unflatten(pygrad.zeros(2, 12), 1, (3, -1)).shape
    torch.Size([2, 3, 4])
)")
.method().composed();

namespace {

Tensor squeezed(const char* name, const Tensor& input, uint32_t mask) {
  Shape sizes, strides;
  for (int64_t i = 0; i < input.dim(); ++i) {
    if (input.size(i) != 1) mask &= ~(1u << i);
    if (mask >> i & 1u) continue;
    sizes.push_back(input.size(i));
    strides.push_back(input.stride(i));
  }
  mask &= (1u << input.dim()) - 1u;
  return make_view(name, input, sizes, strides, input.offset(),
                   [mask](const Node&, const Tensor& g) {
                     Tensor r = g;
                     for (int64_t i = 0; i < kMaxDims; ++i)
                       if (mask >> i & 1u) r = unsqueeze(r, i);
                     return Grads{r};
                   });
}

}  // namespace

Tensor squeeze(const Tensor& input, int64_t dim) {
  return squeezed("squeeze:1", input, 1u << check_dim("squeeze", dim, input.dim()));
}
PG_OP_NAMED(
    "squeeze", +[](const Tensor& input) { return squeezed("squeeze", input, 0xffffu); },
    "(Tensor input) -> Tensor",
    R"(The view without dimensions of size 1.

Example:
    >>> pygrad.squeeze(pygrad.zeros(1, 3, 1)).shape
    torch.Size([3])
)")
    .method();
PG_OP_NAMED("squeeze", static_cast<Tensor (*)(const Tensor&, int64_t)>(&squeeze),
            "(Tensor input, int dim) -> Tensor",
            R"(The view without dimension dim, if that has size 1.)")
    .method();
PG_OP_NAMED(
    "squeeze",
    +[](const Tensor& input, const Shape& dim) {
      return squeezed("squeeze:2", input,
                      dim.empty() ? 0u : check_dims("squeeze", dim, input.dim()));
    },
    "(Tensor input, int[] dim) -> Tensor",
    R"(The view without those of the given dimensions that have size 1.)")
    .method();

Tensor unsqueeze(const Tensor& input, int64_t dim) {
  const int64_t n = input.dim();
  PG_CHECK_INDEX(dim >= -n - 1 && dim <= n,
                 "unsqueeze(): Dimension out of range (expected to be in range of [", -n - 1, ", ",
                 n, "], but got ", dim, ") for shape ", input.sizes());
  if (dim < 0) dim += n + 1;
  Shape sizes = input.shape(), strides(input.strides());
  strides.insert(dim, dim < n ? input.size(dim) * input.stride(dim) : 1);
  sizes.insert(dim, 1);
  return make_view("unsqueeze", input, sizes, strides, input.offset(),
                   [dim](const Node&, const Tensor& g) { return Grads{squeeze(g, dim)}; });
}
PG_OP(unsqueeze, "(Tensor input, int dim) -> Tensor",
      R"(The view with a dimension of size 1 put in at dim.

Example:
    >>> pygrad.unsqueeze(pygrad.zeros(3), 0).shape
    torch.Size([1, 3])
)")
.method();

Tensor expand(const Tensor& input, const Shape& size) {
  const int64_t lead = size.size() - input.dim();
  PG_CHECK(lead >= 0, "expand(): the number of sizes provided (", size.size(),
           ") must be greater or equal to the number of dimensions in the tensor (", input.dim(),
           "); sizes ", size, ", tensor ", input.sizes());
  Shape sizes = size, strides = Shape::filled(size.size(), 0);
  for (int64_t i = 0; i < size.size(); ++i) {
    if (i < lead) {
      PG_CHECK(size[i] >= 0, "expand(): The expanded size of the tensor (", size[i],
               ") isn't allowed in a leading, non-existing dimension ", i);
      continue;
    }
    const int64_t have = input.size(i - lead);
    if (size[i] == -1 || size[i] == have) {
      sizes[i] = have;
      strides[i] = input.stride(i - lead);
      continue;
    }
    PG_CHECK(have == 1 && size[i] >= 0, "expand(): The expanded size of the tensor (", size[i],
             ") must match the existing size (", have, ") at non-singleton dimension ", i,
             ".  Target sizes: ", size, ".  Tensor sizes: ", input.sizes());
  }
  numel_of(sizes);
  const Shape from = input.shape();
  return make_view("expand", input, sizes, strides, input.offset(),
                   [from](const Node&, const Tensor& g) { return Grads{sum_to_size(g, from)}; });
}
PG_OP(expand, "(Tensor input, int[...] size) -> Tensor",
      R"(The view in which dimensions of size 1 are repeated to a larger size, without a copy.

Args:
    size: the new shape; -1 keeps a size, and leading dimensions may be added.

Example:
    >>> pygrad.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
)")
.in("Tensor").method();

Tensor expand_as(const Tensor& input, const Tensor& other) { return expand(input, other.shape()); }
PG_OP(expand_as, "(Tensor input, Tensor other) -> Tensor",
      R"(expand() to the shape of another tensor.

Example:
    >>> pygrad.tensor([1, 2]).expand_as(pygrad.zeros(3, 2)).shape
    torch.Size([3, 2])
)")
.in("Tensor").method().composed();

PG_OP_NAMED("broadcast_to", static_cast<Tensor (*)(const Tensor&, const Shape&)>(&expand),
            "(Tensor input, int[...] size) -> Tensor",
            R"(The view of the tensor broadcast to a shape.

Example:
    >>> pygrad.broadcast_to(pygrad.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
)")
    .method();

Tensor as_strided(const Tensor& input, const Shape& size, const Shape& stride,
                  int64_t storage_offset) {
  PG_CHECK(size.size() == stride.size(),
           "as_strided(): mismatch in length of strides and shape: size ", size, ", stride ",
           stride);
  int64_t low = storage_offset, high = storage_offset;
  for (int64_t i = 0; i < size.size(); ++i) {
    PG_CHECK(size[i] >= 0, "as_strided(): size ", size, " has a negative entry");
    int64_t reach;
    PG_CHECK(!__builtin_mul_overflow(size[i] - 1, stride[i], &reach) &&
                 !__builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high),
             "as_strided(): size ", size, " with stride ", stride, " reaches too far");
  }
  const int64_t capacity = int64_t(input.storage().nbytes / item_size(input.dtype()));
  PG_CHECK(storage_offset >= 0 && (numel_of(size) == 0 || (low >= 0 && high < capacity)),
           "as_strided(): sizes ", size, ", strides ", stride, ", storage offset ", storage_offset,
           " reach elements ", low, "..", high, ", which are out of bounds for storage of ",
           capacity, " elements");
  const Geometry from = geometry_of(input);
  const Geometry to_geometry{size, stride, storage_offset};
  return make_view("as_strided", input, size, stride, storage_offset,
                   [from, to_geometry](const Node&, const Tensor& g) {
                     return Grads{scatter_geometry(g, from, to_geometry)};
                   });
}
Tensor as_strided_op(const Tensor& input, const Shape& size, const Shape& stride,
                     std::optional<int64_t> storage_offset) {
  for (int64_t s : stride)
    PG_CHECK(
        s >= 0,
        "as_strided(): Negative strides are not supported at the moment, got strides: ", stride);
  return as_strided(input, size, stride, storage_offset.value_or(input.offset()));
}
PG_OP_NAMED("as_strided", &as_strided_op,
            "(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
            R"(A view of the tensor's memory with any sizes and strides.

Args:
    size: the shape.
    stride: the steps in elements, one per dimension.
    storage_offset: the first element, counted from the start of the memory; the tensor's own by default.

Raises:
    RuntimeError: when the view would leave the memory.

Example:
    >>> pygrad.as_strided(pygrad.arange(4), (2, 2), (1, 1))
    tensor([[0, 1],
            [1, 2]])
)")
    .method();

}  // namespace pygrad
