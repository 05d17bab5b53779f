#include "engine/scheduler.h"

#include <algorithm>

#include "core/units.h"

namespace retort {
namespace {

constexpr std::size_t kMaxSaltBytes = 1024;

}  // namespace

Expected<Scheduler> Scheduler::create(const SchedulerConfig& config, BlockPool pool) {
  const std::pair<const char*, std::int64_t> at_least_one[] = {
      {"max_num_batched_tokens", config.max_num_batched_tokens},
      {"max_num_seqs", config.max_num_seqs},
      {"max_model_len", config.max_model_len}};
  for (const auto& [name, value] : at_least_one) {
    if (value < 1) return fail(ErrorCode::kInvalidArgument, "{} is {} but must be 1 or more", name, value);
  }
  if (config.long_prefill_token_threshold < 0) {
    return fail(ErrorCode::kInvalidArgument, "long_prefill_token_threshold is {} but must be 0 (no limit) or more",
                config.long_prefill_token_threshold);
  }
  return Scheduler(config, std::move(pool));
}

Status Scheduler::add(SchedulerRequest request) {
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  if (sequences_.contains(request.id)) {
    return fail(ErrorCode::kInvalidArgument, "there is an unfinished sequence {} already", request.id);
  }
  if (prompt == 0) return fail(ErrorCode::kInvalidArgument, "the prompt is empty; give at least one token");
  if (request.max_tokens < 1 && request.max_tokens != -1) {
    return fail(ErrorCode::kInvalidArgument,
                "max_tokens must be 1 or more, or -1 for what the context leaves, but is {}", request.max_tokens);
  }
  if (request.cache_salt.size() > kMaxSaltBytes) {
    return fail(ErrorCode::kInvalidArgument, "cache_salt has {} bytes but may have {}", request.cache_salt.size(),
                kMaxSaltBytes);
  }
  if (prompt >= config_.max_model_len) {
    return fail(ErrorCode::kOutOfRange,
                "the prompt has {} tokens and --max-model-len is {}: no token of an answer fits; shorten the prompt",
                format_grouped(prompt), format_grouped(config_.max_model_len));
  }
  std::int64_t max_tokens = config_.max_model_len - prompt;
  if (request.max_tokens > 0) max_tokens = std::min(max_tokens, request.max_tokens);
  // The last output token is never computed.
  RETORT_TRY_STATUS(pool_.fits_alone(prompt + max_tokens - 1));

  auto sequence = std::make_unique<Sequence>();
  sequence->id = request.id;
  sequence->rank = {request.priority, ++arrivals_};
  sequence->tokens = std::move(request.prompt);
  sequence->prompt_tokens = prompt;
  sequence->max_tokens = max_tokens;
  sequence->slot = pool_.open(std::move(request.cache_salt), prompt);
  waiting_.emplace(sequence->rank, sequence.get());
  sequences_.emplace(request.id, std::move(sequence));
  return {};
}

Expected<FinishedSequence> Scheduler::finish(SequenceId id, FinishReason reason) {
  const auto at = sequences_.find(id);
  if (at == sequences_.end()) return fail(ErrorCode::kNotFound, "no unfinished sequence {}", id);
  return remove(*at->second, reason);
}

StepPlan Scheduler::schedule() {
  RETORT_CHECK(!in_step_, "the step before has not been committed");
  in_step_ = true;
  ++steps_;
  Step step;
  step.budget = config_.max_num_batched_tokens;
  plan_running(Kind::kDecode, step);
  plan_running(Kind::kPrompt, step);
  if (step.plan.preempted.empty()) admit_waiting(step);
  // Items of sequences that were preempted after they had been planned.
  std::erase_if(step.plan.items, [](const StepItem& item) { return item.count == 0; });
  for (Sequence* sequence : running_) sequence->planned = kUnplanned;
  step.plan.num_tokens = config_.max_num_batched_tokens - step.budget;
  return std::move(step.plan);
}

// Tokens that the sequence would compute in this step if blocks were no matter.
std::int64_t Scheduler::chunk(const Sequence& sequence, const Step& step) const {
  const std::int64_t limit = config_.long_prefill_token_threshold;
  const std::int64_t tokens = std::min(sequence.lacks(), step.budget);
  return limit > 0 ? std::min(tokens, limit) : tokens;
}

void Scheduler::plan_running(Kind kind, Step& step) {
  // Preemption shortens running_ from its end.
  for (std::size_t i = 0; i < running_.size() && step.budget > 0; ++i) {
    Sequence& sequence = *running_[i];
    if ((sequence.lacks() == 1 ? Kind::kDecode : Kind::kPrompt) != kind) continue;
    while (i < running_.size() && pool_.reachable_tokens(sequence.slot) <= sequence.num_computed) preempt_worst(step);
    if (i < running_.size()) plan(sequence, chunk(sequence, step), step);
  }
}

void Scheduler::admit_waiting(Step& step) {
  while (!waiting_.empty() && step.budget > 0) {
    Sequence& sequence = *waiting_.begin()->second;
    if (sequence.preempted_in == steps_) return;
    const PrefixHit hit = find_prefix(sequence);
    if (static_cast<std::int64_t>(running_.size()) < config_.max_num_seqs &&
        pool_.fits(hit, static_cast<std::int64_t>(sequence.tokens.size()), {})) {
      start(sequence, hit);
      plan(sequence, chunk(sequence, step), step);
    } else if (preemption_can_help(sequence, hit)) {
      preempt_worst(step);
    } else {
      return;
    }
  }
}

PrefixHit Scheduler::find_prefix(const Sequence& sequence) const {
  const bool caching = config_.enable_prefix_caching == SchedulerConfig::PrefixCaching::kOn;
  return pool_.find_prefix(sequence.slot, caching ? sequence.tokens : std::span<const std::int32_t>());
}

bool Scheduler::preemption_can_help(const Sequence& sequence, const PrefixHit& hit) const {
  std::vector<PoolSlot> less_urgent;
  for (auto at = running_.rbegin(); at != running_.rend() && (*at)->rank.first > sequence.rank.first; ++at) {
    less_urgent.push_back((*at)->slot);
  }
  return !less_urgent.empty() && pool_.fits(hit, static_cast<std::int64_t>(sequence.tokens.size()), less_urgent);
}

void Scheduler::start(Sequence& sequence, const PrefixHit& hit) {
  pool_.take_prefix(sequence.slot, hit);
  sequence.num_computed = hit.tokens();
  if (sequence.cached_tokens < 0) {
    sequence.cached_tokens = hit.tokens();
    if (config_.enable_prefix_caching == SchedulerConfig::PrefixCaching::kOn) {
      pool_.count_query(static_cast<std::int64_t>(sequence.tokens.size()), hit.tokens());
    }
  }
  sequence.running = true;
  waiting_.erase(sequence.rank);
  const auto place = std::upper_bound(running_.begin(), running_.end(), sequence.rank,
                                      [](const Rank& rank, const Sequence* other) { return rank < other->rank; });
  running_.insert(place, &sequence);
}

// Up to `count` tokens, as far as blocks reach: at least one, which the caller has made sure of.
void Scheduler::plan(Sequence& sequence, std::int64_t count, Step& step) {
  count = std::min(count, pool_.reachable_tokens(sequence.slot) - sequence.num_computed);
  RETORT_CHECK(count > 0, "sequence {} was given nothing", sequence.id);
  const Status allocated = pool_.allocate(sequence.slot, sequence.num_computed + count);
  RETORT_CHECK(allocated.has_value(), "{}", allocated.error().message());
  sequence.planned = step.plan.items.size();
  step.plan.items.push_back({sequence.id, sequence.rank.second, sequence.slot, sequence.num_computed, count,
                             count == sequence.lacks() ? Logits::kOfLastToken : Logits::kUnwanted});
  step.budget -= count;
}

void Scheduler::preempt_worst(Step& step) {
  Sequence& victim = *running_.back();
  running_.pop_back();
  if (victim.planned != kUnplanned) {
    step.budget += std::exchange(step.plan.items[victim.planned].count, 0);
    victim.planned = kUnplanned;
  }
  pool_.release_all(victim.slot);
  victim.num_computed = 0;
  victim.running = false;
  victim.preempted_in = steps_;
  ++victim.preemptions;
  ++totals_.num_preemptions;
  waiting_.emplace(victim.rank, &victim);
  step.plan.preempted.push_back(victim.id);
}

std::vector<FinishedSequence> Scheduler::commit(const StepPlan& plan, std::span<const StepOutput> outputs) {
  RETORT_CHECK(in_step_, "no step has been scheduled");
  in_step_ = false;
  std::vector<FinishedSequence> finished;
  auto output = outputs.begin();
  for (const StepItem& item : plan.items) {
    const bool has_output = item.logits == Logits::kOfLastToken && output != outputs.end() && output->id == item.id;
    const StepOutput sampled = has_output ? *output++ : StepOutput{};
    const auto at = sequences_.find(item.id);
    // It ended in between, and perhaps another one has its id by now.
    if (at == sequences_.end() || at->second->rank.second != item.arrival) continue;
    Sequence& sequence = *at->second;
    advance(sequence, item);
    if (item.logits == Logits::kUnwanted) continue;
    RETORT_CHECK(has_output, "sequence {} has no sampled token", item.id);
    if (const auto reason = append(sequence, sampled)) finished.push_back(remove(sequence, *reason));
  }
  RETORT_CHECK(output == outputs.end(), "sequence {} was not asked for a token", output->id);
  return finished;
}

void Scheduler::advance(Sequence& sequence, const StepItem& item) {
  RETORT_CHECK(sequence.num_computed == item.first, "sequence {} has computed {} tokens, not {}", item.id,
               sequence.num_computed, item.first);
  sequence.num_computed += item.count;
  if (config_.enable_prefix_caching == SchedulerConfig::PrefixCaching::kOn) {
    pool_.cache_full_blocks(sequence.slot, sequence.tokens, sequence.num_computed);
  }
  pool_.release_outside_windows(sequence.slot, sequence.num_computed);
}

std::optional<FinishReason> Scheduler::append(Sequence& sequence, const StepOutput& output) {
  RETORT_CHECK(!output.tokens.empty() || output.then == StepOutput::Then::kStop, "sequence {} goes on with nothing",
               sequence.id);
  const auto offered = static_cast<std::int64_t>(output.tokens.size());
  const std::int64_t taken = std::min(offered, sequence.max_tokens - sequence.output_tokens());
  if (sequence.output_tokens() == 0) totals_.prompt_tokens += sequence.prompt_tokens;
  totals_.generation_tokens += taken;
  sequence.tokens.insert(sequence.tokens.end(), output.tokens.begin(), output.tokens.begin() + taken);
  if (output.then == StepOutput::Then::kStop && taken == offered) return FinishReason::kStop;
  if (sequence.output_tokens() == sequence.max_tokens) return FinishReason::kLength;
  return std::nullopt;
}

FinishedSequence Scheduler::remove(Sequence& sequence, FinishReason reason) {
  FinishedSequence finished;
  finished.id = sequence.id;
  finished.reason = reason;
  finished.prompt_tokens = sequence.prompt_tokens;
  finished.cached_tokens = std::max<std::int64_t>(sequence.cached_tokens, 0);
  finished.preemptions = sequence.preemptions;
  finished.output.assign(sequence.tokens.begin() + sequence.prompt_tokens, sequence.tokens.end());
  if (reason == FinishReason::kError) pool_.forget(sequence.slot);
  pool_.close(sequence.slot);
  if (sequence.running) {
    std::erase(running_, &sequence);
  } else {
    waiting_.erase(sequence.rank);
  }
  sequences_.erase(finished.id);
  return finished;
}

const Scheduler::Sequence& Scheduler::unfinished(SequenceId id) const {
  const auto at = sequences_.find(id);
  RETORT_CHECK(at != sequences_.end(), "no unfinished sequence {}", id);
  return *at->second;
}

std::span<const std::int32_t> Scheduler::tokens(SequenceId id) const { return unfinished(id).tokens; }

std::int64_t Scheduler::num_computed(SequenceId id) const { return unfinished(id).num_computed; }

SchedulerStats Scheduler::stats() const {
  SchedulerStats stats = totals_;
  stats.num_running = static_cast<std::int64_t>(running_.size());
  stats.num_waiting = static_cast<std::int64_t>(waiting_.size());
  if (pool_.total_blocks() > 0) {
    stats.kv_usage = static_cast<double>(pool_.used_blocks()) / static_cast<double>(pool_.total_blocks());
  }
  stats.prefix = pool_.prefix_stats();
  return stats;
}

Status Scheduler::check_integrity() const {
  RETORT_TRY_STATUS(pool_.check_integrity());
  if (running_.size() + waiting_.size() != sequences_.size()) {
    return fail(ErrorCode::kCorrupt, "{} sequences run and {} wait of {}", running_.size(), waiting_.size(),
                sequences_.size());
  }
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i]->running || (i > 0 && running_[i - 1]->rank >= running_[i]->rank)) {
      return fail(ErrorCode::kCorrupt, "running sequence {} is out of order", running_[i]->id);
    }
  }
  for (const auto& [id, sequence] : sequences_) {
    if (sequence->lacks() < 1) return fail(ErrorCode::kCorrupt, "sequence {} lacks nothing but is unfinished", id);
    const auto room = static_cast<std::int64_t>(pool_.block_table(sequence->slot, 0).size()) * kv_block_positions();
    if (sequence->running ? room < sequence->num_computed : room + sequence->num_computed > 0) {
      return fail(ErrorCode::kCorrupt, "sequence {} has computed {} tokens and has blocks for {}", id,
                  sequence->num_computed, room);
    }
    if (sequence->running) continue;
    for (const Sequence* other : running_) {
      if (other->rank.first == sequence->rank.first && other->rank > sequence->rank) {
        return fail(ErrorCode::kCorrupt, "sequence {} waits but {}, which came later, runs", id, other->id);
      }
    }
  }
  return {};
}

}  // namespace retort
