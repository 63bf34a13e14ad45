// The transforms of Winograd's F(2 x 2, 3 x 3) and the order of data they work in: lanes along the
// channels. Everything is float.
#pragma once

#include "kernels/cpu/bordered.h"
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

using V = Vec<float>;
constexpr int64_t W = kLanes<float>, kPanel = kTileVectors * W;
constexpr int64_t kBlockTiles = 64;

// A row stride that is no power of two, so that rows do not fall on the same cache sets.
PG_HOST_INLINE int64_t padded_stride(int64_t channels) { return round_up(channels, kPanel) + W; }

// 16 matrices [tiles][channels]: V, or the products.
struct Planes {
  int64_t row, plane;
  Planes(int64_t tiles, int64_t channels)
      : row(padded_stride(channels)), plane(tiles * row + 3 * W) {}
  int64_t elements() const { return 16 * plane; }
};

struct Tiling {
  int64_t height, width, per_image;  // tiles of 2 x 2 outputs
  int64_t batch;                     // images
  // Batches of `tiles` tiles or of one image.
  Tiling(const View& out, int64_t tiles)
      : height(ceil_div(out.sizes[3], 2)),
        width(ceil_div(out.sizes[4], 2)),
        per_image(height * width),
        batch(least(out.sizes[0], ceil_div(tiles, per_image))) {}
};

// Images with their channels side by side: [rows][columns][stride], zero outside the view, whose
// pixel (0, 0) comes at (top, left).
struct ChannelOrder {
  View v;
  RunReader<float> reader;
  int64_t rows, columns, top, left, stride;
  bool dense;
  ChannelOrder(const View& view, int64_t r, int64_t c, int64_t t, int64_t l)
      : v(view),
        reader(view),
        rows(r),
        columns(c),
        top(t),
        left(l),
        stride(round_up(view.sizes[1], W)),
        dense(reader.native && view.strides[4] == 1) {}
  int64_t image() const { return rows * columns * stride; }

  void load(float* to, int64_t first, int64_t count) const {
    parallel_for(
        count * rows, most(1, kGrain / (columns * stride)), [&](int64_t begin, int64_t end) {
          ScratchBuffer<float> buffer(dense ? 0 : v.sizes[1] * v.sizes[4]);
          for (int64_t i = begin; i < end; ++i)
            load_row(to + i * columns * stride, first + i / rows, i % rows - top, buffer.data);
        });
  }

 private:
  void load_row(float* to, int64_t n, int64_t h, float* buffer) const {
    if (h < 0 || h >= v.sizes[3]) {
      memset(to, 0, size_t(columns * stride) * sizeof(float));
      return;
    }
    const int64_t width = least(v.sizes[4], columns - left), channels = v.sizes[1];
    const int64_t at = n * v.strides[0] + h * v.strides[3];
    clear_lanes(to, left * stride);
    to += left * stride;
    if (!dense && v.strides[1] == 1) {
      for (int64_t w = 0; w < width; ++w, to += stride) {
        const float* run = reader.get(at + w * v.strides[4], 1, channels, to);
        if (run != to) copy_lanes(run, to, channels);
        clear_lanes(to + channels, stride - channels);
      }
    } else {
      const float* from = v.ptr<const float>() + at;
      int64_t step = v.strides[1];
      if (!dense) {
        from = buffer;
        step = width;
        for (int64_t c = 0; c < channels; ++c) {
          float* line = buffer + c * width;
          const float* run = reader.get(at + c * v.strides[1], v.strides[4], width, line);
          if (run != line) copy_lanes(run, line, width);
        }
      }
      transpose(from, step, channels, width, to, stride, stride);
      to += width * stride;
    }
    clear_lanes(to, (columns - left - width) * stride);
  }
};

// V of one tile whose corner is at d, for all channels.
void transform_input(const float* d, int64_t columns, int64_t stride, float* v, int64_t plane) {
  for (int64_t c = 0; c < stride; c += W, d += W, v += W) {
    V t[4][4];  // B' d
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const float* at = d + j * stride;
      const V d0 = load(at), d1 = load(at + columns * stride);
      const V d2 = load(at + 2 * columns * stride), d3 = load(at + 3 * columns * stride);
      t[0][j] = d0 - d2;
      t[1][j] = d1 + d2;
      t[2][j] = d2 - d1;
      t[3][j] = d1 - d3;
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      float* to = v + 4 * i * plane;
      store(to, t[i][0] - t[i][2]);
      store(to + plane, t[i][1] + t[i][2]);
      store(to + 2 * plane, t[i][2] - t[i][1]);
      store(to + 3 * plane, t[i][1] - t[i][3]);
    }
  }
}

// A dY A' of the tile of 2 x 2 at g.
void transform_gradient(const float* g, int64_t columns, int64_t stride, float* m, int64_t plane) {
  for (int64_t c = 0; c < stride; c += W, g += W, m += W) {
    V t[4][2];
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      const V a = load(g + j * stride), b = load(g + (columns + j) * stride);
      t[0][j] = a;
      t[1][j] = a + b;
      t[2][j] = a - b;
      t[3][j] = V{} - b;
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      float* to = m + 4 * i * plane;
      store(to, t[i][0]);
      store(to + plane, t[i][0] + t[i][1]);
      store(to + 2 * plane, t[i][0] - t[i][1]);
      store(to + 3 * plane, V{} - t[i][1]);
    }
  }
}

// A' m A + bias for one tile: its pixels (i, j) to y + i * y_row + j * y_step. Returns zero, or NaN
// in a lane with a result that is not finite.
V transform_output(const float* m, int64_t plane, int64_t channels, const float* bias, float* y,
                   int64_t y_row, int64_t y_step) {
  V flaw{};
  for (int64_t c = 0; c < channels; c += W, m += W, y += W) {
    V t[2][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const V m0 = load(m + j * plane), m1 = load(m + (4 + j) * plane);
      const V m2 = load(m + (8 + j) * plane), m3 = load(m + (12 + j) * plane);
      t[0][j] = m0 + m1 + m2;
      t[1][j] = m1 - m2 - m3;
    }
    const V start = bias ? load(bias + c) : V{};
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const V y0 = t[i][0] + t[i][1] + t[i][2] + start, y1 = t[i][1] - t[i][2] - t[i][3] + start;
      store(y + i * y_row, y0);
      store(y + i * y_row + y_step, y1);
      flaw = fma(y0, V{}, fma(y1, V{}, flaw));
    }
  }
  return flaw;
}

// Filters with (channel, input, tap) at the given strides; the taps backwards if `turned`.
struct Filters {
  const float* data;
  int64_t channels, channel_stride, inputs, input_stride;
  bool turned;
  // Of channels [first, first + count).
  Filters part(int64_t first, int64_t count) const {
    return {data + first * channel_stride, count, channel_stride, inputs, input_stride, turned};
  }
};

// U, [16][panel][input][lane].
void transform_filters(const Filters& f, float* u) {
  const int64_t channels = f.channels, inputs = f.inputs;
  const int64_t padded = round_up(channels, W), plane = padded * inputs;
  const int64_t panels = ceil_div(padded, kPanel);
  parallel_for(panels * inputs, kGrain / (16 * kPanel), [&](int64_t begin, int64_t end) {
    float taps[9 * kPanel];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / inputs * kPanel, input = i % inputs;
      const int64_t lanes = least(kPanel, padded - channel);
      transpose(f.data + channel * f.channel_stride + input * f.input_stride, f.channel_stride,
                least(lanes, channels - channel), 9, taps, lanes, lanes);
      for (int64_t l = 0; l < lanes; l += W) {
        float* to = u + channel * inputs + input * lanes + l;
        V t[4][3];
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
          V g[3];
#pragma GCC unroll 3
          for (int k = 0; k < 3; ++k)
            g[k] = load(taps + (f.turned ? 8 - 3 * k - j : 3 * k + j) * lanes + l);
          const V even = (g[0] + g[2]) * splat(0.5f), odd = g[1] * splat(0.5f);
          t[0][j] = g[0];
          t[1][j] = even + odd;
          t[2][j] = even - odd;
          t[3][j] = g[2];
        }
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const V even = (t[k][0] + t[k][2]) * splat(0.5f), odd = t[k][1] * splat(0.5f);
          store(to + 4 * k * plane, t[k][0]);
          store(to + (4 * k + 1) * plane, even + odd);
          store(to + (4 * k + 2) * plane, even - odd);
          store(to + (4 * k + 3) * plane, t[k][2]);
        }
      }
    }
  });
}

// G' dU G of dU [16][panel][input][lane] to gradients [channel][input][tap].
void finish_gradient(const float* du, int64_t channels, int64_t inputs, float* dw) {
  const int64_t padded = round_up(channels, W), plane = padded * inputs;
  constexpr int64_t kInputs = 16;
  const int64_t panels = ceil_div(padded, kPanel), groups = ceil_div(inputs, kInputs);
  parallel_for(
      panels * groups, most(1, kGrain / (16 * kPanel * kInputs)), [&](int64_t begin, int64_t end) {
        float taps[9 * kInputs * kPanel];
        for (int64_t i = begin; i < end; ++i) {
          const int64_t channel = i / groups * kPanel, first = i % groups * kInputs;
          const int64_t lanes = least(kPanel, padded - channel),
                        count = least(kInputs, inputs - first);
          for (int64_t c = 0; c < count; ++c)
            for (int64_t l = 0; l < lanes; l += W) {
              const float* from = du + channel * inputs + (first + c) * lanes + l;
              V t[3][4];
#pragma GCC unroll 4
              for (int j = 0; j < 4; ++j) {
                const V u0 = load(from + j * plane), u1 = load(from + (4 + j) * plane);
                const V u2 = load(from + (8 + j) * plane), u3 = load(from + (12 + j) * plane);
                const V half = splat(0.5f), even = (u1 + u2) * half;
                t[0][j] = u0 + even;
                t[1][j] = (u1 - u2) * half;
                t[2][j] = even + u3;
              }
#pragma GCC unroll 3
              for (int k = 0; k < 3; ++k) {
                const V half = splat(0.5f), even = (t[k][1] + t[k][2]) * half;
                float* to = taps + (9 * c + 3 * k) * lanes + l;
                store(to, t[k][0] + even);
                store(to + lanes, (t[k][1] - t[k][2]) * half);
                store(to + 2 * lanes, even + t[k][3]);
              }
            }
          transpose(taps, lanes, 9 * count, least(lanes, channels - channel),
                    dw + (channel * inputs + first) * 9, inputs * 9, 9 * count);
        }
      });
}

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
