#include "cli/kv_options.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <system_error>
#include <vector>

namespace retort::cli {

void add_kv_cache_dtype_option(Command command, std::string& variable) {
  command
      .add("--kv-cache-dtype", variable,
           "auto, f32, bf16, fp8 (fp8_e4m3) or int8; auto: f32 for --quality exact, else bf16")
      .show_default();
}

Expected<KvCacheType> resolve_kv_cache_type(std::string_view text, const Model& model) {
  if (text == "auto") return model.kv_cache_type();
  if (text == "fp8") return KvCacheType::kFp8E4m3;
  for (const KvCacheType type : kKvCacheTypes) {
    if (text == to_string(type)) return type;
  }
  return fail(ErrorCode::kInvalidArgument,
              "--kv-cache-dtype must be auto, f32, bf16, fp8, fp8_e4m3 or int8 but is '{}'", text);
}

void add_kv_window_options(Command command, KvWindowFlags& flags) {
  command
      .add("--kv-window", flags.mode,
           "What tokens see of the text before: config (what the model was made with), full, sinks, or dynamic")
      .show_default();
  command.add("--kv-window-mass", flags.mass,
              "With dynamic: the share of the attention that each layer's window must hold [0.99]");
  command.add("--kv-window-size", flags.size,
              "With sinks: positions that are kept besides the first 64, in whole blocks of 64");
  command.add("--kv-window-layers", flags.layers,
              "With sinks or dynamic: layers that have a window, as in 0-6,9; the others see everything [all]");
}

namespace {

// A number of digits alone at the beginning of `text`, which it is taken from.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

constexpr std::int64_t kMostLayers = 4096;  // the model's own number is looked at when it is loaded

// "0-6,9": ascending, each once.
Expected<std::vector<std::int64_t>> parse_layers(std::string_view text) {
  const auto wrong = [whole = text] {
    return fail(ErrorCode::kInvalidArgument,
                "--kv-window-layers must be numbers and ranges of layers, as in 0-6,9, but is '{}'", whole);
  };
  std::set<std::int64_t> layers;
  do {
    const std::optional<std::int64_t> first = take_number(text);
    if (!first) return wrong();
    const std::optional<std::int64_t> last = take(text, '-') ? take_number(text) : first;
    if (!last || *last < *first || *last >= kMostLayers) return wrong();
    for (std::int64_t layer = *first; layer <= *last; ++layer) layers.insert(layer);
  } while (take(text, ','));
  if (!text.empty()) return wrong();
  return std::vector<std::int64_t>(layers.begin(), layers.end());
}

}  // namespace

Expected<KvWindowOptions> resolve_kv_window(const KvWindowFlags& flags) {
  KvWindowOptions options;
  const auto mode = std::ranges::find_if(kKvWindowModes, [&](KvWindowMode m) { return flags.mode == to_string(m); });
  if (mode == std::end(kKvWindowModes)) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window must be config, full, sinks or dynamic but is '{}'",
                flags.mode);
  }
  options.mode = *mode;
  if (flags.mass && options.mode != KvWindowMode::kDynamic) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window-mass goes with --kv-window dynamic, not with {}", flags.mode);
  }
  if (flags.size.has_value() != (options.mode == KvWindowMode::kSinks)) {
    return fail(ErrorCode::kInvalidArgument,
                "--kv-window sinks and --kv-window-size go together; give both or neither");
  }
  if (flags.mass) options.mass = *flags.mass;
  if (flags.size) options.size = *flags.size;
  if (!flags.layers.empty()) {
    if (options.mode != KvWindowMode::kSinks && options.mode != KvWindowMode::kDynamic) {
      return fail(ErrorCode::kInvalidArgument, "--kv-window-layers goes with --kv-window sinks or dynamic, not with {}",
                  flags.mode);
    }
    RETORT_TRY(options.layers, parse_layers(flags.layers));
  }
  RETORT_TRY_STATUS(check_kv_window_options(options, kMostLayers));
  return options;
}

}  // namespace retort::cli
