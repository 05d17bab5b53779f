// Tokenizer from tokenizer.json and tokenizer_config.json.
#include "text/tokenizer_json.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <string>

#include "core/json.h"
#include "text/json_cursor.h"

namespace retort {
namespace {

using Members = std::map<std::string, std::string_view, std::less<>>;

// Enters the member `key`, whose value is at the cursor; one that is not `known` or comes again is refused.
Expected<std::string_view*> enter_member(Members& members, const JsonCursor& cursor, std::string_view key,
                                         std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    return fail(ErrorCode::kUnsupported, "{}: field '{}' is not known", cursor.position(), key);
  }
  const auto [member, is_new] = members.emplace(key, std::string_view());
  if (!is_new) return fail(ErrorCode::kCorrupt, "{}: field '{}' appears twice", cursor.position(), key);
  return &member->second;
}

// The document's members and the model's, not parsed yet. The large ones are passed over once only.
struct Document {
  Members root;
  Members model;
};
Expected<Document> read_document(std::string_view text) {
  Document document;
  JsonCursor cursor(text);
  const auto read_model_member = [&](std::string_view key) -> Status {
    RETORT_TRY(std::string_view * value,
               enter_member(document.model, cursor, key,
                            {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                             "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
    RETORT_TRY(*value, cursor.skip_value());
    return {};
  };
  // "truncation" and "padding" are settings for batches that Python code saved with the file; nothing here cuts or
  // fills.
  RETORT_TRY_STATUS(cursor.object([&](std::string_view key) -> Status {
    RETORT_TRY(std::string_view * value, enter_member(document.root, cursor, key,
                                                      {"version", "truncation", "padding", "added_tokens", "normalizer",
                                                       "pre_tokenizer", "post_processor", "decoder", "model"}));
    if (key == "model") {
      auto status = cursor.object(read_model_member);
      if (!status) return fail(std::move(status).error().within("model"));
      return {};
    }
    RETORT_TRY(*value, cursor.skip_value());
    return {};
  }));
  RETORT_TRY_STATUS(cursor.end());
  if (!document.root.contains("model")) return fail(ErrorCode::kCorrupt, "field 'model' is missing");
  return document;
}

std::string_view member(const Members& members, std::string_view key) {
  const auto found = members.find(key);
  return found == members.end() ? std::string_view("null") : found->second;
}

Expected<Json> parse_member(const Members& members, std::string_view key) {
  return parse_json(member(members, key), key, DuplicateKeys::kRefuse);
}

// Runs `read` and puts the field's name before its error.
template <typename Result>
Expected<Result> in_field(std::string_view field, Expected<Result> result) {
  if (!result) return fail(std::move(result).error().within(field));
  return result;
}

std::size_t count_of(std::string_view text, char c) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

Status read_vocab(std::string_view text, Vocabulary& vocabulary) {
  JsonCursor cursor(text);
  return cursor.object([&](std::string_view piece) -> Status {
    RETORT_TRY(const std::int64_t id, cursor.integer());
    return vocabulary.add(id, piece, Vocabulary::Spelling::kByteLevel);
  });
}

// Both forms: "a b" and ["a", "b"].
Expected<std::vector<MergeRule>> read_merges(std::string_view text, const Vocabulary& vocabulary) {
  std::vector<MergeRule> rules;
  rules.reserve(count_of(text, ',') + 1);  // at most so many
  std::string left_storage;
  std::string right_storage;
  std::string merged;
  TokenId hint = -1;
  JsonCursor cursor(text);
  const auto read_rule = [&]() -> Expected<MergeRule> {
    if (cursor.peek() != '[') {
      RETORT_TRY(const std::string_view pair, cursor.string(left_storage));
      return find_merge_rule(vocabulary, pair, merged, hint);
    }
    RETORT_TRY_STATUS(cursor.take('['));
    RETORT_TRY(const std::string_view left, cursor.string(left_storage));
    RETORT_TRY_STATUS(cursor.take(','));
    RETORT_TRY(const std::string_view right, cursor.string(right_storage));
    RETORT_TRY_STATUS(cursor.take(']'));
    return find_merge_rule(vocabulary, left, right, merged, hint);
  };
  RETORT_TRY_STATUS(cursor.array([&]() -> Status {
    auto rule = read_rule();
    if (!rule) return fail(std::move(rule).error().within(fmt::format("[{}]", rules.size())));
    if (rule->result < 0) {
      return fail(ErrorCode::kCorrupt, "[{}]: its result '{}' is not in the vocabulary", rules.size(), merged);
    }
    rules.push_back(*rule);
    return {};
  }));
  return rules;
}

// Checks the model's settings; the two large fields are read by others.
Expected<BpeModel::WholePieceFirst> read_model_settings(const Members& model) {
  Json settings = Json::object();
  for (const auto& [key, text] : model) {
    if (key == "vocab" || key == "merges") continue;
    RETORT_TRY(settings[key], parse_json(text, key, DuplicateKeys::kRefuse));
  }
  RETORT_TRY(const std::string type, json_string(settings, "type", "BPE"));
  if (type != "BPE") return fail(ErrorCode::kUnsupported, "type '{}' is not supported, only BPE", type);
  RETORT_TRY(const double dropout, json_number(settings, "dropout", 0.0));
  if (dropout != 0) return fail(ErrorCode::kUnsupported, "dropout {} is not supported", dropout);
  for (const std::string_view affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    RETORT_TRY(const std::string value, json_string(settings, affix, ""));
    if (!value.empty()) return fail(ErrorCode::kUnsupported, "{} '{}' is not supported", affix, value);
  }
  RETORT_TRY(const bool byte_fallback, json_bool(settings, "byte_fallback", false));
  if (byte_fallback) return fail(ErrorCode::kUnsupported, "byte_fallback is not supported, only byte-level BPE");
  // unk_token and fuse_unk say what becomes of unknown bytes; BpeModel makes sure that there are none.
  RETORT_TRY(const bool ignore_merges, json_bool(settings, "ignore_merges", false));
  return ignore_merges ? BpeModel::WholePieceFirst::kYes : BpeModel::WholePieceFirst::kNo;
}

// Enters an added token into the vocabulary, where it may be already.
Status add_token(TokenizerParts& parts, AddedToken token) {
  if (const auto id = parts.vocabulary.find(token.content)) {
    if (*id != token.id) {
      return fail(ErrorCode::kCorrupt, "'{}' has id {} but the vocabulary gives it {}", token.content, token.id, *id);
    }
    if (parts.vocabulary.bytes(*id) != token.content) {
      return fail(ErrorCode::kUnsupported, "'{}' is also the vocabulary's spelling of other bytes", token.content);
    }
  } else {
    RETORT_TRY_STATUS(parts.vocabulary.add(token.id, token.content, Vocabulary::Spelling::kLiteral));
  }
  parts.added_tokens.push_back(std::move(token));
  return {};
}

Expected<std::vector<AddedToken>> read_added_tokens(const Json& list) {
  std::vector<AddedToken> tokens;
  if (list.is_null()) return tokens;
  if (!list.is_array()) return fail(ErrorCode::kCorrupt, "must be a list");
  for (const Json& entry : list) {
    const std::string where = fmt::format("[{}]", tokens.size());
    RETORT_TRY(const std::int64_t id, in_field(where, json_int(entry, "id", {0, std::numeric_limits<TokenId>::max()})));
    RETORT_TRY(auto token, in_field(where, read_added_token(entry, id)));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// tokenizer_config.json lists the added tokens once more, by id. It may have some that tokenizer.json lacks; where both
// have one, tokenizer.json decides.
Expected<std::vector<AddedToken>> read_added_tokens_decoder(const Json& config) {
  std::vector<AddedToken> tokens;
  const Json* decoder = json_find(config, "added_tokens_decoder");
  if (!decoder) return tokens;
  if (!decoder->is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  for (const auto& [key, entry] : decoder->items()) {
    TokenId id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      return fail(ErrorCode::kCorrupt, "'{}' is not a token id", key);
    }
    RETORT_TRY(auto token, in_field(key, read_added_token(entry, id)));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// "bos_token": "<s>", or {"content": "<s>", ...}, or null.
Expected<std::optional<TokenId>> read_named_token(const Json& config, std::string_view key,
                                                  const Vocabulary& vocabulary) {
  const Json* value = json_find(config, key);
  if (!value) return std::optional<TokenId>();
  std::string content;
  if (value->is_object()) {
    RETORT_TRY(content, in_field(key, json_string(*value, "content")));
  } else {
    RETORT_TRY(content, json_string(config, key));
  }
  const auto id = vocabulary.find(content);
  if (!id) return fail(ErrorCode::kCorrupt, "{} '{}' is not in the vocabulary", key, content);
  return id;
}

Status read_config(const Json& config, TokenizerParts& parts) {
  RETORT_TRY(parts.bos_id, read_named_token(config, "bos_token", parts.vocabulary));
  RETORT_TRY(parts.eos_id, read_named_token(config, "eos_token", parts.vocabulary));
  RETORT_TRY(parts.pad_id, read_named_token(config, "pad_token", parts.vocabulary));
  return {};
}

Expected<TokenizerParts> read_parts(std::string_view tokenizer_json, const Json& config) {
  RETORT_TRY(const Document document, read_document(tokenizer_json));
  const Members& root = document.root;
  const Members& model = document.model;
  for (const std::string_view key : {"version", "truncation", "padding"}) RETORT_TRY_STATUS(parse_member(root, key));
  RETORT_TRY(const Json normalizer, parse_member(root, "normalizer"));
  RETORT_TRY(const Json pre_tokenizer, parse_member(root, "pre_tokenizer"));
  RETORT_TRY(const Json post_processor, parse_member(root, "post_processor"));
  RETORT_TRY(const Json decoder, parse_member(root, "decoder"));
  RETORT_TRY(const Json added_tokens, parse_member(root, "added_tokens"));

  TokenizerParts parts;
  RETORT_TRY(parts.whole_piece_first, in_field("model", read_model_settings(model)));
  RETORT_TRY(parts.normalization, in_field("normalizer", read_normalizer(normalizer)));
  RETORT_TRY(parts.pretokenizer, in_field("pre_tokenizer", read_pre_tokenizer(pre_tokenizer)));
  RETORT_TRY_STATUS(in_field("decoder", check_decoder(decoder)));
  RETORT_TRY(const auto listed, in_field("added_tokens", read_added_tokens(added_tokens)));
  RETORT_TRY(const auto listed_in_config,
             in_field("tokenizer_config.json: added_tokens_decoder", read_added_tokens_decoder(config)));

  const std::string_view vocab = member(model, "vocab");
  const std::size_t tokens = count_of(vocab, ':') + listed.size() + listed_in_config.size();
  parts.vocabulary = Vocabulary(tokens, vocab.size());
  RETORT_TRY_STATUS(in_field("model.vocab", read_vocab(vocab, parts.vocabulary)));
  RETORT_TRY(parts.merges, in_field("model.merges", read_merges(member(model, "merges"), parts.vocabulary)));
  for (const AddedToken& token : listed) RETORT_TRY_STATUS(in_field("added_tokens", add_token(parts, token)));
  for (const AddedToken& token : listed_in_config) {
    const auto same = [&](const AddedToken& other) { return other.id == token.id && other.content == token.content; };
    if (std::any_of(parts.added_tokens.begin(), parts.added_tokens.end(), same)) continue;
    RETORT_TRY_STATUS(in_field("tokenizer_config.json: added_tokens_decoder", add_token(parts, token)));
  }
  RETORT_TRY_STATUS(
      in_field("post_processor", read_post_processor(post_processor, parts.vocabulary, parts.prefix, parts.suffix)));
  RETORT_TRY_STATUS(in_field("tokenizer_config.json", read_config(config, parts)));
  return parts;
}

}  // namespace

Expected<Tokenizer> Tokenizer::from_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                                         std::string_view what) {
  Json config = Json::object();
  if (!tokenizer_config_json.empty()) {
    RETORT_TRY(config, in_field(what, parse_json(tokenizer_config_json, "tokenizer_config.json")));
  }
  RETORT_TRY(auto parts, in_field(what, read_parts(tokenizer_json, config)));
  return in_field(what, make_tokenizer(std::move(parts)));
}

}  // namespace retort
