// addcmul, addcdiv, lerp; where; clamp.
//
// Parallel and memory plan: the block driver of blocks.h. where moves elements by their size alone;
// clamp and the ternary ops have one loop per compute type.
#include "kernels/cpu/pointwise.h"
#include "kernels/math/binary.h"

namespace pygrad::cpu::PG_ISA_NS {
namespace {

template <class Op, class T>
void ternary_loop(char* const* p, int64_t n, const void* params) {
  T* out = as<T>(p[0]);
  const T* a = as<T>(p[1]);
  const T* b = as<T>(p[2]);
  const T* c = as<T>(p[3]);
  const T s = static_cast<const Scalar*>(params)->to<T>();
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], b[i], c[i], s);
}

constexpr LoopSet kLoops[] = {
    {ternary_loop<math::addcmul_op, int64_t>, ternary_loop<math::addcmul_op, float>,
     ternary_loop<math::addcmul_op, double>, ternary_loop<math::addcmul_op, Complex128>},
    {nullptr, ternary_loop<math::addcdiv_op, float>, ternary_loop<math::addcdiv_op, double>,
     ternary_loop<math::addcdiv_op, Complex128>},
    {nullptr, ternary_loop<math::lerp_op, float>, ternary_loop<math::lerp_op, double>,
     ternary_loop<math::lerp_op, Complex128>},
};
#define PG_NAME(name) #name,
constexpr const char* kNames[] = {PG_TERNARY_OPS(PG_NAME)};
#undef PG_NAME

template <class Word>
void where_loop(char* const* p, int64_t n, const void*) {
  Word* out = as<Word>(p[0]);
  const uint8_t* condition = as<uint8_t>(p[1]);
  const Word* a = as<Word>(p[2]);
  const Word* b = as<Word>(p[3]);
  int64_t i = 0;
#if defined(__AVX512F__)
  if constexpr (sizeof(Word) == 4 || sizeof(Word) == 8) {
    // Both sides are loaded before one is chosen: as masked loads, which the compiler makes of
    // them, they would wait for the condition's cache line before asking for their own.
    for (; i + kLanes<Word> <= n; i += kLanes<Word>) {
      __m128i c = _mm_setzero_si128();
      memcpy(&c, condition + i, kLanes<Word>);
      Vec<Word> x = load(a + i), y = load(b + i);
      asm("" : "+v"(x), "+v"(y));
      const __mmask16 chosen = _mm_test_epi8_mask(c, c);
      if constexpr (sizeof(Word) == 4) {
        x = (Vec<Word>)_mm512_mask_blend_epi32(chosen, (__m512i)y, (__m512i)x);
      } else {
        x = (Vec<Word>)_mm512_mask_blend_epi64(__mmask8(chosen), (__m512i)y, (__m512i)x);
      }
      store(out + i, x);
    }
  }
#endif
#pragma GCC ivdep
  for (; i < n; ++i) {
    const Word x = a[i], y = b[i];
    out[i] = condition[i] ? x : y;
  }
}

struct Bounds {
  Scalar low, high;
  bool has_low, has_high;
};
// A missing bound is a comparison that never holds. NaN bounds make every result NaN.
template <class T>
void clamp_loop(char* const* p, int64_t n, const void* params) {
  const Bounds& bounds = *static_cast<const Bounds*>(params);
  T* out = as<T>(p[0]);
  const T* in = as<T>(p[1]);
  const T low = bounds.low.to<T>(), high = bounds.high.to<T>();
  const bool low_nan = bounds.has_low && low != low, high_nan = bounds.has_high && high != high;
  if (low_nan || high_nan) {
    for (int64_t i = 0; i < n; ++i) out[i] = low_nan ? low : high;
  } else if (bounds.has_low && bounds.has_high) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const T x = in[i] < low ? low : in[i];
      out[i] = x > high ? high : x;
    }
  } else if (bounds.has_low) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = in[i] < low ? low : in[i];
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = in[i] > high ? high : in[i];
  }
}

}  // namespace

void ternary(TernaryOp op, const View& out, const View& a, const View& b, const View& c, Scalar s) {
  const DType compute = compute_dtype(a.dtype);
  const BlockLoop loop = pick(kLoops[int(op)], compute);
  if (!loop) unsupported(kNames[int(op)], a.dtype);
  const BlockOperand operands[] = {{&out, compute}, {&a, compute}, {&b, compute}, {&c, compute}};
  run_blocks(operands, 4, loop, &s, 2);
}

void where(const View& out, const View& condition, const View& a, const View& b) {
  BlockLoop loop;
  switch (item_size(out.dtype)) {
    case 1:
      loop = where_loop<uint8_t>;
      break;
    case 2:
      loop = where_loop<uint16_t>;
      break;
    case 4:
      loop = where_loop<uint32_t>;
      break;
    case 8:
      loop = where_loop<uint64_t>;
      break;
    default:
      loop = where_loop<Complex128>;
      break;
  }
  const BlockOperand operands[] = {
      {&out, out.dtype}, {&condition, DType::Bool}, {&a, out.dtype}, {&b, out.dtype}};
  run_blocks(operands, 4, loop, nullptr, 1);
}

void clamp(const View& out, const View& in, Scalar low, bool has_low, Scalar high, bool has_high) {
  const DType compute = compute_dtype(in.dtype);
  constexpr LoopSet loops = {clamp_loop<int64_t>, clamp_loop<float>, clamp_loop<double>, nullptr};
  const BlockLoop loop = pick(loops, compute);
  if (!loop) unsupported("clamp", in.dtype);
  const Bounds bounds = {low, high, has_low, has_high};
  const BlockOperand operands[] = {{&out, compute}, {&in, compute}};
  run_blocks(operands, 2, loop, &bounds, 1);
}

}  // namespace pygrad::cpu::PG_ISA_NS
