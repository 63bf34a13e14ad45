// How strided operands are walked, once for all kernels.
//
// Nest<N>   the loop nest over N operands of equal sizes after coalescing: dimensions of size 1
// dropped, the rest ordered by
//           the output's strides, neighbours merged where every operand allows it. Dimension 0 is
//           the innermost.
// Odometer  a position in a nest, with one byte offset per operand.
//
// blocks.h drives the pointwise kernels with them.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/view.h"

namespace pygrad::cpu::PG_ISA_NS {

template <int N>
struct Nest {
  int ndim = 0;  // at least 1 after make_nest
  int64_t numel = 1;
  int64_t sizes[kMaxDims];       // [0] is the innermost
  int64_t strides[N][kMaxDims];  // in bytes
  char* data[N];
};

// Order::free lets dimensions be exchanged and flipped: for kernels that treat elements alike.
// Order::row_major keeps the order of the elements, so that position i of the nest is element i of
// the views.
enum class Order { free, row_major };

// Not a template on N, so that it is compiled once: strides of operand k start at strides + k *
// kMaxDims.
constexpr int kMaxNest = 8;  // operands
void build_nest(const View* const* views, int count, Order order, int& ndim, int64_t& numel,
                int64_t* sizes, int64_t* strides, char** data);

// views[0] decides the order. All views have the same sizes.
template <int N>
PG_HOST_INLINE Nest<N> make_nest(const View* const (&views)[N], Order order = Order::free) {
  static_assert(N <= kMaxNest);
  Nest<N> nest;
  build_nest(views, N, order, nest.ndim, nest.numel, nest.sizes, &nest.strides[0][0], nest.data);
  return nest;
}

// Walks positions of a nest in steps that stay within one innermost row.
template <int N>
struct Odometer {
  const Nest<N>& nest;
  int64_t index[kMaxDims];  // the current position
  int64_t offset[N];        // its byte offset in each operand

  PG_HOST_INLINE Odometer(const Nest<N>& n, int64_t position) : nest(n) {
    for (int k = 0; k < N; ++k) offset[k] = 0;
    for (int d = 0; d < nest.ndim; ++d) {
      index[d] = d + 1 < nest.ndim ? position % nest.sizes[d] : position;
      if (d + 1 < nest.ndim) position /= nest.sizes[d];
      for (int k = 0; k < N; ++k) offset[k] += index[d] * nest.strides[k][d];
    }
  }
  PG_HOST_INLINE char* ptr(int operand) const { return nest.data[operand] + offset[operand]; }
  // Elements from here to the end of the innermost row.
  PG_HOST_INLINE int64_t left_in_row() const { return nest.sizes[0] - index[0]; }
  // Moves by count <= left_in_row().
  PG_HOST_INLINE void advance(int64_t count) { advance_along(0, count); }
  // Moves by whole rows that lie along dimension 1.
  PG_HOST_INLINE void advance_rows(int64_t count) { advance_along(1, count); }

 private:
  PG_HOST_INLINE void advance_along(int dim, int64_t count) {
    index[dim] += count;
    for (int k = 0; k < N; ++k) offset[k] += count * nest.strides[k][dim];
    for (int d = dim; index[d] == nest.sizes[d] && d + 1 < nest.ndim; ++d) {
      index[d] = 0;
      ++index[d + 1];
      for (int k = 0; k < N; ++k) {
        offset[k] += nest.strides[k][d + 1] - nest.sizes[d] * nest.strides[k][d];
      }
    }
  }
};

// Calls f(pointers, count) for every innermost row (or piece of one) in positions [begin, end); the
// byte strides of the row are nest.strides[k][0].
template <int N, class F>
PG_HOST_INLINE void for_each_row(const Nest<N>& nest, int64_t begin, int64_t end, F&& f) {
  if (begin >= end) return;
  Odometer<N> at(nest, begin);
  for (int64_t left = end - begin; left > 0;) {
    const int64_t n = at.left_in_row() < left ? at.left_in_row() : left;
    char* pointers[N];
    for (int k = 0; k < N; ++k) pointers[k] = at.ptr(k);
    f(pointers, n);
    at.advance(n);
    left -= n;
  }
}

// Calls f(pointers, rows) for runs of whole innermost rows, [begin, end) of them, that follow each
// other along dimension 1: row r starts r * nest.strides[k][1] bytes on. At least two dimensions.
template <int N, class F>
PG_HOST_INLINE void for_each_row_run(const Nest<N>& nest, int64_t begin, int64_t end, F&& f) {
  if (begin >= end) return;
  Odometer<N> at(nest, begin * nest.sizes[0]);
  for (int64_t left = end - begin; left > 0;) {
    const int64_t in_run = nest.sizes[1] - at.index[1], n = in_run < left ? in_run : left;
    char* pointers[N];
    for (int k = 0; k < N; ++k) pointers[k] = at.ptr(k);
    f(pointers, n);
    left -= n;
    if (left > 0) at.advance_rows(n);
  }
}

// --- type conversion of strided runs
// --------------------------------------------------------------

// Reads n elements of type `storage`, `stride` bytes apart, into a packed array of `compute`; and
// the way back.
using LoadRun = void (*)(void* to, const char* from, int64_t stride, int64_t n);
using StoreRun = void (*)(char* to, int64_t stride, const void* from, int64_t n);
// compute == storage, or one of: Int64 for bool and integers, Float32 for bool, the integers of up
// to 16 bits and the 16-bit floats, Complex128 for Complex64; null for any other pair.
LoadRun load_run(DType compute, DType storage);
// compute == storage, or compute one of Int64, Float32, Float64, Complex128 and any storage.
// Converts as a C cast does.
StoreRun store_run(DType storage, DType compute);

// The type in which pointwise loops compute: Int64, Float32, Float64 or Complex128.
PG_HOST_DEVICE constexpr DType compute_dtype(DType d) {
  return d <= DType::Int64     ? DType::Int64
         : d <= DType::Float32 ? DType::Float32
         : d == DType::Float64 ? DType::Float64
                               : DType::Complex128;
}

constexpr int64_t kBlock = 512;  // elements of a block that shall stay in the L1 cache

// Element i of type T from a byte pointer.
template <class T>
PG_HOST_INLINE T* as(char* p) {
  return reinterpret_cast<T*>(p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
