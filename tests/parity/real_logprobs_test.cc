// The real 0.5B with fp32 activations against its fp32 forward: every token's log-probability.
#include <cmath>
#include <gtest/gtest.h>

#include "core/json.h"
#include "engine/scoring.h"
#include "parity/golden_model.h"
#include "testing/shared_data.h"

namespace retort::testing {
namespace {

TEST(RealLogprobs, EqualTheFp32Forward) {
  RETORT_SHARED_OR_SKIP(folder, "data/golden/real05");
  RETORT_REAL_OR_SKIP(path, "0.5b");
  const auto expected = open_safetensors(folder / "wikitext_windows.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  const auto facts = parse_json(read_text(folder / "perplexity.json"), "perplexity.json");
  ASSERT_TRUE(facts) << facts.error().message();
  const std::vector<std::int32_t> ids = int32s(*expected, "token_ids");
  const std::vector<float> logprobs = floats(*expected, "logprobs");
  const auto context = static_cast<std::int64_t>(expected->tensors.at("token_ids").columns());
  // The best kernels only: the plain ones would take many minutes over 2 * 10^12 multiplications.
  const auto model = load_golden(path, available_isas().front());
  ASSERT_NE(model, nullptr);
  if (model->kernels().isa == Isa::kRef) GTEST_SKIP() << "this processor has the ref kernels only";

  const auto result = perplexity(*model, model->kv_cache_type(), ids, context, 0, {}, CancelToken());
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_EQ(result->logprobs.size(), logprobs.size());
  double largest = 0;
  double second_half = 0;
  const std::int64_t per_window = context - 1;
  for (std::size_t i = 0; i < logprobs.size(); ++i) {
    largest = std::max(largest, std::fabs(result->logprobs[i] - static_cast<double>(logprobs[i])));
    if (static_cast<std::int64_t>(i) % per_window >= context / 2 - 1) second_half += result->logprobs[i];
  }
  EXPECT_LE(largest, 2e-3) << model->kernels().name;
  RecordProperty("max_logprob_difference_e6", static_cast<int>(largest * 1e6));

  const auto near = [](double a, double b) { return std::fabs(a / b - 1) <= 1e-3; };
  EXPECT_TRUE(near(result->perplexity, facts->at("perplexity_all").get<double>())) << result->perplexity;
  EXPECT_TRUE(near(result->perplexity_second_half, facts->at("perplexity_llama_style").get<double>()))
      << result->perplexity_second_half;
  // The golden also counts the half of the targets, one prediction more than llama-perplexity.
  const double halves = static_cast<double>(result->windows * (per_window - (context / 2 - 1)));
  EXPECT_TRUE(near(std::exp(-second_half / halves), facts->at("perplexity_second_half").get<double>()));
}

}  // namespace
}  // namespace retort::testing
