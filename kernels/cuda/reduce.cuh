// The walk that all reductions share: sums, extremes, positions, moments, counts.
//
// A Plan says which dimensions are kept and which are reduced, sorted by stride and merged where
// they touch, for one or two inputs. A Fold says what happens to the elements:
//
//   using State                                   plain data, a multiple of 4 bytes
//   State identity() const
//   State run(plan, output, begin, end, step)     elements begin, begin + step, ... of one output
//   State join(a, b) const
//   void finish(plan, output, state) const        writes the result
//
// Two kernels run it, chosen by layout: `fold_rows` gives each output a warp or a block, whose
// threads stride along the reduced elements; `fold_columns` gives neighbouring outputs neighbouring
// threads, so that reads coalesce when outputs are closer together than their elements. Where an
// output has many elements they are cut into segments, whose states are kept and joined in order by
// a second kernel. All cuts follow from the shape alone: results have the same bits every time.
#pragma once

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/lines.cuh"

namespace pygrad::cuda {

struct Plan {
  int kept = 0, reduced = 0;  // at least 1 each; the last is the innermost
  int64_t kept_size[kMaxDims + 1], kept_in[2][kMaxDims + 1], kept_out[2][kMaxDims + 1];
  int64_t reduced_size[kMaxDims + 1], reduced_in[2][kMaxDims + 1];
  int64_t offset[2] = {0, 0};
  int64_t outputs = 1, count = 1;
  bool columns;

  template <int N>
  PG_HOST_DEVICE void add_kept(int64_t output, const int64_t (*strides)[kMaxDims + 1],
                               int64_t (&at)[N]) const {
    for (int d = kept - 1; d > 0; --d) {
      const int64_t i = divide(output, kept_size[d]);
      for (int k = 0; k < N; ++k) at[k] += i * strides[k][d];
    }
    for (int k = 0; k < N; ++k) at[k] += output * strides[k][0];
  }
  // Of an output's first element in each input.
  PG_HOST_DEVICE void input_at(int64_t output, int64_t (&at)[2]) const {
    at[0] = offset[0];
    at[1] = offset[1];
    add_kept(output, kept_in, at);
  }
  PG_HOST_DEVICE int64_t input_at(int64_t output) const {
    int64_t at[1] = {offset[0]};
    add_kept(output, kept_in, at);
    return at[0];
  }
  PG_HOST_DEVICE void output_at(int64_t output, int64_t (&at)[2]) const {
    at[0] = at[1] = 0;
    add_kept(output, kept_out, at);
  }
  // Of reduced element i relative to the first.
  PG_HOST_DEVICE int64_t element_at(int64_t i, int input = 0) const {
    int64_t at = 0;
    for (int d = reduced - 1; d > 0; --d) {
      at += divide(i, reduced_size[d]) * reduced_in[input][d];
    }
    return at + i * reduced_in[input][0];
  }
};

// Sorts by decreasing stride of the first list (if asked), then merges what touches in all lists.
template <int kLists>
PG_HOST_INLINE int sort_and_merge(int n, bool sort, int64_t* size,
                                  int64_t* const (&lists)[kLists]) {
  const auto swap = [](int64_t& a, int64_t& b) {
    const int64_t t = a;
    a = b;
    b = t;
  };
  for (int i = 1; sort && i < n; ++i) {
    for (int j = i; j > 0 && magnitude(lists[0][j]) > magnitude(lists[0][j - 1]); --j) {
      swap(size[j], size[j - 1]);
      for (auto* s : lists) swap(s[j], s[j - 1]);
    }
  }
  int last = 0;
  for (int i = 1; i < n; ++i) {
    bool touch = true;
    for (auto* s : lists) touch = touch && s[last] == size[i] * s[i];
    if (!touch) ++last;
    size[last] = touch ? size[last] * size[i] : size[i];
    for (auto* s : lists) s[last] = s[i];
  }
  if (n == 0) {
    size[0] = 1;
    for (auto* s : lists) s[0] = 1;
  }
  return last + 1;
}

// The outputs have the inputs' dimensions, of size 1 where reduced. With `in_order` element i is
// the i-th in row-major order; otherwise the order is the one that suits memory.
PG_HOST_INLINE Plan plan_reduction(const View& out, const View& out2, const View& in,
                                   const View& in2, bool in_order) {
  Plan p;
  for (int d = 0; d < in.ndim; ++d) {
    const int64_t size = in.sizes[d];
    if (size == 1) continue;
    if (out.sizes[d] == 1) {
      const bool flip = !in_order && in.strides[d] < 0 && size > 0;
      p.count *= size;
      const View* inputs[2] = {&in, &in2};
      for (int k = 0; k < 2; ++k) {
        const int64_t stride = inputs[k]->strides[d];
        p.offset[k] += flip ? stride * (size - 1) : 0;
        p.reduced_in[k][p.reduced] = flip ? -stride : stride;
      }
      p.reduced_size[p.reduced++] = size;
    } else {
      p.outputs *= size;
      p.kept_in[0][p.kept] = in.strides[d];
      p.kept_in[1][p.kept] = in2.strides[d];
      p.kept_out[0][p.kept] = out.strides[d];
      p.kept_out[1][p.kept] = out2.strides[d];
      p.kept_size[p.kept++] = size;
    }
  }
  p.reduced =
      sort_and_merge<2>(p.reduced, !in_order, p.reduced_size, {p.reduced_in[0], p.reduced_in[1]});
  p.kept = sort_and_merge<4>(p.kept, !in_order, p.kept_size,
                             {p.kept_in[0], p.kept_in[1], p.kept_out[0], p.kept_out[1]});
  const int64_t line = p.kept_size[p.kept - 1], row = p.reduced_size[p.reduced - 1];
  const int64_t between = magnitude(p.kept_in[0][p.kept - 1]);
  p.columns =
      row < 16 ? line > row : line >= 16 && between < magnitude(p.reduced_in[0][p.reduced - 1]);
  return p;
}
PG_HOST_INLINE Plan plan_reduction(const View& out, const View& in, bool in_order = false) {
  return plan_reduction(out, out, in, in, in_order);
}

constexpr int kColumnRows = 8;  // most rows of threads in a block of columns

template <class Fold>
__global__ void __launch_bounds__(256, 4)
    fold_rows(PG_PARAMETER Fold fold, PG_PARAMETER Plan plan, int64_t segment,
              typename Fold::State* partial) {
  const int64_t output = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (output >= plan.outputs) return;  // whole warps, and only where no block barrier follows
  const int64_t begin = int64_t(blockIdx.y) * segment, end = least(begin + segment, plan.count);
  auto state = fold.run(plan, output, begin + threadIdx.x, end, int64_t(blockDim.x));
  state = join_row(state, [&](const auto& a, const auto& b) { return fold.join(a, b); });
  if (threadIdx.x != 0) return;
  if (partial)
    partial[output * gridDim.y + blockIdx.y] = state;
  else
    fold.finish(plan, output, state);
}

template <class Fold>
__global__ void __launch_bounds__(256, 4)
    fold_columns(PG_PARAMETER Fold fold, PG_PARAMETER Plan plan, int64_t segment,
                 typename Fold::State* partial) {
  __shared__ typename Fold::State states[kColumnRows][32];
  const int64_t output = int64_t(blockIdx.x) * 32 + threadIdx.x;
  const int64_t begin = int64_t(blockIdx.y) * segment, end = least(begin + segment, plan.count);
  auto state = fold.identity();
  if (output < plan.outputs) {
    state = fold.run(plan, output, begin + threadIdx.y, end, int64_t(blockDim.y));
  }
  if (blockDim.y > 1) {
    states[threadIdx.y][threadIdx.x] = state;
    __syncthreads();
    if (threadIdx.y != 0) return;
    for (unsigned y = 1; y < blockDim.y; ++y) state = fold.join(state, states[y][threadIdx.x]);
  }
  if (output >= plan.outputs) return;
  if (partial)
    partial[output * gridDim.y + blockIdx.y] = state;
  else
    fold.finish(plan, output, state);
}

// A warp per output.
template <class Fold>
__global__ void __launch_bounds__(128)
    join_segments(PG_PARAMETER Fold fold, PG_PARAMETER Plan plan, int64_t segments,
                  const typename Fold::State* partial) {
  const int64_t output = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (output >= plan.outputs) return;
  auto state = fold.identity();
  for (int64_t s = threadIdx.x; s < segments; s += 32) {
    state = fold.join(state, partial[output * segments + s]);
  }
  state = join_warp(state, [&](const auto& a, const auto& b) { return fold.join(a, b); });
  if (threadIdx.x == 0) fold.finish(plan, output, state);
}

template <class Fold>
void run_fold(const Fold& fold, const Plan& plan) {
  using State = typename Fold::State;
  if (plan.outputs == 0) return;
  constexpr int64_t kMostSegments = 1024, kBlocksWanted = 512;
  const int64_t tiles = ceil_div(plan.outputs, 32), count = most(plan.count, 1);
  const RowShape shape(count);
  int64_t segments = plan.columns ? least(ceil_div(count, 512), ceil_div(kBlocksWanted, tiles))
                     : plan.outputs >= kBlocksWanted ? 1
                                                     : ceil_div(count, 16384);
  segments = least(segments, kMostSegments);
  const int64_t segment = ceil_div(count, segments);
  segments = ceil_div(count, segment);
  ScratchArray<State> scratch(segments > 1 ? plan.outputs * segments : 0);
  State* partial = segments > 1 ? scratch.data : nullptr;
  if (plan.columns) {
    const unsigned rows = segment >= 64 ? kColumnRows : segment >= 16 ? 2 : 1;
    const dim3 grid{unsigned(tiles), unsigned(segments)}, block{32, rows};
    if (rows == 1) {
      PG_LAUNCH_INDEPENDENT((fold_columns<Fold>), grid, block, 0, current_stream(), fold, plan,
                            segment, partial);
    } else {
      PG_LAUNCH((fold_columns<Fold>), grid, block, 0, current_stream(), fold, plan, segment,
                partial);
    }
  } else {
    const unsigned rows = unsigned(least(shape.rows, plan.outputs));
    const dim3 grid{unsigned(ceil_div(plan.outputs, rows)), unsigned(segments)};
    PG_LAUNCH((fold_rows<Fold>), grid, dim3(shape.threads, rows), 0, current_stream(), fold, plan,
              segment, partial);
  }
  if (segments == 1) return;
  const unsigned rows = unsigned(least(4, plan.outputs));
  PG_LAUNCH((join_segments<Fold>), dim3(unsigned(ceil_div(plan.outputs, rows))), dim3(32, rows), 0,
            current_stream(), fold, plan, segments, static_cast<const State*>(partial));
}

}  // namespace pygrad::cuda
