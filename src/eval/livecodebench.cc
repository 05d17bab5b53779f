#include "eval/livecodebench.h"

#include <cstdint>

#include "core/json.h"
#include "eval/file_bytes.h"

namespace retort::eval {
namespace {

constexpr std::uint64_t kMaxTestBytes = std::uint64_t{512} << 20;

// Little-endian, `bytes` of it.
std::uint64_t read_number(std::string_view text, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[i]);
  return value;
}

Expected<std::string> string_field(const OrderedJson& row, const char* field) {
  const auto found = row.find(field);
  if (found == row.end() || !found->is_string()) return fail(ErrorCode::kCorrupt, "field '{}' must be a text", field);
  return found->get<std::string>();
}

// As JSON text or packed.
Expected<std::string> unpacked(const std::string& value) {
  const auto first = value.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && value[first] == '[') return value;
  RETORT_TRY(const std::string zipped, decode_base64(value));
  RETORT_TRY(const std::string pickle, inflate_zlib(zipped, "packed tests", kMaxTestBytes));
  return text_of_pickle(pickle);
}

Status add_tests(const std::string& text, ContestTests& out, bool& calls_function) {
  RETORT_TRY(const Json list, parse_json(text, "tests"));
  if (!list.is_array()) return fail(ErrorCode::kCorrupt, "must be a list of tests");
  for (const Json& test : list) {
    if (!test.is_object()) return fail(ErrorCode::kCorrupt, "a test must be an object");
    ContestTest entry;
    RETORT_TRY(entry.input, json_string(test, "input"));
    RETORT_TRY(entry.output, json_string(test, "output"));
    RETORT_TRY(const std::string kind, json_string(test, "testtype", "stdin"));
    calls_function = calls_function || kind == "functional";
    out.tests.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Expected<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  while (!text.empty() && (text.back() == '=' || text.back() == '\n')) text.remove_suffix(1);
  for (const char c : text) {
    const auto value = kLetters.find(c);
    if (value == std::string_view::npos) return fail(ErrorCode::kCorrupt, "not base64: it holds the byte {:#x}", c);
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

Expected<std::string> text_of_pickle(std::string_view pickle) {
  std::string text;
  bool found = false;
  const auto cut = [] { return fail(ErrorCode::kCorrupt, "a pickle that is cut off"); };
  for (std::string_view rest = pickle; !rest.empty();) {
    const char opcode = rest.front();
    rest.remove_prefix(1);
    std::size_t skip = 0;    // bytes of an argument that says nothing here
    std::size_t length = 0;  // bytes of the length of a text
    switch (opcode) {
      case '\x80':
        skip = 1;
        break;  // PROTO
      case '\x95':
        skip = 8;
        break;  // FRAME
      case 'q':
        skip = 1;
        break;  // BINPUT
      case 'r':
        skip = 4;
        break;  // LONG_BINPUT
      case '\x94':
        break;  // MEMOIZE
      case '\x8c':
        length = 1;
        break;  // SHORT_BINUNICODE
      case 'X':
        length = 4;
        break;  // BINUNICODE
      case '\x8d':
        length = 8;
        break;   // BINUNICODE8
      case '.':  // STOP
        if (!found) return fail(ErrorCode::kUnsupported, "a pickle that holds no text");
        return text;
      default:
        return fail(ErrorCode::kUnsupported,
                    "a pickle that holds more than one text (opcode {:#x}); nothing of it is run",
                    static_cast<unsigned char>(opcode));
    }
    if (rest.size() < skip + length) return cut();
    rest.remove_prefix(skip);
    if (length == 0) continue;
    const std::uint64_t bytes = read_number(rest, length);
    rest.remove_prefix(length);
    if (bytes > rest.size()) return cut();
    if (found) return fail(ErrorCode::kUnsupported, "a pickle that holds more than one text");
    found = true;
    text = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
  }
  return cut();
}

Expected<ContestTests> livecodebench_tests(const OrderedJson& row) {
  ContestTests out;
  bool calls_function = false;
  for (const char* field : {"public_test_cases", "private_test_cases"}) {
    RETORT_TRY(const std::string value, string_field(row, field));
    auto text = unpacked(value);
    if (!text) return fail(std::move(text).error().within(fmt::format("field '{}'", field)));
    if (auto added = add_tests(*text, out, calls_function); !added) {
      return fail(std::move(added).error().within(fmt::format("field '{}'", field)));
    }
  }
  if (!calls_function) return out;
  RETORT_TRY(const std::string text, string_field(row, "metadata"));
  RETORT_TRY(const Json metadata, parse_json(text, "field 'metadata'"));
  if (!metadata.is_object()) return fail(ErrorCode::kCorrupt, "field 'metadata' must be an object");
  auto name = json_string(metadata, "func_name");
  if (!name) return fail(std::move(name).error().within("field 'metadata'"));
  out.function = std::move(*name);
  return out;
}

}  // namespace retort::eval
