// Every weight type to fp32: the same bits on every instruction set, and the bits of the golden file.
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

#include "core/float_bits.h"
#include "fixtures.h"

namespace retort {
namespace {

using testing::bits_of;
using testing::KernelTest;

class Dequantize : public KernelTest {
 protected:
  void dequantize(DType dtype, const void* row, float* out, std::int64_t n) const {
    table().dequantize[static_cast<int>(dtype)](row, out, n);
  }
};
RETORT_FOR_ALL_TABLES(Dequantize);

/// NaN payloads are not promised: hardware conversions make signalling ones quiet.
bool same(float a, float b) { return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)); }

TEST_P(Dequantize, SameBitsAsRefForEveryTypeTailAndMisalignment) {
  std::mt19937 random(1);
  for (const DType dtype : testing::weight_dtypes()) {
    const std::int64_t block = dtype_info(dtype).block_elements;
    for (std::int64_t count = 0; count <= (block == 1 ? 80 : 3); ++count) {
      const std::int64_t n = count * block;
      for (int misaligned = 0; misaligned < 3; ++misaligned) {
        const std::vector<char> weights = testing::random_weights(random, dtype, 1, n);
        std::vector<char> row(misaligned, 'x');  // the weights then start at any byte, and end where the memory does
        row.insert(row.end(), weights.begin(), weights.end());
        std::vector<float> out(misaligned + n + 1, 42.0f);
        dequantize(dtype, row.data() + misaligned, out.data() + misaligned, n);
        const std::vector<float> want = testing::ref_row(dtype, weights.data(), n);
        for (std::int64_t i = 0; i < n; ++i) {
          ASSERT_EQ(bits_of(out[misaligned + i]), bits_of(want[i])) << to_string(dtype) << " n " << n << " i " << i;
        }
        ASSERT_EQ(out[misaligned + n], 42.0f) << to_string(dtype) << " wrote beyond n " << n;
      }
    }
  }
}

// Scales of 0, -0, subnormal, huge, infinite, NaN: the order of the arithmetic decides what comes out.
TEST_P(Dequantize, SameBitsAsRefForAnyScaleBits) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> byte(0, 255);
  for (const DType dtype : testing::weight_dtypes()) {
    const std::int64_t n = 64 * dtype_info(dtype).block_elements;
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<char> row(*row_bytes(dtype, n));
      for (char& c : row) c = static_cast<char>(byte(random));
      std::vector<float> out(n);
      dequantize(dtype, row.data(), out.data(), n);
      const std::vector<float> want = testing::ref_row(dtype, row.data(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same(out[i], want[i])) << to_string(dtype) << " i " << i << ": " << out[i] << " " << want[i];
      }
    }
  }
}

TEST_P(Dequantize, EveryBitPatternOfTheNarrowFloats) {
  std::vector<std::uint16_t> words(65536);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint16_t>(i);
  std::vector<std::uint8_t> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::vector<float> out(words.size());
  dequantize(DType::kF16, words.data(), out.data(), 65536);
  for (std::size_t i = 0; i < words.size(); ++i) ASSERT_TRUE(same(out[i], f16_to_float(words[i]))) << i;
  dequantize(DType::kBF16, words.data(), out.data(), 65536);
  for (std::size_t i = 0; i < words.size(); ++i) ASSERT_TRUE(same(out[i], bf16_to_float(words[i]))) << i;
  dequantize(DType::kF8E4M3, bytes.data(), out.data(), 256);
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_TRUE(same(out[i], f8e4m3_to_float(bytes[i]))) << i;
  dequantize(DType::kI8, bytes.data(), out.data(), 256);
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(out[i], static_cast<float>(static_cast<std::int8_t>(i)));
}

}  // namespace
}  // namespace retort
