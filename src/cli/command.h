// What the subcommands share. One file per subcommand: it declares its options on the CLI11 app and sets `action`,
// which main runs once the whole command line has been understood.
#pragma once

#include <functional>

#include "core/error.h"
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace retort::cli {

/// Exit codes: 0 fine, 1 failure, 2 wrong usage.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

/// What a subcommand does once parsed: an error is printed by main ("retort tokenize: ...") and its code decides
/// the exit code (kInvalidArgument is 2, anything else 1).
using Action = std::function<Status()>;

}  // namespace retort::cli
