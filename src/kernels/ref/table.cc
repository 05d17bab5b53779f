#include "kernels/ref/ref.h"
#include "kernels/tables.h"

namespace retort {

void fill_ref(KernelTable& table) {
  ref::fill_matmul(table);
  ref::fill_packed(table);
  ref::fill_ops(table);
  table.attention_block = ref::attention_block;
}

void fill_ref_tiles(KernelTable& table) {
  ref::fill_tiles(table);
  ref::fill_wide(table);
}

}  // namespace retort
