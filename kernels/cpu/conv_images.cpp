// Convolution with a lane per image: for batches of small images with few channels, of which tiles
// of channels or of neighbouring pixels would leave most lanes empty.
//
// As many images as a vector has lanes make a block. The channels of a group are turned round so
// that one element of all its images lies side by side, [channel][row][column][lane]; then
//
//   forward          out[o, h, w] = sum over (kh, kw, c) of weight[o, c, kh, kw] in[c, h', w']
//   data gradient    the same over the output's gradient; for strides s > 1 the pixels fall into
//                    phases, of their coordinates modulo s, each with its own subset of taps
//   weight gradient  the products of two blocks, whose lanes are added up at the end
//
// Taps outside the image are skipped by rows and by tiles of columns; the rest meets a border of
// zeros.
//
// Parallel plan: blocks and groups where there are some, else the tiles of one; the weight gradient
// sums chunks of blocks that are cut by shape and added in order.
//
// Memory plan: per task the turned images and some rows of a tile's results; the weights as panels,
// once per call; a vector of sums per weight and chunk.
//
// Limits: two spatial dimensions, float or double, dense planes and weights; of a group's block
// that the second cache holds.

#include "kernels/cpu/bordered.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSomeBlocks = 4;
constexpr double kFewestUseful = 0.6;         // lanes with an image
constexpr int64_t kFewestPixels = 8;          // that pay for turning round
constexpr int64_t kBandBytes = 24 << 10;      // of results or gradients that one tile works on
constexpr int64_t kMostBlockBytes = 3 << 19;  // of a group; more leave the second cache
constexpr int64_t kMostChunks = 8, kMostSums = int64_t(1) << 18;

// Some channels of a block of images, turned round, with `left` and `right` columns of zeros.
template <class T>
struct Block {
  static constexpr int64_t W = kLanes<T>;
  const View& view;
  int64_t channels, left, right;
  int64_t row() const { return (left + view.sizes[4] + right) * W; }
  int64_t channel() const { return view.sizes[3] * row(); }
  int64_t elements() const { return channels * channel(); }
  static int64_t count(const View& v) { return ceil_div(v.sizes[0], W); }

  // Block `index` from channel `first` on; lanes past the last image are zero.
  void load(int64_t index, int64_t first, T* to) const {
    const int64_t images = least(W, view.sizes[0] - index * W);
    const T* from = view.ptr<const T>() + index * W * view.strides[0] + first * view.strides[1];
    const int64_t columns = view.sizes[4], rows = view.sizes[3];
    parallel_for(channels, ceil_div(kGrain, channel()), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const T* plane = from + c * view.strides[1];
        T* target = to + c * channel();
        if (left + right == 0) {
          transpose(plane, view.strides[0], images, rows * columns, target, W, W);
          continue;
        }
        for (int64_t h = 0; h < rows; ++h, plane += columns, target += row()) {
          clear_lanes(target, left * W);
          transpose(plane, view.strides[0], images, columns, target + left * W, W, W);
          clear_lanes(target + (left + columns) * W, right * W);
        }
      }
    });
  }
};

// A batch of planes that are contiguous T.
template <class T>
bool is_dense(const View& v) {
  int64_t stride;
  return v.sizes[2] == 1 && v.dtype == dtype_of<T>::value && plane_collapses(v, stride) &&
         (stride == 1 || plane_size(v) == 1);
}

// One dimension: position t of the result takes tap m, weight `weight` + m `weight_step`, from
// position t `stride` + `start` + m `step` of the source.
struct Axis {
  int64_t taps, start, step, stride, weight, weight_step;
  // Taps [low, high) lie inside a source of `size` positions.
  int64_t low(int64_t t) const {
    const int64_t at = t * stride + start;
    return at < 0 ? ceil_div(-at, step) : 0;
  }
  int64_t high(int64_t t, int64_t size) const {
    const int64_t at = t * stride + start;
    return at < size ? least(taps, ceil_div(size - at, step)) : 0;
  }
  int64_t reach(int64_t positions) const {
    return (positions - 1) * stride + start + (taps - 1) * step;
  }
};

Axis forward_axis(int64_t kernel, const ConvParams& p, int d) {
  return {kernel, -p.padding[d], p.dilation[d], p.stride[d], 0, 1};
}

int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

// The pixels whose coordinate is `phase` modulo the stride: x meets the output's position
// (x + padding - k dilation) / stride for the taps k for which that is whole.
Axis gradient_axis(int64_t kernel, const ConvParams& p, int d, int64_t phase) {
  const int64_t stride = p.stride[d], shared = common_divisor(p.dilation[d], stride);
  Axis axis{0, 0, p.dilation[d] / shared, 1, 0, -(stride / shared)};
  for (int64_t k = 0; k < kernel; ++k) {
    const int64_t at = phase + p.padding[d] - k * p.dilation[d];
    if (at % stride != 0) continue;
    ++axis.taps;
    axis.weight = k;  // the largest comes first
    axis.start = at / stride;
  }
  return axis;
}

struct Products {
  int64_t groups, inputs, channels;  // per group
  int64_t spacing[2];                // phases of the result
  const Axis *rows, *columns;        // of each phase
};

// A tile of columns: taps [low, high) are those that meet the image anywhere.
struct ColumnTaps {
  int64_t low, high;
};

// weight(group, channel, input, kh, kw) with the images of `in`.
template <class T, class Weight>
void correlate(const View& out, const View& in, const View* bias, const Products& q,
               Weight&& weight) {
  constexpr int64_t W = kLanes<T>;
  const int64_t height = out.sizes[3], width = out.sizes[4];
  const int64_t tiles = ceil_div(q.channels, kImageRows), rows = ceil_div(q.channels, tiles);
  Block<T> block{in, q.inputs, 0, 0};
  int64_t row_taps = 0, column_taps = 0, most_columns = 0;
  for (int64_t a = 0; a < q.spacing[0]; ++a) row_taps += q.rows[a].taps;
  ScratchBuffer<ColumnTaps> tile_taps(width);  // by the first column of a tile
  ScratchBuffer<int64_t> share(q.spacing[1]);  // columns of a tile
  for (int64_t b = 0; b < q.spacing[1]; ++b) {
    const Axis& axis = q.columns[b];
    const int64_t positions = ceil_div(width - b, q.spacing[1]);
    column_taps += axis.taps;
    most_columns = most(most_columns, axis.taps);
    if (positions <= 0) continue;
    share[b] = ceil_div(positions, ceil_div(positions, pixel_vectors(rows)));
    for (int64_t w = 0; w < positions; w += share[b]) {
      const int64_t last = least(positions, w + share[b]) - 1;
      tile_taps[w * q.spacing[1] + b] = {axis.low(last), axis.high(w, in.sizes[4])};
    }
    if (axis.taps == 0) continue;
    block.left = most(block.left, -axis.start);
    block.right = most(block.right, axis.reach(positions) - (in.sizes[4] - 1));
  }

  // Panels [row phase][column phase][group][tile][kh][kw][input][row], and the offset of each (kw,
  // input).
  const int64_t depth = q.inputs * row_taps * column_taps;
  ScratchBuffer<T> panels(q.groups * q.channels * depth), starts(q.groups * q.channels);
  ScratchBuffer<int64_t> step(q.inputs * most_columns);
  ScratchBuffer<const T*> panel(q.spacing[0] * q.spacing[1]);
  for (int64_t b = 0, i = 0; b < most_columns; ++b)
    for (int64_t c = 0; c < q.inputs; ++c)
      step[i++] = c * block.channel() + b * q.columns[0].step * W;
  T* next = panels.data;
  for (int64_t i = 0; i < q.spacing[0] * q.spacing[1]; ++i) {
    const Axis &h = q.rows[i / q.spacing[1]], &w = q.columns[i % q.spacing[1]];
    panel[i] = next;
    for (int64_t g = 0; g < q.groups; ++g)
      for (int64_t first = 0; first < q.channels; first += rows)
        for (int64_t a = 0; a < h.taps; ++a)
          for (int64_t b = 0; b < w.taps; ++b)
            for (int64_t c = 0; c < q.inputs; ++c)
              for (int64_t o = first; o < least(first + rows, q.channels); ++o)
                *next++ =
                    weight(g, o, c, h.weight + a * h.weight_step, w.weight + b * w.weight_step);
  }
  if (bias) {
    const RunReader<T> reader(*bias);
    for (int64_t o = 0; o < q.groups * q.channels; ++o) starts[o] = reader.at(o * bias->strides[0]);
  }

  // Rows [begin, end) of one tile of a group.
  const int64_t band = most(1, kBandBytes / (rows * width * W * int64_t(sizeof(T))));
  const int64_t bands = ceil_div(height, band);
  const auto run_tile = [&](const T* images, int64_t n, int64_t g, int64_t first, int64_t begin,
                            int64_t end, T* results) {
    const int64_t count = least(rows, q.channels - first), channel = g * q.channels + first;
    ImageTile<T> t{};
    t.start = bias ? starts.data + channel : nullptr;
    t.c_step = band * width * W;
    t.c_column = q.spacing[1] * W;
    t.step = step.data;
    for (int64_t h = begin; h < end; ++h) {
      const int64_t phase = h % q.spacing[0], at = h / q.spacing[0];
      const Axis& axis = q.rows[phase];
      const int64_t low = axis.low(at);
      t.segments = most(0, axis.high(at, in.sizes[3]) - low);
      t.b_segment = axis.step * block.row();
      const T* row = images;
      if (t.segments) row += (at * axis.stride + axis.start + low * axis.step) * block.row();
      for (int64_t b = 0; b < q.spacing[1]; ++b) {
        const Axis& columns = q.columns[b];
        const int64_t positions = ceil_div(width - b, q.spacing[1]), per_tap = q.inputs * count;
        t.a_segment = columns.taps * per_tap;
        t.b_column = columns.stride * W;
        const T* a = panel.data[phase * q.spacing[1] + b] +
                     (channel * axis.taps * q.inputs + low * per_tap) * columns.taps;
        for (int64_t w = 0; w < positions; w += share.data[b]) {
          const ColumnTaps taps = tile_taps.data[w * q.spacing[1] + b];
          t.depth = most(0, taps.high - taps.low) * q.inputs;
          t.a = a + taps.low * per_tap;
          t.b = row;
          if (t.depth)
            t.b += (block.left + columns.start + taps.low * columns.step) * W + w * t.b_column;
          t.c = results + ((h - begin) * width + b) * W + w * t.c_column;
          image_tile(count, least(share.data[b], positions - w), t);
        }
      }
    }
    T* target = out.ptr<T>() + n * W * out.strides[0] + channel * out.strides[1] + begin * width;
    for (int64_t o = 0; o < count; ++o)
      transpose(results + o * t.c_step, W, (end - begin) * width, least(W, out.sizes[0] - n * W),
                target + o * out.strides[1], out.strides[0], (end - begin) * width);
  };

  const int64_t tasks = Block<T>::count(in) * q.groups;
  const int64_t macs = rows * width * W * q.inputs * row_taps * column_taps;
  const int64_t macs_of_task = height * tiles * macs / (q.spacing[0] * q.spacing[1]) + 1;
  parallel_for(tasks, tasks < kSomeBlocks ? tasks : ceil_div(kSerialConvMacs, macs_of_task),
               [&](int64_t from, int64_t to) {
                 ScratchBuffer<T> images(block.elements());
                 for (int64_t task = from; task < to; ++task) {
                   const int64_t n = task / q.groups, g = task % q.groups;
                   block.load(n, g * q.inputs, images.data);
                   parallel_for(tiles * bands, ceil_div(kSerialConvMacs, band * macs),
                                [&](int64_t first, int64_t last) {
                                  ScratchBuffer<T> results(rows * band * width * W);
                                  for (int64_t i = first; i < last; ++i)
                                    run_tile(images.data, n, g, i / bands * rows, i % bands * band,
                                             least(height, (i % bands + 1) * band), results.data);
                                });
                 }
               });
}

template <class T>
void forward(const View& out, const View& in, const View& weight, const View* bias,
             const ConvParams& p) {
  const int64_t kh = weight.sizes[3], kw = weight.sizes[4];
  const Axis rows = forward_axis(kh, p, 1), columns = forward_axis(kw, p, 2);
  const Products q{p.groups, weight.sizes[1], weight.sizes[0] / p.groups, {1, 1}, &rows, &columns};
  const T* w = weight.ptr<const T>();
  correlate<T>(out, in, bias, q, [&](int64_t g, int64_t o, int64_t c, int64_t a, int64_t b) {
    return w[(((g * q.channels + o) * q.inputs + c) * kh + a) * kw + b];
  });
}

template <class T>
void data_gradient(const View& grad_in, const View& grad, const View& weight, const ConvParams& p) {
  const int64_t kh = weight.sizes[3], kw = weight.sizes[4];
  ScratchBuffer<Axis> rows(p.stride[1]), columns(p.stride[2]);
  for (int64_t f = 0; f < p.stride[1]; ++f) rows[f] = gradient_axis(kh, p, 1, f);
  for (int64_t f = 0; f < p.stride[2]; ++f) columns[f] = gradient_axis(kw, p, 2, f);
  const Products q{p.groups,        weight.sizes[0] / p.groups,
                   weight.sizes[1], {p.stride[1], p.stride[2]},
                   rows.data,       columns.data};
  const T* w = weight.ptr<const T>();
  correlate<T>(grad_in, grad, nullptr, q,
               [&](int64_t g, int64_t c, int64_t o, int64_t a, int64_t b) {
                 return w[(((g * q.inputs + o) * q.channels + c) * kh + a) * kw + b];
               });
}

// The weight gradient of one group, in vectors of partial sums [output][kh][input][kw][lane].
template <class T>
struct WeightSums {
  static constexpr int64_t W = kLanes<T>;
  const View &grad, &in;
  Axis axis[2];
  Block<T> images, grads;
  const int64_t* column;  // of each (input, kw)
  int64_t columns() const { return images.channels * axis[1].taps; }
  int64_t size() const { return grads.channels * axis[0].taps * columns() * W; }

  // Adds block n of group g.
  void add(int64_t n, int64_t g, T* x, T* y, T* sums) const {
    const int64_t tiles = ceil_div(grads.channels, kImageRows);
    const int64_t rows = ceil_div(grads.channels, tiles), height = grad.sizes[3];
    const int64_t band = most(1, kBandBytes / (rows * grads.row() * int64_t(sizeof(T))));
    images.load(n, g * images.channels, x);
    grads.load(n, g * grads.channels, y);
    const int64_t macs = plane_size(grad) * W * rows * axis[0].taps * columns();
    parallel_for(tiles, ceil_div(kSerialConvMacs, macs), [&](int64_t from, int64_t to) {
      for (int64_t tile = from; tile < to; ++tile)
        for (int64_t begin = 0; begin < height; begin += band)
          for (int64_t a = 0; a < axis[0].taps; ++a)
            add_tile(x, y, tile * rows, rows, a, begin, least(height, begin + band), sums);
    });
  }

  // Rows [begin, end) of the gradient for `rows` outputs from `first` on, the taps' row `a`.
  void add_tile(const T* x, const T* y, int64_t first, int64_t rows, int64_t a, int64_t begin,
                int64_t end, T* sums) const {
    const int64_t start = axis[0].start + a * axis[0].step, stride = axis[0].stride;
    begin = most(begin, start < 0 ? ceil_div(-start, stride) : 0);
    end = least(end, start < in.sizes[3] ? ceil_div(in.sizes[3] - start, stride) : 0);
    if (begin >= end) return;
    const int64_t count = least(rows, grads.channels - first);
    const int64_t share = ceil_div(columns(), ceil_div(columns(), pixel_vectors(count)));
    ImageProduct<T> t{};
    t.height = end - begin;
    t.width = grad.sizes[4];
    t.a = y + first * grads.channel() + begin * grads.row();
    t.a_step = grads.channel();
    t.a_row = grads.row();
    t.b = x + (begin * stride + start) * images.row();
    t.b_row = stride * images.row();
    t.b_column = axis[1].stride * W;
    t.c_step = axis[0].taps * columns() * W;
    for (int64_t j = 0; j < columns(); j += share) {
      t.column = column + j;
      t.c = sums + first * t.c_step + (a * columns() + j) * W;
      image_product(count, least(share, columns() - j), t);
    }
  }
};

template <class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  constexpr int64_t W = kLanes<T>;
  const int64_t inputs = grad_weight.sizes[1], outputs = grad_weight.sizes[0] / p.groups;
  const int64_t kh = grad_weight.sizes[3], kw = grad_weight.sizes[4];
  const Axis rows = forward_axis(kh, p, 1), columns = forward_axis(kw, p, 2);
  const Block<T> images{in, inputs, -columns.start,
                        most(0, columns.reach(grad.sizes[4]) - (in.sizes[4] - 1))};
  const Block<T> grads{grad, outputs, 0, 0};
  ScratchBuffer<int64_t> column(inputs * kw);
  for (int64_t c = 0; c < inputs; ++c)
    for (int64_t b = 0; b < kw; ++b)
      column[c * kw + b] = c * images.channel() + b * columns.step * W;
  const WeightSums<T> all{grad, in, {rows, columns}, images, grads, column.data};
  const int64_t blocks = Block<T>::count(in), size = all.size();
  const int64_t chunks = most(1, least(least(kMostChunks, blocks), kMostSums / (p.groups * size)));
  const int64_t share = ceil_div(blocks, chunks);
  ScratchBuffer<T> sums(chunks * p.groups * size);
  parallel_for(chunks * p.groups, 1, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> x(images.elements()), y(grads.elements());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t chunk = i / p.groups, g = i % p.groups;
      clear_lanes(sums.data + i * size, size);
      for (int64_t n = chunk * share; n < least(blocks, (chunk + 1) * share); ++n)
        all.add(n, g, x.data, y.data, sums.data + i * size);
    }
  });
  T* result = grad_weight.ptr<T>();
  parallel_for(p.groups * outputs, ceil_div(kGrain, chunks * inputs * kh * kw * W),
               [&](int64_t begin, int64_t end) {
                 for (int64_t o = begin; o < end; ++o)
                   for (int64_t c = 0; c < inputs; ++c)
                     for (int64_t a = 0; a < kh; ++a)
                       for (int64_t b = 0; b < kw; ++b) {
                         const T* from = sums.data + (((o * kh + a) * inputs + c) * kw + b) * W;
                         Vec<T> sum = load(from);
                         for (int64_t chunk = 1; chunk < chunks; ++chunk)
                           sum += load(from + chunk * p.groups * size);
                         result[((o * inputs + c) * kh + a) * kw + b] = reduce_add(sum);
                       }
               });
}

// The share of useful lanes in vectors of channels. Tiles of an odd number of vectors cost as much
// as `odd` more: a single vector waits for its broadcasts.
template <class T>
double lanes_of_channels(int64_t channels, double single, double odd) {
  const int64_t vectors = ceil_div(channels, kLanes<T>);
  const double extra = vectors == 1 ? single : vectors % 2 ? odd : 0;
  return double(channels) / (double(kLanes<T>) * (double(vectors) + extra));
}

// Pairs of an output's position and a tap, in both dimensions, that meet the image.
double meeting_pairs(const View& out, const View& in, const View& weight, const ConvParams& p) {
  double pairs = 1;
  for (int d = 1; d < 3; ++d) {
    const Axis axis = forward_axis(weight.sizes[2 + d], p, d);
    int64_t sum = 0;
    for (int64_t t = 0; t < out.sizes[2 + d]; ++t)
      sum += most(0, axis.high(t, in.sizes[2 + d]) - axis.low(t));
    pairs *= double(sum);
  }
  return pairs;
}

// Whether a block fits and more of its lanes are useful than the share `rival` of another way.
template <class T>
bool pays(const View& out, const View& in, const View& weight, double rival, const ConvParams& p) {
  const int64_t lanes = kLanes<T>, images = in.sizes[0];
  const double useful = double(images) / double(round_up(images, lanes));
  const auto fits = [&](const View& v) {
    const int64_t columns = v.sizes[4] + (weight.sizes[4] - 1) * p.dilation[2] + p.padding[2];
    return v.sizes[1] / p.groups * v.sizes[3] * columns * lanes * int64_t(sizeof(T)) <=
           kMostBlockBytes;
  };
  return useful >= kFewestUseful && rival < 0.93 * useful && plane_size(out) >= kFewestPixels &&
         is_dense<T>(in) && is_dense<T>(out) && is_rows<T>(weight) && weight.sizes[2] == 1 &&
         fits(in) && fits(out);
}

}  // namespace

bool image_lanes_pay(const View& out, const View& in, const View& weight, const ConvParams& p) {
  const double all = double(plane_size(out) * plane_size(weight));
  const double met = meeting_pairs(out, in, weight, p) / all;
  const int64_t channels = weight.sizes[0] / p.groups;
  if (in.dtype == DType::Float64)
    return pays<double>(out, in, weight, met * lanes_of_channels<double>(channels, 0.25, 0), p);
  return pays<float>(out, in, weight, met * lanes_of_channels<float>(channels, 0.25, 0), p);
}

bool image_lanes_pay_backward_data(const View& grad, const View& grad_in, const View& weight,
                                   const ConvParams& p) {
  const double all = double(plane_size(grad_in) * plane_size(weight)) /
                     double(p.stride[0] * p.stride[1] * p.stride[2]);
  const double met = meeting_pairs(grad, grad_in, weight, p) / all;
  const int64_t channels = weight.sizes[1];
  if (grad.dtype == DType::Float64)
    return pays<double>(grad, grad_in, weight, met * lanes_of_channels<double>(channels, 0.25, 0),
                        p);
  return pays<float>(grad, grad_in, weight, met * lanes_of_channels<float>(channels, 0.25, 0), p);
}

bool image_lanes_pay_backward_weight(const View& grad, const View& in, const View& weight,
                                     const ConvParams& p) {
  const int64_t channels = weight.sizes[0] / p.groups;
  if (in.dtype == DType::Float64)
    return pays<double>(grad, in, weight, lanes_of_channels<double>(channels, 0.4, 0.4), p);
  return pays<float>(grad, in, weight, lanes_of_channels<float>(channels, 0.4, 0.4), p);
}

void image_lanes(const View& out, const View& in, const View& weight, const View* bias,
                 const ConvParams& p) {
  (in.dtype == DType::Float64 ? forward<double> : forward<float>)(out, in, weight, bias, p);
}

void image_lanes_backward_data(const View& grad_in, const View& grad, const View& weight,
                               const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? data_gradient<double> : data_gradient<float>;
  run(grad_in, grad, weight, p);
}

void image_lanes_backward_weight(const View& grad_weight, const View& grad, const View& in,
                                 const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? weight_gradient<double> : weight_gradient<float>;
  run(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
