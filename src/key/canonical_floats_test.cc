#include "key/canonical_floats.h"

#include <arrow/buffer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace sheaf {
namespace {

using ::testing::ElementsAre;

template <typename Bits>
std::vector<Bits> CanonicalBits(const std::shared_ptr<arrow::DataType>& type,
                                const std::vector<Bits>& bits) {
  const auto column = arrow::MakeArray(arrow::ArrayData::Make(
      type, std::ssize(bits), {nullptr, arrow::Buffer::FromVector(bits)}, 0));
  const std::shared_ptr<arrow::Array> canonical =
      CanonicalFloats(column->Slice(1)).ValueOrDie();  // the first left out
  EXPECT_EQ(canonical->type(), type);
  const Bits* begin = canonical->data()->GetValues<Bits>(1);
  return {begin, begin + canonical->length()};
}

TEST(CanonicalFloatsTest, ThereIsOneZeroAndOneNaN) {
  EXPECT_THAT(
      CanonicalBits<uint16_t>(arrow::float16(), {9, 0x8000, 0, 0x7C01, 0xFE00, 0xFC00, 0x3C00}),
      ElementsAre(0, 0, 0x7E00, 0x7E00, 0xFC00, 0x3C00));
  EXPECT_THAT(CanonicalBits<uint32_t>(arrow::float32(), {9, 0x80000000, 0xFF800001, 0x7F800000, 1}),
              ElementsAre(0, 0x7FC00000, 0x7F800000, 1));
  EXPECT_THAT(CanonicalBits<uint64_t>(arrow::float64(), {9, 0x8000000000000000, 0x7FF0000000000001,
                                                         0xFFF0000000000000}),
              ElementsAre(0, 0x7FF8000000000000, 0xFFF0000000000000));
}

TEST(CanonicalFloatsTest, OtherColumnsAndThoseThatAreSoStayTheSame) {
  for (const auto& type : {arrow::float64(), arrow::int64(), arrow::utf8()}) {
    const auto column = arrow::MakeEmptyArray(type).ValueOrDie();
    EXPECT_EQ(CanonicalFloats(column).ValueOrDie(), column);
  }
}

}  // namespace
}  // namespace sheaf
