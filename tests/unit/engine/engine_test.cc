// Many requests at once give each the bits that it gets alone: whatever the budget, the company, the hits of the prefix
// cache and the preemptions. On every instruction set that is here.
#include "engine/engine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "kernels/dispatch.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using Tokens = std::vector<std::int32_t>;

std::shared_ptr<const Model> load_packed(const std::filesystem::path& file, Isa isa, Quality quality = Quality::kFast) {
  auto checkpoint = Checkpoint::open(file.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  if (!checkpoint) return nullptr;
  auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **kernel_table(isa), quality);
  EXPECT_TRUE(model) << model.error().message();
  return model ? std::shared_ptr<const Model>(std::move(*model)) : nullptr;
}

EngineConfig small_engine(KvCacheType type = KvCacheType::kBf16) {
  EngineConfig config;
  config.memory.kv_cache_type = type;
  config.memory.kv_cache_memory = std::uint64_t{32} << 20;
  config.memory.max_model_len = 1024;
  config.memory.max_num_seqs = 8;
  config.memory.max_num_batched_tokens = 256;
  return config;
}

/// What is heard of a request.
struct Heard {
  Tokens tokens;
  std::vector<std::uint64_t> logprob_bits;
  int finishes = 0;
  EngineResult result;

  Engine::Callbacks callbacks() {
    return {[this](const SampledToken& token) {
              tokens.push_back(token.id);
              std::uint64_t bits;
              std::memcpy(&bits, &token.logprob, sizeof(bits));
              logprob_bits.push_back(bits);
              return OnToken::kContinue;
            },
            [this](const EngineResult& ended) {
              result = ended;
              ++finishes;
            }};
  }
};

EngineRequest random_request(std::mt19937& random, std::int64_t longest) {
  const auto below = [&](std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random); };
  EngineRequest request;
  GenerationRequest& g = request.generation;
  // Prompts begin alike, so that the prefix cache has something to find.
  const std::int64_t shared = below(longest);
  const std::int64_t more = 1 + below(40);
  for (std::int64_t i = 0; i < shared; ++i) g.prompt.push_back(static_cast<std::int32_t>((i * 31 + 7) % 96));
  for (std::int64_t i = 0; i < more; ++i) g.prompt.push_back(static_cast<std::int32_t>(below(96)));
  g.max_tokens = 1 + below(24);
  g.eos = GenerationRequest::Eos::kIgnore;
  g.sequence = below(1000);
  g.sampling.seed = below(1000);
  g.sampling.temperature = below(3) == 0 ? 0.0 : 0.8;
  g.sampling.top_p = 0.95;
  g.sampling.logprobs = 2;
  if (below(4) == 0) g.sampling.repetition_penalty = 1.1;
  if (below(4) == 0) g.forced_prefix = {5, 6, 7};
  request.priority = below(2);
  return request;
}

Heard alone(const std::shared_ptr<const Model>& model, EngineRequest request, const EngineConfig& config) {
  Heard heard;
  auto engine = Engine::create(model, config);
  EXPECT_TRUE(engine) << engine.error().message();
  const auto id = (*engine)->add(std::move(request), heard.callbacks());
  EXPECT_TRUE(id) << id.error().message();
  while ((*engine)->step()) {
  }
  return heard;
}

// Mixes of requests on the best instruction set, and requests in each. ThreadSanitizer is thirty times slower, and
// looks for other things.
#ifdef __SANITIZE_THREAD__
constexpr int kMixes = 2;
constexpr int kRequests = 10;
#else
constexpr int kMixes = 8;
constexpr int kRequests = 32;
#endif

// Those of this processor, and the plain twin of the one that has two recipes.
std::vector<Isa> isas_under_test() {
  std::vector<Isa> isas = available_isas();
  isas.push_back(Isa::kRefAmx);
  return isas;
}
bool is_plain(Isa isa) { return isa == Isa::kRef || isa == Isa::kRefAmx; }

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::write_random_gguf(file(), {})); }
  [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "random.gguf"; }
  testing::TempDir directory_;
};

TEST_F(EngineTest, AgreesWithThePlainLoop) {
  for (const Quality quality : {Quality::kExact, Quality::kFast}) {
    for (const Isa isa : {available_isas().front(), Isa::kRefAmx}) {
      const auto model = load_packed(file(), isa, quality);
      std::mt19937 random(1);
      for (int i = 0; i < (is_plain(isa) ? 2 : 6); ++i) {
        const EngineRequest request = random_request(random, 150);
        GenerationSession session(model, 1024);
        const auto expected = session.generate(request.generation, {}, CancelToken());
        ASSERT_TRUE(expected) << expected.error().message();
        EXPECT_EQ(alone(model, request, small_engine(model->kv_cache_type())).tokens, expected->output)
            << to_string(isa);
      }
    }
  }
}

TEST_F(EngineTest, BitsDoNotDependOnCompanyBudgetHitsOrPreemption) {
  std::int64_t preemptions = 0;
  std::int64_t cached = 0;
  for (const Isa isa : isas_under_test()) {
    const auto model = load_packed(file(), isa);
    const int mixes = is_plain(isa) ? 1 : kMixes;
    for (int mix = 0; mix < mixes; ++mix) {
      std::mt19937 random(100 + mix);
      const auto below = [&](std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random); };
      const KvCacheType type = kKvCacheTypes[mix % kKvCacheTypes.size()];
      std::vector<EngineRequest> requests;
      std::vector<Heard> expected;
      for (int i = 0; i < (is_plain(isa) ? 6 : kRequests); ++i) {
        requests.push_back(random_request(random, is_plain(isa) ? 70 : 200));
        expected.push_back(alone(model, requests.back(), small_engine(type)));
      }
      EngineConfig config = small_engine(type);
      config.memory.max_model_len = 320;
      config.memory.max_num_batched_tokens = std::array<std::int64_t, 4>{7, 33, 128, 512}[mix % 4];
      config.memory.max_num_seqs = mix % 3 == 0 ? 32 : 5;
      // Room for three long sequences at most: preemptions are certain.
      const KvLayouts layouts(model->config(), type);
      config.memory.kv_cache_memory = static_cast<std::uint64_t>(layouts.block_bytes(0) * layouts.layers() * (5 + mix));
      auto engine = Engine::create(model, config);
      ASSERT_TRUE(engine) << engine.error().message();
      std::vector<Heard> heard(requests.size());
      std::size_t added = 0;
      while (added < requests.size() || (*engine)->has_unfinished()) {
        for (std::int64_t n = below(4); n > 0 && added < requests.size(); --n, ++added) {
          const auto id = (*engine)->add(requests[added], heard[added].callbacks());
          ASSERT_TRUE(id) << id.error().message();
        }
        (*engine)->step();
        const Status integrity = (*engine)->check_integrity();
        ASSERT_TRUE(integrity) << integrity.error().message();
      }
      for (std::size_t i = 0; i < requests.size(); ++i) {
        EXPECT_EQ(heard[i].finishes, 1);
        EXPECT_EQ(heard[i].tokens, expected[i].tokens) << to_string(isa) << " mix " << mix << " request " << i;
        EXPECT_EQ(heard[i].logprob_bits, expected[i].logprob_bits)
            << to_string(isa) << " mix " << mix << " request " << i;
        EXPECT_EQ(heard[i].result.output, heard[i].tokens);
        cached += heard[i].result.cached_tokens;
      }
      preemptions += (*engine)->stats().num_preemptions;
    }
  }
  EXPECT_GT(preemptions, 0) << "no mix made a preemption: the test shows less than it says";
  EXPECT_GT(cached, 0);
}

TEST_F(EngineTest, AbortEndsARequestAndLeavesTheOthersTheirBits) {
  const auto model = load_packed(file(), available_isas().front());
  std::mt19937 random(5);
  EngineRequest kept = random_request(random, 100);
  EngineRequest dropped = random_request(random, 100);
  dropped.generation.max_tokens = 500;
  const Heard expected = alone(model, kept, small_engine());
  auto engine = Engine::create(model, small_engine());
  ASSERT_TRUE(engine);
  Heard one;
  Heard other;
  const auto id = (*engine)->add(dropped, other.callbacks());
  ASSERT_TRUE((*engine)->add(kept, one.callbacks()));
  for (int i = 0; i < 4; ++i) (*engine)->step();
  ASSERT_TRUE((*engine)->abort(*id));
  EXPECT_EQ(other.finishes, 1);
  EXPECT_EQ(other.result.finish_reason, FinishReason::kCancelled);
  EXPECT_FALSE((*engine)->abort(*id));
  while ((*engine)->step()) {
  }
  EXPECT_EQ(one.tokens, expected.tokens);
  EXPECT_EQ((*engine)->stats().num_running, 0);
}

TEST_F(EngineTest, ANonFiniteLogitEndsThatRequestNamingLayerAndToken) {
  const auto broken = directory_.path() / "broken.gguf";
  ASSERT_TRUE(testing::write_random_gguf(broken, {.broken_layer = 1}));
  const auto model = load_packed(broken, available_isas().front());
  auto engine = Engine::create(model, small_engine());
  ASSERT_TRUE(engine);
  std::mt19937 random(6);
  Heard heard;
  ASSERT_TRUE((*engine)->add(random_request(random, 20), heard.callbacks()));
  while ((*engine)->step()) {
  }
  EXPECT_EQ(heard.finishes, 1);
  EXPECT_EQ(heard.result.finish_reason, FinishReason::kError);
  ASSERT_TRUE(heard.result.error);
  EXPECT_NE(heard.result.error->message().find("layer 1"), std::string::npos) << heard.result.error->message();
  EXPECT_NE(heard.result.error->message().find("token 0"), std::string::npos) << heard.result.error->message();
  EXPECT_TRUE((*engine)->check_integrity());
}

TEST_F(EngineTest, DrainingFinishesWhatRunsAndDropsWhatWaits) {
  const auto model = load_packed(file(), available_isas().front());
  EngineConfig config = small_engine();
  config.memory.max_num_seqs = 1;
  auto engine = Engine::create(model, config);
  ASSERT_TRUE(engine);
  std::mt19937 random(7);
  Heard first;
  Heard second;
  CancelToken drain;
  EngineRequest request = random_request(random, 20);
  request.priority = 0;
  const auto callbacks = first.callbacks();
  ASSERT_TRUE((*engine)->add(request, {[&](const SampledToken& token) {
                                         drain.cancel();
                                         return callbacks.on_token(token);
                                       },
                                       callbacks.on_finish}));
  ASSERT_TRUE((*engine)->add(request, second.callbacks()));
  (*engine)->run(drain);
  EXPECT_EQ(first.result.finish_reason, FinishReason::kLength);
  EXPECT_EQ(static_cast<std::int64_t>(first.tokens.size()), request.generation.max_tokens);
  EXPECT_EQ(second.result.finish_reason, FinishReason::kCancelled);
}

TEST_F(EngineTest, TooLittleMemoryIsToldAtTheStart) {
  const auto model = load_packed(file(), available_isas().front());
  EngineConfig config = small_engine();
  config.memory.kv_cache_memory = 100'000;
  const auto small = Engine::create(model, config);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(small.error().message().find("lower --max-model-len"), std::string::npos) << small.error().message();
  config.memory.kv_cache_memory = std::uint64_t{1} << 50;
  const auto large = Engine::create(model, config);
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().message().find("--kv-cache-memory asks for"), std::string::npos) << large.error().message();
}

}  // namespace
}  // namespace retort
