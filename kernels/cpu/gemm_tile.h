// Matrix products on dot-product units: bfloat16 pairs summed in float, int8 quadruples summed in
// int32, and float32 split into bfloat16 planes.
//
// The units work on 32-bit words, each holding the 2 or 4 neighbours along the depth that one
// lane multiplies and adds at once. One packed layout serves them all (it is the one AMX asks for):
//
//   A panel  [plane][depth / 16][rows][16 words]   16 words of a row are the 64 bytes of a tile row
//   B panel  [plane][depth][32 words]              a word per column
//
// with the depth in words, padded with zeros to a multiple of 16. A float is split into planes by
// rounding it to bfloat16, then the remainder, then the remainder of that: 3 x 8 bits.
#pragma once

#include <cstdint>

#include "kernels/cpu/common/tile_choice.h"
#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {

constexpr int kTileColumns = 32;
constexpr int kTileWords = 16;
constexpr int kMostPlanes = 3;

struct TileOperands {
  const uint32_t* a;
  const uint32_t* b;
  int64_t a_plane, b_plane;  // words from plane to plane
  int64_t depth;             // words, a multiple of 16
  int64_t words;             // of these, the ones that are not all padding
  int rows;                  // of the A panel
  int columns;               // that matter: the unit may leave those from 16 on alone
  int planes;
};

// The products of planes (of A, of B) that count, for 1, 2 and 3 planes: those whose factors'
// errors do not hide them. Neighbours share a factor, so that it is loaded once.
struct PlanePair {
  int a, b;
};
constexpr PlanePair kPlanePairs1[] = {{0, 0}};
constexpr PlanePair kPlanePairs2[] = {{1, 0}, {0, 0}, {0, 1}};
constexpr PlanePair kPlanePairs3[] = {{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}};
template <int Planes>
constexpr auto& plane_pairs() {
  if constexpr (Planes == 1)
    return kPlanePairs1;
  else if constexpr (Planes == 2)
    return kPlanePairs2;
  else
    return kPlanePairs3;
}

// One unit. A kernel sums into c, a contiguous rows x 32 tile: over it if `add`, else afresh.
struct TileKernels {
  int most_rows, row_unit;  // A panels have a multiple of row_unit rows
  void (*bf16)(const TileOperands& t, float* c, bool add);
  // Words of four bytes, A's unsigned and B's signed.
  void (*int8)(const TileOperands& t, int32_t* c, bool add);
  void (*begin)();  // before a thread's first kernel, and after its last one
  void (*end)();
};
extern const TileKernels emulated_tiles;
#if defined(__AVX512F__)
extern const TileKernels avx512_dots, amx_tiles;  // kernels/cpu/avx512/
#endif
// Null for none, and for an AMX whose sums differ from the model's.
const TileKernels* tile_kernels(TileUnit unit);

// Where the lines of an operand lie: element (line, p) at data[line * line_stride + p *
// depth_stride].
struct TileSource {
  const void* data;
  int64_t line_stride, depth_stride;
};

// C = relu(alpha A B + beta C + bias).
struct TileProduct {
  int64_t m, n, k;
  TileSource a, b;  // lines of A are rows, lines of B columns
  void* c;
  int64_t c_rs, c_cs;
  double alpha = 1, beta = 0;  // beta == 0: C is not read
  const void* bias = nullptr;  // bias[i * bias_rs + j * bias_cs] is added to element (i, j)
  int64_t bias_rs = 0, bias_cs = 0;
  bool relu = false;
};

// What differs between the element types, so that the loops (run_tiles) are compiled once.
struct TileJob {
  const TileProduct& q;
  const TileKernels& unit;
  int planes, per_word;
  const void* context;  // of the functions
  void (*pack_a)(const TileJob& job, uint32_t* panel, int64_t plane, int64_t i, int64_t rows,
                 int64_t width, int64_t p, int64_t count);
  void (*pack_b)(const TileJob& job, uint32_t* panel, int64_t plane, int64_t j, int64_t columns,
                 int64_t p, int64_t count);
  void (*kernel)(const TileJob& job, const TileOperands& t, void* sums, bool add);
  void (*finish)(const TileJob& job, const void* sums, int64_t i, int64_t j, int64_t rows,
                 int64_t columns);  // writes a tile of C from its sums, 32 in a row
};
void run_tiles(const TileJob& job);

// A, B, C and the bias are bfloat16.
void multiply_bf16(const TileKernels& unit, const TileProduct& q);
// C (float) from planes of float A and B. False, with C untouched, when an element is not finite or
// so large or small that a plane or a product of planes would not be exact.
bool multiply_split(const TileKernels& unit, int planes, const TileProduct& q);

}  // namespace pygrad::cpu::PG_ISA_NS
