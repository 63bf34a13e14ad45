// Deferred pointwise ops: on large tensors a pointwise op is noted, not run, so that a chain of
// them is run block by block in the L1 cache when its values are needed, instead of one pass over
// memory per op.
//
// A noted op is a DeferredOp that hangs on the storage of its result; it owns references to the
// storages it reads. Nothing else knows: tensors, views, versions and the tape are as ever. Whoever
// asks a storage for its memory (Storage::data(), the only way to it) gets it settled first: the op
// that makes its value has run, and so has every op that waits to read it, since the caller may be
// about to write. Ops that are run together share one pass over the operands (kernels/chain.h), and
// the value of a storage that only those ops refer to is never stored.
//
// What results: the bits of every element are those of the op run alone (the same kernels compute
// them). Every op is run at some time, also when its result dies unread, so that timing a loop
// times the work. Not deferred: anything but float32 and float64 on the CPU, results below
// `deferral_threshold` elements, operands that neither fill the result nor repeat in it with one
// period, and memory that others can reach (foreign memory, or a storage whose address was given
// away by data_ptr(), NumPy or DLPack).
//
// Limits: at most kCapacity ops wait at a time in the process; at the next one all are run. When a
// large block is allocated while waiting ops keep more memory alive than their results would take,
// they are run first, so the peak is not above that of running each at once.
//
// Threads: one lock, held while noting and running, and never while Python's lock is asked for.
#pragma once

#include <atomic>
#include <initializer_list>

#include "csrc/core/tensor.h"

namespace pygrad {

// The number of elements from which a pointwise op is deferred; INT64_MAX: never. PYGRAD_DEFER sets
// it at start.
inline std::atomic<int64_t> deferral_threshold{INT64_MAX};
void set_deferral_threshold(int64_t numel);  // runs what waits

inline bool is_large(int64_t numel) {
  return numel >= deferral_threshold.load(std::memory_order_relaxed);
}

// Notes the step as the way to compute `out` from `inputs`, expanded to its sizes; false when it
// must be run now. Only for results that pass is_large(); their memory comes from make_output().
bool defer(const PointwiseStep& step, const Tensor& out,
           std::initializer_list<const Tensor*> inputs);

// Called before a block of kLargeBytes or more is allocated.
constexpr size_t kLargeBytes = 64 * 1024;
inline std::atomic<int> deferred_count{0};
void run_deferred_for_room();
inline void make_room() {
  if (deferred_count.load(std::memory_order_relaxed)) [[unlikely]]
    run_deferred_for_room();
}

}  // namespace pygrad
