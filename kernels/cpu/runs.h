// Rows of a View in the type a kernel computes in (float for the 16-bit floats), and vector loops
// over them.
//
// A run is n elements at one stride. Where it already is contiguous T it is used in place, else it
// passes through a buffer, so a row kernel has one inner loop for float and one for double,
// whatever the storage type and the layout.
#pragma once

#include <limits>

#include "kernels/cpu/iterate.h"
#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

template <class T>
struct RunReader {
  const char* data;
  int64_t item;
  LoadRun load;
  bool native;
  PG_HOST_INLINE explicit RunReader(const View& v)
      : data(v.ptr<const char>()),
        item(int64_t(item_size(v.dtype))),
        load(load_run(dtype_of<T>::value, v.dtype)),
        native(v.dtype == dtype_of<T>::value) {}
  PG_HOST_INLINE const T* get(int64_t offset, int64_t stride, int64_t n, T* buffer) const {
    if (native && (stride == 1 || n == 1)) return reinterpret_cast<const T*>(data) + offset;
    load(buffer, data + offset * item, stride * item, n);
    return buffer;
  }
  PG_HOST_INLINE T at(int64_t offset) const {
    T x;
    load(&x, data + offset * item, item, 1);
    return x;
  }
};

template <class T>
struct RunWriter {
  char* data;
  int64_t item;
  StoreRun store;
  bool native;
  PG_HOST_INLINE explicit RunWriter(const View& v)
      : data(v.ptr<char>()),
        item(int64_t(item_size(v.dtype))),
        store(store_run(v.dtype, dtype_of<T>::value)),
        native(v.dtype == dtype_of<T>::value) {}
  // Where to compute the run: in place or in `buffer`. Follow with put().
  PG_HOST_INLINE T* target(int64_t offset, int64_t stride, int64_t n, T* buffer) const {
    return native && (stride == 1 || n == 1) ? reinterpret_cast<T*>(data) + offset : buffer;
  }
  PG_HOST_INLINE void put(const T* from, int64_t offset, int64_t stride, int64_t n) const {
    if (from == reinterpret_cast<T*>(data) + offset && native && (stride == 1 || n == 1)) return;
    store(data + offset * item, stride * item, from, n);
  }
  PG_HOST_INLINE void set(int64_t offset, T x) const { store(data + offset * item, item, &x, 1); }
};

// A 1-D view as contiguous T, copied to scratch unless it is that already. The buffer must outlive
// the pointer.
template <class T>
PG_HOST_INLINE const T* whole_run(const View& v, T* buffer) {
  return RunReader<T>(v).get(0, v.ndim ? v.strides[0] : 1, v.numel(), buffer);
}

// Offsets, in N views of equal sizes, of the positions over all dimensions but one or two.
template <int N>
struct Positions {
  int ndim = 0;
  int64_t count = 1, sizes[kMaxDims], strides[N][kMaxDims];
  PG_HOST_INLINE Positions(const View* const (&views)[N], int64_t skip, int64_t skip2 = -1) {
    for (int d = 0; d < views[0]->ndim; ++d) {
      if (d == skip || d == skip2) continue;
      sizes[ndim] = views[0]->sizes[d];
      for (int k = 0; k < N; ++k) strides[k][ndim] = views[k]->strides[d];
      count *= sizes[ndim++];
    }
  }
  PG_HOST_INLINE void offsets(int64_t index, int64_t (&offset)[N]) const {
    for (int k = 0; k < N; ++k) offset[k] = 0;
    for (int d = ndim - 1; d >= 0; --d) {
      const int64_t i = index % sizes[d];
      index /= sizes[d];
      for (int k = 0; k < N; ++k) offset[k] += i * strides[k][d];
    }
  }
};

// --- vector loops ---

// The first k lanes of v, the others `fill`.
template <class V>
PG_HOST_INLINE V first_lanes(V v, int64_t k, Elem<V> fill) {
  return lane_numbers<V>() < Elem<Mask<V>>(k) ? v : splat(fill);
}
// The first k lanes from p, the others `fill`.
template <class T>
PG_HOST_INLINE Vec<T> load_or(const T* p, int64_t k, T fill) {
  if (k == kLanes<T>) return load(p);
  return first_lanes(load_n(p, k), k, fill);
}
template <class T>
PG_HOST_INLINE Vec<T> load_part(const T* p, int64_t k) {
  return k == kLanes<T> ? load(p) : load_n(p, k);
}
template <class T>
PG_HOST_INLINE void store_part(T* p, Vec<T> v, int64_t k) {
  if (k == kLanes<T>)
    store(p, v);
  else
    store_n(p, v, k);
}

// f(i, k) for vectors of k == kLanes<T> elements from i, the last one perhaps of fewer.
template <class T, class F>
PG_HOST_INLINE void for_lanes(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) f(i, int64_t(kLanes<T>));
  if (i < n) f(i, n - i);
}

// The sum of term(i, k), of which only the first k lanes count, in four independent chains.
template <class T, class F>
PG_HOST_INLINE T sum_lanes(int64_t n, F&& term) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) acc[j] += term(i + j * L, int64_t(L));
  }
  for (; i + L <= n; i += L) acc[0] += term(i, int64_t(L));
  if (i < n) {
    acc[1] += first_lanes(Vec<T>(term(i, n - i)), n - i, T(0));
  }
  return reduce_add((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

#define PG_LANES \
  __attribute__((always_inline))  // after the parameters of a lambda given to the loops above

}  // namespace pygrad::cpu::PG_ISA_NS
