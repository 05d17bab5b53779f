// Every tiny checkpoint's logits against the fp32 forward of Hugging Face, on every instruction set that is here.
#include <algorithm>
#include <gtest/gtest.h>

#include "parity/golden_model.h"
#include "testing/shared_data.h"

namespace retort::testing {
namespace {

struct Golden {
  const char* name;
  // Another order of summation moves logits by 1-4e-5; `tied` has logits of standard deviation 7.8 and moves by 1.1e-4.
  // SIMD kernels sum in other orders than ref and fuse multiply-adds: they stay within the same bounds.
  float tolerance;
};

class TinyLogits : public ::testing::TestWithParam<Golden> {};

TEST_P(TinyLogits, EqualHuggingFace) {
  const std::string folder = std::string("data/golden/tiny/") + GetParam().name;
  RETORT_SHARED_OR_SKIP(path, folder);
  const auto expected = open_safetensors(path / "expected.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  const std::vector<std::int32_t> ids = int32s(*expected, "input_ids");
  const std::vector<float> logits = floats(*expected, "logits");
  const std::size_t length = expected->tensors.at("input_ids").columns();
  for (const Isa isa : available_isas()) {
    const auto model = load_golden(path, isa);
    ASSERT_NE(model, nullptr);
    const std::size_t vocab = model->config().vocab_size;
    float largest = 0;
    for (std::size_t b = 0; b * length < ids.size(); ++b) {
      const auto got = run_chunked(*model, std::span(ids).subspan(b * length, length), length);
      const float difference = max_abs_difference(got, std::span(logits).subspan(b * length * vocab, length * vocab));
      EXPECT_LE(difference, GetParam().tolerance) << to_string(isa) << ", sequence " << b;
      largest = std::max(largest, difference);
    }
    RecordProperty(std::string(to_string(isa)) + "_max_difference_e6", static_cast<int>(largest * 1e6f));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TinyLogits,
                         ::testing::Values(Golden{"plain", 1e-4f}, Golden{"tied", 3e-4f}, Golden{"bf16", 1e-4f},
                                           Golden{"sharded", 1e-4f}, Golden{"sliding", 1e-4f},
                                           Golden{"window_noop", 1e-4f}, Golden{"yarn", 1e-4f},
                                           Golden{"yarn_type", 1e-4f}, Golden{"small_embed", 1e-4f},
                                           Golden{"eps", 1e-4f}, Golden{"odd_head_dim", 1e-4f}, Golden{"qwen3", 1e-4f},
                                           Golden{"moe", 1e-4f}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(TinyRouter, LogitsEqualHuggingFace) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/tiny/moe");
  const auto expected = open_safetensors(path / "expected.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  const std::vector<std::int32_t> ids = int32s(*expected, "input_ids");
  const std::size_t length = expected->tensors.at("input_ids").columns();
  for (const Isa isa : available_isas()) {
    const auto model = load_golden(path, isa);
    ASSERT_NE(model, nullptr);
    std::vector<std::vector<float>> router(model->config().num_hidden_layers);
    const ForwardTrace trace{.on_layer = {}, .on_router = [&](std::int64_t layer, std::span<const float> values) {
                               router[layer].insert(router[layer].end(), values.begin(), values.end());
                             }};
    for (std::size_t b = 0; b * length < ids.size(); ++b) {
      run_chunked(*model, std::span(ids).subspan(b * length, length), length, &trace);
    }
    for (std::size_t layer = 0; layer < router.size(); ++layer) {
      EXPECT_LE(max_abs_difference(router[layer], floats(*expected, "router_logits." + std::to_string(layer))), 1e-4f)
          << to_string(isa) << ", layer " << layer;
    }
  }
}

TEST(TinyWindow, AWindowThatNoLayerUsesChangesNoBit) {
  RETORT_SHARED_OR_SKIP(plain, "data/golden/tiny/plain");
  RETORT_SHARED_OR_SKIP(noop, "data/golden/tiny/window_noop");
  const auto expected = open_safetensors(plain / "expected.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  const std::vector<std::int32_t> ids = int32s(*expected, "input_ids");
  for (const Isa isa : available_isas()) {
    const auto a = load_golden(plain, isa);
    const auto b = load_golden(noop, isa);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(run_chunked(*a, ids, ids.size()), run_chunked(*b, ids, ids.size())) << to_string(isa);
  }
}

// The same weights as GGUF, whole and split.
class TinyGguf : public ::testing::TestWithParam<const char*> {};

TEST_P(TinyGguf, GivesThePlainLogits) {
  RETORT_SHARED_OR_SKIP(path, std::string("data/golden/gguf/") + GetParam());
  RETORT_SHARED_OR_SKIP(plain, "data/golden/tiny/plain");
  const auto expected = open_safetensors(plain / "expected.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  const std::vector<std::int32_t> ids = int32s(*expected, "input_ids");
  const std::size_t length = expected->tensors.at("input_ids").columns();
  for (const Isa isa : available_isas()) {
    const auto model = load_golden(path, isa);
    ASSERT_NE(model, nullptr);
    const auto got = run_chunked(*model, std::span(ids).first(length), length);
    EXPECT_LE(max_abs_difference(got, std::span<const float>(floats(*expected, "logits")).first(got.size())), 1e-4f);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TinyGguf,
                         ::testing::Values("tiny_plain_f32.gguf", "tiny_plain_split-00001-of-00003.gguf",
                                           "tiny_plain_split-00003-of-00003.gguf"));

}  // namespace
}  // namespace retort::testing
