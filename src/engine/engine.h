// Many requests on one model: schedule(), run(), postprocess(), again and again. See docs/engine.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "engine/engine_memory.h"
#include "engine/generation.h"
#include "engine/scheduler.h"
#include "nn/kv_pool.h"
#include "nn/model.h"

namespace retort {

struct EngineConfig {
  EngineMemoryOptions memory;
  std::int64_t long_prefill_token_threshold = 0;  ///< tokens of one prompt per step at most; 0: no such limit
  SchedulerConfig::PrefixCaching enable_prefix_caching = SchedulerConfig::PrefixCaching::kOn;
  KvWindowOptions kv_window;                  ///< kDynamic does without prefix caching
  LogLevel tell_memory_at = LogLevel::kInfo;  ///< of the line that tells the memory plan
};

struct EngineRequest {
  GenerationRequest generation;
  std::int64_t priority = 0;  ///< lower is more urgent
  std::string cache_salt;     ///< only requests with equal salts share cached blocks
};

/// How a request ended.
struct EngineResult {
  std::vector<std::int32_t> output;
  FinishReason finish_reason = FinishReason::kLength;
  std::int32_t stop_token = -1;    ///< the stop token that ended it, or -1
  std::int64_t cached_tokens = 0;  ///< prompt tokens found in the prefix cache
  std::int64_t preemptions = 0;
  double first_token_seconds = 0;  ///< from add() to the first token
  double seconds = 0;              ///< from add() to the end
  std::optional<Error> error;      ///< why, with kError
};

/// A request's bits depend on the request (and the engine's kv_window) alone: not on what runs beside it, on
/// max_num_batched_tokens, on hits of the prefix cache or on preemptions. Not thread-safe: whoever calls step() calls
/// everything. Callbacks come from within add() (an answer that is all forced), step() and abort(), and must not call
/// the engine.
class Engine {
 public:
  using RequestId = SequenceId;
  struct Callbacks {
    std::function<OnToken(const SampledToken&)> on_token;  ///< may be empty; forced tokens come too
    std::function<void(const EngineResult&)> on_finish;    ///< exactly once, the last that is heard
  };

  /// Plans the memory, logs the plan, and takes it. kExhausted, saying what to do, where it is not there.
  static Expected<std::unique_ptr<Engine>> create(std::shared_ptr<const Model> model, const EngineConfig& config);
  ~Engine();

  /// kOutOfRange, kInvalidArgument or kExhausted as Scheduler::add() and GenerationSession::generate() say them.
  Expected<RequestId> add(EngineRequest request, Callbacks callbacks);
  /// Ends it now with kCancelled and what there is. kNotFound if it has ended.
  Status abort(RequestId id);

  /// One step of everybody. False if there was nothing to do. An error ends the requests of the step with kError, but
  /// not the engine: it can go on.
  bool step();
  /// Steps until all is done. Once `cancel` is raised, what has not begun is aborted and what runs is finished.
  void run(const CancelToken& drain);

  [[nodiscard]] bool has_unfinished() const;
  [[nodiscard]] SchedulerStats stats() const;
  [[nodiscard]] const EngineMemoryPlan& memory_plan() const;
  [[nodiscard]] const Model& model() const;
  /// Seconds spent so far: in the forward passes, in sampling, and in all of step().
  struct Times {
    double forward = 0;
    double sample = 0;
    double step = 0;
    std::int64_t steps = 0;
  };
  [[nodiscard]] const Times& times() const;
  [[nodiscard]] Status check_integrity() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort
