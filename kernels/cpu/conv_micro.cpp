// The instances of the register tiles, float and double.
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// kNeighbours: row i lies i elements after row 0. Then its address is a constant away, where the
// table costs a load for every broadcast.
template <class T, int MR, int NV, bool kNeighbours>
void channel_rows(const ChannelTile<T>& t) {
  constexpr int W = kLanes<T>;
  Vec<T> acc[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < NV; ++j)
      acc[i][j] = t.start ? load(t.start + i * t.start_step + j * W) : Vec<T>{};
  const T* b = t.b;
  const int64_t* row = t.row;
  const T* first = kNeighbours ? t.a + row[0] : t.a;
  for (int64_t d = 0; d < t.depth; ++d, b += t.b_step) {
    const T* a = first + t.step[d];
    Vec<T> bv[NV];
#pragma GCC unroll 3
    for (int j = 0; j < NV; ++j) bv[j] = load(b + j * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> av = splat(a[kNeighbours ? i : row[i]]);
#pragma GCC unroll 3
      for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 3
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

template <class T, int MR, int NV>
void image_rows(const ImageTile<T>& t) {
  Vec<T> acc[MR][NV];
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) acc[i][j] = t.start ? splat(t.start[i]) : Vec<T>{};
  for (int64_t s = 0; s < t.segments; ++s) {
    const T *a = t.a + s * t.a_segment, *segment = t.b + s * t.b_segment;
    for (int64_t d = 0; d < t.depth; ++d, a += MR) {
      const T* b = segment + t.step[d];
      Vec<T> bv[NV];
#pragma GCC unroll 6
      for (int j = 0; j < NV; ++j) bv[j] = load(b + j * t.b_column);
#pragma GCC unroll 6
      for (int i = 0; i < MR; ++i) {
        const Vec<T> av = splat(a[i]);
#pragma GCC unroll 6
        for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
      }
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) store(t.c + i * t.c_step + j * t.c_column, acc[i][j]);
}

template <class T, int MR, int NV>
void product_rows(const ImageProduct<T>& t) {
  constexpr int W = kLanes<T>;
  Vec<T> acc[MR][NV];
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) acc[i][j] = load(t.c + i * t.c_step + j * W);
  for (int64_t y = 0; y < t.height; ++y) {
    const T *a = t.a + y * t.a_row, *b = t.b + y * t.b_row;
    for (int64_t x = 0; x < t.width; ++x, a += W, b += t.b_column) {
      Vec<T> bv[NV];
#pragma GCC unroll 6
      for (int j = 0; j < NV; ++j) bv[j] = load(b + t.column[j]);
#pragma GCC unroll 6
      for (int i = 0; i < MR; ++i) {
        const Vec<T> av = load(a + i * t.a_step);
#pragma GCC unroll 6
        for (int j = 0; j < NV; ++j) acc[i][j] = fma(av, bv[j], acc[i][j]);
      }
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 6
    for (int j = 0; j < NV; ++j) store(t.c + i * t.c_step + j * W, acc[i][j]);
}

// f<rows, columns>() of an image tile.
template <int MR, class F>
void by_columns(int64_t columns, F&& f) {
  [&]<int... J>(std::integer_sequence<int, J...>) {
    ((columns == J + 1 && (f.template operator()<MR, J + 1>(), true)) || ...);
  }(std::make_integer_sequence<int, pixel_vectors(MR)>{});
}
template <class F>
void by_image_tile(int64_t rows, int64_t columns, F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) {
    ((rows == I + 1 && (by_columns<I + 1>(columns, f), true)) || ...);
  }(std::make_integer_sequence<int, kImageRows>{});
}

template <class T, int NV, bool kNeighbours>
void run_channel_rows(int64_t rows, const ChannelTile<T>& t) {
  [&]<int... I>(std::integer_sequence<int, I...>) {
    static constexpr void (*table[])(const ChannelTile<T>&) = {
        &channel_rows<T, I + 1, NV, kNeighbours>...};
    table[rows - 1](t);
  }(std::make_integer_sequence<int, tile_rows(NV)>{});
}
template <class T>
void run_channel_tile(int64_t rows, int64_t vectors, const ChannelTile<T>& t) {
  const bool neighbours = t.ascending && t.row[rows - 1] - t.row[0] == rows - 1;
  const auto run =
      vectors == 1   ? neighbours ? run_channel_rows<T, 1, true> : run_channel_rows<T, 1, false>
      : vectors == 2 ? neighbours ? run_channel_rows<T, 2, true> : run_channel_rows<T, 2, false>
      : neighbours   ? run_channel_rows<T, 3, true>
                     : run_channel_rows<T, 3, false>;
  run(rows, t);
}

template <class T, int... I>
void run_pixel_tile(int64_t rows, const PixelTile<T>& t, std::integer_sequence<int, I...>) {
  static constexpr void (*table[kTileRows])(const PixelTile<T>&) = {&pixel_rows<T, I + 1>...};
  table[rows - 1](t);
}

using Rows = std::make_integer_sequence<int, kTileRows>;

}  // namespace

void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<float>& t) {
  run_channel_tile(rows, vectors, t);
}
void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<double>& t) {
  run_channel_tile(rows, vectors, t);
}
void pixel_tile(int64_t rows, const PixelTile<float>& t) { run_pixel_tile(rows, t, Rows{}); }
void pixel_tile(int64_t rows, const PixelTile<double>& t) { run_pixel_tile(rows, t, Rows{}); }

void image_tile(int64_t rows, int64_t columns, const ImageTile<float>& t) {
  by_image_tile(rows, columns, [&]<int MR, int NV>() { image_rows<float, MR, NV>(t); });
}
void image_tile(int64_t rows, int64_t columns, const ImageTile<double>& t) {
  by_image_tile(rows, columns, [&]<int MR, int NV>() { image_rows<double, MR, NV>(t); });
}
void image_product(int64_t rows, int64_t columns, const ImageProduct<float>& t) {
  by_image_tile(rows, columns, [&]<int MR, int NV>() { product_rows<float, MR, NV>(t); });
}
void image_product(int64_t rows, int64_t columns, const ImageProduct<double>& t) {
  by_image_tile(rows, columns, [&]<int MR, int NV>() { product_rows<double, MR, NV>(t); });
}

}  // namespace pygrad::cpu::PG_ISA_NS
