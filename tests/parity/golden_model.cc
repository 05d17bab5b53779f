#include "parity/golden_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace retort::testing {
namespace {

template <typename T>
std::vector<T> values(const Safetensors& file, std::string_view name, DType dtype) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.dtype != dtype) {
    ADD_FAILURE() << "no tensor " << name << " of dtype " << to_string(dtype);
    return {};
  }
  std::vector<T> out(found->second.bytes / sizeof(T));
  std::memcpy(out.data(), found->second.data, found->second.bytes);
  return out;
}

}  // namespace

std::shared_ptr<const Model> load_golden(const std::filesystem::path& path, Isa isa) {
  auto checkpoint = Checkpoint::open(path.string());
  if (!checkpoint) {
    ADD_FAILURE() << checkpoint.error().message();
    return nullptr;
  }
  const auto kernels = kernel_table(isa);
  if (!kernels) {
    ADD_FAILURE() << kernels.error().message();
    return nullptr;
  }
  auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **kernels, Quality::kExact);
  if (!model) {
    ADD_FAILURE() << model.error().message();
    return nullptr;
  }
  return std::move(*model);
}

std::vector<float> floats(const Safetensors& file, std::string_view name) {
  return values<float>(file, name, DType::kF32);
}

std::vector<std::int32_t> int32s(const Safetensors& file, std::string_view name) {
  return values<std::int32_t>(file, name, DType::kI32);
}

std::vector<float> run_chunked(const Model& model, std::span<const std::int32_t> tokens, std::size_t chunk,
                               const ForwardTrace* trace) {
  const auto kv = make_sequence_kv(model.config(), KvCacheType::kF32, static_cast<std::int64_t>(tokens.size()));
  std::vector<float> hidden(tokens.size() * model.config().hidden_size);
  for (std::size_t first = 0; first < tokens.size(); first += chunk) {
    const std::size_t count = std::min(chunk, tokens.size() - first);
    const SequenceChunk part{tokens.subspan(first, count), kv.get(), static_cast<std::int64_t>(tokens.size())};
    const std::span<float> out(hidden.data() + first * model.config().hidden_size, count * model.config().hidden_size);
    const auto status = model.forward({&part, 1}, out, trace);
    EXPECT_TRUE(status) << status.error().message();
  }
  std::vector<float> logits(tokens.size() * model.config().vocab_size);
  model.logits(hidden, logits);
  return logits;
}

float max_abs_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<float>::infinity();
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = std::fabs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN counts
  }
  return largest;
}

}  // namespace retort::testing
