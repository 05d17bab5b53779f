// Who computes how many tokens in the next step, and who gives its blocks up when there are too few. Knows token ids
// and blocks; no tensors, no clock, no threads.
//
//   schedule() -> StepPlan -> the forward pass and sampling, somebody else's -> commit(plan, sampled tokens)
//
// A sequence has num_tokens (prompt and output) and num_computed (whose keys and values are in its blocks); a step
// moves num_computed towards num_tokens. That is all there is to prompts in chunks, decodes, prefix hits and
// preemption.
//
// Rank is (priority, arrival): a lower priority is more urgent, and of equals the one that came first. A step hands out
// max_num_batched_tokens:
//
//   1. Running sequences that lack one token, by rank.
//   2. The other running ones, by rank. Each gets what it lacks, or what is left of the budget and of the blocks.
//   3. Waiting ones, by rank, until the first that finds no place, no budget or no blocks for all of its tokens: nobody
//      overtakes it. It begins behind the longest cached prefix. If the running sequence of the worst rank is strictly
//      less urgent, and if places or blocks are what is missing, that one is preempted, and the next, as long as this
//      can help. Budget is never taken from a running sequence for a waiting one. Step 3 is left out where steps 1 and
//      2 had to preempt.
//
// In 1 and 2 a sequence that finds no block for even one token preempts the running sequence of the worst rank, which
// may be itself, and which loses its part in this step if it had one. A preempted sequence gives all blocks back, keeps
// its output and its arrival, and so waits in front of all of its priority that have not run.
//
// Everything finishes, as long as more urgent ones do not arrive for ever. Take the unfinished sequence of the best
// rank.
//   - If it waits, all that run are strictly less urgent (within a priority those that run came before those that wait:
//     admission is by arrival, and preemption takes the latest). Nobody is admitted before it, so the running ones come
//     to their ends and give budget; places and blocks it takes from them. All blocks are enough for it: add() saw to
//     it.
//   - If it runs, it is never the one of the worst rank unless it is alone, and then its next token fits. So it
//   computes
//     at least one token in each step, or the whole budget went to decodes; their number falls, since a new one
//     comes only from budget that was first offered to this sequence.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.h"
#include "engine/block_pool.h"
#include "engine/finish_reason.h"

namespace retort {

using SequenceId = std::uint64_t;

/// Names and meaning as vLLM's.
struct SchedulerConfig {
  std::int64_t max_num_batched_tokens = 2048;     ///< tokens per step, of all sequences together
  std::int64_t max_num_seqs = 256;                ///< sequences that run at a time
  std::int64_t max_model_len = 32768;             ///< prompt and output of one sequence
  std::int64_t long_prefill_token_threshold = 0;  ///< tokens of one sequence per step at most; 0: no such limit
  enum class PrefixCaching { kOff, kOn } enable_prefix_caching = PrefixCaching::kOn;
};

struct SchedulerRequest {
  SequenceId id = 0;                 ///< the caller's; no other unfinished sequence has it
  std::vector<std::int32_t> prompt;  ///< at least one token
  std::int64_t max_tokens = -1;      ///< output tokens; -1, or more than that: what max_model_len leaves
  std::int64_t priority = 0;         ///< lower is more urgent
  std::string cache_salt;            ///< only requests with equal salts share cached blocks; up to 1024 bytes
};

enum class Logits { kUnwanted, kOfLastToken };

/// Tokens [first, first + count) of one sequence. Its blocks have room for them, and what comes before is computed.
struct StepItem {
  SequenceId id = 0;
  std::uint64_t arrival = 0;  ///< tells two sequences apart that had the same id one after the other
  PoolSlot slot = -1;
  std::int64_t first = 0;
  std::int64_t count = 0;
  Logits logits = Logits::kUnwanted;  ///< kOfLastToken where nothing is lacking behind this step
};

struct StepPlan {
  std::vector<StepItem> items;        ///< each sequence at most once; decodes first
  std::vector<SequenceId> preempted;  ///< in this step; they wait again
  std::int64_t num_tokens = 0;        ///< of all items
};

/// What a sequence whose logits were wanted goes on with.
struct StepOutput {
  SequenceId id = 0;
  /// One token or several. None is allowed with kStop: a stop token that is not part of the output.
  std::span<const std::int32_t> tokens;
  enum class Then { kGoOn, kStop } then = Then::kGoOn;
};

struct FinishedSequence {
  SequenceId id = 0;
  FinishReason reason = FinishReason::kStop;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< of those, found in the prefix cache when it first ran
  std::int64_t preemptions = 0;
  std::vector<std::int32_t> output;
};

struct SchedulerStats {
  std::int64_t num_running = 0;
  std::int64_t num_waiting = 0;
  std::int64_t num_preemptions = 0;    ///< since the start, like all that follow but kv_usage
  std::int64_t prompt_tokens = 0;      ///< of sequences that came to their first output token
  std::int64_t generation_tokens = 0;  ///< output tokens
  double kv_usage = 0;  ///< share of the blocks that sequences use, 0 to 1; cached ones without a user are not
  PrefixStats prefix;
};

/// Not thread-safe. schedule() and commit() take turns; add(), abort() and finish() may come at any time, also between
/// the two. Work per step is O(running sequences + tokens planned + blocks that change hands), and a hash per block of
/// a prefix found.
class Scheduler {
 public:
  /// kInvalidArgument naming the field that makes no sense.
  static Expected<Scheduler> create(const SchedulerConfig& config, BlockPool pool);

  /// kOutOfRange with both numbers where the prompt leaves no room for a token within max_model_len; kExhausted where
  /// prompt and max_tokens would not fit into an empty pool; kInvalidArgument where the id is in use, the prompt is
  /// empty, max_tokens is 0 or below -1, or the salt too long.
  Status add(SchedulerRequest request);
  /// Ends a sequence now, wherever it is, and gives its blocks back. kNotFound if it is unfinished nowhere: it may just
  /// have finished. With kError none of its blocks will be found by others.
  Expected<FinishedSequence> finish(SequenceId id, FinishReason reason);
  Expected<FinishedSequence> abort(SequenceId id) { return finish(id, FinishReason::kCancelled); }

  /// The next step. Empty if and only if nothing is unfinished.
  StepPlan schedule();
  /// The forward pass of `plan` was computed and sampled. `outputs`: one for each item that wants logits, in the order
  /// of the plan; those of sequences that ended in between may be missing, and do not count. Tokens beyond max_tokens
  /// are cut off. Returns who finished.
  std::vector<FinishedSequence> commit(const StepPlan& plan, std::span<const StepOutput> outputs);

  /// `layer` of an item of the current step will see nothing of it from `sink` to below `position` any more.
  void release_before(const StepItem& item, std::int64_t layer, std::int64_t position, std::int64_t sink) {
    pool_.release_before(item.slot, layer, position, sink);
  }

  [[nodiscard]] bool has_unfinished() const { return !sequences_.empty(); }
  /// Prompt and output so far, of an unfinished sequence. Valid until commit(), finish() or abort().
  [[nodiscard]] std::span<const std::int32_t> tokens(SequenceId id) const;
  /// How many tokens of an unfinished sequence are computed; 0 while it waits.
  [[nodiscard]] std::int64_t num_computed(SequenceId id) const;
  [[nodiscard]] SchedulerStats stats() const;
  [[nodiscard]] const BlockPool& pool() const { return pool_; }
  [[nodiscard]] const SchedulerConfig& config() const { return config_; }
  /// BlockPool::check_integrity(), and that sequences are either waiting without blocks or running, in order, with room
  /// for what is computed.
  [[nodiscard]] Status check_integrity() const;

 private:
  using Rank = std::pair<std::int64_t, std::uint64_t>;  ///< (priority, arrival); arrivals are never equal
  enum class Kind { kDecode, kPrompt };
  static constexpr std::size_t kUnplanned = static_cast<std::size_t>(-1);

  struct Sequence {
    SequenceId id = 0;
    Rank rank;
    std::vector<std::int32_t> tokens;  ///< prompt and output
    std::int64_t prompt_tokens = 0;
    std::int64_t max_tokens = 0;
    PoolSlot slot = -1;
    std::int64_t num_computed = 0;
    std::int64_t cached_tokens = -1;  ///< -1: has never run
    std::int64_t preemptions = 0;
    std::uint64_t preempted_in = 0;  ///< the step, counted from 1
    bool running = false;
    std::size_t planned = kUnplanned;  ///< index in the plan that is being made
    [[nodiscard]] std::int64_t lacks() const { return static_cast<std::int64_t>(tokens.size()) - num_computed; }
    [[nodiscard]] std::int64_t output_tokens() const {
      return static_cast<std::int64_t>(tokens.size()) - prompt_tokens;
    }
  };

  /// The step that is being planned.
  struct Step {
    StepPlan plan;
    std::int64_t budget = 0;
  };

  Scheduler(const SchedulerConfig& config, BlockPool pool) : config_(config), pool_(std::move(pool)) {}

  [[nodiscard]] const Sequence& unfinished(SequenceId id) const;
  [[nodiscard]] std::int64_t chunk(const Sequence& sequence, const Step& step) const;
  void plan_running(Kind kind, Step& step);
  void admit_waiting(Step& step);
  [[nodiscard]] PrefixHit find_prefix(const Sequence& sequence) const;
  [[nodiscard]] bool preemption_can_help(const Sequence& sequence, const PrefixHit& hit) const;
  void start(Sequence& sequence, const PrefixHit& hit);
  void plan(Sequence& sequence, std::int64_t count, Step& step);
  void preempt_worst(Step& step);
  void advance(Sequence& sequence, const StepItem& item);
  std::optional<FinishReason> append(Sequence& sequence, const StepOutput& output);
  FinishedSequence remove(Sequence& sequence, FinishReason reason);

  SchedulerConfig config_;
  BlockPool pool_;
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> running_;  ///< by rank, best first
  std::map<Rank, Sequence*> waiting_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t steps_ = 0;
  bool in_step_ = false;   ///< between schedule() and commit()
  SchedulerStats totals_;  ///< what is counted since the start
};

}  // namespace retort
