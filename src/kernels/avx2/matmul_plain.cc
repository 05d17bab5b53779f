// Weights stored as plain numbers.
#include "kernels/avx2/vec.h"
// (vec.h first: what follows is written in its terms)
#include "kernels/simd/matmul.h"
#include "kernels/simd/unpack_plain.h"
#include "kernels/tables.h"

namespace retort {

void fill_avx2_plain(KernelTable& table) {
  set_format<PlainF32>(table, DType::kF32);
  set_format<PlainF16>(table, DType::kF16);
  set_format<PlainBF16>(table, DType::kBF16);
  set_format<PlainF8E4M3>(table, DType::kF8E4M3);
  set_format<PlainI8>(table, DType::kI8);
}

}  // namespace retort
