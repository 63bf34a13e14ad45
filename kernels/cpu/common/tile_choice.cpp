// What the processor offers for matrix products beyond the instruction set of its table, and what
// the user allows.
//
// AMX needs three consents: the processor's (cpuid), the system's saving of the tile registers
// (xgetbv), and the kernel's leave for this process (arch_prctl). The last is asked for only when
// the first product wants tiles, since it makes every signal frame of the process larger.
#include "kernels/cpu/common/tile_choice.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/kernels.h"

#ifdef PG_X86_ISAS
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace pygrad {
namespace {

using cpu::TileUnit;

struct Features {
  bool avx512_bf16 = false, avx512_vnni = false, amx = false;
};

#ifdef PG_X86_ISAS
bool amx_permitted() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kAmx = 1u << 22 | 1u << 24 | 1u << 25;  // bf16, tile, int8
  if ((d & kAmx) != kAmx) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return false;  // xgetbv
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileState = 1u << 17 | 1u << 18;
  if ((low & kTileState) != kTileState) return false;
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Features detect() {
  Features f;
  unsigned a, b, c, d;
  if (__builtin_cpu_supports("avx512bw") && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    f.avx512_vnni = c & 1u << 11;
    f.amx = amx_permitted();
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) f.avx512_bf16 = a & 1u << 5;
  }
  return f;
}
#else
Features detect() { return {}; }
#endif

const Features& features() {
  static const Features found = detect();
  return found;
}

constexpr const char* kUnits[] = {"none", "emulated", "avx512", "amx", "auto"};
constexpr int kAuto = 4;

bool available(int unit) {
  if (unit == int(TileUnit::amx)) return features().amx;
  if (unit == int(TileUnit::dot)) return features().avx512_bf16 || features().avx512_vnni;
  return true;
}

std::atomic<int> wanted{kAuto};
std::atomic<bool> split_allowed{true};
std::atomic<int> precision{0};

struct ReadEnvironment {
  ReadEnvironment() {
#ifdef PG_X86_ISAS
    __builtin_cpu_init();
#endif
    const char* unit = std::getenv("PYGRAD_TILE_UNIT");
    if (unit && *unit && !set_tile_unit(unit))
      std::fprintf(stderr,
                   "pygrad: PYGRAD_TILE_UNIT=%s is not available on this processor; expected "
                   "auto, none, emulated, avx512 or amx. auto is used\n",
                   unit);
    const char* split = std::getenv("PYGRAD_FLOAT32_SPLIT");
    if (split && std::strcmp(split, "0") == 0) split_allowed = false;
  }
} read_environment;

}  // namespace

namespace cpu {

TileChoice tile_choice(bool wide) {
  TileChoice choice{TileUnit::none, TileUnit::none, split_allowed.load(),
                    uint8_t(precision.load())};
  const int unit = wanted.load();
  if (unit != kAuto) {
    if (wide || unit == int(TileUnit::emulated)) choice.bf16 = choice.int8 = TileUnit(unit);
  } else if (wide) {
    choice.bf16 = choice.int8 = features().amx ? TileUnit::amx : TileUnit::dot;
  }
  if (choice.bf16 == TileUnit::dot && !features().avx512_bf16) choice.bf16 = TileUnit::none;
  if (choice.int8 == TileUnit::dot && !features().avx512_vnni) choice.int8 = TileUnit::none;
  return choice;
}

bool tile_unit_forced() {
  const int unit = wanted.load(std::memory_order_relaxed);
  return unit != kAuto && unit != int(TileUnit::none);
}

}  // namespace cpu

const char* tile_unit() {
  const bool wide = std::strcmp(isa_name(), "avx512") == 0;
  return kUnits[int(cpu::tile_choice(wide).bf16)];
}

bool set_tile_unit(const char* name) {
  for (int unit = 0; unit <= kAuto; ++unit) {
    if (std::strcmp(name, kUnits[unit]) == 0 && available(unit)) {
      wanted = unit;
      return true;
    }
  }
  return false;
}

Float32Precision float32_precision() { return Float32Precision(precision.load()); }
void set_float32_precision(Float32Precision p) { precision = int(p); }
bool float32_split_allowed() { return split_allowed; }
void set_float32_split_allowed(bool allowed) { split_allowed = allowed; }

}  // namespace pygrad
