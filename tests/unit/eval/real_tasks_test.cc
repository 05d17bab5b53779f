// The tasks that come with retort, on real data where it is there.
#include <algorithm>
#include <gtest/gtest.h>

#include "eval/question.h"
#include "eval/task_folder.h"
#include "testing/shared_data.h"

namespace retort::eval {
namespace {

TEST(RealTasks, AllCanBeRead) {
  const auto tasks = all_tasks(RETORT_TASKS_FOLDER);
  ASSERT_TRUE(tasks.has_value()) << tasks.error().message();
  EXPECT_GE(tasks->size(), 15U);
  for (const Task& task : *tasks) {
    const std::string readme = testing::read_text(task.folder / "README.md");
    for (const char* part :
         {"**Source.**", "**Licence.**", "**Protocol.**", "**Scores to compare with.**", "**Citation.**"}) {
      EXPECT_NE(readme.find(part), std::string::npos) << task.name << " lacks " << part;
    }
  }
}

TEST(RealTasks, EveryQuestionOfThemCanBeAsked) {
  RETORT_SHARED_OR_SKIP(manifest, "data/MANIFEST.json");
  const DataLocation location{.root = manifest.parent_path()};
  int asked = 0;
  const std::vector<Task> tasks = all_tasks(RETORT_TASKS_FOLDER).value();
  for (const Task& task : tasks) {
    if (task.data.file.empty()) continue;
    SCOPED_TRACE(task.name);
    const auto path = data_path(task, task.data, location);
    ASSERT_TRUE(path.has_value()) << path.error().message();
    std::optional<std::filesystem::path> shots;
    const std::int64_t count = task.shots ? 5 : 0;
    if (task.shots) shots = data_path(task, *task.shots, location).value();
    const auto rows = load_rows(task, *path, shots);
    ASSERT_TRUE(rows.has_value()) << rows.error().message();
    EXPECT_EQ(rows->questions.sha256, task.data.sha256);
    const Questions questions = Questions::make(task, *rows, count).value();
    // All of a small task, and some of MMLU: ten thousand times five examples take seconds.
    const std::size_t step = std::max<std::size_t>(1, questions.size() / 500);
    for (std::size_t i = 0; i < questions.size(); i += step) {
      const auto question = questions.at(i);
      ASSERT_TRUE(question.has_value()) << question.error().message();
      EXPECT_EQ(question->prompt.find("{%"), std::string::npos) << question->prompt;
      ++asked;
    }
  }
  EXPECT_GT(asked, 2000);
}

TEST(RealTasks, PromptsReadAsTheyShould) {
  RETORT_SHARED_OR_SKIP(mmlu, "data/mmlu/mmlu_test.jsonl.gz");
  const Task task = find_task(RETORT_TASKS_FOLDER, "mmlu").value();
  const TaskRows rows = load_rows(task, mmlu, mmlu.parent_path() / "mmlu_dev.jsonl").value();
  const Question question = Questions::make(task, rows, 5).value().at(0).value();
  EXPECT_TRUE(question.prompt.starts_with(
      "The following are multiple choice questions (with answers) about abstract algebra.\n\nFind all c in Z_3"))
      << question.prompt;
  EXPECT_TRUE(question.prompt.ends_with("\nA. 0\nB. 4\nC. 2\nD. 6\nAnswer:")) << question.prompt;
  EXPECT_NE(question.prompt.find("\nD. 3\nAnswer: B\n\n"), std::string::npos) << question.prompt;
  EXPECT_EQ(question.target, "B");
}

TEST(RealTasks, Gsm8kTargetsAreNumbers) {
  RETORT_SHARED_OR_SKIP(path, "data/maths/gsm8k_test.jsonl");
  const Task task = find_task(RETORT_TASKS_FOLDER, "gsm8k").value();
  const TaskRows rows = load_rows(task, path, std::nullopt).value();
  const Questions questions = Questions::make(task, rows, 0).value();
  EXPECT_EQ(questions.at(0).value().target, "18");
  EXPECT_TRUE(questions.at(0).value().prompt.ends_with("within \\boxed{}.")) << questions.at(0).value().prompt;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::string target = questions.at(i).value().target;
    EXPECT_EQ(target.find_first_not_of("-0123456789."), std::string::npos) << target;
  }
}

}  // namespace
}  // namespace retort::eval
