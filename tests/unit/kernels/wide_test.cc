// K-quants times activations of 12 bits: near the exact result, and on AMX the bits of the plain twin whatever shares a
// call.
#include "kernels/wide.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "fixtures.h"
#include "kernels/dispatch.h"
#include "packed_fixtures.h"

namespace retort {
namespace {

using testing::Aligned;
using testing::bits_of;
using testing::PackedWeights;
using testing::random_floats;

constexpr PackedFormat kWideFormats[] = {PackedFormat::kP4K, PackedFormat::kP5K, PackedFormat::kP6K};

class Wide : public testing::AmxTest {};
RETORT_FOR_AMX_TABLES(Wide);

struct WideMemory {
  WideMemory(const KernelTable& table, const std::vector<float>& x, std::int64_t tokens, std::int64_t columns)
      : codes(static_cast<std::size_t>(WideRows::code_count(tokens, columns))),
        scales(static_cast<std::size_t>(WideRows::scale_count(tokens, columns))),
        pairs(static_cast<std::size_t>(WideRows::pair_count(tokens, columns))),
        offsets(static_cast<std::size_t>(WideRows::offset_count(tokens, columns))),
        rows{codes.data(), scales.data(), pairs.data(), offsets.data(), tokens, columns} {
    // In two parts, as threads share the records out.
    const std::int64_t records = columns / kWideColumns;
    table.wide_rows({x.data(), columns, rows, 0, records / 2});
    table.wide_rows({x.data(), columns, rows, records / 2, records});
  }
  Aligned<std::int8_t> codes;
  Aligned<float> scales;
  Aligned<std::int32_t> pairs;
  Aligned<std::int32_t> offsets;
  WideRows rows;
};

std::vector<float> multiply_wide(const KernelTable& table, PackedWeights& w, const WideRows& x) {
  const std::int64_t stride = w.rows + 3;
  std::vector<float> y(static_cast<std::size_t>(x.tokens * stride), -77.0f);
  table.wide_matmul[static_cast<int>(w.format)](
      {w.memory.data(), x, y.data(), stride, w.panels, w.rows - (w.panels - 1) * kPanelRows});
  for (std::int64_t t = 0; t < x.tokens; ++t) {
    for (std::int64_t r = w.rows; r < stride; ++r) EXPECT_EQ(y[t * stride + r], -77.0f) << "beyond the rows";
  }
  return y;
}

TEST_P(Wide, ActivationsAreRoundedToTheBitsOfTheTwin) {
  std::mt19937 random(1);
  for (const std::int64_t tokens : {1, 16, 37}) {
    constexpr std::int64_t kColumns = 768;
    std::vector<float> x = random_floats(random, tokens * kColumns, 3.0f);
    for (int i = 0; i < 256; ++i) {  // ties and extremes; then a record of next to nothing
      x[i] = static_cast<float>(i - 128) * 127.5f;
      x[256 + i] *= 0x1p-101f;
    }
    WideMemory expected(testing::twin(), x, tokens, kColumns);
    WideMemory actual(table(), x, tokens, kColumns);
    for (std::int64_t i = 0; i < WideRows::code_count(tokens, kColumns); ++i) {
      ASSERT_EQ(actual.rows.codes[i], expected.rows.codes[i]) << i;
    }
    for (std::int64_t i = 0; i < WideRows::scale_count(tokens, kColumns); ++i) {
      ASSERT_EQ(bits_of(actual.rows.scales[i]), bits_of(expected.rows.scales[i])) << i;
    }
    for (std::int64_t i = 0; i < WideRows::pair_count(tokens, kColumns); ++i) {
      ASSERT_EQ(actual.rows.pairs[i], expected.rows.pairs[i]) << i;
    }
    for (std::int64_t i = 0; i < WideRows::offset_count(tokens, kColumns); ++i) {
      ASSERT_EQ(actual.rows.offsets[i], expected.rows.offsets[i]) << i;
    }
  }
}

// Half a code of 2039 for each activation, and the rounding of fp32. The bound is for all errors of one sign; theirs
// are not, which leaves room for what S leaves out.
TEST_P(Wide, ProductsAreNearTheExactOnes) {
  std::mt19937 random(2);
  for (const PackedFormat format : kWideFormats) {
    constexpr std::int64_t kColumns = 768;
    constexpr std::int64_t kTokens = 6;
    PackedWeights w(random, format, 20, kColumns);
    const std::vector<float> x = random_floats(random, kTokens * kColumns);
    WideMemory wide(table(), x, kTokens, kColumns);
    const std::vector<float> y = multiply_wide(table(), w, wide.rows);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      for (std::int64_t r = 0; r < w.rows; ++r) {
        const std::vector<float> row = w.row(r);
        const auto exact = testing::exact_dot(x.data() + t * kColumns, row.data(), kColumns);
        double rounding = 0;
        for (std::int64_t k = 0; k < kColumns; ++k) {
          const float scale = wide_tile(wide.rows, 0).scale(k / kWideColumns)[t];
          rounding += 0.5001 * scale * std::fabs(row[k]);
        }
        ASSERT_NEAR(y[t * (w.rows + 3) + r], exact.sum, rounding + 4 * testing::dot_tolerance(exact, kColumns))
            << packed_info(format).name << " row " << r << " token " << t;
      }
    }
  }
}

struct WideSize {
  std::int64_t tokens;
  std::int64_t rows;
  std::int64_t records;
};

TEST_P(Wide, ProductsHaveTheBitsOfTheTwinForEveryNumberOfTokensAndPanels) {
  std::mt19937 random(3);
  for (const PackedFormat format : kWideFormats) {
    for (const WideSize& size : {WideSize{1, 16, 2},
                                 {2, 5, 1},
                                 {3, 40, 1},
                                 {4, 33, 3},
                                 {5, 16, 1},
                                 {6, 150, 1},
                                 {15, 20, 2},
                                 {16, 48, 3},
                                 {17, 33, 1},
                                 {32, 140, 1},
                                 {47, 16, 2},
                                 {50, 40, 1}}) {
      const std::int64_t columns = size.records * kWideColumns;
      PackedWeights w(random, format, size.rows, columns);
      const std::vector<float> x = random_floats(random, size.tokens * columns);
      WideMemory wide(testing::twin(), x, size.tokens, columns);
      const std::vector<float> expected = multiply_wide(testing::twin(), w, wide.rows);
      const std::vector<float> actual = multiply_wide(table(), w, wide.rows);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i]))
            << packed_info(format).name << " tokens " << size.tokens << " rows " << size.rows << " at " << i;
      }
    }
  }
}

TEST_P(Wide, ATokenHasTheBitsThatItHasAlone) {
  std::mt19937 random(4);
  constexpr std::int64_t kColumns = 512;
  for (const PackedFormat format : kWideFormats) {
    for (const std::int64_t tokens : {3, 7, 16, 33}) {
      PackedWeights w(random, format, 40, kColumns);
      const std::vector<float> x = random_floats(random, tokens * kColumns);
      WideMemory together(table(), x, tokens, kColumns);
      const std::vector<float> y = multiply_wide(table(), w, together.rows);
      for (const std::int64_t t : {std::int64_t{0}, tokens / 2, tokens - 1}) {
        const std::vector<float> mine(x.begin() + t * kColumns, x.begin() + (t + 1) * kColumns);
        WideMemory one(table(), mine, 1, kColumns);
        const std::vector<float> alone = multiply_wide(table(), w, one.rows);
        for (std::int64_t r = 0; r < w.rows; ++r) {
          ASSERT_EQ(bits_of(y[t * (w.rows + 3) + r]), bits_of(alone[r])) << tokens << " " << t << " " << r;
        }
      }
    }
  }
}

// The largest codes, activations and scales at once: no byte of a plane overflows, no sum leaves 32 bits.
TEST_P(Wide, ExtremesDoNotOverflow) {
  std::mt19937 random(6);
  for (const PackedFormat format : kWideFormats) {
    PackedWeights w(random, format, 16, 256);
    auto* bytes = reinterpret_cast<unsigned char*>(w.memory.data());
    const std::int64_t floats = format == PackedFormat::kP6K ? 32 : 64;
    for (const int fill : {0xff, 0x80, 0x7f, 0x3f, 0x00}) {
      for (std::int64_t i = floats; i < w.bytes; ++i) bytes[i] = static_cast<unsigned char>(fill);
      if (format != PackedFormat::kP6K) {  // scales and minima have six bits
        for (std::int64_t i = 64; i < 320; ++i) bytes[i] &= 63;
      }
      for (const float sign : {1.0f, -1.0f}) {
        for (const std::int64_t tokens : {1, 7}) {
          const std::vector<float> x(static_cast<std::size_t>(tokens * 256), sign);
          WideMemory wide(testing::twin(), x, tokens, 256);
          const std::vector<float> expected = multiply_wide(testing::twin(), w, wide.rows);
          const std::vector<float> actual = multiply_wide(table(), w, wide.rows);
          for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i])) << packed_info(format).name << " " << fill;
          }
        }
      }
    }
  }
}

TEST_P(Wide, WhatIsNotFiniteStaysInItsToken) {
  std::mt19937 random(5);
  constexpr std::int64_t kColumns = 256;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const PackedFormat format : kWideFormats) {
      PackedWeights w(random, format, 16, kColumns);
      for (const std::int64_t tokens : {4, 20}) {
        std::vector<float> x = random_floats(random, tokens * kColumns);
        x[3 * kColumns + 100] = bad;
        WideMemory wide(table(), x, tokens, kColumns);
        const std::vector<float> y = multiply_wide(table(), w, wide.rows);
        for (std::int64_t t = 0; t < tokens; ++t) {
          for (std::int64_t r = 0; r < 16; ++r) ASSERT_EQ(std::isnan(y[t * 19 + r]), t == 3) << t << " " << r;
        }
      }
    }
  }
}

}  // namespace
}  // namespace retort
