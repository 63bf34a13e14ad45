// Storage: one block of memory, shared by every view of it, with the version counter that in-place
// ops advance.
//
// The memory is reached through data() alone: a storage may stand for a value that is not computed
// yet, or be waited for by pending ops that read it (core/deferred.h), and both must be settled
// before anyone sees or writes the bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "csrc/core/allocator.h"
#include "csrc/core/device.h"
#include "csrc/core/intrusive.h"

namespace pygrad {

struct Storage;
class DeferredOps;
struct DeferredOp;
void settle(Storage* storage);   // computes what is pending in or on it; in core/deferred.cpp
void abandon(Storage* storage);  // the same for a storage that dies

struct Storage {
  using Deleter = void (*)(void* context);

  ReferenceCount refs;
  std::atomic<uint32_t> version{0};
  size_t nbytes = 0;
  Device device;
  bool read_only = false;  // foreign memory that must not be written (a read-only NumPy array)
  bool zeroed = false;     // created on newly mapped pages: zeros, until first written
  std::atomic<bool> exposed{false};  // its address was given away: others may write it unseen
  Deleter deleter = nullptr;         // null: the memory came from allocate()
  void* context = nullptr;

  void* data() {
    if (unsettled_.load(std::memory_order_acquire)) [[unlikely]]
      settle(this);
    return data_;
  }
  // The address for code outside the engine, which may keep it.
  void* expose() {
    exposed.store(true, std::memory_order_relaxed);
    return data();
  }
  void swap_memory(Storage& other) {
    data(), other.data();
    std::swap(data_, other.data_);
    std::swap(nbytes, other.nbytes);
  }

  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* p, size_t bytes) { pool_free(p, bytes); }
  ~Storage() {
    if (unsettled_.load(std::memory_order_acquire)) [[unlikely]]
      abandon(this);
    if (deleter)
      deleter(context);
    else
      deallocate(data_, nbytes, device);
  }

 private:
  friend class DeferredOps;
  friend Intrusive<Storage> make_storage(size_t nbytes, Device device);
  friend Intrusive<Storage> make_storage_without_memory(size_t nbytes);
  friend Intrusive<Storage> wrap_storage(void* data, size_t nbytes, Device device, Deleter deleter,
                                         void* context);
  static constexpr uint32_t kNoValue = 1u << 31;

  void* data_ = nullptr;
  DeferredOp* pending_ = nullptr;  // the op whose result this is, while it has not run
  // kNoValue while the memory holds no value yet, plus the number of pending operands that are this
  // storage. Zero for nearly every storage at nearly every time.
  std::atomic<uint32_t> unsettled_{0};
};

inline void destroy(Storage* s) { delete s; }
using StoragePtr = Intrusive<Storage>;

StoragePtr make_storage(size_t nbytes, Device device);
StoragePtr make_storage_without_memory(
    size_t nbytes);  // on the CPU; memory comes with the first use
// Foreign memory, kept alive by `context` until the deleter is called with it.
StoragePtr wrap_storage(void* data, size_t nbytes, Device device, Storage::Deleter deleter,
                        void* context);

}  // namespace pygrad
