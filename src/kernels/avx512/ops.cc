// Kernels on activations.
#include "kernels/avx512/vec.h"
// (vec.h first: what follows is written in its terms)
#include "kernels/simd/attention.h"
#include "kernels/simd/ops.h"
#include "kernels/tables.h"

namespace retort {

void fill_avx512_ops(KernelTable& table) {
  table.rms_norm = rms_norm;
  table.rope = rope;
  table.silu_mul = silu_mul;
  table.add = add;
  table.axpy = axpy;
  table.attention_block = attention_block;
  table.argmax = argmax;
  table.log_sum_exp = log_sum_exp;
}

}  // namespace retort
