// The kernels on tiles, over any model of the eight tile registers: AMX's own
// (avx512/gemm_amx.cpp), or the plain one of gemm_emulated.cpp, through which every line of this
// file runs on machines without AMX.
//
// One plane: a block of 2 x 2 tiles of C in registers 0 to 3, A in 4 and 5, B in 6 and 7.
//
// Several planes: a block of 2 x 1 tiles, twice: registers 0 and 1 sum the products of the highest
// planes, 2 and 3 all the smaller ones, so that those do not round the large sum again and again.
// A register keeps its tile while the list of plane pairs repeats its plane.
#pragma once

#include <utility>

#include "kernels/cpu/gemm_tile.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTileRowBytes = 64;

// Tiles: load<R>(from, stride in bytes), store<R>, zero<R>(), multiply<C, A, B>().
template <bool kTall, bool kWide, class F>
PG_HOST_INLINE void each_c(const F& f) {
  f.template operator()<0, 0, 0>();
  if constexpr (kWide) f.template operator()<1, 0, 1>();
  if constexpr (kTall) f.template operator()<2, 1, 0>();
  if constexpr (kTall && kWide) f.template operator()<3, 1, 1>();
}

template <class Tiles, bool kTall, bool kWide, class C>
void tile_block(const TileOperands& t, C* c, bool add) {
  constexpr int64_t c_stride = kTileColumns * int64_t(sizeof(C));
  const auto at = [&](int down, int across) __attribute__((always_inline)) {
    return c + down * 16 * kTileColumns + across * 16;
  };
  each_c<kTall, kWide>([&]<int R, int Down, int Across>() __attribute__((always_inline)) {
    if (add)
      Tiles::template load<R>(at(Down, Across), c_stride);
    else
      Tiles::template zero<R>();
  });
  const uint32_t *a = t.a, *b = t.b;
  for (int64_t d = 0; d < t.depth; d += kTileWords) {
    Tiles::template load<4>(a, kTileRowBytes);
    if constexpr (kTall) Tiles::template load<5>(a + 16 * kTileWords, kTileRowBytes);
    Tiles::template load<6>(b, kTileColumns * 4);
    if constexpr (kWide) Tiles::template load<7>(b + 16, kTileColumns * 4);
    each_c<kTall, kWide>([&]<int R, int Down, int Across>() __attribute__((always_inline)) {
      Tiles::template multiply<R, 4 + Down, 6 + Across>();
    });
    a += int64_t(t.rows) * kTileWords;
    b += kTileWords * kTileColumns;
  }
  each_c<kTall, kWide>([&]<int R, int Down, int Across>() __attribute__((always_inline)) {
    Tiles::template store<R>(at(Down, Across), c_stride);
  });
}

template <class Tiles, class C>
void tile_panel(const TileOperands& t, C* c, bool add) {
  const bool tall = t.rows > 16, wide = t.columns > 16;
  if (tall && wide)
    tile_block<Tiles, true, true>(t, c, add);
  else if (tall)
    tile_block<Tiles, true, false>(t, c, add);
  else if (wide)
    tile_block<Tiles, false, true>(t, c, add);
  else
    tile_block<Tiles, false, false>(t, c, add);
}

// Sixteen columns from planes.
template <class Tiles, bool kTall, int Planes, size_t... I>
PG_HOST_INLINE void split_block(const TileOperands& t, const uint32_t* b, float* c, bool add,
                                std::index_sequence<I...>) {
  constexpr auto& pairs = plane_pairs<Planes>();
  constexpr int64_t c_stride = kTileColumns * 4;
  constexpr size_t kLast = sizeof...(I) - 1;  // the pair of the highest planes
  float* below = c + 16 * kTileColumns;
  if (add) {
    Tiles::template load<0>(c, c_stride);
    if constexpr (kTall) Tiles::template load<1>(below, c_stride);
  } else {
    Tiles::template zero<0>();
    if constexpr (kTall) Tiles::template zero<1>();
  }
  Tiles::template zero<2>();
  if constexpr (kTall) Tiles::template zero<3>();
  const uint32_t* a = t.a;
  for (int64_t d = 0; d < t.depth; d += kTileWords) {
    const auto step = [&]<size_t S>() __attribute__((always_inline)) {
      if constexpr (S == 0 || pairs[S].a != pairs[S ? S - 1 : 0].a) {
        const uint32_t* from = a + pairs[S].a * t.a_plane;
        Tiles::template load<4>(from, kTileRowBytes);
        if constexpr (kTall) Tiles::template load<5>(from + 16 * kTileWords, kTileRowBytes);
      }
      if constexpr (S == 0 || pairs[S].b != pairs[S ? S - 1 : 0].b)
        Tiles::template load<6>(b + pairs[S].b * t.b_plane, kTileColumns * 4);
      constexpr int kSum = S == kLast ? 0 : 2;
      Tiles::template multiply<kSum, 4, 6>();
      if constexpr (kTall) Tiles::template multiply<kSum + 1, 5, 6>();
    };
    (step.template operator()<I>(), ...);
    a += int64_t(t.rows) * kTileWords;
    b += kTileWords * kTileColumns;
  }
  alignas(64) float small[kTall ? 32 : 16][16];
  Tiles::template store<0>(c, c_stride);
  Tiles::template store<2>(small[0], 64);
  if constexpr (kTall) {
    Tiles::template store<1>(below, c_stride);
    Tiles::template store<3>(small[16], 64);
  }
  for (int i = 0; i < (kTall ? 32 : 16); ++i)
    for (int j = 0; j < 16; ++j) c[i * kTileColumns + j] += small[i][j];
}

template <class Tiles, int Planes>
void split_panel(const TileOperands& t, float* c, bool add) {
  using Steps = std::make_index_sequence<sizeof(plane_pairs<Planes>()) / sizeof(PlanePair)>;
  for (int j = 0; j < t.columns; j += 16) {
    if (t.rows > 16)
      split_block<Tiles, true, Planes>(t, t.b + j, c + j, add, Steps{});
    else
      split_block<Tiles, false, Planes>(t, t.b + j, c + j, add, Steps{});
  }
}

template <class Tiles>
void tile_bf16(const TileOperands& t, float* c, bool add) {
  if (t.planes == 1)
    tile_panel<Tiles>(t, c, add);
  else if (t.planes == 2)
    split_panel<Tiles, 2>(t, c, add);
  else
    split_panel<Tiles, 3>(t, c, add);
}
template <class Tiles>
void tile_int8(const TileOperands& t, int32_t* c, bool add) {
  tile_panel<Tiles>(t, c, add);
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
