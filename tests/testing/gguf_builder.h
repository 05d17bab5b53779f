// Makes small GGUF files, right ones and wrong ones, for tests and for the seeds of fuzzers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retort::testing {

/// Pairs and tensors come out in the order they were added. Nothing is checked: a test may well want nonsense.
class GgufBuilder {
 public:
  GgufBuilder& u8(std::string_view key, std::uint8_t value);
  GgufBuilder& i8(std::string_view key, std::int8_t value);
  GgufBuilder& u16(std::string_view key, std::uint16_t value);
  GgufBuilder& i16(std::string_view key, std::int16_t value);
  GgufBuilder& u32(std::string_view key, std::uint32_t value);
  GgufBuilder& i32(std::string_view key, std::int32_t value);
  GgufBuilder& u64(std::string_view key, std::uint64_t value);
  GgufBuilder& i64(std::string_view key, std::int64_t value);
  GgufBuilder& f32(std::string_view key, float value);
  GgufBuilder& f64(std::string_view key, double value);
  GgufBuilder& boolean(std::string_view key, std::uint8_t value);
  GgufBuilder& string(std::string_view key, std::string_view value);
  GgufBuilder& strings(std::string_view key, const std::vector<std::string>& values);
  GgufBuilder& i32s(std::string_view key, const std::vector<std::int32_t>& values);
  /// A pair whose type and value are these bytes as they are.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view value);

  /// `dims` outermost first, as elsewhere in retort (the file has them reversed). Data is placed at the next multiple
  /// of the alignment.
  GgufBuilder& tensor(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& dims,
                      std::string_view data);
  /// A tensor with an offset of the caller's choosing and no data of its own.
  GgufBuilder& tensor_at(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& dims,
                         std::uint64_t offset);
  /// An F32 tensor filled with a pattern that depends on its name.
  GgufBuilder& f32_tensor(std::string_view name, const std::vector<std::uint64_t>& dims);

  /// Also writes general.alignment, unless it is the default 32.
  GgufBuilder& alignment(std::uint32_t bytes);
  GgufBuilder& version(std::uint32_t number);
  /// In place of the true counts.
  GgufBuilder& claim_pairs(std::uint64_t count);
  GgufBuilder& claim_tensors(std::uint64_t count);

  /// The whole file, and its part before the tensor data.
  [[nodiscard]] std::string build() const;
  [[nodiscard]] std::string build_header() const;

 private:
  GgufBuilder& pair(std::string_view key, std::uint32_t type, const void* value, std::size_t bytes);

  std::string pairs_;
  std::string tensors_;
  std::string data_;
  std::uint64_t pair_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint32_t alignment_ = 32;
  std::uint32_t version_ = 3;
};

/// A whole small model: 2 layers, hidden size 8, 2 heads over 1, a vocabulary of 16 with its tokenizer. `tied` leaves
/// out output.weight.
struct TinyGgufOptions {
  std::string_view architecture = "qwen2";  ///< or "qwen2moe" (3 experts), "qwen3"
  bool tied = false;
};
GgufBuilder tiny_gguf(TinyGgufOptions options = {});

}  // namespace retort::testing
