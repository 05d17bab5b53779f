#include "eval/report_sample.h"

#include <algorithm>
#include <cmath>

#include "core/ascii.h"
#include "core/json.h"
#include "grade/steps/steps.h"

namespace retort::eval {
namespace {

bool continues_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

void add_text(OrderedJson& out, const std::string& field, std::string_view text, std::size_t most) {
  Excerpt excerpt = excerpt_of(text, most);
  out[field] = std::move(excerpt.text);
  if (excerpt.left_out > 0) out[field + "_left_out"] = excerpt.left_out;
}

OrderedJson steps_of(std::string_view question, std::string_view response, OrderedJson& sample, std::size_t most) {
  const grade::StepsReport report = grade::check_steps({question, response});
  OrderedJson list = OrderedJson::array();
  for (const grade::Step& step : report.steps) {
    if (list.size() == most) break;
    OrderedJson entry = {{"left", step.left}, {"right", step.right}, {"verdict", to_string(step.verdict)}};
    if (step.verifies) entry["verifies"] = true;
    if (!question.empty() && !step.unknown_operands.empty()) entry["unknown"] = step.unknown_operands;
    list.push_back(std::move(entry));
  }
  if (report.steps.size() > most) sample["steps_left_out"] = report.steps.size() - most;
  return list;
}

}  // namespace

std::string_view to_string(SampleVerdict verdict) {
  switch (verdict) {
    case SampleVerdict::kRight:
      return "right";
    case SampleVerdict::kWrong:
      return "wrong";
    case SampleVerdict::kUnparsed:
      return "unparsed";
    case SampleVerdict::kTimedOut:
      return "timeout";
    case SampleVerdict::kFailed:
      return "failed";
  }
  return "?";
}

SampleVerdict verdict_of(const Sample& sample) {
  switch (sample.outcome) {
    case Outcome::kUnparsed:
      return SampleVerdict::kUnparsed;
    case Outcome::kTimedOut:
      return SampleVerdict::kTimedOut;
    case Outcome::kFailed:
      return SampleVerdict::kFailed;
    case Outcome::kGraded:
      break;
  }
  return sample.score >= 1 - 1e-9 ? SampleVerdict::kRight : SampleVerdict::kWrong;
}

Excerpt excerpt_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return {.text = std::string(text)};
  // An answer is at the end: that gets the larger part.
  std::size_t head = most / 3;
  std::size_t tail = text.size() - (most - head);
  while (head > 0 && continues_code_point(text[head])) --head;
  while (tail < text.size() && continues_code_point(text[tail])) ++tail;
  Excerpt out{.text = std::string(text.substr(0, head)), .left_out = tail - head};
  out.text += "\n[...]\n";
  out.text += text.substr(tail);
  return out;
}

OrderedJson shown_sample(const Sample& sample, std::size_t question, std::string_view question_text,
                         const SampleShown& shown) {
  OrderedJson out = {{"question", question},
                     {"index", sample.index},
                     {"verdict", to_string(verdict_of(sample))},
                     {"score", std::isfinite(sample.score) ? OrderedJson(sample.score) : OrderedJson()},
                     {"truncated", sample.finish_reason == "length"},
                     {"empty", !sample.finish_reason.empty() && trimmed(sample.output).empty()},
                     {"finish_reason", sample.finish_reason},
                     {"reason", sample.reason},
                     {"answer", sample.answer ? OrderedJson(*sample.answer) : OrderedJson()},
                     {"prompt_sha256", sample.prompt_sha256},
                     {"prompt_tokens", sample.prompt_tokens},
                     {"output_tokens", sample.output_tokens},
                     {"seconds", std::isfinite(sample.seconds) ? OrderedJson(sample.seconds) : OrderedJson()}};
  const std::string_view output = sample.output;
  const auto split = std::min(output.size(), static_cast<std::size_t>(std::max<std::int64_t>(0, sample.think_bytes)));
  if (split > 0) add_text(out, "reasoning", output.substr(0, split), shown.output_bytes - shown.output_bytes / 3);
  add_text(out, "output", output.substr(split), split > 0 ? shown.output_bytes / 3 : shown.output_bytes);
  for (const auto& [name, value] : sample.metrics) {
    out["metrics"][name] = std::isfinite(value) ? OrderedJson(value) : OrderedJson();
  }
  if (shown.steps > 0) {
    OrderedJson steps = steps_of(question_text, output, out, shown.steps);
    if (!steps.empty()) out["steps"] = std::move(steps);
  }
  return out;
}

}  // namespace retort::eval
