#include "spill/disk_path_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>

namespace sheaf {
namespace {

using std::chrono::milliseconds;
using ::testing::UnorderedElementsAre;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kFew = 256 * kMiB;
constexpr int64_t kFirst = 512 * kMiB;
constexpr int64_t kMany = 1024 * kMiB;

/// How long 1 MiB takes, either way.
struct Speeds {
  milliseconds cached;
  milliseconds direct;
};
constexpr Speeds kFast{milliseconds(0), milliseconds(1)};
constexpr Speeds kSlowCache{milliseconds(2), milliseconds(1)};
constexpr Speeds kSlowDisk{milliseconds(0), milliseconds(5)};
constexpr Speeds kSlow{milliseconds(2), milliseconds(5)};

/// The ways that so many bytes go.
std::set<DiskPath> Write(DiskPathChoice* choice, int64_t bytes, const Speeds& speeds) {
  std::set<DiskPath> paths;
  for (; bytes > 0; bytes -= kMiB) {
    const DiskPath path = choice->Next(kMiB);
    choice->Measured(path, kMiB, path == DiskPath::kCached ? speeds.cached : speeds.direct);
    paths.insert(path);
  }
  return paths;
}

TEST(DiskPathChoiceTest, TheFirstBlocksGoThroughTheCache) {
  DiskPathChoice choice(kFirst);
  EXPECT_THAT(Write(&choice, kFew, kFast), UnorderedElementsAre(DiskPath::kCached));
}

TEST(DiskPathChoiceTest, AfterManyBlocksAllGoStraightToTheDisk) {
  DiskPathChoice choice(kFirst);
  Write(&choice, kMany, kFast);
  EXPECT_THAT(Write(&choice, kFew, kFast), UnorderedElementsAre(DiskPath::kDirect));
}

TEST(DiskPathChoiceTest, OnceTheCacheIsSlowAllGoStraightToTheDisk) {
  DiskPathChoice choice(kFirst);
  Write(&choice, kFew, kSlowCache);
  EXPECT_THAT(Write(&choice, kMany, kFast), UnorderedElementsAre(DiskPath::kDirect));
}

TEST(DiskPathChoiceTest, OnceTheDiskIsSlowAllGoThroughTheCache) {
  DiskPathChoice choice(kFirst);
  Write(&choice, kMany, kSlowDisk);
  EXPECT_THAT(Write(&choice, kFew, kFast), UnorderedElementsAre(DiskPath::kCached));
}

TEST(DiskPathChoiceTest, WhereBothAreSlowItIsTheCache) {
  DiskPathChoice choice(kFirst);
  Write(&choice, kMany, kSlow);
  EXPECT_THAT(Write(&choice, kMany, kFast), UnorderedElementsAre(DiskPath::kCached));
}

TEST(DiskPathChoiceTest, AShortWaitTellsNothing) {
  DiskPathChoice choice(kFirst);
  choice.Measured(DiskPath::kCached, kMiB, milliseconds(10));
  EXPECT_THAT(Write(&choice, kFew, kFast), UnorderedElementsAre(DiskPath::kCached));
}

TEST(DiskPathChoiceTest, NothingGoesStraightToTheDiskWhereThatIsRuledOut) {
  DiskPathChoice choice(kFirst);
  choice.RuleOutDirect();
  EXPECT_THAT(Write(&choice, kMany, kSlowCache), UnorderedElementsAre(DiskPath::kCached));
}

}  // namespace
}  // namespace sheaf
