// Quantities as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace retort {

/// "512 B", "1.50 KiB", "4.36 GiB"
std::string format_bytes(std::uint64_t bytes);
/// "494.0 M", "32.8 B": counts of parameters
std::string format_count(std::uint64_t count);
/// "32,768"
std::string format_grouped(std::int64_t number);
/// "412 ms", "3.2 s", "4 min 05 s", "2 h 10 min"
std::string format_seconds(double seconds);

}  // namespace retort
