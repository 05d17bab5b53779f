#include "eval/sample_rows.h"

#include "core/json.h"

namespace retort::eval {

Expected<Sample> sample_from(const Statement& row) {
  Sample sample;
  sample.question_id = row.text(0);
  sample.index = row.integer(1);
  sample.row = row.integer(2);
  sample.prompt_sha256 = row.text(3);
  sample.output = row.text(4);
  sample.finish_reason = row.text(5);
  sample.prompt_tokens = row.integer(6);
  sample.output_tokens = row.integer(7);
  sample.think_bytes = row.integer(8);
  if (!row.is_null(9)) sample.answer = row.text(9);
  sample.target = row.text(10);
  RETORT_TRY(sample.outcome, outcome_from(row.text(11)));
  sample.reason = row.text(12);
  sample.score = row.number(13);
  sample.seconds = row.number(14);
  sample.seed = static_cast<std::uint64_t>(row.integer(15));
  RETORT_TRY(const Json metrics, parse_json(row.text(16), "metrics of a sample"));
  if (!metrics.is_object()) return fail(ErrorCode::kCorrupt, "metrics of a sample must be an object");
  for (auto it = metrics.begin(); it != metrics.end(); ++it) {
    if (!it->is_number()) return fail(ErrorCode::kCorrupt, "metric '{}' of a sample must be a number", it.key());
    sample.metrics[it.key()] = it->get<double>();
  }
  return sample;
}

void bind_sample(Statement& statement, const Sample& sample) {
  statement.bind(1, std::string_view(sample.question_id));
  statement.bind(2, sample.index);
  statement.bind(3, sample.row);
  statement.bind(4, std::string_view(sample.prompt_sha256));
  statement.bind(5, std::string_view(sample.output));
  statement.bind(6, std::string_view(sample.finish_reason));
  statement.bind(7, sample.prompt_tokens);
  statement.bind(8, sample.output_tokens);
  statement.bind(9, sample.think_bytes);
  if (sample.answer) {
    statement.bind(10, std::string_view(*sample.answer));
  } else {
    statement.bind_null(10);
  }
  statement.bind(11, std::string_view(sample.target));
  statement.bind(12, to_string(sample.outcome));
  statement.bind(13, std::string_view(sample.reason));
  statement.bind(14, sample.score);
  statement.bind(15, sample.seconds);
  statement.bind(16, static_cast<std::int64_t>(sample.seed));
  statement.bind(17, std::string_view(json_text(Json(sample.metrics))));
}

void bind_rescoring(Statement& statement, const Rescoring& rescoring) {
  statement.bind(1, std::string_view(rescoring.at));
  statement.bind(2, std::string_view(rescoring.retort_version));
  statement.bind(3, rescoring.task_version);
  statement.bind(4, std::string_view(rescoring.before.think));
  statement.bind(5, std::string_view(rescoring.before.profile));
  statement.bind(6, std::string_view(rescoring.after.think));
  statement.bind(7, std::string_view(rescoring.after.profile));
  statement.bind(8, rescoring.samples);
  statement.bind(9, rescoring.changed);
}

Expected<std::vector<Rescoring>> read_rescorings(Database& database) {
  std::vector<Rescoring> all;
  RETORT_TRY(Statement table, database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'rescorings'"));
  RETORT_TRY(const bool there, table.step());
  if (!there) return all;
  RETORT_TRY(Statement row,
             database.prepare(fmt::format("SELECT {} FROM rescorings ORDER BY number", kRescoringColumns)));
  for (;;) {
    RETORT_TRY(const bool found, row.step());
    if (!found) return all;
    all.push_back({.at = row.text(0),
                   .retort_version = row.text(1),
                   .task_version = row.integer(2),
                   .before = {.think = row.text(3), .profile = row.text(4)},
                   .after = {.think = row.text(5), .profile = row.text(6)},
                   .samples = row.integer(7),
                   .changed = row.integer(8)});
  }
}

}  // namespace retort::eval
