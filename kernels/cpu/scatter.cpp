// Writing and accumulating along one dimension: scatter (set, add, prod, amax, amin) and index_add.
//
// Several elements of a line may meet in one target: along the line they are applied in order, so
// the last one set wins and sums have one fixed order. Different lines never meet, so they are the
// parallel dimension: no atomics, the same bits for any number of threads. Where neighbouring lines
// are close in memory a tile of them advances together, row by row; index_add, whose index is the
// same for all lines, then adds contiguous rows (the gradient of an embedding).
// Memory: none. 16-bit floats round after each element, as PyTorch's do.

#include "kernels/cpu/block.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kTile = 64;

struct ApplyAdd {
  template <class T>
  static PG_HOST_INLINE T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
      return a | b;
    else if constexpr (is_complex_v<T>)
      return add_values(a, b);
    else if constexpr (std::is_integral_v<T>)
      return T(add_values(int64_t(a), int64_t(b)));
    else
      return T(opmath_t<T>(a) + opmath_t<T>(b));
  }
};
struct ApplyProd {
  template <class T>
  static PG_HOST_INLINE T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
      return a & b;
    else if constexpr (is_complex_v<T>)
      return multiply_values(a, b);
    else if constexpr (std::is_integral_v<T>)
      return T(multiply_values(int64_t(a), int64_t(b)));
    else
      return T(opmath_t<T>(a) * opmath_t<T>(b));
  }
};
struct ApplyMax {
  template <class T>
  static PG_HOST_INLINE T apply(T a, T b) {
    return T(FoldMax::apply<order_t<T>>(order_t<T>(a), order_t<T>(b)));
  }
};
struct ApplyMin {
  template <class T>
  static PG_HOST_INLINE T apply(T a, T b) {
    return T(FoldMin::apply<order_t<T>>(order_t<T>(a), order_t<T>(b)));
  }
};

// `lines` neighbouring lines of `size` elements. Strides are for (out, index, src), between lines
// and along them.
struct Patch {
  int64_t lines, size;
  int64_t between[3], step[3];
  bool columns;
};

template <class Op, class T>
void apply_patch(void* out_base, const int64_t* index, const void* src_base, int64_t out_at,
                 int64_t src_at, const Patch& p) {
  T* out = static_cast<T*>(out_base) + out_at;
  const T* src = static_cast<const T*>(src_base) + src_at;
  const auto place = [&](int64_t i, int64_t line) {
    return index[i * p.step[1] + line * p.between[1]] * p.step[0] + line * p.between[0];
  };
  if (!p.columns) {
    for (int64_t line = 0; line < p.lines; ++line) {
      for (int64_t i = 0; i < p.size; ++i) {
        T& to = out[place(i, line)];
        to = Op::template apply<T>(to, src[i * p.step[2] + line * p.between[2]]);
      }
    }
    return;
  }
  const bool rows = p.between[1] == 0;
  for (int64_t i = 0; i < p.size; ++i) {
    const T* from = src + i * p.step[2];
    if (rows && p.between[0] == 1 && p.between[2] == 1) {
      T* __restrict to = out + place(i, 0);
      for (int64_t line = 0; line < p.lines; ++line) {
        to[line] = Op::template apply<T>(to[line], from[line]);
      }
      continue;
    }
    for (int64_t line = 0; line < p.lines; ++line) {
      T& to = out[place(i, line)];
      to = Op::template apply<T>(to, from[line * p.between[2]]);
    }
  }
}

using ApplyPatch = void (*)(void* out, const int64_t* index, const void* src, int64_t out_at,
                            int64_t src_at, const Patch& patch);

// `index` has the shape that is walked; `out` and `src` are at least as large.
void run(const View& out, const View& index, const View& src, int64_t dim, ApplyPatch apply) {
  const Lines<3> lines({&index, &out, &src}, dim);
  const int64_t size = line_size(index, dim);
  if (lines.count == 0 || size == 0) return;
  const auto magnitude = [](int64_t x) { return x < 0 ? -x : x; };
  Patch shape;
  shape.size = size;
  constexpr int kOrder[3] = {1, 0, 2};  // from the patch's (out, index, src) to the lines' order
  for (int k = 0; k < 3; ++k) {
    shape.between[k] = lines.inner_stride(kOrder[k]);
    shape.step[k] = lines.step[kOrder[k]];
  }
  shape.columns = lines.inner_size() >= 4 && magnitude(shape.between[0]) < magnitude(shape.step[0]);
  int64_t grain = 1 + kGrain / 4 / size;
  if (shape.columns) grain = (grain + kTile - 1) / kTile * kTile;
  parallel_for(lines.count, grain, [&](int64_t begin, int64_t end) {
    for_runs(lines, begin, end, [&](const int64_t (&at)[3], int64_t n) {
      Patch patch = shape;
      patch.lines = n;
      apply(out.data, index.ptr<const int64_t>() + at[0], src.data, at[1], at[2], patch);
    });
  });
}

// One (destination, scaled source) row at a time: what index_add with alpha needs beyond scatter.
template <class T>
void add_scaled(const View& out, const View& index, const View& src, int64_t dim, T alpha) {
  const Lines<3> lines({&index, &out, &src}, dim);
  const int64_t size = line_size(index, dim);
  if (size == 0) return;
  const int64_t* where = index.ptr<const int64_t>();
  const int64_t out_step = lines.inner_stride(1), src_step = lines.inner_stride(2);
  const int64_t grain = (kTile + kGrain / 4 / size) / kTile * kTile;
  parallel_for(lines.count, grain, [&](int64_t begin, int64_t end) {
    for_runs(lines, begin, end, [&](const int64_t (&at)[3], int64_t n) {
      for (int64_t i = 0; i < size; ++i) {
        T* to = out.ptr<T>() + at[1] + where[i * lines.step[0]] * lines.step[1];
        const T* from = src.ptr<const T>() + at[2] + i * lines.step[2];
        for (int64_t j = 0; j < n; ++j) {
          T& target = to[j * out_step];
          const T x = from[j * src_step];
          if constexpr (is_reduced_v<T>)
            target = T(float(target) + float(alpha) * float(x));
          else
            target = ApplyAdd::apply<T>(target, ApplyProd::apply<T>(alpha, x));
        }
      }
    });
  });
}

}  // namespace

void scatter(ScatterOp op, const View& out, const View& index, const View& src, int64_t dim) {
  const auto with = [&]<class Op, class Set>(Op, Set) {
    dispatch<Set>(out.dtype, "scatter",
                  [&]<class T>() { run(out, index, src, dim, apply_patch<Op, T>); });
  };
  switch (op) {
    case ScatterOp::set: {
      // Targets that differ in another dimension never meet, and along `dim` row-major order is the
      // line's order.
      View target = index, values = index;
      target.data = out.data;
      values.data = src.data;
      target.dtype = values.dtype = out.dtype;
      for (int d = 0; d < index.ndim; ++d) {
        target.strides[d] = d == dim ? 0 : out.strides[d];
        values.strides[d] = src.strides[d];
      }
      const int64_t stride = out.ndim ? out.strides[dim] : 0;
      return index_put(target, values, ViewList{&index, 1}, &stride);
    }
    case ScatterOp::add:
      return with(ApplyAdd{}, AllTypes{});
    case ScatterOp::prod:
      return with(ApplyProd{}, AllTypes{});
    case ScatterOp::amax:
      return with(ApplyMax{}, RealAndBool{});
    case ScatterOp::amin:
      return with(ApplyMin{}, RealAndBool{});
  }
}

void index_add(const View& out, const View& index, const View& src, int64_t dim, Scalar alpha) {
  View where = src;  // the index, expanded over the other dimensions
  where.dtype = DType::Int64;
  where.data = index.data;
  for (int d = 0; d < src.ndim; ++d) {
    where.strides[d] = d == dim && index.ndim ? index.strides[0] : 0;
  }
  dispatch<AllTypes>(out.dtype, "index_add", [&]<class T>() {
    const bool one = alpha.is_complex() ? alpha.d == 1 && alpha.im == 0 : alpha.to_double() == 1;
    if (one)
      run(out, where, src, dim, apply_patch<ApplyAdd, T>);
    else
      add_scaled<T>(out, where, src, dim, alpha.to<T>());
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
