// One index per element, along one dimension: gather, scatter, scatter_add, scatter_reduce and
// take_along_dim.
#include <algorithm>

#include "csrc/ops/checks.h"
#include "csrc/ops/index_plan.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {
namespace {

// Positions along dim, checked: no negative ones here, as in PyTorch. `src` (if any) must cover the
// index.
Tensor check_scatter(const char* op, const Tensor& input, int64_t dim, const Tensor& index,
                     const Tensor& src) {
  PG_CHECK(index.dtype() == DType::Int32 || index.dtype() == DType::Int64, op,
           "(): Expected dtype int32/int64 for index, got ", index.dtype());
  check_same_device(op, input, index, "input", "index");
  if (index.numel()) {
    PG_CHECK(std::max<int64_t>(index.dim(), 1) == std::max<int64_t>(input.dim(), 1), op,
             "(): Index tensor must have the same number of dimensions as input tensor: index ",
             index.sizes(), ", input ", input.sizes());
    PG_CHECK(!src.defined() || std::max<int64_t>(index.dim(), 1) == std::max<int64_t>(src.dim(), 1),
             op, "(): Index tensor must have the same number of dimensions as src tensor: index ",
             index.sizes(), ", src ", src.defined() ? src.sizes() : Sizes());
    for (int64_t d = 0; d < index.dim(); ++d) {
      const bool fits_input = d == dim || !input.dim() || index.size(d) <= input.size(d);
      const bool fits_src = !src.defined() || index.size(d) <= (src.dim() ? src.size(d) : 1);
      if (src.defined())
        PG_CHECK(fits_input && fits_src, op, "(): Expected index ", index.sizes(),
                 " to be no larger than self ", input.sizes(), " apart from dimension ", dim,
                 " and to be no larger size than src ", src.sizes());
      else
        PG_CHECK(fits_input, op, "(): Size does not match at dimension ", d, " expected index ",
                 index.sizes(), " to be no larger than self ", input.sizes(),
                 " apart from dimension ", dim);
    }
  }
  return checked_index(op, as_int64(op, index, input.device()), dim,
                       input.dim() ? input.size(dim) : 1, Negative::refused, ErrorKind::Runtime);
}

void check_dtypes(const char* op, const Tensor& input, const Tensor& src) {
  check_same_device(op, input, src, "input", "src");
  PG_CHECK(input.dtype() == src.dtype(), op,
           "(): Expected self.dtype to be equal to src.dtype: ", input.dtype(), " and ",
           src.dtype());
}

void scatter_data(ScatterOp op, const Tensor& out, const Tensor& index, const View& src,
                  int64_t dim) {
  if (index.numel())
    kernels::scatter(out.device_type())(op, at_least_1d(out).view(), at_least_1d(index).view(), src,
                                        dim);
}

// `g` in the leading corner of zeros of larger sizes: the gradient of a src that the index covers
// in part.
Tensor in_corner(const Tensor& g, const Shape& sizes) {
  Tensor r = g;
  for (int64_t d = 0; d < g.dim() && d < sizes.size(); ++d)
    if (r.size(d) != sizes[d])
      r = slice_backward(r, with_size(r.sizes(), d, sizes[d]), d, 0, r.size(d), 1);
  return Shape::same(r.sizes(), sizes) ? r : reshape(r, sizes);
}

Tensor gather_backward(const Tensor& grad, const Shape& sizes, int64_t dim, const Tensor& index) {
  const Tensor out = zeros(sizes, grad.dtype(), grad.device());
  scatter_data(ScatterOp::add, out, index, at_least_1d(grad).view(), dim);
  return record(
      "gather_backward", out, {grad}, saved(index),
      [dim](const Node& n, const Tensor& g) { return Grads{gather(g, dim, n.saved(0))}; });
}

}  // namespace

Tensor gather(const Tensor& input, int64_t dim, const Tensor& index) {
  dim = check_dim("gather", dim, input.dim());
  const Tensor at = check_scatter("gather", input, dim, index, {});
  Tensor out = empty(index.sizes(), input.dtype(), input.device());
  if (out.numel())
    kernels::gather(out.device_type())(at_least_1d(out).view(), at_least_1d(input).view(),
                                       at_least_1d(at).view(), dim);
  const Shape from = input.shape();
  return record("gather", out, {input}, saved(at), [from, dim](const Node& n, const Tensor& g) {
    return Grads{gather_backward(g, from, dim, n.saved(0))};
  });
}
PG_OP_NAMED(
    "gather",
    +[](const Tensor& input, int64_t dim, const Tensor& index, bool) {
      return gather(input, dim, index);
    },
    "(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
    R"(Elements picked along a dimension: out[i][j] = input[index[i][j]][j] for dim 0.

Args:
    dim: the dimension that the index counts along.
    index: int64, no larger than the input in the other dimensions; its shape is the result's.
    sparse_grad: accepted; gradients are dense.

Raises:
    RuntimeError: for a position outside the dimension.

Example:
    >>> pygrad.gather(pygrad.tensor([[1, 2], [3, 4]]), 1, pygrad.tensor([[1], [0]]))
    tensor([[2],
            [3]])
)")
    .method();

Tensor take_along_dim(const Tensor& input, const Tensor& indices, std::optional<int64_t> dim) {
  PG_CHECK(indices.dtype() == DType::Int64 || indices.dtype() == DType::Int32,
           "take_along_dim(): torch.take_along_dim(): dtype of indices should be Long but got ",
           indices.dtype());
  if (!dim)
    return gather(reshape(input, Shape{input.numel()}), 0,
                  reshape(indices, Shape{indices.numel()}));
  PG_CHECK(
      input.dim() == indices.dim(),
      "take_along_dim(): torch.take_along_dim(): input and indices should have the same number of "
      "dimensions, but got ",
      input.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int64_t d = check_dim("take_along_dim", *dim, input.dim());
  if (input.dim() == 0) return gather(input, 0, indices);
  const Shape rest = broadcast_shapes("take_along_dim", with_size(input.sizes(), d, 1),
                                      with_size(indices.sizes(), d, 1));
  return gather(expand(input, with_size(rest, d, input.size(d))), d,
                expand(indices, with_size(rest, d, indices.size(d))));
}
PG_OP(
    take_along_dim, "(Tensor input, Tensor indices, int? dim=None) -> Tensor",
    R"(Elements picked along a dimension, with broadcasting of the others: what argsort and argmax positions are for.

Args:
    indices: int64; broadcasts with the input apart from dim.
    dim: the dimension; None flattens both.

Example:
    >>> x = pygrad.tensor([[3, 1], [2, 4]])
    >>> pygrad.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 4]])
)")
.method().composed();

namespace {

// src for the positions of the index: a tensor, or a number that stands still.
Tensor scatter_number(const char* name, ScatterOp op, const Tensor& input, int64_t dim,
                      const Tensor& index, Scalar value) {
  dim = check_dim("scatter", dim, input.dim());
  Tensor at = check_scatter("scatter", input, dim, index, {});
  const Tensor number = empty(Shape{}, input.dtype(), input.device());
  kernels::fill(input.device_type())(number.view(), value);
  Tensor out = modified_copy(input);
  at = apart(at, out);
  scatter_data(op, out, at, number.view_expanded(at_least_1d(at).sizes()), dim);
  return record(name, out, {input}, saved(at), [dim, op, value](const Node& n, const Tensor& g) {
    if (op == ScatterOp::add) return Grads{g};
    if (op == ScatterOp::prod) {
      // Each hit multiplies the gradient by the number, as it did the value.
      return Grads{
          scatter_number("scatter:1", ScatterOp::prod, g, dim, n.saved(0),
                         value.is_complex() ? Scalar(Complex128(value.d, -value.im)) : value)};
    }
    return Grads{scatter(g, dim, n.saved(0), Scalar(0))};
  });
}

Tensor scatter_tensor(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src) {
  dim = check_dim("scatter", dim, input.dim());
  Tensor at = check_scatter("scatter", input, dim, index, src);
  check_dtypes("scatter", input, src);
  Tensor out = modified_copy(input);
  at = apart(at, out);
  scatter_data(ScatterOp::set, out, at, at_least_1d(apart(src, out)).view(), dim);
  const Shape src_sizes = src.shape();
  return record(
      "scatter", out, {input, src}, saved(at), [dim, src_sizes](const Node& n, const Tensor& g) {
        return Grads{n.needs(0) ? scatter(g, dim, n.saved(0), Scalar(0)) : Tensor(),
                     n.needs(1) ? in_corner(gather(g, dim, n.saved(0)), src_sizes) : Tensor()};
      });
}

ScatterOp legacy_reduce(const std::string& reduce) {
  if (reduce == "add") return ScatterOp::add;
  PG_CHECK(reduce == "multiply", "scatter(): reduce argument must be either add or multiply, got ",
           reduce);
  return ScatterOp::prod;
}

}  // namespace

Tensor scatter(const Tensor& input, int64_t dim, const Tensor& index, const Operand& src) {
  return src.is_tensor()
             ? scatter_tensor(input, dim, index, src.tensor)
             : scatter_number("scatter:1", ScatterOp::set, input, dim, index, src.scalar);
}

Tensor scatter_reduce(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self);

PG_OP_NAMED(
    "scatter", &scatter_tensor, "(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
    R"(The tensor with elements replaced along a dimension: out[index[i][j]][j] = src[i][j] for dim 0.

Args:
    dim: the dimension that the index counts along.
    index: int64, no larger than src, nor than the input in the other dimensions.
    src: the new elements, or a number. Where a position occurs twice the last one wins.

Raises:
    RuntimeError: for a position outside the dimension.

Example:
    >>> pygrad.scatter(pygrad.zeros(3), 0, pygrad.tensor([2, 0]), pygrad.tensor([1., 2.]))
    tensor([2., 0., 1.])
)")
    .method()
    .inplace();
PG_OP_NAMED(
    "scatter",
    +[](const Tensor& input, int64_t dim, const Tensor& index, Scalar value) {
      return scatter_number("scatter:1", ScatterOp::set, input, dim, index, value);
    },
    "(Tensor input, int dim, Tensor index, Scalar value) -> Tensor",
    R"(The tensor with elements set to a number along a dimension.)")
    .method()
    .inplace();
PG_OP_NAMED(
    "scatter",
    +[](const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
        const std::string& reduce) {
      return scatter_reduce(input, dim, index, src,
                            legacy_reduce(reduce) == ScatterOp::add ? "sum" : "prod", true);
    },
    "(Tensor input, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    R"(The tensor with elements added ('add') or multiplied ('multiply') into it along a dimension.)")
    .method()
    .inplace()
    .composed();
PG_OP_NAMED(
    "scatter",
    +[](const Tensor& input, int64_t dim, const Tensor& index, Scalar value,
        const std::string& reduce) {
      return scatter_number("scatter:1", legacy_reduce(reduce), input, dim, index, value);
    },
    "(Tensor input, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
    R"(The tensor with a number added ('add') or multiplied ('multiply') into it along a dimension.)")
    .method()
    .inplace();

Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src) {
  dim = check_dim("scatter_add", dim, input.dim());
  Tensor at = check_scatter("scatter_add", input, dim, index, src);
  check_dtypes("scatter_add", input, src);
  Tensor out = modified_copy(input);
  at = apart(at, out);
  scatter_data(ScatterOp::add, out, at, at_least_1d(apart(src, out)).view(), dim);
  const Shape src_sizes = src.shape();
  return record("scatter_add", out, {input, src}, saved(at),
                [dim, src_sizes](const Node& n, const Tensor& g) {
                  return Grads{
                      n.needs(0) ? g : Tensor(),
                      n.needs(1) ? in_corner(gather(g, dim, n.saved(0)), src_sizes) : Tensor()};
                });
}
PG_OP(
    scatter_add, "(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
    R"(The tensor with elements added along a dimension: out[index[i][j]][j] += src[i][j] for dim 0.

Args:
    dim: the dimension that the index counts along.
    index: int64; a position may occur several times.
    src: the addends.

Example:
    >>> pygrad.scatter_add(pygrad.zeros(2), 0, pygrad.tensor([1, 1]), pygrad.tensor([1., 2.]))
    tensor([0., 3.])
)")
.method().inplace();

namespace {

enum class Reduction : uint8_t { sum, prod, mean, amax, amin };

Reduction reduction_of(const std::string& reduce) {
  constexpr const char* names[] = {"sum", "prod", "mean", "amax", "amin"};
  for (int i = 0; i < 5; ++i)
    if (reduce == names[i]) return Reduction(i);
  raise(ErrorKind::Runtime,
        "scatter_reduce(): reduce argument must be either sum, prod, mean, amax or amin, got ",
        reduce);
}

ScatterOp kernel_of(Reduction r) {
  switch (r) {
    case Reduction::prod:
      return ScatterOp::prod;
    case Reduction::amax:
      return ScatterOp::amax;
    case Reduction::amin:
      return ScatterOp::amin;
    default:
      return ScatterOp::add;
  }
}

// What leaves the other operand unchanged: written to the hit positions when the tensor's own
// values do not take part.
Scalar neutral(Reduction r, DType dtype) {
  constexpr double inf = __builtin_inf();
  const bool floating = is_floating(dtype);
  auto extreme = [&](bool highest) -> Scalar {
    switch (dtype) {
      case DType::Bool:
        return Scalar(highest);
      case DType::UInt8:
        return Scalar(int64_t(highest ? 255 : 0));
      case DType::Int8:
        return Scalar(int64_t(highest ? INT8_MAX : INT8_MIN));
      case DType::Int16:
        return Scalar(int64_t(highest ? INT16_MAX : INT16_MIN));
      case DType::Int32:
        return Scalar(int64_t(highest ? INT32_MAX : INT32_MIN));
      default:
        return Scalar(int64_t(highest ? INT64_MAX : INT64_MIN));
    }
  };
  switch (r) {
    case Reduction::prod:
      return Scalar(1);
    case Reduction::amax:
      return floating ? Scalar(-inf) : extreme(false);
    case Reduction::amin:
      return floating ? Scalar(inf) : extreme(true);
    default:
      return Scalar(0);
  }
}

// How many values met at each position, at least 1.
Tensor hit_counts(const Tensor& like, int64_t dim, const Tensor& index, bool include_self) {
  const Tensor counts =
      full(like.sizes(), Scalar(include_self ? 1 : 0), like.dtype(), like.device());
  const Tensor one = full(Shape{}, Scalar(1), like.dtype(), like.device());
  scatter_data(ScatterOp::add, counts, index, one.view_expanded(at_least_1d(index).sizes()), dim);
  kernels::clamp(like.device_type())(counts.view(), counts.view(), Scalar(1), true, Scalar(0),
                                     false);
  return counts;
}

// The gradients of a product by the products of the others, zeros among the factors taken apart.
Grads prod_grads(const Node& n, const Tensor& g, int64_t dim, bool include_self) {
  const Tensor self = n.saved(0), src = n.saved(1), index = n.saved(2);
  const Tensor self_zero = eq(self, Scalar(0)), src_zero = eq(src, Scalar(0));
  const Tensor p = scatter_reduce(masked_fill(self, self_zero, Scalar(1)), dim, index,
                                  masked_fill(src, src_zero, Scalar(1)), "prod", include_self);
  // With the tensor's own values left out, its zeros count only where nothing was written, and
  // there the gradient is g itself.
  const Tensor base =
      include_self ? to(self_zero, g.dtype()) : zeros(self.sizes(), g.dtype(), g.device());
  const Tensor zero_count = scatter_add(base, dim, index, to(src_zero, g.dtype()));
  const Tensor none = eq(zero_count, Scalar(0)), one = eq(zero_count, Scalar(1));
  Grads grads{Tensor(), Tensor()};
  const Tensor nothing = zeros(Shape{}, g.dtype(), g.device());
  if (n.needs(0)) {
    const Tensor whole =
        conj(where(self_zero, where(one, p, nothing),
                   where(none, div(p, masked_fill(self, self_zero, Scalar(1))), nothing)));
    grads[0] = include_self ? mul(g, whole) : scatter(g, dim, index, Scalar(0));
  }
  if (n.needs(1)) {
    Tensor covered = src, covered_zero = src_zero;
    for (int64_t d = 0; d < index.dim(); ++d) {
      if (covered.size(d) == index.size(d)) continue;
      covered = narrow(covered, d, 0, index.size(d));
      covered_zero = narrow(covered_zero, d, 0, index.size(d));
    }
    const Tensor at_p = gather(p, dim, index), at_none = gather(none, dim, index),
                 at_one = gather(one, dim, index);
    const Tensor whole = conj(
        where(covered_zero, where(at_one, at_p, nothing),
              where(at_none, div(at_p, masked_fill(covered, covered_zero, Scalar(1))), nothing)));
    grads[1] = in_corner(mul(gather(g, dim, index), whole), src.shape());
  }
  return grads;
}

// The gradient of an extreme is shared equally by the values that reach it.
Grads extreme_grads(const Node& n, const Tensor& g, int64_t dim, bool include_self) {
  const Tensor self = n.saved(0), src = n.saved(1), index = n.saved(2), result = n.saved(3);
  Tensor covered = src;
  for (int64_t d = 0; d < index.dim(); ++d)
    if (covered.size(d) != index.size(d)) covered = narrow(covered, d, 0, index.size(d));
  const Tensor self_hits = to(eq(self, result), g.dtype());
  const Tensor src_hits = to(eq(covered, gather(result, dim, index)), g.dtype());
  const Tensor shares = scatter_add(
      include_self ? self_hits : zeros(self.sizes(), g.dtype(), g.device()), dim, index, src_hits);
  const Tensor each = div(g, clamp(shares, Scalar(1), std::nullopt));
  Grads grads{Tensor(), Tensor()};
  if (n.needs(0))
    grads[0] = include_self ? mul(each, self_hits) : scatter(g, dim, index, Scalar(0));
  if (n.needs(1)) grads[1] = in_corner(mul(gather(each, dim, index), src_hits), src.shape());
  return grads;
}

}  // namespace

Tensor scatter_reduce(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self) {
  const Reduction how = reduction_of(reduce);
  dim = check_dim("scatter_reduce", dim, input.dim());
  Tensor at = check_scatter("scatter_reduce", input, dim, index, src);
  check_dtypes("scatter_reduce", input, src);
  PG_CHECK_KIND(NotImplemented, !is_complex(input.dtype()) || how <= Reduction::mean,
                "scatter_reduce(): ", reduce, " is not implemented for dtype ", input.dtype());
  const bool needs_values =
      how == Reduction::prod || how == Reduction::amax || how == Reduction::amin;
  // Copies where the op is about to write over what backward needs.
  const bool recorded = grad_enabled() && (input.requires_grad() || src.requires_grad());
  Tensor out = modified_copy(input);
  const Tensor from = apart(src, out);
  at = apart(at, out);
  Tensor kept_self, kept_src;
  if (recorded && needs_values) {
    kept_self = apart(input, out);
    kept_src = from;
  }
  if (!include_self) {
    const Tensor start = full(Shape{}, neutral(how, input.dtype()), input.dtype(), input.device());
    scatter_data(ScatterOp::set, out, at, start.view_expanded(at_least_1d(at).sizes()), dim);
  }
  scatter_data(kernel_of(how), out, at, at_least_1d(from).view(), dim);
  Tensor counts;
  if (how == Reduction::mean) {
    counts = hit_counts(out, dim, at, include_self);
    const BinaryOp divide = is_integral(out.dtype()) ? BinaryOp::floor_divide : BinaryOp::div;
    kernels::binary(out.device_type())(divide, out.view(), out.view(), counts.view());
  }
  const Shape src_sizes = src.shape();
  const Tensor result = how == Reduction::amax || how == Reduction::amin ? out : Tensor();
  return record("scatter_reduce", out, {input, src}, saved(kept_self, kept_src, at, result, counts),
                [how, dim, include_self, src_sizes](const Node& n, const Tensor& g) {
                  if (how == Reduction::prod) return prod_grads(n, g, dim, include_self);
                  if (how == Reduction::amax || how == Reduction::amin)
                    return extreme_grads(n, g, dim, include_self);
                  const Tensor index_kept = n.saved(2);
                  const Tensor each = how == Reduction::mean ? div(g, n.saved(4)) : g;
                  Tensor to_self = n.needs(0) ? each : Tensor();
                  if (n.needs(0) && !include_self)
                    to_self = scatter(each, dim, index_kept, Scalar(0));
                  return Grads{to_self, n.needs(1)
                                            ? in_corner(gather(each, dim, index_kept), src_sizes)
                                            : Tensor()};
                });
}
PG_OP(scatter_reduce,
      "(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> "
      "Tensor",
      R"(The tensor with the elements of src reduced into it along a dimension.

Args:
    dim: the dimension that the index counts along.
    index: int64; a position may occur several times.
    src: the values to reduce.
    reduce: 'sum', 'prod', 'mean', 'amax' or 'amin'.
    include_self: whether the tensor's own values take part.

Example:
    >>> pygrad.scatter_reduce(pygrad.zeros(2), 0, pygrad.tensor([0, 0]), pygrad.tensor([1., 2.]), 'amax')
    tensor([2., 0.])
)")
.method().inplace();

}  // namespace pygrad
