// retort render, as a person calls it.
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort {
namespace {

using ::retort::testing::ProgramResult;
using ::retort::testing::TempDir;

class Render : public ::testing::Test {
 protected:
  ProgramResult render(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"render", "--chat-template", source, "--messages", messages});
    return testing::run_program(RETORT_BINARY, arguments);
  }

  TempDir dir;
  std::string source =
      dir.write("t.jinja",
                "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}\n"
                "{% endfor %}{% if add_generation_prompt %}>{% endif %}{{ mood }}{{ tools|length if tools }}"
                "{{ documents|length if documents }}");
  std::string messages = dir.write("m.json", R"([{"role": "user", "content": "é"}])");
};

TEST_F(Render, WritesThePromptAndNothingElse) {
  const auto plain = render({"--bos", "<s>", "--eos", "</s>"});
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(plain.out, "<s>user:é</s>\n>");
  EXPECT_EQ(plain.err, "");
  EXPECT_EQ(render({"--no-generation-prompt"}).out, "user:é\n");
  EXPECT_EQ(render({"--kwargs", R"({"mood": "calm"})"}).out, "user:é\n>calm");
  EXPECT_EQ(render({"--json"}).out, "{\"prompt\":\"user:é\\n>\"}\n");
}

TEST_F(Render, ToolsAndDocuments) {
  const std::string list = dir.write("list.json", "[{}, {}]");
  EXPECT_EQ(render({"--tools", list, "--documents", list}).out, "user:é\n>22");
  dir.write("m.json", R"({"messages": [{"role": "user", "content": "x"}], "tools": [{}]})");
  EXPECT_EQ(render({}).out, "user:x\n>1");
}

TEST_F(Render, UsesTheModelsTemplateAndTokens) {
  const auto folder = dir.path() / "model";
  ASSERT_TRUE(testing::write_reciting_model(folder, {.pieces = testing::in_order({"Hello.", " Bye."})}));
  const auto result =
      testing::run_program(RETORT_BINARY, {"render", "--model", folder.string(), "--messages", messages});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("é"), std::string::npos);
  EXPECT_TRUE(result.out.ends_with("<|say|>")) << result.out;
}

TEST_F(Render, SaysWhatIsWrongAndWhoseFaultItIs) {
  const auto expect_refused = [&](const ProgramResult& result, int code, std::string_view words) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  };
  expect_refused(render({"--kwargs", "[1]"}), 2, "--kwargs: expected an object");
  expect_refused(render({"--kwargs", "{"}), 2, "--kwargs: not valid JSON");
  expect_refused(render({"--tools", messages + ".none"}), 1, "No such file");
  dir.write("m.json", R"([{"content": "x"}])");
  expect_refused(render({}), 2, "message 0 needs a \"role\"");
  dir.write("m.json", R"(["x"])");
  expect_refused(render({}), 2, "message 0 must be an object");
  dir.write("m.json", R"({"tools": []})");
  expect_refused(render({}), 2, "has no \"messages\"");
  dir.write("m.json", R"([{"role": "user"}])");
  dir.write("t.jinja", "{{ messages[0].content.strip() }}");
  expect_refused(render({}), 2, "line 1, column 23: 'dict object' has no attribute 'content'");
  dir.write("t.jinja", "{% if %}");
  expect_refused(render({}), 1, "line 1, column 7");
  expect_refused(testing::run_program(RETORT_BINARY, {"render", "--messages", messages}), 2, "give --model");
}

}  // namespace
}  // namespace retort
