// Weights in GGUF super-blocks of 256.
#include "kernels/avx2/vec.h"
// (vec.h first: what follows is written in its terms)
#include "kernels/simd/matmul.h"
#include "kernels/simd/unpack_super.h"
#include "kernels/tables.h"

namespace retort {

void fill_avx2_super(KernelTable& table) {
  set_format<Q2_K>(table, DType::kQ2_K);
  set_format<Q3_K>(table, DType::kQ3_K);
  set_format<Q4_K>(table, DType::kQ4_K);
  set_format<Q5_K>(table, DType::kQ5_K);
  set_format<Q6_K>(table, DType::kQ6_K);
  set_format<IQ4_XS>(table, DType::kIQ4_XS);
}

}  // namespace retort
