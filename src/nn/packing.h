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
/// Bytes of the tensors that it is packed from.
std::uint64_t source_bytes(const Linear& linear);
/// The panels of `linear` in `format`, on all threads: out [packed_bytes]. Memory of `checkpoint` that is read no more
/// is given back.
void pack_linear(const Linear& linear, PackedFormat format, const Checkpoint& checkpoint, std::byte* out);

/// Packs every linear that has a packed format, and points it there; the others stay as they are. Memory of
/// `checkpoint` that is no longer read is given back on the way. The result owns the memory. Bytes are those of the
/// file rearranged, within 4%; with groups of 32 or 64 columns within a fifth, since their scales become fp32.
/// kExhausted if memory is short.
Expected<Pages> pack_linears(std::span<const NamedLinear> linears, const Checkpoint& checkpoint);

}  // namespace retort
