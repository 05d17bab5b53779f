#include "eval/row_template.h"

#include "core/ascii.h"
#include "core/json.h"
#include "text/chat_request.h"

namespace retort::eval {
namespace {

// The interpreter's errors begin with what it is used for elsewhere.
Error template_error(const Error& error, std::string_view what) {
  constexpr std::string_view kElsewhere = "chat template: ";
  std::string_view message = error.message();
  if (message.starts_with(kElsewhere)) message.remove_prefix(kElsewhere.size());
  return {error.code(), fmt::format("{}: {}", what, message)};
}

}  // namespace

Expected<RowTemplate> RowTemplate::compile(std::string_view source, std::string_view what) {
  auto compiled = ChatTemplate::compile(source);
  if (!compiled) return fail(template_error(compiled.error(), what));
  return RowTemplate(std::move(*compiled), std::string(what));
}

Expected<std::string> RowTemplate::render(const OrderedJson& variables) const {
  ChatRequest request;
  request.messages = OrderedJson::array();
  request.kwargs = variables;
  request.generation_prompt = ChatRequest::GenerationPrompt::kOmit;
  auto text = compiled_.render(request);
  if (!text) return fail(template_error(text.error(), what_));
  if (trimmed(*text).empty()) {
    return fail(ErrorCode::kCorrupt, "{}: gives nothing but blanks; does it name a field that is not in data.fields?",
                what_);
  }
  return std::move(*text);
}

}  // namespace retort::eval
