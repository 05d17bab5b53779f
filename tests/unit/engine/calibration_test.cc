// Importance: the mean squares of what the matrices meet, whatever the threads.
#include "engine/calibration.h"

#include <gtest/gtest.h>
#include <numeric>

#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort {
namespace {

TEST(Calibration, GathersMeanSquaresOfEveryInput) {
  const testing::TempDir folder;
  ASSERT_TRUE(testing::write_random_model(folder.path() / "m", {}));
  auto checkpoint = Checkpoint::open((folder.path() / "m").string());
  ASSERT_TRUE(checkpoint);
  const auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **default_kernel_table(),
                                 Quality::kExact);
  ASSERT_TRUE(model);
  std::vector<std::int32_t> ids(50);
  std::iota(ids.begin(), ids.end(), 5);
  const CancelToken never;
  ASSERT_TRUE(set_thread_count(1));
  const auto one = measure_importance(**model, ids, 16, {}, never);
  ASSERT_TRUE(set_thread_count(3));
  std::int64_t windows = 0;
  const auto three = measure_importance(
      **model, ids, 16, [&](std::int64_t done, std::int64_t all) { windows = done == all ? all : 0; }, never);
  ASSERT_TRUE(one && three);
  EXPECT_EQ(windows, 4);
  EXPECT_TRUE(*one == *three);
  EXPECT_EQ(one->size(), 2u * 7 + 1);
  for (const auto& [name, columns] : *one) {
    EXPECT_EQ(columns.size(), name.ends_with("down_proj.weight") ? 48u : 32u) << name;
    EXPECT_NEAR(std::accumulate(columns.begin(), columns.end(), 0.0f) / static_cast<float>(columns.size()), 1.0f,
                1e-3f);
  }

  // The head's input is what forward() gives: against sums of its own, a window at a time.
  std::vector<double> sums(32, 0.0);
  for (std::size_t first = 0; first < ids.size(); first += 16) {
    const auto tokens = std::span(ids).subspan(first, std::min<std::size_t>(16, ids.size() - first));
    const auto kv = make_sequence_kv((*model)->config(), KvCacheType::kF32, 16);
    std::vector<float> hidden(tokens.size() * 32);
    const SequenceChunk chunk{tokens, kv.get(), 0};
    ASSERT_TRUE((*model)->forward({&chunk, 1}, hidden));
    for (std::size_t i = 0; i < hidden.size(); ++i) sums[i % 32] += static_cast<double>(hidden[i]) * hidden[i];
  }
  const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / 32;
  const std::vector<float>& head = one->at("lm_head.weight");
  for (std::size_t i = 0; i < 32; ++i) EXPECT_NEAR(head[i], sums[i] / mean, 1e-5) << i;

  testing::expect_error(measure_importance(**model, {}, 16, {}, never), ErrorCode::kInvalidArgument, {"empty"});
}

}  // namespace
}  // namespace retort
