// The processor's own floating-point peak, for benchmarks to be held against: a loop of nothing but
// fused multiply-adds on registers, as wide as the instruction set in force allows.
//
// Twelve independent chains hide the latency (4 cycles on 2 units need 8) and fit into 16
// registers. Each function carries its target, so that this file is compiled once. Without fused
// instructions a product and a sum are issued, which count the same.
#include <chrono>
#include <cstring>

#include "kernels/cpu/parallel.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pygrad {
namespace {

constexpr int kChains = 12;
constexpr int64_t kRounds = 8192;  // some 20 us a chunk

// The sum goes out, lest the loop be dropped.
#define PG_FMA_LOOP(name, target, Vec, set, fma)                          \
  target void name(void* out) {                                           \
    Vec sum[kChains], factor = set(0.999f), term = set(0.001f);           \
    for (Vec& s : sum) s = set(0);                                        \
    for (int64_t r = 0; r < kRounds; ++r) {                               \
      _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) sum[i] = \
          fma(sum[i], factor, term);                                      \
    }                                                                     \
    for (int i = 1; i < kChains; ++i) sum[0] = sum[0] + sum[i];           \
    memcpy(out, &sum[0], sizeof sum[0]);                                  \
  }

template <class T>
struct Plain {
  typedef T Vec __attribute__((vector_size(16)));
  static Vec set(T x) { return x - Vec{}; }
  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
};
PG_FMA_LOOP(plain_float, , Plain<float>::Vec, Plain<float>::set, Plain<float>::fma)
PG_FMA_LOOP(plain_double, , Plain<double>::Vec, Plain<double>::set, Plain<double>::fma)
#if defined(__x86_64__)
#define PG_AVX2 __attribute__((target("avx2,fma")))
#define PG_AVX512 __attribute__((target("avx512f")))
PG_FMA_LOOP(avx2_float, PG_AVX2, __m256, _mm256_set1_ps, _mm256_fmadd_ps)
PG_FMA_LOOP(avx2_double, PG_AVX2, __m256d, _mm256_set1_pd, _mm256_fmadd_pd)
PG_FMA_LOOP(avx512_float, PG_AVX512, __m512, _mm512_set1_ps, _mm512_fmadd_ps)
PG_FMA_LOOP(avx512_double, PG_AVX512, __m512d, _mm512_set1_pd, _mm512_fmadd_pd)
#endif

struct Loop {
  const char* isa;
  int bytes;  // of a vector
  void (*of_float)(void* out);
  void (*of_double)(void* out);
};
constexpr Loop kLoops[] = {
#if defined(__x86_64__)
    {"avx512", 64, avx512_float, avx512_double},
    {"avx2", 32, avx2_float, avx2_double},
#endif
    {"baseline", 16, plain_float, plain_double},
};

}  // namespace

double fma_peak(DType dtype, double seconds) {
  using Clock = std::chrono::steady_clock;
  if (dtype != DType::Float32 && dtype != DType::Float64) unsupported("fma_peak", dtype);
  const Loop* loop = kLoops;
  while (std::strcmp(loop->isa, isa_name()) != 0) ++loop;
  void (*body)(void*) = dtype == DType::Float32 ? loop->of_float : loop->of_double;
  const int64_t chunks = 16 * int64_t(num_threads());
  const double flops =
      2.0 * double(chunks) * kRounds * kChains * loop->bytes / double(item_size(dtype));
  double best = 0, spent = 0;
  do {
    const auto start = Clock::now();
    cpu::parallel_for(chunks, 1, [&](int64_t, int64_t) {
      alignas(64) char out[64];
      body(out);
    });
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    spent += elapsed;
    if (flops / elapsed > best) best = flops / elapsed;
  } while (spent < seconds);
  return best;
}

}  // namespace pygrad
