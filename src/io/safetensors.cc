// Reading: everything about a file is checked before a single view of it is handed out.
#include "io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/json.h"
#include "io/hub.h"
#include "io/hub_names.h"

namespace retort {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors numbers are copied as they lie in the file");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kLengthBytes = 8;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

struct Entry {
  std::string_view name;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Expected<std::uint64_t> whole_number(const Json& value, std::string_view what) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxInt)) {
    return fail(ErrorCode::kCorrupt, "{} must be a whole number from 0 to 2^63 - 1", what);
  }
  return value.get<std::uint64_t>();
}

Expected<DType> read_dtype(const Json& entry) {
  RETORT_TRY(const std::string name, json_string(entry, "dtype"));
  const auto dtype = dtype_from_name(name);
  if (!dtype || is_block_quantized(*dtype)) {
    return fail(ErrorCode::kUnsupported,
                "dtype {} is not one that retort reads (F64 F32 F16 BF16 F8_E4M3 I64 I32 I16 I8 U8 BOOL)",
                shown_name(name));
  }
  return *dtype;
}

Expected<Shape> read_shape(const Json& entry) {
  const Json* list = json_find(entry, "shape");
  if (!list || !list->is_array()) return fail(ErrorCode::kCorrupt, "'shape' must be a list of dimensions");
  if (list->size() > Shape::kMaxRank) {
    return fail(ErrorCode::kCorrupt, "'shape' has {} dimensions; at most {} are read", list->size(), Shape::kMaxRank);
  }
  std::vector<std::int64_t> dims;
  for (const Json& value : *list) {
    RETORT_TRY(const std::uint64_t dim, whole_number(value, "each dimension of 'shape'"));
    dims.push_back(static_cast<std::int64_t>(dim));
  }
  const auto shape = Shape::from(dims);
  if (!shape) return fail(ErrorCode::kCorrupt, "'shape' has more elements than 64 bits count");
  return *shape;
}

Expected<TensorView> read_entry(const Json& entry, std::span<const std::byte> data, Entry& place) {
  if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  TensorView view;
  RETORT_TRY(view.dtype, read_dtype(entry));
  RETORT_TRY(view.shape, read_shape(entry));
  const Json* offsets = json_find(entry, "data_offsets");
  if (!offsets || !offsets->is_array() || offsets->size() != 2) {
    return fail(ErrorCode::kCorrupt, "'data_offsets' must be a list of two numbers");
  }
  RETORT_TRY(place.begin, whole_number((*offsets)[0], "'data_offsets'"));
  RETORT_TRY(place.end, whole_number((*offsets)[1], "'data_offsets'"));
  if (place.begin > place.end) {
    return fail(ErrorCode::kCorrupt, "data_offsets [{}, {}] end before they begin", place.begin, place.end);
  }
  if (place.end > data.size()) {
    return fail(ErrorCode::kCorrupt,
                "data_offsets end at {} but the file has {} bytes of data; it is truncated or damaged: get it again",
                place.end, data.size());
  }
  const auto bytes = tensor_bytes(view.dtype, view.shape);
  if (!bytes || *bytes != place.end - place.begin) {
    return fail(ErrorCode::kCorrupt, "{} {} needs {} bytes but data_offsets [{}, {}] span {}", to_string(view.dtype),
                to_string(view.shape), bytes ? fmt::to_string(*bytes) : "too many", place.begin, place.end,
                place.end - place.begin);
  }
  view.bytes = *bytes;
  view.data = data.data() + place.begin;
  return view;
}

// Sorted by place, the tensors follow each other from the first byte of data to the last.
Status check_tiling(std::vector<Entry> entries, std::uint64_t data_bytes) {
  std::ranges::sort(
      entries, [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' begins at byte {} of the data, {} the one before it ends ({})",
                  shown_name(entry.name), entry.begin, entry.begin < expected ? "before" : "leaving a gap after where",
                  expected);
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    return fail(ErrorCode::kCorrupt, "the tensors end at byte {} of the data but the file has {} bytes of it", expected,
                data_bytes);
  }
  return {};
}

Status read_metadata(const Json& header, Safetensors& file) {
  const auto it = header.find("__metadata__");
  if (it == header.end()) return {};
  if (!it->is_object()) return fail(ErrorCode::kCorrupt, "'__metadata__' must be an object of strings");
  for (const auto& [key, value] : it->items()) {
    if (!value.is_string())
      return fail(ErrorCode::kCorrupt, "'__metadata__' must hold strings, also for '{}'", shown_name(key));
    file.metadata.emplace(key, value.get<std::string>());
  }
  return {};
}

Expected<std::string_view> header_text(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_lfs_pointer(text)) {
    return fail(ErrorCode::kCorrupt,
                "this is a Git LFS pointer, not the weights: run `git lfs pull` in its folder, or `retort pull`");
  }
  if (bytes.size() < kLengthBytes) {
    return fail(ErrorCode::kCorrupt, "{} bytes are too few for a safetensors file", bytes.size());
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "the header claims {} bytes; the format allows {}. Is this a safetensors file?",
                length, kMaxHeaderBytes);
  }
  if (length > bytes.size() - kLengthBytes) {
    return fail(ErrorCode::kCorrupt, "the header claims {} bytes but {} follow; the file is truncated: get it again",
                length, bytes.size() - kLengthBytes);
  }
  return text.substr(kLengthBytes, static_cast<std::size_t>(length));
}

Expected<Safetensors> parse_all(std::span<const std::byte> bytes) {
  RETORT_TRY(const std::string_view text, header_text(bytes));
  RETORT_TRY(const Json header, parse_json(text, "header", DuplicateKeys::kRefuse));
  if (!header.is_object()) return fail(ErrorCode::kCorrupt, "the header must be a JSON object");
  const auto data = bytes.subspan(kLengthBytes + text.size());
  Safetensors file;
  RETORT_TRY_STATUS(read_metadata(header, file));
  std::vector<Entry> entries;
  for (auto it = header.begin(); it != header.end(); ++it) {
    if (it.key() == "__metadata__") continue;
    Entry place{it.key(), 0, 0};
    auto view = read_entry(*it, data, place);
    if (!view) return fail(std::move(view).error().within(fmt::format("tensor '{}'", shown_name(it.key()))));
    entries.push_back(place);
    file.tensors.emplace(it.key(), *view);
  }
  RETORT_TRY_STATUS(check_tiling(std::move(entries), data.size()));
  return file;
}

}  // namespace

Expected<Safetensors> parse_safetensors(std::span<const std::byte> bytes, std::string_view what) {
  auto file = parse_all(bytes);
  if (!file) return fail(std::move(file).error().within(what));
  return file;
}

Expected<Safetensors> open_safetensors(const std::filesystem::path& path) {
  RETORT_TRY(std::shared_ptr<const MappedFile> mapped, MappedFile::open(path));
  RETORT_TRY(Safetensors file, parse_safetensors(mapped->bytes(), path.string()));
  file.file = std::move(mapped);
  return file;
}

}  // namespace retort
