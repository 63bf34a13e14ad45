// multiply(): the packed GEMM that every matrix product and convolution runs on.
//
// Loops (Goto and van de Geijn; BLIS): columns by NC, depth by KC (B panels of the block packed
// once, in parallel, shared by all tasks), then tasks = row blocks x column groups, each packing
// its own A block and running the micro-kernel over it: B panel in L1, A block in L2.
//
// Parallel plan: tasks are cut by shape alone and each owns a part of C; the depth is never split
// between tasks, and its blocks are added in order, so the bits do not depend on the number of
// threads.
//
// Memory plan: one B block per call and one A block per running task (or A's panels of the whole
// depth block; none where few columns make A better read in place), from the scratch cache. A C
// that is not a row-major matrix of T (16-bit floats, strided outputs) is accumulated in a scratch
// block of T and written once, with the epilogue, at the end.
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_convert.h"
#include "kernels/cpu/gemm_micro.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kRowBlock = 252;
constexpr int64_t kColumnBlock = 4096;
constexpr int64_t kMostTasks = 32;
constexpr int64_t kRowsAhead = 16;      // rows that packing along the lines prefetches
constexpr int64_t kBytesAtOnce = 1024;  // of a row: what the hardware reads ahead well
constexpr int64_t kFewPanels = 8;       // of B, for which packing A does not pay

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// Near-equal blocks of at most `limit`, each but the last a multiple of `unit`.
PG_HOST_INLINE int64_t balanced(int64_t n, int64_t limit, int64_t unit) {
  const int64_t blocks = most(1, ceil_div(n, limit));
  return most(unit, ceil_div(ceil_div(n, blocks), unit) * unit);
}

// Turns `width` lines of `count` elements into rows of a panel.
template <class T>
PG_HOST_INLINE void turn_block(const T* from, int64_t stride, T* to, int64_t to_step,
                               typename GemmVector<T>::Mask out, int64_t count) {
  using G = GemmVector<T>;
  constexpr int P = G::kPiece;
  int64_t p = 0;
#pragma GCC unroll 1
  for (; p + P <= count; p += P, from += P) {
    typename G::V columns[P];
    G::transpose_piece(from, stride, columns);
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i, to += to_step) G::store(out, to, columns[i]);
  }
  if (p == count) return;
  typename G::V columns[P];
  G::transpose_piece(from, stride, columns);
#pragma GCC unroll 4
  for (int i = 0; i < P - 1; ++i, to += to_step)
    if (p + i < count) G::store(out, to, columns[i]);
}

// Lines that are contiguous along the depth: a transposition, block by block. A block at an edge,
// or of lines that fall on the same sets of the cache, is copied to the stack first, line by line.
template <class T>
void interleave_runs(const T* runs, int64_t stride, T* panel, int64_t lines, int64_t width,
                     int64_t depth) {
  using G = GemmVector<T>;
  using V = typename G::V;
  constexpr int W = G::width;
  const bool collide = stride * int64_t(sizeof(T)) % 4096 == 0;
  for (int64_t l = 0; l < width; l += W) {
    const int64_t real = most(0, least(W, lines - l));
    const auto out = G::mask(int(least(W, width - l)));
    alignas(64) T block[W * W];
    for (int64_t i = real; i < W; ++i) store(block + i * W, V{});
    for (int64_t d = 0; d < depth; d += W) {
      const int64_t count = least(W, depth - d);
      const T* from = runs + l * stride + d;
      T* to = panel + d * width + l;
      const bool direct = real == W && count == W && !collide;
      if (direct) {
#pragma GCC unroll 1
        for (int64_t i = 0; i < W; ++i)
          __builtin_prefetch(from + i * stride + 4 * W);  // more streams than the hardware follows
        turn_block(from, stride, to, width, out, W);
      } else {
        const auto in = G::mask(int(count));
#pragma GCC unroll 1
        for (int64_t i = 0; i < real; ++i) {
          __builtin_prefetch(from + i * stride + 4 * W);
          store(block + i * W, G::load(in, from + i * stride));
        }
        turn_block(block, W, to, width, out, count);
      }
    }
  }
}

// Lines that lie side by side: short copies, a row of the panel each, for one panel or several.
template <class T>
void copy_rows(const T* from, int64_t stride, T* panel, int64_t lines, int64_t width,
               int64_t depth) {
  using G = GemmVector<T>;
  constexpr int64_t W = G::width;
  const int64_t full = width / W * W, whole = lines / width * width;
  const auto tail = G::mask(int(width - full));
  for (int64_t d = 0; whole && d < depth; ++d) {
    const T* row = from + d * stride;
    const T* next = row + kRowsAhead * stride;
    for (int64_t l0 = 0; l0 < whole; l0 += width) {
      T* to = panel + l0 * depth + d * width;
      for (int64_t l = 0; l < full; l += W) {
        __builtin_prefetch(next + l0 + l);
        store(to + l, load(row + l0 + l));
      }
      if (full == width) continue;
      __builtin_prefetch(next + l0 + full);
      G::store(tail, to + full, G::load(tail, row + l0 + full));
    }
  }
  if (whole == lines) return;
  from += whole, lines -= whole, panel += whole * depth;
  for (int64_t l = 0; l < width; l += W) {
    const auto in = G::mask(int(most(0, least(W, lines - l))));
    const auto out = G::mask(int(least(W, width - l)));
    for (int64_t d = 0; d < depth; ++d) {
      __builtin_prefetch(from + (d + kRowsAhead) * stride + l);
      G::store(out, panel + d * width + l, G::load(in, from + d * stride + l));
    }
  }
}

template <class In, class T>
void pack_lines_impl(const void* source, T* panel, int64_t line, int64_t lines, int64_t width,
                     int64_t p, int64_t depth) {
  const auto& s = *static_cast<const Lines<In>*>(source);
  const In* from = s.data + line * s.line_stride + p * s.depth_stride;
  if constexpr (std::is_same_v<In, T>) {
    if (s.line_stride == 1) return copy_rows(from, s.depth_stride, panel, lines, width, depth);
  }
  if (s.line_stride == 1 || s.depth_stride != 1) {
    for (int64_t d = 0; d < depth; ++d) {
      T* to = panel + d * width;
      read_run(from + d * s.depth_stride, s.line_stride, to, lines);
      for (int64_t l = lines; l < width; ++l) to[l] = T(0);
    }
  } else if constexpr (std::is_same_v<In, T>) {
    interleave_runs(from, s.line_stride, panel, lines, width, depth);
  } else {
    constexpr int64_t kPiece = 64;
    T runs[kPiece * 2 * kLanes<T>];
    for (int64_t d = 0; d < depth; d += kPiece) {
      const int64_t count = least(kPiece, depth - d);
      for (int64_t l = 0; l < lines; ++l)
        read_run(from + l * s.line_stride + d, 1, runs + l * kPiece, count);
      interleave_runs(runs, kPiece, panel + d * width, lines, width, count);
    }
  }
}

// Writes rows of finished sums to a C of another type or layout.
template <class T, class Out>
void write_sums(const Product<T>& q, const T* sums, int64_t ld, int64_t columns, int64_t first) {
  const T alpha = T(q.alpha), beta = T(q.beta);
  const int64_t grain = most(1, kGrain / most(1, columns));
  parallel_for(q.m, grain, [&](int64_t begin, int64_t end) {
    constexpr int64_t kPiece = 256;
    T now[kPiece], old[kPiece];
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < columns; j += kPiece) {
        const int64_t n = least(kPiece, columns - j);
        const T* from = sums + i * ld + j;
        Out* c = static_cast<Out*>(q.c) + i * q.c_rs + (first + j) * q.c_cs;
        for (int64_t l = 0; l < n; ++l) now[l] = from[l] * alpha;
        if (beta != 0) {
          read_run(c, q.c_cs, old, n);
          for (int64_t l = 0; l < n; ++l) now[l] += beta * old[l];
        }
        if (q.bias) {
          const T* bias = q.bias + i * q.bias_rs + (first + j) * q.bias_cs;
          for (int64_t l = 0; l < n; ++l) now[l] += bias[l * q.bias_cs];
        }
        if (q.relu)
          for (int64_t l = 0; l < n; ++l) now[l] = now[l] < T(0) ? T(0) : now[l];
        write_run(now, c, q.c_cs, n);
      }
    }
  });
}

// One block of columns over one block of depth: packs B, then runs the tasks.
template <class T>
void multiply_block(const Product<T>& q, int64_t j0, int64_t columns, int64_t p0, int64_t depth,
                    T* c, int64_t c_rs, const Epilogue<T>& how) {
  constexpr int64_t W = GemmVector<T>::width;
  const int64_t nr = columns <= W ? W : 2 * W;
  const int64_t mr = ceil_div(q.m, ceil_div(q.m, kGemmRows));
  const int64_t panels = ceil_div(columns, nr);
  ScratchBuffer<T> b(panels * nr * depth);
  const int64_t macs = q.m * columns * depth;
  const bool serial = macs < kSerialMacs;
  const auto lines_at_once = [](const Packer<T>& from, int64_t width) {
    return from.many ? most(1, kBytesAtOnce / (width * int64_t(sizeof(T)))) * width : width;
  };
  const int64_t step = lines_at_once(q.b, nr), steps = ceil_div(columns, step);
  parallel_for(steps, serial ? steps : most(1, kGrain / (step * most(1, depth))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t j = begin * step; j < least(columns, end * step); j += step)
                   q.b.pack(q.b.source, b.data + j * depth, j0 + j, least(step, columns - j), nr,
                            p0, depth);
               });

  // Rows are cut first: a finer cut costs little down to some 6 panels. Column groups share A's
  // panels, which are then packed ahead.
  const int64_t wanted = serial ? 1 : least(kMostTasks, ceil_div(macs, kSerialMacs));
  const int64_t rows = balanced(q.m, most(6 * mr, least(kRowBlock, ceil_div(q.m, wanted))), mr);
  const int64_t row_blocks = ceil_div(q.m, rows);
  const int64_t groups = most(1, least(ceil_div(wanted, row_blocks), panels / 4));
  const int64_t group = ceil_div(panels, groups);
  const int64_t tasks = row_blocks * groups;
  const bool in_place = q.a_in_place && panels <= kFewPanels;
  const int64_t a_step = lines_at_once(q.a, mr), a_steps = ceil_div(q.m, a_step);
  const auto pack_a = [&](int64_t i, int64_t end, T* to) {
    for (; i < end; i += a_step, to += a_step * depth)
      q.a.pack(q.a.source, to, i, least(a_step, end - i), mr, p0, depth);
  };
  const bool ahead = groups > 1 && !in_place;
  ScratchBuffer<T> shared(ahead ? ceil_div(q.m, mr) * mr * depth : 0);
  parallel_for(ahead ? a_steps : 0, most(1, kGrain / (a_step * most(1, depth))),
               [&](int64_t begin, int64_t end) {
                 pack_a(begin * a_step, least(q.m, end * a_step),
                        shared.data + begin * a_step * depth);
               });
  parallel_for(tasks, serial ? tasks : 1, [&](int64_t begin, int64_t end) {
    ScratchBuffer<T> own(ahead || in_place ? 0 : rows * most(1, depth));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i0 = task % row_blocks * rows, block = least(rows, q.m - i0);
      const int64_t first = task / row_blocks * group, last = least(panels, first + group);
      if (first >= last) continue;
      if (!ahead && !in_place) pack_a(i0, i0 + block, own.data);
      const T* a = in_place ? q.a_in_place + i0 * q.a_rs + p0
                   : ahead  ? shared.data + i0 * depth
                            : own.data;
      const int64_t line = in_place ? q.a_rs : depth;  // from a row of A to the next
      for (int64_t panel = first; panel < last; ++panel) {
        const int64_t j = panel * nr, width = least(nr, columns - j);
        const int64_t vectors = ceil_div(width, W);
        const int tail = int(width - (vectors - 1) * W);
        for (int64_t i = 0; i < block; i += mr) {
          Epilogue<T> e = how;
          e.c = c + (i0 + i) * c_rs + j;
          if (e.bias) e.bias += (i0 + i) * q.bias_rs + (j0 + j) * q.bias_cs;
          micro_kernel_for<T>(!in_place, least(mr, block - i), vectors)(
              depth, a + i * line, in_place ? line : mr, b.data + panel * nr * depth, nr, tail, e);
        }
      }
    }
  });
}

template <class T>
void multiply_impl(Product<T> q) {
  if (q.m == 0 || q.n == 0) return;
  if (q.c_cs != 1 && (q.c_rs == 1 || q.n == 1)) {  // C^T = B^T A^T
    const Product<T> p = q;
    q.m = p.n, q.n = p.m;
    q.a = p.b, q.b = p.a;
    q.a_in_place = nullptr;
    q.c_rs = p.c_cs, q.c_cs = p.c_rs;
    q.bias_rs = p.bias_cs, q.bias_cs = p.bias_rs;
  }
  constexpr int64_t unit = 2 * GemmVector<T>::width;
  const bool direct = q.c_dtype == dtype_of<T>::value && (q.c_cs == 1 || q.n == 1) &&
                      (!q.bias || q.bias_cs == 0 || q.bias_cs == 1);
  // Indirect sums take at most 16 MiB, or one group of panels.
  const int64_t widest =
      direct ? kColumnBlock
             : least(kColumnBlock, most(4 * unit, (int64_t(1) << 24) / int64_t(sizeof(T)) / q.m));
  const int64_t nc = balanced(q.n, widest, unit);
  const int64_t kc = balanced(q.k, kDepthBlock, 1);
  for (int64_t j = 0; j < q.n; j += nc) {
    const int64_t columns = least(nc, q.n - j);
    ScratchBuffer<T> sums(direct ? 0 : q.m * columns);
    int64_t p = 0;
    do {  // also once for k == 0, which leaves beta * C + bias
      const int64_t depth = least(kc, q.k - p);
      const bool first = p == 0, last = p + depth >= q.k;
      Epilogue<T> e{};
      e.alpha = T(1);
      e.beta = first ? T(0) : T(1);
      if (direct) {
        e.alpha = T(q.alpha);
        if (first) e.beta = T(q.beta);
        e.bias = last ? q.bias : nullptr;
        e.bias_rs = q.bias_rs;
        e.bias_per_column = q.bias_cs != 0;
        e.relu = last && q.relu;
        e.c_rs = q.c_rs;
        multiply_block(q, j, columns, p, depth, static_cast<T*>(q.c) + j, q.c_rs, e);
      } else {
        e.c_rs = columns;
        multiply_block(q, j, columns, p, depth, sums.data, columns, e);
      }
      p += depth;
    } while (p < q.k);
    if (direct) continue;
    if constexpr (std::is_same_v<T, float>) {
      if (q.c_dtype == DType::Float16)
        write_sums<T, Half>(q, sums.data, columns, columns, j);
      else if (q.c_dtype == DType::BFloat16)
        write_sums<T, BFloat16>(q, sums.data, columns, columns, j);
      else
        write_sums<T, T>(q, sums.data, columns, columns, j);
    } else {
      write_sums<T, T>(q, sums.data, columns, columns, j);
    }
  }
}

}  // namespace

void interleave(const float* runs, int64_t stride, float* panel, int64_t lines, int64_t width,
                int64_t depth) {
  interleave_runs(runs, stride, panel, lines, width, depth);
}
void interleave(const double* runs, int64_t stride, double* panel, int64_t lines, int64_t width,
                int64_t depth) {
  interleave_runs(runs, stride, panel, lines, width, depth);
}

#define PG_PACK_LINES(In, T)                                                                       \
  template <>                                                                                      \
  void pack_lines<In, T>(const void* source, T* panel, int64_t line, int64_t lines, int64_t width, \
                         int64_t p, int64_t depth) {                                               \
    pack_lines_impl<In, T>(source, panel, line, lines, width, p, depth);                           \
  }
PG_PACK_LINES(float, float)
PG_PACK_LINES(Half, float)
PG_PACK_LINES(BFloat16, float)
PG_PACK_LINES(double, double)
#undef PG_PACK_LINES

void multiply(const Product<float>& product) { multiply_impl(product); }
void multiply(const Product<double>& product) { multiply_impl(product); }

}  // namespace pygrad::cpu::PG_ISA_NS
