// A model that lies in one GGUF file or in several splits of it.
#include <array>
#include <charconv>
#include <set>

#include "io/gguf.h"
#include "io/hub_names.h"

namespace retort {
namespace {

constexpr std::int64_t kMaxParts = 10000;

// "name-00002-of-00003.gguf": prefix "name", number 2, count 3.
struct SplitName {
  std::string prefix;
  std::int64_t number = 0;
  std::int64_t count = 0;
};

std::optional<std::int64_t> five_digits(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

std::optional<SplitName> split_name(const std::filesystem::path& path) {
  constexpr std::string_view kTail = "-00001-of-00001.gguf";
  const std::string name = path.filename().string();
  if (name.size() <= kTail.size()) return std::nullopt;
  const std::string_view tail = std::string_view(name).substr(name.size() - kTail.size());
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || tail.substr(15) != ".gguf") return std::nullopt;
  const auto number = five_digits(tail.substr(1, 5));
  const auto count = five_digits(tail.substr(10, 5));
  if (!number || !count) return std::nullopt;
  return SplitName{name.substr(0, name.size() - kTail.size()), *number, *count};
}

std::filesystem::path part_path(const std::filesystem::path& any, const SplitName& name, std::int64_t number) {
  return any.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", name.prefix, number, name.count);
}

Status check_key(const GgufFile& file, std::string_view key, std::int64_t expected, std::string_view why) {
  RETORT_TRY(const auto found, file.get_int(key));
  if (!found)
    return fail(ErrorCode::kCorrupt, "{}: '{}' is missing, so this is no part of a split model", file.what(), key);
  if (*found != expected) {
    return fail(ErrorCode::kCorrupt, "{}: '{}' is {} but {} {}; the parts do not belong together", file.what(), key,
                *found, why, expected);
  }
  return {};
}

Status check_tensors_once(const GgufModel& model) {
  std::set<std::string_view> names;
  for (const GgufFile& file : model.files) {
    for (const GgufTensor& tensor : file.tensors()) {
      if (!names.insert(tensor.name).second) {
        return fail(ErrorCode::kCorrupt, "{}: tensor '{}' is also in another part", file.what(),
                    shown_name(tensor.name));
      }
    }
  }
  RETORT_TRY(const auto total, model.first().get_int("split.tensors.count"));
  if (total && *total != static_cast<std::int64_t>(names.size())) {
    return fail(ErrorCode::kCorrupt, "{}: 'split.tensors.count' is {} but the parts have {} tensors",
                model.first().what(), *total, names.size());
  }
  return {};
}

}  // namespace

Expected<GgufModel> open_gguf_model(const std::filesystem::path& path) {
  GgufModel model;
  RETORT_TRY(GgufFile opened, GgufFile::open(path));
  RETORT_TRY(const auto parts, opened.get_int("split.count"));
  if (parts.value_or(1) <= 1) {
    model.files.push_back(std::move(opened));
    return model;
  }
  const auto name = split_name(path);
  if (!name) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: this is one of {} parts, but its name does not end in -00001-of-{:05}.gguf, so that the others "
                "cannot be found; give the parts their names back",
                path.string(), *parts, *parts);
  }
  RETORT_TRY_STATUS(check_key(opened, "split.count", name->count, "the file's name says"));
  if (name->count > kMaxParts) {
    return fail(ErrorCode::kCorrupt, "{}: {} parts; at most {} are read", path.string(), name->count, kMaxParts);
  }
  for (std::int64_t number = 1; number <= name->count; ++number) {
    const std::filesystem::path part = part_path(path, *name, number);
    auto file = GgufFile::open(part);
    if (!file && file.error().code() == ErrorCode::kNotFound) {
      return fail(ErrorCode::kNotFound, "{}: part {} of {} is missing: {}", path.string(), number, name->count,
                  part.filename().string());
    }
    if (!file) return fail(std::move(file).error());
    RETORT_TRY_STATUS(check_key(*file, "split.no", number - 1, "the file's name asks for"));
    RETORT_TRY_STATUS(check_key(*file, "split.count", name->count, "the file's name says"));
    model.files.push_back(std::move(*file));
  }
  RETORT_TRY_STATUS(check_tensors_once(model));
  return model;
}

}  // namespace retort
