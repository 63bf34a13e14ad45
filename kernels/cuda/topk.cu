// The k largest or smallest elements of each line along one dimension, in sorted order, with
// positions; equal elements in the order of their positions. NaN counts as the largest value.

#include "kernels/cuda/sort_keys.cuh"

namespace pygrad::cuda {

void topk(const View& values, const View& indices, const View& in, int64_t dim, bool largest) {
  if (is_complex(in.dtype)) unsupported("topk", in.dtype);
  const int64_t n = line_size(in, dim), k = line_size(values, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || n == 0 || k == 0) return;
  with_entry(int64_t(item_size(in.dtype)), n, [&]<class E>() {
    const KeySource keys{in.data, in.dtype, largest, 2};
    const SortedLines<E> sorted(keys, lines, n, k);
    emit(sorted, values, indices, in, lines, k);
  });
}

}  // namespace pygrad::cuda
