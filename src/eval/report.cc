#include "eval/report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/json.h"
#include "eval/report_sample.h"
#include "eval/results.h"
#include "io/output_file.h"

namespace retort::eval {
namespace {

OrderedJson finite_or_null(double value) { return std::isfinite(value) ? OrderedJson(value) : OrderedJson(); }

OrderedJson task_heading(const Task& task) {
  return {{"name", task.name},
          {"title", task.title},
          {"description", task.description},
          {"version", task.version},
          {"grade", std::string(to_string(task.grade.kind))},
          {"generates", generates(task.grade.kind)}};
}

OrderedJson config_value(const Json& config, std::string_view field) {
  const Json* found = config_field(config, field);
  return found && found->is_primitive() ? parse_ordered_json(json_text(*found), field).value_or(OrderedJson())
                                        : OrderedJson();
}

OrderedJson run_heading(const ReportInput& input) {
  OrderedJson run = {{"date", input.started_at}, {"config_sha256", input.config_hash}};
  for (const char* field : {"seed", "temperature", "top_p", "max_tokens", "num_fewshot", "system", "data_sha256"}) {
    run[field] = config_value(input.config, field);
  }
  const Json* model = input.config.is_object() ? json_find(input.config, "model") : nullptr;
  for (const char* field : {"model", "isa", "quality", "kv_cache_dtype", "version", "endpoint"}) {
    run[field] = model ? config_value(*model, field) : OrderedJson();
  }
  if (model && model->is_string()) run["model"] = model->get<std::string>();
  return run;
}

OrderedJson counters_of(const ReportInput& input) {
  const Counters& counters = input.summary.counters;
  std::int64_t right = 0;
  std::int64_t wrong = 0;
  for (const Sample& sample : input.samples) {
    const SampleVerdict verdict = verdict_of(sample);
    right += verdict == SampleVerdict::kRight ? 1 : 0;
    wrong += verdict == SampleVerdict::kWrong ? 1 : 0;
  }
  return {{"questions", counters.questions},
          {"samples", counters.samples},
          {"right", right},
          {"wrong", wrong},
          {"unparsed", counters.unparsed},
          {"truncated", counters.truncated},
          {"timed_out", counters.timed_out},
          {"failed", counters.failed},
          {"empty", counters.empty},
          {"fewest_samples", input.summary.fewest_samples},
          {"most_samples", input.summary.most_samples}};
}

// The first metric is the mean over questions, whose interval is the bootstrap's; of the others it is 1.96 standard
// errors to both sides, and the page says so.
OrderedJson metrics_of(const ReportInput& input) {
  constexpr double kNormal95 = 1.96;
  OrderedJson list = OrderedJson::array();
  for (const NamedMetric& metric : named_metrics(input.task.grade.kind, input.summary)) {
    const bool share = metric.better == NamedMetric::Better::kHigher;
    OrderedJson entry = {{"name", metric.name}, {"value", finite_or_null(metric.value)}, {"share", share}};
    if (metric.standard_error) {
      const bool bootstrap = list.empty();
      const double reach = kNormal95 * *metric.standard_error;
      entry["stderr"] = finite_or_null(*metric.standard_error);
      entry["low"] = finite_or_null(bootstrap ? input.summary.interval.low : std::max(0.0, metric.value - reach));
      entry["high"] = finite_or_null(bootstrap ? input.summary.interval.high : std::min(1.0, metric.value + reach));
      entry["bootstrap"] = bootstrap;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

OrderedJson point(std::int64_t k, const Estimate& estimate) {
  return {{"k", k}, {"value", estimate.value}, {"stderr", estimate.standard_error}, {"questions", estimate.count}};
}

/// maj@k from the first k samples of each question.
Estimate majority_of_first(std::span<const Sample> samples, std::int64_t k, const SameAnswer& same) {
  std::vector<Sample> first;
  std::int64_t taken = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i > 0 && samples[i].question_id != samples[i - 1].question_id) taken = 0;
    if (taken++ >= k) continue;
    const Sample& sample = samples[i];
    first.push_back({.question_id = sample.question_id,
                     .row = sample.row,
                     .index = sample.index,
                     .answer = sample.answer,
                     .outcome = sample.outcome,
                     .score = sample.score});
  }
  std::vector<double> scores;
  for (const QuestionScore& question : question_scores(first, same)) {
    if (question.majority) scores.push_back(*question.majority);
  }
  return mean_estimate(scores);
}

OrderedJson curves_of(const ReportInput& input) {
  OrderedJson pass = OrderedJson::array();
  OrderedJson maj = OrderedJson::array();
  if (generates(input.task.grade.kind)) {
    for (const AtK& entry : input.summary.pass_at_k) {
      pass.push_back(point(entry.k, entry.estimate));
      if (entry.k > 1) maj.push_back(point(entry.k, majority_of_first(input.samples, entry.k, input.same)));
    }
  }
  return {{"pass", pass}, {"maj", maj}};
}

OrderedJson published_of(const Task& task) {
  OrderedJson list = OrderedJson::array();
  for (const PublishedScore& entry : task.published) {
    list.push_back(OrderedJson{{"model", entry.model},
                               {"metric", entry.metric},
                               {"score", finite_or_null(entry.score)},
                               {"source", entry.source}});
  }
  return list;
}

/// A row's field as the name of a group: a text, or a number as text.
OrderedJson group_name(const OrderedJson& row, const char* field) {
  const auto found = row.find(field);
  if (found == row.end()) return {};
  if (found->is_string()) return *found;
  return found->is_number() ? OrderedJson(found->dump()) : OrderedJson();
}

}  // namespace

const Json* config_field(const Json& config, std::string_view name) {
  const auto in = [](const Json* object, std::string_view key) {
    return object && object->is_object() ? json_find(*object, key) : nullptr;
  };
  const Json* task = in(&config, "task");
  for (const Json* place : {&config, task, in(task, "prompt"), in(task, "grade")}) {
    if (const Json* found = in(place, name)) return found;
  }
  return nullptr;
}

OrderedJson report_json(const ReportInput& input, const ReportLimits& limits) {
  OrderedJson questions = OrderedJson::array();
  OrderedJson samples = OrderedJson::array();
  std::optional<Questions> texts;
  if (input.rows && generates(input.task.grade.kind)) {
    if (auto made = Questions::make(input.task, *input.rows, 0)) texts = std::move(*made);
  }
  const GradeKind kind = input.task.grade.kind;
  const std::size_t share = input.samples.empty() ? 0 : limits.output_bytes / input.samples.size();
  const SampleShown shown{.output_bytes = std::max(limits.least_bytes, share),
                          .steps = kind == GradeKind::kMaths || kind == GradeKind::kNumber ? limits.steps : 0};
  std::string question_text;
  for (const Sample& sample : input.samples) {
    if (questions.empty() || questions.back()["id"] != sample.question_id) {
      OrderedJson entry = {{"id", sample.question_id}, {"row", sample.row}, {"target", sample.target}};
      question_text.clear();
      const auto place = static_cast<std::size_t>(sample.row);
      // Of rows that are not this question's, nothing is told.
      if (input.rows && place < input.rows->ids.size() && input.rows->ids[place] == sample.question_id) {
        const OrderedJson& row = input.rows->questions.rows[place].value;
        entry["subject"] = group_name(row, "subject");
        entry["level"] = group_name(row, "level");
        if (texts) {
          if (const auto question = texts->at(place)) question_text = question->prompt;
          entry["text"] = question_text;
        }
      }
      questions.push_back(std::move(entry));
    }
    samples.push_back(shown_sample(sample, questions.size() - 1, question_text, shown));
  }
  return {{"task", task_heading(input.task)},  {"run", run_heading(input)},    {"counters", counters_of(input)},
          {"metrics", metrics_of(input)},      {"at_k", curves_of(input)},     {"published", published_of(input.task)},
          {"questions", std::move(questions)}, {"samples", std::move(samples)}};
}

Status write_report(const std::filesystem::path& path, const ReportInput& input) {
  const std::string page = report_page(report_json(input));
  RETORT_TRY(OutputFile file, OutputFile::create(path));
  RETORT_TRY_STATUS(file.write(page.data(), page.size()));
  return file.finish();
}

}  // namespace retort::eval
