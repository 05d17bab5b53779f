// From the rows of a file to panels and back: rearranged, never rounded. Runs once when a model is loaded.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "core/float_bits.h"
#include "kernels/blocks.h"
#include "kernels/pack_grouped.h"
#include "kernels/packed.h"
#include "kernels/panel_codes.h"

namespace retort {
namespace {

constexpr std::array<PackedInfo, kPackedFormatCount> kInfo = {{
    {PackedFormat::kP4K, "P4K", DType::kQ4_K, 256, 2368, 4},
    {PackedFormat::kP5K, "P5K", DType::kQ5_K, 256, 2880, 5},
    {PackedFormat::kP6K, "P6K", DType::kQ6_K, 256, 3360, 6},
    {PackedFormat::kP4, "P4", DType::kQ4_0, 32, 288, 4},
    {PackedFormat::kP5, "P5", DType::kQ5_0, 32, 352, 5},
    {PackedFormat::kP8, "P8", DType::kQ8_0, 32, 544, 8},
    {PackedFormat::kP4G32, "P4G32", std::nullopt, 32, 336, 4},
    {PackedFormat::kP4G128, "P4G128", std::nullopt, 128, 1104, 4},
    {PackedFormat::kP8G32, "P8G32", std::nullopt, 32, 592, 8},
    {PackedFormat::kP8G128, "P8G128", std::nullopt, 128, 2128, 8},
}};

constexpr int kGroups = kSuperBlock / kSmallBlock;  // of a super-block

// Where the parts of a record begin; the groups of a super-block follow one another at group_bytes.
struct Places {
  std::int64_t scales;
  std::int64_t codes;
  std::int64_t group_bytes;
};
Places places(PackedFormat format) {
  switch (format) {
    case PackedFormat::kP4K:
      return {64, 320, 256};
    case PackedFormat::kP5K:
      return {64, 320, 320};
    case PackedFormat::kP6K:
      return {32, 288, 384};
    default:
      return {0, 32, 0};
  }
}

std::uint8_t* at(void* p, std::int64_t offset) { return static_cast<std::uint8_t*>(p) + offset; }
const std::uint8_t* at(const void* p, std::int64_t offset) { return static_cast<const std::uint8_t*>(p) + offset; }

template <typename Block>
Block load_block(const void* row, std::int64_t index) {
  Block block;
  std::memcpy(&block, at(row, index * static_cast<std::int64_t>(sizeof(Block))), sizeof(Block));
  return block;
}

// A block of a file taken apart: codes, and scales as integers.
struct Parts {
  std::uint16_t d;
  std::uint16_t dmin;
  std::uint8_t scales[16];
  std::uint8_t mins[8];
  std::uint8_t codes[kSuperBlock];
};

void take_scales(const std::uint8_t (&s)[12], Parts& out) {
  for (int j = 0; j < 4; ++j) {
    out.scales[j] = s[j] & 63;
    out.mins[j] = s[j + 4] & 63;
    out.scales[j + 4] = static_cast<std::uint8_t>((s[j + 8] & 15) | ((s[j] >> 6) << 4));
    out.mins[j + 4] = static_cast<std::uint8_t>((s[j + 8] >> 4) | ((s[j + 4] >> 6) << 4));
  }
}

void take_apart(const BlockQ4_K& b, Parts& out) {
  out.d = b.d;
  out.dmin = b.dmin;
  take_scales(b.scales, out);
  for (int c = 0; c < 4; ++c) {
    for (int l = 0; l < 32; ++l) {
      out.codes[64 * c + l] = b.qs[32 * c + l] & 15;
      out.codes[64 * c + 32 + l] = b.qs[32 * c + l] >> 4;
    }
  }
}

void take_apart(const BlockQ5_K& b, Parts& out) {
  out.d = b.d;
  out.dmin = b.dmin;
  take_scales(b.scales, out);
  for (int c = 0; c < 4; ++c) {
    for (int l = 0; l < 32; ++l) {
      const int high = b.qh[l] >> (2 * c);
      out.codes[64 * c + l] = static_cast<std::uint8_t>((b.qs[32 * c + l] & 15) | ((high & 1) << 4));
      out.codes[64 * c + 32 + l] = static_cast<std::uint8_t>((b.qs[32 * c + l] >> 4) | ((high & 2) << 3));
    }
  }
}

void take_apart(const BlockQ6_K& b, Parts& out) {
  out.d = b.d;
  std::memcpy(out.scales, b.scales, sizeof(b.scales));
  for (int h = 0; h < 2; ++h) {
    for (int g = 0; g < 4; ++g) {
      for (int l = 0; l < 32; ++l) {
        const int low = b.ql[64 * h + 32 * (g % 2) + l] >> (4 * (g / 2));
        const int high = b.qh[32 * h + l] >> (2 * g);
        out.codes[128 * h + 32 * g + l] = static_cast<std::uint8_t>((low & 15) | ((high & 3) << 4));
      }
    }
  }
}

void take_apart(const BlockQ4_0& b, Parts& out) {
  out.d = b.d;
  for (int l = 0; l < 16; ++l) {
    out.codes[l] = b.qs[l] & 15;
    out.codes[16 + l] = b.qs[l] >> 4;
  }
}

void take_apart(const BlockQ5_0& b, Parts& out) {
  out.d = b.d;
  const std::uint32_t high = load_word(b.qh);
  for (int l = 0; l < 16; ++l) {
    out.codes[l] = static_cast<std::uint8_t>((b.qs[l] & 15) | (((high >> l) & 1) << 4));
    out.codes[16 + l] = static_cast<std::uint8_t>((b.qs[l] >> 4) | (((high >> (16 + l)) & 1) << 4));
  }
}

void take_apart(const BlockQ8_0& b, Parts& out) {
  out.d = b.d;
  std::memcpy(out.codes, b.qs, sizeof(b.qs));
}

void put_f16(std::uint8_t* place, int row, std::uint16_t bits) { std::memcpy(place + 2 * row, &bits, 2); }
float get_f16(const std::uint8_t* place, int row) {
  std::uint16_t bits;
  std::memcpy(&bits, place + 2 * row, 2);
  return f16_to_float(bits);
}

void put_record(const PackedInfo& info, const Parts& parts, int row, std::uint8_t* record) {
  const Places p = places(info.format);
  put_f16(record, row, parts.d);
  if (info.format == PackedFormat::kP4K || info.format == PackedFormat::kP5K) put_f16(record + 32, row, parts.dmin);
  if (info.record_columns == kSmallBlock) return put_codes(parts.codes, info.bits, row, record + p.codes);
  for (int g = 0; g < kGroups; ++g) {
    put_codes(parts.codes + 32 * g, info.bits, row, record + p.codes + g * p.group_bytes);
    std::uint8_t* scales = record + p.scales + 32 * g;
    scales[row] = parts.scales[info.bits == 6 ? 2 * g : g];
    scales[16 + row] = info.bits == 6 ? parts.scales[2 * g + 1] : parts.mins[g];
  }
}

template <typename Block>
void pack_rows(const PackedInfo& info, const void* rows, std::int64_t row_stride, std::int64_t count,
               std::int64_t columns, void* out) {
  Parts parts{};
  for (std::int64_t r = 0; r < count; ++r) {
    const void* row = at(rows, r * row_stride);
    for (std::int64_t i = 0; i < columns / info.record_columns; ++i) {
      take_apart(load_block<Block>(row, i), parts);
      put_record(info, parts, static_cast<int>(r), at(out, i * info.record_bytes));
    }
  }
}

}  // namespace

const PackedInfo& packed_info(PackedFormat format) { return kInfo[static_cast<std::size_t>(format)]; }

std::optional<PackedFormat> packed_format_for(DType dtype, std::int64_t columns) {
  for (const PackedInfo& info : kInfo) {
    if (info.source == dtype && columns % info.record_columns == 0) return info.format;
  }
  return std::nullopt;
}

std::int64_t panel_bytes(PackedFormat format, std::int64_t columns) {
  const PackedInfo& info = packed_info(format);
  return columns / info.record_columns * info.record_bytes;
}

void pack_panel(PackedFormat format, const void* rows, std::int64_t row_stride, std::int64_t count,
                std::int64_t columns, void* out) {
  const PackedInfo& info = packed_info(format);
  if (count < kPanelRows) std::memset(out, 0, static_cast<std::size_t>(panel_bytes(format, columns)));
  switch (format) {
    case PackedFormat::kP4K:
      return pack_rows<BlockQ4_K>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP5K:
      return pack_rows<BlockQ5_K>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP6K:
      return pack_rows<BlockQ6_K>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP4:
      return pack_rows<BlockQ4_0>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP5:
      return pack_rows<BlockQ5_0>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP8:
      return pack_rows<BlockQ8_0>(info, rows, row_stride, count, columns, out);
    case PackedFormat::kP4G32:
    case PackedFormat::kP4G128:
    case PackedFormat::kP8G32:
    case PackedFormat::kP8G128:
      RETORT_CHECK(false, "{} is packed by pack_grouped_record", info.name);
  }
}

void unpack_row(PackedFormat format, const void* panel, std::int64_t row, std::int64_t columns, float* out) {
  const PackedInfo& info = packed_info(format);
  if (!info.source) return unpack_grouped_row(info, panel, row, columns, out);
  const Places p = places(format);
  const int r = static_cast<int>(row);
  const auto groups = static_cast<int>(info.record_columns / kGroupColumns);
  std::uint8_t q[32];
  for (std::int64_t i = 0; i < columns / info.record_columns; ++i) {
    const std::uint8_t* record = at(panel, i * info.record_bytes);
    const float d = get_f16(record, r);
    for (int g = 0; g < groups; ++g, out += 32) {
      get_codes(record + p.codes + g * p.group_bytes, info.bits, r, q);
      const std::uint8_t* scales = record + p.scales + 32 * g;
      for (int l = 0; l < 32; ++l) {
        switch (format) {
          case PackedFormat::kP4K:
          case PackedFormat::kP5K:
            out[l] = d * static_cast<float>(scales[r]) * static_cast<float>(q[l]) -
                     get_f16(record + 32, r) * static_cast<float>(scales[16 + r]);
            break;
          case PackedFormat::kP6K:
            out[l] = d * static_cast<float>(static_cast<std::int8_t>(scales[16 * (l / 16) + r])) *
                     static_cast<float>(q[l] - 32);
            break;
          case PackedFormat::kP4:
            out[l] = d * static_cast<float>(q[l] - 8);
            break;
          case PackedFormat::kP5:
            out[l] = d * static_cast<float>(q[l] - 16);
            break;
          case PackedFormat::kP8:
            out[l] = d * static_cast<float>(static_cast<std::int8_t>(q[l]));
            break;
          default:
            break;
        }
      }
    }
  }
}

}  // namespace retort
