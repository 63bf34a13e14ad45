// gemm: matrix products of any strides, by four routes.
//
//   vector    m == 1 or n == 1: dot products along contiguous rows, or sums of scaled rows
//   unpacked  B contiguous along n and at most 1 MiB: the micro-kernel reads A and B in place
//   packed    all else in floats; 16-bit floats become float while packing (gemm_engine.cpp)
//   generic   integers (wrapping) and complex numbers: rows of C summed over rows of B
//
// The route follows from shape and strides alone.
//
// Parallel plan: a batch of small products is cut by batch entry, a large product by blocks of C;
// the depth is never divided between threads.
//
// Memory plan: nothing but the engine's panels, and scratch for a row.
#include "kernels/cpu/gemm.h"

#include "kernels/cpu/gemm_convert.h"
#include "kernels/cpu/gemm_micro.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

template <class T>
struct Matrix {
  const T* data;
  int64_t rs, cs;
};

// C^T = B^T A^T, for products without a bias.
PG_HOST_INLINE GemmArgs transposed(GemmArgs g) {
  const GemmArgs o = g;
  g.m = o.n, g.n = o.m;
  g.c_rs = o.c_cs, g.c_cs = o.c_rs;
  return g;
}
template <class T>
PG_HOST_INLINE Matrix<T> transposed(Matrix<T> x) {
  return {x.data, x.cs, x.rs};
}

// The last step of the routes that do not run the micro-kernel on C.
template <class T>
PG_HOST_INLINE T finish(const GemmArgs& g, T sum, T c, int64_t j) {
  T v = sum * T(g.alpha);
  if (g.beta != 0) v += T(g.beta) * c;
  if (g.bias) v += static_cast<const T*>(g.bias)[j * g.bias_stride];
  return g.activation == GemmArgs::Activation::relu && v < T(0) ? T(0) : v;
}

// y = M x for M (rows x depth) contiguous along the depth: dot products of four rows at a time.
template <class T, class Write>
void vector_dots(Matrix<T> mat, const T* x, int64_t rows, int64_t depth, const Write& write) {
  using G = GemmVector<T>;
  using V = typename G::V;
  constexpr int W = G::width;
  const int64_t grain = most(4, ceil_div(kSerialMacs, most(1, depth)) / 4 * 4);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 4) {
      const int64_t count = least(4, end - i);
      const T* row[4];
      for (int64_t r = 0; r < 4; ++r) row[r] = mat.data + (i + least(r, count - 1)) * mat.rs;
      V acc[4][2] = {};
      int64_t p = 0;
      for (; p + 2 * W <= depth; p += 2 * W) {
        const V x0 = load(x + p), x1 = load(x + p + W);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
          acc[r][0] = fma(load(row[r] + p), x0, acc[r][0]);
          acc[r][1] = fma(load(row[r] + p + W), x1, acc[r][1]);
        }
      }
      for (; p < depth; p += W) {
        const auto mask = G::mask(int(least(W, depth - p)));
        const V x0 = G::load(mask, x + p);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) acc[r][0] = fma(G::load(mask, row[r] + p), x0, acc[r][0]);
      }
      for (int64_t r = 0; r < count; ++r) write(i + r, reduce_add(acc[r][0] + acc[r][1]));
    }
  });
}

// y += x M for one block of columns.
template <class T>
[[gnu::noinline]] void add_rows(T* y, Matrix<T> mat, const T* x, int64_t depth, int64_t n) {
  int64_t p = 0;
  for (; p + 4 <= depth; p += 4) {
    const T* r = mat.data + p * mat.rs;
    const T *r1 = r + mat.rs, *r2 = r1 + mat.rs, *r3 = r2 + mat.rs;
    const T x0 = x[p], x1 = x[p + 1], x2 = x[p + 2], x3 = x[p + 3];
    for (int64_t j = 0; j < n; ++j) y[j] += (x0 * r[j] + x1 * r1[j]) + (x2 * r2[j] + x3 * r3[j]);
  }
  for (; p < depth; ++p) {
    const T* r = mat.data + p * mat.rs;
    for (int64_t j = 0; j < n; ++j) y[j] += x[p] * r[j];
  }
}

// y = x M for M (depth x columns) contiguous along the columns: blocks of y stay in L1 while rows
// of M stream by.
template <class T, class Write>
void vector_rows(Matrix<T> mat, const T* x, int64_t depth, int64_t columns, const Write& write) {
  constexpr int64_t kBlock = 512;
  const int64_t blocks = ceil_div(columns, kBlock);
  const int64_t grain = most(1, kSerialMacs / (kBlock * most(1, depth)));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      T y[kBlock] = {};
      const int64_t j0 = block * kBlock, n = least(kBlock, columns - j0);
      add_rows(y, Matrix<T>{mat.data + j0, mat.rs, 1}, x, depth, n);
      for (int64_t j = 0; j < n; ++j) write(j0 + j, y[j]);
    }
  });
}

// m == 1 or n == 1. False when the matrix is contiguous along neither dimension.
template <class T>
bool vector_route(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  const bool one_row = g.m == 1;
  // y (length) = mat (length x depth) x
  const int64_t length = one_row ? g.n : g.m, c_step = one_row ? g.c_cs : g.c_rs;
  const Matrix<T> mat = one_row ? Matrix<T>{b.data, b.cs, b.rs} : a;
  const T* x = one_row ? a.data : b.data;
  const int64_t x_step = one_row ? a.cs : b.rs;
  if (mat.cs != 1 && mat.rs != 1 && length > 1) return false;
  ScratchBuffer<T> gathered(x_step == 1 ? 0 : g.k);
  if (x_step != 1) {
    read_run(x, x_step, gathered.data, g.k);
    x = gathered.data;
  }
  const auto write = [&](int64_t i, T sum) {
    c[i * c_step] = finish(g, sum, g.beta != 0 ? c[i * c_step] : T(0), one_row ? i : 0);
  };
  if (mat.cs == 1) {
    vector_dots(mat, x, length, g.k, write);
  } else if (mat.rs == 1) {
    vector_rows(Matrix<T>{mat.data, mat.cs, 1}, x, g.k, length, write);
  } else {  // a dot product of two strided vectors
    ScratchBuffer<T> row(g.k);
    read_run(mat.data, mat.cs, row.data, g.k);
    vector_dots(Matrix<T>{row.data, 0, 1}, x, 1, g.k, write);
  }
  return true;
}

template <class T>
bool unpacked_fits(const GemmArgs& g, Matrix<T> a, Matrix<T> b) {
  constexpr int64_t kMost = (int64_t(1) << 20) / int64_t(sizeof(T));
  if (b.cs != 1 || g.c_cs != 1 || (a.cs != 1 && a.rs != 1) || g.k * g.n > kMost) return false;
  if (g.bias && g.bias_stride != 1) return false;
  // Rows of B a multiple of 4 KiB apart fall on the same cache sets.
  return b.rs * int64_t(sizeof(T)) % 4096 != 0 || g.k <= 8;
}

// Reads A and B where they lie. Without cheap masks the last, partial panel of B is copied so that
// it can be read whole.
template <class T>
void unpacked_route(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  using G = GemmVector<T>;
  constexpr int64_t W = G::width;
  const bool k_major = a.cs != 1;
  const int64_t nr = g.n <= W ? W : 2 * W, a_step = k_major ? a.cs : a.rs;
  const int64_t mr = ceil_div(g.m, ceil_div(g.m, kGemmRows));
  const int64_t panels = ceil_div(g.n, nr), last_width = g.n - (panels - 1) * nr;
  const bool copy_last = !G::cheap_masks && last_width % W != 0;
  ScratchBuffer<T> last_panel(copy_last ? nr * g.k : 0);
  if (copy_last) {
    const Lines<T> lines{b.data, b.cs, b.rs};
    pack_lines<T, T>(&lines, last_panel.data, (panels - 1) * nr, last_width, nr, 0, g.k);
  }
  const int64_t macs = g.m * g.n * g.k;
  const int64_t wanted = macs < kSerialMacs ? 1 : least(32, ceil_div(macs, kSerialMacs));
  const int64_t rows = most(1, ceil_div(ceil_div(g.m, wanted), mr)) * mr;
  const int64_t row_blocks = ceil_div(g.m, rows);
  const int64_t groups = most(1, least(ceil_div(wanted, row_blocks), panels));
  const int64_t group = ceil_div(panels, groups), tasks = row_blocks * groups;
  Epilogue<T> how{};
  how.alpha = T(g.alpha);
  how.beta = T(g.beta);
  how.c_rs = g.c_rs;
  how.bias_per_column = true;
  how.relu = g.activation == GemmArgs::Activation::relu;
  parallel_for(tasks, wanted == 1 ? tasks : 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i0 = task % row_blocks * rows, i1 = least(g.m, i0 + rows);
      const int64_t first = task / row_blocks * group, last = least(panels, first + group);
      for (int64_t panel = first; panel < last; ++panel) {
        const int64_t j = panel * nr, width = least(nr, g.n - j), vectors = ceil_div(width, W);
        const bool copied = copy_last && panel == panels - 1;
        const T* b_panel = copied ? last_panel.data : b.data + j;
        Epilogue<T> e = how;
        e.bias = g.bias ? static_cast<const T*>(g.bias) + j : nullptr;
        for (int64_t i = i0; i < i1; i += mr) {
          e.c = c + i * g.c_rs + j;
          micro_kernel_for<T>(k_major, least(mr, i1 - i), vectors)(
              g.k, a.data + i * a.rs, a_step, b_panel, copied ? nr : b.rs,
              int(width - (vectors - 1) * W), e);
        }
      }
    }
  });
}

// One product by the engine; In is the stored type, T the type of the sums.
template <class In, class T>
void packed_route(const GemmArgs& g, Matrix<In> a, Matrix<In> b, In* c) {
  const Lines<In> a_lines{a.data, a.rs, a.cs}, b_lines{b.data, b.cs, b.rs};
  ScratchBuffer<T> bias(g.bias ? g.n : 0);
  if (g.bias) read_run(static_cast<const In*>(g.bias), g.bias_stride, bias.data, g.n);
  Product<T> q{
      g.m,     g.n,    g.k,   {&pack_lines<In, T>, &a_lines}, {&pack_lines<In, T>, &b_lines}, c,
      g.dtype, g.c_rs, g.c_cs};
  q.alpha = g.alpha;
  q.beta = g.beta;
  q.bias = g.bias ? bias.data : nullptr;
  q.bias_cs = 1;
  q.relu = g.activation == GemmArgs::Activation::relu;
  multiply(q);
}

template <class T>
void one_product(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  if constexpr (is_reduced_v<T>) {
    packed_route<T, float>(g, a, b, c);
  } else {
    if ((g.m == 1 || g.n == 1) && vector_route(g, a, b, c)) return;
    if (unpacked_fits(g, a, b)) {
      unpacked_route(g, a, b, c);
    } else if (!g.bias && unpacked_fits(transposed(g), transposed(b), transposed(a))) {
      unpacked_route(transposed(g), transposed(b), transposed(a), c);
    } else {
      packed_route<T, T>(g, a, b, c);
    }
  }
}

// Integers as unsigned ones of their size (the same bits, and defined overflow) and complex
// numbers.
template <class T>
struct GenericNumber {
  using type = T;
  PG_HOST_INLINE static T fma(T a, T b, T c) { return T(a * b + c); }
  PG_HOST_INLINE static T scale(T a, double s) { return T(a * T(int64_t(s))); }
  PG_HOST_INLINE static T add(T a, T b) { return T(a + b); }
};
template <class R>
struct GenericNumber<Complex<R>> {
  using T = Complex<R>;
  PG_HOST_INLINE static T fma(T a, T b, T c) {
    return T(c.re + (a.re * b.re - a.im * b.im), c.im + (a.re * b.im + a.im * b.re));
  }
  PG_HOST_INLINE static T scale(T a, double s) { return T(a.re * R(s), a.im * R(s)); }
  PG_HOST_INLINE static T add(T a, T b) { return T(a.re + b.re, a.im + b.im); }
};

// One block of C (at most `rows` x kGenericColumns). Out of line: parallel_for would inline it
// twice.
constexpr int64_t kGenericColumns = 256;

template <class T>
[[gnu::noinline]] void generic_block(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c, int64_t i0,
                                     int64_t m, int64_t j0, int64_t n) {
  using N = GenericNumber<T>;
  constexpr int64_t kColumns = kGenericColumns, kDepth = 64;
  ScratchBuffer<T> sums(m * kColumns), panel(kDepth * kColumns);
  memset(static_cast<void*>(sums.data), 0, size_t(m * kColumns) * sizeof(T));
  for (int64_t p0 = 0; p0 < g.k; p0 += kDepth) {
    const int64_t depth = least(kDepth, g.k - p0);
    for (int64_t p = 0; p < depth; ++p)
      for (int64_t j = 0; j < n; ++j)
        panel[p * kColumns + j] = b.data[(p0 + p) * b.rs + (j0 + j) * b.cs];
    for (int64_t i = 0; i < m; ++i) {
      T* sum = sums.data + i * kColumns;
      for (int64_t p = 0; p < depth; ++p) {
        const T x = a.data[(i0 + i) * a.rs + (p0 + p) * a.cs];
        const T* row = panel.data + p * kColumns;
        for (int64_t j = 0; j < n; ++j) sum[j] = N::fma(x, row[j], sum[j]);
      }
    }
  }
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      T& to = c[(i0 + i) * g.c_rs + (j0 + j) * g.c_cs];
      T v = N::scale(sums[i * kColumns + j], g.alpha);
      if (g.beta != 0) v = N::add(v, N::scale(to, g.beta));
      if (g.bias) v = N::add(v, static_cast<const T*>(g.bias)[(j0 + j) * g.bias_stride]);
      if constexpr (!is_complex_v<T>) {
        using Signed = std::make_signed_t<T>;
        // uint8 is never negative; the signed types come here as unsigned ones.
        const bool is_signed = g.dtype != DType::UInt8;
        if (g.activation == GemmArgs::Activation::relu && is_signed && Signed(v) < 0) v = T(0);
      }
      to = v;
    }
  }
}

template <class T>
void generic_route(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  const int64_t blocks = ceil_div(g.n, kGenericColumns);
  const int64_t rows = most(16, ceil_div(kSerialMacs, kGenericColumns * most(1, g.k)));
  const int64_t row_blocks = ceil_div(g.m, rows), tasks = blocks * row_blocks;
  parallel_for(tasks, g.m * g.n * g.k < kSerialMacs ? tasks : 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i0 = task % row_blocks * rows, j0 = task / row_blocks * kGenericColumns;
      generic_block(g, a, b, c, i0, least(rows, g.m - i0), j0, least(kGenericColumns, g.n - j0));
    }
  });
}

template <class T, class F>
void for_each_product(const GemmArgs& g, F&& product) {
  const auto* a = static_cast<const T*>(g.a);
  const auto* b = static_cast<const T*>(g.b);
  auto* c = static_cast<T*>(g.c);
  // Small products go to threads by batch entry, large ones are cut inside.
  const int64_t macs = g.m * g.n * most(1, g.k);
  const int64_t grain = macs >= 16 * kSerialMacs ? g.batch : ceil_div(kSerialMacs, most(1, macs));
  parallel_for(g.batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      product(Matrix<T>{a + i * g.a_bs, g.a_rs, g.a_cs}, Matrix<T>{b + i * g.b_bs, g.b_rs, g.b_cs},
              c + i * g.c_bs);
  });
}

template <class T>
void generic_batch(const GemmArgs& g) {
  for_each_product<T>(g, [&](Matrix<T> a, Matrix<T> b, T* c) { generic_route(g, a, b, c); });
}

}  // namespace

void gemm(const GemmArgs& args) {
  GemmArgs g = args;
  if (g.batch == 0 || g.m == 0 || g.n == 0) return;
  if (g.batch > 1 && g.b_bs == 0 && g.a_bs == g.m * g.a_rs && g.c_bs == g.m * g.c_rs) {
    g.m *= g.batch;  // one B for a stack of A: a single tall product
    g.batch = 1;
  }
  // A stride along a dimension of size 1 is free: make it the one that routes look for.
  if (g.n == 1) g.b_cs = g.c_cs = 1;
  if (g.k == 1) g.a_cs = 1;
  switch (g.dtype) {
    case DType::UInt8:
    case DType::Int8:
      return generic_batch<uint8_t>(g);
    case DType::Int16:
      return generic_batch<uint16_t>(g);
    case DType::Int32:
      return generic_batch<uint32_t>(g);
    case DType::Int64:
      return generic_batch<uint64_t>(g);
    case DType::Complex64:
      return generic_batch<Complex64>(g);
    case DType::Complex128:
      return generic_batch<Complex128>(g);
    default:
      break;
  }
  dispatch<Floating>(g.dtype, "gemm", [&]<class T>() {
    for_each_product<T>(g, [&](Matrix<T> a, Matrix<T> b, T* c) { one_product(g, a, b, c); });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
