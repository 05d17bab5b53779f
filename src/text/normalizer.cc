#include "text/normalizer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utf8proc.h>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace retort {
namespace {

using char_class::kNfcCheck;

bool check_needed(char32_t code) { return (UnicodeTable::instance().of(code) & kNfcCheck) != 0; }

// Position of the first character from `at` on that NFC may change or combine with its predecessor; text.size() if
// there is none.
std::size_t first_suspect(std::string_view text, std::size_t at) {
  const UnicodeTable& table = UnicodeTable::instance();
  while (at < text.size()) {
    // Eight ASCII bytes at a time.
    std::uint64_t word = 0;
    while (text.size() - at >= sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080'8080'8080'8080) != 0) break;
      at += sizeof word;
    }
    if (at >= text.size()) break;
    const auto lead = static_cast<std::uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const Utf8Char c = decode_utf8(text.substr(at));
    if (c.code != Utf8Char::kInvalid && (table.of(c.code) & kNfcCheck) != 0) return at;
    at += c.length;
  }
  return text.size();
}

// Start of the character before `at`, which is > 0 and a character boundary.
std::size_t previous(std::string_view text, std::size_t at) {
  std::size_t start = at - 1;
  while (start > 0 && at - start < 4 && (static_cast<std::uint8_t>(text[start]) & 0xC0) == 0x80) --start;
  const Utf8Char c = decode_utf8(text.substr(start, at - start));
  return c.code != Utf8Char::kInvalid && start + c.length == at ? start : at - 1;  // a stray byte is by itself
}

// Canonical composition (Unicode 15, 3.11) of decomposed, ordered characters, in place; the new length. Not utf8proc's
// normalize, which is quadratic in the length of a run of marks.
std::size_t normalize(std::vector<utf8proc_int32_t>& codes) {
  // Canonical ordering: stable by class within each run of non-starters.
  const auto ccc = [](utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; };
  for (auto run = codes.begin(); run != codes.end();) {
    if (ccc(*run) == 0) {
      ++run;
      continue;
    }
    const auto end = std::find_if(run, codes.end(), [&](auto code) { return ccc(code) == 0; });
    std::stable_sort(run, end, [&](auto a, auto b) { return ccc(a) < ccc(b); });
    run = end;
  }
  const auto length = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return length < 0 ? 0 : static_cast<std::size_t>(length);
}

// Appends NFC of `segment`, which is UTF-8 and combines with nothing around it.
void append_normalized(std::string& out, std::string_view segment, std::vector<utf8proc_int32_t>& codes) {
  codes.clear();
  for (std::size_t at = 0; at < segment.size();) {
    const Utf8Char c = decode_utf8(segment.substr(at));
    at += c.length;
    utf8proc_int32_t parts[8];  // the longest canonical decomposition has 4
    int last_boundclass = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code), parts, 8, UTF8PROC_DECOMPOSE, &last_boundclass);
    if (count < 1 || count > 8) {
      codes.push_back(static_cast<utf8proc_int32_t>(c.code));
    } else {
      codes.insert(codes.end(), parts, parts + count);
    }
  }
  const std::size_t length = normalize(codes);
  for (std::size_t i = 0; i < length; ++i) append_utf8(out, static_cast<char32_t>(codes[i]));
}

}  // namespace

std::string_view to_nfc(std::string_view text, std::string& storage) {
  std::size_t suspect = first_suspect(text, 0);
  if (suspect == text.size()) return text;

  storage.clear();
  storage.reserve(text.size() + text.size() / 16);
  std::vector<utf8proc_int32_t> codes;
  std::size_t done = 0;  // input before this is in `storage`
  while (suspect < text.size()) {
    // The segment around it: from the character before (a starter that it may combine with) up to the next that NFC
    // leaves alone and that combines with nothing before it.
    std::size_t begin = suspect;
    if (begin > done) {
      const std::size_t before = previous(text, begin);
      if (decode_utf8(text.substr(before)).code != Utf8Char::kInvalid) begin = before;
    }
    std::size_t end = suspect;
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text.substr(end));
      if (c.code == Utf8Char::kInvalid || !check_needed(c.code)) break;
      end += c.length;
    }
    storage.append(text.substr(done, begin - done));
    append_normalized(storage, text.substr(begin, end - begin), codes);
    done = end;
    suspect = first_suspect(text, end);
  }
  storage.append(text.substr(done));
  return storage;
}

}  // namespace retort
