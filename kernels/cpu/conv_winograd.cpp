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
// Parallel plan: batches of images, blocks of tiles, or the products of one block, whichever are
// many; panels of channels where filters are large and tiles few; the weight gradient sums chunks
// of images that are cut by shape and added in order.
//
// Memory plan: U once per call, or a panel at a time; a batch in channel order; V and the products
// of a block of tiles.
//
// Limits: sums of one window only meet in its outputs, so nothing spreads beyond a window; but inf
// - inf may arise within, so a batch with a result that is not finite is computed again directly.
// The error is relative to the largest products of a window: in general below that of a direct sum,
// whose chain is nine times as long (2.6e-7 against 4.3e-7 at 64 channels of normal data, 5.0e-7
// against 8.2e-7 at 256). winograd_allowed() switches it off.
#include "kernels/cpu/conv.h"
#include "kernels/cpu/winograd.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kManyBatches = 16, kManyBlocks = 4;
constexpr int64_t kFewestChannels = 32;
constexpr int64_t kMostChunks = 16, kMostSums = int64_t(1) << 20;
constexpr int64_t kChunkMacs = int64_t(1) << 22;
constexpr int64_t kLargeFilters = int64_t(1) << 18;  // elements of U past the second cache

// Where tile `t` of a batch lies: pixel of its upper left output, counted over all images.
struct TileAt {
  int64_t image, row, column;
  TileAt(const Tiling& tiling, int64_t t)
      : image(t / tiling.per_image),
        row(t / tiling.width % tiling.height),
        column(t % tiling.width) {}
};

struct Forward {
  View out;
  Tiling tiling;
  ChannelOrder source;
  int64_t inputs, channels, padded;
  const float *u, *bias;
  Planes v, m;
  const int64_t *row, *step;
  RunWriter<float> writer;

  // V of tiles [begin, begin + count) of a batch.
  void transform(const float* images, int64_t begin, int64_t count, float* vs) const {
    parallel_for(count, kGrain / (16 * v.row), [&](int64_t from, int64_t to) {
      for (int64_t t = from; t < to; ++t) {
        const TileAt at(tiling, begin + t);
        transform_input(images + at.image * source.image() +
                            (2 * at.row * source.columns + 2 * at.column) * source.stride,
                        source.columns, source.stride, vs + t * v.row, v.plane);
      }
    });
  }

  // The outputs of these tiles. False if one is not finite.
  bool finish(const float* vs, int64_t first, int64_t begin, int64_t count) const {
    const int64_t y_row = count * 2 * padded, panels = ceil_div(padded, kPanel);
    const int64_t tile = ceil_div(count, ceil_div(count, kTileRows));
    ScratchBuffer<float> ms(m.elements()), y(2 * y_row);
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
                       t.a = vs + k * v.plane + r * v.row;
                       t.c = ms.data + k * m.plane + r * m.row + channel;
                       channel_tile(least(tile, count - r), lanes / W, t);
                     }
                   }
                 });
    ScratchBuffer<char> flawed(count);
    parallel_for(count, kGrain / (16 * m.row), [&](int64_t from, int64_t to) {
      for (int64_t t = from; t < to; ++t) {
        const V flaw = transform_output(ms.data + t * m.row, m.plane, padded, bias,
                                        y.data + 2 * t * padded, y_row, padded);
        flawed[t] = any(flaw != V{});
      }
    });
    for (int64_t t = 0; t < count; ++t)
      if (flawed[t]) return false;
    write(y.data, y_row, first, begin, begin + count);
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

// Part of the channels of a view.
View some_channels(const View& v, int64_t first, int64_t count) {
  View r = v;
  r.sizes[1] = count;
  r.data = v.ptr<char>() + first * v.strides[1] * int64_t(item_size(v.dtype));
  return r;
}

// out = in * filters + bias with `pad` zeros before each row and column; `again` computes some
// images directly.
template <class F>
void run_forward(const View& out, const View& in, const Filters& filters, const float* bias,
                 const int64_t (&pad)[2], F&& again) {
  const int64_t images = out.sizes[0], inputs = in.sizes[1], channels = out.sizes[1];
  const int64_t padded = round_up(channels, W);
  // Filters that no cache holds meet all tiles at once, a panel after the other, if the tiles are
  // few; else the tiles come in blocks.
  const int64_t all = images * Tiling(out, 1).per_image;
  const bool by_panel = all <= 4 * kBlockTiles && 16 * padded * inputs > kLargeFilters;
  const int64_t most_tiles = by_panel ? all : kBlockTiles;
  const Tiling tiling(out, most_tiles);
  const Planes v(most_tiles, inputs), m(most_tiles, by_panel ? kPanel : channels);
  ScratchBuffer<int64_t> row(kTileRows), step(inputs);
  for (int64_t i = 0; i < kTileRows; ++i) row[i] = i * v.row;
  for (int64_t i = 0; i < inputs; ++i) step[i] = i;
  const ChannelOrder source(in, 2 * tiling.height + 2, 2 * tiling.width + 2, pad[0], pad[1]);
  Forward pass{out,
               tiling,
               source,
               inputs,
               channels,
               padded,
               nullptr,
               bias,
               v,
               m,
               row.data,
               step.data,
               RunWriter<float>(out)};
  ScratchBuffer<float> u(by_panel ? 0 : 16 * padded * inputs);
  if (by_panel) {
    ScratchBuffer<float> scratch(images * source.image()), vs(v.elements());
    source.load(scratch.data, 0, images);
    pass.transform(scratch.data, 0, all, vs.data);
    const int64_t panels = ceil_div(channels, kPanel);
    ScratchBuffer<char> finite(panels);
    parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
      ScratchBuffer<float> panel(16 * kPanel * inputs);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i * kPanel, count = least(kPanel, channels - first);
        transform_filters(filters.part(first, count), panel.data);
        const View part = some_channels(out, first, count);
        const Forward of_part{part,
                              tiling,
                              source,
                              inputs,
                              count,
                              round_up(count, W),
                              panel.data,
                              bias ? bias + first : nullptr,
                              v,
                              m,
                              row.data,
                              step.data,
                              RunWriter<float>(part)};
        finite[i] = of_part.finish(vs.data, 0, 0, all);
      }
    });
    for (int64_t i = 0; i < panels; ++i)
      if (!finite[i]) return again(out, in);
    return;
  }
  transform_filters(filters, u.data);
  pass.u = u.data;
  const int64_t batches = ceil_div(images, tiling.batch);
  parallel_for(batches, batches >= kManyBatches ? 1 : batches, [&](int64_t begin, int64_t end) {
    ScratchBuffer<float> scratch(tiling.batch * source.image());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * tiling.batch, count = least(tiling.batch, images - first);
      const int64_t tiles = count * tiling.per_image;
      const int64_t blocks = ceil_div(tiles, kBlockTiles), block = ceil_div(tiles, blocks);
      source.load(scratch.data, first, count);
      ScratchBuffer<char> finite(blocks);
      parallel_for(blocks, blocks >= kManyBlocks ? 1 : blocks, [&](int64_t from, int64_t to) {
        ScratchBuffer<float> vs(v.elements());
        for (int64_t b = from; b < to; ++b) {
          const int64_t n = least(block, tiles - b * block);
          finite[b] = true;
          if (n <= 0) continue;
          pass.transform(scratch.data, b * block, n, vs.data);
          finite[b] = pass.finish(vs.data, first, b * block, n);
        }
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

  // V and A dY A' of tiles [begin, begin + count) of a batch.
  void transform(const float* x, const float* g, int64_t begin, int64_t count, float* vs,
                 float* ms) const {
    parallel_for(count, kGrain / (16 * v.row), [&](int64_t from, int64_t to) {
      for (int64_t t = from; t < to; ++t) {
        const TileAt at(tiling, begin + t);
        const int64_t line = 2 * at.row, column = 2 * at.column;
        transform_input(
            x + at.image * source.image() + (line * source.columns + column) * source.stride,
            source.columns, source.stride, vs + t * v.row, v.plane);
        transform_gradient(
            g + at.image * gradient.image() + (line * gradient.columns + column) * gradient.stride,
            gradient.columns, gradient.stride, ms + t * m.row, m.plane);
      }
    });
  }

  // dU of the images [first, last).
  void add(int64_t first, int64_t last, float* du) const {
    ScratchBuffer<float> x(tiling.batch * source.image()), g(tiling.batch * gradient.image());
    ScratchBuffer<float> vs(v.elements()), ms(m.elements());
    for (int64_t n = first; n < last; n += tiling.batch) {
      const int64_t images = least(tiling.batch, last - n), tiles = images * tiling.per_image;
      source.load(x.data, n, images);
      gradient.load(g.data, n, images);
      for (int64_t begin = 0; begin < tiles; begin += block) {
        const int64_t count = least(block, tiles - begin);
        transform(x.data, g.data, begin, count, vs.data, ms.data);
        add_products(vs.data, ms.data, padded, count, n == first && begin == 0, du);
      }
    }
  }

  // The gradients of all images, which make a single block: dU of one panel after the other.
  void finish_by_panel(float* result) const {
    ScratchBuffer<float> x(tiling.batch * source.image()), g(tiling.batch * gradient.image());
    ScratchBuffer<float> vs(v.elements()), ms(m.elements());
    const int64_t tiles = tiling.batch * tiling.per_image;
    source.load(x.data, 0, tiling.batch);
    gradient.load(g.data, 0, tiling.batch);
    transform(x.data, g.data, 0, tiles, vs.data, ms.data);
    parallel_for(ceil_div(padded, kPanel), 1, [&](int64_t begin, int64_t end) {
      ScratchBuffer<float> du(16 * kPanel * inputs);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t channel = i * kPanel;
        add_products(vs.data, ms.data + channel, least(kPanel, padded - channel), tiles, true,
                     du.data);
        finish_gradient(du.data, least(kPanel, outputs - channel), inputs,
                        result + channel * inputs * 9);
      }
    });
  }

  // dU = V' M over `depth` tiles for `width` channels, added to what is there unless `fresh`.
  void add_products(const float* vs, const float* ms, int64_t width, int64_t depth, bool fresh,
                    float* du) const {
    const int64_t panels = ceil_div(width, kPanel);
    const int64_t tile = ceil_div(inputs, ceil_div(inputs, kTileRows));
    parallel_for(16 * panels, ceil_div(kSerialConvMacs, depth * inputs * kPanel),
                 [&](int64_t from, int64_t to) {
                   for (int64_t i = from; i < to; ++i) {
                     const int64_t k = i / panels, channel = i % panels * kPanel;
                     const int64_t lanes = least(kPanel, width - channel);
                     ChannelTile<float> t{};
                     t.depth = depth;
                     t.row = row;
                     t.step = step;
                     t.b = ms + k * m.plane + channel;
                     t.b_step = m.row;
                     t.start_step = t.c_step = lanes;
                     for (int64_t c = 0; c < inputs; c += tile) {
                       t.a = vs + k * v.plane + c;
                       t.c = du + (k * width + channel) * inputs + c * lanes;
                       t.start = fresh ? nullptr : t.c;
                       channel_tile(least(tile, inputs - c), lanes / W, t);
                     }
                   }
                 });
  }
};

}  // namespace

bool winograd_pays(const View& out, const View& in, const View& weight, const ConvParams& p) {
  if (!winograd_allowed()) return false;
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
  ScratchBuffer<float> starts(bias ? padded : 0);
  const Filters filters{weight_rows(weight, natural.data), channels, inputs * 9, inputs, 9, false};
  if (bias) {
    const RunReader<float> reader(*bias);
    for (int64_t c = 0; c < padded; ++c)
      starts[c] = c < channels ? reader.at(c * bias->strides[0]) : 0.f;
  }
  run_forward(out, in, filters, bias ? starts.data : nullptr, pad,
              [&](const View& y, const View& x) { direct(y, x, weight, bias, p); });
}

void winograd_backward_data(const View& grad_in, const View& grad, const View& weight,
                            const ConvParams& p) {
  const int64_t channels = weight.sizes[1], inputs = weight.sizes[0];
  const int64_t pad[2] = {2 - p.padding[1], 2 - p.padding[2]};
  ScratchBuffer<float> natural(is_rows<float>(weight) ? 0 : weight.numel());
  const Filters filters{weight_rows(weight, natural.data), channels, 9, inputs, channels * 9, true};
  run_forward(grad_in, grad, filters, nullptr, pad,
              [&](const View& dx, const View& g) { direct_backward_data(dx, g, weight, p); });
}

void winograd_backward_weight(const View& grad_weight, const View& grad, const View& in,
                              const ConvParams& p) {
  const int64_t outputs = grad_weight.sizes[0], inputs = grad_weight.sizes[1];
  const int64_t padded = round_up(outputs, W), size = 16 * padded * inputs;
  const int64_t images = in.sizes[0], all = images * Tiling(grad, 1).per_image;
  const bool by_panel = all <= 4 * kBlockTiles && size > kLargeFilters;
  // Longer blocks for larger filters, whose sums would else move more than the tiles.
  const int64_t least_depth = least(4 * kBlockTiles, inputs * outputs / (inputs + outputs));
  const int64_t block = by_panel ? all : round_up(least_depth, kBlockTiles);
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
  const int64_t batches = ceil_div(images, tiling.batch);
  int64_t chunks = size * tiling.per_image * images / kChunkMacs;
  chunks = most(1, least(least(kMostChunks, batches), least(chunks, kMostSums / size)));
  const int64_t share = ceil_div(batches, chunks) * tiling.batch;
  chunks = ceil_div(images, share);  // none of them empty
  const bool in_place = is_rows<float>(grad_weight);
  ScratchBuffer<float> natural(in_place ? 0 : grad_weight.numel());
  float* result = in_place ? grad_weight.ptr<float>() : natural.data;
  if (by_panel) {
    pass.finish_by_panel(result);
  } else {
    ScratchBuffer<float> sums(chunks * size);
    parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk)
        pass.add(chunk * share, least(images, (chunk + 1) * share), sums.data + chunk * size);
    });
    parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = 1; chunk < chunks; ++chunk) {
        const float* from = sums.data + chunk * size;
        for (int64_t i = begin; i < end; ++i) sums[i] += from[i];
      }
    });
    finish_gradient(sums.data, outputs, inputs, result);
  }
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
