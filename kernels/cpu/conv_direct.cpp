// Direct convolution, forward and data gradient, on the register tiles of conv_micro.h.
//
//   forward        out[o, pixel] = sum over (c, tap) of weight[o, c, tap] in[c, step pixel + tap]
//   data gradient  the same over the output's gradient with the taps flipped. For strides s > 1 the
//                  input pixels fall into the s^3 phases of their coordinates, each of which meets
//                  its own subset of taps: no product with an inserted zero is computed.
//
// So both are a list of passes over images with a border of zeros, where a tap is an offset.
//
// Parallel plan: batches of images where there are many, else pieces of the pixels and of the
// channels within a batch; all cut by shape. A sum is never divided.
//
// Memory plan: the weights as panels, once per call; the bordered images of a batch; the results of
// some 200 pixels before they are written to their layout.
#include "kernels/cpu/bordered.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kBatchPixels = 128;  // images are taken together up to so many pixels
constexpr int64_t kManyBatches = 16;
constexpr int64_t kPiecePixels = 16 * kTileRows;

// Positions of a grid, all taps at each. The result goes to first + spacing * position.
template <class T>
struct Pass {
  int64_t grid[3], first[3], spacing[3];
  int64_t taps;
  const int64_t* tap;  // [taps][3]
  const T* rows;       // [groups * channels][inputs * taps]
  int64_t* offset;     // [inputs * taps], of the source's elements
  T* panels;
  bool empty() const { return grid[0] <= 0 || grid[1] <= 0 || grid[2] <= 0; }
  int64_t positions() const { return grid[0] * grid[1] * grid[2]; }
};

template <class T>
struct Problem {
  const View& out;
  int64_t groups, inputs, channels;  // per group
  bool pixel_tiles;
  int64_t rows;    // of a pixel tile
  int64_t padded;  // channels of a group with those that fill up the panels
  const T* bias;   // [groups][padded] or null
  RunWriter<T> writer;
  bool dense;  // planes of the output are contiguous T
  explicit Problem(const View& v) : out(v), writer(v) {
    int64_t stride;
    dense = writer.native && plane_collapses(v, stride) && (stride == 1 || plane_size(v) == 1);
  }
  int64_t width() const { return pixel_tiles ? rows : kTileVectors * kLanes<T>; }
  // Panels; the last has one vector more than the others where they do not come out even.
  int64_t blocks() const {
    return pixel_tiles ? ceil_div(padded, rows) : most(1, padded / (kTileVectors * kLanes<T>));
  }
  int64_t block_lanes(int64_t block) const {
    return pixel_tiles || block < blocks() - 1 ? width() : padded - block * width();
  }
};

// The share of useful products in pixel tiles, with runs over the whole bordered plane.
template <class T>
double pixel_tile_share(const Pass<T>& pass, const ImageSource<T>& planes, int64_t channels) {
  const int64_t blocks = ceil_div(channels, kTileRows), rows = ceil_div(channels, blocks);
  const int64_t run =
      (pass.grid[0] - 1) * planes.stride(0) + (pass.grid[1] - 1) * planes.stride(1) + pass.grid[2];
  return double(pass.positions()) / double(round_up(run, pixel_vectors(rows) * kLanes<T>)) *
         double(channels) / double(blocks * rows);
}
// The share of useful lanes in channel tiles, of which those a single vector wide wait for their
// broadcasts.
template <class T>
double channel_tile_share(int64_t channels) {
  const int64_t vectors = ceil_div(channels, kLanes<T>);
  return double(channels) / double(vectors * kLanes<T>) * (vectors == 1 ? 0.9 : 1);
}

// rows [channels][depth] -> panels, zeros after the last channel.
template <class T>
void pack_panels(const Problem<T>& q, const T* rows, int64_t depth, T* panels) {
  const int64_t blocks = q.blocks();
  parallel_for(q.groups * blocks, most(1, kGrain / most(1, q.width() * depth)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t g = i / blocks, block = i % blocks, first = block * q.width();
                   const int64_t lanes = q.block_lanes(block);
                   transpose(rows + (g * q.channels + first) * depth, depth,
                             least(lanes, q.channels - first), depth,
                             panels + (g * q.padded + first) * depth, lanes, lanes);
                 }
               });
}

// Calls f(position, count, flat) for the pieces of rows in [begin, end) of a grid.
template <class F>
PG_HOST_INLINE void for_each_row(const int64_t (&grid)[3], int64_t begin, int64_t end, F&& f) {
  int64_t w = begin % grid[2], h = begin / grid[2] % grid[1], d = begin / (grid[2] * grid[1]);
  for (int64_t at = begin; at < end;) {
    const int64_t position[3] = {d, h, w}, n = least(grid[2] - w, end - at);
    f(position, n, at);
    at += n;
    w = 0;
    if (++h == grid[1]) h = 0, ++d;
  }
}

template <class T>
int64_t target_offset(const Problem<T>& q, const Pass<T>& pass, int64_t image, int64_t channel,
                      const int64_t (&position)[3]) {
  int64_t at = image * q.out.strides[0] + channel * q.out.strides[1];
  for (int d = 0; d < 3; ++d)
    at += (pass.first[d] + position[d] * pass.spacing[d]) * q.out.strides[2 + d];
  return at;
}

// Pixels [begin, end) of one image, whose channels lie side by side in `sums`, to the output.
template <class T>
void write_channels(const Problem<T>& q, const Pass<T>& pass, const T* sums, int64_t lanes,
                    int64_t image, int64_t channel, int64_t count, int64_t begin, int64_t end,
                    T* turned) {
  const View& out = q.out;
  const int64_t between = pass.spacing[2] * out.strides[4];
  if (count > 1 && out.strides[1] * out.strides[1] < between * between) {  // channels last
    for_each_row(pass.grid, begin, end, [&](const auto& position, int64_t n, int64_t at) {
      const int64_t to = target_offset(q, pass, image, channel, position);
      for (int64_t i = 0; i < n; ++i)
        q.writer.put(sums + (at - begin + i) * lanes, to + i * between, out.strides[1], count);
    });
    return;
  }
  if (q.dense && pass.positions() == plane_size(out)) {
    T* to = out.ptr<T>() + image * out.strides[0] + channel * out.strides[1] + begin;
    transpose(sums, lanes, end - begin, count, to, out.strides[1], end - begin);
    return;
  }
  transpose(sums, lanes, end - begin, count, turned, kPiecePixels, end - begin);
  for (int64_t c = 0; c < count; ++c)
    for_each_row(pass.grid, begin, end, [&](const auto& position, int64_t n, int64_t at) {
      q.writer.put(turned + c * kPiecePixels + at - begin,
                   target_offset(q, pass, image, channel + c, position), between, n);
    });
}

// A batch in channel tiles. Tasks: a group, a piece of the pixels, a share of the panels.
template <class T>
void channel_pass(const Problem<T>& q, const Pass<T>& pass, const Images<T>& images, int64_t first,
                  int64_t count) {
  const int64_t positions = pass.positions(), pixels = count * positions;
  const int64_t depth = q.inputs * pass.taps, width = (kTileVectors + 1) * kLanes<T>;
  const int64_t blocks = q.blocks(), pieces = ceil_div(pixels, kPiecePixels);
  const int64_t shares = least(blocks, most(1, kManyBatches / (pieces * q.groups)));
  const int64_t share = ceil_div(blocks, shares), tasks = q.groups * pieces * shares;
  const int64_t macs = pixels * q.padded * depth / most(1, pieces * shares);
  parallel_for(tasks, ceil_div(kSerialConvMacs, macs + 1), [&](int64_t from, int64_t to) {
    ScratchBuffer<T> sums(kPiecePixels * width), turned(kPiecePixels * width);
    int64_t row[kPiecePixels];
    for (int64_t task = from; task < to; ++task) {
      const int64_t g = task / (pieces * shares), piece = task / shares % pieces;
      const int64_t begin = piece * kPiecePixels, end = least(pixels, begin + kPiecePixels);
      for (int64_t at = begin; at < end;) {
        const int64_t n = at / positions, stop = least(end, (n + 1) * positions);
        const int64_t start = g * q.inputs * images.channel + n * images.image;
        for_each_row(pass.grid, at - n * positions, stop - n * positions,
                     [&](const auto& position, int64_t run, int64_t flat) {
                       int64_t offset = start;
                       for (int d = 0; d < 3; ++d) offset += position[d] * images.stride[d];
                       int64_t* r = row + flat + n * positions - begin;
                       for (int64_t i = 0; i < run; ++i) r[i] = offset + i * images.stride[2];
                     });
        at = stop;
      }
      bool ascending = true;
      for (int64_t i = 1; i < end - begin; ++i) ascending &= row[i - 1] < row[i];
      const int64_t last = least(blocks, (task % shares + 1) * share);
      for (int64_t block = task % shares * share; block < last; ++block) {
        const int64_t channel = block * q.width(), lanes = q.block_lanes(block);
        const int64_t vectors = lanes / kLanes<T>, count = end - begin;
        const int64_t tile = ceil_div(count, ceil_div(count, tile_rows(vectors)));
        ChannelTile<T> t{};
        t.depth = depth;
        t.a = images.data;
        t.step = pass.offset;
        t.ascending = ascending;
        t.b = pass.panels + (g * q.padded + channel) * depth;
        t.b_step = lanes;
        t.start = q.bias ? q.bias + g * q.padded + channel : nullptr;
        t.c_step = lanes;
        for (int64_t i = 0; i < count; i += tile) {
          t.row = row + i;
          t.c = sums.data + i * lanes;
          channel_tile(least(tile, count - i), vectors, t);
        }
        for (int64_t at = begin; at < end;) {
          const int64_t n = at / positions, stop = least(end, (n + 1) * positions);
          write_channels(q, pass, sums.data + (at - begin) * lanes, lanes, first + n,
                         g * q.channels + channel, least(lanes, q.channels - channel),
                         at - n * positions, stop - n * positions, turned.data);
          at = stop;
        }
      }
    }
  });
}

// Stretch [begin, end) of the runs of one image to the output.
template <class T>
void write_pixels(const Problem<T>& q, const Pass<T>& pass, const Images<T>& images, const T* sums,
                  int64_t sums_step, int64_t image, int64_t channel, int64_t count, int64_t begin,
                  int64_t end) {
  const int64_t between = pass.spacing[2] * q.out.strides[4];
  const bool direct = q.writer.native && between == 1;
  for (int64_t d = begin / images.stride[0]; d < pass.grid[0] && d * images.stride[0] < end; ++d) {
    const int64_t plane = d * images.stride[0];
    int64_t h = most(0, begin - plane) / images.stride[1];
    const int64_t position[3] = {d, h, 0};
    int64_t at = target_offset(q, pass, image, channel, position);
    for (int64_t row = plane + h * images.stride[1]; h < pass.grid[1] && row < end;
         ++h, row += images.stride[1], at += pass.spacing[1] * q.out.strides[3]) {
      const int64_t low = most(row, begin), n = least(row + pass.grid[2], end) - low;
      if (n <= 0) continue;
      const T* from = sums + low - begin;
      int64_t to = at + (low - row) * between;
      for (int64_t c = 0; c < count; ++c, from += sums_step, to += q.out.strides[1]) {
        if (direct)
          copy_lanes(from, q.out.template ptr<T>() + to, n);
        else
          q.writer.put(from, to, between, n);
      }
    }
  }
}

// A batch in pixel tiles: runs over the bordered planes, whose results between the rows of the grid
// are dropped. Tasks: an image, a group, a piece of the run.
template <class T>
void pixel_pass(const Problem<T>& q, const Pass<T>& pass, const Images<T>& images, int64_t first,
                int64_t count) {
  const int64_t *grid = pass.grid, depth = q.inputs * pass.taps;
  const int64_t run = (grid[0] - 1) * images.stride[0] + (grid[1] - 1) * images.stride[1] + grid[2];
  const int64_t lanes = pixel_vectors(q.rows) * kLanes<T>, piece = round_up(512, lanes);
  const int64_t pieces = ceil_div(run, piece);
  const int64_t macs = least(piece, run) * q.padded * depth;
  parallel_for(count * q.groups * pieces, ceil_div(kSerialConvMacs, macs + 1),
               [&](int64_t from, int64_t to) {
                 ScratchBuffer<T> sums(q.rows * piece);
                 for (int64_t task = from; task < to; ++task) {
                   const int64_t n = task / (q.groups * pieces), g = task / pieces % q.groups;
                   const int64_t begin = task % pieces * piece, end = least(run, begin + piece);
                   for (int64_t channel = 0; channel < q.channels; channel += q.rows) {
                     PixelTile<T> t{};
                     t.depth = depth;
                     t.a = pass.panels + (g * q.padded + channel) * depth;
                     t.step = pass.offset;
                     t.start = q.bias ? q.bias + g * q.padded + channel : nullptr;
                     t.c_step = piece;
                     for (int64_t p = begin; p < end; p += lanes) {
                       t.b = images.data + n * images.image + g * q.inputs * images.channel + p;
                       t.c = sums.data + p - begin;
                       pixel_tile(q.rows, t);
                     }
                     write_pixels(q, pass, images, sums.data, piece, first + n,
                                  g * q.channels + channel, least(q.rows, q.channels - channel),
                                  begin, end);
                   }
                 }
               });
}

// All passes over all images; position * step + tap is a coordinate of the input. The caller has
// filled grids, targets, taps and rows.
template <class T>
void run_passes(Problem<T>& q, const View& in, const int64_t (&step)[3], Pass<T>* passes,
                int64_t count, const View* bias) {
  int64_t low[3] = {0, 0, 0}, high[3] = {0, 0, 0}, offsets = 0, used = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Pass<T>& pass = passes[i];
    if (pass.empty()) continue;
    passes[used++] = pass;
    offsets += q.inputs * pass.taps;
    for (int64_t t = 0; t < pass.taps; ++t)
      for (int d = 0; d < 3; ++d) {
        const int64_t at = pass.tap[3 * t + d];
        low[d] = most(low[d], -at);
        high[d] = most(high[d], (pass.grid[d] - 1) * step[d] + at - (in.sizes[2 + d] - 1));
      }
  }
  ImageSource<T> source(in, step, low, high, true);
  double share = 1;
  for (int64_t i = 0; i < used; ++i) {
    const double of_pass = pixel_tile_share(passes[i], source, q.channels);
    if (of_pass < share) share = of_pass;
  }
  q.pixel_tiles = share > 0.9 * channel_tile_share<T>(q.channels);
  q.rows = ceil_div(q.channels, ceil_div(q.channels, kTileRows));
  q.padded = round_up(q.channels, q.pixel_tiles ? q.rows : kLanes<T>);
  if (q.pixel_tiles)
    source.prefer_in_place(pixel_vectors(q.rows) * kLanes<T>);
  else
    source = ImageSource<T>(in, step, low, high, false);

  ScratchBuffer<int64_t> offset(offsets);
  ScratchBuffer<T> panels(q.groups * q.padded * offsets), starts(q.groups * q.padded);
  int64_t* next_offset = offset.data;
  T* next_panel = panels.data;
  int64_t macs = 0;
  for (int64_t i = 0; i < used; ++i) {
    Pass<T>& pass = passes[i];
    const int64_t depth = q.inputs * pass.taps;
    source.read_only(pass.tap, pass.taps);
    pass.offset = next_offset;
    pass.panels = next_panel;
    for (int64_t c = 0; c < q.inputs; ++c)
      for (int64_t t = 0; t < pass.taps; ++t)
        *next_offset++ = c * source.channel_stride() + source.offset(pass.tap + 3 * t);
    pack_panels(q, pass.rows, depth, pass.panels);
    next_panel += q.groups * q.padded * depth;
    macs += q.groups * q.channels * depth * pass.positions();
  }
  if (bias) {
    const RunReader<T> reader(*bias);
    for (int64_t g = 0; g < q.groups; ++g)
      for (int64_t c = 0; c < q.padded; ++c)
        starts[g * q.padded + c] =
            c < q.channels ? reader.at((g * q.channels + c) * bias->strides[0]) : T(0);
    q.bias = starts.data;
  }

  const int64_t images = in.sizes[0], positions = used ? passes[0].positions() : 1;
  const int64_t batch = q.pixel_tiles ? 1 : least(images, ceil_div(kBatchPixels, positions));
  const int64_t batches = ceil_div(images, batch);
  const int64_t grain =
      batches >= kManyBatches ? ceil_div(kSerialConvMacs, macs * batch + 1) : batches;
  parallel_for(batches, grain, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> scratch(source.scratch_elements(batch));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * batch, n = least(batch, images - first);
      const Images<T> loaded = source.load_images(scratch.data, first, n);
      for (int64_t k = 0; k < used; ++k)
        (q.pixel_tiles ? pixel_pass<T> : channel_pass<T>)(q, passes[k], loaded, first, n);
    }
  });
}

template <class T>
void forward(const View& out, const View& in, const View& weight, const View* bias,
             const ConvParams& p) {
  Problem<T> q(out);
  q.groups = p.groups;
  q.inputs = weight.sizes[1];
  q.channels = weight.sizes[0] / p.groups;
  q.bias = nullptr;
  const int64_t taps = plane_size(weight);
  ScratchBuffer<T> rows(is_rows<T>(weight) ? 0 : weight.numel());
  ScratchBuffer<int64_t> tap(3 * taps);
  Pass<T> pass{};
  pass.taps = taps;
  pass.tap = tap.data;
  pass.rows = weight_rows(weight, rows.data);
  forward_taps(weight, p, tap.data);
  for (int d = 0; d < 3; ++d) {
    pass.grid[d] = out.sizes[2 + d];
    pass.spacing[d] = 1;
  }
  run_passes(q, in, p.stride, &pass, 1, bias);
}

// The data gradient's rows [channel][input][tap] out of weights [input][channel][tap], for a block
// of channels and inputs.
constexpr int64_t kBlock = 16;

template <class T>
void select_taps(const Problem<T>& q, const T* weights, int64_t group, int64_t channel,
                 int64_t input, int64_t taps, const int64_t* which, int64_t selected, T* rows) {
  const int64_t channels = least(q.channels, channel + kBlock);
  const int64_t inputs = least(q.inputs, input + kBlock);
  for (int64_t c = channel; c < channels; ++c) {
    T* to = rows + ((group * q.channels + c) * q.inputs + input) * selected;
    for (int64_t o = input; o < inputs; ++o) {
      const T* w = weights + ((group * q.inputs + o) * q.channels + c) * taps;
      for (int64_t t = 0; t < selected; ++t) *to++ = w[which[t]];
    }
  }
}

template <class T>
void data_gradient(const View& grad_in, const View& grad, const View& weight, const ConvParams& p) {
  Problem<T> q(grad_in);
  q.groups = p.groups;
  q.inputs = weight.sizes[0] / p.groups;
  q.channels = weight.sizes[1];
  q.bias = nullptr;
  const int64_t taps = plane_size(weight), phases = p.stride[0] * p.stride[1] * p.stride[2];
  ScratchBuffer<T> rows(weight.numel()), natural(is_rows<T>(weight) ? 0 : weight.numel());
  ScratchBuffer<int64_t> tap(3 * taps);
  ScratchBuffer<Pass<T>> passes(phases);
  const T* from = weight_rows(weight, natural.data);
  T* next = rows.data;
  int64_t* next_tap = tap.data;
  for (int64_t phase = 0; phase < phases; ++phase) {
    Pass<T>& pass = passes[phase] = Pass<T>{};
    pass.first[0] = phase / (p.stride[1] * p.stride[2]);
    pass.first[1] = phase / p.stride[2] % p.stride[1];
    pass.first[2] = phase % p.stride[2];
    for (int d = 0; d < 3; ++d) {
      pass.spacing[d] = p.stride[d];
      pass.grid[d] = ceil_div(grad_in.sizes[2 + d] - pass.first[d], p.stride[d]);
    }
    pass.tap = next_tap;
    pass.rows = next;
    // Input pixel first + s t meets output (first + pad - k dilation) / s + t: the taps for which
    // that is whole.
    ScratchBuffer<int64_t> which(taps);
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t at[3] = {t / (weight.sizes[3] * weight.sizes[4]),
                             t / weight.sizes[4] % weight.sizes[3], t % weight.sizes[4]};
      bool whole = true;
      for (int d = 0; d < 3; ++d) {
        const int64_t x = pass.first[d] + p.padding[d] - at[d] * p.dilation[d];
        whole = whole && x % p.stride[d] == 0;
        next_tap[d] = x / p.stride[d];
      }
      if (!whole) continue;
      which[pass.taps++] = t;
      next_tap += 3;
    }
    if (pass.empty()) continue;
    const int64_t depth = q.inputs * pass.taps;
    // By blocks, so that neither the rows read nor the rows written are far apart all the time.
    const int64_t blocks = ceil_div(q.channels, kBlock);
    parallel_for(q.groups * blocks, most(1, kGrain / (kBlock * q.inputs * taps)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     for (int64_t o = 0; o < q.inputs; o += kBlock)
                       select_taps(q, from, i / blocks, i % blocks * kBlock, o, taps, which.data,
                                   pass.taps, next);
                 });
    next += q.groups * q.channels * depth;
  }
  const int64_t one[3] = {1, 1, 1};
  run_passes(q, grad, one, passes.data, phases, nullptr);
}

}  // namespace

void direct(const View& out, const View& in, const View& weight, const View* bias,
            const ConvParams& p) {
  const auto run = in.dtype == DType::Float64 ? forward<double> : forward<float>;
  run(out, in, weight, bias, p);
}

void direct_backward_data(const View& grad_in, const View& grad, const View& weight,
                          const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? data_gradient<double> : data_gradient<float>;
  run(grad_in, grad, weight, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
