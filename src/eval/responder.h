// Whoever answers a task's questions: an engine in this process, or an endpoint. Many answers are under way at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "eval/task.h"

namespace retort::eval {

struct AnswerRequest {
  TaskPrompt::Style style = TaskPrompt::Style::kChat;
  std::string system;  ///< empty: no system message
  std::string prompt;
  double temperature = 0.6;
  double top_p = 0.95;
  std::int64_t max_tokens = 32768;
  std::vector<std::string> stop;
  std::uint64_t seed = 0;
  std::uint64_t sequence = 0;  ///< keys the random numbers together with the seed: of the question and sample
};

struct ModelAnswer {
  std::string text;           ///< with an opening <think> that the template wrote
  std::string finish_reason;  ///< "stop", "length", "abort", "error"
  std::string prompt_sha256;  ///< of the text that the model was given
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
  double seconds = 0;
  std::optional<Error> error;
};

/// For one thread.
class Responder {
 public:
  using Done = std::function<void(ModelAnswer)>;

  Responder() = default;
  virtual ~Responder() = default;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  /// How many answers may be under way.
  [[nodiscard]] virtual std::int64_t capacity() const = 0;
  /// Begins an answer. `done` is called once, from begin(), work() or abandon().
  virtual void begin(const AnswerRequest& request, Done done) = 0;
  /// Goes on with what is under way for a while; false where there is nothing.
  virtual bool work() = 0;
  /// How many tokens have been written, in answers that are under way too as far as that is known.
  [[nodiscard]] virtual std::int64_t output_tokens() const = 0;
  /// Ends what is under way, with the finish reason "abort".
  virtual void abandon() = 0;

  /// The text that the model would be given.
  virtual Expected<std::string> prompt_text(const AnswerRequest& request) = 0;
  /// log p(continuation | prompt) of each continuation, in nats; for a prompt that is empty, from its second token on.
  virtual Expected<std::vector<double>> loglikelihoods(const std::string& prompt,
                                                       const std::vector<std::string>& continuations) = 0;
  /// What decides the answers besides the request: the model, its content, the instruction set, the engine's settings.
  [[nodiscard]] virtual Json description() const = 0;
};

}  // namespace retort::eval
