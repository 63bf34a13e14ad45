// Scaled dot-product attention without a matrix of all weights (see kernels/cpu/attention.cpp): the
// plain form, in float or double.
//
// Forward and dQ: a warp takes a row and walks the keys by 32, one key a lane; a lane owns every
// 32nd column of the row's sums, in shared memory. dK and dV: a warp takes a key and walks the rows
// by 32 in the same way. Nothing is added atomically, so the bits do not change from run to run.
// Limits: every warp reads all keys from memory or cache; sums of up to 48 KiB a block.
#include "kernels/cuda/element.cuh"
#include "kernels/math/philox.h"

namespace pygrad::cuda {
namespace {

constexpr int kWarps = 4;

// The matrices of all heads: element (i, c) of one lies at offset(head) + i * row + c * column.
template <class A>
struct Matrices {
  View view;
  Elements<A> elements;
  int64_t row, column;
  explicit Matrices(const View& v)
      : view(v), elements(v), row(v.strides[v.ndim - 2]), column(v.strides[v.ndim - 1]) {
    view.ndim -= 2;
  }
  __device__ __forceinline__ int64_t offset(int64_t head) const {
    return strided_offset(view, head);
  }
  __device__ __forceinline__ A at(int64_t offset, int64_t i, int64_t c) const {
    return elements[offset + i * row + c * column];
  }
  __device__ __forceinline__ void set(int64_t offset, int64_t i, int64_t c, A x) const {
    elements.set(offset + i * row + c * column, x);
  }
};

template <class A>
struct Problem {
  Matrices<A> query, key, value, mask;  // mask: the query again when there is none
  bool has_mask, mask_is_bool, causal;
  int64_t heads, rows, keys, depth, width;
  A scale, kept;  // kept: 1 / (1 - p)
  uint64_t seed, offset;
  uint32_t threshold;  // weights whose 24 random bits lie below are dropped
  bool drops;

  Problem(const View& q, const View& k, const View& v, const View* m, const AttentionParams& p)
      : query(q),
        key(k),
        value(v),
        mask(m ? *m : q),
        has_mask(m != nullptr),
        mask_is_bool(m && m->dtype == DType::Bool),
        causal(p.causal),
        heads(1),
        rows(q.sizes[q.ndim - 2]),
        keys(k.sizes[k.ndim - 2]),
        depth(q.sizes[q.ndim - 1]),
        width(v.sizes[v.ndim - 1]),
        scale(A(p.scale)),
        kept(p.dropout_p < 1 ? A(1 / (1 - p.dropout_p)) : A(0)),
        seed(p.seed),
        offset(p.offset),
        threshold(uint32_t(std::ceil(p.dropout_p * 0x1p24))),
        drops(p.dropout_p > 0) {
    for (int d = 0; d + 2 < q.ndim; ++d) heads *= q.sizes[d];
  }
};

// Where a head's matrices begin.
struct HeadOffsets {
  int64_t query, key, value, mask;
};
template <class A>
__device__ __forceinline__ HeadOffsets offsets_of(const Problem<A>& p, int64_t head) {
  return {p.query.offset(head), p.key.offset(head), p.value.offset(head), p.mask.offset(head)};
}

template <class A>
__device__ A score(const Problem<A>& p, const HeadOffsets& at, int64_t i, int64_t j) {
  const A nothing = -std::numeric_limits<A>::infinity();
  if (p.causal && j > i) return nothing;
  A sum = 0;
  for (int64_t c = 0; c < p.depth; ++c) {
    sum += p.query.at(at.query, i, c) * p.key.at(at.key, j, c);
  }
  sum *= p.scale;
  if (!p.has_mask) return sum;
  if (!p.mask_is_bool) return sum + p.mask.at(at.mask, i, j);
  const int64_t m = at.mask + i * p.mask.row + j * p.mask.column;
  return static_cast<const bool*>(p.mask.elements.data)[m] ? sum : nothing;
}

template <class A>
__device__ __forceinline__ A dropout_factor(const Problem<A>& p, int64_t head, int64_t i,
                                            int64_t j) {
  if (!p.drops) return A(1);
  const uint64_t at = uint64_t((head * p.rows + i) * p.keys + j);
  const uint32_t word = math::philox(p.seed, p.offset, at / 4).w[at % 4];
  return (word >> 8) < p.threshold ? A(0) : p.kept;
}

// sum_c a[i][c] b[j][c] for the gradient of the output and the values.
template <class A>
__device__ A dot(const Matrices<A>& a, int64_t a_at, int64_t i, const Matrices<A>& b, int64_t b_at,
                 int64_t j, int64_t n) {
  A sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += a.at(a_at, i, c) * b.at(b_at, j, c);
  return sum;
}

// sums[c] += sum over the lanes of factor * row `first + lane` of m, for the caller's columns.
template <class A>
__device__ void add_rows(A* sums, A factor, const Matrices<A>& m, int64_t at, int64_t first,
                         int64_t count, int64_t columns) {
  const int lane = int(threadIdx.x);
  for (int l = 0; l < count; ++l) {
    const A f = shuffle_from(factor, l);
    for (int64_t c = lane; c < columns; c += kWarp) sums[c] += f * m.at(at, first + l, c);
  }
}

template <class A>
__global__ void __launch_bounds__(kWarp* kWarps, 1)
    attention_kernel(Problem<A> p, Matrices<A> out, A* lse) {
  DYN_SHARED(A, shared);
  const int64_t task = int64_t(blockIdx.x) * kWarps + threadIdx.y;
  if (task >= p.heads * p.rows) return;
  const int lane = int(threadIdx.x);
  const int64_t head = task / p.rows, i = task % p.rows;
  A* sums = shared + threadIdx.y * p.width;
  for (int64_t c = lane; c < p.width; c += kWarp) sums[c] = A(0);
  const HeadOffsets at = offsets_of(p, head);
  const A nothing = -std::numeric_limits<A>::infinity();
  A top = nothing, total = 0;
  const int64_t last = p.causal && i + 1 < p.keys ? i + 1 : p.keys;
  for (int64_t j = 0; j < last; j += kWarp) {
    const int64_t count = last - j < kWarp ? last - j : kWarp;
    const A s = lane < count ? score(p, at, i, j + lane) : nothing;
    A m = s == s ? s : nothing;
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
      const A other = shuffle_xor(m, lanes);
      m = other > m ? other : m;
    }
    m = top > m ? top : m;
    const A shift = m == nothing ? A(0) : m;
    const A weight = lane < count ? std::exp(s - shift) : A(0);
    const A factor = m == top ? A(1) : top == nothing ? A(0) : std::exp(top - m);
    total = total * factor + warp_reduce(weight, Sum{});
    top = m;
    if (factor != A(1)) {
      for (int64_t c = lane; c < p.width; c += kWarp) sums[c] *= factor;
    }
    const A kept = lane < count ? weight * dropout_factor(p, head, i, j + lane) : A(0);
    add_rows(sums, kept, p.value, at.value, j, count, p.width);
  }
  // A row without any key it may see gives 0, and a log-sum-exp that makes its weights 0 again.
  const bool empty = total == A(0) && top == nothing;
  const A inverse = empty ? A(0) : A(1) / total;
  const int64_t to = out.offset(head);
  for (int64_t c = lane; c < p.width; c += kWarp) out.set(to, i, c, sums[c] * inverse);
  if (lane == 0) lse[task] = empty ? std::numeric_limits<A>::infinity() : top + std::log(total);
}

// What the gradient kernels share beyond the problem.
template <class A>
struct Slopes {
  Matrices<A> grad, out;
  const A* lse;
  A* dots;  // sum_c grad[i][c] out[i][c] for each row
};

template <class A>
__global__ void __launch_bounds__(kWarp* kWarps, 1)
    attention_query_kernel(Problem<A> p, Slopes<A> g, Matrices<A> grad_query) {
  DYN_SHARED(A, shared);
  const int64_t task = int64_t(blockIdx.x) * kWarps + threadIdx.y;
  if (task >= p.heads * p.rows) return;
  const int lane = int(threadIdx.x);
  const int64_t head = task / p.rows, i = task % p.rows;
  A* sums = shared + threadIdx.y * p.depth;
  for (int64_t c = lane; c < p.depth; c += kWarp) sums[c] = A(0);
  const HeadOffsets at = offsets_of(p, head);
  const int64_t grad_at = g.grad.offset(head), out_at = g.out.offset(head);
  A mine = 0;
  for (int64_t c = lane; c < p.width; c += kWarp) {
    mine += g.grad.at(grad_at, i, c) * g.out.at(out_at, i, c);
  }
  const A row_dot = warp_reduce(mine, Sum{});
  if (lane == 0) g.dots[task] = row_dot;
  const int64_t last = p.causal && i + 1 < p.keys ? i + 1 : p.keys;
  for (int64_t j = 0; j < last; j += kWarp) {
    const int64_t count = last - j < kWarp ? last - j : kWarp;
    A slope = 0;
    if (lane < count) {
      const A weight = std::exp(score(p, at, i, j + lane) - g.lse[task]);
      const A dp = dot(g.grad, grad_at, i, p.value, at.value, j + lane, p.width);
      slope = weight * (dp * dropout_factor(p, head, i, j + lane) - row_dot) * p.scale;
    }
    add_rows(sums, slope, p.key, at.key, j, count, p.depth);
  }
  const int64_t to = grad_query.offset(head);
  for (int64_t c = lane; c < p.depth; c += kWarp) grad_query.set(to, i, c, sums[c]);
}

template <class A>
__global__ void __launch_bounds__(kWarp* kWarps, 1)
    attention_key_kernel(Problem<A> p, Slopes<A> g, Matrices<A> grad_key, Matrices<A> grad_value) {
  DYN_SHARED(A, shared);
  const int64_t task = int64_t(blockIdx.x) * kWarps + threadIdx.y;
  if (task >= p.heads * p.keys) return;
  const int lane = int(threadIdx.x);
  const int64_t head = task / p.keys, j = task % p.keys;
  A* key_sums = shared + threadIdx.y * (p.depth + p.width);
  A* value_sums = key_sums + p.depth;
  for (int64_t c = lane; c < p.depth; c += kWarp) key_sums[c] = A(0);
  for (int64_t c = lane; c < p.width; c += kWarp) value_sums[c] = A(0);
  const HeadOffsets at = offsets_of(p, head);
  const int64_t grad_at = g.grad.offset(head);
  for (int64_t i = p.causal ? j / kWarp * kWarp : 0; i < p.rows; i += kWarp) {
    const int64_t count = p.rows - i < kWarp ? p.rows - i : kWarp;
    A weight = 0, slope = 0;
    if (lane < count) {
      const int64_t row = head * p.rows + i + lane;
      const A factor = dropout_factor(p, head, i + lane, j);
      weight = std::exp(score(p, at, i + lane, j) - g.lse[row]);
      const A dp = dot(g.grad, grad_at, i + lane, p.value, at.value, j, p.width);
      slope = weight * (dp * factor - g.dots[row]) * p.scale;
      weight *= factor;
    }
    add_rows(key_sums, slope, p.query, at.query, i, count, p.depth);
    add_rows(value_sums, weight, g.grad, grad_at, i, count, p.width);
  }
  const int64_t key_at = grad_key.offset(head), value_at = grad_value.offset(head);
  for (int64_t c = lane; c < p.depth; c += kWarp) grad_key.set(key_at, j, c, key_sums[c]);
  for (int64_t c = lane; c < p.width; c += kWarp) grad_value.set(value_at, j, c, value_sums[c]);
}

unsigned blocks_for(int64_t tasks) { return unsigned(divide_up(tasks, int64_t(kWarps))); }

template <class A>
void run_forward(const View& out, const View& lse, const Problem<A>& p) {
  const size_t shared = size_t(kWarps * p.width) * sizeof(A);
  allow_shared(attention_kernel<A>, shared);
  PG_LAUNCH((attention_kernel<A>), dim3(blocks_for(p.heads * p.rows)), dim3(kWarp, kWarps), shared,
            current_stream(), p, Matrices<A>(out), lse.ptr<A>());
}

template <class A>
void run_backward(const View& grad_query, const View& grad_key, const View& grad_value,
                  const View& grad, const View& out, const View& lse, const Problem<A>& p) {
  const Scratch dots(size_t(p.heads * p.rows) * sizeof(A));
  const Slopes<A> g{Matrices<A>(grad), Matrices<A>(out), lse.ptr<const A>(), dots.as<A>()};
  const size_t query_shared = size_t(kWarps * p.depth) * sizeof(A);
  allow_shared(attention_query_kernel<A>, query_shared);
  PG_LAUNCH((attention_query_kernel<A>), dim3(blocks_for(p.heads * p.rows)), dim3(kWarp, kWarps),
            query_shared, current_stream(), p, g, Matrices<A>(grad_query));
  const size_t key_shared = size_t(kWarps * (p.depth + p.width)) * sizeof(A);
  allow_shared(attention_key_kernel<A>, key_shared);
  PG_LAUNCH((attention_key_kernel<A>), dim3(blocks_for(p.heads * p.keys)), dim3(kWarp, kWarps),
            key_shared, current_stream(), p, g, Matrices<A>(grad_key), Matrices<A>(grad_value));
}

}  // namespace

void attention(const View& out, const View& lse, const View& query, const View& key,
               const View& value, const View* mask, const AttentionParams& p) {
  if (!is_floating(query.dtype)) unsupported("scaled_dot_product_attention", query.dtype);
  if (query.dtype == DType::Float64)
    run_forward(out, lse, Problem<double>(query, key, value, mask, p));
  else
    run_forward(out, lse, Problem<float>(query, key, value, mask, p));
}

void attention_backward(const View& grad_query, const View& grad_key, const View& grad_value,
                        const View& grad, const View& out, const View& lse, const View& query,
                        const View& key, const View& value, const View* mask,
                        const AttentionParams& p) {
  if (!is_floating(query.dtype)) unsupported("scaled_dot_product_attention", query.dtype);
  if (query.dtype == DType::Float64)
    run_backward(grad_query, grad_key, grad_value, grad, out, lse,
                 Problem<double>(query, key, value, mask, p));
  else
    run_backward(grad_query, grad_key, grad_value, grad, out, lse,
                 Problem<float>(query, key, value, mask, p));
}

}  // namespace pygrad::cuda
