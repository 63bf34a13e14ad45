// Stable sort of the lines along one dimension, with positions. NaN counts as the largest value in
// either direction. The method is in sort_keys.cuh.

#include "kernels/cuda/sort_keys.cuh"

namespace pygrad::cuda {

void sort(const View& values, const View& indices, const View& in, int64_t dim, bool descending) {
  if (is_complex(in.dtype)) unsupported("sort", in.dtype);
  const int64_t n = line_size(in, dim);
  const Lines<3> lines({&values, &indices, &in}, dim);
  if (lines.count == 0 || n == 0) return;
  // Values are looked up in the input after the first is written: in place, look in a copy.
  const bool in_place = values.data == in.data;
  ScratchArray<char> memory(in_place ? in.numel() * int64_t(item_size(in.dtype)) : 0);
  View source = in;
  if (in_place) {
    source.data = memory.data;
    int64_t stride = 1;
    for (int d = in.ndim - 1; d >= 0; --d) {
      source.strides[d] = stride;
      stride *= in.sizes[d];
    }
    copy(source, in);
  }
  const Lines<3> from({&values, &indices, &source}, dim);
  with_entry(int64_t(item_size(in.dtype)), n, [&]<class E>() {
    const KeySource keys{source.data, in.dtype, descending, 2};
    const SortedLines<E> sorted(keys, from, n, n);
    emit(sorted, values, indices, source, from, n);
  });
}

}  // namespace pygrad::cuda
