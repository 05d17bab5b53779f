// Short ways to render a template in a test.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include "text/chat_request.h"
#include "text/chat_template.h"

namespace retort::testing {

/// Variables that the tests use, as JSON.
inline OrderedJson variables(std::string_view json) { return OrderedJson::parse(json); }

inline Expected<std::string> try_render(std::string_view source, std::string_view kwargs = "{}",
                                        TemplateLimits limits = {}) {
  RETORT_TRY(const ChatTemplate compiled, ChatTemplate::compile(source, limits));
  ChatRequest request;
  request.messages = OrderedJson::array();
  request.kwargs = variables(kwargs);
  request.bos_token = "<s>";
  request.eos_token = "</s>";
  request.now = std::chrono::system_clock::time_point(std::chrono::seconds(1'793'784'605));  // 2026-11-04 09:30:05 UTC
  return compiled.render(request);
}

/// The output, or "error: ..." so that a test shows what went wrong.
inline std::string render(std::string_view source, std::string_view kwargs = "{}", TemplateLimits limits = {}) {
  auto result = try_render(source, kwargs, limits);
  return result ? *result : "error: " + result.error().message();
}

/// Of an expression.
inline std::string value(std::string_view expression, std::string_view kwargs = "{}") {
  return render("{{ " + std::string(expression) + " }}", kwargs);
}

}  // namespace retort::testing
