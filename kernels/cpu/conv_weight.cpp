// Direct convolution, weight gradient, on the channel tile of conv_micro.h.
//
//   dW[o, (c, tap)] = sum over images and output pixels of
//                     grad[o, pixel] in[c, step pixel + tap]
//
// A row of a tile is a (c, tap), its lanes are output channels, the depth runs over the pixels: the
// input is broadcast from where it lies, the gradient is turned round to have its channels side by
// side, some pixels at a time.
//
// Parallel plan: chunks of images, cut by shape, whose sums are added in order; where the filters
// are too large for many sums, rows within one.
//
// Memory plan: the sums; a batch of bordered images and 256 turned pixels per running chunk.
#include "kernels/cpu/bordered.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/conv_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kPiecePixels = 256;
constexpr int64_t kMostChunks = 16;
constexpr int64_t kMostSums = int64_t(1) << 21;   // in all chunks
constexpr int64_t kChunkMacs = int64_t(1) << 21;  // worth a chunk of its own
constexpr int64_t kRowsPerTask = 4 * kTileRows;

template <class T>
struct Sums {
  const View &grad, &in;
  const ConvParams& p;
  ImageSource<T> source;
  RunReader<T> reader;
  bool dense;  // planes of the gradient are contiguous T
  int64_t inputs, outputs, padded, taps, rows, positions;
  const int64_t* row;   // offset of each (c, tap)
  const int64_t* step;  // of each pixel of a batch

  static constexpr int64_t kWidth = kTileVectors * kLanes<T>;
  int64_t size() const { return p.groups * padded * rows; }

  // Channels side by side for pixels [begin, end) of one image: panels of kWidth channels.
  void turn(int64_t image, int64_t begin, int64_t end, int64_t channel, int64_t count,
            int64_t lanes, T* buffer, T* to) const {
    const T* from =
        grad.ptr<const T>() + image * grad.strides[0] + channel * grad.strides[1] + begin;
    int64_t from_step = grad.strides[1];
    if (!dense) {
      from = buffer;
      from_step = kPiecePixels;
      const int64_t height = grad.sizes[3], width = grad.sizes[4];
      for (int64_t c = 0; c < count; ++c)
        for (int64_t at = begin; at < end;) {
          const int64_t n = least(width - at % width, end - at);
          const int64_t offset = image * grad.strides[0] + (channel + c) * grad.strides[1] +
                                 at / (width * height) * grad.strides[2] +
                                 at / width % height * grad.strides[3] +
                                 at % width * grad.strides[4];
          T* target = buffer + c * kPiecePixels + at - begin;
          const T* run = reader.get(offset, grad.strides[4], n, target);
          if (run != target) memcpy(target, run, size_t(n) * sizeof(T));
          at += n;
        }
    }
    transpose_into(from, from_step, count, end - begin, to, lanes);
  }
  static void transpose_into(const T* from, int64_t from_step, int64_t count, int64_t pixels, T* to,
                             int64_t lanes) {
    transpose(from, from_step, count, pixels, to, lanes, lanes);
  }

  // Adds images [first, last) to sums [group][panel][row][lane].
  void add(int64_t first, int64_t last, int64_t batch, T* sums) const {
    const int64_t panels = ceil_div(padded, kWidth);
    ScratchBuffer<T> scratch(source.scratch_elements(batch));
    ScratchBuffer<T> turned(p.groups * padded * kPiecePixels);
    for (int64_t image = first; image < last; image += batch) {
      const int64_t count = least(batch, last - image), pixels = count * positions;
      const Images<T> images = source.load_images(scratch.data, image, count);
      for (int64_t begin = 0; begin < pixels; begin += kPiecePixels) {
        const int64_t end = least(pixels, begin + kPiecePixels);
        parallel_for(p.groups * panels, most(1, kGrain / ((end - begin) * kWidth)),
                     [&](int64_t from, int64_t to) {
                       ScratchBuffer<T> buffer(dense ? 0 : kWidth * kPiecePixels);
                       for (int64_t i = from; i < to; ++i) {
                         const int64_t g = i / panels, channel = i % panels * kWidth;
                         const int64_t lanes = least(kWidth, padded - channel);
                         T* target = turned.data + (g * padded + channel) * kPiecePixels;
                         for (int64_t at = begin; at < end;) {
                           const int64_t n = at / positions, stop = least(end, (n + 1) * positions);
                           turn(image + n, at - n * positions, stop - n * positions,
                                g * outputs + channel, least(lanes, outputs - channel), lanes,
                                buffer.data, target + (at - begin) * lanes);
                           at = stop;
                         }
                       }
                     });
        const int64_t shares = ceil_div(rows, kRowsPerTask);
        const int64_t macs = (end - begin) * kRowsPerTask * kWidth;
        parallel_for(p.groups * panels * shares, ceil_div(kSerialConvMacs, macs),
                     [&](int64_t from, int64_t to) {
                       for (int64_t i = from; i < to; ++i)
                         add_rows(images, begin, end - begin, turned.data, i / shares,
                                  i % shares * kRowsPerTask, sums);
                     });
      }
    }
  }

  // The share of one panel's rows from `first` on, over `pixels` turned pixels.
  void add_rows(const Images<T>& images, int64_t begin, int64_t pixels, const T* turned,
                int64_t panel, int64_t first, T* sums) const {
    const int64_t panels = ceil_div(padded, kWidth), g = panel / panels;
    const int64_t channel = panel % panels * kWidth, lanes = least(kWidth, padded - channel);
    const int64_t count = least(kRowsPerTask, rows - first);
    const int64_t tile = ceil_div(count, ceil_div(count, kTileRows));
    ChannelTile<T> t{};
    t.depth = pixels;
    t.a = images.data + g * inputs * images.channel;
    t.step = step + begin;
    t.b = turned + (g * padded + channel) * kPiecePixels;
    t.b_step = t.c_step = t.start_step = lanes;
    for (int64_t i = first; i < first + count; i += tile) {
      t.row = row + i;
      t.c = sums + (g * padded + channel) * rows + i * lanes;
      t.start = t.c;
      channel_tile(least(tile, first + count - i), lanes / kLanes<T>, t);
    }
  }
};

template <class T>
void weight_gradient(const View& grad_weight, const View& grad, const View& in,
                     const ConvParams& p) {
  const int64_t taps = plane_size(grad_weight), inputs = grad_weight.sizes[1];
  const int64_t outputs = grad_weight.sizes[0] / p.groups, rows = inputs * taps;
  const int64_t images = in.sizes[0], positions = plane_size(grad);
  ScratchBuffer<int64_t> tap(3 * taps), row(rows);
  forward_taps(grad_weight, p, tap.data);
  int64_t low[3], high[3];
  border_of(grad, in, p, tap.data + 3 * (taps - 1), low, high);
  const ImageSource<T> source(in, p.stride, low, high, false);
  int64_t i = 0;
  for (int64_t c = 0; c < inputs; ++c)
    for (int64_t t = 0; t < taps; ++t)
      row[i++] = c * source.channel_stride() + source.offset(tap.data + 3 * t);
  const int64_t batch = least(images, ceil_div(kPiecePixels, positions));
  ScratchBuffer<int64_t> step(batch * positions);
  i = 0;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t d = 0; d < grad.sizes[2]; ++d)
      for (int64_t h = 0; h < grad.sizes[3]; ++h)
        for (int64_t w = 0; w < grad.sizes[4]; ++w)
          step[i++] = n * source.image_stride() + d * source.stride(0) + h * source.stride(1) +
                      w * source.stride(2);

  const RunReader<T> reader(grad);
  int64_t stride;
  const bool dense =
      reader.native && plane_collapses(grad, stride) && (stride == 1 || positions == 1);
  const int64_t padded = round_up(outputs, kLanes<T>);
  const Sums<T> all{grad,    in,     p,    source, reader,    dense,    inputs,
                    outputs, padded, taps, rows,   positions, row.data, step.data};
  const int64_t size = all.size(), macs = size * images * positions;
  int64_t chunks = least(least(kMostChunks, macs / kChunkMacs), ceil_div(images, batch));
  if (chunks * size > kMostSums) chunks = kMostSums / size;
  chunks = most(1, chunks);
  const int64_t share = ceil_div(images, chunks);
  ScratchBuffer<T> sums(chunks * size);
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      T* to = sums.data + chunk * size;
      memset(to, 0, size_t(size) * sizeof(T));
      all.add(chunk * share, least(images, (chunk + 1) * share), batch, to);
    }
  });
  parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
      const T* from = sums.data + chunk * size;
      for (int64_t k = begin; k < end; ++k) sums[k] += from[k];
    }
  });

  const bool in_place = is_rows<T>(grad_weight);
  ScratchBuffer<T> natural(in_place ? 0 : p.groups * outputs * rows);
  T* result = in_place ? grad_weight.ptr<T>() : natural.data;
  constexpr int64_t kWidth = Sums<T>::kWidth;
  for (int64_t g = 0; g < p.groups; ++g)
    for (int64_t channel = 0; channel < outputs; channel += kWidth) {
      const int64_t lanes = least(kWidth, padded - channel);
      transpose(sums.data + (g * padded + channel) * rows, lanes, rows,
                least(lanes, outputs - channel), result + (g * outputs + channel) * rows, rows,
                rows);
    }
  if (in_place) return;
  const PlaneWriter<T> writer(grad_weight);
  for (int64_t o = 0; o < grad_weight.sizes[0]; ++o)
    for (int64_t c = 0; c < inputs; ++c) writer.put(result + (o * inputs + c) * taps, o, c);
}

}  // namespace

void direct_backward_weight(const View& grad_weight, const View& grad, const View& in,
                            const ConvParams& p) {
  const auto run = grad.dtype == DType::Float64 ? weight_gradient<double> : weight_gradient<float>;
  run(grad_weight, grad, in, p);
}

}  // namespace pygrad::cpu::PG_ISA_NS
