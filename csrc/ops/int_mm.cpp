// Products of 8-bit integer matrices with 32-bit sums, for quantized layers.
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/products.h"
#include "csrc/ops/registry.h"

namespace pygrad {

Tensor _int_mm(const Tensor& input, const Tensor& mat2) {
  check_dims_are("_int_mm", input, 2, "self must be a matrix");
  check_dims_are("_int_mm", mat2, 2, "mat2 must be a matrix");
  check_same_device("_int_mm", input, mat2);
  PG_CHECK((input.dtype() == DType::Int8 || input.dtype() == DType::UInt8) &&
               mat2.dtype() == DType::Int8,
           "_int_mm(): got dtypes ", input.dtype(), " and ", mat2.dtype(),
           "; expected int8 or uint8 for input and int8 for mat2");
  if (input.size(1) != mat2.size(0))
    raise_inner_mismatch("_int_mm", input, mat2, input.size(0), input.size(1), mat2.size(0),
                         mat2.size(1));
  Tensor out = empty(Shape{input.size(0), mat2.size(1)}, DType::Int32, input.device());
  kernels::int_mm(out.device_type())(out.view(), input.view(), mat2.view());
  return out;
}
PG_OP(_int_mm, "(Tensor input, Tensor mat2) -> Tensor",
      R"(Product of two matrices of 8-bit integers, summed in int32 (which wraps).

Args:
    input: (m, k), int8 or uint8.
    mat2: (k, n), int8.

Raises:
    RuntimeError: when shapes or dtypes do not fit.

Example:
    >>> a = pygrad.tensor([[100, 100]], dtype=pygrad.int8)
    >>> pygrad._int_mm(a, a.t())
    tensor([[20000]], dtype=torch.int32)
)")
.nondifferentiable();

}  // namespace pygrad
