// Why an answer ended.
#pragma once

#include <string_view>

namespace retort {

enum class FinishReason {
  kStop,       ///< the model said so, or a stop string came
  kLength,     ///< max_tokens or the context is full
  kCancelled,  ///< whoever asked no longer wants it
  kError,      ///< computing it failed
};

std::string_view to_string(FinishReason reason);  ///< "stop", "length", "abort", "error", as vLLM says

}  // namespace retort
