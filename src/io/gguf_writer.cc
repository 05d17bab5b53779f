#include "io/gguf_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "io/disk_space.h"
#include "io/hub_names.h"
#include "io/mapped_file.h"

namespace retort {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kOutputSpaceAdvice =
    "free some, or name a place on a larger disk; the same command goes on from what is there";

std::uint64_t aligned(std::uint64_t offset) { return (offset + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment; }

tl::unexpected<Error> system_error(const fs::path& path, std::string_view action, int code) {
  return fail(ErrorCode::kIo, "{}: cannot {}: {}", path.string(), action, std::strerror(code));
}

std::string tensor_entry(const GgufTensorPlan& tensor, std::uint32_t type, std::uint64_t offset) {
  std::string entry = detail::little_endian(static_cast<std::uint64_t>(tensor.name.size())) + tensor.name;
  const std::span<const std::int64_t> dims = tensor.shape.dims();
  entry += detail::little_endian(static_cast<std::uint32_t>(dims.size()));
  for (std::size_t i = dims.size(); i-- > 0;) entry += detail::little_endian(static_cast<std::uint64_t>(dims[i]));
  return entry + detail::little_endian(type) + detail::little_endian(offset);
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

Status check_output(const fs::path& path, ExistingFile existing) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    const fs::path folder = folder_of(path);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) return system_error(folder, "write in this folder", errno);
    return {};
  }
  if (fs::is_directory(status)) {
    return fail(ErrorCode::kInvalidArgument, "{}: this is a folder; name a file in it", path.string());
  }
  if (existing == ExistingFile::kReplace) return {};
  return fail(ErrorCode::kInvalidArgument, "{}: this file exists; name another, or replace it with --force",
              path.string());
}

GgufWriter::GgufWriter(fs::path path, ExistingFile existing)
    : path_(std::move(path)),
      partial_(path_.string() + ".partial"),
      journal_(partial_.string() + ".journal"),
      existing_(existing) {}

GgufWriter::GgufWriter(GgufWriter&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      journal_(std::move(other.journal_)),
      existing_(other.existing_),
      header_(std::move(other.header_)),
      extents_(std::move(other.extents_)),
      file_bytes_(other.file_bytes_),
      fd_(std::exchange(other.fd_, -1)),
      journal_fd_(std::exchange(other.journal_fd_, -1)),
      journal_bytes_(other.journal_bytes_),
      next_(other.next_),
      at_(other.at_),
      hasher_(std::move(other.hasher_)) {}

GgufWriter::~GgufWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (journal_fd_ >= 0) ::close(journal_fd_);
}

Expected<GgufWriter> GgufWriter::open(const fs::path& path, const GgufPairs& pairs,
                                      std::span<const GgufTensorPlan> tensors, std::uint64_t job,
                                      ExistingFile existing) {
  RETORT_TRY_STATUS(check_output(path, existing));
  GgufWriter writer(path, existing);
  RETORT_TRY_STATUS(writer.lay_out(pairs, tensors));
  RETORT_TRY_STATUS(writer.open_files());
  RETORT_TRY_STATUS(writer.resume(job));
  RETORT_TRY_STATUS(check_free_space(folder_of(path), writer.file_bytes_ - writer.at_, kOutputSpaceAdvice));
  return writer;
}

Status GgufWriter::lay_out(const GgufPairs& pairs, std::span<const GgufTensorPlan> tensors) {
  header_ = "GGUF" + detail::little_endian(std::uint32_t{3}) +
            detail::little_endian(static_cast<std::uint64_t>(tensors.size())) +
            detail::little_endian(static_cast<std::uint64_t>(pairs.size())) + pairs.bytes();
  std::uint64_t data_bytes = 0;
  for (const GgufTensorPlan& tensor : tensors) {
    const auto type = gguf_type_number(tensor.dtype);
    const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
    if (!type || !bytes || tensor.shape.rank() > 4) {
      return fail(ErrorCode::kInvalidArgument, "tensor '{}': {} {} cannot be written to GGUF", shown_name(tensor.name),
                  to_string(tensor.dtype), to_string(tensor.shape));
    }
    header_ += tensor_entry(tensor, *type, data_bytes);
    extents_.push_back({data_bytes, *bytes});
    data_bytes = aligned(data_bytes + *bytes);
  }
  header_.resize(aligned(header_.size()), '\0');
  for (Extent& extent : extents_) extent.offset += header_.size();
  file_bytes_ = header_.size() + data_bytes;
  return {};
}

Status GgufWriter::open_files() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  fd_ = ::open(partial_.c_str(), kFlags, 0666);
  if (fd_ < 0) return system_error(partial_, "open", errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(partial_, "lock", errno);
    return fail(ErrorCode::kIo, "{}: another process is writing this file; wait for it, or name another --output",
                partial_.string());
  }
  journal_fd_ = ::open(journal_.c_str(), kFlags, 0666);
  if (journal_fd_ < 0) return system_error(journal_, "open", errno);
  return {};
}

// Whether the partial file has bytes of that hash there.
Expected<bool> GgufWriter::holds(std::uint64_t offset, std::uint64_t bytes, std::uint64_t hash) const {
  FastHasher hasher;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, std::uint64_t{4} << 20)));
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer.size()));
    const ssize_t got = ::pread(fd_, buffer.data(), part, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(partial_, "read", errno);
    if (got == 0) return false;
    hasher.update(std::span(buffer).first(static_cast<std::size_t>(got)));
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  return hasher.take() == hash;
}

Status GgufWriter::resume(std::uint64_t job) {
  const std::uint64_t header_hash = fast_hash(std::as_bytes(std::span(header_)));
  const std::string first = fmt::format("retort-gguf-journal 1 {:016x} {:016x}\n", header_hash, job);
  RETORT_TRY(const auto mapped, MappedFile::open(journal_));
  const std::string journal(mapped->text());
  at_ = header_.size();
  RETORT_TRY(const bool same_header, holds(0, header_.size(), header_hash));
  if (journal.starts_with(first) && same_header) {
    journal_bytes_ = first.size();
    constexpr std::size_t kLine = 17;  // 16 digits, line break
    while (next_ < extents_.size() && journal.size() - journal_bytes_ >= kLine) {
      const std::string line = journal.substr(static_cast<std::size_t>(journal_bytes_), kLine);
      const std::uint64_t hash = std::strtoull(line.c_str(), nullptr, 16);
      if (line != fmt::format("{:016x}\n", hash)) break;
      RETORT_TRY(const bool right, holds(extents_[next_].offset, extents_[next_].bytes, hash));
      if (!right) break;
      at_ = extents_[next_].offset + extents_[next_].bytes;
      journal_bytes_ += kLine;
      ++next_;
    }
    if (next_ > 0) at_ = aligned(at_);
  }
  // Nothing stays behind what is known to be right; what the second call adds are the zeros after the last tensor.
  const std::uint64_t known = next_ == 0 ? at_ : extents_[next_ - 1].offset + extents_[next_ - 1].bytes;
  if (::ftruncate(fd_, static_cast<off_t>(known)) != 0 || ::ftruncate(fd_, static_cast<off_t>(at_)) != 0) {
    return system_error(partial_, "shorten", errno);
  }
  if (::ftruncate(journal_fd_, static_cast<off_t>(journal_bytes_)) != 0) {
    return system_error(journal_, "shorten", errno);
  }
  if (journal_bytes_ > 0) return {};
  RETORT_TRY_STATUS(write_at(fd_, partial_, std::as_bytes(std::span(header_)), 0));
  RETORT_TRY_STATUS(write_at(journal_fd_, journal_, std::as_bytes(std::span(first)), 0));
  journal_bytes_ = first.size();
  return {};
}

Status GgufWriter::write_at(int fd, const fs::path& path, std::span<const std::byte> bytes, std::uint64_t offset) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // the system takes less than 2 GiB at once
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), std::min(bytes.size(), kMost), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return fail(write_error(path, file_bytes_ - at_, written < 0 ? errno : ENOSPC, kOutputSpaceAdvice));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Status GgufWriter::append(std::span<const std::byte> bytes) {
  RETORT_CHECK(next_ < extents_.size(), "there are {} tensors", extents_.size());
  const Extent& extent = extents_[next_];
  const std::uint64_t left = extent.offset + extent.bytes - at_;
  RETORT_CHECK(bytes.size() <= left, "{} bytes for a tensor that lacks {}", bytes.size(), left);
  RETORT_TRY_STATUS(write_at(fd_, partial_, bytes, at_));
  hasher_.update(bytes);
  at_ += bytes.size();
  if (bytes.size() < left) return {};
  constexpr std::array<std::byte, kGgufAlignment> kZeros{};
  RETORT_TRY_STATUS(
      write_at(fd_, partial_, std::span(kZeros).first(static_cast<std::size_t>(aligned(at_) - at_)), at_));
  at_ = aligned(at_);
  ++next_;
  const std::string line = fmt::format("{:016x}\n", hasher_.take());
  RETORT_TRY_STATUS(write_at(journal_fd_, journal_, std::as_bytes(std::span(line)), journal_bytes_));
  journal_bytes_ += line.size();
  return {};
}

Status GgufWriter::finish() {
  RETORT_CHECK(next_ == extents_.size() && at_ == file_bytes_, "{} of {} tensors", next_, extents_.size());
  RETORT_TRY_STATUS(check_output(path_, existing_));  // hours may have passed
  // First the content, then the name: after a power cut the name must not stand for zeros.
  if (::fsync(fd_) != 0) return system_error(partial_, "sync", errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return system_error(partial_, "rename", errno);
  ::unlink(journal_.c_str());
  return {};
}

}  // namespace retort
