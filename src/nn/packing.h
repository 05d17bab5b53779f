// Copies of a model's matrices in the layout that integer kernels read.
#pragma once

#include <span>

#include "core/error.h"
#include "core/pages.h"
#include "nn/linear.h"

namespace retort {

/// Packs every linear whose dtype and columns have a packed format, and points it there; the others stay as they are.
/// The result owns the memory. Bytes are those of the file rearranged, within 4%. kExhausted if memory is short.
Expected<Pages> pack_linears(std::span<Linear* const> linears);

}  // namespace retort
