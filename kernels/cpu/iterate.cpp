// Coalescing and strided type conversion, declared in iterate.h.
#include "kernels/cpu/iterate.h"

#include "kernels/cpu/vec.h"
#include "kernels/cpu/words.h"

namespace pygrad::cpu::PG_ISA_NS {

// --- coalescing ---------------------------------------------------------------------------------

void build_nest(const View* const* views, int count, Order order, int& ndim, int64_t& numel,
                int64_t* sizes, int64_t* strides, char** data) {
  const View& first = *views[0];
  int64_t item[kMaxNest];
  for (int k = 0; k < count; ++k) {
    item[k] = int64_t(item_size(views[k]->dtype));
    data[k] = static_cast<char*>(views[k]->data);
  }
  // Real dimensions, innermost first.
  int n = 0;
  numel = 1;
  for (int d = first.ndim - 1; d >= 0; --d) {
    numel *= first.sizes[d];
    if (first.sizes[d] == 1) continue;
    sizes[n] = first.sizes[d];
    for (int k = 0; k < count; ++k) strides[k * kMaxDims + n] = views[k]->strides[d] * item[k];
    ++n;
  }
  if (numel == 0) {
    ndim = 1;
    sizes[0] = 0;
    for (int k = 0; k < count; ++k) strides[k * kMaxDims] = item[k];
    return;
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
    // Insertion sort by the output's stride, then by the inputs' where it cannot decide; stable.
    const auto before = [&](int a, int b) {
      for (int k = 0; k < count; ++k) {
        const int64_t sa = strides[k * kMaxDims + a], sb = strides[k * kMaxDims + b];
        const int64_t ma = sa < 0 ? -sa : sa, mb = sb < 0 ? -sb : sb;
        if (ma != mb && ma != 0 && mb != 0) return ma < mb;
      }
      return false;
    };
    for (int i = 1; i < n; ++i) {
      for (int j = i; j > 0 && before(j, j - 1); --j) {
        const int64_t size = sizes[j];
        sizes[j] = sizes[j - 1];
        sizes[j - 1] = size;
        for (int k = 0; k < count; ++k) {
          int64_t* s = strides + k * kMaxDims;
          const int64_t stride = s[j];
          s[j] = s[j - 1];
          s[j - 1] = stride;
        }
      }
    }
  }
  // Merge dimension d into the one inside it where, for every operand, it just continues it.
  int kept = 0;
  for (int d = 1; d < n; ++d) {
    bool merge = true;
    for (int k = 0; k < count; ++k) {
      const int64_t* s = strides + k * kMaxDims;
      merge = merge && s[d] == s[kept] * sizes[kept];
    }
    if (merge) {
      sizes[kept] *= sizes[d];
    } else {
      ++kept;
      sizes[kept] = sizes[d];
      for (int k = 0; k < count; ++k) strides[k * kMaxDims + kept] = strides[k * kMaxDims + d];
    }
  }
  ndim = kept + 1;
  if (n == 0) {  // a single element
    sizes[0] = 1;
    for (int k = 0; k < count; ++k) strides[k * kMaxDims] = item[k];
  }
}

// --- strided conversion -------------------------------------------------------------------------

namespace {

// C casts between element types. Small integers go through int32, as the processor's own conversion
// does.
template <class To, class From>
PG_HOST_INLINE To convert(From x) {
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
    return To(float(x));
  } else if constexpr (is_reduced_v<From>) {
    return convert<To>(float(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) {
    return To(int32_t(x));
  } else {
    return To(x);
  }
}

template <class To, class From>
void load_as(void* to_, const char* from, int64_t stride, int64_t n) {
  To* to = static_cast<To*>(to_);
  if (stride == int64_t(sizeof(From))) {
    const From* f = reinterpret_cast<const From*>(from);
    int64_t i = 0;
    if constexpr (is_reduced_v<From>) {
      for (; i + kLanes<float> <= n; i += kLanes<float>) store(to + i, load_as_float(f + i));
    }
#pragma GCC ivdep
    for (; i < n; ++i) to[i] = convert<To>(f[i]);
  } else if (stride == 0) {
    const To value = convert<To>(*reinterpret_cast<const From*>(from));
    for (int64_t i = 0; i < n; ++i) to[i] = value;
  } else {
    for (int64_t i = 0; i < n; ++i, from += stride) {
      to[i] = convert<To>(*reinterpret_cast<const From*>(from));
    }
  }
}

template <class To, class From>
void store_as(char* to, int64_t stride, const void* from_, int64_t n) {
  const From* from = static_cast<const From*>(from_);
  if (stride == int64_t(sizeof(To))) {
    To* t = reinterpret_cast<To*>(to);
    int64_t i = 0;
    if constexpr (is_reduced_v<To> && std::is_same_v<From, float>) {
      for (; i + kLanes<float> <= n; i += kLanes<float>) store_from_float(t + i, load(from + i));
    }
#pragma GCC ivdep
    for (; i < n; ++i) t[i] = convert<To>(from[i]);
  } else {
    for (int64_t i = 0; i < n; ++i, to += stride) *reinterpret_cast<To*>(to) = convert<To>(from[i]);
  }
}

// Elements of equal type are moved by their size.
template <class Word>
void load_words(void* to, const char* from, int64_t stride, int64_t n) {
  if (stride == int64_t(sizeof(Word))) {
    memcpy(to, from, size_t(n) * sizeof(Word));
  } else {
    pick_words<Word>(static_cast<char*>(to), from, stride, n);
  }
}
template <class Word>
void store_words(char* to, int64_t stride, const void* from, int64_t n) {
  if (stride == int64_t(sizeof(Word))) {
    memcpy(to, from, size_t(n) * sizeof(Word));
  } else {
    store_as<Word, Word>(to, stride, from, n);
  }
}

template <class From>
StoreRun store_from(DType storage) {
  constexpr StoreRun runs[kNumDTypes] = {
      store_as<bool, From>,    store_as<uint8_t, From>,   store_as<int8_t, From>,
      store_as<int16_t, From>, store_as<int32_t, From>,   store_as<int64_t, From>,
      store_as<Half, From>,    store_as<BFloat16, From>,  store_as<float, From>,
      store_as<double, From>,  store_as<Complex64, From>, store_as<Complex128, From>};
  return runs[int(storage)];
}

}  // namespace

LoadRun load_run(DType compute, DType storage) {
  if (compute == storage) {
    switch (item_size(storage)) {
      case 1:
        return load_words<uint8_t>;
      case 2:
        return load_words<uint16_t>;
      case 4:
        return load_words<uint32_t>;
      case 8:
        return load_words<uint64_t>;
      default:
        return load_words<Pair>;
    }
  }
  if (compute == DType::Int64) {
    switch (storage) {
      case DType::Bool:
        return load_as<int64_t, bool>;
      case DType::UInt8:
        return load_as<int64_t, uint8_t>;
      case DType::Int8:
        return load_as<int64_t, int8_t>;
      case DType::Int16:
        return load_as<int64_t, int16_t>;
      case DType::Int32:
        return load_as<int64_t, int32_t>;
      default:
        return nullptr;
    }
  }
  if (compute == DType::Float32) {
    switch (storage) {
      case DType::Bool:
        return load_as<float, bool>;
      case DType::UInt8:
        return load_as<float, uint8_t>;
      case DType::Int8:
        return load_as<float, int8_t>;
      case DType::Int16:
        return load_as<float, int16_t>;
      case DType::Float16:
        return load_as<float, Half>;
      case DType::BFloat16:
        return load_as<float, BFloat16>;
      default:
        return nullptr;
    }
  }
  if (compute == DType::Complex128 && storage == DType::Complex64) {
    return load_as<Complex128, Complex64>;
  }
  return nullptr;
}

StoreRun store_run(DType storage, DType compute) {
  if (compute == storage) {
    switch (item_size(storage)) {
      case 1:
        return store_words<uint8_t>;
      case 2:
        return store_words<uint16_t>;
      case 4:
        return store_words<uint32_t>;
      case 8:
        return store_words<uint64_t>;
      default:
        return store_words<Pair>;
    }
  }
  switch (compute) {
    case DType::Int64:
      return store_from<int64_t>(storage);
    case DType::Float32:
      return store_from<float>(storage);
    case DType::Float64:
      return store_from<double>(storage);
    case DType::Complex128:
      return store_from<Complex128>(storage);
    default:
      return nullptr;
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
