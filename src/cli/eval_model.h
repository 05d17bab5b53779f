// A model in this process as who answers a task's questions.
#pragma once

#include <memory>

#include "cli/chat_model.h"
#include "core/error.h"
#include "eval/responder.h"

namespace retort::cli {

/// Loads the model and starts an engine for it.
Expected<std::unique_ptr<eval::Responder>> start_model_responder(const ChatModelOptions& options);

}  // namespace retort::cli
