// The weights of a Hugging Face folder: one safetensors file or the shards of an index.
#include <set>

#include "core/json.h"
#include "io/checkpoint_open.h"
#include "io/hub.h"
#include "io/hub_names.h"
#include "io/tensor_names.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxJsonBytes = 256 << 20;  // an index of 2^18 experts is about 100 MB

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A shard's name in an index may not lead out of the folder.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() < 256 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

Status take_shard(const fs::path& path, const std::set<std::string>* listed, FolderWeights& out) {
  RETORT_TRY(Safetensors shard, open_safetensors(path));
  for (const auto& [name, view] : shard.tensors) {
    if (listed && !listed->contains(name)) {
      return fail(ErrorCode::kCorrupt, "{}: tensor '{}' is in this file but the index does not say so", path.string(),
                  shown_name(name));
    }
    if (is_harmless_extra(name)) continue;
    out.tensors.emplace(name, view);  // unique: each name is listed for one file
  }
  if (listed) {
    for (const std::string& name : *listed) {
      if (!shard.tensors.contains(name)) {
        return fail(ErrorCode::kCorrupt, "{}: tensor '{}' is missing, which the index says is here", path.string(),
                    shown_name(name));
      }
    }
  }
  out.shards.push_back(std::move(shard));
  return {};
}

Expected<FolderWeights> open_shards(const fs::path& folder, const fs::path& index_path) {
  RETORT_TRY(const Json index, read_json_file(index_path));
  const Json* map = json_find(index, "weight_map");
  if (!map || !map->is_object() || map->empty()) {
    return fail(ErrorCode::kCorrupt, "{}: field 'weight_map' must be an object of tensor names", index_path.string());
  }
  std::map<std::string, std::set<std::string>> files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get_ref<const std::string&>())) {
      return fail(ErrorCode::kCorrupt, "{}: tensor '{}' must name a file of the same folder", index_path.string(),
                  tensor);
    }
    files[file.get<std::string>()].insert(tensor);
  }
  FolderWeights out;
  for (const auto& [file, tensors] : files) {
    const fs::path path = folder / file;
    if (!is_there(path)) {
      return fail(ErrorCode::kNotFound, "{}: shard {} is missing; the download is not complete", folder.string(), file);
    }
    RETORT_TRY_STATUS(take_shard(path, &tensors, out));
  }
  return out;
}

bool has_file_ending(const fs::path& folder, std::string_view ending) {
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end; it.increment(ignored)) {
    if (it->path().filename().string().ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

Expected<Json> read_json_file(const fs::path& path) {
  RETORT_TRY(const std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  if (file->bytes().size() > kMaxJsonBytes) {
    return fail(ErrorCode::kCorrupt, "{}: {} bytes are too many for such a file", path.string(), file->bytes().size());
  }
  if (is_lfs_pointer(file->text())) {
    return fail(ErrorCode::kCorrupt, "{}: this is a Git LFS pointer, not the file: run `git lfs pull` in its folder",
                path.string());
  }
  return parse_json(file->text(), path.string());
}

Expected<FolderWeights> open_folder_weights(const fs::path& folder) {
  if (const fs::path single = folder / "model.safetensors"; is_there(single)) {
    FolderWeights out;
    RETORT_TRY_STATUS(take_shard(single, nullptr, out));
    return out;
  }
  if (const fs::path index = folder / "model.safetensors.index.json"; is_there(index))
    return open_shards(folder, index);
  if (has_file_ending(folder, ".bin") || has_file_ending(folder, ".pth")) {
    return fail(ErrorCode::kUnsupported,
                "{}: its weights are PyTorch pickles, which can run code and are not read; get or make safetensors",
                folder.string());
  }
  return fail(ErrorCode::kNotFound, "{}: neither model.safetensors nor model.safetensors.index.json is there",
              folder.string());
}

}  // namespace retort
