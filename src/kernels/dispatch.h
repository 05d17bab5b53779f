// Chooses the kernel table: the best that the processor has, or the one that is asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "kernels/kernels.h"

namespace retort {

/// "ref", "avx2", "avx512", "amx", "ref-amx"
std::string_view to_string(Isa isa);

/// Those that this processor and operating system can run (CPUID and XCR0), best first; kRef is always last. kRefAmx
/// can always run, but is no choice for speed: it is not among them.
std::vector<Isa> available_isas();

/// The table, or kUnsupported naming what the processor lacks. Never falls back.
Expected<const KernelTable*> kernel_table(Isa isa);

/// RETORT_ISA=ref|avx2|avx512|amx|ref-amx where it is set (an unknown or unavailable one is an error), else the best
/// available.
Expected<const KernelTable*> default_kernel_table();

/// The processor's name as it gives it, for results: "AMD EPYC 9B45".
std::string cpu_name();

}  // namespace retort
