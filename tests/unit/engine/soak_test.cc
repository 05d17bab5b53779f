// The engine on the real 0.5B under random load (soak_load.h says of what): nothing leaks, no block is lost, and the
// same request has the same tokens every time. Some 20 seconds; RETORT_SOAK_SECONDS=600 goes on for that long, with a
// fresh seed, which is printed. RETORT_SOAK_KV_CACHE_DTYPE takes another cache than bf16.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <malloc.h>
#include <random>
#include <sstream>
#include <string>

#include "kernels/dispatch.h"
#include "soak_load.h"
#include "testing/shared_data.h"

namespace retort::testing {
namespace {

constexpr double kSecondsByDefault = 20;

// Anonymous memory of the process, in MiB, after giving back what malloc only keeps for later. Pages of the mapped
// checkpoint come and go as the system likes, and no leak is among them.
double anonymous_mib() {
  malloc_trim(0);
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("RssAnon:")) continue;
    double kib = 0;
    std::istringstream(line.substr(8)) >> kib;
    return kib / 1024;
  }
  return 0;
}

std::shared_ptr<const Model> load_fast(const std::filesystem::path& file) {
  auto checkpoint = Checkpoint::open(file.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  if (!checkpoint) return nullptr;
  auto model =
      Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **default_kernel_table(), Quality::kFast);
  EXPECT_TRUE(model) << model.error().message();
  return model ? std::shared_ptr<const Model>(std::move(*model)) : nullptr;
}

KvCacheType chosen_cache() {
  const char* chosen = std::getenv("RETORT_SOAK_KV_CACHE_DTYPE");
  for (const KvCacheType type : kKvCacheTypes) {
    if (chosen != nullptr && chosen == std::string(to_string(type))) return type;
  }
  EXPECT_EQ(chosen, nullptr) << "RETORT_SOAK_KV_CACHE_DTYPE must be f32, bf16, fp8_e4m3 or int8";
  return KvCacheType::kBf16;
}

// Room for 30 blocks of 64 positions, where ten sequences of up to 650 tokens can want 110.
EngineConfig crowded(const Model& model) {
  EngineConfig config;
  config.memory.kv_cache_type = chosen_cache();
  config.memory.kv_cache_memory =
      static_cast<std::uint64_t>(30 * KvLayouts(model.config(), config.memory.kv_cache_type).logical_block_bytes());
  config.memory.max_model_len = 768;
  config.memory.max_num_seqs = 10;
  config.memory.max_num_batched_tokens = 256;
  return config;
}

TEST(EngineSoak, RandomLoadLeaksNothingAndLosesNoBlock) {
  RETORT_REAL_OR_SKIP(file, "0.5b");
  const char* chosen = std::getenv("RETORT_SOAK_SECONDS");
  const double seconds = chosen ? std::atof(chosen) : kSecondsByDefault;
  std::random_device device;
  const std::uint64_t seed = chosen ? std::uint64_t{device()} << 32 | device() : 1;
  const auto model = load_fast(file);
  ASSERT_TRUE(model);
  auto engine = Engine::create(model, crowded(*model));
  ASSERT_TRUE(engine) << engine.error().message();

  SoakLoad load(**engine, seed);
  // At the end of each round behind a third of the time, and behind the first four, when nobody has anything.
  std::vector<double> resident;
  const auto start = std::chrono::steady_clock::now();
  const auto now = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  while (now() < seconds || resident.size() < 3) {
    ASSERT_EQ(load.round(), "") << "seed " << seed << ", round " << load.counts().rounds;
    if (now() > seconds / 3 && load.counts().rounds > 4) resident.push_back(anonymous_mib());
  }

  const SoakCounts& counts = load.counts();
  const SchedulerStats stats = (*engine)->stats();
  std::printf(
      "%s, seed %lu: %ld rounds of %ld requests and %ld probes in %.0f s, %ld steps; %ld aborted, %ld stopped, "
      "%ld run again alone; %ld preemptions, %ld of %ld tokens cached, %ld evictions\n",
      std::string(to_string(chosen_cache())).c_str(), seed, counts.rounds, counts.requests, counts.probes, now(),
      counts.steps, counts.aborted, counts.stopped, counts.replays, stats.num_preemptions, stats.prefix.hits,
      stats.prefix.queries, stats.prefix.evictions);
  const auto [least, most] = std::ranges::minmax(resident);
  std::printf("anonymous memory: %.2f to %.2f MiB, %.2f after warming up, %.2f at the end\n", least, most,
              resident.front(), resident.back());
  for (const double mib : resident) std::printf(" %.2f", mib);
  std::printf("\n");
  // That it meets what it is for.
  EXPECT_GT(stats.num_preemptions, 0);
  EXPECT_GT(stats.prefix.hits, 0);
  EXPECT_GT(stats.prefix.evictions, 0);
  EXPECT_GT(counts.aborted, 0);
  // Nowhere behind the warm-up more than 1% apart: neither a slow rise nor a peak that goes again.
  EXPECT_LE(most, least * 1.01);
}

}  // namespace
}  // namespace retort::testing
