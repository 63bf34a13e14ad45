// Matrix products on dot-product units (gemm_tile.h): the loops round the tile kernels.
//
// Loops: columns by NC, depth by KC (B packed once for the block, in parallel), then tasks = row
// blocks x column groups, each packing its own A block and running the kernel over it.
//
// Parallel plan: tasks are cut by shape alone and each owns a part of C; blocks of the depth are
// added in order, so the bits do not depend on the number of threads.
//
// Memory plan: sums live in tiles of their own, contiguous (a tile written into C with its large
// stride would fall on few cache sets): one for the task when the depth fits one block, else one
// per tile of C. The last block of the depth turns them into C.
#include <cmath>

#include "kernels/cpu/gemm_convert.h"
#include "kernels/cpu/gemm_tile_pack.h"
#include "kernels/cpu/parallel.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kSerialWork = int64_t(1) << 19;  // multiply-adds that do not pay a second thread
constexpr int64_t kMostTasks = 32;
constexpr int64_t kPanelBytes = 44 << 10;   // of A and B together, that stay in L1
constexpr int64_t kBlockBytes = 256 << 10;  // of A that stay in L2
constexpr int64_t kColumnBlock = 2048;
constexpr int64_t kMostSums = int64_t(4) << 20;

PG_HOST_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
PG_HOST_INLINE int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
PG_HOST_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PG_HOST_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// Multiply-adds per product of two elements: the pairs of planes.
constexpr int64_t kPairs[] = {0, 1, 3, 6};

// Near-equal panels of A.
int64_t panel_height(const TileJob& job) {
  const int64_t m = job.q.m;
  return round_up(ceil_div(m, ceil_div(m, job.unit.most_rows)), job.unit.row_unit);
}

// One block of columns over one block of depth.
void tile_block(const TileJob& job, int64_t j0, int64_t columns, int64_t p0, int64_t count,
                bool first, bool last, uint32_t* sums) {
  const TileProduct& q = job.q;
  const int64_t depth = round_up(count, kTileWords * job.per_word) / job.per_word;
  const int64_t panels = ceil_div(columns, kTileColumns);
  const int64_t b_plane = depth * kTileColumns, b_panel = b_plane * job.planes;
  const int64_t height = panel_height(job);
  const int64_t tile = height * kTileColumns, tile_rows = ceil_div(q.m, height);
  ScratchBuffer<uint32_t> b(panels * b_panel);
  const int64_t work = q.m * columns * count * kPairs[job.planes];
  const bool serial = work < kSerialWork;
  const auto pack_b = [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j)
      job.pack_b(job, b.data + j * b_panel, b_plane, j0 + j * kTileColumns,
                 least(kTileColumns, columns - j * kTileColumns), p0, count);
  };
  parallel_for(panels, serial ? panels : most(1, kGrain / most(1, b_panel)), pack_b);

  const int64_t a_panel = height * depth * job.planes;
  const int64_t fitting = most(1, kBlockBytes / most(1, a_panel * 4));
  const int64_t wanted = serial ? 1 : least(kMostTasks, ceil_div(work, kSerialWork));
  // A block is worth loading B for from four panels on; column groups share A's
  // panels, which are then packed ahead.
  const int64_t block = most(1, least(fitting, most(4, ceil_div(tile_rows, wanted))));
  const int64_t row_blocks = ceil_div(tile_rows, block);
  const int64_t groups = most(1, least(ceil_div(wanted, row_blocks), panels / 4));
  const int64_t group = ceil_div(panels, groups), tasks = row_blocks * groups;
  const auto pack_a = [&](int64_t r, uint32_t* to) {
    const int64_t i = r * height;
    job.pack_a(job, to, height * depth, i, q.m - i, height, p0, count);
  };
  const int64_t all = groups > 1 ? tile_rows : 0;
  ScratchBuffer<uint32_t> shared(all * a_panel);
  parallel_for(all, most(1, kGrain / most(1, a_panel)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) pack_a(r, shared.data + r * a_panel);
  });
  const auto run = [&](int64_t begin, int64_t end) {
    ScratchBuffer<uint32_t> own_a(all ? 0 : block * a_panel), own(sums ? 0 : tile);
    job.unit.begin();
    for (int64_t task = begin; task < end; ++task) {
      const int64_t r0 = task % row_blocks * block, rows = least(block, tile_rows - r0);
      const int64_t panel0 = task / row_blocks * group, panel1 = least(panels, panel0 + group);
      if (panel0 >= panel1) continue;
      const uint32_t* a = all ? shared.data + r0 * a_panel : own_a.data;
      if (!all)
        for (int64_t r = 0; r < rows; ++r) pack_a(r0 + r, own_a.data + r * a_panel);
      for (int64_t panel = panel0; panel < panel1; ++panel) {
        const int64_t j = panel * kTileColumns, width = least(kTileColumns, columns - j);
        for (int64_t r = 0; r < rows; ++r) {
          uint32_t* to = sums ? sums + (panel * tile_rows + r0 + r) * tile : own.data;
          const TileOperands t{
              a + r * a_panel, b.data + panel * b_panel,      height * depth, b_plane,
              depth,           ceil_div(count, job.per_word), int(height),    int(width),
              job.planes};
          job.kernel(job, t, to, !first);
          const int64_t i = (r0 + r) * height;
          if (last) job.finish(job, to, i, j0 + j, least(height, q.m - i), width);
        }
      }
    }
    job.unit.end();
  };
  parallel_for(tasks, serial ? tasks : 1, run);
}

template <class Elements>
void pack_rows(const TileJob& job, uint32_t* panel, int64_t plane, int64_t i, int64_t rows,
               int64_t width, int64_t p, int64_t count) {
  pack_panel<true>(static_cast<const Elements*>(job.context)[0], job.q.a, panel, plane, job.planes,
                   i, rows, width, p, count);
}
template <class Elements>
void pack_columns(const TileJob& job, uint32_t* panel, int64_t plane, int64_t j, int64_t columns,
                  int64_t p, int64_t count) {
  pack_panel<false>(static_cast<const Elements*>(job.context)[0], job.q.b, panel, plane, job.planes,
                    j, columns, columns > 16 ? 32 : 16, p, count);
}

// C = relu(alpha sums + beta C + bias), from one tile.
template <class T>
void finish_floats(const TileJob& job, const void* sums, int64_t i, int64_t j, int64_t rows,
                   int64_t columns) {
  const TileProduct& q = job.q;
  const float alpha = float(q.alpha), beta = float(q.beta);
  const bool plain = alpha == 1 && q.beta == 0 && !q.bias && !q.relu;
  float now[kTileColumns], other[kTileColumns];
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = static_cast<const float*>(sums) + r * kTileColumns;
    T* c = static_cast<T*>(q.c) + (i + r) * q.c_rs + j * q.c_cs;
    if (plain) {
      write_run(from, c, q.c_cs, columns);
      continue;
    }
    for (int l = 0; l < kTileColumns; ++l) now[l] = from[l] * alpha;
    if (q.beta != 0) {
      read_run(c, q.c_cs, other, columns);
      for (int64_t l = 0; l < columns; ++l) now[l] += beta * other[l];
    }
    if (q.bias) {
      const T* bias = static_cast<const T*>(q.bias) + (i + r) * q.bias_rs + j * q.bias_cs;
      read_run(bias, q.bias_cs, other, columns);
      for (int64_t l = 0; l < columns; ++l) now[l] += other[l];
    }
    if (q.relu)
      for (int l = 0; l < kTileColumns; ++l) now[l] = now[l] < 0 ? 0.f : now[l];
    write_run(now, c, q.c_cs, columns);
  }
}

void run_bf16_kernel(const TileJob& job, const TileOperands& t, void* sums, bool add) {
  job.unit.bf16(t, static_cast<float*>(sums), add);
}

// A C that is contiguous along its columns is written through its transpose.
TileProduct along_rows(TileProduct q) {
  if (q.c_cs == 1 || q.c_rs != 1) return q;
  const TileProduct p = q;
  q.m = p.n, q.n = p.m;
  q.a = p.b, q.b = p.a;
  q.c_rs = p.c_cs, q.c_cs = p.c_rs;
  q.bias_rs = p.bias_cs, q.bias_cs = p.bias_rs;
  return q;
}

// The bits of the largest magnitude, and of the smallest that is not 0 (less one).
struct Extent {
  uint32_t largest = 0, smallest = ~0u;
};

Extent extent_of(const TileSource& s, int64_t lines, int64_t depth) {
  int64_t ls = s.line_stride, ds = s.depth_stride;
  if (ls == 1 && ds != 1) {  // walk along what is contiguous
    const int64_t n = lines, stride = ls;
    lines = depth, depth = n, ls = ds, ds = stride;
  }
  const int64_t grain = most(1, kGrain / most(1, depth)), chunks = ceil_div(lines, grain);
  ScratchBuffer<Extent> parts(chunks);
  const auto scan = [&](int64_t begin, int64_t end) {
    Extent e;
    for (int64_t l = begin; l < end; ++l) {
      const float* run = static_cast<const float*>(s.data) + l * ls;
      uint32_t largest = e.largest, smallest = e.smallest;
      const auto visit = [&](float x) __attribute__((always_inline)) {
        uint32_t bits;
        memcpy(&bits, &x, 4);
        bits &= 0x7fffffffu;
        largest = bits > largest ? bits : largest;
        smallest = bits - 1 < smallest ? bits - 1 : smallest;
      };
      if (ds == 1)
        for (int64_t d = 0; d < depth; ++d) visit(run[d]);
      else
        for (int64_t d = 0; d < depth; ++d) visit(run[d * ds]);
      e = {largest, smallest};
    }
    parts[begin / grain] = e;
  };
  parallel_for(lines, grain, scan);
  Extent all;
  for (int64_t i = 0; i < chunks; ++i) {
    if (parts[i].largest > all.largest) all.largest = parts[i].largest;
    if (parts[i].smallest < all.smallest) all.smallest = parts[i].smallest;
  }
  return all;
}

// Whether splitting loses nothing that float arithmetic keeps: sums stay finite (planes rounded
// upwards included), the lowest plane of every element is a normal number or 0, and so is the
// smallest product of planes that counts (2^-24 of a product of elements).
bool splits(const Extent& a, const Extent& b, int64_t depth) {
  constexpr int kBias = 127;
  const auto exponent = [](uint32_t bits) { return int(bits >> 23) - kBias; };
  int sum = 0;  // log2 of the terms in a sum, upwards
  while (sum < 62 && (int64_t(1) << sum) < depth) ++sum;
  const int high_a = exponent(a.largest), high_b = exponent(b.largest);
  if (high_a > kBias - 2 || high_b > kBias - 2 || high_a + high_b + sum > kBias - 4) return false;
  const int low_a = a.smallest == ~0u ? 0 : exponent(a.smallest + 1);
  const int low_b = b.smallest == ~0u ? 0 : exponent(b.smallest + 1);
  return low_a >= -100 && low_b >= -100 && low_a + low_b >= -100;
}

}  // namespace

void run_tiles(const TileJob& job) {
  const TileProduct& q = job.q;
  if (q.m == 0 || q.n == 0) return;
  const int64_t k = most(1, q.k), unit = kTileWords * job.per_word;
  // The kernels for planes take sixteen columns at a time.
  const int64_t lines = job.unit.most_rows + (job.planes > 1 ? 16 : kTileColumns);
  const int64_t deepest = kPanelBytes / (4 * lines * job.planes) / kTileWords * unit;
  const int64_t kc = round_up(ceil_div(k, ceil_div(k, deepest)), unit);
  const bool one_block = k <= kc;
  const int64_t height = panel_height(job), rows = ceil_div(q.m, height) * height;
  const int64_t widest =
      one_block ? kColumnBlock : most(4 * kTileColumns, least(kColumnBlock, kMostSums / rows));
  const int64_t nc = round_up(ceil_div(q.n, ceil_div(q.n, widest)), kTileColumns);
  for (int64_t j = 0; j < q.n; j += nc) {
    const int64_t columns = least(nc, q.n - j);
    ScratchBuffer<uint32_t> sums(one_block ? 0 : rows * round_up(columns, kTileColumns));
    int64_t p = 0;
    do {  // also once for k == 0, which leaves beta * C + bias
      const int64_t count = least(kc, q.k - p);
      tile_block(job, j, columns, p, count, p == 0, p + count >= q.k,
                 one_block ? nullptr : sums.data);
      p += count;
    } while (p < q.k);
  }
}

void multiply_bf16(const TileKernels& unit, const TileProduct& product) {
  using Elements = PlainElements<uint16_t>;
  const TileProduct q = along_rows(product);
  const Elements elements;
  run_tiles({q, unit, 1, Elements::kPerWord, &elements, &pack_rows<Elements>,
             &pack_columns<Elements>, &run_bf16_kernel, &finish_floats<BFloat16>});
}

bool multiply_split(const TileKernels& unit, int planes, const TileProduct& product) {
  const TileProduct q = along_rows(product);
  if (!splits(extent_of(q.a, q.m, q.k), extent_of(q.b, q.n, q.k), q.k)) return false;
  const SplitFloats elements{planes};
  run_tiles({q, unit, planes, SplitFloats::kPerWord, &elements, &pack_rows<SplitFloats>,
             &pack_columns<SplitFloats>, &run_bf16_kernel, &finish_floats<float>});
  return true;
}

}  // namespace pygrad::cpu::PG_ISA_NS
