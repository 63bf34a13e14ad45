// The tile kernels on AMX. Only this file names the instructions: configuration, load, store, zero
// and the two products.
//
// They are written as assembly because gcc 12's intrinsics take the register's number as a
// preprocessor token and do not declare the memory they read. Every statement that touches memory
// clobbers it, and all are volatile, so they stay in order.
#include "kernels/cpu/gemm_tile_kernel.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

struct Configuration {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(Configuration) == 64);

void configure() {
  alignas(64) static constexpr Configuration eight_whole_tiles;
  asm volatile("ldtilecfg %0" ::"m"(eight_whole_tiles) : "memory");
}
void release() { asm volatile("tilerelease" ::: "memory"); }

struct Registers {
  template <int R>
  PG_HOST_INLINE static void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(R) : "memory");
  }
  template <int R>
  PG_HOST_INLINE static void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(R) : "memory");
  }
  template <int R>
  PG_HOST_INLINE static void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(R) : "memory");
  }
};
struct Bf16Tiles : Registers {
  template <int C, int A, int B>
  PG_HOST_INLINE static void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B) : "memory");
  }
};
struct Int8Tiles : Registers {
  template <int C, int A, int B>
  PG_HOST_INLINE static void multiply() {  // unsigned A, signed B
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B) : "memory");
  }
};

}  // namespace

constinit const TileKernels amx_tiles{
    32, 16, &tile_bf16<Bf16Tiles>, &tile_int8<Int8Tiles>, &configure, &release};

}  // namespace pygrad::cpu::PG_ISA_NS
