// Templates that real models publish, rendered for real conversations: the text that transformers makes of them.
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/shared_data.h"
#include "text/chat_request.h"
#include "text/chat_template.h"

namespace retort {
namespace {

// "2026-11-24T09:30:05", taken as UTC.
std::chrono::system_clock::time_point parse_time(const std::string& text) {
  std::tm time{};
  EXPECT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time), nullptr) << text;
  return std::chrono::system_clock::from_time_t(timegm(&time));
}

void expect_golden(const std::filesystem::path& folder, const std::string& line) {
  const auto parsed = parse_ordered_json(line, "case");
  ASSERT_TRUE(parsed) << parsed.error().message();
  const OrderedJson& golden = *parsed;
  SCOPED_TRACE(golden["name"].get<std::string>());

  const std::string source = testing::read_text(folder / golden["template"].get<std::string>());
  ASSERT_FALSE(source.empty());
  const auto compiled = ChatTemplate::compile(source);
  ASSERT_TRUE(compiled) << compiled.error().message();

  ChatRequest request;
  request.messages = golden["messages"];
  request.tools = golden.value("tools", OrderedJson());
  request.documents = golden.value("documents", OrderedJson());
  request.kwargs = golden.value("kwargs", OrderedJson::object());
  request.generation_prompt = golden["add_generation_prompt"].get<bool>() ? ChatRequest::GenerationPrompt::kAdd
                                                                          : ChatRequest::GenerationPrompt::kOmit;
  request.bos_token = golden["bos_token"].get<std::string>();
  request.eos_token = golden["eos_token"].get<std::string>();
  request.now = parse_time(golden["now"].get<std::string>());

  const auto rendered = compiled->render(request);
  if (golden.contains("expected")) {
    ASSERT_TRUE(rendered) << rendered.error().message();
    EXPECT_EQ(*rendered, golden["expected"].get<std::string>());
    return;
  }
  ASSERT_FALSE(rendered) << *rendered;
  if (golden.value("any_error", false)) return;
  const auto& message = rendered.error().message();
  EXPECT_NE(message.find(golden["expected_error"].get<std::string>()), std::string::npos) << message;
}

void expect_all(const std::string& file, std::size_t count) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/chat_template/" + file);
  const auto lines = testing::read_lines(path);
  EXPECT_EQ(lines.size(), count);
  for (const auto& line : lines) expect_golden(path.parent_path(), line);
}

TEST(TemplateGolden, PublishedTemplates) { expect_all("cases.jsonl", 240); }
TEST(TemplateGolden, R1DistillTemplates) { expect_all("cases_r1.jsonl", 90); }

}  // namespace
}  // namespace retort
