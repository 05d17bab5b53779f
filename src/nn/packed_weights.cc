#include "nn/packed_weights.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/version.h"
#include "io/hub_names.h"
#include "io/packed_file.h"
#include "io/packed_writer.h"
#include "nn/weights.h"

namespace retort {
namespace {

constexpr std::string_view kRemedy = "pack the model again (retort pack)";

// What the file of these linears holds, but for offsets.
std::vector<PackedTensor> expected_tensors(std::span<const NamedLinear> linears) {
  std::vector<PackedTensor> out;
  for (const auto& [name, linear] : linears) {
    const auto format = packed_format_of(*linear);
    if (!format) continue;
    out.push_back({.name = name,
                   .format = packed_info(*format).name,
                   .rows = linear->rows(),
                   .columns = linear->columns(),
                   .bytes = packed_bytes(*linear, *format)});
  }
  return out;
}

std::string describe(const PackedTensor& tensor) {
  return fmt::format("'{}' {} [{}, {}] of {} bytes", shown_name(tensor.name), shown_name(tensor.format), tensor.rows,
                     tensor.columns, tensor.bytes);
}

Status check_header(const PackedHeader& header, const std::vector<PackedTensor>& expected) {
  if (header.layout != kPackedLayoutVersion) {
    return fail(ErrorCode::kUnsupported,
                "layout {} of packed weights was expected but it has layout {} (of retort {}); {}",
                kPackedLayoutVersion, header.layout, shown_name(header.retort_version), kRemedy);
  }
  if (header.tensors.size() != expected.size()) {
    return fail(ErrorCode::kCorrupt, "{} tensors were expected but it has {}; {}", expected.size(),
                header.tensors.size(), kRemedy);
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const PackedTensor& a = expected[i];
    const PackedTensor& b = header.tensors[i];
    if (a.name == b.name && a.format == b.format && a.rows == b.rows && a.columns == b.columns && a.bytes == b.bytes) {
      continue;
    }
    return fail(ErrorCode::kCorrupt, "tensor {} was expected but it has {}; {}", describe(a), describe(b), kRemedy);
  }
  return {};
}

template <typename Result>
Result within_file(Result result, const std::filesystem::path& path) {
  if (!result) return fail(std::move(result).error().within(path.string()));
  return result;
}

}  // namespace

Expected<Pages> read_packed_linears(const std::filesystem::path& path, const Checkpoint& checkpoint,
                                    std::span<const NamedLinear> linears, SourceCheck check) {
  RETORT_TRY(const PackedFile file, PackedFile::open(path));
  const PackedHeader& header = file.header();
  RETORT_TRY_STATUS(within_file(check_header(header, expected_tensors(linears)), path));
  RETORT_TRY_STATUS(within_file(check_source(header.source, checkpoint, check), path));
  RETORT_TRY(Pages pages, Pages::allocate(static_cast<std::size_t>(header.payload_bytes)));
  RETORT_TRY_STATUS(file.read_payload(pages.data()));
  auto tensor = header.tensors.begin();
  for (const auto& [name, linear] : linears) {
    if (const auto format = packed_format_of(*linear)) {
      linear->packed = PackedWeight{*format, pages.data() + tensor->offset};
      ++tensor;
    }
  }
  return pages;
}

Expected<PackResult> write_packed_file(const std::filesystem::path& path, const Checkpoint& checkpoint,
                                       const KernelTable& kernels, const ByteProgress& progress,
                                       const CancelToken& cancel) {
  RETORT_TRY_STATUS(checkpoint.check_tensors());
  RETORT_TRY(ModelWeights weights, map_weights(checkpoint, kernels, IntegerValues::kLeft));
  const std::vector<NamedLinear> linears = large_linears(weights, checkpoint.config());
  PackedHeader header;
  header.retort_version = version();
  header.layout = kPackedLayoutVersion;
  header.tensors = expected_tensors(linears);
  if (header.tensors.empty()) {
    return fail(ErrorCode::kUnsupported,
                "{}: none of its matrices is in a type that is packed (Q4_0, Q5_0, Q8_0, Q4_K, Q5_K and Q6_K of GGUF, "
                "and the integers of AWQ, GPTQ and compressed-tensors in groups of whole 32 columns); it is used as it "
                "is",
                checkpoint.name());
  }
  std::uint64_t hashed = 0;
  for (const CheckpointFile& source : checkpoint.files()) {
    hashed += source.file->bytes().size();
    header.source.push_back({.name = source.file->path().filename().string(),
                             .bytes = source.file->bytes().size(),
                             .header_bytes = source.header_bytes});
  }
  RETORT_TRY(PackedWriter writer, PackedWriter::create(path, std::move(header)));
  const std::uint64_t total = hashed + writer.header().payload_bytes;

  PackResult result{.tensors = writer.header().tensors.size(), .file_bytes = writer.file_bytes()};
  std::uint64_t largest = 0;
  for (const PackedTensor& tensor : writer.header().tensors) largest = std::max(largest, tensor.bytes);
  RETORT_TRY(const Pages panels, Pages::allocate(static_cast<std::size_t>(largest)));
  std::uint64_t packed = 0;
  for (const auto& [name, linear] : linears) {
    const auto format = packed_format_of(*linear);
    if (!format) continue;
    const auto bytes = static_cast<std::size_t>(packed_bytes(*linear, *format));
    pack_linear(*linear, *format, checkpoint, panels.data());
    RETORT_TRY_STATUS(writer.append({panels.data(), bytes}));
    result.source_bytes += source_bytes(*linear);
    packed = packed_tensor_end(packed + bytes);
    if (progress) progress(packed, total);
    RETORT_TRY_STATUS(cancel.check());
  }
  const auto hash_progress = [&](std::uint64_t done, std::uint64_t) {
    if (progress) progress(packed + done, total);
  };
  RETORT_TRY(std::vector<SourceFile> source, identify_source(checkpoint, hash_progress, cancel));
  RETORT_TRY_STATUS(writer.finish(std::move(source)));
  return result;
}

Status check_packed_file(const std::filesystem::path& path, const Checkpoint& checkpoint, const KernelTable& kernels) {
  RETORT_TRY_STATUS(checkpoint.check_tensors());
  RETORT_TRY(const ModelWeights weights,
             load_weights(checkpoint, kernels,
                          {.format = LoadFormat::kPacked, .packed_file = path, .source_check = SourceCheck::kWhole}));
  return {};
}

}  // namespace retort
