#include "io/gguf_metadata.h"

#include <algorithm>

#include "io/gguf_types.h"
#include "io/hub_names.h"

namespace retort {
namespace {

// Vocabularies end at 2^24 entries here (model_config.cc); merges may be somewhat more. A u8 element of the file
// becomes eight bytes in memory, so that without a limit a large file would become a huge allocation.
constexpr std::uint64_t kMaxArrayElements = std::uint64_t{1} << 25;
constexpr std::size_t kMinPairBytes = 8 + 4 + 1;  // empty key, type, one byte

template <typename Wide, typename Narrow, typename Store>
bool read_many(GgufCursor& cursor, std::uint64_t count, Store& store) {
  store.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    Narrow value{};
    if (!cursor.read(value)) return false;
    store.push_back(static_cast<Wide>(value));
  }
  return true;
}

bool read_strings(GgufCursor& cursor, std::uint64_t count, std::vector<std::string_view>& strings) {
  strings.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view value;
    if (!cursor.read_string(value)) return false;
    strings.push_back(value);
  }
  return true;
}

Expected<GgufArray> read_array(GgufCursor& cursor, std::string_view key) {
  std::uint32_t type_number = 0;
  std::uint64_t count = 0;
  if (!cursor.read(type_number) || !cursor.read(count))
    return gguf_truncated(fmt::format("'{}'", shown_name(key)), cursor);
  const auto type = static_cast<GgufValueType>(type_number);
  if (type == GgufValueType::kArray) {
    return fail(ErrorCode::kUnsupported, "'{}' is an array of arrays, which retort does not read", shown_name(key));
  }
  const std::size_t element_bytes = gguf_min_element_bytes(type);
  if (element_bytes == 0) {
    return fail(ErrorCode::kCorrupt, "'{}' is an array of an unknown type {}", shown_name(key), type_number);
  }
  if (count > cursor.remaining() / element_bytes) {
    return fail(ErrorCode::kCorrupt,
                "'{}' claims {} elements but only {} bytes follow; the file is truncated or damaged", shown_name(key),
                count, cursor.remaining());
  }
  if (count > kMaxArrayElements) {
    return fail(ErrorCode::kCorrupt, "'{}' has {} elements; at most {} are read", shown_name(key), count,
                kMaxArrayElements);
  }
  GgufArray array;
  array.size = static_cast<std::size_t>(count);
  bool complete = false;
  switch (type) {
    case GgufValueType::kU8:
      complete = read_many<std::int64_t, std::uint8_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kI8:
      complete = read_many<std::int64_t, std::int8_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kU16:
      complete = read_many<std::int64_t, std::uint16_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kI16:
      complete = read_many<std::int64_t, std::int16_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kU32:
      complete = read_many<std::int64_t, std::uint32_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kI32:
      complete = read_many<std::int64_t, std::int32_t>(cursor, count, array.integers);
      break;
    case GgufValueType::kU64:
    case GgufValueType::kI64:
      complete = read_many<std::int64_t, std::int64_t>(cursor, count, array.integers);
      if (type == GgufValueType::kU64 && std::ranges::any_of(array.integers, [](std::int64_t i) { return i < 0; })) {
        return fail(ErrorCode::kCorrupt, "'{}' has an element beyond 2^63 - 1", shown_name(key));
      }
      break;
    case GgufValueType::kBool:
      complete = read_many<std::int64_t, std::uint8_t>(cursor, count, array.integers);
      if (std::ranges::any_of(array.integers, [](std::int64_t i) { return i > 1; })) {
        return fail(ErrorCode::kCorrupt, "'{}' has a boolean that is neither 0 nor 1", shown_name(key));
      }
      break;
    case GgufValueType::kF32:
      complete = read_many<double, float>(cursor, count, array.floats);
      break;
    case GgufValueType::kF64:
      complete = read_many<double, double>(cursor, count, array.floats);
      break;
    case GgufValueType::kString:
      complete = read_strings(cursor, count, array.strings);
      break;
    case GgufValueType::kArray:
      break;
  }
  if (!complete) return gguf_truncated(fmt::format("'{}'", shown_name(key)), cursor);
  return array;
}

template <typename Wide, typename Narrow>
Status read_number(GgufCursor& cursor, std::string_view key, GgufValue& out) {
  Narrow value{};
  if (!cursor.read(value)) return gguf_truncated(fmt::format("'{}'", shown_name(key)), cursor);
  out = static_cast<Wide>(value);
  return {};
}

Status read_bool(GgufCursor& cursor, std::string_view key, GgufValue& out) {
  std::uint8_t value = 0;
  if (!cursor.read(value)) return gguf_truncated(fmt::format("'{}'", shown_name(key)), cursor);
  if (value > 1) return fail(ErrorCode::kCorrupt, "'{}' must be a boolean, 0 or 1, but is {}", shown_name(key), value);
  out = value == 1;
  return {};
}

Status read_value(GgufCursor& cursor, std::string_view key, std::uint32_t type_number, GgufValue& out) {
  switch (static_cast<GgufValueType>(type_number)) {
    case GgufValueType::kU8:
      return read_number<std::uint64_t, std::uint8_t>(cursor, key, out);
    case GgufValueType::kI8:
      return read_number<std::int64_t, std::int8_t>(cursor, key, out);
    case GgufValueType::kU16:
      return read_number<std::uint64_t, std::uint16_t>(cursor, key, out);
    case GgufValueType::kI16:
      return read_number<std::int64_t, std::int16_t>(cursor, key, out);
    case GgufValueType::kU32:
      return read_number<std::uint64_t, std::uint32_t>(cursor, key, out);
    case GgufValueType::kI32:
      return read_number<std::int64_t, std::int32_t>(cursor, key, out);
    case GgufValueType::kF32:
      return read_number<double, float>(cursor, key, out);
    case GgufValueType::kBool:
      return read_bool(cursor, key, out);
    case GgufValueType::kString: {
      std::string_view text;
      if (!cursor.read_string(text)) return gguf_truncated(fmt::format("'{}'", shown_name(key)), cursor);
      out = text;
      return {};
    }
    case GgufValueType::kArray: {
      RETORT_TRY(out, read_array(cursor, key));
      return {};
    }
    case GgufValueType::kU64:
      return read_number<std::uint64_t, std::uint64_t>(cursor, key, out);
    case GgufValueType::kI64:
      return read_number<std::int64_t, std::int64_t>(cursor, key, out);
    case GgufValueType::kF64:
      return read_number<double, double>(cursor, key, out);
  }
  return fail(ErrorCode::kCorrupt, "'{}' has an unknown type {}", shown_name(key), type_number);
}

}  // namespace

tl::unexpected<Error> gguf_truncated(std::string_view reading, const GgufCursor& cursor) {
  return fail(ErrorCode::kCorrupt,
              "the file ends inside {} (at byte {}, {} left); it is truncated or damaged: get it again", reading,
              cursor.offset(), cursor.remaining());
}

Expected<std::map<std::string_view, GgufValue>> read_gguf_metadata(GgufCursor& cursor, std::uint64_t count) {
  if (count > cursor.remaining() / kMinPairBytes) {
    return fail(ErrorCode::kCorrupt, "the header claims {} metadata pairs but only {} bytes follow", count,
                cursor.remaining());
  }
  std::map<std::string_view, GgufValue> metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view key;
    std::uint32_t type = 0;
    if (!cursor.read_string(key) || !cursor.read(type))
      return gguf_truncated(fmt::format("metadata pair {}", i), cursor);
    if (key.size() > kMaxGgufNameBytes) {
      return fail(ErrorCode::kCorrupt, "the key of metadata pair {} has {} bytes; at most {} are allowed", i,
                  key.size(), kMaxGgufNameBytes);
    }
    const auto [place, is_new] = metadata.try_emplace(key);
    if (!is_new) return fail(ErrorCode::kCorrupt, "metadata key '{}' appears twice", shown_name(key));
    RETORT_TRY_STATUS(read_value(cursor, key, type, place->second));
  }
  return metadata;
}

}  // namespace retort
