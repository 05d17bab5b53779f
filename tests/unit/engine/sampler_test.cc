// The sampler against a plain twin that sorts everything, and the rows that no model should give but some do.
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>

#include "engine/philox.h"

namespace retort {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Entry {
  std::int32_t id;
  double x;
  double probability;
};

void normalize(std::vector<Entry>& entries, double temperature) {
  double largest = -INFINITY;
  for (const Entry& e : entries) largest = std::max(largest, e.x);
  double sum = 0;
  for (Entry& e : entries) sum += e.probability = std::exp((e.x - largest) / temperature);
  for (Entry& e : entries) e.probability /= sum;
}

std::vector<double> penalized(const std::vector<float>& logits, const SamplingParams& p, const TokenCounts& counts) {
  std::vector<double> x(logits.begin(), logits.end());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const std::int32_t n = counts.output_count(id);
    if (n > 0 || counts.in_prompt(id)) x[i] = x[i] > 0 ? x[i] / p.repetition_penalty : x[i] * p.repetition_penalty;
    x[i] -= p.frequency_penalty * n;
    if (n > 0) x[i] -= p.presence_penalty;
    x[i] = static_cast<float>(x[i]);
  }
  return x;
}

// What may be drawn, with probabilities, likeliest first: as the header says, step by step.
std::vector<Entry> twin(const std::vector<float>& logits, const SamplingParams& p, const TokenCounts& counts) {
  const std::vector<double> x = penalized(logits, p, counts);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < x.size(); ++i) entries.push_back({static_cast<std::int32_t>(i), x[i], 0});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.x != b.x ? a.x > b.x : a.id < b.id; });
  normalize(entries, p.temperature);
  if (p.min_p > 0) {
    const double least = p.min_p * entries.front().probability;
    std::erase_if(entries, [&](const Entry& e) { return e.probability < least; });
  }
  if (p.top_k > 0 && p.top_k < static_cast<std::int64_t>(entries.size())) {
    const double kth = entries[p.top_k - 1].x;
    std::erase_if(entries, [&](const Entry& e) { return e.x < kth; });
  }
  normalize(entries, p.temperature);
  double before = 0;
  std::size_t keep = 0;
  while (keep < entries.size() && before < p.top_p) before += entries[keep++].probability;
  entries.resize(std::max<std::size_t>(keep, 1));
  normalize(entries, p.temperature);
  return entries;
}

SampledToken sample_copy(std::vector<float> logits, const SamplingParams& params, const TokenCounts& counts,
                         std::uint64_t sequence = 0, std::uint32_t position = 0) {
  return sample_token(logits, params, counts, sequence, position);
}

SampledToken sample_plain(const std::vector<float>& logits, const SamplingParams& params, std::uint32_t position = 0) {
  return sample_copy(logits, params, TokenCounts(static_cast<std::int64_t>(logits.size())), 0, position);
}

class RandomCase {
 public:
  explicit RandomCase(unsigned seed) : random_(seed) {
    const std::size_t vocab = 1 + random_() % 1500;
    std::normal_distribution<float> normal(0.0f, 3.0f);
    for (std::size_t i = 0; i < vocab; ++i) {
      // A quarter of the cases has many ties.
      logits.push_back(seed % 4 == 0 ? static_cast<float>(random_() % 7) : normal(random_));
    }
    params.temperature = chance(0.3) ? 1.0 : 0.2 + real() * 2;
    if (chance(0.6)) params.top_p = 0.05 + 0.94 * real();
    if (chance(0.4)) params.top_k = 1 + static_cast<std::int64_t>(random_() % vocab);
    if (chance(0.4)) params.min_p = real() * 0.3;
    if (chance(0.3)) params.repetition_penalty = 0.8 + real();
    if (chance(0.3)) params.presence_penalty = 4 * real() - 2;
    if (chance(0.3)) params.frequency_penalty = 4 * real() - 2;
    params.seed = random_();
    counts = TokenCounts(static_cast<std::int64_t>(vocab));
    for (int i = 0; i < 20; ++i) {
      const std::int32_t id = static_cast<std::int32_t>(random_() % vocab);
      if (i % 2 == 0) {
        counts.add_prompt({&id, 1});
      } else {
        counts.add_output(id);
      }
    }
  }
  std::vector<float> logits;
  SamplingParams params;
  TokenCounts counts{1};

 private:
  double real() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  bool chance(double p) { return real() < p; }
  std::mt19937 random_;
};

TEST(Sampler, DrawsWhatThePlainTwinDraws) {
  int near_an_edge = 0;
  for (unsigned seed = 0; seed < 600; ++seed) {
    const RandomCase c(seed);
    std::vector<Entry> kept = twin(c.logits, c.params, c.counts);
    std::sort(kept.begin(), kept.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
    for (std::uint32_t position = 0; position < 20; ++position) {
      const double u = uniform(c.params.seed, 5, position, 0);
      double sum = 0;
      std::int32_t expected = kept.back().id;
      bool clear = true;
      for (const Entry& e : kept) {
        sum += e.probability;
        if (std::abs(u - sum) < 1e-5) clear = false;  // fp32 weights may put it on either side
        if (u < sum) {
          expected = e.id;
          break;
        }
      }
      const SampledToken token = sample_copy(c.logits, c.params, c.counts, 5, position);
      if (clear) {
        ASSERT_EQ(token.id, expected) << "seed " << seed << " position " << position;
      } else {
        ++near_an_edge;
        ASSERT_TRUE(std::any_of(kept.begin(), kept.end(), [&](const Entry& e) { return e.id == token.id; }));
      }
    }
  }
  EXPECT_LT(near_an_edge, 200);  // of 12,000
}

TEST(Sampler, ReportsTheRawDistribution) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    RandomCase c(seed);
    c.params.logprobs = seed % 8;
    const SampledToken token = sample_copy(c.logits, c.params, c.counts);
    std::vector<Entry> raw;
    for (std::size_t i = 0; i < c.logits.size(); ++i) raw.push_back({static_cast<std::int32_t>(i), c.logits[i], 0});
    normalize(raw, 1.0);
    EXPECT_NEAR(token.logprob, std::log(raw[token.id].probability), 2e-6) << seed;
    std::sort(raw.begin(), raw.end(),
              [](const Entry& a, const Entry& b) { return a.x != b.x ? a.x > b.x : a.id < b.id; });
    ASSERT_EQ(token.top.size(), std::min<std::size_t>(seed % 8, raw.size()));
    for (std::size_t i = 0; i < token.top.size(); ++i) {
      EXPECT_EQ(token.top[i].id, raw[i].id) << seed;
      EXPECT_NEAR(token.top[i].logprob, std::log(raw[i].probability), 2e-6);
    }
    std::vector<float> scratch = c.logits;
    const SampledToken scored = score_token(scratch, token.id, c.params);
    EXPECT_EQ(scored.logprob, token.logprob);
    EXPECT_EQ(scored.top.size(), token.top.size());
    c.params.logprobs = -1;
    EXPECT_EQ(sample_copy(c.logits, c.params, c.counts).id, token.id);  // asking changes nothing
  }
}

TEST(Sampler, TellsOfTheTokensThatAreAskedFor) {
  RandomCase c(1);
  c.params.logprobs = static_cast<std::int64_t>(c.logits.size());
  const SampledToken all = sample_copy(c.logits, c.params, c.counts);
  c.params.logprobs = 0;
  const TokenLogprob likeliest = all.top.front();
  const TokenLogprob least = all.top.back();
  c.params.logprob_token_ids = {least.id, likeliest.id, least.id};
  const SampledToken asked = sample_copy(c.logits, c.params, c.counts);
  EXPECT_EQ(asked.id, all.id);
  EXPECT_EQ(asked.logprob, all.logprob);
  ASSERT_EQ(asked.top.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const TokenLogprob& expected = i == 1 ? likeliest : least;
    EXPECT_EQ(asked.top[i].id, expected.id);
    EXPECT_EQ(asked.top[i].logprob, expected.logprob);
  }
  c.params.logprobs = -1;
  EXPECT_FALSE(check(c.params));
}

TEST(Sampler, GreedyTakesTheLargestAndOfEqualsTheFirst) {
  SamplingParams params{.temperature = 0};
  EXPECT_EQ(sample_plain({1, 5, 3, 5}, params).id, 1);
  params.temperature = 1e-6;
  EXPECT_EQ(sample_plain({1, 3, 5, 5}, params).id, 2);
  // Penalties count in greedy too: 5 / 2 < 3.
  params.repetition_penalty = 2;
  TokenCounts counts(4);
  const std::int32_t seen = 2;
  counts.add_prompt({&seen, 1});
  EXPECT_EQ(sample_copy({1, 3, 5, 2}, params, counts).id, 1);
}

TEST(Sampler, PenaltiesFollowTheirDefinitions) {
  TokenCounts counts(3);
  const std::vector<std::int32_t> prompt = {0, 0};
  counts.add_prompt(prompt);
  counts.add_output(1);
  counts.add_output(1);
  EXPECT_EQ(counts.seen(), (std::vector<std::int32_t>{0, 1}));
  std::vector<float> logits = {2, -2, 2};
  sample_token(logits, {.temperature = 0, .repetition_penalty = 4}, counts, 0, 0);
  EXPECT_EQ(logits, (std::vector<float>{0.5f, -8.0f, 2.0f}));
  logits = {2, 2, 2};
  sample_token(logits, {.temperature = 0, .presence_penalty = 0.5, .frequency_penalty = 0.25}, counts, 0, 0);
  EXPECT_EQ(logits, (std::vector<float>{2.0f, 1.0f, 2.0f}));  // output only: 2 - 0.5 - 2 * 0.25
}

TEST(Sampler, TiesWithTheKthStay) {
  std::map<std::int32_t, int> drawn;
  for (std::uint32_t i = 0; i < 200; ++i) ++drawn[sample_plain({1, 3, 2, 2, 2, 0}, {.top_k = 2}, i).id];
  EXPECT_EQ(drawn.size(), 4u);
  EXPECT_FALSE(drawn.contains(0));
  EXPECT_FALSE(drawn.contains(5));
}

TEST(Sampler, TopPOfEqualsTakesLowerIds) {
  // Four of probability 1/4: half the mass is the first two, and 0.51 needs a third.
  for (std::uint32_t i = 0; i < 100; ++i) {
    EXPECT_LT(sample_plain({7, 7, 7, 7}, {.top_p = 0.5}, i).id, 2);
    EXPECT_LT(sample_plain({7, 7, 7, 7}, {.top_p = 0.51}, i).id, 3);
    EXPECT_EQ(sample_plain({7, 7, 7, 7}, {.top_p = 1e-9}, i).id, 0);
  }
}

TEST(Sampler, NeverDrawsMinusInfinityOrNaN) {
  const std::vector<SamplingParams> all = {{},
                                           {.top_p = 0.99},
                                           {.top_k = 5},
                                           {.min_p = 0.01},
                                           {.temperature = 0},
                                           {.temperature = 1e6},
                                           {.temperature = 1e300},
                                           {.temperature = 1e300, .top_p = 0.99}};
  for (const SamplingParams& params : all) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      const std::int32_t id = sample_plain({-kInf, kNaN, 1, kNaN, 2, -kInf, -kInf}, params, i).id;
      EXPECT_TRUE(id == 2 || id == 4) << id;
    }
  }
}

TEST(Sampler, DegenerateRowsAreSane) {
  const std::vector<SamplingParams> all = {{.logprobs = 3},
                                           {.top_p = 0.9, .logprobs = 3},
                                           {.top_k = 2, .min_p = 0.5, .logprobs = 3},
                                           {.temperature = 0, .logprobs = 3},
                                           {.repetition_penalty = 1.3, .presence_penalty = 1, .logprobs = 3}};
  const float most = std::numeric_limits<float>::max();
  const std::vector<std::vector<float>> rows = {
      std::vector<float>(700, -kInf),
      std::vector<float>(700, kNaN),
      std::vector<float>(700, kInf),
      std::vector<float>(700, 0.0f),
      {5},
      {kNaN},
      {-most, most, -most, most},
      {kInf, 1, kNaN, -kInf, kInf},
      std::vector<float>(512, -most),
      std::vector<float>(1024, -1e-38f),
  };
  for (const SamplingParams& params : all) {
    for (const std::vector<float>& row : rows) {
      TokenCounts counts(static_cast<std::int64_t>(row.size()));
      counts.add_output(0);
      for (std::uint32_t i = 0; i < 20; ++i) {
        const SampledToken token = sample_copy(row, params, counts, 0, i);
        ASSERT_GE(token.id, 0);
        ASSERT_LT(token.id, static_cast<std::int32_t>(row.size()));
        EXPECT_FALSE(std::isnan(token.logprob));
        for (const TokenLogprob& top : token.top) EXPECT_FALSE(std::isnan(top.logprob));
      }
    }
  }
  // +infinity takes everything.
  const SampledToken token = sample_plain({1, kInf, 3}, {.logprobs = 1});
  EXPECT_EQ(token.id, 1);
  EXPECT_EQ(token.logprob, 0.0);
}

TEST(Sampler, ChecksEveryParameterByName) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.temperature = 0, .top_k = -1, .min_p = 1}));
  const double nan = std::nan("");
  const std::vector<std::pair<SamplingParams, std::string>> bad = {
      {{.temperature = -0.1}, "temperature"},
      {{.temperature = nan}, "temperature"},
      {{.temperature = INFINITY}, "temperature"},
      {{.top_p = 0}, "top_p"},
      {{.top_p = 1.01}, "top_p"},
      {{.top_p = nan}, "top_p"},
      {{.top_k = -2}, "top_k"},
      {{.min_p = -0.1}, "min_p"},
      {{.min_p = 1.1}, "min_p"},
      {{.repetition_penalty = 0}, "repetition_penalty"},
      {{.repetition_penalty = nan}, "repetition_penalty"},
      {{.presence_penalty = 2.1}, "presence_penalty"},
      {{.frequency_penalty = -2.1}, "frequency_penalty"},
      {{.logprobs = -2}, "logprobs"},
  };
  for (const auto& [params, name] : bad) {
    const Status status = check(params);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message().find(name), std::string::npos) << status.error().message();
  }
}

}  // namespace
}  // namespace retort
