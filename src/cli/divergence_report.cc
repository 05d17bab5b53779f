#include "cli/divergence_report.h"

#include <cstdio>
#include <fmt/format.h>

#include "core/json.h"

namespace retort::cli {
namespace {

OrderedJson to_json(const Divergence& d) {
  return {{"predictions", d.predictions},
          {"mean_kl", d.mean_kl},
          {"median_kl", d.median_kl},
          {"kl_90", d.kl_90},
          {"kl_99", d.kl_99},
          {"max_kl", d.max_kl},
          {"same_top", d.same_top},
          {"mean_delta_p", d.mean_delta_p},
          {"rms_delta_p", d.rms_delta_p},
          {"perplexity", d.perplexity},
          {"reference_perplexity", d.reference_perplexity}};
}

void print(const char* what, const Divergence& d) {
  fmt::print(
      "{} ({} predictions): mean KL {:.6f}, median {:.6f}, 90% {:.6f}, 99% {:.6f}, largest {:.4f}; same top {:.2f}%;\n"
      "  delta p {:+.4f}% on average, rms {:.3f}%; perplexity {:.4f}, the reference's {:.4f}\n",
      what, d.predictions, d.mean_kl, d.median_kl, d.kl_90, d.kl_99, d.max_kl, 100 * d.same_top, 100 * d.mean_delta_p,
      100 * d.rms_delta_p, d.perplexity, d.reference_perplexity);
}

}  // namespace

OrderedJson divergence_as_json(const DivergenceResult& result) {
  return {{"all", to_json(result.all)}, {"second_half", to_json(result.second_half)}, {"windows", result.windows}};
}

void print_divergence(const DivergenceResult& result) {
  print("all", result.all);
  print("second half of each window", result.second_half);
}

}  // namespace retort::cli
