#include "csrc/core/storage.h"

namespace pygrad {

StoragePtr make_storage(size_t nbytes, Device device) {
  auto* s = new Storage;
  auto owner = StoragePtr::adopt(s);
  s->device = device;
  s->data = allocate(nbytes, device, &s->zeroed);
  s->nbytes = nbytes;
  return owner;
}

StoragePtr wrap_storage(void* data, size_t nbytes, Device device, Storage::Deleter deleter,
                        void* context) {
  auto* s = new Storage;
  s->device = device;
  s->data = data;
  s->nbytes = nbytes;
  s->deleter = deleter;
  s->context = context;
  return StoragePtr::adopt(s);
}

}  // namespace pygrad
