#include "job/size.h"

#include <gtest/gtest.h>

#include <limits>

#include "sheaf/error.h"

namespace sheaf {
namespace {

TEST(ParseSizeTest, ReadsPlainBytes) {
  EXPECT_EQ(ParseSize("1048576").ValueOrDie(), 1048576);
  EXPECT_EQ(ParseSize("0").ValueOrDie(), 0);
  EXPECT_EQ(ParseSize("7B").ValueOrDie(), 7);
  EXPECT_EQ(ParseSize(" 7 B ").ValueOrDie(), 7);
}

TEST(ParseSizeTest, BinaryUnitsCountIn1024s) {
  EXPECT_EQ(ParseSize("64KiB").ValueOrDie(), 65536);
  EXPECT_EQ(ParseSize("256MiB").ValueOrDie(), 268435456);
  EXPECT_EQ(ParseSize("1GiB").ValueOrDie(), 1073741824);
  EXPECT_EQ(ParseSize("1TiB").ValueOrDie(), 1099511627776);
}

TEST(ParseSizeTest, DecimalUnitsCountInThousands) {
  EXPECT_EQ(ParseSize("64kB").ValueOrDie(), 64000);
  EXPECT_EQ(ParseSize("1MB").ValueOrDie(), 1000000);
  EXPECT_EQ(ParseSize("1GB").ValueOrDie(), 1000000000);
}

TEST(ParseSizeTest, TakesSpacesFractionsAndAnyLetterCase) {
  EXPECT_EQ(ParseSize("64 mib").ValueOrDie(), 67108864);
  EXPECT_EQ(ParseSize("1.5GIB").ValueOrDie(), 1610612736);
}

TEST(ParseSizeTest, KeepsEveryDigitOfWholeNumbers) {
  EXPECT_EQ(ParseSize("9223372036854775807").ValueOrDie(), std::numeric_limits<int64_t>::max());
}

TEST(ParseSizeTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "-1", "1 2", "1M", "1.2.3MB", "1 MiB!", "9223372036854775808",
                           "9999999TiB", "99999999.9TiB", "."}) {
    const auto size = ParseSize(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(KindOf(size.status()), ErrorKind::kJob);
    EXPECT_EQ(size.status().message(), "must be a size such as \"256MiB\", \"1GB\" or 1048576");
  }
}

TEST(FormatSizeTest, TakesTheLargestUnitThatDivides) {
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatSize(1000), "1000B");
  EXPECT_EQ(FormatSize(16 << 20), "16MiB");
  EXPECT_EQ(FormatSize(1536), "1536B");
  EXPECT_EQ(FormatSize(int64_t{1} << 50), "1024TiB");
}

}  // namespace
}  // namespace sheaf
