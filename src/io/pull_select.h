// Which files of a repo a pull takes.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "io/hub_api.h"

namespace retort {

/// Those that one of `include` matches; without any, what retort reads: configuration, tokenizer, chat template and
/// safetensors at the top of the repo, or the one GGUF (all its parts) where there are no safetensors. kInvalidArgument
/// with the choices if there are several GGUFs; kNotFound if a glob finds nothing; kUnsupported if there are no weights
/// that retort reads.
Expected<std::vector<HubFile>> choose_files(const HubRepo& repo, const std::vector<std::string>& include,
                                            std::string_view name);

}  // namespace retort
