// gemm: matrix products of any strides, by five routes.
//
//   vector    up to 8 rows or columns: dot products, or sums of scaled rows (gemm_few.h)
//   unpacked  B of at most 1 MiB: the micro-kernel reads A in place, and B, unless its columns are
//             the contiguous ones, which packing turns round; not for large A along its columns
//   tiles     bfloat16, and float32 split into bfloat16, on dot-product units (gemm_tile.cpp)
//   packed    all else in floats; 16-bit floats become float while packing (gemm_engine.cpp)
//   generic   integers (wrapping) and complex numbers: rows of C summed over rows of B
//
// The route follows from shape, strides and settings, and for split float32 from whether its data
// can be split exactly.
//
// Parallel plan: a batch of small products is cut by batch entry, a large product by blocks of C;
// the depth is never divided between threads.
//
// Memory plan: nothing but the engine's panels, and scratch for a row.
#include "kernels/cpu/gemm.h"

#include "kernels/cpu/gemm_convert.h"
#include "kernels/cpu/gemm_few.h"
#include "kernels/cpu/gemm_micro.h"
#include "kernels/cpu/gemm_tile.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

enum class BPanels : uint8_t { too_large, in_place, packed };

// How the unpacked route would read B: where it lies when that is along its rows, else from panels.
template <class T>
BPanels unpacked_fits(const GemmArgs& g, Matrix<T> a, Matrix<T> b) {
  if (g.c_cs != 1 || (a.cs != 1 && a.rs != 1) || g.k * g.n * int64_t(sizeof(T)) > kUnpackedBytes)
    return BPanels::too_large;
  if (g.bias && g.bias_stride != 1) return BPanels::too_large;
  // Columns of an A beyond the cache are better read a few panels at a time, as packing does.
  if (a.cs != 1 && g.k > 128 && g.m * g.k * int64_t(sizeof(T)) > kUnpackedBytes)
    return BPanels::too_large;
  if (b.cs == 1 && !rows_collide<T>(b.rs, g.k)) return BPanels::in_place;
  return rows_collide<T>(a.cs == 1 ? a.rs : a.cs, a.cs == 1 ? g.m : g.k) ? BPanels::too_large
                                                                         : BPanels::packed;
}

constexpr int64_t kL1Bytes = 24 * 1024;  // of L1, what an operand may hold on to

// Reads A, and B if it can, where they lie. Without cheap masks the last, partial panel of B is
// copied so that it can be read whole.
template <class T>
void unpacked_route(const GemmArgs& g, Matrix<T> a, Matrix<T> b, BPanels how_b, T* c) {
  using G = GemmVector<T>;
  constexpr int64_t W = G::width;
  const bool k_major = a.cs != 1, all = how_b == BPanels::packed;
  const int64_t nr = g.n <= W ? W : 2 * W, a_step = k_major ? a.cs : a.rs;
  const int64_t mr = ceil_div(g.m, ceil_div(g.m, kGemmRows));
  const int64_t panels = ceil_div(g.n, nr), last_width = g.n - (panels - 1) * nr;
  const bool copy_last = !G::cheap_masks && last_width % W != 0;
  const int64_t first_copied = all ? 0 : copy_last ? panels - 1 : panels;
  const Lines<T> lines{b.data, b.cs, b.rs};
  // A task copies the panels it needs, a few at a time so that they stay in the cache: where all
  // are copied, columns are cut first, and rows only where many share the copy.
  const int64_t macs = g.m * g.n * g.k;
  const int64_t wanted = macs < kSerialMacs ? 1 : least(32, ceil_div(macs, kSerialMacs));
  const int64_t cuts =
      all ? most(1, least(ceil_div(wanted, panels), g.m / (16 * kGemmRows))) : wanted;
  const int64_t rows = most(1, ceil_div(ceil_div(g.m, cuts), mr)) * mr;
  const int64_t row_blocks = ceil_div(g.m, rows);
  const int64_t groups = most(1, least(ceil_div(wanted, row_blocks), panels));
  const int64_t group = ceil_div(panels, groups), tasks = row_blocks * groups;
  // As many panels as fit into L1 are worked off together, so that C is written along its rows.
  const int64_t held = most(1, least(group, kL1Bytes / (nr * most(1, g.k) * int64_t(sizeof(T)))));
  Epilogue<T> how{};
  how.alpha = T(g.alpha);
  how.beta = T(g.beta);
  how.c_rs = g.c_rs;
  how.bias_per_column = true;
  how.relu = g.activation == GemmArgs::Activation::relu;
  parallel_for(tasks, wanted == 1 ? tasks : 1, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> copies(first_copied < panels ? held * nr * g.k : 0);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i0 = task % row_blocks * rows, i1 = least(g.m, i0 + rows);
      const int64_t first = task / row_blocks * group, last = least(panels, first + group);
      for (int64_t p0 = first; p0 < last; p0 += held) {
        const int64_t p1 = least(last, p0 + held);
        for (int64_t panel = most(p0, first_copied); panel < p1; ++panel)
          pack_lines<T, T>(&lines, copies.data + (panel - p0) * nr * g.k, panel * nr,
                           least(nr, g.n - panel * nr), nr, 0, g.k);
        for (int64_t i = i0; i < i1; i += mr) {
          for (int64_t panel = p0; panel < p1; ++panel) {
            const int64_t j = panel * nr, width = least(nr, g.n - j), vectors = ceil_div(width, W);
            const bool copied = panel >= first_copied;
            Epilogue<T> e = how;
            e.bias = g.bias ? static_cast<const T*>(g.bias) + j : nullptr;
            e.c = c + i * g.c_rs + j;
            micro_kernel_for<T>(k_major, least(mr, i1 - i), vectors)(
                g.k, a.data + i * a.rs, a_step,
                copied ? copies.data + (panel - p0) * nr * g.k : b.data + j, copied ? nr : b.rs,
                int(width - (vectors - 1) * W), e);
          }
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
  if constexpr (std::is_same_v<In, T>) {
    q.a.many = a.rs == 1, q.b.many = b.cs == 1;
    if (a.cs == 1 && !rows_collide<T>(a.rs, g.m)) q.a_in_place = a.data, q.a_rs = a.rs;
  }
  q.alpha = g.alpha;
  q.beta = g.beta;
  q.bias = g.bias ? bias.data : nullptr;
  q.bias_cs = 1;
  q.relu = g.activation == GemmArgs::Activation::relu;
  multiply(q);
}

template <class T>
TileProduct tile_product(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  TileProduct q{g.m, g.n, g.k, {a.data, a.rs, a.cs}, {b.data, b.cs, b.rs}, c, g.c_rs, g.c_cs};
  q.alpha = g.alpha;
  q.beta = g.beta;
  q.bias = g.bias;
  q.bias_cs = g.bias_stride;
  q.relu = g.activation == GemmArgs::Activation::relu;
  return q;
}

// bfloat16 on a dot-product unit, and float32 where it may be split and that pays.
//
// Split float32 ("highest": three planes, six products) is as exact as a chain of float
// multiply-adds, and on AMX several times cheaper; vdpbf16ps is but twice as fast as float, so only
// "medium", one product, gains from it. Packing costs what some 96 rows of products take.
template <class T>
bool tile_route(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    const TileKernels* unit = tile_kernels(tile_choice(kVecBytes == 64).bf16);
    if (unit) multiply_bf16(*unit, tile_product(g, a, b, c));
    return unit != nullptr;
  } else if constexpr (std::is_same_v<T, float>) {
    const bool forced = tile_unit_forced();
    const bool large = least(least(g.m, g.n), g.k) >= 48 && g.m * g.n * g.k >= 96 * 96 * 96;
    if (!forced && !large) return false;
    const TileChoice choice = tile_choice(kVecBytes == 64);
    if (!choice.split || choice.bf16 == TileUnit::none) return false;
    const auto precision = Float32Precision(choice.precision);
    if (!forced && choice.bf16 == TileUnit::dot && precision != Float32Precision::medium)
      return false;
    const TileKernels* unit = tile_kernels(choice.bf16);
    return unit && multiply_split(*unit, kMostPlanes - int(precision), tile_product(g, a, b, c));
  } else {
    return false;
  }
}

template <class T>
void one_product(const GemmArgs& g, Matrix<T> a, Matrix<T> b, T* c) {
  using Sum = std::conditional_t<is_reduced_v<T>, float, T>;
  if (vector_route<Sum>(g, a, b, c) || tile_route(g, a, b, c)) return;
  if constexpr (!is_reduced_v<T>) {
    if (const BPanels how = unpacked_fits(g, a, b); how != BPanels::too_large)
      return unpacked_route(g, a, b, how, c);
    if (!g.bias) {
      const GemmArgs turned = transposed(g);
      if (const BPanels how = unpacked_fits(turned, transposed(b), transposed(a));
          how != BPanels::too_large)
        return unpacked_route(turned, transposed(b), transposed(a), how, c);
    }
  }
  packed_route<T, Sum>(g, a, b, c);
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
