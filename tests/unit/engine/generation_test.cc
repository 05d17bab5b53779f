// The generation loop on small made models: agreement with a plain loop, reuse, limits, stopping.
#include "engine/generation.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "engine/divergence.h"
#include "engine/scoring.h"
#include "kernels/dispatch.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort {
namespace {

using Ids = std::vector<std::int32_t>;

std::shared_ptr<const Model> load(const std::filesystem::path& folder) {
  auto checkpoint = Checkpoint::open(folder.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  if (!checkpoint) return nullptr;
  auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), *kernel_table(Isa::kRef).value(),
                           Quality::kExact);
  EXPECT_TRUE(model) << model.error().message();
  return model ? std::shared_ptr<const Model>(std::move(*model)) : nullptr;
}

class Generation : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testing::write_random_model(directory_.path(), options()));
    model_ = load(directory_.path());
    ASSERT_TRUE(model_);
  }
  virtual testing::TinyModel options() { return {}; }

  static Ids prompt(int length, int step = 7) {
    Ids ids(length);
    for (int i = 0; i < length; ++i) ids[i] = (i * step + 3) % 97;
    return ids;
  }
  GenerationResult generate(GenerationSession& session, const GenerationRequest& request) {
    seen_.clear();
    auto result = session.generate(
        request,
        [&](const SampledToken& token) {
          seen_.push_back(token);
          return OnToken::kContinue;
        },
        cancel_);
    EXPECT_TRUE(result) << result.error().message();
    return result ? *result : GenerationResult{};
  }
  GenerationResult fresh(const GenerationRequest& request, std::int64_t max_model_len = 0) {
    GenerationSession session(model_, max_model_len);
    return generate(session, request);
  }

  testing::TempDir directory_;
  std::shared_ptr<const Model> model_;
  CancelToken cancel_;
  std::vector<SampledToken> seen_;
};

TEST_F(Generation, AgreesWithAPlainLoop) {
  // 600 tokens: more than one chunk of the prompt.
  const Ids ids = prompt(600);
  const auto kv = make_sequence_kv(model_->config(), KvCacheType::kF32, 700);
  std::vector<float> hidden(model_->config().hidden_size);
  std::vector<float> logits(model_->config().vocab_size);
  Ids expected;
  for (std::size_t i = 0; i < ids.size() + 20; ++i) {
    const std::int32_t token = i < ids.size() ? ids[i] : expected.back();
    const SequenceChunk chunk{{&token, 1}, kv.get(), 0};
    ASSERT_TRUE(model_->forward({&chunk, 1}, hidden));
    model_->logits(hidden, logits);
    if (i + 1 >= ids.size()) {
      expected.push_back(static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
  }
  expected.resize(20);
  const GenerationResult result = fresh({.prompt = ids, .sampling = {.temperature = 0}, .max_tokens = 20});
  EXPECT_EQ(result.output, expected);
  EXPECT_EQ(result.finish_reason, FinishReason::kLength);
  EXPECT_GT(std::set<std::int32_t>(expected.begin(), expected.end()).size(), 3u);  // no fixed point: a real test
}

TEST_F(Generation, SameSeedSameTokensAndAnotherSeedOthers) {
  GenerationRequest request{.prompt = prompt(20), .sampling = {.temperature = 1, .seed = 5}, .max_tokens = 40};
  const Ids first = fresh(request).output;
  EXPECT_EQ(fresh(request).output, first);
  request.sampling.seed = 6;
  EXPECT_NE(fresh(request).output, first);
  request.sampling.seed = 5;
  request.sequence = 1;
  EXPECT_NE(fresh(request).output, first);
}

TEST_F(Generation, ASessionThatReusesGivesTheSameTokens) {
  GenerationSession session(model_, 0);
  Ids ids = prompt(30);
  for (int turn = 0; turn < 5; ++turn) {
    const GenerationRequest request{
        .prompt = ids, .sampling = {.temperature = 1, .seed = 9, .logprobs = 2}, .max_tokens = 25};
    const GenerationResult reused = generate(session, request);
    const auto reused_tokens = seen_;
    const GenerationResult again = fresh(request);
    ASSERT_EQ(reused.output, again.output) << turn;
    for (std::size_t i = 0; i < seen_.size(); ++i) EXPECT_EQ(seen_[i].logprob, reused_tokens[i].logprob);
    if (turn > 0) {
      EXPECT_GE(reused.reused_tokens, 20);
      EXPECT_LT(reused.reused_tokens, static_cast<std::int64_t>(ids.size()));
    }
    // Next turn: part of the answer is dropped, as templates drop thinking, and something new is asked.
    ids.insert(ids.end(), reused.output.begin(), reused.output.begin() + 5 * turn);
    const Ids more = prompt(10, 11 + turn);
    ids.insert(ids.end(), more.begin(), more.end());
  }
  // The same prompt once more: all but its last token is there.
  const GenerationRequest request{.prompt = ids, .sampling = {.temperature = 0}, .max_tokens = 1};
  generate(session, request);
  EXPECT_EQ(generate(session, request).reused_tokens, static_cast<std::int64_t>(ids.size()) - 1);
  // A shorter prompt, and one with nothing in common.
  EXPECT_EQ(generate(session, {.prompt = prompt(4), .max_tokens = 1}).reused_tokens, 3);
  EXPECT_EQ(generate(session, {.prompt = {96, 95}, .max_tokens = 1}).reused_tokens, 0);
}

TEST_F(Generation, ForcedPrefixComesFirstAndCounts) {
  GenerationRequest request{.prompt = prompt(12),
                            .forced_prefix = {5, 6, 7},
                            .sampling = {.temperature = 0},
                            .max_tokens = 10,
                            .stop_token_ids = {6}};  // stops nothing that is forced
  const GenerationResult plain = fresh(request);
  ASSERT_EQ(plain.output.size(), 10u);
  EXPECT_EQ(Ids(plain.output.begin(), plain.output.begin() + 3), (Ids{5, 6, 7}));
  EXPECT_EQ(seen_.size(), 10u);
  // With log-probabilities the forced tokens are run one by one: the same tokens, and the log-probabilities of scoring.
  request.sampling.logprobs = 0;
  EXPECT_EQ(fresh(request).output, plain.output);
  Ids all = request.prompt;
  all.insert(all.end(), plain.output.begin(), plain.output.end());
  const auto scored = token_logprobs(*model_, model_->kv_cache_type(), all, cancel_);
  ASSERT_TRUE(scored);
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    EXPECT_NEAR(seen_[i].logprob, (*scored)[request.prompt.size() - 1 + i], 1e-5) << i;
  }
  request.max_tokens = 2;
  EXPECT_EQ(fresh(request).output, (Ids{5, 6}));
}

TEST_F(Generation, StopsAtAStopTokenUnlessTold) {
  GenerationRequest request{.prompt = prompt(12), .sampling = {.temperature = 0}, .max_tokens = 30};
  const Ids all = fresh(request).output;
  // The first token that did not come before.
  std::size_t at = 3;
  while (std::find(all.begin(), all.begin() + at, all[at]) != all.begin() + at) ++at;
  request.stop_token_ids = {1'000'000, all[at]};
  const GenerationResult stopped = fresh(request);
  EXPECT_EQ(stopped.output, Ids(all.begin(), all.begin() + at));
  EXPECT_EQ(stopped.finish_reason, FinishReason::kStop);
  EXPECT_EQ(stopped.stop_token, all[at]);
  EXPECT_EQ(seen_.size(), at);
  request.eos = GenerationRequest::Eos::kIgnore;
  EXPECT_EQ(fresh(request).output, all);
}

TEST_F(Generation, TheCallerMayStopIt) {
  GenerationSession session(model_, 0);
  int calls = 0;
  const auto result = session.generate(
      {.prompt = prompt(5)}, [&](const SampledToken&) { return ++calls == 4 ? OnToken::kStop : OnToken::kContinue; },
      cancel_);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 4u);
  EXPECT_EQ(result->finish_reason, FinishReason::kStop);
  EXPECT_EQ(result->stop_token, -1);
}

TEST_F(Generation, CancelEndsItWithWhatThereIs) {
  GenerationSession session(model_, 0);
  int calls = 0;
  const auto on_token = [&](const SampledToken&) {
    if (++calls == 3) cancel_.cancel();
    return OnToken::kContinue;
  };
  const GenerationRequest request{.prompt = prompt(5), .sampling = {.temperature = 0}, .max_tokens = 20};
  const auto result = session.generate(request, on_token, cancel_);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 3u);
  EXPECT_EQ(result->finish_reason, FinishReason::kCancelled);
  const auto before = session.generate(request, on_token, cancel_);  // raised already: not even the prompt is run
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->output.empty());
  cancel_.reset();
  EXPECT_EQ(generate(session, request).output, fresh(request).output);  // and the session goes on as if nothing was
}

TEST_F(Generation, FillsTheContextToTheLastToken) {
  const GenerationRequest request{.prompt = prompt(60), .sampling = {.temperature = 0}};
  const GenerationResult result = fresh(request, 64);
  EXPECT_EQ(result.output.size(), 4u);
  EXPECT_EQ(result.finish_reason, FinishReason::kLength);
  GenerationSession whole(model_, 0);
  EXPECT_EQ(whole.max_model_len(), 2048);
  EXPECT_EQ(GenerationSession(model_, 100'000).max_model_len(), 2048);
  const GenerationResult to_the_end = generate(whole, {.prompt = prompt(2040), .sampling = {.temperature = 0}});
  EXPECT_EQ(to_the_end.output.size(), 8u);
}

TEST_F(Generation, RefusesWhatDoesNotFitWithBothNumbers) {
  GenerationSession session(model_, 1000);
  auto result = session.generate({.prompt = prompt(1500)}, nullptr, cancel_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kOutOfRange);
  EXPECT_NE(result.error().message().find("the prompt has 1,500 tokens and --max-model-len is 1,000"),
            std::string::npos)
      << result.error().message();
  EXPECT_NE(result.error().message().find("2,048"), std::string::npos);
  EXPECT_FALSE(session.generate({.prompt = prompt(1000)}, nullptr, cancel_));
  EXPECT_TRUE(session.generate({.prompt = prompt(999)}, nullptr, cancel_));
  EXPECT_FALSE(session.generate({.prompt = prompt(999), .forced_prefix = {1}}, nullptr, cancel_));
}

TEST_F(Generation, RefusesBadRequests) {
  GenerationSession session(model_, 0);
  EXPECT_EQ(session.generate({}, nullptr, cancel_).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(session.generate({.prompt = {97}}, nullptr, cancel_).error().code(), ErrorCode::kOutOfRange);
  EXPECT_EQ(session.generate({.prompt = {-1}}, nullptr, cancel_).error().code(), ErrorCode::kOutOfRange);
  EXPECT_EQ(session.generate({.prompt = {1}, .forced_prefix = {97}}, nullptr, cancel_).error().code(),
            ErrorCode::kOutOfRange);
  EXPECT_EQ(session.generate({.prompt = {1}, .sampling = {.top_p = 0}}, nullptr, cancel_).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(session.generate({.prompt = {1}, .max_tokens = 0}, nullptr, cancel_).error().code(),
            ErrorCode::kInvalidArgument);
}

class DynamicRopeGeneration : public Generation {
 protected:
  testing::TinyModel options() override {
    return {.rope_scaling = R"({"type": "dynamic", "factor": 4.0, "original_max_position_embeddings": 48})"};
  }
};

TEST_F(DynamicRopeGeneration, ReusesOnlyWhatAFreshStartWouldCompute) {
  GenerationSession session(model_, 0);
  Ids ids = prompt(10);
  for (int turn = 0; turn < 4; ++turn) {
    const GenerationRequest request{.prompt = ids, .sampling = {.temperature = 0, .logprobs = 0}, .max_tokens = 20};
    const GenerationResult reused = generate(session, request);
    const auto tokens = seen_;
    ASSERT_EQ(reused.output, fresh(request).output) << turn;
    for (std::size_t i = 0; i < seen_.size(); ++i) EXPECT_EQ(seen_[i].logprob, tokens[i].logprob) << turn;
    EXPECT_EQ(reused.reused_tokens > 0, turn == 1) << turn;  // 30 tokens fit the original 48; with turn 2 they do not
    ids.insert(ids.end(), reused.output.begin(), reused.output.end());
  }
}

// Every draw at its own position in the sequence, with penalties that know the prompt and the answer so far.
TEST_F(Generation, ASampledAnswerAgreesWithAPlainLoop) {
  const GenerationRequest request{.prompt = prompt(15),
                                  .sampling = {.temperature = 1.5,
                                               .repetition_penalty = 1.5,
                                               .presence_penalty = 0.5,
                                               .frequency_penalty = 1,
                                               .seed = 11},
                                  .max_tokens = 40,
                                  .sequence = 3};
  Ids sequence = request.prompt;
  TokenCounts counts(model_->config().vocab_size);
  counts.add_prompt(request.prompt);
  while (sequence.size() < 15 + 40) {
    const auto kv = make_sequence_kv(model_->config(), KvCacheType::kF32, 64);
    std::vector<float> hidden(sequence.size() * model_->config().hidden_size);
    std::vector<float> logits(model_->config().vocab_size);
    const SequenceChunk chunk{sequence, kv.get(), 0};
    ASSERT_TRUE(model_->forward({&chunk, 1}, hidden));
    model_->logits(std::span(hidden).last(model_->config().hidden_size), logits);
    const auto position = static_cast<std::uint32_t>(sequence.size());
    sequence.push_back(sample_token(logits, request.sampling, counts, request.sequence, position).id);
    counts.add_output(sequence.back());
  }
  EXPECT_EQ(fresh(request).output, Ids(sequence.begin() + 15, sequence.end()));
}

TEST_F(Generation, PerplexityThatIsInterruptedTellsOfTheWindowsThatAreDone) {
  const Ids ids = prompt(24);
  const KvCacheType kv = model_->kv_cache_type();
  const auto stop_after_two = [&](std::int64_t done, std::int64_t all) {
    EXPECT_EQ(all, 4);
    if (done == 2) cancel_.cancel();
  };
  const auto two = perplexity(*model_, kv, ids, 6, 2, {}, cancel_);
  const auto stopped = perplexity(*model_, kv, ids, 6, 0, stop_after_two, cancel_);
  ASSERT_TRUE(two && stopped);
  EXPECT_EQ(stopped->windows, 2);
  EXPECT_EQ(stopped->windows_wanted, 4);
  EXPECT_EQ(stopped->perplexity, two->perplexity);
  EXPECT_EQ(stopped->logprobs, two->logprobs);
  EXPECT_EQ(stopped->kv_held[0].mean, two->kv_held[0].mean);
  EXPECT_EQ(perplexity(*model_, kv, ids, 6, 0, {}, cancel_).error().code(), ErrorCode::kCancelled);

  cancel_.reset();
  const auto compared = divergence(*model_, *model_, kv, ids, 6, 0, stop_after_two, cancel_);
  ASSERT_TRUE(compared) << compared.error().message();
  EXPECT_EQ(compared->windows, 2);
  EXPECT_EQ(compared->all.predictions, 10);
  EXPECT_EQ(divergence(*model_, *model_, kv, ids, 6, 0, {}, cancel_).error().code(), ErrorCode::kCancelled);
}

TEST_F(Generation, PerplexityIsOverAllPredictionsAndOverTheSecondHalves) {
  const Ids ids = prompt(20);  // three windows of 6, and 2 tokens left over
  const auto result = perplexity(*model_, model_->kv_cache_type(), ids, 6, 0, {}, cancel_);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->windows, 3);
  EXPECT_EQ(result->tokens, 18);
  double all = 0;
  double second_halves = 0;
  for (std::size_t window = 0; window < 3; ++window) {
    const auto logprobs =
        token_logprobs(*model_, model_->kv_cache_type(), std::span(ids).subspan(6 * window, 6), cancel_);
    ASSERT_TRUE(logprobs);
    for (std::size_t i = 0; i < 5; ++i) all += (*logprobs)[i];
    second_halves += (*logprobs)[3] + (*logprobs)[4];
  }
  EXPECT_NEAR(result->perplexity, std::exp(-all / 15), 1e-9);
  EXPECT_NEAR(result->perplexity_second_half, std::exp(-second_halves / 6), 1e-9);
  EXPECT_EQ(perplexity(*model_, model_->kv_cache_type(), ids, 6, 2, {}, cancel_)->windows, 2);
  EXPECT_EQ(perplexity(*model_, model_->kv_cache_type(), ids, 3, 0, {}, cancel_).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(perplexity(*model_, model_->kv_cache_type(), ids, 21, 0, {}, cancel_).error().code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retort
