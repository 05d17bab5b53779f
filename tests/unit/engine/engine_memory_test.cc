// What the engine takes this machine's memory to be, and what it says where that does not suffice.
#include "engine/engine_memory.h"

#include <gtest/gtest.h>

#include "kernels/dispatch.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(MachineMemoryTest, ACgroupsLimitCountsAndItsPageCacheDoesNot) {
  testing::TempDir root;
  EXPECT_FALSE(machine_memory(root.path()));
  std::filesystem::create_directories(root.path() / "proc");
  std::filesystem::create_directories(root.path() / "sys/fs/cgroup");
  root.write("proc/meminfo", "MemTotal:    8388608 kB\nMemFree:  1024 kB\nMemAvailable:    6291456 kB\n");
  const auto whole = machine_memory(root.path());
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->total, 8192 * kMiB);
  EXPECT_EQ(whole->available, 6144 * kMiB);

  const auto bytes = [](std::uint64_t mib) { return std::to_string(mib * kMiB) + "\n"; };
  root.write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(machine_memory(root.path())->total, 8192 * kMiB);
  root.write("sys/fs/cgroup/memory.max", bytes(2048));
  root.write("sys/fs/cgroup/memory.current", bytes(1500));
  EXPECT_EQ(machine_memory(root.path())->total, 2048 * kMiB);
  EXPECT_EQ(machine_memory(root.path())->available, 548 * kMiB);
  root.write("sys/fs/cgroup/memory.stat",
             "anon 12\ninactive_file " + bytes(900) + "active_file " + bytes(100) + "unevictable 0\n");
  EXPECT_EQ(machine_memory(root.path())->available, 1548 * kMiB);
  root.write("sys/fs/cgroup/memory.current", bytes(1));  // less than the cache, which is counted at another moment
  EXPECT_EQ(machine_memory(root.path())->available, 2048 * kMiB);
}

class EngineMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = directory_.path() / "random.gguf";
    ASSERT_TRUE(testing::write_random_gguf(file, {}));
    auto checkpoint = Checkpoint::open(file.string());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **kernel_table(Isa::kRef),
                             Quality::kFast);
    ASSERT_TRUE(model) << model.error().message();
    model_ = std::move(*model);
  }
  [[nodiscard]] std::string refusal(const EngineMemoryOptions& options, const MachineMemory& machine) const {
    const auto plan = plan_engine_memory(*model_, options, machine);
    EXPECT_FALSE(plan);
    if (plan) return {};
    EXPECT_EQ(plan.error().code(), ErrorCode::kExhausted);
    return plan.error().message();
  }
  testing::TempDir directory_;
  std::unique_ptr<Model> model_;
};

TEST_F(EngineMemoryTest, SaysWhichLimitItWasAndWhichFlagsHelp) {
  EngineMemoryOptions options{.max_num_seqs = 1, .max_num_batched_tokens = 64};
  const MachineMemory machine{.total = 8192 * kMiB, .available = 6144 * kMiB};
  ASSERT_TRUE(plan_engine_memory(*model_, options, machine));

  options.kv_cache_memory = 100'000;
  const std::string asked = refusal(options, machine);
  EXPECT_NE(asked.find("--kv-cache-memory gives"), std::string::npos) << asked;
  EXPECT_NE(asked.find("raise --kv-cache-memory"), std::string::npos) << asked;
  EXPECT_NE(asked.find("lower --max-model-len to 192 or less"), std::string::npos) << asked;
  EXPECT_NE(asked.find("smaller --kv-cache-dtype"), std::string::npos) << asked;
  options.least_model_len = 193;
  EXPECT_EQ(refusal(options, machine), asked) << "not even the least fits";
  options.least_model_len = 192;
  const auto shorter = plan_engine_memory(*model_, options, machine);
  ASSERT_TRUE(shorter) << shorter.error().message();
  EXPECT_EQ(shorter->max_model_len, 192);
  options.max_model_len = 200;
  EXPECT_FALSE(plan_engine_memory(*model_, options, machine)) << "what is asked for is not cut";
  options.max_model_len = 192;  // as it says
  EXPECT_TRUE(plan_engine_memory(*model_, options, machine));

  options = {.max_num_seqs = 1, .kv_cache_type = KvCacheType::kInt8};
  options.gpu_memory_utilization = 1e-9;
  const std::string share = refusal(options, machine);
  EXPECT_NE(share.find("raise --gpu-memory-utilization"), std::string::npos) << share;
  EXPECT_EQ(share.find("lower --max-model-len"), std::string::npos) << "not even one token fits: " << share;
  EXPECT_EQ(share.find("smaller --kv-cache-dtype"), std::string::npos) << "there is none: " << share;

  options = {.gpu_memory_utilization = 1, .max_num_seqs = 1};
  const std::string full = refusal(options, {.total = 8192 * kMiB, .available = 100 * kMiB});
  EXPECT_NE(full.find("free memory"), std::string::npos) << full;
  EXPECT_EQ(full.find("raise"), std::string::npos) << full;
}

}  // namespace
}  // namespace retort
