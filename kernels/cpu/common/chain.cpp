// Chains of pointwise steps, block by block: the idea of numexpr, over the kernels of the table.
//
// Every step is a call of the same kernel that an operator alone would use, on views of one block,
// so an element's bits cannot depend on whether it was computed in a chain.
//
// Parallel plan: chunks of kBlocksInChunk blocks on the pool, each walked block by block.
// Memory plan: one buffer of a block per value that lives at the same time, cached per thread;
// arrays that repeat (a row, a column, one number) are spread out into a buffer first, single
// numbers once a chunk. Limits: operands are contiguous or repeat with one period.
#include <cstring>

#include "kernels/cpu/parallel.h"
#include "kernels/kernels.h"

namespace pygrad {
namespace {

// Two or three blocks live at a time, in an L1 cache of 32 or 48 KiB.
constexpr int64_t kBlockBytes = 16 * 1024;
constexpr int64_t kBlocksInChunk = 4;
// A buffer is a few cache lines longer, so that two of them never agree in the low 12 bits of their
// addresses: then a load would wait for the store before it.
constexpr int64_t kBufferBytes = kBlockBytes + 5 * 64;

void set_view(View& v, char* data, DType dtype, int64_t n) {
  v.data = data;
  v.dtype = dtype;
  v.ndim = 1;
  v.sizes[0] = n;
  v.strides[0] = 1;
}

void run_instruction(const KernelTable& table, const ChainInstruction& instruction,
                     const View* views) {
  const PointwiseStep& s = instruction.step;
  const View& out = views[instruction.output];
  const auto in = [&](int i) -> const View& { return views[instruction.inputs[i]]; };
  using Kernel = PointwiseStep::Kernel;
  const double* p = s.parameters;
  switch (s.kernel) {
    case Kernel::unary:
      return table.unary(UnaryOp(s.op), out, in(0));
    case Kernel::binary:
      return table.binary(BinaryOp(s.op), out, in(0), in(1));
    case Kernel::binary_scalar:
      return table.binary_scalar(BinaryOp(s.op), out, in(0), s.scalar, s.scalar_first);
    case Kernel::ternary:
      return table.ternary(TernaryOp(s.op), out, in(0), in(1), in(2), s.scalar);
    case Kernel::activation:
      return table.activation(ActivationOp(s.op), out, in(0), p[0], p[1], p[2]);
    case Kernel::activation_backward:
      return table.activation_backward(ActivationOp(s.op), out, in(0), in(1), p[0], p[1], p[2]);
    case Kernel::relu_backward:
      return table.relu_backward(out, in(0), in(1));
    case Kernel::sigmoid_backward:
      return table.sigmoid_backward(out, in(0), in(1));
    case Kernel::tanh_backward:
      return table.tanh_backward(out, in(0), in(1));
    case Kernel::clamp:
      return table.clamp(out, in(0), s.scalar, s.has_low, s.high, s.has_high);
  }
}

template <class Word>
void repeat(Word* to, Word value, int64_t n) {
  typedef Word Several __attribute__((vector_size(32), aligned(sizeof(Word)), may_alias));
  constexpr int64_t kLanes = 32 / sizeof(Word);
  const Several values = Several{} + value;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) *reinterpret_cast<Several*>(to + i) = values;
  for (; i < n; ++i) to[i] = value;
}

// Elements [begin, begin + n) of a repeating array, as words of the element's size.
template <class Word>
void spread(Word* to, const Word* from, int64_t inner, int64_t count, int64_t begin, int64_t n) {
  int64_t k = begin / inner % count, in_run = begin % inner;
  for (int64_t i = 0; i < n;) {
    if (inner == 1) {  // a row
      const int64_t m = count - k < n - i ? count - k : n - i;
      std::memcpy(to + i, from + k, size_t(m) * sizeof(Word));
      i += m;
      k = 0;
      continue;
    }
    const int64_t m = inner - in_run < n - i ? inner - in_run : n - i;
    repeat(to + i, from[k], m);
    i += m;
    in_run = 0;
    if (++k == count) k = 0;
  }
}

void spread(char* to, const ChainSlot& slot, int64_t begin, int64_t n) {
  if (item_size(slot.dtype) == 4) {
    spread(reinterpret_cast<uint32_t*>(to), reinterpret_cast<const uint32_t*>(slot.data),
           slot.inner, slot.count, begin, n);
  } else {
    spread(reinterpret_cast<uint64_t*>(to), reinterpret_cast<const uint64_t*>(slot.data),
           slot.inner, slot.count, begin, n);
  }
}

// An op that is not chained to another follows its kernel's own plan, if one nest of dimensions
// fits all operands: what repeats changes every `inner` elements and starts anew every inner *
// count, and sorted by size, each of these lengths must divide the next.
bool run_alone(const KernelTable& table, const ChainInstruction& instruction,
               const ChainSlot* slots, int slot_count, int64_t numel) {
  int64_t lengths[2 * (1 + ChainInstruction::kMaxInputs) + 2] = {1, numel};
  int n = 2;
  for (int k = 0; k < slot_count; ++k) {
    if (slots[k].count < 2) continue;
    const int64_t own[] = {slots[k].inner, slots[k].inner * slots[k].count};
    for (const int64_t length : own) {
      int at = n;
      while (lengths[at - 1] > length) --at;
      if (lengths[at - 1] == length) continue;
      for (int i = n++; i > at; --i) lengths[i] = lengths[i - 1];
      lengths[at] = length;
    }
  }
  for (int i = 1; i < n; ++i) {
    if (lengths[i] % lengths[i - 1] != 0) return false;
  }
  View views[1 + ChainInstruction::kMaxInputs];
  for (int k = 0; k < slot_count; ++k) {
    const ChainSlot& slot = slots[k];
    View& v = views[k];
    v.data = slot.data;
    v.dtype = slot.dtype;
    v.ndim = n - 1;
    for (int i = 1; i < n; ++i) {
      const int d = n - 1 - i;
      const int64_t length = lengths[i - 1];
      const bool varies = length >= slot.inner && length < slot.inner * slot.count;
      v.sizes[d] = lengths[i] / length;
      v.strides[d] = slot.count == 0 ? length : varies ? length / slot.inner : 0;
    }
  }
  run_instruction(table, instruction, views);
  return true;
}

}  // namespace

void run_chain(const ChainInstruction* instructions, int instruction_count, const ChainSlot* slots,
               int slot_count, int buffer_count, int64_t numel) {
  const KernelTable& table = cpu_kernels();
  if (instruction_count == 1 && run_alone(table, *instructions, slots, slot_count, numel)) return;
  const int64_t block = kBlockBytes / int64_t(item_size(slots[0].dtype));
  cpu::parallel_for(numel, block * kBlocksInChunk, [&](int64_t begin, int64_t end) {
    cpu::ScratchBuffer<char> buffers(buffer_count * kBufferBytes);
    cpu::ScratchBuffer<View> views(slot_count);
    for (int k = 0; k < slot_count; ++k) {
      const ChainSlot& slot = slots[k];
      char* data = slot.buffer >= 0 ? &buffers[slot.buffer * kBufferBytes]
                                    : slot.data + begin * int64_t(item_size(slot.dtype));
      set_view(views[k], data, slot.dtype, block);
      if (slot.count == 1) spread(data, slot, begin, end - begin < block ? end - begin : block);
    }
    for (int64_t at = begin; at < end; at += block) {
      const int64_t n = end - at < block ? end - at : block;
      for (int k = 0; k < slot_count; ++k) {
        View& view = views[k];
        view.sizes[0] = n;
        if (slots[k].count > 1) spread(static_cast<char*>(view.data), slots[k], at, n);
      }
      for (int k = 0; k < instruction_count; ++k) {
        run_instruction(table, instructions[k], views.data);
      }
      for (int k = 0; k < slot_count; ++k) {
        if (slots[k].buffer >= 0) continue;
        views[k].data = static_cast<char*>(views[k].data) + n * int64_t(item_size(slots[k].dtype));
      }
    }
  });
}

}  // namespace pygrad
