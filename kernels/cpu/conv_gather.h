// The packing functions that turn the GEMM engine into convolutions: panels gathered straight from
// an image, no im2col buffer.
//
// The gathered matrix has a line per position of an output grid and a depth of (channel, tap): the
// image's element of that channel at position * step + tap offset, 0 outside the image. Forward
// gathers the input, the data gradient gathers the output's gradient, and the weight gradient uses
// the same matrix turned round, with positions along the depth.
#pragma once

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_convert.h"
#include "kernels/view.h"

namespace pygrad::cpu::PG_ISA_NS {

template <class In>
struct Gather {
  const In* data;        // channel 0 of the (first) image
  int64_t image_stride;  // for pack_gather_turned: the depth runs over images, too
  int64_t channel_stride;
  int64_t stride[3], size[3];  // of the image's d, h, w
  int64_t grid[3];             // lines: positions of the output, the last dimension fastest
  int64_t step[3];             // image elements per position
  int64_t taps;
  const int64_t* offset;  // [taps][3]: image coordinate of a tap at position 0
};

// Short copies of a few vectors: cheaper inline than a call.
template <class In, class T>
PG_HOST_INLINE void copy_run(const In* from, int64_t stride, T* to, int64_t n) {
  constexpr int L = kLanes<T>;
  if constexpr (std::is_same_v<In, T>) {
    if (stride == 1) {
      int64_t i = 0;
      for (; i + L <= n; i += L) store(to + i, load(from + i));
      if (i == n) return;
#if defined(__AVX512F__)
      store_n(to + i, load_n(from + i, n - i), n - i);
#else
      if (n >= L)
        store(to + n - L, load(from + n - L));  // overlaps what is there already
      else
        for (; i < n; ++i) to[i] = from[i];
#endif
      return;
    }
  }
  read_run(from, stride, to, n);
}

// Where a tap finds a stretch of positions in one row of the grid: positions [low, high) fall
// inside the image, position 0 (perhaps outside) would lie `at` elements from the channel's start.
struct TapRow {
  int64_t at, low, high;
};

template <class In>
PG_HOST_INLINE TapRow tap_row(const Gather<In>& g, const int64_t* offset, int64_t d, int64_t h,
                              int64_t w, int64_t count) {
  const int64_t id = d * g.step[0] + offset[0], ih = h * g.step[1] + offset[1];
  if (id < 0 || id >= g.size[0] || ih < 0 || ih >= g.size[1]) return {0, 0, 0};
  const int64_t s = g.step[2], first = w * s + offset[2], left = g.size[2] - first;
  int64_t low = first >= 0 ? 0 : s == 1 ? -first : (-first + s - 1) / s;
  int64_t high = left <= 0 ? 0 : s == 1 ? left : (left + s - 1) / s;
  if (low > count) low = count;
  if (high > count) high = count;
  if (high < low) high = low;
  return {id * g.stride[0] + ih * g.stride[1] + first * g.stride[2], low, high};
}

// The values of the stretch for one channel go to to[0..count).
template <class In, class T>
PG_HOST_INLINE void gather_row(const In* channel, const TapRow& t, int64_t step, int64_t count,
                               T* to) {
  for (int64_t i = 0; i < t.low; ++i) to[i] = T(0);
  if (t.low < t.high) copy_run(channel + t.at + t.low * step, step, to + t.low, t.high - t.low);
  for (int64_t i = t.high; i < count; ++i) to[i] = T(0);
}

// A stretch of grid positions as pieces of rows: calls f(d, h, w, count, done).
template <class In, class F>
PG_HOST_INLINE void for_each_segment(const Gather<In>& g, int64_t position, int64_t count, F&& f) {
  int64_t w = position % g.grid[2], h = position / g.grid[2] % g.grid[1];
  int64_t d = position / (g.grid[2] * g.grid[1]);
  for (int64_t done = 0; done < count;) {
    const int64_t n = g.grid[2] - w < count - done ? g.grid[2] - w : count - done;
    f(d, h, w, n, done);
    done += n;
    w = 0;
    if (++h == g.grid[1]) h = 0, ++d;
  }
}

// Lines are grid positions, depth is channel * taps + tap.
template <class In, class T>
void pack_gather(const void* source, T* panel, int64_t line, int64_t lines, int64_t width,
                 int64_t p, int64_t depth) {
  const auto& g = *static_cast<const Gather<In>*>(source);
  constexpr int64_t kTable = 64;  // taps whose place in a row is worked out once for all channels
  const int64_t step = g.step[2] * g.stride[2];
  for_each_segment(g, line, lines, [&](int64_t d, int64_t h, int64_t w, int64_t n, int64_t done) {
    TapRow table[kTable];
    const bool tabled = g.taps <= kTable && depth > g.taps;
    for (int64_t t = 0; tabled && t < g.taps; ++t)
      table[t] = tap_row(g, g.offset + 3 * t, d, h, w, n);
    int64_t tap = p % g.taps;
    const In* channel = g.data + p / g.taps * g.channel_stride;
    T* to = panel + done;
    for (int64_t i = 0; i < depth; ++i, to += width) {
      gather_row(channel, tabled ? table[tap] : tap_row(g, g.offset + 3 * tap, d, h, w, n), step, n,
                 to);
      if (++tap == g.taps) tap = 0, channel += g.channel_stride;
    }
  });
  for (int64_t i = 0; i < depth && lines < width; ++i)
    for (int64_t l = lines; l < width; ++l) panel[i * width + l] = T(0);
}

// Lines are channel * taps + tap, depth runs over the positions of all images.
template <class In, class T>
void pack_gather_turned(const void* source, T* panel, int64_t line, int64_t lines, int64_t width,
                        int64_t p, int64_t depth) {
  const auto& g = *static_cast<const Gather<In>*>(source);
  const int64_t positions = g.grid[0] * g.grid[1] * g.grid[2];
  const int64_t step = g.step[2] * g.stride[2];
  ScratchBuffer<T> runs(kDepthBlock * width);
  for (int64_t l = 0; l < lines; ++l) {
    const int64_t* offset = g.offset + (line + l) % g.taps * 3;
    const In* channel = g.data + (line + l) / g.taps * g.channel_stride;
    T* to = runs.data + l * kDepthBlock;
    for (int64_t done = 0; done < depth;) {
      const int64_t image = (p + done) / positions, first = (p + done) % positions;
      const int64_t n = positions - first < depth - done ? positions - first : depth - done;
      const In* of_image = channel + image * g.image_stride;
      for_each_segment(g, first, n, [&](int64_t d, int64_t h, int64_t w, int64_t k, int64_t at) {
        gather_row(of_image, tap_row(g, offset, d, h, w, k), step, k, to + done + at);
      });
      done += n;
    }
  }
  interleave(runs.data, kDepthBlock, panel, lines, width, depth);
}

// Rows that follow each other without a gap become one long row where no tap looks sideways: 1x1
// kernels, gradients.
template <class In>
PG_HOST_INLINE void join_rows(Gather<In>& g) {
  for (int d = 0; d < 3; ++d)
    if (g.step[d] != 1 || g.size[d] != g.grid[d] || g.taps != 1 || g.offset[d] != 0) return;
  for (int d = 1; d >= 0; --d) {
    if (g.size[d] != 1 && g.stride[d] != g.size[2] * g.stride[2]) return;
    g.size[2] *= g.size[d];
    g.grid[2] = g.size[2];
    g.size[d] = g.grid[d] = 1;
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
