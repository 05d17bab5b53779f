// retort run: one answer to one prompt, streamed.
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/chat_model.h"
#include "cli/commands.h"
#include "cli/input_text.h"
#include "cli/interrupt.h"
#include "cli/reply.h"
#include "cli/reply_printer.h"
#include "cli/sampling_options.h"
#include "cli/terminal.h"
#include "core/json.h"
#include "core/log.h"
#include "kernels/dispatch.h"

namespace retort::cli {
namespace {

struct Options {
  ChatModelOptions model;
  SamplingOptions sampling;
  std::string prompt;
  std::string system;
  std::string messages;
  std::string reasoning = "dim";
  std::string force_prefix;
  std::vector<std::string> stop;
  std::int64_t logprobs = -1;
  bool raw = false;
  bool ignore_eos = false;
  bool json = false;
  bool verbose = false;
};

Expected<OrderedJson> make_messages(const Options& options, const std::string& prompt) {
  OrderedJson messages = OrderedJson::array();
  if (!options.system.empty()) messages.push_back({{"role", "system"}, {"content", options.system}});
  if (!options.messages.empty()) {
    RETORT_TRY(const std::string text, read_file(options.messages));
    RETORT_TRY(const OrderedJson more, parse_messages(text, options.messages));
    if (!options.system.empty() && more[0]["role"] == "system") {
      return fail(ErrorCode::kInvalidArgument, "--system: {} begins with a system message already", options.messages);
    }
    messages.insert(messages.end(), more.begin(), more.end());
  }
  if (!prompt.empty()) messages.push_back({{"role", "user"}, {"content", prompt}});
  return messages;
}

Status check_usage(const Options& options) {
  if (options.prompt.empty() && (options.messages.empty() || options.raw)) {
    return fail(ErrorCode::kInvalidArgument,
                "nothing to answer: give --prompt TEXT, or --prompt - for standard input{}",
                options.raw ? "" : ", or --messages FILE");
  }
  if (options.raw && (!options.system.empty() || !options.messages.empty())) {
    return fail(ErrorCode::kInvalidArgument,
                "--raw completes plain text: it goes with neither --system nor --messages");
  }
  if (options.prompt == "-" && options.messages == "-") {
    return fail(ErrorCode::kInvalidArgument, "standard input can be --prompt or --messages, not both");
  }
  for (const std::string& stop : options.stop) {
    if (stop.empty()) return fail(ErrorCode::kInvalidArgument, "--stop must not be empty");
  }
  return {};
}

// What a terminal shows of log-probabilities: a line per token.
void print_logprobs(const Tokenizer& tokenizer, const std::vector<SampledToken>& tokens) {
  const auto shown = [&](std::int32_t id) {
    return json_text(OrderedJson(tokenizer.decode({&id, 1})), {.non_ascii = JsonTextOptions::NonAscii::kEscape});
  };
  for (const SampledToken& token : tokens) {
    std::string line = fmt::format("{:9.4f} {}", token.logprob, shown(token.id));
    for (const TokenLogprob& top : token.top) line += fmt::format("  {} {:.4f}", shown(top.id), top.logprob);
    fmt::print(stderr, "{}\n", line);
  }
}

OrderedJson to_json(const Options& options, const ChatModel& model, const ReplyRequest& request, const Reply& reply) {
  OrderedJson json = {{"text", reply.text},
                      {"reasoning", reply.reasoning},
                      {"answer", reply.answer},
                      {"finish_reason", to_string(reply.finish_reason)},
                      {"stop_reason", reply.stop_reason},
                      {"usage",
                       {{"prompt_tokens", reply.prompt_tokens},
                        {"completion_tokens", reply.completion_tokens},
                        {"total_tokens", reply.prompt_tokens + reply.completion_tokens}}},
                      {"timings",
                       {{"prefill_seconds", reply.prefill_seconds},
                        {"decode_seconds", reply.decode_seconds},
                        {"tokens_per_second", reply.tokens_per_second()}}},
                      {"sampling",
                       {{"temperature", request.sampling.temperature},
                        {"top_p", request.sampling.top_p},
                        {"top_k", request.sampling.top_k},
                        {"min_p", request.sampling.min_p},
                        {"repetition_penalty", request.sampling.repetition_penalty},
                        {"presence_penalty", request.sampling.presence_penalty},
                        {"frequency_penalty", request.sampling.frequency_penalty},
                        {"seed", request.sampling.seed}}}};
  if (options.logprobs >= 0) json["logprobs"] = logprobs_json(model.tokenizer(), reply.tokens);
  json["model"] = model.checkpoint().name();
  json["isa"] = model.model()->kernels().name;
  json["cpu"] = cpu_name();
  json["version"] = version();
  return json;
}

Status run(const Options& options) {
  RETORT_TRY_STATUS(check_usage(options));
  RETORT_TRY(const ReasoningMode mode, parse_reasoning_mode(options.reasoning));
  std::string prompt = options.prompt;
  if (prompt == "-") {
    RETORT_TRY(prompt, read_stdin());
  }
  OrderedJson messages;
  if (!options.raw) {
    RETORT_TRY(messages, make_messages(options, prompt));
  }
  const InterruptScope interrupt;
  RETORT_TRY(const ChatModel model, ChatModel::load(options.model));
  const GenerationDefaults& defaults = model.checkpoint().generation_defaults();

  ReplyRequest request;
  if (options.raw) {
    request.prompt = model.raw_prompt(prompt);
  } else {
    RETORT_TRY(request.prompt, model.prompt(messages));
  }
  RETORT_TRY(request.sampling, resolve_sampling(options.sampling, defaults));
  request.sampling.logprobs = options.logprobs;
  request.max_tokens = resolve_max_tokens(options.sampling, defaults);
  request.force_prefix = options.force_prefix;
  request.stop = options.stop;
  if (options.ignore_eos) request.eos = GenerationRequest::Eos::kIgnore;

  Status written;
  ReplyPrinter printer(mode, request.prompt.starts, output_kind(STDOUT_FILENO), [&](std::string_view text) {
    if (written) written = write_stdout(text);
  });
  const auto on_text = [&](std::string_view text) -> Status {
    if (!options.json) printer.push(text);
    return written;
  };
  RETORT_TRY(const std::unique_ptr<Engine> engine,
             start_engine(model, options.model.engine, options.verbose ? LogLevel::kInfo : LogLevel::kDebug));
  RETORT_TRY(const Reply reply, generate_reply(model, *engine, request, on_text, interrupt.token()));
  if (options.json) {
    const OrderedJson json = to_json(options, model, request, reply);
    written = write_stdout(json_text(json) + "\n");
  } else {
    printer.finish();
    if (options.logprobs >= 0) print_logprobs(model.tokenizer(), reply.tokens);
    const Output errors = output_kind(STDERR_FILENO);
    if (options.verbose || errors != Output::kFile) {
      fmt::print(stderr, "{}\n", styled(errors, kDimCode, "[" + summary(reply) + "]"));
    }
  }
  RETORT_TRY_STATUS(std::move(written));
  if (reply.finish_reason == FinishReason::kCancelled) return fail(ErrorCode::kCancelled, "interrupted");
  return {};
}

}  // namespace

void add_run(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("run", "One answer to one prompt, streamed");
  command.footer(
      "The prompt goes through the checkpoint's chat template; --raw completes it as it is. Text that spells an added\n"
      "token of the tokenizer (<|im_end|>, </think>) becomes that token wherever it stands, in a person's words too.\n"
      "On a terminal, control characters in an answer are spelled out, and NO_COLOR leaves the dimming away; where\n"
      "nothing can be dimmed, --reasoning dim shows the text as it is. Ctrl-C ends the answer: what there is has been\n"
      "printed, --json says finish_reason \"abort\", and the exit code is 1.");
  command.add("--prompt,prompt", options->prompt, "What to answer; - reads standard input");
  command.add("--system", options->system, "System message");
  command.add("--messages", options->messages,
              "JSON list of messages to begin with; --prompt, if given, is one more of the user");
  command.add_flag("--raw", options->raw, "Complete the prompt as plain text, without the chat template");
  add_chat_model_options(command, options->model);
  add_sampling_options(command, options->sampling);
  command.add("--stop", options->stop, "A string that ends the answer and is left out; may be repeated");
  command.add_flag("--ignore-eos", options->ignore_eos, "Go on past end-of-sequence tokens");
  command.add("--force-prefix", options->force_prefix, "What the answer must begin with, as in $'<think>\\n'");
  command.add("--reasoning", options->reasoning, "show, hide or dim a model's thinking").show_default();
  command
      .add("--logprobs", options->logprobs,
           "Log-probability of every token, and the N likeliest in its place; -1: none")
      .show_default();
  command.add_flag("--json", options->json, "One JSON object at the end in place of text as it comes");
  command.add_flag("--verbose", options->verbose, "Tell tokens/s and finish reason also where stderr is no terminal");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
