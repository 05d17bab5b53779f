// Any bytes as a GGUF file, and what is made of its metadata: an error, or views that lie within the bytes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/error.h"
#include "io/checkpoint.h"
#include "io/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = retort::GgufFile::parse(bytes, "input");
  if (!file) return 0;
  unsigned sum = 0;
  for (const retort::GgufTensor& tensor : file->tensors()) {
    RETORT_CHECK(retort::tensor_bytes(tensor.dtype, tensor.shape) == tensor.bytes);
    if (!tensor.data) continue;
    for (std::uint64_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<unsigned>(tensor.data[i]);
  }
  for (const auto& [key, value] : file->metadata()) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      for (const char c : *text) sum += static_cast<unsigned char>(c);
    }
    if (const auto* array = std::get_if<retort::GgufArray>(&value)) {
      RETORT_CHECK(array->integers.size() + array->floats.size() + array->strings.size() == array->size);
    }
  }
  volatile unsigned sink = sum;
  static_cast<void>(sink);
  const auto config = retort::model_config_from_gguf(*file);
  if (config) {
    RETORT_CHECK(config->num_attention_heads % config->num_key_value_heads == 0);
    RETORT_CHECK(config->layer_windows.size() == static_cast<std::size_t>(config->num_hidden_layers));
    RETORT_CHECK(config->rms_norm_eps > 0);
  }
  static_cast<void>(retort::generation_defaults_from_gguf(*file));
  return 0;
}
