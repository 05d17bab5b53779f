// The key-value pairs at the start of a GGUF file.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "core/error.h"
#include "io/gguf.h"
#include "io/gguf_cursor.h"

namespace retort {

inline constexpr std::size_t kMaxGgufNameBytes = 65535;  ///< the format's own limit for keys

/// kCorrupt: the bytes ended while reading `reading`.
tl::unexpected<Error> gguf_truncated(std::string_view reading, const GgufCursor& cursor);

/// Reads `count` pairs. kCorrupt where they do not fit the bytes, a key appears twice, or a type is unknown.
Expected<std::map<std::string_view, GgufValue>> read_gguf_metadata(GgufCursor& cursor, std::uint64_t count);

}  // namespace retort
