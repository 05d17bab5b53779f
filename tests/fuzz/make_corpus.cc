// make_corpus OUTDIR: writes the seed corpus of every fuzz target into OUTDIR/<target>/.
#include <cstdio>
#include <fstream>

#include "fuzz/seeds.h"

namespace retort::fuzz {

void SeedWriter::write(std::string_view name, std::string_view content) const {
  std::filesystem::create_directories(folder_);
  std::ofstream file(folder_ / name, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace retort::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus OUTDIR\n");
    return 2;
  }
  const std::filesystem::path out = argv[1];
  using retort::fuzz::SeedWriter;
  retort::fuzz::write_config_seeds(SeedWriter(out / "fuzz_config"));
  retort::fuzz::write_eval_data_seeds(SeedWriter(out / "fuzz_eval_data"));
  retort::fuzz::write_eval_task_seeds(SeedWriter(out / "fuzz_eval_task"));
  retort::fuzz::write_gguf_seeds(SeedWriter(out / "fuzz_gguf"));
  retort::fuzz::write_maths_answer_seeds(SeedWriter(out / "fuzz_maths_answer"));
  retort::fuzz::write_packed_seeds(SeedWriter(out / "fuzz_packed"));
  retort::fuzz::write_safetensors_seeds(SeedWriter(out / "fuzz_safetensors"));
  retort::fuzz::write_template_seeds(SeedWriter(out / "fuzz_template"));
  retort::fuzz::write_tokenizer_json_seeds(SeedWriter(out / "fuzz_tokenizer_json"));
  retort::fuzz::write_bpe_encode_seeds(SeedWriter(out / "fuzz_bpe_encode"));
  return 0;
}
