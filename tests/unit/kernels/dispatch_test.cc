// Which table is chosen, and how a forced one that cannot run is refused.
#include "kernels/dispatch.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "kernels/cpu_features.h"

namespace retort {
namespace {

/// Sets RETORT_ISA for the time of one test.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* value) {
    if (const char* old = std::getenv("RETORT_ISA")) old_ = old;
    setenv("RETORT_ISA", value, 1);
  }
  ~ForcedIsa() {
    if (old_.empty()) {
      unsetenv("RETORT_ISA");
    } else {
      setenv("RETORT_ISA", old_.c_str(), 1);
    }
  }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::string old_;
};

CpuFeatures everything() {
  return {true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true};
}

TEST(Dispatch, RefIsAlwaysThereAndLast) {
  const std::vector<Isa> isas = available_isas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.back(), Isa::kRef);
}

TEST(Dispatch, EveryTableIsComplete) {
  std::vector<Isa> isas = available_isas();
  isas.push_back(Isa::kRefAmx);
  for (const Isa isa : isas) {
    const auto table = kernel_table(isa);
    ASSERT_TRUE(table) << table.error().message();
    const KernelTable& t = **table;
    EXPECT_EQ(t.isa, isa);
    EXPECT_EQ(t.name, to_string(isa));
    for (std::size_t i = 0; i < kDTypeCount; ++i) {
      const auto dtype = static_cast<DType>(i);
      const bool weights = is_block_quantized(dtype) || dtype == DType::kF32 || dtype == DType::kF16 ||
                           dtype == DType::kBF16 || dtype == DType::kF8E4M3 || dtype == DType::kI8;
      EXPECT_EQ(t.dequantize[i] != nullptr, weights) << t.name << " " << to_string(dtype);
      EXPECT_EQ(t.matmul[i] != nullptr, weights) << t.name << " " << to_string(dtype);
    }
    for (const PackedMatmulFn packed : t.packed_matmul) EXPECT_NE(packed, nullptr) << t.name;
    const bool tiles = isa == Isa::kAmx || isa == Isa::kRefAmx;
    EXPECT_EQ(t.has_prompt_recipe(), tiles) << t.name;
    EXPECT_EQ(t.tile_attention != nullptr, tiles) << t.name;
    for (const TileMatmulFn product : t.tile_matmul) EXPECT_EQ(product != nullptr, tiles) << t.name;
    for (const TileGatedFn gated : t.tile_gated) EXPECT_EQ(gated != nullptr, isa == Isa::kAmx) << t.name;
    EXPECT_EQ(t.wide_rows != nullptr, tiles) << t.name;
    for (std::size_t i = 0; i < kPackedFormatCount; ++i) {
      EXPECT_EQ(t.wide_matmul[i] != nullptr, tiles && is_wide(static_cast<PackedFormat>(i))) << t.name << " " << i;
    }
    EXPECT_TRUE(t.rms_norm && t.rope && t.silu_mul && t.add && t.axpy && t.attention_block && t.quantize_rows &&
                t.argmax && t.log_sum_exp);
  }
}

TEST(Dispatch, ForcingAnIsaTakesItOrFailsLoudly) {
  for (const Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAmx, Isa::kRefAmx}) {
    const ForcedIsa forced(std::string(to_string(isa)).c_str());
    const auto table = default_kernel_table();
    const std::string missing = missing_features(isa, detect_cpu_features());
    if (missing.empty()) {
      ASSERT_TRUE(table) << table.error().message();
      EXPECT_EQ((*table)->isa, isa);
    } else {
      ASSERT_FALSE(table);
      EXPECT_EQ(table.error().code(), ErrorCode::kUnsupported);
      EXPECT_NE(table.error().message().find(missing), std::string::npos) << table.error().message();
      EXPECT_NE(table.error().message().find("RETORT_ISA"), std::string::npos) << table.error().message();
    }
  }
}

TEST(Dispatch, AnUnknownNameIsRefusedAndTheChoiceIsNamed) {
  const ForcedIsa forced("sse9");
  const auto table = default_kernel_table();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(table.error().message().find("'sse9'"), std::string::npos);
  EXPECT_NE(table.error().message().find("ref, avx2, avx512, amx, ref-amx"), std::string::npos);
}

TEST(Dispatch, WithoutTheVariableItIsTheBest) {
  const ForcedIsa forced("");
  const auto table = default_kernel_table();
  ASSERT_TRUE(table);
  EXPECT_EQ((*table)->isa, available_isas().front());
}

TEST(CpuFeatures, MissingOnesAreNamed) {
  EXPECT_EQ(missing_features(Isa::kRef, CpuFeatures{}), "");
  EXPECT_EQ(missing_features(Isa::kAvx2, everything()), "");
  EXPECT_EQ(missing_features(Isa::kAvx512, everything()), "");
  EXPECT_EQ(missing_features(Isa::kAmx, everything()), "");
  EXPECT_EQ(missing_features(Isa::kRefAmx, CpuFeatures{}), "");
  CpuFeatures zen5 = everything();
  zen5.amx_tile = zen5.amx_bf16 = zen5.amx_int8 = zen5.os_grants_tiles = false;
  EXPECT_EQ(missing_features(Isa::kAvx512, zen5), "");
  EXPECT_EQ(missing_features(Isa::kAmx, zen5),
            "AMX-TILE, AMX-BF16, AMX-INT8, an operating system that saves and grants AMX tiles");
  CpuFeatures zen3 = everything();
  zen3.avx512f = zen3.avx512bw = zen3.avx512vl = zen3.avx512dq = zen3.avx512vnni = false;
  EXPECT_EQ(missing_features(Isa::kAvx2, zen3), "");
  EXPECT_EQ(missing_features(Isa::kAvx512, zen3), "AVX512F, AVX512BW, AVX512VL, AVX512DQ, AVX512_VNNI");
}

// A processor may have AVX-512 while the operating system does not save its registers: they would be lost at the
// next context switch.
TEST(CpuFeatures, AnOperatingSystemThatDoesNotSaveRegistersRulesAnIsaOut) {
  CpuFeatures features = everything();
  features.os_saves_zmm = false;
  EXPECT_EQ(missing_features(Isa::kAvx2, features), "");
  EXPECT_EQ(missing_features(Isa::kAvx512, features), "an operating system that saves AVX-512 state");
  features.os_saves_ymm = false;
  EXPECT_NE(missing_features(Isa::kAvx2, features), "");
}

TEST(CpuFeatures, TheProcessorHasATrimmedName) {
  const std::string name = cpu_name();
  ASSERT_FALSE(name.empty());
  EXPECT_NE(name.front(), ' ');
  EXPECT_NE(name.back(), ' ');
  EXPECT_EQ(name.find("  "), std::string::npos);
}

}  // namespace
}  // namespace retort
