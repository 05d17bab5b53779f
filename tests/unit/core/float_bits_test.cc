#include "core/float_bits.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

TEST(FloatBits, EveryHalfSurvivesTheWayThereAndBack) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = f16_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(value))));
    } else {
      EXPECT_EQ(float_to_f16(value), half);
    }
  }
}

TEST(FloatBits, EveryBf16SurvivesTheWayThereAndBack) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = bf16_to_float(half);
    if (!std::isnan(value)) {
      EXPECT_EQ(float_to_bf16(value), half);
    }
  }
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(FloatBits, NarrowingRoundsToNearestEven) {
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3f808000u)), 0x3f80);  // a tie goes to the even neighbour
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(float_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_f16(0x1p-25f), 0x0000);  // half of the smallest subnormal: tie to even
  EXPECT_EQ(float_to_f16(0x1.8p-25f), 0x0001);
  EXPECT_EQ(float_to_f16(-0x1p-14f), 0x8400);
}

TEST(FloatBits, Fp8E4M3HasItsKnownValues) {
  EXPECT_EQ(f8e4m3_to_float(0x7e), 448.0f);
  EXPECT_EQ(f8e4m3_to_float(0xfe), -448.0f);
  EXPECT_EQ(f8e4m3_to_float(0x38), 1.0f);
  EXPECT_EQ(f8e4m3_to_float(0x01), 0x1p-9f);
  EXPECT_EQ(f8e4m3_to_float(0x08), 0x1p-6f);
  EXPECT_TRUE(std::isnan(f8e4m3_to_float(0x7f)));
  EXPECT_TRUE(std::signbit(f8e4m3_to_float(0x80)));
}

TEST(Fp8, EveryNumberComesBackAndWhatLiesBetweenGoesToTheNearestEven) {
  for (int code = 0; code < 0x7f; ++code) {
    const auto bits = static_cast<std::uint8_t>(code);
    const float value = f8e4m3_to_float(bits);
    EXPECT_EQ(float_to_f8e4m3(value), bits);
    EXPECT_EQ(float_to_f8e4m3(-value), bits | 0x80);
    if (code == 0x7e) break;
    const float next = f8e4m3_to_float(static_cast<std::uint8_t>(code + 1));
    const float middle = (value + next) / 2;
    EXPECT_EQ(float_to_f8e4m3(middle), code % 2 == 0 ? code : code + 1) << value;
    EXPECT_EQ(float_to_f8e4m3(std::nextafter(middle, 0.0f)), code);
    EXPECT_EQ(float_to_f8e4m3(std::nextafter(middle, 1e9f)), code + 1);
  }
  EXPECT_EQ(float_to_f8e4m3(1e30f), 0x7e) << "saturates at 448";
  EXPECT_EQ(float_to_f8e4m3(-std::numeric_limits<float>::infinity()), 0xfe);
  EXPECT_EQ(float_to_f8e4m3(std::numeric_limits<float>::quiet_NaN()) & 0x7f, 0x7f);
}

}  // namespace
}  // namespace retort
