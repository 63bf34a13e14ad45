// Planes: the (d, h, w) part of an (n, c, d, h, w) view, contiguous in the type a kernel computes
// in.
#pragma once

#include "kernels/cpu/runs.h"

namespace pygrad::cpu::PG_ISA_NS {

// Fewer dimensions become five, with leading spatial ones of size 1: (n, c, w) is (n, c, 1, 1, w).
inline View five_dims(const View& v) {
  View r = v;
  const int missing = 5 - v.ndim;
  if (missing <= 0) return r;
  r.ndim = 5;
  for (int d = 0; d < 5; ++d) {
    const int from = d < 2 ? d : d - missing;
    const bool real = d < 2 || from >= 2;
    r.sizes[d] = real ? v.sizes[from] : 1;
    r.strides[d] = real ? v.strides[from] : 0;
  }
  return r;
}
inline int64_t plane_size(const View& v) { return v.sizes[2] * v.sizes[3] * v.sizes[4]; }

// Whether the three spatial dimensions act as one of a single stride, which is then stored.
inline bool plane_collapses(const View& v, int64_t& stride) {
  int64_t expected = 0;
  stride = 1;
  bool first = true;
  for (int d = 4; d >= 2; --d) {
    if (v.sizes[d] == 1) continue;
    if (first) stride = v.strides[d], expected = stride, first = false;
    if (v.strides[d] != expected) return false;
    expected *= v.sizes[d];
  }
  return true;
}

template <class T>
struct PlaneReader {
  View v;
  RunReader<T> runs;
  int64_t stride;
  bool collapses;
  explicit PlaneReader(const View& view)
      : v(view), runs(view), collapses(plane_collapses(v, stride)) {}
  // In place where it is contiguous T; else copied to the buffer of plane_size(v) elements.
  const T* get(int64_t n, int64_t c, T* buffer) const {
    const int64_t at = n * v.strides[0] + c * v.strides[1];
    if (collapses) return runs.get(at, stride, plane_size(v), buffer);
    T* to = buffer;
    for (int64_t i = 0; i < v.sizes[2]; ++i) {
      for (int64_t j = 0; j < v.sizes[3]; ++j, to += v.sizes[4]) {
        const T* row =
            runs.get(at + i * v.strides[2] + j * v.strides[3], v.strides[4], v.sizes[4], to);
        if (row != to) memcpy(to, row, size_t(v.sizes[4]) * sizeof(T));
      }
    }
    return buffer;
  }
};

template <class T>
struct PlaneWriter {
  View v;
  RunWriter<T> runs;
  int64_t stride;
  bool collapses;
  explicit PlaneWriter(const View& view)
      : v(view), runs(view), collapses(plane_collapses(v, stride)) {}
  T* target(int64_t n, int64_t c, T* buffer) const {
    if (!collapses) return buffer;
    return runs.target(n * v.strides[0] + c * v.strides[1], stride, plane_size(v), buffer);
  }
  void put(const T* from, int64_t n, int64_t c) const {
    const int64_t at = n * v.strides[0] + c * v.strides[1];
    if (collapses) {
      runs.put(from, at, stride, plane_size(v));
      return;
    }
    for (int64_t i = 0; i < v.sizes[2]; ++i)
      for (int64_t j = 0; j < v.sizes[3]; ++j, from += v.sizes[4])
        runs.put(from, at + i * v.strides[2] + j * v.strides[3], v.strides[4], v.sizes[4]);
  }
};

}  // namespace pygrad::cpu::PG_ISA_NS
