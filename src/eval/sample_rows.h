// What the store keeps, to and from rows of its tables: only the store uses it.
#pragma once

#include <string_view>
#include <vector>

#include "core/error.h"
#include "eval/rescoring.h"
#include "eval/sample.h"
#include "eval/sqlite.h"

namespace retort::eval {

inline constexpr std::string_view kTables = R"(
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,           -- a row each time that the run was begun or taken up again
  config TEXT NOT NULL,
  config_sha256 TEXT NOT NULL,
  retort_version TEXT NOT NULL,
  started_at TEXT NOT NULL,
  seconds REAL NOT NULL DEFAULT 0       -- until the last sample that it added
);
CREATE TABLE samples (
  question_id TEXT NOT NULL,
  sample INTEGER NOT NULL,
  row INTEGER NOT NULL,
  prompt_sha256 TEXT NOT NULL,
  output TEXT NOT NULL,
  finish_reason TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  think_bytes INTEGER NOT NULL,
  answer TEXT,                          -- null: none was found
  target TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  score REAL NOT NULL,
  seconds REAL NOT NULL,
  seed INTEGER NOT NULL,                -- the 64 bits of an unsigned number
  metrics TEXT NOT NULL,                -- JSON
  PRIMARY KEY (question_id, sample)
);
PRAGMA user_version = 2;
)";
/// From version 1 to 2.
inline constexpr std::string_view kAddSeconds =
    "ALTER TABLE runs ADD COLUMN seconds REAL NOT NULL DEFAULT 0; PRAGMA user_version = 2;";

inline constexpr std::string_view kSampleColumns =
    "question_id, sample, row, prompt_sha256, output, finish_reason, prompt_tokens, output_tokens, think_bytes, "
    "answer, target, outcome, reason, score, seconds, seed, metrics";
/// Of a row that SELECT kSampleColumns gave.
Expected<Sample> sample_from(const Statement& row);
/// The parameters 1 to 17, in the order of kSampleColumns.
void bind_sample(Statement& statement, const Sample& sample);

/// Made by the first rescoring alone, so that a store which was never rescored is as before.
inline constexpr std::string_view kRescoringsTable = R"(
CREATE TABLE IF NOT EXISTS rescorings (
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  retort_version TEXT NOT NULL,
  task_version INTEGER NOT NULL,
  think_before TEXT NOT NULL,
  profile_before TEXT NOT NULL,
  think_after TEXT NOT NULL,
  profile_after TEXT NOT NULL,
  samples INTEGER NOT NULL,
  changed INTEGER NOT NULL
);
)";
inline constexpr std::string_view kRescoringColumns =
    "at, retort_version, task_version, think_before, profile_before, think_after, profile_after, samples, changed";
/// The parameters 1 to 9, in the order of kRescoringColumns.
void bind_rescoring(Statement& statement, const Rescoring& rescoring);
/// All, the oldest first; none where there is no such table.
Expected<std::vector<Rescoring>> read_rescorings(Database& database);

}  // namespace retort::eval
