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

template <class E>
void sort_block(E* p, int64_t n) {
  if (n <= kBlockSize<E> / 4)
    run_network<E, kBlockBits - 2, false>(p, n);
  else if (n <= kBlockSize<E> / 2)
    run_network<E, kBlockBits - 1, false>(p, n);
  else
    run_network<E, kBlockBits, false>(p, n);
}

// first[i] and second[i] put in order for i < n, vectors of kLast behind the end of second. With
// kFlip second is met backwards: first[-1 - i] and second[i].
template <bool kFlip, class E>
void compare_runs(E* first, E* second, int64_t n) {
  constexpr int kLanes = kEntryLanes<E>, kMirror = kFlip ? kLanes - 1 : 0;
  for (int64_t i = 0; i < n; i += kLanes) {
    E* p = kFlip ? first - i - kLanes : first + i;
    const int32_t left = n - i < kLanes ? int32_t(n - i) : kLanes;
    Entries<E> a;
    memcpy(&a, p, sizeof a);
    const Entries<E> b = mirror<kMirror>(load_entries(second + i, left), LaneSequence<E>());
    const Entries<E> low = first_of(a, b);
    memcpy(p, &low, sizeof low);
    store_entries(second + i, mirror<kMirror>(last_of(a, b), LaneSequence<E>()), left);
  }
}

// Blocks are sorted, then merged as if the array went on with kLast up to a power of two of them:
// a comparison with those changes nothing and is left out.
template <class E>
void merge_blocks(E* a, int64_t n) {
  constexpr int64_t kSize = kBlockSize<E>;
  const auto at_most = [](int64_t x, int64_t limit) { return x < limit ? x : limit; };
  for (int64_t i = 0; i < n; i += kSize) sort_block(a + i, at_most(n - i, kSize));
  for (int64_t width = kSize; width < n; width *= 2) {
    for (int64_t start = 0; start + width < n; start += 2 * width) {
      E* run = a + start;
      const int64_t size = at_most(n - start, 2 * width);
      compare_runs<true>(run + width, run + width, size - width);
      for (int64_t half = width / 2; half >= kSize; half /= 2) {
        for (int64_t i = 0; i + half < size; i += 2 * half) {
          compare_runs<false>(run + i, run + i + half, at_most(size - i - half, half));
        }
      }
      for (int64_t i = 0; i < size; i += kSize) {
        run_network<E, kBlockBits, true>(run + i, at_most(size - i, kSize));
      }
    }
  }
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
  sort_block(sample, kSample);
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
  merge_blocks(a, n);
}

}  // namespace

void sort_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted) {
  int depth = 4;
  for (int64_t m = n; m > kMerged; m /= 2) depth += 2;
  quicksort(a, spare, n, wanted, depth);
}

void sort_entries(uint32_t* a, int64_t n) { merge_blocks(a, n); }

}  // namespace pygrad::cpu::PG_ISA_NS
