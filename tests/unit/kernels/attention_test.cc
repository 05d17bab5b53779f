// Attention over blocks of the KV cache: near the exact result, and the bits of ref whatever rows share a call.
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "core/float_bits.h"
#include "fixtures.h"
#include "kernels/kv_block.h"
#include "kv_fixtures.h"

namespace retort {
namespace {

using testing::bits_of;
using testing::KernelTest;
using testing::KvCase;
using testing::random_floats;

constexpr float kMinusInf = -std::numeric_limits<float>::infinity();
constexpr int kPositions = static_cast<int>(kKvBlockPositions);

/// What a query sees: positions [first, last).
struct Query {
  std::vector<float> q;
  std::int64_t first;
  std::int64_t last;
};

std::vector<Query> random_queries(std::mt19937& random, const KvCase& c, std::int64_t n, float spread = 1.0f) {
  std::vector<Query> out;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto last = std::uniform_int_distribution<std::int64_t>(1, c.positions)(random);
    const auto first = i % 2 == 0 ? 0 : std::uniform_int_distribution<std::int64_t>(0, last - 1)(random);
    out.push_back({random_floats(random, c.layout.head_dim, spread), first, last});
  }
  return out;
}

float scale_of(const KvCase& c) { return 1.0f / std::sqrt(static_cast<float>(c.layout.head_dim)); }

/// All queries in one call per block, those that see nothing of a block left out. [queries][head_dim]
std::vector<std::vector<float>> attend_all(const KernelTable& table, const KvCase& c,
                                           const std::vector<Query>& queries) {
  std::vector<std::vector<float>> sums(queries.size(), std::vector<float>(c.layout.padded_dim, 0.0f));
  std::vector<AttentionRow> state;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    state.push_back({queries[i].q.data(), sums[i].data(), kMinusInf, 0, 0, 0});
  }
  for (std::int64_t b = 0; b < c.blocks; ++b) {
    std::vector<AttentionRow> rows;
    std::vector<std::size_t> of;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const std::int64_t first = std::max<std::int64_t>(0, queries[i].first - b * kPositions);
      const std::int64_t last = std::min<std::int64_t>(kPositions, queries[i].last - b * kPositions);
      if (first >= last) continue;
      rows.push_back(state[i]);
      rows.back().first = static_cast<std::int32_t>(first);
      rows.back().last = static_cast<std::int32_t>(last);
      of.push_back(i);
    }
    if (rows.empty()) continue;
    table.attention_block({&c.layout, c.block(b), b + 1 < c.blocks ? c.block(b + 1) : nullptr, rows.data(),
                           static_cast<std::int64_t>(rows.size()), scale_of(c)});
    for (std::size_t i = 0; i < of.size(); ++i) state[of[i]] = rows[i];
  }
  for (std::size_t i = 0; i < queries.size(); ++i) {
    sums[i].resize(c.layout.head_dim);
    for (float& x : sums[i]) x /= state[i].sum;
  }
  return sums;
}

/// In double, with all scores at hand, over the values that the cache kept.
std::vector<double> exact_attention(const KvCase& c, const Query& query) {
  const std::int64_t dim = c.layout.head_dim;
  std::vector<double> weights;
  double max = -std::numeric_limits<double>::infinity();
  for (std::int64_t p = query.first; p < query.last; ++p) {
    weights.push_back(static_cast<double>(scale_of(c)) * testing::exact_dot(query.q.data(), &c.k[p * dim], dim).sum);
    max = std::max(max, weights.back());
  }
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - max);
  std::vector<double> out(dim, 0.0);
  for (std::int64_t p = query.first; p < query.last; ++p) {
    for (std::int64_t d = 0; d < dim; ++d) {
      out[d] += weights[p - query.first] / sum * static_cast<double>(c.v[p * dim + d]);
    }
  }
  return out;
}

class Attention : public KernelTest {};
RETORT_FOR_ALL_TABLES(Attention);

// A score is a chain of up to 128 roundings of terms that add up to about |q||k| <= 3 * 128 * scale: an error of some
// 1e-5 in it is a relative error of 1e-5 in its weight, and values are near 1.
TEST_P(Attention, NearTheExactResultForEveryTypeAndDimension) {
  std::mt19937 random(1);
  for (const KvCacheType type : kKvCacheTypes) {
    for (const std::int64_t dim : {2, 6, 16, 32, 80, 128}) {
      for (const std::int64_t positions : {1, 63, 64, 65, 200}) {
        const KvCase c(random, type, dim, positions);
        const std::vector<Query> queries = random_queries(random, c, 7);
        const auto out = attend_all(table(), c, queries);
        for (std::size_t i = 0; i < queries.size(); ++i) {
          const std::vector<double> expected = exact_attention(c, queries[i]);
          for (std::int64_t d = 0; d < dim; ++d) {
            ASSERT_NEAR(out[i][d], expected[d], 3e-5) << to_string(type) << " dim " << dim << " of " << positions;
          }
        }
      }
    }
  }
}

TEST_P(Attention, TheBitsOfRefWhateverRowsShareACall) {
  std::mt19937 random(2);
  for (const KvCacheType type : kKvCacheTypes) {
    const KvCase c(random, type, 48, 150);
    for (const float spread : {1.0f, 30.0f}) {  // soft and sharp
      const std::vector<Query> queries = random_queries(random, c, 14, spread);
      for (std::size_t n = 1; n <= queries.size(); ++n) {
        const std::vector<Query> some(queries.begin(), queries.begin() + static_cast<std::ptrdiff_t>(n));
        const auto expected = attend_all(testing::ref_table(), c, some);
        const auto together = attend_all(table(), c, some);
        const auto alone = attend_all(table(), c, {some.back()});
        for (std::size_t i = 0; i < n; ++i) {
          for (std::size_t d = 0; d < expected[i].size(); ++d) {
            ASSERT_EQ(bits_of(together[i][d]), bits_of(expected[i][d])) << to_string(type) << " rows " << n;
          }
        }
        for (std::size_t d = 0; d < alone[0].size(); ++d) ASSERT_EQ(bits_of(alone[0][d]), bits_of(expected[n - 1][d]));
      }
    }
  }
}

TEST_P(Attention, HugeScoresNeitherOverflowNorVanish) {
  std::mt19937 random(3);
  const KvCase c(random, KvCacheType::kF32, 32, 100);
  const std::vector<Query> queries = random_queries(random, c, 5, 1e6f);
  const auto out = attend_all(table(), c, queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const std::vector<double> expected = exact_attention(c, queries[i]);
    for (std::int64_t d = 0; d < 32; ++d) ASSERT_NEAR(out[i][d], expected[d], 0.2);
  }
}

TEST_P(Attention, NaNStaysWithTheQueriesThatSeeIt) {
  std::mt19937 random(4);
  for (const KvCacheType type : kKvCacheTypes) {
    const KvCase c(random, type, 16, 80);
    std::vector<float> bad(16, std::numeric_limits<float>::quiet_NaN());
    store_kv(c.layout, c.block(1), 5, bad.data(), bad.data());  // position 69
    const std::vector<Query> queries = {{random_floats(random, 16), 0, 69}, {random_floats(random, 16), 0, 70}};
    const auto together = attend_all(table(), c, queries);
    const auto alone = attend_all(table(), c, {queries[0]});
    EXPECT_TRUE(std::isnan(together[1][0])) << to_string(type);
    EXPECT_FALSE(std::isnan(alone[0][0])) << to_string(type);
  }
}

// A bias that would take all the bits costs none as the block's offset.
TEST(KvBlock, AnOffsetLeavesTheBitsToTheKeys) {
  std::mt19937 random(15);
  for (const KvCacheType type : {KvCacheType::kFp8E4m3, KvCacheType::kInt8}) {
    const KvBlockLayout layout = kv_block_layout(type, 64);
    std::vector<std::byte> memory(layout.head_bytes + 64);
    std::byte* head = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
    std::vector<float> offset(64, 0.0f);
    offset[31] = 354.0f;
    offset[63] = -211.0f;
    std::vector<float> k = random_floats(random, 64);
    for (int d = 0; d < 64; ++d) k[d] += offset[d];
    const auto worst = [&](const std::vector<float>& given) {
      store_kv_offset(layout, head, given.data());
      store_kv(layout, head, 3, k.data(), k.data());
      std::vector<float> k2(64);
      std::vector<float> v2(64);
      load_kv(layout, head, 3, k2.data(), v2.data());
      float error = 0;
      for (int d = 0; d < 64; ++d) error = std::max(error, std::abs(k2[d] - k[d]));
      return error;
    };
    EXPECT_GT(worst(std::vector<float>(64, 0.0f)), 0.5f) << to_string(type);
    EXPECT_LT(worst(offset), 0.2f) << to_string(type);
  }
}

TEST(KvBlock, KeepsWhatAnEightBitTypeCan) {
  std::mt19937 random(5);
  for (const KvCacheType type : kKvCacheTypes) {
    const KvBlockLayout layout = kv_block_layout(type, 64);
    std::vector<std::byte> memory(layout.head_bytes + 64);
    std::byte* head = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
    const std::vector<float> k = random_floats(random, 64, 20.0f);
    const std::vector<float> v = random_floats(random, 64);
    store_kv(layout, head, 9, k.data(), v.data());
    std::vector<float> k2(64);
    std::vector<float> v2(64);
    load_kv(layout, head, 9, k2.data(), v2.data());
    float largest = 0;
    for (const float x : k) largest = std::max(largest, std::abs(x));
    for (int d = 0; d < 64; ++d) {
      const float relative = type == KvCacheType::kBf16 ? 0x1p-8f : type == KvCacheType::kFp8E4m3 ? 0x1p-4f : 0.0f;
      const float absolute = type == KvCacheType::kInt8      ? largest / 254 * 1.001f
                             : type == KvCacheType::kFp8E4m3 ? largest / 448 * 0x1p-10f
                                                             : 0.0f;
      EXPECT_NEAR(k2[d], k[d], std::abs(k[d]) * relative * 1.001f + absolute) << to_string(type);
    }
  }
}

TEST(KvBlock, SplitsMergeToTheWhole) {
  std::mt19937 random(6);
  const KvCase c(random, KvCacheType::kF32, 16, 300);
  const Query whole{random_floats(random, 16, 3.0f), 0, 300};
  const std::vector<double> expected = exact_attention(c, whole);
  std::vector<float> out(16, 0.0f);
  AttentionSum total{out.data(), kMinusInf, 0};
  for (std::int64_t first = 0; first < 300; first += 128) {
    std::vector<float> part(16, 0.0f);
    AttentionRow row{whole.q.data(), part.data(), kMinusInf, 0, 0, 0};
    for (std::int64_t b = first / 64; b < std::min<std::int64_t>(first / 64 + 2, 5); ++b) {
      row.first = 0;
      row.last = static_cast<std::int32_t>(std::min<std::int64_t>(64, 300 - 64 * b));
      testing::ref_table().attention_block({&c.layout, c.block(b), nullptr, &row, 1, scale_of(c)});
    }
    merge_attention(total, {part.data(), row.max, row.sum}, 16);
  }
  for (int d = 0; d < 16; ++d) EXPECT_NEAR(out[d] / total.sum, expected[d], 1e-5);
}

}  // namespace
}  // namespace retort
