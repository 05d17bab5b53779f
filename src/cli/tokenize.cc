// retort tokenize: the token ids of a text.
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "text/text_assets.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::string> file;
  bool no_special = false;
  bool json = false;
};

Status run(const Options& options) {
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(options.model));
  RETORT_TRY(const std::string text, read_input_text(options.text, options.file));
  const EncodeOptions encode = options.no_special ? EncodeOptions{AddedTokens::kAsText, SpecialTokens::kNone}
                                                  : EncodeOptions{AddedTokens::kParse, SpecialTokens::kAdd};
  const std::vector<TokenId> ids = tokenizer.encode(text, encode);
  if (options.json) {
    std::vector<std::string> pieces;
    pieces.reserve(ids.size());
    for (const TokenId id : ids) pieces.emplace_back(tokenizer.piece(id));
    const OrderedJson json = {{"ids", ids}, {"pieces", pieces}, {"count", ids.size()}};
    fmt::print("{}\n", json_text(json));
    return {};
  }
  for (const TokenId id : ids) {
    // Quoted and escaped as JSON does, so that an added token's spaces and line breaks show.
    fmt::print("{:>7}  {}\n", id, json_text(Json(tokenizer.piece(id))));
  }
  fmt::print("{} tokens\n", ids.size());
  return {};
}

}  // namespace

void add_tokenize(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("tokenize", "The token ids of a text");
  command.footer(
      "Without --text and --file, standard input is read to its end. Prints one token a line, id and spelling as the\n"
      "vocabulary has it (\"\\u0120\" stands for a space), or with --json\n"
      "  {\"ids\": [...], \"pieces\": [...], \"count\": N}\n"
      "By default text such as <|im_end|> becomes that added token, and the tokenizer's own BOS or EOS is put around\n"
      "the text if it has them.");
  command.add("--model", options->model, "Checkpoint: folder (tokenizer.json is enough), .gguf file or hub id")
      .required();
  const Option text = command.add("--text", options->text, "The text itself");
  command.add("--file", options->file, "File with the text, - for standard input").excludes(text);
  command.add_flag("--no-special", options->no_special, "Added tokens are ordinary text, and no BOS or EOS is added");
  command.add_flag("--json", options->json, "Machine-readable output");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
