#include "kernels/dispatch.h"

#include <array>
#include <cstdlib>

#include "kernels/cpu_features.h"
#include "kernels/tables.h"

namespace retort {
namespace {

constexpr std::array kBestFirst = {Isa::kAmx, Isa::kAvx512, Isa::kAvx2, Isa::kRef};
constexpr std::array kAll = {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAmx, Isa::kRefAmx};

KernelTable make_table(Isa isa) {
  KernelTable table{};
  table.isa = isa;
  switch (isa) {
    case Isa::kRef:
      table.name = "ref";
      fill_ref(table);
      break;
    case Isa::kAvx2:
      table.name = "avx2";
      fill_avx2_plain(table);
      fill_avx2_small(table);
      fill_avx2_super(table);
      fill_avx2_packed(table);
      fill_avx2_ops(table);
      break;
    case Isa::kRefAmx:
      table.name = "ref-amx";
      fill_ref(table);
      fill_ref_tiles(table);
      break;
    case Isa::kAvx512:
    case Isa::kAmx:
      table.name = isa == Isa::kAmx ? "amx" : "avx512";
      fill_avx512_plain(table);
      fill_avx512_small(table);
      fill_avx512_super(table);
      fill_avx512_packed(table);
      fill_avx512_ops(table);
      if (isa == Isa::kAvx512) break;
      fill_amx_matmul(table);
      fill_amx_attention(table);
      fill_amx_packed(table);
      fill_amx_wide(table);
      break;
  }
  return table;
}

// Filling a table runs code compiled for its ISA: only after the processor has been found to have it.
const KernelTable& table_of(Isa isa) {
  if (isa == Isa::kAmx) {
    static const KernelTable amx = make_table(Isa::kAmx);
    return amx;
  }
  if (isa == Isa::kAvx512) {
    static const KernelTable avx512 = make_table(Isa::kAvx512);
    return avx512;
  }
  if (isa == Isa::kAvx2) {
    static const KernelTable avx2 = make_table(Isa::kAvx2);
    return avx2;
  }
  if (isa == Isa::kRefAmx) {
    static const KernelTable ref_amx = make_table(Isa::kRefAmx);
    return ref_amx;
  }
  static const KernelTable ref = make_table(Isa::kRef);
  return ref;
}

std::string list_of(const std::vector<Isa>& isas) {
  std::string out;
  for (const Isa isa : isas) {
    if (!out.empty()) out += ", ";
    out += to_string(isa);
  }
  return out;
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kRef:
      return "ref";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
    case Isa::kRefAmx:
      return "ref-amx";
  }
  return "?";
}

std::vector<Isa> available_isas() {
  const CpuFeatures features = detect_cpu_features();
  std::vector<Isa> out;
  for (const Isa isa : kBestFirst) {
    if (missing_features(isa, features).empty()) out.push_back(isa);
  }
  return out;
}

Expected<const KernelTable*> kernel_table(Isa isa) {
  const std::string missing = missing_features(isa, detect_cpu_features());
  if (!missing.empty()) {
    return fail(ErrorCode::kUnsupported, "kernels '{}': this processor ({}) lacks {}; it can run: {}", to_string(isa),
                cpu_name(), missing, list_of(available_isas()));
  }
  return &table_of(isa);
}

Expected<const KernelTable*> default_kernel_table() {
  const char* forced = std::getenv("RETORT_ISA");
  if (forced == nullptr || *forced == '\0') return kernel_table(available_isas().front());
  for (const Isa isa : kAll) {
    if (forced == to_string(isa)) {
      auto table = kernel_table(isa);
      if (!table) return fail(std::move(table).error().within("RETORT_ISA"));
      return table;
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              "RETORT_ISA is '{}' but must be one of ref, avx2, avx512, amx, ref-amx; unset it to use '{}'", forced,
              to_string(available_isas().front()));
}

}  // namespace retort
