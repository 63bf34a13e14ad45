// Declarations of every CUDA kernel's host function: the signatures of PG_KERNELS.
#pragma once

#define PG_KERNEL_DEVICE "cuda"  // what unsupported() names; before kernels.h

#include "kernels/kernels.h"

namespace pygrad::cuda {

#define PG_DECLARE_KERNEL(name, args) void name args;
PG_KERNELS(PG_DECLARE_KERNEL)
#undef PG_DECLARE_KERNEL
int64_t find_out_of_range(const View& index, int64_t low, int64_t high);
int64_t count_nonzero_total(const View& in);

}  // namespace pygrad::cuda
