// cat: tensors joined along a dimension.
//
// Contiguous parts of the output's dtype are written in the output's order: a row is the parts'
// rows side by side, so what is written is one stream, and a part that comes twice is read from the
// cache. Small rows go a few KiB at a time, part after part, so that a row's size is looked at once
// for many. Parts of other layouts or dtypes, and results large enough to be streamed, are copied
// one after the other.
// Parallel plan: runs of output rows. No memory.
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream_lanes.h"
#include "kernels/cpu/words.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kBlockBytes = 16384;  // of the output
constexpr int64_t kLongRow = 2048;      // bytes for which a call does not matter

bool joins_rows(const View& out, ViewList parts, int64_t rows) {
  if (rows < 2 || !out.is_contiguous()) return false;
  if (is_streamed(out.numel() * int64_t(item_size(out.dtype)))) return false;
  for (int64_t i = 0; i < parts.count; ++i) {
    if (parts[i].dtype != out.dtype || !parts[i].is_contiguous()) return false;
  }
  return true;
}

}  // namespace

void cat(const View& out, ViewList parts, int64_t dim) {
  if (out.numel() == 0) return;
  const int64_t item = int64_t(item_size(out.dtype));
  int64_t rows = 1;
  for (int64_t d = 0; d < dim; ++d) rows *= out.sizes[d];
  if (!joins_rows(out, parts, rows)) {
    View target = out;
    for (int64_t i = 0; i < parts.count; ++i) {
      for (int d = 0; d < out.ndim; ++d) target.sizes[d] = parts[i].sizes[d];
      copy(target, parts[i]);
      target.data = target.ptr<char>() + parts[i].sizes[dim] * out.strides[dim] * item;
    }
    return;
  }
  const int64_t length = out.numel() / rows, row = length * item;
  parallel_for(rows, 1 + kGrain / length, [&](int64_t begin, int64_t end) {
    const int64_t most = row < kBlockBytes ? kBlockBytes / row : 1;
    for (int64_t r = begin; r < end; r += most) {
      const int64_t n = end - r < most ? end - r : most;
      char* to = out.ptr<char>() + r * row;
      for (int64_t i = 0; i < parts.count; ++i) {
        const int64_t bytes = parts[i].numel() / rows * item;
        const char* from = parts[i].ptr<const char>() + r * bytes;
        if (bytes >= kLongRow) {
          for (int64_t k = 0; k < n; ++k) memcpy(to + k * row, from + k * bytes, size_t(bytes));
        } else if (bytes > 0) {
          copy_rows(to, row, from, bytes, n, bytes);
        }
        to += bytes;
      }
    }
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
