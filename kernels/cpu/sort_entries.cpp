// Ordering arrays of entries: sorting networks for blocks, bitonic merges of a few blocks, and a
// vectorised quicksort above them.
//
// A partition reads the array once: entries before the pivot are packed to its front, the others
// into a spare array, from where they are copied behind them. Entries are distinct, so both sides
// are never empty; a pivot that splits badly too often ends in merging all blocks, which is
// O(n log^2 n) whatever the data.
// Parallel plan: none; lines are the parallel dimension of the callers.
// Memory: the spare array is the caller's.

#include "kernels/cpu/sort_entries.h"

#include "kernels/cpu/sort_network.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int kBlockBits = 4;  // registers of a block: 16
template <class E>
constexpr int64_t kBlockSize = kEntryLanes<E> << kBlockBits;

// Everything below is written for one line in memory order and, with kColumns, for one line per
// lane, whose next entry is a vector further on. Sizes count entries of all lines.
template <class E, bool kColumns>
constexpr int kLaneBits = kColumns ? 0 : kEntryLaneBits<E>;

template <bool kColumns, class E>
void sort_block(E* p, int64_t n) {
  constexpr int kLanes = kLaneBits<E, kColumns>;
  if (n <= kBlockSize<E> / 4)
    run_network<E, kBlockBits - 2, kLanes, false, false>(p, n);
  else if (n <= kBlockSize<E> / 2)
    run_network<E, kBlockBits - 1, kLanes, false, false>(p, n);
  else if (n < kBlockSize<E>)
    run_network<E, kBlockBits, kLanes, false, false>(p, n);
  else
    run_network<E, kBlockBits, kLanes, false, true>(p, n);
}
template <bool kColumns, class E>
void merge_block(E* p, int64_t n) {
  constexpr int kLanes = kLaneBits<E, kColumns>;
  if (n < kBlockSize<E>)
    run_network<E, kBlockBits, kLanes, true, false>(p, n);
  else
    run_network<E, kBlockBits, kLanes, true, true>(p, n);
}

template <int kMirror, bool kWhole, class E>
PG_HOST_INLINE void compare_vectors(E* first, E* second, int32_t n) {
  const Entries<E> a = load_entries<E, true>(first, n);
  const Entries<E> b = mirror<kMirror>(load_entries<E, kWhole>(second, n), LaneSequence<E>());
  store_entries<E, true>(first, min(a, b), n);
  store_entries<E, kWhole>(second, mirror<kMirror>(max(a, b), LaneSequence<E>()), n);
}
// first[i] and second[i] put in order for i < n, vectors of kLast behind the end of second.
template <class E>
void compare_runs(E* first, E* second, int64_t n) {
  constexpr int kLanes = kEntryLanes<E>;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) compare_vectors<0, true>(first + i, second + i, kLanes);
  if (i < n) compare_vectors<0, false>(first + i, second + i, int32_t(n - i));
}
// The same for middle[-1 - i] and middle[i].
template <class E>
void compare_mirrored(E* middle, int64_t n) {
  constexpr int kLanes = kEntryLanes<E>;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    compare_vectors<kLanes - 1, true>(middle - kLanes - i, middle + i, kLanes);
  }
  if (i < n) {
    compare_vectors<kLanes - 1, false>(middle - kLanes - i, middle + i, int32_t(n - i));
  }
}

// The first comparisons of the merge of two runs of columns in one pass: the flip and log2(kStep)
// halvings, for which kStep equally distant vectors of either run are in registers.
template <int kStep, bool kWhole, class E>
void merge_columns(E* run, int64_t width, int64_t size) {
  using V = Entries<E>;
  const int64_t step = width / kStep;
  for (int64_t j = 0; j < step; j += kEntryLanes<E>) {
    V a[kStep], b[kStep];
    const auto in_second = [&](int i) { return 2 * width - kEntryLanes<E> - j - i * step; };
#pragma GCC unroll 8
    for (int i = 0; i < kStep; ++i) {
      const V x = load_entries<E, true>(run + j + i * step, 0);
      V y = V{} + EntryVector<E>::kLast;
      if (kWhole || in_second(i) < size) y = load_entries<E, true>(run + in_second(i), 0);
      a[i] = min(x, y);
      b[i] = max(x, y);
    }
#pragma GCC unroll 3
    for (int half = kStep / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (int i = 0; i < kStep; ++i) {
        if (i & half) continue;
        const V x = a[i], y = b[i];  // b is numbered from its end
        a[i] = min(x, a[i + half]);
        a[i + half] = max(x, a[i + half]);
        b[i] = max(y, b[i + half]);
        b[i + half] = min(y, b[i + half]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kStep; ++i) {
      store_entries<E, true>(run + j + i * step, a[i], 0);
      if (kWhole || in_second(i) < size) store_entries<E, true>(run + in_second(i), b[i], 0);
    }
  }
}
// The same; returns the distance of the last comparison.
template <class E>
int64_t start_merge_of_columns(E* run, int64_t width, int64_t size) {
  const int64_t blocks = width / kBlockSize<E>;
  const bool whole = size == 2 * width;
  const auto merge = [&]<int kStep>(std::integral_constant<int, kStep>) {
    if (whole)
      merge_columns<kStep, true>(run, width, size);
    else
      merge_columns<kStep, false>(run, width, size);
    return width / kStep;
  };
  if (blocks == 1) return merge(std::integral_constant<int, 1>());
  if (blocks == 2) return merge(std::integral_constant<int, 2>());
  if (blocks == 4) return merge(std::integral_constant<int, 4>());
  return merge(std::integral_constant<int, 8>());
}

// Merges run[0..width) and run[width..size) as if the second went on with kLast up to `width`: a
// comparison with those changes nothing and is left out.
template <bool kColumns, class E>
void merge_runs(E* run, int64_t width, int64_t size) {
  constexpr int64_t kSize = kBlockSize<E>;
  const auto at_most = [](int64_t x, int64_t limit) { return x < limit ? x : limit; };
  int64_t distance = width;
  if constexpr (kColumns)
    distance = start_merge_of_columns(run, width, size);
  else
    compare_mirrored(run + width, size - width);
  for (int64_t half = distance / 2; half >= kSize; half /= 2) {
    for (int64_t i = 0; i + half < size; i += 2 * half) {
      compare_runs(run + i, run + i + half, at_most(size - i - half, half));
    }
  }
  for (int64_t i = 0; i < size; i += kSize)
    merge_block<kColumns>(run + i, at_most(size - i, kSize));
}
// Depth first, so that the parts of a large array stay in the cache for several merges.
template <bool kColumns, class E>
void sort_by_merging(E* a, int64_t n) {
  if (n <= kBlockSize<E>) return sort_block<kColumns>(a, n);
  int64_t width = kBlockSize<E>;
  while (2 * width < n) width *= 2;
  sort_by_merging<kColumns>(a, width);
  sort_by_merging<kColumns>(a + width, n - width);
  merge_runs<kColumns>(a, width, n);
}

// --- quicksort of 64-bit entries ----------------------------------------------------------------

#if defined(__AVX2__) && !defined(__AVX512F__)
// Row m: the 32-bit lanes that bring the 64-bit lanes of the bit mask m to the front, in order.
struct PackTable {
  int32_t lanes[16][8]{};
  constexpr PackTable() {
    for (int m = 0; m < 16; ++m) {
      int to = 0;
      for (int i = 0; i < 4; ++i) {
        if (!(m >> i & 1)) continue;
        lanes[m][to++] = 2 * i;
        lanes[m][to++] = 2 * i + 1;
      }
    }
  }
};
alignas(64) constexpr PackTable kPack;
#endif

// Entries before the pivot go to the front of a, whose number is returned; the others to `rest`.
// Whole vectors are written: up to a vector beyond the end of rest.
PG_HOST_INLINE int64_t partition(uint64_t* a, uint64_t* rest, int64_t n, uint64_t pivot) {
  int64_t before = 0, i = 0;
#if defined(__AVX512F__)
  double value;
  memcpy(&value, &pivot, sizeof value);
  const __m512d limit = _mm512_set1_pd(value);
  const auto split = [&](__m512d x) __attribute__((always_inline)) {
    const __mmask8 k = _mm512_cmp_pd_mask(x, limit, _CMP_LT_OQ);
    _mm512_storeu_pd(a + before, _mm512_maskz_compress_pd(k, x));
    _mm512_storeu_pd(rest + (i - before), _mm512_maskz_compress_pd(__mmask8(~k), x));
    before += __builtin_popcount(k);
    i += 8;
  };
  while (i + 16 <= n) {  // read ahead of both writes
    const __m512d x = _mm512_loadu_pd(a + i), y = _mm512_loadu_pd(a + i + 8);
    split(x);
    split(y);
  }
#elif defined(__AVX2__)
  double value;
  memcpy(&value, &pivot, sizeof value);
  const __m256d limit = _mm256_set1_pd(value);
  for (; i + 4 <= n; i += 4) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
    const int k = _mm256_movemask_pd(_mm256_cmp_pd((__m256d)x, limit, _CMP_LT_OQ));
    const auto packed = [&](int mask) __attribute__((always_inline)) {
      return _mm256_permutevar8x32_epi32(
          x, _mm256_load_si256(reinterpret_cast<const __m256i*>(kPack.lanes[mask])));
    };
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(a + before), packed(k));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rest + (i - before)), packed(~k & 15));
    before += __builtin_popcount(unsigned(k));
  }
#endif
  for (; i < n; ++i) {
    const uint64_t x = a[i];
    a[before] = x;
    rest[i - before] = x;
    before += x < pivot;
  }
  return before;
}

// The middle of a sample spread over the array; at least one entry comes before it.
uint64_t choose_pivot(const uint64_t* a, int64_t n) {
  constexpr int64_t kSample = kBlockSize<uint64_t> / 4;
  uint64_t sample[kSample];
  const int64_t step = n / kSample;
  for (int64_t i = 0; i < kSample; ++i) sample[i] = a[i * step + step / 2];
  sort_block<false>(sample, kSample);
  return sample[kSample / 2];
}

// Arrays up to this size are merged from blocks rather than partitioned.
constexpr int64_t kMerged = 4 * kBlockSize<uint64_t>;

void quicksort(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted, int depth) {
  while (n > kMerged && depth-- > 0) {
    const int64_t before = partition(a, spare, n, choose_pivot(a, n));
    memcpy(a + before, spare, size_t(n - before) * sizeof(uint64_t));
    if (wanted > before) {  // few levels, since depth bounds the recursion
      quicksort(a + before, spare, n - before, wanted - before, depth);
    }
    n = before;
    if (wanted > n) wanted = n;
  }
  sort_by_merging<false>(a, n);
}

}  // namespace

void sort_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted) {
  int depth = 4;
  for (int64_t m = n; m > kMerged; m /= 2) depth += 2;
  quicksort(a, spare, n, wanted, depth);
}

void sort_entries(uint32_t* a, int64_t n) { sort_by_merging<false>(a, n); }

void sort_entry_columns(uint32_t* a, int64_t n) { sort_by_merging<true>(a, n * kEntryColumns); }

}  // namespace pygrad::cpu::PG_ISA_NS
