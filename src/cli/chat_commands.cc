#include "cli/chat_commands.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/ascii.h"
#include "core/json.h"
#include "io/mapped_file.h"

namespace retort::cli {
namespace {

constexpr std::string_view kHelp =
    "/system TEXT         what the model is told first; without TEXT: nothing\n"
    "/clear               forget the conversation (the system message stays)\n"
    "/regen               another answer to the last message\n"
    "/params [NAME VALUE] show or set temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty,\n"
    "                     frequency_penalty, seed, max_tokens, reasoning (show, hide, dim)\n"
    "/save FILE           write the conversation, thinking included, as JSON\n"
    "/load FILE           go on with a conversation that /save wrote, or with any JSON list of messages\n"
    "/quit                leave; so does Ctrl-D, or Ctrl-C twice\n"
    "\n"
    "Ctrl-C stops an answer. A backslash at the end of a line continues it; \"\"\" begins and ends a message of "
    "several\n"
    "lines; pasted lines stay together. A space before a slash makes it an ordinary message.";

Expected<CommandResult> save(std::string_view argument, ChatState& state) {
  if (argument.empty()) return fail(ErrorCode::kInvalidArgument, "/save needs a file name");
  const std::string path(argument);
  std::error_code ignored;
  if (path != state.file && std::filesystem::exists(path, ignored)) {
    return fail(ErrorCode::kInvalidArgument, "{} exists already; choose another name", path);
  }
  const std::string text = json_text(state.conversation.to_json(), {.indent = 1}) + "\n";
  // Beside it and renamed: a full disk leaves the old file as it was.
  const std::string temporary = path + ".tmp";
  std::FILE* file = std::fopen(temporary.c_str(), "we");
  bool ok = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr) ok = std::fclose(file) == 0 && ok;
  if (ok) ok = std::rename(temporary.c_str(), path.c_str()) == 0;
  if (!ok) {
    const std::string reason = std::strerror(errno);
    if (file != nullptr) std::remove(temporary.c_str());
    return fail(ErrorCode::kIo, "{}: {}", path, reason);
  }
  state.file = path;
  return CommandResult{.output = fmt::format("{} messages written to {}", state.conversation.size(), path)};
}

Expected<CommandResult> load(std::string_view argument, ChatState& state) {
  if (argument.empty()) return fail(ErrorCode::kInvalidArgument, "/load needs a file name");
  const std::string path(argument);
  RETORT_TRY(const auto file, MappedFile::open(path));
  RETORT_TRY_STATUS(state.conversation.load(file->text(), path));
  state.file = path;
  return CommandResult{.output = fmt::format("{} messages read from {}", state.conversation.size(), path)};
}

Expected<CommandResult> params(std::string_view argument, ChatState& state) {
  CommandResult result;
  if (!argument.empty()) {
    const std::size_t space = argument.find(' ');
    const std::string_view name = argument.substr(0, space);
    const std::string_view value = space == std::string_view::npos ? "" : trimmed(argument.substr(space));
    if (name == "reasoning") {
      RETORT_TRY(state.reasoning, parse_reasoning_mode(value));
    } else {
      SamplingOptions changed = state.sampling;
      RETORT_TRY_STATUS(set_sampling_option(changed, name, value));
      RETORT_TRY_STATUS(resolve_sampling(changed, *state.defaults));
      if (const std::int64_t most = resolve_max_tokens(changed, *state.defaults); most < 1 && most != -1) {
        return fail(ErrorCode::kInvalidArgument, "max_tokens must be 1 or more, or -1, but is {}", most);
      }
      state.sampling = changed;
    }
  }
  RETORT_TRY(const SamplingParams sampling, resolve_sampling(state.sampling, *state.defaults));
  for (const std::string& line : describe_sampling(sampling, resolve_max_tokens(state.sampling, *state.defaults))) {
    // Without one of its own, each answer gets a new seed: none to show.
    result.output += (line.starts_with("seed") && !state.sampling.seed ? "seed (random)" : line) + "\n";
  }
  result.output += fmt::format("reasoning {}", to_string(state.reasoning));
  return result;
}

Expected<CommandResult> system(std::string_view argument, ChatState& state) {
  state.conversation.set_system(std::string(argument));
  return CommandResult{.output = argument.empty() ? "no system message" : "system message set"};
}

Expected<CommandResult> regenerate(ChatState& state) {
  if (!state.conversation.drop_last("assistant")) {
    return fail(ErrorCode::kInvalidArgument, "there is no answer yet to do again");
  }
  return CommandResult{.next = ChatStep::kReply, .output = {}};
}

}  // namespace

bool is_command(std::string_view line) {
  return line.size() >= 2 && line[0] == '/' && std::isalpha(static_cast<unsigned char>(line[1])) != 0;
}

Expected<CommandResult> run_command(std::string_view line, ChatState& state) {
  const std::size_t space = line.find_first_of(" \t\n");
  const std::string_view name = line.substr(1, space == std::string_view::npos ? space : space - 1);
  const std::string_view argument = space == std::string_view::npos ? "" : trimmed(line.substr(space));
  if (name == "help") return CommandResult{.output = std::string(kHelp)};
  if (name == "quit" || name == "exit") return CommandResult{.next = ChatStep::kQuit, .output = {}};
  if (name == "clear") {
    state.conversation.clear();
    return CommandResult{.output = "conversation forgotten"};
  }
  if (name == "system") return system(argument, state);
  if (name == "regen") return regenerate(state);
  if (name == "params") return params(argument, state);
  if (name == "save") return save(argument, state);
  if (name == "load") return load(argument, state);
  return fail(ErrorCode::kInvalidArgument,
              "no command /{}; /help lists them (a space before the slash makes it an ordinary message)", name);
}

}  // namespace retort::cli
