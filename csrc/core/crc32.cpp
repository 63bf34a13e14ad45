// Folding, after Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction" (Intel, 2009). The message is a polynomial over GF(2), and its CRC the remainder of
// a division by P. A block of 128 bits that stands D bits before another may be added to that one
// once it is multiplied by x^D, and the factor may be reduced modulo P first. So four blocks run
// over the message in strides of 512 bits, then become one, whose 16 bytes and the rest go through
// a table.
//
// Bits are reflected: bit 0 of a word is its highest power. The product of two reflected 64-bit
// words stands one bit too low in 128, hence the exponents less by one below.
#include "csrc/core/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pygrad {
namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;  // P without x^32, reflected

constexpr uint32_t times_x(uint32_t r) { return (r >> 1) ^ (r & 1 ? kPolynomial : 0); }

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t r = byte;
    for (int bit = 0; bit < 8; ++bit) r = times_x(r);
    table[byte] = r;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

uint32_t by_table(uint32_t state, const unsigned char* p, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) state = (state >> 8) ^ kTable[(state ^ p[i]) & 0xFF];
  return state;
}

#if defined(__x86_64__)

// x^n modulo P, as the upper half of a reflected 64-bit word.
constexpr uint64_t power_of_x(int n) {
  uint32_t r = 0x80000000;
  for (int i = 0; i < n; ++i) r = times_x(r);
  return uint64_t(r) << 32;
}

#define PG_CLMUL __attribute__((target("pclmul,sse4.1")))

// Moves `block` forward by the distance that `factors` stand for and adds `next`.
PG_CLMUL inline __m128i fold(__m128i block, __m128i factors, __m128i next) {
  const __m128i upper = _mm_clmulepi64_si128(block, factors, 0x00);  // the first 8 bytes
  const __m128i lower = _mm_clmulepi64_si128(block, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(upper, lower), next);
}

PG_CLMUL inline __m128i load(const unsigned char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

PG_CLMUL inline __m128i factors_for(uint64_t upper, uint64_t lower) {
  return _mm_set_epi64x(int64_t(lower), int64_t(upper));
}

PG_CLMUL uint32_t by_folding(uint32_t state, const unsigned char* p, size_t bytes) {
  constexpr uint64_t kUpper512 = power_of_x(512 + 63), kLower512 = power_of_x(512 - 1);
  constexpr uint64_t kUpper128 = power_of_x(128 + 63), kLower128 = power_of_x(128 - 1);
  const unsigned char* end = p + bytes;
  __m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128(int(state)));
  __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
  const __m128i by512 = factors_for(kUpper512, kLower512);
  for (p += 64; end - p >= 64; p += 64) {
    a = fold(a, by512, load(p));
    b = fold(b, by512, load(p + 16));
    c = fold(c, by512, load(p + 32));
    d = fold(d, by512, load(p + 48));
  }
  const __m128i by128 = factors_for(kUpper128, kLower128);
  a = fold(fold(fold(a, by128, b), by128, c), by128, d);
  unsigned char last[16];
  memcpy(last, &a, sizeof last);
  return by_table(by_table(0, last, sizeof last), p, size_t(end - p));
}

#endif

}  // namespace

bool has_crc32() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#else
  return false;
#endif
}

uint32_t crc32(uint32_t crc, const void* data, size_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  if (bytes >= 128 && has_crc32()) return ~by_folding(~crc, p, bytes);
#endif
  return ~by_table(~crc, p, bytes);
}

}  // namespace pygrad
