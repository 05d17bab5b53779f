#include "cli/conversation.h"

#include <utility>

namespace retort::cli {

void Conversation::add_user(std::string_view text) { messages_.push_back({{"role", "user"}, {"content", text}}); }

void Conversation::add_reply(const Reply& reply) {
  OrderedJson message = {{"role", "assistant"}, {"content", reply.content}};
  if (!reply.reasoning.empty()) message["reasoning_content"] = reply.reasoning;
  message["text"] = reply.text;
  messages_.push_back(std::move(message));
}

bool Conversation::drop_last(std::string_view role) {
  if (messages_.empty() || messages_.back()["role"] != role) return false;
  messages_.erase(messages_.size() - 1);
  return true;
}

OrderedJson Conversation::messages() const {
  OrderedJson list = to_json()["messages"];
  for (OrderedJson& message : list) message.erase("text");
  return list;
}

OrderedJson Conversation::to_json() const {
  OrderedJson list = OrderedJson::array();
  if (!system_.empty()) list.push_back({{"role", "system"}, {"content", system_}});
  list.insert(list.end(), messages_.begin(), messages_.end());
  return {{"messages", std::move(list)}};
}

Status Conversation::load(std::string_view json, std::string_view what) {
  RETORT_TRY(OrderedJson list, parse_messages(json, what));
  std::string system;
  if (list[0]["role"] == "system") {
    if (!list[0].contains("content") || !list[0]["content"].is_string()) {
      return fail(ErrorCode::kCorrupt, "{}: the system message's \"content\" must be a string", what);
    }
    system = list[0]["content"].get<std::string>();
    list.erase(0);
  }
  system_ = std::move(system);
  messages_ = std::move(list);
  return {};
}

}  // namespace retort::cli
