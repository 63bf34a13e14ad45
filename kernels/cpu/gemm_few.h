// The vector route of gemm: a matrix against a few vectors, bound by the reading of the matrix.
//
// Every row of the matrix is read once, in order: dot products where the depth is contiguous,
// scaled rows added up where the lines are. Numbers are summed in T, which is float for 16-bit
// elements.
//
// Parallel plan: rows of the matrix, or pieces of its columns; no sum is divided.
//
// Memory plan: vectors that are strided or of 16 bits are gathered in scratch; sums on the stack.
#pragma once

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_convert.h"
#include "kernels/cpu/gemm_matrix.h"
#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/runs.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// The last step of the routes that do not run the micro-kernel on C.
template <class In, class T>
PG_HOST_INLINE T finish(const GemmArgs& g, T sum, T c, int64_t j) {
  T v = sum * T(g.alpha);
  if (g.beta != 0) v += T(g.beta) * c;
  if (g.bias) v += T(static_cast<const In*>(g.bias)[j * g.bias_stride]);
  return g.activation == GemmArgs::Activation::relu && v < T(0) ? T(0) : v;
}

// The same for n numbers side by side; `each`: a bias each, not one for all.
template <class T>
PG_HOST_INLINE void finish_run(const GemmArgs& g, const T* sums, T* to, const T* bias, bool each,
                               int64_t n) {
  const T alpha = T(g.alpha), beta = T(g.beta);
  const bool relu = g.activation == GemmArgs::Activation::relu;
  for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
    Vec<T> v = load_part(sums + k, l) * alpha;
    if (beta != 0) v += beta * load_part(to + k, l);
    if (bias) v += each ? load_part(bias + k, l) : splat(*bias);
    store_part(to + k, relu ? (v < T(0) ? Vec<T>{} : v) : v, l);
  });
}

// Loads of stored elements as the type of the sums.
template <class T, class In>
PG_HOST_INLINE Vec<T> load_wide(const In* p) {
  if constexpr (std::is_same_v<In, T>)
    return load(p);
  else
    return load_as_float(p);
}
template <class T, class In>
PG_HOST_INLINE Vec<T> load_wide_n(const In* p, int64_t n) {
  if constexpr (std::is_same_v<In, T>) {
    return GemmVector<T>::load(GemmVector<T>::mask(int(n)), p);
  } else {
    In some[kLanes<T>] = {};
    memcpy(static_cast<void*>(some), p, size_t(n) * sizeof(In));
    return load_as_float(some);
  }
}

// The sum of the lanes, as reduce_add makes it, without leaving the register: of all of them, or of
// those a multiple of Last apart.
template <int S, int Last = 1, class V, int... L>
PG_HOST_INLINE V fold_lanes(V v, std::integer_sequence<int, L...> lanes) {
  v += __builtin_shufflevector(v, v, ((L + S) % int(sizeof...(L)))...);
  if constexpr (S > Last)
    return fold_lanes<S / 2, Last>(v, lanes);
  else
    return v;
}
template <class V>
PG_HOST_INLINE Elem<V> sum_of_lanes(V v) {
  constexpr int W = kLanes<Elem<V>>;
  return fold_lanes<W / 2>(v, std::make_integer_sequence<int, W>{})[0];
}

// Dot products of one row with G others, kApart from each other in `out`. A single stream, asked
// for well ahead, is what the memory answers fastest.
template <int G, int64_t kApart, class In, class T>
PG_HOST_INLINE void dot_products(const In* row, const T* x, int64_t x_stride, int64_t depth,
                                 T* out) {
  constexpr int W = kLanes<T>;
  constexpr int U = G == 1 ? 8 : (kVecBytes == 64 ? 16 : 8) / G;
  constexpr int64_t kAhead = 2048 / int64_t(sizeof(In));
  Vec<T> acc[G][U];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) acc[g][u] = Vec<T>{};
  int64_t p = 0;
  for (; p + U * W <= depth; p += U * W) {
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) {
      __builtin_prefetch(row + p + u * W + kAhead);
      const Vec<T> r = load_wide<T>(row + p + u * W);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) acc[g][u] = fma(r, load(x + g * x_stride + p + u * W), acc[g][u]);
    }
  }
  Vec<T> sums[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    sums[g] = acc[g][0];
#pragma GCC unroll 8
    for (int u = 1; u < U; ++u) sums[g] += acc[g][u];
  }
  for (; p < depth; p += W) {
    const int64_t n = least(W, depth - p);
    const Vec<T> r = load_wide_n<T>(row + p, n);
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sums[g] = fma(r, load_wide_n<T>(x + g * x_stride + p, n), sums[g]);
  }
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) out[g * kApart] = sum_of_lanes(sums[g]);
}

// Lane l of the one operand where bit S of l is clear, of the other where it is set; the lanes that
// High leaves out are those it takes otherwise.
template <int S, bool High, class V, int... L>
PG_HOST_INLINE V mixed_lanes(V a, V b, std::integer_sequence<int, L...>) {
  constexpr int W = int(sizeof...(L));
  return __builtin_shufflevector(a, b,
                                 (High ? (L & S ? W + L : L + S) : (L & S ? W + L - S : L))...);
}

// The sums of the lanes of four vectors: each step halves what is left of all of them at once.
template <class T>
PG_HOST_INLINE void four_sums_of_lanes(const Vec<T>* v, T* out) {
  constexpr int W = kLanes<T>;
  if constexpr (W < 4) {
    for (int i = 0; i < 4; ++i) out[i] = sum_of_lanes(v[i]);
  } else {
    constexpr std::make_integer_sequence<int, W> lanes;
    const Vec<T> a =
        mixed_lanes<1, false>(v[0], v[1], lanes) + mixed_lanes<1, true>(v[0], v[1], lanes);
    const Vec<T> b =
        mixed_lanes<1, false>(v[2], v[3], lanes) + mixed_lanes<1, true>(v[2], v[3], lanes);
    Vec<T> sums = mixed_lanes<2, false>(a, b, lanes) + mixed_lanes<2, true>(a, b, lanes);
    if constexpr (W > 4) sums = fold_lanes<W / 2, 4>(sums, lanes);
    memcpy(out, &sums, 4 * sizeof(T));
  }
}

// Dot products of `rows` short rows with x: a few rows side by side, since each is over before a
// chain of its own would pay, and sums of four rows' lanes cost little more than of one.
constexpr int64_t kRowsAtOnce = kVecBytes == 64 ? 8 : 4;
template <class T>
constexpr int64_t kShortDepth = 16 * kLanes<T>;
template <class In, class T>
PG_HOST_INLINE void short_dot_products(Matrix<In> mat, int64_t rows, const T* x, int64_t depth,
                                       T* out) {
  constexpr int64_t R = kRowsAtOnce, W = kLanes<T>;
  for (int64_t i = 0; i < rows; i += R) {
    const int64_t n = least(R, rows - i);
    const In* row[R];
    Vec<T> acc[R];
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; ++r) {
      row[r] = mat.data + (i + least(r, n - 1)) * mat.rs;  // past the end: the last one again
      acc[r] = Vec<T>{};
    }
    int64_t p = 0;
    for (; p + W <= depth; p += W) {
      const Vec<T> xs = load(x + p);
#pragma GCC unroll 8
      for (int64_t r = 0; r < R; ++r) acc[r] = fma(load_wide<T>(row[r] + p), xs, acc[r]);
    }
    if (p < depth) {
      const Vec<T> xs = load_wide_n<T>(x + p, depth - p);
#pragma GCC unroll 8
      for (int64_t r = 0; r < R; ++r)
        acc[r] = fma(load_wide_n<T>(row[r] + p, depth - p), xs, acc[r]);
    }
    T sums[R];
#pragma GCC unroll 8
    for (int64_t r = 0; r < R; r += 4) four_sums_of_lanes<T>(acc + r, sums + r);
    for (int64_t r = 0; r < n; ++r) out[i + r] = sums[r];
  }
}

constexpr int64_t kFewVectors = 8;

// y = M x for M (rows x depth) contiguous along the depth, and for a few vectors x at once.
template <class In, class T, class Write>
void vector_dots(Matrix<In> mat, const T* x, int64_t x_stride, int64_t count, int64_t rows,
                 int64_t depth, const Write& write) {
  const int64_t grain = most(4, kSerialMacs / most(1, depth * count));
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    constexpr int64_t kRows = 32;
    T sums[kRows * kFewVectors];
    for (int64_t i0 = begin; i0 < end; i0 += kRows) {
      const int64_t block = least(kRows, end - i0);
      const bool together = depth <= kShortDepth<T> && rows > 1;
      for (int64_t v = 0; v < count && together; ++v)
        short_dot_products(Matrix<In>{mat.data + i0 * mat.rs, mat.rs, 1}, block, x + v * x_stride,
                           depth, sums + v * kRows);
      for (int64_t i = 0; i < block && !together; ++i) {
        const In* row = mat.data + (i0 + i) * mat.rs;
        T* out = sums + i;
        int64_t v = 0;
        for (; v + 4 <= count; v += 4)
          dot_products<4, kRows>(row, x + v * x_stride, x_stride, depth, out + v * kRows);
        if (v + 2 <= count) {
          dot_products<2, kRows>(row, x + v * x_stride, x_stride, depth, out + v * kRows);
          v += 2;
        }
        if (v < count)
          dot_products<1, kRows>(row, x + v * x_stride, x_stride, depth, out + v * kRows);
      }
      for (int64_t v = 0; v < count; ++v) write(i0, v, sums + v * kRows, block);
    }
  });
}

// Columns of y that a pass keeps in L1.
template <class T>
constexpr int64_t kRowPiece = 2048 / int64_t(sizeof(T));

// y += x M for one block of columns and `count` vectors, kRowPiece apart in y.
template <class In, class T>
[[gnu::noinline]] void add_rows(T* y, Matrix<In> mat, const T* x, int64_t x_stride, int64_t count,
                                int64_t depth, int64_t n) {
  constexpr int64_t W = kLanes<T>;
  int64_t p = 0;
  for (; p + 4 <= depth; p += 4) {
    const In* r = mat.data + p * mat.rs;
    const In *r1 = r + mat.rs, *r2 = r1 + mat.rs, *r3 = r2 + mat.rs;
    for (int64_t v = 0; v < count; ++v) {
      const T* xv = x + v * x_stride + p;
      const T x0 = xv[0], x1 = xv[1], x2 = xv[2], x3 = xv[3];
      T* to = y + v * kRowPiece<T>;
      int64_t j = 0;
      for (; j + W <= n; j += W)
        store(to + j, load(to + j) + ((x0 * load_wide<T>(r + j) + x1 * load_wide<T>(r1 + j)) +
                                      (x2 * load_wide<T>(r2 + j) + x3 * load_wide<T>(r3 + j))));
      for (; j < n; ++j) to[j] += (x0 * T(r[j]) + x1 * T(r1[j])) + (x2 * T(r2[j]) + x3 * T(r3[j]));
    }
  }
  for (; p < depth; ++p) {
    const In* r = mat.data + p * mat.rs;
    for (int64_t v = 0; v < count; ++v) {
      const T xv = x[v * x_stride + p];
      for (int64_t j = 0; j < n; ++j) y[v * kRowPiece<T> + j] += xv * T(r[j]);
    }
  }
}

// y = x M for M (depth x columns) contiguous along the columns: blocks of y stay in L1 while rows
// of M stream by.
template <class In, class T, class Write>
void vector_rows(Matrix<In> mat, const T* x, int64_t x_stride, int64_t count, int64_t depth,
                 int64_t columns, const Write& write) {
  constexpr int64_t kPiece = kRowPiece<T>;
  const int64_t grain = most(1, kSerialMacs / (kPiece * most(1, depth * count)));
  parallel_for(ceil_div(columns, kPiece), grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      T y[kFewVectors * kPiece];
      memset(y, 0, size_t(count * kPiece) * sizeof(T));
      const int64_t j0 = block * kPiece, n = least(kPiece, columns - j0);
      add_rows(y, Matrix<In>{mat.data + j0, mat.rs, 1}, x, x_stride, count, depth, n);
      for (int64_t v = 0; v < count; ++v) write(j0, v, y + v * kPiece, n);
    }
  });
}

// Whether rows a multiple of 4 KiB apart, which fall on the same cache sets, would be read
// together.
template <class T>
bool rows_collide(int64_t stride, int64_t rows) {
  return stride * int64_t(sizeof(T)) % 4096 == 0 && rows > 8;
}
constexpr int64_t kUnpackedBytes = int64_t(1) << 20;  // of B

// One operand has a few lines only, so that packing the other would not pay. False when that one
// is contiguous along neither dimension, or small enough for the unpacked route.
template <class T, class In>
bool vector_route(const GemmArgs& g, Matrix<In> a, Matrix<In> b, In* c) {
  const bool few_rows = g.m <= g.n;
  const int64_t count = few_rows ? g.m : g.n, length = few_rows ? g.n : g.m;
  if (count > (std::is_same_v<In, T> ? kFewVectors : 2)) return false;
  // y (length x count) = mat (length x depth) x
  const Matrix<In> mat = few_rows ? transposed(b) : a, few = few_rows ? a : transposed(b);
  const int64_t c_step = few_rows ? g.c_cs : g.c_rs, c_other = few_rows ? g.c_rs : g.c_cs;
  const bool along_lines = mat.rs == 1 && (mat.cs != 1 || g.k == 1);
  if (count > 1) {
    const bool large = g.k * length * int64_t(sizeof(T)) > kUnpackedBytes;
    if (along_lines ? !large && !rows_collide<In>(mat.cs, g.k) : mat.cs != 1 || g.k < 64)
      return false;
  }
  if (mat.cs != 1 && !along_lines && length > 1) return false;
  const bool in_place = std::is_same_v<In, T> && few.cs == 1;
  ScratchBuffer<T> gathered(in_place ? 0 : count * g.k);
  const T* x = gathered.data;
  int64_t x_stride = g.k;
  if constexpr (std::is_same_v<In, T>) {
    if (in_place) x = few.data, x_stride = few.rs;
  }
  if (!in_place)
    for (int64_t v = 0; v < count; ++v)
      read_run(few.data + v * few.rs, few.cs, gathered.data + v * g.k, g.k);
  const auto write = [&](int64_t i, int64_t v, const T* sums, int64_t n) {
    In* to = c + i * c_step + v * c_other;
    const In* bias = static_cast<const In*>(g.bias);
    const int64_t bias_step = few_rows ? g.bias_stride : 0;
    if (bias) bias += (few_rows ? i : v) * g.bias_stride;
    if constexpr (std::is_same_v<In, T>) {
      if (c_step == 1 && (!bias || bias_step <= 1)) {
        finish_run(g, sums, to, bias, bias_step == 1, n);
        return;
      }
    }
    for (int64_t k = 0; k < n; ++k) {
      In& one = to[k * c_step];
      one = In(finish<In>(g, sums[k], g.beta != 0 ? T(one) : T(0), few_rows ? i + k : v));
    }
  };
  if (along_lines) {
    vector_rows(Matrix<In>{mat.data, mat.cs, 1}, x, x_stride, count, g.k, length, write);
  } else if (mat.cs == 1) {
    vector_dots(mat, x, x_stride, count, length, g.k, write);
  } else {  // a dot product of two strided vectors
    ScratchBuffer<In> row(g.k);
    read_run(mat.data, mat.cs, row.data, g.k);
    vector_dots(Matrix<In>{row.data, 0, 1}, x, x_stride, 1, 1, g.k, write);
  }
  return true;
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
