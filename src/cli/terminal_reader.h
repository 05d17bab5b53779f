// Line editing on a terminal, by libedit, with what it lacks: pasted text stays one message, and Ctrl-C comes back.
#pragma once

#include <memory>

#include "cli/line_reader.h"

namespace retort::cli {

/// nullptr if libedit cannot drive this terminal. One in a process: it takes SIGINT, SIGWINCH and SIGTSTP while it
/// reads.
std::unique_ptr<LineReader> make_terminal_reader(HistoryFile history);

}  // namespace retort::cli
