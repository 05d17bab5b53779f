// Where each instruction set's kernels enter the table. One function per source file, and the only symbol that the
// file gives to the linker (scripts/check_isa_symbols.sh checks it).
#pragma once

#include "kernels/kernels.h"

namespace retort {

void fill_ref(KernelTable& table);

}  // namespace retort
