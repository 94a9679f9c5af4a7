#include "cogroup/row_builder.h"

#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "cogroup/random_rows_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::AllLayouts;
using sheaf::testing::RandomRows;
using sheaf::testing::WithViews;

// Portions of rows that stand and of rows that are named, with nulls in later ones only.
TEST(RowBuilderTest, PortionsFollowEachOtherWhateverTheirTypesAndLengths) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RowBuilder builder(AllLayouts());
  builder.Expect(8);
  for (int batch = 0; batch < 3; ++batch) {
    RowBuilder::Pieces expected;
    for (int portion = 0; portion < 20; ++portion) {
      const auto length = static_cast<int>(1 + random() % 300);
      const int nulls = portion < 5 ? 0 : static_cast<int>(random() % 5);
      const auto rows = RandomRows(&random, length + 1, nulls)->Slice(1);
      const auto piece = random() % 2 == 0 ? rows : WithViews(rows);
      if (random() % 2 == 0) {
        ASSERT_TRUE(builder.Append(piece).ok());
        expected.push_back(rows);
        continue;
      }
      std::vector<RowRef> refs;
      std::vector<int64_t> numbers;
      for (int i = 0; i < length; ++i) {
        const auto row = static_cast<uint32_t>(random() % static_cast<unsigned>(length));
        refs.push_back({0, row});
        numbers.push_back(row);
      }
      ASSERT_TRUE(builder.Append({piece}, refs).ok());
      const arrow::Int64Array indices(length, arrow::Buffer::Wrap(numbers));
      expected.push_back(arrow::compute::Take(rows, indices).ValueOrDie().record_batch());
    }
    const auto built = builder.Finish().ValueOrDie();
    ASSERT_TRUE(built->ValidateFull().ok()) << built->ValidateFull();
    EXPECT_TRUE(built->Equals(*arrow::ConcatenateRecordBatches(expected).ValueOrDie()));
  }
}

TEST(RowBuilderTest, NoRowsAreABatchOfTheSchema) {
  const auto built = RowBuilder(AllLayouts()).Finish().ValueOrDie();
  EXPECT_EQ(built->num_rows(), 0);
  EXPECT_TRUE(built->schema()->Equals(*AllLayouts()));
}

}  // namespace
}  // namespace sheaf
