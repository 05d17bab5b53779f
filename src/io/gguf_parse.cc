// From the bytes of a GGUF file to its metadata and its tensor table.
//
//   "GGUF" | u32 version | u64 tensors | u64 pairs
//   pairs:   string key | u32 type | value
//   tensors: string name | u32 rank | u64 dims[rank], fastest first | u32 type | u64 offset
//   padding to general.alignment | tensor data, each tensor at its offset from here
#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "io/gguf.h"
#include "io/gguf_metadata.h"
#include "io/gguf_types.h"
#include "io/hub.h"
#include "io/hub_names.h"

namespace retort {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF" read as little-endian
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMaxAlignment = 1 << 20;
constexpr std::size_t kMinTensorBytes = 8 + 4 + 4 + 8;  // empty name, rank 0, type, offset
constexpr std::string_view kReadTypes = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS";

struct Header {
  std::uint32_t version = 0;
  std::uint64_t tensor_count = 0;
  std::uint64_t pair_count = 0;
};

Expected<Header> read_header(GgufCursor& cursor, std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::uint32_t magic = 0;
  Header header;
  if (!cursor.read(magic)) return gguf_truncated("the first four bytes", cursor);
  if (magic != kMagic) {
    if (is_lfs_pointer(text)) {
      return fail(ErrorCode::kCorrupt,
                  "this is a Git LFS pointer, not the model: run `git lfs pull` in its folder, or `retort pull`");
    }
    return fail(ErrorCode::kCorrupt, "not a GGUF file: it must start with 'GGUF'");
  }
  if (!cursor.read(header.version)) return gguf_truncated("the version", cursor);
  if (header.version == 0x02000000 || header.version == 0x03000000) {
    return fail(ErrorCode::kUnsupported, "a big-endian GGUF file; retort reads little-endian ones");
  }
  if (header.version != 2 && header.version != 3) {
    return fail(ErrorCode::kUnsupported, "GGUF version {}; retort reads versions 2 and 3", header.version);
  }
  if (!cursor.read(header.tensor_count) || !cursor.read(header.pair_count)) return gguf_truncated("the header", cursor);
  if (header.tensor_count > cursor.remaining() / kMinTensorBytes) {
    return fail(ErrorCode::kCorrupt, "the header claims {} tensors but only {} bytes follow", header.tensor_count,
                cursor.remaining());
  }
  return header;
}

Expected<GgufTensor> read_tensor(GgufCursor& cursor, std::uint64_t index, std::uint64_t alignment) {
  GgufTensor tensor;
  std::uint32_t rank = 0;
  const auto entry = [&] { return fmt::format("entry {} of the tensor table", index); };
  if (!cursor.read_string(tensor.name) || !cursor.read(rank)) return gguf_truncated(entry(), cursor);
  if (tensor.name.size() > kMaxGgufNameBytes) {
    return fail(ErrorCode::kCorrupt, "tensor {} has a name of {} bytes", index, tensor.name.size());
  }
  if (rank > 4) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has {} dimensions; GGUF allows 4", shown_name(tensor.name), rank);
  }
  std::array<std::int64_t, 4> dims{};
  for (std::uint32_t i = 0; i < rank; ++i) {
    std::uint64_t dim = 0;
    if (!cursor.read(dim)) return gguf_truncated(entry(), cursor);
    if (dim == 0 || dim > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' has a dimension of {}", shown_name(tensor.name), dim);
    }
    dims[rank - 1 - i] = static_cast<std::int64_t>(dim);
  }
  std::uint32_t type = 0;
  if (!cursor.read(type) || !cursor.read(tensor.offset)) return gguf_truncated(entry(), cursor);
  const auto dtype = gguf_dtype(type);
  if (!dtype) {
    const std::string_view name = gguf_type_name(type);
    return fail(name.empty() ? ErrorCode::kCorrupt : ErrorCode::kUnsupported,
                "tensor '{}' has type {} (number {}); retort reads {}", shown_name(tensor.name),
                name.empty() ? "unknown" : name, type, kReadTypes);
  }
  tensor.dtype = *dtype;
  const auto shape = Shape::from({dims.data(), rank});
  if (!shape) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has more elements than 64 bits count", shown_name(tensor.name));
  }
  tensor.shape = *shape;
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' of type {} and shape {}: rows must fill blocks of {} elements",
                shown_name(tensor.name), to_string(tensor.dtype), to_string(tensor.shape),
                dtype_info(tensor.dtype).block_elements);
  }
  tensor.bytes = *bytes;
  if (tensor.offset % alignment != 0) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' lies at offset {}, which is no multiple of the alignment {}",
                shown_name(tensor.name), tensor.offset, alignment);
  }
  if (tensor.offset > std::numeric_limits<std::uint64_t>::max() - tensor.bytes) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has offset {} and {} bytes, beyond what 64 bits count",
                shown_name(tensor.name), tensor.offset, tensor.bytes);
  }
  return tensor;
}

// Names are unique and no two tensors share a byte. (A gap between them does no harm.)
Status check_table(const std::vector<GgufTensor>& tensors) {
  std::set<std::string_view> names;
  std::vector<const GgufTensor*> by_offset;
  by_offset.reserve(tensors.size());
  for (const GgufTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' appears twice", shown_name(tensor.name));
    }
    by_offset.push_back(&tensor);
  }
  std::ranges::sort(by_offset, {}, &GgufTensor::offset);
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const GgufTensor& before = *by_offset[i - 1];
    if (before.offset + before.bytes > by_offset[i]->offset) {
      return fail(ErrorCode::kCorrupt, "tensors '{}' and '{}' overlap: one ends at byte {}, the other starts at {}",
                  shown_name(before.name), shown_name(by_offset[i]->name), before.offset + before.bytes,
                  by_offset[i]->offset);
    }
  }
  return {};
}

}  // namespace

Expected<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string_view what) {
  const auto parsed = [&]() -> Expected<GgufFile> {
    GgufCursor cursor(bytes);
    GgufFile file;
    file.what_ = what;
    RETORT_TRY(const Header header, read_header(cursor, bytes));
    file.version_ = header.version;
    RETORT_TRY(file.metadata_, read_gguf_metadata(cursor, header.pair_count));
    RETORT_TRY(const auto chosen, file.get_int("general.alignment"));
    const auto alignment = static_cast<std::uint64_t>(chosen.value_or(kDefaultAlignment));
    if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
      return fail(ErrorCode::kCorrupt, "'general.alignment' must be a power of two up to {} but is {}", kMaxAlignment,
                  chosen.value_or(0));
    }
    file.tensors_.reserve(static_cast<std::size_t>(header.tensor_count));
    for (std::uint64_t i = 0; i < header.tensor_count; ++i) {
      RETORT_TRY(GgufTensor tensor, read_tensor(cursor, i, alignment));
      file.tensors_.push_back(tensor);
    }
    RETORT_TRY_STATUS(check_table(file.tensors_));

    const std::uint64_t data_start = (cursor.offset() + alignment - 1) / alignment * alignment;
    const std::uint64_t available = data_start < bytes.size() ? bytes.size() - data_start : 0;
    for (GgufTensor& tensor : file.tensors_) {
      if (tensor.offset + tensor.bytes <= available) {
        tensor.data = bytes.data() + data_start + tensor.offset;
      } else {
        file.has_tensor_data_ = false;
      }
    }
    return file;
  };
  auto file = parsed();
  if (!file) return fail(std::move(file).error().within(what));
  return file;
}

Expected<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  RETORT_TRY(std::shared_ptr<const MappedFile> mapped, MappedFile::open(path));
  RETORT_TRY(GgufFile file, parse(mapped->bytes(), path.string()));
  file.file_ = std::move(mapped);
  return file;
}

}  // namespace retort
