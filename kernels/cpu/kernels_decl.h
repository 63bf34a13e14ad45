// Declarations of every CPU kernel, inside the namespace of the instruction set being compiled.
#pragma once

#include "kernels/kernels.h"

#ifndef PG_ISA_NS
#error "files of kernels/cpu/ are compiled with -DPG_ISA_NS=baseline, avx2 or avx512"
#endif

namespace pygrad::cpu::PG_ISA_NS {

#define PG_DECLARE_KERNEL(name, args) void name args;
PG_KERNELS(PG_DECLARE_KERNEL)
#undef PG_DECLARE_KERNEL
int64_t find_out_of_range(const View& index, int64_t low, int64_t high);
int64_t count_nonzero_total(const View& in);

}  // namespace pygrad::cpu::PG_ISA_NS
