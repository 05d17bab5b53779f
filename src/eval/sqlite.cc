#include "eval/sqlite.h"

#include <sqlite3.h>
#include <system_error>
#include <unistd.h>

namespace retort::eval {
namespace {

ErrorCode code_of(int result) {
  switch (result & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_NOMEM:
      return ErrorCode::kExhausted;
    default:
      return ErrorCode::kIo;
  }
}

Error sqlite_error(sqlite3* handle) {
  const char* path = sqlite3_db_filename(handle, "main");
  return {code_of(sqlite3_errcode(handle)),
          fmt::format("{}: {}", path && *path ? path : "database", sqlite3_errmsg(handle))};
}

/// A run on a medium or share that cannot be written to: SQLite would want files beside it to read in WAL mode. Without
/// a log nothing is missing from the file itself, and nobody can change it through that folder.
bool is_archived(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code ignored;
  return ::eaccess(folder.c_str(), W_OK) != 0 && !std::filesystem::exists(path.string() + "-wal", ignored);
}

/// SQLite's name for a file that does not change while it is open.
std::string immutable_uri(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char c : path.string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int parameter, std::int64_t value) {
  if (bound_ == SQLITE_OK) bound_ = sqlite3_bind_int64(statement_.get(), parameter, value);
}

void Statement::bind(int parameter, double value) {
  if (bound_ == SQLITE_OK) bound_ = sqlite3_bind_double(statement_.get(), parameter, value);
}

void Statement::bind(int parameter, std::string_view value) {
  if (bound_ != SQLITE_OK) return;
  // A text and no null also where it is empty and has no address.
  bound_ = sqlite3_bind_text64(statement_.get(), parameter, value.data() ? value.data() : "", value.size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);  // NOLINT: SQLite's own cast
}

void Statement::bind_null(int parameter) {
  if (bound_ == SQLITE_OK) bound_ = sqlite3_bind_null(statement_.get(), parameter);
}

Expected<bool> Statement::step() {
  sqlite3* const handle = sqlite3_db_handle(statement_.get());
  if (bound_ != SQLITE_OK) return fail(code_of(bound_), "cannot bind a value: {}", sqlite3_errstr(bound_));
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  Error error = result == SQLITE_DONE ? Error(ErrorCode::kIo, "") : sqlite_error(handle);
  sqlite3_reset(statement_.get());
  if (result == SQLITE_DONE) return false;
  return fail(std::move(error));
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::number(int column) const { return sqlite3_column_double(statement_.get(), column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Expected<Database> Database::open(const std::filesystem::path& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int flags = (mode == Mode::kCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_FULLMUTEX;
  const bool archived = mode == Mode::kReadOnly && is_archived(path);
  const int result = archived ? sqlite3_open_v2(immutable_uri(path).c_str(), &handle,
                                                SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX, nullptr)
                              : sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) {
    return fail(code_of(result), "{}: cannot open: {}", path.string(),
                handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result));
  }
  sqlite3_busy_timeout(handle, 5000);
  if (mode == Mode::kReadOnly) {
    // Opened for writing all the same: reading what a killed run left behind needs to replay its log.
    RETORT_TRY_STATUS(database.run("PRAGMA query_only = 1"));
  }
  return database;
}

Expected<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return fail(sqlite_error(handle_.get()));
  }
  return Statement(statement);
}

Status Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(sqlite_error(handle_.get()));
  }
  return {};
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }

}  // namespace retort::eval
