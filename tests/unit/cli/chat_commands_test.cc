#include "cli/chat_commands.h"

#include <gtest/gtest.h>

#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort::cli {
namespace {

class ChatCommands : public ::testing::Test {
 protected:
  ChatCommands() { state_.defaults = &defaults_; }
  std::string output(std::string_view line) {
    const auto result = run_command(line, state_);
    return result ? result->output : "error: " + result.error().message();
  }
  void say(std::string_view user, std::string_view text, std::string_view reasoning, std::string_view content) {
    Reply reply;
    reply.text = text;
    reply.reasoning = reasoning;
    reply.content = content;
    state_.conversation.add_user(user);
    state_.conversation.add_reply(reply);
  }
  GenerationDefaults defaults_;
  ChatState state_;
  testing::TempDir directory_;
};

TEST_F(ChatCommands, AreToldFromMessages) {
  EXPECT_TRUE(is_command("/help"));
  EXPECT_TRUE(is_command("/nonsense"));
  for (const char* line : {"", "/", "/ help", " /help", "//", "hello", "/2"}) EXPECT_FALSE(is_command(line)) << line;
  EXPECT_NE(output("/nonsense").find("/help"), std::string::npos);
  EXPECT_EQ(run_command("/quit", state_)->next, ChatStep::kQuit);
  EXPECT_NE(output("/help").find("/regen"), std::string::npos);
}

TEST_F(ChatCommands, SystemIsToldFirstAndOutlivesClear) {
  output("/system Be brief.");
  say("a", "b", "", "b");
  EXPECT_EQ(state_.conversation.messages()[0].dump(), R"({"role":"system","content":"Be brief."})");
  output("/clear");
  EXPECT_EQ(state_.conversation.messages().size(), 1u);
  output("/system");
  EXPECT_TRUE(state_.conversation.messages().empty());
}

TEST_F(ChatCommands, ThinkingIsLeftOutOfWhatTheModelIsToldAndKeptInTheFile) {
  say("2+2?", "hm</think>\n\nFour.", "hm", "\n\nFour.");
  const OrderedJson told = state_.conversation.messages();
  EXPECT_EQ(told[1]["content"], "\n\nFour.");
  EXPECT_EQ(told[1]["reasoning_content"], "hm");
  EXPECT_FALSE(told[1].contains("text"));
  const std::string path = directory_.path() / "chat.json";
  output("/system Be brief.");
  EXPECT_EQ(output("/save " + path), "2 messages written to " + path);
  const OrderedJson saved = OrderedJson::parse(testing::read_text(path));
  EXPECT_EQ(saved["messages"][2]["text"], "hm</think>\n\nFour.");

  ChatState other;
  other.defaults = &defaults_;
  ASSERT_TRUE(run_command("/load " + path, other));
  EXPECT_EQ(other.conversation.to_json(), state_.conversation.to_json());
  EXPECT_EQ(other.conversation.system(), "Be brief.");
}

TEST_F(ChatCommands, SaveOverwritesOnlyItsOwn) {
  say("a", "b", "", "b");
  const std::string path = directory_.write("precious.json", "{}");
  EXPECT_NE(output("/save " + path).find("exists already"), std::string::npos);
  EXPECT_EQ(testing::read_text(path), "{}");
  const std::string mine = directory_.path() / "mine.json";
  output("/save " + mine);
  say("c", "d", "", "d");
  EXPECT_NE(output("/save " + mine).find("4 messages"), std::string::npos);
  EXPECT_NE(output("/save /nonexistent/x").find("No such file"), std::string::npos);
  EXPECT_NE(output("/save").find("file name"), std::string::npos);
}

TEST_F(ChatCommands, LoadRefusesWhatIsNoConversation) {
  say("a", "b", "", "b");
  for (const char* content :
       {"", "[]", "{}", "[1]", R"([{"content": "x"}])", R"([{"role": 1}])", R"([{"role": "system", "content": 5}])"}) {
    const std::string path = directory_.write("bad.json", content);
    EXPECT_NE(output("/load " + path).find("bad.json"), std::string::npos) << content;
    EXPECT_EQ(state_.conversation.size(), 2u) << content;
  }
  const std::string path = directory_.write("list.json", R"([{"role": "user", "content": "x"}])");
  EXPECT_NE(output("/load " + path).find("1 messages"), std::string::npos);
}

TEST_F(ChatCommands, RegenTakesTheAnswerBack) {
  EXPECT_NE(output("/regen").find("no answer yet"), std::string::npos);
  say("a", "b", "", "b");
  EXPECT_EQ(run_command("/regen", state_)->next, ChatStep::kReply);
  EXPECT_EQ(state_.conversation.size(), 1u);
}

TEST_F(ChatCommands, ParamsShowAndSet) {
  EXPECT_NE(output("/params").find("temperature 0.6"), std::string::npos);
  EXPECT_NE(output("/params").find("seed (random)"), std::string::npos);
  EXPECT_NE(output("/params temperature 0").find("temperature 0 (greedy)"), std::string::npos);
  EXPECT_NE(output("/params seed 7").find("seed 7"), std::string::npos);
  EXPECT_NE(output("/params reasoning hide").find("reasoning hide"), std::string::npos);
  EXPECT_EQ(state_.reasoning, ReasoningMode::kHide);
  EXPECT_NE(output("/params top_p 2").find("top_p must be"), std::string::npos);
  EXPECT_NE(output("/params top_p").find("must be a number"), std::string::npos);
  EXPECT_NE(output("/params max_tokens 0").find("max_tokens must be"), std::string::npos);
  EXPECT_NE(output("/params warmth 2").find("no parameter"), std::string::npos);
  EXPECT_FALSE(state_.sampling.top_p);
}

}  // namespace
}  // namespace retort::cli
