// retort grade maths: one answer beside the right one, or a file of them.
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/grade_commands.h"
#include "cli/grade_rows.h"
#include "core/json.h"
#include "grade/answer_part.h"
#include "grade/maths/maths_worker.h"

namespace retort::cli {
namespace {

struct Options {
  std::optional<std::string> gold;
  std::optional<std::string> pred;
  std::optional<std::string> input;
  std::string profile = "math_verify";
  std::string think = "keep";
  int digits = 6;
  std::optional<double> timeout;
  bool boxed_only = false;
  bool rename = false;
  bool worker = false;
};

struct Settings {
  grade::MathsOptions maths;
  grade::ThinkPolicy think;
};

Expected<Settings> settings_of(const Options& options) {
  Settings out;
  const auto profile = grade::maths_profile_from(options.profile);
  if (!profile) {
    return fail(ErrorCode::kInvalidArgument,
                "--profile '{}' is not known; there are math_verify, qwen, hendrycks, strict", options.profile);
  }
  const auto think = grade::think_policy_from(options.think);
  if (!think) {
    return fail(ErrorCode::kInvalidArgument, "--think '{}' is not known; there are strip, keep, require",
                options.think);
  }
  constexpr int kMaxDigits = 15;
  if (options.digits < 0 || options.digits > kMaxDigits) {
    return fail(ErrorCode::kInvalidArgument, "--digits is {} but must be from 0 to {}", options.digits, kMaxDigits);
  }
  out.maths.rules = {.profile = *profile, .digits = options.digits};
  if (options.rename) out.maths.rules.symbols = grade::SymbolNames::kRename;
  if (options.boxed_only) out.maths.search = grade::AnswerSearch::kBoxedOnly;
  out.think = *think;
  return out;
}

Expected<OrderedJson> verdict_of(const std::string& gold, const std::string& pred, const Settings& settings,
                                 grade::MathsGrader& grader) {
  grade::MathsVerdict verdict;
  if (const auto answer = grade::answer_part(pred, settings.think)) {
    RETORT_TRY(verdict, grader.grade({gold, *answer}, settings.maths));
  }
  return OrderedJson{{"equal", verdict.equal()},
                     {"reason", std::string(grade::to_string(verdict.reason))},
                     {"extracted_gold", verdict.extracted_gold},
                     {"extracted_pred", verdict.extracted_pred}};
}

Status run(const Options& options) {
  if (options.worker) return grade::serve_maths();
  RETORT_TRY(const Settings settings, settings_of(options));
  const double timeout = options.timeout.value_or(2.0);
  constexpr double kLongest = 3'600;
  if (!(timeout > 0 && timeout <= kLongest)) {
    return fail(ErrorCode::kInvalidArgument, "--timeout is {} but must be above 0 and at most {} seconds", timeout,
                kLongest);
  }
  grade::MathsGrader grader({.worker = maths_worker_command(),
                             .deadline = std::chrono::milliseconds(static_cast<std::int64_t>(timeout * 1'000))});
  if (options.gold.has_value() != options.pred.has_value() || options.gold.has_value() == options.input.has_value()) {
    return fail(ErrorCode::kInvalidArgument, "give --gold and --pred, or --input");
  }
  if (options.gold) {
    RETORT_TRY(const OrderedJson verdict, verdict_of(*options.gold, *options.pred, settings, grader));
    fmt::print("{}\n", json_text(verdict));
    return {};
  }
  return for_each_row(*options.input, [&](const Json& row) -> Expected<OrderedJson> {
    RETORT_TRY(const std::string gold, json_string(row, "gold"));
    RETORT_TRY(const std::string pred, json_string(row, "pred"));
    return verdict_of(gold, pred, settings, grader);
  });
}

}  // namespace

std::vector<std::string> maths_worker_command() { return {"/proc/self/exe", "grade", "maths", "--worker"}; }

void add_grade_maths(Command group) {
  auto options = std::make_shared<Options>();
  Command command = group.add_subcommand("maths", "A mathematical answer beside the right one");
  command.footer(
      "Prints {\"equal\": true, \"reason\": \"equal_symbolic\", \"extracted_gold\": ..., \"extracted_pred\": ...}, or "
      "with\n"
      "--input one such line for each line {\"gold\": ..., \"pred\": ...} (an \"id\" is passed on). docs/grading.md "
      "tells\n"
      "what the reasons mean and what the profiles forgive.");
  command.add("--gold", options->gold, "The right answer, bare or in a solution");
  command.add("--pred", options->pred, "The response");
  command.add("--input", options->input, "JSONL file of both, - for standard input");
  command.add("--profile", options->profile, "Whose conventions: math_verify, qwen, hendrycks or strict")
      .show_default();
  command.add("--digits", options->digits, "Decimal places to which math_verify rounds").show_default();
  command.add("--think", options->think, "Reasoning before the answer: strip, keep or require").show_default();
  command.add("--timeout", options->timeout, "Seconds after which an answer is given up [2]");
  command.add_flag("--boxed-only", options->boxed_only, "Only what is in a \\boxed is an answer");
  command.add_flag("--rename-variables", options->rename, "f(x) and f(y) are the same answer");
  command.add_flag("--worker", options->worker, "Grade what comes on standard input: how this program calls itself")
      .group("");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
