// Random draws and dropout on Philox4x32-10 (kernels/math/philox.h tells which bits belong to which
// element).
//
// Parallel plan: blocks of kBlock positions in row-major order; an element's number depends on its
// position alone, so chunks and threads do not matter. Memory plan: the random words of a block lie
// in a stack buffer, its values too unless the output is packed and of the type computed in: then
// they are made in place, or streamed when the output exceeds the caches.
#include "kernels/cpu/iterate.h"
#include "kernels/cpu/kernels_decl.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/vec_philox.h"
#include "kernels/cpu/vec_trigonometry.h"
#include "kernels/math/philox.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

constexpr int64_t kGrainBlocks = 8;

struct Draw {
  RandomOp op;
  uint64_t seed, offset;
  double a, b;
  int64_t low;     // randint
  uint64_t range;  // randint
  uint32_t mask;   // of a 32-bit uniform
};

// u < p for u = (word >> 8) 2^-24, as whole numbers: word >> 8 is below this.
int32_t threshold_of(double p) { return int32_t(std::ceil(p * 0x1p24)); }

// Numbers below 2^53 as doubles: their halves are put behind 2^84 and 2^52, which then go off.
PG_HOST_INLINE Vec<double> to_double(Lanes x) {
  const Vec<double> high = (Vec<double>)((x >> 32) | 0x4530000000000000u);
  const Vec<double> low = (Vec<double>)((x & 0xffffffffu) | 0x4330000000000000u);
  return (high - (0x1p84 + 0x1p52)) + low;
}
PG_HOST_INLINE Vec<float> uniform_from(Words word) {
  return __builtin_convertvector((Vec<int32_t>)(word >> 8), Vec<float>) * 0x1p-24f;
}
PG_HOST_INLINE Vec<double> uniform_from(Lanes half) { return to_double(half >> 11) * 0x1p-53; }

// kBlock uniforms of element type T.
template <class T>
void uniforms(T* values, uint64_t first, const Draw& draw) {
  constexpr int64_t count = kBlock * int64_t(sizeof(T)) / 4;
  alignas(64) uint32_t words[count];
  fill_words(words, draw.seed, draw.offset, first * sizeof(T) / 16, count / 4);
  for (int64_t i = 0; i < count; i += kLanes<uint32_t>) {
    if constexpr (sizeof(T) == 4) {
      store(values + i, uniform_from(load(words + i) & draw.mask));
    } else {
      store(values + i / 2, uniform_from((Lanes)load(words + i)));
    }
  }
}

// kBlock standard normals. The radius is that of a uniform in (0, 1].
template <class T>
void normals(T* values, uint64_t first, const Draw& draw) {
  constexpr int64_t count = kBlock * int64_t(sizeof(T)) / 16;  // Philox blocks
  const T step = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-53);
  for (int64_t at = 0; at < count; at += kPhiloxBlocks) {
    Lanes w[kPhiloxUnroll][4];
    philox_lanes(draw.seed, draw.offset, first * sizeof(T) / 16 + uint64_t(at), w);
    for (int u = 0; u < kPhiloxUnroll; ++u, values += 2 * kLanes<T>) {
      Vec<T> u1, u2, sine, cosine, even, odd;
      if constexpr (sizeof(T) == 4) {  // a block's words 0 and 2 are radii, 1 and 3 angles
        u1 = uniform_from((Words)join_halves(w[u][0], w[u][2]));
        u2 = uniform_from((Words)join_halves(w[u][1], w[u][3]));
      } else {
        u1 = uniform_from(join_halves(w[u][0], w[u][1]));
        u2 = uniform_from(join_halves(w[u][2], w[u][3]));
      }
      const Vec<T> radius = sqrt(T(-2) * log(u1 + step));
      sincos_turns(u2, sine, cosine);
      interleave(radius * cosine, radius * sine, even, odd);
      store(values, even);
      store(values + kLanes<T>, odd);
    }
  }
}

// The high 64 bits of the products by n; see math::integer_below.
PG_HOST_INLINE Lanes integer_below(Lanes bits, uint64_t n) {
  const Lanes low = Lanes{} + (n & 0xffffffffu), high = Lanes{} + (n >> 32);
  const Lanes upper = bits >> 32;
  const Lanes mid = multiply_low_halves(upper, low) + (multiply_low_halves(bits, low) >> 32);
  const Lanes mid2 = multiply_low_halves(bits, high) + (mid & 0xffffffffu);
  return multiply_low_halves(upper, high) + (mid >> 32) + (mid2 >> 32);
}

void integers(int64_t* values, uint64_t first, const Draw& draw) {
  alignas(64) uint32_t words[2 * kBlock];
  fill_words(words, draw.seed, draw.offset, first / 2, kBlock / 2);
  for (int64_t i = 0; i < kBlock; i += kPhiloxLanes) {
    const Lanes bits = (Lanes)load(words + 2 * i);
    const Lanes value = draw.range == 0 ? bits : integer_below(bits, draw.range);
    store(values + i, (Vec<int64_t>)(value + uint64_t(draw.low)));
  }
}

// kBlock zeros and ones; always of the 32-bit kind.
template <class T>
void yes_or_no(T* values, uint64_t first, const Draw& draw) {
  alignas(64) uint32_t words[kBlock];
  fill_words(words, draw.seed, draw.offset, first / 4, kBlock / 4);
  const int32_t limit = threshold_of(draw.a);
  for (int64_t i = 0; i < kBlock; ++i) values[i] = int32_t(words[i] >> 8) < limit ? T(1) : T(0);
}

template <class T, class F>
PG_HOST_INLINE void for_each_vector(T* values, F&& f) {
  for (int64_t i = 0; i < kBlock; i += kLanes<T>) store(values + i, f(load(values + i)));
}

// The kBlock elements from position `first` on, a multiple of kBlock.
template <class T>
void real_block(T* values, uint64_t first, const Draw& draw) {
  using V = Vec<T>;
  const T a = T(draw.a), b = T(draw.b);
  switch (draw.op) {
    case RandomOp::uniform:
      uniforms(values, first, draw);
      if (a != T(0) || b != T(1)) {
        for_each_vector(values,
                        [=](V u) __attribute__((always_inline)) { return a + (b - a) * u; });
      }
      break;
    case RandomOp::normal:
    case RandomOp::log_normal:
      normals(values, first, draw);
      if (a != T(0) || b != T(1)) {
        for_each_vector(values, [=](V z) __attribute__((always_inline)) { return a + b * z; });
      }
      if (draw.op == RandomOp::log_normal) {
        for_each_vector(values, [](V z) __attribute__((always_inline)) { return exp(z); });
      }
      break;
    case RandomOp::bernoulli:
      yes_or_no(values, first, draw);
      break;
    case RandomOp::exponential:
      uniforms(values, first, draw);
      for_each_vector(values, [=](V u) __attribute__((always_inline)) { return -log1p(-u) / a; });
      break;
    case RandomOp::geometric: {
      uniforms(values, first, draw);
      const T log_failure = T(std::log1p(-draw.a));
      for (int64_t i = 0; i < kBlock; ++i) {
        values[i] = math::geometric_from(values[i], log_failure);
      }
      break;
    }
    case RandomOp::cauchy:
      uniforms(values, first, draw);
      for_each_vector(values, [=](V u) __attribute__((always_inline)) {
        return a + b * tan(T(3.14159265358979323846) * (u - T(0.5)));
      });
      break;
    case RandomOp::randint:
      break;  // not a real draw
  }
}

// The output is packed in row-major order and holds values of type `compute`.
bool is_direct(const View& out, DType compute) {
  return out.dtype == compute && out.is_contiguous();
}

}  // namespace

void random(RandomOp op, const View& out, uint64_t seed, uint64_t offset, Scalar a, Scalar b) {
  const bool bernoulli = op == RandomOp::bernoulli;
  const bool whole = op == RandomOp::randint;
  if (!whole && !bernoulli && op != RandomOp::geometric && !is_floating(out.dtype)) {
    unsupported("random", out.dtype);
  }
  // See philox.h for the kinds.
  const bool wide = out.dtype == DType::Float64 && !bernoulli;
  const DType compute = whole ? DType::Int64 : wide ? DType::Float64 : DType::Float32;
  Draw draw = {op, seed, offset, a.to_double(), b.to_double(), 0, 0, math::uniform_mask<float>()};
  if (whole) {
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
  const bool direct = is_direct(out, compute);
  const bool stream = direct && nest.numel * item > stream_threshold();
  parallel_for(nest.numel, kBlock * kGrainBlocks, [&](int64_t begin, int64_t end) {
    alignas(64) char buffer[kBlock * 8];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t m = end - at < kBlock ? end - at : kBlock;
      char* place = out.ptr<char>() + at * item;
      char* values = direct && !stream && m == kBlock ? place : buffer;
      if (whole) {
        integers(as<int64_t>(values), uint64_t(at), draw);
      } else if (wide) {
        real_block(as<double>(values), uint64_t(at), draw);
      } else {
        real_block(as<float>(values), uint64_t(at), draw);
      }
      if (values == place) continue;
      if (direct) {
        stream_copy(place, values, m * item);
        continue;
      }
      for_each_row(nest, at, at + m, [&](char* const* p, int64_t n) {
        store_values(p[0], nest.strides[0][0], values, n);
        values += n * item;
      });
    }
    if (direct) stream_fence();
  });
}

namespace {

// kBlock elements at most.
template <class T>
void drop(T* to, const T* from, const uint32_t* words, int64_t n, int32_t limit, T scale) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T kept = from[i] * scale;
    to[i] = int32_t(words[i] >> 8) < limit ? T(0) : kept;
  }
}

}  // namespace

void dropout(const View& out, const View& in, double p, uint64_t seed, uint64_t offset) {
  if (!is_floating(in.dtype)) unsupported("dropout", in.dtype);
  const View* views[] = {&out, &in};
  const Nest<2> nest = make_nest(views, Order::row_major);
  const DType compute = compute_dtype(in.dtype);
  const LoadRun load_values = load_run(compute, in.dtype);
  const StoreRun store_values = store_run(out.dtype, compute);
  const int64_t item = int64_t(item_size(compute));
  const double scale = p < 1 ? 1 / (1 - p) : 0;
  const int32_t limit = threshold_of(p);
  const bool direct = is_direct(out, compute) && is_direct(in, compute);
  const bool stream = direct && out.data != in.data && 2 * nest.numel * item > stream_threshold();
  parallel_for(nest.numel, kBlock * kGrainBlocks, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kBlock];
    alignas(64) char values[kBlock * 8];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t m = end - at < kBlock ? end - at : kBlock;
      if (direct) {  // the input of the block comes while its words are made
        const char* next = in.ptr<char>() + at * item;
        for (int64_t i = 0; i < m * item; i += 64) __builtin_prefetch(next + i);
      }
      fill_words(words, seed, offset, uint64_t(at) / 4, kBlock / 4);
      char* place = out.ptr<char>() + at * item;
      char* to = direct && !stream ? place : values;
      const char* from = direct ? in.ptr<char>() + at * item : values;
      if (!direct) {
        char* v = values;
        for_each_row(nest, at, at + m, [&](char* const* q, int64_t n) {
          load_values(v, q[1], nest.strides[1][0], n);
          v += n * item;
        });
      }
      if (compute == DType::Float32) {
        drop(as<float>(to), reinterpret_cast<const float*>(from), words, m, limit, float(scale));
      } else {
        drop(as<double>(to), reinterpret_cast<const double*>(from), words, m, limit, scale);
      }
      if (stream) {
        stream_copy(place, values, m * item);
      } else if (!direct) {
        const char* v = values;
        for_each_row(nest, at, at + m, [&](char* const* q, int64_t n) {
          store_values(q[0], nest.strides[0][0], v, n);
          v += n * item;
        });
      }
    }
    if (stream) stream_fence();
  });
}

}  // namespace pygrad::cpu::PG_ISA_NS
