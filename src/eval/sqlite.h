// SQLite as values and errors: only the store uses it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace retort::eval {

/// A prepared statement. Made by Database, which must outlive it. One thread at a time.
class Statement {
 public:
  // Parameters count from 1, columns from 0, as SQLite has it.
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view value);
  void bind_null(int parameter);

  /// True: there is a row. False: done; parameters stay as they are, and it can run again.
  Expected<bool> step();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double number(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;  // SQLITE_OK, or the first error of a bind, which step() tells
};

class Database {
 public:
  enum class Mode { kCreate, kReadOnly };
  /// kIo or kCorrupt, naming the path.
  static Expected<Database> open(const std::filesystem::path& path, Mode mode);

  Expected<Statement> prepare(std::string_view sql);
  /// One or more statements without parameters.
  Status run(const std::string& sql);
  /// The key of the row that was inserted last.
  [[nodiscard]] std::int64_t last_row() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace retort::eval
