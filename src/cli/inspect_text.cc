// The text side of the report: tokenizer and chat template.
#include "cli/inspect_report.h"

namespace retort::cli {

InspectText inspect_text(const Checkpoint& checkpoint) {
  InspectText text;
  if (!checkpoint.gguf()) return text;
  const auto source = checkpoint.gguf()->get_string("tokenizer.chat_template");
  if (source && *source) text.chat_template = std::string(**source);
  return text;
}

}  // namespace retort::cli
