// Runs of elements between storage (any float type, any stride) and the type a kernel computes in.
#pragma once

#include "kernels/cpu/vec.h"

namespace pygrad::cpu::PG_ISA_NS {

// to[i] = from[i * stride] for i in [0, n).
template <class In, class T>
inline void read_run(const In* from, int64_t stride, T* to, int64_t n) {
  int64_t i = 0;
  if constexpr (std::is_same_v<In, T>) {
    if (stride == 1) {
      if (n > 0) memcpy(to, from, size_t(n) * sizeof(T));
      return;
    }
  } else if constexpr (is_reduced_v<In> && std::is_same_v<T, float>) {
    if (stride == 1)
      for (; i + kLanes<float> <= n; i += kLanes<float>) store(to + i, load_as_float(from + i));
  }
  for (; i < n; ++i) to[i] = T(from[i * stride]);
}

// to[i * stride] = from[i] for i in [0, n), rounded once.
template <class T, class Out>
inline void write_run(const T* from, Out* to, int64_t stride, int64_t n) {
  int64_t i = 0;
  if constexpr (std::is_same_v<Out, T>) {
    if (stride == 1) {
      if (n > 0) memcpy(to, from, size_t(n) * sizeof(T));
      return;
    }
  } else if constexpr (is_reduced_v<Out> && std::is_same_v<T, float>) {
    if (stride == 1)
      for (; i + kLanes<float> <= n; i += kLanes<float>) store_from_float(to + i, load(from + i));
  }
  for (; i < n; ++i) to[i * stride] = Out(from[i]);
}

}  // namespace pygrad::cpu::PG_ISA_NS
