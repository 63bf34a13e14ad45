// argmax and argmin along one dimension, with the values when asked. The first of equals wins, and
// the first NaN over all.
//
// Lines: each block of a line is folded to its extreme value, at memory speed and with NaN only
// watched for; the block that holds the final answer is then searched for its position.
// Columns: when neighbouring lines are closer than the elements of one, a tile of lines advances
// together, value and position chosen by compare and blend.
// Parallel plan: lines, or tiles of them; a long single line is cut into segments of kSegment
// elements joined in order.
// Memory: a block or a tile on the stack; a value and position per segment in scratch memory.

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSegment = 1 << 17;
constexpr int64_t kTile = 256;
constexpr int64_t kShort = 4;  // lines up to this size are walked element by element

template <class A>
struct Found {
  A value;
  int64_t index;
};

// Whether x replaces `best`, which came before it.
template <class Op, class A>
PG_HOST_INLINE bool better(A best, A x) {
  constexpr bool kMax = std::is_same_v<Op, FoldMax>;
  const bool beyond = kMax ? x > best : x < best;
  if constexpr (std::is_integral_v<A>)
    return beyond;
  else
    return beyond | ((x != x) & (best == best));
}

// --- vectors ------------------------------------------------------------------------------------

// Lane-wise, the second operand where either is NaN.
template <class Op, class V>
PG_HOST_INLINE V pick_lanes(V a, V b) {
  constexpr bool kMax = std::is_same_v<Op, FoldMax>;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Elem<V>, float>) {
    return kMax ? (V)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b)
                : (V)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
  } else if constexpr (std::is_same_v<Elem<V>, double>) {
    return kMax ? (V)_mm512_maskz_max_pd(0xff, (__m512d)a, (__m512d)b)
                : (V)_mm512_maskz_min_pd(0xff, (__m512d)a, (__m512d)b);
  }
#endif
  return kMax ? max(a, b) : min(a, b);
}
template <class Op, int kWidth, class V, int... i>
PG_HOST_INLINE V fold_lanes(V v, std::integer_sequence<int, i...> lanes) {
  v = pick_lanes<Op>(v, V(__builtin_shufflevector(v, v, (i ^ kWidth)...)));
  if constexpr (kWidth > 1)
    return fold_lanes<Op, kWidth / 2>(v, lanes);
  else
    return v;
}

// Remembers whether there was a NaN.
template <class A>
struct NaNWatch {
#if defined(__AVX512F__)
  __mmask16 seen = 0;
  PG_HOST_INLINE void pair(Vec<A> a, Vec<A> b) {
    if constexpr (std::is_same_v<A, float>)
      seen = _mm512_kor(seen, _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q));
    else if constexpr (std::is_same_v<A, double>)
      seen = _mm512_kor(seen, _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_UNORD_Q));
  }
  PG_HOST_INLINE bool any() const { return seen != 0; }
#else
  Mask<Vec<A>> seen{};
  PG_HOST_INLINE void pair(Vec<A> a, Vec<A> b) {
    if constexpr (!std::is_integral_v<A>) seen |= (a != a) | (b != b);
  }
  PG_HOST_INLINE bool any() const { return cpu::PG_ISA_NS::any(seen); }
#endif
};

// p[0..n) in the first lanes, `fill` in the others.
template <class A>
PG_HOST_INLINE Vec<A> load_few(const A* p, int64_t n, A fill) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<A, float>)
    return (Vec<A>)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), __mmask16((1u << n) - 1u), p);
  else if constexpr (std::is_same_v<A, double>)
    return (Vec<A>)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), __mmask8((1u << n) - 1u), p);
#endif
  Vec<A> v = splat(fill);
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}

// The extreme of p[0..n), n > 0; NaN if there is one. A zero may have either sign.
template <class Op, class A>
PG_HOST_INLINE A extreme_of(const A* p, int64_t n) {
  constexpr int L = kLanes<A>;
  const A identity = Op::template identity<A>();
  Vec<A> best[4];
  for (auto& b : best) b = splat(identity);
  NaNWatch<A> nan;
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    const Vec<A> a = load(p + i), b = load(p + i + L), c = load(p + i + 2 * L),
                 d = load(p + i + 3 * L);
    best[0] = pick_lanes<Op>(a, best[0]);
    best[1] = pick_lanes<Op>(b, best[1]);
    best[2] = pick_lanes<Op>(c, best[2]);
    best[3] = pick_lanes<Op>(d, best[3]);
    nan.pair(a, b);
    nan.pair(c, d);
  }
  const auto add = [&](Vec<A> a) __attribute__((always_inline)) {
    best[0] = pick_lanes<Op>(a, best[0]);
    nan.pair(a, a);
  };
  for (; i + L <= n; i += L) add(load(p + i));
  if (i < n && n >= L) add(load(p + n - L));  // some elements twice
  if (n < L) add(load_few(p, n, identity));
  if (nan.any()) [[unlikely]]
    return std::numeric_limits<A>::quiet_NaN();
  const Vec<A> joined =
      pick_lanes<Op>(pick_lanes<Op>(best[0], best[1]), pick_lanes<Op>(best[2], best[3]));
  return fold_lanes<Op, L / 2>(joined, std::make_integer_sequence<int, L>())[0];
}

constexpr int64_t kStride = 64;  // elements compared at once in the search for the position

#if defined(__AVX512F__)
// A bit for each of p[0..kStride) that equals x (NaN equals NaN) and is in `wanted`.
template <class A>
PG_HOST_INLINE uint64_t matches(const A* p, uint64_t wanted, A x) {
  uint64_t found = 0;
#pragma GCC unroll 8
  for (int i = 0; i < kStride; i += kLanes<A>) {
    uint64_t lanes = wanted >> i;
    if constexpr (std::is_same_v<A, float>) {
      const __m512 a = _mm512_maskz_loadu_ps(__mmask16(lanes), p + i);
      lanes &= x == x ? _mm512_cmp_ps_mask(a, _mm512_set1_ps(x), _CMP_EQ_OQ)
                      : _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    } else if constexpr (std::is_same_v<A, double>) {
      const __m512d a = _mm512_maskz_loadu_pd(__mmask8(lanes), p + i);
      lanes &= x == x ? _mm512_cmp_pd_mask(a, _mm512_set1_pd(x), _CMP_EQ_OQ)
                      : _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q);
    } else {
      lanes &= _mm512_cmpeq_epi64_mask(_mm512_maskz_loadu_epi64(__mmask8(lanes), p + i),
                                       _mm512_set1_epi64(x));
    }
    found |= lanes << i;
  }
  return found;
}
#endif

// Position of the first element equal to x (NaN to NaN) in p[0..n), which holds one.
template <class A>
PG_HOST_INLINE int64_t first_match(const A* p, int64_t n, A x) {
  int64_t i = 0;
#if defined(__AVX512F__)
  const auto below = [](int64_t m) { return m < kStride ? (uint64_t(1) << m) - 1 : ~uint64_t(0); };
  if (n <= 2 * kStride) {  // too few to predict a branch well
    const uint64_t found = matches(p, below(n), x);
    const uint64_t behind = matches(p + kStride, n > kStride ? below(n - kStride) : 0, x);
    return __builtin_ctzll(found ? found : behind) + (found ? 0 : kStride);
  }
  for (; i + kStride < n; i += kStride) {
    if (const uint64_t found = matches(p + i, ~uint64_t(0), x)) return i + __builtin_ctzll(found);
  }
  return i + __builtin_ctzll(matches(p + i, below(n - i), x));
#else
  const auto match = [x](A y) { return (y == x) | ((x != x) & (y != y)); };
  for (; i + kStride <= n; i += kStride) {  // without a branch per element
    std::conditional_t<sizeof(A) == 8, int64_t, int32_t> found = 0;
    for (int64_t j = 0; j < kStride; ++j) found |= match(p[i + j]);
    if (found) break;
  }
  while (i + 1 < n && !match(p[i])) ++i;
  return i;
#endif
}

// --- lines --------------------------------------------------------------------------------------

// Over elements [begin, end) of the line that starts at `line`.
template <class Op, class A>
Found<A> search_line(const Access<A>& access, const void* in, int64_t line, int64_t step,
                     int64_t begin, int64_t end) {
  alignas(64) A buffer[kBlock];
  if (end - begin <= kShort) {
    const A* p = access.load(in, line + begin * step, step, end - begin, buffer);
    Found<A> best{p[0], begin};
    for (int64_t i = 1; i < end - begin; ++i) {
      const bool take = better<Op>(best.value, p[i]);
      best.index = take ? begin + i : best.index;
      best.value = take ? p[i] : best.value;
    }
    return best;
  }
  Found<A> best{A(0), begin};
  int64_t best_block = -1;
  const A* p = buffer;
  for (int64_t b = begin; b < end; b += kBlock) {
    const int64_t n = end - b < kBlock ? end - b : kBlock;
    p = access.load(in, line + b * step, step, n, buffer);
    const A x = extreme_of<Op>(p, n);
    if (best_block < 0 || better<Op>(best.value, x)) {
      best.value = x;
      best_block = b;
    }
  }
  const int64_t n = end - best_block < kBlock ? end - best_block : kBlock;
  if (end - begin > kBlock) p = access.load(in, line + best_block * step, step, n, buffer);
  const int64_t i = first_match(p, n, best.value);
  return {p[i], best_block + i};  // p[i] keeps the sign of a zero
}

// n lines that start `stride` apart, all elements.
template <class Op, class A>
void search_tile(const Access<A>& access, const void* in, int64_t lines, int64_t stride, int64_t n,
                 int64_t step, int64_t size, A* best, int64_t* index) {
  alignas(64) A buffer[kTile];
  const A* first = access.load(in, lines, stride, n, buffer);
  for (int64_t i = 0; i < n; ++i) {
    best[i] = first[i];
    index[i] = 0;
  }
  for (int64_t r = 1; r < size; ++r) {
    const A* row = access.load(in, lines + r * step, stride, n, buffer);
    for (int64_t i = 0; i < n; ++i) {
      const bool take = better<Op>(best[i], row[i]);
      index[i] = take ? r : index[i];
      best[i] = take ? row[i] : best[i];
    }
  }
}

template <class Op, class A>
void run(const View* values, const View& indices, const View& in, int64_t dim,
         const Access<A>& access) {
  const View& out = values ? *values : indices;
  const int64_t size = line_size(in, dim);
  // The outputs have size 1 at `dim`, so their own sizes number the lines.
  const Lines<3> lines({&indices, &in, &out}, dim);
  if (lines.count == 0 || size == 0) return;
  const int64_t step = lines.step[1];
  const auto put = [&](int64_t index_at, int64_t value_at, Found<A> found) {
    indices.ptr<int64_t>()[index_at] = found.index;
    if (values) access.store(values->data, value_at, 1, 1, &found.value);
  };
  if (lines.prefer_columns(1)) {
    const int64_t inner = lines.inner_size(), tiles = (inner + kTile - 1) / kTile;
    const int64_t grain = 1 + kGrain / (kTile * size + 1);
    parallel_for(lines.count / inner * tiles, grain, [&](int64_t begin, int64_t end) {
      alignas(64) A best[kTile];
      alignas(64) int64_t index[kTile];
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = t % tiles * kTile, n = inner - first < kTile ? inner - first : kTile;
        int64_t at[3];
        lines.at(t / tiles * inner + first, at);
        search_tile<Op>(access, in.data, at[1], lines.inner_stride(1), n, step, size, best, index);
        for (int64_t i = 0; i < n; ++i) {
          put(at[0] + i * lines.inner_stride(0), at[2] + i * lines.inner_stride(2),
              {best[i], index[i]});
        }
      }
    });
    return;
  }
  const int64_t segments = (size + kSegment - 1) / kSegment;
  ScratchBuffer<Found<A>> partial(segments > 1 ? lines.count * segments : 0);
  parallel_for(lines.count * segments, 1 + kGrain / (size + 1), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      int64_t at[3];
      const int64_t line = segments == 1 ? t : t / segments;
      lines.at(line, at);
      const int64_t from = (t - line * segments) * kSegment;
      const int64_t to = size - from < kSegment ? size : from + kSegment;
      const Found<A> found = search_line<Op>(access, in.data, at[1], step, from, to);
      if (segments > 1)
        partial[t] = found;
      else
        put(at[0], at[2], found);
    }
  });
  if (segments == 1) return;
  for (int64_t line = 0; line < lines.count; ++line) {
    Found<A> best = partial[line * segments];
    for (int64_t s = 1; s < segments; ++s) {
      const Found<A> next = partial[line * segments + s];
      if (better<Op>(best.value, next.value)) best = next;
    }
    int64_t at[3];
    lines.at(line, at);
    put(at[0], at[2], best);
  }
}

}  // namespace

void arg_reduce(bool max, const View* values, const View& indices, const View& in, int64_t dim) {
  dispatch<RealAndBool>(in.dtype, max ? "argmax" : "argmin", [&]<class T>() {
    using A = order_t<T>;
    const Access<A> access{load_plain<A, T>, store_cast<A, T>};
    if (max)
      run<FoldMax, A>(values, indices, in, dim, access);
    else
      run<FoldMin, A>(values, indices, in, dim, access);
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
