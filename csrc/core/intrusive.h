// Reference counts, and the owning pointer to whatever has one.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "csrc/core/turns.h"

namespace pygrad {

class ReferenceCount {
 public:
  void take() { add_to(count_, 1u); }
  // True when that was the last one. The only owner needs no locked instruction in any case: nobody
  // else is left to take a reference.
  bool drop() {
    return count_.load(std::memory_order_acquire) == 1 || add_to(count_, uint32_t(-1)) == 1;
  }
  uint32_t load() const { return count_.load(std::memory_order_acquire); }
  void store(uint32_t n) { count_.store(n, std::memory_order_release); }

 private:
  std::atomic<uint32_t> count_{1};
};

// Owning pointer to any object with a ReferenceCount `refs`.
template <class T>
class Intrusive {
 public:
  Intrusive() = default;
  static Intrusive adopt(T* p) {  // takes over one reference
    Intrusive r;
    r.p_ = p;
    return r;
  }
  static Intrusive share(T* p) {
    if (p) p->refs.take();
    return adopt(p);
  }
  Intrusive(const Intrusive& o) : p_(o.p_) {
    if (p_) p_->refs.take();
  }
  Intrusive(Intrusive&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Intrusive& operator=(Intrusive o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Intrusive() { reset(); }
  void reset() {
    T* p = std::exchange(p_, nullptr);
    if (p && p->refs.drop()) destroy(p);
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  T* release() { return std::exchange(p_, nullptr); }
  friend bool operator==(const Intrusive& a, const Intrusive& b) { return a.p_ == b.p_; }

 private:
  T* p_ = nullptr;
};

}  // namespace pygrad
