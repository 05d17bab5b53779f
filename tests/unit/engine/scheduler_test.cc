// The scheduler's behaviours, one by one. scheduler_simulation_test.cc has them all at once.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

constexpr std::int64_t kTokensPerBlock = kv_block_positions();

class SchedulerTest : public ::testing::Test {
 protected:
  // One layer, so that a block is a logical block.
  Scheduler make(std::int64_t blocks, const SchedulerConfig& config) {
    BlockPoolConfig pool;
    pool.class_blocks = {blocks};
    pool.layer_class = {0};
    return std::move(Scheduler::create(config, std::move(BlockPool::create(pool).value())).value());
  }
  // Prompts differ by their id unless `first` says otherwise.
  static SchedulerRequest request(SequenceId id, std::int64_t prompt, std::int64_t max_tokens,
                                  std::int64_t priority = 0) {
    SchedulerRequest made;
    made.id = id;
    made.prompt.assign(prompt, static_cast<std::int32_t>(id));
    made.max_tokens = max_tokens;
    made.priority = priority;
    return made;
  }
  static std::vector<FinishedSequence> commit(Scheduler& scheduler, const StepPlan& plan) {
    static constexpr std::int32_t kToken = 9;
    std::vector<StepOutput> outputs;
    for (const StepItem& item : plan.items) {
      if (item.logits == Logits::kOfLastToken) outputs.push_back({item.id, {&kToken, 1}, StepOutput::Then::kGoOn});
    }
    auto finished = scheduler.commit(plan, outputs);
    const Status status = scheduler.check_integrity();
    EXPECT_TRUE(status) << status.error().message();
    return finished;
  }
  // One step; (id, count) of its items.
  using Counts = std::vector<std::pair<SequenceId, std::int64_t>>;
  Counts step(Scheduler& scheduler) {
    const StepPlan plan = scheduler.schedule();
    preempted_ = plan.preempted;
    Counts counts;
    for (const StepItem& item : plan.items) counts.emplace_back(item.id, item.count);
    finished_ = commit(scheduler, plan);
    return counts;
  }
  std::vector<SequenceId> preempted_;
  std::vector<FinishedSequence> finished_;
};

TEST_F(SchedulerTest, APromptIsComputedInChunksOfTheBudget) {
  Scheduler scheduler = make(10, {.max_num_batched_tokens = 60});
  ASSERT_TRUE(scheduler.add(request(1, 130, 2)));
  const StepPlan plan = scheduler.schedule();
  ASSERT_EQ(plan.items.size(), 1U);
  EXPECT_EQ(plan.items[0].logits, Logits::kUnwanted);
  commit(scheduler, plan);
  EXPECT_EQ(step(scheduler), (Counts{{1, 60}}));
  EXPECT_EQ(step(scheduler), (Counts{{1, 10}}));
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}}));
  ASSERT_EQ(finished_.size(), 1U);
  EXPECT_EQ(finished_[0].reason, FinishReason::kLength);
  EXPECT_EQ(finished_[0].output, (std::vector<std::int32_t>{9, 9}));
  EXPECT_FALSE(scheduler.has_unfinished());
  EXPECT_TRUE(scheduler.schedule().items.empty());
}

TEST_F(SchedulerTest, ADecodeComesBeforeAnOlderPrompt) {
  Scheduler scheduler = make(20, {.max_num_batched_tokens = 10});
  ASSERT_TRUE(scheduler.add(request(1, 100, 5)));
  ASSERT_TRUE(scheduler.add(request(2, 1, 5, -1)));
  EXPECT_EQ(step(scheduler), (Counts{{2, 1}, {1, 9}}));
  EXPECT_EQ(step(scheduler), (Counts{{2, 1}, {1, 9}}));
  // Not by its priority: a decode of a less urgent one comes first as well.
  Scheduler other = make(20, {.max_num_batched_tokens = 10});
  ASSERT_TRUE(other.add(request(1, 1, 5, 1)));
  step(other);
  ASSERT_TRUE(other.add(request(2, 100, 5, 0)));
  EXPECT_EQ(step(other), (Counts{{1, 1}, {2, 9}}));
  EXPECT_EQ(step(other), (Counts{{1, 1}, {2, 9}}));
}

TEST_F(SchedulerTest, WaitingOnesBeginByPriorityThenArrival) {
  Scheduler scheduler = make(20, {.max_num_batched_tokens = 100, .max_num_seqs = 3});
  ASSERT_TRUE(scheduler.add(request(1, 5, 5, 1)));
  ASSERT_TRUE(scheduler.add(request(2, 5, 5, 0)));
  ASSERT_TRUE(scheduler.add(request(3, 5, 5, 0)));
  ASSERT_TRUE(scheduler.add(request(4, 5, 5, -1)));
  EXPECT_EQ(step(scheduler), (Counts{{4, 5}, {2, 5}, {3, 5}}));
}

TEST_F(SchedulerTest, ALongPromptLeavesBudgetToOthers) {
  Scheduler scheduler = make(20, {.max_num_batched_tokens = 100, .long_prefill_token_threshold = 30});
  ASSERT_TRUE(scheduler.add(request(1, 300, 5)));
  ASSERT_TRUE(scheduler.add(request(2, 50, 5)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 30}, {2, 30}}));
  EXPECT_EQ(step(scheduler), (Counts{{1, 30}, {2, 20}}));
}

TEST_F(SchedulerTest, NobodyOvertakesTheFirstThatFindsNoBlocks) {
  Scheduler scheduler = make(4, {});
  ASSERT_TRUE(scheduler.add(request(1, 130, 5)));
  ASSERT_TRUE(scheduler.add(request(2, 130, 5)));
  ASSERT_TRUE(scheduler.add(request(3, 5, 5)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 130}}));
  EXPECT_EQ(scheduler.stats().num_waiting, 2);
}

TEST_F(SchedulerTest, WithoutBlocksTheNewestOfTheLowestPriorityIsPreempted) {
  Scheduler scheduler = make(3, {});
  ASSERT_TRUE(scheduler.add(request(1, 64, 20)));
  ASSERT_TRUE(scheduler.add(request(2, 64, 20)));
  ASSERT_TRUE(scheduler.add(request(3, 60, 3)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 64}, {2, 64}, {3, 60}}));
  // 1 and 2 need their second blocks: 3 gives one, 2 finds none but its own.
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}}));
  EXPECT_EQ(preempted_, (std::vector<SequenceId>{3, 2}));
  EXPECT_EQ(scheduler.stats().num_preemptions, 2);
  // 2 is in front of 3, and keeps its token; one of its blocks is still cached, one was taken by 1 and is missing.
  EXPECT_EQ(scheduler.tokens(2).size(), 65U);
  EXPECT_EQ(scheduler.stats().num_waiting, 2);
}

TEST_F(SchedulerTest, AStepThatHadToPreemptAdmitsNobody) {
  Scheduler scheduler = make(3, {});
  ASSERT_TRUE(scheduler.add(request(1, 64, 20)));
  ASSERT_TRUE(scheduler.add(request(2, 100, 20, 2)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 64}, {2, 100}}));
  ASSERT_TRUE(scheduler.add(request(3, 5, 5, 1)));
  // 1 takes a block from 2. There is one left, which 3 gets only in the next step.
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}}));
  EXPECT_EQ(preempted_, (std::vector<SequenceId>{2}));
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}, {3, 5}}));
}

TEST_F(SchedulerTest, APreemptedSequenceKeepsItsOutputAndFindsItsBlocks) {
  Scheduler scheduler = make(4, {});
  ASSERT_TRUE(scheduler.add(request(1, 100, 80)));
  ASSERT_TRUE(scheduler.add(request(2, 100, 40)));
  std::vector<std::int64_t> firsts;
  std::size_t preemptions = 0;
  for (int i = 0; i < 400 && scheduler.has_unfinished(); ++i) {
    const StepPlan plan = scheduler.schedule();
    preemptions += plan.preempted.size();
    for (const StepItem& item : plan.items) {
      if (item.id == 2 && item.count > 1) firsts.push_back(item.first);
    }
    for (const FinishedSequence& finished : commit(scheduler, plan)) {
      EXPECT_EQ(finished.output.size(), finished.id == 1 ? 80U : 40U);
      EXPECT_EQ(finished.preemptions, finished.id == 1 ? 0 : 1);
    }
  }
  EXPECT_EQ(preemptions, 1U);
  EXPECT_EQ(firsts, (std::vector<std::int64_t>{0, 64}));
}

TEST_F(SchedulerTest, APreemptedSequenceGivesItsPartOfTheBudgetBack) {
  Scheduler scheduler = make(3, {.max_num_batched_tokens = 70});
  ASSERT_TRUE(scheduler.add(request(1, 10, 20, 1)));
  step(scheduler);
  ASSERT_TRUE(scheduler.add(request(2, 150, 4, 0)));
  // The decode was planned first; then there is no third block for it beside the prompt's.
  EXPECT_EQ(step(scheduler), (Counts{{2, 70}}));
  EXPECT_EQ(preempted_, (std::vector<SequenceId>{1}));
}

TEST_F(SchedulerTest, AnUrgentArrivalTakesThePlaceOfALessUrgentOne) {
  Scheduler scheduler = make(20, {.max_num_seqs = 1});
  ASSERT_TRUE(scheduler.add(request(1, 5, 5, 1)));
  step(scheduler);
  ASSERT_TRUE(scheduler.add(request(2, 5, 1, 1)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}}));
  ASSERT_TRUE(scheduler.add(request(3, 5, 1, 0)));
  EXPECT_EQ(step(scheduler), (Counts{{3, 5}}));
  EXPECT_EQ(preempted_, (std::vector<SequenceId>{1}));
  // And it comes back before the one that has waited, but came later.
  EXPECT_EQ(step(scheduler), (Counts{{1, 7}}));
}

TEST_F(SchedulerTest, AnUrgentArrivalPreemptsNobodyWhereThatDoesNotHelp) {
  Scheduler scheduler = make(4, {});
  ASSERT_TRUE(scheduler.add(request(1, 130, 50, 0)));
  ASSERT_TRUE(scheduler.add(request(2, 10, 50, 1)));
  step(scheduler);
  ASSERT_TRUE(scheduler.add(request(3, 100, 5, -0)));
  ASSERT_TRUE(scheduler.add(request(4, 200, 5, 0)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 1}, {2, 1}}));
  EXPECT_TRUE(preempted_.empty());
}

TEST_F(SchedulerTest, APrefixIsComputedOnce) {
  Scheduler scheduler = make(20, {});
  ASSERT_TRUE(scheduler.add(request(1, 200, 1)));
  step(scheduler);
  SchedulerRequest same = request(2, 200, 1);
  same.prompt.assign(200, 1);
  ASSERT_TRUE(scheduler.add(same));
  EXPECT_EQ(step(scheduler), (Counts{{2, 8}}));
  EXPECT_EQ(finished_.at(0).cached_tokens, 192);
  EXPECT_EQ(scheduler.stats().prefix.queries, 400);
  EXPECT_EQ(scheduler.stats().prefix.hits, 192);
}

TEST_F(SchedulerTest, WithoutPrefixCachingNothingIsFound) {
  Scheduler scheduler = make(20, {.enable_prefix_caching = SchedulerConfig::PrefixCaching::kOff});
  for (SequenceId id = 1; id <= 2; ++id) {
    SchedulerRequest same = request(id, 200, 1);
    same.prompt.assign(200, 1);
    ASSERT_TRUE(scheduler.add(same));
    EXPECT_EQ(step(scheduler), (Counts{{id, 200}}));
  }
  EXPECT_EQ(scheduler.stats().prefix.queries, 0);
}

TEST_F(SchedulerTest, TheCallerCanStopWithOrWithoutALastToken) {
  Scheduler scheduler = make(20, {});
  ASSERT_TRUE(scheduler.add(request(1, 5, 9)));
  ASSERT_TRUE(scheduler.add(request(2, 5, 9)));
  const StepPlan plan = scheduler.schedule();
  const std::vector<std::int32_t> two = {7, 8};
  const StepOutput outputs[] = {{1, two, StepOutput::Then::kStop}, {2, {}, StepOutput::Then::kStop}};
  const auto finished = scheduler.commit(plan, outputs);
  ASSERT_EQ(finished.size(), 2U);
  EXPECT_EQ(finished[0].output, two);
  EXPECT_EQ(finished[0].reason, FinishReason::kStop);
  EXPECT_TRUE(finished[1].output.empty());
  EXPECT_EQ(scheduler.pool().used_blocks(), 0);
}

TEST_F(SchedulerTest, TokensBeyondTheLimitAreCutAndDoNotStop) {
  Scheduler scheduler = make(20, {});
  ASSERT_TRUE(scheduler.add(request(1, 5, 2)));
  const StepPlan plan = scheduler.schedule();
  const std::vector<std::int32_t> three = {7, 8, 9};
  const StepOutput output{1, three, StepOutput::Then::kStop};
  const auto finished = scheduler.commit(plan, {&output, 1});
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].output, (std::vector<std::int32_t>{7, 8}));
  EXPECT_EQ(finished[0].reason, FinishReason::kLength);
}

TEST_F(SchedulerTest, SeveralTokensAtOnceAreComputedInTheNextStep) {
  Scheduler scheduler = make(20, {});
  ASSERT_TRUE(scheduler.add(request(1, 5, 9)));
  const StepPlan plan = scheduler.schedule();
  const std::vector<std::int32_t> three = {7, 8, 9};
  const StepOutput output{1, three, StepOutput::Then::kGoOn};
  scheduler.commit(plan, {&output, 1});
  EXPECT_EQ(step(scheduler), (Counts{{1, 3}}));
}

TEST_F(SchedulerTest, AnAbortedOnesIdMayComeAgainWithinAStep) {
  Scheduler scheduler = make(20, {});
  ASSERT_TRUE(scheduler.add(request(1, 5, 9)));
  const StepPlan plan = scheduler.schedule();
  EXPECT_EQ(scheduler.abort(1).value().reason, FinishReason::kCancelled);
  EXPECT_EQ(scheduler.abort(1).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(scheduler.add(request(1, 6, 9)));
  commit(scheduler, plan);
  EXPECT_EQ(scheduler.num_computed(1), 0);
  EXPECT_EQ(step(scheduler), (Counts{{1, 6}}));
}

TEST_F(SchedulerTest, BlocksOfAFailedSequenceAreNotFound) {
  Scheduler scheduler = make(20, {.max_num_batched_tokens = 128});
  ASSERT_TRUE(scheduler.add(request(1, 200, 9)));
  step(scheduler);
  EXPECT_EQ(scheduler.finish(1, FinishReason::kError).value().reason, FinishReason::kError);
  ASSERT_TRUE(scheduler.add(request(1, 200, 9)));
  EXPECT_EQ(step(scheduler), (Counts{{1, 128}}));
  EXPECT_EQ(scheduler.stats().prefix.hits, 0);
}

TEST_F(SchedulerTest, RefusesWhatCanNeverRun) {
  Scheduler scheduler = make(2, {.max_model_len = 200});
  const Status too_long = scheduler.add(request(1, 200, 1));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code(), ErrorCode::kOutOfRange);
  EXPECT_NE(too_long.error().message().find("has 200 tokens and --max-model-len is 200"), std::string::npos);
  // 128 positions: the last token of 129 is never computed.
  EXPECT_TRUE(scheduler.add(request(1, 28, 101)));
  const Status too_big = scheduler.add(request(2, 28, 102));
  ASSERT_FALSE(too_big);
  EXPECT_EQ(too_big.error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(scheduler.add(request(1, 5, 1)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(scheduler.add(request(3, 0, 1)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(scheduler.add(request(3, 5, 0)).error().code(), ErrorCode::kInvalidArgument);
  SchedulerRequest salted = request(3, 5, 1);
  salted.cache_salt.assign(1025, 'x');
  EXPECT_EQ(scheduler.add(salted).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(scheduler.stats().num_waiting, 1);
}

TEST_F(SchedulerTest, CountsWhatItDoes) {
  Scheduler scheduler = make(10, {});
  ASSERT_TRUE(scheduler.add(request(1, 2 * kTokensPerBlock, 9)));
  EXPECT_EQ(scheduler.stats().num_waiting, 1);
  step(scheduler);
  step(scheduler);
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.num_running, 1);
  EXPECT_EQ(stats.num_waiting, 0);
  EXPECT_EQ(stats.prompt_tokens, 128);
  EXPECT_EQ(stats.generation_tokens, 2);
  EXPECT_DOUBLE_EQ(stats.kv_usage, 0.3);
}

}  // namespace
}  // namespace retort
