// What the processor has and the operating system saves: CPUID and XCR0.
#pragma once

#include <string>

#include "kernels/kernels.h"

namespace retort {

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool avx512vnni = false;
  bool avx512vbmi = false;
  bool avx512bf16 = false;
  bool amx_tile = false;
  bool amx_bf16 = false;
  bool amx_int8 = false;
  bool os_saves_ymm = false;     ///< OSXSAVE is on and XCR0 has SSE and AVX state
  bool os_saves_zmm = false;     ///< ... and opmask, ZMM0-15 high halves, ZMM16-31
  bool os_grants_tiles = false;  ///< XCR0 has the tiles' state, and Linux has let this process use it
};

/// Of the processor that runs this. Where it has tiles, asks Linux to let this process and the threads that it starts
/// use them (arch_prctl ARCH_REQ_XCOMP_PERM): so it comes before other threads.
CpuFeatures detect_cpu_features();

/// What `isa` needs and `features` lacks, "AVX512F, AVX512BW"; empty where it can run.
std::string missing_features(Isa isa, const CpuFeatures& features);

}  // namespace retort
