#include "io/pull_select.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/units.h"
#include "io/glob.h"
#include "io/hub_names.h"

namespace retort {
namespace {

constexpr std::array<std::string_view, 10> kSmallFiles = {
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "vocab.json",  "added_tokens.json",      "merges.txt",     "chat_template.jinja",   "chat_template.json"};

bool is_top_level(std::string_view path) { return path.find('/') == std::string_view::npos; }

// "x-00001-of-00003.gguf" -> "x-*-of-00003.gguf": the parts of one model have one name. Others are themselves.
std::string gguf_name(std::string_view path) {
  constexpr std::string_view kShape = "-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].gguf";
  constexpr std::size_t kTail = std::string_view("-00001-of-00003.gguf").size();
  if (path.size() > kTail && glob_match(kShape, path.substr(path.size() - kTail))) {
    return fmt::format("{}-*{}", path.substr(0, path.size() - kTail), path.substr(path.size() - 14));
  }
  return std::string(path);
}

// The models among the GGUF files, each with its size.
std::map<std::string, std::uint64_t> gguf_models(const HubRepo& repo) {
  std::map<std::string, std::uint64_t> models;
  for (const HubFile& file : repo.files) {
    if (file.path.ends_with(".gguf")) models[gguf_name(file.path)] += file.size.value_or(0);
  }
  return models;
}

std::string choices(const std::map<std::string, std::uint64_t>& models) {
  constexpr std::size_t kMaxShown = 40;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [name, bytes] : models) {
    if (++shown > kMaxShown) return text + fmt::format("\n  ... and {} more", models.size() - kMaxShown);
    text += fmt::format("\n  --include '{}'{}", shown_name(name, 200),
                        bytes > 0 ? fmt::format("   ({})", format_bytes(bytes)) : "");
  }
  return text;
}

Expected<std::vector<HubFile>> choose_included(const HubRepo& repo, const std::vector<std::string>& include,
                                               std::string_view name) {
  std::vector<HubFile> chosen;
  std::vector<bool> found(include.size());
  for (const HubFile& file : repo.files) {
    bool wanted = false;
    for (std::size_t i = 0; i < include.size(); ++i) {
      if (!glob_match(include[i], file.path)) continue;
      wanted = true;
      found[i] = true;
    }
    if (wanted) chosen.push_back(file);
  }
  for (std::size_t i = 0; i < include.size(); ++i) {
    if (found[i]) continue;
    std::string files;
    for (std::size_t shown = 0; shown < std::min<std::size_t>(repo.files.size(), 20); ++shown) {
      files += "\n  " + shown_name(repo.files[shown].path, 200);
    }
    return fail(ErrorCode::kNotFound, "{}: none of its {} files matches --include '{}' (case counts); it has{}{}", name,
                repo.files.size(), shown_name(include[i]), files, repo.files.size() > 20 ? "\n  ..." : "");
  }
  return chosen;
}

}  // namespace

Expected<std::vector<HubFile>> choose_files(const HubRepo& repo, const std::vector<std::string>& include,
                                            std::string_view name) {
  if (!include.empty()) return choose_included(repo, include, name);

  std::vector<HubFile> chosen;
  bool weights = false;
  for (const HubFile& file : repo.files) {
    if (!is_top_level(file.path)) continue;
    const bool tensors = file.path.ends_with(".safetensors");
    weights = weights || tensors;
    if (tensors || file.path.ends_with(".safetensors.index.json") ||
        std::find(kSmallFiles.begin(), kSmallFiles.end(), file.path) != kSmallFiles.end()) {
      chosen.push_back(file);
    }
  }
  if (weights) return chosen;

  const auto models = gguf_models(repo);
  if (models.empty()) {
    return fail(ErrorCode::kUnsupported,
                "{}: no .safetensors at its top and no .gguf among its {} files: not a model that retort reads; "
                "--include GLOB pulls other files",
                name, repo.files.size());
  }
  if (models.size() > 1) {
    return fail(ErrorCode::kInvalidArgument, "{}: it has no safetensors but {} GGUF models; choose one of{}", name,
                models.size(), choices(models));
  }
  for (const HubFile& file : repo.files) {
    if (file.path.ends_with(".gguf")) chosen.push_back(file);
  }
  return chosen;
}

}  // namespace retort
