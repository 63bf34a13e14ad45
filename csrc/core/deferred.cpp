#include "csrc/core/deferred.h"

#include <pthread.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace pygrad {

// Set by the Python layer: gives up the interpreter's lock if this thread holds it (else null), and
// takes it again.
void* (*release_python_lock)() = nullptr;
void (*retake_python_lock)(void* state) = nullptr;

// One noted op. It belongs to the storage of its result and lies in the window until it is run.
struct DeferredOp {
  struct Operand {
    StoragePtr storage;            // null: the result's own bytes from before (in place)
    char* bytes = nullptr;         // of such
    int64_t offset = 0;            // in bytes
    int64_t inner = 1, count = 0;  // as in ChainSlot
    bool full() const { return count == 0; }
  };

  PointwiseStep step;
  Storage* owner;
  DType dtype;
  int64_t numel;
  int input_count = 0;
  Operand inputs[ChainInstruction::kMaxInputs];

  bool wanted = false;  // is to be run now
  int16_t slot = -1;

  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* p, size_t bytes) { pool_free(p, bytes); }
};

namespace {

// Lets other Python threads run while large ops do.
class PythonLockReleased {
 public:
  explicit PythonLockReleased(size_t nbytes)
      : state_(nbytes >= kLargeBytes && release_python_lock ? release_python_lock() : nullptr) {}
  ~PythonLockReleased() {
    if (state_) retake_python_lock(state_);
  }
  PythonLockReleased(const PythonLockReleased&) = delete;

 private:
  void* state_;
};

// Keeps elements i -> (i / inner) % count of an operand expanded to `sizes`; false when no such
// pattern fits. count 0: one element for each.
bool find_period(const Tensor& t, Sizes sizes, int64_t numel, DeferredOp::Operand& operand) {
  const int64_t lead = int64_t(sizes.size()) - t.dim();
  int64_t inner = 1, count = 1;
  enum { repeat_each, run, repeat_all } at = repeat_each;
  for (int64_t i = int64_t(sizes.size()) - 1; i >= 0; --i) {
    const int64_t n = sizes[size_t(i)], j = i - lead;
    if (n == 1) continue;
    const int64_t stride = j < 0 || t.size(j) == 1 ? 0 : t.stride(j);
    if (at == repeat_each && stride != 0) at = run;
    if (at == run && stride == 0) at = repeat_all;
    if (at == repeat_each) {
      inner *= n;
    } else if (at == run) {
      if (stride != count) return false;
      count *= n;
    } else if (stride != 0) {
      return false;
    }
  }
  operand.inner = inner;
  operand.count = inner == 1 && count == numel ? 0 : count;
  return true;
}

}  // namespace

class DeferredOps {
 public:
  static DeferredOps& instance() {
    static DeferredOps* ops = new DeferredOps;  // never destroyed: tensors may outlive it
    return *ops;
  }

  bool note(const PointwiseStep& step, const Tensor& out, std::span<const Tensor* const> inputs);
  void settle(Storage* s);
  void abandon(Storage* s);
  void run_for_room();
  void run_all() {
    Locked locked(*this);
    for (int i = 0; i < size_; ++i) window_[i]->wanted = true;
    run_wanted(locked.released);
  }

 private:
  static constexpr int kCapacity = 32;
  static constexpr int kMaxSlots = kCapacity * (1 + ChainInstruction::kMaxInputs);
  static constexpr uint32_t kNoValue = Storage::kNoValue;

  // References to drop once the lock is free: a storage that dies may need it.
  using Released = std::vector<StoragePtr>;
  struct Locked {
    Released released;
    std::lock_guard<std::mutex> guard;
    explicit Locked(DeferredOps& ops) : guard(ops.mutex_) {}
  };

  DeferredOps() {
    // A child finds the lock free and the window whole.
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().mutex_.unlock(); });
  }

  static uint32_t readers(const Storage* s) { return s->unsettled_.load() & ~kNoValue; }
  static bool reachable_by_others(const Storage* s) {
    return s->deleter || s->read_only || s->exposed.load(std::memory_order_relaxed);
  }
  void want_readers(const Storage* s) {
    for (int i = 0; i < size_; ++i)
      for (const DeferredOp::Operand& in : window_[i]->inputs)
        if (in.storage.get() == s) window_[i]->wanted = true;
  }
  void settle_locked(Storage* s, Released& released);
  void run_wanted(Released& released);
  void run_batch(int64_t numel, Released& released);
  void finish(DeferredOp* op, void* memory, Released& released);
  void forget_wanted();
  void compact();

  std::mutex mutex_;
  DeferredOp* window_[kCapacity];  // in the order of noting: an op comes after those it reads from
  int size_ = 0;
};

bool DeferredOps::note(const PointwiseStep& step, const Tensor& out,
                       std::span<const Tensor* const> inputs) {
  Storage* s = out.impl()->storage.get();
  const int64_t numel = out.numel();
  const DType dtype = out.dtype();
  const auto fills = [&](const Tensor& t) {
    return t.offset() == 0 && t.impl()->storage->nbytes == size_t(numel) * item_size(dtype);
  };
  if ((dtype != DType::Float32 && dtype != DType::Float64) || out.device().is_cuda() ||
      !out.is_contiguous() || !fills(out) || reachable_by_others(s))
    return false;
  auto op = std::make_unique<DeferredOp>();
  op->step = step;
  op->owner = s;
  op->dtype = dtype;
  op->numel = numel;
  bool reads_itself = false;
  for (const Tensor* t : inputs) {
    DeferredOp::Operand& in = op->inputs[op->input_count++];
    if (t->dtype() != dtype || reachable_by_others(t->impl()->storage.get()) ||
        !find_period(*t, out.sizes(), numel, in))
      return false;
    in.offset = t->offset() * int64_t(item_size(dtype));
    in.storage = t->impl()->storage;
    reads_itself |= in.storage.get() == s;
    if (in.storage.get() == s && !(in.full() && in.offset == 0)) return false;
  }

  Locked locked(*this);
  if (size_ == kCapacity) {
    for (int i = 0; i < size_; ++i) window_[i]->wanted = true;
    run_wanted(locked.released);
  }
  for (int i = 0; i < op->input_count; ++i) {
    DeferredOp::Operand& in = op->inputs[i];
    Storage* from = in.storage.get();
    const bool chains =
        from->pending_ && from->pending_->dtype == dtype && in.full() && fills(*inputs[size_t(i)]);
    if (from != s && !chains && (from->unsettled_.load() & kNoValue))
      settle_locked(from, locked.released);
  }
  // In place. A value that is itself pending goes on under another storage, from which this op
  // reads it; one in memory is read where it is, and the op runs at the end of this function, with
  // those it reads from.
  if (s->pending_ && !(reads_itself && s->pending_->dtype == dtype))
    settle_locked(s, locked.released);
  if (s->pending_) {
    StoragePtr old = make_storage_without_memory(s->nbytes);
    old->pending_ = std::exchange(s->pending_, nullptr);
    old->pending_->owner = old.get();
    for (int i = 0; i < size_; ++i)
      for (DeferredOp::Operand& in : window_[i]->inputs)
        if (in.storage.get() == s) {
          locked.released.push_back(std::exchange(in.storage, old));
          s->unsettled_.fetch_sub(1);
          old->unsettled_.fetch_add(1);
        }
    for (DeferredOp::Operand& in : op->inputs)
      if (in.storage.get() == s) in.storage = old;
    locked.released.push_back(std::move(old));
  } else if (s->data_) {
    if (readers(s)) settle_locked(s, locked.released);
    for (DeferredOp::Operand& in : op->inputs)
      if (in.storage.get() == s) {
        in.storage.reset();
        in.bytes = static_cast<char*>(s->data_);
      }
    s->unsettled_.fetch_or(kNoValue);
    op->wanted = true;
  } else if (reads_itself) {
    return false;
  }
  for (const DeferredOp::Operand& in : op->inputs)
    if (in.storage) in.storage->unsettled_.fetch_add(1);
  s->pending_ = op.get();
  window_[size_++] = op.release();
  deferred_count.store(size_, std::memory_order_relaxed);
  if (window_[size_ - 1]->wanted) run_wanted(locked.released);
  return true;
}

void DeferredOps::settle_locked(Storage* s, Released& released) {
  if (s->pending_) s->pending_->wanted = true;
  if (readers(s)) want_readers(s);
  run_wanted(released);
  if (s->unsettled_.load() & kNoValue) {  // fresh memory that no op has been noted for
    s->data_ = allocate(s->nbytes, s->device, &s->zeroed);
    s->unsettled_.fetch_and(~kNoValue);
  }
}

void DeferredOps::settle(Storage* s) {
  const PythonLockReleased others_run(s->nbytes);
  Locked locked(*this);
  settle_locked(s, locked.released);
}

void DeferredOps::abandon(Storage* s) {
  const PythonLockReleased others_run(s->nbytes);
  Locked locked(*this);
  if (!s->pending_) return;
  s->refs.store(1);  // it still wants its value
  try {
    s->pending_->wanted = true;
    run_wanted(locked.released);
  } catch (...) {  // no memory for a value that nobody can see
    DeferredOp* op = s->pending_;
    forget_wanted();
    finish(op, nullptr, locked.released);
    compact();
  }
  s->refs.store(0);
}

void DeferredOps::run_for_room() {
  Locked locked(*this);
  size_t kept = 0, missing = 0;
  for (int i = 0; i < size_; ++i) {
    const Storage* s = window_[i]->owner;
    if (!s->data_ && s->refs.load() > readers(s)) missing += s->nbytes;
    for (const DeferredOp::Operand& in : window_[i]->inputs) {
      const Storage* from = in.storage.get();
      if (from && !from->pending_ && from->refs.load() == readers(from))
        kept += from->nbytes / readers(from);
    }
  }
  if (kept <= missing) return;
  for (int i = 0; i < size_; ++i) window_[i]->wanted = true;
  run_wanted(locked.released);
}

// Runs the wanted ops and those they read from: one batch for each length. Ops of different lengths
// never read from each other, see note().
void DeferredOps::run_wanted(Released& released) {
  for (int i = size_ - 1; i >= 0; --i)
    if (window_[i]->wanted)
      for (const DeferredOp::Operand& in : window_[i]->inputs)
        if (in.storage && in.storage->pending_) in.storage->pending_->wanted = true;
  for (int i = 0; i < size_;) {
    if (!window_[i]->wanted) {
      ++i;
      continue;
    }
    try {
      run_batch(window_[i]->numel, released);
    } catch (...) {
      forget_wanted();
      throw;
    }
  }
}

void DeferredOps::run_batch(int64_t numel, Released& released) {
  DeferredOp* ops[kCapacity];
  ChainInstruction instructions[kCapacity];
  ChainSlot slots[kMaxSlots];
  struct Use {
    const Storage* leaf = nullptr;  // the storage of an operand that is in memory
    uint32_t count = 0;             // how many operands are this slot
    int last = -1;                  // the last instruction that reads it
  } uses[kMaxSlots];
  int op_count = 0, slot_count = 0, buffer_count = 0;

  // Instructions and slots.
  for (int w = 0; w < size_; ++w) {
    DeferredOp* op = window_[w];
    if (!op->wanted || op->numel != numel) continue;
    ChainInstruction& instruction = instructions[op_count];
    instruction.step = op->step;
    for (int i = 0; i < ChainInstruction::kMaxInputs; ++i) {
      const DeferredOp::Operand& in = op->inputs[i];
      int slot = -1;
      if (i < op->input_count && in.storage && in.storage->pending_) {
        slot = in.storage->pending_->slot;
      } else if (i < op->input_count) {
        ChainSlot leaf;
        leaf.data = in.storage ? static_cast<char*>(in.storage->data_) + in.offset : in.bytes;
        leaf.dtype = op->dtype;
        leaf.inner = in.inner;
        leaf.count = in.count;
        for (slot = 0; slot < slot_count; ++slot)
          if (uses[slot].leaf == in.storage.get() && slots[slot].data == leaf.data &&
              slots[slot].inner == leaf.inner && slots[slot].count == leaf.count)
            break;
        if (slot == slot_count) {
          uses[slot].leaf = in.storage.get();
          slots[slot_count++] = leaf;
        }
      }
      instruction.inputs[i] = int16_t(slot);
      if (slot < 0) continue;
      ++uses[slot].count;
      uses[slot].last = op_count;
    }
    op->slot = int16_t(slot_count);
    instruction.output = int16_t(slot_count);
    slots[slot_count++].dtype = op->dtype;
    ops[op_count++] = op;
  }

  // Memory for the values that something else refers to: their own, that of an operand which dies
  // here, or fresh. Nothing has changed yet if there is none.
  void* memory[kCapacity] = {};
  bool taken[kMaxSlots] = {}, fresh[kCapacity] = {};
  try {
    for (int k = 0; k < op_count; ++k) {
      Storage* s = ops[k]->owner;
      if (s->refs.load() == uses[ops[k]->slot].count) continue;
      memory[k] = s->data_;
      for (int j = 0; j < slot_count && !memory[k]; ++j) {
        const Storage* leaf = uses[j].leaf;
        if (!leaf || taken[j] || slots[j].count || uses[j].last > k || leaf->nbytes != s->nbytes ||
            leaf->refs.load() != uses[j].count || reachable_by_others(leaf))
          continue;
        taken[j] = true;
        memory[k] = leaf->data_;
      }
      if (!memory[k]) {
        bool zeroed;
        memory[k] = allocate(s->nbytes, s->device, &zeroed);
        fresh[k] = true;
      }
      slots[ops[k]->slot].data = static_cast<char*>(memory[k]);
    }
  } catch (...) {
    for (int k = 0; k < op_count; ++k)
      if (fresh[k]) deallocate(memory[k], ops[k]->owner->nbytes, ops[k]->owner->device);
    throw;
  }

  // Buffers for the others, each free again after its last reader.
  std::vector<int> free_buffers;
  const auto take_buffer = [&] {
    if (free_buffers.empty()) return buffer_count++;
    const int b = free_buffers.back();
    free_buffers.pop_back();
    return b;
  };
  for (int j = 0; j < slot_count; ++j)
    if (slots[j].count) slots[j].buffer = take_buffer();
  for (int k = 0; k < op_count; ++k) {
    for (int i = 0; i < ChainInstruction::kMaxInputs; ++i) {
      const int j = instructions[k].inputs[i];
      if (j < 0 || uses[j].last != k || slots[j].data || slots[j].buffer < 0) continue;
      free_buffers.push_back(slots[j].buffer);
      uses[j].last = -1;  // freed once
    }
    const int out = instructions[k].output;
    if (!memory[k]) slots[out].buffer = take_buffer();
  }

  run_chain(instructions, op_count, slots, slot_count, buffer_count, numel);

  for (int j = 0; j < slot_count; ++j)
    if (taken[j]) const_cast<Storage*>(uses[j].leaf)->data_ = nullptr;
  for (int k = 0; k < op_count; ++k) finish(ops[k], memory[k], released);
  compact();
}

// The op has run, and `memory` holds its result, or its result is not kept.
void DeferredOps::finish(DeferredOp* op, void* memory, Released& released) {
  Storage* s = op->owner;
  for (DeferredOp::Operand& in : op->inputs) {
    if (!in.storage) continue;
    in.storage->unsettled_.fetch_sub(1);
    released.push_back(std::move(in.storage));
  }
  op->owner = nullptr;
  s->pending_ = nullptr;
  if (memory) s->data_ = memory;
  s->unsettled_.fetch_and(~kNoValue);  // last: from here on another thread may free it
}

void DeferredOps::forget_wanted() {
  for (int i = 0; i < size_; ++i) window_[i]->wanted = false;
}

// Drops the finished ops from the window.
void DeferredOps::compact() {
  int kept = 0;
  for (int i = 0; i < size_; ++i) {
    if (window_[i]->owner)
      window_[kept++] = window_[i];
    else
      delete window_[i];
  }
  size_ = kept;
  deferred_count.store(size_, std::memory_order_relaxed);
}

void settle(Storage* storage) { DeferredOps::instance().settle(storage); }
void abandon(Storage* storage) { DeferredOps::instance().abandon(storage); }
void run_deferred_for_room() { DeferredOps::instance().run_for_room(); }

bool defer(const PointwiseStep& step, const Tensor& out,
           std::initializer_list<const Tensor*> inputs) {
  return DeferredOps::instance().note(step, out, {inputs.begin(), inputs.size()});
}

void set_deferral_threshold(int64_t numel) {
  deferral_threshold.store(numel, std::memory_order_relaxed);
  DeferredOps::instance().run_all();
}

namespace {

// 256 KiB of float32: where three operands leave a L2 cache of 1 MiB, and a second pass over them
// starts to cost more than the blocks' many short kernel calls.
constexpr int64_t kDefaultThreshold = 65536;

const bool configured = [] {
  int64_t numel = kDefaultThreshold;
  if (const char* text = std::getenv("PYGRAD_DEFER")) {
    char* end = nullptr;
    const long long n = std::strtoll(text, &end, 10);
    if (end != text && *end == '\0' && n >= 0) numel = n > 0 ? n : INT64_MAX;
  }
  deferral_threshold.store(numel, std::memory_order_relaxed);
  return true;
}();

}  // namespace

}  // namespace pygrad
