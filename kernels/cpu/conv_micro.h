// The register tiles of convolution. They find one operand through a table of offsets, so that
// shifted windows of an image are multiplied where they lie and nothing is gathered beforehand.
//
//   channel tile  a row per pixel, a lane per channel: pixels are broadcast from any address, which
//                 suits every stride, dilation, width and layout; the weights are the panel
//   pixel tile    a row per channel, a lane per pixel: runs of neighbouring pixels are loaded as
//                 they lie; for results of fewer channels than a vector has lanes
//   image tile    a row per channel, a column per pixel, a lane per image: for batches of small
//                 images that have been turned round; and the product of two such batches
//
// Every sum is one chain of fused multiply-adds in the order of the depth, whatever its place in a
// tile.
#pragma once

#include "kernels/cpu/gemm_vector.h"

namespace pygrad::cpu::PG_ISA_NS {

#if defined(__AVX512F__)
constexpr int kVectorRegisters = 32;
constexpr int kTileRows = 14;
#elif defined(__AVX2__)
constexpr int kVectorRegisters = 16;
constexpr int kTileRows = 6;
#else
constexpr int kVectorRegisters = 16;
constexpr int kTileRows = 4;
#endif
constexpr int kTileVectors = 2;  // of most channel tiles
// Rows of a channel tile of so many vectors, 1 to 3.
constexpr int tile_rows(int64_t vectors) {
  return vectors == 3 ? (kVectorRegisters - 4) / 3 : kTileRows;
}

// c[i * c_step + l] = start + sum over d of a[row[i] + step[d]] * b[d * b_step + l]
template <class T>
struct ChannelTile {
  int64_t depth;
  const T* a;
  const int64_t *row, *step;
  bool ascending;  // row[0] < row[1] < ...: then neighbours are known by the first and the last
  const T* b;
  int64_t b_step;
  const T* start;  // of row i at start + i * start_step, or null for zero; may be c
  int64_t start_step;
  T* c;
  int64_t c_step;
};
// `rows` up to tile_rows(vectors). Neighbours are found without the table.
void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<float>& t);
void channel_tile(int64_t rows, int64_t vectors, const ChannelTile<double>& t);

// The width of a pixel tile in vectors: as many as the registers hold.
constexpr int pixel_vectors(int64_t rows) {
  const int fit = int((kVectorRegisters - 1) / (rows + 1));
  return fit > 6 ? 6 : fit;
}

// c[i * c_step + l] = start[i] + sum over d of a[d * rows + i] * b[step[d] + l], for
// l < pixel_vectors(rows) * kLanes<T>
template <class T>
struct PixelTile {
  int64_t depth;
  const T* a;
  const T* b;
  const int64_t* step;
  const T* start;  // null for zero
  T* c;
  int64_t c_step;
};
void pixel_tile(int64_t rows, const PixelTile<float>& t);
void pixel_tile(int64_t rows, const PixelTile<double>& t);

// Image tiles have up to kImageRows rows and pixel_vectors(rows) columns.
constexpr int kImageRows = 6;

// c[i * c_step + j * c_column + l] = start[i] + sum over s < segments, d < depth of
//   a[s * a_segment + d * rows + i] * b[s * b_segment + step[d] + j * b_column + l],
// for the W lanes l
template <class T>
struct ImageTile {
  int64_t segments, depth;
  const T *a, *b;
  int64_t a_segment, b_segment, b_column;
  const int64_t* step;
  const T* start;  // null for zero
  T* c;
  int64_t c_step, c_column;
};
void image_tile(int64_t rows, int64_t columns, const ImageTile<float>& t);
void image_tile(int64_t rows, int64_t columns, const ImageTile<double>& t);

// c[i * c_step + j * W + l] += sum over y < height, x < width of
//   a[i * a_step + y * a_row + x * W + l] * b[column[j] + y * b_row + x * b_column + l]
template <class T>
struct ImageProduct {
  int64_t height, width;
  const T* a;
  int64_t a_step, a_row;
  const T* b;
  const int64_t* column;
  int64_t b_row, b_column;
  T* c;
  int64_t c_step;
};
void image_product(int64_t rows, int64_t columns, const ImageProduct<float>& t);
void image_product(int64_t rows, int64_t columns, const ImageProduct<double>& t);

}  // namespace pygrad::cpu::PG_ISA_NS
