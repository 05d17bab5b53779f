// Any bytes as text and as token ids of a small tokenizer: nothing is lost, and streaming equals decoding.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/detokenizer.h"
#include "text/normalizer.h"
#include "unit/text/small_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  static const Expected<Tokenizer> scanned = testing::load_small(testing::small_tokenizer_json());
  static const Expected<Tokenizer> matched = testing::load_small([] {  // the same pieces by PCRE2
    Json json = testing::small_tokenizer_json();
    json["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern", {{"Regex", "(?:\\p{L}+|\\s+|[^\\p{L}\\s]+)"}}},
           {"behavior", "Isolated"},
           {"invert", false}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}}}}};
    return json;
  }());
  RETORT_CHECK(scanned.has_value() && matched.has_value());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string storage;
  const std::string_view normalized = to_nfc(text, storage);
  for (const Tokenizer& tokenizer : {*scanned, *matched}) {
    const auto ids = tokenizer.encode(text, {.added_tokens = AddedTokens::kAsText});
    std::string bytes;
    for (const TokenId id : ids) bytes += tokenizer.bytes(id);
    RETORT_CHECK(bytes == normalized);
    RETORT_CHECK(tokenizer.encode(text, {.added_tokens = AddedTokens::kAsText}) == ids, "not the same from the cache");
    static_cast<void>(tokenizer.encode(text));
  }
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i + 1 < size; i += 2) ids.push_back(data[i] | (data[i + 1] & 1) << 8);
  for (const SkipSpecial skip : {SkipSpecial::kNo, SkipSpecial::kYes}) {
    IncrementalDetokenizer detokenizer(*scanned, skip);
    std::string streamed;
    for (const TokenId id : ids) streamed += detokenizer.push(id);
    streamed += detokenizer.finish();
    RETORT_CHECK(streamed == scanned->decode(ids, skip));
  }
  return 0;
}
