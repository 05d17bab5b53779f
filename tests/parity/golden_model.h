// Loading a golden checkpoint and running token ids through it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "kernels/dispatch.h"
#include "nn/model.h"

namespace retort::testing {

std::shared_ptr<const Model> load_golden(const std::filesystem::path& path, Isa isa);

/// A tensor's values; fails the test and gives nothing if it is not there in this dtype.
std::vector<float> floats(const Safetensors& file, std::string_view name);
std::vector<std::int32_t> int32s(const Safetensors& file, std::string_view name);

/// Logits [tokens, vocab] of one sequence, its tokens run in chunks of `chunk`.
std::vector<float> run_chunked(const Model& model, std::span<const std::int32_t> tokens, std::size_t chunk,
                               const ForwardTrace* trace = nullptr);

float max_abs_difference(std::span<const float> a, std::span<const float> b);

}  // namespace retort::testing
