// The two register tiles of convolution. Both find one operand through a table of offsets, so that
// shifted windows of an image are multiplied where they lie and nothing is gathered beforehand.
//
//   channel tile  a row per pixel, a lane per channel: pixels are broadcast from any address, which
//                 suits every stride, dilation, width and layout; the weights are the panel
//   pixel tile    a row per channel, a lane per pixel: runs of neighbouring pixels are loaded as
//                 they lie; for results of fewer channels than a vector has lanes
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
constexpr int kTileVectors = 2;  // of a channel tile

// c[i * c_step + l] = start + sum over d of a[row[i] + step[d]] * b[d * b_step + l]
template <class T>
struct ChannelTile {
  int64_t depth;
  const T* a;
  const int64_t *row, *step;
  const T* b;
  int64_t b_step;
  const T* start;  // of row i at start + i * start_step, or null for zero; may be c
  int64_t start_step;
  T* c;
  int64_t c_step;
};
// `rows` up to kTileRows, `vectors` 1 or 2.
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

}  // namespace pygrad::cpu::PG_ISA_NS
