// retort perplexity: how well a model predicts a text.
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "core/json.h"
#include "core/log.h"
#include "core/units.h"
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

Status run(const Options& options) {
  RETORT_TRY(const auto text, MappedFile::open(options.file));
  RETORT_TRY(const auto checkpoint, open_checkpoint(options.model, options.common));
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(*checkpoint));
  RETORT_TRY(const std::shared_ptr<const Model> model, load_model(checkpoint, options.common));
  // A text is no prompt: what looks like an added token in it is text.
  const std::vector<TokenId> ids = tokenizer.encode(text->text(), {.added_tokens = AddedTokens::kAsText});
  log(LogLevel::kInfo, "{}: {} tokens, windows of {}", options.file, ids.size(), options.context);

  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    if (terminal) fmt::print(stderr, "\rwindow {} of {}{}", done, all, done == all ? "\n" : "");
  };
  const InterruptScope interrupt;
  RETORT_TRY(const PerplexityResult result,
             perplexity(*model, ids, options.context, options.chunks, progress, interrupt.token()));
  if (!options.logprobs.empty()) {
    RETORT_TRY_STATUS(write_logprobs(options.logprobs, result, ids, options.context));
  }
  const double rate = static_cast<double>(result.tokens) / result.seconds;
  if (options.json) {
    const OrderedJson json = {{"perplexity", result.perplexity},
                              {"perplexity_second_half", result.perplexity_second_half},
                              {"tokens", result.tokens},
                              {"tokens_per_second", rate},
                              {"windows", result.windows},
                              {"ctx", options.context},
                              {"model", checkpoint->name()},
                              {"isa", model->kernels().name},
                              {"cpu", cpu_name()},
                              {"version", version()}};
    fmt::print("{}\n", json_text(json));
  } else {
    fmt::print("perplexity {:.4f} over all {} predictions of {} windows of {}\n", result.perplexity,
               result.windows * (options.context - 1), result.windows, options.context);
    fmt::print("perplexity {:.4f} over the second half of each window, as llama-perplexity counts\n",
               result.perplexity_second_half);
    fmt::print("{} tokens in {}, {:.1f} tokens/s, {} kernels\n", result.tokens, format_seconds(result.seconds), rate,
               model->kernels().name);
  }
  return {};
}

}  // namespace

void add_perplexity(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("perplexity", "Perplexity of a text over non-overlapping windows");
  command.footer(
      "The text is encoded whole, without a BOS and with added tokens as ordinary text, and cut into windows of --ctx\n"
      "tokens; what does not fill a window at the end is left out. \"perplexity\" counts all ctx - 1 predictions of a\n"
      "window; \"perplexity_second_half\" those made from positions ctx/2 to ctx-2, as llama-perplexity does.\n"
      "--logprobs writes logprobs, fp32 [windows, ctx - 1] (natural logarithm), and token_ids, int32 [windows, ctx].");
  command.add("--model", options->model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--file", options->file, "Text file, UTF-8").required();
  command.add("--ctx", options->context, "Tokens per window").show_default();
  command.add("--chunks", options->chunks, "Windows to run, 0 for all").show_default();
  command.add_flag("--json", options->json, "Machine-readable output");
  command.add("--logprobs", options->logprobs, "safetensors file for every token's log-probability");
  add_common_options(command, options->common);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
