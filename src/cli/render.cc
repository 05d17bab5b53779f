// retort render: the chat template applied to messages.
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "text/chat_request.h"
#include "text/chat_template.h"
#include "text/text_assets.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::string messages;
  std::string tools;
  std::string documents;
  std::string chat_template;
  std::string kwargs;
  std::optional<std::string> bos;
  std::optional<std::string> eos;
  bool no_generation_prompt = false;
  bool json = false;
};

std::string shown(const std::string& file) { return file == "-" ? "standard input" : file; }

Expected<OrderedJson> read_json(const std::string& file) {
  RETORT_TRY(const std::string text, read_file(file));
  return parse_ordered_json(text, shown(file));
}

Status check_messages(const OrderedJson& messages, const std::string& file) {
  if (!messages.is_array()) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: expected a list of messages, [{{\"role\": \"user\", \"content\": \"...\"}}], or an object with "
                "\"messages\", but found {}",
                file, messages.type_name());
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].is_object()) {
      return fail(ErrorCode::kInvalidArgument, "{}: message {} must be an object but is {}", file, i,
                  messages[i].type_name());
    }
    const auto role = messages[i].find("role");
    if (role == messages[i].end() || !role->is_string()) {
      return fail(ErrorCode::kInvalidArgument, "{}: message {} needs a \"role\" that is a text", file, i);
    }
  }
  return {};
}

// {"messages": [...], "tools": [...], ...} as the OpenAI API has it, or the bare list.
Status read_messages(const std::string& file, ChatRequest& request) {
  RETORT_TRY(OrderedJson json, read_json(file));
  if (json.is_object()) {
    if (!json.contains("messages")) {
      return fail(ErrorCode::kInvalidArgument, "{}: the object has no \"messages\"", shown(file));
    }
    if (json.contains("tools")) request.tools = json["tools"];
    if (json.contains("documents")) request.documents = json["documents"];
    request.messages = std::move(json["messages"]);
  } else {
    request.messages = std::move(json);
  }
  return check_messages(request.messages, shown(file));
}

Expected<OrderedJson> read_list(const std::string& file) {
  RETORT_TRY(OrderedJson json, read_json(file));
  if (!json.is_array()) {
    return fail(ErrorCode::kInvalidArgument, "{}: expected a list but found {}", shown(file), json.type_name());
  }
  return json;
}

// The template, and the tokens that it may write, from the checkpoint where there is one.
Expected<std::string> read_template(const Options& options, ChatRequest& request) {
  std::optional<std::string> source;
  if (!options.model.empty()) {
    RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(options.model));
    if (const auto id = tokenizer.bos_id()) request.bos_token = tokenizer.piece(*id);
    if (const auto id = tokenizer.eos_id()) request.eos_token = tokenizer.piece(*id);
    if (options.chat_template.empty()) {
      RETORT_TRY(source, load_chat_template(options.model));
      if (!source) {
        return fail(ErrorCode::kNotFound, "{}: the checkpoint has no chat template; give one by --chat-template",
                    options.model);
      }
    }
  }
  if (!options.chat_template.empty()) {
    RETORT_TRY(source, read_file(options.chat_template));
  }
  if (!source) return fail(ErrorCode::kInvalidArgument, "give --model, --chat-template, or both");
  if (options.bos) request.bos_token = *options.bos;
  if (options.eos) request.eos_token = *options.eos;
  return *source;
}

Status run(const Options& options) {
  ChatRequest request;
  RETORT_TRY(const std::string source, read_template(options, request));
  RETORT_TRY(const ChatTemplate chat_template, ChatTemplate::compile(source));
  RETORT_TRY_STATUS(read_messages(options.messages, request));
  if (!options.tools.empty()) {
    RETORT_TRY(request.tools, read_list(options.tools));
  }
  if (!options.documents.empty()) {
    RETORT_TRY(request.documents, read_list(options.documents));
  }
  if (!options.kwargs.empty()) {
    auto kwargs = parse_ordered_json(options.kwargs, "--kwargs");
    if (!kwargs) return fail(ErrorCode::kInvalidArgument, "{}", kwargs.error().message());
    request.kwargs = std::move(*kwargs);
    if (!request.kwargs.is_object()) {
      return fail(ErrorCode::kInvalidArgument, "--kwargs: expected an object such as {{\"enable_thinking\": false}}");
    }
  }
  if (options.no_generation_prompt) request.generation_prompt = ChatRequest::GenerationPrompt::kOmit;
  RETORT_TRY(const std::string prompt, chat_template.render(request));
  if (options.json) {
    fmt::print("{}\n", json_text(OrderedJson{{"prompt", prompt}}));
  } else {
    std::fwrite(prompt.data(), 1, prompt.size(), stdout);
  }
  return {};
}

}  // namespace

void add_render(Command program) {
  auto options = std::make_shared<Options>();
  Command command =
      program.add_subcommand("render", "The chat template applied to messages: the prompt as the model sees it");
  command.footer(
      "Prints the prompt byte for byte, with no line break of its own, or with --json {\"prompt\": \"...\"}.\n"
      "A FILE may be - for standard input. Whoever encodes the prompt must add no BOS or EOS: the template has\n"
      "written those that it wants.");
  command.add("--model", options->model, "Checkpoint with the template: folder, .gguf file or hub id");
  command
      .add("--messages", options->messages,
           "File with [{\"role\": ..., \"content\": ...}, ...] or {\"messages\": [...], \"tools\": [...]}")
      .required();
  command.add("--tools", options->tools, "File with the list of tools that the model may call");
  command.add("--documents", options->documents, "File with the list of documents to answer from");
  command.add("--chat-template", options->chat_template, "File with a template to use in place of the model's");
  command.add("--kwargs", options->kwargs, "Further variables, as JSON: {\"enable_thinking\": false}");
  command.add("--bos", options->bos, "Text of the BOS token [the model's; empty without one]");
  command.add("--eos", options->eos, "Text of the EOS token [the model's; empty without one]");
  command.add_flag("--no-generation-prompt", options->no_generation_prompt,
                   "Do not open the assistant's turn at the end");
  command.add_flag("--json", options->json, "Machine-readable output");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
