// The scheduler at work on a model that can be predicted: the next token is a function of all tokens before it, and the
// keys and values at a position are a number that depends on every token (and recipe, and salt) up to there. So each
// request's output is known before it runs, and a block that was shared, kept or given away wrongly shows as soon as
// it is read. One seed, one simulation, always the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/scheduler.h"

namespace retort::testing {

class SchedulerSimulation {
 public:
  explicit SchedulerSimulation(std::uint64_t seed);

  /// Lets `requests` of them arrive, 0: as many as the seed says, and runs until all have ended. What went wrong, or
  /// nothing.
  std::string run(std::int64_t requests = 0);

  [[nodiscard]] std::int64_t steps() const { return step_; }
  [[nodiscard]] const SchedulerStats& stats() const { return stats_; }  ///< of the end

 private:
  struct Request {
    SchedulerRequest request;
    std::vector<std::int32_t> tokens;    // prompt and all of the output to come
    std::vector<std::uint64_t> content;  // [tokens] what the memory must say at each position
    std::int64_t prompt_tokens = 0;
    std::int64_t arrival = 0;
    std::optional<FinishReason> ending;  // kStop or kLength, by itself
    bool stop_token_is_output = true;
    std::int64_t aborted_at = -1;  // step; -1: never
    std::int64_t fails_at = -1;    // position whose computation fails; -1: none
    PoolSlot slot = -1;
    std::int64_t computed = 0;
    bool running = false;
    std::int64_t out = 0;  // output tokens so far
    [[nodiscard]] std::int64_t num_tokens() const { return prompt_tokens + out; }
  };

  std::int64_t random(std::int64_t least, std::int64_t most);
  bool chance(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }
  void fail(std::string what);

  BlockPoolConfig draw_pool();
  SchedulerConfig draw_scheduler();
  Request draw_request();
  void predict(Request& request);
  void arrive();
  void abort_some();
  StepPlan schedule();
  void check_plan(const StepPlan& plan);
  void check_fairness(const StepPlan& plan, const std::set<SequenceId>& decodes, SequenceId best, bool best_runs);
  void compute(const StepPlan& plan);
  void check_memory();
  void commit(const StepPlan& plan);
  void finish(const FinishedSequence& finished, FinishReason expected);
  void check_integrity(const char* when);
  bool sees(std::int64_t layer, std::int64_t from, std::int64_t position) const;

  std::mt19937_64 random_;
  std::int64_t longest_ = 0;  // tokens of a request
  std::int64_t vocab_ = 0;
  std::int64_t to_come_ = 0;
  std::int64_t most_at_a_time_ = 0;
  bool several_tokens_ = false;
  std::vector<std::vector<std::int32_t>> texts_;  // that prompts begin with
  std::optional<Scheduler> scheduler_;
  BlockPoolConfig pool_;
  struct Cell {
    std::uint64_t content = 0;
    std::int64_t layer = -1;
  };
  std::vector<Cell> memory_;  // [blocks, positions]
  std::map<SequenceId, Request> live_;
  SequenceId next_id_ = 1;
  std::int64_t arrivals_ = 0;
  std::int64_t step_ = 0;
  std::int64_t bound_ = 0;
  std::int64_t generated_ = 0;
  SchedulerStats stats_;
  std::string failure_;
};

}  // namespace retort::testing
