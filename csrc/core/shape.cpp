#include "csrc/core/shape.h"

#include "csrc/core/error.h"

namespace pygrad {

void Shape::overflow() {
  raise(ErrorKind::Runtime, "tensors have at most ", kMaxDims, " dimensions; this needs ",
        kMaxDims + 1, " or more");
}

int64_t numel_of(Sizes sizes) {
  int64_t n = 1;
  bool zero = false;
  for (int64_t s : sizes) {
    PG_CHECK(s >= 0, "negative dimension ", s, " in size ", sizes, "; expected sizes of 0 or more");
    zero |= s == 0;
  }
  if (zero) return 0;
  for (int64_t s : sizes)
    PG_CHECK(!__builtin_mul_overflow(n, s, &n), "size ", sizes,
             " has more elements than 63 bits count");
  return n;
}

Shape contiguous_strides(Sizes sizes) {
  Shape strides = Shape::filled(int64_t(sizes.size()), 1);
  int64_t step = 1;
  for (int64_t i = int64_t(sizes.size()) - 1; i >= 0; --i) {
    strides[i] = step;
    step *= sizes[size_t(i)] > 1 ? sizes[size_t(i)] : 1;
  }
  return strides;
}

}  // namespace pygrad
