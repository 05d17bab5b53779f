#include "eval/results.h"

#include <cmath>

#include "core/json.h"
#include "core/version.h"
#include "eval/perplexity.h"
#include "io/output_file.h"

namespace retort::eval {
namespace {

// lm-evaluation-harness names the filter of an answer behind the metric; here the task's grade has decided it.
constexpr std::string_view kFilter = ",none";

OrderedJson estimate_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"stderr", estimate.standard_error}, {"questions", estimate.count}};
}

OrderedJson counters_json(const Counters& counters) {
  return {{"questions", counters.questions}, {"samples", counters.samples},     {"unparsed", counters.unparsed},
          {"truncated", counters.truncated}, {"timed_out", counters.timed_out}, {"failed", counters.failed},
          {"empty", counters.empty}};
}

OrderedJson rescorings_json(const std::vector<Rescoring>& rescorings) {
  const auto rules = [](const GradeRules& r) { return OrderedJson{{"think", r.think}, {"grade_profile", r.profile}}; };
  OrderedJson list = OrderedJson::array();
  for (const Rescoring& one : rescorings) {
    list.push_back(OrderedJson{{"at", one.at},
                               {"version", one.retort_version},
                               {"task_version", one.task_version},
                               {"before", rules(one.before)},
                               {"after", rules(one.after)},
                               {"samples", one.samples},
                               {"changed", one.changed}});
  }
  return list;
}

OrderedJson retort_json(const RunRecord& run, const Summary& summary) {
  OrderedJson record = {{"version", version()},
                        {"build", build_description()},
                        {"config_sha256", run.config_hash},
                        {"counters", counters_json(summary.counters)},
                        {"samples_per_question", {{"fewest", summary.fewest_samples}, {"most", summary.most_samples}}},
                        {"mean", estimate_json(summary.mean)},
                        {"mean_interval_95", {summary.interval.low, summary.interval.high}}};
  for (const AtK& entry : summary.pass_at_k) {
    record["pass_at_k"][std::to_string(entry.k)] = estimate_json(entry.estimate);
  }
  if (summary.majority)
    record["maj_at_k"][std::to_string(summary.majority->k)] = estimate_json(summary.majority->estimate);
  if (summary.mean_g_pass) {
    record["mean_g_pass_at_k"][std::to_string(summary.mean_g_pass->k)] = estimate_json(summary.mean_g_pass->estimate);
  }
  for (const auto& [name, estimate] : summary.metrics) record["metrics"][name] = estimate_json(estimate);
  if (summary.likelihood) {
    record["likelihood"] = {{"loglikelihood", summary.likelihood->loglikelihood},
                            {"words", summary.likelihood->words},
                            {"bytes", summary.likelihood->bytes}};
  }
  if (!run.rescorings.empty()) record["rescored"] = rescorings_json(run.rescorings);
  return record;
}

NamedMetric named(std::string name, const Estimate& estimate) {
  return {.name = std::move(name), .value = estimate.value, .standard_error = estimate.standard_error};
}

}  // namespace

std::vector<NamedMetric> named_metrics(GradeKind kind, const Summary& summary) {
  std::vector<NamedMetric> metrics;
  const auto lower = [&metrics](const char* name, double value) {
    metrics.push_back({.name = name, .value = value, .better = NamedMetric::Better::kLower});
  };
  if (kind == GradeKind::kPerplexity) {
    const TextLikelihood sum = summary.likelihood.value_or(TextLikelihood{});
    lower("word_perplexity", word_perplexity(sum));
    lower("byte_perplexity", byte_perplexity(sum));
    lower("bits_per_byte", bits_per_byte(sum));
    return metrics;
  }
  if (kind == GradeKind::kLoglikelihoodChoices) {
    metrics.push_back(named("acc", summary.mean));
    const auto by_length = summary.metrics.find("acc_norm");
    if (by_length != summary.metrics.end()) metrics.push_back(named("acc_norm", by_length->second));
    return metrics;
  }
  metrics.push_back(named("pass@1", summary.mean));
  for (const AtK& entry : summary.pass_at_k) {
    if (entry.k > 1) metrics.push_back(named(fmt::format("pass@{}", entry.k), entry.estimate));
  }
  if (summary.majority)
    metrics.push_back(named(fmt::format("maj@{}", summary.majority->k), summary.majority->estimate));
  if (summary.mean_g_pass) {
    metrics.push_back(named(fmt::format("mG-pass@{}", summary.mean_g_pass->k), summary.mean_g_pass->estimate));
  }
  return metrics;
}

OrderedJson results_json(const Task& task, const RunRecord& run, const Json& config, const Summary& summary) {
  OrderedJson scores = {{"alias", task.title}, {"sample_len", summary.counters.questions}};
  OrderedJson higher = OrderedJson::object();
  for (const NamedMetric& metric : named_metrics(task.grade.kind, summary)) {
    const auto with_filter = [](const std::string& name) { return name + std::string(kFilter); };
    // JSON has no NaN: null, as a metric of nothing.
    scores[with_filter(metric.name)] = std::isfinite(metric.value) ? OrderedJson(metric.value) : OrderedJson();
    scores[with_filter(metric.name + "_stderr")] =
        metric.standard_error ? OrderedJson(*metric.standard_error) : OrderedJson("N/A");
    higher[metric.name] = metric.better == NamedMetric::Better::kHigher;
  }
  const OrderedJson whole_config = parse_ordered_json(json_text(config), "config").value_or(OrderedJson());
  // Readers of the harness look for an object here: all but the model, which is no part of the task.
  OrderedJson task_config = whole_config;
  task_config.erase("model");
  return {{"results", {{task.name, scores}}},
          {"group_subtasks", {{task.name, OrderedJson::array()}}},
          {"configs", {{task.name, task_config}}},
          {"versions", {{task.name, task.version}}},
          {"n-shot", {{task.name, run.shots}}},
          {"higher_is_better", {{task.name, higher}}},
          {"n-samples", {{task.name, {{"original", run.rows}, {"effective", summary.counters.questions}}}}},
          {"config", whole_config},
          {"date", run.started_at},
          {"model_source", "retort"},
          {"model_name", run.model},
          {"total_evaluation_time_seconds", fmt::format("{:.3f}", run.seconds)},
          {"retort", retort_json(run, summary)}};
}

OrderedJson sample_json(const Sample& sample) {
  const OrderedJson answer = sample.answer ? OrderedJson(*sample.answer) : OrderedJson();
  OrderedJson line = {{"doc_id", sample.row},
                      {"question_id", sample.question_id},
                      {"sample", sample.index},
                      {"target", sample.target},
                      {"resps", OrderedJson::array({OrderedJson::array({sample.output})})},
                      {"filtered_resps", OrderedJson::array({answer})},
                      {"filter", "none"},
                      {"metrics", OrderedJson::array({"score"})},
                      {"score", sample.score},
                      {"outcome", to_string(sample.outcome)},
                      {"reason", sample.reason},
                      {"finish_reason", sample.finish_reason},
                      {"prompt_hash", sample.prompt_sha256},
                      {"prompt_tokens", sample.prompt_tokens},
                      {"output_tokens", sample.output_tokens},
                      {"think_bytes", sample.think_bytes},
                      {"seconds", sample.seconds},
                      {"seed", sample.seed}};
  for (const auto& [name, value] : sample.metrics) {
    line["metrics"].push_back(name);
    if (!line.contains(name)) line[name] = value;
  }
  return line;
}

Status write_results(const std::filesystem::path& folder, const Task& task, const OrderedJson& results,
                     std::span<const Sample> samples) {
  RETORT_TRY(OutputFile lines, OutputFile::create(folder / fmt::format("samples_{}.jsonl", task.name)));
  for (const Sample& sample : samples) {
    const std::string line = json_text(sample_json(sample)) + "\n";
    RETORT_TRY_STATUS(lines.write(line.data(), line.size()));
  }
  RETORT_TRY_STATUS(lines.finish());
  RETORT_TRY(OutputFile file, OutputFile::create(folder / "results.json"));
  const std::string text = json_text(results, {.indent = 2}) + "\n";
  RETORT_TRY_STATUS(file.write(text.data(), text.size()));
  return file.finish();
}

}  // namespace retort::eval
