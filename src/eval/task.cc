#include "eval/task.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/json.h"
#include "eval/file_bytes.h"
#include "eval/grade_profile.h"
#include "eval/task_fields.h"
#include "eval/toml.h"

namespace retort::eval {
namespace {

constexpr std::array<std::pair<std::string_view, GradeKind>, 8> kKinds = {{
    {"maths", GradeKind::kMaths},
    {"choice", GradeKind::kChoice},
    {"number", GradeKind::kNumber},
    {"code-humaneval", GradeKind::kCodeHumanEval},
    {"code-mbpp", GradeKind::kCodeMbpp},
    {"code-contest", GradeKind::kCodeContest},
    {"loglikelihood-choices", GradeKind::kLoglikelihoodChoices},
    {"perplexity", GradeKind::kPerplexity},
}};

// The table `key` of `parent`, which must be there.
Expected<TaskFields> table_of(TaskFields& parent, const std::string& key) {
  const Json* table = parent.table(key);
  if (!table) return fail(parent.wrong(key, "a table"));
  return TaskFields::of(*table, fmt::format("{}: {}", parent.where(), key));
}

Expected<std::optional<RowTemplate>> template_of(TaskFields& fields, const std::string& key) {
  RETORT_TRY(const std::string source, fields.text(key, ""));
  if (source.empty()) return std::optional<RowTemplate>();
  RETORT_TRY(RowTemplate compiled, RowTemplate::compile(source, fmt::format("{}: {}", fields.where(), key)));
  return std::optional<RowTemplate>(std::move(compiled));
}

Status read_file(TaskFields& fields, TaskFile& file) {
  RETORT_TRY(file.file, fields.text("file", ""));
  const std::filesystem::path path = file.file;
  if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) {
    return fail(fields.wrong("file", "a path below the data root"));
  }
  RETORT_TRY(const std::string format, fields.text("format", "jsonl"));
  RETORT_TRY(file.format, data_format_from(format));
  RETORT_TRY(file.sha256, fields.text("sha256", ""));
  const bool hexadecimal = file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hexadecimal || (!file.sha256.empty() && file.sha256.size() != 64)) {
    return fail(fields.wrong("sha256", "64 lower-case hexadecimal digits"));
  }
  RETORT_TRY(file.fields, fields.texts("fields"));
  return {};
}

Status read_data(TaskFields& root, TaskData& data) {
  RETORT_TRY(TaskFields fields, table_of(root, "data"));
  RETORT_TRY_STATUS(read_file(fields, data));
  if (data.fields.empty()) return fail(fields.wrong("fields", "the fields that every row has, as a list of texts"));
  RETORT_TRY(data.id_field, fields.text("id", ""));
  RETORT_TRY(data.grader_fields, fields.texts("grader_fields"));
  return fields.no_others();
}

Status read_shots(TaskFields& root, const TaskData& data, std::optional<TaskShots>& shots) {
  const Json* table = root.table("fewshot");
  if (!table) return {};
  RETORT_TRY(TaskFields fields, TaskFields::of(*table, root.where() + ": fewshot"));
  shots.emplace();
  RETORT_TRY_STATUS(read_file(fields, *shots));
  if (shots->fields.empty()) shots->fields = data.fields;
  RETORT_TRY(shots->count, fields.integer("count", {0, 100}, 0));
  RETORT_TRY(shots->same_field, fields.text("same", ""));
  return fields.no_others();
}

Status read_prompt(TaskFields& root, TaskPrompt& prompt, GradeKind kind) {
  if (kind == GradeKind::kPerplexity && !root.table("prompt")) {
    prompt.style = TaskPrompt::Style::kText;
    return {};
  }
  RETORT_TRY(TaskFields fields, table_of(root, "prompt"));
  RETORT_TRY(const std::string style, fields.text("style", generates(kind) ? "chat" : "text"));
  if (style != "chat" && style != "text") return fail(fields.wrong("style", "\"chat\" or \"text\""));
  prompt.style = style == "chat" ? TaskPrompt::Style::kChat : TaskPrompt::Style::kText;
  RETORT_TRY(prompt.system, fields.text("system", ""));
  RETORT_TRY(prompt.directive, fields.text("directive", ""));
  RETORT_TRY(prompt.user, template_of(fields, "user"));
  if (!prompt.user) return fail(fields.wrong("user", "the template of the prompt, a text"));
  return fields.no_others();
}

Status read_choices(TaskFields& root, std::optional<TaskChoices>& choices) {
  const Json* table = root.table("choices");
  if (!table) return {};
  RETORT_TRY(TaskFields fields, TaskFields::of(*table, root.where() + ": choices"));
  choices.emplace();
  RETORT_TRY(choices->fields, fields.texts("fields"));
  RETORT_TRY(choices->list_field, fields.text("list", ""));
  if (choices->fields.empty() == choices->list_field.empty()) {
    return fail(ErrorCode::kCorrupt, "{}: needs either 'fields', one for each choice, or 'list', one with all of them",
                fields.where());
  }
  RETORT_TRY(choices->answer_field, fields.text("answer", ""));
  if (fields.table("shuffle_seed")) {
    RETORT_TRY(const std::int64_t seed,
               fields.integer("shuffle_seed", {0, std::numeric_limits<std::int64_t>::max()}, std::nullopt));
    choices->shuffle_seed = static_cast<std::uint64_t>(seed);
  }
  RETORT_TRY(choices->continuation, template_of(fields, "continuation"));
  return fields.no_others();
}

Status read_grade(TaskFields& root, TaskGrade& grade) {
  RETORT_TRY(TaskFields fields, table_of(root, "grade"));
  RETORT_TRY(const std::string kind, fields.text("kind"));
  auto known = grade_kind_from(kind);
  if (!known) return fail(std::move(known).error().within(fields.where()));
  grade.kind = *known;
  RETORT_TRY(grade.profile, fields.text("profile", ""));
  if (auto known_profile = check_profile(grade.kind, grade.profile); !known_profile) {
    return fail(ErrorCode::kCorrupt, "{}: {}", fields.where(), known_profile.error().message());
  }
  RETORT_TRY(const std::string think, fields.text("think", "strip"));
  const auto policy = grade::think_policy_from(think);
  if (!policy) return fail(fields.wrong("think", "\"strip\", \"keep\" or \"require\""));
  grade.think = *policy;
  RETORT_TRY(grade.target, template_of(fields, "target"));
  return fields.no_others();
}

Status read_sampling(TaskFields& root, TaskSampling& sampling) {
  const Json* table = root.table("sampling");
  if (!table) return {};
  RETORT_TRY(TaskFields fields, TaskFields::of(*table, root.where() + ": sampling"));
  RETORT_TRY(sampling.temperature, fields.number("temperature", sampling.temperature));
  RETORT_TRY(sampling.top_p, fields.number("top_p", sampling.top_p));
  if (sampling.temperature < 0) return fail(fields.wrong("temperature", "0 or more"));
  if (sampling.top_p <= 0 || sampling.top_p > 1) return fail(fields.wrong("top_p", "above 0 and at most 1"));
  RETORT_TRY(sampling.max_tokens, fields.integer("max_tokens", {1, 1 << 24}, sampling.max_tokens));
  RETORT_TRY(sampling.samples, fields.integer("samples", {1, 1 << 16}, sampling.samples));
  RETORT_TRY(sampling.stop, fields.texts("stop"));
  return fields.no_others();
}

Status read_published(TaskFields& root, std::vector<PublishedScore>& published) {
  const Json* list = root.table("published");
  if (!list) return {};
  if (!list->is_array()) return fail(root.wrong("published", "a list of tables, [[published]]"));
  for (const Json& table : *list) {
    const std::string where = fmt::format("{}: published {}", root.where(), published.size() + 1);
    RETORT_TRY(TaskFields fields, TaskFields::of(table, where));
    PublishedScore entry;
    RETORT_TRY(entry.model, fields.text("model"));
    RETORT_TRY(entry.metric, fields.text("metric"));
    RETORT_TRY(entry.score, fields.number("score"));
    RETORT_TRY(entry.source, fields.text("source"));
    RETORT_TRY_STATUS(fields.no_others());
    published.push_back(std::move(entry));
  }
  return {};
}

// What fields promise each other.
Status check_together(const Task& task, const std::string& where) {
  const GradeKind kind = task.grade.kind;
  const bool wants_target = kind == GradeKind::kMaths || kind == GradeKind::kNumber;
  if (wants_target && !task.grade.target) {
    return fail(ErrorCode::kCorrupt, "{}: grade: '{}' needs 'target', the template of the right answer", where,
                to_string(kind));
  }
  const bool wants_choices = kind == GradeKind::kChoice || kind == GradeKind::kLoglikelihoodChoices;
  if (wants_choices != task.choices.has_value()) {
    return fail(ErrorCode::kCorrupt,
                "{}: a table 'choices' goes with the grades choice and loglikelihood-choices, "
                "and with no other; the grade is '{}'",
                where, to_string(kind));
  }
  if (kind == GradeKind::kLoglikelihoodChoices && !task.choices->continuation) {
    return fail(ErrorCode::kCorrupt,
                "{}: choices: loglikelihood-choices needs 'continuation', the template of what is "
                "scored",
                where);
  }
  const auto declared = [&task](const std::string& field) {
    return field.empty() ||
           std::find(task.data.fields.begin(), task.data.fields.end(), field) != task.data.fields.end();
  };
  std::vector<std::string> used = {task.data.id_field};
  if (task.shots) used.push_back(task.shots->same_field);
  if (task.choices) {
    used.insert(used.end(), task.choices->fields.begin(), task.choices->fields.end());
    used.push_back(task.choices->list_field);
    used.push_back(task.choices->answer_field);
  }
  for (const std::string& field : used) {
    if (declared(field)) continue;
    return fail(ErrorCode::kCorrupt, "{}: uses the field '{}', which is not in data.fields", where, field);
  }
  return {};
}

}  // namespace

Expected<GradeKind> grade_kind_from(std::string_view name) {
  std::string names;
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  return fail(ErrorCode::kCorrupt, "a kind of grade must be one of {} but is '{}'", names, name);
}

std::string_view to_string(GradeKind kind) {
  for (const auto& [name, known] : kKinds) {
    if (known == kind) return name;
  }
  return "?";
}

bool generates(GradeKind kind) { return kind != GradeKind::kLoglikelihoodChoices && kind != GradeKind::kPerplexity; }

Expected<Task> parse_task(std::string_view toml, const std::filesystem::path& path) {
  RETORT_TRY(const Json json, parse_toml(toml, path.string()));
  RETORT_TRY(TaskFields root, TaskFields::of(json, path.string()));
  Task task{.folder = path.parent_path()};
  RETORT_TRY(task.name, root.text("name"));
  if (task.name != task.folder.filename()) {
    return fail(root.wrong("name", fmt::format("that of the folder, \"{}\"", task.folder.filename().string())));
  }
  RETORT_TRY(task.title, root.text("title"));
  RETORT_TRY(task.description, root.text("description"));
  RETORT_TRY(task.version, root.integer("version", {0, 1'000'000}, 1));
  RETORT_TRY_STATUS(read_grade(root, task.grade));
  RETORT_TRY_STATUS(read_data(root, task.data));
  RETORT_TRY_STATUS(read_shots(root, task.data, task.shots));
  RETORT_TRY_STATUS(read_prompt(root, task.prompt, task.grade.kind));
  RETORT_TRY_STATUS(read_choices(root, task.choices));
  RETORT_TRY_STATUS(read_sampling(root, task.sampling));
  RETORT_TRY_STATUS(read_published(root, task.published));
  RETORT_TRY_STATUS(root.no_others());
  RETORT_TRY_STATUS(check_together(task, path.string()));
  return task;
}

Expected<Task> read_task(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "task.toml";
  RETORT_TRY(const FileBytes file, read_file_bytes(path, 1 << 20));
  return parse_task(file.content, path);
}

}  // namespace retort::eval
