#include "cli/reply.h"

#include <utility>

#include "core/json.h"
#include "core/log.h"
#include "core/units.h"
#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace retort::cli {

constexpr std::string_view kCloseTag = "</think>";

double Reply::tokens_per_second() const {
  if (completion_tokens < 2 || decode_seconds <= 0) return 0;
  return static_cast<double>(completion_tokens - 1) / decode_seconds;
}

namespace {

/// One request from its first step to its last.
Expected<EngineResult> run_request(Engine& engine, GenerationRequest generation,
                                   std::function<OnToken(const SampledToken&)> on_token, const CancelToken& cancel) {
  std::optional<EngineResult> ended;
  EngineRequest request;
  request.generation = std::move(generation);
  RETORT_TRY(const Engine::RequestId id,
             engine.add(std::move(request), {.on_token = std::move(on_token),
                                             .on_finish = [&](const EngineResult& result) { ended = result; }}));
  while (!ended) {
    if (cancel.cancelled()) {
      RETORT_TRY_STATUS(engine.abort(id));
    } else {
      engine.step();
    }
  }
  if (ended->error) return fail(*ended->error);
  return std::move(*ended);
}

}  // namespace

Expected<Reply> generate_reply(const ChatModel& model, Engine& engine, const ReplyRequest& request,
                               const std::function<Status(std::string_view)>& on_text, const CancelToken& cancel) {
  GenerationRequest generation;
  generation.prompt = request.prompt.ids;
  generation.forced_prefix = model.tokenizer().encode(request.force_prefix);
  generation.sampling = request.sampling;
  generation.max_tokens = request.max_tokens;
  generation.stop_token_ids = model.stop_ids();
  generation.eos = request.eos;
  generation.sequence = request.sequence;

  Reply reply;
  IncrementalDetokenizer detokenizer(model.tokenizer(), SkipSpecial::kYes);
  StopStrings stops(request.stop);
  Status written;
  const auto emit = [&](const std::string& text) {
    if (text.empty()) return;
    reply.text += text;
    if (on_text && written) written = on_text(text);
  };
  const auto on_token = [&](const SampledToken& token) {
    if (request.sampling.logprobs >= 0) reply.tokens.push_back(token);
    emit(stops.push(detokenizer.push(token.id)));
    return stops.stopped() || !written ? OnToken::kStop : OnToken::kContinue;
  };
  RETORT_TRY(const EngineResult result, run_request(engine, std::move(generation), on_token, cancel));
  emit(stops.push(detokenizer.finish()));
  emit(stops.finish());
  RETORT_TRY_STATUS(std::move(written));

  ReasoningSplitter splitter(request.prompt.starts);
  std::vector<ReasoningPiece> pieces = splitter.push(reply.text);
  for (ReasoningPiece& piece : splitter.finish()) pieces.push_back(std::move(piece));
  for (const ReasoningPiece& piece : pieces) {
    (piece.kind == ReasoningPiece::Kind::kReasoning ? reply.reasoning : reply.answer) += piece.text;
  }
  reply.content = splitter.closed()         ? reply.text.substr(reply.text.find(kCloseTag) + kCloseTag.size())
                  : splitter.in_reasoning() ? std::string()
                                            : reply.text;
  reply.finish_reason = stops.stopped() ? FinishReason::kStop : result.finish_reason;
  if (stops.stopped()) {
    reply.stop_reason = *stops.stopped();
  } else if (result.stop_token >= 0) {
    reply.stop_reason = model.tokenizer().piece(result.stop_token);
  }
  reply.prompt_tokens = static_cast<std::int64_t>(request.prompt.ids.size());
  reply.completion_tokens = static_cast<std::int64_t>(result.output.size()) + (result.stop_token >= 0 ? 1 : 0);
  reply.cached_tokens = result.cached_tokens;
  // Without a first token all of it was the prompt's.
  reply.prefill_seconds = result.first_token_seconds > 0 ? result.first_token_seconds : result.seconds;
  reply.decode_seconds = result.seconds - reply.prefill_seconds;
  log(LogLevel::kDebug, "{} prompt tokens, {} of them from the prefix cache; first token after {:.3f} s",
      reply.prompt_tokens, reply.cached_tokens, reply.prefill_seconds);
  return reply;
}

std::string summary(const Reply& reply) {
  std::string text =
      fmt::format("{} token{}", format_grouped(reply.completion_tokens), reply.completion_tokens == 1 ? "" : "s");
  if (reply.tokens_per_second() > 0) text += fmt::format(", {:.1f} tokens/s", reply.tokens_per_second());
  return text + fmt::format(", {}", to_string(reply.finish_reason));
}

namespace {

// A token may be part of a character: then its text has U+FFFD, and its bytes tell.
OrderedJson token_json(const Tokenizer& tokenizer, std::int32_t id, double logprob) {
  const std::string_view bytes = tokenizer.bytes(id);
  OrderedJson list = OrderedJson::array();
  for (const char byte : bytes) list.push_back(static_cast<std::uint8_t>(byte));
  return {{"token", tokenizer.decode({&id, 1})}, {"token_id", id}, {"logprob", logprob}, {"bytes", std::move(list)}};
}

}  // namespace

OrderedJson logprobs_json(const Tokenizer& tokenizer, const std::vector<SampledToken>& tokens) {
  OrderedJson content = OrderedJson::array();
  for (const SampledToken& token : tokens) {
    OrderedJson entry = token_json(tokenizer, token.id, token.logprob);
    entry["top_logprobs"] = OrderedJson::array();
    for (const TokenLogprob& top : token.top) {
      entry["top_logprobs"].push_back(token_json(tokenizer, top.id, top.logprob));
    }
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

}  // namespace retort::cli
