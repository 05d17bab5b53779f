// Stored answers graded again, all or nothing, and what is drawn of them for a person to check.
#include "eval/rescore.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>

#include "core/json.h"
#include "eval/audit.h"
#include "eval/results.h"
#include "eval/store.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

Task sums_task(const std::string& kind = "number") {
  const std::string toml =
      "name = \"sums\"\ntitle = \"Sums\"\ndescription = \"Sums\"\n[data]\nfile = \"sums.jsonl\"\nfields = [\"q\", "
      "\"a\"]\n"
      "[prompt]\nuser = \"{{ q }}\"\n[grade]\nkind = \"" +
      kind + "\"\ntarget = \"{{ a }}\"\n";
  return parse_task(toml, "tasks/sums/task.toml").value();
}

struct Asked {
  explicit Asked(Task of = sums_task()) : task(std::move(of)) {
    const std::string file = folder.write("sums.jsonl", R"({"q": "1+1", "a": "2"}
{"q": "1+2", "a": "3"}
{"q": "1+3", "a": "4"}
)");
    rows = load_rows(task, file, std::nullopt).value();
  }
  [[nodiscard]] Json config() const {
    return {{"task", "sums"},
            {"data_sha256", rows.questions.sha256},
            {"grade", std::string(to_string(task.grade.kind))},
            {"think", "strip"},
            {"grade_profile", ""},
            {"temperature", 0.0}};
  }
  testing::TempDir folder;
  Task task;
  TaskRows rows;
};

Sample answered(std::int64_t row, const std::string& output) {
  return {.question_id = std::to_string(row),
          .row = row,
          .output = output,
          .finish_reason = "stop",
          .outcome = Outcome::kGraded,
          .reason = "old",
          .seed = 5};
}

TEST(Rescore, GivesNewVerdictsAndLeavesTheRest) {
  const Asked asked;
  Sample failed = answered(2, "");
  failed.finish_reason = "error";
  failed.outcome = Outcome::kFailed;
  failed.reason = "the model is gone";
  const std::vector<Sample> before = {answered(0, "so #### 2"), answered(1, "so #### 5"), failed};
  const Rescored rescored = rescore(asked.task, asked.rows, before, {}, {}, CancelToken()).value();
  ASSERT_EQ(rescored.samples.size(), 3U);
  EXPECT_EQ(rescored.samples[0].score, 1);
  EXPECT_EQ(rescored.samples[0].answer, "2");
  EXPECT_EQ(rescored.samples[0].target, "2");
  EXPECT_EQ(rescored.samples[0].seed, 5U);
  EXPECT_EQ(rescored.samples[2].outcome, Outcome::kFailed);
  EXPECT_EQ(rescored.samples[2].reason, "the model is gone") << "what was never answered is not an empty answer";
  EXPECT_EQ(rescored.graded, 2);
  EXPECT_EQ(rescored.skipped, 1);
  EXPECT_EQ(rescored.reworded, 1) << "'different' where it was 'old'";
  ASSERT_EQ(rescored.changes.size(), 1U);
  EXPECT_EQ(rescored.changes[0].before.reason, "old");
  EXPECT_EQ(rescored.changes[0].after.question_id, "0");
}

TEST(Rescore, IsRefusedWhereQuestionsAreNotTheRuns) {
  const Asked asked;
  std::vector<Sample> samples = {answered(0, "2")};
  samples[0].question_id = "another";
  testing::expect_error(rescore(asked.task, asked.rows, samples, {}, {}, CancelToken()), ErrorCode::kCorrupt,
                        {"row 0", "'another'"});
  EXPECT_TRUE(check_same_questions(asked.config(), asked.task, asked.rows).has_value());
  const auto with = [&](const char* field, const char* value) {
    Json config = asked.config();
    config[field] = value;
    return check_same_questions(config, asked.task, asked.rows);
  };
  testing::expect_error(with("data_sha256", "abc"), ErrorCode::kInvalidArgument, {"sha256", "abc", "--data"});
  testing::expect_error(with("task", "products"), ErrorCode::kInvalidArgument, {"'products'", "'sums'"});
  testing::expect_error(with("grade", "maths"), ErrorCode::kInvalidArgument, {"'maths'", "'number'"});
}

TEST(Rescore, ProfilesAreThoseOfTheGrader) {
  Task number = sums_task();
  EXPECT_TRUE(apply_rules({.think = "keep", .profile = "strict"}, number).has_value());
  EXPECT_EQ(number.grade.think, grade::ThinkPolicy::kKeep);
  EXPECT_EQ(number.grade.profile, "strict");
  testing::expect_error(apply_rules({.think = "strip", .profile = "qwen"}, number), ErrorCode::kInvalidArgument,
                        {"'qwen'", "flexible"});
  testing::expect_error(apply_rules({.think = "maybe", .profile = ""}, number), ErrorCode::kInvalidArgument,
                        {"'maybe'", "require"});
  Task maths = sums_task("maths");
  EXPECT_TRUE(apply_rules({.think = "strip", .profile = "hendrycks"}, maths).has_value());
  testing::expect_error(apply_rules({.think = "strip", .profile = "flexible"}, maths), ErrorCode::kInvalidArgument,
                        {"'flexible'", "hendrycks"});
}

TEST(Store, RegradesAllOrNothing) {
  const Asked asked;
  const testing::TempDir folder;
  const std::string hash_before = config_hash_of(asked.config()).value();
  {
    SampleStore store = SampleStore::open(folder.path(), asked.config()).value();
    ASSERT_TRUE(store.add(answered(0, "2")).has_value());
    ASSERT_TRUE(store.add(answered(1, "3")).has_value());
    EXPECT_TRUE(store.rescorings().value().empty());
    testing::expect_error(SampleStore::open_to_regrade(folder.path()), ErrorCode::kIo, {"another process"});
  }
  std::vector<Sample> now = {answered(0, "2"), answered(1, "3")};
  now[0].score = 1;
  now[1].score = 2;  // refused, when the first one is written already
  const Rescoring rescoring{.task_version = 3,
                            .before = {.think = "strip", .profile = ""},
                            .after = {.think = "keep", .profile = "strict"},
                            .samples = 2,
                            .changed = 1};
  SampleStore store = SampleStore::open_to_regrade(folder.path()).value();
  testing::expect_error(store.regrade(now, rescoring), ErrorCode::kInvalidArgument, {"from 0 to 1"});
  EXPECT_EQ(store.samples().value()[0].score, 0);
  EXPECT_EQ(store.config_hash(), hash_before);
  EXPECT_TRUE(store.rescorings().value().empty());

  now[1].score = 0;
  ASSERT_TRUE(store.regrade(now, rescoring).has_value());
  const SampleStore reader = SampleStore::open_to_read(folder.path()).value();
  EXPECT_EQ(reader.samples().value()[0].score, 1);
  EXPECT_EQ(reader.config()["think"], "keep");
  EXPECT_EQ(reader.config()["grade_profile"], "strict");
  EXPECT_EQ(reader.config()["temperature"], 0.0);
  EXPECT_EQ(reader.config_hash(), config_hash_of(reader.config()).value());
  EXPECT_NE(reader.config_hash(), hash_before);
  const std::vector<Rescoring> kept = reader.rescorings().value();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].task_version, 3);
  EXPECT_EQ(kept[0].before.think, "strip");
  EXPECT_EQ(kept[0].after.profile, "strict");
  EXPECT_EQ(kept[0].changed, 1);
  EXPECT_EQ(kept[0].at.size(), 20U);
  const Summary summary = summarize(now);
  const OrderedJson results = results_json(asked.task, {.rescorings = kept}, reader.config(), summary);
  EXPECT_EQ(results["retort"]["rescored"][0]["before"]["think"], "strip");
}

TEST(Store, ARescoredRunGoesOnByItsNewRulesAlone) {
  const Asked asked;
  const testing::TempDir folder;
  { ASSERT_TRUE(SampleStore::open(folder.path(), asked.config()).has_value()); }
  ASSERT_TRUE(SampleStore::open_to_regrade(folder.path())
                  .value()
                  .regrade({}, {.before = {.think = "strip", .profile = ""}, .after = {.think = "keep", .profile = ""}})
                  .has_value());
  testing::expect_error(SampleStore::open(folder.path(), asked.config()), ErrorCode::kInvalidArgument,
                        {"think is \"keep\" there and \"strip\" here"});
  Json config = asked.config();
  config["think"] = "keep";
  EXPECT_TRUE(SampleStore::open(folder.path(), config).has_value());
  const testing::TempDir empty;
  testing::expect_error(SampleStore::open_to_regrade(empty.path()), ErrorCode::kNotFound, {"OUTPUT/TASK"});
  EXPECT_FALSE(std::filesystem::exists(empty.path() / "samples.sqlite")) << "looking must not make a run";
}

std::vector<Sample> judged(int right, int wrong) {
  std::vector<Sample> samples;
  for (int i = 0; i < right + wrong; ++i) {
    samples.push_back(answered(i, ""));
    samples.back().score = i < right ? 1 : 0;
  }
  return samples;
}

TEST(Audit, DrawsHalfRightAndHalfWrong) {
  const auto rights = [](const std::vector<std::size_t>& places, std::size_t right) {
    return std::count_if(places.begin(), places.end(), [&](std::size_t at) { return at < right; });
  };
  const auto even = draw_verdicts(judged(50, 50), 20, 1);
  EXPECT_EQ(even.size(), 20U);
  EXPECT_EQ(rights(even, 50), 10);
  EXPECT_EQ(std::set<std::size_t>(even.begin(), even.end()).size(), 20U);
  EXPECT_EQ(even, draw_verdicts(judged(50, 50), 20, 1));
  EXPECT_NE(even, draw_verdicts(judged(50, 50), 20, 2));
  EXPECT_EQ(rights(draw_verdicts(judged(3, 50), 20, 1), 3), 3) << "the other side fills up";
  EXPECT_EQ(rights(draw_verdicts(judged(50, 3), 20, 1), 50), 17);
  EXPECT_EQ(draw_verdicts(judged(3, 4), 20, 1).size(), 7U);
  EXPECT_TRUE(draw_verdicts({}, 20, 1).empty());
  EXPECT_TRUE(draw_verdicts(judged(3, 4), 0, 1).empty());
}

TEST(Audit, TailsBeginAtACharacter) {
  EXPECT_EQ(tail_of("abc", 5), "abc");
  EXPECT_EQ(tail_of("abc", 2), "bc");
  EXPECT_EQ(tail_of("\xE4\xBD\xA0z", 3), "z");
  EXPECT_EQ(tail_of("abc", 0), "");
}

}  // namespace
}  // namespace retort::eval
