// The table of the CUDA kernels: constants only, so no initialisation order can matter.
// kernels/cpu/common/isa.cpp puts it into kernels::tables.
#include "kernels/cuda/kernels_decl.h"

namespace pygrad::cuda {

extern const KernelTable table;
constinit const KernelTable table = {
#define PG_TABLE_SLOT(name, args) &cuda::name,
    PG_KERNELS(PG_TABLE_SLOT)
#undef PG_TABLE_SLOT
        & cuda::find_out_of_range,
    &cuda::count_nonzero_total,
};

}  // namespace pygrad::cuda
