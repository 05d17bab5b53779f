// Copies of a model's matrices in the layout that integer kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"
#include "core/pages.h"
#include "io/checkpoint.h"
#include "nn/linear.h"

namespace retort {

/// A matrix and the tensor that it is.
struct NamedLinear {
  std::string name;  ///< "lm_head.weight"
  Linear* linear;
};

/// The format that a matrix is packed in without loss, if there is one.
std::optional<PackedFormat> packed_format_of(const Linear& linear);
/// Bytes of its panels in `format`.
std::uint64_t packed_bytes(const Linear& linear, PackedFormat format);
/// The panels of `linear` in `format`, on all threads: out [packed_bytes].
void pack_linear(const Linear& linear, PackedFormat format, std::byte* out);

/// Packs every linear whose dtype and columns have a packed format, and points it there; the others stay as they are.
/// Memory of `checkpoint` that is no longer read is given back on the way. The result owns the memory. Bytes are those
/// of the file rearranged, within 4%. kExhausted if memory is short.
Expected<Pages> pack_linears(std::span<const NamedLinear> linears, const Checkpoint& checkpoint);

}  // namespace retort
