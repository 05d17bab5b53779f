#include "fixtures.h"

#include <cmath>
#include <cstring>

#include "core/float_bits.h"
#include "kernels/dispatch.h"
#include "simde_table.h"

namespace retort::testing {

std::vector<DType> weight_dtypes() {
  std::vector<DType> out;
  for (std::size_t i = 0; i < kDTypeCount; ++i) {
    if (ref_table().matmul[i] != nullptr) out.push_back(static_cast<DType>(i));
  }
  return out;
}

const KernelTable& ref_table() { return **kernel_table(Isa::kRef); }

const KernelTable& twin() { return **kernel_table(Isa::kRefAmx); }

void AmxTest::SetUp() {
  const auto table = kernel_table(GetParam());
  if (!table) GTEST_SKIP() << table.error().message();
  table_ = *table;
}

std::vector<std::string> all_tables() { return {"ref", "avx2", "avx512", "avx512_simde", "amx"}; }

void KernelTest::SetUp() {
  if (GetParam() == "avx512_simde") {
    table_ = simde_table();
    if (table_ == nullptr)
      GTEST_SKIP() << "avx512_simde: built without SIMDe (libsimde-dev), with sanitizers, or no AVX2 here";
    return;
  }
  for (const Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (GetParam() != to_string(isa)) continue;
    const auto table = kernel_table(isa);
    if (!table) GTEST_SKIP() << table.error().message();
    table_ = *table;
  }
}

std::vector<float> random_floats(std::mt19937& random, std::int64_t n, float scale) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> out(n);
  for (float& x : out) x = normal(random);
  return out;
}

namespace {

/// Where in a block its fp16 scales are.
std::vector<std::size_t> scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
    case DType::kQ5_0:
    case DType::kQ8_0:
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
      return {0};
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ2_K:
      return {80, 82};
    case DType::kQ3_K:
      return {108};
    case DType::kQ6_K:
      return {208};
    default:
      return {};
  }
}

void put(char* to, std::uint16_t bits) { std::memcpy(to, &bits, sizeof(bits)); }

}  // namespace

std::vector<char> random_weights(std::mt19937& random, DType dtype, std::int64_t rows, std::int64_t columns) {
  const std::size_t bytes = static_cast<std::size_t>(rows) * *row_bytes(dtype, columns);
  std::vector<char> out(bytes);
  if (dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16) {
    const std::vector<float> values = random_floats(random, rows * columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (dtype == DType::kF32) std::memcpy(&out[4 * i], &values[i], 4);
      if (dtype == DType::kF16) put(&out[2 * i], float_to_f16(values[i]));
      if (dtype == DType::kBF16) put(&out[2 * i], float_to_bf16(values[i]));
    }
    return out;
  }
  std::uniform_int_distribution<int> byte(0, 255);
  for (char& c : out) c = static_cast<char>(byte(random));
  if (dtype == DType::kF8E4M3) {
    for (char& c : out) {
      if ((c & 0x7f) == 0x7f) c = 0;  // NaN
    }
  }
  std::uniform_real_distribution<float> scale(-0.1f, 0.1f);
  for (std::size_t block = 0; block < bytes; block += dtype_info(dtype).block_bytes) {
    for (const std::size_t offset : scale_offsets(dtype)) put(&out[block + offset], float_to_f16(scale(random)));
  }
  return out;
}

std::vector<float> ref_row(DType dtype, const void* row, std::int64_t n) {
  std::vector<float> out(n);
  ref_table().dequantize[static_cast<int>(dtype)](row, out.data(), n);
  return out;
}

ExactSum exact_dot(const float* a, const float* b, std::int64_t n) {
  ExactSum out;
  for (std::int64_t i = 0; i < n; ++i) {
    const double term = static_cast<double>(a[i]) * static_cast<double>(b[i]);
    out.sum += term;
    out.magnitude += std::abs(term);
  }
  return out;
}

double dot_tolerance(const ExactSum& exact, std::int64_t n) {
  return (static_cast<double>(n) / 8 + 16) * 0x1p-24 * exact.magnitude;
}

std::uint32_t bits_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

}  // namespace retort::testing
