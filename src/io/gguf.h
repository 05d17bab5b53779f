// GGUF versions 2 and 3: metadata, tensor table and tensor data in one file, or split over several.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "io/mapped_file.h"

namespace retort {

struct GgufArray;
/// Integers of every width are widened; floats to double. Strings are views into the file.
using GgufValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

/// Element kinds as the file gives them; each array is held in the vector of its class.
struct GgufArray {
  std::vector<std::int64_t> integers;     ///< u8..i64 (u64 beyond int64 is refused), and bool as 0/1
  std::vector<double> floats;             ///< f32, f64
  std::vector<std::string_view> strings;  ///< views into the file
  std::size_t size = 0;                   ///< elements, whichever vector holds them; nested arrays are refused
};

struct GgufTensor {
  std::string_view name;
  DType dtype = DType::kF32;
  Shape shape;               ///< outermost first (the file's order reversed)
  std::uint64_t offset = 0;  ///< in bytes, from the start of the data area
  std::uint64_t bytes = 0;
  const std::byte* data = nullptr;  ///< null where the file ends before the data (a header-only file)
};

/// One file.
class GgufFile {
 public:
  static Expected<GgufFile> open(const std::filesystem::path& path);
  /// From bytes that outlive the result. (What the fuzzer drives.)
  static Expected<GgufFile> parse(std::span<const std::byte> bytes, std::string_view what);

  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] const std::map<std::string_view, GgufValue>& metadata() const { return metadata_; }
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// False where the data area is absent or short: tokenizer and shapes can be read, weights cannot.
  [[nodiscard]] bool has_tensor_data() const { return has_tensor_data_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] const std::shared_ptr<const MappedFile>& file() const { return file_; }  ///< null if parsed from memory

  // Typed look-ups: nullopt if absent, kCorrupt (naming the key) if of another type.
  [[nodiscard]] Expected<std::optional<std::int64_t>> get_int(std::string_view key) const;
  [[nodiscard]] Expected<std::optional<double>> get_number(std::string_view key) const;  ///< accepts integers
  [[nodiscard]] Expected<std::optional<bool>> get_bool(std::string_view key) const;
  [[nodiscard]] Expected<std::optional<std::string_view>> get_string(std::string_view key) const;
  [[nodiscard]] Expected<const GgufArray*> get_array(std::string_view key) const;  ///< nullptr if absent

 private:
  std::shared_ptr<const MappedFile> file_;
  std::string what_;
  std::uint32_t version_ = 0;
  std::map<std::string_view, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
  bool has_tensor_data_ = true;
};

/// A model in one GGUF file or in all its splits: `first` carries the metadata.
struct GgufModel {
  std::vector<GgufFile> files;
  [[nodiscard]] const GgufFile& first() const { return files.front(); }
};

/// Given any one of NAME-00001-of-0000N.gguf, opens all N and checks that split.no, split.count and
/// split.tensors.count agree and that no tensor appears twice; a missing part is named.
Expected<GgufModel> open_gguf_model(const std::filesystem::path& path);

}  // namespace retort
