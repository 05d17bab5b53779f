// How far one model's predictions are from another's, as a person and as a program read it.
#pragma once

#include "core/json_fwd.h"
#include "engine/divergence.h"

namespace retort::cli {

/// {"all": {"mean_kl": ...}, "second_half": {...}, "windows": ...}
OrderedJson divergence_as_json(const DivergenceResult& result);
/// On standard output.
void print_divergence(const DivergenceResult& result);

}  // namespace retort::cli
