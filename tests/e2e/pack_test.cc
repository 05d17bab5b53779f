// retort pack and --load-format, as a person uses them.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "io/safetensors.h"
#include "testing/random_gguf.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

class Pack : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_random_gguf(model_, {}));
    const std::vector<std::int32_t> ids = {3, 1, 4, 1, 5, 9, 2, 6};
    const std::vector<NamedTensor> tensors = {
        {"input_ids", {DType::kI32, Shape{1, 8}, reinterpret_cast<const std::byte*>(ids.data()), 32}}};
    ASSERT_TRUE(write_safetensors(folder_.path() / "ids", tensors));
  }
  // `out` holds the bytes of the logits: the vocabulary of this model encodes no text.
  ProgramResult answer(std::vector<std::string> more) {
    const std::string logits = folder_.path() / "logits";
    std::filesystem::remove(logits);
    std::vector<std::string> all = {"forward",  "--model", model_,        "--input", folder_.path() / "ids",
                                    "--output", logits,    "--log-level", "warn"};
    all.insert(all.end(), more.begin(), more.end());
    ProgramResult result = run_program(RETORT_BINARY, all);
    std::ifstream file(logits, std::ios::binary);
    result.out.assign(std::istreambuf_iterator<char>(file), {});
    return result;
  }
  TempDir folder_;
  std::string model_ = folder_.path() / "m.gguf";
  std::string packed_ = model_ + ".packed";
};

TEST_F(Pack, PacksAndRunsTheSame) {
  const ProgramResult without = answer({});
  ASSERT_EQ(without.exit_code, 0) << without.err;
  ASSERT_GT(without.out.size(), 8u * 96 * 4);
  EXPECT_EQ(answer({"--load-format", "packed"}).exit_code, 1);
  const ProgramResult packed = run_program(RETORT_BINARY, {"pack", model_});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_NE(packed.out.find("m.gguf.packed: 15 matrices of "), std::string::npos) << packed.out;
  EXPECT_EQ(packed.err, "");  // no terminal, no progress
  for (const char* format : {"auto", "packed", "gguf"}) {
    const ProgramResult result = answer({"--load-format", format, "--verify-packed"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.out == without.out) << format;
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(run_program(RETORT_BINARY, {"pack", "--check", model_}).exit_code, 0);
  EXPECT_EQ(run_program(RETORT_BINARY, {"run", "--model", packed_, "--raw", "x"}).exit_code, 2);
}

TEST_F(Pack, AnotherPlaceAndADamagedFile) {
  const std::string elsewhere = folder_.path() / "w";
  ASSERT_EQ(run_program(RETORT_BINARY, {"pack", model_, "--output", elsewhere}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(packed_));
  EXPECT_EQ(answer({"--load-format", "packed", "--packed-file", elsewhere}).exit_code, 0);
  std::filesystem::resize_file(elsewhere, std::filesystem::file_size(elsewhere) - 1);
  const ProgramResult told = answer({"--packed-file", elsewhere});
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_NE(told.err.find("cut off"), std::string::npos) << told.err;
  EXPECT_EQ(answer({"--load-format", "packed", "--packed-file", elsewhere}).exit_code, 1);
  EXPECT_EQ(run_program(RETORT_BINARY, {"pack", model_, "--check", "--output", elsewhere}).exit_code, 1);
}

TEST_F(Pack, WrongUsage) {
  EXPECT_EQ(answer({"--load-format", "pt"}).exit_code, 2);
  EXPECT_EQ(answer({"--load-format", "safetensors"}).exit_code, 2);
  EXPECT_EQ(answer({"--load-format", "dummy", "--quality", "exact"}).exit_code, 2);
  EXPECT_EQ(run_program(RETORT_BINARY, {"pack", folder_.path() / "none"}).exit_code, 1);
}

TEST_F(Pack, DummyNeedsAConfigurationOnly) {
  const TempDir shapes;
  shapes.write("config.json", R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": 96, "hidden_size": 64,
      "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
      "head_dim": 16, "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 10000.0})");
  const std::string model = shapes.path();
  const std::vector<std::string> bench = {"bench", "-m", model, "-p", "4", "-n", "2", "-r", "1", "-o", "json"};
  EXPECT_EQ(run_program(RETORT_BINARY, bench).exit_code, 1);
  std::vector<std::string> dummy = bench;
  dummy.insert(dummy.end(), {"--load-format", "dummy"});
  const ProgramResult result = run_program(RETORT_BINARY, dummy);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("\"model_n_params\":"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("\"model_n_params\":0,"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace retort::testing
