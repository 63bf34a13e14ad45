// Complex tensors seen as pairs of reals, and their parts.
#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"
#include "csrc/ops/views.h"

namespace pygrad {

Tensor view_as_real(const Tensor& input) {
  PG_CHECK(is_complex(input.dtype()),
           "view_as_real(): view_as_real is only supported for complex tensors, but got ",
           input.dtype());
  Shape sizes = input.shape(), strides(input.strides());
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  const DType dtype = input.dtype() == DType::Complex64 ? DType::Float32 : DType::Float64;
  return make_view_as(
      "view_as_real", dtype, input, sizes, strides, input.offset() * 2,
      [](const Node&, const Tensor& g) { return Grads{view_as_complex(contiguous(g))}; });
}
PG_OP(view_as_real, "(Tensor input) -> Tensor",
      R"(A complex tensor as a real one with a last dimension (real, imaginary), without a copy.

Example:
    >>> pygrad.view_as_real(pygrad.tensor([1 + 2j]))
    tensor([[1., 2.]])
)");

Tensor view_as_complex(const Tensor& input) {
  PG_CHECK(input.dtype() == DType::Float32 || input.dtype() == DType::Float64,
           "view_as_complex(): view_as_complex is only supported for float and double tensors, but "
           "got a tensor of scalar type: ",
           input.dtype());
  PG_CHECK(input.dim() > 0 && input.size(-1) == 2,
           "view_as_complex(): Tensor must have a last dimension of size 2, but the shape is ",
           input.sizes());
  PG_CHECK(input.stride(-1) == 1,
           "view_as_complex(): Tensor must have a last dimension with stride 1, not ",
           input.stride(-1));
  PG_CHECK(input.offset() % 2 == 0,
           "view_as_complex(): Tensor must have a storage_offset divisible by 2, not ",
           input.offset());
  Shape sizes = input.shape(), strides(input.strides());
  sizes.pop_back();
  strides.pop_back();
  for (int64_t i = 0; i < strides.size(); ++i) {
    int64_t& s = strides[i];
    PG_CHECK(s % 2 == 0 || sizes[i] <= 1,
             "view_as_complex(): Tensor must have a stride divisible by 2 for all but last "
             "dimension; strides are ",
             input.strides());
    s /= 2;
  }
  const DType dtype = input.dtype() == DType::Float32 ? DType::Complex64 : DType::Complex128;
  return make_view_as("view_as_complex", dtype, input, sizes, strides, input.offset() / 2,
                      [](const Node&, const Tensor& g) { return Grads{view_as_real(g)}; });
}
PG_OP(view_as_complex, "(Tensor input) -> Tensor",
      R"(A real tensor with a last dimension (real, imaginary) as a complex one, without a copy.

Example:
    >>> pygrad.view_as_complex(pygrad.tensor([[1., 2.]]))
    tensor([1.+2.j])
)");

Tensor real(const Tensor& input) {
  return is_complex(input.dtype()) ? select(view_as_real(input), -1, 0) : input;
}
PG_OP(real, "(Tensor input) -> Tensor",
      R"(The real part, as a view; a real tensor is returned as it is.

Example:
    >>> pygrad.real(pygrad.tensor([1 + 2j]))
    tensor([1.])
)")
.composed();

Tensor imag(const Tensor& input) {
  PG_CHECK(is_complex(input.dtype()),
           "imag(): imag is not implemented for tensors with non-complex dtypes; this one is ",
           input.dtype());
  return select(view_as_real(input), -1, 1);
}
PG_OP(imag, "(Tensor input) -> Tensor", R"(The imaginary part of a complex tensor, as a view.

Example:
    >>> pygrad.imag(pygrad.tensor([1 + 2j]))
    tensor([2.])
)")
.composed();

}  // namespace pygrad
