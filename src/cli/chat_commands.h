// What a person may tell a chat besides messages: lines that begin with a slash.
#pragma once

#include <string>
#include <string_view>

#include "cli/conversation.h"
#include "cli/reply_printer.h"
#include "cli/sampling_options.h"

namespace retort::cli {

/// All that a chat can be told to change.
struct ChatState {
  Conversation conversation;
  SamplingOptions sampling;
  ReasoningMode reasoning = ReasoningMode::kDim;
  const GenerationDefaults* defaults = nullptr;
  std::string file;  ///< what /save or /load named last: it may be written again without asking
};

/// What is to be done next.
enum class ChatStep { kPrompt, kReply, kQuit };

struct CommandResult {
  ChatStep next = ChatStep::kPrompt;
  std::string output;  ///< to be shown; empty: nothing
};

/// True for a line that is a command: a slash and a letter, nothing else before it.
bool is_command(std::string_view line);

/// Does it. An error is the person's to read; nothing changed then.
Expected<CommandResult> run_command(std::string_view line, ChatState& state);

}  // namespace retort::cli
