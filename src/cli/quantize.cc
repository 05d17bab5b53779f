// retort quantize: a model in fewer bits, as a GGUF file of its own.
#include "nn/quantize.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/divergence_report.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/pull_progress.h"
#include "core/json.h"
#include "core/log.h"
#include "core/parallel.h"
#include "core/units.h"
#include "engine/calibration.h"
#include "engine/divergence.h"
#include "io/gguf_config_write.h"
#include "io/gguf_pairs.h"
#include "io/mapped_file.h"
#include "io/output_file.h"
#include "kernels/dispatch.h"
#include "text/gguf_vocabulary.h"
#include "text/text_assets.h"
#include "text/tokenizer.h"

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
  std::string calibration;
  std::int64_t calibration_tokens = 16384;
  std::string check;
  std::int64_t check_windows = 0;
  std::string output_json;
};

// Of calibration and check.
constexpr std::int64_t kWindow = 512;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What the file says of the model besides its tensors.
Expected<GgufPairs> metadata(const Checkpoint& checkpoint, QuantizeRecipe recipe) {
  GgufPairs pairs;
  if (checkpoint.gguf() == nullptr) {
    RETORT_TRY_STATUS(add_config_pairs(checkpoint.config(), checkpoint.generation_defaults(), pairs));
    const fs::path folder(checkpoint.name());
    pairs.set_string("general.name", (folder.has_filename() ? folder : folder.parent_path()).filename().string());
    RETORT_TRY_STATUS(add_tokenizer_pairs(checkpoint, pairs));
  } else {
    RETORT_TRY(pairs, copy_gguf_pairs(checkpoint.gguf()->file()->bytes()));
  }
  for (const std::string_view key :
       {"split.no", "split.count", "split.tensors.count", "general.alignment", "quantize.imatrix.file",
        "quantize.imatrix.dataset", "quantize.imatrix.entries_count", "quantize.imatrix.chunks_count"}) {
    pairs.erase(key);  // of the source's files, not of this one
  }
  pairs.set("general.file_type", gguf_file_type(recipe));
  pairs.set("general.quantization_version", std::uint32_t{2});
  return pairs;
}

std::int64_t check_window(const Checkpoint& model) { return std::min(kWindow, model.config().max_position_embeddings); }

Expected<std::vector<TokenId>> read_tokens(const std::string& file, const Checkpoint& checkpoint) {
  RETORT_TRY(const auto text, MappedFile::open(file));
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(checkpoint));
  // A text is no prompt: what looks like an added token in it is text.
  return tokenizer.encode(text->text(), {.added_tokens = AddedTokens::kAsText});
}

// "calibration: window 3 of 32", written over, on a terminal.
std::function<void(std::int64_t, std::int64_t)> window_progress(const char* what) {
  if (progress_style_of_stderr() != ProgressStyle::kTerminal) return {};
  return [what](std::int64_t done, std::int64_t all) {
    fmt::print(stderr, "\r{}: window {} of {}{}", what, done, all, done == all ? "\n" : "");
  };
}

Expected<Importance> calibrate(const Options& options, std::shared_ptr<const Checkpoint> checkpoint,
                               const CancelToken& cancel) {
  if (options.calibration.empty()) return Importance();
  if (options.calibration_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument, "--calibration-tokens must be at least 1 but is {}",
                options.calibration_tokens);
  }
  RETORT_TRY(std::vector<TokenId> ids, read_tokens(options.calibration, *checkpoint));
  if (static_cast<std::int64_t>(ids.size()) < options.calibration_tokens) {
    log(LogLevel::kWarn, "{}: {} tokens where {} were asked for (--calibration-tokens)", options.calibration,
        ids.size(), options.calibration_tokens);
  }
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(options.calibration_tokens)));
  RETORT_TRY(const auto model, load_model(std::move(checkpoint), {.threads = options.threads, .quality = "exact"}));
  return measure_importance(*model, ids, kWindow, window_progress("calibration"), cancel);
}

// What --check compares on, none without it: read before the work, so that what is wrong with it is told before.
Expected<std::vector<TokenId>> read_check_tokens(const Options& options, const Checkpoint& source) {
  if (options.check.empty()) return std::vector<TokenId>();
  RETORT_TRY(std::vector<TokenId> ids, read_tokens(options.check, source));
  if (static_cast<std::int64_t>(ids.size()) >= check_window(source)) return ids;
  return fail(ErrorCode::kInvalidArgument, "--check: {} has {} tokens; at least {} are needed", options.check,
              ids.size(), check_window(source));
}

// The written file against the source, both with exact arithmetic: what the types cost, and nothing else.
Expected<DivergenceResult> compare_with_source(const Options& options, const std::shared_ptr<const Checkpoint>& source,
                                               std::span<const TokenId> ids, const CancelToken& cancel) {
  const CommonOptions exact{.threads = options.threads, .quality = "exact"};
  RETORT_TRY(const auto reference, load_model(source, exact));
  RETORT_TRY(const auto model, load_model(options.output, exact));
  return divergence(*reference, *model, model->kv_cache_type(), ids, check_window(*source), options.check_windows,
                    window_progress("check"), cancel);
}

Status write_report(const std::string& path, const OrderedJson& report) {
  RETORT_TRY(OutputFile file, OutputFile::create(path));
  const std::string text = json_text(report, {.indent = 2}) + "\n";
  RETORT_TRY_STATUS(file.write(text.data(), text.size()));
  return file.finish();
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
  const ExistingFile existing = options.force ? ExistingFile::kReplace : ExistingFile::kRefuse;
  RETORT_TRY_STATUS(check_output(options.output, existing));
  RETORT_TRY(const std::vector<TokenId> check_tokens, read_check_tokens(options, *checkpoint));
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

  RETORT_TRY(const Importance importance, calibrate(options, checkpoint, interrupt.token()));
  const double calibration_seconds = seconds_since(start);

  PullDisplay display(progress_style_of_stderr() == ProgressStyle::kTerminal ? ProgressStyle::kTerminal
                                                                             : ProgressStyle::kNone);
  const std::string name = fs::path(options.output).filename().string();
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    display.show({.path = name, .all_done_bytes = done, .all_total_bytes = total});
  };
  auto written = write_quantized(options.output, *checkpoint, *kernels, plan, pairs, importance, existing, progress,
                                 interrupt.token());
  display.finish();
  if (!written && written.error().code() == ErrorCode::kCancelled) {
    return fail(ErrorCode::kCancelled, "stopped; the same command goes on from {}.partial", options.output);
  }
  RETORT_TRY(const QuantizeResult result, std::move(written));
  if (result.resumed_tensors > 0) {
    log(LogLevel::kInfo, "{} of {} tensors were there from an earlier run", result.resumed_tensors,
        plan.tensors.size());
  }
  const double seconds = seconds_since(start);
  fmt::print("{}: {}, {}; {} in {}\n", options.output, options.type, type_counts(result),
             format_bytes(result.file_bytes), format_seconds(seconds));
  OrderedJson report = {{"output", options.output},
                        {"model", checkpoint->name()},
                        {"type", options.type},
                        {"bytes", result.file_bytes},
                        {"weights", OrderedJson::object()},
                        {"requantized_tensors", plan.requantized},
                        {"resumed_tensors", result.resumed_tensors},
                        {"seconds", seconds},
                        {"version", version()},
                        {"cpu", cpu_name()}};
  for (const auto& [type, count] : result.weights) report["weights"][std::string(to_string(type))] = count;
  if (!options.calibration.empty()) report["calibration_seconds"] = calibration_seconds;
  if (!options.check.empty()) {
    RETORT_TRY(const DivergenceResult difference,
               compare_with_source(options, checkpoint, check_tokens, interrupt.token()));
    print_divergence(difference);
    report["check"] = divergence_as_json(difference);
  }
  if (!options.output_json.empty()) return write_report(options.output_json, report);
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
  command.add("--calibration", options->calibration,
              "A text: scales are chosen for what the model's matrices meet when it reads that");
  command.add("--calibration-tokens", options->calibration_tokens, "Tokens of it to read").show_default();
  command.add("--check", options->check, "A text: compare the result's predictions on it with the model's (KL)");
  command.add("--check-windows", options->check_windows, "Windows of 512 tokens to compare, 0 for all").show_default();
  command.add("--output-json", options->output_json, "A file for what was done, and for the comparison");
  command.add_flag("--force", options->force, "Replace OUT.gguf if it exists");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
