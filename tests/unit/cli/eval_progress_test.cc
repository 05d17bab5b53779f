// The line of a run's progress: what it says before the first answer is there, and how long it has to go.
#include "cli/eval_progress.h"

#include <gtest/gtest.h>

namespace retort::cli {
namespace {

TEST(EvalProgress, SaysWhatIsUnderWayUntilTheFirstAnswer) {
  const eval::RunProgress begun{.all = 800, .output_tokens = 960, .under_way = 32, .seconds = 6};
  EXPECT_EQ(eval_progress_line("gsm8k", begun), "gsm8k [..........] 0/800  32 under way  160 tokens/s");
}

TEST(EvalProgress, CountsHalfOfWhatIsUnderWay) {
  // 16 done and 32 half done in 60 s, 752 or so to go.
  const eval::RunProgress early{.done = 16, .all = 800, .score_sum = 8, .under_way = 32, .seconds = 60};
  EXPECT_EQ(eval_progress_line("t", early), "t [..........] 16/800  50.0% +- 24.5  24 min left");
  const eval::RunProgress resumed{
      .done = 416, .all = 800, .done_before = 400, .score_sum = 416, .failed = 1, .under_way = 32, .seconds = 60};
  EXPECT_EQ(eval_progress_line("t", resumed), "t [#####.....] 416/800  100.0% +- 0.0  1 failed  12 min left");
  const eval::RunProgress over{.done = 800, .all = 800, .score_sum = 0, .seconds = 60};
  EXPECT_EQ(eval_progress_line("t", over), "t [##########] 800/800  0.0% +- 0.0  0 s left");
}

}  // namespace
}  // namespace retort::cli
