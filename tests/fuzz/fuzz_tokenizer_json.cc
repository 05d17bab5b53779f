// Any text as tokenizer.json: an error, or a tokenizer that loses no byte.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  // What follows a NUL, which JSON cannot hold, is tokenizer_config.json.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  const std::string_view config = nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1);
  const auto tokenizer = Tokenizer::from_json(input.substr(0, nul), config, "input");
  if (!tokenizer) {
    RETORT_CHECK(!tokenizer.error().message().empty());
    return 0;
  }
  // Characters that NFC leaves alone, and bytes that are no characters.
  constexpr std::string_view kText = "hello  wor\n\n'll 123 <|end|> \xE4\xBD\xA0\xE5\xA5\xBD \xC3\xA9 \xFF\xE4\xBD";
  std::string back;
  for (const TokenId id : tokenizer->encode(kText, {.added_tokens = AddedTokens::kAsText}))
    back += tokenizer->bytes(id);
  RETORT_CHECK(back == kText, "[{}]", back);
  static_cast<void>(tokenizer->encode(kText, {AddedTokens::kParse, SpecialTokens::kAdd}));
  static_cast<void>(tokenizer->describe());
  return 0;
}
