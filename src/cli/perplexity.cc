// retort perplexity: how well a model predicts a text.
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/divergence_report.h"
#include "cli/interrupt.h"
#include "cli/kv_options.h"
#include "cli/load.h"
#include "core/json.h"
#include "core/log.h"
#include "core/units.h"
#include "engine/divergence.h"
#include "engine/scoring.h"
#include "io/mapped_file.h"
#include "io/safetensors.h"
#include "kernels/dispatch.h"
#include "text/text_assets.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::string file;
  std::int64_t context = 512;
  std::int64_t chunks = 0;
  bool json = false;
  std::string logprobs;
  bool kl_divergence = false;
  std::string reference;
  std::string kv_cache_dtype = "auto";
  KvWindowFlags kv_window;
  CommonOptions common;
};

Status write_logprobs(const std::string& path, const PerplexityResult& result, std::span<const TokenId> ids,
                      std::int64_t context) {
  const std::vector<float> narrow(result.logprobs.begin(), result.logprobs.end());
  const std::vector<NamedTensor> tensors = {
      {"logprobs",
       {DType::kF32, Shape{result.windows, context - 1}, reinterpret_cast<const std::byte*>(narrow.data()),
        narrow.size() * sizeof(float)}},
      {"token_ids",
       {DType::kI32, Shape{result.windows, context}, reinterpret_cast<const std::byte*>(ids.data()),
        static_cast<std::uint64_t>(result.windows * context) * sizeof(TokenId)}}};
  return write_safetensors(path, tensors);
}

// What there is has been printed.
Status whether_all(std::int64_t windows, std::int64_t wanted) {
  if (windows == wanted) return {};
  return fail(ErrorCode::kCancelled, "interrupted: these are {} of {} windows", windows, wanted);
}

// The model's distributions against the reference's.
Status compare(const Options& options, const Checkpoint& checkpoint, const Model& model, KvCacheType kv,
               const KvWindowOptions& kv_window, std::span<const TokenId> ids,
               const std::function<void(std::int64_t, std::int64_t)>& progress, const CancelToken& cancel) {
  CommonOptions exact = options.common;
  exact.quality = "exact";
  exact.load_format = "auto";  // whatever the model was packed as: the reference has none of it
  exact.packed_file.clear();
  const std::string& name = options.reference.empty() ? options.model : options.reference;
  RETORT_TRY(const std::shared_ptr<const Model> reference, load_model(name, exact));
  RETORT_TRY(const DivergenceResult result,
             divergence(*reference, model, kv, ids, options.context, options.chunks, progress, cancel, kv_window));
  if (options.json) {
    OrderedJson json = divergence_as_json(result);
    json.update({{"ctx", options.context},
                 {"model", checkpoint.name()},
                 {"quality", options.common.quality},
                 {"reference", name},
                 {"isa", model.kernels().name},
                 {"cpu", cpu_name()},
                 {"version", version()}});
    fmt::print("{}\n", json_text(json));
  } else {
    print_divergence(result);
  }
  return whether_all(result.windows, result.windows_wanted);
}

OrderedJson held_as_json(const std::string& window, const std::vector<KvHeld>& layers) {
  const KvHeld all = total(layers);
  std::vector<double> shares;
  shares.reserve(layers.size());
  for (const KvHeld& layer : layers) shares.push_back(layer.end / layer.full);
  return {{"kv_window", window},
          {"kv_bytes", {{"end", all.end}, {"peak", all.peak}, {"mean", all.mean}, {"full", all.full}}},
          {"kv_end_by_layer", shares}};
}

void print_held(const std::vector<KvHeld>& layers) {
  const auto bytes = [](double n) { return format_bytes(static_cast<std::uint64_t>(n)); };
  const KvHeld all = total(layers);
  fmt::print("keys and values: {} held at the end of a window ({:.1f}% of all), {} at most, {} on average\n",
             bytes(all.end), 100 * all.end / all.full, bytes(all.peak), bytes(all.mean));
  fmt::print("  at the end, by layer, in percent of all:");
  for (const KvHeld& layer : layers) fmt::print(" {:.0f}", 100 * layer.end / layer.full);
  fmt::print("\n");
}

Status run(const Options& options) {
  if (options.kl_divergence && !options.logprobs.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--logprobs does not go with --kl-divergence");
  }
  RETORT_TRY(const auto text, MappedFile::open(options.file));
  RETORT_TRY(const auto checkpoint, open_checkpoint(options.model, options.common));
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(*checkpoint));
  RETORT_TRY(const std::shared_ptr<const Model> model, load_model(checkpoint, options.common));
  RETORT_TRY(const KvCacheType kv, resolve_kv_cache_type(options.kv_cache_dtype, *model));
  RETORT_TRY(const KvWindowOptions kv_window, resolve_kv_window(options.kv_window));
  // A text is no prompt: what looks like an added token in it is text.
  const std::vector<TokenId> ids = tokenizer.encode(text->text(), {.added_tokens = AddedTokens::kAsText});
  log(LogLevel::kInfo, "{}: {} tokens, windows of {}", options.file, ids.size(), options.context);

  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    if (terminal) fmt::print(stderr, "\rwindow {} of {}{}", done, all, done == all ? "\n" : "");
  };
  const InterruptScope interrupt;
  if (options.kl_divergence)
    return compare(options, *checkpoint, *model, kv, kv_window, ids, progress, interrupt.token());
  RETORT_TRY(const PerplexityResult result,
             perplexity(*model, kv, ids, options.context, options.chunks, progress, interrupt.token(), kv_window));
  if (!options.logprobs.empty()) {
    RETORT_TRY_STATUS(write_logprobs(options.logprobs, result, ids, options.context));
  }
  const double rate = static_cast<double>(result.tokens) / result.seconds;
  if (options.json) {
    OrderedJson json = {{"perplexity", result.perplexity},
                        {"perplexity_second_half", result.perplexity_second_half},
                        {"tokens", result.tokens},
                        {"tokens_per_second", rate},
                        {"windows", result.windows},
                        {"ctx", options.context},
                        {"kv_cache_dtype", to_string(kv)},
                        {"model", checkpoint->name()},
                        {"isa", model->kernels().name},
                        {"cpu", cpu_name()},
                        {"version", version()}};
    json.update(held_as_json(options.kv_window.mode, result.kv_held));
    fmt::print("{}\n", json_text(json));
  } else {
    fmt::print("perplexity {:.4f} over all {} predictions of {} windows of {}\n", result.perplexity,
               result.windows * (options.context - 1), result.windows, options.context);
    fmt::print("perplexity {:.4f} over the second half of each window, as llama-perplexity counts\n",
               result.perplexity_second_half);
    fmt::print("{} tokens in {}, {:.1f} tokens/s, {} kernels\n", result.tokens, format_seconds(result.seconds), rate,
               model->kernels().name);
    if (kv_window.mode != KvWindowMode::kConfig) print_held(result.kv_held);
  }
  return whether_all(result.windows, result.windows_wanted);
}

}  // namespace

void add_perplexity(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("perplexity", "Perplexity of a text over non-overlapping windows");
  command.footer(
      "The text is encoded whole, without a BOS and with added tokens as ordinary text, and cut into windows of --ctx\n"
      "tokens; what does not fill a window at the end is left out. \"perplexity\" counts all ctx - 1 predictions of a\n"
      "window; \"perplexity_second_half\" those made from positions ctx/2 to ctx-2, as llama-perplexity does.\n"
      "--kl-divergence compares the model's predictions with those of --reference, the same checkpoint if none is "
      "given,\n"
      "run with --quality exact. Ctrl-C tells what the windows so far gave, and the exit code is 1.\n"
      "--logprobs writes logprobs, fp32 [windows, ctx - 1] (natural logarithm), and token_ids, int32 [windows, ctx].");
  command.add("--model", options->model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--file", options->file, "Text file, UTF-8").required();
  command.add("--ctx", options->context, "Tokens per window").show_default();
  command.add("--chunks", options->chunks, "Windows to run, 0 for all").show_default();
  command.add_flag("--kl-divergence", options->kl_divergence, "Compare with the exact computation, token by token");
  command.add("--reference", options->reference, "Checkpoint to compare with; none: --model itself");
  command.add_flag("--json", options->json, "Machine-readable output");
  command.add("--logprobs", options->logprobs, "safetensors file for every token's log-probability");
  add_kv_cache_dtype_option(command, options->kv_cache_dtype);
  add_kv_window_options(command, options->kv_window);
  add_common_options(command, options->common);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
