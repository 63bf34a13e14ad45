// Random draws and dropout on Philox4x32-10 (kernels/math/philox.h tells which bits belong to which
// element): the same numbers as on the CPU. uniform, bernoulli, randint and dropout's choice agree
// bit for bit; what goes through log, cos or tan may differ in the last place.
//
// A thread computes whole Philox blocks: four elements of the 32-bit kinds, two of the 64-bit ones.
#include "kernels/cuda/pointwise.cuh"
#include "kernels/math/philox.h"

namespace pygrad::cuda {
namespace {

struct Draw {
  RandomOp op;
  uint64_t seed, offset;
  double a, b;
  double log_failure;  // geometric: log(1 - a)
  int64_t low;         // randint
  uint64_t range;      // randint
  uint32_t mask;       // of a 32-bit uniform
};

// a + b x in two roundings, as the CPU computes it.
__device__ __forceinline__ float add_product(float a, float b, float x) {
  return __fadd_rn(a, __fmul_rn(b, x));
}
__device__ __forceinline__ double add_product(double a, double b, double x) {
  return __dadd_rn(a, __dmul_rn(b, x));
}

template <class T>
__device__ __forceinline__ T real_value(const Draw& draw, T u, T normal) {
  const T a = T(draw.a), b = T(draw.b);
  switch (draw.op) {
    case RandomOp::uniform:
      return add_product(a, b - a, u);
    case RandomOp::normal:
      return add_product(a, b, normal);
    case RandomOp::log_normal:
      return std::exp(add_product(a, b, normal));
    case RandomOp::bernoulli:
      return double(u) < draw.a ? T(1) : T(0);
    case RandomOp::exponential:
      return math::exponential_from(u, a);
    case RandomOp::geometric:
      return math::geometric_from(u, T(draw.log_failure));
    case RandomOp::cauchy:
      return math::cauchy_from(u, a, b);
    case RandomOp::randint:
      break;  // not a real draw
  }
  return T(0);
}

// Elements of one block, in T: float (four elements), double or int64 (two).
template <class T>
constexpr int kPerBlock = sizeof(T) == 4 ? 4 : 2;

template <class T>
__device__ __forceinline__ void draw_block(const Draw& draw, uint64_t block,
                                           T (&values)[kPerBlock<T>]) {
  const math::PhiloxBlock bits = math::philox(draw.seed, draw.offset, block);
  const bool normal = draw.op == RandomOp::normal || draw.op == RandomOp::log_normal;
  if constexpr (std::is_same_v<T, int64_t>) {
    values[0] = int64_t(uint64_t(draw.low) + math::integer_below(bits.low(), draw.range));
    values[1] = int64_t(uint64_t(draw.low) + math::integer_below(bits.high(), draw.range));
  } else if constexpr (std::is_same_v<T, double>) {
#pragma unroll
    for (int l = 0; l < 2; ++l) {
      values[l] =
          real_value<double>(draw, math::uniform_from(l ? bits.high() : bits.low()),
                             normal ? math::normal_from(bits.low(), bits.high(), l != 0) : 0.0);
    }
  } else {
#pragma unroll
    for (int l = 0; l < 4; ++l) {
      values[l] = real_value<float>(
          draw, math::uniform_from(bits.w[l] & draw.mask),
          normal ? math::normal_from(bits.w[l & 2], bits.w[(l & 2) + 1], (l & 1) != 0) : 0.0f);
    }
  }
}

// `first`: the row-major position of the nest's element 0 in the draw. Work is divided by Philox
// blocks, of which the first and the last may belong to the nest in part only.
template <class T>
__global__ void __launch_bounds__(kThreads) random_kernel(Nest<1> nest, int64_t first, Draw draw) {
  constexpr int kPer = kPerBlock<T>;
  const int64_t begin = first / kPer, end = (first + nest.numel + kPer - 1) / kPer;
  const int64_t threads = int64_t(gridDim.x) * blockDim.x;
  const bool groups = kPer == kGroup && nest.vectors && first % kPer == 0;
  for (int64_t j = begin + int64_t(blockIdx.x) * blockDim.x + threadIdx.x; j < end; j += threads) {
    T values[kPer];
    draw_block<T>(draw, uint64_t(j), values);
    const int64_t at = j * kPer - first;
    if constexpr (kPer == kGroup) {
      if (groups && at + kPer <= int64_t(nest.numel)) {
        store_any_group(nest.dtypes[0], nest.data[0], uint32_t(j - begin), values);
        continue;
      }
    }
#pragma unroll
    for (int l = 0; l < kPer; ++l) {
      if (at + l < 0 || at + l >= int64_t(nest.numel)) continue;
      int32_t offset[1];
      nest.offsets(uint32_t(at + l), offset);
      store_any(nest.dtypes[0], nest.data[0] + offset[0], values[l]);
    }
  }
}

template <class T>
void run(const View& out, const Draw& draw) {
  const View* views[] = {&out};
  for_each_part(views, Order::row_major, [&](const Nest<1>& nest, int64_t first) {
    const unsigned grid = grid_for(nest.numel / kPerBlock<T> + 2, kThreads);
    PG_LAUNCH_INDEPENDENT(random_kernel<T>, grid, kThreads, 0, current_stream(), nest, first, draw);
  });
}

// u < p, as whole numbers: u is (word >> 8) 2^-24.
template <class T>
__device__ __forceinline__ T drop(T x, uint32_t word, double limit, T scale) {
  return double(int32_t(word >> 8)) < limit ? T(0) : x * scale;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    dropout_kernel(Nest<2> nest, int64_t first, uint64_t seed, uint64_t offset, double limit,
                   T scale) {
  const int64_t begin = first / kGroup, end = (first + nest.numel + kGroup - 1) / kGroup;
  const int64_t threads = int64_t(gridDim.x) * blockDim.x;
  const bool groups = nest.vectors && !nest.fixed[1] && first % kGroup == 0;
  for (int64_t j = begin + int64_t(blockIdx.x) * blockDim.x + threadIdx.x; j < end; j += threads) {
    const math::PhiloxBlock bits = math::philox(seed, offset, uint64_t(j));
    const int64_t at = j * kGroup - first;
    if (groups && at + kGroup <= int64_t(nest.numel)) {
      T x[kGroup];
      load_group<T>(nest.dtypes[1], nest.data[1], uint32_t(j - begin), x);
#pragma unroll
      for (int l = 0; l < kGroup; ++l) x[l] = drop(x[l], bits.w[l], limit, scale);
      store_group<T>(nest.dtypes[0], nest.data[0], uint32_t(j - begin), x);
      continue;
    }
#pragma unroll
    for (int l = 0; l < kGroup; ++l) {
      if (at + l < 0 || at + l >= int64_t(nest.numel)) continue;
      int32_t offsets[2];
      nest.offsets(uint32_t(at + l), offsets);
      const T x = load_element<T>(nest.dtypes[1], nest.data[1] + offsets[1]);
      store_element<T>(nest.dtypes[0], nest.data[0] + offsets[0], drop(x, bits.w[l], limit, scale));
    }
  }
}

template <class T>
void run_dropout(const View& out, const View& in, double p, uint64_t seed, uint64_t offset) {
  const View* views[] = {&out, &in};
  const double scale = p < 1 ? 1 / (1 - p) : 0;
  for_each_part(views, Order::row_major, [&](const Nest<2>& nest, int64_t first) {
    const unsigned grid = grid_for(nest.numel / kGroup + 2, kThreads);
    PG_LAUNCH_INDEPENDENT(dropout_kernel<T>, grid, kThreads, 0, current_stream(), nest, first, seed,
                          offset, p * 0x1p24, T(scale));
  });
}

}  // namespace

void random(RandomOp op, const View& out, uint64_t seed, uint64_t offset, Scalar a, Scalar b) {
  const bool yes_or_no = op == RandomOp::bernoulli, integers = op == RandomOp::randint;
  if (!integers && !yes_or_no && op != RandomOp::geometric && !is_floating(out.dtype)) {
    unsupported("random", out.dtype);
  }
  Draw draw = {
      op, seed, offset, a.to_double(), b.to_double(), 0, 0, 0, math::uniform_mask<float>()};
  if (op == RandomOp::geometric) draw.log_failure = std::log1p(-draw.a);
  if (op == RandomOp::uniform && out.dtype == DType::Float16) {
    draw.mask = math::uniform_mask<Half>();
  }
  if (op == RandomOp::uniform && out.dtype == DType::BFloat16) {
    draw.mask = math::uniform_mask<BFloat16>();
  }
  if (integers) {
    draw.low = a.to_int();
    draw.range = uint64_t(b.to_int());
    run<int64_t>(out, draw);
  } else if (out.dtype == DType::Float64 && !yes_or_no) {
    run<double>(out, draw);
  } else {
    run<float>(out, draw);
  }
}

void dropout(const View& out, const View& in, double p, uint64_t seed, uint64_t offset) {
  if (!is_floating(in.dtype)) unsupported("dropout", in.dtype);
  if (in.dtype == DType::Float64) {
    run_dropout<double>(out, in, p, seed, offset);
  } else {
    run_dropout<float>(out, in, p, seed, offset);
  }
}

}  // namespace pygrad::cuda
