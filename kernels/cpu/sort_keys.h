// Sorting by keys: an element becomes an unsigned integer with the same order.
//
// All NaN share the largest key and both zeros one key, so that equal elements keep their order; a
// descending sort inverts the bits. So all dtypes share two kinds of keys; how those are ordered is
// in sort_order.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/cpu/vec.h"
#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// --- elements and keys --------------------------------------------------------------------------

template <class T>
using key_bits_t =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
template <class T>
constexpr key_bits_t<T> kSignBit = key_bits_t<T>(key_bits_t<T>(1) << (8 * sizeof(T) - 1));
template <class T>
constexpr key_bits_t<T> kInfinityBits =
    std::is_same_v<T, Half>       ? key_bits_t<T>(0x7c00u)
    : std::is_same_v<T, BFloat16> ? key_bits_t<T>(0x7f80u)
    : std::is_same_v<T, float>    ? key_bits_t<T>(0x7f800000u)
                                  : key_bits_t<T>(0x7ff0000000000000ull);
template <class T>  // with the highest bit of the fraction, too
constexpr key_bits_t<T> kNaNBits =
    std::is_same_v<T, Half>       ? key_bits_t<T>(0x7e00u)
    : std::is_same_v<T, BFloat16> ? key_bits_t<T>(0x7fc0u)
    : std::is_same_v<T, float>    ? key_bits_t<T>(0x7fc00000u)
                                  : key_bits_t<T>(0x7ff8000000000000ull);

// Of floats that are neither zero nor NaN.
template <class T>
PG_HOST_INLINE key_bits_t<T> plain_key(key_bits_t<T> bits) {
  using K = key_bits_t<T>;
  const K negative = K(-(bits >> (8 * sizeof(T) - 1)));  // all ones, or 0
  return K(bits ^ (negative | kSignBit<T>));
}
template <class T>
PG_HOST_INLINE key_bits_t<T> sort_key(key_bits_t<T> bits) {
  using K = key_bits_t<T>;
  constexpr K kSign = kSignBit<T>;
  if constexpr (is_real_float_v<T>) {
    const K magnitude = K(bits & K(~kSign));
    const K key = magnitude == 0 ? kSign : plain_key<T>(bits);
    return magnitude > kInfinityBits<T> ? K(~K(0)) : key;
  } else if constexpr (std::is_signed_v<T>) {
    return K(bits ^ kSign);
  } else {
    return bits;
  }
}

// The element of a key: of zeros the positive one, of NaN the usual one.
template <class T>
PG_HOST_INLINE key_bits_t<T> from_sort_key(key_bits_t<T> key) {
  using K = key_bits_t<T>;
  constexpr K kSign = kSignBit<T>;
  if constexpr (is_real_float_v<T>) {
    const K positive = K(-(key >> (8 * sizeof(T) - 1)));
    const K bits = K(key ^ (K(~positive) | kSign));
    return key == K(~K(0)) ? kNaNBits<T> : bits;
  } else if constexpr (std::is_signed_v<T>) {
    return K(key ^ kSign);
  } else {
    return key;
  }
}

// The dtype's part of a sort, with keys of type K (uint32_t, or uint64_t for 8-byte elements).
template <class K>
struct KeyCodec {
  int bits;  // of a key
  int64_t item;
  // Keys of n elements `step` apart; true when an element is not the one of its key (negative
  // zeros, rare NaN), so that the results must be looked up.
  bool (*load)(const void* in, int64_t offset, int64_t step, int64_t n, bool descending, K* keys);
  void (*store)(void* out, int64_t offset, int64_t step, int64_t n, bool descending, const K* keys);
  void (*look_up)(void* out, int64_t out_offset, int64_t out_step, int64_t n, const void* in,
                  int64_t offset, int64_t step, const int64_t* index);
};

template <bool kPacked, class K, class T>
PG_HOST_INLINE bool load_run(const void* in, int64_t offset, int64_t step, int64_t n,
                             bool descending, K* keys) {
  using B = key_bits_t<T>;
  const B* p = static_cast<const B*>(in) + offset;
  const B flip = descending ? B(~B(0)) : B(0);
  if constexpr (is_real_float_v<T>) {
    constexpr B kMagnitude = B(~kSignBit<T>);
    B special = 0;  // at least the infinity's bits where there is a zero or NaN
    for (int64_t i = 0; i < n; ++i) {
      const B bits = p[kPacked ? i : i * step], beyond_zero = B((bits & kMagnitude) - 1);
      special = beyond_zero > special ? beyond_zero : special;
      keys[i] = K(B(plain_key<T>(bits) ^ flip));
    }
    if (special < kInfinityBits<T>) return false;
  }
  B changed = 0;
  for (int64_t i = 0; i < n; ++i) {
    const B bits = p[kPacked ? i : i * step], key = sort_key<T>(bits);
    if constexpr (is_real_float_v<T>) changed = B(changed | (from_sort_key<T>(key) ^ bits));
    keys[i] = K(B(key ^ flip));
  }
  return changed != 0;
}

template <class K, class T>
bool load_keys(const void* in, int64_t offset, int64_t step, int64_t n, bool descending, K* keys) {
  return step == 1 ? load_run<true, K, T>(in, offset, step, n, descending, keys)
                   : load_run<false, K, T>(in, offset, step, n, descending, keys);
}

template <class K, class T>
void store_keys(void* out, int64_t offset, int64_t step, int64_t n, bool descending,
                const K* keys) {
  using B = key_bits_t<T>;
  B* to = static_cast<B*>(out) + offset;
  const B flip = descending ? B(~B(0)) : B(0);
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = from_sort_key<T>(B(B(keys[i]) ^ flip));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * step] = from_sort_key<T>(B(B(keys[i]) ^ flip));
  }
}

template <class B>
void look_up_elements(void* out, int64_t out_offset, int64_t out_step, int64_t n, const void* in,
                      int64_t offset, int64_t step, const int64_t* index) {
  B* to = static_cast<B*>(out) + out_offset;
  const B* from = static_cast<const B*>(in) + offset;
  for (int64_t i = 0; i < n; ++i) to[i * out_step] = from[index[i] * step];
}

// f(codec) with the codec of T.
template <class T, class F>
PG_HOST_INLINE void with_codec(F&& f) {
  using K = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  f(KeyCodec<K>{int(8 * sizeof(T)), int64_t(sizeof(T)), load_keys<K, T>, store_keys<K, T>,
                look_up_elements<key_bits_t<T>>});
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
