#include <gtest/gtest.h>
#include <string>

#include "io/hub.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

const std::string kOid(64, 'a');
const std::string kPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + kOid + "\nsize 12345\n";

TEST(LfsPointer, IsRecognised) {
  EXPECT_TRUE(is_lfs_pointer(kPointer));
  EXPECT_TRUE(is_lfs_pointer(kPointer.substr(0, kPointer.size() - 1)));  // without the last newline
  std::string windows;
  for (const char c : kPointer) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_TRUE(is_lfs_pointer(windows));
}

TEST(LfsPointer, OtherThingsAreNot) {
  EXPECT_FALSE(is_lfs_pointer(""));
  EXPECT_FALSE(is_lfs_pointer("{}"));
  EXPECT_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\n"));
  EXPECT_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\noid sha256:short\nsize 1\n"));
  EXPECT_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\noid sha256:" + kOid + "\nsize x\n"));
  EXPECT_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\nsize 1\n"));
  EXPECT_FALSE(is_lfs_pointer(kPointer + std::string(2000, ' ')));
}

TEST(LfsPointer, ListsThoseOfAFolderAndSaysWhatToDo) {
  const testing::TempDir folder;
  EXPECT_TRUE(list_lfs_pointers(folder.path()).empty());
  EXPECT_TRUE(list_lfs_pointers(folder.path() / "missing").empty());
  folder.write("config.json", "{}");
  folder.write("model-2.safetensors", kPointer);
  folder.write("model-1.safetensors", kPointer);
  folder.write(".git/lfs/x", kPointer);
  const auto pointers = list_lfs_pointers(folder.path());
  EXPECT_EQ(pointers, (std::vector<std::string>{"model-1.safetensors", "model-2.safetensors"}));
  const auto message = lfs_pointer_message(folder.path(), pointers);
  EXPECT_NE(message.find(folder.path().string()), std::string::npos);
  EXPECT_NE(message.find("2 files: model-1.safetensors, model-2.safetensors"), std::string::npos) << message;
  EXPECT_NE(message.find("git lfs pull"), std::string::npos);
  EXPECT_NE(message.find("retort pull"), std::string::npos);
}

}  // namespace
}  // namespace retort
