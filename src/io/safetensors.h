// safetensors: u64 little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, tensor data.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "io/mapped_file.h"

namespace retort {

struct NamedTensor {
  std::string name;
  TensorView view;
};

/// One parsed file. Views point into the mapping, which lives as long as any copy of `file`.
struct Safetensors {
  std::shared_ptr<const MappedFile> file;  ///< null when parsed from memory
  std::map<std::string, TensorView, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;  ///< the __metadata__ strings
};

/// Checks everything before it returns: header length (at most 100 MB and within the file), JSON with no duplicate
/// names, known dtypes, sizes that fit shapes, offsets that tile the data area with no gap, overlap or remainder.
Expected<Safetensors> open_safetensors(const std::filesystem::path& path);
/// The same from bytes that outlive the result; `what` begins error messages. (What the fuzzer drives.)
Expected<Safetensors> parse_safetensors(std::span<const std::byte> bytes, std::string_view what);

/// Writes to a temporary name beside `path` and renames, so that no half file ever has the final name.
Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string, std::less<>>& metadata = {});

}  // namespace retort
