// Shape: sizes, strides or dims with a fixed capacity, of which a copy takes what is filled.
// It owns nothing, so backward lambdas may capture it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "kernels/view.h"

namespace pygrad {

using Sizes = std::span<const int64_t>;

class Shape {
 public:
  Shape() {}  // written out, so that `{}` does not fill the capacity with zeros
  Shape(const Shape& o) : n_(o.n_) {
    for (int64_t i = 0; i < n_; ++i) d_[i] = o.d_[i];
  }
  Shape& operator=(const Shape& o) {
    n_ = o.n_;
    for (int64_t i = 0; i < n_; ++i) d_[i] = o.d_[i];
    return *this;
  }
  Shape(std::initializer_list<int64_t> v) {
    for (int64_t x : v) push_back(x);
  }
  explicit Shape(Sizes v) : n_(int64_t(v.size())) {
    if (n_ > kMaxDims) overflow();
    for (int64_t i = 0; i < n_; ++i) d_[i] = v[size_t(i)];
  }
  static Shape filled(int64_t n, int64_t value) {
    Shape s;
    for (int64_t i = 0; i < n; ++i) s.push_back(value);
    return s;
  }

  // Throws when the capacity is exceeded: no tensor has more than kMaxDims dimensions.
  void push_back(int64_t v) {
    if (n_ == kMaxDims) overflow();
    d_[n_++] = v;
  }
  void insert(int64_t at, int64_t v) {
    push_back(0);
    for (int64_t i = n_ - 1; i > at; --i) d_[i] = d_[i - 1];
    d_[at] = v;
  }
  void erase(int64_t at) {
    for (int64_t i = at; i + 1 < n_; ++i) d_[i] = d_[i + 1];
    --n_;
  }
  void pop_back() { --n_; }
  void clear() { n_ = 0; }

  int64_t size() const { return n_; }
  bool empty() const { return n_ == 0; }
  int64_t& operator[](int64_t i) { return d_[i]; }
  int64_t operator[](int64_t i) const { return d_[i]; }
  int64_t& back() { return d_[n_ - 1]; }
  int64_t back() const { return d_[n_ - 1]; }
  int64_t* begin() { return d_; }
  int64_t* end() { return d_ + n_; }
  const int64_t* begin() const { return d_; }
  const int64_t* end() const { return d_ + n_; }
  friend bool operator==(const Shape& a, const Shape& b) { return same(a, b); }
  static bool same(Sizes a, Sizes b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  [[noreturn]] static void overflow();
  int64_t n_ = 0;
  int64_t d_[kMaxDims];
};
static_assert(std::is_trivially_destructible_v<Shape>);

inline bool operator==(const Shape& a, Sizes b) { return Shape::same(a, b); }

// Product of the sizes; throws when it does not fit 63 bits.
int64_t numel_of(Sizes sizes);
// Row-major strides; size-0 dimensions count as 1, as in PyTorch.
Shape contiguous_strides(Sizes sizes);

}  // namespace pygrad
