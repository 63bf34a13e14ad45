// Variance and mean over any set of dimensions: sum |x - mean|^2 / max(0, n - correction).
//
// Each block in L1 is passed over twice, for its mean and for its centred squares, and blocks are
// merged in double by the formula of Chan, Golub and LeVeque (1979), so nothing cancels however
// large the mean is. Rows and columns as in reduction.h. A complex tensor is two real ones, twice
// as widely strided: the variances add up.
// Parallel plan: outputs or tiles of outputs, times segments of an output with many elements;
// merged in order, cut by shape alone.
// Memory: a block per task on the stack; a state per segment in scratch memory.

#include <limits>

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/reduction.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSegment = 1 << 16;   // elements of one output in a task, rows
constexpr int64_t kTile = 256;          // outputs in a task, columns
constexpr int64_t kTileRows = 64;       // rows passed over twice, columns
constexpr int64_t kTileSegment = 4096;  // elements of one output in a task, columns

PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

struct Moments {
  double n, mean, m2;  // m2: sum of squared distances from the mean
  PG_HOST_INLINE void merge(const Moments& o) {
    if (o.n == 0) return;
    if (n == 0) {
      *this = o;
      return;
    }
    const double total = n + o.n, delta = o.mean - mean;
    m2 += o.m2 + delta * delta * (n / total * o.n);
    mean += delta * (o.n / total);
    n = total;
  }
};

// Of a block in L1, in the lanes of fold_block. The second sum corrects the first: the mean it used
// was rounded.
template <class A>
Moments block_moments(const A* p, int64_t n) {
  using V = Vec<A>;
  constexpr int kWidth = kVecBytes / int(sizeof(A)), kVectors = kFoldBytes / kVecBytes;
  const A shift = A(double(fold_block<FoldSum>(p, n)) / double(n));
  V rest[kVectors] = {}, squares[kVectors] = {};
  const auto add = [&](int k, V x) __attribute__((always_inline)) {
    const V c = x - shift;
    rest[k] += c;
    squares[k] += c * c;
  };
  int64_t i = 0;
  for (; i + kWidth * kVectors <= n; i += kWidth * kVectors) {
#pragma GCC unroll 16
    for (int k = 0; k < kVectors; ++k) add(k, load_first(p + i + k * kWidth, kWidth, shift));
  }
#pragma GCC unroll 16
  for (int k = 0; k < kVectors; ++k) {
    const int64_t left = n - i - k * kWidth;
    if (left <= 0) break;
    add(k, load_first(p + i + k * kWidth, left, shift));
  }
  const double r = double(join_lanes<FoldSum, A>(join_vectors<FoldSum, A>(rest)));
  const double s = double(join_lanes<FoldSum, A>(join_vectors<FoldSum, A>(squares)));
  return {double(n), double(shift) + r / double(n), s - r * r / double(n)};
}

template <class T>
struct Pass {
  using A = opmath_t<T>;
  const Reduction& plan;
  const T* in;
  int64_t scale;  // 2 for the parts of a complex tensor: strides are given in its elements

  Moments elements(int64_t base, int64_t begin, int64_t end) const {
    alignas(64) A buffer[kBlock];
    Moments all{0, 0, 0};
    const int64_t row = plan.row_size(), stride = plan.row_stride() * scale;
    while (begin < end) {
      int64_t column = begin % row;
      int64_t n = least(least(row - column, end - begin), kBlock);
      if (n >= kBlock / 4 || n == end - begin) {
        const T* p = in + (base + reduced_offset(plan, begin)) * scale;
        all.merge(block_moments<A>(load_block<A>(p, stride, n, buffer), n));
        begin += n;
        continue;
      }
      int64_t filled = 0;
      while (filled < kBlock && begin < end) {
        n = least(least(row - column, end - begin), kBlock - filled);
        const T* p = in + (base + reduced_offset(plan, begin)) * scale;
        const A* q = load_block<A>(p, stride, n, buffer + filled);
        if (q != buffer + filled) memcpy(buffer + filled, q, size_t(n) * sizeof(A));
        filled += n;
        begin += n;
        column = 0;
      }
      all.merge(block_moments<A>(static_cast<const A*>(buffer), filled));
    }
    return all;
  }

  void tile(int64_t base, int64_t n, int64_t begin, int64_t end, Moments* all) const {
    alignas(64) A buffer[kTile], sum[kTile], rest[kTile], squares[kTile];
    const int64_t stride = plan.line_stride() * scale;
    for (int64_t i = 0; i < n; ++i) all[i] = {0, 0, 0};
    while (begin < end) {
      const int64_t stop = least(begin + kTileRows, end);
      const auto each_row = [&](auto&& f) {
        for (int64_t r = begin; r < stop; ++r) {
          const T* p = in + (base + reduced_offset(plan, r)) * scale;
          f(load_block<A>(p, stride, n, buffer));
        }
      };
      for (int64_t i = 0; i < n; ++i) sum[i] = rest[i] = squares[i] = 0;
      each_row([&](const A* x) {
        for (int64_t i = 0; i < n; ++i) sum[i] += x[i];
      });
      const double count = double(stop - begin);
      for (int64_t i = 0; i < n; ++i) sum[i] = A(double(sum[i]) / count);
      each_row([&](const A* x) {
        for (int64_t i = 0; i < n; ++i) {
          const A c = x[i] - sum[i];
          rest[i] += c;
          squares[i] += c * c;
        }
      });
      for (int64_t i = 0; i < n; ++i) {
        const double r = double(rest[i]);
        all[i].merge({count, double(sum[i]) + r / count, double(squares[i]) - r * r / count});
      }
      begin = stop;
    }
  }
};

// f(output, moments) for every output.
template <class T, class F>
void each_output(const Reduction& plan, const T* in, int64_t scale, F&& f) {
  const Pass<T> pass{plan, in, scale};
  const int64_t line = plan.columns ? plan.line_size() : 1, width = least(line, kTile);
  const int64_t tiles = (line + kTile - 1) / kTile, lines = plan.outputs / line;
  const int64_t step = plan.columns ? kTileSegment : kSegment;
  const int64_t segments = (plan.count + step - 1) / step;
  ScratchBuffer<Moments> partial(segments > 1 ? lines * tiles * segments * width : 0);
  const int64_t work = least(plan.count, step) * width;
  parallel_for(lines * tiles * segments, 1 + kGrain / (work + 1), [&](int64_t begin, int64_t end) {
    Moments local[kTile];
    for (int64_t t = begin; t < end; ++t) {
      const int64_t tile = t / segments % tiles, first = t % segments * step;
      const int64_t last = least(first + step, plan.count), n = least(width, line - tile * kTile);
      const int64_t output = t / segments / tiles * line + tile * kTile;
      const int64_t base = kept_offset(plan, output).in;
      Moments* to = segments > 1 ? partial.data + t * width : local;
      if (plan.columns)
        pass.tile(base, n, first, last, to);
      else
        *to = pass.elements(base, first, last);
      if (segments > 1) continue;
      for (int64_t i = 0; i < n; ++i) f(output + i, to[i]);
    }
  });
  if (segments == 1) return;
  for (int64_t t = 0; t < lines * tiles; ++t) {
    const int64_t tile = t % tiles, n = least(width, line - tile * kTile);
    for (int64_t i = 0; i < n; ++i) {
      Moments all{0, 0, 0};
      for (int64_t s = 0; s < segments; ++s) all.merge(partial[(t * segments + s) * width + i]);
      f(t / tiles * line + tile * kTile + i, all);
    }
  }
}

// R: the real type of the variance; kParts: 2 for a complex input.
template <class R, int kParts>
void run(const View& var, const View* mean, const View& in, double correction) {
  const Reduction plan = plan_reduction(var, mean ? *mean : var, in);
  if (plan.outputs == 0) return;
  R* variance = var.ptr<R>();
  const double count = double(plan.count);
  const double divisor = count > correction ? count - correction : 0;
  if (plan.count == 0) {
    for (int64_t o = 0; o < plan.outputs; ++o) {
      const Offsets at = kept_offset(plan, o);
      const R nan = R(std::numeric_limits<float>::quiet_NaN());
      variance[at.out] = nan;
      for (int part = 0; mean && part < kParts; ++part) {
        mean->ptr<R>()[at.out2 * kParts + part] = nan;
      }
    }
    return;
  }
  ScratchBuffer<double> first(kParts == 2 ? plan.outputs : 0);  // squares of the real part
  for (int part = 0; part < kParts; ++part) {
    each_output(plan, in.ptr<const R>() + part, kParts, [&](int64_t o, const Moments& m) {
      const Offsets at = kept_offset(plan, o);
      if (mean) mean->ptr<R>()[at.out2 * kParts + part] = R(opmath_t<R>(m.mean));
      if (part + 1 < kParts)
        first[o] = m.m2;
      else
        variance[at.out] = R(opmath_t<R>((m.m2 + (part ? first[o] : 0.0)) / divisor));
    });
  }
}

}  // namespace

void var_mean(const View& var, const View* mean, const View& in, double correction) {
  dispatch<FloatingComplex>(in.dtype, "var", [&]<class T>() {
    if constexpr (std::is_same_v<T, Complex64>)
      run<float, 2>(var, mean, in, correction);
    else if constexpr (std::is_same_v<T, Complex128>)
      run<double, 2>(var, mean, in, correction);
    else
      run<T, 1>(var, mean, in, correction);
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
