// The choice of the instruction set, the kernel tables, and what a kernel does with a dtype it
// cannot handle.
//
// tables[] starts with the baseline table by constant initialisation, so kernels work in any static
// initialiser; a better table is put in when this file's own initialiser runs. Reading the table
// takes no lock: it is one aligned pointer.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/kernels.h"

namespace pygrad {

namespace cpu {
namespace baseline {
extern const KernelTable table;
}
#ifdef PG_X86_ISAS
namespace avx2 {
extern const KernelTable table;
}
namespace avx512 {
extern const KernelTable table;
}
#endif
}  // namespace cpu
#ifdef PYGRAD_WITH_CUDA
namespace cuda {
extern const KernelTable table;  // kernels/cuda/table.cpp
}
#endif

namespace kernels {
#ifdef PYGRAD_WITH_CUDA
constinit const KernelTable* tables[2] = {&cpu::baseline::table, &cuda::table};
#else
constinit const KernelTable* tables[2] = {&cpu::baseline::table, nullptr};
#endif
}  // namespace kernels

namespace {

struct Isa {
  const char* name;
  const KernelTable* table;
  bool (*supported)();
};

// Best first. __builtin_cpu_supports also asks the operating system whether it saves the wide
// registers.
constexpr Isa kIsas[] = {
#ifdef PG_X86_ISAS
    {"avx512", &cpu::avx512::table,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512cd") && kIsas[1].supported();
     }},
    {"avx2", &cpu::avx2::table,
     [] {
       // Every processor with AVX2 and FMA also has F16C, LZCNT and BMI.
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
              __builtin_cpu_supports("popcnt");
     }},
#endif
    {"baseline", &cpu::baseline::table, [] { return true; }},
};

struct ChooseAtStart {
  ChooseAtStart() {
#ifdef PG_X86_ISAS
    __builtin_cpu_init();
#endif
    const char* forced = std::getenv("PYGRAD_ISA");
    if (forced && *forced) {
      if (set_isa(forced)) return;
      std::fprintf(stderr,
                   "pygrad: PYGRAD_ISA=%s is not available on this processor or in this build; "
                   "the best available instruction set is used\n",
                   forced);
    }
    for (const Isa& isa : kIsas) {
      if (set_isa(isa.name)) return;
    }
  }
} choose_at_start;

std::atomic<UnsupportedHandler> unsupported_handler{nullptr};

}  // namespace

const KernelTable& cpu_kernels() { return *kernels::tables[int(DeviceType::cpu)]; }

const char* isa_name() {
  for (const Isa& isa : kIsas) {
    if (isa.table == kernels::tables[int(DeviceType::cpu)]) return isa.name;
  }
  return "baseline";
}

bool set_isa(const char* name) {
  for (const Isa& isa : kIsas) {
    if (std::strcmp(isa.name, name) == 0 && isa.supported()) {
      kernels::tables[int(DeviceType::cpu)] = isa.table;
      return true;
    }
  }
  return false;
}

int available_isas(const char** names, int capacity) {
  int count = 0;
  for (const Isa& isa : kIsas) {
    if (!isa.supported()) continue;
    if (count < capacity) names[count] = isa.name;
    ++count;
  }
  return count;
}

void set_unsupported_handler(UnsupportedHandler handler) { unsupported_handler.store(handler); }

void unsupported_on(const char* device, const char* kernel, DType dtype) {
  if (const UnsupportedHandler handler = unsupported_handler.load()) handler(kernel, device, dtype);
  // Reached only by a program that uses kernels/ without installing a handler.
  std::fprintf(stderr, "pygrad: %s has no CPU kernel for %s\n", kernel, dtype_name(dtype));
  std::abort();
}

#ifndef PYGRAD_WITH_CUDA
const CudaRuntime* cuda_runtime() { return nullptr; }
#endif

}  // namespace pygrad
