// copy: any dtype and strides into any dtype and strides.
//
// Parallel plan: chunks of the flattened nest, by size alone; transposes go by square tiles
// instead. Memory plan: equal dtypes move straight (memcpy for packed rows); others pass through an
// 8 KiB block in the type that holds every value of the input (int64, float, double or complex
// double). A transpose moves 32 x 32 tiles, so that each cache line of the far-strided side is used
// while it is still in the L1 cache.
#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTile = 32;

// Two innermost dimensions, the output's contiguous in the first and the input's in the second.
template <class Word>
void transpose_tiles(const Nest<2>& nest) {
  const int64_t rows = nest.sizes[1], cols = nest.sizes[0];
  const int64_t out_step = nest.strides[0][1], in_step = nest.strides[1][0];
  const int64_t row_tiles = (rows + kTile - 1) / kTile, col_tiles = (cols + kTile - 1) / kTile;
  const int64_t per_plane = row_tiles * col_tiles;
  parallel_for(nest.numel / (rows * cols) * per_plane, kGrain / (kTile * kTile),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   int64_t plane = t / per_plane;
                   const int64_t tile = t % per_plane;
                   const char* in = nest.data[1];
                   char* out = nest.data[0];
                   for (int d = 2; d < nest.ndim; ++d) {
                     const int64_t i = plane % nest.sizes[d];
                     plane /= nest.sizes[d];
                     out += i * nest.strides[0][d];
                     in += i * nest.strides[1][d];
                   }
                   const int64_t r0 = tile / col_tiles * kTile, c0 = tile % col_tiles * kTile;
                   const int64_t r1 = r0 + kTile < rows ? r0 + kTile : rows,
                                 c1 = c0 + kTile < cols ? c0 + kTile : cols;
                   for (int64_t r = r0; r < r1; ++r) {
                     Word* to = reinterpret_cast<Word*>(out + r * out_step);
                     const char* from = in + r * int64_t(sizeof(Word));
                     for (int64_t c = c0; c < c1; ++c)
                       to[c] = *reinterpret_cast<const Word*>(from + c * in_step);
                   }
                 }
               });
}

}  // namespace

void copy(const View& out, const View& in) {
  const View* views[] = {&out, &in};
  const Nest<2> nest = make_nest(views);
  if (nest.numel == 0) return;
  const int64_t item = int64_t(item_size(out.dtype));
  const int64_t grain = (kGrain + kBlock - 1) / kBlock * kBlock;
  if (out.dtype == in.dtype) {
    if (nest.ndim >= 2 && nest.strides[0][0] == item && nest.strides[1][1] == item &&
        nest.strides[1][0] > item && nest.sizes[0] >= 8 && nest.sizes[1] >= 8) {
      switch (item) {
        case 1:
          return transpose_tiles<uint8_t>(nest);
        case 2:
          return transpose_tiles<uint16_t>(nest);
        case 4:
          return transpose_tiles<uint32_t>(nest);
        case 8:
          return transpose_tiles<uint64_t>(nest);
        default:
          return transpose_tiles<Complex128>(nest);
      }
    }
    const LoadRun load = load_run(in.dtype, in.dtype);
    const StoreRun store = store_run(out.dtype, out.dtype);
    parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
      for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
        const int64_t to = nest.strides[0][0], from = nest.strides[1][0];
        if (to == item) {
          load(p[0], p[1], from, n);  // gathers, or one memcpy
          return;
        }
        alignas(64) char block[kBlock * 16];
        for (int64_t i = 0; i < n; i += kBlock) {
          const int64_t m = n - i < kBlock ? n - i : kBlock;
          load(block, p[1] + i * from, from, m);
          store(p[0] + i * to, to, block, m);
        }
      });
    });
    return;
  }
  const DType through = compute_dtype(in.dtype);
  const LoadRun load = load_run(through, in.dtype);
  const StoreRun store = store_run(out.dtype, through);
  const bool direct = through == in.dtype;
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
    for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
      const int64_t to = nest.strides[0][0], from = nest.strides[1][0];
      if (direct && from == int64_t(item_size(through))) {
        store(p[0], to, p[1], n);
        return;
      }
      if (through == out.dtype && to == item) {
        load(p[0], p[1], from, n);
        return;
      }
      alignas(64) char block[kBlock * 16];
      for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t m = n - i < kBlock ? n - i : kBlock;
        load(block, p[1] + i * from, from, m);
        store(p[0] + i * to, to, block, m);
      }
    });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
