// Running sums, products, extremes (with their positions) and log-sum-exps along one dimension.
//
// A line is scanned from first to last, the order PyTorch's results have; sums and products of
// single floats run in double, of 16-bit floats in float, and every result is rounded once. Sums of
// single floats and of integers advance by whole vectors instead, each summed up within itself in
// log2 steps and then added to the sum before it: in integers that is the same, in double the
// difference is far below the final rounding. Where neighbouring lines lie closer than a line's
// elements, a tile of them advances together, row by row.
// Parallel plan: lines, or tiles of lines.
// Memory: a block or a tile on the stack.

#include <cmath>

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTile = 256;

struct RunningSum {
  template <class A>
  static PG_HOST_INLINE A apply(A a, A b) {
    return add_values(a, b);
  }
};
struct RunningProduct {
  template <class A>
  static PG_HOST_INLINE A apply(A a, A b) {
    return multiply_values(a, b);
  }
};
// log(exp(a) + exp(b)) from the larger of the two; equal infinities stay as they are.
struct RunningLogSumExp {
  template <class A>
  static PG_HOST_INLINE A apply(A a, A b) {
    if (a != a || b != b) return a + b;
    const A low = a < b ? a : b, high = a < b ? b : a;
    if (low == high && std::isinf(low)) return low;
    return high + std::log1p(std::exp(low - high));
  }
};

template <class T, int n>
struct PartType {
  typedef T type __attribute__((vector_size(n * sizeof(T))));
};

template <class A>
using Step = void (*)(A* out, const A* in, A* state, int64_t n);

// n elements of one line; state[0] holds the running result.
template <class Op, class A>
void along(A* out, const A* in, A* state, int64_t n) {
  A running = *state;
  for (int64_t i = 0; i < n; ++i) out[i] = running = Op::apply(running, in[i]);
  *state = running;
}
// One element of each of n lines.
template <class Op, class A>
void across(A*, const A* in, A* state, int64_t n) {
  for (int64_t i = 0; i < n; ++i) state[i] = Op::apply(state[i], in[i]);
}

template <class T, int n>
using Part = typename PartType<T, n>::type;

// The first k of n elements, the others 0; and back. Only what exists is touched.
template <class T, int n>
PG_HOST_INLINE Part<T, n> load_first(const T* p, int64_t k) {
  Part<T, n> v{};
  if (k >= n) {
    memcpy(&v, p, sizeof v);
    return v;
  }
#if defined(__AVX512VL__)
  if constexpr (sizeof(T) == 4 && n == 8) {
    return (Part<T, n>)_mm256_maskz_loadu_epi32(__mmask8((1u << k) - 1), p);
  } else if constexpr (sizeof(T) == 8 && n == 8) {
    return (Part<T, n>)_mm512_maskz_loadu_epi64(__mmask8((1u << k) - 1), p);
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4 && n == 4) {
    const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32(int(k)), _mm_setr_epi32(0, 1, 2, 3));
    return (Part<T, n>)_mm_maskload_epi32(reinterpret_cast<const int*>(p), mask);
  } else if constexpr (sizeof(T) == 8 && n == 4) {
    return load_n(p, k);
  }
#endif
  for (int64_t i = 0; i < k; ++i) v[i] = p[i];
  return v;
}
template <class T, int n>
PG_HOST_INLINE void store_first(T* p, Part<T, n> v, int64_t k) {
  if (k >= n) {
    memcpy(p, &v, sizeof v);
    return;
  }
#if defined(__AVX512VL__)
  if constexpr (sizeof(T) == 4 && n == 8) {
    _mm256_mask_storeu_epi32(p, __mmask8((1u << k) - 1), (__m256i)v);
    return;
  } else if constexpr (sizeof(T) == 8 && n == 8) {
    _mm512_mask_storeu_epi64(p, __mmask8((1u << k) - 1), (__m512i)v);
    return;
  }
#endif
  for (int64_t i = 0; i < k; ++i) p[i] = v[i];
}

// The sums up to and including each lane.
template <int kShift = 1, class V, int... i>
PG_HOST_INLINE V sum_up(V v, std::integer_sequence<int, i...> lanes) {
  constexpr int n = int(sizeof...(i));
  v = add_values(v, V(__builtin_shufflevector(V{}, v, (i < kShift ? 0 : n + i - kShift)...)));
  if constexpr (2 * kShift < n)
    return sum_up<2 * kShift>(v, lanes);
  else
    return v;
}
template <class V, int... i>
PG_HOST_INLINE V last_lane(V v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (int(sizeof...(i)) - 1 + 0 * i)...);
}
// A vector of A from as many T, of which k exist.
template <class A, class T>
PG_HOST_INLINE Vec<A> load_wide(const T* p, int64_t k) {
  const Part<T, kLanes<A>> part = load_first<T, kLanes<A>>(p, k);
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    return (Vec<A>)_mm512_maskz_cvtps_pd(0xff, (__m256)part);  // gcc 12 converts by halves
  }
#endif
  return __builtin_convertvector(part, Vec<A>);
}
template <class A, class T>
PG_HOST_INLINE void store_narrow(T* p, Vec<A> v, int64_t k) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<A, double> && std::is_same_v<T, float>) {
    return store_first<T, kLanes<A>>(p, (Part<T, 8>)_mm512_maskz_cvtpd_ps(0xff, (__m512d)v), k);
  }
#endif
  using Narrow = Part<T, kLanes<A>>;
  store_first<T, kLanes<A>>(p, __builtin_convertvector(v, Narrow), k);
}

// Lines of n contiguous elements, whose first ones stand a step apart. One element after the other
// is as fast as the adder is late; while it waits, the processor is at the lines after.
template <class Op, class A, class T>
void scan_lines(void* out_base, int64_t out_at, int64_t out_step, const void* in_base,
                int64_t in_at, int64_t in_step, int64_t lines, int64_t n, A identity) {
  constexpr int L = kLanes<A>, kLeast = 2 * L;  // elements below which vectors do not pay
  constexpr bool kVectors = std::is_same_v<Op, RunningSum> && !std::is_same_v<T, double>;
  T* out = static_cast<T*>(out_base) + out_at;
  const T* in = static_cast<const T*>(in_base) + in_at;
  for (int64_t line = 0; line < lines; ++line, in += in_step, out += out_step) {
    if constexpr (kVectors) {
      if (n >= kLeast) {
        using Lanes = std::make_integer_sequence<int, L>;
        Vec<A> before{};
        for (int64_t i = 0; i < n; i += L) {
          const Vec<A> sums = sum_up(load_wide<A>(in + i, n - i), Lanes());
          store_narrow<A>(out + i, add_values(before, sums), n - i);
          before = add_values(before, last_lane(sums, Lanes()));
        }
        continue;
      }
    }
    A running = identity;
    for (int64_t i = 0; i < n; ++i) out[i] = T(running = Op::apply(running, A(in[i])));
  }
}

// `rows` elements of each of n neighbouring lines, steps apart, with the results so far in
// registers: kVectors of them at a time, of which the last may have missing lanes.
template <class Op, class A, class T, int kVectors>
PG_HOST_INLINE void scan_vectors(T* out, int64_t out_step, const T* in, int64_t in_step,
                                 int64_t rows, int64_t n, A identity) {
  constexpr int L = kLanes<A>;
  Vec<A> state[kVectors];
#pragma GCC unroll 4
  for (auto& v : state) v = Vec<A>{} + identity;
  for (int64_t r = 0; r < rows; ++r, in += in_step, out += out_step) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      const int64_t k = j + 1 < kVectors ? L : n - j * L;
      state[j] = Op::apply(state[j], load_wide<A>(in + j * L, k));
      store_narrow<A>(out + j * L, state[j], k);
    }
  }
}
template <class Op, class A, class T>
void scan_down(void* out_base, int64_t out_at, int64_t out_step, const void* in_base, int64_t in_at,
               int64_t in_step, int64_t rows, int64_t n, A identity) {
  constexpr int64_t L = kLanes<A>;
  T* out = static_cast<T*>(out_base) + out_at;
  const T* in = static_cast<const T*>(in_base) + in_at;
  int64_t i = 0;
  for (; n - i > 3 * L; i += 4 * L) {
    scan_vectors<Op, A, T, 4>(out + i, out_step, in + i, in_step, rows, n - i, identity);
  }
  for (; n - i > L; i += 2 * L) {
    scan_vectors<Op, A, T, 2>(out + i, out_step, in + i, in_step, rows, n - i, identity);
  }
  if (i < n) scan_vectors<Op, A, T, 1>(out + i, out_step, in + i, in_step, rows, n - i, identity);
}

// Contiguous elements without blocks: `count` lines of n along the dimension, or n neighbouring
// ones of `count`; steps in elements. Null where the type has none.
template <class A>
using Whole = void (*)(void* out, int64_t out_at, int64_t out_step, const void* in, int64_t in_at,
                       int64_t in_step, int64_t count, int64_t n, A identity);

template <class A>
void run(const View& out, const View& in, int64_t dim, Access<A> access, A identity, Step<A> along,
         Step<A> across, Whole<A> whole_lines, Whole<A> whole_columns) {
  const int64_t size = line_size(in, dim);
  const Lines<2> lines({&out, &in}, dim);
  if (lines.count == 0 || size == 0) return;
  const bool side_by_side =
      whole_columns && lines.inner_stride(0) == 1 && lines.inner_stride(1) == 1;
  if (lines.prefer_columns(1) || (side_by_side && lines.inner_size() > 1 && size > 1)) {
    const int64_t inner = lines.inner_size(), tiles = (inner + kTile - 1) / kTile;
    const int64_t grain = 1 + kGrain / (kTile * size);
    parallel_for(lines.count / inner * tiles, grain, [&](int64_t begin, int64_t end) {
      alignas(64) A state[kTile], buffer[kTile];
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = t % tiles * kTile, n = inner - first < kTile ? inner - first : kTile;
        int64_t at[2];
        lines.at(t / tiles * inner + first, at);
        if (side_by_side) {
          whole_columns(out.data, at[0], lines.step[0], in.data, at[1], lines.step[1], size, n,
                        identity);
          continue;
        }
        for (int64_t i = 0; i < n; ++i) state[i] = identity;
        for (int64_t r = 0; r < size; ++r) {
          const int64_t from = at[1] + r * lines.step[1], to = at[0] + r * lines.step[0];
          across(nullptr, access.load(in.data, from, lines.inner_stride(1), n, buffer), state, n);
          access.store(out.data, to, lines.inner_stride(0), n, state);
        }
      }
    });
    return;
  }
  parallel_for(lines.count, 1 + kGrain / size, [&](int64_t begin, int64_t end) {
    alignas(64) A result[kBlock], buffer[kBlock];
    for_runs(lines, begin, end, [&](const int64_t (&first)[2], int64_t count) {
      if (whole_lines && lines.step[0] == 1 && lines.step[1] == 1) {
        whole_lines(out.data, first[0], lines.inner_stride(0), in.data, first[1],
                    lines.inner_stride(1), count, size, identity);
        return;
      }
      for (int64_t line = 0; line < count; ++line) {
        const int64_t to = first[0] + line * lines.inner_stride(0);
        const int64_t from = first[1] + line * lines.inner_stride(1);
        A state = identity;
        for (int64_t b = 0; b < size; b += kBlock) {
          const int64_t n = size - b < kBlock ? size - b : kBlock, at = from + b * lines.step[1];
          along(result, access.load(in.data, at, lines.step[1], n, buffer), &state, n);
          access.store(out.data, to + b * lines.step[0], lines.step[0], n, result);
        }
      }
    });
  });
}

// Running maximum or minimum with its position: the last of equals, and the last NaN once there is
// one.
template <bool kMax, class T>
void run_extreme(const View& out, const View* indices, const View& in, int64_t dim) {
  using A = opmath_t<T>;
  const int64_t size = line_size(in, dim);
  const View& positions = indices ? *indices : out;
  const Lines<3> lines({&out, &positions, &in}, dim);
  if (lines.count == 0 || size == 0) return;
  T* to = out.ptr<T>();
  int64_t* to_index = indices ? indices->ptr<int64_t>() : nullptr;
  const T* from = in.ptr<const T>();
  const int64_t tile = lines.prefer_columns(2) ? kTile : 1;
  const int64_t inner = tile == 1 ? 1 : lines.inner_size(), tiles = (inner + tile - 1) / tile;
  const int64_t grain = 1 + kGrain / (tile * size);
  parallel_for(lines.count / inner * tiles, grain, [&](int64_t begin, int64_t end) {
    A best[kTile];
    int64_t best_index[kTile];
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % tiles * tile, n = inner - first < tile ? inner - first : tile;
      int64_t at[3];
      lines.at(t / tiles * inner + first, at);
      for (int64_t i = 0; i < n; ++i) {
        best[i] = load_as<A>(from[at[2] + i * lines.inner_stride(2)]);
        best_index[i] = 0;
      }
      for (int64_t r = 0; r < size; ++r) {
        for (int64_t i = 0; i < n; ++i) {
          const A x = load_as<A>(from[at[2] + r * lines.step[2] + i * lines.inner_stride(2)]);
          bool take = kMax ? x >= best[i] : x <= best[i];
          if constexpr (is_real_float_v<T>) take = take || x != x;
          best[i] = take ? x : best[i];
          best_index[i] = take ? r : best_index[i];
          to[at[0] + r * lines.step[0] + i * lines.inner_stride(0)] = T(best[i]);
          if (!to_index) continue;
          to_index[at[1] + r * lines.step[1] + i * lines.inner_stride(1)] = best_index[i];
        }
      }
    }
  });
}

// What running sums and products of T are kept in.
template <class T>
using running_t =
    std::conditional_t<is_complex_v<T>, Complex128,
                       std::conditional_t<std::is_same_v<T, float>, double, acc_t<T>>>;

// A complex result narrows by its explicit constructor, all others by a cast.
template <class Op, class T>
void run_arithmetic(const View& out, const View& in, int64_t dim, running_t<T> identity) {
  using A = running_t<T>;
  constexpr bool kSum = std::is_same_v<Op, RunningSum>;
  Whole<A> whole_lines = nullptr, whole_columns = nullptr;
  if constexpr ((kSum && std::is_same_v<T, int32_t>) ||
                ((kSum || std::is_same_v<Op, RunningProduct>) &&
                 (std::is_same_v<T, float> || std::is_same_v<T, double> ||
                  std::is_same_v<T, int64_t>))) {
    whole_lines = scan_lines<Op, A, T>;
    whole_columns = scan_down<Op, A, T>;
  }
  run<A>(out, in, dim, {load_plain<A, T>, store_cast<A, T>}, identity, along<Op, A>, across<Op, A>,
         whole_lines, whole_columns);
}

}  // namespace

void scan(ScanOp op, const View& out, const View* indices, const View& in, int64_t dim) {
  switch (op) {
    case ScanOp::cumsum:
      return dispatch<AllTypes>(in.dtype, "cumsum", [&]<class T>() {
        run_arithmetic<RunningSum, T>(out, in, dim, running_t<T>(0));
      });
    case ScanOp::cumprod:
      return dispatch<AllTypes>(in.dtype, "cumprod", [&]<class T>() {
        run_arithmetic<RunningProduct, T>(out, in, dim, running_t<T>(1));
      });
    case ScanOp::cummax:
      return dispatch<RealAndBool>(in.dtype, "cummax",
                                   [&]<class T>() { run_extreme<true, T>(out, indices, in, dim); });
    case ScanOp::cummin:
      return dispatch<RealAndBool>(
          in.dtype, "cummin", [&]<class T>() { run_extreme<false, T>(out, indices, in, dim); });
    case ScanOp::logcumsumexp:
      return dispatch<Floating>(in.dtype, "logcumsumexp", [&]<class T>() {
        using A = running_t<T>;
        run_arithmetic<RunningLogSumExp, T>(out, in, dim, -std::numeric_limits<A>::infinity());
      });
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
