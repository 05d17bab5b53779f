#include "kernels/cpu_features.h"

#include <cpuid.h>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/dispatch.h"

namespace retort {
namespace {

bool bit(std::uint32_t word, int index) { return ((word >> index) & 1u) != 0; }

// XGETBV of register 0. Only to be called where CPUID says OSXSAVE: the instruction faults otherwise.
std::uint64_t read_xcr0() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

// Linux keeps room for the tiles' 8 KiB only in processes that ask for it.
bool ask_for_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures out;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return out;
  bool saves_tiles = false;
  out.fma = bit(c, 12);
  out.f16c = bit(c, 29);
  if (bit(c, 27)) {                             // OSXSAVE
    constexpr std::uint64_t kYmm = 0x06;        // bits 1 SSE, 2 AVX
    constexpr std::uint64_t kZmm = 0xe6;        // and bits 5 opmask, 6 ZMM_Hi256, 7 Hi16_ZMM
    constexpr std::uint64_t kTiles = 3u << 17;  // bits 17 XTILECFG, 18 XTILEDATA
    const std::uint64_t xcr0 = read_xcr0();
    out.os_saves_ymm = (xcr0 & kYmm) == kYmm;
    out.os_saves_zmm = (xcr0 & kZmm) == kZmm;
    saves_tiles = (xcr0 & kTiles) == kTiles;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return out;
  out.avx2 = bit(b, 5);
  out.avx512f = bit(b, 16);
  out.avx512dq = bit(b, 17);
  out.avx512bw = bit(b, 30);
  out.avx512vl = bit(b, 31);
  out.avx512vbmi = bit(c, 1);
  out.avx512vnni = bit(c, 11);
  out.amx_bf16 = bit(d, 22);
  out.amx_tile = bit(d, 24);
  out.amx_int8 = bit(d, 25);
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) out.avx512bf16 = bit(a, 5);
  out.os_grants_tiles = out.amx_tile && saves_tiles && ask_for_tiles();
  return out;
}

std::string missing_features(Isa isa, const CpuFeatures& features) {
  std::string out;
  const auto need = [&out](bool has, const char* name) {
    if (has) return;
    if (!out.empty()) out += ", ";
    out += name;
  };
  if (isa == Isa::kRef || isa == Isa::kRefAmx) return out;
  need(features.avx2, "AVX2");
  need(features.fma, "FMA");
  need(features.f16c, "F16C");
  need(features.os_saves_ymm, "an operating system that saves AVX state");
  if (isa == Isa::kAvx2) return out;
  need(features.avx512f, "AVX512F");
  need(features.avx512bw, "AVX512BW");
  need(features.avx512vl, "AVX512VL");
  need(features.avx512dq, "AVX512DQ");
  need(features.avx512vnni, "AVX512_VNNI");
  need(features.os_saves_zmm, "an operating system that saves AVX-512 state");
  if (isa == Isa::kAvx512) return out;
  need(features.avx512vbmi, "AVX512_VBMI");
  need(features.avx512bf16, "AVX512_BF16");
  need(features.amx_tile, "AMX-TILE");
  need(features.amx_bf16, "AMX-BF16");
  need(features.amx_int8, "AMX-INT8");
  need(features.os_grants_tiles, "an operating system that saves and grants AMX tiles");
  return out;
}

std::string cpu_name() {
  std::uint32_t words[12] = {};
  for (std::uint32_t leaf = 0; leaf < 3; ++leaf) {
    std::uint32_t* w = words + 4 * leaf;
    if (__get_cpuid(0x80000002u + leaf, &w[0], &w[1], &w[2], &w[3]) == 0) return "unknown processor";
  }
  std::string name;
  for (const std::uint32_t word : words) {
    for (int i = 0; i < 4; ++i) {
      const char c = static_cast<char>((word >> (8 * i)) & 0xffu);
      if (c == '\0') continue;
      if (c == ' ' && (name.empty() || name.back() == ' ')) continue;  // brand strings are padded
      name += c;
    }
  }
  while (!name.empty() && name.back() == ' ') name.pop_back();
  return name.empty() ? "unknown processor" : name;
}

}  // namespace retort
