#include "io/digest.h"

#include <gtest/gtest.h>
#include <string>

namespace retort {
namespace {

TEST(Digest, KnownAnswers) {  // FIPS 180-4's "abc"; git's names of the empty blob and of "hello\n"
  auto sha = Digest::sha256();
  ASSERT_TRUE(sha);
  sha->update("a");
  sha->update("");
  sha->update("bc");
  EXPECT_EQ(sha->finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  auto empty = Digest::git_blob(0);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->finish(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  auto hello = Digest::git_blob(6);
  ASSERT_TRUE(hello);
  hello->update("hello\n");
  EXPECT_EQ(hello->finish(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace retort
