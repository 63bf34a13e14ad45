// The table of this instruction set's kernels: constants only, so no initialisation order can
// matter.
#include "kernels/cpu/kernels_decl.h"

namespace pygrad::cpu::PG_ISA_NS {

extern const KernelTable table;
constinit const KernelTable table = {
#define PG_TABLE_SLOT(name, args) &PG_ISA_NS::name,
    PG_KERNELS(PG_TABLE_SLOT)
#undef PG_TABLE_SLOT
        & PG_ISA_NS::find_out_of_range,
    &PG_ISA_NS::count_nonzero_total,
};

}  // namespace pygrad::cpu::PG_ISA_NS
