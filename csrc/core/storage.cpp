#include "csrc/core/storage.h"

#include "csrc/core/deferred.h"

namespace pygrad {

StoragePtr make_storage(size_t nbytes, Device device) {
  if (nbytes >= kLargeBytes) make_room();
  auto* s = new Storage;
  auto owner = StoragePtr::adopt(s);
  s->device = device;
  s->data_ = allocate(nbytes, device, &s->zeroed);
  s->nbytes = nbytes;
  return owner;
}

StoragePtr make_storage_without_memory(size_t nbytes) {
  auto* s = new Storage;
  s->nbytes = nbytes;
  s->unsettled_.store(Storage::kNoValue, std::memory_order_relaxed);
  return StoragePtr::adopt(s);
}

StoragePtr wrap_storage(void* data, size_t nbytes, Device device, Storage::Deleter deleter,
                        void* context) {
  auto* s = new Storage;
  s->device = device;
  s->data_ = data;
  s->nbytes = nbytes;
  s->deleter = deleter;
  s->context = context;
  return StoragePtr::adopt(s);
}

}  // namespace pygrad
