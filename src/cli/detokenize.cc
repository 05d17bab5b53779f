// retort detokenize: the text of token ids.
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/commands.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "text/text_assets.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> ids;
  std::optional<std::string> file;
  bool skip_special = false;
  bool json = false;
};

// "1,2,3", with or without spaces, line breaks and brackets; or what `tokenize --json` prints.
Expected<std::vector<TokenId>> parse_ids(const std::string& text) {
  std::string_view rest = text;
  Json document;
  std::string list;
  if (const auto first = text.find_first_not_of(" \t\r\n"); first != std::string::npos && text[first] == '{') {
    RETORT_TRY(document, parse_json(text, "ids"));
    const Json* ids = json_find(document, "ids");
    if (!ids || !ids->is_array()) return fail(ErrorCode::kInvalidArgument, "ids: field 'ids' must be a list");
    list = json_text(*ids);
    rest = list;
  }
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<TokenId> ids;
  while (true) {
    const std::size_t begin = rest.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return ids;
    rest.remove_prefix(begin);
    const std::string_view word = rest.substr(0, rest.find_first_of(kBetween));
    TokenId id = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size() || id < 0) {
      return fail(ErrorCode::kInvalidArgument, "ids: expected whole numbers from 0 but found '{}'", word.substr(0, 40));
    }
    ids.push_back(id);
    rest.remove_prefix(word.size());
  }
}

Status run(const Options& options) {
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(options.model));
  RETORT_TRY(const std::string input, read_input_text(options.ids, options.file));
  RETORT_TRY(const std::vector<TokenId> ids, parse_ids(input));
  for (const TokenId id : ids) {
    if (tokenizer.piece(id).empty()) {
      return fail(ErrorCode::kOutOfRange, "ids: {} is no token of {}, whose ids go up to {}", id, options.model,
                  tokenizer.vocab_size() - 1);
    }
  }
  const std::string text = tokenizer.decode(ids, options.skip_special ? SkipSpecial::kYes : SkipSpecial::kNo);
  if (options.json) {
    const OrderedJson json = {{"text", text}, {"count", ids.size()}};
    fmt::print("{}\n", json_text(json));
    return {};
  }
  // The text and nothing else, so that it can be compared; a terminal wants its line ended.
  fmt::print("{}{}", text, isatty(STDOUT_FILENO) != 0 ? "\n" : "");
  return {};
}

}  // namespace

void add_detokenize(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("detokenize", "The text of token ids");
  command.footer(
      "Ids are whole numbers between commas or white space, or the output of 'retort tokenize --json'. Without --ids\n"
      "and --file, standard input is read to its end. Bytes that complete no character come as U+FFFD. Prints the "
      "text\n"
      "and nothing else, or with --json {\"text\": \"...\", \"count\": N}.");
  command.add("--model", options->model, "Checkpoint: folder (tokenizer.json is enough), .gguf file or hub id")
      .required();
  const Option ids = command.add("--ids", options->ids, "The ids: 1,2,3");
  command.add("--file", options->file, "File with the ids, - for standard input").excludes(ids);
  command.add_flag("--skip-special", options->skip_special, "Leave special tokens out of the text");
  command.add_flag("--json", options->json, "Machine-readable output");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
