#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "core/log.h"
#include "core/parallel.h"
#include "engine/non_finite.h"
#include "engine/paged_kv.h"
#include "engine/softmax.h"

namespace retort {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Rows of logits held at a time: 64 x 152k floats are 39 MB.
constexpr std::int64_t kLogitRows = kTokenTile;

// A request on its way.
struct Active {
  GenerationRequest request;
  Engine::Callbacks callbacks;
  TokenCounts counts;
  Clock::time_point start;
  std::int64_t limit = 0;   // output tokens, forced ones included
  std::int64_t forced = 0;  // of the forced prefix: run with the prompt
  std::int64_t prompt = 0;
  std::unique_ptr<KvWindows> windows;  // null: those of the configuration
  bool has_enough = false;             // whoever asked wants no more
  EngineResult result;
};

SipHashKey random_key() {
  std::random_device device;
  const auto word = [&] { return (std::uint64_t{device()} << 32) | device(); };
  return {word(), word()};
}

// As the pool counts them: a layer that sees `size` positions before the token's own block sees one position more at
// that block's beginning.
std::vector<std::int64_t> pool_windows(const ModelConfig& config, const KvWindowOptions& options) {
  std::vector<std::int64_t> windows = config.layer_windows;
  for (std::size_t layer = 0; layer < windows.size(); ++layer) {
    std::int64_t& window = windows[layer];
    if (options.mode == KvWindowMode::kFull) window = 0;
    if (options.mode != KvWindowMode::kSinks || window > 0 || !has_window(options, layer)) continue;
    window = (options.size + kv_block_positions() - 1) / kv_block_positions() * kv_block_positions() + 1;
  }
  return windows;
}

bool depends_on_length(const ModelConfig& config) { return config.rope_scaling.kind == RopeScalingKind::kDynamic; }

}  // namespace

struct Engine::Impl {
  Impl(std::shared_ptr<const Model> model_, const EngineConfig& config, EngineMemoryPlan plan_, KvPool memory_,
       Scheduler scheduler_)
      : model(std::move(model_)),
        kv_type(config.memory.kv_cache_type),
        kv_window(config.kv_window),
        plan(plan_),
        memory(std::move(memory_)),
        scheduler(std::move(scheduler_)) {}

  std::shared_ptr<const Model> model;
  KvCacheType kv_type;
  KvWindowOptions kv_window;
  EngineMemoryPlan plan;
  KvPool memory;
  Scheduler scheduler;
  RequestId next_id = 1;
  std::unordered_map<RequestId, std::unique_ptr<Active>> active;
  Times times;
  std::vector<float> hidden;
  std::vector<float> last_hidden;  // of those who want logits
  std::vector<float> logits;

  struct Wanted {
    RequestId id;
    std::int64_t row;  // in hidden
  };
  struct Sampled {
    SampledToken token;
    enum class Is { kDrawn, kForced, kBroken } is = Is::kDrawn;
  };

  void step_items(const StepPlan& plan);
  Status forward(const StepPlan& plan, std::vector<Wanted>& wanted);
  using Views = std::vector<std::unique_ptr<PagedKv>>;
  void add_chunks(const StepItem& item, Views& views, std::vector<SequenceChunk>& batch) const;
  void release_unseen(const StepItem& item);
  std::vector<Sampled> sample(std::span<const Wanted> wanted);
  Sampled sample_row(const Active& a, std::span<float> row) const;
  void fail_step(const StepPlan& plan, const Error& error);
  void end(RequestId id, FinishReason reason, std::optional<Error> error);
  void report(RequestId id, FinishReason reason, std::int64_t cached, std::int64_t preemptions);
  void tell(Active& a, const SampledToken& token);
  void take_forced(Active& a);
  StepOutput take(Active& a, const Sampled& sampled);
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Expected<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model, const EngineConfig& config) {
  RETORT_TRY_STATUS(check_kv_window_options(config.kv_window, model->config().num_hidden_layers));
  RETORT_TRY(const MachineMemory machine, machine_memory());
  RETORT_TRY(const EngineMemoryPlan plan, plan_engine_memory(*model, config.memory, machine));
  log(config.tell_memory_at, "{}", describe(plan, config.memory));
  const ModelConfig& shape = model->config();
  RETORT_TRY(KvPool memory, KvPool::create(KvLayouts(shape, config.memory.kv_cache_type, config.memory.kv_edge_layers),
                                           plan.logical_blocks));
  const std::int64_t sinks = config.kv_window.mode == KvWindowMode::kSinks ? kSinkPositions : 0;
  RETORT_TRY(BlockPool pool, BlockPool::create({.class_blocks = memory.class_blocks(),
                                                .layer_class = memory.classes().of_layer,
                                                .layer_windows = pool_windows(shape, config.kv_window),
                                                .sink_positions = sinks,
                                                .hash_key = random_key(),
                                                .output_recipe = model->has_prompt_recipe() ? 1U : 0U}));
  SchedulerConfig scheduling{.max_num_batched_tokens = config.memory.max_num_batched_tokens,
                             .max_num_seqs = config.memory.max_num_seqs,
                             .max_model_len = plan.max_model_len,
                             .long_prefill_token_threshold = config.long_prefill_token_threshold,
                             .enable_prefix_caching = config.enable_prefix_caching};
  // Keys that were turned for one length are not those of another.
  if (depends_on_length(shape)) scheduling.enable_prefix_caching = SchedulerConfig::PrefixCaching::kOff;
  // What a sequence gave up depends on all of it, and so does what the next one would find.
  if (config.kv_window.mode == KvWindowMode::kDynamic) {
    scheduling.enable_prefix_caching = SchedulerConfig::PrefixCaching::kOff;
    log(config.tell_memory_at, "--kv-window dynamic: the prefix cache is off");
  }
  RETORT_TRY(Scheduler scheduler, Scheduler::create(scheduling, std::move(pool)));
  auto impl = std::make_unique<Impl>(std::move(model), config, plan, std::move(memory), std::move(scheduler));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Expected<Engine::RequestId> Engine::add(EngineRequest request, Callbacks callbacks) {
  const ModelConfig& config = impl_->model->config();
  GenerationRequest& generation = request.generation;
  RETORT_TRY_STATUS(check_generation_request(generation, config, impl_->plan.max_model_len));
  auto a = std::make_unique<Active>(Active{.request = std::move(generation),
                                           .callbacks = std::move(callbacks),
                                           .counts = TokenCounts(config.vocab_size),
                                           .start = Clock::now(),
                                           .result = {}});
  a->prompt = static_cast<std::int64_t>(a->request.prompt.size());
  a->limit = impl_->plan.max_model_len - a->prompt;
  if (a->request.max_tokens > 0) a->limit = std::min(a->limit, a->request.max_tokens);
  a->counts.add_prompt(a->request.prompt);
  if (impl_->kv_window.mode != KvWindowMode::kConfig) {
    a->windows = std::make_unique<KvWindows>(config, impl_->kv_window);
  }
  // Forced tokens run with the prompt, unless their log-probabilities are wanted: then they go one by one.
  if (a->request.sampling.logprobs < 0) a->forced = static_cast<std::int64_t>(a->request.forced_prefix.size());
  SchedulerRequest scheduled{.id = impl_->next_id,
                             .prompt = a->request.prompt,
                             .max_tokens = a->limit - a->forced,
                             .priority = request.priority,
                             .cache_salt = std::move(request.cache_salt)};
  const auto& forced = a->request.forced_prefix;
  scheduled.prompt.insert(scheduled.prompt.end(), forced.begin(), forced.begin() + a->forced);
  if (scheduled.max_tokens < 1) {
    // Nothing is left to compute: the forced tokens are the answer.
    const RequestId id = impl_->next_id++;
    impl_->active.emplace(id, std::move(a));
    impl_->take_forced(*impl_->active.at(id));
    impl_->report(id, FinishReason::kLength, 0, 0);
    return id;
  }
  RETORT_TRY_STATUS(impl_->scheduler.add(std::move(scheduled)));
  impl_->active.emplace(impl_->next_id, std::move(a));
  return impl_->next_id++;
}

Status Engine::abort(RequestId id) {
  if (!impl_->active.contains(id)) return fail(ErrorCode::kNotFound, "no unfinished request {}", id);
  impl_->end(id, FinishReason::kCancelled, std::nullopt);
  return {};
}

bool Engine::step() {
  const auto start = Clock::now();
  const StepPlan plan = impl_->scheduler.schedule();
  impl_->step_items(plan);
  impl_->times.step += seconds_since(start);
  ++impl_->times.steps;
  return !plan.items.empty() || impl_->scheduler.has_unfinished();
}

void Engine::run(const CancelToken& drain) {
  bool drained = false;
  while (has_unfinished()) {
    if (drain.cancelled() && !drained) {
      drained = true;
      std::vector<RequestId> waiting;
      for (const auto& [id, a] : impl_->active) {
        if (a->result.output.empty() && impl_->scheduler.num_computed(id) == 0) waiting.push_back(id);
      }
      std::sort(waiting.begin(), waiting.end());
      for (const RequestId id : waiting) impl_->end(id, FinishReason::kCancelled, std::nullopt);
      continue;
    }
    step();
  }
}

bool Engine::has_unfinished() const { return impl_->scheduler.has_unfinished(); }
SchedulerStats Engine::stats() const { return impl_->scheduler.stats(); }
const EngineMemoryPlan& Engine::memory_plan() const { return impl_->plan; }
const Model& Engine::model() const { return *impl_->model; }
const Engine::Times& Engine::times() const { return impl_->times; }
Status Engine::check_integrity() const { return impl_->scheduler.check_integrity(); }

void Engine::Impl::tell(Active& a, const SampledToken& token) {
  if (a.callbacks.on_token && a.callbacks.on_token(token) == OnToken::kStop) a.has_enough = true;
}

// The forced tokens that ran with the prompt are the beginning of the answer.
void Engine::Impl::take_forced(Active& a) {
  for (std::int64_t i = 0; i < a.forced; ++i) {
    const std::int32_t id = a.request.forced_prefix[i];
    a.result.output.push_back(id);
    a.counts.add_output(id);
    tell(a, {.id = id, .logprob = 0, .top = {}});
    if (a.has_enough || static_cast<std::int64_t>(a.result.output.size()) >= a.limit) return;
  }
}

void Engine::Impl::add_chunks(const StepItem& item, Views& views, std::vector<SequenceChunk>& batch) const {
  const std::span<const std::int32_t> tokens = scheduler.tokens(item.id).subspan(item.first, item.count);
  const Active& a = *active.at(item.id);
  const std::int64_t prompt = a.prompt + a.forced;
  // A sequence that was preempted decides again, and the same.
  if (a.windows && item.first == 0) a.windows->reset();
  const auto add = [&](std::int64_t first, std::int64_t count, std::int64_t rope_length) {
    views.push_back(
        std::make_unique<PagedKv>(memory, scheduler.pool(), item.slot, item.first + first, a.windows.get()));
    batch.push_back({tokens.subspan(first, count), views.back().get(), rope_length, prompt});
  };
  if (!depends_on_length(model->config())) return add(0, item.count, 0);
  // Prompt tokens are turned for the prompt's length, each output token for its own: the same after a preemption.
  const std::int64_t of_prompt = std::clamp<std::int64_t>(prompt - item.first, 0, item.count);
  if (of_prompt > 0) add(0, of_prompt, prompt);
  for (std::int64_t i = of_prompt; i < item.count; ++i) add(i, 1, item.first + i + 1);
}

Status Engine::Impl::forward(const StepPlan& step, std::vector<Wanted>& wanted) {
  Views views;
  std::vector<SequenceChunk> batch;
  std::int64_t row = 0;
  for (const StepItem& item : step.items) {
    add_chunks(item, views, batch);
    row += item.count;
    if (item.logits == Logits::kOfLastToken) wanted.push_back({item.id, row - 1});
  }
  hidden.resize(row * model->config().hidden_size);
  RETORT_TRY_STATUS(model->forward(batch, hidden));
  for (const StepItem& item : step.items) release_unseen(item);
  return {};
}

// What windows that are decided on the way leave behind; the pool knows the others itself.
void Engine::Impl::release_unseen(const StepItem& item) {
  const KvWindows* windows = active.at(item.id)->windows.get();
  if (windows == nullptr) return;
  for (std::int64_t layer = 0; layer < model->config().num_hidden_layers; ++layer) {
    if (!windows->observes(layer)) continue;
    const KvSight seen = windows->sight(layer, item.first + item.count);
    if (seen.sink > 0) scheduler.release_before(item, layer, seen.first, seen.sink);
  }
}

Engine::Impl::Sampled Engine::Impl::sample_row(const Active& a, std::span<float> row) const {
  if (!all_finite(row)) return {{}, Sampled::Is::kBroken};
  const auto at = static_cast<std::int64_t>(a.result.output.size());
  const auto& forced = a.request.forced_prefix;
  if (at >= a.forced && at < static_cast<std::int64_t>(forced.size())) {
    return {score_token(row, forced[at], a.request.sampling), Sampled::Is::kForced};
  }
  return {
      sample_token(row, a.request.sampling, a.counts, a.request.sequence, static_cast<std::uint32_t>(a.prompt + at)),
      Sampled::Is::kDrawn};
}

std::vector<Engine::Impl::Sampled> Engine::Impl::sample(std::span<const Wanted> wanted) {
  const std::int64_t width = model->config().hidden_size;
  const std::int64_t vocab = model->config().vocab_size;
  std::vector<Sampled> out(wanted.size());
  for (std::size_t first = 0; first < wanted.size(); first += kLogitRows) {
    const auto rows = std::min<std::int64_t>(kLogitRows, static_cast<std::int64_t>(wanted.size() - first));
    last_hidden.resize(rows * width);
    logits.resize(rows * vocab);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::copy_n(hidden.data() + wanted[first + i].row * width, width, last_hidden.data() + i * width);
    }
    const auto start = Clock::now();
    model->logits(last_hidden, logits);
    times.forward += seconds_since(start);
    const auto sampling = Clock::now();
    parallel_for(rows, 1, [&](WorkRange range) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        const Active& a = *active.at(wanted[first + i].id);
        out[first + i] = sample_row(a, std::span(logits).subspan(i * vocab, vocab));
      }
    });
    times.sample += seconds_since(sampling);
  }
  return out;
}

void Engine::Impl::step_items(const StepPlan& step) {
  if (step.items.empty()) {
    scheduler.commit(step, {});
    return;
  }
  std::vector<Wanted> wanted;
  const auto start = Clock::now();
  const Status status = forward(step, wanted);
  times.forward += seconds_since(start);
  if (!status) return fail_step(step, status.error());
  for (const Wanted& w : wanted) {
    Active& a = *active.at(w.id);
    if (a.forced > 0 && a.result.output.empty()) take_forced(a);
  }
  const std::vector<Sampled> sampled = sample(wanted);

  std::vector<StepOutput> outputs;
  std::vector<std::pair<RequestId, Error>> broken;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const RequestId id = wanted[i].id;
    if (sampled[i].is == Sampled::Is::kBroken) {
      const Active& a = *active.at(id);
      broken.emplace_back(id,
                          explain_non_finite(*model, kv_type, kv_window, scheduler.tokens(id), a.prompt + a.forced));
      continue;
    }
    Active& a = *active.at(id);
    if (a.result.first_token_seconds == 0) a.result.first_token_seconds = seconds_since(a.start);
    outputs.push_back(take(a, sampled[i]));
    outputs.back().id = id;
  }
  for (auto& [id, error] : broken) end(id, FinishReason::kError, std::move(error));
  for (const FinishedSequence& finished : scheduler.commit(step, outputs)) {
    report(finished.id, finished.reason, finished.cached_tokens, finished.preemptions);
  }
}

// What the request goes on with.
StepOutput Engine::Impl::take(Active& a, const Sampled& sampled) {
  const SampledToken& token = sampled.token;
  StepOutput output;
  const bool stops = sampled.is == Sampled::Is::kDrawn && a.request.eos == GenerationRequest::Eos::kStop &&
                     std::ranges::find(a.request.stop_token_ids, token.id) != a.request.stop_token_ids.end();
  if (a.has_enough || stops) {
    if (stops) a.result.stop_token = token.id;
    output.then = StepOutput::Then::kStop;
    return output;
  }
  a.result.output.push_back(token.id);
  a.counts.add_output(token.id);
  tell(a, token);
  output.tokens = {&token.id, 1};
  if (a.has_enough) output.then = StepOutput::Then::kStop;
  return output;
}

// Nobody's tokens count: the step's sequences end, and their blocks are not to be trusted.
void Engine::Impl::fail_step(const StepPlan& step, const Error& error) {
  for (const StepItem& item : step.items) end(item.id, FinishReason::kError, error);
  scheduler.commit(step, {});
}

void Engine::Impl::end(RequestId id, FinishReason reason, std::optional<Error> error) {
  active.at(id)->result.error = std::move(error);
  const auto finished = scheduler.finish(id, reason);
  report(id, reason, finished ? finished->cached_tokens : 0, finished ? finished->preemptions : 0);
}

void Engine::Impl::report(RequestId id, FinishReason reason, std::int64_t cached, std::int64_t preemptions) {
  const auto at = active.find(id);
  if (at == active.end()) return;
  const std::unique_ptr<Active> a = std::move(at->second);
  active.erase(at);
  a->result.finish_reason = reason;
  a->result.cached_tokens = std::min(cached, a->prompt);
  a->result.preemptions = preemptions;
  a->result.seconds = seconds_since(a->start);
  if (a->callbacks.on_finish) a->callbacks.on_finish(a->result);
}

}  // namespace retort
