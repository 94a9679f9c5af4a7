#include "spill/block_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sheaf/error.h"
#include "spill/file_size_limit_test_support.h"
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

std::unique_ptr<BlockStore> Store() { return std::make_unique<BlockStore>(SpillDirectory()); }

/// One whose blocks go straight to the disk where they can, from the first on.
std::unique_ptr<BlockStore> DirectStore() {
  return std::make_unique<BlockStore>(SpillDirectory(), DiskPathChoice(/*cached_first=*/0));
}

/// Waits until less than `bytes` of disk are used.
void WaitForDiskBelow(int64_t bytes) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (BytesOnDisk() >= bytes) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

std::string Units(const std::string& bytes, int64_t unit = kUnit) {
  std::string units;
  for (const char byte : bytes) units.append(static_cast<size_t>(unit), byte);
  return units;
}

TEST(BlockStoreTest, BlocksComeBackInAnyOrderAndMoreThanOnce) {
  const auto store = Store();
  const auto first = store->Write(0, {Block('a', 1), Block('b', 3)}).ValueOrDie();
  const auto second = store->Write(3, {Block('c', 2)}).ValueOrDie();
  const auto third = store->Write(0, {Block('d', 1)}).ValueOrDie();
  for (int time = 0; time < 2; ++time) {
    EXPECT_TRUE(store->Read(third).ValueOrDie()->ToString() == Units("d"));
    EXPECT_TRUE(store->Read(first).ValueOrDie()->ToString() == Units("abbb"));
    EXPECT_TRUE(store->Read(second).ValueOrDie()->ToString() == Units("cc"));
  }
}

TEST(BlockStoreTest, MoreBlocksThanOneCallOfTheSystemTakesAreWritten) {
  const auto store = Store();
  BlockStore::Blocks blocks;
  for (int i = 0; i < 2000; ++i) blocks.push_back(Block(static_cast<char>('a' + i % 26), 1));
  const auto read = store->Read(store->Write(0, blocks).ValueOrDie()).ValueOrDie();
  ASSERT_EQ(read->size(), 2000 * kUnit);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(read->data()[i * kUnit], 'a' + i % 26) << i;
}

TEST(BlockStoreTest, BlocksOfWholePagesAndOthersComeBackInAnyOrder) {
  const auto store = DirectStore();
  std::vector<BlockStore::Place> places;
  const std::string bytes = "abcdefgh";
  for (const char byte : bytes) {
    // From the fifth on none are whole pages at their place in the file.
    if (byte == 'e') {
      ASSERT_TRUE(store->Write(0, {Block('x', 1)}).ok());
    }
    places.push_back(store->Write(0, {WholePages(byte), WholePages(byte)}).ValueOrDie());
  }
  for (size_t i = bytes.size(); i-- > 0;) {
    const auto read = store->Take(places[i]).ValueOrDie();
    EXPECT_TRUE(read->ToString() == Units({bytes[i], bytes[i]}, kPages * UnnamedFile::kDirectUnit))
        << i;
  }
}

TEST(BlockStoreTest, WhatIsReadAheadComesWhateverTheOrderItIsAskedForIn) {
  const auto store = Store();
  std::vector<BlockStore::Place> places;
  for (size_t i = 0; i < 100; ++i) {
    const auto byte = static_cast<char>('a' + i % 26);
    places.push_back(store->Write(i % BlockStore::kFiles, {Block(byte, 3)}).ValueOrDie());
  }
  std::vector<BlockStore::Coming> coming;
  for (const auto& place : places) coming.push_back(store->TakeAhead(place));
  for (size_t i = places.size(); i-- > 0;) {
    const auto byte = static_cast<char>('a' + i % 26);
    EXPECT_TRUE(coming[i].get().ValueOrDie()->ToString() == Units({byte, byte, byte})) << i;
  }
}

TEST(BlockStoreTest, DiskIsGivenBackOnceAllOfAFileIsTaken) {
  for (const bool direct : {false, true}) {
    const auto store = direct ? DirectStore() : Store();
    const auto block = [&] { return direct ? WholePages('a') : Block('a', 70); };
    const int64_t length = block()->size();
    const int64_t before = BytesOnDisk();
    const auto first = store->Write(0, {block()}).ValueOrDie();
    const auto second = store->Write(0, {block()}).ValueOrDie();
    const auto other = store->Write(1, {block()}).ValueOrDie();
    ASSERT_TRUE(store->Read(other).ok());
    ASSERT_TRUE(store->Take(first).ok());
    ASSERT_GE(BytesOnDisk(), before + 3 * length);
    ASSERT_TRUE(store->TakeAhead(second).get().ok());
    WaitForDiskBelow(before + 3 * length);
    // The file is there again for what comes.
    const auto later = store->Write(0, {Block('b', 1)}).ValueOrDie();
    EXPECT_TRUE(store->Take(later).ValueOrDie()->ToString() == Units("b"));
    EXPECT_TRUE(store->Take(other).ok());
    WaitForDiskBelow(before + length);
  }
}

TEST(BlockStoreTest, HasNoNameInItsDirectory) {
  const auto directory = std::filesystem::temp_directory_path() / "sheaf_block_store_test";
  std::filesystem::create_directory(directory);
  {
    BlockStore store(directory);
    ASSERT_TRUE(store.Write(0, {Block('a', 1)}).ok());
    EXPECT_TRUE(std::filesystem::is_empty(directory));
  }
  std::filesystem::remove_all(directory);
}

TEST(BlockStoreTest, AFailedWriteIsToldByEveryLaterCall) {
  for (const bool direct : {false, true}) {
    const auto store = direct ? DirectStore() : Store();
    const auto written = store->Write(0, {WholePages('a')}).ValueOrDie();
    ASSERT_TRUE(store->Read(written).ok());
    std::optional<testing::FileSizeLimit> full_disk(std::in_place, 0);
    const auto failed = store->Write(0, {WholePages('b')}).ValueOrDie();
    const auto read = store->Read(failed);
    full_disk.reset();
    EXPECT_EQ(KindOf(read.status()), ErrorKind::kEngine);
    EXPECT_THAT(read.status().message(), ::testing::HasSubstr("can't write to it"));
    EXPECT_EQ(store->Write(1, {Block('c', 1)}).status(), read.status());
    EXPECT_EQ(store->TakeAhead(failed).get().status(), read.status());
    EXPECT_TRUE(store->Read(written).ok());
  }
}

TEST(BlockStoreTest, ItsEndDoesNotWaitForWhatNobodyWillRead) {
  const auto store = Store();
  for (int i = 0; i < 20; ++i) {
    const auto place = store->Write(0, {Block('a', 16)}).ValueOrDie();
    const auto unread = store->TakeAhead(place);
  }
}

TEST(BlockStoreTest, MissingDirectoryIsAnErrorThatNamesIt) {
  BlockStore store("/nonexistent/spill");
  const auto status = store.Write(0, {Block('a', 1)}).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("/nonexistent/spill"));
}

}  // namespace
}  // namespace sheaf
