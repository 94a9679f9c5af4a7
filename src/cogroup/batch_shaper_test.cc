#include "cogroup/batch_shaper.h"

#include <arrow/util/byte_size.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_memory.h"
#include "cogroup/group_rows.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::Text;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<arrow::RecordBatch> Numbers(const std::vector<int64_t>& numbers) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(numbers).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}),
                                  static_cast<int64_t>(numbers.size()),
                                  {builder.Finish().ValueOrDie()});
}

/// Keys [first, first + counts.size()); table A has counts[k] rows of the k-th, 8 bytes each.
CutWindow WindowOf(int64_t first, const std::vector<int32_t>& counts) {
  std::vector<int64_t> keys;
  std::vector<int64_t> rows;
  std::vector<int32_t> offsets = {0};
  for (size_t k = 0; k < counts.size(); ++k) {
    keys.push_back(first + static_cast<int64_t>(k));
    rows.insert(rows.end(), static_cast<size_t>(counts[k]), keys.back());
    offsets.push_back(static_cast<int32_t>(rows.size()));
  }
  return {Numbers(keys), {{{"A", Cardinality::kOne, Numbers(rows), OffsetsArray(offsets)}, {}}}};
}

BatchShaper ShaperOf(const Job& job, std::optional<int64_t> part_bytes = std::nullopt) {
  return BatchShaper(job, MaxGroupBytes(job), part_bytes);
}

std::vector<std::string> Shape(const Job& job, std::vector<CutWindow> windows,
                               int64_t* dropped = nullptr) {
  BatchShaper shaper = ShaperOf(job);
  for (CutWindow& window : windows) EXPECT_TRUE(shaper.Add(std::move(window)).ok());
  EXPECT_TRUE(shaper.Finish().ok());
  std::vector<std::string> texts;
  int64_t index = 0;
  while (const std::optional<Batch> batch = shaper.Take().ValueOrDie()) {
    EXPECT_EQ(batch->index(), index++);
    texts.push_back(Text(*batch));
  }
  if (dropped != nullptr) *dropped = shaper.dropped_keys();
  return texts;
}

/// How many batches there are.
int Drain(BatchShaper* shaper) {
  int batches = 0;
  while (shaper->Take().ValueOrDie()) ++batches;
  return batches;
}

Job KeptJob() {
  Job job;
  job.Add(Table::Named("A").RowsPerKey(Cardinality::kOne));
  return job;
}

Job DroppingJob() {
  Job job = KeptJob();
  job.policy.missing = Policy::Missing::kDrop;
  return job;
}

TEST(BatchShaperTest, AFullWindowIsABatchThatIsNotCopied) {
  BatchShaper shaper = ShaperOf(KeptJob().MaxKeys(2));
  const CutWindow window = WindowOf(1, {1, 2});
  ASSERT_TRUE(shaper.Add(window).ok());
  const auto batch = shaper.Take().ValueOrDie();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->table("A"), window.tables[0].rows);
  EXPECT_EQ(Text(*batch), "1: A(1)\n2: A(2 2)");
}

TEST(BatchShaperTest, MoreRowsThanOffsetsHoldAreAnErrorOfTheTable) {
  constexpr int32_t kRows = 1'500'000'000;  // of a type that takes no memory
  BatchShaper shaper = ShaperOf(KeptJob());
  for (int64_t key = 0; key < 2; ++key) {
    CutWindow window = WindowOf(key, {1});
    window.tables[0].rows =
        arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::null())}), kRows,
                                 {std::make_shared<arrow::NullArray>(kRows)});
    window.tables[0].offsets = OffsetsArray({0, kRows});
    ASSERT_TRUE(shaper.Add(std::move(window)).ok());
  }
  const arrow::Status status = shaper.Finish();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("table \"A\""), HasSubstr("max_keys")));
}

TEST(BatchShaperTest, WhatIsLeftIsTheLastBatch) {
  EXPECT_THAT(Shape(KeptJob().MaxKeys(2), {WindowOf(1, {1, 1}), WindowOf(3, {1})}),
              ElementsAre("1: A(1)\n2: A(2)", "3: A(3)"));
}

TEST(BatchShaperTest, NoWindowGivesNoBatch) { EXPECT_THAT(Shape(KeptJob(), {}), IsEmpty()); }

TEST(BatchShaperTest, BatchesEndAtMaxBytesWithoutSplittingAKey) {
  EXPECT_THAT(
      Shape(KeptJob().MaxBytes(24), {WindowOf(1, {1, 1, 1, 1, 3, 0, 1})}),
      ElementsAre("1: A(1)\n2: A(2)\n3: A(3)", "4: A(4)", "5: A(5 5 5)\n6: A()", "7: A(7)"));
}

TEST(BatchShaperTest, AKeyAboveMaxBytesIsContinuedInBatchesOfItsOwn) {
  EXPECT_THAT(Shape(KeptJob().MaxBytes(16), {WindowOf(1, {1, 5, 1})}),
              ElementsAre("1: A(1)", "2: A(2 2)", "2: A(2 2)", "2: A(2)", "3: A(3)"));
  EXPECT_THAT(Shape(KeptJob().MaxBytes(1), {WindowOf(1, {2})}), ElementsAre("1: A(1)", "1: A(1)"));
}

TEST(BatchShaperTest, OnlyTheLaterBatchesOfAKeyAreContinued) {
  BatchShaper shaper = ShaperOf(KeptJob().MaxBytes(16));
  ASSERT_TRUE(shaper.Add(WindowOf(1, {1, 3, 1})).ok());
  ASSERT_TRUE(shaper.Finish().ok());
  std::vector<bool> continued;
  while (const std::optional<Batch> batch = shaper.Take().ValueOrDie())
    continued.push_back(batch->continued());
  EXPECT_THAT(continued, ElementsAre(false, false, true, false));
}

TEST(BatchShaperTest, AKeyAboveMaxBytesFillsItsBatchesTableByTable) {
  CutWindow window = WindowOf(7, {2});
  window.tables.push_back({{"R", Cardinality::kAny, Numbers({1, 2, 3}), OffsetsArray({0, 3})}, {}});
  EXPECT_THAT(Shape(KeptJob().Add(Table::Named("R")).MaxBytes(24), {window}),
              ElementsAre("7: A(7 7) R(1)", "7: A() R(2 3)"));
}

TEST(BatchShaperTest, AKeyAboveMaxBytesMayBeAnError) {
  Job job = KeptJob().MaxBytes(16);
  job.policy.oversize = Policy::Oversize::kError;
  BatchShaper shaper = ShaperOf(job);
  const arrow::Status status = shaper.Add(WindowOf(1, {1, 3}));
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("id=2"), HasSubstr("24 bytes"),
                                      HasSubstr("policy.oversize = \"continue\"")));
}

TEST(BatchShaperTest, AKeyIsCountedOnceWithAllItsRowsHoweverManyBatchesItHas) {
  BatchShaper shaper = ShaperOf(KeptJob().MaxBytes(8));
  ASSERT_TRUE(shaper.Add(WindowOf(1, {3, 0, 1, 0})).ok());
  ASSERT_TRUE(shaper.Finish().ok());
  EXPECT_EQ(Drain(&shaper), 4);
  EXPECT_EQ(shaper.group_sizes()[0].empty(), 2);
  EXPECT_EQ(shaper.group_sizes()[0].Summary().max, 3);
}

TEST(BatchShaperTest, AKeyIsCountedOnceABatchOfItIsTaken) {
  BatchShaper shaper = ShaperOf(KeptJob().MaxKeys(2));
  ASSERT_TRUE(shaper.Add(WindowOf(1, {1, 0, 5, 0})).ok());
  EXPECT_EQ(shaper.group_sizes()[0].empty(), 0);
  ASSERT_TRUE(shaper.Take().ValueOrDie());
  EXPECT_EQ(shaper.group_sizes()[0].empty(), 1);
  EXPECT_EQ(shaper.group_sizes()[0].Summary().max, 1);
}

TEST(BatchShaperTest, BytesAreCountedAcrossWindows) {
  EXPECT_THAT(Shape(KeptJob().MaxBytes(24),
                    {WindowOf(1, {1}), WindowOf(2, {1}), WindowOf(3, {2}), WindowOf(4, {1})}),
              ElementsAre("1: A(1)\n2: A(2)", "3: A(3 3)\n4: A(4)"));
}

TEST(BatchShaperTest, MaxKeysStillHoldsWithMaxBytes) {
  EXPECT_THAT(
      Shape(KeptJob().MaxKeys(2).MaxBytes(1 << 20), {WindowOf(1, {1, 1}), WindowOf(3, {1})}),
      ElementsAre("1: A(1)\n2: A(2)", "3: A(3)"));
}

TEST(BatchShaperTest, HasRoomForTheKeysThatTheBatchBeingFormedStillTakes) {
  BatchShaper shaper = ShaperOf(KeptJob().MaxKeys(4).MaxBytes(32));
  EXPECT_EQ(shaper.room(), 4);
  ASSERT_TRUE(shaper.Add(WindowOf(1, {1, 1, 1})).ok());
  EXPECT_EQ(shaper.room(), 1);
  ASSERT_TRUE(shaper.Add(WindowOf(4, {1})).ok());
  EXPECT_EQ(shaper.room(), 4) << "the batch is full";
  ASSERT_TRUE(shaper.Add(WindowOf(5, {1, 5, 1})).ok());
  EXPECT_EQ(shaper.room(), 3) << "a large key has batches of its own";
}

TEST(BatchShaperTest, HasRoomForAWholeBatchWhereKeysMayBeDropped) {
  BatchShaper shaper = ShaperOf(DroppingJob().MaxKeys(4));
  ASSERT_TRUE(shaper.Add(WindowOf(1, {1, 0, 1})).ok());
  EXPECT_EQ(shaper.room(), 4);
}

TEST(BatchShaperTest, WindowsAreSmallWhereBytesEndABatch) {
  EXPECT_EQ(WindowKeys(KeptJob().MaxKeys(65536)), 65536);
  EXPECT_LT(WindowKeys(KeptJob().MaxKeys(65536).MaxBytes(1)), 65536);
  EXPECT_EQ(WindowKeys(KeptJob().MaxKeys(3).MaxBytes(1)), 3);
}

TEST(BatchShaperTest, KeysWithoutTheirOneRowAreKeptUnlessDropped) {
  EXPECT_THAT(Shape(KeptJob(), {WindowOf(1, {0, 1})}), ElementsAre("1: A()\n2: A(2)"));
  EXPECT_THAT(Shape(DroppingJob(), {WindowOf(1, {0, 1})}), ElementsAre("2: A(2)"));
}

TEST(BatchShaperTest, ABatchPromisesOneRowUnlessSecondOnesAreKept) {
  for (const auto& [duplicate, delivered] :
       {std::pair(Policy::Duplicate::kFirst, Cardinality::kOne),
        std::pair(Policy::Duplicate::kKeep, Cardinality::kAny)}) {
    Job job = KeptJob();
    job.policy.duplicate = duplicate;
    BatchShaper shaper = ShaperOf(job);
    ASSERT_TRUE(shaper.Add(WindowOf(1, {1})).ok());
    ASSERT_TRUE(shaper.Finish().ok());
    EXPECT_EQ(shaper.Take().ValueOrDie()->tables()[0].rows_per_key, delivered);
  }
}

TEST(BatchShaperTest, BatchesAreFilledUpAfterKeysWereDropped) {
  int64_t dropped = 0;
  EXPECT_THAT(
      Shape(DroppingJob().MaxKeys(3),
            {WindowOf(1, {1, 0, 2}), WindowOf(4, {0, 0, 0}), WindowOf(7, {1, 1, 1})}, &dropped),
      ElementsAre("1: A(1)\n3: A(3 3)\n7: A(7)", "8: A(8)\n9: A(9)"));
  EXPECT_EQ(dropped, 4);
}

/// Moves the rows of the group to disk.
CutWindow WithLarge(CutWindow window, int64_t group) {
  TableShare& table = window.tables[0];
  const int32_t begin = table.offsets->Value(group);
  const int32_t count = table.offsets->Value(group + 1) - begin;
  const auto schema = table.rows->schema();
  auto large = std::make_shared<LargeRows>(
      schema, std::make_shared<GroupOrder>(GroupOrder::Make(*schema, {}, Ties::kAny).ValueOrDie()),
      SpillFile::Create(SpillDirectory(), schema).ValueOrDie(), /*run_bytes=*/16);
  EXPECT_TRUE(large->Add(table.rows->Slice(begin, count)).ok());
  EXPECT_TRUE(large->Finish().ok());
  std::vector<int32_t> offsets;
  for (int64_t k = 0; k < table.offsets->length(); ++k) {
    offsets.push_back(table.offsets->Value(k) - (k > group ? count : 0));
  }
  table.rows = arrow::ConcatenateRecordBatches(
                   {table.rows->Slice(0, begin), table.rows->Slice(begin + count)})
                   .ValueOrDie();
  table.offsets = OffsetsArray(std::move(offsets));
  table.large.push_back({group, std::move(large)});
  return window;
}

TEST(BatchShaperTest, RowsOnDiskMakeTheSameBatches) {
  for (const int64_t max_bytes : {1, 16, 24, 40, 1 << 20}) {
    const Job job = KeptJob().MaxKeys(3).MaxBytes(max_bytes);
    const CutWindow window = WindowOf(1, {1, 5, 1, 2, 1});
    EXPECT_EQ(Shape(job, {WithLarge(window, 1)}), Shape(job, {window})) << max_bytes;
    EXPECT_EQ(Shape(job, {WithLarge(WithLarge(window, 1), 3)}), Shape(job, {window})) << max_bytes;
  }
}

TEST(BatchShaperTest, RowsOnDiskAreNeitherMissingNorUncounted) {
  int64_t dropped = 0;
  EXPECT_THAT(Shape(DroppingJob(), {WithLarge(WindowOf(1, {0, 2, 0, 1}), 1)}, &dropped),
              ElementsAre("2: A(2 2)\n4: A(4)"));
  EXPECT_EQ(dropped, 2);
  BatchShaper shaper = ShaperOf(KeptJob());
  ASSERT_TRUE(shaper.Add(WithLarge(WindowOf(1, {1, 4}), 1)).ok());
  ASSERT_TRUE(shaper.Finish().ok());
  EXPECT_EQ(Drain(&shaper), 1);
  EXPECT_EQ(shaper.group_sizes()[0].Summary().max, 4);
}

TEST(BatchShaperTest, AKeyAboveItsPartOfTheMemoryIsContinuedToo) {
  Job job = KeptJob();
  BatchShaper shaper(job, /*max_group_bytes=*/16, std::nullopt);
  ASSERT_TRUE(shaper.Add(WindowOf(1, {1, 3, 2})).ok());
  ASSERT_TRUE(shaper.Finish().ok());
  std::vector<std::string> texts;
  while (const std::optional<Batch> batch = shaper.Take().ValueOrDie()) {
    texts.push_back((batch->continued() ? "on " : "") + Text(*batch));
  }
  EXPECT_THAT(texts, ElementsAre("1: A(1)", "2: A(2 2)", "on 2: A(2)", "3: A(3 3)"));

  job.policy.oversize = Policy::Oversize::kError;
  BatchShaper strict(job, /*max_group_bytes=*/16, std::nullopt);
  const arrow::Status status = strict.Add(WindowOf(1, {1, 3}));
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("id=2"), HasSubstr("raise batch.memory")));
}

/// Each part: its batch and what it says of itself, then its groups.
std::vector<std::string> Parts(const Job& job, int64_t part_bytes, std::vector<CutWindow> windows) {
  BatchShaper shaper = ShaperOf(job, part_bytes);
  std::vector<std::string> texts;
  const auto take = [&] {
    while (const std::optional<Batch> part = shaper.Take().ValueOrDie()) {
      texts.push_back(std::to_string(part->index()) + (part->continued() ? " on" : "") + " from " +
                      std::to_string(part->part().first_key) +
                      (part->part().last ? " last| " : "| ") + Text(*part));
    }
  };
  for (CutWindow& window : windows) {
    EXPECT_TRUE(shaper.Add(std::move(window)).ok());
    take();
  }
  EXPECT_TRUE(shaper.Finish().ok());
  take();
  return texts;
}

TEST(BatchShaperTest, WindowsOfALargeBatchAreItsPartsAndSmallOnesArePutTogether) {
  EXPECT_THAT(
      Parts(KeptJob().MaxKeys(5), 16,
            {WindowOf(1, {2}), WindowOf(2, {1}), WindowOf(3, {1, 0}), WindowOf(5, {2}),
             WindowOf(6, {1, 1})}),
      ElementsAre("0 from 0| 1: A(1 1)", "0 from 1| 2: A(2)\n3: A(3)\n4: A()",
                  "0 from 4 last| 5: A(5 5)", "1 from 0| 6: A(6)\n7: A(7)", "1 from 2 last| "));
}

TEST(BatchShaperTest, APartEndsWhereItsBatchDoesAndBeforeAKeyThatHasBatchesOfItsOwn) {
  EXPECT_THAT(Parts(KeptJob().MaxBytes(24), 16, {WindowOf(1, {2, 2, 1}), WindowOf(4, {4, 1})}),
              ElementsAre("0 from 0 last| 1: A(1 1)", "1 from 0| 2: A(2 2)\n3: A(3)",
                          "1 from 2 last| ", "2 from 0 last| 4: A(4 4 4)",
                          "3 on from 0 last| 4: A(4)", "4 from 0 last| 5: A(5)"));
}

TEST(BatchShaperTest, WindowsThatHaveNoMoreThanAPartMakeAWholeBatch) {
  EXPECT_THAT(Parts(KeptJob().MaxKeys(2), 100, {WindowOf(1, {2, 1}), WindowOf(3, {1})}),
              ElementsAre("0 from 0 last| 1: A(1 1)\n2: A(2)", "1 from 0 last| 3: A(3)"));
}

}  // namespace
}  // namespace sheaf
