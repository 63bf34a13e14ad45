// Copies that repeat or reorder elements: repeat, tile, repeat_interleave, roll, flip, rot90, diag,
// and sum_to_size.
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {

Tensor sum_to_size(const Tensor& input, Sizes size) {
  if (Shape::same(input.sizes(), size)) return input;
  const int64_t lead = input.dim() - int64_t(size.size());
  bool fits = lead >= 0;
  Shape dims;
  for (int64_t i = 0; fits && i < input.dim(); ++i) {
    if (i < lead || (size[size_t(i - lead)] == 1 && input.size(i) != 1))
      dims.push_back(i);
    else
      fits = size[size_t(i - lead)] == input.size(i);
  }
  PG_CHECK(fits, "sum_to_size(): size {", size, "} is not expandable to size {", input.sizes(),
           "}.");
  const Tensor total = sum(input, dims, true);
  return lead > 0 ? view(total, Shape(size)) : total;
}
PG_OP_NAMED(
    "sum_to_size",
    +[](const Tensor& input, const Shape& size) { return sum_to_size(input, Sizes(size)); },
    "(Tensor input, int[...] size) -> Tensor",
    R"(The sum over the dimensions that broadcasting from `size` would have added.

Example:
    >>> pygrad.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
)")
    .in("Tensor")
    .method()
    .composed();

Tensor repeat(const Tensor& input, const Shape& repeats) {
  const int64_t lead = repeats.size() - input.dim();
  PG_CHECK(lead >= 0,
           "repeat(): Number of dimensions of repeat dims can not be smaller than number of "
           "dimensions of tensor: repeats ",
           repeats, ", tensor ", input.sizes());
  // The result with every repeated dim written as (repeats, size): the input is broadcast over the
  // first of each pair.
  Shape sizes, paired, strides, repeated_dims;
  for (int64_t i = 0; i < repeats.size(); ++i) {
    PG_CHECK(repeats[i] >= 0, "repeat(): Trying to create tensor with negative dimension: repeats ",
             repeats);
    const int64_t size = i < lead ? 1 : input.size(i - lead),
                  stride = i < lead ? 0 : input.stride(i - lead);
    sizes.push_back(repeats[i] * size);
    if (repeats[i] != 1 || i < lead) {
      repeated_dims.push_back(paired.size());
      paired.push_back(repeats[i]);
      strides.push_back(0);
      if (i < lead) continue;
    }
    paired.push_back(size);
    strides.push_back(stride);
  }
  Tensor out = empty(sizes, input.dtype(), input.device());
  if (out.numel())
    copy_data(alias(out, paired, contiguous_strides(paired), 0),
              alias(input, paired, strides, input.offset()));
  const Shape from = input.shape();
  return record("repeat", out, {input}, {},
                [paired, repeated_dims, from](const Node&, const Tensor& g) {
                  if (repeated_dims.empty()) return Grads{g};
                  return Grads{reshape(sum(reshape(g, paired), repeated_dims, false), from)};
                });
}
PG_OP(repeat, "(Tensor input, int[...] repeats) -> Tensor",
      R"(The tensor repeated along each dimension, in fresh memory.

Args:
    repeats: how often, per dimension; leading dimensions may be added.

Example:
    >>> pygrad.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
)")
.in("Tensor").method();

Tensor tile(const Tensor& input, const Shape& dims) {
  Shape repeats = dims;
  while (repeats.size() < input.dim()) repeats.insert(0, 1);
  return repeat(input, repeats);
}
PG_OP(tile, "(Tensor input, int[...] dims) -> Tensor",
      R"(The tensor repeated along its last dimensions.

Example:
    >>> pygrad.tile(pygrad.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
)")
.method().composed();

Tensor repeat_interleave_indices(const Tensor& repeats, std::optional<int64_t> output_size) {
  PG_CHECK(repeats.dim() <= 1, "repeat_interleave(): repeats must be 0-dim or 1-dim tensor, not ",
           repeats.dim(), "-D");
  PG_CHECK(repeats.dtype() == DType::Int32 || repeats.dtype() == DType::Int64,
           "repeat_interleave(): repeats has to be Long or Int tensor, not ", repeats.dtype());
  const Tensor counts = empty(repeats.sizes(), DType::Int64, Device{});
  copy_data(counts, repeats);
  const int64_t* n = counts.data_as<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); ++i) {
    PG_CHECK(n[i] >= 0, "repeat_interleave(): repeats can not be negative, got ", n[i]);
    PG_CHECK(!__builtin_add_overflow(total, n[i], &total),
             "repeat_interleave(): the repeats add up to too many elements");
  }
  PG_CHECK(!output_size || *output_size == total,
           "repeat_interleave(): allocated size does not match required size: output_size ",
           output_size.value_or(0), ", repeats add up to ", total);
  const Tensor out = empty(Shape{total}, DType::Int64, Device{});
  int64_t* to_index = out.data_as<int64_t>();
  for (int64_t i = 0; i < counts.numel(); ++i)
    for (int64_t k = 0; k < n[i]; ++k) *to_index++ = i;
  return to_device(out, repeats.device());
}

Tensor repeat_interleave_tensor(const Tensor& input, const Tensor& repeats,
                                std::optional<int64_t> dim, std::optional<int64_t> output_size) {
  const Tensor x = dim ? input : reshape(input, Shape{input.numel()});
  const int64_t d = check_dim("repeat_interleave", dim.value_or(0), x.dim());
  const int64_t size = x.dim() ? x.size(d) : 1;
  PG_CHECK(repeats.dim() == 0 || repeats.numel() == 1 || repeats.size(0) == size,
           "repeat_interleave(): repeats must have the same size as input along dim, but got "
           "repeats.size(0) = ",
           repeats.dim() ? repeats.size(0) : 1, " and input.size(", d, ") = ", size);
  const Tensor counts =
      repeats.numel() == 1 && size != 1 ? expand(reshape(repeats, Shape{1}), Shape{size}) : repeats;
  return index_select(x, d, repeat_interleave_indices(counts, output_size));
}
Tensor repeat_interleave(const Tensor& input, int64_t repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size) {
  PG_CHECK(repeats >= 0, "repeat_interleave(): Repeats must be non-negative, got ", repeats);
  const Tensor x = dim && input.dim() ? input : reshape(input, Shape{input.numel()});
  const int64_t d = check_dim("repeat_interleave", dim.value_or(0), x.dim());
  Shape wide = x.shape(), merged = x.shape();
  wide.insert(d + 1, repeats);
  merged[d] *= repeats;
  PG_CHECK(!output_size || *output_size == merged[d],
           "repeat_interleave(): Allocated size does not match required size: output_size ",
           output_size.value_or(0), ", expected ", merged[d]);
  return reshape(clone(expand(unsqueeze(x, d + 1), wide)), merged);
}
PG_OP(repeat_interleave,
      "(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> Tensor",
      R"(Every element repeated, next to itself.

Args:
    repeats: how often: one number, or one per element of dim.
    dim: along which dimension; None flattens the input.
    output_size: the size of the result along dim, if it is known.

Example:
    >>> pygrad.repeat_interleave(pygrad.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
)")
.method().composed();
PG_OP_NAMED("repeat_interleave", &repeat_interleave_tensor,
            "(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor",
            R"(Element i repeated repeats[i] times.)")
    .method()
    .composed();
PG_OP_NAMED("repeat_interleave", &repeat_interleave_indices,
            "(Tensor repeats, *, int? output_size=None) -> Tensor",
            R"(Each position i, repeats[i] times.)")
    .nondifferentiable();

namespace {

// out[(i + shift) % size] = x[i] along one dim: two slices change places.
void roll_data(const Tensor& out, const Tensor& x, int64_t shift, int64_t dim) {
  const int64_t size = x.size(dim);
  shift = size ? ((shift % size) + size) % size : 0;
  auto part = [&](const Tensor& t, int64_t start, int64_t length) {
    return alias(t, with_size(t.sizes(), dim, length), t.strides(),
                 t.offset() + start * t.stride(dim));
  };
  copy_data(part(out, shift, size - shift), part(x, 0, size - shift));
  if (shift) copy_data(part(out, 0, shift), part(x, size - shift, shift));
}

}  // namespace

Tensor roll(const Tensor& input, const Shape& shifts, const Shape& dims) {
  PG_CHECK(!shifts.empty(), "roll(): `shifts` required");
  PG_CHECK(shifts.size() == dims.size() || (dims.empty() && shifts.size() == 1),
           "roll(): shifts and dimensions must align. shifts: ", shifts.size(),
           ", dims:", dims.size());
  Tensor out = empty(input.sizes(), input.dtype(), input.device());
  if (dims.empty()) {
    const Tensor flat = alias(out, Shape{out.numel()}, Shape{1}, 0);
    Tensor x = input;
    if (!input.is_contiguous()) {
      x = empty(input.sizes(), input.dtype(), input.device());
      copy_data(x, input);
    }
    roll_data(flat, alias(x, Shape{x.numel()}, Shape{1}, x.offset()), shifts[0], 0);
  } else {
    Tensor x = input;
    for (int64_t i = 0; i < dims.size(); ++i) {
      const int64_t d = check_dim("roll", dims[i], input.dim());
      if (i) out = empty(input.sizes(), input.dtype(), input.device());
      if (input.dim() == 0)
        copy_data(out, x);
      else
        roll_data(out, x, shifts[i], d);
      x = out;
    }
  }
  return record("roll", out, {input}, {}, [shifts, dims](const Node&, const Tensor& g) {
    Shape back = shifts;
    for (int64_t& s : back) s = -s;
    return Grads{roll(g, back, dims)};
  });
}
PG_OP(roll, "(Tensor input, int[] shifts, int[] dims=[]) -> Tensor",
      R"(The elements moved on by some places, those that fall off the end coming back in front.

Args:
    shifts: how far, one per dimension in dims.
    dims: along which; none rolls the flattened tensor.

Example:
    >>> pygrad.roll(pygrad.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
)")
.method();

Tensor flip(const Tensor& input, const Shape& dims) {
  const uint32_t mask = dims.empty() ? 0u : check_dims("flip", dims, input.dim());
  Shape strides(input.strides());
  int64_t offset = input.offset();
  for (int64_t i = 0; i < input.dim() && input.numel(); ++i) {
    if (!(mask >> i & 1u)) continue;
    offset += (input.size(i) - 1) * strides[i];
    strides[i] = -strides[i];
  }
  Tensor out = empty_like(input);
  copy_data(out, alias(input, input.sizes(), strides, offset));
  return record("flip", out, {input}, {},
                [dims](const Node&, const Tensor& g) { return Grads{flip(g, dims)}; });
}
PG_OP(flip, "(Tensor input, int[...] dims) -> Tensor",
      R"(A copy with the order of elements reversed along some dimensions.

Example:
    >>> pygrad.flip(pygrad.tensor([1, 2, 3]), (0,))
    tensor([3, 2, 1])
)")
.method();

PG_OP_NAMED(
    "fliplr",
    +[](const Tensor& input) {
      PG_CHECK(input.dim() >= 2, "fliplr(): Input must be >= 2-d, got ", input.dim(), "-D");
      return flip(input, Shape{1});
    },
    "(Tensor input) -> Tensor", R"(A copy with the columns in reverse order.

Example:
    >>> pygrad.fliplr(pygrad.tensor([[1, 2]]))
    tensor([[2, 1]])
)")
    .method()
    .composed();
PG_OP_NAMED(
    "flipud",
    +[](const Tensor& input) {
      PG_CHECK(input.dim() >= 1, "flipud(): Input must be >= 1-d, got a 0-D tensor");
      return flip(input, Shape{0});
    },
    "(Tensor input) -> Tensor", R"(A copy with the rows in reverse order.

Example:
    >>> pygrad.flipud(pygrad.tensor([[1], [2]]))
    tensor([[2],
            [1]])
)")
    .method()
    .composed();

Tensor rot90(const Tensor& input, int64_t k, const Shape& dims) {
  PG_CHECK(dims.size() == 2,
           "rot90(): expected total rotation dims == 2, but got dims = ", dims.size());
  PG_CHECK(input.dim() >= 2,
           "rot90(): expected total dims >= 2, but got total dims = ", input.dim());
  const int64_t a = check_dim("rot90", dims[0], input.dim()),
                b = check_dim("rot90", dims[1], input.dim());
  PG_CHECK(a != b, "rot90(): expected rotation dims to be different, but got dim0 = ", dims[0],
           " and dim1 = ", dims[1]);
  Tensor out;
  {
    GradGuard off(false);
    switch (((k % 4) + 4) % 4) {
      case 0:
        out = clone(input);
        break;
      case 1:
        out = alias(transpose(flip(input, Shape{b}), a, b));
        break;
      case 2:
        out = flip(input, Shape{a, b});
        break;
      default:
        out = alias(transpose(flip(input, Shape{a}), a, b));
        break;
    }
  }
  return record("rot90", out, {input}, {}, [k, a, b](const Node&, const Tensor& g) {
    return Grads{rot90(g, -k, Shape{a, b})};
  });
}
PG_OP(rot90, "(Tensor input, int k=1, int[] dims=[0, 1]) -> Tensor",
      R"(A copy turned by k quarter turns in the plane of two dimensions.

Args:
    k: how many turns, from the first dimension towards the second.
    dims: the plane.

Example:
    >>> pygrad.rot90(pygrad.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
)")
.method();

Tensor diag_embed(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2);

Tensor diag(const Tensor& input, int64_t diagonal_offset) {
  PG_CHECK(input.dim() == 1 || input.dim() == 2, "diag(): Supports 1D or 2D tensors. Got ",
           input.dim(), "D");
  return input.dim() == 1 ? diag_embed(input, diagonal_offset, 0, 1)
                          : clone(diagonal(input, diagonal_offset, 0, 1));
}
PG_OP(diag, "(Tensor input, int diagonal=0) -> Tensor",
      R"(A matrix with a vector on a diagonal, or the diagonal of a matrix.

Args:
    diagonal: above the main one when positive, below it when negative.

Example:
    >>> pygrad.diag(pygrad.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
)")
.method().composed();

Tensor diagflat(const Tensor& input, int64_t offset) {
  return diag_embed(reshape(input, Shape{input.numel()}), offset, 0, 1);
}
PG_OP(diagflat, "(Tensor input, int offset=0) -> Tensor",
      R"(A matrix with all elements of the input on a diagonal.

Example:
    >>> pygrad.diagflat(pygrad.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
)")
.method().composed();

}  // namespace pygrad
