#include "cli/command_line.h"

#include <utility>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace retort::cli {

Option Option::required() {
  option_->required();
  return *this;
}

Option Option::excludes(Option other) {
  option_->excludes(other.option_);
  return *this;
}

Option Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option Option::group(const std::string& heading) {
  option_->group(heading);
  return *this;
}

Option Option::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option Option::shown_once() {
  // CLI11 puts the dots where it expects any number of values; one each time makes the same list.
  option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option Command::add(const std::string& names, std::string& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, int& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::int64_t& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::optional<std::string>& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::optional<double>& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::optional<std::int64_t>& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::optional<std::uint64_t>& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help));
}

Option Command::add(const std::string& names, std::vector<std::string>& variable, const std::string& help) {
  return Option(*app_->add_option(names, variable, help)->type_size(1)->allow_extra_args(false));
}

Option Command::add_flag(const std::string& name, bool& variable, const std::string& help) {
  return Option(*app_->add_flag(name, variable, help));
}

void Command::footer(const std::string& text) { app_->footer(text); }

Command Command::add_subcommand(const std::string& name, const std::string& description) {
  return {*app_->add_subcommand(name, description), *chosen_};
}

void Command::require_subcommand() { app_->require_subcommand(1); }

void Command::on_use(Action action) {
  // A subcommand's subcommand is called before it, and is the one that was asked for.
  app_->callback([chosen = chosen_, action = std::move(action)] {
    if (!*chosen) *chosen = action;
  });
}

CommandLine::CommandLine(const std::string& name, const std::string& description, std::function<std::string()> version)
    : app_(std::make_unique<CLI::App>(description, name)) {
  app_->set_version_flag("--version", std::move(version));
  app_->require_subcommand(1);
  app_->fallthrough();
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() { return {*app_, chosen_}; }

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return std::nullopt;
}

}  // namespace retort::cli
