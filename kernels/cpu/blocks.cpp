// The block driver declared in blocks.h.
//
// A block covers the innermost dimensions, as many as hold kRowMin elements, so that short rows
// share a call of the loop; an operand whose elements lie in order there is passed in place.
// Parallel plan: chunks of blocks, by size and cost alone; with crosswise operands the work is
// cut into tiles instead (block_tiles.h). Memory plan: one buffer of kBlock elements per
// gathered operand on the stack (8 KiB at most each), 32 KiB per crosswise operand; nothing is
// allocated. Outputs of calls larger than the last cache are computed into such a buffer too and
// streamed out (stream.h).
#include "kernels/cpu/blocks.h"

#include "kernels/cpu/block_tiles.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/words.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

// Blocks reach over as many inner dimensions as it takes to have this many elements in a row.
constexpr int64_t kRowMin = 64;

// Rows of words between packed memory and their places.
template <class Word>
PG_HOST_INLINE void gather_words(char* to, const char* p, const Part& part, int64_t rows) {
  constexpr int64_t kItem = sizeof(Word);
  const int64_t n = part.sizes[0], stride = part.strides[0], step = part.strides[1];
  if (stride == kItem) return copy_rows(to, n * kItem, p, step, rows, n * kItem);
  if (stride == 0) return repeat_words<Word>(to, p, step, rows, n);
  for (int64_t r = 0; r < rows; ++r) pick_words<Word>(to + r * n * kItem, p + r * step, stride, n);
}

// Calls f(place, done, rows) for the rows that lie along dimension 1 of a part with at least two
// dimensions; `count` is the size of its last one, `done` counts elements.
template <class F>
PG_HOST_INLINE void for_each_row_of(const Part& part, char* p, int64_t count, F&& f) {
  if (part.ndim == 2) return f(p, int64_t(0), count);
  int64_t at[kMaxDims] = {};
  const int last = part.ndim - 1;
  const int64_t rows = part.sizes[1], size = part.sizes[0] * rows;
  for (int64_t done = 0; at[last] < count; done += size) {
    f(p, done, rows);
    int d = 2;
    p += part.strides[d];
    ++at[d];
    for (; d < last && at[d] == part.sizes[d]; ++d) {
      at[d] = 0;
      ++at[d + 1];
      p += part.strides[d + 1] - part.sizes[d] * part.strides[d];
    }
  }
}

// `count` steps along the block's last dimension of operand k, from place p into a buffer.
void gather(const BlockJob& job, int k, char* to, char* p, int64_t count) {
  const Part& part = job.parts[k];
  const int64_t n = part.sizes[0], stride = part.strides[0], item = job.item[k];
  if (part.ndim == 1) return job.load[k](to, p, stride, n * count);
  for_each_row_of(part, p, part.sizes[part.ndim - 1] * count,
                  [&](char* row, int64_t done, int64_t rows) {
                    char* target = to + done * item;
                    if (job.same_type[k] && item == 4) {
                      return gather_words<uint32_t>(target, row, part, rows);
                    }
                    if (job.same_type[k] && item == 2) {
                      return gather_words<uint16_t>(target, row, part, rows);
                    }
                    if (job.same_type[k] && item == 8) {
                      return gather_words<uint64_t>(target, row, part, rows);
                    }
                    for (int64_t r = 0; r < rows; ++r) {
                      job.load[k](target + r * n * item, row + r * part.strides[1], stride, n);
                    }
                  });
}

// The way back, for the output.
void scatter(const BlockJob& job, char* p, const char* from, int64_t count) {
  const Part& part = job.parts[0];
  const int64_t n = part.sizes[0], stride = part.strides[0], item = job.item[0];
  if (part.ndim == 1) return job.store(p, stride, from, n * count);
  for_each_row_of(part, p, part.sizes[part.ndim - 1] * count,
                  [&](char* row, int64_t done, int64_t rows) {
                    const char* source = from + done * item;
                    if (job.same_type[0] && stride == item) {
                      return copy_rows(row, part.strides[1], source, n * item, rows, n * item);
                    }
                    for (int64_t r = 0; r < rows; ++r) {
                      job.store(row + r * part.strides[1], stride, source + r * n * item, n);
                    }
                  });
}

// Cuts the nest into blocks of at most kBlock elements, of equal size as far as they can be; rows
// of a direct job stay whole up to the length `longest`.
void plan_blocks(BlockJob& job, int64_t longest) {
  const Nest<kMaxOperands>& nest = job.nest;
  job.last = 0;
  job.inner = 1;
  while (job.last + 1 < nest.ndim && job.inner * nest.sizes[job.last] < kRowMin) {
    job.inner *= nest.sizes[job.last++];
  }
  const int64_t size = nest.sizes[job.last], most = kBlock / job.inner;
  job.steps = (size + most - 1) / most;
  job.step = (size + job.steps - 1) / job.steps;
  for (int k = 0; k < job.count; ++k) {
    Part& part = job.parts[k];
    part.ndim = 0;
    bool uniform = true;
    for (int d = 0; d <= job.last; ++d) {
      const int64_t n = d < job.last ? nest.sizes[d] : 1, stride = nest.strides[k][d];
      uniform = uniform && stride == 0;
      const int end = part.ndim - 1;
      if (d > 0 && stride == part.sizes[end] * part.strides[end]) {
        part.sizes[end] *= n;
      } else {
        part.sizes[part.ndim] = n;
        part.strides[part.ndim++] = stride;
      }
    }
    const bool row = part.ndim == 1 && part.strides[0] == job.item[k] && job.same_type[k];
    part.reach = row                               ? Reach::in_place
                 : uniform && k && k == job.number ? Reach::number
                                                   : Reach::gathered;
    if (k == job.number && part.reach != Reach::number) job.number = 0;
  }
  job.direct = !job.stream;
  for (int k = 0; k < job.count; ++k) {
    const Reach reach = job.parts[k].reach;
    job.direct =
        job.direct && (reach == Reach::in_place || (reach == Reach::number && job.same_type[k]));
  }
  if (job.direct && size <= longest) {  // no buffer limits it
    job.step = size;
    job.steps = 1;
  }
  job.direct = job.direct && job.steps == 1;
}

// Blocks [begin, end) of a direct job.
void run_direct(const BlockJob& job, int64_t begin, int64_t end) {
  const Nest<kMaxOperands>& nest = job.nest;
  const BlockLoop loop = job.number != 0 ? job.row_loop : job.loop;
  const int d = job.last + 1;
  const int64_t n = job.inner * job.step;
  if (d == nest.ndim) return loop(nest.data, n, job.params);
  while (begin < end) {
    char* at[kMaxOperands];
    int64_t step[kMaxOperands];
    for (int k = 0; k < job.count; ++k) {
      int64_t rest = begin;
      at[k] = nest.data[k];
      step[k] = nest.strides[k][d];
      for (int e = d; e < nest.ndim; ++e) {
        at[k] += rest % nest.sizes[e] * nest.strides[k][e];
        rest /= nest.sizes[e];
      }
    }
    const int64_t left = nest.sizes[d] - begin % nest.sizes[d];
    const int64_t rows = left < end - begin ? left : end - begin;
    for (int64_t r = 0; r < rows; ++r) {
      loop(at, n, job.params);
      for (int k = 0; k < job.count; ++k) at[k] += step[k];
    }
    begin += rows;
  }
}

// Blocks [begin, end).
void run_chunk(const BlockJob& job, int64_t begin, int64_t end) {
  alignas(64) char buffers[kMaxOperands][kBlock * 16];
  const Nest<kMaxOperands>& nest = job.nest;
  const BlockLoop loop = job.number != 0 ? job.row_loop : job.loop;
  char* rows[kMaxOperands];       // places at the current index of the dimensions after `last`
  char* held[kMaxOperands] = {};  // the places whose elements are in the buffers,
  int64_t held_count[kMaxOperands] = {};  // and how many steps of them
  int64_t index[kMaxDims];
  int64_t step = begin % job.steps, rest = begin / job.steps;
  for (int k = 0; k < job.count; ++k) rows[k] = nest.data[k];
  for (int d = job.last + 1; d < nest.ndim; ++d) {
    index[d] = rest % nest.sizes[d];
    rest /= nest.sizes[d];
    for (int k = 0; k < job.count; ++k) rows[k] += index[d] * nest.strides[k][d];
  }
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = step * job.step, left = nest.sizes[job.last] - at;
    const int64_t count = left < job.step ? left : job.step, n = count * job.inner;
    char* operands[kMaxOperands];
    char* target = rows[0] + at * nest.strides[0][job.last];
    const bool in_place = job.parts[0].reach == Reach::in_place && !job.stream;
    operands[0] = in_place ? target : buffers[0];
    for (int k = 1; k < job.count; ++k) {
      char* p = rows[k] + at * nest.strides[k][job.last];
      const Reach reach = job.parts[k].reach;
      if (reach == Reach::in_place || (reach == Reach::number && job.same_type[k])) {
        operands[k] = p;
        continue;
      }
      operands[k] = buffers[k];
      if (held[k] == p && held_count[k] >= count) continue;
      if (reach == Reach::number) {
        job.load[k](buffers[k], p, 0, 1);
      } else {
        gather(job, k, buffers[k], p, count);
      }
      held[k] = p;
      held_count[k] = count;
    }
    loop(operands, n, job.params);
    if (job.stream) {
      stream_copy(target, buffers[0], n * job.item[0]);
    } else if (!in_place) {
      scatter(job, target, buffers[0], count);
    }
    if (++step < job.steps) continue;
    step = 0;
    for (int d = job.last + 1; d < nest.ndim; ++d) {
      for (int k = 0; k < job.count; ++k) rows[k] += nest.strides[k][d];
      if (++index[d] < nest.sizes[d]) break;
      index[d] = 0;
      for (int k = 0; k < job.count; ++k) rows[k] -= nest.sizes[d] * nest.strides[k][d];
    }
  }
  if (job.stream) stream_fence();
}

// --- the driver ---------------------------------------------------------------------------------

// The output does not lie in an input, and does not fit into the cache together with them.
bool worth_streaming(const BlockOperand* operands, int count, int64_t numel) {
  int64_t bytes = 0;
  for (int k = 0; k < count; ++k) {
    const View& view = *operands[k].view;
    if (k > 0 && view.data == operands[0].view->data) return false;
    bool broadcast = false;
    for (int d = 0; d < view.ndim; ++d) broadcast |= view.strides[d] == 0 && view.sizes[d] > 1;
    if (!broadcast) bytes += numel * int64_t(item_size(view.dtype));
  }
  return bytes > stream_threshold();
}

// One element for all positions.
PG_HOST_INLINE bool is_number(const View& view) {
  for (int d = 0; d < view.ndim; ++d) {
    if (view.strides[d] != 0 && view.sizes[d] != 1) return false;
  }
  return true;
}

// The common case, first because small calls should stay cheap: every operand packed in row-major
// order, but for one number where the op has a loop for it. False where it is not the case.
PG_HOST_INLINE bool run_plain(const BlockOperand* operands, int count, BlockLoop loop,
                              const void* params, int64_t grain, NumberLoops number_loops) {
  int number = 0;
  for (int k = 0; k < count; ++k) {
    if (operands[k].view->dtype != operands[k].compute) return false;
    if (operands[k].view->is_contiguous()) continue;
    const BlockLoop own = k == 1 ? number_loops.first : k == 2 ? number_loops.second : nullptr;
    if (!own || number != 0 || !is_number(*operands[k].view)) return false;
    number = k;
    loop = own;
  }
  const int64_t numel = operands[0].view->numel();
  int64_t item[kMaxOperands];
  for (int k = 0; k < count; ++k) {
    item[k] = k == number && k != 0 ? 0 : int64_t(item_size(operands[k].compute));
  }
  const bool stream = numel > grain && worth_streaming(operands, count, numel);
  parallel_for(numel, even_grain(numel, grain, kBlock), [&](int64_t begin, int64_t end) {
    char* at[kMaxOperands];
    for (int k = 0; k < count; ++k) at[k] = operands[k].view->ptr<char>() + begin * item[k];
    if (!stream) {
      loop(at, end - begin, params);
      return;
    }
    alignas(64) char block[4096];
    char* out = at[0];
    at[0] = block;
    for (int64_t n, left = end - begin; left > 0; left -= n) {
      n = int64_t(sizeof block) / item[0];
      if (n > left) n = left;
      loop(at, n, params);
      stream_copy(out, block, n * item[0]);
      out += n * item[0];
      for (int k = 1; k < count; ++k) at[k] += n * item[k];
    }
    stream_fence();
  });
  return true;
}

}  // namespace

void run_blocks(const BlockOperand* operands, int count, BlockLoop loop, const void* params,
                int cost, NumberLoops number_loops) {
  int64_t grain = kGrain / (cost < 1 ? 1 : cost);
  grain = (grain + kBlock - 1) / kBlock * kBlock;
  if (run_plain(operands, count, loop, params, grain, number_loops)) return;
  BlockJob job;
  job.count = count;
  job.loop = job.row_loop = loop;
  job.number = 0;
  job.params = params;
  const View* views[kMaxOperands] = {};
  for (int k = 0; k < count; ++k) views[k] = operands[k].view;
  Nest<kMaxOperands>& nest = job.nest;
  build_nest(views, count, Order::free, nest.ndim, nest.numel, nest.sizes, &nest.strides[0][0],
             nest.data);
  if (nest.numel == 0) return;
  for (int k = 0; k < count; ++k) {
    const DType storage = views[k]->dtype, compute = operands[k].compute;
    job.item[k] = int64_t(item_size(compute));
    job.storage_item[k] = int64_t(item_size(storage));
    job.same_type[k] = storage == compute;
    job.load[k] = k == 0 ? nullptr : load_run(compute, storage);
    bool packed = job.same_type[k];
    int64_t expected = job.item[k];
    for (int d = 0; d < nest.ndim; ++d) {
      packed = packed && nest.strides[k][d] == expected;
      expected *= nest.sizes[d];
    }
    job.packed[k] = packed;
    const BlockLoop own = k == 1 ? number_loops.first : k == 2 ? number_loops.second : nullptr;
    if (own && job.number == 0 && !packed && nest.strides[k][0] == 0) {
      job.row_loop = own;
      job.number = k;
    }
  }
  job.store = store_run(views[0]->dtype, operands[0].compute);
  const Tiling tiling = find_tiling(job, views);
  if (tiling.dim != 0) return run_tiles(job, tiling, grain);
  job.stream = job.packed[0] && worth_streaming(operands, count, nest.numel);
  bool whole = !job.stream;  // every operand in place: one call does a chunk
  for (int k = 0; k < count; ++k) whole = whole && job.packed[k];
  if (whole) {
    parallel_for(nest.numel, even_grain(nest.numel, grain, kBlock),
                 [&](int64_t begin, int64_t end) {
                   char* at[kMaxOperands];
                   for (int k = 0; k < count; ++k) at[k] = nest.data[k] + begin * job.item[k];
                   loop(at, end - begin, params);
                 });
    return;
  }
  plan_blocks(job, grain);
  const int64_t size = job.inner * job.step;
  const int64_t blocks = nest.numel / (job.inner * nest.sizes[job.last]) * job.steps;
  parallel_for(blocks, even_grain(blocks, grain < size ? 1 : grain / size, 1),
               [&](int64_t begin, int64_t end) {
                 job.direct ? run_direct(job, begin, end) : run_chunk(job, begin, end);
               });
}

}  // namespace pygrad::cpu::PG_ISA_NS
