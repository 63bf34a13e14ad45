// copy: any dtype and strides into any dtype and strides.
//
// Equal dtypes are moved as words of 1 to 16 bytes. After coalescing there are three cases: runs
// that are packed on both sides; a transpose, where the packed dimensions differ, with the
// remaining dimensions around it; and single words at two strides.
//
// Parallel plan: chunks of the flattened nest or tiles of a transpose, by size alone.
// Memory plan: a transpose goes by tiles of 64 rows, read in long pieces, through registers
// (transpose.h). Large results are streamed: tiles of a transpose then pass through L1, so that
// they leave it in whole lines, and the tile after is prefetched. Other dtypes pass through an 8
// KiB block in the type that holds every value of the input (int64, float, double or complex
// double).
#include "kernels/cpu/blocks.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/cpu/transpose.h"
#include "kernels/cpu/words.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTileRows = 64;
constexpr int64_t kTileBytes = 1024;  // of a row in a tile
constexpr int64_t kFetchAhead = 256;  // bytes of a row
constexpr int64_t kConflict = 2048;   // more than kWays lines so far apart evict each other from L1
constexpr int64_t kWays = 8;

PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Rows of one line each, moved to where they do not evict each other.
PG_HOST_INLINE void pack_lines(char* to, const char* from, int64_t step, int64_t rows,
                               int64_t bytes) {
  for (int64_t r = 0; r < rows; ++r) {
    if (bytes == 64) {
      memcpy(to + r * 64, from + r * step, 64);
    } else {
      memcpy(to + r * 64, from + r * step, size_t(bytes));
    }
  }
}

// A tile by pieces of a line's width, packed first. Columns that are streamed, or conflict, leave
// in long runs; when streamed, the rows further on are fetched meanwhile.
template <class Word>
void transpose_tile(char* out, int64_t out_step, const char* in, int64_t in_step, int64_t rows,
                    int64_t cols, bool streamed) {
  constexpr int64_t kItem = sizeof(Word), kLine = 64 / kItem;
  alignas(64) char packed[kTileRows * 64];
  alignas(64) char lines[kLine][kTileRows * kItem];
  for (int64_t c = 0; c < cols; c += kLine) {
    const char* from = in + c * kItem;
    if (streamed) {
      for (int64_t r = 0; r < rows; ++r) __builtin_prefetch(from + r * in_step + kFetchAhead);
    }
    const int64_t n = least(kLine, cols - c);
    pack_lines(packed, from, in_step, rows, n * kItem);
    if (!streamed && n == kLine && out_step % kConflict != 0) {
      transpose_block<Word>(out + c * out_step, out_step, packed, 64, rows, n);
      continue;
    }
    // Columns beyond n hold whatever was there and are not stored.
    transpose_block<Word>(lines[0], sizeof lines[0], packed, 64, rows, kLine);
    for (int64_t j = 0; j < n; ++j) {
      char* to = out + (c + j) * out_step;
      if (streamed) {
        stream_copy(to, lines[j], rows * kItem);
      } else {
        memcpy(to, lines[j], size_t(rows * kItem));
      }
    }
  }
}

// The output packed in dimension 0, the input in dimension 1 and with at least kBlockCols elements
// there; the other dimensions number the planes.
template <class Word>
void transpose_planes(const Nest<2>& nest, bool streamed) {
  constexpr int64_t kItem = sizeof(Word), kTileCols = kTileBytes / kItem;
  const int64_t rows = nest.sizes[0], cols = nest.sizes[1];
  const int64_t out_step = nest.strides[0][1], in_step = nest.strides[1][0];
  const int64_t row_tiles = (rows + kTileRows - 1) / kTileRows;
  // A last tile of too few columns for a block is part of the one before.
  const int64_t col_tiles = cols < kTileCols ? 1 : (cols - kBlockCols<Word>) / kTileCols + 1;
  const bool conflicts =
      (in_step % kConflict == 0 && rows > kWays) || (out_step % kConflict == 0 && cols > kWays);
  const int64_t per_plane = row_tiles * col_tiles;
  const int64_t tile_size = least(rows, kTileRows) * least(cols, kTileCols);
  parallel_for(nest.numel / (rows * cols) * per_plane, kGrain / tile_size,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   int64_t plane = t / per_plane;
                   const int64_t tile = t % per_plane;
                   const int64_t r = tile / col_tiles * kTileRows, c = tile % col_tiles * kTileCols;
                   const char* in = nest.data[1] + r * in_step + c * kItem;
                   char* out = nest.data[0] + c * out_step + r * kItem;
                   for (int d = 2; d < nest.ndim; ++d) {
                     const int64_t i = plane % nest.sizes[d];
                     plane /= nest.sizes[d];
                     out += i * nest.strides[0][d];
                     in += i * nest.strides[1][d];
                   }
                   const int64_t m = least(kTileRows, rows - r);
                   const int64_t n = tile % col_tiles + 1 < col_tiles ? kTileCols : cols - c;
                   if (streamed || conflicts) {
                     transpose_tile<Word>(out, out_step, in, in_step, m, n, streamed);
                   } else {
                     transpose_block<Word>(out, out_step, in, in_step, m, n);
                   }
                 }
                 if (streamed) stream_fence();
               });
}

// n words at two strides in bytes. A word made of several elements has their alignment.
template <class Word>
PG_HOST_INLINE void move_words(char* to, int64_t to_step, const char* from, int64_t from_step,
                               int64_t n) {
  if (to_step == int64_t(sizeof(Word))) return pick_words<Word>(to, from, from_step, n);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) memcpy(to + i * to_step, from + i * from_step, sizeof(Word));
}

template <class Word>
void move_rows(const Nest<2>& nest, bool streamed) {
  constexpr int64_t kItem = sizeof(Word), kShort = 1024;  // bytes of a row
  constexpr int64_t kFew = 6, kRows = 256;                // elements of a row
  const int64_t size = nest.sizes[0], bytes = size * kItem;
  const int64_t to = nest.strides[0][0], from = nest.strides[1][0];
  const bool packed = to == kItem && from == kItem;
  if (nest.ndim > 1 && bytes <= kShort) {
    const int64_t to_step = nest.strides[0][1], from_step = nest.strides[1][1];
    parallel_for(nest.numel / size, kGrain / size, [&](int64_t begin, int64_t end) {
      for_each_row_run(nest, begin, end, [&](char* const* p, int64_t rows) {
        if (packed) return copy_rows(p[0], to_step, p[1], from_step, rows, bytes);
        if (size > kFew) {
          for (int64_t r = 0; r < rows; ++r) {
            move_words<Word>(p[0] + r * to_step, to, p[1] + r * from_step, from, size);
          }
          return;
        }
        for (int64_t r = 0; r < rows; r += kRows) {  // by columns of rows in L1
          for (int64_t i = 0; i < size; ++i) {
            move_words<Word>(p[0] + r * to_step + i * to, to_step, p[1] + r * from_step + i * from,
                             from_step, least(kRows, rows - r));
          }
        }
      });
    });
    return;
  }
  const int64_t grain = (kGrain + kBlock - 1) / kBlock * kBlock;
  const bool line_rows = streamed && bytes >= 1024;
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
    for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
      if (!packed) {
        move_words<Word>(p[0], to, p[1], from, n);
      } else if (line_rows) {
        stream_copy(p[0], p[1], n * kItem);
      } else {
        memcpy(p[0], p[1], size_t(n * kItem));
      }
    });
    if (line_rows) stream_fence();
  });
}

void drop_dim(Nest<2>& nest, int d) {
  --nest.ndim;
  for (; d < nest.ndim; ++d) {
    nest.sizes[d] = nest.sizes[d + 1];
    for (auto& s : nest.strides) s[d] = s[d + 1];
  }
}

template <class Word>
void move_nest(Nest<2>& nest, bool streamed) {
  constexpr int64_t kItem = sizeof(Word);
  if (nest.strides[0][0] == kItem && nest.strides[1][0] != kItem && nest.strides[1][0] != 0) {
    for (int d = 1; d < nest.ndim; ++d) {
      if (nest.strides[1][d] != kItem || nest.sizes[d] < kBlockCols<Word>) continue;
      const auto swap = [&](int64_t* list) {
        const int64_t t = list[1];
        list[1] = list[d];
        list[d] = t;
      };
      swap(nest.sizes);
      swap(nest.strides[0]);
      swap(nest.strides[1]);
      return transpose_planes<Word>(nest, streamed);
    }
  }
  move_rows<Word>(nest, streamed);
}

void move(Nest<2>& nest, int64_t item) {
  const bool streamed = nest.data[0] != nest.data[1] && is_streamed(nest.numel * item);
  // Short packed runs are words themselves.
  while (nest.ndim > 1 && nest.strides[0][0] == item && nest.strides[1][0] == item) {
    const int64_t run = nest.sizes[0] * item;
    if (run > 16 || (run & (run - 1)) != 0) break;
    nest.numel /= nest.sizes[0];
    drop_dim(nest, 0);
    item = run;
  }
  switch (item) {
    case 1:
      return move_nest<uint8_t>(nest, streamed);
    case 2:
      return move_nest<uint16_t>(nest, streamed);
    case 4:
      return move_nest<uint32_t>(nest, streamed);
    case 8:
      return move_nest<uint64_t>(nest, streamed);
    default:
      return move_nest<Pair>(nest, streamed);
  }
}

// Short rows share blocks, as in a pointwise op.
void convert_blocks(const View& out, const View& in, DType through) {
  struct Params {
    StoreRun store;
    int64_t item;
  };
  const Params params = {store_run(out.dtype, through), int64_t(item_size(out.dtype))};
  const BlockOperand operands[] = {{&out, out.dtype}, {&in, through}};
  run_blocks(
      operands, 2,
      [](char* const* p, int64_t n, const void* params) {
        const Params& to = *static_cast<const Params*>(params);
        to.store(p[0], to.item, p[1], n);
      },
      &params, 1);
}

void convert(const Nest<2>& nest, const View& out, const View& in) {
  constexpr int64_t kShort = 64;  // elements of a row
  const DType to_type = out.dtype, from_type = in.dtype;
  // Small integers are exact as floats too, and those are fewer bytes than int64.
  const DType through = is_floating(to_type) && to_type != DType::Float64 &&
                                is_integral(from_type) && item_size(from_type) <= 2
                            ? DType::Float32
                            : compute_dtype(from_type);
  if (nest.ndim > 1 && nest.sizes[0] < kShort) return convert_blocks(out, in, through);
  const LoadRun load = load_run(through, from_type);
  const StoreRun store = store_run(to_type, through);
  const int64_t item = int64_t(item_size(to_type)), through_item = int64_t(item_size(through));
  const int64_t to = nest.strides[0][0], from = nest.strides[1][0];
  const bool packed = to == item;
  const bool from_through = through == from_type && from == through_item;
  const bool streamed = packed && nest.sizes[0] * item >= 1024 && is_streamed(nest.numel * item);
  const int64_t grain = (kGrain + kBlock - 1) / kBlock * kBlock;
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
    alignas(64) char values[kBlock * 16], results[kBlock * 16];
    for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
      if (through == to_type && packed && !streamed) {
        load(p[0], p[1], from, n);
        return;
      }
      for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t m = least(kBlock, n - i);
        const char* v = from_through ? p[1] + i * from : values;
        if (!from_through) load(values, p[1] + i * from, from, m);
        char* target = p[0] + i * to;
        if (!streamed) {
          store(target, to, v, m);
        } else {
          if (through != to_type) store(results, item, v, m);
          stream_copy(target, through == to_type ? v : results, m * item);
        }
      }
    });
    if (streamed) stream_fence();
  });
}

}  // namespace

void copy(const View& out, const View& in) {
  const View* views[] = {&out, &in};
  Nest<2> nest = make_nest(views);
  if (nest.numel == 0) return;
  if (out.dtype == in.dtype) {
    move(nest, int64_t(item_size(out.dtype)));
  } else {
    convert(nest, out, in);
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
