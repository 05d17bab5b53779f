// One answer: tokens from the engine become text, cut at stop strings, told apart into thinking and answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/chat_model.h"
#include "core/json_fwd.h"
#include "engine/engine.h"

namespace retort::cli {

struct ReplyRequest {
  Prompt prompt;
  std::string force_prefix;  ///< what the answer must begin with
  SamplingParams sampling;
  std::int64_t max_tokens = -1;
  std::vector<std::string> stop;
  GenerationRequest::Eos eos = GenerationRequest::Eos::kStop;
  std::uint64_t sequence = 0;
};

struct Reply {
  std::string text;  ///< as the model wrote it, special tokens left out, cut before a stop string
  std::string reasoning;
  std::string answer;
  /// What the next prompt says of it: all behind </think>, line breaks and all (nothing where thinking never ended), as
  /// R1's template would cut it, so that templates that do not know of thinking drop it too.
  std::string content;
  FinishReason finish_reason = FinishReason::kLength;
  std::string stop_reason;  ///< the stop string that ended it, or the text of the stop token, or empty
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;  ///< a stop token included, as vLLM counts
  std::int64_t cached_tokens = 0;      ///< of the prompt, found in the prefix cache
  double prefill_seconds = 0;
  double decode_seconds = 0;
  std::vector<SampledToken> tokens;  ///< where log-probabilities were asked for

  /// Tokens after the first per second; 0 if there are none.
  [[nodiscard]] double tokens_per_second() const;
};

/// Steps `engine`, which has nothing else to do, until the answer has ended. `on_text` gets what is certain, as soon as
/// it is: whole characters, no part of a stop string. An error it returns ends the generation and is passed on, as is
/// one of the engine. A raised `cancel` ends the answer between two steps with kCancelled and what there is by then.
Expected<Reply> generate_reply(const ChatModel& model, Engine& engine, const ReplyRequest& request,
                               const std::function<Status(std::string_view)>& on_text, const CancelToken& cancel);

/// "312 tokens, 23.4 tokens/s, stop"
std::string summary(const Reply& reply);

/// OpenAI's logprobs object: {"content": [{"token", "token_id", "logprob", "bytes", "top_logprobs": [...]}]}
OrderedJson logprobs_json(const Tokenizer& tokenizer, const std::vector<SampledToken>& tokens);

}  // namespace retort::cli
