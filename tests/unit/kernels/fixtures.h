// What the kernel tests share: the tables under test, random weights of every type, and exact sums.
#pragma once

#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace retort::testing {

/// The dtypes that hold weights.
std::vector<DType> weight_dtypes();

const KernelTable& ref_table();

/// Runs for "ref", "avx2", "avx512", "amx", and "avx512_simde": the avx512 sources compiled against SIMDe, so that
/// their logic is checked on every processor. What the processor lacks is skipped by name.
class KernelTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;
  [[nodiscard]] const KernelTable& table() const { return *table_; }

 private:
  const KernelTable* table_ = nullptr;
};

std::vector<std::string> all_tables();
#define RETORT_FOR_ALL_TABLES(Suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(Isa, Suite, ::testing::ValuesIn(::retort::testing::all_tables()), \
                           [](const ::testing::TestParamInfo<std::string>& param) { return param.param; })

/// Of what AMX computes in its own way: the plain one, and what runs for "ref_amx" and "amx" (skipped by name without
/// it).
const KernelTable& twin();
class AmxTest : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override;
  [[nodiscard]] const KernelTable& table() const { return *table_; }

 private:
  const KernelTable* table_ = nullptr;
};
#define RETORT_FOR_AMX_TABLES(Suite)                                                                       \
  INSTANTIATE_TEST_SUITE_P(Isa, Suite, ::testing::Values(Isa::kRefAmx, Isa::kAmx), [](const auto& param) { \
    return param.param == Isa::kAmx ? std::string("amx") : std::string("ref_amx");                         \
  })

/// Standard normal numbers. `slack` elements more than asked for stand before them, so that data() + slack is
/// misaligned when slack is odd.
std::vector<float> random_floats(std::mt19937& random, std::int64_t n, float scale = 1.0f);

/// `rows` rows of `columns` weights: random quants, scales of a sane size. Exactly as long as the rows are, so that
/// AddressSanitizer sees a read beyond.
std::vector<char> random_weights(std::mt19937& random, DType dtype, std::int64_t rows, std::int64_t columns);

/// A row as ref has it.
std::vector<float> ref_row(DType dtype, const void* row, std::int64_t n);

/// The sum in double and what its terms add up to in magnitude, to which rounding errors are relative.
struct ExactSum {
  double sum = 0;
  double magnitude = 0;
};
ExactSum exact_dot(const float* a, const float* b, std::int64_t n);

/// Largest error of an fp32 dot product of n terms: every partial sum is rounded once (2^-24 relative), the terms pass
/// through at most n / 8 + 16 additions (8 or 16 lanes, then the lanes among themselves).
double dot_tolerance(const ExactSum& exact, std::int64_t n);

/// Reinterpreted, so that -0 and 0 differ and NaN equals itself.
std::uint32_t bits_of(float x);

}  // namespace retort::testing
