// Where each instruction set's kernels enter the table. One function per source file, and the only symbol that the
// files of avx2/, avx512/ and amx/ give to the linker: an inline function of theirs could be the copy that the linker
// keeps for the whole program, and die of SIGILL elsewhere. scripts/check_isa_symbols.sh checks it.
#pragma once

#include "kernels/kernels.h"

namespace retort {

void fill_ref(KernelTable& table);
void fill_ref_tiles(KernelTable& table);

void fill_avx2_plain(KernelTable& table);
void fill_avx2_small(KernelTable& table);
void fill_avx2_super(KernelTable& table);
void fill_avx2_packed(KernelTable& table);
void fill_avx2_ops(KernelTable& table);

void fill_avx512_plain(KernelTable& table);
void fill_avx512_small(KernelTable& table);
void fill_avx512_super(KernelTable& table);
void fill_avx512_packed(KernelTable& table);
void fill_avx512_ops(KernelTable& table);

void fill_amx_matmul(KernelTable& table);
void fill_amx_attention(KernelTable& table);
void fill_amx_packed(KernelTable& table);
void fill_amx_wide(KernelTable& table);

}  // namespace retort
