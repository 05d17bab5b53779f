#include "fuzz/seeds.h"
#include "unit/text/small_tokenizer.h"

namespace retort::fuzz {

void write_tokenizer_json_seeds(const SeedWriter& seeds) {
  const Json small = testing::small_tokenizer_json();
  seeds.write("small.json", small.dump());
  Json pairs = small;
  for (Json& merge : pairs["model"]["merges"]) {
    const auto text = merge.get<std::string>();
    merge = {text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1)};
  }
  pairs["model"]["ignore_merges"] = true;
  pairs["pre_tokenizer"] = Json::parse(R"({"type":"Sequence","pretokenizers":[
      {"type":"Split","pattern":{"Regex":"\\p{L}+|\\s+(?!\\S)|.[a-z]{1,3}"},"behavior":"Isolated","invert":false},
      {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}]})");
  pairs["post_processor"] = Json::parse(R"({"type":"TemplateProcessing","pair":[],
      "single":[{"SpecialToken":{"id":"B","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
      "special_tokens":{"B":{"id":"B","ids":[278],"tokens":["B"]}}})");
  seeds.write("pairs.json", pairs.dump());
  std::string with_config = small.dump();
  with_config += '\0';
  with_config += R"({"bos_token":{"content":"<|begin|>"},"eos_token":"<|end|>","added_tokens_decoder":{)"
                 R"("276":{"content":"<|end|>","special":true},"290":{"content":"<new>","lstrip":true}}})";
  seeds.write("with_config.json", with_config);
}

void write_bpe_encode_seeds(const SeedWriter& seeds) {
  seeds.write("words.txt", "hello wor  'll 12345\r\n\n  <|end|><think> x");
  seeds.write("chinese.txt", "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xBD\xA0");
  seeds.write("marks.txt", "e\xCC\x81\xCC\x96 \xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8 \xEF\xA4\x80");
  seeds.write("bad.txt", "\xE4\xBD\xFF\xED\xA0\x80\xF0\x9F\x98 \xC0\x80");
  seeds.write("letters.txt", std::string(300, 'a') + std::string(300, ' ') + std::string(50, '7'));
}

}  // namespace retort::fuzz
