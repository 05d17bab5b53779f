// What the tokens of a sequence see of what came before: everything, the windows of the model's configuration, or less,
// so that early blocks of the KV cache can be freed. "Windows" in docs/engine.md tells how and why.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/model_config.h"
#include "kernels/kv_block.h"

namespace retort {

enum class KvWindowMode : std::uint8_t {
  kConfig,   ///< each layer as the model's configuration says: what it was trained with
  kFull,     ///< every layer sees everything, whatever the configuration says
  kSinks,    ///< the first block, the token's own, and a fixed number of positions before that one
  kDynamic,  ///< the first block, and per layer as many recent blocks as hold the attention's mass
};
inline constexpr KvWindowMode kKvWindowModes[] = {KvWindowMode::kConfig, KvWindowMode::kFull, KvWindowMode::kSinks,
                                                  KvWindowMode::kDynamic};
std::string_view to_string(KvWindowMode mode);

/// Layers that have a window by the configuration keep that one, without sinks, in kSinks and kDynamic.
struct KvWindowOptions {
  KvWindowMode mode = KvWindowMode::kConfig;
  std::vector<std::int64_t> layers;  ///< kSinks, kDynamic: those with windows, the others see everything; empty: all
  std::int64_t size = 0;             ///< kSinks: positions before the token's own block; rounded up to whole blocks
  // kDynamic:
  double mass = 0.99;  ///< of the attention that a window must hold, (0, 1)
  enum class Heads : std::uint8_t { kWorst, kMeanOfGroup } heads = Heads::kWorst;  ///< whose attention counts
  std::int64_t full_positions = 1024;  ///< while a sequence is shorter, nothing is given up
  std::int64_t min_blocks = 4;         ///< of a window at least
};
/// Whether the options' `layers` hold it.
bool has_window(const KvWindowOptions& options, std::size_t layer);
/// kInvalidArgument naming the option that makes no sense, for a model of `layers` layers.
Status check_kv_window_options(const KvWindowOptions& options, std::int64_t layers);

/// The first positions, which windows of kSinks and kDynamic leave visible: one block.
inline constexpr std::int64_t kSinkPositions = kKvBlockPositions;

/// A token at position p sees [0, sink) and [first, p]. sink is 0 or kSinkPositions, and 0 where there is no gap; with
/// a sink, first is a multiple of kKvBlockPositions.
struct KvSight {
  std::int64_t sink = 0;
  std::int64_t first = 0;
};

/// How the attention of one token lies over blocks: of each query head the logarithm of the sum of exp(score) over
/// a block's positions.
struct KvMasses {
  std::int64_t first_block = 0;   ///< of the recent ones: blocks [first_block, first_block + blocks)
  std::int64_t blocks = 0;        ///< up to and with the token's own
  std::span<const float> recent;  ///< [heads, blocks]
  std::span<const float> sink;    ///< [heads]: block 0; not looked at where first_block is 0
};

/// The windows of one sequence. What a layer's tokens in block b see was decided from what the last tokens of the
/// blocks before b saw, and from nothing else: not from how the sequence was cut into steps, nor from its company.
class KvWindows {
 public:
  KvWindows(const ModelConfig& config, const KvWindowOptions& options);

  [[nodiscard]] const KvWindowOptions& options() const { return options_; }
  /// Whether observe() wants to hear of the last token of each block in this layer.
  [[nodiscard]] bool observes(std::int64_t layer) const;
  /// Blocks that a layer has decided for: tokens in blocks [0, decided) may ask. Without observation, all.
  [[nodiscard]] std::int64_t decided(std::int64_t layer) const;
  /// O(1). Of positions in blocks that are decided.
  [[nodiscard]] KvSight sight(std::int64_t layer, std::int64_t position) const;
  /// Decides for the block behind the last decided one, whose last token has these masses over (at least) all blocks
  /// that it sees.
  void observe(std::int64_t layer, const KvMasses& masses);
  /// Blocks that a sequence of `positions` must hold in this layer, before its next token.
  [[nodiscard]] std::int64_t held_blocks(std::int64_t layer, std::int64_t positions) const;
  /// The sequence starts again at position 0.
  void reset();

 private:
  struct Layer {
    std::int64_t window = 0;          // the configuration's; 0: none
    bool full = false;                // not one of the options' layers: sees everything
    std::vector<std::int64_t> first;  // [decided blocks] the first block seen, but for the sink
    double need = 0;                  // blocks: the most that was wanted, less and less so
    std::vector<double> lost;         // [heads] mass given up, as a share of the mass that was kept
  };
  [[nodiscard]] std::int64_t first_block(const Layer& layer, std::int64_t block) const;

  KvWindowOptions options_;
  std::int64_t heads_;
  std::int64_t group_;
  std::vector<Layer> layers_;
};

}  // namespace retort
