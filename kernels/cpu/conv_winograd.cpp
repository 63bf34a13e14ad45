// 3 x 3 convolution of stride 1 and its gradients by Winograd's F(2 x 2, 3 x 3): 16 products in
// place of 36 for a tile of 2 x 2 outputs (Lavin and Gray, arXiv 1509.09308).
//
//   V = B' d B     of each 4 x 4 tile d of the input, tiles overlapping by 2
//   U = G g G'     of the filters
//   Y = A' (sum over channels of U V) A
//
// The data gradient is the same with the filters transposed and turned round; the weight gradient
// is the adjoint: dU = sum over tiles of V (A dY A'), dW = G' dU G. The sum is 16 matrix products
// on the channel tile of conv_micro.h. All transforms are sums and halves, with lanes along the
// channels; images are turned to that order and back at the edges.
//
// Parallel plan: batches of images, or blocks of tiles, or the products of one block, whichever are
// many; the weight gradient sums chunks of images that are cut by shape and added in order.
//
// Memory plan: U once per call; a batch in channel order; V and the products of a block of tiles.
//
// Limits: sums of one window only meet in its outputs, so nothing spreads beyond a window; but inf
// - inf may arise within, so a batch with a result that is not finite is computed again directly.
// The error is relative to the largest products of a window: in general below that of a direct sum,
// whose chain is nine times as long.
#include "kernels/cpu/conv.h"
#include "kernels/cpu/conv_images.h"
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

using V = Vec<float>;
constexpr int64_t W = kLanes<float>, kPanel = kTileVectors * W;
constexpr int64_t kBlockTiles = 64;
constexpr int64_t kManyBatches = 16, kManyBlocks = 4;
constexpr int64_t kFewestChannels = 32;
constexpr int64_t kMostChunks = 16, kMostSums = int64_t(1) << 20;
constexpr int64_t kChunkMacs = int64_t(1) << 22;

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

// U, [16][panel][input][lane], of filters with (channel, input, tap) at the given strides; the taps
// backwards if `turned`.
void transform_filters(const float* filters, int64_t channels, int64_t channel_stride,
                       int64_t inputs, int64_t input_stride, bool turned, float* u) {
  const int64_t padded = round_up(channels, W), plane = padded * inputs;
  const int64_t panels = ceil_div(padded, kPanel);
  parallel_for(panels * inputs, kGrain / (16 * kPanel), [&](int64_t begin, int64_t end) {
    float taps[9 * kPanel];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / inputs * kPanel, input = i % inputs;
      const int64_t lanes = least(kPanel, padded - channel);
      transpose(filters + channel * channel_stride + input * input_stride, channel_stride,
                least(lanes, channels - channel), 9, taps, lanes, lanes);
      for (int64_t l = 0; l < lanes; l += W) {
        float* to = u + channel * inputs + input * lanes + l;
        V t[4][3];
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
          V g[3];
#pragma GCC unroll 3
          for (int k = 0; k < 3; ++k)
            g[k] = load(taps + (turned ? 8 - 3 * k - j : 3 * k + j) * lanes + l);
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

// Where tile `t` of a batch lies: pixel of its upper left output, counted over all images.
struct TileAt {
  int64_t image, row, column;
  TileAt(const Tiling& tiling, int64_t t)
      : image(t / tiling.per_image),
        row(t / tiling.width % tiling.height),
        column(t % tiling.width) {}
};

struct Forward {
  const View& out;
  Tiling tiling;
  ChannelOrder source;
  int64_t inputs, channels, padded;
  const float *u, *bias;
  Planes v, m;
  const int64_t *row, *step;
  RunWriter<float> writer;

  // Tiles [begin, end) of a batch. False if a result is not finite.
  bool run_block(const float* images, int64_t first, int64_t begin, int64_t end) const {
    const int64_t count = end - begin, y_row = count * 2 * padded;
    ScratchBuffer<float> v_buffer(v.elements()), m_buffer(m.elements()), y(2 * y_row);
    parallel_for(count, kGrain / (16 * v.row), [&](int64_t from, int64_t to) {
      for (int64_t t = from; t < to; ++t) {
        const TileAt at(tiling, begin + t);
        transform_input(images + at.image * source.image() +
                            (2 * at.row * source.columns + 2 * at.column) * source.stride,
                        source.columns, source.stride, v_buffer.data + t * v.row, v.plane);
      }
    });
    const int64_t panels = ceil_div(padded, kPanel);
    const int64_t tile = ceil_div(count, ceil_div(count, kTileRows));
    parallel_for(16 * panels, ceil_div(kSerialConvMacs, count * inputs * kPanel),
                 [&](int64_t from, int64_t to) {
                   for (int64_t i = from; i < to; ++i) {
                     const int64_t k = i / panels, channel = i % panels * kPanel;
                     const int64_t lanes = least(kPanel, padded - channel);
                     ChannelTile<float> t{};
                     t.depth = inputs;
                     t.row = row;
                     t.step = step;
                     t.b = u + (k * padded + channel) * inputs;
                     t.b_step = lanes;
                     t.c_step = m.row;
                     for (int64_t r = 0; r < count; r += tile) {
                       t.a = v_buffer.data + k * v.plane + r * v.row;
                       t.c = m_buffer.data + k * m.plane + r * m.row + channel;
                       channel_tile(least(tile, count - r), lanes / W, t);
                     }
                   }
                 });
    char flawed[kBlockTiles];
    parallel_for(count, kGrain / (16 * m.row), [&](int64_t from, int64_t to) {
      for (int64_t t = from; t < to; ++t) {
        const V flaw = transform_output(m_buffer.data + t * m.row, m.plane, padded, bias,
                                        y.data + 2 * t * padded, y_row, padded);
        flawed[t] = any(flaw != V{});
      }
    });
    for (int64_t t = 0; t < count; ++t)
      if (flawed[t]) return false;
    write(y.data, y_row, first, begin, end);
    return true;
  }

  void write(const float* y, int64_t y_row, int64_t first, int64_t begin, int64_t end) const {
    const bool dense = writer.native && out.strides[4] == 1;
    const bool last = writer.native && out.strides[1] == 1;
    ScratchBuffer<float> turned(dense || last ? 0 : 2 * tiling.width * channels);
    for (int64_t t = begin; t < end;) {
      const TileAt at(tiling, t);
      const int64_t tiles = least(tiling.width - at.column, end - t);
      const int64_t n = least(2 * tiles, out.sizes[4] - 2 * at.column);
      for (int64_t i = 0; i < 2 && 2 * at.row + i < out.sizes[3]; ++i) {
        const float* from = y + i * y_row + 2 * (t - begin) * padded;
        const int64_t to = (first + at.image) * out.strides[0] + (2 * at.row + i) * out.strides[3] +
                           2 * at.column * out.strides[4];
        if (dense) {
          transpose(from, padded, n, channels, out.ptr<float>() + to, out.strides[1], n);
        } else if (last) {
          for (int64_t w = 0; w < n; ++w)
            copy_lanes(from + w * padded, out.ptr<float>() + to + w * out.strides[4], channels);
        } else {
          transpose(from, padded, n, channels, turned.data, n, n);
          for (int64_t c = 0; c < channels; ++c)
            writer.put(turned.data + c * n, to + c * out.strides[1], out.strides[4], n);
        }
      }
      t += tiles;
    }
  }
};

// The images [first, first + count) of a view.
View some_images(const View& v, int64_t first, int64_t count) {
  View r = v;
  r.sizes[0] = count;
  r.data = v.ptr<char>() + first * v.strides[0] * int64_t(item_size(v.dtype));
  return r;
}

// out = in * U + bias with `pad` zeros before each row and column; `again` computes some images
// directly.
template <class F>
void run_forward(const View& out, const View& in, const float* u, const float* bias,
                 const int64_t (&pad)[2], F&& again) {
  const Tiling tiling(out, kBlockTiles);
  const int64_t inputs = in.sizes[1], channels = out.sizes[1];
  const Planes v(kBlockTiles, inputs), m(kBlockTiles, channels);
  ScratchBuffer<int64_t> row(kTileRows), step(inputs);
  for (int64_t i = 0; i < kTileRows; ++i) row[i] = i * v.row;
  for (int64_t i = 0; i < inputs; ++i) step[i] = i;
  const ChannelOrder source(in, 2 * tiling.height + 2, 2 * tiling.width + 2, pad[0], pad[1]);
  const Forward pass{out,  tiling, source, inputs,   channels,  round_up(channels, W), u,
                     bias, v,      m,      row.data, step.data, RunWriter<float>(out)};
  const int64_t images = out.sizes[0], batches = ceil_div(images, tiling.batch);
  parallel_for(batches, batches >= kManyBatches ? 1 : batches, [&](int64_t begin, int64_t end) {
    ScratchBuffer<float> scratch(tiling.batch * source.image());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * tiling.batch, count = least(tiling.batch, images - first);
      const int64_t tiles = count * tiling.per_image;
      const int64_t blocks = ceil_div(tiles, kBlockTiles), block = ceil_div(tiles, blocks);
      source.load(scratch.data, first, count);
      ScratchBuffer<char> finite(blocks);
      parallel_for(blocks, blocks >= kManyBlocks ? 1 : blocks, [&](int64_t from, int64_t to) {
        for (int64_t b = from; b < to; ++b)
          finite[b] = pass.run_block(scratch.data, first, b * block, least(tiles, (b + 1) * block));
      });
      for (int64_t b = 0; b < blocks; ++b) {
        if (finite[b]) continue;
        again(some_images(out, first, count), some_images(in, first, count));
        break;
      }
    }
  });
}

struct WeightGradient {
  Tiling tiling;
  ChannelOrder source, gradient;
  int64_t inputs, outputs, padded, block;
  Planes v, m;
  const int64_t *row, *step;

  // dU of the images [first, last).
  void add(int64_t first, int64_t last, float* du) const {
    ScratchBuffer<float> x(tiling.batch * source.image()), g(tiling.batch * gradient.image());
    ScratchBuffer<float> v_buffer(v.elements()), m_buffer(m.elements());
    for (int64_t n = first; n < last; n += tiling.batch) {
      const int64_t images = least(tiling.batch, last - n), tiles = images * tiling.per_image;
      source.load(x.data, n, images);
      gradient.load(g.data, n, images);
      for (int64_t begin = 0; begin < tiles; begin += block) {
        const int64_t count = least(block, tiles - begin);
        parallel_for(count, kGrain / (16 * v.row), [&](int64_t from, int64_t to) {
          for (int64_t t = from; t < to; ++t) {
            const TileAt at(tiling, begin + t);
            const int64_t pixel = 2 * at.row, column = 2 * at.column;
            transform_input(x.data + at.image * source.image() +
                                (pixel * source.columns + column) * source.stride,
                            source.columns, source.stride, v_buffer.data + t * v.row, v.plane);
            transform_gradient(g.data + at.image * gradient.image() +
                                   (pixel * gradient.columns + column) * gradient.stride,
                               gradient.columns, gradient.stride, m_buffer.data + t * m.row,
                               m.plane);
          }
        });
        add_products(v_buffer.data, m_buffer.data, count, n == first && begin == 0, du);
      }
    }
  }

  // dU = V' M over `depth` tiles, added to what is there unless they are the first.
  void add_products(const float* vs, const float* ms, int64_t depth, bool fresh, float* du) const {
    const int64_t panels = ceil_div(padded, kPanel);
    const int64_t tile = ceil_div(inputs, ceil_div(inputs, kTileRows));
    parallel_for(16 * panels, ceil_div(kSerialConvMacs, depth * inputs * kPanel),
                 [&](int64_t from, int64_t to) {
                   for (int64_t i = from; i < to; ++i) {
                     const int64_t k = i / panels, channel = i % panels * kPanel;
                     const int64_t lanes = least(kPanel, padded - channel);
                     ChannelTile<float> t{};
                     t.depth = depth;
                     t.row = row;
                     t.step = step;
                     t.b = ms + k * m.plane + channel;
                     t.b_step = m.row;
                     t.start_step = t.c_step = lanes;
                     for (int64_t c = 0; c < inputs; c += tile) {
                       t.a = vs + k * v.plane + c;
                       t.c = du + (k * padded + channel) * inputs + c * lanes;
                       t.start = fresh ? nullptr : t.c;
                       channel_tile(least(tile, inputs - c), lanes / W, t);
                     }
                   }
                 });
  }
};

}  // namespace

bool winograd_pays(const View& out, const View& in, const View& weight, const ConvParams& p) {
  for (int d = 0; d < 3; ++d) {
    if (p.stride[d] != 1 || p.dilation[d] != 1) return false;
    if (weight.sizes[2 + d] != (d == 0 ? 1 : 3) || p.padding[d] > (d == 0 ? 0 : 2)) return false;
  }
  return in.dtype == DType::Float32 && p.groups == 1 && in.sizes[2] == 1 &&
         weight.sizes[0] >= kFewestChannels && weight.sizes[1] >= kFewestChannels &&
         out.sizes[0] * plane_size(out) >= 2 * kBlockTiles && in.numel() > 0;
}

void winograd(const View& out, const View& in, const View& weight, const View* bias,
              const ConvParams& p) {
  const int64_t channels = weight.sizes[0], inputs = weight.sizes[1];
  const int64_t padded = round_up(channels, W), pad[2] = {p.padding[1], p.padding[2]};
  ScratchBuffer<float> natural(is_rows<float>(weight) ? 0 : weight.numel());
  ScratchBuffer<float> u(16 * padded * inputs), starts(bias ? padded : 0);
  transform_filters(weight_rows(weight, natural.data), channels, inputs * 9, inputs, 9, false,
                    u.data);
  if (bias) {
    const RunReader<float> reader(*bias);
    for (int64_t c = 0; c < padded; ++c)
      starts[c] = c < channels ? reader.at(c * bias->strides[0]) : 0.f;
  }
  run_forward(out, in, u.data, bias ? starts.data : nullptr, pad,
              [&](const View& y, const View& x) { direct(y, x, weight, bias, p); });
}

void winograd_backward_data(const View& grad_in, const View& grad, const View& weight,
                            const ConvParams& p) {
  const int64_t channels = weight.sizes[1], inputs = weight.sizes[0];
  const int64_t pad[2] = {2 - p.padding[1], 2 - p.padding[2]};
  ScratchBuffer<float> natural(is_rows<float>(weight) ? 0 : weight.numel());
  ScratchBuffer<float> u(16 * round_up(channels, W) * inputs);
  transform_filters(weight_rows(weight, natural.data), channels, 9, inputs, channels * 9, true,
                    u.data);
  run_forward(grad_in, grad, u.data, nullptr, pad,
              [&](const View& dx, const View& g) { direct_backward_data(dx, g, weight, p); });
}

void winograd_backward_weight(const View& grad_weight, const View& grad, const View& in,
                              const ConvParams& p) {
  const int64_t outputs = grad_weight.sizes[0], inputs = grad_weight.sizes[1];
  const int64_t padded = round_up(outputs, W), size = 16 * padded * inputs;
  // Longer blocks for larger filters, whose sums would else move more than the tiles.
  const int64_t block =
      round_up(least(4 * kBlockTiles, inputs * outputs / (inputs + outputs)), kBlockTiles);
  const Planes v(block, inputs), m(block, outputs);
  const Tiling tiling(grad, block);
  const ChannelOrder source(in, 2 * tiling.height + 2, 2 * tiling.width + 2, p.padding[1],
                            p.padding[2]);
  const ChannelOrder gradient(grad, 2 * tiling.height, 2 * tiling.width, 0, 0);
  ScratchBuffer<int64_t> row(kTileRows), step(block);
  for (int64_t i = 0; i < kTileRows; ++i) row[i] = i;
  for (int64_t i = 0; i < block; ++i) step[i] = i * v.row;
  const WeightGradient pass{tiling, source, gradient, inputs,   outputs,  padded,
                            block,  v,      m,        row.data, step.data};
  const int64_t images = in.sizes[0], batches = ceil_div(images, tiling.batch);
  int64_t chunks = size * tiling.per_image * images / kChunkMacs;
  chunks = most(1, least(least(kMostChunks, batches), least(chunks, kMostSums / size)));
  const int64_t share = ceil_div(batches, chunks) * tiling.batch;
  chunks = ceil_div(images, share);  // none of them empty
  ScratchBuffer<float> sums(chunks * size);
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      pass.add(chunk * share, least(images, (chunk + 1) * share), sums.data + chunk * size);
    }
  });
  parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
      const float* from = sums.data + chunk * size;
      for (int64_t i = begin; i < end; ++i) sums[i] += from[i];
    }
  });
  const bool in_place = is_rows<float>(grad_weight);
  ScratchBuffer<float> natural(in_place ? 0 : grad_weight.numel());
  float* result = in_place ? grad_weight.ptr<float>() : natural.data;
  finish_gradient(sums.data, outputs, inputs, result);
  const int64_t count = outputs * inputs * 9;
  V flaw{};
  for_lanes<float>(count, [&](int64_t i, int64_t k)
                              PG_LANES { flaw = fma(load_part(result + i, k), V{}, flaw); });
  if (any(flaw != V{})) return direct_backward_weight(grad_weight, grad, in, p);
  if (in_place) return;
  const PlaneWriter<float> writer(grad_weight);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < inputs; ++c) writer.put(result + (o * inputs + c) * 9, o, c);
}

}  // namespace pygrad::cpu::PG_ISA_NS
