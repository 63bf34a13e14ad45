// Type promotion by PyTorch's rules: dimensioned tensors outrank 0-d ones, which outrank Python
// numbers, within a kind (bool < integer < floating < complex); a higher kind always wins.
#pragma once

#include <initializer_list>

#include "csrc/core/tensor.h"

namespace pygrad {

// A tensor or a Python number, as the second operand of a binary op.
struct Operand {
  Tensor tensor;
  Scalar scalar;
  Operand() = default;
  Operand(Tensor t) : tensor(std::move(t)) {}
  Operand(Scalar s) : scalar(s) {}
  bool is_tensor() const { return tensor.defined(); }
};

DType default_dtype();
void set_default_dtype(DType dtype);
DType default_complex_dtype();

DType promote_types(DType a, DType b);
// The dtype of a number on its own: bool, int64, the default dtype, or its complex partner.
DType scalar_dtype(Scalar s);
DType result_type(const Tensor& a, const Tensor& b);
DType result_type(const Tensor& a, Scalar b);
DType result_type(const Tensor& a, const Operand& b);
DType result_type(const TensorList& tensors);
// PyTorch's can_cast: kinds may not fall (floating to integer, complex to real, anything but bool
// to bool).
bool can_cast(DType from, DType to);

}  // namespace pygrad
