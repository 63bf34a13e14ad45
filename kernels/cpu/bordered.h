// Images as convolution and pooling read them: in T, with a border so that no tap needs a bounds
// test; and the transposition between planes and channels.
#pragma once

#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/planes.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
PG_HOST_INLINE int64_t round_up(int64_t a, int64_t unit) { return ceil_div(a, unit) * unit; }

// Short copies: cheaper inline than a call.
template <class T>
PG_HOST_INLINE void copy_lanes(const T* from, T* to, int64_t n) {
  for_lanes<T>(
      n, [&](int64_t i, int64_t k) PG_LANES { store_part(to + i, load_part(from + i, k), k); });
}

template <class T>
PG_HOST_INLINE void fill_lanes(T* to, int64_t n, T value) {
  for_lanes<T>(n, [&](int64_t i, int64_t k) PG_LANES { store_part(to + i, splat(value), k); });
}
template <class T>
PG_HOST_INLINE void clear_lanes(T* to, int64_t n) {
  fill_lanes(to, n, T(0));
}

// The elements 0, 2, 4, ... of two vectors.
template <class V>
PG_HOST_INLINE V every_other(V a, V b) {
  return [&]<int... L>(std::integer_sequence<int, L...>) {
    return __builtin_shufflevector(a, b, (2 * L)...);
  }(std::make_integer_sequence<int, int(sizeof(V) / sizeof(a[0]))>{});
}

// Every kStride-th element from `from` on, of which `left` are readable. kStride 0: any `stride`.
template <int kStride, class T>
PG_HOST_INLINE Vec<T> load_strided(const T* from, int64_t stride, int64_t left) {
  using G = GemmVector<T>;
  constexpr int L = kLanes<T>;
  const auto part = [&](int64_t first) {
    return left >= first + L ? load(from + first)
                             : G::load(G::mask(int(most(0, least(L, left - first)))), from + first);
  };
  if constexpr (kStride == 1) {
    return part(0);
  } else if constexpr (kStride == 2) {
    return every_other(part(0), part(L));
  } else if constexpr (kStride == 4) {
    return every_other(every_other(part(0), part(L)), every_other(part(2 * L), part(3 * L)));
  } else if constexpr (kStride == 3) {
    // Lane l comes from element 3 l: of the first two vectors where that is below 2 L.
    const Vec<T> a = part(0), b = part(L), c = part(2 * L);
    return [&]<int... N>(std::integer_sequence<int, N...>) {
      const Vec<T> low = __builtin_shufflevector(a, b, (3 * N < 2 * L ? 3 * N : 0)...);
      return __builtin_shufflevector(low, c, (3 * N < 2 * L ? N : 3 * N - L)...);
    }(std::make_integer_sequence<int, L>{});
  } else {
    Vec<T> v{};
    for (int l = 0; l < L && l * stride < left; ++l) v[l] = from[l * stride];
    return v;
  }
}

// Taps of a kernel in row-major order: coordinate = k * dilation - padding.
inline void forward_taps(const View& weight, const ConvParams& p, int64_t* tap) {
  for (int64_t a = 0; a < weight.sizes[2]; ++a)
    for (int64_t b = 0; b < weight.sizes[3]; ++b)
      for (int64_t c = 0; c < weight.sizes[4]; ++c, tap += 3) {
        tap[0] = a * p.dilation[0] - p.padding[0];
        tap[1] = b * p.dilation[1] - p.padding[1];
        tap[2] = c * p.dilation[2] - p.padding[2];
      }
}

// The zeros that a forward pass reads around an image.
inline void border_of(const View& out, const View& in, const ConvParams& p, const int64_t* last_tap,
                      int64_t (&low)[3], int64_t (&high)[3]) {
  for (int d = 0; d < 3; ++d) {
    low[d] = p.padding[d];
    high[d] = most(0, (out.sizes[2 + d] - 1) * p.stride[d] + last_tap[d] - (in.sizes[2 + d] - 1));
  }
}

// A weight as rows of T, one per output channel: in place if it is such, else in `buffer`.
template <class T>
bool is_rows(const View& weight) {
  return weight.dtype == dtype_of<T>::value && weight.is_contiguous();
}
template <class T>
const T* weight_rows(const View& weight, T* buffer) {
  if (is_rows<T>(weight)) return weight.ptr<const T>();
  const PlaneReader<T> planes(weight);
  const int64_t taps = plane_size(weight);
  for (int64_t o = 0; o < weight.sizes[0]; ++o)
    for (int64_t c = 0; c < weight.sizes[1]; ++c) {
      T* to = buffer + (o * weight.sizes[1] + c) * taps;
      const T* from = planes.get(o, c, to);
      if (from != to) memcpy(to, from, size_t(taps) * sizeof(T));
    }
  return buffer;
}

// A batch of images. `data` is where position 0 of channel 0 of the first image reads the tap at
// offset 0 (ImageSource::offset); the strides lead from position to position.
template <class T>
struct Images {
  const T* data;
  int64_t image, channel, stride[3];
};

// Makes batches of images readable at positions * step + tap: in place where no border is needed
// and the view holds T, else as copies in scratch. A copy keeps the order of the view, planes or
// channels last.
//
// With `runs`, positions that follow each other in a row are neighbours in memory: a plane is split
// into the step[0] step[1] step[2] phases of its coordinates. A few vectors past the end are
// readable.
template <class T>
class ImageSource {
 public:
  // `low` and `high`: the zeros before and after each dimension.
  ImageSource(const View& v, const int64_t (&step)[3], const int64_t (&low)[3],
              const int64_t (&high)[3], bool runs)
      : view_(v), reader_(v) {
    bool plain = reader_.native;
    for (int d = 0; d < 3; ++d) {
      low_[d] = low[d];
      split_[d] = runs ? step[d] : 1;
      step_[d] = runs ? 1 : step[d];
      padded_[d] = v.sizes[2 + d] + low[d] + high[d];
      plain = plain && low[d] == 0 && high[d] == 0;
    }
    channels_last_ = !runs && v.sizes[1] > 1 && magnitude(v.strides[1]) < magnitude(v.strides[4]);
    copies_ = runs || !plain;
    if (!copies_) {
      read_in_place();
    } else if (channels_last_) {
      channel_ = 1;
      stride_[2] = v.sizes[1];
      stride_[1] = padded_[2] * stride_[2];
      stride_[0] = padded_[1] * stride_[1];
      image_ = padded_[0] * stride_[0];
    } else {
      stride_[2] = 1;
      stride_[1] = ceil_div(padded_[2], split_[2]);
      stride_[0] = ceil_div(padded_[1], split_[1]) * stride_[1];
      phase_ = ceil_div(padded_[0], split_[0]) * stride_[0];
      channel_ = split_[0] * split_[1] * split_[2] * phase_;
      // Planes a multiple of 4 KiB apart would fall on the same cache sets.
      if (channel_ * int64_t(sizeof(T)) % 4096 == 0) channel_ += kLanes<T>;
      image_ = v.sizes[1] * channel_;
    }
    // Where runs end with the plane, nothing past it is read.
    whole_ = plain && runs && split_[0] * split_[1] * split_[2] == 1 && v.strides[4] == 1 &&
             v.strides[3] == stride_[1] && (v.sizes[2] == 1 || v.strides[2] == stride_[0]);
  }

  // For runs of `lanes` that cover each plane exactly: no copy if the planes are contiguous.
  void prefer_in_place(int64_t lanes) {
    if (whole_ && plane_size(view_) % lanes == 0) {
      copies_ = false;
      image_ = view_.strides[0], channel_ = view_.strides[1];
    }
  }

  // Only these taps will be read: phases that none of them is in need not be filled.
  void read_only(const int64_t* taps, int64_t count) {
    const int64_t phases = split_[0] * split_[1] * split_[2];
    if (!copies_ || phases == 1 || phases > 64) return;
    for (int64_t t = 0; t < count; ++t) read_ |= uint64_t(1) << phase_of(taps + 3 * t);
  }

  int64_t image_stride() const { return image_; }
  int64_t channel_stride() const { return channel_; }
  int64_t stride(int d) const { return step_[d] * stride_[d]; }
  int64_t scratch_elements(int64_t images) const { return copies_ ? images * image_ + kSlack : 0; }
  int64_t plane_elements() const { return copies_ ? channel_ + kSlack : 0; }

  int64_t offset(const int64_t* tap) const {
    int64_t at = 0;
    for (int d = 0; d < 3; ++d) at += padded(tap, d) / split_[d] * stride_[d];
    return at + phase_of(tap) * phase_;
  }

  // Images [first, first + count), in parallel.
  Images<T> load_images(T* scratch, int64_t first, int64_t count) const {
    if (!copies_) return images(view_.ptr<const T>() + first * view_.strides[0]);
    memset(scratch + count * image_, 0, kSlack * sizeof(T));
    const int64_t lines = channels_last_ ? 1 : view_.sizes[1];
    parallel_for(count * lines, most(1, kGrain * lines / most(1, image_)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t n = i / lines, c = i % lines;
                     copy_plane(scratch + n * image_ + c * channel_,
                                (first + n) * view_.strides[0] + c * view_.strides[1]);
                   }
                 });
    return images(scratch);
  }

  // One plane.
  const T* load_plane(T* scratch, int64_t image, int64_t channel) const {
    const int64_t at = image * view_.strides[0] + channel * view_.strides[1];
    if (!copies_) return view_.ptr<const T>() + at;
    copy_plane(scratch, at);
    return scratch;
  }

 private:
  static constexpr int64_t kSlack = 8 * kLanes<T>;
  PG_HOST_INLINE static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

  Images<T> images(const T* data) const {
    return {data, image_, channel_, {stride(0), stride(1), stride(2)}};
  }
  int64_t padded(const int64_t* tap, int d) const { return tap[d] + (copies_ ? low_[d] : 0); }
  int64_t phase_of(const int64_t* tap) const {
    int64_t phase = 0;
    for (int d = 0; d < 3; ++d) phase = phase * split_[d] + padded(tap, d) % split_[d];
    return phase;
  }
  void read_in_place() {
    image_ = view_.strides[0], channel_ = view_.strides[1];
    for (int d = 0; d < 3; ++d) stride_[d] = view_.strides[2 + d];
  }

  // All padded rows of one plane, or of all channels where they are last.
  void copy_plane(T* to, int64_t from) const {
    if (split_[0] * split_[1] * split_[2] != 1) {
      int64_t phase = 0;
      for (int64_t d = 0; d < split_[0]; ++d)
        for (int64_t h = 0; h < split_[1]; ++h)
          for (int64_t w = 0; w < split_[2]; ++w, ++phase, to += phase_)
            if (!read_ || read_ >> phase & 1) copy_phase(to, from, d, h, w);
      return;
    }
    for (int64_t d = 0; d < padded_[0]; ++d)
      for (int64_t h = 0; h < padded_[1]; ++h) {
        T* row = to + d * stride_[0] + h * stride_[1];
        if (row_inside(d, h))
          copy_row(row, from + row_offset(d, h));
        else
          clear_lanes(row, stride_[1]);
      }
  }
  // Of a padded row.
  PG_HOST_INLINE bool row_inside(int64_t d, int64_t h) const {
    return d >= low_[0] && d < low_[0] + view_.sizes[2] && h >= low_[1] &&
           h < low_[1] + view_.sizes[3];
  }
  PG_HOST_INLINE int64_t row_offset(int64_t d, int64_t h) const {
    return (d - low_[0]) * view_.strides[2] + (h - low_[1]) * view_.strides[3];
  }
  void copy_row(T* to, int64_t at) const {
    if (channels_last_) return copy_pixels(to, at);
    clear_lanes(to, low_[2]);
    copy_run(at, view_.strides[4], view_.sizes[4], to + low_[2]);
    const int64_t right = low_[2] + view_.sizes[4];
    clear_lanes(to + right, stride_[1] - right);
  }
  // The padded elements whose coordinates are (d, h, w) modulo the split.
  void copy_phase(T* to, int64_t from, int64_t d0, int64_t h0, int64_t w0) const {
    const int64_t s = split_[2], width = stride_[1];
    const int64_t low = least(width, ceil_div(most(0, low_[2] - w0), s));
    const int64_t first = w0 + low * s - low_[2];  // the image's column there
    const int64_t count = most(0, ceil_div(view_.sizes[4] - first, s));
    from += first * view_.strides[4];
    for (int64_t d = d0; d < padded_[0]; d += split_[0], to += stride_[0]) {
      T* row = to;
      for (int64_t h = h0; h < padded_[1]; h += split_[1], row += width) {
        const int64_t inside = row_inside(d, h) ? count : 0;
        if (low > 0) clear_lanes(row, low);
        if (inside > 0) copy_run(from + row_offset(d, h), s * view_.strides[4], inside, row + low);
        if (low + inside < width) clear_lanes(row + low + inside, width - low - inside);
      }
    }
  }
  void copy_pixels(T* to, int64_t at) const {
    const int64_t channels = view_.sizes[1], left = low_[2] * channels;
    clear_lanes(to, left);
    to += left;
    for (int64_t w = 0; w < view_.sizes[4]; ++w, to += channels)
      copy_run(at + w * view_.strides[4], view_.strides[1], channels, to);
    clear_lanes(to, stride_[1] - left - view_.sizes[4] * channels);
  }
  void copy_run(int64_t at, int64_t stride, int64_t n, T* to) const {
    if (stride == 2 && reader_.native) {
      copy_every_other(view_.ptr<const T>() + at, n, to);
      return;
    }
    const T* run = reader_.get(at, stride, n, to);
    if (run == to) return;
    copy_lanes(run, to, n);
  }
  static void copy_every_other(const T* from, int64_t n, T* to) {
    constexpr int W = kLanes<T>;
    for (int64_t i = 0; i < n; i += W)
      store_part(to + i, load_strided<2>(from + 2 * i, 2, 2 * (n - i) - 1), least(W, n - i));
  }

  View view_;
  RunReader<T> reader_;
  bool copies_, channels_last_, whole_;
  int64_t low_[3], split_[3], step_[3], padded_[3], stride_[3];
  int64_t phase_ = 0, channel_, image_;
  uint64_t read_ = 0;  // the phases that are read; 0: all
};

// to[c * to_step + r] = from[r * from_step + c] for r < rows, and 0 for the other r < padded_rows.
template <class T>
[[gnu::noinline]] void transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step, int64_t padded_rows) {
  using G = GemmVector<T>;
  constexpr int W = G::width;
  for (int64_t r = 0; r < padded_rows; r += W) {
    const int64_t real = most(0, least(W, rows - r)), lanes = least(W, padded_rows - r);
    const auto out = G::mask(int(lanes));
    for (int64_t c = 0; c < columns; c += W) {
      const int64_t count = least(W, columns - c);
      const auto in = G::mask(int(count));
      const T* source = from + r * from_step + c;
      typename G::V block[W];
      if (real == W && count == W) {
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i) block[i] = load(source + i * from_step);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i)
          block[i] = i < real ? G::load(in, source + i * from_step) : typename G::V{};
      }
      G::transpose(block);
      T* target = to + c * to_step + r;
      if (lanes == W && count == W) {
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i) store(target + i * to_step, block[i]);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i)
          if (i < count) G::store(out, target + i * to_step, block[i]);
      }
    }
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
