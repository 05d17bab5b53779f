// Computes and writes what quantize_plan.cc has planned: some megabytes of rows at a time, on all threads.
#include "nn/quantize.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <sys/stat.h>

#include "core/parallel.h"
#include "io/fast_hash.h"
#include "io/hub_names.h"
#include "kernels/encode.h"
#include "nn/grouped_weight.h"

namespace retort {

namespace fs = std::filesystem;

namespace {

// Of encoders: a partial file of other ones is not gone on with.
constexpr std::uint64_t kEncoderVersion = 1;
constexpr std::uint64_t kBatchBytes = std::uint64_t{4} << 20;

// Rows that are read at once: layouts that lie column by column give sixteen for little more than one.
constexpr std::int64_t kReadRows = 16;

/// out [count, columns] = rows of a part as fp32. Thread-safe.
using RowReader = std::function<void(std::int64_t first, std::int64_t count, float* out)>;

std::uint64_t stored_row_bytes(const TensorView& view) {
  return *row_bytes(view.dtype, static_cast<std::uint64_t>(view.columns()));
}

Expected<RowReader> row_reader(const Checkpoint& checkpoint, const KernelTable& kernels, const QuantizePart& part) {
  if (!part.scheme) {
    const DequantizeFn dequantize = kernels.dequantize[static_cast<std::size_t>(part.view.dtype)];
    if (!dequantize) {
      return fail(ErrorCode::kUnsupported, "tensor '{}' is {}, which holds no weights that retort can use",
                  shown_name(part.name), to_string(part.view.dtype));
    }
    return RowReader([dequantize, view = part.view, bytes = stored_row_bytes(part.view)](
                         std::int64_t first, std::int64_t count, float* out) {
      // Copied first: files place tensors where they like, kernels want whole elements.
      std::vector<std::byte> aligned(static_cast<std::size_t>(bytes));
      for (std::int64_t i = 0; i < count; ++i) {
        std::memcpy(aligned.data(), view.data + static_cast<std::uint64_t>(first + i) * bytes, aligned.size());
        dequantize(aligned.data(), out + i * view.columns(), view.columns());
      }
    });
  }
  const std::string module = part.name.substr(0, part.name.size() - std::string_view(".weight").size());
  if (part.scheme->layout == WeightLayout::kFp8) {
    RETORT_TRY(const ScaledFp8Weight weight, scaled_fp8_weight(checkpoint, module, *part.scheme, part.shape));
    return RowReader([weight](std::int64_t first, std::int64_t count, float* out) {
      for (std::int64_t i = 0; i < count; ++i) weight.dequantize_row(first + i, out + i * weight.columns);
    });
  }
  RETORT_TRY(GroupedWeight weight, grouped_weight(checkpoint, module, *part.scheme, part.shape));
  return RowReader([weight = std::move(weight)](std::int64_t first, std::int64_t count, float* out) {
    weight.dequantize_rows(first, count, out);
  });
}

// Hashes what makes the tensors' bytes.
std::uint64_t job_hash(const Checkpoint& checkpoint, const Importance& importance) {
  FastHasher hasher;
  const auto number = [&](std::uint64_t value) { hasher.update(std::as_bytes(std::span(&value, 1))); };
  number(kEncoderVersion);
  for (const CheckpointFile& source : checkpoint.files()) {
    const std::span<const std::byte> bytes = source.file->bytes();
    number(bytes.size());
    hasher.update(bytes.first(static_cast<std::size_t>(source.header_bytes)));
    constexpr std::size_t kPage = 4096;
    const std::size_t pages = bytes.size() / kPage;
    for (std::size_t i = 0; pages > 0 && i < kSampledPages; ++i) {
      hasher.update(bytes.subspan(pages * i / kSampledPages * kPage, kPage));
    }
    struct stat status {};
    if (::stat(source.file->path().c_str(), &status) == 0) number(static_cast<std::uint64_t>(status.st_mtime));
  }
  for (const auto& [name, columns] : importance) {
    hasher.update(std::as_bytes(std::span(name)));
    hasher.update(std::as_bytes(std::span(columns)));
  }
  return hasher.take();
}

class PartEncoder {
 public:
  PartEncoder(const Checkpoint& checkpoint, const KernelTable& kernels, const Importance& importance,
              GgufWriter& writer, const ByteProgress& progress, const CancelToken& cancel)
      : checkpoint_(checkpoint),
        kernels_(kernels),
        importance_(importance),
        writer_(writer),
        progress_(progress),
        cancel_(cancel) {}

  Status append(const QuantizePart& part, DType type) {
    const auto same = [&] { return part.scheme == nullptr && part.view.dtype == type; };
    const std::int64_t rows = part.shape.rows();
    const std::int64_t columns = part.shape.columns();
    const std::uint64_t bytes = *row_bytes(type, static_cast<std::uint64_t>(columns));
    const auto batch = static_cast<std::int64_t>(std::max<std::uint64_t>(1, kBatchBytes / bytes));
    RowReader read;
    if (!same()) {
      RETORT_TRY(read, row_reader(checkpoint_, kernels_, part));
    }
    const auto found = importance_.find(part.name);
    const float* weight = found == importance_.end() ? nullptr : found->second.data();
    RETORT_CHECK(!weight || static_cast<std::int64_t>(found->second.size()) == columns, "importance of {} columns",
                 found->second.size());
    for (std::int64_t first = 0; first < rows; first += batch) {
      const std::int64_t count = std::min(batch, rows - first);
      const auto size = static_cast<std::size_t>(static_cast<std::uint64_t>(count) * bytes);
      if (same()) {
        RETORT_TRY_STATUS(writer_.append({part.view.data + static_cast<std::uint64_t>(first) * bytes, size}));
      } else {
        buffer_.resize(size);
        RETORT_TRY_STATUS(encode(part, type, read, weight, {first, first + count}));
        RETORT_TRY_STATUS(writer_.append(buffer_));
      }
      if (progress_) progress_(writer_.written_bytes(), writer_.file_bytes());
      RETORT_TRY_STATUS(cancel_.check());
    }
    if (!part.scheme) checkpoint_.give_back(part.view);
    return {};
  }

 private:
  // Rows into buffer_.
  Status encode(const QuantizePart& part, DType type, const RowReader& read, const float* weight, WorkRange rows) {
    const std::int64_t columns = part.shape.columns();
    const std::uint64_t bytes = *row_bytes(type, static_cast<std::uint64_t>(columns));
    const EncodeFn encode_row = encoder_of(type);
    const float largest = largest_encodable(type);
    std::atomic<std::int64_t> bad_row{rows.end};
    parallel_for(rows.end - rows.begin, kReadRows, [&](WorkRange range) {
      std::vector<float> x(static_cast<std::size_t>(kReadRows * columns));
      for (std::int64_t first = range.begin; first < range.end; first += kReadRows) {
        const std::int64_t count = std::min(kReadRows, range.end - first);
        read(rows.begin + first, count, x.data());
        for (std::int64_t i = 0; i < count; ++i) {
          const std::span<const float> values(x.data() + i * columns, static_cast<std::size_t>(columns));
          const std::int64_t row = rows.begin + first + i;
          if (std::ranges::all_of(values, [&](float value) { return std::abs(value) <= largest; })) {  // NaN is not
            encode_row(values.data(), weight, buffer_.data() + static_cast<std::uint64_t>(first + i) * bytes, columns);
            continue;
          }
          std::int64_t lowest = bad_row.load();
          while (row < lowest && !bad_row.compare_exchange_weak(lowest, row)) {
          }
        }
      }
    });
    if (bad_row.load() == rows.end) return {};
    return fail(ErrorCode::kCorrupt,
                "{}: tensor '{}' has a value in row {} that is not finite, or larger than the {} that {} holds",
                checkpoint_.name(), shown_name(part.name), bad_row.load(), largest, to_string(type));
  }

  const Checkpoint& checkpoint_;
  const KernelTable& kernels_;
  const Importance& importance_;
  GgufWriter& writer_;
  const ByteProgress& progress_;
  const CancelToken& cancel_;
  std::vector<std::byte> buffer_;
};

}  // namespace

Status check_not_source(const fs::path& path, const Checkpoint& checkpoint) {
  for (const char* ending : {"", ".partial", ".partial.journal"}) {
    const fs::path written = path.string() + ending;
    for (const CheckpointFile& source : checkpoint.files()) {
      std::error_code ignored;
      if (!fs::equivalent(written, source.file->path(), ignored)) continue;
      return fail(ErrorCode::kInvalidArgument, "{}: this is the source itself; write to another file",
                  written.string());
    }
  }
  return {};
}

Expected<QuantizeResult> write_quantized(const fs::path& path, const Checkpoint& checkpoint, const KernelTable& kernels,
                                         const QuantizePlan& plan, const GgufPairs& pairs, const Importance& importance,
                                         ExistingFile existing, const ByteProgress& progress,
                                         const CancelToken& cancel) {
  RETORT_TRY_STATUS(check_not_source(path, checkpoint));
  std::vector<GgufTensorPlan> targets;
  targets.reserve(plan.tensors.size());
  for (const QuantizeTensor& tensor : plan.tensors) targets.push_back(tensor.target);
  RETORT_TRY(GgufWriter writer, GgufWriter::open(path, pairs, targets, job_hash(checkpoint, importance), existing));
  QuantizeResult result{.file_bytes = writer.file_bytes(), .resumed_tensors = writer.next_tensor()};
  PartEncoder encoder(checkpoint, kernels, importance, writer, progress, cancel);
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const QuantizeTensor& tensor = plan.tensors[i];
    result.weights[tensor.target.dtype] += static_cast<std::uint64_t>(tensor.target.shape.elements());
    if (i < result.resumed_tensors) continue;
    for (const QuantizePart& part : tensor.parts) RETORT_TRY_STATUS(encoder.append(part, tensor.target.dtype));
  }
  RETORT_TRY_STATUS(writer.finish());
  return result;
}

}  // namespace retort
