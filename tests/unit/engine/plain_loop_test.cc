// The engine gives the tokens of the plain loop (engine/generation.h), which knows neither blocks that are shared nor
// budgets: for every dtype of the KV cache, however a prompt is cut, and over the turns of a conversation.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "kernels/dispatch.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using Ids = std::vector<std::int32_t>;

std::shared_ptr<const Model> load_random(const std::filesystem::path& file, Quality quality) {
  auto checkpoint = Checkpoint::open(file.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  if (!checkpoint) return nullptr;
  auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)),
                           **kernel_table(available_isas().front()), quality);
  EXPECT_TRUE(model) << model.error().message();
  return model ? std::shared_ptr<const Model>(std::move(*model)) : nullptr;
}

// As run and chat have it: one request at a time.
std::unique_ptr<Engine> one_at_a_time(const std::shared_ptr<const Model>& model, KvCacheType type,
                                      std::int64_t max_num_batched_tokens) {
  EngineConfig config;
  config.memory.kv_cache_type = type;
  config.memory.max_model_len = 1024;
  config.memory.max_num_seqs = 1;
  config.memory.max_num_batched_tokens = max_num_batched_tokens;
  config.tell_memory_at = LogLevel::kDebug;
  auto engine = Engine::create(model, config);
  EXPECT_TRUE(engine) << engine.error().message();
  return engine ? std::move(*engine) : nullptr;
}

EngineResult run_alone(Engine& engine, const GenerationRequest& generation) {
  EngineRequest request;
  request.generation = generation;
  EngineResult result;
  const auto id = engine.add(std::move(request), {{}, [&](const EngineResult& ended) { result = ended; }});
  EXPECT_TRUE(id) << id.error().message();
  while (engine.step()) {
  }
  return result;
}

// Longer than one block and than two, greedy and sampled, with a penalty, a forced beginning and log-probabilities.
std::vector<GenerationRequest> some_requests() {
  std::vector<GenerationRequest> requests;
  for (const int length : {65, 200}) {
    for (const double temperature : {0.0, 0.9}) {
      GenerationRequest request;
      for (int i = 0; i < length; ++i) request.prompt.push_back((i * 37 + length) % 96);
      request.max_tokens = 20;
      request.eos = GenerationRequest::Eos::kIgnore;
      request.sampling.temperature = temperature;
      request.sampling.top_p = 0.95;
      request.sampling.seed = 11;
      request.sequence = requests.size();
      if (length == 200) request.sampling.repetition_penalty = 1.2;
      if (temperature > 0) request.forced_prefix = {4, 5, 6};
      if (length == 65) request.sampling.logprobs = 1;
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

class PlainLoop : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::write_random_gguf(file(), {})); }
  [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "random.gguf"; }
  testing::TempDir directory_;
};

TEST_F(PlainLoop, GivesTheEnginesTokensForEveryDtypeAndBudget) {
  const std::vector<GenerationRequest> requests = some_requests();
  for (const Quality quality : {Quality::kExact, Quality::kFast}) {
    const auto model = load_random(file(), quality);
    ASSERT_TRUE(model);
    for (const KvCacheType type : kKvCacheTypes) {
      GenerationSession session(model, 1024, type);
      std::vector<Ids> expected;
      for (const GenerationRequest& request : requests) {
        const auto answer = session.generate(request, {}, CancelToken());
        ASSERT_TRUE(answer) << answer.error().message();
        expected.push_back(answer->output);
      }
      for (const std::int64_t budget : {1, 63, 64, 65, 256}) {
        const auto engine = one_at_a_time(model, type, budget);
        ASSERT_TRUE(engine);
        for (std::size_t i = 0; i < requests.size(); ++i) {
          EXPECT_EQ(run_alone(*engine, requests[i]).output, expected[i])
              << to_string(type) << ", " << budget << " tokens a step, request " << i;
        }
      }
    }
  }
}

TEST_F(PlainLoop, GivesTheEnginesTokensTurnByTurn) {
  const auto model = load_random(file(), Quality::kFast);
  ASSERT_TRUE(model);
  for (GenerationRequest request : some_requests()) {
    const auto engine = one_at_a_time(model, model->kv_cache_type(), 100);
    ASSERT_TRUE(engine);
    GenerationSession session(model, 1024);
    for (int turn = 0; turn < 3; ++turn) {
      const auto expected = session.generate(request, {}, CancelToken());
      ASSERT_TRUE(expected) << expected.error().message();
      const EngineResult result = run_alone(*engine, request);
      EXPECT_EQ(result.output, expected->output) << "turn " << turn;
      EXPECT_GE(result.cached_tokens, turn == 0 ? 0 : kv_block_positions());
      EXPECT_EQ(result.cached_tokens % kv_block_positions(), 0);
      request.prompt.insert(request.prompt.end(), result.output.begin(), result.output.end());
      for (int i = 0; i < 30; ++i) request.prompt.push_back((i * 11 + turn) % 96);
    }
    EXPECT_GT(engine->stats().prefix.hits, 0);
    EXPECT_TRUE(engine->check_integrity());
  }
}

}  // namespace
}  // namespace retort
