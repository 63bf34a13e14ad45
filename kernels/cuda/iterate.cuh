// How strided operands are walked on the device, once for all pointwise kernels.
//
// - Nest<N>: the loop nest over N operands of equal sizes after coalescing, small enough to pass to
//   a kernel by value. Positions and byte offsets fit 31 bits; a division by a size is a
//   multiplication and a shift.
// - for_each_part: makes nests of views; views too large for 31 bits are halved until they fit.
// - pointwise: the driver, out = f(inputs) elementwise. Like the CPU's block driver it has one
//   kernel per functor and compute type (int64, float, double, complex double); loads and stores
//   convert from and to the operands' dtypes, by a branch that is the same for all threads.
//
// Memory plan: where all operands are packed and aligned, a thread moves kGroup elements with one
// access of up to 16 bytes per operand; other layouts go element by element, ordered by the
// output's strides, so that its stores coalesce.
#pragma once

#include "kernels/cuda/common.cuh"

namespace pygrad::cuda {

// Division by a number fixed at launch: n / d = (mulhi(n, magic) + n) >> shift for n < 2^31
// (T. Granlund, P. Montgomery, "Division by Invariant Integers using Multiplication", 1994).
struct Divider {
  uint32_t divisor, magic, shift;

  Divider() = default;
  explicit Divider(uint32_t d) : divisor(d), shift(0) {
    while ((uint64_t(1) << shift) < d) ++shift;
    magic = uint32_t((uint64_t(1) << 32) * ((uint64_t(1) << shift) - d) / d + 1);
  }
  __device__ __forceinline__ uint32_t divide(uint32_t n) const {
    return (__umulhi(n, magic) + n) >> shift;
  }
};

// Order::free lets dimensions be exchanged and flipped: for kernels that treat elements alike.
// Order::row_major keeps position i of the nest element i of the views.
enum class Order { free, row_major };

constexpr int kGroup = 4;  // elements per vector access

template <int N>
struct Nest {
  int32_t ndim;    // at least 1; dimension 0 is the innermost
  uint32_t numel;  // at most 2^30
  bool vectors;    // every operand is packed and aligned for groups, or `fixed`
  bool fixed[N];   // one element for all positions
  DType dtypes[N];
  Divider sizes[kMaxDims];
  int32_t strides[N][kMaxDims];  // in bytes
  char* data[N];

  // Byte offsets of position i in every operand.
  __device__ __forceinline__ void offsets(uint32_t i, int32_t (&offset)[N]) const {
#pragma unroll
    for (int k = 0; k < N; ++k) offset[k] = 0;
    for (int d = 0; d < ndim; ++d) {
      const uint32_t q = d + 1 < ndim ? sizes[d].divide(i) : 0;
      const int32_t at = int32_t(i - q * sizes[d].divisor);
#pragma unroll
      for (int k = 0; k < N; ++k) offset[k] += at * strides[k][d];
      i = q;
    }
  }
};

// The coalesced loop nest of `count` views in 64 bits; strides of operand k at strides + k *
// kMaxDims. Returns the number of dimensions. numel > 0.
inline int coalesce(const View* const* views, int count, Order order, int64_t* sizes,
                    int64_t* strides, char** data) {
  const View& first = *views[0];
  int n = 0;
  for (int k = 0; k < count; ++k) data[k] = views[k]->ptr<char>();
  for (int d = first.ndim - 1; d >= 0; --d) {
    if (first.sizes[d] == 1) continue;
    sizes[n] = first.sizes[d];
    for (int k = 0; k < count; ++k) {
      strides[k * kMaxDims + n] = views[k]->strides[d] * int64_t(item_size(views[k]->dtype));
    }
    ++n;
  }
  if (n == 0) {
    sizes[0] = 1;
    for (int k = 0; k < count; ++k) strides[k * kMaxDims] = int64_t(item_size(views[k]->dtype));
    return 1;
  }
  if (order == Order::free) {
    for (int d = 0; d < n; ++d) {  // walk the output forwards
      if (strides[d] >= 0) continue;
      for (int k = 0; k < count; ++k) {
        int64_t& s = strides[k * kMaxDims + d];
        data[k] += s * (sizes[d] - 1);
        s = -s;
      }
    }
    // By the output's stride; where it cannot decide, by the inputs'.
    const auto before = [&](int a, int b) {
      for (int k = 0; k < count; ++k) {
        const int64_t sa = strides[k * kMaxDims + a], sb = strides[k * kMaxDims + b];
        const int64_t ma = sa < 0 ? -sa : sa, mb = sb < 0 ? -sb : sb;
        if (ma != mb && ma != 0 && mb != 0) return ma < mb;
      }
      return false;
    };
    const auto exchange = [](int64_t& a, int64_t& b) {
      const int64_t t = a;
      a = b;
      b = t;
    };
    for (int i = 1; i < n; ++i) {
      for (int j = i; j > 0 && before(j, j - 1); --j) {
        exchange(sizes[j], sizes[j - 1]);
        for (int k = 0; k < count; ++k) {
          exchange(strides[k * kMaxDims + j], strides[k * kMaxDims + j - 1]);
        }
      }
    }
  }
  int kept = 0;
  for (int d = 1; d < n; ++d) {
    bool merge = true;
    for (int k = 0; k < count; ++k) {
      const int64_t* s = strides + k * kMaxDims;
      merge = merge && s[d] == s[kept] * sizes[kept];
    }
    if (!merge) ++kept;
    sizes[kept] = merge ? sizes[kept] * sizes[d] : sizes[d];
    if (merge) continue;
    for (int k = 0; k < count; ++k) strides[k * kMaxDims + kept] = strides[k * kMaxDims + d];
  }
  return kept + 1;
}

constexpr int64_t kMaxPositions = int64_t(1) << 30, kMaxSpan = (int64_t(1) << 31) - 1;

// Whether positions and byte offsets of the views fit a Nest.
inline bool fits_nest(const View* const* views, int count) {
  if (views[0]->numel() > kMaxPositions) return false;
  for (int k = 0; k < count; ++k) {
    int64_t span = 0;
    for (int d = 0; d < views[k]->ndim; ++d) {
      const int64_t s = views[k]->strides[d];
      span += (views[k]->sizes[d] - 1) * (s < 0 ? -s : s);
    }
    if (span > kMaxSpan / int64_t(item_size(views[k]->dtype)) - 1) return false;
  }
  return true;
}

// For views that fits_nest() accepts and are not empty; views[0] decides the order.
template <int N>
Nest<N> make_nest(const View* const (&views)[N], Order order = Order::free) {
  Nest<N> nest;
  int64_t sizes[kMaxDims], strides[N][kMaxDims], numel = 1;
  nest.ndim = coalesce(views, N, order, sizes, &strides[0][0], nest.data);
  for (int d = 0; d < nest.ndim; ++d) {
    nest.sizes[d] = Divider(uint32_t(sizes[d]));
    numel *= sizes[d];
    for (int k = 0; k < N; ++k) nest.strides[k][d] = int32_t(strides[k][d]);
  }
  nest.numel = uint32_t(numel);
  nest.vectors = nest.ndim == 1;
  for (int k = 0; k < N; ++k) {
    nest.dtypes[k] = views[k]->dtype;
    const int64_t item = int64_t(item_size(views[k]->dtype)), width = item * kGroup;
    nest.fixed[k] = k > 0 && nest.ndim == 1 && strides[k][0] == 0;
    const bool packed = strides[k][0] == item &&
                        reinterpret_cast<uintptr_t>(nest.data[k]) % (width < 16 ? width : 16) == 0;
    nest.vectors = nest.vectors && (nest.fixed[k] || packed);
  }
  return nest;
}

// Calls f(nest, first) for parts that together make up the views; `first` is the row-major position
// of a part's element 0 (meaningful for Order::row_major only). Empty views make no part.
template <int N, class F>
void for_each_part(const View* const (&views)[N], Order order, F&& f, int64_t first = 0) {
  const int64_t numel = views[0]->numel();
  if (numel == 0) return;
  if (fits_nest(views, N)) {
    f(make_nest(views, order), first);
    return;
  }
  // Halve the outermost dimension that can be: the parts stay runs of row-major positions.
  int d = 0;
  while (views[0]->sizes[d] == 1) ++d;
  const int64_t size = views[0]->sizes[d], half = size / 2;
  View parts[N];
  const View* pointers[N];
  for (int side = 0; side < 2; ++side) {
    for (int k = 0; k < N; ++k) {
      parts[k] = *views[k];
      parts[k].sizes[d] = side == 0 ? half : size - half;
      if (side == 1) {
        parts[k].data = parts[k].template ptr<char>() +
                        half * parts[k].strides[d] * int64_t(item_size(parts[k].dtype));
      }
      pointers[k] = &parts[k];
    }
    for_each_part<N>(pointers, order, f, side == 0 ? first : first + numel / size * half);
  }
}

// --- elements in the type computed in -----------------------------------------------------------

// The type in which pointwise kernels compute: Int64, Float32, Float64 or Complex128.
constexpr DType compute_dtype(DType d) {
  return d <= DType::Int64     ? DType::Int64
         : d <= DType::Float32 ? DType::Float32
         : d == DType::Float64 ? DType::Float64
                               : DType::Complex128;
}

// C casts between element types; small integers from floats go through int32, as on the CPU.
template <class To, class From>
PG_HOST_DEVICE To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (is_complex_v<From> && is_complex_v<To>) {
    return To(x);
  } else if constexpr (is_complex_v<From>) {
    if constexpr (std::is_same_v<To, bool>) {
      return x.re != 0 || x.im != 0;
    } else {
      return convert<To>(x.re);
    }
  } else if constexpr (is_complex_v<To>) {
    return To(convert<decltype(To::re)>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (is_reduced_v<To>) {
#if defined(__CUDA_ARCH__)
    return downcast<To>(float(x));
#else
    return To(float(x));
#endif
  } else if constexpr (is_reduced_v<From>) {
#if defined(__CUDA_ARCH__)
    return convert<To>(upcast(x));
#else
    return convert<To>(float(x));
#endif
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) {
    return To(int32_t(x));
  } else {
    return To(x);
  }
}

// Calls f.operator()<S>() for the storage type S that a value of compute type T may have in memory.
// bool and unsigned words (elements moved by their size, 16 bytes as Complex128) are themselves;
// such an operand may also be bool, for the condition of `where`.
template <class T, class F>
__device__ __forceinline__ void with_storage(DType dtype, F&& f) {
  if constexpr (std::is_same_v<T, float>) {
    if (dtype == DType::Float16) {
      f.template operator()<Half>();
    } else if (dtype == DType::BFloat16) {
      f.template operator()<BFloat16>();
    } else {
      f.template operator()<float>();
    }
  } else if constexpr (std::is_same_v<T, double>) {
    if (dtype == DType::Float32) {
      f.template operator()<float>();
    } else {
      f.template operator()<double>();
    }
  } else if constexpr (std::is_same_v<T, Complex128>) {
    if (dtype == DType::Complex64) {
      f.template operator()<Complex64>();
    } else if (dtype == DType::Bool) {
      f.template operator()<bool>();
    } else {
      f.template operator()<Complex128>();
    }
  } else if constexpr (std::is_same_v<T, int64_t>) {
    switch (dtype) {
      case DType::Bool:
        return f.template operator()<bool>();
      case DType::UInt8:
        return f.template operator()<uint8_t>();
      case DType::Int8:
        return f.template operator()<int8_t>();
      case DType::Int16:
        return f.template operator()<int16_t>();
      case DType::Int32:
        return f.template operator()<int32_t>();
      default:
        return f.template operator()<int64_t>();
    }
  } else if constexpr (sizeof(T) > 1) {
    if (dtype == DType::Bool) {
      f.template operator()<bool>();
    } else {
      f.template operator()<T>();
    }
  } else {
    f.template operator()<T>();
  }
}
// Every dtype, for copies.
template <class F>
__device__ __forceinline__ void with_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::Bool:
      return f.template operator()<bool>();
    case DType::UInt8:
      return f.template operator()<uint8_t>();
    case DType::Int8:
      return f.template operator()<int8_t>();
    case DType::Int16:
      return f.template operator()<int16_t>();
    case DType::Int32:
      return f.template operator()<int32_t>();
    case DType::Int64:
      return f.template operator()<int64_t>();
    case DType::Float16:
      return f.template operator()<Half>();
    case DType::BFloat16:
      return f.template operator()<BFloat16>();
    case DType::Float32:
      return f.template operator()<float>();
    case DType::Float64:
      return f.template operator()<double>();
    case DType::Complex64:
      return f.template operator()<Complex64>();
    case DType::Complex128:
      return f.template operator()<Complex128>();
  }
}

template <class T>
__device__ __forceinline__ T load_element(DType dtype, const char* p) {
  T value;
  with_storage<T>(dtype, [&]<class S>() { value = convert<T>(*reinterpret_cast<const S*>(p)); });
  return value;
}
template <class T>
__device__ __forceinline__ void store_element(DType dtype, char* p, T value) {
  with_storage<T>(dtype, [&]<class S>() { *reinterpret_cast<S*>(p) = convert<S>(value); });
}
// To any dtype.
template <class T>
__device__ __forceinline__ void store_any(DType dtype, char* p, T value) {
  with_dtype(dtype, [&]<class S>() { *reinterpret_cast<S*>(p) = convert<S>(value); });
}

// kGroup elements as one access, or several of 16 bytes.
template <class S>
struct alignas(sizeof(S) * kGroup < 16 ? sizeof(S) * kGroup : 16) Group {
  S v[kGroup];
};
template <class T>
__device__ __forceinline__ void load_group(DType dtype, const char* data, uint32_t g,
                                           T (&x)[kGroup]) {
  with_storage<T>(dtype, [&]<class S>() {
    const Group<S> group = reinterpret_cast<const Group<S>*>(data)[g];
#pragma unroll
    for (int j = 0; j < kGroup; ++j) x[j] = convert<T>(group.v[j]);
  });
}
template <class T>
__device__ __forceinline__ void store_group(DType dtype, char* data, uint32_t g,
                                            const T (&x)[kGroup]) {
  with_storage<T>(dtype, [&]<class S>() {
    Group<S> group;
#pragma unroll
    for (int j = 0; j < kGroup; ++j) group.v[j] = convert<S>(x[j]);
    reinterpret_cast<Group<S>*>(data)[g] = group;
  });
}

template <class T>
__device__ __forceinline__ void store_any_group(DType dtype, char* data, uint32_t g,
                                                const T (&x)[kGroup]) {
  with_dtype(dtype, [&]<class S>() {
    Group<S> group;
#pragma unroll
    for (int j = 0; j < kGroup; ++j) group.v[j] = convert<S>(x[j]);
    reinterpret_cast<Group<S>*>(data)[g] = group;
  });
}

// --- the driver ---------------------------------------------------------------------------------

// out = f(x) with f: R operator()(const T (&x)[K]) const. F::kHeavy functors, whose cost is
// arithmetic and not memory, have no group path: it would be four copies of their code.
template <int K, class R, class T, class F>
__global__ void __launch_bounds__(kThreads) pointwise_kernel(Nest<K + 1> nest, F f) {
  const uint32_t thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
  uint32_t begin = thread;
  if constexpr (!F::kHeavy) {
    if (nest.vectors) {
      const uint32_t groups = nest.numel / kGroup;
      for (uint32_t g = thread; g < groups; g += threads) {
        T x[K][kGroup];
#pragma unroll
        for (int k = 0; k < K; ++k) {
          if (nest.fixed[k + 1]) {
            const T value = load_element<T>(nest.dtypes[k + 1], nest.data[k + 1]);
#pragma unroll
            for (int j = 0; j < kGroup; ++j) x[k][j] = value;
          } else {
            load_group<T>(nest.dtypes[k + 1], nest.data[k + 1], g, x[k]);
          }
        }
        R result[kGroup];
#pragma unroll
        for (int j = 0; j < kGroup; ++j) {
          T operands[K];
#pragma unroll
          for (int k = 0; k < K; ++k) operands[k] = x[k][j];
          result[j] = f(operands);
        }
        store_group<R>(nest.dtypes[0], nest.data[0], g, result);
      }
      begin += groups * kGroup;
    }
  }
  for (uint32_t i = begin; i < nest.numel; i += threads) {
    int32_t offset[K + 1];
    nest.offsets(i, offset);
    T operands[K];
#pragma unroll
    for (int k = 0; k < K; ++k) {
      operands[k] = load_element<T>(nest.dtypes[k + 1], nest.data[k + 1] + offset[k + 1]);
    }
    store_element<R>(nest.dtypes[0], nest.data[0] + offset[0], f(operands));
  }
}

// Launches pointwise_kernel over views[0] = out, views[1..K] = inputs.
template <class R, class T, int N, class F>
void pointwise(const View* const (&views)[N], F f) {
  for_each_part(views, Order::free, [&](const Nest<N>& nest, int64_t) {
    const int64_t per_thread = nest.vectors && !F::kHeavy ? kGroup : 1;
    const unsigned grid = grid_for(nest.numel, kThreads * per_thread);
    PG_LAUNCH_INDEPENDENT((pointwise_kernel<N - 1, R, T, F>), grid, kThreads, 0, current_stream(),
                          nest, f);
  });
}

// The structs of kernels/math as functors.
template <class Op, class R, bool Heavy = false>
struct Unary {
  static constexpr bool kHeavy = Heavy;
  template <class T>
  __device__ __forceinline__ R operator()(const T (&x)[1]) const {
    return Op::apply(x[0]);
  }
};
template <class Op, class R, bool Heavy = false>
struct Binary {
  static constexpr bool kHeavy = Heavy;
  template <class T>
  __device__ __forceinline__ R operator()(const T (&x)[2]) const {
    return Op::apply(x[0], x[1]);
  }
};

}  // namespace pygrad::cuda
