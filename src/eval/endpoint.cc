#include "eval/endpoint.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <list>
#include <utility>

#include "core/log.h"
#include "io/digest.h"
#include "io/http_post.h"

namespace retort::eval {
namespace {

using Clock = std::chrono::steady_clock;

/// The same for the same question and sample, whatever came before; below 2^31, since servers read it as an int.
std::int64_t seed_of(const AnswerRequest& request) {
  std::uint64_t mixed = request.seed * 0x9e3779b97f4a7c15u + request.sequence;
  mixed ^= mixed >> 31;
  mixed *= 0xbf58476d1ce4e5b9u;
  mixed ^= mixed >> 29;
  return static_cast<std::int64_t>(mixed % 0x7fffffffu);
}

Json body_of(const AnswerRequest& request, const std::string& model) {
  Json body = {{"model", model},
               {"temperature", request.temperature},
               {"top_p", request.top_p},
               {"max_tokens", request.max_tokens},
               {"seed", seed_of(request)}};
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (request.style == TaskPrompt::Style::kText) {
    body["prompt"] = request.prompt;
    return body;
  }
  body["messages"] = Json::array();
  if (!request.system.empty()) body["messages"].push_back({{"role", "system"}, {"content", request.system}});
  body["messages"].push_back({{"role", "user"}, {"content", request.prompt}});
  return body;
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::int64_t count_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

Expected<Json> first_choice(const PostReply& reply) {
  RETORT_TRY(Json json, parse_json(reply.body, "the endpoint's answer"));
  const auto choices = json.is_object() ? json.find("choices") : json.end();
  if (!json.is_object() || choices == json.end() || !choices->is_array() || choices->empty() ||
      !(*choices)[0].is_object()) {
    return fail(ErrorCode::kNetwork, "the endpoint's answer has no 'choices'");
  }
  return json;
}

/// Reasoning that the server told apart is put back between its tags.
Expected<ModelAnswer> answer_of(const PostReply& reply) {
  RETORT_TRY(const Json json, first_choice(reply));
  const Json& choice = json["choices"][0];
  ModelAnswer out;
  if (const auto message = choice.find("message"); message != choice.end() && message->is_object()) {
    std::string reasoning = text_at(*message, "reasoning_content");
    if (reasoning.empty()) reasoning = text_at(*message, "reasoning");
    if (!reasoning.empty()) out.text = "<think>\n" + reasoning + "</think>\n\n";
    out.text += text_at(*message, "content");
  } else {
    out.text = text_at(choice, "text");
  }
  out.finish_reason = text_at(choice, "finish_reason");
  if (const auto usage = json.find("usage"); usage != json.end() && usage->is_object()) {
    out.prompt_tokens = count_at(*usage, "prompt_tokens");
    out.output_tokens = count_at(*usage, "completion_tokens");
  }
  return out;
}

Error refusal(const PostReply& reply) {
  constexpr std::size_t kShown = 300;
  return Error(ErrorCode::kNetwork,
               fmt::format("the endpoint answers {}: {}", reply.status, reply.body.substr(0, kShown)));
}

bool worth_another_try(int status) { return status == 429 || status == 408 || status >= 500; }

class EndpointResponder : public Responder {
 public:
  EndpointResponder(EndpointOptions options, std::unique_ptr<HttpPoster> poster)
      : options_(std::move(options)), poster_(std::move(poster)) {}

  [[nodiscard]] std::int64_t capacity() const override { return options_.concurrency; }

  void begin(const AnswerRequest& request, Done done) override {
    const bool text = request.style == TaskPrompt::Style::kText;
    Pending pending{.url = options_.url + (text ? "/completions" : "/chat/completions"),
                    .body = json_text(body_of(request, options_.model)),
                    .done = std::move(done),
                    .begun = Clock::now(),
                    .hash = {},
                    .tries = 0,
                    .not_before = {}};
    if (auto digest = Digest::sha256()) {
      digest->update(request.system + request.prompt);
      pending.hash = digest->finish();
    }
    ++under_way_;
    send(std::move(pending));
  }

  bool work() override {
    const auto now = Clock::now();
    std::list<Pending> due;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const auto next = std::next(it);
      if (it->not_before <= now) due.splice(due.end(), waiting_, it);
      it = next;
    }
    for (Pending& pending : due) send(std::move(pending));
    constexpr int kWaitMs = 100;
    if (!poster_->work(kWaitMs) && !waiting_.empty()) pause();
    return under_way_ > 0;
  }

  [[nodiscard]] std::int64_t output_tokens() const override { return output_tokens_; }

  void abandon() override {
    abandoned_ = true;
    poster_->abandon();
    std::list<Pending> waiting;
    waiting.swap(waiting_);
    for (Pending& pending : waiting) finish(pending, aborted());
    abandoned_ = false;
  }

  Expected<std::string> prompt_text(const AnswerRequest& request) override {
    return json_text(body_of(request, options_.model), {.indent = 2});
  }

  Expected<std::vector<double>> loglikelihoods(const std::string& prompt,
                                               const std::vector<std::string>& continuations) override {
    std::vector<double> out;
    for (const std::string& continuation : continuations) {
      RETORT_TRY(const double sum, loglikelihood(prompt, continuation));
      out.push_back(sum);
    }
    return out;
  }

  [[nodiscard]] Json description() const override { return {{"endpoint", options_.url}, {"model", options_.model}}; }

 private:
  struct Pending {
    std::string url;
    std::string body;
    Done done;
    Clock::time_point begun;
    std::string hash;
    int tries = 0;
    Clock::time_point not_before;
  };

  static ModelAnswer aborted() {
    ModelAnswer answer;
    answer.finish_reason = "abort";
    return answer;
  }
  static ModelAnswer failed(Error error) {
    ModelAnswer answer;
    answer.finish_reason = "error";
    answer.error = std::move(error);
    return answer;
  }

  void finish(Pending& pending, ModelAnswer answer) {
    --under_way_;
    output_tokens_ += answer.output_tokens;
    answer.prompt_sha256 = pending.hash;
    answer.seconds = std::chrono::duration<double>(Clock::now() - pending.begun).count();
    pending.done(std::move(answer));
  }

  [[nodiscard]] PostRequest request_for(const Pending& pending) const {
    PostRequest request{
        .url = pending.url, .body = pending.body, .headers = {}, .timeout_seconds = options_.timeout_seconds};
    if (!options_.api_key.empty()) request.headers.push_back("Authorization: Bearer " + options_.api_key);
    return request;
  }

  void send(Pending pending) {
    auto shared = std::make_shared<Pending>(std::move(pending));
    const Status begun = poster_->begin(request_for(*shared), [this, shared](Expected<PostReply> reply) {
      if (abandoned_) return finish(*shared, aborted());
      if (!reply) return again(std::move(*shared), reply.error(), std::nullopt);
      if (reply->status != 200) {
        if (worth_another_try(reply->status))
          return again(std::move(*shared), refusal(*reply), reply->retry_after_seconds);
        return finish(*shared, failed(refusal(*reply)));
      }
      Expected<ModelAnswer> answer = answer_of(*reply);
      finish(*shared, answer ? std::move(*answer) : failed(answer.error()));
    });
    if (!begun) finish(*shared, failed(begun.error()));
  }

  void again(Pending pending, const Error& error, std::optional<int> wait) {
    if (pending.tries >= options_.retries) return finish(pending, failed(error));
    const double seconds = wait ? std::min(*wait, 300) : std::min(60.0, 0.5 * std::pow(2.0, pending.tries));
    ++pending.tries;
    log(LogLevel::kWarn, "{}; try {} of {} in {:.1f} s", error.message(), pending.tries, options_.retries, seconds);
    pending.not_before = Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1'000));
    waiting_.push_back(std::move(pending));
  }

  static void pause() {
    const timespec moment{.tv_sec = 0, .tv_nsec = 50'000'000};
    nanosleep(&moment, nullptr);
  }

  /// By the log-probabilities of the prompt's own tokens, which not every server gives.
  Expected<double> loglikelihood(const std::string& prompt, const std::string& continuation) {
    const Json body = {{"model", options_.model}, {"prompt", prompt + continuation},
                       {"max_tokens", 1},         {"echo", true},
                       {"logprobs", 1},           {"temperature", 0}};
    std::optional<Expected<PostReply>> reply;
    const Pending pending{.url = options_.url + "/completions",
                          .body = json_text(body),
                          .done = {},
                          .begun = {},
                          .hash = {},
                          .tries = 0,
                          .not_before = {}};
    RETORT_TRY_STATUS(poster_->begin(request_for(pending), [&](Expected<PostReply> came) { reply = std::move(came); }));
    while (!reply) poster_->work(100);
    if (!*reply) return fail((*reply).error());
    if ((*reply)->status != 200) return fail(refusal(**reply));
    RETORT_TRY(const Json json, first_choice(**reply));
    const Json logprobs = json["choices"][0].value("logprobs", Json());
    if (!logprobs.is_object() || !logprobs.contains("token_logprobs") || !logprobs.contains("text_offset")) {
      return fail(ErrorCode::kUnsupported,
                  "the endpoint gives no log-probabilities of the prompt (echo with logprobs), which this task needs");
    }
    double sum = 0;
    const Json& values = logprobs["token_logprobs"];
    const Json& offsets = logprobs["text_offset"];
    for (std::size_t i = 0; i < std::min(values.size(), offsets.size()); ++i) {
      const bool inside = offsets[i].is_number() && offsets[i].get<std::size_t>() >= prompt.size() &&
                          offsets[i].get<std::size_t>() < prompt.size() + continuation.size();
      if (inside && values[i].is_number()) sum += values[i].get<double>();
    }
    return sum;
  }

  EndpointOptions options_;
  std::unique_ptr<HttpPoster> poster_;
  std::list<Pending> waiting_;  ///< for their next try
  std::int64_t under_way_ = 0;
  std::int64_t output_tokens_ = 0;
  bool abandoned_ = false;
};

}  // namespace

Expected<std::unique_ptr<Responder>> make_endpoint_responder(EndpointOptions options) {
  while (!options.url.empty() && options.url.back() == '/') options.url.pop_back();
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return fail(ErrorCode::kInvalidArgument, "--endpoint '{}' must begin with http:// or https:// and end with /v1",
                options.url);
  }
  if (options.concurrency < 1) return fail(ErrorCode::kInvalidArgument, "--concurrency must be 1 or more");
  RETORT_TRY(std::unique_ptr<HttpPoster> poster, HttpPoster::create());
  return std::unique_ptr<Responder>(std::make_unique<EndpointResponder>(std::move(options), std::move(poster)));
}

}  // namespace retort::eval
