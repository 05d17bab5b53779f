// retort grade steps: a reasoning path, equation by equation.
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "cli/grade_commands.h"
#include "cli/grade_rows.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "grade/steps/steps.h"

namespace retort::cli {
namespace {

struct Options {
  std::string question;
  std::optional<std::string> response;
  std::optional<std::string> file;
  std::optional<std::string> input;
};

OrderedJson report_json(const grade::StepsReport& report) {
  OrderedJson steps = OrderedJson::array();
  for (const grade::Step& step : report.steps) {
    OrderedJson row = {{"left", step.left}, {"right", step.right}, {"verdict", std::string(to_string(step.verdict))}};
    if (!step.unknown_operands.empty()) row["unknown_operands"] = step.unknown_operands;
    if (step.verifies) row["verifies"] = true;
    steps.push_back(std::move(row));
  }
  return {{"score", report.score},
          {"right", report.right},
          {"wrong", report.wrong},
          {"derives", report.derives},
          {"concludes", report.concludes},
          {"grounded", report.grounded},
          {"verified", report.verified},
          {"repetition", report.texture.repetition},
          {"language_mix", report.texture.language_mix},
          {"paragraphs", report.texture.paragraphs},
          {"words", report.texture.words},
          {"steps", std::move(steps)}};
}

Status run(const Options& options) {
  if (options.input) {
    return for_each_row(*options.input, [](const Json& row) -> Expected<OrderedJson> {
      RETORT_TRY(const std::string question, json_string(row, "question", ""));
      RETORT_TRY(const std::string response, json_string(row, "response"));
      return report_json(grade::check_steps({question, response}));
    });
  }
  RETORT_TRY(const std::string response, read_input_text(options.response, options.file));
  fmt::print("{}\n", json_text(report_json(grade::check_steps({options.question, response}))));
  return {};
}

}  // namespace

void add_grade_steps(Command group) {
  auto options = std::make_shared<Options>();
  Command command = group.add_subcommand("steps", "A reasoning path, equation by equation");
  command.footer(
      "Prints a JSON object: a score from 0 to 1, what it is made of, and each step with its verdict. With --input one "
      "such\n"
      "line for each line {\"question\": ..., \"response\": ...}. docs/grading.md has the formula.");
  command.add("--question", options->question, "The question: its numbers are given");
  const Option response = command.add("--response", options->response, "The response");
  const Option file =
      command.add("--file", options->file, "File with the response, - for standard input").excludes(response);
  command.add("--input", options->input, "JSONL file of both, - for standard input").excludes(response).excludes(file);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
