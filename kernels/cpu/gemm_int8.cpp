// int_mm: int8 or uint8 times int8 with int32 sums, which wrap.
//
// vpdpbusd and AMX's tdpbusd take unsigned A and signed B. A signed A is passed as A + 128, and 128
// times B's column sums are taken off at the end; all of it wraps, so the result is exact. Without
// such a unit the bytes are widened to int16, whose pairs pmaddwd multiplies and adds.
//
// Plans: those of gemm_tile.cpp.
#include "kernels/cpu/gemm_tile_pack.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/parallel.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// sum + the products of the int16 pairs in the words of a and b.
PG_HOST_INLINE Vec<int32_t> add_products(Vec<int32_t> sum, Vec<int32_t> a, Vec<int32_t> b) {
  using U = Vec<uint32_t>;
#if defined(__AVX512BW__)
  return (Vec<int32_t>)((U)sum + (U)_mm512_madd_epi16((__m512i)a, (__m512i)b));
#elif defined(__AVX2__)
  return (Vec<int32_t>)((U)sum + (U)_mm256_madd_epi16((__m256i)a, (__m256i)b));
#elif defined(__SSE2__)
  return (Vec<int32_t>)((U)sum + (U)_mm_madd_epi16((__m128i)a, (__m128i)b));
#else
  const auto low = [](Vec<int32_t> x) { return (Vec<int32_t>)((U)x << 16) >> 16; };
  return (Vec<int32_t>)((U)sum + (U)(low(a) * low(b)) + (U)((a >> 16) * (b >> 16)));
#endif
}

// A panel of a multiple of four rows, four at a time.
void madd_panel(const TileOperands& t, int32_t* c, bool add) {
  constexpr int W = kLanes<int32_t>, kVectors = 2;
  for (int i0 = 0; i0 < t.rows; i0 += 4) {
    for (int j0 = 0; j0 < (t.columns > 16 ? 32 : 16); j0 += kVectors * W) {
      int32_t* to = c + i0 * kTileColumns + j0;
      Vec<int32_t> sums[4][kVectors] = {};
      if (add) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
#pragma GCC unroll 2
          for (int j = 0; j < kVectors; ++j) sums[i][j] = load(to + i * kTileColumns + j * W);
      }
      for (int64_t d = 0; d < t.words; ++d) {
        const uint32_t* a = t.a + (d / kTileWords * t.rows + i0) * kTileWords + d % kTileWords;
        const auto* b = reinterpret_cast<const int32_t*>(t.b + d * kTileColumns + j0);
        Vec<int32_t> columns[kVectors];
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) columns[j] = load(b + j * W);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          const Vec<int32_t> row = splat(int32_t(a[i * kTileWords]));
#pragma GCC unroll 2
          for (int j = 0; j < kVectors; ++j) sums[i][j] = add_products(sums[i][j], row, columns[j]);
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) store(to + i * kTileColumns + j * W, sums[i][j]);
    }
  }
}
void nothing() {}
constexpr TileKernels vector_int8{12, 4, nullptr, &madd_panel, &nothing, &nothing};

template <class A, class B>
struct Context {
  A a;
  B b;
  int32_t* column_sums;  // of B, times 128; null when A is as it is
};

template <class C>
void pack_a(const TileJob& job, uint32_t* panel, int64_t plane, int64_t i, int64_t rows,
            int64_t width, int64_t p, int64_t count) {
  pack_panel<true>(static_cast<const C*>(job.context)->a, job.q.a, panel, plane, 1, i, rows, width,
                   p, count);
}
template <class C>
void pack_b(const TileJob& job, uint32_t* panel, int64_t plane, int64_t j, int64_t columns,
            int64_t p, int64_t count) {
  const auto& context = *static_cast<const C*>(job.context);
  pack_panel<false>(context.b, job.q.b, panel, plane, 1, j, columns, columns > 16 ? 32 : 16, p,
                    count);
  if (!context.column_sums) return;
  int32_t sums[kTileColumns] = {};
  for (int64_t d = 0; d < plane; d += kTileColumns)
    for (int l = 0; l < columns; ++l)
      for (int e = 0; e < 32; e += 8) sums[l] += int8_t(panel[d + l] >> e);
  for (int l = 0; l < columns; ++l) {
    int32_t& to = context.column_sums[j + l];
    to = int32_t((p == 0 ? 0u : uint32_t(to)) + 128u * uint32_t(sums[l]));
  }
}
void run_kernel(const TileJob& job, const TileOperands& t, void* sums, bool add) {
  job.unit.int8(t, static_cast<int32_t*>(sums), add);
}
template <class C>
void finish(const TileJob& job, const void* sums, int64_t i, int64_t j, int64_t rows,
            int64_t columns) {
  const TileProduct& q = job.q;
  const int32_t* offset = static_cast<const C*>(job.context)->column_sums;
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* from = static_cast<const int32_t*>(sums) + r * kTileColumns;
    int32_t* to = static_cast<int32_t*>(q.c) + (i + r) * q.c_rs + j * q.c_cs;
    for (int64_t l = 0; l < columns; ++l)
      to[l * q.c_cs] = int32_t(uint32_t(from[l]) - (offset ? uint32_t(offset[j + l]) : 0u));
  }
}

template <class A, class B>
void run(const TileKernels& unit, const TileProduct& q, const A& a, const B& b,
         int32_t* column_sums) {
  using C = Context<A, B>;
  const C context{a, b, column_sums};
  run_tiles({q, unit, 1, A::kPerWord, &context, &pack_a<C>, &pack_b<C>, &run_kernel, &finish<C>});
}

}  // namespace

void int_mm(const View& out, const View& a, const View& b) {
  const bool is_signed = a.dtype == DType::Int8;
  if ((!is_signed && a.dtype != DType::UInt8) || b.dtype != DType::Int8)
    unsupported("int_mm", a.dtype == DType::Int8 ? b.dtype : a.dtype);
  const TileProduct q{out.sizes[0],
                      out.sizes[1],
                      a.sizes[1],
                      {a.data, a.strides[0], a.strides[1]},
                      {b.data, b.strides[1], b.strides[0]},
                      out.data,
                      out.strides[0],
                      out.strides[1]};
  const TileKernels* unit = tile_kernels(tile_choice(kVecBytes == 64).int8);
  if (unit) {
    ScratchBuffer<int32_t> sums(is_signed ? q.n : 0);
    const PlainElements<uint8_t> left{is_signed ? 0x80808080u : 0u}, right;
    run(*unit, q, left, right, is_signed ? sums.data : nullptr);
  } else if (is_signed) {
    run(vector_int8, q, WidenedElements<int8_t>{}, WidenedElements<int8_t>{}, nullptr);
  } else {
    run(vector_int8, q, WidenedElements<uint8_t>{}, WidenedElements<int8_t>{}, nullptr);
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
