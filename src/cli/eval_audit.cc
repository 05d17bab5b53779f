// retort eval audit: verdicts for a person to check, and those that other graders' conventions would turn round.
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/eval_commands.h"
#include "cli/grade_commands.h"
#include "cli/interrupt.h"
#include "cli/safe_text.h"
#include "core/json.h"
#include "eval/audit.h"
#include "eval/store.h"
#include "eval/task.h"

namespace retort::cli {
namespace {

struct AuditOptions {
  std::string folder;
  std::int64_t count = 20;
  std::int64_t seed = 0;
  std::int64_t tail = 400;
  int grade_jobs = 2;
  bool json = false;
};

struct Audit {
  std::vector<eval::Sample> samples;
  std::vector<std::size_t> drawn;
  bool by_profiles = false;  ///< only mathematics is graded by profiles that can disagree
  std::vector<eval::Disagreement> disagreements;
};

Expected<std::vector<eval::Disagreement>> disagreements_of(const AuditOptions& options, const Json& config,
                                                           const std::vector<eval::Sample>& samples) {
  RETORT_TRY(const std::string name, json_string(config, "think"));
  const auto think = grade::think_policy_from(name);
  if (!think) return fail(ErrorCode::kCorrupt, "the run's configuration has think '{}', which is not known", name);
  const InterruptScope interrupt;
  grade::MathsGrader maths({.worker = maths_worker_command(), .workers = options.grade_jobs});
  return eval::find_disagreements(samples, maths, {.think = *think, .jobs = options.grade_jobs}, interrupt.token());
}

Expected<Audit> make_audit(const AuditOptions& options) {
  RETORT_TRY(const eval::SampleStore store, eval::SampleStore::open_to_read(options.folder));
  Audit audit;
  RETORT_TRY(audit.samples, store.samples());
  if (audit.samples.empty()) return fail(ErrorCode::kNotFound, "{}: the run has no samples yet", options.folder);
  audit.drawn = eval::draw_verdicts(audit.samples, static_cast<std::size_t>(options.count),
                                    static_cast<std::uint64_t>(options.seed));
  audit.by_profiles = json_string(store.config(), "grade", "").value_or("") == to_string(eval::GradeKind::kMaths);
  if (audit.by_profiles) {
    RETORT_TRY(audit.disagreements, disagreements_of(options, store.config(), audit.samples));
  }
  return audit;
}

OrderedJson drawn_json(const eval::Sample& sample, std::size_t tail) {
  return {{"question_id", sample.question_id},
          {"sample", sample.index},
          {"target", sample.target},
          {"answer", sample.answer ? OrderedJson(*sample.answer) : OrderedJson()},
          {"score", sample.score},
          {"outcome", eval::to_string(sample.outcome)},
          {"reason", sample.reason},
          {"finish_reason", sample.finish_reason},
          {"output_tail", eval::tail_of(sample.output, tail)}};
}

OrderedJson disagreement_json(const eval::Disagreement& one, const eval::Sample& sample) {
  OrderedJson verdicts = OrderedJson::object();
  for (const eval::ProfileVerdict& by : one.verdicts) {
    verdicts[std::string(to_string(by.profile))] = {
        {"equal", by.verdict.equal()}, {"reason", to_string(by.verdict.reason)}, {"answer", by.verdict.extracted_pred}};
  }
  return {{"question_id", sample.question_id},
          {"sample", sample.index},
          {"target", sample.target},
          {"score", sample.score},
          {"verdicts", verdicts}};
}

OrderedJson audit_json(const Audit& audit, std::size_t tail) {
  OrderedJson drawn = OrderedJson::array();
  for (const std::size_t place : audit.drawn) drawn.push_back(drawn_json(audit.samples[place], tail));
  OrderedJson out = {{"samples", audit.samples.size()}, {"drawn", drawn}, {"disagreements", OrderedJson()}};
  if (!audit.by_profiles) return out;
  out["disagreements"] = OrderedJson::array();
  for (const eval::Disagreement& one : audit.disagreements) {
    out["disagreements"].push_back(disagreement_json(one, audit.samples[one.place]));
  }
  return out;
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

void print_drawn(const eval::Sample& sample, std::size_t tail) {
  fmt::print("{} sample {}: {}\n", terminal_safe(sample.question_id), sample.index,
             sample.score > 0 ? "right" : "wrong");
  fmt::print("  target   {}\n", sample.target.empty() ? "tests" : terminal_safe(sample.target));
  fmt::print("  answer   {}\n", sample.answer ? terminal_safe(*sample.answer) : "none found");
  fmt::print("  verdict  {}, score {:g}: {}\n", eval::to_string(sample.outcome), sample.score,
             terminal_safe(sample.reason));
  const std::string_view end = eval::tail_of(sample.output, tail);
  fmt::print("  output   {} bytes, ended by '{}'{}\n{}\n\n", sample.output.size(), terminal_safe(sample.finish_reason),
             end.size() < sample.output.size() ? fmt::format("; the last {}", end.size()) : "",
             indented(terminal_safe(end)));
}

void print_disagreement(const eval::Disagreement& one, const eval::Sample& sample) {
  fmt::print("{} sample {}: target {}, answer {}\n", terminal_safe(sample.question_id), sample.index,
             terminal_safe(sample.target), sample.answer ? terminal_safe(*sample.answer) : "none found");
  for (const eval::ProfileVerdict& by : one.verdicts) {
    fmt::print("  {:<12} {} ({})\n", to_string(by.profile), by.verdict.equal() ? "right" : "wrong",
               to_string(by.verdict.reason));
  }
}

Status audit_run(const AuditOptions& options) {
  if (options.count < 0 || options.tail < 0 || options.grade_jobs < 1) {
    return fail(ErrorCode::kInvalidArgument, "--count and --tail must be 0 or more, --grade-jobs 1 or more");
  }
  RETORT_TRY(const Audit audit, make_audit(options));
  const auto tail = static_cast<std::size_t>(options.tail);
  if (options.json) {
    fmt::print("{}\n", json_text(audit_json(audit, tail)));
    return {};
  }
  for (const std::size_t place : audit.drawn) print_drawn(audit.samples[place], tail);
  fmt::print("{} of {} verdicts drawn (seed {})\n", audit.drawn.size(), audit.samples.size(), options.seed);
  if (!audit.by_profiles) return {};
  fmt::print("\n{} of {} answers are right by one profile of the grader and wrong by another\n",
             audit.disagreements.size(), audit.samples.size());
  for (const eval::Disagreement& one : audit.disagreements) print_disagreement(one, audit.samples[one.place]);
  return {};
}

}  // namespace

void add_eval_audit(Command group) {
  auto options = std::make_shared<AuditOptions>();
  Command command = group.add_subcommand("audit", "Verdicts of a run for a person to check");
  command.footer(
      "Half of what is drawn was judged right and half wrong, as far as there are so many. Of mathematics, all "
      "answers\n"
      "are graded by each profile of the grader (docs/grading.md) and those listed on which they disagree. Nothing is\n"
      "written; 'retort eval rescore' changes verdicts.");
  command.add("DIR", options->folder, "Folder of a run: OUTPUT/TASK").required();
  command.add("--count", options->count, "Verdicts to draw").show_default();
  command.add("--seed", options->seed, "Of the draw").show_default();
  command.add("--tail", options->tail, "Bytes to show from the end of each output").show_default();
  command.add("--grade-jobs", options->grade_jobs, "Answers graded at a time").show_default();
  command.add_flag("--json", options->json, "Machine-readable output");
  command.on_use([options] { return audit_run(*options); });
}

}  // namespace retort::cli
