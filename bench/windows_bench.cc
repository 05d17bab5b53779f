// What windows of the KV cache save and what they cost: memory held at the end, perplexity of a text, and whether facts
// from the text's beginning are still found ("needles").
//
//   windows_bench MODEL TEXT CONTEXT WINDOWS [SETTING ...]
//
// WINDOWS non-overlapping windows of CONTEXT tokens of TEXT for perplexity; one text of CONTEXT tokens with four
// needles. A setting is full, config, dynamic:MASS, mean:MASS (attention averaged over the heads of a group) or
// sinks:SIZE.
//
// A needle is a sentence with a random number of five digits amid made-up sentences; at the end each is asked for, and
// its digits are teacher-forced. "Found" is a probability of all five of more than one half, which greedy decoding then
// answers.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "engine/scoring.h"
#include "io/mapped_file.h"
#include "kernels/dispatch.h"
#include "text/text_assets.h"

namespace retort {
namespace {

using Ids = std::vector<TokenId>;

constexpr double kDepths[] = {0.05, 0.35, 0.65, 0.9};
constexpr const char* kCities[] = {"Lisbon", "Nairobi", "Oslo", "Lima"};
constexpr std::uint64_t kSeed = 20;

std::int64_t below(std::int64_t n, std::uint64_t sequence, std::int64_t at) {
  return static_cast<std::int64_t>(uniform(kSeed, sequence, static_cast<std::uint32_t>(at), 0) *
                                   static_cast<double>(n));
}

std::string filler_sentence(std::int64_t at) {
  constexpr const char* kWho[] = {"The gardener", "A tired clerk", "My neighbour",  "The old captain",
                                  "Her sister",   "A young baker", "The librarian", "Our teacher"};
  constexpr const char* kDoes[] = {"looked for",  "painted", "forgot about", "carried home",
                                   "wrote about", "mended",  "dreamed of",   "praised"};
  constexpr const char* kWhat[] = {"the blue bicycle", "a wooden box",  "the last train",  "an umbrella",
                                   "the quiet river",  "a bag of nuts", "the long winter", "a broken clock"};
  constexpr const char* kWhen[] = {"in the morning", "after the rain", "before dinner",   "on a Sunday",
                                   "without a word", "once again",     "near the bridge", "with great care"};
  return fmt::format(" {} {} {} {}.", kWho[below(8, 1, at)], kDoes[below(8, 2, at)], kWhat[below(8, 3, at)],
                     kWhen[below(8, 4, at)]);
}

struct NeedleText {
  Ids ids;
  std::vector<std::int64_t> answers;  // [needles] where the digits begin
  std::int64_t digits = 0;            // tokens of a number
};

Ids encode(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, {.added_tokens = AddedTokens::kAsText});
}

NeedleText needle_text(const Tokenizer& tokenizer, std::int64_t length) {
  NeedleText out;
  Ids questions;
  std::vector<Ids> needles;
  for (std::size_t i = 0; i < std::size(kDepths); ++i) {
    const std::string claim = fmt::format("The special number of {} is", kCities[i]);
    const Ids number = encode(tokenizer, fmt::format(" {}", 10000 + below(90000, 5, static_cast<std::int64_t>(i))));
    needles.push_back(encode(tokenizer, " " + claim));
    needles.back().insert(needles.back().end(), number.begin(), number.end());
    const Ids question = encode(tokenizer, (i == 0 ? "\n\nTo sum up: " : ". ") + claim);
    questions.insert(questions.end(), question.begin(), question.end());
    out.answers.push_back(static_cast<std::int64_t>(questions.size()));
    questions.insert(questions.end(), number.begin(), number.end());
    out.digits = static_cast<std::int64_t>(number.size());
  }
  // A sentence and a needle less, by which the loop may go too far.
  const std::int64_t filler = length - static_cast<std::int64_t>(questions.size()) - 40;
  std::size_t next = 0;
  for (std::int64_t sentence = 0; static_cast<std::int64_t>(out.ids.size()) < filler; ++sentence) {
    if (next < needles.size() && static_cast<double>(out.ids.size()) >= kDepths[next] * static_cast<double>(filler)) {
      out.ids.insert(out.ids.end(), needles[next].begin(), needles[next].end());
      out.ids.push_back(encode(tokenizer, ".").front());
      ++next;
    }
    const Ids more = encode(tokenizer, filler_sentence(sentence));
    out.ids.insert(out.ids.end(), more.begin(), more.end());
  }
  for (std::int64_t& answer : out.answers) answer += static_cast<std::int64_t>(out.ids.size());
  out.ids.insert(out.ids.end(), questions.begin(), questions.end());
  return out;
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
  RETORT_TRY_STATUS(check_kv_window_options(options));
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
  for (const std::int64_t answer : needle.answers) {
    double sum = 0;
    for (std::int64_t i = 0; i < needle.digits; ++i) sum += logprobs[answer + i - 1];
    found += std::exp(sum) > 0.5 ? 1 : 0;
    fmt::print(" {:.3f}", std::exp(sum));
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
  const NeedleText needle = needle_text(tokenizer, context);
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
