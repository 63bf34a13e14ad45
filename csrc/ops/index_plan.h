// What indexing ops share: integer indices checked and wrapped, masks turned into positions, and
// results modified in place or in a copy.
#pragma once

#include "csrc/autograd/inplace.h"
#include "csrc/core/tensor.h"
#include "kernels/kernels.h"

namespace pygrad {

// `index` as int64 on `device`, without touching the tape. Raises for dtypes that cannot index.
Tensor as_int64(const char* op, const Tensor& index, Device device);

enum class Negative { wraps, refused };
// Raises unless every index lies in [-size, size) (or [0, size)); returns it with negative ones
// wrapped. `text` formats the complaint from (index value, dim, size).
Tensor checked_index(const char* op, const Tensor& index, int64_t dim, int64_t size,
                     Negative negative = Negative::wraps, ErrorKind kind = ErrorKind::Index);

// Memory that holds input's values for an op to modify: the in-place target itself, or a copy.
Tensor modified_copy(const Tensor& input);
// `t`, or a copy when it shares memory with `out`, which is about to be written.
Tensor apart(const Tensor& t, const Tensor& out);

// A look without history at the same elements with at least one dim.
Tensor at_least_1d(const Tensor& t);
// The elements in row-major order as one dim: the tensor's own memory when it is contiguous, else a
// copy. No tape.
Tensor flat_data(const Tensor& t);

// Advanced indexing of some dims by index tensors, which broadcast against each other.
struct IndexPlan {
  TensorList indices;  // int64, wrapped, one per indexed dim, in the order of the dims
  uint32_t dims = 0;   // the indexed dims, as a mask
  Shape common;        // the broadcast shape of the indices
  int64_t place = 0;   // the dim of the result where `common` goes
  Shape sizes;         // of the result

  IndexPlan(const char* op, const Tensor& input, const TensorList& given);
  void read(const Tensor& out, const Tensor& input) const;
  void write(const Tensor& out,
             const Tensor& values) const;  // values already of the result's sizes
  void accumulate(const Tensor& out, const Tensor& values) const;

 private:
  // `t`'s memory walked in the result's shape, standing still along indexed dims; and the indices
  // in that shape.
  View walked(const Tensor& t) const;
  void index_views(View* views) const;
};

}  // namespace pygrad
