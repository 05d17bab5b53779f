// A template of a task, filled in with a row: Jinja, by the interpreter of chat templates and within its limits.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json_fwd.h"
#include "text/chat_template.h"

namespace retort::eval {

/// Immutable and thread-safe.
class RowTemplate {
 public:
  /// `what` begins errors: "task gsm8k: prompt.user". One line break at the end of the source is dropped, as Jinja
  /// does.
  static Expected<RowTemplate> compile(std::string_view source, std::string_view what);

  /// `variables`: an object; its fields are what the template can name. A name that it lacks is empty text, so that a
  /// template which fills in nothing but blanks is an error, kCorrupt.
  [[nodiscard]] Expected<std::string> render(const OrderedJson& variables) const;

  [[nodiscard]] const std::string& source() const { return compiled_.source(); }

 private:
  RowTemplate(ChatTemplate compiled, std::string what) : compiled_(std::move(compiled)), what_(std::move(what)) {}
  ChatTemplate compiled_;
  std::string what_;
};

}  // namespace retort::eval
