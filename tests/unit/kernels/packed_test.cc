// Packed weights: what was packed comes back, and every instruction set gives the bits of ref.
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "packed_fixtures.h"

namespace retort {
namespace {

using testing::Aligned;
using testing::bits_of;
using testing::packed_formats;
using testing::PackedWeights;

struct QuantizedMemory {
  QuantizedMemory(const KernelTable& table, const std::vector<float>& x, std::int64_t tokens, std::int64_t columns)
      : codes(static_cast<std::size_t>(tokens * columns + kReadBehind)),
        side(static_cast<std::size_t>(tokens * columns / kGroupColumns + kReadBehind)),
        rows{codes.data(), side.data(), tokens, columns} {
    // In two parts, as threads share the groups out.
    const std::int64_t groups = columns / kGroupColumns;
    table.quantize_rows({x.data(), columns, rows, 0, groups / 2});
    table.quantize_rows({x.data(), columns, rows, groups / 2, groups});
  }
  Aligned<std::int8_t> codes;
  Aligned<ActivationGroup> side;
  QuantizedRows rows;
};

std::vector<float> multiply_packed(const KernelTable& table, PackedWeights& w, const QuantizedRows& x) {
  std::vector<float> y(static_cast<std::size_t>(x.tokens * (w.rows + 3)), -77.0f);
  table.packed_matmul[static_cast<int>(w.format)](
      {w.memory.data(), x, y.data(), w.rows + 3, w.panels, w.rows - (w.panels - 1) * kPanelRows});
  for (std::int64_t t = 0; t < x.tokens; ++t) {
    for (std::int64_t r = w.rows; r < w.rows + 3; ++r) EXPECT_EQ(y[t * (w.rows + 3) + r], -77.0f) << "beyond the rows";
  }
  return y;
}

TEST(Pack, EveryRowComesBackBitForBit) {
  std::mt19937 random(1);
  for (const PackedFormat format : packed_formats()) {
    const std::int64_t columns = 3 * packed_info(format).record_columns;
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{15}, std::int64_t{16}, std::int64_t{37}}) {
      PackedWeights w(random, format, rows, columns);
      std::vector<float> unpacked(columns);
      for (std::int64_t r = 0; r < rows; ++r) {
        unpack_row(format, w.memory.data() + r / kPanelRows * w.bytes, r % kPanelRows, columns, unpacked.data());
        const auto expected = w.row(r);
        for (std::int64_t k = 0; k < columns; ++k) {
          ASSERT_EQ(bits_of(unpacked[k]), bits_of(expected[k])) << packed_info(format).name << " " << r << " " << k;
        }
      }
    }
  }
}

TEST(Pack, AFormatForEachTypeWhoseColumnsFillItsRecords) {
  EXPECT_EQ(packed_format_for(DType::kQ4_K, 512), PackedFormat::kP4K);
  EXPECT_EQ(packed_format_for(DType::kQ8_0, 96), PackedFormat::kP8);
  EXPECT_EQ(packed_format_for(DType::kQ8_0, 100), std::nullopt);
  EXPECT_EQ(packed_format_for(DType::kF32, 256), std::nullopt);
}

TEST(Pack, AFormatForGroupsThatAreWholeRecords) {
  EXPECT_EQ(packed_format_for_groups(4, 128, 3584), PackedFormat::kP4G128);
  EXPECT_EQ(packed_format_for_groups(4, 3584, 3584), PackedFormat::kP4G128);  // a scale per row
  EXPECT_EQ(packed_format_for_groups(8, 256, 512), PackedFormat::kP8G128);
  EXPECT_EQ(packed_format_for_groups(4, 64, 256), PackedFormat::kP4G32);
  EXPECT_EQ(packed_format_for_groups(8, 32, 96), PackedFormat::kP8G32);
  EXPECT_EQ(packed_format_for_groups(8, 96, 96), PackedFormat::kP8G32);
  EXPECT_EQ(packed_format_for_groups(4, 16, 256), std::nullopt);
  EXPECT_EQ(packed_format_for_groups(4, 48, 96), std::nullopt);
  EXPECT_EQ(packed_format_for_groups(8, 100, 100), std::nullopt);
  EXPECT_EQ(packed_format_for_groups(3, 128, 256), std::nullopt);
  EXPECT_EQ(packed_format_for_groups(4, 0, 256), std::nullopt);
}

TEST(Pack, AScaleOfAnyBitsComesBack) {
  for (const PackedFormat format : packed_formats()) {
    const PackedInfo& info = packed_info(format);
    if (info.source) continue;
    std::vector<std::uint8_t> codes(3 * info.record_columns, 1);
    const std::uint8_t zeros[] = {0, 1, 2};
    const float scales[] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::denorm_min()};
    Aligned<char> record(static_cast<std::size_t>(info.record_bytes));
    pack_grouped_record(format, {codes.data(), info.record_columns, scales, zeros, 3}, record.data());
    std::vector<float> row(info.record_columns);
    for (std::int64_t r = 0; r < kPanelRows; ++r) {
      unpack_row(format, record.data(), r, info.record_columns, row.data());
      for (const float value : row) {
        ASSERT_EQ(bits_of(value), r < 3 ? bits_of(scales[r] * static_cast<float>(1 - zeros[r])) : 0u) << info.name;
      }
    }
  }
}

class Packed : public testing::KernelTest {};
RETORT_FOR_ALL_TABLES(Packed);

TEST_P(Packed, ActivationsAreQuantizedToTheBitsOfRef) {
  std::mt19937 random(2);
  for (const std::int64_t tokens : {1, 3, 64, 65, 130}) {
    constexpr std::int64_t kColumns = 160;
    std::vector<float> x = testing::random_floats(random, tokens * kColumns, 3.0f);
    // Ties, extremes, zeros of both signs, tiny and enormous groups.
    for (int i = 0; i < 32; ++i) {
      x[i] = 0.5f * static_cast<float>(i - 16) * 0x1p-3f;
      x[32 + i] = i % 2 == 0 ? 0.0f : -0.0f;
      x[64 + i] *= 0x1p-101f;
      x[96 + i] *= 1e37f;
    }
    x[128] = std::numeric_limits<float>::denorm_min();
    const QuantizedMemory expected(testing::ref_table(), x, tokens, kColumns);
    const QuantizedMemory actual(table(), x, tokens, kColumns);
    for (std::int64_t i = 0; i < tokens * kColumns; ++i) ASSERT_EQ(actual.rows.codes[i], expected.rows.codes[i]) << i;
    for (std::int64_t i = 0; i < tokens * kColumns / 32; ++i) {
      const ActivationGroup& a = actual.rows.side[i];
      const ActivationGroup& e = expected.rows.side[i];
      ASSERT_EQ(bits_of(a.scale), bits_of(e.scale)) << i;
      ASSERT_EQ(bits_of(a.sum), bits_of(e.sum)) << i;
      ASSERT_EQ(a.isum, e.isum) << i;
      for (int j = 0; j < 4; ++j) ASSERT_EQ(a.minus[j], e.minus[j]) << i;
    }
  }
}

TEST_P(Packed, AGroupThatIsNotFiniteSpoilsItsTokenOnly) {
  std::mt19937 random(3);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = testing::random_floats(random, 6 * 256);
    x[3 * 256 + 77] = bad;
    const QuantizedMemory q(table(), x, 6, 256);
    for (const PackedFormat format : packed_formats()) {
      PackedWeights w(random, format, 20, 256);
      const std::vector<float> y = multiply_packed(table(), w, q.rows);
      for (std::int64_t t = 0; t < 6; ++t) {
        for (std::int64_t r = 0; r < 20; ++r) ASSERT_EQ(std::isnan(y[t * 23 + r]), t == 3) << t << " " << r;
      }
    }
  }
}

TEST_P(Packed, ProductsHaveTheBitsOfRefForEveryFormatAndNumberOfTokens) {
  std::mt19937 random(4);
  for (const PackedFormat format : packed_formats()) {
    for (const std::int64_t tokens : {1, 2, 3, 4, 5, 9, 64, 67}) {
      for (const std::int64_t rows : {std::int64_t{5}, std::int64_t{16}, std::int64_t{45}}) {
        constexpr std::int64_t kColumns = 512;
        PackedWeights w(random, format, rows, kColumns);
        const std::vector<float> x = testing::random_floats(random, tokens * kColumns);
        const QuantizedMemory q(testing::ref_table(), x, tokens, kColumns);
        const std::vector<float> expected = multiply_packed(testing::ref_table(), w, q.rows);
        const std::vector<float> actual = multiply_packed(table(), w, q.rows);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i])) << packed_info(format).name << " tokens " << tokens;
        }
      }
    }
  }
}

// A scale that is not finite spoils its row, as it would in the dequantized weight, and no other.
TEST_P(Packed, AScaleThatIsNotFiniteSpoilsItsRowOnly) {
  std::mt19937 random(8);
  for (const PackedFormat format : packed_formats()) {
    if (packed_info(format).source) continue;
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      PackedWeights w(random, format, 20, 256);
      std::memcpy(w.memory.data() + packed_info(format).record_bytes + 4 * 5, &bad, sizeof(bad));
      for (const std::int64_t tokens : {1, 6, 13}) {
        const QuantizedMemory q(table(), testing::random_floats(random, tokens * 256), tokens, 256);
        const std::vector<float> y = multiply_packed(table(), w, q.rows);
        for (std::int64_t t = 0; t < tokens; ++t) {
          for (std::int64_t r = 0; r < 20; ++r) ASSERT_EQ(std::isfinite(y[t * 23 + r]), r != 5) << t << " " << r;
        }
      }
    }
  }
}

// More columns than a block of the tile loop holds, so that sums wait in y.
TEST_P(Packed, LongRowsHaveTheBitsOfRef) {
  std::mt19937 random(5);
  for (const PackedFormat format : packed_formats()) {
    for (const std::int64_t tokens : {1, 7}) {
      constexpr std::int64_t kColumns = 2048 + 256;
      PackedWeights w(random, format, 19, kColumns);
      const std::vector<float> x = testing::random_floats(random, tokens * kColumns);
      const QuantizedMemory q(testing::ref_table(), x, tokens, kColumns);
      const std::vector<float> expected = multiply_packed(testing::ref_table(), w, q.rows);
      const std::vector<float> actual = multiply_packed(table(), w, q.rows);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i])) << packed_info(format).name << " tokens " << tokens;
      }
    }
  }
}

// The largest codes, activations and scales at once: nothing saturates or leaves 24 bits.
TEST_P(Packed, ExtremesDoNotSaturate) {
  std::mt19937 random(6);
  for (const PackedFormat format : packed_formats()) {
    PackedWeights w(random, format, 16, 256);
    auto* bytes = reinterpret_cast<unsigned char*>(w.memory.data());
    for (const int fill : {0xff, 0x80, 0x7f, 0x00}) {
      const std::int64_t record = packed_info(format).record_bytes;
      for (std::int64_t i = 0; i < w.bytes; ++i) {
        const std::int64_t in_record = i % record;
        const bool two_scales =
            !packed_info(format).source || format == PackedFormat::kP4K || format == PackedFormat::kP5K;
        const bool is_scale = in_record < (two_scales ? 64 : 32);
        if (!is_scale) bytes[i] = static_cast<unsigned char>(fill);
      }
      for (const float sign : {1.0f, -1.0f}) {
        const std::vector<float> x(5 * 256, sign);
        const QuantizedMemory q(testing::ref_table(), x, 5, 256);
        const std::vector<float> expected = multiply_packed(testing::ref_table(), w, q.rows);
        const std::vector<float> actual = multiply_packed(table(), w, q.rows);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i])) << packed_info(format).name << " " << fill;
        }
      }
    }
  }
}

// Against the plain product of the weights' values and the activations' values, both exact in double: what is lost is
// lost in quantizing the activations alone.
TEST_P(Packed, ProductsAreThoseOfTheValuesThatTheCodesStandFor) {
  std::mt19937 random(7);
  constexpr std::int64_t kColumns = 768;
  constexpr std::int64_t kTokens = 6;
  for (const PackedFormat format : packed_formats()) {
    PackedWeights w(random, format, 18, kColumns);
    const std::vector<float> x = testing::random_floats(random, kTokens * kColumns);
    const QuantizedMemory q(table(), x, kTokens, kColumns);
    const std::vector<float> y = multiply_packed(table(), w, q.rows);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      std::vector<float> restored(kColumns);
      for (std::int64_t k = 0; k < kColumns; ++k) {
        const std::int64_t at = k / kGroupColumns * kTokens + t;
        restored[k] = q.rows.side[at].scale * static_cast<float>(q.rows.codes[at * kGroupColumns + k % kGroupColumns]);
        ASSERT_NEAR(restored[k], x[t * kColumns + k], 0.5001f * q.rows.side[at].scale);
      }
      for (std::int64_t r = 0; r < w.rows; ++r) {
        const auto row = w.row(r);
        const testing::ExactSum exact = testing::exact_dot(row.data(), restored.data(), kColumns);
        // A minimum cancels part of a group's sum: errors are relative to what was there before.
        ASSERT_NEAR(y[t * (w.rows + 3) + r], exact.sum, 4 * testing::dot_tolerance(exact, kColumns))
            << packed_info(format).name;
      }
    }
  }
}

}  // namespace
}  // namespace retort
