#include "engine/non_finite.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/softmax.h"

namespace retort {
namespace {

struct Place {
  std::int64_t layer;
  std::int64_t token;
};

// The first row that is not finite.
std::optional<std::int64_t> broken_row(std::span<const float> values, std::int64_t width) {
  for (std::int64_t row = 0; (row + 1) * width <= static_cast<std::int64_t>(values.size()); ++row) {
    if (!all_finite(values.subspan(row * width, width))) return row;
  }
  return std::nullopt;
}

constexpr std::size_t kChunk = 256;

}  // namespace

Error explain_non_finite(const Model& model, KvCacheType type, const KvWindowOptions& window,
                         std::span<const std::int32_t> tokens, std::int64_t prompt_length) {
  const std::int64_t width = model.config().hidden_size;
  const auto kv = make_sequence_kv(model.config(), type, static_cast<std::int64_t>(tokens.size()), window);
  std::optional<Place> place;
  std::int64_t before = 0;
  const ForwardTrace trace{.on_layer =
                               [&](std::int64_t layer, std::span<const float> hidden) {
                                 if (place) return;
                                 if (const auto row = broken_row(hidden, width)) place = Place{layer, before + *row};
                               },
                           .on_router = {}};
  std::vector<float> hidden;
  for (std::size_t first = 0; first < tokens.size() && !place; first += kChunk) {
    const auto chunk_tokens = tokens.subspan(first, std::min(kChunk, tokens.size() - first));
    hidden.resize(chunk_tokens.size() * width);
    before = static_cast<std::int64_t>(first);
    const SequenceChunk chunk{chunk_tokens, kv.get(), static_cast<std::int64_t>(tokens.size()), prompt_length};
    if (const Status status = model.forward({&chunk, 1}, hidden, &trace); !status) return status.error();
  }
  if (!place) {
    return {ErrorCode::kCorrupt,
            fmt::format("the logits behind token {} (id {}) are not finite, though every layer's output is: the output "
                        "head's weights are broken",
                        tokens.size() - 1, tokens.back())};
  }
  return {ErrorCode::kCorrupt,
          fmt::format("layer {} gives values that are not finite for token {} (id {}): its weights are broken, or the "
                      "model overflows on this text",
                      place->layer, place->token, tokens[place->token])};
}

}  // namespace retort
