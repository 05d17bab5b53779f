#include "engine/nucleus.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace retort {
namespace {

std::vector<Candidate> candidates_of(const std::vector<float>& logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<Candidate> out;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    // Ids have gaps, as they have when a bound left some out. Weights as of a high temperature: none is lost.
    out.push_back(
        {logits[i], static_cast<float>(std::exp((logits[i] - largest) / 1e3)), static_cast<std::int32_t>(3 * i + 1)});
  }
  return out;
}

// As the header says it, in fp64 from the likeliest on. The weight before each candidate goes to `before`.
std::vector<Candidate> sorted_with_sums(std::vector<Candidate> candidates, std::vector<double>& before) {
  std::sort(candidates.begin(), candidates.end(), likelier);
  double sum = 0;
  for (const Candidate& c : candidates) {
    before.push_back(sum);
    sum += c.weight;
  }
  before.push_back(sum);
  return candidates;
}

// Targets between the sums, so that an order of additions decides nothing, at `places` places.
void expect_as_sorted(const std::vector<float>& logits, int places) {
  const std::vector<Candidate> candidates = candidates_of(logits);
  std::vector<double> before;
  const std::vector<Candidate> sorted = sorted_with_sums(candidates, before);
  std::mt19937 random(static_cast<unsigned>(logits.size()));
  for (int place = 0; place < places; ++place) {
    const std::size_t last = place == 0 ? 0 : place == 1 ? sorted.size() - 1 : random() % sorted.size();
    const double target = (before[last] + before[last + 1]) / 2;
    EXPECT_EQ(last_in_nucleus(candidates, 0, target).id, sorted[last].id) << logits.size() << " logits, place " << last;
  }
}

TEST(Nucleus, EndsWhereSortingEndsIt) {
  std::mt19937 random(7);
  for (const std::size_t count : {1, 2, 63, 64, 65, 500, 5'000, 40'000}) {
    std::normal_distribution<float> normal(0.0f, 3.0f);
    std::vector<float> logits(count);
    for (float& x : logits) x = normal(random);
    expect_as_sorted(logits, 40);
    for (float& x : logits) x = std::round(x);  // many equal ones: ids decide
    expect_as_sorted(logits, 40);
  }
}

TEST(Nucleus, EndsWhereSortingEndsItOnRowsThatBinsDoNotPart) {
  expect_as_sorted(std::vector<float>(20'000, 1.5f), 40);
  std::vector<float> outlier(20'000);
  for (std::size_t i = 0; i < outlier.size(); ++i)
    outlier[i] = std::nextafter(1.0f, 2.0f) * static_cast<float>(i % 3 + 1);
  outlier[777] = 800.0f;
  expect_as_sorted(outlier, 40);
  std::vector<float> doubling;  // every level of bins takes the larger ones away and leaves the rest together
  for (int i = 0; i < 4'000; ++i) doubling.push_back(std::ldexp(1.0f, i % 130 - 120));
  expect_as_sorted(doubling, 200);
}

TEST(Nucleus, IsEverythingIfRoundingLeavesLessThanTheTarget) {
  std::vector<float> logits(1'000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>((i * 7919) % 1000) / 10.0f;
  const std::vector<Candidate> candidates = candidates_of(logits);
  const Candidate& least = *std::max_element(candidates.begin(), candidates.end(), likelier);
  EXPECT_EQ(last_in_nucleus(candidates, 0, 1e9).id, least.id);
}

}  // namespace
}  // namespace retort
