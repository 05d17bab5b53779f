#include "text/chat_template.h"

#include <algorithm>

#include "text/chat_request.h"
#include "text/jinja/from_json.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"
#include "text/jinja/unicode.h"

namespace retort {

struct ChatTemplate::Impl {
  std::string source;  // as given
  TemplateLimits limits;
  jinja::Program program;
};

namespace {

// "line 3, column 14", both from 1, columns in characters.
std::string place(std::string_view source, std::uint32_t offset) {
  const std::string_view before = source.substr(0, std::min<std::size_t>(offset, source.size()));
  const auto line_start = before.rfind('\n');
  const std::string_view line = line_start == std::string_view::npos ? before : before.substr(line_start + 1);
  return fmt::format("line {}, column {}", 1 + std::count(before.begin(), before.end(), '\n'),
                     1 + jinja::count_chars(line));
}

Error to_error(const jinja::Fault& fault, std::string_view source, std::uint32_t here) {
  if (fault.from_template) return {fault.code, fmt::format("chat template: {}", fault.message)};
  const std::uint32_t offset = fault.offset == jinja::kNoOffset ? here : fault.offset;
  return {fault.code, fmt::format("chat template: {}: {}", place(source, offset), fault.message)};
}

}  // namespace

Expected<ChatTemplate> ChatTemplate::compile(std::string_view source, TemplateLimits limits) {
  if (source.size() > limits.max_source_bytes || source.size() >= jinja::kNoOffset) {
    return fail(ErrorCode::kOutOfRange, "chat template: {} bytes are more than the limit of {}", source.size(),
                limits.max_source_bytes);
  }
  if (!jinja::is_valid_utf8(source)) return fail(ErrorCode::kCorrupt, "chat template: not valid UTF-8");
  auto impl = std::make_shared<Impl>();
  impl->source = source;
  impl->limits = limits;
  impl->program.source = jinja::normalize_source(source);
  try {
    jinja::parse_program(impl->program, limits.max_depth);
  } catch (const jinja::Fault& fault) {
    return fail(to_error(fault, impl->program.source, 0));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kExhausted, "chat template: out of memory while it was read");
  }
  return ChatTemplate(std::move(impl));
}

Expected<std::string> ChatTemplate::render(const ChatRequest& request) const {
  std::uint32_t here = 0;
  try {
    jinja::Interpreter interpreter(impl_->program, impl_->limits);
    interpreter.now = request.now;
    try {
      interpreter.define("messages", jinja::from_json(interpreter, request.messages));
      interpreter.define("tools", jinja::from_json(interpreter, request.tools));
      interpreter.define("documents", jinja::from_json(interpreter, request.documents));
      interpreter.define("add_generation_prompt",
                         jinja::of_bool(request.generation_prompt == ChatRequest::GenerationPrompt::kAdd));
      interpreter.define("bos_token", jinja::of_text(request.bos_token));
      interpreter.define("eos_token", jinja::of_text(request.eos_token));
      if (request.kwargs.is_object()) {
        for (const auto& [name, value] : request.kwargs.items()) {
          interpreter.define(name, jinja::from_json(interpreter, value));
        }
      }
      return interpreter.run();
    } catch (const jinja::Fault&) {
      here = interpreter.offset();
      throw;
    }
  } catch (const jinja::Fault& fault) {
    return fail(to_error(fault, impl_->program.source, here));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kExhausted, "chat template: out of memory while it was rendered");
  }
}

const std::string& ChatTemplate::source() const { return impl_->source; }

}  // namespace retort
