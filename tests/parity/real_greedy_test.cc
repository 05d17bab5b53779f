// The real 0.5B continues the golden prompts as Hugging Face does: template, prompt ids, tokens, log-probabilities.
#include <cmath>
#include <gtest/gtest.h>

#include "core/json.h"
#include "engine/generation.h"
#include "kernels/dispatch.h"
#include "testing/shared_data.h"
#include "text/chat_request.h"
#include "text/chat_template.h"
#include "text/text_assets.h"

namespace retort {
namespace {

// Where the golden's best and second best are this close, another order of summation may choose the other.
constexpr double kNearTie = 0.05;
constexpr double kTolerance = 2e-3;

struct Golden {
  OrderedJson messages;
  Json line;
};

std::vector<Golden> read_golden(const std::filesystem::path& path) {
  std::vector<Golden> all;
  for (const std::string& text : testing::read_lines(path)) {
    Golden golden;
    golden.line = Json::parse(text);
    const OrderedJson ordered = OrderedJson::parse(text);
    golden.messages = ordered.contains("messages")
                          ? ordered["messages"]
                          : OrderedJson::array({{{"role", "user"}, {"content", ordered["prompt"]}}});
    all.push_back(std::move(golden));
  }
  return all;
}

void check(const std::string& relative) {
  RETORT_REAL_OR_SKIP(file, "0.5b");
  RETORT_SHARED_OR_SKIP(golden_file, relative);
  auto opened = Checkpoint::open(file.string());
  ASSERT_TRUE(opened) << opened.error().message();
  const auto checkpoint = std::make_shared<const Checkpoint>(std::move(*opened));
  const auto tokenizer = load_tokenizer(*checkpoint);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const auto source = load_chat_template(*checkpoint);
  ASSERT_TRUE(source && *source);
  const auto chat_template = ChatTemplate::compile(**source);
  ASSERT_TRUE(chat_template) << chat_template.error().message();
  auto loaded = Model::load(checkpoint, **default_kernel_table(), Quality::kExact);
  ASSERT_TRUE(loaded) << loaded.error().message();
  GenerationSession session(std::shared_ptr<const Model>(std::move(*loaded)), 4096);

  for (const Golden& golden : read_golden(golden_file)) {
    ChatRequest chat;
    chat.messages = golden.messages;
    const auto rendered = chat_template->render(chat);
    ASSERT_TRUE(rendered) << rendered.error().message();
    EXPECT_EQ(*rendered, golden.line["rendered"].get<std::string>());
    GenerationRequest request;
    request.prompt = tokenizer->encode(*rendered);
    EXPECT_EQ(request.prompt, golden.line["prompt_ids"].get<std::vector<TokenId>>());

    const auto ids = golden.line["greedy_ids"].get<std::vector<TokenId>>();
    request.sampling = {.temperature = 0, .logprobs = 0};
    request.max_tokens = static_cast<std::int64_t>(ids.size());
    request.eos = GenerationRequest::Eos::kIgnore;
    std::vector<SampledToken> tokens;
    const CancelToken cancel;
    const auto result = session.generate(
        request,
        [&](const SampledToken& token) {
          tokens.push_back(token);
          return OnToken::kContinue;
        },
        cancel);
    ASSERT_TRUE(result) << result.error().message();
    std::size_t compared = 0;
    for (; compared < ids.size() && golden.line["margins"][compared].get<double>() >= kNearTie; ++compared) {
      ASSERT_EQ(tokens[compared].id, ids[compared]) << "token " << compared << " of " << *rendered;
      EXPECT_NEAR(tokens[compared].logprob, golden.line["logprobs"][compared].get<double>(), kTolerance)
          << "token " << compared << " of " << *rendered;
    }
    EXPECT_GT(compared, 0u);
  }
}

TEST(RealGreedy, ContinuesAsHuggingFace) { check("data/golden/real05/greedy.jsonl"); }
TEST(RealGreedy, ContinuesAsHuggingFaceOnWiderMargins) { check("data/golden/real05/greedy_more.jsonl"); }

}  // namespace
}  // namespace retort
