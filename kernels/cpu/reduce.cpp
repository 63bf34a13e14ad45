// Reductions over any set of dimensions: sum, mean, prod, amax, amin, sums of squares and
// magnitudes, any, all, counts.
//
// Layers: a loader turns up to kBlock elements of the input's dtype into contiguous accumulator-
// typed ones (in place where they are already that), one fold per (accumulator type, operation)
// works on such blocks, a storer converts the results. Only the folds know the operation and only
// loaders and storers know the dtype, so the two lists add instead of multiplying.
//
// Accumulators: float for 16-bit and single floats, double, int64 for integers, uint8 for any and
// all, complex for complex.
// Accuracy: lanes, blocks and segments are joined pairwise, columns eight rows at a time and 64
// rows before they meet the total, so the error of a float sum grows slowly with its length.
// Parallel plan: tasks are outputs (rows) or tiles of outputs (columns), times segments of at most
// kSegment elements when an output has many; partial results of segments are kept and joined in
// order. All cuts depend on the shape alone.
// Memory: one block per task on the stack, or two rows of a tile in scratch; a partial result per
// segment in scratch memory. Tiles of columns are as wide as L1 allows, so that rows are read in
// long runs.

#include <cmath>

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/reduction.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSegment = 1 << 17;  // elements of one output in a task, rows
constexpr int64_t kTileBytes = 16384;  // of the outputs in a task, columns
constexpr int64_t kGathered = 512;     // outputs in a task, columns that are loaded into buffers
constexpr int64_t kRowsPerLevel = 64;
constexpr int64_t kResults = 64;  // outputs stored together, rows

// The operation, as the walk below sees it: one instance of the walk serves every operation.
template <class A>
struct Fold {
  A identity;
  A (*block)(const A* p, int64_t n);
  // block() of `count` rows of n elements, `step` apart.
  void (*lines)(const A* p, int64_t step, int64_t count, int64_t n, A* results);
  // count: 1 or kFoldRows; the next rows, `ahead` elements further on, are fetched meanwhile.
  void (*rows)(A* acc, const A* const* rows, int count, int64_t n, int64_t ahead);
  A (*join)(A a, A b);
};
template <class Op, class A>
Fold<A> make_fold() {
  return {Op::template identity<A>(), [](const A* p, int64_t n) { return fold_block<Op>(p, n); },
          [](const A* p, int64_t step, int64_t count, int64_t n, A* results) {
            fold_lines<Op>(p, step, count, n, results);
          },
          [](A* acc, const A* const* rows, int count, int64_t n, int64_t ahead) {
            count == 1 ? fold_rows<Op, false>(acc, rows, n, 0)
                       : fold_rows<Op, true>(acc, rows, n, ahead);
          },
          [](A a, A b) { return Op::template apply<A>(a, b); }};
}

PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Whether the rows of columns touch.
PG_HOST_INLINE bool is_dense(const Reduction& plan) {
  return plan.reduced == 1 && plan.line_stride() == 1 && plan.line_size() > 1 &&
         plan.row_stride() == plan.line_size();
}

// One reduction over a plan.
template <class A>
struct Folder {
  const Reduction& plan;
  Access<A> access;
  Fold<A> op;
  const void* in;
  void* out;
  double divisor;  // of the mean; 0 for none

  void finish(A* results, int64_t n) const {
    if (divisor == 0) return;
    if constexpr (is_complex_v<A>) {
      using R = decltype(A::re);
      for (int64_t i = 0; i < n; ++i) {
        results[i] = A(results[i].re / R(divisor), results[i].im / R(divisor));
      }
    } else if constexpr (!std::is_integral_v<A>) {
      for (int64_t i = 0; i < n; ++i) results[i] = results[i] / A(divisor);
    }
  }

  // Elements [begin, end) of the output whose first element is at `base`.
  A fold_elements(int64_t base, int64_t begin, int64_t end) const {
    alignas(64) A buffer[kBlock];
    const int64_t row = plan.row_size(), stride = plan.row_stride();
    if (plan.reduced == 1 && end - begin <= kBlock) {
      const int64_t n = end - begin;
      return op.block(access.load(in, base + begin * stride, stride, n, buffer), n);
    }
    Cascade<A> cascade{op.join, op.identity};
    while (begin < end) {
      int64_t column = begin % row;
      int64_t n = least(least(row - column, end - begin), kBlock);
      if (n >= kBlock / 4 || n == end - begin) {
        const int64_t at = base + reduced_offset(plan, begin);
        cascade.push(op.block(access.load(in, at, stride, n, buffer), n));
        begin += n;
        continue;
      }
      int64_t filled = 0;  // short rows share a block
      while (filled < kBlock && begin < end) {
        n = least(least(row - column, end - begin), kBlock - filled);
        const int64_t at = base + reduced_offset(plan, begin);
        const A* p = access.load(in, at, stride, n, buffer + filled);
        if (p != buffer + filled) memcpy(buffer + filled, p, size_t(n) * sizeof(A));
        filled += n;
        begin += n;
        column = 0;
      }
      cascade.push(op.block(buffer, filled));
    }
    return cascade.result();
  }

  // Of `n` outputs, the first elements of which stand `step` apart from `base` on.
  void fold_outputs(int64_t base, int64_t step, int64_t n, A* results) const {
    const int64_t count = plan.count, stride = plan.row_stride();
    if (plan.reduced > 1 || count > kBlock) {
      for (int64_t i = 0; i < n; ++i) results[i] = fold_elements(base + i * step, 0, count);
    } else if (access.in_place && stride == 1) {
      op.lines(static_cast<const A*>(in) + base, step, n, count, results);
    } else {  // as many as a buffer holds
      alignas(64) A buffer[kBlock];
      for (int64_t i = 0; i < n;) {
        const int64_t m = least(n - i, kBlock / count), at = base + i * step;
        const A* rows = buffer;
        if (stride == 1 && step == count) {
          rows = access.load(in, at, 1, m * count, buffer);
        } else {
          for (int64_t k = 0; k < m; ++k) {
            A* to = buffer + k * count;
            const A* row = access.load(in, at + k * step, stride, count, to);
            if (row != to) memcpy(to, row, size_t(count) * sizeof(A));
          }
        }
        op.lines(rows, count, m, count, results + i);
        i += m;
      }
    }
  }

  void rows() const {
    const int64_t segments = (plan.count + kSegment - 1) / kSegment;
    if (segments > 1) {
      const int64_t tasks = plan.outputs * segments;
      ScratchBuffer<A> partial(tasks);
      parallel_for(tasks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          const Offsets at = kept_offset(plan, t / segments);
          const int64_t first = t % segments * kSegment;
          partial[t] = fold_elements(at.in, first, least(first + kSegment, plan.count));
        }
      });
      for (int64_t o = 0; o < plan.outputs; ++o) {
        Cascade<A> cascade{op.join, op.identity};
        for (int64_t s = 0; s < segments; ++s) cascade.push(partial[o * segments + s]);
        A result = cascade.result();
        finish(&result, 1);
        const Offsets at = kept_offset(plan, o);
        access.store(out, at.out, 1, 1, &result);
      }
      return;
    }
    const int64_t line = plan.line_size(), step = plan.line_stride();
    const int64_t out_step = plan.kept_out[0][plan.kept - 1];
    const int64_t grain = even_grain(plan.outputs, 1 + kGrain / (plan.count + 1), 1);
    parallel_for(plan.outputs, grain, [&](int64_t begin, int64_t end) {
      A results[kResults];
      while (begin < end) {
        const Offsets at = kept_offset(plan, begin);
        const int64_t n = least(least(line - begin % line, end - begin), kResults);
        fold_outputs(at.in, step, n, results);
        finish(results, n);
        access.store(out, at.out, out_step, n, results);
        begin += n;
      }
    });
  }

  // Folds `count` rows of n elements, `step` apart where they are in place; next(slot) gives the
  // next one, loaded into buffer `slot` at need. `level` has room for n elements.
  template <class Next>
  void fold_rows_in_order(int64_t count, int64_t n, int64_t step, A* results, A* level,
                          Next&& next) const {
    const A* rows[kFoldRows];
    if (count <= kRowsPerLevel) level = results;
    for (int64_t i = 0; i < n; ++i) results[i] = op.identity;
    while (count > 0) {
      const int64_t now = least(kRowsPerLevel, count);
      if (level != results) {
        for (int64_t i = 0; i < n; ++i) level[i] = op.identity;
      }
      int64_t r = 0;
      for (; r + kFoldRows <= now; r += kFoldRows) {
        for (int k = 0; k < kFoldRows; ++k) rows[k] = next(k);
        op.rows(level, rows, kFoldRows, n, kFoldRows * step);
      }
      for (; r < now; ++r) {
        rows[0] = next(0);
        op.rows(level, rows, 1, n, 0);
      }
      count -= now;
      if (level == results) continue;
      rows[0] = level;
      op.rows(results, rows, 1, n, 0);
    }
  }

  // Elements [begin, end) of `n` neighbouring outputs, the first of which starts at `base`.
  // `packed` rows lie side by side and are folded as one, then with each other.
  void fold_tile(int64_t base, int64_t n, int64_t begin, int64_t end, int64_t packed, A* results,
                 A* level, A* buffers) const {
    if (packed > 1 && end - begin > packed) {
      const int64_t wide = (end - begin) / packed, rest = (end - begin) % packed;
      const A* next = access.load(in, base + begin * n, 1, n, nullptr);
      fold_rows_in_order(wide, packed * n, packed * n, buffers, level, [&](int) {
        const A* p = next;
        next += packed * n;
        return p;
      });
      const A* part = buffers;
      fold_rows_in_order(packed + rest, n, n, results, level, [&](int) {
        const A* p = part;
        part = p + n == buffers + packed * n ? next : p + n;
        return p;
      });
      return;
    }
    const int64_t row = plan.row_size(), step = plan.row_stride(), stride = plan.line_stride();
    int64_t column = begin % row, at = base + reduced_offset(plan, begin);
    if (access.in_place && stride == 1 && plan.reduced == 1) {
      const A* next = static_cast<const A*>(in) + at;
      fold_rows_in_order(end - begin, n, step, results, level, [&](int) {
        const A* p = next;
        next += step;
        return p;
      });
      return;
    }
    fold_rows_in_order(end - begin, n, step, results, level, [&](int slot) {
      const A* p = access.load(in, at, stride, n, buffers + slot * kGathered);
      ++begin;
      at += step;
      if (++column == row) {
        column = 0;
        if (begin < end) at = base + reduced_offset(plan, begin);
      }
      return p;
    });
  }

  void columns() const {
    const int64_t line = plan.line_size(), lines = plan.outputs / line;
    const bool in_place = access.in_place && plan.line_stride() == 1;
    const int64_t width = least(line, in_place ? kTileBytes / int64_t(sizeof(A)) : kGathered);
    const int64_t tiles = (line + width - 1) / width;
    const int64_t packed =
        in_place && is_dense(plan) ? least(kGathered / line, plan.count / kFoldRows) : 1;
    const int64_t room = in_place ? kGathered : kFoldRows * kGathered;
    // Rows in a task.
    const int64_t most = kSegment / width / kRowsPerLevel * kRowsPerLevel;
    const int64_t segment = most < kRowsPerLevel ? kRowsPerLevel : most;
    const int64_t segments = (plan.count + segment - 1) / segment;
    const int64_t out_step = plan.kept_out[0][plan.kept - 1];
    const int64_t tasks = lines * tiles * segments;
    const int64_t work = width * least(plan.count, segment);
    ScratchBuffer<A> partial(segments > 1 ? tasks * width : 1);
    parallel_for(tasks, 1 + kGrain / (work + 1), [&](int64_t begin, int64_t end) {
      ScratchBuffer<A> results(width), level(width < kGathered ? kGathered : width), buffers(room);
      for (int64_t t = begin; t < end; ++t) {
        const int64_t tile = t / segments % tiles, first = t % segments * segment;
        const int64_t n = least(width, line - tile * width);
        const Offsets at = kept_offset(plan, t / segments / tiles * line + tile * width);
        A* target = segments > 1 ? partial.data + t * width : results.data;
        fold_tile(at.in, n, first, least(first + segment, plan.count), packed, target, level.data,
                  buffers.data);
        if (segments > 1) continue;
        finish(target, n);
        access.store(out, at.out, out_step, n, target);
      }
    });
    if (segments == 1) return;
    ScratchBuffer<A> results(width), level(width);
    for (int64_t t = 0; t < lines * tiles; ++t) {
      const int64_t tile = t % tiles, n = least(width, line - tile * width);
      const A* next = partial.data + t * segments * width;
      fold_rows_in_order(segments, n, width, results.data, level.data, [&](int) {
        const A* p = next;
        next += width;
        return p;
      });
      finish(results.data, n);
      const Offsets at = kept_offset(plan, t / tiles * line + tile * width);
      access.store(out, at.out, out_step, n, results.data);
    }
  }
};

template <class A>
void run(const View& out, const View& in, Fold<A> op, Access<A> access, bool mean) {
  Reduction plan = plan_reduction(out, out, in);
  if (plan.outputs == 0) return;
  // However few the columns: rows without gaps are folded many at a time. However short the rows:
  // where they are contiguous, so are they.
  if (access.in_place && is_dense(plan)) plan.columns = true;
  if (plan.reduced == 1 && plan.row_stride() == 1 && plan.row_size() > 1) plan.columns = false;
  const Folder<A> folder{plan, access, op, in.data, out.data, mean ? double(plan.count) : 0.0};
  if (plan.count == 0) {
    A empty = op.identity;
    if (mean) {  // 0 / 0
      if constexpr (std::is_floating_point_v<A>) empty = std::numeric_limits<A>::quiet_NaN();
      if constexpr (is_complex_v<A>) {
        using R = decltype(A::re);
        empty = A(std::numeric_limits<R>::quiet_NaN(), std::numeric_limits<R>::quiet_NaN());
      }
    }
    for (int64_t o = 0; o < plan.outputs; ++o) {
      access.store(out.data, kept_offset(plan, o).out, 1, 1, &empty);
    }
    return;
  }
  plan.columns ? folder.columns() : folder.rows();
}

template <class Op, class A>
PG_HOST_INLINE void fold(const View& out, const View& in, Access<A> access, bool mean = false) {
  run<A>(out, in, make_fold<Op, A>(), access, mean);
}

// --- loaders -------------------------------------------------------------------------

// 0 or 1 for each element. NaN is not zero.
template <class A, class T>
const A* load_nonzero(const void* base, int64_t offset, int64_t stride, int64_t n, A* buffer) {
  const T* p = static_cast<const T*>(base) + offset;
  if constexpr (std::is_same_v<T, bool> && sizeof(A) == 1) {
    if (stride == 1) return reinterpret_cast<const A*>(p);
  }
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) buffer[i] = A(is_nonzero(p[i]));
  } else {
    for (int64_t i = 0; i < n; ++i) buffer[i] = A(is_nonzero(p[i * stride]));
  }
  return buffer;
}

// |x|^2 or |x|.
template <bool kSquare, class A, class T>
const A* load_magnitude(const void* base, int64_t offset, int64_t stride, int64_t n, A* buffer) {
  const T* p = static_cast<const T*>(base) + offset;
  const auto magnitude = [](T x) -> A {
    if constexpr (is_complex_v<T>) {
      if constexpr (kSquare)
        return x.re * x.re + x.im * x.im;
      else
        return std::hypot(x.re, x.im);
    } else {
      const A v = load_as<A>(x);
      if constexpr (kSquare)
        return v * v;
      else
        return v < A(0) ? -v : v + A(0);  // adding zero turns -0 into 0
    }
  };
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) buffer[i] = magnitude(p[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) buffer[i] = magnitude(p[i * stride]);
  }
  return buffer;
}

template <class T>
struct real_of {
  using type = T;
};
template <class T>
struct real_of<Complex<T>> {
  using type = T;
};

}  // namespace

void reduce(ReduceOp op, const View& out, const View& in) {
  switch (op) {
    case ReduceOp::sum:
      return dispatch<AllTypes>(in.dtype, "sum", [&]<class T>() {
        using A = acc_t<T>;
        fold<FoldSum, A>(out, in, plain_access<A, T>());
      });
    case ReduceOp::mean:
      return dispatch<FloatingComplex>(in.dtype, "mean", [&]<class T>() {
        using A = acc_t<T>;
        fold<FoldSum, A>(out, in, plain_access<A, T>(), true);
      });
    case ReduceOp::prod:
      return dispatch<AllTypes>(in.dtype, "prod", [&]<class T>() {
        using A = acc_t<T>;
        fold<FoldProduct, A>(out, in, plain_access<A, T>());
      });
    case ReduceOp::amax:
      return dispatch<RealAndBool>(in.dtype, "amax", [&]<class T>() {
        using A = extreme_t<T>;
        fold<FoldMax, A>(out, in, plain_access<A, T>());
      });
    case ReduceOp::amin:
      return dispatch<RealAndBool>(in.dtype, "amin", [&]<class T>() {
        using A = extreme_t<T>;
        fold<FoldMin, A>(out, in, plain_access<A, T>());
      });
    case ReduceOp::sum_of_squares:
    case ReduceOp::sum_of_abs:
      return dispatch<FloatingComplex>(in.dtype, "norm", [&]<class T>() {
        using R = typename real_of<T>::type;
        using A = opmath_t<R>;
        const auto load = op == ReduceOp::sum_of_squares ? load_magnitude<true, A, T>
                                                         : load_magnitude<false, A, T>;
        fold<FoldSum, A>(out, in, {load, store_cast<A, R>});
      });
    case ReduceOp::any:
      return dispatch<AllTypes>(in.dtype, "any", [&]<class T>() {
        fold<FoldMax, uint8_t>(out, in, {load_nonzero<uint8_t, T>, store_cast<uint8_t, bool>});
      });
    case ReduceOp::all:
      return dispatch<AllTypes>(in.dtype, "all", [&]<class T>() {
        fold<FoldMin, uint8_t>(out, in, {load_nonzero<uint8_t, T>, store_cast<uint8_t, bool>});
      });
    case ReduceOp::count_nonzero:
      return dispatch<AllTypes>(in.dtype, "count_nonzero", [&]<class T>() {
        fold<FoldSum, int64_t>(out, in, {load_nonzero<int64_t, T>, store_cast<int64_t, int64_t>});
      });
  }
}

}  // namespace pygrad::cpu::PG_ISA_NS
