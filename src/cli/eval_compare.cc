// retort eval compare: two runs over the same questions, and what can be concluded.
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/eval_commands.h"
#include "cli/safe_text.h"
#include "core/json.h"
#include "eval/compare.h"
#include "eval/config_difference.h"
#include "eval/store.h"

namespace retort::cli {
namespace {

struct CompareOptions {
  std::string a;
  std::string b;
  std::int64_t flips = 10;
  bool json = false;
};

struct ComparedRun {
  Json config;
  std::vector<eval::QuestionScore> questions;
};

Expected<ComparedRun> read_run(const std::string& folder) {
  RETORT_TRY(const eval::SampleStore store, eval::SampleStore::open_to_read(folder));
  RETORT_TRY(const auto samples, store.samples());
  if (samples.empty()) return fail(ErrorCode::kNotFound, "{}: the run has no samples yet", folder);
  return ComparedRun{store.config(), eval::question_scores(samples, eval::same_text)};
}

// Without it the questions of one would be sought in the other, and ids such as "0" are in every task.
Status check_same_task(const Json& a, const Json& b) {
  const auto name = [](const Json& config) {
    const Json* task = json_find(config, "task");
    return task ? *task : Json();
  };
  if (name(a) == name(b)) return {};
  return fail(ErrorCode::kInvalidArgument, "the runs are of different tasks, {} and {}: they share no questions",
              json_text(name(a)), json_text(name(b)));
}

OrderedJson flips_json(const std::vector<eval::Flip>& flips) {
  OrderedJson list = OrderedJson::array();
  for (const eval::Flip& flip : flips) list.push_back(OrderedJson{{"id", flip.id}, {"a", flip.a}, {"b", flip.b}});
  return list;
}

OrderedJson comparison_json(const eval::Comparison& c, const std::vector<eval::ConfigDifference>& differences) {
  OrderedJson configs = OrderedJson::array();
  for (const auto& difference : differences) {
    configs.push_back(OrderedJson{{"field", difference.field}, {"a", difference.a}, {"b", difference.b}});
  }
  return {{"questions", c.pairs},
          {"only_a", c.only_a},
          {"only_b", c.only_b},
          {"mean_a", c.mean_a},
          {"mean_b", c.mean_b},
          {"difference", c.difference.value},
          {"difference_stderr", c.difference.standard_error},
          {"interval", {c.interval.low, c.interval.high}},
          {"level", c.level},
          {"p_value", c.p_value},
          {"better_in_a", flips_json(c.better_a)},
          {"better_in_b", flips_json(c.better_b)},
          {"config_differences", configs},
          {"conclusion", eval::conclusion(c)}};
}

void print_flips(const char* heading, const std::vector<eval::Flip>& flips, std::int64_t most) {
  fmt::print("{}: {}\n", heading, flips.size());
  const auto shown = std::min(flips.size(), static_cast<std::size_t>(most));
  for (std::size_t i = 0; i < shown; ++i) {
    fmt::print("  {}  {:.3g} in A, {:.3g} in B\n", terminal_safe(flips[i].id), flips[i].a, flips[i].b);
  }
  if (shown < flips.size()) fmt::print("  ... and {} more (--flips N shows more)\n", flips.size() - shown);
}

Status compare(const CompareOptions& options) {
  if (options.flips < 0) {
    return fail(ErrorCode::kInvalidArgument, "--flips must be 0 or more but is {}", options.flips);
  }
  RETORT_TRY(const ComparedRun a, read_run(options.a));
  RETORT_TRY(const ComparedRun b, read_run(options.b));
  RETORT_TRY_STATUS(check_same_task(a.config, b.config));
  const eval::Comparison comparison = eval::compare_runs(a.questions, b.questions);
  const auto differences = eval::config_differences(a.config, b.config);
  if (options.json) {
    fmt::print("{}\n", json_text(comparison_json(comparison, differences)));
    return {};
  }
  fmt::print("A: {}\nB: {}\n", terminal_safe(options.a), terminal_safe(options.b));
  for (const auto& difference : differences) {
    fmt::print("  {}: {} in A, {} in B\n", terminal_safe(difference.field), terminal_safe(difference.a),
               terminal_safe(difference.b));
  }
  fmt::print("\n{} questions in both ({} in A alone, {} in B alone)\n", comparison.pairs, comparison.only_a,
             comparison.only_b);
  fmt::print("A {:.1f}%, B {:.1f}%\n", 100 * comparison.mean_a, 100 * comparison.mean_b);
  print_flips("better in A", comparison.better_a, options.flips);
  print_flips("better in B", comparison.better_b, options.flips);
  fmt::print("\n{}\n", eval::conclusion(comparison));
  return {};
}

}  // namespace

void add_eval_compare(Command group) {
  auto options = std::make_shared<CompareOptions>();
  Command command = group.add_subcommand("compare", "Two runs over the same questions: is one better?");
  command.footer(
      "Questions are compared one by one, which tells far smaller differences apart than two intervals side by side.\n"
      "The interval is a bootstrap over questions, p is McNemar's exact test; docs/evaluation.md has the formulas.");
  command.add("DIR_A", options->a, "Folder of a run").required();
  command.add("DIR_B", options->b, "Folder of another run of the same task").required();
  command.add("--flips", options->flips, "Questions to list of each side").show_default();
  command.add_flag("--json", options->json, "Machine-readable output, with all flips");
  command.on_use([options] { return compare(*options); });
}

}  // namespace retort::cli
