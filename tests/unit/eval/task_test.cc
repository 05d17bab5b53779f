#include "eval/task.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "eval/task_folder.h"
#include "eval/toml.h"
#include "testing/expect_error.h"
#include "testing/scoped_env.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

constexpr const char* kSmallest = R"(
name = "t"
title = "T"
description = "d"
[data]
file = "a.jsonl"
fields = ["q", "a"]
[prompt]
user = "{{ q }}"
[grade]
kind = "maths"
target = "{{ a }}"
)";

Expected<Task> parse_with(std::string_view from, std::string_view to) {
  std::string text = kSmallest;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return parse_task(text, "somewhere/t/task.toml");
}

TEST(Task, DefaultsAreR1s) {
  const Task task = parse_task(kSmallest, "somewhere/t/task.toml").value();
  EXPECT_EQ(task.folder, "somewhere/t");
  EXPECT_EQ(task.version, 1);
  EXPECT_EQ(task.sampling.temperature, 0.6);
  EXPECT_EQ(task.sampling.top_p, 0.95);
  EXPECT_EQ(task.sampling.max_tokens, 32768);
  EXPECT_EQ(task.grade.think, grade::ThinkPolicy::kStrip);
  EXPECT_EQ(task.prompt.style, TaskPrompt::Style::kChat);
  EXPECT_FALSE(task.shots || task.choices);
}

TEST(Task, ErrorsNameFileTableAndField) {
  const auto expect = [](std::string_view from, std::string_view to, std::initializer_list<std::string_view> parts) {
    SCOPED_TRACE(to);
    testing::expect_error(parse_with(from, to), ErrorCode::kCorrupt, parts);
  };
  expect("name = \"t\"", "name = \"u\"", {"somewhere/t/task.toml", "'name'", "\"t\"", "\"u\""});
  expect("title = \"T\"", "", {"'title'", "missing"});
  expect("title = \"T\"", "title = 5", {"'title'", "a text", "5"});
  expect("title", "titel = 1\ntitle", {"'titel'", "not known", "title"});
  expect("[data]", "[dat]", {"'data'", "a table"});
  expect("a.jsonl", "../a.jsonl", {"data", "'file'", "below the data root"});
  expect("a.jsonl", "/a.jsonl", {"data", "'file'"});
  expect("fields = [\"q\", \"a\"]", "fields = [1]", {"data", "'fields'", "a list of texts"});
  expect("fields", "sha256 = \"ab\"\nfields", {"'sha256'", "64"});
  expect("fields", "id = \"x\"\nfields", {"'x'", "data.fields"});
  expect("\"maths\"", "\"math\"", {"grade", "'math'", "maths, choice"});
  expect("\"maths\"", "\"choice\"", {"'choices'"});
  expect("target = \"{{ a }}\"", "", {"target"});
  expect("{{ q }}", "{{ q", {"prompt: user", "line 1"});
  expect("[grade]", "[sampling]\ntop_p = 0.0\n[grade]", {"sampling", "'top_p'"});
  expect("[grade]", "[sampling]\nsamples = 0\n[grade]", {"sampling", "'samples'", "1 to"});
  expect("title = \"T\"", "title = \"T", {"somewhere/t/task.toml:3:", "TOML"});
}

TEST(Task, NestingWithoutEndIsRefused) {
  std::string dots;
  for (int i = 0; i < 300'000; ++i) dots += ".b";
  testing::expect_error(parse_toml("a = 1\nb" + dots + " = 1\n", "f"), ErrorCode::kOutOfRange, {"f:", "32 dots"});
  const std::string behind_text = R"(a = { x = """"""", b)" + dots + " = 1 }\n";
  testing::expect_error(parse_toml(behind_text, "f"), ErrorCode::kOutOfRange, {"f:", "32 dots"});
  const std::string stairs = "a = " + std::string(200, '[') + std::string(200, ']') + "\n";
  testing::expect_error(parse_toml(stairs, "f"), ErrorCode::kCorrupt, {"128 deep"});
}

TEST(Task, DotsInTextsAndCommentsAreFine) {
  const std::string dots(100, '.');
  const std::string text = "a = \"" + dots + "\" # " + dots + "\nb = '''\n" + dots + "\n'''\nc = '\\' # " + dots +
                           "\nd = \"\\\"" + dots + "\"\n";
  const auto json = parse_toml(text, "f");
  ASSERT_TRUE(json.has_value()) << json.error().message();
  EXPECT_EQ(json->at("d"), "\"" + dots);
}

TEST(Task, AreFoundByName) {
  const testing::TempDir root;
  root.write("tasks/t/task.toml", kSmallest);
  root.write("tasks/other.txt", "");
  const std::string tasks = root.path() / "tasks";
  EXPECT_EQ(find_task(tasks, "t").value().title, "T");
  EXPECT_EQ(all_tasks(tasks).value().size(), 1U);
  testing::expect_error(find_task(tasks, "u"), ErrorCode::kNotFound, {"'u'", "there are: t"});
  testing::expect_error(find_task(tasks, "../tasks/t"), ErrorCode::kNotFound, {"no task"});
  EXPECT_EQ(tasks_folder(tasks).value(), tasks);
  testing::expect_error(tasks_folder("/nowhere"), ErrorCode::kNotFound, {"/nowhere", "--tasks"});
  const testing::ScopedEnv environment({{"RETORT_TASKS", tasks.c_str()}});
  EXPECT_EQ(tasks_folder("").value(), tasks);
}

TEST(Task, DataIsFoundBelowItsRoot) {
  const testing::TempDir root;
  const testing::ScopedEnv environment({{"RETORT_DATA", nullptr}});
  const Task task = parse_task(kSmallest, "somewhere/t/task.toml").value();
  testing::expect_error(data_path(task, task.data, {}), ErrorCode::kNotFound, {"a.jsonl", "--data-root", "README.md"});
  testing::expect_error(data_path(task, task.data, {.root = root.path()}), ErrorCode::kNotFound, {"a.jsonl"});
  root.write("a.jsonl.gz", "");
  EXPECT_EQ(data_path(task, task.data, {.root = root.path()}).value(), root.path() / "a.jsonl.gz");
  root.write("a.jsonl", "");
  EXPECT_EQ(data_path(task, task.data, {.root = root.path()}).value(), root.path() / "a.jsonl");
  EXPECT_EQ(data_path(task, task.data, {.chosen = "b", .root = root.path()}).value(), "b");
}

TEST(Task, AMisspeltProfileIsRefused) {
  for (const char* grade : {"kind = \"maths\"\nprofile = \"quen\"", "kind = \"number\"\nprofile = \"strickt\""}) {
    testing::expect_error(parse_with("kind = \"maths\"", grade), ErrorCode::kCorrupt,
                          {"grade", "no profile", "there are"});
  }
  EXPECT_TRUE(parse_with("kind = \"maths\"", "kind = \"maths\"\nprofile = \"qwen\"").has_value());
}

}  // namespace
}  // namespace retort::eval
