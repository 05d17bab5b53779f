// Integer products of packed weights.
#include "kernels/avx2/int8.h"
// (int8.h first: what follows is written in its terms)
#include "kernels/simd/quantize.h"
#include "kernels/simd/packed.h"
#include "kernels/tables.h"

namespace retort {

void fill_avx2_packed(KernelTable& table) { set_packed(table); }

}  // namespace retort
