// A model that can be talked to: weights, tokenizer and chat template, loaded together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/engine_options.h"
#include "cli/load.h"
#include "core/json_fwd.h"
#include "engine/engine.h"
#include "text/chat_template.h"
#include "text/reasoning.h"
#include "text/tokenizer.h"

namespace retort::cli {

struct ChatModelOptions {
  std::string model;
  std::string chat_template;  ///< file; empty: the checkpoint's own
  std::string kwargs;         ///< JSON object; empty: none
  /// One request at a time, and few tokens a step: Ctrl-C is heeded between two steps, and must not take longer than
  /// seconds on a slow machine.
  EngineOptions engine = {.max_num_seqs = 1, .max_num_batched_tokens = 256};
  CommonOptions common;
};
enum class ModelOption { kRequired, kOptional };
/// --model --chat-template --kwargs, and those of add_engine_options and add_common_options
void add_chat_model_options(Command command, ChatModelOptions& options, ModelOption model = ModelOption::kRequired);

/// What a model is asked: token ids, and how its reply begins.
struct Prompt {
  std::vector<TokenId> ids;
  StartsInReasoning starts = StartsInReasoning::kAuto;
};

/// Immutable after load.
class ChatModel {
 public:
  static Expected<ChatModel> load(const ChatModelOptions& options);

  /// The template applied to `messages` with the opening of an answer, encoded. Added tokens that the text spells are
  /// parsed wherever they stand, a person's message included, as vLLM and Hugging Face do: a template's own tags look
  /// no different once rendered. kNotFound, saying what to do, if there is no template.
  [[nodiscard]] Expected<Prompt> prompt(const OrderedJson& messages) const;
  /// Plain completion: the text as it is, with the tokenizer's BOS where it has one.
  [[nodiscard]] Prompt raw_prompt(std::string_view text) const;

  [[nodiscard]] const Checkpoint& checkpoint() const { return *checkpoint_; }
  [[nodiscard]] const Tokenizer& tokenizer() const { return tokenizer_; }
  [[nodiscard]] const std::shared_ptr<const Model>& model() const { return model_; }
  /// The ids that end an answer: those of generation_config.json, config.json and the tokenizer. GGUF carries one of
  /// them only, so there the vocabulary's own end-of-turn and end-of-text tokens count too.
  [[nodiscard]] const std::vector<std::int64_t>& stop_ids() const { return stop_ids_; }

 private:
  ChatModel(std::shared_ptr<const Checkpoint> checkpoint, Tokenizer tokenizer)
      : checkpoint_(std::move(checkpoint)), tokenizer_(std::move(tokenizer)) {}

  std::shared_ptr<const Checkpoint> checkpoint_;
  Tokenizer tokenizer_;
  std::optional<ChatTemplate> template_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const OrderedJson> kwargs_;  ///< further template variables
  std::vector<std::int64_t> stop_ids_;
};

/// An engine for `model`, its memory planned and taken. The plan is logged at `tell_memory_at`. Errors are those of
/// engine_config() and Engine::create().
Expected<std::unique_ptr<Engine>> start_engine(const ChatModel& model, const EngineOptions& options,
                                               LogLevel tell_memory_at);

/// A list of messages, or an object with one under "messages" (what /save writes). Each is an object with a string
/// "role". `what` begins errors.
Expected<OrderedJson> parse_messages(std::string_view text, std::string_view what);

}  // namespace retort::cli
