// What a chat template is given. Apart from text/chat_template.h because most who hold a template never fill one in.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/json.h"

namespace retort {

struct ChatRequest {
  OrderedJson messages;                        ///< [{"role", "content", ...}]
  OrderedJson tools;                           ///< null: none
  OrderedJson documents;                       ///< null: none
  OrderedJson kwargs = OrderedJson::object();  ///< further variables (enable_thinking, ...)
  enum class GenerationPrompt { kAdd, kOmit } generation_prompt = GenerationPrompt::kAdd;
  std::string bos_token;
  std::string eos_token;
  std::optional<std::chrono::system_clock::time_point> now;  ///< for strftime_now, in UTC; nullopt: the clock, local
};

}  // namespace retort
