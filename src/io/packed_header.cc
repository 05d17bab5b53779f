#include "io/packed_header.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <set>

#include "core/json.h"
#include "io/fast_hash.h"
#include "io/hub_names.h"

namespace retort {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in the file");

constexpr std::string_view kMagic = "RETORTPK";
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{256} << 20;  // 2^18 experts and a terabyte take less
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kRemedy = "pack the model again (retort pack)";

struct Preamble {
  char magic[8];
  std::uint32_t version;
  std::uint32_t reserved;  // 0
  std::uint64_t header_bytes;
  std::uint64_t header_hash;
};
static_assert(sizeof(Preamble) == kPackedPreambleBytes);

Preamble load_preamble(std::span<const std::byte> bytes) {
  Preamble preamble{};
  std::memcpy(&preamble, bytes.data(), sizeof(preamble));
  return preamble;
}

Expected<std::uint64_t> json_size(const Json& object, std::string_view key, std::int64_t min = 0) {
  RETORT_TRY(const std::int64_t value, json_int(object, key, {min, kMaxInt}));
  return static_cast<std::uint64_t>(value);
}

Expected<std::string> json_sha256(const Json& object, std::string_view key) {
  RETORT_TRY(std::string text, json_string(object, key));
  if (!is_sha256(text)) {
    return fail(ErrorCode::kCorrupt, "field '{}' must be 64 hexadecimal digits but is '{}'", key, shown_name(text));
  }
  return text;
}

Expected<const Json*> json_list(const Json& object, std::string_view key) {
  const Json* list = json_find(object, key);
  if (!list || !list->is_array()) return fail(ErrorCode::kCorrupt, "field '{}' must be a list", key);
  return list;
}

Expected<SourceFile> read_source(const Json& entry) {
  SourceFile file;
  RETORT_TRY(file.name, json_string(entry, "name"));
  RETORT_TRY(file.bytes, json_size(entry, "bytes"));
  RETORT_TRY(file.header_bytes, json_size(entry, "header_bytes"));
  if (file.header_bytes > file.bytes) {
    return fail(ErrorCode::kCorrupt, "a header of {} bytes in a file of {}", file.header_bytes, file.bytes);
  }
  RETORT_TRY(file.header_hash, json_sha256(entry, "header_sha256"));
  RETORT_TRY(file.sample_hash, json_sha256(entry, "sample_sha256"));
  RETORT_TRY(file.whole_hash, json_sha256(entry, "sha256"));
  return file;
}

Expected<PackedTensor> read_tensor(const Json& entry) {
  PackedTensor tensor;
  RETORT_TRY(tensor.name, json_string(entry, "name"));
  RETORT_TRY(tensor.format, json_string(entry, "format"));
  RETORT_TRY(tensor.rows, json_int(entry, "rows", {1, kMaxInt}));
  RETORT_TRY(tensor.columns, json_int(entry, "columns", {1, kMaxInt}));
  RETORT_TRY(tensor.offset, json_size(entry, "offset"));
  RETORT_TRY(tensor.bytes, json_size(entry, "bytes", 1));
  return tensor;
}

Expected<std::uint64_t> read_hash(const Json& value) {
  constexpr std::size_t kDigits = 16;
  std::uint64_t hash = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
    if (text.size() == kDigits && error == std::errc() && end == text.data() + text.size()) return hash;
  }
  return fail(ErrorCode::kCorrupt, "each of 'chunk_hashes' must be {} hexadecimal digits", kDigits);
}

// Each tensor begins where the one before it ends, rounded up, and the last one ends the payload.
Status check_tiling(const PackedHeader& header) {
  std::set<std::string_view> names;
  std::uint64_t next = 0;
  for (const PackedTensor& tensor : header.tensors) {
    if (!names.insert(tensor.name).second) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' is there twice", shown_name(tensor.name));
    }
    if (tensor.offset != next) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' begins at {} but the one before it ends at {}",
                  shown_name(tensor.name), tensor.offset, next);
    }
    if (tensor.bytes > header.payload_bytes - next) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' has {} bytes at {} but the payload has {}", shown_name(tensor.name),
                  tensor.bytes, tensor.offset, header.payload_bytes);
    }
    next = packed_tensor_end(next + tensor.bytes);
    if (next > header.payload_bytes) break;
  }
  if (next == header.payload_bytes) return {};
  return fail(ErrorCode::kCorrupt, "the tensors end at {} but the payload has {} bytes", next, header.payload_bytes);
}

Expected<PackedHeader> read_header(const Json& json, std::uint64_t payload_offset, std::uint64_t file_bytes) {
  PackedHeader header;
  header.payload_offset = payload_offset;
  RETORT_TRY(header.retort_version, json_string(json, "retort"));
  RETORT_TRY(header.layout, json_int(json, "layout", {0, kMaxInt}));
  RETORT_TRY(header.payload_bytes, json_size(json, "payload_bytes"));
  if (header.payload_bytes != file_bytes - payload_offset) {
    return fail(ErrorCode::kCorrupt, "{} bytes of weights are expected behind the header but {} are there{}",
                header.payload_bytes, file_bytes - payload_offset,
                header.payload_bytes > file_bytes - payload_offset ? ": the file is cut off" : "");
  }
  RETORT_TRY(const Json* const source, json_list(json, "source"));
  for (const Json& entry : *source) {
    RETORT_TRY(SourceFile file, read_source(entry));
    header.source.push_back(std::move(file));
  }
  RETORT_TRY(const Json* const tensors, json_list(json, "tensors"));
  for (const Json& entry : *tensors) {
    RETORT_TRY(PackedTensor tensor, read_tensor(entry));
    header.tensors.push_back(std::move(tensor));
  }
  RETORT_TRY_STATUS(check_tiling(header));
  RETORT_TRY(const std::int64_t chunk, json_int(json, "chunk_bytes", {kPackedPage, std::int64_t{1} << 30}));
  header.chunk_bytes = static_cast<std::uint64_t>(chunk);
  RETORT_TRY(const Json* const hashes, json_list(json, "chunk_hashes"));
  // Without a sum that could wrap: payload_bytes is at most the file's length.
  const std::uint64_t chunks =
      header.payload_bytes / header.chunk_bytes + (header.payload_bytes % header.chunk_bytes > 0);
  if (hashes->size() != chunks) {
    return fail(ErrorCode::kCorrupt, "{} hashes for {} chunks of {} bytes", hashes->size(), chunks, header.chunk_bytes);
  }
  for (const Json& value : *hashes) {
    RETORT_TRY(const std::uint64_t hash, read_hash(value));
    header.chunk_hashes.push_back(hash);
  }
  return header;
}

}  // namespace

Expected<std::uint64_t> packed_head_bytes(std::span<const std::byte> preamble, std::uint64_t file_bytes,
                                          std::string_view what) {
  const std::size_t compared = std::min(preamble.size(), kMagic.size());
  if (preamble.empty() || std::memcmp(preamble.data(), kMagic.data(), compared) != 0) {
    return fail(ErrorCode::kCorrupt, "{}: not a packed file: it must begin with '{}'; {}", what, kMagic, kRemedy);
  }
  if (preamble.size() < sizeof(Preamble)) {
    return fail(ErrorCode::kCorrupt, "{}: its {} bytes end within the first {}: the file is cut off; {}", what,
                preamble.size(), sizeof(Preamble), kRemedy);
  }
  const Preamble found = load_preamble(preamble);
  if (found.version != kPackedFileVersion || found.reserved != 0) {
    return fail(ErrorCode::kUnsupported, "{}: version {} of packed files was expected but this is version {}.{}; {}",
                what, kPackedFileVersion, found.version, found.reserved, kRemedy);
  }
  if (found.header_bytes > kMaxHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "{}: a header of {} bytes; at most {} are read; {}", what, found.header_bytes,
                kMaxHeaderBytes, kRemedy);
  }
  const std::uint64_t head = sizeof(Preamble) + found.header_bytes;
  if (head > file_bytes) {
    return fail(ErrorCode::kCorrupt, "{}: its header takes {} bytes but the file has {}: it is cut off; {}", what, head,
                file_bytes, kRemedy);
  }
  if (head % kPackedPage != 0) {
    return fail(ErrorCode::kCorrupt, "{}: its weights begin at byte {}, which is no multiple of {}; {}", what, head,
                kPackedPage, kRemedy);
  }
  return head;
}

Expected<PackedHeader> parse_packed_header(std::span<const std::byte> head, std::uint64_t file_bytes,
                                           std::string_view what) {
  const auto preamble = head.first(std::min(head.size(), sizeof(Preamble)));
  RETORT_TRY(const std::uint64_t head_bytes, packed_head_bytes(preamble, file_bytes, what));
  if (head_bytes > head.size()) {
    return fail(ErrorCode::kCorrupt, "{}: {} bytes of header were expected but {} are there", what, head_bytes,
                head.size());
  }
  const auto text = head.first(static_cast<std::size_t>(head_bytes)).subspan(sizeof(Preamble));
  const std::uint64_t expected = load_preamble(head).header_hash;
  if (const std::uint64_t found = fast_hash(text); found != expected) {
    return fail(ErrorCode::kCorrupt, "{}: the header's hash is {:016x} but should be {:016x}: it is damaged; {}", what,
                found, expected, kRemedy);
  }
  RETORT_TRY(const Json json,
             parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, what, DuplicateKeys::kRefuse));
  auto header = read_header(json, head_bytes, file_bytes);
  if (!header) {
    return fail(ErrorCode::kCorrupt, "{}: {}; {}", what, header.error().message(), kRemedy);
  }
  return header;
}

std::string packed_head(const PackedHeader& header) {
  OrderedJson source = OrderedJson::array();
  for (const SourceFile& file : header.source) {
    source.push_back({{"name", file.name},
                      {"bytes", file.bytes},
                      {"header_bytes", file.header_bytes},
                      {"header_sha256", file.header_hash},
                      {"sample_sha256", file.sample_hash},
                      {"sha256", file.whole_hash}});
  }
  OrderedJson tensors = OrderedJson::array();
  for (const PackedTensor& tensor : header.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"format", tensor.format},
                       {"rows", tensor.rows},
                       {"columns", tensor.columns},
                       {"offset", tensor.offset},
                       {"bytes", tensor.bytes}});
  }
  OrderedJson hashes = OrderedJson::array();
  for (const std::uint64_t hash : header.chunk_hashes) hashes.push_back(fmt::format("{:016x}", hash));
  const OrderedJson json = {{"retort", header.retort_version},       {"layout", header.layout},
                            {"source", std::move(source)},           {"tensors", std::move(tensors)},
                            {"payload_bytes", header.payload_bytes}, {"chunk_bytes", header.chunk_bytes},
                            {"chunk_hashes", std::move(hashes)}};
  std::string text = json_text(json);
  const std::size_t used = (sizeof(Preamble) + text.size()) % kPackedPage;
  text.append(used == 0 ? 0 : kPackedPage - used, ' ');

  Preamble preamble{};
  std::memcpy(preamble.magic, kMagic.data(), kMagic.size());
  preamble.version = kPackedFileVersion;
  preamble.header_bytes = text.size();
  preamble.header_hash = fast_hash(std::as_bytes(std::span(text)));
  std::string head(sizeof(Preamble), '\0');
  std::memcpy(head.data(), &preamble, sizeof(preamble));
  return head + text;
}

}  // namespace retort
