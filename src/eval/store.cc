#include "eval/store.h"

#include <cmath>
#include <ctime>
#include <mutex>
#include <optional>
#include <system_error>

#include "core/json.h"
#include "core/version.h"
#include "eval/config_difference.h"
#include "eval/file_bytes.h"
#include "eval/sqlite.h"
#include "io/file_lock.h"

namespace retort::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSchema = 1;  // PRAGMA user_version

constexpr std::string_view kTables = R"(
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,           -- a row each time that the run was begun or taken up again
  config TEXT NOT NULL,
  config_sha256 TEXT NOT NULL,
  retort_version TEXT NOT NULL,
  started_at TEXT NOT NULL
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
PRAGMA user_version = 1;
)";

constexpr std::string_view kColumns =
    "question_id, sample, row, prompt_sha256, output, finish_reason, prompt_tokens, output_tokens, think_bytes, "
    "answer, "
    "target, outcome, reason, score, seconds, seed, metrics";
constexpr std::string_view kInsert = "INSERT INTO";
constexpr std::string_view kReplace = "REPLACE INTO";

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Expected<std::int64_t> schema_of(Database& database) {
  RETORT_TRY(Statement statement, database.prepare("PRAGMA user_version"));
  RETORT_TRY(const bool found, statement.step());
  return found ? statement.integer(0) : 0;
}

Status check_schema(Database& database, const fs::path& path) {
  RETORT_TRY(const std::int64_t schema, schema_of(database));
  if (schema == kSchema) return {};
  return fail(ErrorCode::kCorrupt,
              "{}: has version {} of the samples' tables but this program knows {}; use the "
              "program that wrote it, or another folder",
              path.string(), schema, kSchema);
}

Expected<Sample> sample_of(const Statement& row) {
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

}  // namespace

struct SampleStore::Impl {
  fs::path path;
  std::optional<FileLock> lock;  // before the database: let go after it
  Database database;
  Json config;
  std::string config_hash;
  std::string started_at;
  mutable std::mutex mutex;  // for the database

  Impl(fs::path file, std::optional<FileLock> held, Database opened)
      : path(std::move(file)), lock(std::move(held)), database(std::move(opened)) {}

  /// The first run's config; false where there is no run yet.
  Expected<bool> read_first_run() {
    RETORT_TRY(Statement statement,
               database.prepare("SELECT config, config_sha256, started_at FROM runs ORDER BY number LIMIT 1"));
    RETORT_TRY(const bool found, statement.step());
    if (!found) return false;
    RETORT_TRY(config, parse_json(statement.text(0), path.string() + ": config"));
    config_hash = statement.text(1);
    started_at = statement.text(2);
    return true;
  }

  Status add_run(const Json& asked, const std::string& hash) {
    const std::string now = utc_now();
    RETORT_TRY(
        Statement statement,
        database.prepare("INSERT INTO runs (config, config_sha256, retort_version, started_at) VALUES (?,?,?,?)"));
    const std::string text = json_text(asked);
    statement.bind(1, std::string_view(text));
    statement.bind(2, std::string_view(hash));
    statement.bind(3, version());
    statement.bind(4, std::string_view(now));
    RETORT_TRY(const bool row, statement.step());
    static_cast<void>(row);
    if (!started_at.empty()) return {};
    config = asked;
    config_hash = hash;
    started_at = now;
    return {};
  }
};

SampleStore::SampleStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SampleStore::~SampleStore() = default;
SampleStore::SampleStore(SampleStore&& other) noexcept = default;

Expected<std::string> config_hash_of(const Json& config) { return sha256_of(json_text(config)); }

Expected<SampleStore> SampleStore::open(const fs::path& folder, const Json& config) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, "{}: cannot make the folder: {}", folder.string(), error.message());
  auto lock = FileLock::acquire(folder / "lock", [] { return true; });
  if (!lock && lock.error().code() == ErrorCode::kCancelled) {
    return fail(ErrorCode::kIo,
                "{}: another process is writing samples here; wait for it to end, or give another folder",
                folder.string());
  }
  if (!lock) return fail(std::move(lock).error());
  const fs::path path = folder / "samples.sqlite";
  RETORT_TRY(Database database, Database::open(path, Database::Mode::kCreate));
  // FULL: in WAL mode the default forgets what was committed last when the power fails.
  RETORT_TRY_STATUS(database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  RETORT_TRY(const std::int64_t schema, schema_of(database));
  if (schema == 0) RETORT_TRY_STATUS(database.run(fmt::format("BEGIN; {} COMMIT;", kTables)));
  RETORT_TRY_STATUS(check_schema(database, path));

  auto impl = std::make_unique<Impl>(path, std::move(*lock), std::move(database));
  // As it will be read back: a NaN becomes null, 1.0 stays 1.0.
  RETORT_TRY(const Json asked, parse_json(json_text(config), "config of the run"));
  RETORT_TRY(const std::string hash, config_hash_of(asked));
  RETORT_TRY(const bool resumed, impl->read_first_run());
  if (resumed && impl->config_hash != hash) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: holds a run with another configuration: {}. Give the same options to "
                "go on with it, or another folder",
                folder.string(), describe(config_differences(impl->config, asked)));
  }
  RETORT_TRY_STATUS(impl->add_run(asked, hash));
  return SampleStore(std::move(impl));
}

Expected<SampleStore> SampleStore::open_to_read(const fs::path& folder) {
  const fs::path path = folder / "samples.sqlite";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return fail(ErrorCode::kNotFound, "{}: no run here: there is no samples.sqlite", folder.string());
  }
  RETORT_TRY(Database database, Database::open(path, Database::Mode::kReadOnly));
  RETORT_TRY_STATUS(check_schema(database, path));
  auto impl = std::make_unique<Impl>(path, std::nullopt, std::move(database));
  RETORT_TRY(const bool found, impl->read_first_run());
  if (!found) return fail(ErrorCode::kNotFound, "{}: no run was begun here", path.string());
  return SampleStore(std::move(impl));
}

Status SampleStore::write(const Sample& sample, std::string_view sql) {
  if (!std::isfinite(sample.score) || sample.score < 0 || sample.score > 1) {
    return fail(ErrorCode::kInvalidArgument, "question '{}', sample {}: a score must be from 0 to 1 but is {}",
                sample.question_id, sample.index, sample.score);
  }
  const std::lock_guard guard(impl_->mutex);
  RETORT_TRY(Statement statement, impl_->database.prepare(fmt::format(
                                      "{} samples ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", sql, kColumns)));
  bind_sample(statement, sample);
  RETORT_TRY(const bool row, statement.step());
  static_cast<void>(row);
  return {};
}

Status SampleStore::add(const Sample& sample) {
  auto status = write(sample, kInsert);
  if (status || status.error().message().find("UNIQUE constraint") == std::string::npos) return status;
  return fail(ErrorCode::kInvalidArgument, "{}: sample {} of question '{}' is there already", impl_->path.string(),
              sample.index, sample.question_id);
}

Status SampleStore::replace(const Sample& sample) { return write(sample, kReplace); }

Expected<std::set<std::pair<std::string, std::int64_t>>> SampleStore::done() const {
  const std::lock_guard guard(impl_->mutex);
  std::set<std::pair<std::string, std::int64_t>> names;
  RETORT_TRY(Statement statement, impl_->database.prepare("SELECT question_id, sample FROM samples"));
  for (;;) {
    RETORT_TRY(const bool row, statement.step());
    if (!row) return names;
    names.emplace(statement.text(0), statement.integer(1));
  }
}

Expected<std::vector<Sample>> SampleStore::samples() const {
  const std::lock_guard guard(impl_->mutex);
  std::vector<Sample> all;
  RETORT_TRY(Statement statement, impl_->database.prepare(fmt::format(
                                      "SELECT {} FROM samples ORDER BY row, question_id, sample", kColumns)));
  for (;;) {
    RETORT_TRY(const bool row, statement.step());
    if (!row) return all;
    auto sample = sample_of(statement);
    if (!sample) return fail(std::move(sample).error().within(impl_->path.string()));
    all.push_back(std::move(*sample));
  }
}

const Json& SampleStore::config() const { return impl_->config; }
const std::string& SampleStore::config_hash() const { return impl_->config_hash; }
const std::string& SampleStore::started_at() const { return impl_->started_at; }

}  // namespace retort::eval
