#include "eval/store.h"

#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>

#include "core/json.h"
#include "core/version.h"
#include "eval/config_difference.h"
#include "eval/file_bytes.h"
#include "eval/sample_rows.h"
#include "eval/sqlite.h"
#include "io/file_lock.h"

namespace retort::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSchema = 2;  // PRAGMA user_version

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

Status check_schema(Database& database, const fs::path& path, std::int64_t oldest) {
  RETORT_TRY(const std::int64_t schema, schema_of(database));
  if (schema >= oldest && schema <= kSchema) return {};
  return fail(ErrorCode::kCorrupt,
              "{}: has version {} of the samples' tables but this program knows {}; use the "
              "program that wrote it, or another folder",
              path.string(), schema, kSchema);
}

Status check_there(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "samples.sqlite", ignored)) return {};
  return fail(ErrorCode::kNotFound,
              "{}: no run here: there is no samples.sqlite; a run's folder is OUTPUT/TASK of the command that made it",
              folder.string());
}

}  // namespace

struct SampleStore::Impl {
  fs::path path;
  std::optional<FileLock> lock;  // before the database: let go after it
  Database database;
  Json config;
  std::string config_hash;
  std::string started_at;
  std::int64_t run = 0;  // the number of what is being written
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
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
    RETORT_TRY_STATUS(done(statement));
    run = database.last_row();
    if (!started_at.empty()) return {};
    config = asked;
    config_hash = hash;
    started_at = now;
    return {};
  }

  Status put(const Sample& sample, std::string_view sql) {
    if (!std::isfinite(sample.score) || sample.score < 0 || sample.score > 1) {
      return fail(ErrorCode::kInvalidArgument, "question '{}', sample {}: a score must be from 0 to 1 but is {}",
                  sample.question_id, sample.index, sample.score);
    }
    RETORT_TRY(Statement statement,
               database.prepare(
                   fmt::format("{} samples ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", sql, kSampleColumns)));
    bind_sample(statement, sample);
    return done(statement);
  }

  Status put_seconds() {
    RETORT_TRY(Statement statement, database.prepare("UPDATE runs SET seconds = ? WHERE number = ?"));
    statement.bind(1, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    statement.bind(2, run);
    return done(statement);
  }

  /// All that `work` writes, or nothing.
  Status at_once(const std::function<Status()>& work) {
    RETORT_TRY_STATUS(database.run("BEGIN IMMEDIATE"));
    Status status = work();
    if (status) status = database.run("COMMIT");
    if (!status) static_cast<void>(database.run("ROLLBACK"));  // some errors have done so already
    return status;
  }

  Status put_rescoring(const Rescoring& rescoring) {
    RETORT_TRY_STATUS(database.run(std::string(kRescoringsTable)));
    RETORT_TRY(Statement statement, database.prepare(fmt::format(
                                        "INSERT INTO rescorings ({}) VALUES (?,?,?,?,?,?,?,?,?)", kRescoringColumns)));
    bind_rescoring(statement, rescoring);
    return done(statement);
  }

  /// All rows: a run that was taken up again had the same configuration each time.
  Status set_config(const std::string& text, const std::string& hash) {
    RETORT_TRY(Statement statement, database.prepare("UPDATE runs SET config = ?, config_sha256 = ?"));
    statement.bind(1, std::string_view(text));
    statement.bind(2, std::string_view(hash));
    return done(statement);
  }

  static Status done(Statement& statement) {
    RETORT_TRY(const bool row, statement.step());
    static_cast<void>(row);
    return {};
  }
};

SampleStore::SampleStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SampleStore::~SampleStore() = default;
SampleStore::SampleStore(SampleStore&& other) noexcept = default;

Expected<std::string> config_hash_of(const Json& config) { return sha256_of(json_text(config)); }

Expected<std::unique_ptr<SampleStore::Impl>> SampleStore::open_to_write(const fs::path& folder) {
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
  if (schema == 1) RETORT_TRY_STATUS(database.run(fmt::format("BEGIN; {} COMMIT;", kAddSeconds)));
  RETORT_TRY_STATUS(check_schema(database, path, kSchema));
  return std::make_unique<Impl>(path, std::move(*lock), std::move(database));
}

Expected<SampleStore> SampleStore::open(const fs::path& folder, const Json& config) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, "{}: cannot make the folder: {}", folder.string(), error.message());
  RETORT_TRY(std::unique_ptr<Impl> impl, open_to_write(folder));
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

Expected<SampleStore> SampleStore::open_to_regrade(const fs::path& folder) {
  RETORT_TRY_STATUS(check_there(folder));
  RETORT_TRY(std::unique_ptr<Impl> impl, open_to_write(folder));
  RETORT_TRY(const bool found, impl->read_first_run());
  if (!found) return fail(ErrorCode::kNotFound, "{}: no run was begun here", impl->path.string());
  return SampleStore(std::move(impl));
}

Expected<SampleStore> SampleStore::open_to_read(const fs::path& folder) {
  RETORT_TRY_STATUS(check_there(folder));
  const fs::path path = folder / "samples.sqlite";
  RETORT_TRY(Database database, Database::open(path, Database::Mode::kReadOnly));
  RETORT_TRY_STATUS(check_schema(database, path, 1));
  auto impl = std::make_unique<Impl>(path, std::nullopt, std::move(database));
  RETORT_TRY(const bool found, impl->read_first_run());
  if (!found) return fail(ErrorCode::kNotFound, "{}: no run was begun here", path.string());
  return SampleStore(std::move(impl));
}

Status SampleStore::write(const Sample& sample, std::string_view sql) {
  const std::lock_guard guard(impl_->mutex);
  return impl_->at_once([&]() -> Status {
    RETORT_TRY_STATUS(impl_->put(sample, sql));
    return impl_->put_seconds();
  });
}

Status SampleStore::add(const Sample& sample) {
  auto status = write(sample, kInsert);
  if (status || status.error().message().find("UNIQUE constraint") == std::string::npos) return status;
  return fail(ErrorCode::kInvalidArgument, "{}: sample {} of question '{}' is there already", impl_->path.string(),
              sample.index, sample.question_id);
}

Status SampleStore::replace(const Sample& sample) { return write(sample, kReplace); }

Status SampleStore::regrade(std::span<const Sample> samples, Rescoring rescoring) {
  const std::lock_guard guard(impl_->mutex);
  rescoring.at = utc_now();
  rescoring.retort_version = version();
  Json config = impl_->config;
  config["think"] = rescoring.after.think;
  config["grade_profile"] = rescoring.after.profile;
  RETORT_TRY(const std::string hash, config_hash_of(config));
  const Status status = impl_->at_once([&]() -> Status {
    for (const Sample& sample : samples) RETORT_TRY_STATUS(impl_->put(sample, kReplace));
    RETORT_TRY_STATUS(impl_->put_rescoring(rescoring));
    return impl_->set_config(json_text(config), hash);
  });
  if (!status) return fail(Error(status.error()).within(impl_->path.string()));
  impl_->config = std::move(config);
  impl_->config_hash = hash;
  return {};
}

Expected<std::vector<Rescoring>> SampleStore::rescorings() const {
  const std::lock_guard guard(impl_->mutex);
  return read_rescorings(impl_->database);
}

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
                                      "SELECT {} FROM samples ORDER BY row, question_id, sample", kSampleColumns)));
  for (;;) {
    RETORT_TRY(const bool row, statement.step());
    if (!row) return all;
    auto sample = sample_from(statement);
    if (!sample) return fail(std::move(sample).error().within(impl_->path.string()));
    all.push_back(std::move(*sample));
  }
}

Expected<double> SampleStore::seconds() const {
  const std::lock_guard guard(impl_->mutex);
  RETORT_TRY(const std::int64_t schema, schema_of(impl_->database));
  if (schema < 2) return 0.0;  // it was not kept
  RETORT_TRY(Statement statement, impl_->database.prepare("SELECT total(seconds) FROM runs"));
  RETORT_TRY(const bool row, statement.step());
  return row ? statement.number(0) : 0.0;
}

const Json& SampleStore::config() const { return impl_->config; }
const std::string& SampleStore::config_hash() const { return impl_->config_hash; }
const std::string& SampleStore::started_at() const { return impl_->started_at; }

}  // namespace retort::eval
