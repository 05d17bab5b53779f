// retort bench throughput and retort bench latency: the engine offline, in the measures of vLLM's commands of that
// name.
#include "cli/bench_engine.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <numeric>

#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "core/json.h"
#include "engine/philox.h"
#include "kernels/dispatch.h"

namespace retort::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Load {
  std::string model;
  std::int64_t input_len = 32;
  std::int64_t output_len = 128;
  std::int64_t seed = 0;
  bool json = false;
  EngineOptions engine;
  CommonOptions common;
};

void add_load_options(Command command, Load& load) {
  command.add("--model,-m", load.model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--input-len", load.input_len, "Tokens of each prompt, random").show_default();
  command.add("--output-len", load.output_len, "Tokens of each answer; nothing ends it before").show_default();
  command.add("--seed", load.seed, "Of prompts and sampling").show_default();
  command.add_flag("--json", load.json, "Machine-readable output");
  add_engine_options(command, load.engine);
  add_common_options(command, load.common);
}

Status check_load(const Load& load, std::int64_t requests, std::int64_t repetitions) {
  if (load.input_len >= 1 && load.output_len >= 1 && requests >= 1 && repetitions >= 1) return {};
  return fail(ErrorCode::kInvalidArgument, "lengths and numbers of requests and iterations must be 1 or more");
}

EngineRequest random_request(const Load& load, std::int64_t vocab, std::int64_t index) {
  EngineRequest request;
  GenerationRequest& g = request.generation;
  for (std::int64_t i = 0; i < load.input_len; ++i) {
    g.prompt.push_back(static_cast<std::int32_t>(uniform(load.seed, index, static_cast<std::uint32_t>(i), 1) *
                                                 static_cast<double>(vocab)));
  }
  g.max_tokens = load.output_len;
  g.eos = GenerationRequest::Eos::kIgnore;
  g.sampling.temperature = 1;
  g.sampling.top_p = 0.95;
  g.sampling.seed = static_cast<std::uint64_t>(load.seed);
  g.sequence = static_cast<std::uint64_t>(index);
  return request;
}

// What became of the requests that were run.
struct Outcome {
  double seconds = 0;
  std::int64_t finished = 0;
  std::int64_t output_tokens = 0;
  std::vector<double> first_token;  // seconds, of each finished request
  std::optional<Error> error;
};

Expected<Outcome> run_requests(Engine& engine, const Load& load, std::int64_t first, std::int64_t count,
                               const CancelToken& cancel) {
  Outcome out;
  const auto start = Clock::now();
  const auto on_finish = [&](const EngineResult& result) {
    if (result.error && !out.error) out.error = result.error;
    if (result.finish_reason != FinishReason::kLength) return;
    ++out.finished;
    out.output_tokens += static_cast<std::int64_t>(result.output.size());
    out.first_token.push_back(result.first_token_seconds);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    RETORT_TRY(const Engine::RequestId id,
               engine.add(random_request(load, engine.model().config().vocab_size, first + i),
                          {.on_token = {}, .on_finish = on_finish}));
    static_cast<void>(id);
  }
  engine.run(cancel);
  out.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (out.error) return fail(*out.error);
  return out;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}
double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Adds what ran, and where.
void add_machine(const Load& load, const Engine& engine, OrderedJson& json) {
  const SchedulerStats stats = engine.stats();
  const OrderedJson more = {{"input_len", load.input_len},
                            {"output_len", load.output_len},
                            {"num_preemptions", stats.num_preemptions},
                            {"prefix_cache_queries", stats.prefix.queries},
                            {"prefix_cache_hits", stats.prefix.hits},
                            {"forward_seconds", engine.times().forward},
                            {"sample_seconds", engine.times().sample},
                            {"step_seconds", engine.times().step},
                            {"steps", engine.times().steps},
                            {"model", load.model},
                            {"quality", load.common.quality},
                            {"isa", engine.model().kernels().name},
                            {"cpu", cpu_name()},
                            {"version", version()}};
  json.update(more);
}

Expected<std::unique_ptr<Engine>> make_engine(const Load& load, std::int64_t at_once) {
  RETORT_TRY(std::shared_ptr<const Model> model, load_model(load.model, load.common));
  EngineOptions options = load.engine;
  // No longer than needed: the memory is planned for what runs.
  if (options.max_model_len == 0) options.max_model_len = load.input_len + load.output_len;
  options.max_num_seqs = std::min(options.max_num_seqs, at_once);
  RETORT_TRY(const EngineConfig config, engine_config(options, *model));
  return Engine::create(std::move(model), config);
}

struct ThroughputOptions : Load {
  std::int64_t num_prompts = 32;
};

Status run_throughput(const ThroughputOptions& options) {
  RETORT_TRY_STATUS(check_load(options, options.num_prompts, 1));
  const InterruptScope interrupt;
  RETORT_TRY(const std::unique_ptr<Engine> engine, make_engine(options, options.num_prompts));
  RETORT_TRY(const Outcome out, run_requests(*engine, options, 0, options.num_prompts, interrupt.token()));
  const double requests = static_cast<double>(out.finished) / out.seconds;
  const double output = static_cast<double>(out.output_tokens) / out.seconds;
  const double total = output + requests * static_cast<double>(options.input_len);
  // What the steps spent outside of the model's products.
  const Engine::Times& times = engine->times();
  const double other = times.step > 0 ? (times.step - times.forward) / times.step : 0;
  if (options.json) {
    OrderedJson json = {{"elapsed_time", out.seconds},        {"num_requests", out.finished},
                        {"requests_per_second", requests},    {"tokens_per_second", total},
                        {"output_tokens_per_second", output}, {"mean_ttft_s", mean(out.first_token)}};
    add_machine(options, *engine, json);
    fmt::print("{}\n", json_text(json));
  } else {
    fmt::print("Throughput: {:.2f} requests/s, {:.2f} total tokens/s, {:.2f} output tokens/s\n", requests, total,
               output);
    fmt::print("{} requests in {:.2f} s, {} steps; scheduling and sampling {:.2f}% of them; {} preemptions\n",
               out.finished, out.seconds, times.steps, 100 * other, engine->stats().num_preemptions);
  }
  if (out.finished < options.num_prompts) {
    return fail(ErrorCode::kCancelled, "interrupted: these are {} of {} requests", out.finished, options.num_prompts);
  }
  return {};
}

struct LatencyOptions : Load {
  std::int64_t batch_size = 8;
  std::int64_t num_iters_warmup = 1;
  std::int64_t num_iters = 5;
};

Status run_latency(const LatencyOptions& options) {
  RETORT_TRY_STATUS(check_load(options, options.batch_size, options.num_iters));
  const InterruptScope interrupt;
  RETORT_TRY(const std::unique_ptr<Engine> engine, make_engine(options, options.batch_size));
  std::vector<double> latencies;
  bool interrupted = false;
  for (std::int64_t i = 0; i < options.num_iters_warmup + options.num_iters && !interrupted; ++i) {
    RETORT_TRY(const Outcome out,
               run_requests(*engine, options, i * options.batch_size, options.batch_size, interrupt.token()));
    const bool whole = out.finished == options.batch_size;
    if (whole && i >= options.num_iters_warmup) latencies.push_back(out.seconds);
    interrupted = interrupt.token().cancelled();
  }
  const auto count = static_cast<std::int64_t>(latencies.size());
  if (options.json) {
    OrderedJson json = {{"avg_latency", mean(latencies)}, {"latencies", latencies}, {"batch_size", options.batch_size}};
    for (const int p : {10, 25, 50, 75, 90, 99}) {
      json["percentiles"][std::to_string(p)] = percentile(latencies, static_cast<double>(p) / 100);
    }
    add_machine(options, *engine, json);
    fmt::print("{}\n", json_text(json));
  } else if (count > 0) {
    fmt::print("Avg latency: {:.3f} seconds\n", mean(latencies));
    for (const int p : {10, 25, 50, 75, 90, 99}) {
      fmt::print("{}% percentile latency: {:.3f} seconds\n", p, percentile(latencies, static_cast<double>(p) / 100));
    }
  }
  if (count == options.num_iters) return {};
  return fail(ErrorCode::kCancelled, "interrupted: these are {} of {} iterations", count, options.num_iters);
}

}  // namespace

void add_bench_engine(Command bench) {
  auto throughput = std::make_shared<ThroughputOptions>();
  throughput->input_len = 128;
  Command command = bench.add_subcommand("throughput", "Requests and tokens per second of many requests at once");
  command.add("--num-prompts", throughput->num_prompts, "Requests").show_default();
  add_load_options(command, *throughput);
  command.footer(
      "All requests are there at the start. Ctrl-C finishes those that run, drops those that wait and tells what was\n"
      "measured; the exit code is 1. A second one ends the program at once.");
  command.on_use([throughput] { return run_throughput(*throughput); });

  auto latency = std::make_shared<LatencyOptions>();
  command = bench.add_subcommand("latency", "How long one batch of requests takes");
  command.add("--batch-size", latency->batch_size, "Requests of a batch").show_default();
  command.add("--num-iters-warmup", latency->num_iters_warmup, "Batches that do not count").show_default();
  command.add("--num-iters", latency->num_iters, "Batches").show_default();
  add_load_options(command, *latency);
  command.on_use([latency] { return run_latency(*latency); });
}

}  // namespace retort::cli
