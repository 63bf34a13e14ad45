// The tile kernels over a plain model of AMX's registers: what the tests run where there is no AMX,
// and what AMX is checked against before it is first trusted.
//
// tdpbf16ps sums the even and the odd elements of a row's 32 products apart, adds the two, and adds
// that to C; it rounds to nearest and flushes denormals, of its operands and results alike.
#include <cmath>
#include <cstring>

#include "kernels/cpu/gemm_tile_kernel.h"
#include "kernels/cpu/parallel.h"

// It serves the tests and a check at start: small rather than fast.
#pragma GCC optimize("Os")

namespace pygrad::cpu::PG_ISA_NS {
namespace {

struct Registers {
  // Between begin() and end(); a pointer, for the module's thread-local memory must stay small.
  static thread_local uint32_t (*tile)[16][16];

  template <int R>
  static void load(const void* from, int64_t stride) {
    for (int i = 0; i < 16; ++i)
      memcpy(tile[R][i], static_cast<const char*>(from) + i * stride, 64);
  }
  template <int R>
  static void store(void* to, int64_t stride) {
    for (int i = 0; i < 16; ++i) memcpy(static_cast<char*>(to) + i * stride, tile[R][i], 64);
  }
  template <int R>
  static void zero() {
    memset(tile[R], 0, sizeof tile[R]);
  }
};
thread_local uint32_t (*Registers::tile)[16][16];

constexpr int64_t kTileBytes = 8 * 16 * 16 * sizeof(uint32_t);
void begin() { Registers::tile = static_cast<uint32_t (*)[16][16]>(scratch_allocate(kTileBytes)); }
void end() { scratch_free(Registers::tile, kTileBytes); }

PG_HOST_INLINE float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
PG_HOST_INLINE float flushed(float x) { return std::fabs(x) < 0x1p-126f ? x * 0.f : x; }

struct Bf16Tiles : Registers {
  template <int C, int A, int B>
  static void multiply() {
    for (int i = 0; i < 16; ++i) {
      float even[16] = {}, odd[16] = {};
      for (int k = 0; k < 16; ++k) {
        const float low = flushed(from_bits(tile[A][i][k] << 16));
        const float high = flushed(from_bits(tile[A][i][k] & 0xffff0000u));
        for (int j = 0; j < 16; ++j) {
          even[j] = flushed(even[j] + low * flushed(from_bits(tile[B][k][j] << 16)));
          odd[j] = flushed(odd[j] + high * flushed(from_bits(tile[B][k][j] & 0xffff0000u)));
        }
      }
      for (int j = 0; j < 16; ++j) {
        const float c = flushed(flushed(even[j] + odd[j]) + from_bits(tile[C][i][j]));
        memcpy(&tile[C][i][j], &c, 4);
      }
    }
  }
};
struct Int8Tiles : Registers {
  template <int C, int A, int B>
  static void multiply() {
    for (int i = 0; i < 16; ++i) {
      for (int k = 0; k < 16; ++k) {
        for (int j = 0; j < 16; ++j) {
          for (int e = 0; e < 32; e += 8)
            tile[C][i][j] += uint32_t(int32_t(uint8_t(tile[A][i][k] >> e)) *
                                      int32_t(int8_t(tile[B][k][j] >> e)));
        }
      }
    }
  }
};

}  // namespace

constinit const TileKernels emulated_tiles{
    32, 16, &tile_bf16<Bf16Tiles>, &tile_int8<Int8Tiles>, &begin, &end};

#if defined(__AVX512F__)
namespace {

// Whole numbers small enough that every order of summing gives the same bits.
bool agrees_with_model(const TileKernels& unit) {
  constexpr int kDepth = 2 * kTileWords;
  alignas(64) uint32_t a[kDepth * 32], b[kDepth * kTileColumns];
  alignas(64) static uint32_t sums[2][2][32 * kTileColumns];
  const auto bf16 = [](int x) { return uint32_t(BFloat16(float(x)).bits); };
  for (int i = 0; i < kDepth * 32; ++i) {
    a[i] = bf16(i * 7 % 29 - 14) | bf16(i * 5 % 31 - 15) << 16;
    b[i] = bf16(i * 3 % 23 - 11) | bf16(i * 11 % 19 - 9) << 16;
  }
  const TileKernels* const units[] = {&unit, &emulated_tiles};
  for (int u = 0; u < 2; ++u) {
    const TileOperands t{a, b, 0, 0, kDepth, kDepth, 32, kTileColumns, 1};
    units[u]->begin();
    units[u]->bf16(t, reinterpret_cast<float*>(sums[u][0]), false);
    units[u]->bf16(t, reinterpret_cast<float*>(sums[u][0]), true);
    units[u]->int8(t, reinterpret_cast<int32_t*>(sums[u][1]), false);
    units[u]->int8(t, reinterpret_cast<int32_t*>(sums[u][1]), true);
    units[u]->end();
  }
  return memcmp(sums[0], sums[1], sizeof sums[0]) == 0;
}

}  // namespace
#endif

const TileKernels* tile_kernels(TileUnit unit) {
  if (unit == TileUnit::emulated) return &emulated_tiles;
#if defined(__AVX512F__)
  if (unit == TileUnit::dot) return &avx512_dots;
  if (unit == TileUnit::amx) {
    static const bool trusted = agrees_with_model(amx_tiles);
    if (trusted) return &amx_tiles;
  }
#endif
  return nullptr;
}

}  // namespace pygrad::cpu::PG_ISA_NS
