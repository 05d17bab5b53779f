#include "cli/eval_model.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/version.h"
#include "engine/scoring.h"
#include "io/digest.h"
#include "kernels/dispatch.h"
#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace retort::cli {
namespace {

using eval::AnswerRequest;
using eval::ModelAnswer;

Expected<std::string> sha256_of(std::string_view text) {
  RETORT_TRY(Digest digest, Digest::sha256());
  digest.update(text);
  return digest.finish();
}

class ModelResponder : public eval::Responder {
 public:
  ModelResponder(ChatModel model, std::unique_ptr<Engine> engine, const ChatModelOptions& options)
      : model_(std::move(model)), engine_(std::move(engine)), options_(options) {}

  [[nodiscard]] std::int64_t capacity() const override { return options_.engine.max_num_seqs; }

  void begin(const AnswerRequest& request, Done done) override {
    Expected<EngineRequest> generation = engine_request(request);
    if (!generation) return done(failed(std::move(generation).error()));
    auto answer = std::make_shared<Answer>(model_.tokenizer(), request.stop);
    const Expected<Prompt> prompt = prompt_of(request);
    if (prompt && prompt->starts == StartsInReasoning::kYes) answer->told.text = "<think>\n";
    answer->told.prompt_tokens = static_cast<std::int64_t>(generation->generation.prompt.size());
    const std::span<const TokenId> ids(generation->generation.prompt);
    const Expected<std::string> hash = sha256_of(model_.tokenizer().decode(ids));
    if (!hash) return done(failed(hash.error()));
    answer->told.prompt_sha256 = *hash;
    Engine::Callbacks callbacks;
    callbacks.on_token = [this, answer](const SampledToken& token) {
      ++output_tokens_;
      answer->told.text += answer->stops.push(answer->detokenizer.push(token.id));
      return answer->stops.stopped() ? OnToken::kStop : OnToken::kContinue;
    };
    callbacks.on_finish = [this, answer, done](const EngineResult& result) {
      if (answer->id) under_way_.erase(*answer->id);
      answer->ended = true;
      finish(*answer, result);
      done(std::move(answer->told));
    };
    const Expected<Engine::RequestId> id = engine_->add(std::move(*generation), std::move(callbacks));
    if (!id) return done(failed(id.error()));
    answer->id = *id;
    if (!answer->ended) under_way_.emplace(*id, 0);
  }

  bool work() override { return engine_->step(); }
  [[nodiscard]] std::int64_t output_tokens() const override { return output_tokens_; }

  void abandon() override {
    while (!under_way_.empty()) {
      const Engine::RequestId id = under_way_.begin()->first;
      if (!engine_->abort(id)) under_way_.erase(id);
    }
  }

  Expected<std::string> prompt_text(const AnswerRequest& request) override {
    RETORT_TRY(const Prompt prompt, prompt_of(request));
    return model_.tokenizer().decode(prompt.ids);
  }

  Expected<std::vector<double>> loglikelihoods(const std::string& prompt,
                                               const std::vector<std::string>& continuations) override {
    const std::vector<TokenId> before = model_.raw_prompt(prompt).ids;
    std::vector<Continuation> texts;
    for (const std::string& continuation : continuations) {
      Continuation text{model_.raw_prompt(prompt + continuation).ids, 0};
      // What the prompt alone becomes is a prefix, unless a token spans the border: then from where they part.
      const std::size_t most = std::min(before.size(), text.ids.size());
      while (text.from < most && before[text.from] == text.ids[text.from]) ++text.from;
      text.from = std::max<std::size_t>(text.from, 1);
      texts.push_back(std::move(text));
    }
    if (differ_in_their_last_token(texts)) return last_token_logprobs(texts);
    RETORT_TRY(const EngineConfig config, engine_config(options_.engine, *model_.model()));
    std::vector<double> out;
    for (const Continuation& text : texts) {
      RETORT_TRY(const double sum, sum_from(text.ids, text.from, config));
      out.push_back(sum);
    }
    return out;
  }

  [[nodiscard]] Json description() const override {
    Json out = {{"model", model_.checkpoint().name()},     {"isa", model_.model()->kernels().name},
                {"quality", options_.common.quality},      {"kv_cache_dtype", options_.engine.kv_cache_dtype},
                {"chat_template", options_.chat_template}, {"version", version()}};
    // Only where they are asked for: runs without them go on being the runs that they were.
    const KvWindowFlags& window = options_.engine.kv_window;
    if (window.mode != KvWindowFlags().mode) out["kv_window"] = window.mode;
    if (window.mass) out["kv_window_mass"] = *window.mass;
    if (window.size) out["kv_window_size"] = *window.size;
    if (!window.layers.empty()) out["kv_window_layers"] = window.layers;
    return out;
  }

 private:
  struct Answer {
    Answer(const Tokenizer& tokenizer, const std::vector<std::string>& stop)
        : detokenizer(tokenizer, SkipSpecial::kYes), stops(stop) {}
    IncrementalDetokenizer detokenizer;
    StopStrings stops;
    ModelAnswer told;
    std::optional<Engine::RequestId> id;
    bool ended = false;
  };

  /// A prompt with a continuation, which begins at token `from`.
  struct Continuation {
    std::vector<TokenId> ids;
    std::size_t from;
  };

  static ModelAnswer failed(Error error) {
    ModelAnswer answer;
    answer.finish_reason = to_string(FinishReason::kError);
    answer.error = std::move(error);
    return answer;
  }

  static void finish(Answer& answer, const EngineResult& result) {
    answer.told.text += answer.stops.push(answer.detokenizer.finish());
    answer.told.text += answer.stops.finish();
    answer.told.finish_reason = to_string(answer.stops.stopped() ? FinishReason::kStop : result.finish_reason);
    answer.told.output_tokens = static_cast<std::int64_t>(result.output.size()) + (result.stop_token >= 0 ? 1 : 0);
    answer.told.seconds = result.seconds;
    answer.told.error = result.error;
  }

  [[nodiscard]] Expected<Prompt> prompt_of(const AnswerRequest& request) const {
    if (request.style == eval::TaskPrompt::Style::kText) return model_.raw_prompt(request.prompt);
    OrderedJson messages = OrderedJson::array();
    if (!request.system.empty()) messages.push_back({{"role", "system"}, {"content", request.system}});
    messages.push_back({{"role", "user"}, {"content", request.prompt}});
    return model_.prompt(messages);
  }

  [[nodiscard]] Expected<EngineRequest> engine_request(const AnswerRequest& request) const {
    EngineRequest out;
    RETORT_TRY(const Prompt prompt, prompt_of(request));
    out.generation.prompt = prompt.ids;
    out.generation.sampling.temperature = request.temperature;
    out.generation.sampling.top_p = request.top_p;
    out.generation.sampling.seed = request.seed;
    out.generation.sequence = request.sequence;
    // As much as there is room for, where that is less.
    const std::int64_t room = engine_->memory_plan().max_model_len - static_cast<std::int64_t>(prompt.ids.size());
    out.generation.max_tokens = std::min(request.max_tokens, std::max<std::int64_t>(room, 1));
    out.generation.stop_token_ids = model_.stop_ids();
    return out;
  }

  /// Letters of choices, mostly: one run of what is before them tells all.
  [[nodiscard]] bool differ_in_their_last_token(const std::vector<Continuation>& texts) const {
    const auto room = static_cast<std::size_t>(engine_->memory_plan().max_model_len);
    return !texts.empty() && texts[0].ids.size() <= room &&
           std::all_of(texts.begin(), texts.end(), [&](const Continuation& text) {
             return text.from == texts[0].from && text.ids.size() == text.from + 1;
           });
  }

  /// By the engine, so that what many questions begin with is computed once.
  [[nodiscard]] Expected<std::vector<double>> last_token_logprobs(const std::vector<Continuation>& texts) {
    EngineRequest request;
    request.generation.prompt.assign(texts[0].ids.begin(), texts[0].ids.end() - 1);
    request.generation.max_tokens = 1;
    request.generation.sampling.temperature = 0;
    request.generation.sampling.logprobs = 0;
    for (const Continuation& text : texts) request.generation.sampling.logprob_token_ids.push_back(text.ids.back());
    std::vector<double> out;
    std::optional<Error> error;
    Engine::Callbacks callbacks;
    callbacks.on_token = [&](const SampledToken& token) {
      for (const TokenLogprob& candidate : token.top) out.push_back(candidate.logprob);
      return OnToken::kContinue;
    };
    callbacks.on_finish = [&](const EngineResult& result) { error = result.error; };
    RETORT_TRY_STATUS(engine_->add(std::move(request), std::move(callbacks)));
    while (engine_->step()) {
    }
    if (error) return fail(*error);
    return out;
  }

  /// The sum of log-probabilities of ids[from...]. What is longer than the context is cut into windows: each sees the
  /// last token before it, as lm-evaluation-harness rolls them.
  [[nodiscard]] Expected<double> sum_from(const std::vector<TokenId>& ids, std::size_t from,
                                          const EngineConfig& config) const {
    const auto window = static_cast<std::size_t>(engine_->memory_plan().max_model_len);
    double sum = 0;
    for (std::size_t next = from; next < ids.size();) {
      const std::size_t first = ids.size() <= window ? 0 : next - 1;
      const std::size_t end = std::min(ids.size(), first + window);
      const std::span<const TokenId> part = std::span(ids).subspan(first, end - first);
      RETORT_TRY(const std::vector<double> logprobs,
                 token_logprobs(*model_.model(), config.memory.kv_cache_type, part, never_, config.kv_window));
      for (std::size_t i = next; i < end; ++i) sum += logprobs[i - first - 1];
      next = end;
    }
    return sum;
  }

  ChatModel model_;
  std::unique_ptr<Engine> engine_;
  ChatModelOptions options_;
  CancelToken never_;
  std::int64_t output_tokens_ = 0;
  std::map<Engine::RequestId, int> under_way_;
};

}  // namespace

Expected<std::unique_ptr<eval::Responder>> start_model_responder(const ChatModelOptions& options) {
  RETORT_TRY(ChatModel model, ChatModel::load(options));
  RETORT_TRY(std::unique_ptr<Engine> engine, start_engine(model, options.engine, LogLevel::kInfo));
  return std::unique_ptr<eval::Responder>(
      std::make_unique<ModelResponder>(std::move(model), std::move(engine), options));
}

}  // namespace retort::cli
