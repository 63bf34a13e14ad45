// What the matrix products share: checks with PyTorch's wording, and the call of the one GEMM kernel on tensors of any strides.
#pragma once

#include "csrc/core/tensor.h"
#include "kernels/kernels.h"

namespace pygrad {

// Same device and dtype, and a dtype that has products.
void check_product_operands(const char* op, const Tensor& a, const Tensor& b);
[[noreturn]] void raise_inner_mismatch(const char* op, const Tensor& a, const Tensor& b, int64_t m, int64_t ka, int64_t kb, int64_t n);

struct ProductOptions {
  double alpha = 1, beta = 0;
  const Tensor* bias = nullptr;  // n values (or one), of the product's dtype
};

// c = alpha a b + beta c for matrices over the leading (batch) dims, which all three share; a dim broadcast by stride 0 is fine.
// Numbers only: no tape.
void run_product(const Tensor& c, const Tensor& a, const Tensor& b, const ProductOptions& options = {});

// The conjugate transpose of the last two dims, as the gradients of products need it; differentiable.
Tensor hermitian(const Tensor& t);
// g b^H and a^H g for c = a b with matrices, laid out like the operand that the gradient belongs to.
Tensor grad_of_left(const Tensor& g, const Tensor& b, bool column_major);
Tensor grad_of_right(const Tensor& g, const Tensor& a, bool column_major);
bool is_column_major(const Tensor& matrix);

}  // namespace pygrad
