#include "eval/compare.h"

#include <cmath>
#include <unordered_map>

#include "core/units.h"
#include "eval/mcnemar.h"

namespace retort::eval {
namespace {

constexpr double kSame = 1e-12;  // means of the same scores in another order

Comparison::Verdict verdict_of(const Comparison& c) {
  const bool by_interval = c.interval.low > 0 || c.interval.high < 0;
  const bool by_test = c.p_value < 1 - c.level;
  if (by_interval && by_test) {
    return c.difference.value > 0 ? Comparison::Verdict::kBBetter : Comparison::Verdict::kABetter;
  }
  return by_interval || by_test ? Comparison::Verdict::kBorderline : Comparison::Verdict::kNothing;
}

// A mean is told from 0 once it is some 2 standard errors away, and these shrink with the root of the number.
std::optional<std::int64_t> needed(const Comparison& c) {
  const double size = std::abs(c.difference.value);
  if (size < kSame || c.pairs < 2) return std::nullopt;
  const double questions = std::pow(1.96 * c.difference.standard_error / size, 2) * static_cast<double>(c.pairs);
  if (!(questions < 1e12)) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(questions));
}

}  // namespace

Comparison compare_runs(std::span<const QuestionScore> a, std::span<const QuestionScore> b, BootstrapOptions options) {
  Comparison comparison{.level = options.level};
  std::unordered_map<std::string_view, const QuestionScore*> of_b;
  for (const QuestionScore& question : b) of_b.emplace(question.id, &question);
  std::vector<double> scores_a;
  std::vector<double> scores_b;
  std::vector<double> differences;
  for (const QuestionScore& question : a) {
    const auto found = of_b.find(question.id);
    if (found == of_b.end()) {
      ++comparison.only_a;
      continue;
    }
    const double other = found->second->mean;
    scores_a.push_back(question.mean);
    scores_b.push_back(other);
    differences.push_back(other - question.mean);
    if (question.mean > other + kSame) comparison.better_a.push_back({question.id, question.mean, other});
    if (other > question.mean + kSame) comparison.better_b.push_back({question.id, question.mean, other});
  }
  comparison.pairs = static_cast<std::int64_t>(differences.size());
  comparison.only_b = static_cast<std::int64_t>(b.size()) - comparison.pairs;
  comparison.mean_a = question_mean(scores_a);
  comparison.mean_b = question_mean(scores_b);
  comparison.difference = mean_estimate(differences);
  comparison.interval = bootstrap_mean(differences, options);
  comparison.p_value = mcnemar_exact(static_cast<std::int64_t>(comparison.better_a.size()),
                                     static_cast<std::int64_t>(comparison.better_b.size()));
  comparison.verdict = verdict_of(comparison);
  comparison.questions_needed = needed(comparison);
  return comparison;
}

std::string conclusion(const Comparison& c) {
  if (c.pairs == 0) return "The runs have no question in common, so nothing can be concluded.";
  const std::string seen = fmt::format(
      "{:+.1f} points on {} questions ({:.0f}% interval {:+.1f} to {:+.1f}, p = {:.3g})", 100 * c.difference.value,
      format_grouped(c.pairs), 100 * c.level, 100 * c.interval.low, 100 * c.interval.high, c.p_value);
  switch (c.verdict) {
    case Comparison::Verdict::kABetter:
      return fmt::format("A is better than B: B - A is {}.", seen);
    case Comparison::Verdict::kBBetter:
      return fmt::format("B is better than A: B - A is {}.", seen);
    case Comparison::Verdict::kBorderline:
      return fmt::format("Borderline, ask more questions before relying on it: B - A is {}.", seen);
    case Comparison::Verdict::kNothing:
      break;
  }
  std::string text = fmt::format("No difference can be told from chance: B - A is {}.", seen);
  if (c.questions_needed && *c.questions_needed > c.pairs) {
    text += fmt::format(" If it really were that large, some {} questions would show it.",
                        format_grouped(*c.questions_needed));
  }
  return text;
}

}  // namespace retort::eval
