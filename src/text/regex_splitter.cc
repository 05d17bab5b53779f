// Pretokenizer expressions without a scanner of their own, in PCRE2.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <pcre2.h>

#include "text/pretokenizer.h"
#include "text/utf8.h"

namespace retort {
namespace {

// Steps that one match may take at first: ample for any word. PCRE2 does not say how many it took.
constexpr std::uint32_t kMatchSteps = 2000;
// A match that needs more gets more, out of this allowance per text: so the whole is linear in the text's length.
constexpr std::uint64_t kExtraStepsPerByte = 100;
constexpr std::uint64_t kExtraSteps = 1'000'000;
constexpr std::uint32_t kMaxPatternBytes = 64 << 10;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using MatchData = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Free<pcre2_compile_context_free>>;

PCRE2_SPTR as_pcre2(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct RegexSplitter::Code {
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* code;
};

Expected<RegexSplitter> RegexSplitter::compile(std::string_view pattern, Syntax syntax) {
  if (pattern.empty()) return fail(ErrorCode::kCorrupt, "the pattern is empty");
  if (pattern.size() > kMaxPatternBytes) {
    return fail(ErrorCode::kUnsupported, "the pattern has {} bytes; at most {} are allowed", pattern.size(),
                kMaxPatternBytes);
  }
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) return fail(ErrorCode::kExhausted, "no memory for the pattern");
  pcre2_set_parens_nest_limit(context.get(), 100);
  const std::uint32_t options = syntax == Syntax::kLiteral
                                    ? PCRE2_UTF | PCRE2_LITERAL | PCRE2_MATCH_INVALID_UTF
                                    : PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(as_pcre2(pattern), pattern.size(), options, &error, &offset, context.get());
  if (!code) {
    PCRE2_UCHAR message[200] = {};
    pcre2_get_error_message(error, message, sizeof message);
    return fail(ErrorCode::kCorrupt, "the pattern '{}' is not a regular expression: {} (at byte {})", pattern,
                reinterpret_cast<const char*>(message), offset);
  }
  // Where PCRE2 was built without its compiler to machine code, or it cannot do this pattern, it interprets.
  (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  RegexSplitter splitter;
  splitter.code_ = std::make_shared<const Code>(code);
  return splitter;
}

void RegexSplitter::split(std::string_view text, std::vector<std::size_t>& ends) const {
  if (text.empty()) return;
  const MatchData match(pcre2_match_data_create_from_pattern(code_->code, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  std::size_t piece_begin = 0;
  const auto end_piece = [&](std::size_t end) {
    if (end > piece_begin) ends.push_back(piece_begin = end);
  };
  std::uint64_t allowance = kExtraSteps + kExtraStepsPerByte * text.size();
  // nothing matches further on (or no memory): the rest is one piece
  for (std::size_t at = 0; match && context && at <= text.size();) {
    int result = PCRE2_ERROR_MATCHLIMIT;
    std::uint64_t steps = kMatchSteps;
    while (true) {
      pcre2_set_match_limit(context.get(), static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, UINT32_MAX)));
      result = pcre2_match(code_->code, as_pcre2(text), text.size(), at, 0, match.get(), context.get());
      if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
        result = pcre2_match(code_->code, as_pcre2(text), text.size(), at, PCRE2_NO_JIT, match.get(), context.get());
      }
      if (result != PCRE2_ERROR_MATCHLIMIT || allowance == 0) break;
      steps = std::min(steps * 4, allowance);
      allowance -= steps;
    }
    if (result < 0) break;
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(match.get());
    const std::size_t begin = std::max<std::size_t>(offsets[0], at);  // \K may put the start after the end
    const std::size_t end = offsets[1];
    end_piece(begin);
    if (end > begin) {
      end_piece(end);
      at = end;
    } else {  // an empty match cuts here; go on behind the next character
      at = begin < text.size() ? begin + decode_utf8(text.substr(begin)).length : text.size() + 1;
    }
  }
  end_piece(text.size());
}

}  // namespace retort
