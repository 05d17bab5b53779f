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
  bool os_saves_ymm = false;  ///< OSXSAVE is on and XCR0 has SSE and AVX state
  bool os_saves_zmm = false;  ///< ... and opmask, ZMM0-15 high halves, ZMM16-31
};

/// Of the processor that runs this.
CpuFeatures detect_cpu_features();

/// What `isa` needs and `features` lacks, "AVX512F, AVX512BW"; empty where it can run.
std::string missing_features(Isa isa, const CpuFeatures& features);

}  // namespace retort
