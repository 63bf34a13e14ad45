// The instances of the micro-kernel: rows 1..kGemmRows x 1 or 2 vectors x A along rows or along the
// depth, float and double.
#include "kernels/cpu/gemm_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class T, int MR, int NV, bool KMajor>
void micro_kernel(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step, int tail,
                  const Epilogue<T>& e) {
  using G = GemmVector<T>;
  using V = typename G::V;
  constexpr int W = G::width;
  const typename G::Mask mask = G::mask(tail);
  // C is on its way while the sums are made.
  if (k >= 32) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < NV; ++j) __builtin_prefetch(e.c + i * e.c_rs + j * W, 1);
  }
  V acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < NV; ++j) acc[i][j] = V{};
  for (int64_t p = 0; p < k; ++p) {
    V bv[NV];
#pragma GCC unroll 2
    for (int j = 0; j < NV; ++j)
      bv[j] = G::cheap_masks && j == NV - 1 ? G::load(mask, b + j * W) : load(b + j * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const V av = splat(KMajor ? a[i] : a[i * a_step]);
#pragma GCC unroll 2
      for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
    }
    a += KMajor ? a_step : 1;
    b += b_step;
  }
  // Each step of the epilogue is one branch for the whole tile.
  const auto for_each = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < NV; ++j) f(i, j);
  };
  T* const c = e.c;
  const int64_t c_rs = e.c_rs;
  const auto read = [&](const T* p, int j) __attribute__((always_inline)) {
    return j == NV - 1 ? G::load(mask, p + j * W) : load(p + j * W);
  };
  if (e.alpha != 1) {
    const V alpha = splat(e.alpha);
    for_each([&](int i, int j) __attribute__((always_inline)) { acc[i][j] *= alpha; });
  }
  if (e.beta != 0) {
    const V beta = splat(e.beta);
    for_each([&](int i, int j) __attribute__((always_inline)) {
      acc[i][j] = fma(beta, read(c + i * c_rs, j), acc[i][j]);
    });
  }
  if (const T* const bias = e.bias) {
    const int64_t bias_rs = e.bias_rs;
    if (e.bias_per_column)
      for_each([&](int i, int j) __attribute__((always_inline)) { acc[i][j] += read(bias, j); });
    else
      for_each([&](int i, int j)
                   __attribute__((always_inline)) { acc[i][j] += splat(bias[i * bias_rs]); });
  }
  if (e.relu)
    for_each([&](int i, int j) __attribute__((always_inline)) {
      acc[i][j] = acc[i][j] < V{} ? V{} : acc[i][j];  // NaN stays
    });
  for_each([&](int i, int j) __attribute__((always_inline)) {
    if (j == NV - 1)
      G::store(mask, c + i * c_rs + j * W, acc[i][j]);
    else
      store(c + i * c_rs + j * W, acc[i][j]);
  });
}

template <class T, bool KMajor, int NV, int... I>
MicroKernel<T> from_table(int64_t rows, std::integer_sequence<int, I...>) {
  static constexpr MicroKernel<T> table[] = {&micro_kernel<T, I + 1, NV, KMajor>...};
  return table[rows - 1];
}

template <class T>
MicroKernel<T> choose(bool k_major, int64_t rows, int64_t vectors) {
  using Rows = std::make_integer_sequence<int, kGemmRows>;
  if (k_major)
    return vectors == 1 ? from_table<T, true, 1>(rows, Rows{})
                        : from_table<T, true, 2>(rows, Rows{});
  return vectors == 1 ? from_table<T, false, 1>(rows, Rows{})
                      : from_table<T, false, 2>(rows, Rows{});
}

}  // namespace

template <>
MicroKernel<float> micro_kernel_for<float>(bool k_major, int64_t rows, int64_t vectors) {
  return choose<float>(k_major, rows, vectors);
}
template <>
MicroKernel<double> micro_kernel_for<double>(bool k_major, int64_t rows, int64_t vectors) {
  return choose<double>(k_major, rows, vectors);
}

}  // namespace pygrad::cpu::PG_ISA_NS
