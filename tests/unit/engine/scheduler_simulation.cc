#include "scheduler_simulation.h"

#include <algorithm>

namespace retort::testing {
namespace {

constexpr std::int64_t kBlock = kv_block_positions();

std::uint64_t mixed(std::uint64_t state, std::uint64_t value) {
  state = (state ^ value) + 0x9E3779B97F4A7C15;
  state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9;
  state = (state ^ state >> 27) * 0x94D049BB133111EB;
  return state ^ state >> 31;
}

}  // namespace

SchedulerSimulation::SchedulerSimulation(std::uint64_t seed) : random_(seed) {
  longest_ = chance(0.3) ? random(2, 100) : random(65, 450);
  vocab_ = chance(0.3) ? random(1, 2) : random(3, 1000);
  to_come_ = random(1, 25);
  most_at_a_time_ = random(1, 16);
  several_tokens_ = chance(0.3);
  texts_.resize(random(1, 3));
  for (auto& text : texts_) {
    for (std::int64_t i = 0; i < longest_; ++i) text.push_back(static_cast<std::int32_t>(random(0, vocab_ - 1)));
  }
  pool_ = draw_pool();
  auto pool = BlockPool::create(pool_);
  if (!pool) {
    fail("pool: " + pool.error().message());
    return;
  }
  memory_.resize(pool->total_blocks() * kBlock);
  auto scheduler = Scheduler::create(draw_scheduler(), std::move(*pool));
  if (!scheduler) {
    fail("scheduler: " + scheduler.error().message());
    return;
  }
  scheduler_.emplace(std::move(*scheduler));
}

std::int64_t SchedulerSimulation::random(std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
}

void SchedulerSimulation::fail(std::string what) {
  if (failure_.empty()) failure_ = "step " + std::to_string(step_) + ": " + std::move(what);
}

// From just enough for the longest request up to room for several.
BlockPoolConfig SchedulerSimulation::draw_pool() {
  BlockPoolConfig config;
  const std::int64_t classes = chance(0.4) ? 2 : 1;
  const std::int64_t layers = random(classes, 4);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    config.layer_class.push_back(static_cast<std::int32_t>(layer < classes ? layer : random(0, classes - 1)));
  }
  if (chance(0.4)) {
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      config.layer_windows.push_back(chance(0.4) ? 0 : chance(0.3) ? random(1, 5) : random(1, 200));
    }
    if (chance(0.5)) config.sink_positions = random(1, 130);
  }
  config.hash_key = {random_(), random_()};
  if (chance(0.2)) config.hash_mask = chance(0.5) ? 0 : 7;
  if (chance(0.3)) config.output_recipe = 1;
  config.class_blocks.assign(classes, 0);
  const double plenty = chance(0.3) ? 1 : 1 + 0.001 * static_cast<double>(random(0, 1500));
  for (std::int64_t c = 0; c < classes; ++c) {
    // Enough of the later ones, so that this class decides.
    config.class_blocks[c] = 0;
    for (std::int64_t later = c + 1; later < classes; ++later) config.class_blocks[later] = 100;
    while (!BlockPool::create(config)->fits_alone(longest_)) ++config.class_blocks[c];
    config.class_blocks[c] = static_cast<std::int64_t>(static_cast<double>(config.class_blocks[c]) * plenty);
  }
  return config;
}

SchedulerConfig SchedulerSimulation::draw_scheduler() {
  SchedulerConfig config;
  config.max_num_batched_tokens = chance(0.3) ? random(1, 4) : chance(0.5) ? random(5, 100) : random(100, 2000);
  config.max_num_seqs = random(1, 8);
  config.max_model_len = longest_ + 1;
  if (chance(0.3)) config.long_prefill_token_threshold = random(1, 200);
  if (chance(0.1)) config.enable_prefix_caching = SchedulerConfig::PrefixCaching::kOff;
  return config;
}

SchedulerSimulation::Request SchedulerSimulation::draw_request() {
  Request drawn;
  SchedulerRequest& request = drawn.request;
  // An id may come again when its last owner has ended.
  request.id = chance(0.2) ? random(1, static_cast<std::int64_t>(next_id_)) : next_id_;
  while (live_.contains(request.id)) ++request.id;
  next_id_ = std::max(next_id_, request.id + 1);
  const std::int64_t length = random(1, longest_);
  const auto& text = texts_[random(0, static_cast<std::int64_t>(texts_.size()) - 1)];
  request.prompt.assign(text.begin(), text.begin() + length);
  const std::int64_t shared = chance(0.4) ? length : random(0, length);
  for (std::int64_t i = shared; i < length; ++i) {
    request.prompt[i] = static_cast<std::int32_t>(random(0, vocab_ - 1));
  }
  request.max_tokens = chance(0.2) ? -1 : random(1, chance(0.5) ? 10 : 300);
  if (chance(0.3)) request.priority = random(-2, 2);
  if (chance(0.3)) request.cache_salt = chance(0.5) ? "a" : "b";
  drawn.stop_token_is_output = chance(0.7);
  if (chance(0.1)) drawn.aborted_at = step_ + random(0, 60);
  if (chance(0.05)) drawn.fails_at = random(0, longest_);
  predict(drawn);
  return drawn;
}

void SchedulerSimulation::predict(Request& request) {
  request.tokens = request.request.prompt;
  request.prompt_tokens = static_cast<std::int64_t>(request.tokens.size());
  std::int64_t most = longest_ + 1 - request.prompt_tokens;
  if (request.request.max_tokens > 0) most = std::min(most, request.request.max_tokens);
  std::uint64_t text = 0;
  std::uint64_t content = mixed(1, request.request.cache_salt.empty() ? 0 : request.request.cache_salt[0]);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(request.tokens.size()); ++i) {
    text = mixed(text, request.tokens[i]);
    const std::uint32_t recipe = i < request.prompt_tokens ? pool_.prompt_recipe : pool_.output_recipe;
    content = mixed(mixed(content, request.tokens[i]), recipe);
    request.content.push_back(content);
    const std::int64_t output = i + 1 - request.prompt_tokens;
    if (output < 0 || i + 1 < static_cast<std::int64_t>(request.tokens.size())) continue;
    if (output > 0 && text % 100 == 0) {
      request.ending = FinishReason::kStop;
    } else if (output == most) {
      request.ending = FinishReason::kLength;
    } else {
      request.tokens.push_back(static_cast<std::int32_t>(mixed(text, 5) % vocab_));
    }
  }
  // A stop token that is not part of the output takes a step of its own, which max_tokens must leave room for.
  if (static_cast<std::int64_t>(request.tokens.size()) - request.prompt_tokens == most) {
    request.stop_token_is_output = true;
  }
}

void SchedulerSimulation::arrive() {
  while (to_come_ > 0 && static_cast<std::int64_t>(live_.size()) < most_at_a_time_ && chance(0.3)) {
    --to_come_;
    Request drawn = draw_request();
    drawn.arrival = ++arrivals_;
    // See "Everything finishes": served steps of the sequence of the best rank, and decodes of all others between.
    bound_ += (most_at_a_time_ + 1) * static_cast<std::int64_t>(drawn.tokens.size() + 1);
    if (const Status added = scheduler_->add(drawn.request); !added) return fail("add: " + added.error().message());
    live_.emplace(drawn.request.id, std::move(drawn));
  }
}

void SchedulerSimulation::abort_some() {
  std::vector<SequenceId> aborted;
  for (const auto& [id, request] : live_) {
    if (request.aborted_at >= 0 && request.aborted_at <= step_) aborted.push_back(id);
  }
  for (const SequenceId id : aborted) {
    const auto finished = scheduler_->abort(id);
    if (!finished) return fail("abort: " + finished.error().message());
    finish(*finished, FinishReason::kCancelled);
  }
}

StepPlan SchedulerSimulation::schedule() {
  std::set<SequenceId> decodes;
  const Request* best = nullptr;
  for (const auto& [id, request] : live_) {
    if (request.running && request.num_tokens() - request.computed == 1) decodes.insert(id);
    if (!best ||
        std::pair(request.request.priority, request.arrival) < std::pair(best->request.priority, best->arrival)) {
      best = &request;
    }
  }
  const bool best_runs = best && best->running;
  StepPlan plan = scheduler_->schedule();
  check_plan(plan);
  if (best) check_fairness(plan, decodes, best->request.id, best_runs);
  return plan;
}

void SchedulerSimulation::check_plan(const StepPlan& plan) {
  const SchedulerConfig& config = scheduler_->config();
  if (plan.items.empty() != live_.empty()) return fail("an empty plan with work to do, or a plan without");
  for (const SequenceId id : plan.preempted) {
    if (!live_.contains(id) || !live_[id].running) return fail("preempted what does not run");
    live_[id].running = false;
    live_[id].computed = 0;
  }
  std::int64_t sum = 0;
  std::set<SequenceId> seen;
  for (const StepItem& item : plan.items) {
    if (!live_.contains(item.id) || !seen.insert(item.id).second) return fail("planned twice, or after its end");
    Request& request = live_[item.id];
    const std::int64_t lacks = request.num_tokens() - item.first;
    if (item.count < 1 || item.count > lacks) return fail("planned more or less than is lacking");
    if ((item.logits == Logits::kOfLastToken) != (item.count == lacks)) return fail("wrong logits wanted");
    const std::int64_t limit = config.long_prefill_token_threshold;
    if (limit > 0 && item.count > limit) return fail("more than long_prefill_token_threshold");
    if (request.running ? item.first != request.computed : item.first % kBlock != 0) {
      return fail("a token twice, or left out");
    }
    request.running = true;
    request.slot = item.slot;
    request.computed = item.first;
    sum += item.count;
  }
  if (sum != plan.num_tokens || sum > config.max_num_batched_tokens) fail("budget exceeded");
  const SchedulerStats stats = scheduler_->stats();
  std::int64_t running = 0;
  for (const auto& [id, request] : live_) running += request.running;
  if (running != stats.num_running || running > config.max_num_seqs) fail("max_num_seqs exceeded");
  if (running + stats.num_waiting != static_cast<std::int64_t>(live_.size())) fail("a sequence was lost");
}

// A decode is left out only where it was preempted, or decodes use up the whole budget; likewise the running sequence
// of the best rank, which is never preempted.
void SchedulerSimulation::check_fairness(const StepPlan& plan, const std::set<SequenceId>& decodes, SequenceId best,
                                         bool best_runs) {
  std::set<SequenceId> served(plan.preempted.begin(), plan.preempted.end());
  if (served.contains(best)) fail("the sequence of the best rank was preempted");
  std::int64_t of_decodes = 0;
  for (const StepItem& item : plan.items) {
    served.insert(item.id);
    if (decodes.contains(item.id)) of_decodes += item.count;
  }
  if (of_decodes == scheduler_->config().max_num_batched_tokens) return;
  for (const SequenceId id : decodes) {
    if (!served.contains(id)) fail("a decode was delayed");
  }
  if (best_runs && !served.contains(best)) fail("the sequence of the best rank got nothing");
}

void SchedulerSimulation::compute(const StepPlan& plan) {
  for (const StepItem& item : plan.items) {
    const Request& request = live_[item.id];
    for (std::int64_t layer = 0; layer < scheduler_->pool().layers(); ++layer) {
      const auto table = scheduler_->pool().block_table(item.slot, layer);
      for (std::int64_t position = item.first; position < item.first + item.count; ++position) {
        const auto logical = static_cast<std::size_t>(position / kBlock);
        if (logical >= table.size() || table[logical] == kNoBlock) return fail("no block to write to");
        memory_[table[logical] * kBlock + position % kBlock] = {request.content[position], layer};
      }
    }
    live_[item.id].computed = item.first + item.count;
  }
}

bool SchedulerSimulation::sees(std::int64_t layer, std::int64_t from, std::int64_t position) const {
  const std::int64_t window = pool_.layer_windows.empty() ? 0 : pool_.layer_windows[layer];
  return window == 0 || position > from - window || position < pool_.sink_positions;
}

// All that the next query of each running sequence can see.
void SchedulerSimulation::check_memory() {
  for (const auto& [id, request] : live_) {
    if (!request.running) continue;
    for (std::int64_t layer = 0; layer < scheduler_->pool().layers(); ++layer) {
      const auto table = scheduler_->pool().block_table(request.slot, layer);
      for (std::int64_t position = 0; position < request.computed; ++position) {
        if (!sees(layer, request.computed, position)) continue;
        const auto logical = static_cast<std::size_t>(position / kBlock);
        const BlockId block = logical < table.size() ? table[logical] : kNoBlock;
        const Cell cell = block == kNoBlock ? Cell{} : memory_[block * kBlock + position % kBlock];
        if (cell.content == request.content[position] && cell.layer == layer) continue;
        return fail("sequence " + std::to_string(id) + " reads something else at position " + std::to_string(position) +
                    " of layer " + std::to_string(layer));
      }
    }
  }
}

void SchedulerSimulation::commit(const StepPlan& plan) {
  std::vector<SequenceId> failed;
  for (const StepItem& item : plan.items) {
    const Request& request = live_[item.id];
    if (request.fails_at >= item.first && request.fails_at < item.first + item.count) failed.push_back(item.id);
  }
  for (const SequenceId id : failed) {
    const auto finished = scheduler_->finish(id, FinishReason::kError);
    if (!finished) return fail("finish: " + finished.error().message());
    finish(*finished, FinishReason::kError);
  }
  abort_some();
  std::set<SequenceId> planned;
  for (const StepItem& item : plan.items) {
    if (live_.contains(item.id)) planned.insert(item.id);
  }
  // Newcomers between the two, perhaps with the id of one that has just ended.
  arrive();
  std::vector<std::vector<std::int32_t>> tokens;
  tokens.reserve(plan.items.size());
  std::vector<StepOutput> outputs;
  for (const StepItem& item : plan.items) {
    if (item.logits == Logits::kUnwanted) continue;
    if (!planned.contains(item.id)) {
      if (chance(0.5)) outputs.push_back({item.id, texts_[0], StepOutput::Then::kGoOn});
      continue;
    }
    Request& request = live_[item.id];
    const auto total = static_cast<std::int64_t>(request.tokens.size());
    const std::int64_t first = request.num_tokens();
    const std::int64_t end = std::min(total, first + (several_tokens_ ? random(1, 4) : 1));
    tokens.emplace_back(request.tokens.begin() + first, request.tokens.begin() + end);
    request.out += end - first;
    const bool stops =
        end == total && request.ending == FinishReason::kStop && (request.stop_token_is_output || first == total);
    // What comes behind max_tokens must be cut off.
    if (end == total && request.ending == FinishReason::kLength && chance(0.3)) tokens.back().push_back(0);
    outputs.push_back({item.id, tokens.back(), stops ? StepOutput::Then::kStop : StepOutput::Then::kGoOn});
  }
  for (const FinishedSequence& finished : scheduler_->commit(plan, outputs)) {
    if (!live_.contains(finished.id)) return fail("finished twice");
    const Request& request = live_[finished.id];
    if (request.num_tokens() != static_cast<std::int64_t>(request.tokens.size())) fail("finished early");
    finish(finished, *request.ending);
  }
}

void SchedulerSimulation::finish(const FinishedSequence& finished, FinishReason expected) {
  const Request& request = live_[finished.id];
  if (finished.reason != expected) fail("finished for another reason");
  const std::vector<std::int32_t> output(request.tokens.begin() + request.prompt_tokens,
                                         request.tokens.begin() + request.num_tokens());
  if (finished.output != output) fail("another output than predicted");
  generated_ += request.out;
  live_.erase(finished.id);
}

void SchedulerSimulation::check_integrity(const char* when) {
  if (const Status status = scheduler_->check_integrity(); !status) {
    fail(std::string("after ") + when + ": " + status.error().message());
  }
}

std::string SchedulerSimulation::run(std::int64_t requests) {
  if (requests > 0) to_come_ = requests;
  while (failure_.empty() && (to_come_ > 0 || !live_.empty())) {
    ++step_;
    ++bound_;
    arrive();
    abort_some();
    const StepPlan plan = schedule();
    if (!failure_.empty()) break;
    check_integrity("schedule");
    compute(plan);
    if (!failure_.empty()) break;
    check_memory();
    commit(plan);
    check_integrity("commit");
    if (to_come_ == 0 && step_ > bound_) fail("does not come to an end");
  }
  if (!failure_.empty()) return failure_;
  stats_ = scheduler_->stats();
  if (scheduler_->has_unfinished() || stats_.num_running + stats_.num_waiting != 0) fail("something is unfinished");
  if (scheduler_->pool().used_blocks() != 0 || stats_.kv_usage != 0) fail("blocks are used when all is over");
  if (stats_.generation_tokens != generated_) fail("generation_tokens counts wrong");
  return failure_;
}

}  // namespace retort::testing
