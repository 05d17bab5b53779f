// An answer from the engine as run and chat ask for it: what a conversation's next turn reuses, how an answer ends.
#include "cli/reply.h"

#include <gtest/gtest.h>

#include "cli/conversation.h"
#include "core/json.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort::cli {
namespace {

class ReplyTest : public ::testing::Test {
 protected:
  void recite(testing::Recitation recitation) {
    ASSERT_TRUE(testing::write_reciting_model(directory_.path(), recitation));
    ChatModelOptions options;
    options.model = directory_.path().string();
    options.engine.max_num_batched_tokens = 64;
    auto loaded = ChatModel::load(options);
    ASSERT_TRUE(loaded) << loaded.error().message();
    model_ = std::make_unique<ChatModel>(std::move(*loaded));
    auto engine = start_engine(*model_, options.engine, LogLevel::kDebug);
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = std::move(*engine);
  }
  // What the model says next.
  Expected<Reply> ask(const OrderedJson& messages) {
    ReplyRequest request;
    RETORT_TRY(request.prompt, model_->prompt(messages));
    request.sampling.temperature = 0;
    return generate_reply(*model_, *engine_, request, on_text_, cancel_);
  }
  Reply turn(Conversation& conversation, std::string_view user) {
    conversation.add_user(user);
    const auto reply = ask(conversation.messages());
    EXPECT_TRUE(reply) << reply.error().message();
    if (!reply) return {};
    conversation.add_reply(*reply);
    return *reply;
  }

  testing::TempDir directory_;
  std::unique_ptr<ChatModel> model_;
  std::unique_ptr<Engine> engine_;
  std::function<Status(std::string_view)> on_text_;
  CancelToken cancel_;
};

TEST_F(ReplyTest, TheSecondTurnComputesItsTailAlone) {
  recite({.pieces = testing::in_order({"Four", " ok."})});
  Conversation conversation;
  conversation.set_system(std::string(150, 'x'));
  const Reply first = turn(conversation, "2+2?");
  EXPECT_EQ(first.text, "Four ok.");
  EXPECT_EQ(first.cached_tokens, 0);
  const std::int64_t first_steps = engine_->times().steps;
  // A prompt in steps of 64, whose last one gives the first token; then a step each for " ok." and the end.
  EXPECT_EQ(first_steps, (first.prompt_tokens + 63) / 64 + 2);
  EXPECT_EQ(first_steps, 5);

  const Reply second = turn(conversation, "again");
  EXPECT_EQ(second.text, "Four ok.");
  EXPECT_EQ(second.cached_tokens, 128);  // whole blocks of 64 of the turn before
  EXPECT_EQ(engine_->stats().prefix.hits, 128);
  EXPECT_EQ(engine_->stats().prefix.queries, first.prompt_tokens + second.prompt_tokens);
  EXPECT_LE(second.prompt_tokens - second.cached_tokens, 64);
  EXPECT_EQ(engine_->times().steps - first_steps, 1 + 2);

  // The turn is taken back, and something else takes its place: what is before it is still there.
  ASSERT_TRUE(conversation.drop_last("assistant"));
  ASSERT_TRUE(conversation.drop_last("user"));
  EXPECT_EQ(turn(conversation, "something else").cached_tokens, 128);
  // Another beginning has nothing in common.
  conversation.clear();
  conversation.set_system(std::string(150, 'y'));
  EXPECT_EQ(turn(conversation, "2+2?").cached_tokens, 0);
  EXPECT_TRUE(engine_->check_integrity());
}

TEST_F(ReplyTest, AnInterruptKeepsWhatThereIsAndTheEngineGoesOn) {
  recite({.pieces = {{"go ", 1}, {"on ", 0}}});
  const OrderedJson messages = {{{"role", "user"}, {"content", "?"}}};
  std::string heard;
  on_text_ = [&](std::string_view text) -> Status {
    heard += text;
    if (heard.size() >= 9) cancel_.cancel();
    return {};
  };
  const auto stopped = ask(messages);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(stopped->text, "go on go ");
  EXPECT_EQ(heard, stopped->text);
  EXPECT_FALSE(engine_->has_unfinished());
  // Raised before it begins: nothing runs.
  const auto nothing = ask(messages);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(nothing->completion_tokens, 0);
  cancel_.reset();
  heard.clear();
  EXPECT_EQ(ask(messages)->text, "go on go ");
}

TEST_F(ReplyTest, AnErrorOfTheListenerEndsItAndIsPassedOn) {
  recite({.pieces = {{"go ", 1}, {"on ", 0}}});
  on_text_ = [](std::string_view) -> Status { return fail(ErrorCode::kIo, "the disk is full"); };
  const auto reply = ask({{{"role", "user"}, {"content", "?"}}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message(), "the disk is full");
  EXPECT_FALSE(engine_->has_unfinished());
}

TEST_F(ReplyTest, NumbersThatAreNoneEndItNamingLayerAndToken) {
  recite({.pieces = testing::in_order({"yes"}), .broken = true});
  const auto reply = ask({{{"role", "user"}, {"content", "?"}}});
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message().find("layer 0"), std::string::npos) << reply.error().message();
  EXPECT_NE(reply.error().message().find("token 0"), std::string::npos) << reply.error().message();
  EXPECT_FALSE(engine_->has_unfinished());
}

}  // namespace
}  // namespace retort::cli
