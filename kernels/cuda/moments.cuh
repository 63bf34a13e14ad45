// Mean and sum of squared distances from it, of real or complex numbers, that can be merged: Chan,
// Golub and LeVeque (1979). Nothing cancels however large the mean is.
#pragma once

#include "kernels/cuda/reduce.cuh"

namespace pygrad::cuda {

template <int kParts>  // 2 for complex numbers
struct Moments {
  double n, mean[kParts], m2;

  PG_HOST_DEVICE static Moments none() {
    Moments m;
    m.n = m.m2 = 0;
    for (int k = 0; k < kParts; ++k) m.mean[k] = 0;
    return m;
  }
  PG_HOST_DEVICE Moments merged(const Moments& o) const {
    if (o.n == 0) return *this;
    if (n == 0) return o;
    Moments m;
    m.n = n + o.n;
    m.m2 = m2 + o.m2;
    const double share = o.n / m.n;
    for (int k = 0; k < kParts; ++k) {
      const double delta = o.mean[k] - mean[k];
      m.mean[k] = mean[k] + delta * share;
      m.m2 += delta * delta * (n * share);
    }
    return m;
  }
};

// A thread passes over its elements twice, for their mean and for the distances from it; the second
// pass also corrects the rounding of the first mean. Derived folds add finish().
template <class A, int kParts, class T = AnyType>
struct MomentsFold {
  using State = Moments<kParts>;
  Elements<A, T> in;

  PG_HOST_DEVICE State identity() const { return State::none(); }
  PG_HOST_DEVICE State join(const State& a, const State& b) const { return a.merged(b); }
  __device__ __forceinline__ State run(const Plan& plan, int64_t output, int64_t begin, int64_t end,
                                       int64_t step) const {
    if (begin >= end) return State::none();
    const int64_t base = plan.input_at(output), stride = plan.reduced_in[0][0];
    const bool one = plan.reduced == 1;
    const auto element_at = [&](int64_t i) {
      return (base + (one ? i * stride : plan.element_at(i))) * kParts;
    };
    State all = State::none();
    while (begin < end) {
      const int64_t stop = least(end, begin + 128 * step);
      A sum[kParts] = {};
      int count = 0;
      for (int64_t i = begin; i < stop; i += step, ++count) {
        const int64_t at = element_at(i);
        for (int k = 0; k < kParts; ++k) sum[k] += in[at + k];
      }
      State part;
      A shift[kParts], rest[kParts] = {}, squares = 0;
      for (int k = 0; k < kParts; ++k) shift[k] = sum[k] / A(count);
      for (int64_t i = begin; i < stop; i += step) {
        const int64_t at = element_at(i);
        for (int k = 0; k < kParts; ++k) {
          const A x = in[at + k] - shift[k];
          rest[k] += x;
          squares += x * x;
        }
      }
      part.n = count;
      part.m2 = double(squares);
      for (int k = 0; k < kParts; ++k) {
        const double r = double(rest[k]);
        part.mean[k] = double(shift[k]) + r / count;
        part.m2 -= r * r / count;
      }
      all = all.merged(part);
      begin = stop;
    }
    return all;
  }
};

}  // namespace pygrad::cuda
