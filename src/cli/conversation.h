// What was said so far in a chat: kept whole, and told to the model as its template wants it.
#pragma once

#include <string>
#include <string_view>

#include "cli/reply.h"
#include "core/json.h"

namespace retort::cli {

class Conversation {
 public:
  void set_system(std::string text) { system_ = std::move(text); }  ///< empty: none
  [[nodiscard]] const std::string& system() const { return system_; }

  void add_user(std::string_view text);
  void add_reply(const Reply& reply);
  /// Takes back the last message if it is of `role`; false if it is not.
  bool drop_last(std::string_view role);
  void clear() { messages_.clear(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }

  /// For the template: system message, then the rest with thinking left out of "content" (it is in
  /// "reasoning_content", for templates that ask for it).
  [[nodiscard]] OrderedJson messages() const;

  /// {"messages": [...]}: as messages(), and every reply's whole text under "text".
  [[nodiscard]] OrderedJson to_json() const;
  /// What to_json() gave, or any list of messages. Replaces everything.
  Status load(std::string_view json, std::string_view what);

 private:
  std::string system_;
  OrderedJson messages_ = OrderedJson::array();
};

}  // namespace retort::cli
