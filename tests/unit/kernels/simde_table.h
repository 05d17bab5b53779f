// The avx512 sources, compiled against SIMDe: the same code in portable form, for processors without AVX-512.
#pragma once

#include "kernels/kernels.h"

namespace retort::testing {

/// Null where SIMDe was not there at build time, or this processor lacks AVX2 (which the rest of those files uses).
const KernelTable* simde_table();

}  // namespace retort::testing
