// What attention's forward and backward share: the matrices of a head, and scores with their mask
// and dropout.
#pragma once

#include <limits>

#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/runs.h"
#include "kernels/cpu/tile.h"
#include "kernels/cpu/vec_math.h"
#include "kernels/cpu/vec_philox.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Matrices over the leading dimensions, read as T.
template <class T>
struct Matrices {
  RunReader<T> reader;
  int64_t columns, row_stride, column_stride;
  bool in_place;
  explicit Matrices(const View& v)
      : reader(v),
        columns(v.sizes[v.ndim - 1]),
        row_stride(v.strides[v.ndim - 2]),
        column_stride(v.strides[v.ndim - 1]) {
    // As a right operand a row is read in whole vectors, unless masks are cheap; and rows a
    // multiple of 2 KiB apart fall on few cache sets.
    in_place = reader.native && column_stride == 1 &&
               (GemmVector<T>::cheap_masks || columns % kLanes<T> == 0) &&
               (row_stride * int64_t(sizeof(T))) % 2048 != 0;
  }
  int64_t room(int64_t rows) const { return in_place ? 0 : rows * padded<T>(columns); }
  // Rows [first, first + rows) of the matrix at `offset`: where they lie, or gathered in `buffer`.
  Rows<T> get(int64_t offset, int64_t first, int64_t rows, T* buffer) const {
    offset += first * row_stride;
    if (in_place) return {reinterpret_cast<const T*>(reader.data) + offset, row_stride};
    const int64_t stride = padded<T>(columns);
    for (int64_t i = 0; i < rows; ++i) {
      T* to = buffer + i * stride;
      reader.load(to, reader.data + (offset + i * row_stride) * reader.item,
                  column_stride * reader.item, columns);
      for (int64_t j = columns; j < stride; ++j) to[j] = T(0);
    }
    return {buffer, stride};
  }
};

// Writes sums to rows of a matrix.
template <class T>
struct MatrixWriter {
  RunWriter<T> writer;
  int64_t columns, row_stride, column_stride;
  explicit MatrixWriter(const View& v)
      : writer(v),
        columns(v.sizes[v.ndim - 1]),
        row_stride(v.strides[v.ndim - 2]),
        column_stride(v.strides[v.ndim - 1]) {}
  PG_HOST_INLINE void put(int64_t offset, int64_t row, const T* values) const {
    writer.store(writer.data + (offset + row * row_stride) * writer.item,
                 column_stride * writer.item, values, columns);
  }
};

// What is done to the scores of one row between the products.
template <class T>
struct ScoreRule {
  const View* mask;
  int64_t mask_row, mask_column;
  bool mask_is_bool;
  LoadRun load_mask;
  int64_t mask_item, rows, keys;
  uint64_t seed, offset;
  uint32_t threshold;  // weights whose 24 random bits lie below are dropped
  T kept;              // 1 / (1 - p)
  bool causal, drops;

  ScoreRule(const View* m, int64_t row_count, int64_t key_count, const AttentionParams& p)
      : mask(m),
        mask_row(m ? m->strides[m->ndim - 2] : 0),
        mask_column(m ? m->strides[m->ndim - 1] : 0),
        mask_is_bool(m && m->dtype == DType::Bool),
        load_mask(m && !mask_is_bool ? load_run(dtype_of<T>::value, m->dtype) : nullptr),
        mask_item(m ? int64_t(item_size(m->dtype)) : 0),
        rows(row_count),
        keys(key_count),
        seed(p.seed),
        offset(p.offset),
        threshold(uint32_t(std::ceil(p.dropout_p * 0x1p24))),
        kept(p.dropout_p < 1 ? T(1 / (1 - p.dropout_p)) : T(0)),
        causal(p.causal),
        drops(p.dropout_p > 0) {}

  // Keys from j on that row i sees, at most n.
  PG_HOST_INLINE int64_t seen(int64_t i, int64_t j, int64_t n) const {
    return causal ? most(0, least(n, i - j + 1)) : n;
  }
  // Adds the mask to scores of row i, keys [j, j + n); `buffer` holds n. at: the mask's head.
  void add_mask(T* scores, int64_t at, int64_t i, int64_t j, int64_t n, T* buffer) const {
    if (!mask) return;
    at += i * mask_row + j * mask_column;
    if (mask_is_bool) {
      const bool* m = mask->ptr<const bool>() + at;
      const T nothing = -std::numeric_limits<T>::infinity();
      if (mask_column == 1) {
        for (int64_t k = 0; k < n; ++k) scores[k] = m[k] ? scores[k] : nothing;
      } else {
        for (int64_t k = 0; k < n; ++k) scores[k] = m[k * mask_column] ? scores[k] : nothing;
      }
      return;
    }
    load_mask(buffer, mask->ptr<const char>() + at * mask_item, mask_column * mask_item, n);
    for_lanes<T>(n, [&](int64_t k, int64_t l) PG_LANES {
      store_part(scores + k, load_part(scores + k, l) + load_part(buffer + k, l), l);
    });
  }
  // The factor of each weight of row i, keys [j, j + n): 0 or 1 / (1 - p). `words` holds
  // words_for(n).
  static PG_HOST_INLINE int64_t words_for(int64_t n) { return n + 4 * kPhiloxBlocks + 4; }
  void dropout_factors(T* factors, int64_t head, int64_t i, int64_t j, int64_t n,
                       uint32_t* words) const {
    const uint64_t first =
        (uint64_t(head) * uint64_t(rows) + uint64_t(i)) * uint64_t(keys) + uint64_t(j);
    const int64_t skip = int64_t(first % 4);
    fill_words(words, seed, offset, first / 4, ceil_div(skip + n, 4));
    for (int64_t k = 0; k < n; ++k) factors[k] = (words[skip + k] >> 8) < threshold ? T(0) : kept;
  }
};

// The view that stands for the mask in Positions when there is none.
PG_HOST_INLINE const View* or_else(const View* v, const View& other) { return v ? v : &other; }

}  // namespace
}  // namespace pygrad::cpu::PG_ISA_NS
