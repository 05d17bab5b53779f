// An OpenAI-compatible endpoint as who answers a task's questions: vLLM, llama-server, this program's own, or a
// service.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "eval/responder.h"

namespace retort::eval {

struct EndpointOptions {
  std::string url;  ///< up to and with "/v1"
  std::string model;
  std::string api_key;  ///< empty: none is sent
  std::int64_t concurrency = 16;
  int retries = 5;  ///< after a failure of the network, 429 or 5xx, with growing pauses
  double timeout_seconds = 3'600;
};

/// kInvalidArgument where the URL is none.
Expected<std::unique_ptr<Responder>> make_endpoint_responder(EndpointOptions options);

}  // namespace retort::eval
