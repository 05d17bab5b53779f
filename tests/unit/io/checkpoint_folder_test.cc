// Hugging Face folders: single files, shards, and what is wrong with them.
#include <gtest/gtest.h>

#include "core/json.h"
#include "io/checkpoint.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::expect_error;
using ::retort::testing::TempDir;
using ::retort::testing::tiny_gguf;

// A folder of the smallest Qwen2: 1 layer, hidden size 4, 1 head, a vocabulary of 3.
class TinyFolder {
 public:
  TinyFolder() {
    write_config("{}");
    const auto add = [&](std::string name, const Shape& shape) { shapes.emplace(std::move(name), shape); };
    add("model.embed_tokens.weight", {3, 4});
    add("model.norm.weight", {4});
    add("lm_head.weight", {3, 4});
    const std::string layer = "model.layers.0.";
    add(layer + "input_layernorm.weight", {4});
    add(layer + "post_attention_layernorm.weight", {4});
    for (const std::string p : {"q", "k", "v"}) {
      add(layer + "self_attn." + p + "_proj.weight", {4, 4});
      add(layer + "self_attn." + p + "_proj.bias", {4});
    }
    add(layer + "self_attn.o_proj.weight", {4, 4});
    add(layer + "mlp.gate_proj.weight", {6, 4});
    add(layer + "mlp.up_proj.weight", {6, 4});
    add(layer + "mlp.down_proj.weight", {4, 6});
  }

  void write_config(std::string_view patch) const {
    Json config = Json::parse(R"({"architectures":["Qwen2ForCausalLM"],"eos_token_id":2,"hidden_size":4,
      "intermediate_size":6,"max_position_embeddings":16,"num_attention_heads":1,"num_hidden_layers":1,
      "vocab_size":3})");
    config.merge_patch(Json::parse(patch));
    dir.write("config.json", config.dump());
  }
  /// The tensors whose names begin with `prefix`.
  void write_weights(std::string_view file, std::string_view prefix = "") const {
    const std::vector<std::byte> zeros(4096);
    std::vector<NamedTensor> tensors;
    for (const auto& [name, shape] : shapes) {
      if (!name.starts_with(prefix)) continue;
      const auto found = dtypes.find(name);
      const DType dtype = found == dtypes.end() ? DType::kF32 : found->second;
      tensors.push_back({name, {dtype, shape, zeros.data(), *tensor_bytes(dtype, shape)}});
    }
    const auto status = write_safetensors(dir.path() / file, tensors);
    ASSERT_TRUE(status) << status.error().message();
  }
  [[nodiscard]] Expected<Checkpoint> open() const { return Checkpoint::open(dir.path().string()); }
  [[nodiscard]] Status check() const {
    write_weights("model.safetensors");
    RETORT_TRY(const Checkpoint checkpoint, open());
    return checkpoint.check_tensors();
  }

  TempDir dir;
  std::map<std::string, Shape> shapes;
  std::map<std::string, DType> dtypes;
};

TEST(CheckpointFolder, AWholeOneIsRight) {
  const TinyFolder folder;
  const auto status = folder.check();
  EXPECT_TRUE(status) << status.error().message();
}

TEST(CheckpointFolder, EndTokensComeFromBothConfigurations) {
  const TinyFolder folder;
  folder.write_weights("model.safetensors");
  folder.dir.write("generation_config.json", R"({"eos_token_id":[2,1],"temperature":0.6})");
  const auto checkpoint = folder.open();
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->config().eos_token_ids, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(checkpoint->generation_defaults().temperature, 0.6);
}

TEST(CheckpointFolder, TensorsAreHeldToTheConfiguration) {
  TinyFolder folder;
  const std::string up = "model.layers.0.mlp.up_proj.weight";
  folder.shapes[up] = Shape{4, 6};
  expect_error(folder.check(), ErrorCode::kCorrupt, {folder.dir.path().string(), up, "[4, 6]", "[6, 4]"});
  folder.shapes.erase(up);
  expect_error(folder.check(), ErrorCode::kCorrupt, {up, "[6, 4]", "missing"});
  folder.shapes[up] = Shape{6, 4};
  folder.shapes["model.layers.1.mlp.up_proj.weight"] = Shape{6, 4};
  expect_error(folder.check(), ErrorCode::kUnsupported, {"model.layers.1.mlp.up_proj.weight", "not part of"});
  folder.shapes.erase("model.layers.1.mlp.up_proj.weight");
  folder.shapes["model.layers.0.self_attn.rotary_emb.inv_freq"] = Shape{2};
  EXPECT_TRUE(folder.check()) << "a harmless extra";
}

TEST(CheckpointFolder, DtypesAreHeldToTheirRoles) {
  TinyFolder folder;
  const std::string up = "model.layers.0.mlp.up_proj.weight";
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kI8, DType::kF8E4M3}) {
    folder.dtypes[up] = dtype;
    EXPECT_TRUE(folder.check()) << to_string(dtype);
  }
  for (const DType dtype : {DType::kF64, DType::kI32, DType::kI64, DType::kU8, DType::kBool}) {
    folder.dtypes[up] = dtype;
    expect_error(folder.check(), ErrorCode::kUnsupported, {up, to_string(dtype), "BF16"});
  }
  folder.dtypes.clear();
  folder.dtypes["model.norm.weight"] = DType::kI8;
  expect_error(folder.check(), ErrorCode::kUnsupported, {"model.norm.weight", "I8", "norm"});
}

TEST(CheckpointFolder, ATiedOutputMayBeStoredTwice) {
  TinyFolder folder;
  folder.write_config(R"({"tie_word_embeddings":true})");
  EXPECT_TRUE(folder.check());
  const auto checkpoint = folder.open();
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->find("lm_head.weight"), nullptr) << "the configuration decides";
  folder.shapes.erase("lm_head.weight");
  EXPECT_TRUE(folder.check());
  folder.write_config("{}");
  expect_error(folder.check(), ErrorCode::kCorrupt, {"lm_head.weight", "missing"});
}

TEST(CheckpointFolder, QuantizedByAnotherMethodOpensButIsNotRun) {
  TinyFolder folder;
  folder.write_config(R"({"quantization_config":{"quant_method":"bitsandbytes"}})");
  EXPECT_TRUE((folder.write_weights("model.safetensors"), folder.open()));
  expect_error(folder.check(), ErrorCode::kUnsupported, {"bitsandbytes", "GGUF"});
}

TEST(CheckpointFolder, WhatIsMissingIsNamed) {
  const TinyFolder folder;
  expect_error(folder.open(), ErrorCode::kNotFound, {"model.safetensors", "index.json"});
  folder.dir.write("pytorch_model.bin", "PK");
  expect_error(folder.open(), ErrorCode::kUnsupported, {"pickle", "safetensors"});
  fs::remove(folder.dir.path() / "config.json");
  expect_error(folder.open(), ErrorCode::kNotFound, {folder.dir.path().string(), "config.json"});
}

TEST(CheckpointFolder, BadJsonNamesItsFile) {
  const TinyFolder folder;
  folder.write_weights("model.safetensors");
  folder.dir.write("generation_config.json", "{");
  expect_error(folder.open(), ErrorCode::kCorrupt, {"generation_config.json", "not valid JSON"});
  folder.dir.write("generation_config.json", R"({"top_p":7})");
  expect_error(folder.open(), ErrorCode::kCorrupt, {"generation_config.json", "top_p"});
  folder.dir.write("config.json", R"({"architectures":["BertModel"]})");
  expect_error(folder.open(), ErrorCode::kUnsupported, {"config.json", "BertModel"});
}

TEST(CheckpointFolder, GitLfsPointersAreToldAsSuch) {
  const TinyFolder folder;
  folder.dir.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:" +
                                            std::string(64, 'a') + "\nsize 988097824\n");
  expect_error(folder.open(), ErrorCode::kCorrupt, {"Git LFS", "model.safetensors", "git lfs pull"});
}

TEST(CheckpointFolder, AFolderWithOneGgufIsThatModel) {
  const TempDir dir;
  dir.write("m.gguf", tiny_gguf().build());
  const auto checkpoint = Checkpoint::open(dir.path().string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->format(), CheckpointFormat::kGguf);
  dir.write("n.gguf", tiny_gguf().build());
  expect_error(Checkpoint::open(dir.path().string()), ErrorCode::kInvalidArgument, {"several GGUF", "m.gguf"});
}

// ---- shards ----

class Sharded : public ::testing::Test {
 protected:
  void SetUp() override {
    folder.write_weights("1.safetensors", "model.");
    folder.write_weights("2.safetensors", "lm_head.");
    for (const auto& [name, shape] : folder.shapes) {
      map[name] = name.starts_with("model.") ? "1.safetensors" : "2.safetensors";
    }
  }
  [[nodiscard]] Expected<Checkpoint> open() const {
    folder.dir.write("model.safetensors.index.json", Json{{"weight_map", map}}.dump());
    return folder.open();
  }
  TinyFolder folder;
  Json map = Json::object();
};

TEST_F(Sharded, OpensAll) {
  const auto checkpoint = open();
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_TRUE(checkpoint->check_tensors());
}

TEST_F(Sharded, AMissingShardIsNamed) {
  fs::remove(folder.dir.path() / "2.safetensors");
  expect_error(open(), ErrorCode::kNotFound, {"shard 2.safetensors is missing"});
}

TEST_F(Sharded, IndexAndShardsMustAgree) {
  map["model.norm.weight"] = "2.safetensors";
  expect_error(open(), ErrorCode::kCorrupt, {"model.norm.weight", "index"});
  map.erase("model.norm.weight");
  expect_error(open(), ErrorCode::kCorrupt, {"1.safetensors", "model.norm.weight", "index does not say so"});
  map["model.norm.weight"] = "1.safetensors";
  map["model.other.weight"] = "1.safetensors";
  expect_error(open(), ErrorCode::kCorrupt, {"model.other.weight", "missing"});
}

TEST_F(Sharded, AShardCannotLieOutsideTheFolder) {
  for (const auto* name : {"../1.safetensors", "/etc/passwd", "a/b", "..", ".", "", "a\\b"}) {
    map["model.norm.weight"] = name;
    expect_error(open(), ErrorCode::kCorrupt, {"model.norm.weight", "same folder"});
  }
  map["model.norm.weight"] = 7;
  expect_error(open(), ErrorCode::kCorrupt, {"model.norm.weight"});
  map = Json::object();
  expect_error(open(), ErrorCode::kCorrupt, {"weight_map"});
}

}  // namespace
}  // namespace retort
