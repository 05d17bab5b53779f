#include "eval/scores.h"

#include <algorithm>
#include <cmath>

#include "core/ascii.h"

namespace retort::eval {
namespace {

// Scores are sums of tests passed at times: 1 within rounding is right.
bool is_right(const Sample& sample) { return sample.score >= 1 - 1e-9; }

std::vector<std::span<const Sample>> by_question(std::span<const Sample> samples) {
  std::vector<std::span<const Sample>> groups;
  for (std::size_t begin = 0, end = 0; begin < samples.size(); begin = end) {
    while (end < samples.size() && samples[end].question_id == samples[begin].question_id) ++end;
    groups.push_back(samples.subspan(begin, end - begin));
  }
  return groups;
}

QuestionScore score_of(std::span<const Sample> samples, const SameAnswer& same) {
  QuestionScore score{.id = samples.front().question_id, .row = samples.front().row};
  std::vector<double> scores;
  std::vector<std::optional<std::string>> answers;
  for (const Sample& sample : samples) {
    scores.push_back(sample.score);
    answers.push_back(sample.outcome == Outcome::kGraded ? sample.answer : std::nullopt);
    score.tries.c += is_right(sample) ? 1 : 0;
  }
  score.tries.n = static_cast<std::int64_t>(samples.size());
  score.mean = question_mean(scores);
  if (samples.size() < 2) return score;
  const auto winner = majority(answers, same);
  score.majority = winner ? samples[winner->first].score : 0.0;
  return score;
}

Counters count(std::span<const Sample> samples, std::size_t questions) {
  Counters counters{.questions = static_cast<std::int64_t>(questions),
                    .samples = static_cast<std::int64_t>(samples.size())};
  for (const Sample& sample : samples) {
    counters.unparsed += sample.outcome == Outcome::kUnparsed ? 1 : 0;
    counters.timed_out += sample.outcome == Outcome::kTimedOut ? 1 : 0;
    counters.failed += sample.outcome == Outcome::kFailed ? 1 : 0;
    counters.truncated += sample.finish_reason == "length" ? 1 : 0;
    // What is only scored, not generated, has no finish reason.
    counters.empty += !sample.finish_reason.empty() && trimmed(sample.output).empty() ? 1 : 0;
  }
  return counters;
}

// Over those questions for which `value` has one.
template <typename Value>
Estimate estimate_of(const std::vector<QuestionScore>& questions, const Value& value) {
  std::vector<double> values;
  for (const QuestionScore& question : questions) {
    if (const std::optional<double> found = value(question)) values.push_back(*found);
  }
  return mean_estimate(values);
}

std::vector<std::int64_t> ks_up_to(std::int64_t fewest) {
  std::vector<std::int64_t> ks;
  for (std::int64_t k = 1; k < fewest; k *= 2) ks.push_back(k);
  if (fewest > 0) ks.push_back(fewest);
  return ks;
}

std::map<std::string, Estimate> metric_estimates(const std::vector<std::span<const Sample>>& groups) {
  std::map<std::string, std::vector<double>> means;
  for (const auto& group : groups) {
    std::map<std::string, std::vector<double>> values;
    for (const Sample& sample : group) {
      for (const auto& [name, value] : sample.metrics) values[name].push_back(value);
    }
    for (const auto& [name, list] : values) means[name].push_back(question_mean(list));
  }
  std::map<std::string, Estimate> estimates;
  for (const auto& [name, list] : means) estimates[name] = mean_estimate(list);
  return estimates;
}

std::optional<TextLikelihood> likelihood_of(std::span<const Sample> samples) {
  std::optional<TextLikelihood> sum;
  for (const Sample& sample : samples) {
    constexpr double kMost = 0x1p53;  // whole numbers are exact up to here
    const auto number = [&sample](const char* name) {
      const auto found = sample.metrics.find(name);
      const bool usable = found != sample.metrics.end() && std::abs(found->second) <= kMost;
      return usable ? std::optional<double>(found->second) : std::nullopt;
    };
    const auto loglikelihood = number("loglikelihood");
    const auto words = number("words");
    const auto bytes = number("bytes");
    if (!loglikelihood || !words || !bytes) continue;
    if (!sum) sum.emplace();
    *sum += TextLikelihood{*loglikelihood, static_cast<std::int64_t>(*words), static_cast<std::int64_t>(*bytes)};
  }
  return sum;
}

}  // namespace

std::vector<QuestionScore> question_scores(std::span<const Sample> samples, const SameAnswer& same) {
  std::vector<QuestionScore> scores;
  for (const auto& group : by_question(samples)) scores.push_back(score_of(group, same));
  return scores;
}

Summary summarize(std::span<const Sample> samples, const SummaryOptions& options) {
  const std::vector<std::span<const Sample>> groups = by_question(samples);
  const std::vector<QuestionScore> questions = question_scores(samples, options.same);
  Summary summary{.counters = count(samples, questions.size())};
  if (questions.empty()) return summary;
  const auto [fewest, most] =
      std::minmax_element(questions.begin(), questions.end(),
                          [](const QuestionScore& a, const QuestionScore& b) { return a.tries.n < b.tries.n; });
  summary.fewest_samples = fewest->tries.n;
  summary.most_samples = most->tries.n;
  std::vector<double> means;
  means.reserve(questions.size());
  for (const QuestionScore& question : questions) means.push_back(question.mean);
  summary.mean = mean_estimate(means);
  summary.interval = bootstrap_mean(means, options.bootstrap);
  for (const std::int64_t k : ks_up_to(summary.fewest_samples)) {
    summary.pass_at_k.push_back(
        {k, estimate_of(questions, [k](const QuestionScore& question) { return pass_at_k(question.tries, k); })});
  }
  if (summary.fewest_samples > 1) {
    const std::int64_t k = summary.fewest_samples;
    summary.majority = AtK{summary.most_samples,
                           estimate_of(questions, [](const QuestionScore& question) { return question.majority; })};
    summary.mean_g_pass = AtK{
        k, estimate_of(questions, [k](const QuestionScore& question) { return mean_g_pass_at_k(question.tries, k); })};
  }
  summary.metrics = metric_estimates(groups);
  summary.likelihood = likelihood_of(samples);
  return summary;
}

}  // namespace retort::eval
