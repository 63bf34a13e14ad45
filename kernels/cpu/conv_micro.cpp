// The instances of the register tiles: rows 1..kTileRows, float and double.
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class T, int MR, int NV>
void channel_rows(const ChannelTile<T>& t) {
  constexpr int W = kLanes<T>;
  Vec<T> acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < NV; ++j)
      acc[i][j] = t.start ? load(t.start + i * t.start_step + j * W) : Vec<T>{};
  const T* b = t.b;
  const int64_t* row = t.row;
  for (int64_t d = 0; d < t.depth; ++d, b += t.b_step) {
    const T* a = t.a + t.step[d];
    Vec<T> bv[NV];
#pragma GCC unroll 2
    for (int j = 0; j < NV; ++j) bv[j] = load(b + j * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> av = splat(a[row[i]]);
#pragma GCC unroll 2
      for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < NV; ++j) store(t.c + i * t.c_step + j * W, acc[i][j]);
}

template <class T, int MR>
void pixel_rows(const PixelTile<T>& t) {
  constexpr int W = kLanes<T>, NV = pixel_vectors(MR);
  Vec<T> acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) acc[i][j] = t.start ? splat(t.start[i]) : Vec<T>{};
  const T* a = t.a;
  for (int64_t d = 0; d < t.depth; ++d, a += MR) {
    const T* b = t.b + t.step[d];
    Vec<T> bv[NV];
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) bv[j] = load(b + j * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> av = splat(a[i]);
#pragma GCC unroll 6
      for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) store(t.c + i * t.c_step + j * W, acc[i][j]);
}

template <class T, int... I>
void run_channel_tile(int64_t rows, int64_t vectors, const ChannelTile<T>& t,
                      std::integer_sequence<int, I...>) {
  static constexpr void (*table[2][kTileRows])(const ChannelTile<T>&) = {
      {&channel_rows<T, I + 1, 1>...}, {&channel_rows<T, I + 1, 2>...}};
  table[vectors - 1][rows - 1](t);
}

template <class T, int... I>
void run_pixel_tile(int64_t rows, const PixelTile<T>& t, std::integer_sequence<int, I...>) {
  static constexpr void (*table[kTileRows])(const PixelTile<T>&) = {&pixel_rows<T, I + 1>...};
  table[rows - 1](t);
}

using Rows = std::make_integer_sequence<int, kTileRows>;

}  // namespace

void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<float>& t) {
  run_channel_tile(rows, vectors, t, Rows{});
}
void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<double>& t) {
  run_channel_tile(rows, vectors, t, Rows{});
}
void pixel_tile(int64_t rows, const PixelTile<float>& t) { run_pixel_tile(rows, t, Rows{}); }
void pixel_tile(int64_t rows, const PixelTile<double>& t) { run_pixel_tile(rows, t, Rows{}); }

}  // namespace pygrad::cpu::PG_ISA_NS
