// Random draws and dropout on Philox4x32-10 (kernels/math/philox.h tells which bits belong to which
// element).
//
// Parallel plan: blocks of kBlock positions in row-major order; an element's number depends on its
// position alone, so chunks and threads do not matter. Memory plan: the words of a block and its
// values lie in small stack buffers; the values are then stored with the output's strides and
// dtype. The generator runs one counter per vector lane.
#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/random_words.h"
#include "kernels/cpu/vec_math.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kWordRoom = 2 * kBlock;  // 64-bit kinds need two words an element

struct Draw {
  RandomOp op;
  uint64_t seed, offset;
  double a, b;
  int64_t low;     // randint
  uint64_t range;  // randint
  uint32_t mask;   // of a 32-bit uniform
};

// Standard normals of a block: pairs of uniforms become pairs of normals.
template <class T, class Bits>
void normals(T* values, const Bits* bits) {
  alignas(64) T radius[kBlock / 2], angle[kBlock / 2];
  const T step = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-53);
  for (int64_t i = 0; i < kBlock / 2; ++i) {
    radius[i] = math::uniform_from(bits[2 * i]) + step;
    angle[i] = T(6.28318530717958647692) * math::uniform_from(bits[2 * i + 1]);
  }
  for (int64_t i = 0; i < kBlock / 2; i += kLanes<T>) {
    const Vec<T> r = sqrt(T(-2) * log(load(radius + i)));
    const Vec<T> phi = load(angle + i);
    const Vec<T> even = r * cos(phi), odd = r * sin(phi);
    for (int l = 0; l < kLanes<T>; ++l) {
      values[2 * (i + l)] = even[l];
      values[2 * (i + l) + 1] = odd[l];
    }
  }
}

template <class T, class Bits>
void real_block(T* values, const Bits* bits, const Draw& draw) {
  const T a = T(draw.a), b = T(draw.b);
  const auto uniform = [&](int64_t i) __attribute__((always_inline)) {
    if constexpr (sizeof(Bits) == 4) {
      return T(math::uniform_from(bits[i] & draw.mask));
    } else {
      return T(math::uniform_from(bits[i]));
    }
  };
  switch (draw.op) {
    case RandomOp::uniform:
      for (int64_t i = 0; i < kBlock; ++i) values[i] = a + (b - a) * uniform(i);
      break;
    case RandomOp::normal:
    case RandomOp::log_normal:
      normals(values, bits);
      for (int64_t i = 0; i < kBlock; ++i) values[i] = a + b * values[i];
      if (draw.op == RandomOp::log_normal) {
        for (int64_t i = 0; i < kBlock; i += kLanes<T>) store(values + i, exp(load(values + i)));
      }
      break;
    case RandomOp::bernoulli:
      for (int64_t i = 0; i < kBlock; ++i) values[i] = double(uniform(i)) < draw.a ? T(1) : T(0);
      break;
    case RandomOp::exponential:
      for (int64_t i = 0; i < kBlock; ++i) values[i] = math::exponential_from(uniform(i), a);
      break;
    case RandomOp::geometric: {
      const T log_failure = T(std::log1p(-draw.a));
      for (int64_t i = 0; i < kBlock; ++i)
        values[i] = math::geometric_from(uniform(i), log_failure);
      break;
    }
    case RandomOp::cauchy:
      for (int64_t i = 0; i < kBlock; ++i) values[i] = math::cauchy_from(uniform(i), a, b);
      break;
    case RandomOp::randint:
      break;  // not a real draw
  }
}

}  // namespace

void random(RandomOp op, const View& out, uint64_t seed, uint64_t offset, Scalar a, Scalar b) {
  const bool yes_or_no = op == RandomOp::bernoulli;
  const bool integers = op == RandomOp::randint;
  if (!integers && !yes_or_no && op != RandomOp::geometric && !is_floating(out.dtype)) {
    unsupported("random", out.dtype);
  }
  // See philox.h for the kinds.
  const bool wide = integers || (out.dtype == DType::Float64 && !yes_or_no);
  const DType compute = integers ? DType::Int64 : wide ? DType::Float64 : DType::Float32;
  Draw draw = {op, seed, offset, a.to_double(), b.to_double(), 0, 0, math::uniform_mask<float>()};
  if (integers) {
    draw.low = a.to_int();
    draw.range = uint64_t(b.to_int());
  }
  if (op == RandomOp::uniform && out.dtype == DType::Float16)
    draw.mask = math::uniform_mask<Half>();
  if (op == RandomOp::uniform && out.dtype == DType::BFloat16)
    draw.mask = math::uniform_mask<BFloat16>();
  const View* views[] = {&out};
  const Nest<1> nest = make_nest(views, Order::row_major);
  const StoreRun store_values = store_run(out.dtype, compute);
  const int64_t item = int64_t(item_size(compute));
  parallel_for(nest.numel, kBlock * 8, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kWordRoom];
    alignas(64) char values[kBlock * 8];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t m = end - at < kBlock ? end - at : kBlock;
      if (wide) {
        fill_words(words, draw.seed, draw.offset, uint64_t(at) / 2, kBlock / 2);
        alignas(64) uint64_t halves[kBlock];
        for (int64_t i = 0; i < kBlock; ++i) {
          halves[i] = uint64_t(words[2 * i]) | (uint64_t(words[2 * i + 1]) << 32);
        }
        if (integers) {
          int64_t* to = as<int64_t>(values);
          for (int64_t i = 0; i < kBlock; ++i) {
            to[i] = int64_t(uint64_t(draw.low) + math::integer_below(halves[i], draw.range));
          }
        } else {
          real_block(as<double>(values), halves, draw);
        }
      } else {
        fill_words(words, draw.seed, draw.offset, uint64_t(at) / 4, kBlock / 4);
        real_block(as<float>(values), words, draw);
      }
      const char* from = values;
      for_each_row(nest, at, at + m, [&](char* const* p, int64_t n) {
        store_values(p[0], nest.strides[0][0], from, n);
        from += n * item;
      });
    }
  });
}

void dropout(const View& out, const View& in, double p, uint64_t seed, uint64_t offset) {
  if (!is_floating(in.dtype)) unsupported("dropout", in.dtype);
  const View* views[] = {&out, &in};
  const Nest<2> nest = make_nest(views, Order::row_major);
  const DType compute = compute_dtype(in.dtype);
  const LoadRun load_values = load_run(compute, in.dtype);
  const StoreRun store_values = store_run(out.dtype, compute);
  const int64_t item = int64_t(item_size(compute));
  const double scale = p < 1 ? 1 / (1 - p) : 0;
  parallel_for(nest.numel, kBlock * 8, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kBlock];
    alignas(64) char values[kBlock * 8];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t m = end - at < kBlock ? end - at : kBlock;
      fill_words(words, seed, offset, uint64_t(at) / 4, kBlock / 4);
      char* v = values;
      for_each_row(nest, at, at + m, [&](char* const* q, int64_t n) {
        load_values(v, q[1], nest.strides[1][0], n);
        v += n * item;
      });
      // u < p, as whole numbers: u is (word >> 8) 2^-24.
      const double limit = p * 0x1p24;
      if (compute == DType::Float32) {
        float* x = as<float>(values);
        const float s = float(scale);
        for (int64_t i = 0; i < m; ++i)
          x[i] = double(int32_t(words[i] >> 8)) < limit ? 0.0f : x[i] * s;
      } else {
        double* x = as<double>(values);
        for (int64_t i = 0; i < m; ++i)
          x[i] = double(int32_t(words[i] >> 8)) < limit ? 0.0 : x[i] * scale;
      }
      v = values;
      for_each_row(nest, at, at + m, [&](char* const* q, int64_t n) {
        store_values(q[0], nest.strides[0][0], v, n);
        v += n * item;
      });
    }
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
