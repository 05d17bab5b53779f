// The vocabulary of GGUF files gives the ids that tokenizer.json gives.
#include <fstream>

#include "io/gguf.h"
#include "testing/temp_dir.h"
#include "text/golden_tokenizers.h"
#include "text/vocabulary.h"

namespace retort {
namespace {

using namespace testing;

TEST(TokenizerGguf, R1DistillHeader) {
  RETORT_SHARED_OR_SKIP(folder, "data/golden/r1_distill");
  const TempDir temp;
  const auto path = temp.write("header.gguf", read_text(folder / "qwen_7b_header.gguf.xz"));
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  const auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->vocab_size(), 152064);
  EXPECT_EQ(tokenizer->bos_id(), 151646);
  EXPECT_EQ(tokenizer->describe().pretokenizer, "deepseek-r1-qwen: qwen2 (native scanner)");
  EXPECT_EQ(tokenizer->describe().normalizer, "NFC");
  expect_cases(*tokenizer, folder / "tokenizer_cases.jsonl");
  for (const Json& golden : json_lines(folder / "tokenizer_cases.jsonl")) {
    const EncodeOptions options{added_tokens_of(golden), SpecialTokens::kAdd};
    EXPECT_EQ(tokenizer->encode(golden["text"].get<std::string>(), options),
              golden["ids_with_bos"].get<std::vector<TokenId>>());
  }
  // Ordinary text of the other model's goldens is the same: the merges are.
  RETORT_SHARED_OR_SKIP(qwen, "data/golden/tokenizer/cases.jsonl");
  for (const Json& golden : json_lines(qwen)) {
    if (golden["parse_special"].get<bool>()) continue;
    EXPECT_EQ(tokenizer->encode(golden["text"].get<std::string>(), {.added_tokens = AddedTokens::kAsText}),
              golden["ids"].get<std::vector<TokenId>>());
  }
}

TEST(TokenizerGguf, TinyFileWithMergesOfMissingTokens) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/gguf/tiny_plain_f32.gguf");
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  const auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("the hen in it")), "the hen in it");
}

// A GGUF file with no tensors: `entries` are encoded key-value pairs.
struct GgufWriter {
  std::string entries;
  std::uint64_t count = 0;
  template <typename T>
  static std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string text(std::string_view value) { return raw<std::uint64_t>(value.size()) + std::string(value); }
  void add(std::string_view key, std::uint32_t type, const std::string& value) {
    entries += text(key) + raw(type) + value;
    ++count;
  }
  void add_string(std::string_view key, std::string_view value) { add(key, 8, text(value)); }
  void add_strings(std::string_view key, const std::vector<std::string>& values) {
    std::string all = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) all += text(value);
    add(key, 9, all);
  }
  void add_ints(std::string_view key, const std::vector<std::int32_t>& values) {
    std::string all = raw<std::uint32_t>(5) + raw<std::uint64_t>(values.size());
    for (const auto value : values) all += raw(value);
    add(key, 9, all);
  }
  Expected<Tokenizer> load() const {
    const std::string file = "GGUF" + raw<std::uint32_t>(3) + raw<std::uint64_t>(0) + raw(count) + entries;
    RETORT_TRY(const auto parsed, GgufFile::parse(std::as_bytes(std::span(file)), "made.gguf"));
    return Tokenizer::from_gguf(parsed);
  }
};

struct Made {
  std::string model = "gpt2";
  std::string pre = "qwen2";
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges = {"h e"};
  std::vector<std::pair<std::string, std::uint32_t>> ids = {{"bos_token_id", 257}};
  bool add_bos = true;
  Made() {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      tokens.push_back(spell_bytes({&c, 1}));
    }
    tokens.insert(tokens.end(), {"he", "<s>", "<t>"});
    types.assign(tokens.size(), 1);
    types[257] = 3;
    types[258] = 4;
  }
  Expected<Tokenizer> load() const {
    GgufWriter writer;
    writer.add_string("tokenizer.ggml.model", model);
    if (!pre.empty()) writer.add_string("tokenizer.ggml.pre", pre);
    writer.add_strings("tokenizer.ggml.tokens", tokens);
    writer.add_ints("tokenizer.ggml.token_type", types);
    writer.add_strings("tokenizer.ggml.merges", merges);
    for (const auto& [key, id] : ids) writer.add("tokenizer.ggml." + key, 4, GgufWriter::raw(id));
    writer.add("tokenizer.ggml.add_bos_token", 7, std::string(1, add_bos ? '\1' : '\0'));
    return writer.load();
  }
};

TEST(TokenizerGguf, MadeFile) {
  const auto tokenizer = Made().load();
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->encode("he<s>e\u0301<t>", {.special_tokens = SpecialTokens::kAdd}),
            (std::vector<TokenId>{257, 256, 257, 0xC3, 0xA9, 258}));
  EXPECT_TRUE(tokenizer->is_special(257));
  EXPECT_FALSE(tokenizer->is_special(258));
}

TEST(TokenizerGguf, RefusesByName) {
  const auto refused = [](const Made& made, std::string_view name) {
    const auto tokenizer = made.load();
    ASSERT_FALSE(tokenizer) << name;
    EXPECT_NE(tokenizer.error().message().find(name), std::string::npos) << tokenizer.error().message();
    EXPECT_NE(tokenizer.error().message().find("made.gguf"), std::string::npos) << tokenizer.error().message();
  };
  Made made;
  made.model = "llama";
  refused(made, "'llama'");
  made = {};
  made.pre = "martian";
  refused(made, "'martian'");
  made.pre = "";
  refused(made, "tokenizer.ggml.pre");
  made = {};
  made.types.pop_back();
  refused(made, "token_type");
  made = {};
  made.types[3] = 77;
  refused(made, "77");
  made = {};
  made.tokens[100] = made.tokens[101];
  refused(made, "appears twice");
  made = {};
  made.tokens[100] = "\xFF";
  refused(made, "UTF-8");
  made = {};
  made.merges.push_back("he nope");
  refused(made, "nope");
  made = {};
  made.merges.push_back("h e");
  refused(made, "same pair");
  made = {};
  made.tokens[258] = "\u0120t";  // as an added token it is that text, not " t"
  made.merges.push_back("\u0120 t");
  refused(made, "does not stand for");
  made = {};
  made.ids[0].second = 4'000'000'000;
  refused(made, "bos_token_id");
  made = {};
  made.ids.clear();
  refused(made, "add_bos_token");
  made = {};
  made.tokens.erase(made.tokens.begin() + 65);
  made.types.pop_back();
  refused(made, "0x41");
}

}  // namespace
}  // namespace retort
