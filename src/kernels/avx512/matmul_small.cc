// Weights in GGUF blocks of 32.
#include "kernels/avx512/vec.h"
// (vec.h first: what follows is written in its terms)
#include "kernels/simd/matmul.h"
#include "kernels/simd/unpack_small.h"
#include "kernels/tables.h"

namespace retort {

void fill_avx512_small(KernelTable& table) {
  set_format<Q4_0>(table, DType::kQ4_0);
  set_format<Q4_1>(table, DType::kQ4_1);
  set_format<Q5_0>(table, DType::kQ5_0);
  set_format<Q5_1>(table, DType::kQ5_1);
  set_format<Q8_0>(table, DType::kQ8_0);
  set_format<IQ4_NL>(table, DType::kIQ4_NL);
}

}  // namespace retort
