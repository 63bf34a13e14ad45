// Sorting lines by keys, for sort, topk and the kernels that must apply writes in a fixed order.
//
// An element becomes an unsigned integer with the same order (all NaN share the largest key, both
// zeros one key; a descending sort inverts the bits), joined with its position in the line. Entries
// are then distinct, so ordering them in any way is a stable sort of the elements.
//
// Chunks of a line are sorted in shared memory by a bitonic network, several short lines to a
// block. A long line is then merged up, run by run, between two arrays; for the first k alone each
// chunk keeps its first k entries, and what is kept is cut into chunks again until one is left.
#pragma once

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {

constexpr int kChunk = 1024;  // entries sorted in shared memory
constexpr int kSortThreads = 256;
constexpr int kMergeRun = 8;  // entries a thread merges

// Keys of at most 4 bytes in the upper half, position in the lower: lines of fewer than 2^32.
struct NarrowEntry {
  uint64_t bits;
  PG_HOST_DEVICE static NarrowEntry make(uint64_t key, int64_t index) {
    return {key << 32 | uint64_t(index)};
  }
  PG_HOST_DEVICE static NarrowEntry last() { return {~uint64_t(0)}; }
  PG_HOST_DEVICE uint64_t key() const { return bits >> 32; }
  PG_HOST_DEVICE int64_t index() const { return int64_t(bits & 0xffffffffu); }
  PG_HOST_DEVICE bool precedes(NarrowEntry o) const { return bits < o.bits; }
};
struct WideEntry {
  uint64_t key_bits, position;
  PG_HOST_DEVICE static WideEntry make(uint64_t key, int64_t index) {
    return {key, uint64_t(index)};
  }
  PG_HOST_DEVICE static WideEntry last() { return {~uint64_t(0), ~uint64_t(0)}; }
  PG_HOST_DEVICE uint64_t key() const { return key_bits; }
  PG_HOST_DEVICE int64_t index() const { return int64_t(position); }
  PG_HOST_DEVICE bool precedes(const WideEntry& o) const {
    return key_bits < o.key_bits || (key_bits == o.key_bits && position < o.position);
  }
};

// A key of K's width for the bits of a float whose infinity has the bits `infinity`.
template <class K>
PG_HOST_DEVICE K float_key(K bits, K infinity) {
  constexpr K kSign = K(K(1) << (8 * sizeof(K) - 1));
  const K size = K(bits & K(~kSign));
  if (size > infinity) return K(~K(0));
  if (size == 0) return kSign;
  return bits & kSign ? K(~bits) : K(bits | kSign);
}
template <class K>
PG_HOST_DEVICE K bits_at(const void* data, int64_t i) {
  return static_cast<const K*>(data)[i];
}
// The key of an element; `descending` inverts it. Real dtypes and bool.
PG_HOST_DEVICE uint64_t key_at(const void* data, DType dtype, int64_t i, bool descending) {
  uint64_t key = 0, all = 0xff;
  switch (dtype) {
    case DType::Bool:
    case DType::UInt8:
      key = bits_at<uint8_t>(data, i);
      break;
    case DType::Int8:
      key = bits_at<uint8_t>(data, i) ^ 0x80u;
      break;
    case DType::Int16:
      key = bits_at<uint16_t>(data, i) ^ 0x8000u, all = 0xffff;
      break;
    case DType::Float16:
      key = float_key<uint16_t>(bits_at<uint16_t>(data, i), 0x7c00u), all = 0xffff;
      break;
    case DType::BFloat16:
      key = float_key<uint16_t>(bits_at<uint16_t>(data, i), 0x7f80u), all = 0xffff;
      break;
    case DType::Int32:
      key = bits_at<uint32_t>(data, i) ^ 0x80000000u, all = 0xffffffffu;
      break;
    case DType::Float32:
      key = float_key<uint32_t>(bits_at<uint32_t>(data, i), 0x7f800000u), all = 0xffffffffu;
      break;
    case DType::Float64:
      key = float_key<uint64_t>(bits_at<uint64_t>(data, i), 0x7ff0000000000000ull),
      all = ~uint64_t(0);
      break;
    default:
      key = bits_at<uint64_t>(data, i) ^ (uint64_t(1) << 63), all = ~uint64_t(0);
      break;
  }
  return descending ? key ^ all : key;
}

// Where the entries of a chunk come from: elements of a view's lines, or entries.
struct KeySource {
  const void* data;
  DType dtype;
  bool descending;
  int operand;  // of `Lines`
};

// Sorts chunks of up to `padded` (a power of two) entries, `lines_per_block` of them in a block,
// numbered line by line. The first `keep` of each are written to to[line * to_line + chunk * keep].
template <class E, int kOperands>
__global__ void __launch_bounds__(kSortThreads)
    sort_chunks(KeySource source, PG_PARAMETER Lines<kOperands> lines, const E* from, int64_t n,
                int padded, int chunks_per_block, int64_t chunks, E* to, int64_t to_line,
                int64_t keep) {
  __shared__ E entries[kChunk];
  const int total = padded * chunks_per_block;
  const int64_t first_chunk = int64_t(blockIdx.x) * chunks_per_block;
  for (int i = int(threadIdx.x); i < total; i += int(blockDim.x)) {
    const int64_t number = first_chunk + i / padded, line = number / chunks;
    const int64_t position = number % chunks * padded + i % padded;
    E entry = E::last();
    if (line < lines.count && position < n) {
      if (from) {
        entry = from[line * n + position];
      } else {
        int64_t at[kOperands];
        lines.at(line, at);
        const int64_t place = at[source.operand] + position * lines.step[source.operand];
        entry = E::make(key_at(source.data, source.dtype, place, source.descending), position);
      }
    }
    entries[i] = entry;
  }
  __syncthreads();
  for (int size = 2; size <= padded; size *= 2) {
    for (int half = size / 2; half > 0; half /= 2) {
      for (int i = int(threadIdx.x); i < total / 2; i += int(blockDim.x)) {
        const int low = 2 * half * (i / half) + i % half, high = low + half;
        // Chunks begin at multiples of `padded`, so the network of one is that of all.
        const bool up = (low % padded & size) == 0;
        const E a = entries[low], b = entries[high];
        if (b.precedes(a) == up) {
          entries[low] = b;
          entries[high] = a;
        }
      }
      __syncthreads();
    }
  }
  for (int i = int(threadIdx.x); i < total; i += int(blockDim.x)) {
    const int64_t number = first_chunk + i / padded, line = number / chunks;
    const int64_t chunk = number % chunks, place = i % padded;
    if (line >= lines.count || place >= keep || chunk * padded + place >= n) continue;
    to[line * to_line + chunk * keep + place] = entries[i];
  }
}

// Merges neighbouring runs of `width` entries within each line of n; a thread makes kMergeRun.
template <class E>
__global__ void __launch_bounds__(256)
    merge_runs(const E* from, E* to, int64_t n, int64_t width, int64_t tasks, int64_t lines) {
  const int64_t task = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (task >= tasks * lines) return;
  const E* line = from + task / tasks * n;
  E* out = to + task / tasks * n;
  const int64_t first = task % tasks * kMergeRun, pair = first / (2 * width) * (2 * width);
  const int64_t left_end = least(pair + width, n), right_end = least(pair + 2 * width, n);
  const int64_t skip = first - pair;  // entries of the pair before ours
  // The split of those between left and right: the most from the left that precede.
  int64_t low = most(0, skip - (right_end - left_end)), high = least(skip, left_end - pair);
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (line[left_end + skip - middle - 1].precedes(line[pair + middle]))
      high = middle;
    else
      low = middle + 1;
  }
  int64_t a = pair + low, b = left_end + skip - low;
  for (int64_t i = first; i < least(first + kMergeRun, right_end); ++i) {
    const bool right = a >= left_end || (b < right_end && line[b].precedes(line[a]));
    out[i] = right ? line[b++] : line[a++];
  }
}

// Sorted entries of every line, the first `keep` (n for all) of each in order:
// entries[line * stride + i].
template <class E>
struct SortedLines {
  ScratchArray<E> first, second;
  const E* entries = nullptr;
  int64_t stride = 0;

  template <int kOperands>
  SortedLines(KeySource source, const Lines<kOperands>& lines, int64_t n, int64_t keep)
      : first(lines.count * room(n, keep)), second(lines.count * (n > kChunk ? room(n, keep) : 0)) {
    const bool select = keep * 4 <= kChunk;
    const E* from = nullptr;
    E *to = first.data, *other = second.data;
    for (;;) {
      int padded = 2;
      while (padded < kChunk && padded < n) padded *= 2;
      const int64_t chunks = ceil_div(n, padded);
      const int64_t kept = select ? least(keep, padded) : padded;
      const int64_t all = lines.count * chunks;
      const int in_block = int(least(all, kChunk / padded / 2 > 1 ? kChunk / padded / 2 : 1));
      // Chunks before the last are whole, so only the last keeps fewer than `kept`.
      const int64_t left = (chunks - 1) * kept + least(kept, n - (chunks - 1) * padded);
      const unsigned threads =
          unsigned(least(kSortThreads, most(32, int64_t(padded) * in_block / 4)));
      PG_LAUNCH((sort_chunks<E, kOperands>), dim3(unsigned(ceil_div(all, in_block))), dim3(threads),
                0, current_stream(), source, lines, from, n, padded, in_block, chunks, to, left,
                kept);
      entries = to;
      stride = left;
      if (chunks == 1) return;
      E* const written = to;
      to = other;
      other = written;
      from = written;
      if (!select) break;
      n = left;
    }
    for (int64_t width = kChunk; width < n; width *= 2) {
      const int64_t tasks = ceil_div(n, kMergeRun);
      PG_LAUNCH_INDEPENDENT((merge_runs<E>), dim3(unsigned(ceil_div(tasks * lines.count, 256))),
                            dim3(256), 0, current_stream(), from, to, n, width, tasks, lines.count);
      entries = to;
      E* const written = to;
      to = const_cast<E*>(from);
      from = written;
    }
    stride = n;
  }

 private:
  static int64_t room(int64_t n, int64_t keep) {
    if (keep * 4 > kChunk || n <= kChunk) return n;
    return ceil_div(n, kChunk) * keep;
  }
};

// f.operator()<E>() with the entry type for a key of `bytes` bytes.
template <class F>
void with_entry(int64_t bytes, int64_t n, F&& f) {
  if (bytes <= 4 && n < int64_t(0xffffffff))
    f.template operator()<NarrowEntry>();
  else
    f.template operator()<WideEntry>();
}

// Values and positions of the first k entries of each line. Values are found again in the input:
// NaN and zeros keep their bits.
struct Bytes16 {
  uint64_t low, high;
};
template <class E, class U>
__global__ void __launch_bounds__(256)
    emit_sorted(const E* entries, int64_t stride, const U* in, U* values, int64_t* indices,
                PG_PARAMETER Lines<3> lines, int64_t k) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= lines.count * k) return;
  const int64_t line = i / k, place = i % k;
  int64_t at[3];  // values, indices, in
  lines.at(line, at);
  const int64_t index = entries[line * stride + place].index();
  values[at[0] + place * lines.step[0]] = in[at[2] + index * lines.step[2]];
  indices[at[1] + place * lines.step[1]] = index;
}

template <class E>
void emit(const SortedLines<E>& sorted, const View& values, const View& indices, const View& in,
          const Lines<3>& lines, int64_t k) {
  const dim3 grid(unsigned(ceil_div(lines.count * k, 256)));
  const auto launch = [&]<class U>(U*) {
    PG_LAUNCH_INDEPENDENT((emit_sorted<E, U>), grid, dim3(256), 0, current_stream(), sorted.entries,
                          sorted.stride, in.ptr<const U>(), values.ptr<U>(), indices.ptr<int64_t>(),
                          lines, k);
  };
  switch (item_size(in.dtype)) {
    case 1:
      return launch(static_cast<uint8_t*>(nullptr));
    case 2:
      return launch(static_cast<uint16_t*>(nullptr));
    case 4:
      return launch(static_cast<uint32_t*>(nullptr));
    default:
      return launch(static_cast<uint64_t*>(nullptr));
  }
}

}  // namespace pygrad::cuda
