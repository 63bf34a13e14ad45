// The gradients of scaled dot-product attention: the weights are made again, tile by tile, from the
// log-sum-exp of each row. With P the weights, dO the gradient of the output and
// d_i = sum_c dO_ic O_ic:
//
//   dV = P^T dO      dS = P * (dO V^T - d)      dQ = scale dS K      dK = scale dS^T Q
//
// Dropout multiplies P in dV, and dO V^T, by the factors of the forward pass, drawn again.
//
// Parallel plan: heads, and for few heads also ranges of keys, by shape alone. A task owns dK and
// dV of its keys; with several ranges each has a dQ of its own, which are added in order at the
// end. Memory plan: per task a block of keys packed both ways, two tiles of weights, and dQ of the
// head.
#include "kernels/cpu/attention.h"
#include "kernels/dispatch.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kKeyBlock = 128;
constexpr int64_t kRowBlock = 72;
constexpr int64_t kWantedTasks = 16;

template <class T>
struct AttentionGradient {
  Matrices<T> query, key, value, grad, out;
  MatrixWriter<T> grad_query, grad_key, grad_value;
  Positions<9> heads;
  ScoreRule<T> rule;
  const T* lse;
  int64_t rows, keys, depth, width;
  T scale;

  enum { kQuery, kKey, kValue, kGrad, kOut, kMask, kGradQuery, kGradKey, kGradValue };

  AttentionGradient(const View& dq, const View& dk, const View& dv, const View& g, const View& o,
                    const View& l, const View& q, const View& k, const View& v, const View* mask,
                    const AttentionParams& p)
      : query(q),
        key(k),
        value(v),
        grad(g),
        out(o),
        grad_query(dq),
        grad_key(dk),
        grad_value(dv),
        heads({&q, &k, &v, &g, &o, or_else(mask, q), &dq, &dk, &dv}, q.ndim - 2, q.ndim - 1),
        rule(mask, q.sizes[q.ndim - 2], k.sizes[k.ndim - 2], p),
        lse(l.ptr<const T>()),
        rows(q.sizes[q.ndim - 2]),
        keys(k.sizes[k.ndim - 2]),
        depth(q.sizes[q.ndim - 1]),
        width(v.sizes[v.ndim - 1]),
        scale(T(p.scale)) {}

  void run() const {
    const int64_t blocks = ceil_div(keys, kKeyBlock);
    int64_t ranges = least(blocks, most(1, kWantedTasks / most(1, heads.count)));
    const int64_t range = ceil_div(blocks, ranges) * kKeyBlock;
    ranges = ceil_div(keys, range);
    const int64_t size = rows * padded<T>(depth);
    const int64_t macs = most(1, rows * least(range, keys) * (3 * depth + 2 * width));
    ScratchBuffer<T> partial(ranges > 1 ? heads.count * ranges * size : 0);
    parallel_for(
        heads.count * ranges, ceil_div(kSerialMacs, macs), [&](int64_t begin, int64_t end) {
          for (int64_t task = begin; task < end; ++task) {
            const int64_t head = task / ranges, first = task % ranges * range;
            if (ranges > 1) {
              run_keys(head, first, least(keys, first + range), partial.data + task * size);
            } else {
              ScratchBuffer<T> sums(size);
              run_keys(head, 0, keys, sums.data);
              write_query_gradient(head, sums.data);
            }
          }
        });
    if (ranges == 1) return;
    parallel_for(heads.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t head = begin; head < end; ++head) {
        T* sums = partial.data + head * ranges * size;
        for (int64_t r = 1; r < ranges; ++r)
          for (int64_t i = 0; i < size; ++i) sums[i] += sums[r * size + i];
        write_query_gradient(head, sums);
      }
    });
  }

  void write_query_gradient(int64_t head, const T* sums) const {
    int64_t at[9];
    heads.offsets(head, at);
    for (int64_t i = 0; i < rows; ++i)
      grad_query.put(at[kGradQuery], i, sums + i * padded<T>(depth));
  }

  // dK and dV of keys [first, last), and what they give to dQ.
  [[gnu::noinline]] void run_keys(int64_t head, int64_t first, int64_t last, T* dq) const {
    const int64_t q_wide = padded<T>(depth), v_wide = padded<T>(width);
    const int64_t block = least(kKeyBlock, last - first);
    const int64_t row_block = ceil_div(rows, ceil_div(rows, kRowBlock));
    // Tile rows a power of two apart would share cache sets.
    const int64_t stride = padded<T>(block) + kLanes<T>;
    int64_t at[9];
    heads.offsets(head, at);
    ScratchBuffer<T> q_room(query.room(rows)), g_room(grad.room(rows)), o_room(out.room(rows)),
        k_room(key.room(block)), v_room(value.room(block)), k_panels(padded<T>(block) * depth),
        v_panels(padded<T>(block) * width), dk(block * q_wide), dv(block * v_wide),
        weights(row_block * stride), slopes(row_block * stride), factors(stride), row_dots(rows);
    ScratchBuffer<uint32_t> words(rule.drops ? rule.words_for(block) : 0);
    const Rows<T> q = query.get(at[kQuery], 0, rows, q_room.data),
                  g = grad.get(at[kGrad], 0, rows, g_room.data),
                  o = out.get(at[kOut], 0, rows, o_room.data);
    for (int64_t i = 0; i < rows; ++i) {
      const T *a = g.data + i * g.stride, *b = o.data + i * o.stride;
      row_dots[i] = sum_lanes<T>(width, [&](int64_t c, int64_t l) PG_LANES {
        return load_part(a + c, l) * load_part(b + c, l);
      });
    }
    for (int64_t i = 0; i < rows * q_wide; ++i) dq[i] = T(0);
    for (int64_t j = first; j < last; j += block) {
      const int64_t n = least(block, last - j);
      const Rows<T> k = key.get(at[kKey], j, n, k_room.data),
                    v = value.get(at[kValue], j, n, v_room.data);
      const Right<T> k_columns = pack_columns(k, n, depth, k_panels.data),
                     v_columns = pack_columns(v, n, width, v_panels.data);
      for (int64_t i = 0; i < n * q_wide; ++i) dk[i] = T(0);
      for (int64_t i = 0; i < n * v_wide; ++i) dv[i] = T(0);
      // Rows above the diagonal's first block see none of these keys.
      const int64_t start = rule.causal ? j / row_block * row_block : 0;
      for (int64_t i = start; i < rows; i += row_block) {
        const int64_t count = least(row_block, rows - i),
                      mr = ceil_div(count, ceil_div(count, kGemmRows));
        for (int64_t r = 0; r < count; r += mr) {
          const int64_t tile = least(mr, count - r), row = i + r;
          const int64_t columns = rule.seen(row + tile - 1, j, n);
          T *w = weights.data + r * stride, *s = slopes.data + r * stride;
          multiply_tile(tile, columns, depth, q.data + row * q.stride, q.stride, false, k_columns,
                        w, stride, scale, T(0));
          multiply_tile(tile, columns, width, g.data + row * g.stride, g.stride, false, v_columns,
                        s, stride, T(1), T(0));
          for (int64_t l = 0; l < tile; ++l) {
            const int64_t seen = rule.seen(row + l, j, n);
            slope_row(head, at[kMask], row + l, j, seen, row_dots[row + l], w + l * stride,
                      s + l * stride, factors.data, words.data);
            for (int64_t c = seen; c < n; ++c) w[l * stride + c] = s[l * stride + c] = T(0);
          }
          multiply_tile(tile, depth, columns, s, stride, false, as_right(k), dq + row * q_wide,
                        q_wide, T(1), T(1));
        }
        multiply_tile(n, width, count, weights.data, stride, true,
                      as_right(Rows<T>{g.data + i * g.stride, g.stride}), dv.data, v_wide, T(1),
                      T(1));
        multiply_tile(n, depth, count, slopes.data, stride, true,
                      as_right(Rows<T>{q.data + i * q.stride, q.stride}), dk.data, q_wide, T(1),
                      T(1));
      }
      for (int64_t i = 0; i < n; ++i) {
        grad_key.put(at[kGradKey], j + i, dk.data + i * q_wide);
        grad_value.put(at[kGradValue], j + i, dv.data + i * v_wide);
      }
    }
  }

  // From scores in w and dO V^T in s: the weights (with dropout) in w, scale * dS in s.
  void slope_row(int64_t head, int64_t mask_at, int64_t row, int64_t j, int64_t n, T dot, T* w,
                 T* s, T* factors, uint32_t* words) const {
    rule.add_mask(w, mask_at, row, j, n, factors);
    const T log_sum = lse[head * rows + row];
    if (rule.drops) {
      rule.dropout_factors(factors, head, row, j, n, words);
      for_lanes<T>(n, [&](int64_t c, int64_t l) PG_LANES {
        const Vec<T> p = exp(load_part(w + c, l) - log_sum), f = load_part(factors + c, l);
        store_part(s + c, p * (load_part(s + c, l) * f - dot) * scale, l);
        store_part(w + c, p * f, l);
      });
    } else {
      for_lanes<T>(n, [&](int64_t c, int64_t l) PG_LANES {
        const Vec<T> p = exp(load_part(w + c, l) - log_sum);
        store_part(s + c, p * (load_part(s + c, l) - dot) * scale, l);
        store_part(w + c, p, l);
      });
    }
  }
};

}  // namespace

void attention_backward(const View& grad_query, const View& grad_key, const View& grad_value,
                        const View& grad, const View& out, const View& lse, const View& query,
                        const View& key, const View& value, const View* mask,
                        const AttentionParams& p) {
  if (!is_floating(query.dtype)) unsupported("scaled_dot_product_attention", query.dtype);
  if (query.dtype == DType::Float64)
    AttentionGradient<double>(grad_query, grad_key, grad_value, grad, out, lse, query, key, value,
                              mask, p)
        .run();
  else
    AttentionGradient<float>(grad_query, grad_key, grad_value, grad, out, lse, query, key, value,
                             mask, p)
        .run();
}

}  // namespace pygrad::cpu::PG_ISA_NS
