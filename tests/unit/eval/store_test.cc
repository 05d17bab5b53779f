// What is kept of a run.
#include "eval/store.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "core/json.h"
#include "eval/config_difference.h"
#include "eval/sqlite.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

const Json& run_config() {
  static const Json config = {{"task", {{"name", "t"}}}, {"sampling", {{"temperature", 0.6}, {"samples", 4}}}};
  return config;
}

Sample full_sample(const std::string& id, std::int64_t index) {
  return {.question_id = id,
          .row = 3,
          .index = index,
          .prompt_sha256 = "abc",
          .output = std::string("<think>\nx\0y</think> \xE2\x80\xA8 4", 24),
          .finish_reason = "stop",
          .prompt_tokens = 10,
          .output_tokens = 20,
          .think_bytes = 12,
          .answer = "4",
          .target = "4",
          .outcome = Outcome::kGraded,
          .reason = "equal",
          .score = 1,
          .seconds = 0.25,
          .seed = 0xFFFFFFFFFFFFFFFFULL,
          .metrics = {{"strict", 0}, {"acc_norm", 0.5}}};
}

TEST(Store, KeepsEveryField) {
  const testing::TempDir folder;
  SampleStore store = SampleStore::open(folder.path() / "new" / "run", run_config()).value();
  ASSERT_TRUE(store.add(full_sample("q", 1)).has_value());
  Sample without = full_sample("q", 0);
  without.answer.reset();
  without.outcome = Outcome::kUnparsed;
  without.score = 0;
  ASSERT_TRUE(store.add(without).has_value());
  const auto samples = store.samples().value();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].index, 0);
  EXPECT_EQ(samples[0].answer, std::nullopt);
  EXPECT_EQ(samples[0].outcome, Outcome::kUnparsed);
  const Sample expected = full_sample("q", 1);
  EXPECT_EQ(samples[1].question_id, expected.question_id);
  EXPECT_EQ(samples[1].row, 3);
  EXPECT_EQ(samples[1].prompt_sha256, "abc");
  EXPECT_EQ(samples[1].output, expected.output);
  EXPECT_EQ(samples[1].finish_reason, "stop");
  EXPECT_EQ(samples[1].prompt_tokens, 10);
  EXPECT_EQ(samples[1].output_tokens, 20);
  EXPECT_EQ(samples[1].think_bytes, 12);
  EXPECT_EQ(samples[1].answer, "4");
  EXPECT_EQ(samples[1].target, "4");
  EXPECT_EQ(samples[1].reason, "equal");
  EXPECT_EQ(samples[1].score, 1);
  EXPECT_EQ(samples[1].seconds, 0.25);
  EXPECT_EQ(samples[1].seed, expected.seed);
  EXPECT_EQ(samples[1].metrics, expected.metrics);
}

TEST(Store, TheSameRunGoesOn) {
  const testing::TempDir folder;
  std::string started;
  {
    SampleStore store = SampleStore::open(folder.path(), run_config()).value();
    ASSERT_TRUE(store.add(full_sample("a", 0)).has_value());
    ASSERT_TRUE(store.add(full_sample("a", 1)).has_value());
    started = store.started_at();
  }
  SampleStore store = SampleStore::open(folder.path(), run_config()).value();
  EXPECT_EQ(store.done().value(), (std::set<std::pair<std::string, std::int64_t>>{{"a", 0}, {"a", 1}}));
  EXPECT_EQ(store.started_at(), started);
  EXPECT_EQ(store.config(), run_config());
  EXPECT_EQ(store.config_hash(), config_hash_of(run_config()).value());
  testing::expect_error(store.add(full_sample("a", 0)), ErrorCode::kInvalidArgument, {"sample 0", "'a'", "already"});
  Sample again = full_sample("a", 0);
  again.score = 0.5;
  ASSERT_TRUE(store.replace(again).has_value());
  EXPECT_EQ(store.samples().value()[0].score, 0.5);
  again.score = 2;
  testing::expect_error(store.add(again), ErrorCode::kInvalidArgument, {"from 0 to 1"});
}

TEST(Store, AnotherRunIsRefused) {
  const testing::TempDir folder;
  { ASSERT_TRUE(SampleStore::open(folder.path(), run_config()).has_value()); }
  Json other = run_config();
  other["sampling"]["temperature"] = 0.7;
  other["model"] = "m";
  testing::expect_error(SampleStore::open(folder.path(), other), ErrorCode::kInvalidArgument,
                        {"another configuration", "sampling.temperature is 0.6 there and 0.7 here",
                         "model is absent there and \"m\" here"});
  EXPECT_TRUE(SampleStore::open(folder.path(), run_config()).has_value()) << "the refused one changed nothing";
}

TEST(Store, OneProcessWritesAndOthersMayRead) {
  const testing::TempDir folder;
  SampleStore store = SampleStore::open(folder.path(), run_config()).value();
  ASSERT_TRUE(store.add(full_sample("a", 0)).has_value());
  testing::expect_error(SampleStore::open(folder.path(), run_config()), ErrorCode::kIo,
                        {folder.path().string(), "another process is writing"});
  SampleStore reader = SampleStore::open_to_read(folder.path()).value();
  EXPECT_EQ(reader.samples().value().size(), 1U);
  EXPECT_FALSE(reader.add(full_sample("b", 0)).has_value());
}

TEST(Store, TimeIsThatOfAllParts) {
  const testing::TempDir folder;
  double first = 0;
  {
    SampleStore store = SampleStore::open(folder.path(), run_config()).value();
    EXPECT_EQ(store.seconds().value(), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(store.add(full_sample("a", 0)).has_value());
    first = store.seconds().value();
    EXPECT_GE(first, 0.02);
    EXPECT_FALSE(store.add(full_sample("a", 0)).has_value());
    EXPECT_EQ(store.seconds().value(), first);
  }
  SampleStore store = SampleStore::open(folder.path(), run_config()).value();
  EXPECT_EQ(store.seconds().value(), first);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_TRUE(store.replace(full_sample("b", 0)).has_value());
  EXPECT_GE(store.seconds().value(), first + 0.02);
}

TEST(Store, ARunOfTheVersionBeforeGoesOn) {
  const testing::TempDir folder;
  { ASSERT_TRUE(SampleStore::open(folder.path(), run_config()).value().add(full_sample("a", 0)).has_value()); }
  {
    Database database = Database::open(folder.path() / "samples.sqlite", Database::Mode::kCreate).value();
    ASSERT_TRUE(database.run("ALTER TABLE runs DROP COLUMN seconds; PRAGMA user_version = 1;").has_value());
  }
  EXPECT_EQ(SampleStore::open_to_read(folder.path()).value().seconds().value(), 0);
  SampleStore store = SampleStore::open(folder.path(), run_config()).value();
  EXPECT_EQ(store.samples().value().size(), 1U);
  EXPECT_EQ(store.seconds().value(), 0);
}

TEST(Store, AnArchivedRunCanBeRead) {
  const testing::TempDir folder;
  const std::filesystem::path run = folder.path() / "50% #1?";
  { ASSERT_TRUE(SampleStore::open(run, run_config()).value().add(full_sample("a", 0)).has_value()); }
  using std::filesystem::perms;
  constexpr perms kReadable = static_cast<perms>(0555);
  std::filesystem::permissions(run, kReadable);
  std::filesystem::permissions(folder.path(), kReadable | perms::owner_write);
  const bool root = ::geteuid() == 0;
  constexpr uid_t kNobody = 65534;
  if (root && ::seteuid(kNobody) != 0) GTEST_SKIP() << "root, who may write everywhere, cannot be another user here";
  const bool reachable = ::eaccess(run.c_str(), R_OK | X_OK) == 0;
  const bool writable = ::eaccess(run.c_str(), W_OK) == 0;
  const auto store = SampleStore::open_to_read(run);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  std::filesystem::permissions(run, perms::owner_all);
  if (!reachable) GTEST_SKIP() << "another user cannot reach " << run;
  EXPECT_FALSE(writable);
  ASSERT_TRUE(store.has_value()) << store.error().message();
  EXPECT_EQ(store->samples().value().size(), 1U);
}

TEST(Store, WhatIsNoRun) {
  const testing::TempDir folder;
  testing::expect_error(SampleStore::open_to_read(folder.path()), ErrorCode::kNotFound, {"no run here"});
  folder.write("samples.sqlite", std::string(4096, 'x'));
  testing::expect_error(SampleStore::open_to_read(folder.path()), ErrorCode::kCorrupt, {"samples.sqlite"});
  testing::expect_error(SampleStore::open(folder.path(), run_config()), ErrorCode::kCorrupt, {"samples.sqlite"});
  testing::expect_error(SampleStore::open("/proc/nowhere", run_config()), ErrorCode::kIo, {"/proc/nowhere"});
}

TEST(ConfigDifference, NamesNestedFields) {
  const auto differences = config_differences(Json{{"a", {{"b", 1}, {"c", 2}}}, {"d", {1}}},
                                              Json{{"a", {{"b", 1}, {"c", 3}}}, {"d", {1, 2}}, {"e", Json::object()}});
  ASSERT_EQ(differences.size(), 3U);
  EXPECT_EQ(differences[0].field, "a.c");
  EXPECT_EQ(differences[1].field, "d");
  EXPECT_EQ(differences[1].b, "[1,2]");
  EXPECT_EQ(differences[2].field, "e");
  EXPECT_EQ(differences[2].a, "absent");
  EXPECT_TRUE(config_differences(run_config(), run_config()).empty());
}

}  // namespace
}  // namespace retort::eval
