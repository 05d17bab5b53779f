// A checkpoint's chat template applied to messages: an interpreter for the Jinja that such templates use.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort {

/// Templates come with checkpoints and are hostile until shown otherwise.
struct TemplateLimits {
  std::size_t max_source_bytes = 1 << 20;
  std::size_t max_steps = 2'000'000;  ///< expressions and statements evaluated
  std::size_t max_output_bytes = 64 << 20;
  std::size_t max_value_bytes = 256 << 20;  ///< all strings and lists made on the way together
  int max_depth = 100;                      ///< nesting of syntax and of macro calls
};

struct ChatRequest;  ///< text/chat_request.h

/// Compiled once; immutable and thread-safe.
class ChatTemplate {
 public:
  /// kCorrupt for a syntax error: "chat template: line 3, column 14: expected ...".
  static Expected<ChatTemplate> compile(std::string_view source, TemplateLimits limits = {});

  /// The environment of transformers' apply_chat_template: trim_blocks, lstrip_blocks, loop controls, tojson without
  /// ASCII or HTML escaping, raise_exception, strftime_now, immutable sandbox. An error from raise_exception carries
  /// its message (kInvalidArgument); others give line and column.
  [[nodiscard]] Expected<std::string> render(const ChatRequest& request) const;

  [[nodiscard]] const std::string& source() const;

  struct Impl;  ///< text/jinja/
 private:
  explicit ChatTemplate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace retort
