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
// A vector of A from as many T.
template <class A, class T>
PG_HOST_INLINE Vec<A> load_wide(const T* p) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    return (Vec<A>)_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));  // gcc 12 converts by halves
  }
#endif
  typedef T Part __attribute__((vector_size(kLanes<A> * sizeof(T))));
  Part part;
  memcpy(&part, p, sizeof part);
  return __builtin_convertvector(part, Vec<A>);
}
// n contiguous elements of one line, in vectors of A.
template <class A, class T>
void sum_along(void* out_base, int64_t out_at, const void* in_base, int64_t in_at, A* state,
               int64_t n) {
  constexpr int L = kLanes<A>;
  using Lanes = std::make_integer_sequence<int, L>;
  typedef T Part __attribute__((vector_size(L * sizeof(T))));
  T* out = static_cast<T*>(out_base) + out_at;
  const T* in = static_cast<const T*>(in_base) + in_at;
  Vec<A> before = splat(*state);
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    const Vec<A> sums = sum_up(load_wide<A>(in + i), Lanes());
    const Part part = __builtin_convertvector(add_values(before, sums), Part);
    memcpy(out + i, &part, sizeof part);
    before = add_values(before, last_lane(sums, Lanes()));
  }
  A running = before[0];
  for (; i < n; ++i) out[i] = T(running = add_values(running, A(in[i])));
  *state = running;
}
template <class A>
using SumAlong = void (*)(void* out, int64_t out_at, const void* in, int64_t in_at, A* state,
                          int64_t n);

// `whole` is null, or does a contiguous line without blocks.
template <class A>
void run(const View& out, const View& in, int64_t dim, Access<A> access, A identity, Step<A> along,
         Step<A> across, SumAlong<A> whole) {
  const int64_t size = line_size(in, dim);
  const Lines<2> lines({&out, &in}, dim);
  if (lines.count == 0 || size == 0) return;
  if (lines.prefer_columns(1)) {
    const int64_t inner = lines.inner_size(), tiles = (inner + kTile - 1) / kTile;
    const int64_t grain = 1 + kGrain / (kTile * size);
    parallel_for(lines.count / inner * tiles, grain, [&](int64_t begin, int64_t end) {
      alignas(64) A state[kTile], buffer[kTile];
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = t % tiles * kTile, n = inner - first < kTile ? inner - first : kTile;
        int64_t at[2];
        lines.at(t / tiles * inner + first, at);
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
    for (int64_t line = begin; line < end; ++line) {
      int64_t at[2];
      lines.at(line, at);
      A state = identity;
      if (whole && lines.step[0] == 1 && lines.step[1] == 1) {
        whole(out.data, at[0], in.data, at[1], &state, size);
        continue;
      }
      for (int64_t b = 0; b < size; b += kBlock) {
        const int64_t n = size - b < kBlock ? size - b : kBlock;
        const int64_t from = at[1] + b * lines.step[1], to = at[0] + b * lines.step[0];
        along(result, access.load(in.data, from, lines.step[1], n, buffer), &state, n);
        access.store(out.data, to, lines.step[0], n, result);
      }
    }
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
  SumAlong<A> whole = nullptr;
  if constexpr (std::is_same_v<Op, RunningSum> &&
                (std::is_same_v<T, float> || std::is_same_v<T, int64_t> ||
                 std::is_same_v<T, int32_t>)) {
    whole = sum_along<A, T>;
  }
  run<A>(out, in, dim, {load_plain<A, T>, store_cast<A, T>}, identity, along<Op, A>, across<Op, A>,
         whole);
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
