// retort grade format: whether a response has the form that was asked for.
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/grade_commands.h"
#include "cli/grade_rows.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "grade/format.h"

namespace retort::cli {
namespace {

struct Options {
  std::string think = "prefilled";
  std::string box = "once";
  bool answer_tags = false;
  bool heading = false;
  std::optional<std::string> response;
  std::optional<std::string> file;
  std::optional<std::string> input;
};

Expected<grade::FormatRules> rules_of(const Options& options) {
  grade::FormatRules rules;
  if (options.think == "none") {
    rules.think = grade::ThinkTags::kNone;
  } else if (options.think == "written") {
    rules.think = grade::ThinkTags::kWritten;
  } else if (options.think != "prefilled") {
    return fail(ErrorCode::kInvalidArgument, "--think '{}' is not known; there are prefilled, written, none",
                options.think);
  }
  if (options.box == "any") {
    rules.box = grade::BoxRule::kAny;
  } else if (options.box != "once") {
    return fail(ErrorCode::kInvalidArgument, "--box '{}' is not known; there are once, any", options.box);
  }
  if (options.answer_tags) rules.answer = grade::AnswerTags::kWanted;
  if (options.heading) rules.heading = grade::Heading::kWanted;
  return rules;
}

OrderedJson format_json(std::string_view response, const grade::FormatRules& rules) {
  const grade::FormatReport report = grade::check_format(response, rules);
  std::vector<std::string> faults;
  for (const grade::FormatFault fault : report.faults) faults.emplace_back(to_string(fault));
  return {{"score", report.score()}, {"checks", report.checks}, {"faults", faults}};
}

Status run(const Options& options) {
  RETORT_TRY(const grade::FormatRules rules, rules_of(options));
  if (options.input) {
    return for_each_row(*options.input, [&rules](const Json& row) -> Expected<OrderedJson> {
      RETORT_TRY(const std::string response, json_string(row, "response"));
      return format_json(response, rules);
    });
  }
  RETORT_TRY(const std::string response, read_input_text(options.response, options.file));
  fmt::print("{}\n", json_text(format_json(response, rules)));
  return {};
}

}  // namespace

void add_grade_format(Command group) {
  auto options = std::make_shared<Options>();
  Command command = group.add_subcommand("format", "Whether a response has the form that was asked for");
  command.footer(
      "Prints {\"score\": ..., \"checks\": N, \"faults\": [...]}: the share of what was asked for that is right. With "
      "--input\n"
      "one such line for each line {\"response\": ...}.");
  command
      .add("--think", options->think,
           "Reasoning in <think> tags: prefilled (the template opens it), written (the model does) or none")
      .show_default();
  command.add("--box", options->box, "How often the answer is boxed: once or any").show_default();
  command.add_flag("--answer-tags", options->answer_tags, "The answer stands in <answer> tags");
  command.add_flag("--heading", options->heading, "The answer begins with a line of ###");
  const Option response = command.add("--response", options->response, "The response");
  const Option file =
      command.add("--file", options->file, "File with the response, - for standard input").excludes(response);
  command.add("--input", options->input, "JSONL file of responses, - for standard input")
      .excludes(response)
      .excludes(file);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
