// A GGUF model's tensors under their Hugging Face names.
#include "io/checkpoint_open.h"
#include "io/hub_names.h"
#include "io/tensor_names.h"

namespace retort {
namespace {

Status insert(TensorMap& tensors, std::string name, const TensorView& view, std::string_view gguf_name) {
  if (!tensors.emplace(name, view).second) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' gives '{}', which is there already", shown_name(gguf_name),
                shown_name(name));
  }
  return {};
}

// [experts, rows, columns] as one view per expert.
Status insert_experts(TensorMap& tensors, const MappedName& mapped, const GgufTensor& tensor,
                      const ModelConfig& config) {
  const std::int64_t experts = config.moe ? config.moe->num_experts : 0;
  if (experts < 1 || tensor.shape.rank() != 3 || tensor.shape[0] != experts) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has shape {} but the configuration has {} experts",
                shown_name(tensor.name), to_string(tensor.shape), experts);
  }
  const Shape shape{tensor.shape[1], tensor.shape[2]};
  const std::uint64_t bytes = tensor.bytes / static_cast<std::uint64_t>(experts);
  const auto mark = mapped.name.find("{}");
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    std::string name = mapped.name;
    name.replace(mark, 2, fmt::to_string(expert));
    const std::byte* data = tensor.data ? tensor.data + static_cast<std::uint64_t>(expert) * bytes : nullptr;
    RETORT_TRY_STATUS(insert(tensors, std::move(name), {tensor.dtype, shape, data, bytes}, tensor.name));
  }
  return {};
}

}  // namespace

Expected<TensorMap> tensors_from_gguf(const GgufModel& model, const ModelConfig& config) {
  TensorMap tensors;
  for (const GgufFile& file : model.files) {
    for (const GgufTensor& tensor : file.tensors()) {
      if (is_harmless_extra(tensor.name)) continue;
      const auto mapped = huggingface_name(tensor.name);
      if (mapped && mapped->stacked_experts) {
        RETORT_TRY_STATUS(insert_experts(tensors, *mapped, tensor, config));
        continue;
      }
      TensorView view{tensor.dtype, tensor.shape, tensor.data, tensor.bytes};
      // GGUF drops the leading 1 of the shared expert's gate [1, hidden].
      if (mapped && mapped->name.ends_with("shared_expert_gate.weight") && view.shape.rank() == 1) {
        view.shape = {1, view.shape[0]};
      }
      // A name that no architecture here has is kept as it is, for check_tensors() to refuse and inspect to show.
      RETORT_TRY_STATUS(insert(tensors, mapped ? mapped->name : std::string(tensor.name), view, tensor.name));
    }
  }
  return tensors;
}

}  // namespace retort
