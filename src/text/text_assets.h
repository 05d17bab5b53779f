// The text side of a checkpoint: its tokenizer and its chat template, from wherever the format keeps them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "io/checkpoint.h"
#include "text/tokenizer.h"

namespace retort {

/// tokenizer.json + tokenizer_config.json of a folder, or the GGUF vocabulary. A folder that has only vocab.json and
/// merges.txt, or none, is refused with what to do.
Expected<Tokenizer> load_tokenizer(const Checkpoint& checkpoint);
/// The same of a model as a person names it (see Checkpoint::open). A folder needs no more than its tokenizer files: no
/// config.json and no weights.
Expected<Tokenizer> load_tokenizer(std::string_view model);

/// chat_template.jinja, else tokenizer_config.json's chat_template (a string, or the list's "default"), else GGUF's
/// tokenizer.chat_template. nullopt if the checkpoint has none.
Expected<std::optional<std::string>> load_chat_template(const Checkpoint& checkpoint);
/// Likewise of a model as a person names it.
Expected<std::optional<std::string>> load_chat_template(std::string_view model);

/// True for a folder that holds a tokenizer.json but no config.json: the text side of a checkpoint alone.
bool is_text_only_folder(std::string_view model);

}  // namespace retort
