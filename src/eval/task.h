// What a task is: tasks/NAME/task.toml, read and checked. docs/add-a-task.md tells every field.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "eval/dataset.h"
#include "eval/row_template.h"
#include "grade/answer_part.h"

namespace retort::eval {

enum class GradeKind {
  kMaths,                 ///< a value, compared as mathematics
  kChoice,                ///< a letter
  kNumber,                ///< a number found by the profile's pattern
  kCodeHumanEval,         ///< a function, run with the row's tests
  kCodeMbpp,              ///< a function, run with the row's assertions
  kCodeContest,           ///< a program, run on inputs
  kLoglikelihoodChoices,  ///< nothing is generated: which continuation is likeliest
  kPerplexity,            ///< nothing is generated: how likely the text is
};
/// "maths", "choice", "number", "code-humaneval", "code-mbpp", "code-contest", "loglikelihood-choices", "perplexity".
Expected<GradeKind> grade_kind_from(std::string_view name);
std::string_view to_string(GradeKind kind);
/// Whether the model writes an answer; else only likelihoods are asked for.
bool generates(GradeKind kind);

/// A file of rows.
struct TaskFile {
  std::string file;  ///< below the data root; empty: only from a path that the user gives
  DataFormat format = DataFormat::kJsonl;
  std::string sha256;               ///< of the file that the task was made with; empty: not known
  std::vector<std::string> fields;  ///< every row has them, and templates see no others
};

struct TaskData : TaskFile {
  std::string id_field;                    ///< names the question; empty: its number from 0
  std::vector<std::string> grader_fields;  ///< every row has these too; graders read them, templates do not see them
};

/// Rows whose answers are shown before the question.
struct TaskShots : TaskFile {
  std::int64_t count = 0;  ///< by default
  std::string same_field;  ///< only rows that have the question's value there; empty: any
};

struct TaskPrompt {
  enum class Style {
    kChat,  ///< a user message, put into the model's chat template
    kText,  ///< text as it is, to be continued
  } style = Style::kChat;
  std::string system;               ///< empty: no system message
  std::string directive;            ///< what templates see as `directive`
  std::optional<RowTemplate> user;  ///< nothing for perplexity alone
};

struct TaskChoices {
  std::vector<std::string> fields;  ///< the rows' fields that hold one choice each, or
  std::string list_field;           ///< the field that holds a list of them
  std::string answer_field;         ///< holds the number of the right one, from 0; empty: the first is right
  std::optional<std::uint64_t> shuffle_seed;
  std::optional<RowTemplate> continuation;  ///< what is scored, for loglikelihood-choices
};

struct TaskGrade {
  GradeKind kind = GradeKind::kMaths;
  std::string profile;  ///< the grader's; empty: its default
  grade::ThinkPolicy think = grade::ThinkPolicy::kStrip;
  std::optional<RowTemplate> target;  ///< the right answer; nothing where the row's tests or choices say it
};

struct TaskSampling {
  double temperature = 0.6;
  double top_p = 0.95;
  std::int64_t max_tokens = 32768;
  std::int64_t samples = 1;  ///< of each question
  std::vector<std::string> stop;
};

/// A score that someone published, to compare with.
struct PublishedScore {
  std::string model;
  std::string metric;
  double score = 0;  ///< as published: percent, or a rating
  std::string source;
};

struct Task {
  std::string name;
  std::string title;
  std::string description;
  std::int64_t version = 1;
  std::filesystem::path folder;  ///< where README.md is
  TaskData data;
  std::optional<TaskShots> shots;
  TaskPrompt prompt;
  std::optional<TaskChoices> choices;
  TaskGrade grade;
  TaskSampling sampling;
  std::vector<PublishedScore> published;
};

/// Of a task.toml's text; `path` is what errors name, and its folder gives the name that the task must have.
/// kCorrupt for a field of the wrong kind, a field that is not known (a misspelt one would be ignored in silence) and
/// fields that do not go together.
Expected<Task> parse_task(std::string_view toml, const std::filesystem::path& path);
/// tasks/NAME/task.toml.
Expected<Task> read_task(const std::filesystem::path& folder);

}  // namespace retort::eval
