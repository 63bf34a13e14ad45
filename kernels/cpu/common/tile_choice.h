// Which matrix unit the products of 16-bit floats, small integers and split floats run on, and what
// float32 may be turned into (kernels/cpu/common/tile_choice.cpp).
#pragma once

#include <cstdint>

namespace pygrad::cpu {

enum class TileUnit : uint8_t {
  none,      // vectors of floats and 16-bit integers: any processor
  emulated,  // the AMX kernels over a plain model of the tile instructions: any processor, slow
  dot,       // AVX-512 dot products: vdpbf16ps and vpdpbusd, where the processor has each of them
  amx,       // Intel's tiles
};

struct TileChoice {
  TileUnit bf16, int8;
  bool split;         // whether float32 may be split into bfloat16 at all
  uint8_t precision;  // Float32Precision
};
// For kernels compiled for registers of 512 bits (`wide`), which the units need, or less.
TileChoice tile_choice(bool wide);
// Whether the user named a unit: it is then used also where it does not pay.
bool tile_unit_forced();

}  // namespace pygrad::cpu
