// retort bench: how fast a model runs here.
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <numeric>
#include <string>
#include <unistd.h>

#include "cli/bench_engine.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/kv_options.h"
#include "cli/load.h"
#include "core/json.h"
#include "core/parallel.h"
#include "core/units.h"
#include "engine/speed.h"
#include "io/memory_plan.h"
#include "kernels/dispatch.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::string prompt = "512";
  std::string gen = "128";
  std::string depth = "0";
  std::string depth_fill = "compute";
  std::string seqs = "1";
  std::string output = "md";
  std::string kv_cache_dtype = "auto";
  std::int64_t repetitions = 5;
  std::int64_t batch_tokens = 512;
  CommonOptions common;
};

// "512" or "512,1024".
Expected<std::vector<std::int64_t>> parse_list(std::string_view text, std::string_view option) {
  std::vector<std::int64_t> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data() + at, text.data() + end, value);
    if (error != std::errc() || rest != text.data() + end || value < 0) {
      return fail(ErrorCode::kInvalidArgument, "{} must be whole numbers with commas between them but is '{}'", option,
                  text);
    }
    out.push_back(value);
    at = end + 1;
  }
  return out;
}

Expected<std::vector<SpeedTest>> make_tests(const Options& options) {
  RETORT_TRY(const auto prompts, parse_list(options.prompt, "--n-prompt"));
  RETORT_TRY(const auto gens, parse_list(options.gen, "--n-gen"));
  RETORT_TRY(const auto depths, parse_list(options.depth, "--n-depth"));
  RETORT_TRY(const auto seqs, parse_list(options.seqs, "--n-seqs"));
  std::vector<SpeedTest> tests;
  for (const std::int64_t depth : depths) {
    for (const std::int64_t n : prompts) {
      if (n > 0) tests.push_back({.n_prompt = n, .n_gen = 0, .n_depth = depth, .n_seqs = 1});
    }
    for (const std::int64_t n : gens) {
      for (const std::int64_t s : seqs) {
        if (n > 0) tests.push_back({.n_prompt = 0, .n_gen = n, .n_depth = depth, .n_seqs = s});
      }
    }
  }
  if (tests.empty()) {
    return fail(ErrorCode::kInvalidArgument, "nothing to measure: --n-prompt or --n-gen must be above 0");
  }
  return tests;
}

struct Statistics {
  double mean = 0;
  double stddev = 0;
};
Statistics statistics(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0.0};
}

std::string test_name(const SpeedTest& test) {
  std::string name = test.n_prompt > 0 ? fmt::format("pp{}", test.n_prompt) : fmt::format("tg{}", test.n_gen);
  if (test.n_depth > 0) name += fmt::format(" @ d{}", test.n_depth);
  if (test.n_seqs > 1) name += fmt::format(" x {}", test.n_seqs);
  return name;
}

// A result with llama-bench's names, and ours after them.
OrderedJson to_row(const Model& model, const WeightsPlan& plan, const Options& options, KvCacheType kv,
                   const SpeedResult& result) {
  std::vector<double> nanoseconds;
  for (const double s : result.seconds) nanoseconds.push_back(s * 1e9);
  const Statistics ns = statistics(nanoseconds);
  const std::vector<double> rates = result.tokens_per_second();
  const Statistics ts = statistics(rates);
  return {{"build_commit", build_description()},
          {"cpu_info", cpu_name()},
          {"backends", model.kernels().name},
          {"model_filename", options.model},
          {"model_size", plan.bytes},
          {"model_n_params", plan.parameters},
          {"n_batch", options.batch_tokens},
          {"n_threads", thread_count()},
          {"type_k", to_string(kv)},
          {"type_v", to_string(kv)},
          {"n_prompt", result.test.n_prompt},
          {"n_gen", result.test.n_gen},
          {"n_depth", result.test.n_depth},
          {"depth_fill", options.depth_fill},
          {"avg_ns", std::llround(ns.mean)},
          {"stddev_ns", std::llround(ns.stddev)},
          {"avg_ts", ts.mean},
          {"stddev_ts", ts.stddev},
          {"samples_ns", nanoseconds},
          {"samples_ts", rates},
          {"n_seqs", result.test.n_seqs},
          {"median_ts", result.median_tokens_per_second()},
          {"bytes_per_step", result.bytes_per_step},
          {"gb_per_second", result.bytes_per_second() * 1e-9},
          {"quality", options.common.quality},
          {"version", version()}};
}

std::string csv_cell(const OrderedJson& value) {
  std::string text = value.is_string() ? value.get<std::string>() : json_text(value);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void print_csv(const std::vector<OrderedJson>& rows) {
  std::string head;
  for (const auto& [key, value] : rows.front().items()) {
    if (!value.is_array()) head += (head.empty() ? "" : ",") + key;
  }
  fmt::print("{}\n", head);
  for (const OrderedJson& row : rows) {
    std::string line;
    for (const auto& [key, value] : row.items()) {
      if (!value.is_array()) line += (line.empty() ? "" : ",") + csv_cell(value);
    }
    fmt::print("{}\n", line);
  }
}

void print_table_head() {
  fmt::print("| {:<7} | {:>7} | {:<8} | {:<20} | {:>18} | {:>10} | {:>8} |\n", "isa", "threads", "kv", "test", "t/s",
             "median t/s", "GB/s");
  fmt::print("| {:-<7} | {:->6}: | {:-<8} | {:-<20} | {:->17}: | {:->9}: | {:->7}: |\n", "", "", "", "", "", "", "");
}

void print_table_row(const Model& model, KvCacheType kv, const SpeedResult& result) {
  const Statistics ts = statistics(result.tokens_per_second());
  const double rate = result.bytes_per_second() * 1e-9;
  fmt::print("| {:<7} | {:>7} | {:<8} | {:<20} | {:>18} | {:>10.2f} | {:>8} |\n", model.kernels().name, thread_count(),
             to_string(kv), test_name(result.test), fmt::format("{:.2f} ± {:.2f}", ts.mean, ts.stddev),
             result.median_tokens_per_second(), rate > 0 ? fmt::format("{:.2f}", rate) : "");
  std::fflush(stdout);
}

Status run(const Options& options) {
  if (options.output != "md" && options.output != "csv" && options.output != "json") {
    return fail(ErrorCode::kInvalidArgument, "--output must be md, csv or json but is '{}'", options.output);
  }
  if (options.depth_fill != "compute" && options.depth_fill != "repeat") {
    return fail(ErrorCode::kInvalidArgument, "--depth-fill must be compute or repeat but is '{}'", options.depth_fill);
  }
  if (options.model.empty()) return fail(ErrorCode::kInvalidArgument, "--model is required");
  RETORT_TRY(const std::vector<SpeedTest> tests, make_tests(options));
  RETORT_TRY(const auto checkpoint, open_checkpoint(options.model, options.common));
  const InterruptScope interrupt;
  RETORT_TRY(const std::shared_ptr<const Model> model, load_model(checkpoint, options.common));
  RETORT_TRY(const KvCacheType kv, resolve_kv_cache_type(options.kv_cache_dtype, *model));
  WeightsPlan plan = plan_weights(*checkpoint);
  if (options.common.load_format == "dummy") {
    plan.bytes = model->memory_bytes();
    plan.parameters = count_parameters(model->config());
  }
  const bool table = options.output == "md";
  if (table) {
    fmt::print("{}: {}, {} parameters; {}\n\n", checkpoint->name(), format_bytes(plan.bytes),
               format_count(plan.parameters), cpu_name());
    print_table_head();
  }
  std::vector<OrderedJson> rows;
  Status measured;
  for (const SpeedTest& test : tests) {
    const SpeedOptions how{.repetitions = options.repetitions,
                           .kv_cache_type = kv,
                           .batch_tokens = options.batch_tokens,
                           .depth_fill = options.depth_fill == "repeat" ? DepthFill::kRepeat : DepthFill::kCompute};
    const auto result = measure_speed(*model, test, how, interrupt.token());
    if (!result) {
      // What was measured before is not lost.
      measured = fail(result.error());
      break;
    }
    if (table) print_table_row(*model, kv, *result);
    rows.push_back(to_row(*model, plan, options, kv, *result));
  }
  if (options.output == "json" && !rows.empty()) fmt::print("{}\n", json_text(OrderedJson(rows)));
  if (options.output == "csv" && !rows.empty()) print_csv(rows);
  return measured;
}

}  // namespace

void add_bench(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("bench", "How fast a model runs here: llama-bench's measures");
  command.footer(
      "pp512 is a prompt of 512 tokens, tg128 are 128 tokens generated one after another, each sampled (greedily) and\n"
      "run; @ d4096: behind 4,096 tokens that are there already; x 8: of 8 sequences side by side. GB/s is what\n"
      "generating read, weights and keys and values, to be compared with what the memory gives. Lists take commas.");
  command.add("--model,-m", options->model, "Checkpoint: folder, .gguf file or hub id");
  command.add("--n-prompt,-p", options->prompt, "Tokens of a prompt, 0: none").show_default();
  command.add("--n-gen,-n", options->gen, "Tokens to generate, 0: none").show_default();
  command.add("--n-depth,-d", options->depth, "Tokens that are there before").show_default();
  command
      .add("--depth-fill", options->depth_fill,
           "compute them, or repeat: the first 512 tokens' keys and values stand for all, which takes as long to read")
      .show_default();
  command.add("--n-seqs", options->seqs, "Sequences that generate side by side").show_default();
  command.add("--repetitions,-r", options->repetitions, "Timed repetitions, after one that is not").show_default();
  command.add("--max-num-batched-tokens", options->batch_tokens, "Tokens of a prompt in one step").show_default();
  add_kv_cache_dtype_option(command, options->kv_cache_dtype);
  command.add("--output,-o", options->output, "md, csv or json").show_default();
  add_common_options(command, options->common);
  command.on_use([options] { return run(*options); });
  add_bench_engine(command);
}

}  // namespace retort::cli
