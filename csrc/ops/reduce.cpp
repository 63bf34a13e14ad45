// Sums, means, products, extremes, truth and counts over dimensions.
#include "csrc/ops/reduction.h"

namespace pygrad {

Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype);

Tensor run_reduce(ReduceOp op, const Tensor& x, const Reduced& r, DType dtype) {
  const Tensor out = empty(r.result_shape(), dtype, x.device());
  kernels::reduce(x.device_type())(op, r.kernel_view(out), x.view());
  return out;
}

void check_not_empty(const char* op, const Tensor& input, const Reduced& r) {
  if (input.numel()) return;
  for (int64_t d = 0; d < r.sizes.size(); ++d)
    if (r.reduces(d) && r.sizes[d] == 0) {
      PG_CHECK(!r.everything() || r.sizes.size() > 1, op,
               "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
               "reduction dim with the 'dim' argument");
      raise(ErrorKind::Index, op, "(): Expected reduction dim ", d,
            " to have non-zero size, but the input is ", input.sizes());
    }
}

namespace {

// Bools and integers are summed as int64.
DType sum_type(const Tensor& input, std::optional<DType> dtype) {
  return dtype ? *dtype : is_integral(input.dtype()) ? DType::Int64 : input.dtype();
}

Tensor sum_over(const char* node, const Tensor& input, Sizes dims, bool keepdim,
                std::optional<DType> dtype) {
  const Reduced r("sum", input, dims, keepdim);
  const DType type = sum_type(input, dtype);
  const bool counts =
      input.dtype() == DType::Bool && type == DType::Int64;  // no int64 copy of a mask
  Tensor out = counts ? run_reduce(ReduceOp::count_nonzero, input, r, type)
                      : run_reduce(ReduceOp::sum, to(input, type), r, type);
  return record(node, std::move(out), {input}, {},
                [r](const Node&, const Tensor& g) { return Grads{r.expanded(g)}; });
}

Tensor mean_over(const char* node, const Tensor& input, Sizes dims, bool keepdim,
                 std::optional<DType> dtype) {
  const DType type = dtype ? *dtype : input.dtype();
  PG_CHECK(!is_integral(type), "mean(): could not infer output dtype. ",
           dtype ? "Optional dtype" : "Input dtype",
           " must be either a floating point or complex dtype. Got: ", type,
           ". Convert the input with .float()");
  const Reduced r("mean", input, dims, keepdim);
  Tensor out = run_reduce(ReduceOp::mean, to(input, type), r, type);
  const double n = double(r.count());
  return record(node, std::move(out), {input}, {}, [r, n](const Node&, const Tensor& g) {
    return Grads{r.expanded(div(g, Scalar(n)))};
  });
}

}  // namespace

Tensor sum(const Tensor& input, const Shape& dims, bool keepdim) {
  return sum_over(dims.empty() ? "sum" : "sum:1", input, dims, keepdim, std::nullopt);
}
Tensor sum_all(const Tensor& input, std::optional<DType> dtype) {
  return sum_over("sum", input, {}, false, dtype);
}
PG_OP_NAMED("sum", &sum_all, "(Tensor input, *, dtype? dtype=None) -> Tensor",
            R"(Sum of all elements.

Args:
    input: any shape; bools and integers are summed as int64.
    dtype: convert to this dtype before summing.

Example:
    >>> pygrad.sum(pygrad.tensor([1., 2., 3.]))
    tensor(6.)
)")
    .method();

Tensor sum_dims(const Tensor& input, const std::optional<Shape>& dim, bool keepdim,
                std::optional<DType> dtype) {
  return sum_over("sum:1", input, dims_of(dim), keepdim, dtype);
}
PG_OP_NAMED("sum", &sum_dims,
            "(Tensor input, int[]? dim, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
            R"(Sum over one or more dimensions.

Args:
    input: any shape.
    dim: a dimension, several, or None for all.
    keepdim: keep the reduced dimensions with size 1.
    dtype: convert to this dtype before summing.

Raises:
    IndexError: when a dimension is out of range.

Example:
    >>> pygrad.sum(pygrad.tensor([[1., 2.], [3., 4.]]), dim=0)
    tensor([4., 6.])
)")
    .method();

Tensor mean(const Tensor& input, const Shape& dims, bool keepdim) {
  return mean_over(dims.empty() ? "mean" : "mean:1", input, dims, keepdim, std::nullopt);
}
Tensor mean_all(const Tensor& input, std::optional<DType> dtype) {
  return mean_over("mean", input, {}, false, dtype);
}
PG_OP_NAMED("mean", &mean_all, "(Tensor input, *, dtype? dtype=None) -> Tensor",
            R"(Mean of all elements.

Raises:
    RuntimeError: for integers without a floating dtype.

Example:
    >>> pygrad.mean(pygrad.tensor([1., 2., 3.]))
    tensor(2.)
)")
    .method();

Tensor mean_dims(const Tensor& input, const std::optional<Shape>& dim, bool keepdim,
                 std::optional<DType> dtype) {
  return mean_over("mean:1", input, dims_of(dim), keepdim, dtype);
}
PG_OP_NAMED("mean", &mean_dims,
            "(Tensor input, int[]? dim, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
            R"(Mean over one or more dimensions.

Example:
    >>> pygrad.mean(pygrad.tensor([[1., 2.], [3., 4.]]), dim=1)
    tensor([1.5000, 3.5000])
)")
    .method();

namespace {

// The product of the other elements along the last dim: what comes before times what comes after.
Tensor product_of_others(const Tensor& rows) {
  const int64_t dim = rows.dim() - 1, n = rows.size(dim);
  if (n == 1) return ones_like(rows);
  const Tensor one = ones_like(narrow(rows, dim, 0, 1));
  const Tensor before = cat({one, cumprod(narrow(rows, dim, 0, n - 1), dim, std::nullopt)}, dim);
  const Tensor after =
      flip(cumprod(flip(narrow(rows, dim, 1, n - 1), Shape{dim}), dim, std::nullopt), Shape{dim});
  return mul(before, cat({after, one}, dim));
}

// d prod / dx for inputs with zeros, where prod / x says nothing.
Tensor prod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const Reduced& r) {
  if (kernels::count_nonzero_total(x.device_type())(x.view()) == x.numel())
    return mul(r.expanded(mul(g, conj(y))), conj(reciprocal(x)));
  // Reduced dims last, as one.
  Shape order, shape, back = Shape::filled(x.dim(), 0);
  for (int64_t d = 0; d < x.dim(); ++d)
    if (!r.reduces(d)) order.push_back(d), shape.push_back(x.size(d));
  for (int64_t d = 0; d < x.dim(); ++d)
    if (r.reduces(d)) order.push_back(d);
  for (int64_t i = 0; i < order.size(); ++i) back[order[i]] = i;
  shape.push_back(r.count());
  const Tensor moved = permute(x, order);
  const Tensor others =
      permute(reshape(product_of_others(reshape(moved, shape)), moved.shape()), back);
  return mul(r.expanded(g), conj(others));
}

Tensor prod_over(const char* node, const Tensor& input, Sizes dims, bool keepdim,
                 std::optional<DType> dtype) {
  const DType type = sum_type(input, dtype);
  const Reduced r("prod", input, dims, keepdim);
  const Tensor x = to(input, type), out = run_reduce(ReduceOp::prod, x, r, type);
  return record(node, std::move(out), {input}, saved(x, out), [r](const Node& n, const Tensor& g) {
    return Grads{r.sizes.size() ? prod_gradient(g, n.saved(0), n.saved(1), r) : g};
  });
}

}  // namespace

Tensor prod(const Tensor& input, const Shape& dims, bool keepdim) {
  return prod_over(dims.empty() ? "prod" : "prod:1", input, dims, keepdim, std::nullopt);
}
Tensor prod_all(const Tensor& input, std::optional<DType> dtype) {
  return prod_over("prod", input, {}, false, dtype);
}
PG_OP_NAMED("prod", &prod_all, "(Tensor input, *, dtype? dtype=None) -> Tensor",
            R"(Product of all elements.

Example:
    >>> pygrad.prod(pygrad.tensor([2., 3.]))
    tensor(6.)
)")
    .method();

Tensor prod_dim(const Tensor& input, int64_t dim, bool keepdim, std::optional<DType> dtype) {
  return prod_over("prod:1", input, Shape{dim}, keepdim, dtype);
}
PG_OP_NAMED("prod", &prod_dim,
            "(Tensor input, int dim, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
            R"(Product over a dimension.

Example:
    >>> pygrad.prod(pygrad.tensor([[1., 2.], [3., 4.]]), 1)
    tensor([ 2., 12.])
)")
    .method();

// Extremes: ties share the gradient evenly.
Tensor spread_evenly(const Tensor& g, const Tensor& x, const Tensor& y, const Reduced& r) {
  const Tensor value = r.expanded(y);
  Tensor hit = eq(x, value);
  if (is_floating(x.dtype()))
    hit = logical_or(hit, Operand(logical_and(isnan(x), Operand(isnan(value)))));
  const Shape dims = [&] {
    Shape s;
    for (int64_t d = 0; d < r.sizes.size(); ++d)
      if (r.reduces(d)) s.push_back(d);
    return s;
  }();
  const Tensor count = dims.empty() ? to(hit, g.dtype()) : to(sum(hit, dims, true), g.dtype());
  return div(mul(r.expanded(g), to(hit, g.dtype())), count);
}

Tensor extreme_over(const char* name, const char* node, ReduceOp op, const Tensor& input,
                    Sizes dims, bool keepdim) {
  PG_CHECK_KIND(NotImplemented, !is_complex(input.dtype()), name,
                "(): not implemented for complex tensors (dtype ", input.dtype(), ")");
  const Reduced r(name, input, dims, keepdim);
  if (dims.empty() && input.numel() == 0)
    raise(ErrorKind::Runtime, name,
          "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
          "reduction dim with "
          "the 'dim' argument");
  for (int64_t d = 0; d < r.sizes.size(); ++d)
    PG_CHECK_INDEX(!r.reduces(d) || r.sizes[d] > 0, name, "(): Expected reduction dim ", d,
                   " to have non-zero size, but the input is ", input.sizes());
  Tensor out = run_reduce(op, input, r, input.dtype());
  return record(node, std::move(out), {input}, saved(input, out),
                [r](const Node& n, const Tensor& g) {
                  return Grads{spread_evenly(g, n.saved(0), n.saved(1), r)};
                });
}

Tensor amax(const Tensor& input, const Shape& dims, bool keepdim) {
  return extreme_over("amax", "amax", ReduceOp::amax, input, dims, keepdim);
}
PG_OP(amax, "(Tensor input, int[] dim=[], bool keepdim=False) -> Tensor",
      R"(Largest element over dimensions; equal ones share the gradient.

Example:
    >>> pygrad.amax(pygrad.tensor([[1., 5.], [3., 2.]]), 1)
    tensor([5., 3.])
)")
.method();

Tensor amin(const Tensor& input, const Shape& dims, bool keepdim) {
  return extreme_over("amin", "amin", ReduceOp::amin, input, dims, keepdim);
}
PG_OP(amin, "(Tensor input, int[] dim=[], bool keepdim=False) -> Tensor",
      R"(Smallest element over dimensions; equal ones share the gradient.

Example:
    >>> pygrad.amin(pygrad.tensor([[1., 5.], [3., 2.]]), 1)
    tensor([1., 2.])
)")
.method();

std::tuple<Tensor, Tensor> aminmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  const Shape dims = dim ? Shape{*dim} : Shape();
  return {extreme_over("aminmax", "aminmax", ReduceOp::amin, input, dims, keepdim),
          extreme_over("aminmax", "aminmax", ReduceOp::amax, input, dims, keepdim)};
}
PG_OP(aminmax, "(Tensor input, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
      R"(Smallest and largest element, of all or over a dimension.

Example:
    >>> pygrad.aminmax(pygrad.tensor([1., 5.])).max
    tensor(5.)
)")
.method();

namespace {

Tensor truth(const char* name, ReduceOp op, const Tensor& input, Sizes dims, bool keepdim) {
  Tensor out = run_reduce(op, input, Reduced(name, input, dims, keepdim), DType::Bool);
  return input.dtype() == DType::UInt8 ? to(out, DType::UInt8) : out;
}

}  // namespace

Tensor any(const Tensor& input, const Shape& dims, bool keepdim) {
  return truth("any", ReduceOp::any, input, dims, keepdim);
}
Tensor any_all(const Tensor& input) { return any(input, {}, false); }
PG_OP_NAMED("any", &any_all, "(Tensor input) -> Tensor", R"(Whether any element is not zero.

Example:
    >>> pygrad.any(pygrad.tensor([False, True]))
    tensor(True)
)")
    .method()
    .nondifferentiable();
Tensor any_dims(const Tensor& input, const std::optional<Shape>& dim, bool keepdim) {
  if (dim && dim->empty())
    return to(logical_not(logical_not(input)),
              input.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool);
  return any(input, dims_of(dim), keepdim);
}
PG_OP_NAMED("any", &any_dims, "(Tensor input, int[]? dim, bool keepdim=False) -> Tensor",
            R"(Whether any element is not zero, over dimensions.)")
    .method()
    .nondifferentiable();

Tensor all(const Tensor& input, const Shape& dims, bool keepdim) {
  return truth("all", ReduceOp::all, input, dims, keepdim);
}
Tensor all_all(const Tensor& input) { return all(input, {}, false); }
PG_OP_NAMED("all", &all_all, "(Tensor input) -> Tensor", R"(Whether no element is zero.

Example:
    >>> pygrad.all(pygrad.tensor([False, True]))
    tensor(False)
)")
    .method()
    .nondifferentiable();
Tensor all_dims(const Tensor& input, const std::optional<Shape>& dim, bool keepdim) {
  if (dim && dim->empty())
    return to(logical_not(logical_not(input)),
              input.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool);
  return all(input, dims_of(dim), keepdim);
}
PG_OP_NAMED("all", &all_dims, "(Tensor input, int[]? dim, bool keepdim=False) -> Tensor",
            R"(Whether no element is zero, over dimensions.)")
    .method()
    .nondifferentiable();

Tensor count_nonzero(const Tensor& input, const std::optional<Shape>& dim) {
  return run_reduce(ReduceOp::count_nonzero, input,
                    Reduced("count_nonzero", input, dims_of(dim), false), DType::Int64);
}
PG_OP(count_nonzero, "(Tensor input, int[]? dim=None) -> Tensor", R"(How many elements are not zero.

Example:
    >>> pygrad.count_nonzero(pygrad.tensor([1, 0, 2]))
    tensor(2)
)")
.method().nondifferentiable();

Tensor nansum(const Tensor& input, const std::optional<Shape>& dim, bool keepdim,
              std::optional<DType> dtype) {
  PG_CHECK(!is_complex(input.dtype()), "nansum(): nansum does not support complex inputs");
  if (is_integral(input.dtype())) return sum_over("nansum", input, dims_of(dim), keepdim, dtype);
  const DType type = dtype ? *dtype : input.dtype();
  const Reduced r("nansum", input, dims_of(dim), keepdim);
  Tensor out;
  const Tensor absent = isnan(input);
  {
    GradGuard off(false);
    const Tensor x = masked_fill(input, absent, Scalar(0));
    out = run_reduce(ReduceOp::sum, to(x, type), r, type);
  }
  return record("nansum", std::move(out), {input}, saved(absent),
                [r](const Node& n, const Tensor& g) {
                  return Grads{masked_fill(r.expanded(g), n.saved(0), Scalar(0))};
                });
}
PG_OP(nansum, "(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
      R"(Sum that counts NaN as zero.

Example:
    >>> pygrad.nansum(pygrad.tensor([1., float('nan'), 2.]))
    tensor(3.)
)")
.method();

Tensor nanmean(const Tensor& input, const std::optional<Shape>& dim, bool keepdim,
               std::optional<DType> dtype) {
  PG_CHECK(!is_integral(input.dtype()),
           "nanmean(): expected input to have floating point or complex dtype but got ",
           input.dtype());
  return div(nansum(input, dim, keepdim, dtype),
             sum(logical_not(isnan(input)), dims_of(dim), keepdim));
}
PG_OP(nanmean,
      "(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
      R"(Mean of the elements that are not NaN.

Example:
    >>> pygrad.nanmean(pygrad.tensor([1., float('nan'), 2.]))
    tensor(1.5000)
)")
.method().composed();

Scalar item(const Tensor& input) {
  PG_CHECK(input.numel() == 1, "item(): a Tensor with ", input.numel(),
           " elements cannot be converted to Scalar; shape ", input.sizes());
  Tensor copy;
  if (input.device().is_cuda()) {
    GradGuard off(false);
    copy = to_device(input, Device{});
  }
  const void* p = copy.defined() ? copy.data() : input.data();
  switch (input.dtype()) {
    case DType::Bool:
      return Scalar(*static_cast<const bool*>(p));
    case DType::UInt8:
      return Scalar(int64_t(*static_cast<const uint8_t*>(p)));
    case DType::Int8:
      return Scalar(int64_t(*static_cast<const int8_t*>(p)));
    case DType::Int16:
      return Scalar(int64_t(*static_cast<const int16_t*>(p)));
    case DType::Int32:
      return Scalar(int64_t(*static_cast<const int32_t*>(p)));
    case DType::Int64:
      return Scalar(*static_cast<const int64_t*>(p));
    case DType::Float16:
      return Scalar(double(float(*static_cast<const Half*>(p))));
    case DType::BFloat16:
      return Scalar(double(float(*static_cast<const BFloat16*>(p))));
    case DType::Float32:
      return Scalar(double(*static_cast<const float*>(p)));
    case DType::Float64:
      return Scalar(*static_cast<const double*>(p));
    case DType::Complex64:
      return Scalar(Complex128(*static_cast<const Complex64*>(p)));
    case DType::Complex128:
      return Scalar(*static_cast<const Complex128*>(p));
  }
  return {};
}
PG_OP(item, "(Tensor input) -> Scalar", R"(The only element, as a Python number.

Raises:
    RuntimeError: when there is not exactly one element.

Example:
    >>> pygrad.tensor([2.5]).item()
    2.5
)")
.in("Tensor").method().nondifferentiable();

}  // namespace pygrad
