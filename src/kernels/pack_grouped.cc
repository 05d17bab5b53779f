// The integer schemes of safetensors to panels and back: rearranged, never rounded.
#include "kernels/pack_grouped.h"

#include <cstring>

#include "kernels/panel_codes.h"

namespace retort {
namespace {

constexpr std::int64_t kZeros = 64;  // where the parts of a record begin, behind 16 scales
constexpr std::int64_t kCodes = 80;

std::int64_t group_bytes(const PackedInfo& info) { return 64 * info.bits; }

}  // namespace

std::optional<PackedFormat> packed_format_for_groups(int bits, std::int64_t group_size, std::int64_t columns) {
  const auto fits = [&](std::int64_t record) { return group_size % record == 0 && columns % record == 0; };
  if (group_size <= 0 || (bits != 4 && bits != 8)) return std::nullopt;
  if (fits(128)) return bits == 4 ? PackedFormat::kP4G128 : PackedFormat::kP8G128;
  if (fits(32)) return bits == 4 ? PackedFormat::kP4G32 : PackedFormat::kP8G32;
  return std::nullopt;
}

void pack_grouped_record(PackedFormat format, const GroupedTile& tile, void* out) {
  const PackedInfo& info = packed_info(format);
  auto* record = static_cast<std::uint8_t*>(out);
  if (tile.rows < kPanelRows) std::memset(record, 0, static_cast<std::size_t>(info.record_bytes));
  const std::uint8_t flip = info.bits == 8 ? 0x80 : 0;  // takes 128 off, as signed bytes
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    std::memcpy(record + 4 * r, tile.scales + r, sizeof(float));
    record[kZeros + r] = tile.zeros[r] ^ flip;
    for (std::int64_t g = 0; g < info.record_columns / kGroupColumns; ++g) {
      std::uint8_t q[kGroupColumns];
      const std::uint8_t* codes = tile.codes + r * tile.stride + g * kGroupColumns;
      for (int k = 0; k < kGroupColumns; ++k) q[k] = codes[k] ^ flip;
      put_codes(q, info.bits, static_cast<int>(r), record + kCodes + g * group_bytes(info));
    }
  }
}

void unpack_grouped_row(const PackedInfo& info, const void* panel, std::int64_t row, std::int64_t columns, float* out) {
  const auto* record = static_cast<const std::uint8_t*>(panel);
  const std::uint8_t flip = info.bits == 8 ? 0x80 : 0;
  for (std::int64_t c = 0; c < columns; c += info.record_columns, record += info.record_bytes) {
    float scale;
    std::memcpy(&scale, record + 4 * row, sizeof(scale));
    const int zero = record[kZeros + row] ^ flip;
    for (std::int64_t g = 0; g < info.record_columns / kGroupColumns; ++g, out += kGroupColumns) {
      std::uint8_t q[kGroupColumns];
      get_codes(record + kCodes + g * group_bytes(info), info.bits, static_cast<int>(row), q);
      for (int k = 0; k < kGroupColumns; ++k) out[k] = scale * static_cast<float>((q[k] ^ flip) - zero);
    }
  }
}

}  // namespace retort
