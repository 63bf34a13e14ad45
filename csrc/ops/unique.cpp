// Distinct elements: unique and unique_consecutive, of all elements or of slices along a dimension.
#include <algorithm>
#include <numeric>
#include <vector>

#include "csrc/autograd/grad_mode.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

Tensor positions(int64_t n, Device device) {
  return arange(Scalar(0), Scalar(n), Scalar(1), DType::Int64, device);
}

// The slices along dim as rows of a matrix that compares exactly: int64 or float64.
Tensor comparable_rows(const Tensor& input, int64_t dim) {
  const Tensor first = contiguous(transpose(input, 0, dim));
  const int64_t n = first.size(0), width = n ? first.numel() / n : 0;
  return to(reshape(first, Shape{n, width}),
            is_integral(input.dtype()) ? DType::Int64 : DType::Float64);
}

// The order that sorts the rows; on the CPU, where comparing whole rows is a plain loop.
Tensor sorted_rows(const Tensor& rows) {
  const Tensor here = to_device(rows, Device{});
  const int64_t n = here.size(0), width = here.size(1);
  const Tensor order = positions(n, Device{});
  int64_t* p = order.data_as<int64_t>();
  const auto by = [&](auto* data) {
    std::stable_sort(p, p + n, [=](int64_t a, int64_t b) {
      return std::lexicographical_compare(data + a * width, data + (a + 1) * width,
                                          data + b * width, data + (b + 1) * width);
    });
  };
  if (here.dtype() == DType::Int64)
    by(here.data_as<const int64_t>());
  else
    by(here.data_as<const double>());
  return to_device(order, rows.device());
}

struct Groups {
  Tensor kept, inverse,
      counts;  // positions of the first of each group; group of each position; sizes
};

// Groups of equal neighbours, from the mask of those that begin one.
Groups grouped(const Tensor& starts) {
  const int64_t n = starts.numel();
  Groups g;
  g.kept = reshape(nonzero(starts), Shape{-1});
  g.inverse = sub(cumsum(starts, 0), Scalar(1));
  const Tensor end = full(Shape{1}, Scalar(n), DType::Int64, starts.device());
  g.counts = sub(cat({narrow(g.kept, 0, std::min<int64_t>(1, g.kept.numel()),
                             std::max<int64_t>(g.kept.numel() - 1, 0)),
                      end},
                     0),
                 g.kept);
  if (n == 0) g.counts = g.kept;
  return g;
}

Tensor starts_of(const Tensor& rows) {
  const int64_t n = rows.size(0);
  if (n == 0) return empty(Shape{0}, DType::Bool, rows.device());
  Tensor differs = ne(narrow(rows, 0, 1, n - 1), narrow(rows, 0, 0, n - 1));
  if (differs.dim() > 1) differs = any(differs, Shape{1}, false);
  return cat({full(Shape{1}, Scalar(true), DType::Bool, rows.device()), differs}, 0);
}

void check_orderable(const char* op, const Tensor& input) {
  PG_CHECK(!is_complex(input.dtype()), op, "(): not implemented for complex tensors (dtype ",
           input.dtype(), ")");
}

// Only what was asked for, as PyTorch returns it; alone, a plain tensor (the Python layer unpacks
// one-tuples).
std::tuple<Tensor, Tensor, Tensor> unique_parts(const Tensor& input, std::optional<int64_t> dim,
                                                bool sort_first) {
  const char* op = sort_first ? "unique" : "unique_consecutive";
  check_orderable(op, input);
  GradGuard off(false);
  if (!dim || input.dim() == 0) {
    const Tensor flat = contiguous(reshape(input, Shape{-1}));
    Tensor values = flat, order;
    if (sort_first) std::tie(values, order) = sort(flat, 0, false);
    const Groups g = grouped(starts_of(values));
    Tensor inverse = g.inverse;
    if (sort_first) inverse = scatter(zeros_like(inverse), 0, order, g.inverse);
    return {index_select(values, 0, g.kept), reshape(inverse, input.shape()), g.counts};
  }
  const int64_t axis = check_dim(op, *dim, input.dim());
  const Tensor rows = comparable_rows(input, axis);
  const Tensor order = sort_first ? sorted_rows(rows) : positions(rows.size(0), input.device());
  const Groups g = grouped(starts_of(index_select(rows, 0, order)));
  const Tensor inverse = scatter(zeros_like(g.inverse), 0, order, g.inverse);
  return {index_select(input, axis, index_select(order, 0, g.kept)), inverse, g.counts};
}

}  // namespace

// One overload per combination, so that each returns exactly what was asked for.
Tensor unique_only(const Tensor& input, bool, std::optional<int64_t> dim) {
  return std::get<0>(unique_parts(input, dim, true));
}
TensorList unique_full(const Tensor& input, bool, bool return_inverse, bool return_counts,
                       std::optional<int64_t> dim) {
  auto [values, inverse, counts] = unique_parts(input, dim, true);
  TensorList out{values};
  if (return_inverse) out.push_back(inverse);
  if (return_counts) out.push_back(counts);
  return out;
}
Tensor consecutive_only(const Tensor& input, std::optional<int64_t> dim) {
  return std::get<0>(unique_parts(input, dim, false));
}
TensorList consecutive_full(const Tensor& input, bool return_inverse, bool return_counts,
                            std::optional<int64_t> dim) {
  auto [values, inverse, counts] = unique_parts(input, dim, false);
  TensorList out{values};
  if (return_inverse) out.push_back(inverse);
  if (return_counts) out.push_back(counts);
  return out;
}

PG_OP_NAMED("unique", &unique_only, "(Tensor input, bool sorted=True, *, int? dim=None) -> Tensor",
            R"(The distinct elements, sorted.

Args:
    input: any shape.
    sorted: accepted; the result is always sorted.
    dim: compare whole slices along this dimension instead of elements.

Example:
    >>> pygrad.unique(pygrad.tensor([3, 1, 3]))
    tensor([1, 3])
)")
    .method()
    .nondifferentiable();
PG_OP_NAMED(
    "unique", &unique_full,
    "(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False, int? "
    "dim=None) -> Tensor[]",
    R"(The distinct elements with, as asked, the group of each element and the size of each group.)")
    .method()
    .nondifferentiable();
PG_OP_NAMED("unique_consecutive", &consecutive_only, "(Tensor input, *, int? dim=None) -> Tensor",
            R"(The elements without those that equal the one before.

Example:
    >>> pygrad.unique_consecutive(pygrad.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
)")
    .method()
    .nondifferentiable();
PG_OP_NAMED(
    "unique_consecutive", &consecutive_full,
    "(Tensor input, bool return_inverse=False, bool return_counts=False, int? dim=None) -> "
    "Tensor[]",
    R"(Runs of equal elements with, as asked, the run of each element and the length of each run.)")
    .method()
    .nondifferentiable();

}  // namespace pygrad
