// retort eval TASK --model M: a model's score on tasks.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "cli/eval_commands.h"
#include "cli/eval_model.h"
#include "cli/eval_prepare.h"
#include "cli/eval_progress.h"
#include "cli/eval_rating.h"
#include "cli/eval_write.h"
#include "cli/grade_commands.h"
#include "cli/input_text.h"
#include "cli/interrupt.h"
#include "cli/safe_text.h"
#include "core/json.h"
#include "eval/endpoint.h"
#include "eval/results.h"
#include "eval/runner.h"
#include "eval/scores.h"
#include "eval/selection.h"
#include "eval/task_config.h"
#include "eval/task_folder.h"

namespace retort::cli {
namespace {

struct Options {
  std::string tasks;
  ChatModelOptions model{.engine = {.max_num_seqs = 32}};
  std::optional<std::int64_t> samples;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> max_tokens;
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> num_fewshot;
  std::optional<std::string> system;
  std::string prompt_template;
  std::string think;
  std::string ids;
  std::string shard = "0/1";
  TaskDataOptions where;
  std::string endpoint;
  std::string standings;
  std::string histogram;
  std::string api_key_env;
  std::string output = "eval-results";
  std::int64_t seed = 0;
  std::int64_t concurrency = 0;
  int grade_jobs = 2;
  bool dry_run = false;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

/// A task with what the command line changes of it, its data, and what is asked.
struct Prepared {
  eval::Task task;
  eval::TaskRows rows;
  std::int64_t shots = 0;
  eval::RunOptions run;
};

Status apply_options(const Options& options, eval::Task& task) {
  if (options.system) task.prompt.system = *options.system;
  if (!options.prompt_template.empty()) {
    RETORT_TRY(const std::string source, read_file(options.prompt_template));
    RETORT_TRY(task.prompt.user, eval::RowTemplate::compile(source, options.prompt_template));
  }
  if (!options.think.empty()) {
    const auto think = grade::think_policy_from(options.think);
    if (!think) {
      return fail(ErrorCode::kInvalidArgument, "--think '{}' is not known; there are strip, keep, require",
                  options.think);
    }
    task.grade.think = *think;
  }
  return {};
}

Expected<Prepared> prepare(const Options& options, const std::string& name) {
  Prepared out;
  RETORT_TRY(const std::filesystem::path folder, eval::tasks_folder(options.where.tasks));
  RETORT_TRY(out.task, eval::find_task(folder, name));
  RETORT_TRY_STATUS(apply_options(options, out.task));
  RETORT_TRY(const std::filesystem::path questions, eval::data_path(out.task, out.task.data, options.where.data));
  out.shots = options.num_fewshot.value_or(out.task.shots ? out.task.shots->count : 0);
  std::optional<std::filesystem::path> shots;
  if (out.shots > 0 && out.task.shots) {
    RETORT_TRY(shots, eval::data_path(out.task, *out.task.shots, {.chosen = {}, .root = options.where.data.root}));
  }
  RETORT_TRY(out.rows, eval::load_rows(out.task, questions, shots));
  RETORT_TRY(const eval::Shard shard, eval::parse_shard(options.shard));
  const eval::Selection selection{.ids = split(options.ids), .order_seed = {}, .shard = shard, .limit = options.limit};
  RETORT_TRY(out.run.places, eval::select_questions(out.rows.ids, selection));
  const eval::TaskSampling& sampling = out.task.sampling;
  out.run.samples = options.samples.value_or(sampling.samples);
  out.run.temperature = options.temperature.value_or(sampling.temperature);
  out.run.top_p = options.top_p.value_or(sampling.top_p);
  out.run.max_tokens = options.max_tokens.value_or(sampling.max_tokens);
  out.run.seed = static_cast<std::uint64_t>(options.seed);
  out.run.concurrency = options.concurrency;
  out.run.grade_jobs = options.grade_jobs;
  if (out.run.samples < 1 || out.run.max_tokens < 1 || options.grade_jobs < 1 || options.concurrency < 0) {
    return fail(ErrorCode::kInvalidArgument, "--n, --max-tokens and --grade-jobs must be 1 or more");
  }
  // The engine would refuse each answer, and a run of nothing but failures would end with a score of 0.
  if (!(out.run.temperature >= 0 && std::isfinite(out.run.temperature))) {
    return fail(ErrorCode::kInvalidArgument, "--temperature must be 0 (greedy) or more but is {}", out.run.temperature);
  }
  if (!(out.run.top_p > 0 && out.run.top_p <= 1)) {
    return fail(ErrorCode::kInvalidArgument, "--top-p must be above 0 and at most 1 but is {}", out.run.top_p);
  }
  return out;
}

/// All that decides an answer and its grade. How many questions and samples there are is left out: a run may be
/// extended.
Json config_of(const Prepared& prepared, const Json& model) {
  Json config = eval::task_config(prepared.task, prepared.rows, prepared.shots);
  config["temperature"] = prepared.run.temperature;
  config["top_p"] = prepared.run.top_p;
  config["max_tokens"] = prepared.run.max_tokens;
  config["seed"] = prepared.run.seed;
  config["model"] = model;
  return config;
}

Status show_first_prompts(const Prepared& prepared, const eval::Questions& questions, eval::Responder& responder) {
  constexpr std::size_t kShown = 3;
  for (std::size_t i = 0; i < std::min(kShown, prepared.run.places.size()); ++i) {
    RETORT_TRY(const eval::Question question, questions.at(prepared.run.places[i]));
    RETORT_TRY(const eval::AnswerRequest request, eval::request_for(prepared.task, question, prepared.run, 0));
    RETORT_TRY(const std::string text, responder.prompt_text(request));
    fmt::print("--- {} {} (target: {})\n{}\n", prepared.task.name, question.id,
               question.target.empty() ? "tests" : question.target, text);
  }
  fmt::print("--- {} questions, {} samples of each\n", prepared.run.places.size(), prepared.run.samples);
  return {};
}

void print_summary(const eval::Task& task, const eval::Summary& summary) {
  const eval::Counters& counters = summary.counters;
  for (const eval::NamedMetric& metric : named_metrics(task.grade.kind, summary)) {
    const bool perplexity = metric.better == eval::NamedMetric::Better::kLower;
    fmt::print("{:<12} {:<16} {}", task.name, metric.name,
               perplexity ? fmt::format("{:.4f}", metric.value) : fmt::format("{:.2f}%", 100 * metric.value));
    if (metric.standard_error) fmt::print(" (standard error {:.2f})", 100 * *metric.standard_error);
    fmt::print("\n");
  }
  fmt::print("{:<12} {} questions, {} samples; unparsed {}, truncated {}, timed out {}, failed {}, empty {}\n",
             task.name, counters.questions, counters.samples, counters.unparsed, counters.truncated, counters.timed_out,
             counters.failed, counters.empty);
}

/// A score of 0 because nothing could be asked must not look like a weak model's.
Status tell_of_failures(const eval::Task& task, const std::vector<eval::Sample>& samples) {
  const auto has_failed = [](const eval::Sample& sample) { return sample.outcome == eval::Outcome::kFailed; };
  const auto first = std::find_if(samples.begin(), samples.end(), has_failed);
  if (first == samples.end()) return {};
  if (std::all_of(first, samples.end(), has_failed) && first == samples.begin()) {
    return fail(ErrorCode::kIo, "task {}: all {} samples failed, the first with: {}", task.name, samples.size(),
                first->reason);
  }
  fmt::print("{:<12} the first failure, question {}: {}\n", task.name, terminal_safe(first->question_id),
             terminal_safe(first->reason));
  return {};
}

Status evaluate(const Options& options, const std::string& name, eval::Responder& responder,
                const eval::GraderTools& tools, const CancelToken& cancel) {
  RETORT_TRY(const Prepared prepared, prepare(options, name));
  RETORT_TRY(const eval::Questions questions, eval::Questions::make(prepared.task, prepared.rows, prepared.shots));
  if (options.dry_run) return show_first_prompts(prepared, questions, responder);
  const Json config = config_of(prepared, responder.description());
  const std::filesystem::path folder = std::filesystem::path(options.output) / name;
  RETORT_TRY(eval::SampleStore store, eval::SampleStore::open(folder, config));
  EvalDisplay display(name, progress_style_of_stderr());
  Status ran = eval::run_task(
      prepared.task, prepared.rows, questions, prepared.run, responder, tools, store,
      [&](const eval::RunProgress& progress) { display.show(progress); }, cancel);
  display.finish();
  RETORT_TRY(const std::vector<eval::Sample> samples, store.samples());
  if (samples.empty()) return ran;
  RETORT_TRY(const std::vector<eval::Rescoring> rescorings, store.rescorings());
  RETORT_TRY(const double seconds, store.seconds());
  const eval::RunRecord record{.model = options.model.model,
                               .shots = prepared.shots,
                               .rows = static_cast<std::int64_t>(prepared.rows.ids.size()),
                               .started_at = store.started_at(),
                               .config_hash = store.config_hash(),
                               .seconds = seconds,
                               .rescorings = rescorings};
  RETORT_TRY(
      const eval::Summary summary,
      write_run(folder,
                {.task = prepared.task, .rows = prepared.rows, .config = config, .record = record, .samples = samples},
                *tools.maths));
  print_summary(prepared.task, summary);
  if (!options.standings.empty())
    RETORT_TRY_STATUS(print_rating({.task = prepared.task, .rows = prepared.rows, .samples = samples},
                                   {.standings = options.standings, .histogram = options.histogram}));
  fmt::print("{:<12} {:.1f} s; results, report.html and samples in {}\n", name, seconds, folder.string());
  if (!ran) return ran;
  return tell_of_failures(prepared.task, samples);
}

Expected<std::unique_ptr<eval::Responder>> start_responder(const Options& options) {
  if (options.endpoint.empty()) return start_model_responder(options.model);
  eval::EndpointOptions endpoint{.url = options.endpoint, .model = options.model.model, .api_key = {}};
  if (options.concurrency > 0) endpoint.concurrency = options.concurrency;
  if (!options.api_key_env.empty()) {
    const char* key = std::getenv(options.api_key_env.c_str());
    if (key == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "--api-key-env: there is no variable '{}'", options.api_key_env);
    }
    endpoint.api_key = key;
  }
  return eval::make_endpoint_responder(std::move(endpoint));
}

Status run(const Options& options) {
  const std::vector<std::string> names = split(options.tasks);
  if (names.empty()) return fail(ErrorCode::kInvalidArgument, "name a task; 'retort eval list' shows what there is");
  if (options.model.model.empty()) return fail(ErrorCode::kInvalidArgument, "--model: name the model to measure");
  // Before a model is loaded for minutes: whether there is all that they need.
  for (const std::string& name : names) {
    RETORT_TRY(const Prepared prepared, prepare(options, name));
    RETORT_TRY(const eval::Questions questions, eval::Questions::make(prepared.task, prepared.rows, prepared.shots));
  }
  const InterruptScope interrupt;
  RETORT_TRY(const std::unique_ptr<eval::Responder> responder, start_responder(options));
  grade::MathsGrader maths({.worker = maths_worker_command(), .workers = options.grade_jobs});
  grade::CodeGrader code({});
  for (const std::string& name : names) {
    RETORT_TRY_STATUS(evaluate(options, name, *responder, {.maths = &maths, .code = &code}, interrupt.token()));
  }
  return {};
}

}  // namespace

void add_eval_run(Command command) {
  auto options = std::make_shared<Options>();
  command.footer(
      "Each answer is kept in OUTPUT/TASK as soon as it is graded: interrupted, the same command goes on with the "
      "rest.\n"
      "What is not given comes from the task; docs/evaluation.md tells what is measured, docs/add-a-task.md how to "
      "add\n"
      "a task.");
  command.add("TASK", options->tasks, "Names of tasks, with commas between them");
  add_chat_model_options(command, options->model, ModelOption::kOptional);
  command.add("--endpoint", options->endpoint,
              "Ask an OpenAI-compatible endpoint (its URL with /v1) for --model in place of running it here");
  command.add("--api-key-env", options->api_key_env, "Variable that holds the endpoint's key");
  command.add("--n", options->samples, "Samples of each question");
  command.add("--temperature", options->temperature, "0: greedy");
  command.add("--top-p", options->top_p, "Nucleus sampling");
  command.add("--max-tokens", options->max_tokens, "Tokens of an answer at most");
  command.add("--seed", options->seed, "Of sampling").show_default();
  command.add("--limit", options->limit, "Only so many questions");
  command.add("--ids", options->ids, "Only these questions, with commas between them");
  command.add("--shard", options->shard, "Part I of N of the questions, as I/N from 0/N on").show_default();
  command.add("--num-fewshot", options->num_fewshot, "Examples before each question");
  command.add("--system", options->system, "System message");
  command.add("--prompt-template", options->prompt_template,
              "File with another template of the prompt (docs/add-a-task.md says what it may name)");
  command.add("--think", options->think, "What becomes of reasoning before an answer is read: strip, keep or require");
  command.add("--concurrency", options->concurrency, "Answers under way at a time; 0: --max-num-seqs").show_default();
  command.add("--grade-jobs", options->grade_jobs, "Answers graded at a time").show_default();
  add_task_data_options(command, options->where);
  command.add("--output", options->output, "Folder of results").show_default();
  command.add("--standings", options->standings, "Official standings of contests: also print a rating");
  command.add("--rating-histogram", options->histogram, "How many people have which rating: also print a percentile");
  command.add_flag("--dry-run", options->dry_run, "Print the first prompts and ask nothing");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
