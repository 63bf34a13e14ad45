// Argument checks shared by the op families. Every message names the op and the values.
#pragma once

#include "csrc/core/error.h"
#include "csrc/core/promote.h"
#include "csrc/core/tensor.h"

namespace pygrad {

// Wraps a negative dim; a 0-d tensor accepts -1 and 0, as in PyTorch.
inline int64_t check_dim(const char* op, int64_t dim, int64_t ndim) {
  const int64_t n = ndim == 0 ? 1 : ndim;
  if (dim < -n || dim >= n) [[unlikely]]
    raise(ErrorKind::Index, op, "(): dim ", dim, " is out of range for a ", ndim,
          "-D tensor; expected ", -n, "..", n - 1, " (Dimension out of range)");
  return dim < 0 ? dim + n : dim;
}

// A set of dims (empty means all), wrapped and without repeats, as a bit mask.
inline uint32_t check_dims(const char* op, Sizes dims, int64_t ndim) {
  if (dims.empty()) return ndim == 0 ? 0u : (1u << ndim) - 1u;
  uint32_t mask = 0;
  for (int64_t d : dims) {
    const int64_t w = check_dim(op, d, ndim);
    PG_CHECK(!(mask >> w & 1u), op, "(): dim ", d, " appears more than once in dims ", dims);
    mask |= 1u << w;
  }
  return mask;
}

inline void check_same_device(const char* op, const Tensor& a, const Tensor& b,
                              const char* a_name = "input", const char* b_name = "other") {
  if (a.device() != b.device()) [[unlikely]]
    raise(ErrorKind::Runtime, op, "(): tensors are on different devices: ", a_name, " on ",
          a.device(), ", ", b_name, " on ", b.device(),
          ". Move one with .to() (Expected all tensors to be on the same device)");
}

inline void check_same_dtype(const char* op, const Tensor& a, const Tensor& b,
                             const char* a_name = "input", const char* b_name = "other") {
  if (a.dtype() != b.dtype()) [[unlikely]]
    raise(ErrorKind::Runtime, op, "(): expected ", a_name, " and ", b_name,
          " to have the same dtype, but got ", a.dtype(), " and ", b.dtype(),
          ". Convert one with .to()");
}

}  // namespace pygrad
