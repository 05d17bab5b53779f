// What windows of the KV cache save and what they cost: memory held at the end, perplexity of a text, and whether facts
// from the text's beginning are still found ("needles").
//
//   windows_bench MODEL TEXT CONTEXT WINDOWS [SETTING ...]
//
// WINDOWS non-overlapping windows of CONTEXT tokens of TEXT for perplexity; one text of CONTEXT tokens with four
// needles (needles.h). A setting is full, config, dynamic:MASS, mean:MASS (attention averaged over the heads of a
// group) or sinks:SIZE; with @0,1,5 behind it, windows in these layers only.
//
// "Found" is a probability of all five digits of more than one half, which greedy decoding then answers.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "engine/scoring.h"
#include "io/mapped_file.h"
#include "kernels/dispatch.h"
#include "needles.h"
#include "text/text_assets.h"

namespace retort {
namespace {

using Ids = std::vector<TokenId>;

constexpr double kDepths[] = {0.05, 0.35, 0.65, 0.9};
constexpr std::uint64_t kSeed = 20;

Ids encode(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, {.added_tokens = AddedTokens::kAsText});
}

Expected<KvWindowOptions> parse_setting(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const double value = colon == std::string::npos ? 0 : std::atof(text.c_str() + colon + 1);
  KvWindowOptions options;
  if (name == "full") options.mode = KvWindowMode::kFull;
  if (name == "dynamic" || name == "mean") {
    options.mode = KvWindowMode::kDynamic;
    options.mass = value;
    if (name == "mean") options.heads = KvWindowOptions::Heads::kMeanOfGroup;
  }
  if (name == "sinks") {
    options.mode = KvWindowMode::kSinks;
    options.size = static_cast<std::int64_t>(value);
  }
  if (const std::size_t at = text.find('@'); at != std::string::npos) {
    for (std::size_t i = at; i != std::string::npos; i = text.find(',', i + 1)) {
      options.layers.push_back(std::atoll(text.c_str() + i + 1));
    }
  }
  return options;
}

Status measure(const Model& model, const std::string& setting, const Ids& ids, std::int64_t context,
               std::int64_t windows, const NeedleText& needle, double& full_perplexity) {
  RETORT_TRY(const KvWindowOptions options, parse_setting(setting));
  const CancelToken never;
  RETORT_TRY(const PerplexityResult result,
             perplexity(model, model.kv_cache_type(), ids, context, windows, {}, never, options));
  if (full_perplexity == 0) full_perplexity = result.perplexity_second_half;
  std::vector<KvHeld> needle_held;
  RETORT_TRY(const std::vector<double> logprobs,
             token_logprobs(model, model.kv_cache_type(), needle.ids, never, options, &needle_held));
  const KvHeld text = total(result.kv_held);
  const KvHeld in_needle = total(needle_held);
  fmt::print("| {} | {:.1f} | {:.1f} | {:.3f} | {:+.2f} | {:.1f} |", setting, 100 * text.end / text.full,
             100 * text.peak / text.full, result.perplexity_second_half,
             100 * (result.perplexity_second_half / full_perplexity - 1), 100 * in_needle.end / in_needle.full);
  int found = 0;
  for (const double logprob : needle_logprobs(needle, logprobs)) {
    found += std::exp(logprob) > 0.5 ? 1 : 0;
    fmt::print(" {:.3f}", std::exp(logprob));
  }
  fmt::print(" | {} | {:.0f} |\n", found, static_cast<double>(result.tokens) / result.seconds);
  std::fflush(stdout);
  return {};
}

Status run_study(std::span<char*> arguments) {
  const std::int64_t context = std::atoll(arguments[2]);
  const std::int64_t windows = std::atoll(arguments[3]);
  std::vector<std::string> settings(arguments.begin() + 4, arguments.end());
  if (settings.empty()) {
    settings = {"full",        "dynamic:0.999", "dynamic:0.995", "dynamic:0.99", "dynamic:0.95",
                "dynamic:0.9", "mean:0.99",     "mean:0.95",     "mean:0.9",     "sinks:8192",
                "sinks:4096",  "sinks:2048",    "sinks:1024",    "sinks:512"};
    std::erase_if(settings, [&](const std::string& s) {
      return s.starts_with("sinks:") && std::atoll(s.c_str() + 6) >= context;
    });
  }
  RETORT_TRY(const auto text, MappedFile::open(arguments[1]));
  RETORT_TRY(Checkpoint opened, Checkpoint::open(arguments[0]));
  const auto checkpoint = std::make_shared<const Checkpoint>(std::move(opened));
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(*checkpoint));
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  RETORT_TRY(const std::unique_ptr<Model> model, Model::load(checkpoint, *kernels, LoadOptions{}));
  const Ids ids = encode(tokenizer, std::string(text->text()));
  const NeedleText needle = needle_text(tokenizer, context, kDepths, kSeed);
  fmt::print("{}, {} kernels, {}; {} windows of {} tokens, needles in {} tokens at {}\n\n", cpu_name(), kernels->name,
             checkpoint->name(), windows, context, needle.ids.size(), fmt::join(kDepths, ", "));
  fmt::print(
      "| windows | KV at end, % | peak, % | perplexity, 2nd half | change, % | KV at end of needles, % | "
      "p(number) by depth | found of {} | tokens/s |\n|---|---|---|---|---|---|---|---|---|\n",
      std::size(kDepths));
  double full_perplexity = 0;
  for (const std::string& setting : settings) {
    RETORT_TRY_STATUS(measure(*model, setting, ids, context, windows, needle, full_perplexity));
  }
  return {};
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print(stderr, "usage: windows_bench MODEL TEXT CONTEXT WINDOWS [SETTING ...]\n");
    return 2;
  }
  const retort::Status status = retort::run_study({argv + 1, argv + argc});
  if (!status) fmt::print(stderr, "windows_bench: {}\n", status.error().message());
  return status ? 0 : 1;
}
