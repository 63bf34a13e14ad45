// The tile kernels on AVX-512 dot products: vdpbf16ps (AVX512-BF16) and vpdpbusd (AVX512-VNNI).
//
// Twelve rows by two vectors of columns are 24 chains of sums, enough to hide the instructions'
// latency; a row's word is broadcast by the instruction itself. Split floats take fewer rows: their
// planes of B need the registers.
#include <immintrin.h>

#include <utility>

#include "kernels/cpu/gemm_tile.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

struct Bf16 {
  using Sum = __m512;
  using Element = float;
  PG_HOST_INLINE static Sum dot(Sum sum, __m512i a, __m512i b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
  }
};
struct Int8 {
  using Sum = __m512i;
  using Element = int32_t;
  PG_HOST_INLINE static Sum dot(Sum sum, __m512i a, __m512i b) {
    return _mm512_dpbusd_epi32(sum, a, b);
  }
};

// Rows [first, first + Rows) of a panel. Products of smaller planes have sums of their own, so that
// they do not round the large sum again and again.
template <class Unit, int Rows, int Vectors, int Planes, size_t... I>
void dot_rows(const TileOperands& t, int first, typename Unit::Element* c, bool add,
              std::index_sequence<I...>) {
  using Sum = typename Unit::Sum;
  constexpr auto& pairs = plane_pairs<Planes>();
  constexpr size_t kLast = sizeof...(I) - 1;  // the pair of the highest planes
  Sum sums[Rows][Vectors], small[Rows][Vectors];
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; ++j) {
      sums[i][j] = add ? *reinterpret_cast<const Sum*>(c + i * kTileColumns + j * 16) : Sum{};
      small[i][j] = Sum{};
    }
  }
  const uint32_t *a = t.a + first * kTileWords, *b = t.b;
  for (int64_t d = 0; d < t.words; d += kTileWords) {
    const int words = t.words - d < kTileWords ? int(t.words - d) : kTileWords;
    for (int w = 0; w < words; ++w) {
      __m512i columns[Planes][Vectors];
#pragma GCC unroll 3
      for (int p = 0; p < Planes; ++p) {
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; ++j)
          columns[p][j] = _mm512_loadu_si512(b + p * t.b_plane + j * 16);
      }
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i) {
        const auto step = [&]<size_t S>() __attribute__((always_inline)) {
          const __m512i row =
              _mm512_set1_epi32(int(a[pairs[S].a * t.a_plane + i * kTileWords + w]));
#pragma GCC unroll 2
          for (int j = 0; j < Vectors; ++j) {
            Sum& sum = S == kLast ? sums[i][j] : small[i][j];
            sum = Unit::dot(sum, row, columns[pairs[S].b][j]);
          }
        };
        (step.template operator()<I>(), ...);
      }
      b += kTileColumns;
    }
    a += int64_t(t.rows) * kTileWords;
  }
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; ++j)
      *reinterpret_cast<Sum*>(c + i * kTileColumns + j * 16) =
          Planes == 1 ? sums[i][j] : Sum(sums[i][j] + small[i][j]);
  }
}

// A panel of 4, 8 or 12 rows.
template <class Unit, int Vectors, int Planes>
void dot_panel(const TileOperands& t, typename Unit::Element* c, bool add) {
  constexpr std::make_index_sequence<sizeof(plane_pairs<Planes>()) / sizeof(PlanePair)> steps;
  if constexpr (Planes > 1) {
    for (int i = 0; i < t.rows; i += 4)
      dot_rows<Unit, 4, Vectors, Planes>(t, i, c + i * kTileColumns, add, steps);
  } else if (t.rows == 12) {
    dot_rows<Unit, 12, Vectors, Planes>(t, 0, c, add, steps);
  } else if (t.rows == 8) {
    dot_rows<Unit, 8, Vectors, Planes>(t, 0, c, add, steps);
  } else {
    dot_rows<Unit, 4, Vectors, Planes>(t, 0, c, add, steps);
  }
}

template <class Unit, int Planes>
void dot_widths(const TileOperands& t, typename Unit::Element* c, bool add) {
  if (t.columns > 16)
    dot_panel<Unit, 2, Planes>(t, c, add);
  else
    dot_panel<Unit, 1, Planes>(t, c, add);
}

void dot_bf16(const TileOperands& t, float* c, bool add) {
  if (t.planes == 1)
    dot_widths<Bf16, 1>(t, c, add);
  else if (t.planes == 2)
    dot_widths<Bf16, 2>(t, c, add);
  else
    dot_widths<Bf16, 3>(t, c, add);
}
void dot_int8(const TileOperands& t, int32_t* c, bool add) { dot_widths<Int8, 1>(t, c, add); }
void nothing() {}

}  // namespace

constinit const TileKernels avx512_dots{12, 4, &dot_bf16, &dot_int8, &nothing, &nothing};

}  // namespace pygrad::cpu::PG_ISA_NS
