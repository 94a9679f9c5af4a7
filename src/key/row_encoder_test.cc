#include "key/row_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

#include "key/key_test_support.h"
#include "key/random_test_columns.h"

namespace sheaf {
namespace {

using sheaf::testing::Below;
using sheaf::testing::CompareValues;
using sheaf::testing::FromJson;
using sheaf::testing::KeyTypeFamilies;
using sheaf::testing::MakeRandomColumn;
using sheaf::testing::PlainValue;
using sheaf::testing::Random;
using sheaf::testing::RandomColumn;

constexpr int64_t kRows = 24;

uint64_t Seed() {
  const char* seed = std::getenv("SHEAF_RANDOM_SEED");
  const uint64_t value = seed == nullptr ? std::random_device()() : std::stoull(seed);
  ::testing::Test::RecordProperty("seed", std::to_string(value));
  return value;
}

int SignOf(int comparison) { return (comparison > 0) - (comparison < 0); }

KeyVector EncodeOne(EncodedColumn column, const std::shared_ptr<arrow::Array>& array) {
  return RowEncoder({std::move(column)}).Encode({array}).ValueOrDie();
}

/// The keys of one column that must ascend strictly.
void ExpectAscending(const EncodedColumn& column, const std::shared_ptr<arrow::Array>& array) {
  const KeyVector keys = EncodeOne(column, array);
  for (int64_t i = 0; i < array->length(); ++i) {
    for (int64_t j = 0; j < array->length(); ++j) {
      EXPECT_EQ(SignOf(CompareKeys(keys, i, keys, j)), sheaf::testing::Order(i, j))
          << array->ToString() << " at " << i << " and " << j;
    }
  }
}

EncodedColumn ColumnOf(const arrow::DataType& type, bool nested = false) {
  return {.form = FormOf(type, nested).ValueOrDie()};
}

/// A column of a random key and how it is encoded, in the types of two tables.
struct ColumnPair {
  EncodedColumn encoded;
  RandomColumn left;
  RandomColumn right;
};

ColumnPair RandomPair(Random* random, bool plain) {
  while (true) {
    const auto& family =
        KeyTypeFamilies()[static_cast<size_t>(Below(random, std::ssize(KeyTypeFamilies())))];
    const auto& left = family[static_cast<size_t>(Below(random, std::ssize(family)))];
    const auto& right = family[static_cast<size_t>(Below(random, std::ssize(family)))];
    const auto form = CommonForm(*left, *right);
    if (!form.ok()) continue;  // decimals of too many digits
    ColumnPair pair{{.form = *form}, {}, {}};
    if (!plain) {
      pair.encoded.nullable = Below(random, 2) == 0;
      pair.encoded.nulls_first = Below(random, 2) == 0;
      pair.encoded.descending = Below(random, 2) == 0;
    }
    pair.left = MakeRandomColumn(left, random, kRows, pair.encoded.nullable);
    pair.right = MakeRandomColumn(right, random, kRows, pair.encoded.nullable);
    return pair;
  }
}

int CompareColumn(const ColumnPair& pair, int64_t i, int64_t j) {
  const auto& x = pair.left.values[static_cast<size_t>(i)];
  const auto& y = pair.right.values[static_cast<size_t>(j)];
  if (!x || !y) {
    const int nulls_last = sheaf::testing::Order(!x, !y);
    return pair.encoded.nulls_first ? -nulls_last : nulls_last;
  }
  const int order = CompareValues(*x, *y);
  return pair.encoded.descending ? -order : order;
}

std::string Describe(const std::vector<ColumnPair>& key, int64_t i, int64_t j) {
  std::string text;
  for (const ColumnPair& pair : key) {
    text += pair.left.array->type()->ToString() + " " +
            pair.left.array->GetScalar(i).ValueOrDie()->ToString() + " with " +
            pair.right.array->type()->ToString() + " " +
            pair.right.array->GetScalar(j).ValueOrDie()->ToString() +
            (pair.encoded.descending ? " descending" : "") +
            (pair.encoded.nulls_first ? " nulls first" : "") + "\n";
  }
  return text;
}

void ExpectTheOrderOfTheValues(const std::vector<ColumnPair>& key) {
  std::vector<EncodedColumn> columns;
  arrow::ArrayVector left;
  arrow::ArrayVector right;
  for (const ColumnPair& pair : key) {
    columns.push_back(pair.encoded);
    left.push_back(pair.left.array);
    right.push_back(pair.right.array);
  }
  const RowEncoder encoder(columns);
  const KeyVector a = encoder.Encode(left).ValueOrDie();
  const KeyVector b = encoder.Encode(right).ValueOrDie();
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kRows; ++j) {
      int expected = 0;
      for (const ColumnPair& pair : key) {
        if (expected == 0) expected = CompareColumn(pair, i, j);
      }
      ASSERT_EQ(SignOf(CompareKeys(a, i, b, j)), expected) << Describe(key, i, j);
    }
  }
}

TEST(RowEncoderTest, KeysOfEveryPairOfTypesHaveTheOrderOfTheirValues) {
  Random random(Seed());
  for (const arrow::DataTypeVector& family : KeyTypeFamilies()) {
    for (const auto& left : family) {
      for (const auto& right : family) {
        const auto form = CommonForm(*left, *right);
        if (!form.ok()) continue;  // decimals of too many digits
        for (int round = 0; round < 4; ++round) {
          ExpectTheOrderOfTheValues({{{.form = *form},
                                      MakeRandomColumn(left, &random, kRows, false),
                                      MakeRandomColumn(right, &random, kRows, false)}});
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(RowEncoderTest, CompositeKeysCompareColumnByColumn) {
  Random random(Seed());
  for (int round = 0; round < 400; ++round) {
    std::vector<ColumnPair> key;
    const bool plain = Below(&random, 2) == 0;
    const int64_t columns = 1 + Below(&random, 4);
    while (std::ssize(key) < columns) key.push_back(RandomPair(&random, plain));
    ExpectTheOrderOfTheValues(key);
    if (HasFatalFailure()) return;
  }
}

TEST(RowEncoderTest, KeysOfSlicesAreThoseOfTheirRows) {
  Random random(Seed());
  for (const arrow::DataTypeVector& family : KeyTypeFamilies()) {
    for (const auto& type : family) {
      const RandomColumn column = MakeRandomColumn(type, &random, kRows, true);
      const EncodedColumn encoded{.form = FormOf(*type).ValueOrDie(), .nullable = true};
      const KeyVector whole = EncodeOne(encoded, column.array);
      const KeyVector slice = EncodeOne(encoded, column.array->Slice(5, 11));
      ASSERT_EQ(slice.size(), 11);
      for (int64_t i = 0; i < 11; ++i) EXPECT_EQ(CompareKeys(whole, i + 5, slice, i), 0) << *type;
    }
  }
}

TEST(RowEncoderTest, UpToEightBytesAreAWordAndUpToSixteenTwo) {
  const auto array = FromJson(arrow::int64(), "[1]");
  const EncodedColumn column = ColumnOf(*arrow::int64());
  const auto form_of = [&](std::vector<EncodedColumn> columns) {
    const arrow::ArrayVector arrays(columns.size(), array);
    return RowEncoder(std::move(columns)).Encode(arrays).ValueOrDie().values().index();
  };
  EncodedColumn nullable = column;
  nullable.nullable = true;
  EXPECT_EQ(form_of({column}), 0U);
  EXPECT_EQ(form_of({nullable}), 1U);
  EXPECT_EQ(form_of({column, column}), 1U);
  EXPECT_EQ(form_of({column, nullable}), 2U);
}

TEST(RowEncoderTest, OneTextColumnIsNotCopied) {
  const auto array = FromJson(arrow::utf8(), R"(["a", "b"])");
  const KeyVector keys = EncodeOne(ColumnOf(*arrow::utf8()), array);
  EXPECT_EQ(std::get<KeyVector::Strings>(keys.values())[0].data(),
            static_cast<const arrow::StringArray&>(*array).GetView(0).data());
}

TEST(RowEncoderTest, KeysKeepTheirBytesAlive) {
  auto array = FromJson(arrow::utf8(), R"(["some text that is not short", "other"])");
  const KeyVector keys = EncodeOne(ColumnOf(*arrow::utf8()), array);
  array.reset();
  EXPECT_EQ(std::get<KeyVector::Strings>(keys.values())[0], "some text that is not short");
}

TEST(RowEncoderTest, TextWithZeroBytesDoesNotRunIntoTheNextColumn) {
  // Without an escape ("a", "\0b") and ("a\0", "b") would be one key.
  arrow::StringBuilder first;
  arrow::StringBuilder second;
  for (const auto& [a, b] :
       std::vector<std::pair<std::string, std::string>>{{"a", std::string("\0b", 2)},
                                                        {"a", "b"},
                                                        {std::string("a\0", 2), "b"},
                                                        {std::string("a\0\0", 3), ""},
                                                        {std::string("a\0\x01", 3), ""},
                                                        {std::string("a\0\xFF", 3), ""},
                                                        {"a\x01", ""}}) {
    ASSERT_TRUE(first.Append(a).ok());
    ASSERT_TRUE(second.Append(b).ok());
  }
  const EncodedColumn column = ColumnOf(*arrow::utf8());
  const KeyVector keys = RowEncoder({column, column})
                             .Encode({first.Finish().ValueOrDie(), second.Finish().ValueOrDie()})
                             .ValueOrDie();
  EXPECT_EQ(keys.FirstOutOfOrder(), keys.size());
  EXPECT_EQ(std::ssize(keys.RunStarts()), keys.size());
}

TEST(RowEncoderTest, ADayOfDate32IsThatDayOfDate64) {
  const EncodedColumn column{.form = CommonForm(*arrow::date32(), *arrow::date64()).ValueOrDie()};
  const KeyVector days = EncodeOne(column, FromJson(arrow::date32(), "[1, 19000, -1]"));
  const KeyVector milliseconds =
      EncodeOne(column, FromJson(arrow::date64(), "[86400000, 1641600000000, -86400000]"));
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(CompareKeys(days, i, milliseconds, i), 0);
}

TEST(RowEncoderTest, NegativeZeroEqualsZeroAndEveryNanIsOneKeyAboveInfinity) {
  arrow::DoubleBuilder builder;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(
      builder.AppendValues({-0.0, 0.0, std::numeric_limits<double>::infinity(), nan, -nan}).ok());
  const KeyVector keys = EncodeOne(ColumnOf(*arrow::float64()), builder.Finish().ValueOrDie());
  EXPECT_EQ(CompareKeys(keys, 0, keys, 1), 0);
  EXPECT_EQ(CompareKeys(keys, 3, keys, 4), 0);
  EXPECT_LT(CompareKeys(keys, 2, keys, 3), 0);
}

TEST(RowEncoderTest, ExactFloatsTellEveryBitPatternApart) {
  arrow::DoubleBuilder doubles;
  for (const uint64_t bits : {0x0000000000000000UL, 0x8000000000000000UL, 0x7FF0000000000001UL,
                              0x7FF8000000000001UL, 0xFFF0000000000001UL, 0xFFF8000000000001UL}) {
    ASSERT_TRUE(doubles.Append(std::bit_cast<double>(bits)).ok());
  }
  arrow::FloatBuilder floats;
  for (const uint32_t bits :
       {0x00000000U, 0x80000000U, 0x7F800001U, 0x7FC00001U, 0xFF800001U, 0xFFC00001U}) {
    ASSERT_TRUE(floats.Append(std::bit_cast<float>(bits)).ok());
  }
  arrow::HalfFloatBuilder halves;
  for (const uint16_t bits : {0x0000, 0x8000, 0x7C01, 0x7E01, 0xFC01, 0xFE01}) {
    ASSERT_TRUE(halves.Append(bits).ok());
  }
  for (arrow::ArrayBuilder* builder :
       std::initializer_list<arrow::ArrayBuilder*>{&doubles, &floats, &halves}) {
    const auto array = builder->Finish().ValueOrDie();
    EncodedColumn column = ColumnOf(*array->type());
    column.exact_floats = true;
    const KeyVector keys = EncodeOne(column, array);
    for (int64_t i = 0; i < array->length(); ++i) {
      for (int64_t j = 0; j < i; ++j) {
        EXPECT_NE(CompareKeys(keys, i, keys, j), 0) << *array->type() << " " << i << " " << j;
      }
    }
  }
}

TEST(RowEncoderTest, ListsCompareElementByElement) {
  const auto type = arrow::list(arrow::int32());
  ExpectAscending(ColumnOf(*type, true),
                  FromJson(type, "[[], [-5], [1], [1, 1], [1, 2], [1, null], [2], [null]]"));
  const auto large = arrow::large_list(arrow::utf8());
  ExpectAscending(ColumnOf(*large, true),
                  FromJson(large, R"([[], [""], ["", "b"], ["a"], ["a", ""], ["ab"]])"));
  const auto fixed = arrow::fixed_size_list(arrow::float32(), 2);
  ExpectAscending(ColumnOf(*fixed, true), FromJson(fixed, "[[-1, 5], [0, 0], [0, 1], [7, -7]]"));
}

TEST(RowEncoderTest, StructsCompareFieldByField) {
  const auto type = arrow::struct_(
      {arrow::field("a", arrow::utf8()), arrow::field("b", arrow::decimal256(60, 2))});
  ExpectAscending(ColumnOf(*type, true),
                  FromJson(type, R"([["", "1.00"], ["a", "-1.00"], ["a", "0.50"], ["a", null],
                                     ["ab", "0.00"], [null, "0.00"], [null, null]])"));
}

TEST(RowEncoderTest, MapsCompareEntryByEntry) {
  const auto type = arrow::map(arrow::utf8(), arrow::boolean());
  ExpectAscending(ColumnOf(*type, true),
                  FromJson(type, R"([[], [["a", false]], [["a", false], ["b", true]], [["a", true]],
                                     [["a", null]], [["b", false]]])"));
}

TEST(RowEncoderTest, NestedValuesOfSlicesAreThoseOfTheirRows) {
  const auto type = arrow::list(arrow::struct_({arrow::field("a", arrow::int8())}));
  const auto array = FromJson(type, "[[[9]], [], [[1]], [[1], [2]], [[3]]]");
  ExpectAscending(ColumnOf(*type, true), array->Slice(1));
  const auto structs = arrow::struct_({arrow::field("a", arrow::int8())});
  ExpectAscending(ColumnOf(*structs, true), FromJson(structs, "[[9], [1], [2], [3]]")->Slice(1));
}

TEST(RowEncoderTest, NestedColumnsDescendAndPlaceNulls) {
  const auto type = arrow::list(arrow::int32());
  EncodedColumn column = ColumnOf(*type, true);
  column.nullable = column.descending = column.nulls_first = true;
  ExpectAscending(column, FromJson(type, "[null, [2], [1, 2], [1], []]"));
}

TEST(RowEncoderTest, AColumnOfNullsHasAnOrderAmongOthers) {
  const EncodedColumn nulls{.form = FormOf(*arrow::null(), /*nested=*/true).ValueOrDie(),
                            .nullable = true};
  const KeyVector keys =
      RowEncoder({nulls, ColumnOf(*arrow::int32())})
          .Encode({FromJson(arrow::null(), "[null, null]"), FromJson(arrow::int32(), "[1, 2]")})
          .ValueOrDie();
  EXPECT_LT(CompareKeys(keys, 0, keys, 1), 0);
}

}  // namespace
}  // namespace sheaf
