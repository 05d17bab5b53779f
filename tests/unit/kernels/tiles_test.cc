// Products of bf16 tiles: near the exact result, and on AMX the bits of the plain twin whatever shares a call.
#include "kernels/tiles.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "core/float_bits.h"
#include "fixtures.h"
#include "kernels/dispatch.h"
#include "kv_fixtures.h"
#include "packed_fixtures.h"

namespace retort {
namespace {

using testing::Aligned;
using testing::bits_of;
using testing::KvCase;
using testing::packed_formats;
using testing::PackedWeights;
using testing::random_floats;

using testing::twin;

class Tiles : public testing::AmxTest {};
RETORT_FOR_AMX_TABLES(Tiles);

struct TiledMemory {
  TiledMemory(const KernelTable& table, const std::vector<float>& x, std::int64_t tokens, std::int64_t columns)
      : memory(static_cast<std::size_t>(tiled_elements(tokens, columns))), rows{memory.data(), tokens, columns} {
    // In two parts, as threads share the tiles out.
    const std::int64_t tiles = (tokens + kTileRows - 1) / kTileRows;
    table.tile_rows({x.data(), columns, rows, 0, tiles / 2});
    table.tile_rows({x.data(), columns, rows, tiles / 2, tiles});
  }
  Aligned<std::uint16_t> memory;
  TiledRows rows;
};

std::vector<float> multiply(const KernelTable& table, PackedWeights& w, const TiledRows& x) {
  const std::int64_t stride = w.rows + 3;
  std::vector<float> y(static_cast<std::size_t>(x.tokens * stride), -77.0f);
  Aligned<std::byte> scratch(kTileScratchBytes);
  table.tile_matmul[static_cast<int>(w.format)](
      {w.memory.data(), x, y.data(), stride, w.panels, w.rows - (w.panels - 1) * kPanelRows, scratch.data()});
  for (std::int64_t t = 0; t < x.tokens; ++t) {
    for (std::int64_t r = w.rows; r < stride; ++r) EXPECT_EQ(y[t * stride + r], -77.0f) << "beyond the rows";
  }
  return y;
}

TEST_P(Tiles, ActivationsAreRoundedToTheBitsOfTheTwin) {
  std::mt19937 random(1);
  for (const std::int64_t tokens : {1, 16, 37}) {
    constexpr std::int64_t kColumns = 96;
    std::vector<float> x = random_floats(random, tokens * kColumns, 3.0f);
    x[0] = std::numeric_limits<float>::infinity();
    x[1] = std::numeric_limits<float>::quiet_NaN();
    x[2] = -0.0f;
    x[3] = std::numeric_limits<float>::denorm_min();
    x[4] = std::numeric_limits<float>::max();
    x[5] = 1.00390625f;  // a tie, to even
    x[6] = 1.01171875f;
    TiledMemory expected(twin(), x, tokens, kColumns);
    TiledMemory actual(table(), x, tokens, kColumns);
    for (std::int64_t i = 0; i < tiled_elements(tokens, kColumns); ++i) {
      ASSERT_EQ(actual.rows.tiles[i], expected.rows.tiles[i]) << i;
    }
  }
}

// Rounding a factor to 8 bits errs by up to 2^-8 of it, so a product of two by 2^-7 and a little.
TEST_P(Tiles, ProductsAreNearTheExactOnes) {
  std::mt19937 random(2);
  for (const PackedFormat format : packed_formats()) {
    const std::int64_t columns = 2 * packed_info(format).record_columns;
    constexpr std::int64_t kTokens = 3;
    PackedWeights w(random, format, 20, columns);
    const std::vector<float> x = random_floats(random, kTokens * columns);
    TiledMemory tiled(table(), x, kTokens, columns);
    const std::vector<float> y = multiply(table(), w, tiled.rows);
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const auto row = w.row(r);
      for (std::int64_t t = 0; t < kTokens; ++t) {
        const auto exact = testing::exact_dot(x.data() + t * columns, row.data(), columns);
        ASSERT_NEAR(y[t * (w.rows + 3) + r], exact.sum, 0x1.1p-7 * exact.magnitude)
            << packed_info(format).name << " row " << r << " token " << t;
      }
    }
  }
}

struct Size {
  std::int64_t tokens;
  std::int64_t rows;
  std::int64_t records;
};

TEST_P(Tiles, ProductsHaveTheBitsOfTheTwin) {
  std::mt19937 random(3);
  for (const PackedFormat format : packed_formats()) {
    const std::int64_t record = packed_info(format).record_columns;
    // More than 512 columns, more than 8 panels, odd numbers of panels and token tiles, a last panel of a few rows.
    std::vector<Size> sizes = {{1, 16, 1}, {16, 1, 2}, {17, 33, 1}, {33, 48, 3}, {50, 150, 1}};
    if (record == kGroupColumns) sizes.push_back({40, 20, 19});
    for (const Size& size : sizes) {
      const std::int64_t columns = size.records * record;
      PackedWeights w(random, format, size.rows, columns);
      const std::vector<float> x = random_floats(random, size.tokens * columns);
      TiledMemory tiled(twin(), x, size.tokens, columns);
      const std::vector<float> expected = multiply(twin(), w, tiled.rows);
      const std::vector<float> actual = multiply(table(), w, tiled.rows);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i])) << packed_info(format).name << " " << i;
      }
    }
  }
}

TEST_P(Tiles, MoreTokensThanABlockHaveTheBitsThatTheyHaveAlone) {
  std::mt19937 random(4);
  constexpr std::int64_t kTokens = 1024 + 20;
  constexpr std::int64_t kColumns = 64;
  PackedWeights w(random, PackedFormat::kP8, 18, kColumns);
  const std::vector<float> x = random_floats(random, kTokens * kColumns);
  TiledMemory tiled(table(), x, kTokens, kColumns);
  const std::vector<float> together = multiply(table(), w, tiled.rows);
  for (const std::int64_t t : {std::int64_t{0}, std::int64_t{1023}, std::int64_t{1024}, kTokens - 1}) {
    TiledMemory one(table(), std::vector<float>(x.begin() + t * kColumns, x.begin() + (t + 1) * kColumns), 1, kColumns);
    const std::vector<float> alone = multiply(table(), w, one.rows);
    for (std::int64_t r = 0; r < w.rows; ++r) {
      ASSERT_EQ(bits_of(together[t * (w.rows + 3) + r]), bits_of(alone[r])) << t << " " << r;
    }
  }
}

TEST_P(Tiles, AGatedProductHasTheBitsOfItsParts) {
  std::mt19937 random(10);
  for (const PackedFormat format : packed_formats()) {
    const auto gated = table().tile_gated[static_cast<int>(format)];
    if (gated == nullptr) GTEST_SKIP() << table().name << " has none";
    const std::int64_t columns = 2 * packed_info(format).record_columns;
    constexpr std::int64_t kTokens = 37;
    constexpr std::int64_t kRows = 6 * kPanelRows;
    PackedWeights gate(random, format, kRows, columns);
    PackedWeights up(random, format, kRows, columns);
    const std::vector<float> x = random_floats(random, kTokens * columns, 0.05f);
    TiledMemory tiled(table(), x, kTokens, columns);
    const auto product = [&](PackedWeights& w) {
      const std::vector<float> y = multiply(table(), w, tiled.rows);
      std::vector<float> rows;
      for (std::int64_t t = 0; t < kTokens; ++t) {
        rows.insert(rows.end(), y.begin() + t * (kRows + 3), y.begin() + t * (kRows + 3) + kRows);
      }
      return rows;
    };
    std::vector<float> inner = product(gate);
    table().silu_mul(inner.data(), product(up).data(), kTokens * kRows);
    TiledMemory expected(table(), inner, kTokens, kRows);
    TiledMemory actual(table(), std::vector<float>(kTokens * kRows, 1.0f), kTokens, kRows);
    Aligned<std::byte> scratch(kTileScratchBytes);
    // In two parts, as threads share the panels out.
    for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {1, 5}}) {
      gated({.gate = gate.memory.data() + first * gate.bytes,
             .up = up.memory.data() + first * up.bytes,
             .x = tiled.rows,
             .out = actual.rows,
             .first_panel = first,
             .panel_count = count,
             .scratch = scratch.data()});
    }
    for (std::int64_t i = 0; i < tiled_elements(kTokens, kRows); ++i) {
      ASSERT_EQ(actual.rows.tiles[i], expected.rows.tiles[i]) << packed_info(format).name << " " << i;
    }
  }
}

TEST_P(Tiles, WhatIsNotFiniteStaysInItsToken) {
  std::mt19937 random(5);
  constexpr std::int64_t kColumns = 256;
  PackedWeights w(random, PackedFormat::kP4K, 16, kColumns);
  std::vector<float> x = random_floats(random, 20 * kColumns);
  x[3 * kColumns + 100] = std::numeric_limits<float>::quiet_NaN();
  TiledMemory tiled(table(), x, 20, kColumns);
  const std::vector<float> y = multiply(table(), w, tiled.rows);
  for (std::int64_t t = 0; t < 20; ++t) {
    for (std::int64_t r = 0; r < 16; ++r) EXPECT_EQ(std::isnan(y[t * 19 + r]), t == 3) << t << " " << r;
  }
}

// Attention.

struct TileQuery {
  std::vector<float> q;
  std::int64_t first;
  std::int64_t last;
};

std::vector<TileQuery> queries_of(std::mt19937& random, const KvCase& c, std::int64_t n) {
  std::vector<TileQuery> out;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto last = std::uniform_int_distribution<std::int64_t>(1, c.positions)(random);
    const auto first = i % 3 != 0 ? 0 : std::uniform_int_distribution<std::int64_t>(0, last - 1)(random);
    out.push_back({random_floats(random, c.layout.head_dim, 2.0f), first, last});
  }
  return out;
}

float scale_for(const KvCase& c) { return 1.0f / std::sqrt(static_cast<float>(c.layout.head_dim)); }

/// All queries in one call, over the blocks from the one that holds `from` on. [queries][head_dim]
std::vector<std::vector<float>> attend_tiles(const KernelTable& table, const KvCase& c,
                                             const std::vector<TileQuery>& queries, TileParts parts,
                                             std::int64_t from = 0) {
  std::vector<std::vector<float>> out(queries.size(), std::vector<float>(c.layout.head_dim));
  std::vector<TileAttentionRow> rows;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    rows.push_back({queries[i].q.data(), out[i].data(), queries[i].first, queries[i].last});
  }
  const std::int64_t first_block = from / kKvBlockPositions;
  std::vector<const std::byte*> blocks;
  for (std::int64_t b = first_block; b < c.blocks; ++b) blocks.push_back(c.block(b));
  const auto row_count = static_cast<std::int64_t>(rows.size());
  Aligned<std::byte> scratch(static_cast<std::size_t>(tile_attention_scratch(c.layout, parts, row_count)));
  table.tile_attention({.layout = &c.layout,
                        .blocks = blocks.data(),
                        .block_count = static_cast<std::int64_t>(blocks.size()),
                        .first_position = first_block * kKvBlockPositions,
                        .rows = rows.data(),
                        .row_count = row_count,
                        .parts = parts,
                        .scale = scale_for(c),
                        .scratch = scratch.data()});
  return out;
}

constexpr KvCacheType kTileTypes[] = {KvCacheType::kBf16, KvCacheType::kFp8E4m3, KvCacheType::kInt8};
constexpr TileParts kPartsOfTile[] = {TileParts::kOne, TileParts::kTwo};

struct AttentionCase {
  KvCacheType type;
  TileParts parts;
};
std::vector<AttentionCase> attention_cases() {
  std::vector<AttentionCase> out;
  for (const KvCacheType type : kTileTypes) {
    for (const TileParts parts : kPartsOfTile) out.push_back({type, parts});
  }
  return out;
}

// One part rounds weights to 8 bits; of the queries' rounding the expectation knows. Two parts keep 17 bits of both.
TEST_P(Tiles, AttentionIsNearTheExactOne) {
  std::mt19937 random(6);
  for (const auto& [type, parts] : attention_cases()) {
    const KvCase c(random, type, 64, 200);
    const auto queries = queries_of(random, c, 10);
    const auto out = attend_tiles(table(), c, queries, parts);
    const bool two = parts == TileParts::kTwo;
    const double tolerance = two ? 0x1p-14 : 0x1.1p-8;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const TileQuery& query = queries[i];
      std::vector<double> w;
      double total = 0;
      for (std::int64_t p = query.first; p < query.last; ++p) {
        double s = 0;
        for (int d = 0; d < 64; ++d) {
          const float q = two ? query.q[d] : bf16_to_float(float_to_bf16(query.q[d]));
          s += static_cast<double>(q) * static_cast<double>(c.k[p * 64 + d]);
        }
        w.push_back(std::exp(s * static_cast<double>(scale_for(c))));
        total += w.back();
      }
      for (int d = 0; d < 64; ++d) {
        double sum = 0;
        double magnitude = 0;
        for (std::int64_t p = query.first; p < query.last; ++p) {
          const double term = w[p - query.first] / total * static_cast<double>(c.v[p * 64 + d]);
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(out[i][d], sum, tolerance * magnitude + 1e-6) << to_string(type) << " " << i << " " << d;
      }
    }
  }
}

TEST_P(Tiles, AttentionHasTheBitsOfTheTwin) {
  std::mt19937 random(7);
  for (const auto& [type, parts] : attention_cases()) {
    for (const std::int64_t dim : {32, 64, 128}) {
      for (const std::int64_t positions : {1, 64, 131, 300}) {
        const KvCase c(random, type, dim, positions);
        for (const std::int64_t n : {1, 7, 8, 16, 33, 70}) {
          const auto queries = queries_of(random, c, n);
          const auto expected = attend_tiles(twin(), c, queries, parts);
          const auto actual = attend_tiles(table(), c, queries, parts);
          for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t d = 0; d < dim; ++d) {
              ASSERT_EQ(bits_of(actual[i][d]), bits_of(expected[i][d]))
                  << to_string(type) << " parts " << static_cast<int>(parts) << " dim " << dim << " positions "
                  << positions << " row " << i << "/" << n;
            }
          }
        }
      }
    }
  }
}

TEST_P(Tiles, AQueryHasTheBitsThatItHasAlone) {
  std::mt19937 random(8);
  for (const auto& [type, parts] : attention_cases()) {
    const KvCase c(random, type, 64, 260);
    auto queries = queries_of(random, c, 40);
    queries[5] = {queries[5].q, 130, 190};  // sees nothing of the first blocks
    const auto together = attend_tiles(table(), c, queries, parts);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto alone = attend_tiles(table(), c, {queries[i]}, parts, queries[i].first);
      for (int d = 0; d < 64; ++d) ASSERT_EQ(bits_of(together[i][d]), bits_of(alone[0][d])) << i << " " << d;
    }
  }
}

// Keys and values behind a query's last position, those of a prompt's later tokens, may be NaN in a broken model: the
// query does not see them.
TEST_P(Tiles, WhatAQuerySeesNothingOfDoesNotReachIt) {
  std::mt19937 random(9);
  constexpr std::int64_t kDim = 64;
  for (const auto& [type, parts] : attention_cases()) {
    const KvCase whole(random, type, kDim, 100);
    auto queries = queries_of(random, whole, 20);
    for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = {queries[i].q, 0, 70 + static_cast<std::int64_t>(i)};
    const auto expected = attend_tiles(table(), whole, queries, parts);
    const std::vector<float> nan(kDim, std::numeric_limits<float>::quiet_NaN());
    store_kv(whole.layout, whole.block(1), 80 - 64, nan.data(), nan.data());
    const auto actual = attend_tiles(table(), whole, queries, parts);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      for (std::int64_t d = 0; d < kDim; ++d) {
        if (queries[i].last <= 80) {
          ASSERT_EQ(bits_of(actual[i][d]), bits_of(expected[i][d])) << to_string(type) << " " << i;
        } else {
          ASSERT_TRUE(std::isnan(actual[i][d])) << to_string(type) << " " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace retort
