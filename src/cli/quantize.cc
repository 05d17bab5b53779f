// retort quantize: a model in fewer bits, as a GGUF file of its own.
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/pull_progress.h"
#include "core/log.h"
#include "core/parallel.h"
#include "core/units.h"
#include "io/gguf_pairs.h"
#include "kernels/dispatch.h"
#include "nn/quantize.h"

namespace retort::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  std::string output;
  std::string type;
  std::vector<std::string> tensor_types;
  int threads = 0;
  bool force = false;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What the file says of the model besides its tensors.
Expected<GgufPairs> metadata(const Checkpoint& checkpoint, QuantizeRecipe recipe) {
  RETORT_TRY(GgufPairs pairs, copy_gguf_pairs(checkpoint.gguf()->file()->bytes()));
  for (const std::string_view key : {"split.no", "split.count", "split.tensors.count", "general.alignment"}) {
    pairs.erase(key);  // of the source's files, not of this one
  }
  pairs.set("general.file_type", gguf_file_type(recipe));
  pairs.set("general.quantization_version", std::uint32_t{2});
  return pairs;
}

std::string type_counts(const QuantizeResult& result) {
  std::string text;
  for (const auto& [type, count] : result.weights) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(count), to_string(type));
  }
  return text;
}

Status run(const Options& options) {
  const InterruptScope interrupt;
  const auto start = Clock::now();
  RETORT_TRY(const QuantizeRecipe recipe, parse_quantize_recipe(options.type));
  std::vector<TensorTypeRule> rules;
  for (const std::string& rule : options.tensor_types) {
    RETORT_TRY(rules.emplace_back(), parse_tensor_type_rule(rule));
  }
  RETORT_TRY(const auto checkpoint, open_checkpoint(options.model));
  RETORT_TRY_STATUS(check_not_source(options.output, *checkpoint));
  if (options.threads != 0) {
    RETORT_TRY_STATUS(set_thread_count(options.threads));
  }
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  RETORT_TRY(const QuantizePlan plan, plan_quantization(*checkpoint, recipe, rules));
  if (plan.requantized > 0) {
    log(LogLevel::kWarn,
        "{}: {} of its matrices are quantized already, and lose a second time here; better start from the model that "
        "they were made of",
        checkpoint->name(), plan.requantized);
  }
  RETORT_TRY(const GgufPairs pairs, metadata(*checkpoint, recipe));

  PullDisplay display(progress_style_of_stderr() == ProgressStyle::kTerminal ? ProgressStyle::kTerminal
                                                                             : ProgressStyle::kNone);
  const std::string name = fs::path(options.output).filename().string();
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    display.show({.path = name, .all_done_bytes = done, .all_total_bytes = total});
  };
  auto written =
      write_quantized(options.output, *checkpoint, *kernels, plan, pairs, {},
                      options.force ? ExistingFile::kReplace : ExistingFile::kRefuse, progress, interrupt.token());
  display.finish();
  if (!written && written.error().code() == ErrorCode::kCancelled) {
    return fail(ErrorCode::kCancelled, "stopped; the same command goes on from {}.partial", options.output);
  }
  RETORT_TRY(const QuantizeResult result, std::move(written));
  if (result.resumed_tensors > 0) {
    log(LogLevel::kInfo, "{} of {} tensors were there from an earlier run", result.resumed_tensors,
        plan.tensors.size());
  }
  fmt::print("{}: {}, {}; {} in {}\n", options.output, options.type, type_counts(result),
             format_bytes(result.file_bytes), format_seconds(seconds_since(start)));
  return {};
}

}  // namespace

void add_quantize(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("quantize", "Write a model in fewer bits, as a GGUF file");
  command.footer(
      "Recipes: f32, f16, bf16; q8 (Q8_0); q4 (Q4_K), q6_k (Q6_K); q4_k_m and q5_k_m (Q4_K or Q5_K, and Q6_K for the\n"
      "head and half of attn_v and ffn_down). Norms, biases and routers stay F32. What is interrupted, goes on with\n"
      "the same command: OUT.partial is kept until it is complete.");
  command.add("--model", options->model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--output,-o", options->output, "The file to write").required().value_name("OUT.gguf");
  command.add("--type,-t", options->type, "Recipe: f32, f16, bf16, q8, q4, q4_k_m, q5_k_m or q6_k")
      .required()
      .value_name("RECIPE");
  command
      .add("--tensor-type", options->tensor_types,
           "Type for the tensors whose GGUF names match a glob; may be repeated, the last that matches counts")
      .value_name("PATTERN=TYPE")
      .shown_once();
  command.add("--threads", options->threads, "Threads; 0: one per core (or RETORT_THREADS)").show_default();
  command.add_flag("--force", options->force, "Replace OUT.gguf if it exists");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
