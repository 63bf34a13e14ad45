// SmallVector: the first N elements lie in the object, so that a tape node is one allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace pygrad {

template <class T, uint32_t N>
class SmallVector {
 public:
  SmallVector() = default;
  SmallVector(std::initializer_list<T> v) {
    for (const T& x : v) push_back(x);
  }
  SmallVector(const SmallVector& o) {
    for (const T& x : o) push_back(x);
  }
  SmallVector(SmallVector&& o) noexcept { take(o); }
  SmallVector& operator=(SmallVector o) noexcept {
    clear();
    release();
    take(o);
    return *this;
  }
  ~SmallVector() {
    clear();
    release();
  }

  T& push_back(T x) { return emplace_back(std::move(x)); }
  template <class... A>
  T& emplace_back(A&&... args) {
    if (size_ == capacity_) grow();
    return *new (data_ + size_++) T(std::forward<A>(args)...);
  }
  void clear() {
    while (size_) data_[--size_].~T();
  }
  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  T* local() { return reinterpret_cast<T*>(inline_); }
  void grow() {
    const uint32_t capacity = capacity_ * 2;
    T* data = static_cast<T*>(::operator new(capacity * sizeof(T)));
    for (uint32_t i = 0; i < size_; ++i) {
      new (data + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    release();
    data_ = data;
    capacity_ = capacity;
  }
  void release() {
    if (data_ != local()) ::operator delete(data_);
    data_ = local();
    capacity_ = N;
  }
  void take(SmallVector& o) {
    if (o.data_ != o.local()) {
      data_ = std::exchange(o.data_, o.local());
      size_ = std::exchange(o.size_, 0);
      capacity_ = std::exchange(o.capacity_, N);
      return;
    }
    for (T& x : o) push_back(std::move(x));
    o.clear();
  }

  uint32_t size_ = 0, capacity_ = N;
  alignas(T) unsigned char inline_[N * sizeof(T)];
  T* data_ = local();
};

}  // namespace pygrad
