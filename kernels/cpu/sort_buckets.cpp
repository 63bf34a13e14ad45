// Ordering a long array of 64-bit entries: spread over buckets, each a range of entries, that are
// then sorted on their own.
//
// The range of all entries is cut into equal cells, whose populations are counted exactly;
// neighbouring cells make a bucket of about kBucketSize. So unequal densities do no harm unless
// most entries lie in a few cells, and then quicksort does the work.
// Parallel plan: the array in chunks (extremes, counts, spreading), then the buckets. Entries are
// distinct, so the result does not depend on any of this.
// Memory: counts of a chunk's cells and buckets (at most 80 KiB a chunk, 32 chunks), a bucket's
// spare array per task.

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sort_entries.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kMaxChunks = 32, kMinChunk = 1 << 15;
constexpr int64_t kBucketSize = 256, kMaxBuckets = 512;
constexpr int kMaxCellBits = 14;

int bits_of(uint64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(x); }

// The part of an array that is one chunk.
struct Chunks {
  int64_t n, size, count;
  explicit Chunks(int64_t n)
      : n(n),
        size((n + kMaxChunks - 1) / kMaxChunks < kMinChunk ? kMinChunk
                                                           : (n + kMaxChunks - 1) / kMaxChunks),
        count((n + size - 1) / size) {}
  // f(chunk, begin, end) for all chunks, in parallel.
  template <class F>
  void each(F&& f) const {
    parallel_for(count, 1, [&](int64_t first, int64_t last) {
      for (int64_t c = first; c < last; ++c) f(c, c * size, c + 1 < count ? (c + 1) * size : n);
    });
  }
};

}  // namespace

void sort_long_entries(uint64_t* a, uint64_t* spare, int64_t n, int64_t wanted) {
  const Chunks chunks(n);
  ScratchBuffer<uint64_t> least(chunks.count), most(chunks.count);
  chunks.each([&](int64_t c, int64_t begin, int64_t end) {
    uint64_t low = a[begin], high = low;
    for (int64_t i = begin; i < end; ++i) {
      low = a[i] < low ? a[i] : low;
      high = a[i] > high ? a[i] : high;
    }
    least[c] = low;
    most[c] = high;
  });
  uint64_t low = least[0], high = most[0];
  for (int64_t c = 1; c < chunks.count; ++c) {
    low = least[c] < low ? least[c] : low;
    high = most[c] > high ? most[c] : high;
  }

  const int cell_bits =
      bits_of(uint64_t(n)) - 2 < kMaxCellBits ? bits_of(uint64_t(n)) - 2 : kMaxCellBits;
  const int excess = bits_of(high - low) - cell_bits, shift = excess > 0 ? excess : 0;
  const int64_t cells = int64_t((high - low) >> shift) + 1;
  ScratchBuffer<uint32_t> counts(chunks.count * cells);
  chunks.each([&](int64_t c, int64_t begin, int64_t end) {
    uint32_t* count = counts.data + c * cells;
    memset(count, 0, size_t(cells) * sizeof(uint32_t));
    for (int64_t i = begin; i < end; ++i) ++count[(a[i] - low) >> shift];
  });

  // Cells to buckets; start[b] is where bucket b begins.
  const int64_t many = n / kBucketSize < kMaxBuckets ? n / kBucketSize : kMaxBuckets;
  const int64_t target = n / many;
  ScratchBuffer<uint16_t> bucket_of(cells);
  int64_t start[kMaxBuckets + 2];
  int64_t buckets = 0, filled = 0, seen = 0;
  start[0] = 0;
  for (int64_t i = 0; i < cells; ++i) {
    int64_t total = 0;
    for (int64_t c = 0; c < chunks.count; ++c) total += counts[c * cells + i];
    if (filled > 0 && filled + total > target && buckets < kMaxBuckets) {
      start[++buckets] = seen;
      filled = 0;
    }
    bucket_of[i] = uint16_t(buckets);
    filled += total;
    seen += total;
  }
  start[++buckets] = n;

  // place[c * buckets + b]: where the next entry of chunk c in bucket b goes.
  ScratchBuffer<int64_t> place(chunks.count * buckets);
  chunks.each([&](int64_t c, int64_t, int64_t) {
    int64_t* size = place.data + c * buckets;
    memset(size, 0, size_t(buckets) * sizeof(int64_t));
    for (int64_t i = 0; i < cells; ++i) size[bucket_of[i]] += counts[c * cells + i];
  });
  for (int64_t b = 0; b < buckets; ++b) {
    int64_t next = start[b];
    for (int64_t c = 0; c < chunks.count; ++c) {
      const int64_t size = place[c * buckets + b];
      place[c * buckets + b] = next;
      next += size;
    }
  }
  chunks.each([&](int64_t c, int64_t begin, int64_t end) {
    int64_t* next = place.data + c * buckets;
    for (int64_t i = begin; i < end; ++i) {
      spare[next[bucket_of[int64_t((a[i] - low) >> shift)]]++] = a[i];
    }
  });

  parallel_for(buckets, 1 + kMinChunk / 4 / target, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = start[b], size = start[b + 1] - begin;
      if (begin < wanted) {
        ScratchBuffer<uint64_t> rest(size + kEntryPadding);
        const int64_t left = wanted - begin;
        sort_entries(spare + begin, rest.data, size, left < size ? left : size);
      }
      memcpy(a + begin, spare + begin, size_t(size) * sizeof(uint64_t));
    }
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
