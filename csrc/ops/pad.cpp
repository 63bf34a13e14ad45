// Padding: a constant, or the tensor's own elements reflected, repeated or wrapped round.
#include "csrc/ops/spatial.h"

namespace pygrad {
namespace {

void check_pad_length(const Tensor& input, const Shape& pad) {
  PG_CHECK(pad.size() % 2 == 0, "pad(): Padding length must be divisible by 2, but it is ",
           pad.size());
  PG_CHECK(pad.size() <= 2 * input.dim(),
           "pad(): Padding length should be less than or equal to two times the input dimension "
           "but got padding length ",
           pad.size(), " and input of dimension ", input.dim());
}

enum class Border { reflect, replicate, circular };

// Which element of a dimension of size n a position outside it shows. What negative padding cuts
// off, a reflection may still show, but the circle closes without it: it runs over first..last - 1.
int64_t source_of(Border border, int64_t i, int64_t n, int64_t first, int64_t last) {
  switch (border) {
    case Border::reflect:
      return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case Border::replicate:
      return i < 0 ? 0 : i >= n ? n - 1 : i;
    case Border::circular:
      break;
  }
  const int64_t round = last - first;
  return first + ((i - first) % round + round) % round;
}

Tensor pad_border(const Tensor& input, const Shape& pad, Border border) {
  const int64_t padded = pad.size() / 2;
  PG_CHECK_KIND(
      NotImplemented,
      padded >= 1 && padded <= 3 && (input.dim() == padded + 1 || input.dim() == padded + 2),
      "pad(): Padding size ", pad.size(), " is not supported for ", input.dim(),
      "D input tensor.\nSupported combinations for non-constant padding:\n"
      "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
      "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
      "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)");
  Tensor out = input;
  for (int64_t k = 0; k < padded; ++k) {
    const int64_t dim = input.dim() - 1 - k, n = input.size(dim), before = pad[2 * k],
                  after = pad[2 * k + 1];
    if (before == 0 && after == 0) continue;
    const int64_t size = n + before + after;
    if (border == Border::reflect)
      PG_CHECK(before < n && after < n,
               "pad(): Padding size should be less than the corresponding input dimension, but "
               "got: padding (",
               before, ", ", after, ") at dimension ", dim, " of input ", Bracketed{input.sizes()});
    if (border == Border::circular)
      PG_CHECK(before <= n && after <= n,
               "pad(): Padding value causes wrapping around more than once: padding (", before,
               ", ", after, ") at dimension ", dim, " of input ", Bracketed{input.sizes()});
    PG_CHECK(n > 0 && size > 0, "pad(): input ", Bracketed{input.sizes()}, " with padding (",
             before, ", ", after, ") at dimension ", dim, " gives size ", size,
             "; expected a non-empty input and result");
    const int64_t first = before < 0 ? -before : 0, last = n + (after < 0 ? after : 0);
    PG_CHECK(first < last, "pad(): padding (", before, ", ", after, ") cuts off all of dimension ",
             dim, " of input ", Bracketed{input.sizes()}, "; expected something left to repeat");
    const Tensor index = empty(Shape{size}, DType::Int64);
    for (int64_t i = 0; i < size; ++i)
      index.data_as<int64_t>()[i] = source_of(border, i - before, n, first, last);
    out = index_select(out, dim, to_device(index, input.device()));
  }
  return out.is(input) ? clone(input) : out;
}

}  // namespace

Tensor constant_pad_nd(const Tensor& input, const Shape& pad, Scalar value) {
  check_pad_length(input, pad);
  Shape sizes = input.shape(), from = Shape::filled(input.dim(), 0), to_start = from, kept = sizes;
  for (int64_t k = 0; k < pad.size() / 2; ++k) {
    const int64_t d = input.dim() - 1 - k, before = pad[2 * k], after = pad[2 * k + 1];
    sizes[d] += before + after;
    PG_CHECK(sizes[d] >= 0, "pad(): The input size ", input.size(d), ", plus negative padding ",
             before, " and ", after,
             " resulted in a negative output size, which is invalid (dimension ", d, " of input ",
             Bracketed{input.sizes()}, ")");
    from[d] = before < 0 ? -before : 0;
    to_start[d] = before > 0 ? before : 0;
    kept[d] = input.size(d) + (before < 0 ? before : 0) + (after < 0 ? after : 0);
    // Cut by more than there is: nothing is kept, all is padding.
    if (kept[d] < 0) kept[d] = 0;
  }
  Tensor out = full(sizes, value, input.dtype(), input.device());
  if (numel_of(kept)) {
    int64_t source = input.offset(), target = out.offset();
    for (int64_t d = 0; d < input.dim(); ++d) {
      source += from[d] * input.stride(d);
      target += to_start[d] * out.stride(d);
    }
    copy_data(alias(out, kept, out.strides(), target), alias(input, kept, input.strides(), source));
  }
  return record("constant_pad_nd", out, {input}, {}, [pad](const Node&, const Tensor& g) {
    Shape cut = pad;
    for (int64_t& p : cut) p = -p;
    return Grads{constant_pad_nd(g, cut, Scalar(0))};
  });
}
PG_OP(constant_pad_nd, "(Tensor input, int[] pad, Scalar value=0) -> Tensor",
      R"(Pads with a constant; negative numbers cut off.

Args:
    pad: before and after the last dimension, then the one before it, and so on.

Example:
    >>> pygrad.constant_pad_nd(pygrad.tensor([1, 2]), [1, 0])
    tensor([0, 1, 2])
)");

Tensor pad(const Tensor& input, const Shape& pad, const std::string& mode,
           const std::optional<Scalar>& value) {
  check_pad_length(input, pad);
  if (mode == "constant") return constant_pad_nd(input, pad, value.value_or(Scalar(0)));
  PG_CHECK(!value || value->to_double() == 0, "pad(): Padding mode \"", mode,
           "\" doesn't take in value argument; got ", value->to_double());
  if (mode == "reflect") return pad_border(input, pad, Border::reflect);
  if (mode == "replicate") return pad_border(input, pad, Border::replicate);
  if (mode == "circular") return pad_border(input, pad, Border::circular);
  raise(ErrorKind::NotImplemented, "pad(): Unrecognised padding mode '", mode,
        "'; expected 'constant', 'reflect', 'replicate' or 'circular'");
}
PG_OP_NAMED("pad",
            static_cast<Tensor (*)(const Tensor&, const Shape&, const std::string&,
                                   const std::optional<Scalar>&)>(&pygrad::pad),
            "(Tensor input, int[] pad, str mode='constant', Scalar? value=None) -> Tensor",
            R"(Enlarges the last dimensions.

Args:
    input: any shape for 'constant'; 2-D to 5-D otherwise.
    pad: before and after the last dimension, then the one before it, and so on; negative numbers cut off.
    mode: 'constant', 'reflect', 'replicate' or 'circular'.
    value: what to fill with in 'constant' mode.

Example:
    >>> pygrad.nn.functional.pad(pygrad.tensor([[1., 2., 3.]]), [2, 0], 'reflect')
    tensor([[3., 2., 1., 2., 3.]])
)")
    .in("nn.functional")
    .composed();

}  // namespace pygrad
