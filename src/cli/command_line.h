// The command line as the subcommands declare it. CLI11 stands behind it, and command_line.cc alone includes that: it
// is headers only, and costs the compiler five seconds and more in every file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace retort::cli {

/// Exit codes: 0 fine, 1 failure, 2 wrong usage.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

/// What a subcommand does once parsed: an error is printed by main ("retort: ...") and its code decides the exit code
/// (kInvalidArgument is 2, anything else 1).
using Action = std::function<Status()>;

/// What else can be said of an option. A handle: copies mean the same option, which its CommandLine owns.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option required();
  Option excludes(Option other);
  /// The help shows what the variable holds now.
  Option show_default();
  /// The heading in the help that it stands under.
  Option group(const std::string& heading);
  /// What the help calls its value, in place of TEXT, INT or FLOAT.
  Option value_name(const std::string& name);
  /// The help of a list says once what it takes, without "..." behind it.
  Option shown_once();

 private:
  CLI::Option* option_;
};

/// The program, or one of its subcommands. A handle, as Option is. `names` are CLI11's: "--file", or "MODEL" for a
/// positional argument, or both with a comma. The variables must outlive the parsing; one that is not given stays as it
/// is. A list takes one value each time that its option is given.
class Command {
 public:
  Command(CLI::App& app, Action& chosen) : app_(&app), chosen_(&chosen) {}

  Option add(const std::string& names, std::string& variable, const std::string& help);
  Option add(const std::string& names, int& variable, const std::string& help);
  Option add(const std::string& names, std::int64_t& variable, const std::string& help);
  Option add(const std::string& names, std::optional<std::string>& variable, const std::string& help);
  Option add(const std::string& names, std::optional<double>& variable, const std::string& help);
  Option add(const std::string& names, std::optional<std::int64_t>& variable, const std::string& help);
  Option add(const std::string& names, std::optional<std::uint64_t>& variable, const std::string& help);
  Option add(const std::string& names, std::vector<std::string>& variable, const std::string& help);
  Option add_flag(const std::string& name, bool& variable, const std::string& help);
  /// Stands at the end of its help.
  void footer(const std::string& text);

  Command add_subcommand(const std::string& name, const std::string& description);
  /// It does nothing by itself: one of its subcommands must be named.
  void require_subcommand();
  /// What is done where this subcommand is the one that was asked for.
  void on_use(Action action);

 private:
  CLI::App* app_;
  Action* chosen_;
};

class CommandLine {
 public:
  /// `version` makes the text of --version, which is asked for it only then.
  CommandLine(const std::string& name, const std::string& description, std::function<std::string()> version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command program();

  /// Fills the variables. An exit code where there is nothing more to do: help or version were asked for and printed,
  /// or what is wrong was told on standard error.
  std::optional<int> parse(int argc, const char* const* argv);
  /// The action of the subcommand that parse() found.
  [[nodiscard]] const Action& chosen() const { return chosen_; }

 private:
  std::unique_ptr<CLI::App> app_;
  Action chosen_;
};

}  // namespace retort::cli
