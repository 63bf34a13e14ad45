// Binning: searchsorted, bucketize, bincount, histc.
#include <cmath>

#include "csrc/autograd/grad_mode.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

bool right_side(const char* op, bool right, const std::optional<std::string>& side) {
  if (!side) return right;
  PG_CHECK(*side == "left" || *side == "right", op,
           "(): torch.searchsorted(): side can only be 'left' or 'right' but got ", *side);
  PG_CHECK(!right || *side == "right", op,
           "(): side and right can't be set to opposites, got side of left while right was True");
  return *side == "right";
}

Tensor search(const char* op, const Tensor& sorted, const Operand& values, bool out_int32,
              bool right) {
  GradGuard off(false);
  const Tensor given = values.is_tensor() ? values.tensor : wrapped(values, sorted);
  check_same_device(op, sorted, given, "sorted_sequence", "values");
  PG_CHECK(sorted.dim() >= 1, op, "(): sorted_sequence is 0-d; expected at least 1 dimension");
  const DType type = promote_types(sorted.dtype(), given.dtype());
  const Tensor s = to(sorted, type), v = to(given, type);
  if (s.dim() > 1) {
    bool same = s.dim() == v.dim();
    for (int64_t d = 0; same && d + 1 < s.dim(); ++d) same = s.size(d) == v.size(d);
    PG_CHECK(same, op,
             "(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
             "boundaries tensor and input value tensor "
             "must match, but we got ",
             s.sizes(), " and ", v.sizes());
  }
  const Tensor out = empty(v.sizes(), DType::Int64, v.device());
  kernels::searchsorted(v.device_type())(out.view(), s.view(), v.view(), right);
  return out_int32 ? to(out, DType::Int32) : out;
}

}  // namespace

Tensor searchsorted(const Tensor& sorted_sequence, const Operand& values, bool out_int32,
                    bool right, const std::optional<std::string>& side, const Tensor& sorter) {
  PG_CHECK(values.is_tensor() || sorted_sequence.dim() == 1,
           "searchsorted(): input value can be a scalar only when boundaries tensor dimension is "
           "1, got ",
           sorted_sequence.sizes());
  Tensor s = sorted_sequence;
  if (sorter.defined()) {
    PG_CHECK(sorter.dtype() == DType::Int64,
             "searchsorted(): sorter must be a tensor of long dtype but got dtype ",
             sorter.dtype());
    PG_CHECK(Shape::same(sorter.sizes(), s.sizes()),
             "searchsorted(): boundary and sorter must have the same size, but got ", s.sizes(),
             " and ", sorter.sizes());
    GradGuard off(false);
    s = gather(s, s.dim() - 1, sorter);
  }
  return search("searchsorted", s, values, out_int32, right_side("searchsorted", right, side));
}
PG_OP(searchsorted,
      "(Tensor sorted_sequence, Tensor|Scalar input, *, bool out_int32=False, bool right=False, "
      "str? side=None, Tensor? sorter=None) -> Tensor",
      R"(Where each value would be inserted into a sorted sequence.

Args:
    sorted_sequence: (..., n), sorted along the last dimension.
    input: (..., m) values, any shape for a 1-D sequence, or a number.
    out_int32: return int32 instead of int64.
    right: after equal elements instead of before them.
    side: 'left' or 'right', the same by name.
    sorter: the indices that sort the sequence.

Example:
    >>> pygrad.searchsorted(pygrad.tensor([1, 3, 5]), pygrad.tensor([3, 6]))
    tensor([1, 3])
)")
.nondifferentiable();

Tensor bucketize(const Operand& input, const Tensor& boundaries, bool out_int32, bool right) {
  PG_CHECK(boundaries.dim() == 1,
           "bucketize(): boundaries tensor must be 1 dimension, but got dim(", boundaries.dim(),
           ")");
  return search("bucketize", boundaries, input, out_int32, right);
}
PG_OP(
    bucketize,
    "(Tensor|Scalar input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
    R"(The index of the bucket of each value, between sorted boundaries.

Example:
    >>> pygrad.bucketize(pygrad.tensor([0., 2.5]), pygrad.tensor([1., 2., 3.]))
    tensor([0, 2])
)")
.nondifferentiable();

Tensor bincount(const Tensor& input, const Tensor& weights, int64_t minlength) {
  PG_CHECK_KIND(NotImplemented, is_integral(input.dtype(), false),
                "bincount(): not implemented for dtype ", input.dtype(),
                "; expected non-negative integers");
  PG_CHECK(minlength >= 0, "bincount(): minlength should be >= 0, got ", minlength);
  PG_CHECK(input.dim() == 1,
           "bincount(): bincount only supports 1-d non-negative integral inputs, got shape ",
           input.sizes());
  GradGuard off(false);
  int64_t length = 0;
  if (input.numel()) {
    PG_CHECK(
        item(amin(input, {}, false)).i >= 0,
        "bincount(): bincount only supports 1-d non-negative integral inputs; the smallest is ",
        item(amin(input, {}, false)).i);
    length = item(amax(input, {}, false)).i + 1;
  }
  length = length > minlength ? length : minlength;
  if (!weights.defined()) {
    const Tensor out = zeros(Shape{length}, DType::Int64, input.device());
    if (input.numel()) kernels::bincount(input.device_type())(out.view(), input.view(), nullptr);
    return out;
  }
  PG_CHECK(Shape::same(weights.sizes(), input.sizes()),
           "bincount(): weights should be 1-d and have the same length as input: ", weights.sizes(),
           " and ", input.sizes());
  const DType type = weights.dtype() == DType::Float32 ? DType::Float32 : DType::Float64;
  const Tensor w = to(weights, type), out = zeros(Shape{length}, type, input.device());
  const View v = w.view();
  if (input.numel()) kernels::bincount(input.device_type())(out.view(), input.view(), &v);
  return out;
}
PG_OP(bincount, "(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor",
      R"(How often each of 0, 1, 2, ... occurs, or the sum of their weights.

Args:
    input: (n,) non-negative integers.
    weights: (n,) what each counts for.
    minlength: the least length of the result.

Example:
    >>> pygrad.bincount(pygrad.tensor([0, 2, 2]))
    tensor([1, 0, 2])
)")
.method().nondifferentiable();

Tensor histc(const Tensor& input, int64_t bins, Scalar min, Scalar max) {
  PG_CHECK_KIND(NotImplemented, is_floating(input.dtype()), "histc(): not implemented for dtype ",
                input.dtype(), "; expected a floating dtype");
  PG_CHECK(bins > 0, "histc(): bins must be > 0, got ", bins);
  GradGuard off(false);
  const Tensor x = to(reshape(input, Shape{-1}), DType::Float64);
  double low = min.to_double(), high = max.to_double();
  if (low == high && x.numel()) {
    low = item(amin(x, {}, false)).to_double();
    high = item(amax(x, {}, false)).to_double();
  }
  if (low == high) low -= 1, high += 1;
  PG_CHECK(std::isfinite(low) && std::isfinite(high), "histc(): range of [", low, ", ", high,
           "] is not finite");
  PG_CHECK(low < high, "histc(): max must be larger than min, got ", low, " and ", high);
  const Tensor inside =
      masked_select(x, logical_and(ge(x, Scalar(low)), Operand(le(x, Scalar(high)))));
  Tensor bin =
      to(floor(mul(sub(inside, Scalar(low)), Scalar(double(bins) / (high - low)))), DType::Int64);
  bin = clamp(bin, std::nullopt, Scalar(bins - 1));  // the last bin is closed
  return to(bincount(bin, Tensor(), bins), input.dtype());
}
PG_OP(histc, "(Tensor input, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
      R"(Counts of elements in equal bins from min to max; both 0: from the smallest to the largest.

Example:
    >>> pygrad.histc(pygrad.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
)")
.method().nondifferentiable();

}  // namespace pygrad
