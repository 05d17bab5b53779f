// Writing: the same bytes for the same tensors, and never half a file under the final name.
#include <algorithm>
#include <set>

#include "core/json.h"
#include "io/output_file.h"
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

  RETORT_TRY(OutputFile file, OutputFile::create(path));
  RETORT_TRY_STATUS(file.write(&length, sizeof(length)));
  RETORT_TRY_STATUS(file.write(header.data(), header.size()));
  for (const NamedTensor* tensor : order) RETORT_TRY_STATUS(file.write(tensor->view.data, tensor->view.bytes));
  return file.finish();
}

}  // namespace retort
