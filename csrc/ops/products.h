// What the matrix products share: checks with PyTorch's wording, and the call of the one GEMM
// kernel on tensors of any strides.
#pragma once

#include "csrc/autograd/node.h"
#include "csrc/ops/ops.h"
#include "kernels/kernels.h"

namespace pygrad {

// Same device and dtype, and a dtype that has products.
void check_product_operands(const char* op, const Tensor& a, const Tensor& b);
[[noreturn]] void raise_inner_mismatch(const char* op, const Tensor& a, const Tensor& b, int64_t m,
                                       int64_t ka, int64_t kb, int64_t n);

struct ProductOptions {
  double alpha = 1, beta = 0;
  const Tensor* bias = nullptr;  // n values (or one), of the product's dtype
  bool relu = false;             // of the whole sum
};

// c = alpha a b + beta c for matrices over the leading (batch) dims, which all three share; a dim
// broadcast by stride 0 is fine. Numbers only: no tape.
void run_product(const Tensor& c, const Tensor& a, const Tensor& b,
                 const ProductOptions& options = {});

// The conjugate transpose of the last two dims, as the gradients of products need it;
// differentiable.
Tensor hermitian(const Tensor& t);
// alpha a b as the gradient that edge `edge` of `node` leads to: added where the engine offers a
// sum to add to (autograd/grad_sum.h; the result is then undefined), else a fresh tensor, made
// column by column if asked for. a: (..., m, k), or (k) for one row; b: (k, n), or with a's batch
// dims.
Tensor gradient_product(const Node& node, size_t edge, const Tensor& a, const Tensor& b,
                        bool column_major = false, Scalar alpha = 1);
bool is_column_major(const Tensor& matrix);
// s^* t: the gradient of s t.
Tensor times_conj(const Tensor& t, Scalar s);

// PyTorch names dtypes by their C++ type in this one message.
inline const char* c_type_name(DType dtype) {
  constexpr const char* names[kNumDTypes] = {
      "bool",  "unsigned char", "signed char",         "short int",
      "int",   "long int",      "c10::Half",           "c10::BFloat16",
      "float", "double",        "c10::complex<float>", "c10::complex<double>"};
  return names[int(dtype)];
}

inline void check_dims_are(const char* op, const Tensor& t, int64_t dims, const char* text) {
  PG_CHECK(t.dim() == dims, op, "(): ", text, ", got shape ", t.sizes());
}

// C *= s, for the complex factors that the kernel's double cannot carry.
inline void scale(const Tensor& c, Scalar s) {
  kernels::binary_scalar(c.device_type())(BinaryOp::mul, c.view(), c.view(), s, false);
}

inline bool is_number(Scalar s, int64_t n) {
  return s.is_integral() ? s.i == n : s.d == double(n) && s.im == 0;
}

// Integer products take integer factors; a float one is cut off, as PyTorch does.
inline Scalar factor(Scalar s, DType dtype) {
  return is_integral(dtype) && !s.is_integral() ? Scalar(s.to_int()) : s;
}

// An untracked 2-D or 3-D look at a tensor.
inline Tensor as_row(const Tensor& v) {
  return alias(v, Shape{1, v.size(0)}, Shape{0, v.stride(0)}, v.offset());
}
inline Tensor as_column(const Tensor& v) {
  return alias(v, Shape{v.size(0), 1}, Shape{v.stride(0), 0}, v.offset());
}
inline Tensor expanded(const Tensor& t, Sizes sizes) {
  const View v = t.view_expanded(sizes);
  return alias(t, sizes, Sizes{v.strides, sizes.size()}, t.offset());
}

inline Tensor apart_from(const Tensor& out, const Tensor& t) {
  return may_overlap(out, t) ? alias(clone(t)) : t;
}

}  // namespace pygrad
