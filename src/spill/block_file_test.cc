#include "spill/block_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "sheaf/error.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

constexpr int64_t kUnit = 1000;
constexpr int64_t kPages = 16;

/// A block of so many units, all of this byte.
std::shared_ptr<arrow::Buffer> Block(char byte, int64_t units) {
  std::shared_ptr<arrow::Buffer> block = arrow::AllocateBuffer(units * kUnit).ValueOrDie();
  std::memset(block->mutable_data(), byte, static_cast<size_t>(block->size()));
  return block;
}

/// A block that can go to the disk past the system's cache, where rows stand in such memory.
std::shared_ptr<arrow::Buffer> WholePages(char byte) {
  std::shared_ptr<arrow::Buffer> block =
      arrow::AllocateBuffer(kPages * UnnamedFile::kDirectUnit, RowMemory()).ValueOrDie();
  std::memset(block->mutable_data(), byte, static_cast<size_t>(block->size()));
  return block;
}

/// Bytes of disk of all spill files that this process has open.
int64_t BytesOnDisk() {
  int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto name = std::filesystem::read_symlink(entry.path(), error).string();
    struct stat status{};
    if (name.find("sheaf-spill-") == std::string::npos) continue;
    if (::stat(entry.path().c_str(), &status) == 0) bytes += status.st_blocks * 512;
  }
  return bytes;
}

std::unique_ptr<BlockFile> File() { return BlockFile::Create(SpillDirectory()).ValueOrDie(); }

TEST(BlockFileTest, BlocksComeBackInAnyOrderAloneOrTogether) {
  const auto file = File();
  const int64_t first = file->Write({Block('a', 1), Block('b', 3)}).ValueOrDie();
  const int64_t second = file->Write({Block('c', 2)}).ValueOrDie();
  EXPECT_EQ(second, first + 4 * kUnit);
  const auto expect = [&](int64_t offset, const std::string& bytes) {
    std::string expected;
    for (const char byte : bytes) expected.append(static_cast<size_t>(kUnit), byte);
    const auto read = file->Read(offset, std::ssize(expected)).ValueOrDie();
    EXPECT_TRUE(read->ToString() == expected) << bytes;
  };
  expect(second, "cc");
  expect(first, "abbb");
  expect(first + 3 * kUnit, "bcc");
}

TEST(BlockFileTest, MoreBlocksThanOneCallOfTheSystemTakesAreWritten) {
  const auto file = File();
  BlockFile::Blocks blocks;
  for (int i = 0; i < 2000; ++i) blocks.push_back(Block(static_cast<char>('a' + i % 26), 1));
  const int64_t offset = file->Write(blocks).ValueOrDie();
  const auto read = file->Read(offset, 2000 * kUnit).ValueOrDie();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(read->data()[i * kUnit], 'a' + i % 26) << i;
}

TEST(BlockFileTest, BlocksOfWholePagesAndOthersComeBackInAnyOrder) {
  const auto file = File();
  std::vector<int64_t> offsets;
  const std::string bytes = "abcdefgh";
  for (const char byte : bytes) {
    // From the fifth on none are whole pages at their place in the file.
    if (byte == 'e') {
      ASSERT_TRUE(file->Write({Block('x', 1)}).ok());
    }
    offsets.push_back(file->Write({WholePages(byte), WholePages(byte)}).ValueOrDie());
  }
  for (size_t i = bytes.size(); i-- > 0;) {
    const int64_t length = (i % 2 + 1) * kPages * UnnamedFile::kDirectUnit;
    const auto read = file->Take(offsets[i], length).ValueOrDie();
    EXPECT_TRUE(read->ToString() == std::string(static_cast<size_t>(length), bytes[i])) << i;
  }
}

TEST(BlockFileTest, WhatIsTakenOutOfTheCacheIsGivenBack) {
  const auto file = File();
  ASSERT_TRUE(file->Write({Block('a', 1)}).ok());  // no whole page: all go through the cache
  const int64_t offset = file->Write({Block('b', 4000)}).ValueOrDie();
  ASSERT_TRUE(file->Read(offset, 4000 * kUnit).ok());
  const int64_t before = BytesOnDisk();
  ASSERT_GE(before, 4000 * kUnit);
  ASSERT_TRUE(file->Take(offset, 4000 * kUnit).ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (BytesOnDisk() > before / 2) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST(BlockFileTest, HasNoNameInItsDirectory) {
  const auto directory = std::filesystem::temp_directory_path() / "sheaf_block_file_test";
  std::filesystem::create_directory(directory);
  {
    const auto file = BlockFile::Create(directory).ValueOrDie();
    ASSERT_TRUE(file->Write({Block('a', 1)}).ok());
    EXPECT_TRUE(std::filesystem::is_empty(directory));
  }
  std::filesystem::remove_all(directory);
}

TEST(BlockFileTest, AFailedWriteIsToldByEveryLaterCall) {
  const auto file = File();
  const int64_t written = file->Write({Block('a', 1)}).ValueOrDie();
  ASSERT_TRUE(file->Read(written, kUnit).ok());
  // A file that may not grow, as on a full disk.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{0, before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const int64_t failed = file->Write({Block('b', 1)}).ValueOrDie();
  const auto read = file->Read(failed, kUnit);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(KindOf(read.status()), ErrorKind::kEngine);
  EXPECT_THAT(read.status().message(), testing::HasSubstr("can't write to it"));
  EXPECT_EQ(file->Write({Block('c', 1)}).status(), read.status());
  EXPECT_TRUE(file->Read(written, kUnit).ok());
}

TEST(BlockFileTest, ItsEndDoesNotWaitForWhatNobodyWillRead) {
  const auto file = File();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(file->Write({Block('a', 16)}).ok());
}

TEST(BlockFileTest, MissingDirectoryIsAnErrorThatNamesIt) {
  const auto file = BlockFile::Create("/nonexistent/spill");
  EXPECT_EQ(KindOf(file.status()), ErrorKind::kEngine);
  EXPECT_THAT(file.status().message(), testing::HasSubstr("/nonexistent/spill"));
}

}  // namespace
}  // namespace sheaf
