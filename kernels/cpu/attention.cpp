// Scaled dot-product attention, block by block, so that the scores of all rows with all keys never
// exist at once (T. Dao et al., "FlashAttention", 2022; the running softmax is M. Milakov's and
// N. Gimelshein's, 2018).
//
// A task takes some rows of one head and walks the keys in blocks: K^T of the block is packed once,
// then each tile of rows gets its scores, the softmax with the maximum so far, and its share of V.
// When a maximum grows, the sums so far are scaled down. Causal heads skip the blocks and the
// panels above the diagonal. Few rows (a step of decoding) take dot products with the keys where
// they lie instead of packing them.
//
// Parallel plan: heads x blocks of rows, by shape alone; a row's sums run over its keys in order.
// Memory plan: per task a block of K^T, scores of one row tile (L1) and the sums of its rows.
// Limits: a single long row runs on one thread.
#include "kernels/cpu/attention.h"

#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kKeyBlock = 256;
constexpr int64_t kRowBlock = 128;
constexpr int64_t kFewRows = 2;  // up to so many rows: no packing
constexpr int64_t kWantedTasks = 32;

// scores[j] = scale q . k_j for keys in rows: one vector of partial sums per key, and a
// transposition to add up the lanes of kLanes keys at once.
template <class T>
[[gnu::noinline]] void dot_keys(const T* q, Rows<T> keys, int64_t count, int64_t depth, T scale,
                                T* scores) {
  using G = GemmVector<T>;
  constexpr int W = G::width;
  for (int64_t j = 0; j < count; j += W) {
    const int64_t real = least(W, count - j);
    const T* key[W];
    for (int l = 0; l < W; ++l) key[l] = keys.data + (j + least(l, real - 1)) * keys.stride;
    Vec<T> sums[W] = {};
    int64_t p = 0;
    for (; p + W <= depth; p += W) {
      const Vec<T> x = load(q + p);
#pragma GCC unroll 16
      for (int l = 0; l < W; ++l) sums[l] = fma(x, load(key[l] + p), sums[l]);
    }
    if (p < depth) {
      const auto mask = G::mask(int(depth - p));
      const Vec<T> x = G::load(mask, q + p);
#pragma GCC unroll 16
      for (int l = 0; l < W; ++l) sums[l] = fma(x, G::load(mask, key[l] + p), sums[l]);
    }
    G::transpose(sums);
    Vec<T> total = sums[0];
#pragma GCC unroll 16
    for (int l = 1; l < W; ++l) total += sums[l];
    store_part(scores + j, total * scale, real);
  }
}

// sums += sum_j weights[j] v_j for one row: four chains over the values hide the latency of the
// adds.
template <class T>
[[gnu::noinline]] void add_values(const T* weights, Rows<T> values, int64_t count, int64_t columns,
                                  T* sums) {
  constexpr int W = kLanes<T>;
  for (int64_t c = 0; c < columns; c += W) {
    const int64_t n = least(W, columns - c);
    const T* v = values.data + c;
    Vec<T> acc[4] = {load_part(sums + c, n)};
    int64_t j = 0;
    for (; j + 4 <= count; j += 4, v += 4 * values.stride) {
#pragma GCC unroll 4
      for (int l = 0; l < 4; ++l)
        acc[l] = fma(splat(weights[j + l]), load_part(v + l * values.stride, n), acc[l]);
    }
    for (; j < count; ++j, v += values.stride)
      acc[0] = fma(splat(weights[j]), load_part(v, n), acc[0]);
    store_part(sums + c, (acc[0] + acc[1]) + (acc[2] + acc[3]), n);
  }
}

// The state of a row's running softmax.
template <class T>
struct RunningRow {
  T max, sum;
};

// Turns n scores into weights exp(s - max) and returns the factor for what was summed before.
template <class T>
PG_HOST_INLINE T softmax_step(T* scores, int64_t n, RunningRow<T>& row) {
  const T nothing = -std::numeric_limits<T>::infinity();
  Vec<T> top = splat(row.max);
  for_lanes<T>(
      n, [&](int64_t k, int64_t l) PG_LANES { top = max(load_or(scores + k, l, nothing), top); });
  const T m = reduce_max(top);
  const T shift = m == nothing ? T(0) : m;  // all masked so far: weights 0, not NaN
  const T sum = sum_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
    const Vec<T> w = exp(load_part(scores + k, l) - shift);
    store_part(scores + k, w, l);
    return w;
  });
  const T factor = m == row.max ? T(1) : row.max == nothing ? T(0) : std::exp(row.max - m);
  row.sum = row.sum * factor + sum;
  row.max = m;
  return factor;
}

template <class T>
struct Attention {
  Matrices<T> query, key, value;
  MatrixWriter<T> out;
  Positions<5> heads;
  ScoreRule<T> rule;
  T* lse;
  int64_t rows, keys;
  T scale;

  Attention(const View& o, const View& l, const View& q, const View& k, const View& v,
            const View* mask, const AttentionParams& p)
      : query(q),
        key(k),
        value(v),
        out(o),
        heads({&q, &k, &v, &o, or_else(mask, q)}, q.ndim - 2, q.ndim - 1),
        rule(mask, q.sizes[q.ndim - 2], k.sizes[k.ndim - 2], p),
        lse(l.ptr<T>()),
        rows(q.sizes[q.ndim - 2]),
        keys(k.sizes[k.ndim - 2]),
        scale(T(p.scale)) {}

  void run() const {
    const int64_t depth = query.columns, width = value.columns;
    const int64_t macs = most(1, rows * keys * (depth + width) / (rule.causal ? 2 : 1));
    int64_t block = rows;
    if (heads.count * macs > kSerialMacs) {
      const int64_t wanted = most(1, kWantedTasks / most(1, heads.count));
      const int64_t limit = least(kRowBlock, most(4 * kGemmRows, ceil_div(rows, wanted)));
      block = ceil_div(rows, most(1, ceil_div(rows, limit)));
    }
    const int64_t blocks = ceil_div(rows, block);
    parallel_for(heads.count * blocks, ceil_div(kSerialMacs, most(1, macs / blocks)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t task = begin; task < end; ++task)
                     run_rows(task / blocks, task % blocks * block, block);
                 });
  }

  [[gnu::noinline]] void run_rows(int64_t head, int64_t i0, int64_t most_rows) const {
    const int64_t count = least(most_rows, rows - i0), depth = query.columns, width = value.columns,
                  wide = padded<T>(width);
    const bool few = count <= kFewRows;
    int64_t at[5];
    heads.offsets(head, at);
    const int64_t last_key = rule.causal ? least(keys, i0 + count) : keys;
    const int64_t block = least(kKeyBlock, last_key),
                  mr = ceil_div(count, ceil_div(count, kGemmRows));
    const int64_t score_stride = padded<T>(block);
    ScratchBuffer<T> q_room(query.room(count)), k_room(key.room(block)), v_room(value.room(block)),
        panels(few ? 0 : padded<T>(block) * depth), scores(mr * score_stride), sums(count * wide),
        factors(score_stride);
    ScratchBuffer<uint32_t> words(rule.drops ? rule.words_for(block) : 0);
    ScratchBuffer<RunningRow<T>> state(count);
    for (int64_t i = 0; i < count; ++i) state[i] = {-std::numeric_limits<T>::infinity(), T(0)};
    if (few)
      for (int64_t i = 0; i < count * wide; ++i) sums[i] = T(0);
    const Rows<T> q = query.get(at[0], i0, count, q_room.data);
    for (int64_t j = 0; j < last_key; j += block) {
      const int64_t n = least(block, last_key - j);
      const Rows<T> k = key.get(at[1], j, n, k_room.data), v = value.get(at[2], j, n, v_room.data);
      Right<T> k_columns{};
      if (!few) k_columns = pack_columns(k, n, depth, panels.data);
      for (int64_t i = 0; i < count; i += mr) {
        const int64_t tile = least(mr, count - i);
        // The last row of the tile sees most.
        const int64_t columns = rule.seen(i0 + i + tile - 1, j, n);
        if (columns == 0) continue;
        T* tile_sums = sums.data + i * wide;
        if (few) {
          for (int64_t r = 0; r < tile; ++r)
            dot_keys(q.data + (i + r) * q.stride, k, columns, depth, scale,
                     scores.data + r * score_stride);
        } else {
          multiply_tile(tile, columns, depth, q.data + i * q.stride, q.stride, false, k_columns,
                        scores.data, score_stride, scale, T(0));
        }
        for (int64_t r = 0; r < tile; ++r) {
          T* s = scores.data + r * score_stride;
          const int64_t row = i0 + i + r, seen = rule.seen(row, j, columns);
          rule.add_mask(s, at[4], row, j, seen, factors.data);
          const T factor = softmax_step(s, seen, state[i + r]);
          if (j > 0 && factor != T(1))
            for (int64_t c = 0; c < width; ++c) tile_sums[r * wide + c] *= factor;
          if (rule.drops) {
            rule.dropout_factors(factors.data, head, row, j, seen, words.data);
            for (int64_t c = 0; c < seen; ++c) s[c] *= factors[c];
          }
          for (int64_t c = seen; c < columns; ++c) s[c] = T(0);
          if (few) add_values(s, v, columns, width, tile_sums + r * wide);
        }
        if (!few)
          multiply_tile(tile, width, columns, scores.data, score_stride, false, as_right(v),
                        tile_sums, wide, T(1), j > 0 ? T(1) : T(0));
      }
    }
    for (int64_t i = 0; i < count; ++i)
      finish_row(head, at[3], i0 + i, state[i], sums.data + i * wide);
  }

  // A row without any key it may see gives 0, and a log-sum-exp that makes its weights 0 again.
  void finish_row(int64_t head, int64_t at, int64_t row, RunningRow<T> state, T* sums) const {
    const T infinity = std::numeric_limits<T>::infinity();
    const bool nothing = state.sum == T(0) && state.max == -infinity;
    const T inverse = nothing ? T(0) : T(1) / state.sum;
    for (int64_t c = 0; c < value.columns; ++c) sums[c] *= inverse;
    lse[head * rows + row] = nothing ? infinity : state.max + std::log(state.sum);
    out.put(at, row, sums);
  }
};

}  // namespace

void attention(const View& out, const View& lse, const View& query, const View& key,
               const View& value, const View* mask, const AttentionParams& p) {
  if (!is_floating(query.dtype)) unsupported("scaled_dot_product_attention", query.dtype);
  if (query.dtype == DType::Float64)
    Attention<double>(out, lse, query, key, value, mask, p).run();
  else
    Attention<float>(out, lse, query, key, value, mask, p).run();
}

}  // namespace pygrad::cpu::PG_ISA_NS
