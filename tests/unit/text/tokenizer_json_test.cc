// tokenizer.json: what is read, and what is refused, naming the field.
#include <functional>
#include <gtest/gtest.h>

#include "text/small_tokenizer.h"

namespace retort {
namespace {

using testing::load_small;
using testing::small_tokenizer_json;

std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text,
                            AddedTokens added = AddedTokens::kParse) {
  return tokenizer.encode(text, {.added_tokens = added});
}

TEST(TokenizerJson, SmallTokenizerEncodes) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->piece(encode(*tokenizer, "hello").at(0)), "hello");
  EXPECT_EQ(encode(*tokenizer, "hello wor").size(), 2);
  EXPECT_EQ(encode(*tokenizer, "<think>").size(), 1);
  EXPECT_EQ(encode(*tokenizer, "<think>", AddedTokens::kAsText).size(), 7);
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, "hello wor<|end|>")), "hello wor<|end|>");
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, "hello wor<|end|><think>"), SkipSpecial::kYes), "hello wor<think>");
  EXPECT_TRUE(tokenizer->is_special(*tokenizer->id_of("<|end|>")));
  EXPECT_FALSE(tokenizer->is_special(*tokenizer->id_of("<think>")));
  EXPECT_TRUE(tokenizer->is_added(*tokenizer->id_of("<think>")));
  EXPECT_EQ(tokenizer->bytes(-1), "");
  EXPECT_EQ(tokenizer->piece(1 << 30), "");
  EXPECT_FALSE(tokenizer->is_special(1 << 30));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{-5, 'h', 1 << 30}), "h");
}

TEST(TokenizerJson, TheLeftmostOfEqualRanksGoesFirst) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer);
  std::vector<std::string> pieces;
  for (const TokenId id : encode(*tokenizer, "aaaaa")) pieces.emplace_back(tokenizer->piece(id));
  EXPECT_EQ(pieces, (std::vector<std::string>{"aaaa", "a"}));
}

TEST(TokenizerJson, MergesInBothForms) {
  Json json = small_tokenizer_json();
  for (Json& merge : json["model"]["merges"]) {
    const auto text = merge.get<std::string>();
    const auto space = text.find(' ');
    merge = {text.substr(0, space), text.substr(space + 1)};
  }
  const auto pairs = load_small(json);
  const auto strings = load_small(small_tokenizer_json());
  ASSERT_TRUE(pairs) << pairs.error().message();
  EXPECT_EQ(encode(*pairs, "hello wor aaaab"), encode(*strings, "hello wor aaaab"));
}

TEST(TokenizerJson, IgnoreMergesTakesWholePieces) {
  Json json = small_tokenizer_json();
  json["model"]["vocab"]["xyz"] = 300;
  EXPECT_EQ(encode(*load_small(json), "xyz").size(), 3);
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(encode(*load_small(json), "xyz"), std::vector<TokenId>{300});
  EXPECT_EQ(encode(*load_small(json), "hello").size(), 1);
}

TEST(TokenizerJson, IgnoreMergesDoesNotTakeAddedTokens) {
  Json json = small_tokenizer_json();
  json["model"]["ignore_merges"] = true;
  json["added_tokens"].push_back({{"id", 400}, {"content", "xyz"}});
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(encode(*tokenizer, "xyz"), std::vector<TokenId>{400});
  EXPECT_EQ(encode(*tokenizer, "xyz", AddedTokens::kAsText).size(), 3);
}

TEST(TokenizerJson, StripAndSingleWordFlags) {
  Json json = small_tokenizer_json();
  json["added_tokens"][0]["lstrip"] = true;
  json["added_tokens"][0]["rstrip"] = true;
  json["added_tokens"][1]["single_word"] = true;
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const TokenId end = *tokenizer->id_of("<|end|>");
  const TokenId think = *tokenizer->id_of("<think>");
  EXPECT_EQ(encode(*tokenizer, "a \xE3\x80\x80<|end|>\n b"), (std::vector<TokenId>{'a', end, 'b'}));
  EXPECT_EQ(encode(*tokenizer, "<|end|> <|end|>"), (std::vector<TokenId>{end, end}));
  EXPECT_EQ(encode(*tokenizer, "b <think>"), (std::vector<TokenId>{'b', ' ', think}));
  EXPECT_EQ(encode(*tokenizer, "b<think>").size(), 8);
  EXPECT_EQ(encode(*tokenizer, "<think>\xC3\xA9").size(), 8);
}

TEST(TokenizerJson, LeftmostLongestAddedToken) {
  Json json = small_tokenizer_json();
  json["added_tokens"].push_back({{"id", 400}, {"content", "<|end|><|end|>"}, {"special", true}});
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(encode(*tokenizer, "<|end|><|end|><|end|>"), (std::vector<TokenId>{400, *tokenizer->id_of("<|end|>")}));
}

TEST(TokenizerJson, NormalizedAddedTokensAreFoundInNormalizedText) {
  Json json = small_tokenizer_json();
  json["added_tokens"].push_back({{"id", 400}, {"content", "e\u0301!"}, {"normalized", true}});
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(encode(*tokenizer, "\u00E9!"), std::vector<TokenId>{400});
  EXPECT_EQ(encode(*tokenizer, "e\u0301!"), std::vector<TokenId>{400});
}

TEST(TokenizerJson, TemplateProcessingAddsTokens) {
  Json json = small_tokenizer_json();
  json["post_processor"] = Json::parse(R"({"type":"Sequence","processors":[{"type":"ByteLevel"},{
      "type":"TemplateProcessing",
      "single":[{"SpecialToken":{"id":"B","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"E","type_id":0}}],
      "pair":[],"special_tokens":{"B":{"id":"B","ids":[278],"tokens":["B"]},"E":{"id":"E","ids":[276],"tokens":["E"]}}
      }]})");
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("b", {.special_tokens = SpecialTokens::kAdd}), (std::vector<TokenId>{278, 'b', 276}));
  EXPECT_EQ(tokenizer->encode("b"), std::vector<TokenId>{'b'});
}

TEST(TokenizerJson, ConfigNamesTokensAndAddsSome) {
  const auto tokenizer = load_small(small_tokenizer_json(), R"({"bos_token":{"content":"<|begin|>"},
      "eos_token":"<|end|>","pad_token":null,
      "added_tokens_decoder":{"276":{"content":"<|end|>","special":true},"290":{"content":"<new>","special":true}}})");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->bos_id(), 278);
  EXPECT_EQ(tokenizer->eos_id(), 276);
  EXPECT_EQ(tokenizer->pad_id(), std::nullopt);
  EXPECT_EQ(encode(*tokenizer, "<new>"), std::vector<TokenId>{290});
}

// Each changes one thing and says what the error must name.
struct Refused {
  std::function<void(Json&)> change;
  std::vector<std::string> names;
};

TEST(TokenizerJson, RefusesWhatItCannotDoByName) {
  const std::vector<Refused> cases = {
      {[](Json& j) { j.erase("model"); }, {"model"}},
      {[](Json& j) { j["model"].erase("vocab"); }, {"model.vocab"}},
      {[](Json& j) { j["model"].erase("merges"); }, {"model.merges"}},
      {[](Json& j) { j["model"]["type"] = "Unigram"; }, {"model", "Unigram"}},
      {[](Json& j) { j["model"]["byte_fallback"] = true; }, {"byte_fallback"}},
      {[](Json& j) { j["model"]["dropout"] = 0.1; }, {"dropout"}},
      {[](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, {"end_of_word_suffix"}},
      {[](Json& j) { j["model"]["continuing_subword_prefix"] = "##"; }, {"continuing_subword_prefix"}},
      {[](Json& j) { j["model"]["surprise"] = 1; }, {"model", "surprise"}},
      {[](Json& j) { j["surprise"] = 1; }, {"surprise"}},
      {[](Json& j) { j["model"]["vocab"] = Json::array(); }, {"model.vocab"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = -1; }, {"model.vocab", "new", "-1"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = 5; }, {"model.vocab", "new", "5"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = 2000000000; }, {"model.vocab", "new", "2000000000"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = 1e300; }, {"model.vocab", "whole number"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = 123456789012345678901.0; }, {"model.vocab", "whole number"}},
      {[](Json& j) { j["model"]["vocab"]["new"] = "7"; }, {"model.vocab", "whole number"}},
      {[](Json& j) { j["model"]["vocab"].erase("A"); }, {"'A'", "0x41"}},
      {[](Json& j) { j["model"]["merges"][2] = "he nothere"; }, {"model.merges", "[2]", "nothere"}},
      {[](Json& j) { j["model"]["merges"][2] = "x y"; }, {"model.merges", "[2]", "'xy'"}},
      {[](Json& j) { j["model"]["merges"][2] = "h e"; }, {"merges 0 and 2"}},
      {[](Json& j) { j["model"]["merges"][2] = "he"; }, {"model.merges", "[2]", "'he'"}},
      {[](Json& j) { j["model"]["merges"][2] = "he l l"; }, {"model.merges", "[2]"}},
      {[](Json& j) { j["model"]["merges"][2] = 7; }, {"model.merges", "[2]", "a string"}},
      {[](Json& j) {
         j["model"]["merges"][2] = {"a", "b", "c"};
       },
       {"model.merges", "[2]"}},
      {[](Json& j) {
         j["model"]["merges"][2] = {"", "he"};
       },
       {"model.merges", "[2]", "empty"}},
      {[](Json& j) { j["model"]["merges"] = 3; }, {"model.merges"}},
      {[](Json& j) {
         j["normalizer"] = {{"type", "Lowercase"}};
       },
       {"normalizer", "Lowercase"}},
      {[](Json& j) { j["normalizer"] = 3; }, {"normalizer", "object"}},
      {[](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}};
       },
       {"normalizer", "normalizers"}},
      {[](Json& j) { j["pre_tokenizer"] = nullptr; }, {"pre_tokenizer"}},
      {[](Json& j) {
         j["pre_tokenizer"] = {{"type", "Metaspace"}};
       },
       {"pre_tokenizer", "Metaspace"}},
      {[](Json& j) { j["pre_tokenizer"]["add_prefix_space"] = true; }, {"pre_tokenizer", "add_prefix_space"}},
      {[](Json& j) {
         j["decoder"] = {{"type", "WordPiece"}};
       },
       {"decoder", "WordPiece"}},
      {[](Json& j) { j["decoder"] = nullptr; }, {"decoder"}},
      {[](Json& j) {
         j["post_processor"] = {{"type", "RobertaProcessing"}};
       },
       {"post_processor", "Roberta"}},
      {[](Json& j) { j["added_tokens"] = 1; }, {"added_tokens"}},
      {[](Json& j) { j["added_tokens"][0].erase("content"); }, {"added_tokens", "[0]", "content"}},
      {[](Json& j) { j["added_tokens"][1]["id"] = -3; }, {"added_tokens", "[1]", "id"}},
      {[](Json& j) { j["added_tokens"][1]["id"] = 12; }, {"added_tokens", "<think>", "12"}},
      {[](Json& j) { j["added_tokens"][1]["id"] = 99999999; }, {"added_tokens", "<think>", "99999999"}},
      {[](Json& j) { j["added_tokens"][1]["content"] = ""; }, {"empty"}},
      {[](Json& j) { j["added_tokens"][1]["content"] = "<|end|>"; }, {"added_tokens", "<|end|>"}},
      {[](Json& j) { j["added_tokens"][1]["content"] = "hello"; }, {"added_tokens", "hello"}},
      {[](Json& j) { j["added_tokens"][1]["special"] = "yes"; }, {"added_tokens", "[1]", "special"}},
      {[](Json& j) { j["added_tokens"][1]["content"] = std::string(5000, 'x'); }, {"5000"}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Json json = small_tokenizer_json();
    cases[i].change(json);
    const auto tokenizer = load_small(json);
    ASSERT_FALSE(tokenizer) << "case " << i << ": " << cases[i].names[0];
    for (const std::string& name : cases[i].names) {
      EXPECT_NE(tokenizer.error().message().find(name), std::string::npos)
          << "case " << i << " must name " << name << ": " << tokenizer.error().message();
    }
    EXPECT_EQ(tokenizer.error().message().find("tokenizer.json: "), 0u) << tokenizer.error().message();
  }
}

TEST(TokenizerJson, RefusesPatterns) {
  const auto with_split = [](Json split) {
    Json json = small_tokenizer_json();
    json["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {std::move(split), {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
    return load_small(json);
  };
  const Json good = {{"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Isolated"}, {"invert", false}};
  ASSERT_TRUE(with_split(good));
  EXPECT_EQ(with_split(good)->describe().pretokenizer, "PCRE2");
  for (const auto& [pattern, name] : std::vector<std::pair<Json, std::string>>{
           {{{"Regex", "(unclosed"}}, "(unclosed"},
           {{{"Regex", ""}}, "empty"},
           {{{"Regex", "\\C"}}, "\\C"},
           {{{"Regex", std::string(1000, '(') + std::string(1000, ')')}}, "regular expression"},
           {{{"Regex", std::string(100'000, 'a')}}, "100000"},
           {{{"Nothing", "x"}}, "String"},
           {3, "pattern"}}) {
    Json split = good;
    split["pattern"] = pattern;
    const auto result = with_split(split);
    ASSERT_FALSE(result) << name;
    EXPECT_NE(result.error().message().find(name), std::string::npos) << result.error().message();
    EXPECT_NE(result.error().message().find("pre_tokenizer"), std::string::npos) << result.error().message();
  }
  Json split = good;
  split["behavior"] = "Removed";
  EXPECT_NE(with_split(split).error().message().find("Removed"), std::string::npos);
  split = good;
  split["invert"] = true;
  EXPECT_NE(with_split(split).error().message().find("invert"), std::string::npos);
}

TEST(TokenizerJson, EveryTruncationIsAnError) {
  const std::string text = small_tokenizer_json().dump();
  for (std::size_t size = 0; size < text.size(); size += 7) {
    EXPECT_FALSE(Tokenizer::from_json(std::string_view(text).substr(0, size), "", "t")) << size;
  }
  EXPECT_FALSE(Tokenizer::from_json(text + "x", "", "t"));
}

TEST(TokenizerJson, DuplicatesAndDepth) {
  const std::string text = small_tokenizer_json().dump();
  const auto refused = [](const std::string& json, std::string_view name) {
    const auto result = Tokenizer::from_json(json, "", "t");
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find(name), std::string::npos) << result.error().message();
  };
  refused("{\"version\":\"1\"," + text.substr(1), "'version' appears twice");
  const auto vocab = text.find("\"vocab\":{") + 9;
  refused(text.substr(0, vocab) + "\"zz\":290,\"zz\":291," + text.substr(vocab), "'zz' appears twice");
  refused("{\"version\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", "nesting");
  refused(text.substr(0, vocab) + "\"\\ud800x\":290," + text.substr(vocab), "surrogate");
  refused(text.substr(0, vocab) + "\"\xC3(\":290," + text.substr(vocab), "UTF-8");
  refused(text.substr(0, vocab) + "\"\n\":290," + text.substr(vocab), "control character");
  refused(text.substr(0, vocab) + "\"\\q\":290," + text.substr(vocab), "escape");
}

}  // namespace
}  // namespace retort
