// Counter-based random numbers: the value depends on (seed, sequence, position, draw) alone, so that a request's
// tokens do not depend on what else runs, in which order, or after which restart.
#pragma once

#include <array>
#include <cstdint>

namespace retort {

/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3; SC 2011).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// Uniform in [0, 1), 53 bits. Key: seed. Counter: sequence (64 bits), position (32 bits), draw (32 bits).
double uniform(std::uint64_t seed, std::uint64_t sequence, std::uint32_t position, std::uint32_t draw);

}  // namespace retort
