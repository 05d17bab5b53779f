// From what a person calls a model to its configuration and tensors.
#include "io/checkpoint.h"

#include <algorithm>

#include "core/json.h"
#include "io/checkpoint_open.h"
#include "io/hub.h"
#include "io/hub_names.h"
#include "io/token_ids.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

// GGUF files of a folder; of a split model only the first part.
std::vector<fs::path> gguf_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    const auto split = name.rfind("-of-");
    const bool later_part = split != std::string::npos && split >= 5 && name.substr(split - 5, 5) != "00001";
    if (name.ends_with(".gguf") && !later_part) files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

Expected<Json> read_optional(const fs::path& path) {
  auto json = read_json_file(path);
  if (!json && json.error().code() == ErrorCode::kNotFound) return Json::object();
  return json;
}

// A pointer among the files that matter here; a missing picture of a README is no hindrance.
Status check_no_lfs_pointers(const fs::path& folder) {
  auto pointers = list_lfs_pointers(folder);
  std::erase_if(pointers, [](const std::string& name) {
    constexpr std::string_view kRead[] = {".safetensors", ".gguf", ".json", ".jinja", ".txt"};
    return std::ranges::none_of(kRead, [&](std::string_view ending) { return name.ends_with(ending); });
  });
  if (pointers.empty()) return {};
  return fail(ErrorCode::kCorrupt, "{}", lfs_pointer_message(folder, pointers));
}

template <typename T>
Expected<T> named(Expected<T> result, const fs::path& path) {
  if (!result) return fail(std::move(result).error().within(path.string()));
  return result;
}

void add_eos_of_defaults(ModelConfig& config, const GenerationDefaults& defaults) {
  for (const std::int64_t id : defaults.eos_token_ids) add_token_id(config.eos_token_ids, id);
}

}  // namespace

Expected<Checkpoint> Checkpoint::open_gguf(const fs::path& path) {
  Checkpoint out;
  out.format_ = CheckpointFormat::kGguf;
  out.name_ = path.string();
  RETORT_TRY(GgufModel model, open_gguf_model(path));
  out.gguf_ = std::make_shared<const GgufModel>(std::move(model));
  RETORT_TRY(out.config_, model_config_from_gguf(out.gguf_->first()));
  RETORT_TRY(out.generation_defaults_, generation_defaults_from_gguf(out.gguf_->first()));
  RETORT_TRY(out.tensors_, named(tensors_from_gguf(*out.gguf_, out.config_), path));
  out.config_.tie_word_embeddings = !out.tensors_.contains("lm_head.weight");
  return out;
}

Expected<Checkpoint> Checkpoint::open_folder(const fs::path& folder, CheckpointWeights weights) {
  RETORT_TRY_STATUS(check_no_lfs_pointers(folder));
  const fs::path config_path = folder / "config.json";
  std::error_code ignored;
  if (!fs::exists(config_path, ignored)) {
    const auto ggufs = gguf_files(folder);
    if (ggufs.size() == 1) return open_gguf(ggufs.front());
    if (ggufs.empty())
      return fail(ErrorCode::kNotFound, "{}: no config.json is there, and no GGUF file", folder.string());
    return fail(ErrorCode::kInvalidArgument, "{}: several GGUF models are there; give one, such as {}", folder.string(),
                ggufs.front().string());
  }
  Checkpoint out;
  out.format_ = CheckpointFormat::kSafetensors;
  out.name_ = folder.string();
  out.folder_ = folder;
  RETORT_TRY(const Json config, read_json_file(config_path));
  RETORT_TRY(out.config_, named(model_config_from_json(config), config_path));
  const fs::path generation_path = folder / "generation_config.json";
  RETORT_TRY(const Json generation, read_optional(generation_path));
  RETORT_TRY(out.generation_defaults_, named(generation_defaults_from_json(generation), generation_path));
  add_eos_of_defaults(out.config_, out.generation_defaults_);
  RETORT_TRY(out.config_file_, MappedFile::open(config_path));
  if (weights == CheckpointWeights::kIgnore) return out;
  RETORT_TRY(FolderWeights found, open_folder_weights(folder));
  out.shards_ = std::move(found.shards);
  out.tensors_ = std::move(found.tensors);
  // Some writers store the tied output a second time; the configuration decides, as in Hugging Face.
  if (out.config_.tie_word_embeddings) out.tensors_.erase("lm_head.weight");
  return out;
}

Expected<Checkpoint> Checkpoint::open(std::string_view model, CheckpointWeights weights) {
  if (model.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no model given: expected a folder, a .gguf file or a hub id (org/name)");
  }
  const fs::path path(model);
  std::error_code error;
  const auto status = fs::status(path, error);
  if (fs::is_directory(status)) return open_folder(path, weights);
  if (fs::is_regular_file(status)) {
    if (path.extension() == ".safetensors" || path.extension() == ".json") {
      return fail(ErrorCode::kInvalidArgument,
                  "{}: give the folder that holds config.json and the weights, not a file of it", path.string());
    }
    if (path.extension() == ".packed") {
      return fail(ErrorCode::kInvalidArgument,
                  "{}: give the model that it was packed from; what is packed is found beside it", path.string());
    }
    return open_gguf(path);
  }
  if (!looks_like_repo_id(model)) {
    return fail(ErrorCode::kNotFound, "{}: no such folder or file, and not a hub id (org/name)", shown_name(model));
  }
  const HubSettings hub = hub_settings_from_environment();
  const auto snapshot = find_in_cache(hub, model);
  if (!snapshot) {
    return fail(
        ErrorCode::kNotFound,
        "{}: no such folder or file, and not in the cache ({}) either; `retort pull {}` downloads it from the hub",
        model, hub.cache.string(), model);
  }
  RETORT_TRY(Checkpoint found, open_folder(*snapshot, weights));
  found.name_ = model;
  return found;
}

std::vector<const GgufFile*> Checkpoint::gguf_parts() const {
  std::vector<const GgufFile*> parts;
  if (gguf_) {
    for (const GgufFile& part : gguf_->files) parts.push_back(&part);
  }
  return parts;
}

std::vector<CheckpointFile> Checkpoint::files() const {
  std::vector<CheckpointFile> files;
  const auto add = [&](const std::shared_ptr<const MappedFile>& file, const std::byte* first_tensor) {
    const std::byte* begin = file->bytes().data();
    files.push_back({file, first_tensor ? static_cast<std::uint64_t>(first_tensor - begin) : file->bytes().size()});
  };
  const auto earlier = [](const std::byte* first, const std::byte* data) {
    return data && (!first || data < first) ? data : first;
  };
  if (config_file_) add(config_file_, nullptr);
  for (const Safetensors& shard : shards_) {
    const std::byte* first = nullptr;
    for (const auto& [name, view] : shard.tensors) first = earlier(first, view.data);
    add(shard.file, first);
  }
  if (!gguf_) return files;
  for (const GgufFile& part : gguf_->files) {
    const std::byte* first = nullptr;
    for (const GgufTensor& tensor : part.tensors()) first = earlier(first, tensor.data);
    add(part.file(), first);
  }
  return files;
}

fs::path Checkpoint::packed_path() const {
  if (folder_) return *folder_ / "model.packed";
  return gguf_->first().file()->path().string() + ".packed";
}

void Checkpoint::give_back(const TensorView& view) const {
  const std::span bytes(view.data, static_cast<std::size_t>(view.bytes));
  for (const Safetensors& shard : shards_) shard.file->give_back(bytes);
  if (!gguf_) return;
  for (const GgufFile& part : gguf_->files) part.file()->give_back(bytes);
}

}  // namespace retort
