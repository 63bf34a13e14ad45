// Sorting and selection along a dimension: sort, argsort, topk, kthvalue, median, mode, quantiles.
#include <cmath>

#include "csrc/ops/reduction.h"

namespace pygrad {

Tensor spread_evenly(const Tensor& g, const Tensor& x, const Tensor& y, const Reduced& r);

namespace {

void refuse_complex_order(const char* op, const Tensor& input) {
  PG_CHECK(!is_complex(input.dtype()), op, "(): Sort does not support complex dtypes, got ",
           input.dtype());
}

// What PyTorch has no kernel for.
void refuse_selection(const char* op, const Tensor& input, bool bools) {
  PG_CHECK_KIND(NotImplemented,
                !is_complex(input.dtype()) && (bools || input.dtype() != DType::Bool), op,
                "(): not implemented for dtype ", input.dtype(), "; expected real numbers");
}

// Values and indices without a tape; a 0-d tensor is its own order.
std::tuple<Tensor, Tensor> sorted_raw(const Tensor& x, int64_t dim, bool descending) {
  // On the CPU lines that lie across memory are cheaper to transpose than to walk.
  constexpr int64_t kTransposed = int64_t(1) << 16;
  if (x.device_type() == DeviceType::cpu && x.dim() > 1 && x.stride(dim) != 1 &&
      dim != x.dim() - 1 && x.numel() >= kTransposed) {
    GradGuard off(false);
    const int64_t last = x.dim() - 1;
    const auto [values, indices] =
        sorted_raw(contiguous(transpose(x, dim, last)), last, descending);
    return {contiguous(transpose(values, dim, last)), contiguous(transpose(indices, dim, last))};
  }
  const Tensor values = empty(x.sizes(), x.dtype(), x.device()),
               indices = empty(x.sizes(), DType::Int64, x.device());
  if (x.dim() == 0) {
    copy_data(values, x);
    kernels::fill(x.device_type())(indices.view(), Scalar(0));
  } else {
    kernels::sort(x.device_type())(values.view(), indices.view(), x.view(), dim, descending);
  }
  return {values, indices};
}

// Puts the tape under values that were picked from `input` at `indices`, both with the dim kept.
Tensor record_picked(const char* node, const Tensor& values, const Tensor& input,
                     const Tensor& indices, int64_t dim) {
  const Shape sizes = input.shape();
  return record(node, values, {input}, saved(indices),
                [sizes, dim](const Node& n, const Tensor& g) {
                  if (sizes.empty()) return Grads{g};
                  return Grads{scatter(zeros(sizes, g.dtype(), g.device()), dim, n.saved(0), g)};
                });
}

// One element per line, `at` (int64, dim kept with size 1) saying which of the sorted ones.
std::tuple<Tensor, Tensor> picked(const char* node, const Tensor& input, const Tensor& order,
                                  const Tensor& at, int64_t dim, bool keepdim) {
  Tensor indices, values;
  {
    GradGuard off(false);
    indices = gather(order, dim, at);
    values = gather(input, dim, indices);
  }
  const Reduced r(node, input, Shape{dim}, keepdim);
  const Tensor where = indices;
  if (!keepdim) {
    values = reshape(values, r.result_shape());
    indices = reshape(indices, r.result_shape());
  }
  values =
      record(node, alias(values), {input}, saved(where), [r, dim](const Node& n, const Tensor& g) {
        return Grads{
            scatter(zeros(r.sizes, g.dtype(), g.device()), dim, n.saved(0), r.with_dims(g))};
      });
  return {values, indices};
}

Tensor constant_positions(const Tensor& input, int64_t dim, int64_t value) {
  Shape shape = input.shape();
  shape[dim] = 1;
  return full(shape, Scalar(value), DType::Int64, input.device());
}

std::tuple<Tensor, Tensor> of_scalar(const char* node, const Tensor& input) {
  Tensor values = record(node, alias(clone(input)), {input}, {},
                         [](const Node&, const Tensor& g) { return Grads{g}; });
  return {values, zeros(Shape{}, DType::Int64, input.device())};
}

}  // namespace

std::tuple<Tensor, Tensor> sort(const Tensor& input, int64_t dim, bool descending) {
  refuse_complex_order("sort", input);
  dim = check_dim("sort", dim, input.dim());
  auto [values, indices] = sorted_raw(input, dim, descending);
  return {record_picked("sort", values, input, indices, dim), indices};
}
PG_OP(
    sort, "(Tensor input, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
    R"(Sorted values along a dimension, and where each came from. The order of equal elements is kept; NaN comes last.

Args:
    input: any shape.
    dim: the dimension to sort along.
    descending: from the largest.

Example:
    >>> pygrad.sort(pygrad.tensor([3., 1., 2.])).values
    tensor([1., 2., 3.])
)")
.method();

std::tuple<Tensor, Tensor> sort_stable(const Tensor& input, bool, int64_t dim, bool descending) {
  return sort(input, dim, descending);
}
PG_OP_NAMED("sort", &sort_stable,
            "(Tensor input, *, bool stable, int dim=-1, bool descending=False) -> (Tensor values, "
            "Tensor indices)",
            R"(Sorted values and indices; sorting is always stable.)")
    .method();

Tensor argsort(const Tensor& input, int64_t dim, bool descending, bool) {
  refuse_complex_order("argsort", input);
  return std::get<1>(sorted_raw(input, check_dim("argsort", dim, input.dim()), descending));
}
PG_OP(argsort, "(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
      R"(The indices that sort a tensor along a dimension.

Example:
    >>> pygrad.argsort(pygrad.tensor([3., 1., 2.]))
    tensor([1, 2, 0])
)")
.method().nondifferentiable();

Tensor msort(const Tensor& input) { return std::get<0>(sort(input, 0, false)); }
PG_OP(msort, "(Tensor input) -> Tensor", R"(Sorted along the first dimension.

Example:
    >>> pygrad.msort(pygrad.tensor([3, 1, 2]))
    tensor([1, 2, 3])
)")
.method().composed();

std::tuple<Tensor, Tensor> topk(const Tensor& input, int64_t k, int64_t dim, bool largest, bool) {
  refuse_complex_order("topk", input);
  dim = check_dim("topk", dim, input.dim());
  const int64_t n = input.dim() ? input.size(dim) : 1;
  PG_CHECK(k >= 0 && k <= n, "topk(): selected index k out of range: k is ", k,
           ", the dimension has ", n, " elements");
  if (input.dim() == 0) return of_scalar("topk", input);
  Shape shape = input.shape();
  shape[dim] = k;
  const Tensor values = empty(shape, input.dtype(), input.device()),
               indices = empty(shape, DType::Int64, input.device());
  kernels::topk(input.device_type())(values.view(), indices.view(), input.view(), dim, largest);
  return {record_picked("topk", values, input, indices, dim), indices};
}
PG_OP(topk,
      "(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, "
      "Tensor indices)",
      R"(The k largest elements along a dimension, in order, and where they are.

Args:
    input: any shape.
    k: how many.
    dim: the dimension to select along.
    largest: the k smallest when False.
    sorted: accepted; the result is always in order.

Example:
    >>> pygrad.topk(pygrad.tensor([3., 1., 2.]), 2).values
    tensor([3., 2.])
)")
.method();

std::tuple<Tensor, Tensor> kthvalue(const Tensor& input, int64_t k, int64_t dim, bool keepdim) {
  refuse_selection("kthvalue", input, false);
  dim = check_dim("kthvalue", dim, input.dim());
  const int64_t n = input.dim() ? input.size(dim) : 1;
  PG_CHECK(k >= 1 && k <= n, "kthvalue(): selected number k out of range for dimension ", dim,
           ": k is ", k, ", expected 1 to ", n);
  if (input.dim() == 0) return of_scalar("kthvalue", input);
  const Tensor order = std::get<1>(sorted_raw(input, dim, false));
  return picked("kthvalue", input, order, constant_positions(input, dim, k - 1), dim, keepdim);
}
PG_OP(kthvalue,
      "(Tensor input, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
      R"(The k-th smallest element along a dimension, counted from 1, and where it is.

Example:
    >>> pygrad.kthvalue(pygrad.tensor([3., 1., 2.]), 2).values
    tensor(2.)
)")
.method();

namespace {

// Positions of the median among the sorted: the lower middle one; the first NaN when NaN counts and
// there is one.
Tensor median_positions(const Tensor& input, int64_t dim, bool ignore_nan) {
  const int64_t n = input.size(dim);
  if (is_integral(input.dtype())) return constant_positions(input, dim, (n - 1) / 2);
  const Tensor absent = sum(isnan(input), Shape{dim}, true), present = rsub(absent, Scalar(n));
  if (ignore_nan)
    return clamp(floor_divide(sub(present, Scalar(1)), Scalar(2)), Scalar(0), std::nullopt);
  return where(gt(absent, Scalar(0)), present, full_like(present, Scalar((n - 1) / 2)));
}

std::tuple<Tensor, Tensor> median_along(const char* name, const char* node, const Tensor& input,
                                        int64_t dim, bool keepdim, bool ignore_nan) {
  refuse_selection(name, input, false);
  dim = check_dim(name, dim, input.dim());
  if (input.dim() == 0) return of_scalar(node, input);
  PG_CHECK_INDEX(input.size(dim) > 0, name, "(): Expected reduction dim ", dim,
                 " to have non-zero size, but the input is ", input.sizes());
  Tensor order, at;
  {
    GradGuard off(false);
    order = std::get<1>(sorted_raw(input, dim, false));
    at = median_positions(input, dim, ignore_nan);
  }
  return picked(node, input, order, at, dim, keepdim);
}

Tensor median_of_all(const char* name, const Tensor& input, bool ignore_nan) {
  refuse_selection(name, input, false);
  if (input.numel() == 0) return full(Shape{}, Scalar(std::nan("")), input.dtype(), input.device());
  Tensor value;
  {
    GradGuard off(false);
    value = std::get<0>(median_along(name, name, reshape(input, Shape{-1}), 0, false, ignore_nan));
  }
  const Reduced r(name, input, {}, false);
  return record(name, alias(value), {input}, saved(input, value),
                [r](const Node& n, const Tensor& g) {
                  return Grads{spread_evenly(g, n.saved(0), n.saved(1), r)};
                });
}

}  // namespace

Tensor median(const Tensor& input) { return median_of_all("median", input, false); }
PG_OP(median, "(Tensor input) -> Tensor", R"(The lower middle of all elements; NaN if there is one.

Example:
    >>> pygrad.median(pygrad.tensor([3., 1., 2.]))
    tensor(2.)
)")
.method();
std::tuple<Tensor, Tensor> median_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return median_along("median", "median:1", input, dim, keepdim, false);
}
PG_OP_NAMED("median", &median_dim,
            "(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
            R"(The lower middle element along a dimension, and where it is.)")
    .method();

Tensor nanmedian(const Tensor& input) { return median_of_all("nanmedian", input, true); }
PG_OP(nanmedian, "(Tensor input) -> Tensor", R"(The lower middle of the elements that are not NaN.

Example:
    >>> pygrad.nanmedian(pygrad.tensor([3., 1., float('nan')]))
    tensor(1.)
)")
.method();
std::tuple<Tensor, Tensor> nanmedian_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return median_along("nanmedian", "nanmedian:1", input, dim, keepdim, true);
}
PG_OP_NAMED(
    "nanmedian", &nanmedian_dim,
    "(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
    R"(The lower middle of the elements that are not NaN along a dimension, and where it is.)")
    .method();

std::tuple<Tensor, Tensor> mode(const Tensor& input, int64_t dim, bool keepdim) {
  refuse_selection("mode", input, true);
  dim = check_dim("mode", dim, input.dim());
  if (input.dim() == 0) return of_scalar("mode", input);
  const int64_t n = input.size(dim);
  PG_CHECK_INDEX(n > 0, "mode(): Expected reduction dim ", dim,
                 " to have non-zero size, but the input is ", input.sizes());
  Tensor order, at;
  {
    GradGuard off(false);
    auto [values, indices] = sorted_raw(input, dim, false);
    order = indices;
    // The length of the run of equal values up to each place; the first longest run is the smallest
    // value.
    Shape line = Shape::filled(input.dim(), 1);
    line[dim] = n;
    const Tensor place =
        expand(reshape(arange(Scalar(0), Scalar(n), Scalar(1), DType::Int64, input.device()), line),
               input.shape());
    const Tensor changes = ne(narrow(values, dim, 1, n - 1), narrow(values, dim, 0, n - 1));
    const Tensor starts =
        cat({ones_like(narrow(to(values, DType::Bool), dim, 0, 1)), changes}, dim);
    const Tensor marked = where(starts, place, zeros_like(place));
    const Tensor begin = empty(input.sizes(), DType::Int64, input.device()),
                 unused = empty(input.sizes(), DType::Int64, input.device());
    const View unused_view = unused.view();
    kernels::scan(input.device_type())(ScanOp::cummax, begin.view(), &unused_view, marked.view(),
                                       dim);
    at = argmax(sub(place, begin), dim, true);
  }
  return picked("mode", input, order, at, dim, keepdim);
}
PG_OP(mode, "(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
      R"(The most frequent element along a dimension, the smallest of several, and where it is last.

Example:
    >>> pygrad.mode(pygrad.tensor([1, 2, 2, 3])).values
    tensor(2)
)")
.method();

namespace {

Tensor quantile_of(const char* name, const Tensor& input, const Operand& q,
                   std::optional<int64_t> dim, bool keepdim, const std::string& how,
                   bool ignore_nan) {
  PG_CHECK(input.dtype() == DType::Float32 || input.dtype() == DType::Float64, name,
           "(): quantile() input tensor must be either float or double dtype, got ", input.dtype());
  PG_CHECK(input.numel() > 0, name, "(): quantile() input tensor must be non-empty");
  PG_CHECK(
      how == "linear" || how == "lower" || how == "higher" || how == "midpoint" || how == "nearest",
      name,
      "(): quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but "
      "got ",
      how);
  Tensor points = q.is_tensor() ? q.tensor : full(Shape{}, q.scalar, input.dtype(), input.device());
  PG_CHECK(points.dim() <= 1, name, "(): quantile() q must be a scalar or 1D tensor, got shape ",
           points.sizes());
  PG_CHECK(points.dtype() == input.dtype(), name,
           "(): quantile() q tensor must be same dtype as the input tensor: ", points.dtype(), ", ",
           input.dtype());
  const bool many = points.dim() == 1;
  const Tensor inside = logical_and(ge(points, Scalar(0)), Operand(le(points, Scalar(1))));
  PG_CHECK(kernels::count_nonzero_total(inside.device_type())(inside.view()) == inside.numel(),
           name, "(): quantile() q values must be in the range [0, 1]");
  const int64_t axis = dim ? check_dim(name, *dim, input.dim()) : 0;
  // Lines last: (..., n).
  Tensor lines = !dim || input.dim() == 0 ? reshape(input, Shape{-1})
                                          : transpose(input, axis, input.dim() - 1);
  const int64_t last = lines.dim() - 1, n = lines.size(last);
  const Tensor ordered = std::get<0>(sort(lines, last, false));
  Tensor rank;  // (..., q): the place of each quantile among the sorted
  const Tensor row = reshape(points, Shape{points.numel()});
  {
    GradGuard off(false);
    const Tensor absent = sum(isnan(lines), Shape{last}, true);
    const Tensor top = clamp(sub(rsub(absent, Scalar(n)), Scalar(1)), Scalar(0), std::nullopt);
    if (ignore_nan) {
      rank = mul(row, to(top, input.dtype()));
    } else {
      const Tensor whole = expand(mul(row, Scalar(double(n - 1))),
                                  broadcast_shapes(name, absent.sizes(), row.sizes()));
      rank = where(gt(absent, Scalar(0)), full_like(whole, Scalar(double(n - 1))),
                   whole);  // NaN sorts last
    }
    if (how == "lower") rank = floor(rank);
    if (how == "higher") rank = neg(floor(neg(rank)));
    if (how == "nearest") rank = round(rank);
  }
  const Tensor low = to(floor(rank), DType::Int64), high = to(neg(floor(neg(rank))), DType::Int64);
  const Tensor below = gather(ordered, last, low);
  Tensor value = below;
  if (how == "linear" || how == "midpoint") {
    const Tensor weight = how == "midpoint" ? full_like(rank, Scalar(0.5)) : sub(rank, floor(rank));
    value = lerp(below, gather(ordered, last, high), weight);
  }
  // The line's place goes back, the quantiles come first.
  if (!dim || input.dim() == 0) {
    value = reshape(value, [&] {
      Shape s{row.numel()};
      if (keepdim)
        for (int64_t d = 0; d < input.dim(); ++d) s.push_back(1);
      return s;
    }());
  } else {
    value =
        transpose(unsqueeze(value, 0), 0, value.dim());  // (q, ..., 1), the moved dim still last
    value = transpose(value, axis + 1, value.dim() - 1);
    if (!keepdim) value = squeeze(value, axis + 1);
  }
  return many ? value : squeeze(value, 0);
}

}  // namespace

Tensor quantile(const Tensor& input, const Operand& q, std::optional<int64_t> dim, bool keepdim,
                const std::string& interpolation) {
  return quantile_of("quantile", input, q, dim, keepdim, interpolation, false);
}
PG_OP(quantile,
      "(Tensor input, Tensor|Scalar q, int? dim=None, bool keepdim=False, *, str "
      "interpolation='linear') -> Tensor",
      R"(The q-quantiles along a dimension; NaN where there is one.

Args:
    input: float32 or float64.
    q: a number in [0, 1], or a 1-D tensor of them, which adds a first dimension.
    dim: the dimension to reduce; None for all.
    keepdim: keep it with size 1.
    interpolation: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.

Example:
    >>> pygrad.quantile(pygrad.tensor([1., 2., 3., 4.]), 0.5)
    tensor(2.5000)
)")
.method().composed();

Tensor nanquantile(const Tensor& input, const Operand& q, std::optional<int64_t> dim, bool keepdim,
                   const std::string& interpolation) {
  return quantile_of("nanquantile", input, q, dim, keepdim, interpolation, true);
}
PG_OP(nanquantile,
      "(Tensor input, Tensor|Scalar q, int? dim=None, bool keepdim=False, *, str "
      "interpolation='linear') -> Tensor",
      R"(The q-quantiles of the elements that are not NaN; see quantile().

Example:
    >>> pygrad.nanquantile(pygrad.tensor([1., float("nan"), 3.]), 0.5)
    tensor(2.)
)")
.method().composed();

}  // namespace pygrad
