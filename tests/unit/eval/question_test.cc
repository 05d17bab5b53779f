// Rows as questions: templates, examples, the order of choices.
#include "eval/question.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

#include "core/json.h"
#include "eval/task_config.h"
#include "eval/task_folder.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

constexpr const char* kHead = "name = 't'\ntitle = 'T'\ndescription = 'd'\n";

Task made_task(const std::string& rest) { return parse_task(kHead + rest, "t/task.toml").value(); }

TEST(Question, TemplatesSeeDeclaredFieldsAndTheDirective) {
  const testing::TempDir folder;
  const Task task = made_task(R"(
[data]
fields = ["q", "odd name", "a"]
id = "q"
[prompt]
system = "be brief"
directive = 'Use \boxed{}.'
user = "{{ q }} {{ row['odd name'] }} {{ hidden }}| {{ directive }}"
[grade]
kind = "maths"
target = "{{ a.split('####')[-1].strip() }}")");
  const auto path = folder.write(
      "d.jsonl", "{\"q\": \"{{ 1 + 1 }}\", \"odd name\": [1], \"a\": \"so #### 7 \", \"hidden\": \"secret\"}\n");
  const TaskRows rows = load_rows(task, path, std::nullopt).value();
  const Questions questions = Questions::make(task, rows, 0).value();
  const Question question = questions.at(0).value();
  EXPECT_EQ(question.prompt, "{{ 1 + 1 }} [1] | Use \\boxed{}.") << "a row's text is no template";
  EXPECT_EQ(question.system, "be brief");
  EXPECT_EQ(question.target, "7");
  EXPECT_EQ(question.id, "{{ 1 + 1 }}");
}

TEST(Question, ATemplateThatNamesNothingIsAnError) {
  const testing::TempDir folder;
  const Task task =
      made_task("[data]\nfields = ['q']\n[prompt]\nuser = '{{ Q }}'\n[grade]\nkind = 'maths'\ntarget = '{{ q }}'");
  const TaskRows rows = load_rows(task, folder.write("d.jsonl", "{\"q\": 1}\n"), std::nullopt).value();
  testing::expect_error(Questions::make(task, rows, 0).value().at(0), ErrorCode::kCorrupt,
                        {"d.jsonl:1", "prompt: user", "data.fields"});
  testing::expect_error(Questions::make(task, rows, 1), ErrorCode::kInvalidArgument, {"fewshot"});
}

TEST(Question, ExamplesOfTheSameSubject) {
  const testing::TempDir folder;
  const Task task = made_task(R"(
[data]
fields = ["s", "q", "c", "a"]
[fewshot]
count = 1
same = "s"
[choices]
list = "c"
answer = "a"
continuation = " {{ letter }}"
[prompt]
user = "{% for x in shots %}{{ x.q }}={{ x.answer_letter }} {% endfor %}{{ q }}{% for c in choices %} {{ c.letter }}:{{ c.text }}{% endfor %}"
[grade]
kind = "loglikelihood-choices")");
  const auto data = folder.write("d.jsonl", "{\"s\": \"x\", \"q\": \"Q\", \"c\": [\"u\", \"v\"], \"a\": 1}\n");
  const auto shots = folder.write("s.jsonl", R"({"s": "y", "q": "S1", "c": ["u", "v"], "a": 0}
{"s": "x", "q": "S2", "c": ["u", "v"], "a": "B"}
{"s": "x", "q": "S3", "c": ["u", "v"], "a": 0}
)");
  const TaskRows rows = load_rows(task, data, shots).value();
  const Question question = Questions::make(task, rows, 1).value().at(0).value();
  EXPECT_EQ(question.prompt, "S2=B Q A:u B:v");
  EXPECT_EQ(question.target, "B");
  EXPECT_EQ(question.continuations, (std::vector<std::string>{" A", " B"}));
  testing::expect_error(Questions::make(task, rows, 3).value().at(0), ErrorCode::kInvalidArgument, {"only 2 of 3"});
  testing::expect_error(Questions::make(task, rows, 4), ErrorCode::kInvalidArgument, {"has 3"});
}

TEST(Question, AnAnswerOutOfRangeIsRefused) {
  const testing::TempDir folder;
  const Task task = made_task(
      "[data]\nfields = ['c', 'a']\n[choices]\nlist = 'c'\nanswer = 'a'\n[prompt]\nuser = 'x'\n[grade]\nkind = "
      "'choice'");
  for (const char* row :
       {R"({"c": ["u", "v"], "a": 2})", R"({"c": ["u"], "a": "B"})", R"({"c": [], "a": 0})", R"({"c": "u", "a": 0})"}) {
    const TaskRows rows = load_rows(task, folder.write("d.jsonl", row), std::nullopt).value();
    testing::expect_error(Questions::make(task, rows, 0).value().at(0), ErrorCode::kCorrupt, {"d.jsonl:1", "field '"});
  }
}

TEST(Question, WhatDecidesScoresIsInTheConfiguration) {
  const testing::TempDir folder;
  const std::string head = "[data]\nfields = ['q']\n[prompt]\nuser = '{{ q }}";
  const std::string tail = "'\n[grade]\nkind = 'maths'\ntarget = '{{ q }}'";
  const Task task = made_task(head + tail);
  const Task other = made_task(head + "!" + tail);
  const TaskRows rows = load_rows(task, folder.write("d.jsonl", "{\"q\": 1}\n"), std::nullopt).value();
  EXPECT_EQ(task_config(task, rows, 0), task_config(task, rows, 0));
  EXPECT_NE(task_config(task, rows, 0), task_config(other, rows, 0));
  EXPECT_EQ(task_config(task, rows, 0)["data_sha256"], rows.questions.sha256);
}

// In the format of GPQA's authors; the questions are made up.
std::string gpqa_csv(int rows) {
  std::string csv = "Record ID,Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\n";
  for (int i = 0; i < rows; ++i) {
    csv += fmt::format(
        "rec{0},\"What, then,\nis {0} and \"\"{0}\"\"?\n\",right {0},\"wrong, {0}\",worse {0},worst {0}\n", i);
  }
  return csv;
}

TEST(Question, GpqaChoicesArePermutedByTheSeed) {
  const testing::TempDir folder;
  const Task task = find_task(RETORT_TASKS_FOLDER, "gpqa_diamond").value();
  const TaskRows rows = load_rows(task, folder.write("gpqa.csv", gpqa_csv(400)), std::nullopt).value();
  const Questions questions = Questions::make(task, rows, 0).value();
  ASSERT_EQ(questions.size(), 400U);
  std::map<std::string, int> letters;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question question = questions.at(i).value();
    ASSERT_EQ(question.choices.size(), 4U);
    EXPECT_EQ(question.choices[question.right_choice].text, fmt::format("right {}", i));
    EXPECT_EQ(question.choices[question.right_choice].letter, question.target);
    EXPECT_NE(question.prompt.find(fmt::format("{}) right {}\n", question.target, i)), std::string::npos);
    std::set<std::string> texts;
    for (const Choice& choice : question.choices) texts.insert(choice.text);
    EXPECT_EQ(texts.size(), 4U);
    ++letters[question.target];
  }
  // 100 of each expected, with a standard deviation of 8.7.
  for (const char* letter : {"A", "B", "C", "D"}) EXPECT_NEAR(letters[letter], 100, 45) << letter;
  // The order is part of the protocol: it must not change from one version to the next.
  std::string first;
  for (std::size_t i = 0; i < 12; ++i) first += questions.at(i).value().target;
  EXPECT_EQ(first, "DBBDBBAAAADD");
}

}  // namespace
}  // namespace retort::eval
