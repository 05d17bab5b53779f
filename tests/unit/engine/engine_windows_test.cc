// An engine whose sequences give blocks up: the same bits whatever runs beside a request, and blocks that are really
// free.
#include <gtest/gtest.h>
#include <random>

#include "engine/engine.h"
#include "engine/scoring.h"
#include "kernels/dispatch.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

constexpr std::int64_t kWindowBlock = kv_block_positions();

EngineConfig windowed_engine(const KvWindowOptions& window) {
  EngineConfig config;
  config.memory.kv_cache_type = KvCacheType::kBf16;
  config.memory.kv_cache_memory = std::uint64_t{32} << 20;
  config.memory.max_model_len = 1024;
  config.memory.max_num_seqs = 8;
  config.memory.max_num_batched_tokens = 64;
  config.kv_window = window;
  return config;
}

/// A random model's attention is spread out: half of its mass is all that can be asked for.
const KvWindowOptions kHalfOfTheMass{
    .mode = KvWindowMode::kDynamic, .mass = 0.5, .full_positions = 2 * kWindowBlock, .min_blocks = 1};
const KvWindowOptions kSinksAndTwoBlocks{.mode = KvWindowMode::kSinks, .size = 2 * kWindowBlock};
const KvWindowOptions kSinksInOneLayer{.mode = KvWindowMode::kSinks, .layers = {1}, .size = kWindowBlock};

EngineRequest long_request(std::mt19937& random, std::int64_t longest) {
  const auto below = [&](std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random); };
  EngineRequest request;
  GenerationRequest& g = request.generation;
  const std::int64_t shared = longest / 2 + below(longest / 2);
  for (std::int64_t i = 0; i < shared; ++i) g.prompt.push_back(static_cast<std::int32_t>((i * 31 + 7) % 96));
  for (std::int64_t i = 0; i < 40; ++i) g.prompt.push_back(static_cast<std::int32_t>(below(96)));
  g.max_tokens = 1 + below(80);
  g.eos = GenerationRequest::Eos::kIgnore;
  g.sampling.temperature = 0;
  g.sampling.logprobs = 1;
  request.priority = below(2);
  return request;
}

/// What is heard of a request.
struct Answer {
  std::vector<std::int32_t> tokens;
  std::vector<double> logprobs;
  EngineResult result;

  Engine::Callbacks callbacks() {
    return {[this](const SampledToken& token) {
              tokens.push_back(token.id);
              logprobs.push_back(token.logprob);
              return OnToken::kContinue;
            },
            [this](const EngineResult& ended) { result = ended; }};
  }
};

class EngineWindows : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = directory_.path() / "random.gguf";
    ASSERT_TRUE(testing::write_random_gguf(file, {}));
    auto checkpoint = Checkpoint::open(file.string());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    checkpoint_ = std::make_shared<const Checkpoint>(std::move(*checkpoint));
  }
  [[nodiscard]] std::shared_ptr<const Model> load(Isa isa) const {
    auto model = Model::load(checkpoint_, **kernel_table(isa), Quality::kFast);
    EXPECT_TRUE(model) << model.error().message();
    return std::shared_ptr<const Model>(std::move(*model));
  }
  /// The most blocks that are in use at a time goes to `peak`, in shares of the pool.
  static Answer answer_alone(const std::shared_ptr<const Model>& model, EngineRequest request,
                             const EngineConfig& config, double* peak = nullptr) {
    Answer answer;
    auto engine = Engine::create(model, config);
    EXPECT_TRUE(engine) << engine.error().message();
    EXPECT_TRUE((*engine)->add(std::move(request), answer.callbacks()));
    while ((*engine)->step()) {
      if (peak != nullptr) *peak = std::max(*peak, (*engine)->stats().kv_usage);
    }
    return answer;
  }

  testing::TempDir directory_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

TEST_F(EngineWindows, BlocksAreFreedDuringTheSequence) {
  const auto model = load(available_isas().front());
  std::mt19937 random(3);
  const EngineRequest request = long_request(random, 800);
  double full = 0;
  const Answer all = answer_alone(model, request, windowed_engine({.mode = KvWindowMode::kFull}), &full);
  EXPECT_EQ(answer_alone(model, request, windowed_engine({})).logprobs, all.logprobs);
  for (const KvWindowOptions& window : {kHalfOfTheMass, kSinksAndTwoBlocks, kSinksInOneLayer}) {
    double peak = 0;
    const Answer answer = answer_alone(model, request, windowed_engine(window), &peak);
    EXPECT_LT(peak, 0.9 * full) << to_string(window.mode);
    EXPECT_NE(answer.logprobs, all.logprobs) << to_string(window.mode);
  }
}

TEST_F(EngineWindows, AgreesWithScoringWhichFreesNothing) {
  const auto model = load(Isa::kRef);
  std::mt19937 random(4);
  EngineRequest request = long_request(random, 300);
  for (const KvWindowOptions& window : {kHalfOfTheMass, kSinksAndTwoBlocks, kSinksInOneLayer}) {
    const Answer answer = answer_alone(model, request, windowed_engine(window));
    std::vector<std::int32_t> text = request.generation.prompt;
    text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
    std::vector<KvHeld> held;
    const auto scored = token_logprobs(*model, KvCacheType::kBf16, text, CancelToken(), window, &held);
    ASSERT_TRUE(scored) << scored.error().message();
    const std::size_t first = request.generation.prompt.size() - 1;
    for (std::size_t i = 0; i < answer.logprobs.size(); ++i) {
      EXPECT_NEAR(answer.logprobs[i], (*scored)[first + i], 1e-5) << to_string(window.mode) << " token " << i;
    }
    EXPECT_LT(total(held).end, total(held).full);
    EXPECT_LE(total(held).end, total(held).peak);
    EXPECT_LT(total(held).mean, total(held).peak);
  }
}

TEST_F(EngineWindows, BitsDoNotDependOnCompanyBudgetHitsOrPreemption) {
  for (const KvWindowOptions& window : {kHalfOfTheMass, kSinksAndTwoBlocks, kSinksInOneLayer}) {
    std::int64_t preemptions = 0;
    std::int64_t cached = 0;
    for (const Isa isa : {available_isas().front(), Isa::kRefAmx}) {
      const auto model = load(isa);
      const bool plain = isa == Isa::kRefAmx;
      for (const std::int64_t budget : plain ? std::vector<std::int64_t>{96} : std::vector<std::int64_t>{7, 96, 512}) {
        std::mt19937 random(static_cast<std::uint32_t>(budget));
        std::vector<EngineRequest> requests;
        std::vector<Answer> expected;
        for (int i = 0; i < (plain ? 2 : 8); ++i) {
          requests.push_back(long_request(random, plain ? 200 : 400));
          expected.push_back(answer_alone(model, requests.back(), windowed_engine(window)));
        }
        EngineConfig config = windowed_engine(window);
        config.memory.max_num_batched_tokens = budget;
        config.memory.max_model_len = 640;
        // One sequence that keeps everything fits, and no second one.
        const KvLayouts layouts(model->config(), KvCacheType::kBf16);
        config.memory.kv_cache_memory = static_cast<std::uint64_t>(layouts.logical_block_bytes() * 11);
        auto engine = Engine::create(model, config);
        ASSERT_TRUE(engine) << engine.error().message();
        std::vector<Answer> answers(requests.size());
        for (std::size_t i = 0; i < requests.size(); ++i) {
          ASSERT_TRUE((*engine)->add(requests[i], answers[i].callbacks()));
          (*engine)->step();
        }
        while ((*engine)->step()) {
          const Status integrity = (*engine)->check_integrity();
          ASSERT_TRUE(integrity) << integrity.error().message();
        }
        for (std::size_t i = 0; i < requests.size(); ++i) {
          EXPECT_EQ(answers[i].tokens, expected[i].tokens) << to_string(window.mode) << " budget " << budget;
          EXPECT_EQ(answers[i].logprobs, expected[i].logprobs) << to_string(window.mode) << " budget " << budget;
          cached += answers[i].result.cached_tokens;
        }
        preemptions += (*engine)->stats().num_preemptions;
        EXPECT_EQ((*engine)->stats().kv_usage, 0);
      }
    }
    EXPECT_GT(preemptions, 0) << to_string(window.mode) << ": the test shows less than it says";
    EXPECT_EQ(cached > 0, window.mode == KvWindowMode::kSinks);
  }
}

TEST_F(EngineWindows, OptionsWithoutSenseAreRefused) {
  const auto model = load(available_isas().front());
  const auto engine = Engine::create(model, windowed_engine({.mode = KvWindowMode::kDynamic, .mass = 2}));
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message().find("--kv-window-mass"), std::string::npos);
  const auto layers =
      Engine::create(model, windowed_engine({.mode = KvWindowMode::kSinks, .layers = {99}, .size = 64}));
  ASSERT_FALSE(layers);
  EXPECT_NE(layers.error().message().find("--kv-window-layers"), std::string::npos);
}

}  // namespace
}  // namespace retort
