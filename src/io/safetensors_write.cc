// Writing: the same bytes for the same tensors, and never half a file under the final name.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <set>
#include <unistd.h>

#include "core/json.h"
#include "io/safetensors.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

Status check_tensor(const NamedTensor& tensor) {
  const TensorView& view = tensor.view;
  if (tensor.name.empty() || tensor.name == "__metadata__") {
    return fail(ErrorCode::kInvalidArgument, "'{}' cannot be the name of a tensor", tensor.name);
  }
  if (is_block_quantized(view.dtype)) {
    return fail(ErrorCode::kUnsupported, "tensor '{}': safetensors has no type {}", tensor.name, to_string(view.dtype));
  }
  if (tensor_bytes(view.dtype, view.shape) != view.bytes || (view.bytes > 0 && view.data == nullptr)) {
    return fail(ErrorCode::kInvalidArgument, "tensor '{}': {} bytes are not what {} {} takes", tensor.name, view.bytes,
                to_string(view.dtype), to_string(view.shape));
  }
  return {};
}

// Wide elements first: each tensor is then aligned to its own elements, for readers that need it.
std::vector<const NamedTensor*> in_file_order(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, [](const NamedTensor* a, const NamedTensor* b) {
    const auto size = [](const NamedTensor* t) { return dtype_info(t->view.dtype).block_bytes; };
    return size(a) != size(b) ? size(a) > size(b) : a->name < b->name;
  });
  return order;
}

Expected<std::string> header_for(const std::vector<const NamedTensor*>& order,
                                 const std::map<std::string, std::string, std::less<>>& metadata) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const NamedTensor* tensor : order) {
    const auto dims = tensor->view.shape.dims();
    header[tensor->name] = {{"dtype", to_string(tensor->view.dtype)},
                            {"shape", std::vector<std::int64_t>(dims.begin(), dims.end())},
                            {"data_offsets", {offset, offset + tensor->view.bytes}}};
    offset += tensor->view.bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const std::exception&) {
    return fail(ErrorCode::kInvalidArgument, "a tensor's name or the metadata is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // data starts at a multiple of 8
  return text;
}

class OutputFile {
 public:
  explicit OutputFile(fs::path path) : path_(std::move(path)) {}
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status create() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ >= 0) return {};
    const int code = errno;
    auto error = failed("create", code);
    path_.clear();  // not ours
    return error;
  }
  Status write(const void* data, std::uint64_t bytes) {
    const auto* next = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t written = ::write(fd_, next, static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 30)));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return failed("write", written < 0 ? errno : ENOSPC);
      next += written;
      bytes -= static_cast<std::uint64_t>(written);
    }
    return {};
  }
  Status finish(const fs::path& final_path) {
    if (::fsync(fd_) != 0) return failed("sync", errno);
    const int closed = ::close(fd_);
    fd_ = -1;
    if (closed != 0) return failed("close", errno);
    if (::rename(path_.c_str(), final_path.c_str()) != 0) return failed("rename", errno);
    path_.clear();
    return {};
  }

 private:
  [[nodiscard]] Status failed(std::string_view action, int code) const {
    return fail(ErrorCode::kIo, "{}: cannot {}: {}", path_.string(), action, std::strerror(code));
  }
  fs::path path_;
  int fd_ = -1;
};

}  // namespace

Status write_safetensors(const fs::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string, std::less<>>& metadata) {
  std::set<std::string_view> names;
  for (const NamedTensor& tensor : tensors) {
    RETORT_TRY_STATUS(check_tensor(tensor));
    if (!names.insert(tensor.name).second) {
      return fail(ErrorCode::kInvalidArgument, "two tensors have the name '{}'", tensor.name);
    }
  }
  const auto order = in_file_order(tensors);
  RETORT_TRY(const std::string header, header_for(order, metadata));
  const std::uint64_t length = header.size();

  OutputFile file(path.string() + fmt::format(".{:08x}.tmp", std::random_device()()));
  RETORT_TRY_STATUS(file.create());
  RETORT_TRY_STATUS(file.write(&length, sizeof(length)));
  RETORT_TRY_STATUS(file.write(header.data(), header.size()));
  for (const NamedTensor* tensor : order) RETORT_TRY_STATUS(file.write(tensor->view.data, tensor->view.bytes));
  return file.finish(path);
}

}  // namespace retort
