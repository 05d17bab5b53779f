#include "soak_load.h"

#include <algorithm>
#include <fmt/format.h>

namespace retort::testing {
namespace {

constexpr std::int64_t kLongestPrompt = 600;
constexpr std::int64_t kLongestAnswer = 48;
constexpr std::int64_t kStepsOfArrival = 40;
constexpr std::int64_t kFullHouse = 16;
// Far above what a round takes: a step of everybody gives at least one of them a token.
constexpr std::int64_t kMostSteps = 20'000;

}  // namespace

SoakLoad::SoakLoad(Engine& engine, std::uint64_t seed) : engine_(engine), random_(seed) {
  for (int i = 0; i < 4; ++i) beginnings_.push_back(random_tokens(400));
  // Always the same, whatever the load's seed. More than a block of 64, so that later ones find some of it cached.
  std::mt19937_64 fixed(5);
  for (int i = 0; i < 90; ++i) probe_prompt_.push_back(static_cast<std::int32_t>(fixed() % 10'000));
}

std::int64_t SoakLoad::below(std::int64_t n) {
  return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
}

SoakLoad::Tokens SoakLoad::random_tokens(std::int64_t count) {
  Tokens tokens;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<std::int32_t>(below(engine_.model().config().vocab_size)));
  }
  return tokens;
}

SoakLoad::Asked SoakLoad::random_request() {
  Asked asked;
  GenerationRequest& g = asked.request.generation;
  const std::int64_t length = 1 + below(kLongestPrompt);
  if (below(2) == 0) {
    const Tokens& beginning = beginnings_[below(static_cast<std::int64_t>(beginnings_.size()))];
    const std::int64_t shared = std::min(length, below(static_cast<std::int64_t>(beginning.size()) + 1));
    g.prompt.assign(beginning.begin(), beginning.begin() + shared);
  }
  const Tokens own = random_tokens(length - static_cast<std::int64_t>(g.prompt.size()));
  g.prompt.insert(g.prompt.end(), own.begin(), own.end());
  g.max_tokens = 1 + below(kLongestAnswer);
  g.eos = GenerationRequest::Eos::kIgnore;
  g.sequence = random_();
  g.sampling.seed = random_();
  g.sampling.temperature = below(3) == 0 ? 0.0 : 0.1 * static_cast<double>(1 + below(12));
  if (below(2) == 0) g.sampling.top_p = 0.9;
  if (below(4) == 0) g.sampling.top_k = 1 + below(50);
  if (below(4) == 0) g.sampling.repetition_penalty = 1.1;
  if (below(6) == 0) g.sampling.logprobs = below(4);
  if (below(8) == 0) g.forced_prefix = random_tokens(1 + below(3));
  asked.request.priority = below(3) - 1;
  if (below(8) == 0) asked.request.cache_salt = "other";
  asked.comes = below(kStepsOfArrival);
  if (below(5) == 0) asked.leaves = asked.comes + below(60);
  if (below(8) == 0) asked.enough = 1 + below(kLongestAnswer);
  return asked;
}

SoakLoad::Asked SoakLoad::probe() const {
  Asked asked;
  asked.request.generation.prompt = probe_prompt_;
  asked.request.generation.max_tokens = 24;
  asked.request.generation.eos = GenerationRequest::Eos::kIgnore;
  asked.request.generation.sampling.temperature = 0.8;
  asked.request.generation.sampling.seed = 7;
  return asked;
}

std::string SoakLoad::add(Asked& asked) const {
  const auto id = engine_.add(asked.request, {[&asked](const SampledToken& token) {
                                                asked.tokens.push_back(token.id);
                                                const auto count = static_cast<std::int64_t>(asked.tokens.size());
                                                return count == asked.enough ? OnToken::kStop : OnToken::kContinue;
                                              },
                                              [&asked](const EngineResult& result) {
                                                asked.result = result;
                                                ++asked.ends;
                                              }});
  if (!id) return "a request was refused: " + id.error().message();
  asked.id = *id;
  return {};
}

std::string SoakLoad::run(std::deque<Asked>& all) {
  const auto last = std::ranges::max(all, {}, &Asked::comes).comes;
  for (std::int64_t step = 0; step <= last || engine_.has_unfinished(); ++step) {
    if (step == kMostSteps) return fmt::format("requests are unfinished after {} steps", step);
    for (Asked& asked : all) {
      if (asked.comes == step) {
        if (std::string failure = add(asked); !failure.empty()) return failure;
      }
      if (asked.leaves == step && asked.ends == 0) {
        if (const Status gone = engine_.abort(asked.id); !gone) return "abort: " + gone.error().message();
        asked.aborted = true;
        ++counts_.aborted;
      }
    }
    engine_.step();
    ++counts_.steps;
    if (step % 16 != 0) continue;
    if (const Status sound = engine_.check_integrity(); !sound) return "integrity: " + sound.error().message();
  }
  return check_idle();
}

std::string SoakLoad::check_idle() const {
  if (const Status sound = engine_.check_integrity(); !sound) return "integrity: " + sound.error().message();
  const SchedulerStats stats = engine_.stats();
  if (stats.num_running == 0 && stats.num_waiting == 0 && stats.kv_usage == 0) return {};
  return fmt::format("all have ended, but {} run, {} wait and {} of the blocks is used", stats.num_running,
                     stats.num_waiting, stats.kv_usage);
}

std::string SoakLoad::check_end(const Asked& asked) {
  const EngineResult& result = asked.result;
  const auto count = static_cast<std::int64_t>(result.output.size());
  if (asked.ends != 1) return fmt::format("request {} has ended {} times", asked.id, asked.ends);
  if (result.error) return fmt::format("request {}: {}", asked.id, result.error->message());
  if (result.output != asked.tokens) {
    return fmt::format("request {} was given {} tokens and ended with {} others", asked.id, asked.tokens.size(), count);
  }
  const std::int64_t wanted = asked.request.generation.max_tokens;
  const bool is_right = asked.aborted ? result.finish_reason == FinishReason::kCancelled && count <= wanted
                        : asked.enough >= 0 && asked.enough <= count
                            ? count == asked.enough  // at the limit both reasons are true
                            : result.finish_reason == FinishReason::kLength && count == wanted;
  if (is_right) return {};
  return fmt::format("request {} ended with {} tokens of {} and reason {}", asked.id, count, wanted,
                     to_string(result.finish_reason));
}

std::string SoakLoad::check_probe(const Asked& asked) {
  if (probe_output_.empty()) probe_output_ = asked.tokens;
  if (asked.tokens == probe_output_) return {};
  const auto differ = std::ranges::mismatch(asked.tokens, probe_output_);
  return fmt::format("the probe differs from the first one at token {} (preempted {} times, {} tokens cached)",
                     differ.in1 - asked.tokens.begin(), asked.result.preemptions, asked.result.cached_tokens);
}

std::string SoakLoad::replay(const std::deque<Asked>& all) {
  const Asked& before = all[below(static_cast<std::int64_t>(all.size()))];
  std::deque<Asked> again(1);
  again[0].request = before.request;
  again[0].enough = before.enough;
  if (std::string failure = run(again); !failure.empty()) return failure;
  if (std::string failure = check_end(again[0]); !failure.empty()) return failure;
  ++counts_.replays;
  // What was aborted has a beginning of it.
  const bool is_same = before.tokens.size() <= again[0].tokens.size() &&
                       std::equal(before.tokens.begin(), before.tokens.end(), again[0].tokens.begin()) &&
                       (before.aborted || before.tokens.size() == again[0].tokens.size());
  if (is_same) return {};
  return fmt::format("request {} (preempted {} times, {} tokens cached) has other tokens alone ({} cached)", before.id,
                     before.result.preemptions, before.result.cached_tokens, again[0].result.cached_tokens);
}

std::string SoakLoad::round() {
  std::deque<Asked> all;
  // The first probe of all has nobody beside it.
  const bool is_full = counts_.rounds == 1;
  if (counts_.rounds > 0) {
    const std::int64_t requests = is_full ? kFullHouse : 6 + below(9);
    for (std::int64_t i = 0; i < requests; ++i) all.push_back(random_request());
  }
  if (is_full) {
    for (Asked& asked : all) {
      asked.comes = 0;
      asked.leaves = asked.enough = -1;
      asked.request.generation.max_tokens = kLongestAnswer;
      asked.request.generation.prompt.resize(1 + all.size());
    }
  }
  ++counts_.rounds;
  counts_.requests += static_cast<std::int64_t>(all.size());
  ++counts_.probes;
  all.push_back(probe());
  if (all.size() > 1) {
    all.back().comes = below(kStepsOfArrival);
    all.back().request.priority = below(3) - 1;
  }
  if (std::string failure = run(all); !failure.empty()) return failure;
  for (const Asked& asked : all) {
    if (std::string failure = check_end(asked); !failure.empty()) return failure;
    counts_.stopped += asked.result.finish_reason == FinishReason::kStop;
  }
  if (std::string failure = check_probe(all.back()); !failure.empty()) return failure;
  return replay(all);
}

}  // namespace retort::testing
