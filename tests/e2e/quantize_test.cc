// retort quantize, as a person uses it: from GGUF and from folders, interrupted, gone on with, and refused.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"
#include "io/gguf.h"
#include "testing/child_process.h"
#include "testing/random_gguf.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"
#include "text/pretokenizer.h"

namespace retort::testing {
namespace {

namespace fs = std::filesystem;

std::string file_content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Quantize : public ::testing::Test {
 protected:
  void write_source(std::int64_t layers) { ASSERT_TRUE(write_random_gguf(source_, {.layers = layers})); }
  [[nodiscard]] std::vector<std::string> command(const std::string& out, std::vector<std::string> more) const {
    std::vector<std::string> all = {"quantize", "--model", source_, "--output", out, "--log-level", "warn"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] ProgramResult quantize(const std::string& out, std::vector<std::string> more) const {
    return run_program(RETORT_BINARY, command(out, std::move(more)));
  }
  [[nodiscard]] DType type_of(const std::string& out, std::string_view name) const {
    const auto file = GgufFile::open(out);
    if (!file) return DType::kBool;
    for (const GgufTensor& tensor : file->tensors()) {
      if (tensor.name == name) return tensor.dtype;
    }
    return DType::kBool;
  }

  TempDir folder_;
  std::string source_ = folder_.path() / "m.gguf";
  std::string out_ = folder_.path() / "out.gguf";
};

TEST_F(Quantize, GivesAFileThatLoads) {
  write_source(2);
  const ProgramResult result = quantize(out_, {"--type", "q8"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("out.gguf: q8, "), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("quantized already"), std::string::npos) << result.err;  // and no progress: no terminal
  EXPECT_EQ(type_of(out_, "blk.1.ffn_up.weight"), DType::kQ8_0);
  EXPECT_EQ(type_of(out_, "blk.1.ffn_norm.weight"), DType::kF32);
  const auto file = GgufFile::open(out_);
  ASSERT_TRUE(file);
  EXPECT_EQ(**file->get_int("general.file_type"), 7);
  EXPECT_EQ(**file->get_int("general.quantization_version"), 2);
  EXPECT_EQ(**file->get_string("general.name"), "random");
  const ProgramResult bench = run_program(RETORT_BINARY, {"bench", "-m", out_, "-p", "4", "-n", "2", "-r", "1"});
  EXPECT_EQ(bench.exit_code, 0) << bench.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2);  // nothing else is left
}

TEST_F(Quantize, TypesByRecipeAndPattern) {
  write_source(8);
  ASSERT_EQ(quantize(out_, {"-t", "q4_k_m", "--tensor-type", "blk.*.attn_q.weight=q5_k", "--tensor-type",
                            "blk.3.attn_?.weight=f16"})
                .exit_code,
            0);
  EXPECT_EQ(type_of(out_, "output.weight"), DType::kQ6_K);
  EXPECT_EQ(type_of(out_, "token_embd.weight"), DType::kQ4_K);
  EXPECT_EQ(type_of(out_, "blk.0.ffn_down.weight"), DType::kQ6_K);
  EXPECT_EQ(type_of(out_, "blk.1.ffn_down.weight"), DType::kQ4_K);
  EXPECT_EQ(type_of(out_, "blk.7.attn_v.weight"), DType::kQ6_K);
  EXPECT_EQ(type_of(out_, "blk.2.attn_q.weight"), DType::kQ5_K);
  EXPECT_EQ(type_of(out_, "blk.3.attn_q.weight"), DType::kF16);
  EXPECT_EQ(type_of(out_, "blk.3.attn_q.bias"), DType::kF32);
}

TEST_F(Quantize, GoesOnAfterAFullDisk) {
  write_source(4);
  const std::string whole = folder_.path() / "whole.gguf";
  ASSERT_EQ(quantize(whole, {"-t", "q4_k_m"}).exit_code, 0);
  std::string line = std::string("trap '' XFSZ; ulimit -f 800; exec ") + RETORT_BINARY;  // 400 or 800 KiB
  for (const std::string& word : command(out_, {"-t", "q4_k_m"})) line += " '" + word + "'";
  const ProgramResult stopped = run_program("/bin/sh", {"-c", line});
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_NE(stopped.err.find("out.gguf.partial: the limit on file sizes is reached"), std::string::npos) << stopped.err;
  EXPECT_NE(stopped.err.find("the same command goes on"), std::string::npos) << stopped.err;
  EXPECT_FALSE(fs::exists(out_));
  const std::string json = folder_.path() / "report.json";
  const ProgramResult result = quantize(out_, {"-t", "q4_k_m", "--output-json", json, "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(Json::parse(file_content(json)).at("resumed_tensors"), 0);
  EXPECT_TRUE(file_content(out_) == file_content(whole));
  EXPECT_FALSE(fs::exists(out_ + ".partial.journal"));
}

TEST_F(Quantize, GoesOnAfterAKillAndAfterCtrlC) {
  write_source(30);
  const std::string whole = folder_.path() / "whole.gguf";
  ASSERT_EQ(quantize(whole, {"-t", "q5_k_m"}).exit_code, 0);
  const std::string journal = out_ + ".partial.journal";
  std::uintmax_t known = 0;
  for (const int signal : {SIGKILL, SIGINT}) {
    std::vector<std::string> argv = command(out_, {"-t", "q5_k_m"});
    argv.insert(argv.begin(), RETORT_BINARY);
    ChildProcess child(argv);
    std::error_code ignored;
    const auto enough = [&] { return fs::exists(journal) && fs::file_size(journal, ignored) > known + 120; };
    while (child.running() && !enough()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    child.signal(signal);
    const int code = child.wait();
    ASSERT_FALSE(fs::exists(out_)) << "it was done before it could be stopped";
    EXPECT_EQ(code, signal == SIGKILL ? 128 + SIGKILL : 1);
    if (signal == SIGINT) {
      EXPECT_NE(child.err().find("goes on from"), std::string::npos) << child.err();
    }
    known = fs::file_size(journal);
  }
  const std::string json = folder_.path() / "report.json";
  ASSERT_EQ(quantize(out_, {"-t", "q5_k_m", "--output-json", json}).exit_code, 0);
  EXPECT_GT(Json::parse(file_content(json)).at("resumed_tensors"), 10);
  EXPECT_TRUE(file_content(out_) == file_content(whole));
}

TEST_F(Quantize, Refuses) {
  write_source(1);
  folder_.write("out.gguf", "mine");
  EXPECT_EQ(quantize(out_, {"-t", "q8"}).exit_code, 2);
  EXPECT_EQ(file_content(out_), "mine");
  EXPECT_EQ(quantize(out_, {"-t", "q8", "--force"}).exit_code, 0);
  EXPECT_NE(file_content(out_), "mine");

  const std::string before = file_content(source_);
  const std::string link = folder_.path() / "link.gguf";
  fs::create_hard_link(source_, link);
  fs::create_hard_link(source_, folder_.path() / "x.gguf.partial");
  for (const std::string& same : {source_, link, std::string(folder_.path() / "x.gguf")}) {
    const ProgramResult result = quantize(same, {"-t", "q8", "--force"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find("the source itself"), std::string::npos) << result.err;
  }
  EXPECT_TRUE(file_content(source_) == before);

  EXPECT_EQ(quantize(folder_.path() / "none" / "x.gguf", {"-t", "q8"}).exit_code, 1);
  EXPECT_EQ(quantize(folder_.path(), {"-t", "q8", "--force"}).exit_code, 2);
  const std::string other = folder_.path() / "other.gguf";
  EXPECT_EQ(quantize(other, {"-t", "q3"}).exit_code, 2);
  for (const char* rule : {"q8", "=q8_0", "*=q9", "*=q2_k", "nothing*=q8_0", "*norm*=q8_0"}) {
    const ProgramResult result = quantize(other, {"-t", "q8", "--tensor-type", rule});
    EXPECT_EQ(result.exit_code, 2) << rule;
    EXPECT_NE(result.err.find("--tensor-type"), std::string::npos) << result.err;
  }
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(Quantize, NamesAValueThatNoTypeHolds) {
  ASSERT_TRUE(write_random_gguf(source_, {.layers = 2, .broken_layer = 1}));
  const ProgramResult result = quantize(out_, {"-t", "q4"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("model.layers.1.mlp.down_proj.weight"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("row 0"), std::string::npos) << result.err;
}

// A folder with a tokenizer that GGUF has a name for.
class QuantizeFolder : public Quantize {
 protected:
  void SetUp() override {
    source_ = folder_.path() / "hf";
    ASSERT_TRUE(write_reciting_model(source_, {.pieces = in_order({"One ", "two ", "three."})}));
    Json tokenizer = Json::parse(file_content(fs::path(source_) / "tokenizer.json"));
    tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = patterns::kQwen2;
    folder_.write("hf/tokenizer.json", tokenizer.dump());
  }
  [[nodiscard]] static std::string answer(const std::string& model) {
    const ProgramResult result = run_program(RETORT_BINARY, {"run", "--model", model, "--temperature", "0", "count"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
};

TEST_F(QuantizeFolder, AnswersAsTheFolderDoes) {
  const std::string expected = answer(source_);
  EXPECT_NE(expected.find("One two three."), std::string::npos) << expected;
  for (const char* recipe : {"f32", "bf16", "q8"}) {
    const ProgramResult result = quantize(out_, {"-t", recipe, "--force"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(answer(out_), expected) << recipe;
    const std::string text = "caf\xc3\xa9 <|say|>One two\n 12";
    const auto ids = [&](const std::string& model) {
      return run_program(RETORT_BINARY, {"tokenize", "--model", model, "--text", text}).out;
    };
    EXPECT_EQ(ids(out_), ids(source_));
    EXPECT_NE(ids(out_), "");
  }
}

TEST_F(QuantizeFolder, CalibratesAndChecks) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "line " + std::to_string(i * i) + "\n";
  const std::string file = folder_.write("text", text);
  const std::string json = folder_.path() / "report.json";
  const ProgramResult result = quantize(out_, {"-t", "q8", "--calibration", file, "--calibration-tokens", "600",
                                               "--check", file, "--check-windows", "1", "--output-json", json});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("mean KL"), std::string::npos) << result.out;
  const Json report = Json::parse(file_content(json));
  EXPECT_EQ(report.at("check").at("windows"), 1);
  EXPECT_LT(report.at("check").at("all").at("mean_kl"), 1e-3);
  EXPECT_EQ(report.at("check").at("all").at("predictions"), 511);
  const std::string short_text = folder_.write("short", "too short");
  const std::string other = folder_.path() / "other.gguf";
  EXPECT_EQ(quantize(other, {"-t", "q8", "--check", short_text}).exit_code, 2);
  EXPECT_FALSE(fs::exists(other));  // found before the work, not after it
  EXPECT_EQ(quantize(out_, {"-t", "q8", "--force", "--calibration", folder_.write("empty", "")}).exit_code, 2);
  EXPECT_EQ(quantize(out_, {"-t", "q8", "--force", "--calibration", folder_.path() / "none"}).exit_code, 1);
}

TEST_F(QuantizeFolder, RefusesATokenizerThatGgufCannotName) {
  ASSERT_TRUE(write_reciting_model(source_, {.pieces = in_order({"x y"})}));
  const ProgramResult result = quantize(out_, {"-t", "f32"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("pretokenizer"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(out_ + ".partial"));
}

}  // namespace
}  // namespace retort::testing
