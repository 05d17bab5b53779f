#include "cli/chat_model.h"

#include <algorithm>
#include <utility>

#include "cli/input_text.h"
#include "core/json.h"
#include "core/units.h"
#include "text/chat_request.h"
#include "text/text_assets.h"

namespace retort::cli {

void add_chat_model_options(Command command, ChatModelOptions& options, ModelOption model) {
  Option name = command.add("--model", options.model, "Checkpoint: folder, .gguf file or hub id");
  if (model == ModelOption::kRequired) name.required();
  command.add("--chat-template", options.chat_template, "Jinja file in place of the checkpoint's template");
  command.add("--kwargs", options.kwargs, "JSON object of further template variables");
  add_engine_options(command, options.engine);
  add_common_options(command, options.common);
}

namespace {

Expected<OrderedJson> parse_kwargs(const std::string& text) {
  if (text.empty()) return OrderedJson::object();
  auto kwargs = parse_ordered_json(text, "--kwargs");
  if (!kwargs) return fail(ErrorCode::kInvalidArgument, "{}", kwargs.error().message());
  if (!kwargs->is_object())
    return fail(ErrorCode::kInvalidArgument, "--kwargs must be a JSON object, as in {{\"a\": 1}}");
  return kwargs;
}

Expected<std::optional<ChatTemplate>> load_template(const Checkpoint& checkpoint, const std::string& file) {
  std::optional<std::string> source;
  std::string what = checkpoint.name();
  if (!file.empty()) {
    RETORT_TRY(source, read_file(file));
    what = file;
  } else {
    RETORT_TRY(source, load_chat_template(checkpoint));
  }
  if (!source) return std::optional<ChatTemplate>();
  auto compiled = ChatTemplate::compile(*source);
  if (!compiled) return fail(std::move(compiled).error().within(what));
  return std::optional<ChatTemplate>(std::move(*compiled));
}

std::vector<std::int64_t> find_stop_ids(const Checkpoint& checkpoint, const Tokenizer& tokenizer) {
  std::vector<std::int64_t> ids = checkpoint.generation_defaults().eos_token_ids;
  const auto& more = checkpoint.config().eos_token_ids;
  ids.insert(ids.end(), more.begin(), more.end());
  if (const auto eos = tokenizer.eos_id()) ids.push_back(*eos);
  if (checkpoint.format() == CheckpointFormat::kGguf) {
    for (const char* piece : {"<|im_end|>", "<|endoftext|>", "<｜end▁of▁sentence｜>"}) {
      if (const auto id = tokenizer.id_of(piece); id && tokenizer.is_special(*id)) ids.push_back(*id);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

Expected<ChatModel> ChatModel::load(const ChatModelOptions& options) {
  RETORT_TRY(OrderedJson kwargs, parse_kwargs(options.kwargs));
  RETORT_TRY(auto checkpoint, open_checkpoint(options.model, options.common));
  const std::int64_t most = checkpoint->config().max_position_embeddings;
  if (options.engine.max_model_len < 0 || options.engine.max_model_len > most) {
    return fail(ErrorCode::kInvalidArgument,
                "--max-model-len must be 0 to {}, which this model was made for, but is {}", format_grouped(most),
                format_grouped(options.engine.max_model_len));
  }
  RETORT_TRY(auto chat_template, load_template(*checkpoint, options.chat_template));
  RETORT_TRY(Tokenizer tokenizer, load_tokenizer(*checkpoint));
  ChatModel loaded(checkpoint, std::move(tokenizer));
  RETORT_TRY(loaded.model_, load_model(checkpoint, options.common));
  loaded.template_ = std::move(chat_template);
  loaded.kwargs_ = std::make_shared<const OrderedJson>(std::move(kwargs));
  loaded.stop_ids_ = find_stop_ids(*checkpoint, loaded.tokenizer_);
  return loaded;
}

Expected<Prompt> ChatModel::prompt(const OrderedJson& messages) const {
  if (!template_) {
    return fail(
        ErrorCode::kNotFound,
        "{}: the checkpoint has no chat template; give one with --chat-template FILE, or use `retort run --raw` "
        "for plain completion",
        checkpoint_->name());
  }
  const auto piece = [&](const std::optional<TokenId>& id) {
    return id ? std::string(tokenizer_.piece(*id)) : std::string();
  };
  ChatRequest request;
  request.messages = messages;
  request.kwargs = *kwargs_;
  request.bos_token = piece(tokenizer_.bos_id());
  request.eos_token = piece(tokenizer_.eos_id());
  auto rendered = template_->render(request);
  if (!rendered) return fail(std::move(rendered).error().within("chat template"));
  Prompt prompt;
  // The template wrote the BOS if there is to be one.
  prompt.ids =
      tokenizer_.encode(*rendered, {.added_tokens = AddedTokens::kParse, .special_tokens = SpecialTokens::kNone});
  if (opens_reasoning(*rendered)) prompt.starts = StartsInReasoning::kYes;
  return prompt;
}

Prompt ChatModel::raw_prompt(std::string_view text) const {
  Prompt prompt;
  prompt.ids = tokenizer_.encode(text, {.added_tokens = AddedTokens::kParse, .special_tokens = SpecialTokens::kAdd});
  if (opens_reasoning(text)) prompt.starts = StartsInReasoning::kYes;
  return prompt;
}

Expected<std::unique_ptr<Engine>> start_engine(const ChatModel& model, const EngineOptions& options,
                                               LogLevel tell_memory_at) {
  RETORT_TRY(EngineConfig config, engine_config(options, *model.model()));
  config.tell_memory_at = tell_memory_at;
  // Who talks to a model wants to start; a conversation of 4,096 tokens is a short one.
  config.memory.least_model_len = 4096;
  return Engine::create(model.model(), config);
}

Expected<OrderedJson> parse_messages(std::string_view text, std::string_view what) {
  RETORT_TRY(OrderedJson json, parse_ordered_json(text, what));
  if (json.is_object() && json.contains("messages")) {
    OrderedJson list = json["messages"];
    json = std::move(list);
  }
  if (!json.is_array() || json.empty()) {
    return fail(ErrorCode::kCorrupt, "{}: must be a JSON list of messages, each with \"role\" and \"content\"", what);
  }
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (!json[i].is_object() || !json[i].contains("role") || !json[i]["role"].is_string()) {
      return fail(ErrorCode::kCorrupt, "{}: message {} must be an object with a string \"role\"", what, i);
    }
  }
  return json;
}

}  // namespace retort::cli
