// Operations that other C++ code calls. Each is a public op of the same name, differentiable unless
// noted; an op that only Python calls needs no declaration here. Grouped by the file that defines
// them.
#pragma once

#include <optional>
#include <tuple>

#include "csrc/core/generator.h"
#include "csrc/core/promote.h"
#include "csrc/core/tensor.h"
#include "kernels/op_lists.h"

namespace pygrad {

// creation.cpp -- no history
Tensor full(Sizes size, Scalar value, DType dtype, Device device);
Tensor zeros(Sizes size, DType dtype, Device device);
Tensor zeros_like(const Tensor& input);
Tensor ones_like(const Tensor& input);
Tensor full_like(const Tensor& input, Scalar value);
Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype, Device device);
Tensor scalar_tensor(Scalar value, DType dtype, Device device);  // 0-d
Tensor wrapped(
    const Operand& operand,
    const Tensor& like);  // an operand as a tensor on like's device, dtype of the operand

// copy.cpp
Tensor to(const Tensor& input, DType dtype);           // itself when the dtype already fits
Tensor to_device(const Tensor& input, Device device);  // itself when already there
Tensor clone(const Tensor& input);                     // keeps the layout of dense tensors
Tensor contiguous(const Tensor& input);                // itself when contiguous
Tensor copy_(const Tensor& self,
             const Tensor& src);  // in place, broadcasts, casts, crosses devices
void copy_data(const Tensor& dst,
               const Tensor& src);  // the numbers only: no tape, no version; same sizes
Tensor fill_(const Tensor& self, Scalar value);
Tensor zero_(const Tensor& self);

// view.cpp -- views share storage and are tracked by autograd
Tensor view(const Tensor& input, const Shape& size);
Tensor reshape(const Tensor& input, const Shape& size);
Tensor as_strided(const Tensor& input, const Shape& size, const Shape& stride,
                  int64_t storage_offset);
Tensor expand(const Tensor& input, const Shape& size);
Tensor permute(const Tensor& input, const Shape& dims);
Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1);
Tensor t(const Tensor& input);
Tensor squeeze(const Tensor& input, int64_t dim);
Tensor unsqueeze(const Tensor& input, int64_t dim);
Tensor flatten(const Tensor& input, int64_t start_dim, int64_t end_dim);
Tensor select(const Tensor& input, int64_t dim, int64_t index);
Tensor slice(const Tensor& input, int64_t dim, int64_t start, int64_t end,
             int64_t step);  // Python slice semantics, step may be negative (a copy-free view)
Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length);
Tensor diagonal(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2);
Tensor view_as_real(const Tensor& input);
Tensor view_as_complex(const Tensor& input);
Tensor real(const Tensor& input);
Tensor imag(const Tensor& input);
Tensor flip(const Tensor& input, const Shape& dims);
TensorList split(const Tensor& input, const Shape& sizes, int64_t dim);
TensorList unbind(const Tensor& input, int64_t dim);

// shape.cpp
Tensor cat(const TensorList& tensors, int64_t dim);
Tensor stack(const TensorList& tensors, int64_t dim);
Tensor sum_to_size(
    const Tensor& input,
    Sizes size);  // sums broadcast dimensions away; itself when the size already fits

// unary.cpp
Tensor neg(const Tensor& input);
Tensor exp(const Tensor& input);
Tensor log(const Tensor& input);
Tensor sqrt(const Tensor& input);
Tensor rsqrt(const Tensor& input);
Tensor reciprocal(const Tensor& input);
Tensor abs(const Tensor& input);
Tensor sign(const Tensor& input);
Tensor sgn(const Tensor& input);
Tensor square(const Tensor& input);
Tensor sin(const Tensor& input);
Tensor cos(const Tensor& input);
Tensor tanh(const Tensor& input);
Tensor sigmoid(const Tensor& input);
Tensor relu(const Tensor& input);
Tensor relu_backward(const Tensor& grad, const Tensor& output);
Tensor gelu(const Tensor& input, const std::string& approximate);
Tensor floor(const Tensor& input);
Tensor round(const Tensor& input);
Tensor trunc(const Tensor& input);
Tensor conj(const Tensor& input);  // itself for real dtypes
Tensor isnan(const Tensor& input);
Tensor logical_not(const Tensor& input);

// binary.cpp
Tensor add(const Tensor& input, const Operand& other);
Tensor add(const Tensor& input, const Operand& other, Scalar alpha);
Tensor sub(const Tensor& input, const Operand& other);
Tensor rsub(const Tensor& input, Scalar other);  // other - input
Tensor mul(const Tensor& input, const Operand& other);
Tensor div(const Tensor& input, const Operand& other);
Tensor rdiv(Scalar other, const Tensor& input);  // other / input
Tensor pow(const Tensor& input, const Operand& exponent);
Tensor rpow(Scalar base, const Tensor& exponent);
Tensor maximum(const Tensor& input, const Tensor& other);
Tensor minimum(const Tensor& input, const Tensor& other);
Tensor floor_divide(const Tensor& input, const Operand& other);
Tensor rfloor_divide(Scalar input, const Tensor& other);  // input // other
Tensor rremainder(Scalar input, const Tensor& other);     // input % other
Tensor remainder(const Tensor& input, const Operand& other);
Tensor add_inplace(const Tensor& self, const Tensor& other);  // add_ with history

// compare.cpp -- bool results, no history
Tensor eq(const Tensor& input, const Operand& other);
Tensor ne(const Tensor& input, const Operand& other);
Tensor lt(const Tensor& input, const Operand& other);
Tensor le(const Tensor& input, const Operand& other);
Tensor gt(const Tensor& input, const Operand& other);
Tensor ge(const Tensor& input, const Operand& other);
Tensor logical_and(const Tensor& input, const Operand& other);
Tensor logical_or(const Tensor& input, const Operand& other);

// ternary.cpp
Tensor where(const Tensor& condition, const Operand& input, const Operand& other);
Tensor masked_fill(const Tensor& input, const Tensor& mask, const Operand& value);
Tensor lerp(const Tensor& input, const Tensor& end, const Operand& weight);
Tensor clamp(const Tensor& input, const std::optional<Scalar>& min,
             const std::optional<Scalar>& max);

// reduce.cpp -- dims empty: all of them
Tensor sum(const Tensor& input, const Shape& dims, bool keepdim);
Tensor mean(const Tensor& input, const Shape& dims, bool keepdim);
Tensor prod(const Tensor& input, const Shape& dims, bool keepdim);
Tensor amax(const Tensor& input, const Shape& dims, bool keepdim);
Tensor amin(const Tensor& input, const Shape& dims, bool keepdim);
Tensor any(const Tensor& input, const Shape& dims, bool keepdim);
Tensor all(const Tensor& input, const Shape& dims, bool keepdim);
std::tuple<Tensor, Tensor> var_mean(const Tensor& input, const Shape& dims, double correction,
                                    bool keepdim);
std::tuple<Tensor, Tensor> max_dim(const Tensor& input, int64_t dim, bool keepdim);
std::tuple<Tensor, Tensor> min_dim(const Tensor& input, int64_t dim, bool keepdim);
Tensor argmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim);
Scalar item(const Tensor& input);  // the one element, as a Python number

// scan.cpp, sort.cpp
Tensor cumsum(const Tensor& input, int64_t dim);
std::tuple<Tensor, Tensor> sort(const Tensor& input, int64_t dim, bool descending);
std::tuple<Tensor, Tensor> topk(const Tensor& input, int64_t k, int64_t dim, bool largest,
                                bool sorted);

// index.cpp
Tensor index(
    const Tensor& input,
    const TensorList& indices);  // advanced indexing of the leading dims; undefined = full slice
Tensor index_put_(const Tensor& self, const TensorList& indices, const Tensor& values,
                  bool accumulate);
Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha);
Tensor gather(const Tensor& input, int64_t dim, const Tensor& index);
Tensor scatter(const Tensor& input, int64_t dim, const Tensor& index, const Operand& src);
Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src);
Tensor nonzero(const Tensor& input);
Tensor masked_select(const Tensor& input, const Tensor& mask);

// matmul.cpp
Tensor matmul(const Tensor& input, const Tensor& other);
Tensor mm(const Tensor& input, const Tensor& mat2);
Tensor bmm(const Tensor& input, const Tensor& mat2);
Tensor _int_mm(const Tensor& input, const Tensor& mat2);
Tensor outer(const Tensor& input, const Tensor& vec2);
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias);

// softmax.cpp
Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype);
Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype);

// random.cpp -- no history; null generator: the device's default one
Tensor rand(Sizes size, DType dtype, Device device, Generator* generator);

}  // namespace pygrad
