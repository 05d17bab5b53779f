// Rows of panels whose scales and zeros stand beside the codes: unpack_row()'s part for the formats without a source.
#pragma once

#include <cstdint>

#include "kernels/packed.h"

namespace retort {

void unpack_grouped_row(const PackedInfo& info, const void* panel, std::int64_t row, std::int64_t columns, float* out);

}  // namespace retort
