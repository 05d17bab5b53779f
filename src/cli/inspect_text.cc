// The text side of the report: tokenizer and chat template.
#include "cli/inspect_report.h"
#include "text/chat_template.h"
#include "text/text_assets.h"
#include "text/tokenizer.h"

namespace retort::cli {
namespace {

void describe_tokenizer(const Tokenizer& tokenizer, InspectText& text) {
  const Tokenizer::Description description = tokenizer.describe();
  text.model = description.model;
  text.pretokenizer = description.pretokenizer;
  text.normalizer = description.normalizer;
  text.vocab_size = tokenizer.vocab_size();
  text.merges = description.merges;
  text.added_tokens = description.added_tokens;
  const auto add = [&](std::string role, std::optional<TokenId> id) {
    if (id) text.special_tokens.push_back({std::move(role), *id, std::string(tokenizer.piece(*id))});
  };
  add("bos", tokenizer.bos_id());
  add("eos", tokenizer.eos_id());
  add("pad", tokenizer.pad_id());
}

}  // namespace

InspectText inspect_text(const Checkpoint& checkpoint) {
  InspectText text;
  if (const auto tokenizer = load_tokenizer(checkpoint)) {
    describe_tokenizer(*tokenizer, text);
  } else {
    text.tokenizer_problem = tokenizer.error().message();
  }
  auto source = load_chat_template(checkpoint);
  if (!source) {
    text.template_problem = source.error().message();
    return text;
  }
  text.chat_template = std::move(*source);
  if (!text.chat_template) return text;
  if (const auto compiled = ChatTemplate::compile(*text.chat_template); !compiled) {
    text.template_problem = compiled.error().message();
  }
  return text;
}

}  // namespace retort::cli
