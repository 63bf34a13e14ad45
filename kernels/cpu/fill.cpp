// fill, arange, linspace, tri.
//
// Parallel plan: chunks of the flattened output. Memory plan: a block of values in the L1 cache,
// stored with the output's strides and dtype; a fill of packed memory writes it directly, past the
// caches when they could not hold it.
#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/cpu/words.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

constexpr int64_t kChunk = (kGrain + kBlock - 1) / kBlock * kBlock;

// out[i] = value(i) for a 1-D output, computed in T.
template <class T, class F>
PG_HOST_INLINE void generate(const View& out, DType compute, F&& value) {
  const int64_t n = out.numel();
  const int64_t stride = out.ndim == 0 ? 0 : out.strides[0] * int64_t(item_size(out.dtype));
  const StoreRun store = store_run(out.dtype, compute);
  parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
    alignas(64) T block[kBlock];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t m = end - at < kBlock ? end - at : kBlock;
      for (int64_t i = 0; i < m; ++i) block[i] = value(at + i);
      store(out.ptr<char>() + at * stride, stride, block, m);
    }
  });
}

}  // namespace

void fill(const View& out, Scalar value) {
  alignas(64) char block[kBlock * 16];
  const int64_t item = int64_t(item_size(out.dtype));
  // The value once, converted by its own C cast; then repeated through the block.
  if (value.is_complex()) {
    const Complex128 v = value.to<Complex128>();
    store_run(out.dtype, DType::Complex128)(block, item, &v, 1);
  } else if (value.is_integral()) {
    const int64_t v = value.to_int();
    store_run(out.dtype, DType::Int64)(block, item, &v, 1);
  } else {
    const double v = value.to_double();
    store_run(out.dtype, DType::Float64)(block, item, &v, 1);
  }
  const LoadRun load = load_run(out.dtype, out.dtype);
  const StoreRun store = store_run(out.dtype, out.dtype);
  alignas(64) char repeated[kBlock * 16];
  const int64_t count = out.numel();
  load(repeated, block, 0, count < kBlock ? count : kBlock);
  bool zero = true;
  for (int64_t i = 0; i < item; ++i) zero = zero && block[i] == 0;
  const View* views[] = {&out};
  const Nest<1> nest = make_nest(views);
  const bool streamed = is_streamed(nest.numel * item);
  const int64_t row = nest.sizes[0];
  if (nest.ndim > 1 && nest.strides[0][0] == item && row < kBlock) {
    parallel_for(nest.numel / row, kChunk / row, [&](int64_t begin, int64_t end) {
      for_each_row_run(nest, begin, end, [&](char* const* p, int64_t rows) {
        copy_rows(p[0], nest.strides[0][1], repeated, 0, rows, row * item);
      });
    });
    return;
  }
  parallel_for(nest.numel, kChunk, [&](int64_t begin, int64_t end) {
    for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
      const int64_t stride = nest.strides[0][0];
      if (zero && stride == item) {
        memset(p[0], 0, size_t(n * item));
        return;
      }
      for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t m = n - i < kBlock ? n - i : kBlock;
        if (streamed && stride == item) {
          stream_copy(p[0] + i * stride, repeated, m * item);
        } else {
          store(p[0] + i * stride, stride, repeated, m);
        }
      }
    });
    if (streamed) stream_fence();
  });
}

void arange(const View& out, Scalar start, Scalar step) {
  if (is_integral(out.dtype, false)) {
    const uint64_t s = uint64_t(start.to_int()), d = uint64_t(step.to_int());
    generate<int64_t>(out, DType::Int64, [=](int64_t i) { return int64_t(s + d * uint64_t(i)); });
  } else {
    const double s = start.to_double(), d = step.to_double();
    generate<double>(out, DType::Float64, [=](int64_t i) { return s + d * double(i); });
  }
}

void linspace(const View& out, double start, double end) {
  const int64_t n = out.numel();
  const double step = n > 1 ? (end - start) / double(n - 1) : 0;
  // From the nearer end, so that both ends are exact and the values symmetric.
  generate<double>(out, DType::Float64, [=](int64_t i) {
    return i < n / 2 || n == 1 ? start + step * double(i) : end - step * double(n - 1 - i);
  });
}

void tri(const View& out, const View& in, int64_t diagonal, bool upper) {
  if (out.numel() == 0) return;
  const int64_t rows = out.sizes[out.ndim - 2], cols = out.sizes[out.ndim - 1];
  if (diagonal < -rows) diagonal = -rows;
  if (diagonal > cols) diagonal = cols;
  const int64_t item = int64_t(item_size(out.dtype));
  const int64_t to = out.strides[out.ndim - 1] * item, from = in.strides[in.ndim - 1] * item;
  // The nest walks the rows; the columns are cut into kept and cleared parts here.
  View heads[2] = {out, in};
  for (View& head : heads) --head.ndim;
  const View* head_views[] = {&heads[0], &heads[1]};
  const Nest<2> nest = make_nest(head_views, Order::row_major);
  const LoadRun load = load_run(out.dtype, out.dtype);
  const StoreRun store = store_run(out.dtype, out.dtype);
  alignas(64) const char zeros[kBlock * 16] = {};
  const int64_t grain = kGrain / cols + 1;
  const bool packed = to == item && from == item && cols <= kBlock;
  parallel_for(nest.numel, grain, [&](int64_t begin, int64_t end) {
    int64_t line = begin;
    alignas(64) char block[kBlock * 16];
    const auto keep = [&](char* o, const char* i, int64_t first, int64_t last) {
      for (int64_t c = first; c < last; c += kBlock) {
        const int64_t n = last - c < kBlock ? last - c : kBlock;
        load(block, i + c * from, from, n);
        store(o + c * to, to, block, n);
      }
    };
    const auto clear = [&](char* o, int64_t first, int64_t last) {
      for (int64_t c = first; c < last; c += kBlock) {
        store(o + c * to, to, zeros, last - c < kBlock ? last - c : kBlock);
      }
    };
    for_each_row(nest, begin, end, [&](char* const* p, int64_t n) {
      const int64_t to_step = nest.strides[0][0], from_step = nest.strides[1][0];
      for (int64_t k = 0, same; k < n; k += same, line += same) {
        char* o = p[0] + k * to_step;
        const char* i = p[1] + k * from_step;
        // The first column right of the lower part (the first of the upper part).
        const int64_t row = line % rows, edge = row + diagonal + (upper ? 0 : 1);
        const int64_t cut = edge < 0 ? 0 : edge > cols ? cols : edge;
        // Rows beyond the diagonal go together.
        same = edge >= cols ? rows - row : edge < 0 ? least(-edge, rows - row) : 1;
        same = least(same, n - k);
        if (same > 1 && packed) {
          const bool kept = (cut == 0) == upper;
          copy_rows(o, to_step, kept ? i : zeros, kept ? from_step : 0, same, cols * item);
          continue;
        }
        same = 1;
        if (upper) {
          clear(o, 0, cut);
          keep(o, i, cut, cols);
        } else {
          keep(o, i, 0, cut);
          clear(o, cut, cols);
        }
      }
    });
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
