// retort chat: a conversation on the terminal, or through pipes.
#include <cstdio>
#include <memory>
#include <string>
#include <termios.h>
#include <unistd.h>

#include "cli/chat_commands.h"
#include "cli/chat_model.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/reply.h"
#include "cli/reply_printer.h"
#include "cli/safe_text.h"
#include "cli/terminal.h"
#include "core/json.h"
#include "core/units.h"

namespace retort::cli {
namespace {

struct Options {
  ChatModelOptions model;
  SamplingOptions sampling;
  std::string system;
  std::string reasoning = "dim";
  std::vector<std::string> stop;
  bool no_history = false;
};

// While an answer streams, keys that are typed must not appear in its middle; they wait for the next prompt.
class QuietKeys {
 public:
  QuietKeys() {
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
    active_ = tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
  }
  ~QuietKeys() {
    if (active_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  QuietKeys(const QuietKeys&) = delete;
  QuietKeys& operator=(const QuietKeys&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

class Chat {
 public:
  Chat(const ChatModel& model, Engine& engine, ChatState state, std::vector<std::string> stop)
      : model_(model), engine_(engine), state_(std::move(state)), stop_(std::move(stop)) {}

  Status run(LineReader& reader) {
    bool leaving = false;  // Ctrl-C came at an empty prompt: the next one leaves
    for (;;) {
      const InputLine line = read_message(reader, "> ", "… ");
      if (line.kind == InputLine::Kind::kEnd) return {};
      if (line.kind == InputLine::Kind::kInterrupted) {
        if (leaving && line.text.empty()) return {};
        leaving = line.text.empty();
        if (leaving) note("Ctrl-C once more, Ctrl-D or /quit to leave");
        continue;
      }
      leaving = false;
      if (line.text.find_first_not_of(" \t\n") == std::string::npos) continue;
      reader.remember(line.text);
      ChatStep step = ChatStep::kReply;
      if (is_command(line.text)) {
        RETORT_TRY(step, command(line.text));
      } else {
        state_.conversation.add_user(line.text);
      }
      if (step == ChatStep::kQuit) return {};
      if (step == ChatStep::kReply) {
        RETORT_TRY_STATUS(reply());
      }
    }
  }

 private:
  // Lines of our own: apart from what the model says, and never in a file that takes its answers.
  void note(std::string_view text) const {
    const Output errors = output_kind(STDERR_FILENO);
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", styled(errors, kDimCode, errors == Output::kFile ? text : terminal_safe(text)));
  }

  Expected<ChatStep> command(std::string_view line) {
    const auto result = run_command(line, state_);
    if (!result) {
      if (!interactive_) return fail(result.error());
      note(result.error().message());
      return ChatStep::kPrompt;
    }
    if (!result->output.empty()) note(result->output);
    return result->next;
  }

  // What the model cannot be asked is told and taken back, and the person goes on; a script that pipes messages in is
  // not going to read that, so there it is a failure.
  Status refuse(const Error& error) {
    if (!interactive_) return fail(error);
    note(error.message());
    if (error.code() == ErrorCode::kOutOfRange) {
      note("/clear forgets the conversation and starts afresh; /save FILE keeps it before that");
    }
    state_.conversation.drop_last("user");
    return {};
  }

  Status reply() {
    auto request = make_request();
    if (!request) return refuse(request.error());
    Status written;
    ReplyPrinter printer(state_.reasoning, request->prompt.starts, output_kind(STDOUT_FILENO),
                         [&](std::string_view text) {
                           if (written) written = write_stdout(text);
                         });
    const auto on_text = [&](std::string_view text) -> Status {
      printer.push(text);
      return written;
    };
    const QuietKeys quiet;
    interrupt_.reset();
    const auto answer = generate_reply(model_, engine_, *request, on_text, interrupt_.token());
    printer.finish();
    RETORT_TRY_STATUS(std::move(written));
    if (!answer) return refuse(answer.error());
    state_.conversation.add_reply(*answer);
    status(*answer);
    return {};
  }

  Expected<ReplyRequest> make_request() {
    ReplyRequest request;
    RETORT_TRY(request.prompt, model_.prompt(state_.conversation.messages()));
    RETORT_TRY(request.sampling, resolve_sampling(state_.sampling, *state_.defaults));
    request.max_tokens = resolve_max_tokens(state_.sampling, *state_.defaults);
    request.stop = stop_;
    request.sequence = replies_++;
    return request;
  }

  void status(const Reply& answer) const {
    if (output_kind(STDERR_FILENO) == Output::kFile) return;
    const std::int64_t used = answer.prompt_tokens + answer.completion_tokens;
    const std::int64_t most = engine_.memory_plan().max_model_len;
    std::string line =
        fmt::format("{} · context {} of {}", summary(answer), format_grouped(used), format_grouped(most));
    if (used >= most) line += ", full: /clear starts afresh";
    note("[" + line + "]");
    fmt::print(stderr, "\n");
  }

  const ChatModel& model_;
  Engine& engine_;
  ChatState state_;
  std::vector<std::string> stop_;
  // For the whole chat, so that a Ctrl-C that comes a moment too late for an answer does not end the program either.
  InterruptScope interrupt_{SecondInterrupt::kIgnore};
  bool interactive_ = isatty(STDIN_FILENO) != 0;
  std::uint64_t replies_ = 0;  ///< keys the random numbers: /regen with a fixed seed gives another answer
};

Status run(const Options& options) {
  RETORT_TRY(const ReasoningMode mode, parse_reasoning_mode(options.reasoning));
  const bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
  RETORT_TRY(const ChatModel model, ChatModel::load(options.model));
  const GenerationDefaults& defaults = model.checkpoint().generation_defaults();
  RETORT_TRY_STATUS(resolve_sampling(options.sampling, defaults));
  // A checkpoint without a template is refused before a person has typed anything.
  RETORT_TRY_STATUS(model.prompt(OrderedJson::array({{{"role", "user"}, {"content", "."}}})));
  RETORT_TRY(const std::unique_ptr<Engine> engine, start_engine(model, options.model.engine, LogLevel::kDebug));
  if (terminal) {
    fmt::print(stderr, "{}\n",
               styled(output_kind(STDERR_FILENO), kDimCode,
                      terminal_safe(fmt::format("{} · context {} · /help", model.checkpoint().name(),
                                                format_grouped(engine->memory_plan().max_model_len)))));
  }
  ChatState state;
  state.sampling = options.sampling;
  state.reasoning = mode;
  state.defaults = &defaults;
  state.conversation.set_system(options.system);
  const auto reader = make_line_reader(options.no_history ? HistoryFile::kNone : HistoryFile::kUse);
  return Chat(model, *engine, std::move(state), options.stop).run(*reader);
}

}  // namespace

void add_chat(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("chat", "A conversation on the terminal");
  command.footer(
      "Ctrl-C stops an answer and not the program; at an empty prompt, twice, it leaves, as do Ctrl-D and /quit. "
      "/help\n"
      "lists the commands. What a model thought is not told to it again, as R1's makers recommend; /save keeps it. "
      "When\n"
      "the context is full, that is said, with both numbers: nothing is ever cut away. Works through pipes too, a "
      "message\n"
      "per line. Messages are remembered in $XDG_STATE_HOME/retort/chat_history (~/.local/state), for your eyes only.\n"
      "Text that spells an added token of the tokenizer becomes that token, in your words too.");
  add_chat_model_options(command, options->model);
  add_sampling_options(command, options->sampling);
  command.add("--system", options->system, "System message");
  command.add("--stop", options->stop, "A string that ends an answer and is left out; may be repeated");
  command.add("--reasoning", options->reasoning, "show, hide or dim a model's thinking").show_default();
  command.add_flag("--no-history", options->no_history, "Neither read nor write the history file");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
