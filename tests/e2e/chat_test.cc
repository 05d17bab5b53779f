// retort chat on a pseudo-terminal, with a test at the keyboard.
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/json.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"
#include "testing/terminal_session.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

// The end of what came, codes readable.
std::string last(const TerminalSession& session) {
  const std::string& all = session.output();
  return ::testing::PrintToString(all.substr(all.size() - std::min<std::size_t>(all.size(), 400)));
}

class Chat : public ::testing::Test {
 protected:
  void recite(Recitation recitation) { ASSERT_TRUE(write_reciting_model(model(), recitation)); }
  [[nodiscard]] std::string model() const { return directory_.path() / "model"; }
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"XDG_STATE_HOME=" + (directory_.path() / "state").string()};
  }
  [[nodiscard]] std::unique_ptr<TerminalSession> start(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"chat", "--model", model()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<TerminalSession>(RETORT_BINARY, arguments, environment());
  }
  TempDir directory_;
};

TEST_F(Chat, AnswersAndLeaves) {
  recite({.pieces = in_order({"hm", "\n</think>\n\n", "Four", " ok."}), .opening = "<think>\n"});
  const auto chat = start();
  ASSERT_TRUE(chat->wait_for("> ")) << chat->output();
  chat->send("2+2?\r");
  ASSERT_TRUE(chat->wait_for("\x1b[2mhm\x1b[0m\r\n\r\nFour ok.\r\n")) << chat->output();
  ASSERT_TRUE(chat->wait_for("tokens/s")) << chat->output();
  ASSERT_TRUE(chat->wait_for("of 2,048")) << chat->output();
  EXPECT_EQ(chat->output().find("memory:"), std::string::npos) << chat->output();
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("/quit\r");
  EXPECT_EQ(chat->wait_exit(), 0);
  // What was typed is remembered, for its owner only.
  const auto history = directory_.path() / "state" / "retort" / "chat_history";
  EXPECT_NE(read_text(history).find("2+2?"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(history.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Chat, CtrlCStopsAnAnswerAndNotTheProgram) {
  recite({.pieces = {{"go ", 1}, {"on ", 0}}, .max_position_embeddings = 100'000});
  const auto chat = start();
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("?\r");
  ASSERT_TRUE(chat->wait_for("go on go on")) << chat->output();
  chat->send("\x03");
  ASSERT_TRUE(chat->wait_for("abort")) << last(*chat);
  ASSERT_TRUE(chat->wait_for("> "));
  // At the prompt: what is typed goes, and at an empty one it takes two to leave.
  for (const char* half : {"half a message", "and another"}) {
    chat->send(half);
    ASSERT_TRUE(chat->wait_for(half));
    chat->send("\x03");
    ASSERT_TRUE(chat->wait_for("> ")) << last(*chat);
  }
  chat->send("\x03");
  ASSERT_TRUE(chat->wait_for("once more")) << last(*chat);
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("\x03");
  EXPECT_EQ(chat->wait_exit(), 0);
}

TEST_F(Chat, ATurnComputesWhatTheOnesBeforeItLeaveAlone) {
  recite({.pieces = in_order({"yes"})});
  const auto chat = start({"--system", std::string(150, 'x'), "--log-level", "debug"});
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("one\r");
  ASSERT_TRUE(chat->wait_for(", 0 of them from the prefix cache")) << last(*chat);
  ASSERT_TRUE(chat->wait_for("> "));
  for (const char* more : {"two\r", "/regen\r", "three\r"}) {
    chat->send(more);
    ASSERT_TRUE(chat->wait_for(", 128 of them from the prefix cache")) << last(*chat);
    ASSERT_TRUE(chat->wait_for("> ")) << last(*chat);
  }
  chat->send("/quit\r");
  EXPECT_EQ(chat->wait_exit(), 0);
}

TEST_F(Chat, PastedLinesAreOneMessage) {
  recite({.pieces = in_order({"yes"})});
  const auto chat = start();
  ASSERT_TRUE(chat->wait_for("> "));
  // Terminals send line breaks as \r.
  chat->send("\x1b[200~first line\rsecond 中文\x1b[201~");
  ASSERT_TRUE(chat->wait_for("second"));
  chat->send("\r");
  ASSERT_TRUE(chat->wait_for("yes")) << chat->output();
  const std::string file = directory_.path() / "saved.json";
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("/save " + file + "\r");
  ASSERT_TRUE(chat->wait_for("2 messages written")) << chat->output();
  const auto saved = parse_json(read_text(file), file);
  ASSERT_TRUE(saved);
  EXPECT_EQ((*saved)["messages"][0]["content"].get<std::string>(), "first line\nsecond 中文");
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("/quit\r");
  EXPECT_EQ(chat->wait_exit(), 0);
}

TEST_F(Chat, AFullContextIsSaidAndNothingIsLost) {
  recite({.pieces = in_order({"yes"})});
  const auto chat = start({"--max-model-len", "60"});
  ASSERT_TRUE(chat->wait_for("> "));
  chat->send("ok\r");
  ASSERT_TRUE(chat->wait_for("yes"));
  chat->send(std::string(70, 'x') + "\r");
  ASSERT_TRUE(chat->wait_for("--max-model-len is 60")) << chat->output();
  ASSERT_TRUE(chat->wait_for("/clear"));
  chat->send("/clear\r");
  ASSERT_TRUE(chat->wait_for("forgotten"));
  chat->send("ok\r");
  ASSERT_TRUE(chat->wait_for("yes")) << chat->output();
}

}  // namespace
}  // namespace retort::testing
