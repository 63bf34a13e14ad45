// Crosswise operands of the block driver (blocks.cpp), such as x.t() in x + x.t().
//
// Inputs that are packed along another dimension than the output. Walking along the output's rows
// would touch a cache line for every element, so tiles are turned: a line's worth of rows by kBlock
// columns, of which every line is read once.
#pragma once

#include "kernels/cpu/block_job.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTileBytes = kBlock * 64;
constexpr int64_t kTileMin = 16;  // columns and rows below which it does not pay

struct Tiling {
  int dim = 0;   // the other dimension; 0: there are no such operands
  int64_t rows;  // of a tile
  bool crosswise[kMaxOperands];
};

Tiling find_tiling(const BlockJob& job, const View* const* views) {
  Tiling tiling;
  const Nest<kMaxOperands>& nest = job.nest;
  if (nest.sizes[0] < kTileMin) return tiling;
  for (int k = 0; k < job.count; ++k) {
    tiling.crosswise[k] = false;
    const int64_t item = int64_t(item_size(views[k]->dtype)), step = nest.strides[k][0];
    if (k == 0 || (step < 2 * item && step > -2 * item)) continue;
    for (int d = 1; d < nest.ndim; ++d) {
      if (nest.strides[k][d] != item || nest.sizes[d] < kTileMin) continue;
      if (tiling.dim != 0 && tiling.dim != d) continue;
      tiling.rows = tiling.dim == 0 || 64 / item < tiling.rows ? 64 / item : tiling.rows;
      tiling.dim = d;
      tiling.crosswise[k] = true;
    }
  }
  return tiling;
}

// to[r][c] = from[c][r]: `rows` packed elements out of each of `columns` places `stride` bytes
// apart.
template <class Word>
void turn(char* to_, const char* from, int64_t stride, int64_t rows, int64_t columns) {
  Word* to = as<Word>(to_);
  int64_t c = 0;
  if constexpr (sizeof(Word) == 4) {
    typedef Word Four __attribute__((vector_size(16)));
    for (; c + 4 <= columns; c += 4) {
      const char* p = from + c * stride;
      int64_t r = 0;
      for (; r + 4 <= rows; r += 4) {
        Four x[4];
        for (int i = 0; i < 4; ++i) memcpy(&x[i], p + i * stride + r * 4, 16);
        const Four a = __builtin_shuffle(x[0], x[1], Four{0, 4, 1, 5});
        const Four b = __builtin_shuffle(x[2], x[3], Four{0, 4, 1, 5});
        const Four d = __builtin_shuffle(x[0], x[1], Four{2, 6, 3, 7});
        const Four e = __builtin_shuffle(x[2], x[3], Four{2, 6, 3, 7});
        x[0] = __builtin_shuffle(a, b, Four{0, 1, 4, 5});
        x[1] = __builtin_shuffle(a, b, Four{2, 3, 6, 7});
        x[2] = __builtin_shuffle(d, e, Four{0, 1, 4, 5});
        x[3] = __builtin_shuffle(d, e, Four{2, 3, 6, 7});
        for (int i = 0; i < 4; ++i) memcpy(to + (r + i) * columns + c, &x[i], 16);
      }
      for (; r < rows; ++r) {
        for (int i = 0; i < 4; ++i) memcpy(to + r * columns + c + i, p + i * stride + r * 4, 4);
      }
    }
  }
  for (; c < columns; ++c) {
    const Word* line = reinterpret_cast<const Word*>(from + c * stride);
    for (int64_t r = 0; r < rows; ++r) to[r * columns + c] = line[r];
  }
}

void turn_words(int64_t item, char* to, const char* from, int64_t stride, int64_t rows,
                int64_t columns) {
  switch (item) {
    case 1:
      return turn<uint8_t>(to, from, stride, rows, columns);
    case 2:
      return turn<uint16_t>(to, from, stride, rows, columns);
    case 4:
      return turn<uint32_t>(to, from, stride, rows, columns);
    case 8:
      return turn<uint64_t>(to, from, stride, rows, columns);
    default:
      return turn<Complex128>(to, from, stride, rows, columns);
  }
}

// `rows` rows of `columns` elements, whose first element stands at data[k].
void run_tile(const BlockJob& job, const Tiling& tiling, char* const* data, int64_t rows,
              int64_t columns) {
  alignas(64) char buffers[kMaxOperands][kBlock * 16];
  alignas(64) char turned[kMaxOperands][kTileBytes];
  const Nest<kMaxOperands>& nest = job.nest;
  for (int k = 1; k < job.count; ++k) {
    if (!tiling.crosswise[k]) continue;
    turn_words(job.storage_item[k], turned[k], data[k], nest.strides[k][0], rows, columns);
  }
  for (int64_t r = 0; r < rows; ++r) {
    char* operands[kMaxOperands];
    bool scatter = false;
    for (int k = 0; k < job.count; ++k) {
      const bool crosswise = tiling.crosswise[k], one = k != 0 && k == job.number;
      const int64_t step = crosswise ? job.storage_item[k] : nest.strides[k][0];
      char* p =
          crosswise ? turned[k] + r * columns * step : data[k] + r * nest.strides[k][tiling.dim];
      operands[k] = p;
      if (job.same_type[k] && (one || step == job.item[k])) continue;
      operands[k] = buffers[k];
      if (k == 0) {
        scatter = true;
      } else {
        job.load[k](buffers[k], p, step, one ? 1 : columns);
      }
    }
    job.row_loop(operands, columns, job.params);
    if (scatter) {
      job.store(data[0] + r * nest.strides[0][tiling.dim], nest.strides[0][0], buffers[0], columns);
    }
  }
}

void run_tiles(const BlockJob& job, const Tiling& tiling, int64_t grain) {
  const Nest<kMaxOperands>& nest = job.nest;
  const int64_t rows = nest.sizes[tiling.dim], columns = nest.sizes[0];
  const int64_t row_tiles = (rows + tiling.rows - 1) / tiling.rows;
  const int64_t column_tiles = (columns + kBlock - 1) / kBlock;
  const int64_t per_plane = row_tiles * column_tiles;
  const int64_t tile = tiling.rows * (columns < kBlock ? columns : kBlock);
  parallel_for(
      nest.numel / (rows * columns) * per_plane, grain / tile, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          const int64_t c = t % column_tiles * kBlock;
          const int64_t r = t / column_tiles % row_tiles * tiling.rows;
          char* data[kMaxOperands];
          for (int k = 0; k < job.count; ++k) {
            data[k] = nest.data[k] + c * nest.strides[k][0] + r * nest.strides[k][tiling.dim];
            int64_t plane = t / per_plane;
            for (int d = 1; d < nest.ndim; ++d) {
              if (d == tiling.dim) continue;
              data[k] += plane % nest.sizes[d] * nest.strides[k][d];
              plane /= nest.sizes[d];
            }
          }
          run_tile(job, tiling, data, rows - r < tiling.rows ? rows - r : tiling.rows,
                   columns - c < kBlock ? columns - c : kBlock);
        }
      });
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
