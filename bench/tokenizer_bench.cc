// Encoding speed, one thread, in bytes of input per second, with a real vocabulary.
//
//   RETORT_BENCH_TOKENIZER=FOLDER/tokenizer.json   (or a .gguf file)
//   RETORT_BENCH_TEXT=FILE                          English text; without it, words are made up
//
// "Chinese" text is made from the vocabulary's own tokens: runs of Chinese tokens between commas and full stops, the
// common ones more often. "Copy" is the floor: the same bytes through memchr-like work, one read of each.
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "io/gguf.h"
#include "io/mapped_file.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace {

using retort::TokenId;
using retort::Tokenizer;

retort::Expected<Tokenizer> load(const std::string& path) {
  if (path.ends_with(".gguf")) {
    RETORT_TRY(const auto file, retort::GgufFile::open(path));
    return Tokenizer::from_gguf(file);
  }
  RETORT_TRY(const auto file, retort::MappedFile::open(path));
  return Tokenizer::from_json(file->text(), "", path);
}

std::string tokenizer_path() {
  const char* path = std::getenv("RETORT_BENCH_TOKENIZER");
  return path ? path : "";
}

const Tokenizer* tokenizer(benchmark::State& state) {
  static const auto loaded = load(tokenizer_path());
  if (loaded) return &*loaded;
  state.SkipWithError("set RETORT_BENCH_TOKENIZER to a tokenizer.json or .gguf file");
  return nullptr;
}

std::string english() {
  if (const char* path = std::getenv("RETORT_BENCH_TEXT")) {
    if (const auto file = retort::MappedFile::open(path)) return std::string((*file)->text());
  }
  std::mt19937 random(1);
  std::string text;
  while (text.size() < 1'000'000) {
    for (auto length = 1 + random() % 9; length > 0; --length) text += static_cast<char>('a' + random() % 26);
    text += random() % 10 == 0 ? ".\n" : " ";
  }
  return text;
}

bool is_chinese(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const retort::Utf8Char c = retort::decode_utf8(bytes.substr(at));
    if (c.code < 0x4E00 || c.code > 0x9FFF) return false;
    at += c.length;
  }
  return !bytes.empty();
}

std::string chinese(const Tokenizer& tokens) {
  std::vector<std::string_view> words;
  for (TokenId id = 0; id < tokens.vocab_size(); ++id) {
    if (is_chinese(tokens.bytes(id))) words.push_back(tokens.bytes(id));
  }
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform;
  std::string text;
  while (!words.empty() && text.size() < 1'000'000) {
    for (auto length = 2 + random() % 9; length > 0; --length) {
      const double u = uniform(random);  // words are in order of merging: about in order of frequency
      text += words[static_cast<std::size_t>(u * u * u * static_cast<double>(words.size()))];
    }
    text += random() % 3 == 0 ? "\u3002" : "\uFF0C";
  }
  return text;
}

void encode(benchmark::State& state, const std::string& text) {
  const Tokenizer* tokens = tokenizer(state);
  if (!tokens) return;
  std::size_t count = 0;
  for (auto _ : state) {
    const auto ids = tokens->encode(text);
    count = ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["bytes_per_token"] =
      static_cast<double>(text.size()) / static_cast<double>(std::max<std::size_t>(1, count));
}

void BM_English(benchmark::State& state) { encode(state, english()); }
void BM_EnglishCold(benchmark::State& state) {  // a tokenizer that has seen nothing: prompts of 4 kB
  const Tokenizer* tokens = tokenizer(state);
  if (!tokens) return;
  const std::string text = english().substr(0, 4096);
  for (auto _ : state) benchmark::DoNotOptimize(tokens->encode(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
void BM_Chinese(benchmark::State& state) {
  if (const Tokenizer* tokens = tokenizer(state)) encode(state, chinese(*tokens));
}
void BM_OneLetter(benchmark::State& state) {
  encode(state, std::string(static_cast<std::size_t>(state.range(0)), 'a'));
}
void BM_Spaces(benchmark::State& state) { encode(state, std::string(static_cast<std::size_t>(state.range(0)), ' ')); }
void BM_Digits(benchmark::State& state) { encode(state, std::string(static_cast<std::size_t>(state.range(0)), '7')); }
void BM_Copy(benchmark::State& state) {
  const std::string text = english();
  std::string copy;
  for (auto _ : state) {
    copy.assign(text);
    benchmark::DoNotOptimize(copy.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
void BM_Decode(benchmark::State& state) {
  const Tokenizer* tokens = tokenizer(state);
  if (!tokens) return;
  const std::string text = english();
  const auto ids = tokens->encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokens->decode(ids));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
void BM_Load(benchmark::State& state) {
  const std::string path = tokenizer_path();
  for (auto _ : state) {
    if (!load(path)) return state.SkipWithError("set RETORT_BENCH_TOKENIZER to a tokenizer.json or .gguf file");
  }
}

BENCHMARK(BM_Copy);
BENCHMARK(BM_English)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_EnglishCold)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Chinese)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_OneLetter)->Arg(1 << 16)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Spaces)->Arg(1 << 16)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Digits)->Arg(1 << 16)->Arg(1 << 18)->Arg(1 << 20)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Decode)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Load)->Unit(benchmark::kMillisecond);

}  // namespace
