// A quantized checkpoint computes with exactly the values that its codes mean: its logits have the bits of the plain
// fp32 model made of those values.
#include <algorithm>
#include <gtest/gtest.h>

#include "parity/golden_model.h"
#include "testing/quantized_checkpoint.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

class QuantizedLogits : public ::testing::TestWithParam<QuantizedForm> {};

TEST_P(QuantizedLogits, HaveTheBitsOfThePlainModel) {
  const TempDir dir;
  ASSERT_TRUE(write_quantized_model(dir.path() / "quantized", dir.path() / "plain", GetParam()));
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 40; ++i) ids.push_back((i * 37 + 11) % 97);
  for (const Isa isa : available_isas()) {
    const auto quantized = load_golden(dir.path() / "quantized", isa);
    const auto plain = load_golden(dir.path() / "plain", isa);
    ASSERT_TRUE(quantized && plain);
    const auto expected = run_chunked(*plain, ids, ids.size());
    EXPECT_EQ(run_chunked(*quantized, ids, ids.size()), expected) << to_string(isa);
    EXPECT_EQ(std::ranges::count(expected, expected[0]), 1) << "logits that tell weights apart";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryForm, QuantizedLogits, ::testing::ValuesIn(quantized_forms()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace retort::testing
