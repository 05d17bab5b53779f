// Which layers can do with a window: those without which numbers from far back are found all the same.
//
//   find_window_layers MODEL [CONTEXT 4096] [SIZE 512] [COST 0.03]
//
// A made-up text of CONTEXT tokens with eight needles (needles.h). First every layer gets a window of SIZE positions
// (sinks) alone; then, in the order of what that changed, each joins the ones before it and stays if all numbers
// together lose less than COST of the logarithm of their probability. What is left is printed as --kv-window-layers
// takes it. 2 x layers passes over the text.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <vector>

#include "engine/scoring.h"
#include "kernels/dispatch.h"
#include "needles.h"
#include "text/text_assets.h"

namespace retort {
namespace {

constexpr double kDepths[] = {0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75};
constexpr std::uint64_t kSeed = 31;  // not that of windows_bench: what is chosen here is measured on another text

// Sum of the logarithms of the numbers' probabilities when `layers` have windows of `size` positions; none: no windows.
Expected<double> all_numbers(const Model& model, const NeedleText& text, std::vector<std::int64_t> layers,
                             std::int64_t size) {
  KvWindowOptions windows{.mode = KvWindowMode::kFull};
  if (!layers.empty()) windows = {.mode = KvWindowMode::kSinks, .layers = std::move(layers), .size = size};
  RETORT_TRY(const std::vector<double> logprobs,
             token_logprobs(model, model.kv_cache_type(), text.ids, CancelToken(), windows));
  const std::vector<double> numbers = needle_logprobs(text, logprobs);
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

Status find_layers(const char* path, std::int64_t context, std::int64_t size, double most) {
  RETORT_TRY(Checkpoint opened, Checkpoint::open(path));
  const auto checkpoint = std::make_shared<const Checkpoint>(std::move(opened));
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(*checkpoint));
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  RETORT_TRY(const std::unique_ptr<Model> model, Model::load(checkpoint, *kernels, LoadOptions{}));
  const NeedleText text = needle_text(tokenizer, context, kDepths, kSeed);
  fmt::print("{}, {} kernels, {}; {} tokens, windows of {}\n", cpu_name(), kernels->name, checkpoint->name(),
             text.ids.size(), size);
  RETORT_TRY(const double full, all_numbers(*model, text, {}, size));
  fmt::print("without windows: {} numbers, log p {:.4f}\n", std::size(kDepths), full);

  std::vector<std::pair<double, std::int64_t>> order;  // what it changes alone, layer
  for (std::int64_t layer = 0; layer < model->config().num_hidden_layers; ++layer) {
    RETORT_TRY(const double alone, all_numbers(*model, text, {layer}, size));
    order.emplace_back(std::abs(full - alone), layer);
    fmt::print("layer {} alone costs {:.4f}\n", layer, full - alone);
    std::fflush(stdout);
  }
  std::sort(order.begin(), order.end());

  std::vector<std::int64_t> chosen;
  for (const auto& [alone, layer] : order) {
    if (alone > most) break;
    std::vector<std::int64_t> more = chosen;
    more.push_back(layer);
    RETORT_TRY(const double together, all_numbers(*model, text, more, size));
    const bool stays = full - together <= most;
    if (stays) chosen = std::move(more);
    fmt::print("{} layers with layer {} cost {:.4f}{}\n", chosen.size(), layer, full - together,
               stays ? "" : ": left out");
    std::fflush(stdout);
  }
  std::sort(chosen.begin(), chosen.end());
  fmt::print("--kv-window-layers {}\n", fmt::join(chosen, ","));
  return {};
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) { return argc > i ? argv[i] : otherwise; };
  const std::int64_t context = std::atoll(argument(2, "4096"));
  const std::int64_t size = std::atoll(argument(3, "512"));
  const double most = std::atof(argument(4, "0.03"));
  if (argc < 2 || argc > 5 || context < 1024 || size < 1 || !(most > 0)) {
    std::fputs("usage: find_window_layers MODEL [CONTEXT 4096] [SIZE 512] [COST 0.03]\n", stderr);
    return 2;
  }
  const retort::Status status = retort::find_layers(argv[1], context, size, most);
  if (!status) fmt::print(stderr, "find_window_layers: {}\n", status.error().message());
  return status ? 0 : 1;
}
