#include "io/packed_source.h"

#include <algorithm>

#include "io/digest.h"

namespace retort {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Expected<std::string> header_hash(const CheckpointFile& source) {
  RETORT_TRY(Digest digest, Digest::sha256());
  digest.update(text_of(source.file->bytes().first(static_cast<std::size_t>(source.header_bytes))));
  return digest.finish();
}

// The first page, the last one and those between at equal distances; all of a short file.
Expected<std::string> sample_hash(const CheckpointFile& source) {
  RETORT_TRY(Digest digest, Digest::sha256());
  const std::span<const std::byte> bytes = source.file->bytes();
  if (bytes.size() <= kSampledPages * kPackedPage) {
    digest.update(text_of(bytes));
    return digest.finish();
  }
  const std::uint64_t pages = (bytes.size() - 1) / kPackedPage;  // the number of the last one
  for (std::uint64_t i = 0; i < kSampledPages; ++i) {
    // pages is below 2^52, so the product does not wrap
    const auto offset = static_cast<std::size_t>(pages * i / (kSampledPages - 1) * kPackedPage);
    digest.update(text_of(bytes.subspan(offset, std::min<std::size_t>(kPackedPage, bytes.size() - offset))));
  }
  return digest.finish();
}

// In parts, after each of which `on_part` is told how long it was; what was read is given back.
Expected<std::string> whole_hash(const CheckpointFile& source, const std::function<Status(std::size_t)>& on_part) {
  constexpr std::size_t kPart = std::size_t{8} << 20;
  RETORT_TRY(Digest digest, Digest::sha256());
  const std::span<const std::byte> bytes = source.file->bytes();
  for (std::size_t at = 0; at < bytes.size(); at += kPart) {
    const auto part = bytes.subspan(at, std::min(kPart, bytes.size() - at));
    digest.update(text_of(part));
    source.file->give_back(part);
    RETORT_TRY_STATUS(on_part(part.size()));
  }
  return digest.finish();
}

// What differs, of what a person can tell apart: a length, or one of the hashes.
Status expect_equal(const CheckpointFile& source, std::string_view what, const std::string& found,
                    const std::string& expected) {
  if (found == expected) return {};
  return fail(ErrorCode::kCorrupt,
              "it was packed from another file than {}: {} is {} but was {}; pack the model again "
              "(retort pack)",
              source.file->path().string(), what, found, expected);
}

}  // namespace

Expected<std::vector<SourceFile>> identify_source(const Checkpoint& checkpoint, const ByteProgress& progress,
                                                  const CancelToken& cancel) {
  const std::vector<CheckpointFile> files = checkpoint.files();
  std::uint64_t total = 0;
  for (const CheckpointFile& source : files) total += source.file->bytes().size();
  std::uint64_t done = 0;
  const auto on_part = [&](std::size_t bytes) {
    done += bytes;
    if (progress) progress(done, total);
    return cancel.check();
  };
  std::vector<SourceFile> out;
  for (const CheckpointFile& source : files) {
    SourceFile file;
    file.name = source.file->path().filename().string();
    file.bytes = source.file->bytes().size();
    file.header_bytes = source.header_bytes;
    RETORT_TRY(file.header_hash, header_hash(source));
    RETORT_TRY(file.sample_hash, sample_hash(source));
    RETORT_TRY(file.whole_hash, whole_hash(source, on_part));
    out.push_back(std::move(file));
  }
  return out;
}

Status check_source(const std::vector<SourceFile>& recorded, const Checkpoint& checkpoint, SourceCheck check) {
  const std::vector<CheckpointFile> files = checkpoint.files();
  if (files.size() != recorded.size()) {
    return fail(ErrorCode::kCorrupt, "it was packed from {} files but {} has {}; pack the model again (retort pack)",
                recorded.size(), checkpoint.name(), files.size());
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const CheckpointFile& source = files[i];
    const SourceFile& expected = recorded[i];
    RETORT_TRY_STATUS(expect_equal(source, "its length", fmt::to_string(source.file->bytes().size()),
                                   fmt::to_string(expected.bytes)));
    RETORT_TRY_STATUS(expect_equal(source, "the length of its header", fmt::to_string(source.header_bytes),
                                   fmt::to_string(expected.header_bytes)));
    RETORT_TRY(const std::string header, header_hash(source));
    RETORT_TRY_STATUS(expect_equal(source, "its header's sha256", header, expected.header_hash));
    RETORT_TRY(const std::string sample, sample_hash(source));
    RETORT_TRY_STATUS(expect_equal(source, "the sha256 of pages in it", sample, expected.sample_hash));
    if (check != SourceCheck::kWhole) continue;
    RETORT_TRY(const std::string whole, whole_hash(source, [](std::size_t) { return Status(); }));
    RETORT_TRY_STATUS(expect_equal(source, "its sha256", whole, expected.whole_hash));
  }
  return {};
}

}  // namespace retort
