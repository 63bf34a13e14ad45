// The block driver declared in blocks.h.
//
// Parallel plan: the flattened positions of the nest are cut into chunks of whole blocks, by size
// and cost alone; with crosswise operands (such as x.t() in x + x.t()) the work is cut into tiles
// instead. Memory plan: one buffer of kBlock elements per gathered operand on the stack (8 KiB at
// most each), 32 KiB per crosswise operand; nothing is allocated. Outputs of calls larger than the
// last cache are computed into such a buffer too and streamed out (stream.h).
#include "kernels/cpu/blocks.h"

#include "kernels/cpu/stream.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Rows at least this long are handed over one by one; shorter ones are gathered into common blocks.
constexpr int64_t kRowMin = 64;

struct BlockJob {
  Nest<kMaxOperands> nest;
  int count;
  BlockLoop loop;      // for packed operands
  BlockLoop row_loop;  // for pieces of one row
  int number;          // the operand of which row_loop takes one number a row, or 0
  bool stream;
  const void* params;
  LoadRun load[kMaxOperands];
  StoreRun store;
  int64_t item[kMaxOperands];  // bytes of an element in the type computed in
  int64_t storage_item[kMaxOperands];
  bool same_type[kMaxOperands];
  bool packed[kMaxOperands];  // right type and without gaps through the whole nest: passed in place
  bool fixed[kMaxOperands];   // one element for all: its buffer is filled once a chunk
};

// Moves `n` elements of operand k between its place and the buffer, row piece by row piece.
template <class Move>
PG_HOST_INLINE void for_each_piece(const BlockJob& job, int k, const int64_t* index, int64_t n,
                                   Move&& move) {
  const Nest<kMaxOperands>& nest = job.nest;
  const int64_t* strides = nest.strides[k];
  int64_t at[kMaxDims];
  char* p = nest.data[k];
  for (int d = 0; d < nest.ndim; ++d) {
    at[d] = index[d];
    p += at[d] * strides[d];
  }
  for (int64_t done = 0; done < n;) {
    int64_t piece = nest.sizes[0] - at[0];
    if (piece > n - done) piece = n - done;
    move(p, done, piece);
    done += piece;
    at[0] += piece;
    p += piece * strides[0];
    for (int d = 0; at[d] == nest.sizes[d] && d + 1 < nest.ndim; ++d) {
      at[d] = 0;
      ++at[d + 1];
      p += strides[d + 1] - nest.sizes[d] * strides[d];
    }
  }
}

void run_chunk(const BlockJob& job, int64_t begin, int64_t end) {
  alignas(64) char buffers[kMaxOperands][kBlock * 16];
  const Nest<kMaxOperands>& nest = job.nest;
  char* operands[kMaxOperands];
  bool whole = !job.stream;  // every operand in place: one call does the chunk
  for (int k = 0; k < job.count; ++k) {
    whole = whole && job.packed[k];
    operands[k] = nest.data[k] + begin * job.item[k];
  }
  if (whole) {
    job.loop(operands, end - begin, job.params);
    return;
  }
  const bool by_rows = nest.sizes[0] >= kRowMin || nest.ndim == 1;
  const BlockLoop loop = by_rows ? job.row_loop : job.loop;
  const int number = by_rows ? job.number : 0;
  for (int k = 1; k < job.count; ++k) {
    if (!job.fixed[k]) continue;
    job.load[k](buffers[k], nest.data[k], 0, end - begin < kBlock ? end - begin : kBlock);
  }
  int64_t index[kMaxDims];
  int64_t rest = begin;
  for (int d = 0; d < nest.ndim; ++d) {
    index[d] = d + 1 < nest.ndim ? rest % nest.sizes[d] : rest;
    if (d + 1 < nest.ndim) rest /= nest.sizes[d];
  }
  for (int64_t at = begin; at < end;) {
    int64_t n = end - at < kBlock ? end - at : kBlock;
    if (by_rows && nest.sizes[0] - index[0] < n) n = nest.sizes[0] - index[0];
    bool scatter = false;
    for (int k = 0; k < job.count; ++k) {
      if (job.packed[k] && !(k == 0 && job.stream)) {
        operands[k] = nest.data[k] + at * job.item[k];
        continue;
      }
      operands[k] = buffers[k];
      if (job.fixed[k] || (k == 0 && job.stream)) continue;
      if (by_rows) {
        char* p = nest.data[k];
        for (int d = 0; d < nest.ndim; ++d) p += index[d] * nest.strides[k][d];
        const bool one = k != 0 && k == number;
        if (job.same_type[k] && (one || nest.strides[k][0] == job.item[k])) {
          operands[k] = p;
        } else if (k == 0) {
          scatter = true;
        } else {
          job.load[k](buffers[k], p, nest.strides[k][0], one ? 1 : n);
        }
      } else if (k == 0) {
        scatter = true;
      } else {
        for_each_piece(job, k, index, n, [&](char* p, int64_t done, int64_t piece) {
          job.load[k](buffers[k] + done * int64_t(job.item[k]), p, nest.strides[k][0], piece);
        });
      }
    }
    loop(operands, n, job.params);
    if (job.stream) {
      stream_copy(nest.data[0] + at * job.item[0], buffers[0], n * job.item[0]);
    } else if (scatter) {
      for_each_piece(job, 0, index, n, [&](char* p, int64_t done, int64_t piece) {
        job.store(p, nest.strides[0][0], buffers[0] + done * int64_t(job.item[0]), piece);
      });
    }
    at += n;
    index[0] += n;
    for (int d = 0; index[d] >= nest.sizes[d] && d + 1 < nest.ndim; ++d) {
      const int64_t carry = index[d] / nest.sizes[d];
      index[d] -= carry * nest.sizes[d];
      index[d + 1] += carry;
    }
  }
  if (job.stream) stream_fence();
}

// --- crosswise operands -------------------------------------------------------------------------

// Inputs that are packed along another dimension than the output. Walking along the output's rows
// would touch a cache line for every element, so tiles are turned: a line's worth of rows by kBlock
// columns, of which every line is read once.
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

// --- the driver ---------------------------------------------------------------------------------

// The output does not lie in an input, and does not fit into the cache together with them.
bool worth_streaming(const BlockOperand* operands, int count, int64_t numel) {
  int64_t bytes = 0;
  for (int k = 0; k < count; ++k) {
    const View& view = *operands[k].view;
    if (k > 0 && view.data == operands[0].view->data) return false;
    bool broadcast = false;
    for (int d = 0; d < view.ndim; ++d) broadcast |= view.strides[d] == 0 && view.sizes[d] > 1;
    if (!broadcast) bytes += numel * int64_t(item_size(view.dtype));
  }
  return bytes > stream_threshold();
}

// One element for all positions.
PG_HOST_INLINE bool is_number(const View& view) {
  for (int d = 0; d < view.ndim; ++d) {
    if (view.strides[d] != 0 && view.sizes[d] != 1) return false;
  }
  return true;
}

// The common case, first because small calls should stay cheap: every operand packed in row-major
// order, but for one number where the op has a loop for it. False where it is not the case.
PG_HOST_INLINE bool run_plain(const BlockOperand* operands, int count, BlockLoop loop,
                              const void* params, int64_t grain, NumberLoops number_loops) {
  int number = 0;
  for (int k = 0; k < count; ++k) {
    if (operands[k].view->dtype != operands[k].compute) return false;
    if (operands[k].view->is_contiguous()) continue;
    const BlockLoop own = k == 1 ? number_loops.first : k == 2 ? number_loops.second : nullptr;
    if (!own || number != 0 || !is_number(*operands[k].view)) return false;
    number = k;
    loop = own;
  }
  const int64_t numel = operands[0].view->numel();
  int64_t item[kMaxOperands];
  for (int k = 0; k < count; ++k) {
    item[k] = k == number && k != 0 ? 0 : int64_t(item_size(operands[k].compute));
  }
  const bool stream = numel > grain && worth_streaming(operands, count, numel);
  parallel_for(numel, grain, [&](int64_t begin, int64_t end) {
    char* at[kMaxOperands];
    for (int k = 0; k < count; ++k) at[k] = operands[k].view->ptr<char>() + begin * item[k];
    if (!stream) {
      loop(at, end - begin, params);
      return;
    }
    alignas(64) char block[4096];
    char* out = at[0];
    at[0] = block;
    for (int64_t n, left = end - begin; left > 0; left -= n) {
      n = int64_t(sizeof block) / item[0];
      if (n > left) n = left;
      loop(at, n, params);
      stream_copy(out, block, n * item[0]);
      out += n * item[0];
      for (int k = 1; k < count; ++k) at[k] += n * item[k];
    }
    stream_fence();
  });
  return true;
}

}  // namespace

void run_blocks(const BlockOperand* operands, int count, BlockLoop loop, const void* params,
                int cost, NumberLoops number_loops) {
  int64_t grain = kGrain / (cost < 1 ? 1 : cost);
  grain = (grain + kBlock - 1) / kBlock * kBlock;
  if (run_plain(operands, count, loop, params, grain, number_loops)) return;
  BlockJob job;
  job.count = count;
  job.loop = job.row_loop = loop;
  job.number = 0;
  job.params = params;
  const View* views[kMaxOperands] = {};
  for (int k = 0; k < count; ++k) views[k] = operands[k].view;
  Nest<kMaxOperands>& nest = job.nest;
  build_nest(views, count, Order::free, nest.ndim, nest.numel, nest.sizes, &nest.strides[0][0],
             nest.data);
  if (nest.numel == 0) return;
  for (int k = 0; k < count; ++k) {
    const DType storage = views[k]->dtype, compute = operands[k].compute;
    job.item[k] = int64_t(item_size(compute));
    job.storage_item[k] = int64_t(item_size(storage));
    job.same_type[k] = storage == compute;
    job.load[k] = k == 0 ? nullptr : load_run(compute, storage);
    bool packed = job.same_type[k], fixed = k != 0;
    int64_t expected = job.item[k];
    for (int d = 0; d < nest.ndim; ++d) {
      packed = packed && nest.strides[k][d] == expected;
      fixed = fixed && nest.strides[k][d] == 0;
      expected *= nest.sizes[d];
    }
    job.packed[k] = packed;
    job.fixed[k] = fixed && !packed;
    const BlockLoop own = k == 1 ? number_loops.first : k == 2 ? number_loops.second : nullptr;
    if (own && job.number == 0 && !packed && nest.strides[k][0] == 0) {
      job.row_loop = own;
      job.number = k;
    }
  }
  job.store = store_run(views[0]->dtype, operands[0].compute);
  const Tiling tiling = find_tiling(job, views);
  if (tiling.dim != 0) return run_tiles(job, tiling, grain);
  job.stream = job.packed[0] && worth_streaming(operands, count, nest.numel);
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) { run_chunk(job, begin, end); });
}

}  // namespace pygrad::cpu::PG_ISA_NS
