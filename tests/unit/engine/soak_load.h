// Random load for one engine: rounds of requests that come, share beginnings, are preempted, aborted and told to stop,
// and what must hold of the engine whatever they do.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace retort::testing {

/// What a load met so far: a soak without preemptions or hits has tested little.
struct SoakCounts {
  std::int64_t rounds = 0;
  std::int64_t requests = 0;
  std::int64_t aborted = 0;
  std::int64_t stopped = 0;  ///< by their own on_token
  std::int64_t probes = 0;
  std::int64_t replays = 0;
  std::int64_t steps = 0;
};

class SoakLoad {
 public:
  /// `engine` outlives this and serves nobody else.
  SoakLoad(Engine& engine, std::uint64_t seed);

  /// A round: 6 to 14 requests that come within its first steps, and the probe among them; steps until all have ended.
  /// Then one of them is put in again, alone. The first round has the probe alone, and the second as many requests side
  /// by side as the engine takes, so that what is kept from step to step has its full size afterwards. Empty, or what
  /// did not hold:
  ///
  ///   - integrity, every 16 steps and at the end
  ///   - every request ends once, for its own reason, and with the tokens that its callbacks were given
  ///   - the probe (a fixed prompt and seed) and the request that is put in again have the tokens that they had before
  ///   - at the end no request is unfinished and no block is used: all are free or cached
  std::string round();

  [[nodiscard]] const SoakCounts& counts() const { return counts_; }

 private:
  using Tokens = std::vector<std::int32_t>;

  /// A request, and what is heard of it.
  struct Asked {
    EngineRequest request;
    std::int64_t comes = 0;    ///< step of the round
    std::int64_t leaves = -1;  ///< step in which it is aborted; -1: never
    std::int64_t enough = -1;  ///< tokens after which on_token says kStop; -1: never
    Engine::RequestId id = 0;
    bool aborted = false;
    Tokens tokens;
    std::int64_t ends = 0;
    EngineResult result;
  };

  std::int64_t below(std::int64_t n);
  Tokens random_tokens(std::int64_t count);
  Asked random_request();
  [[nodiscard]] Asked probe() const;
  [[nodiscard]] std::string add(Asked& asked) const;
  std::string run(std::deque<Asked>& all);
  [[nodiscard]] static std::string check_end(const Asked& asked);
  std::string check_probe(const Asked& asked);
  std::string replay(const std::deque<Asked>& all);
  [[nodiscard]] std::string check_idle() const;

  Engine& engine_;
  std::mt19937_64 random_;
  std::vector<Tokens> beginnings_;  ///< what prompts share
  Tokens probe_prompt_;
  Tokens probe_output_;  ///< of the first time
  SoakCounts counts_;
};

}  // namespace retort::testing
