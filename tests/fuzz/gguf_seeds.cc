#include "fuzz/seeds.h"
#include "testing/gguf_builder.h"

namespace retort::fuzz {

void write_gguf_seeds(const SeedWriter& seeds) {
  using testing::GgufBuilder;
  using testing::tiny_gguf;
  for (const auto* architecture : {"qwen2", "qwen2moe", "qwen3"}) {
    const GgufBuilder model = tiny_gguf({.architecture = architecture});
    seeds.write(std::string(architecture) + ".gguf", model.build());
    seeds.write(std::string(architecture) + "-header.gguf", model.build_header());
  }
  seeds.write("version2.gguf", tiny_gguf({.tied = true}).version(2).build());

  GgufBuilder kinds;
  kinds.u8("u8", 255).i8("i8", -1).u16("u16", 65535).i16("i16", -2).u32("u32", 1).i32("i32", -3).u64("u64", ~0ULL);
  kinds.i64("i64", -4).f32("f32", 1.5F).f64("f64", -2.5).boolean("bool", 1).string("s", "text");
  kinds.strings("strings", {"a", "", "b"}).i32s("i32s", {1, -1});
  kinds.alignment(64).tensor("q8", 8, {2, 32}, std::string(68, '\x11')).tensor("scalar", 0, {}, "abcd");
  seeds.write("kinds.gguf", kinds.build());

  GgufBuilder rope = tiny_gguf();
  rope.string("qwen2.rope.scaling.type", "yarn").f32("qwen2.rope.scaling.factor", 4.0F);
  rope.u32("qwen2.rope.scaling.original_context_length", 16).f32("qwen2.rope.scaling.attn_factor", 0.5F);
  rope.f32("general.sampling.temp", 0.6F).u32("general.sampling.top_k", 20);
  rope.u16("split.no", 0).u16("split.count", 1).i32("split.tensors.count", 27);
  seeds.write("rope.gguf", rope.build());
}

}  // namespace retort::fuzz
