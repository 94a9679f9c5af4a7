#include "key/key_type.h"

#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/extension/json.h>
#include <arrow/extension/opaque.h>
#include <arrow/extension/uuid.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "key/key_test_support.h"
#include "key/random_test_columns.h"

namespace sheaf {
namespace {

using arrow::TimeUnit;
using sheaf::testing::FromJson;
using sheaf::testing::KeyTypeFamilies;
using ::testing::HasSubstr;
using Kind = ColumnForm::Kind;

using TypePtr = std::shared_ptr<arrow::DataType>;

TypePtr Common(const TypePtr& a, const TypePtr& b) { return CommonType(a, b).ValueOrDie(); }

void ExpectCommon(const TypePtr& a, const TypePtr& b, const TypePtr& expected) {
  EXPECT_TRUE(Common(a, b)->Equals(*expected)) << *a << ", " << *b << ": " << *Common(a, b);
  EXPECT_TRUE(Common(b, a)->Equals(*expected)) << *b << ", " << *a << ": " << *Common(b, a);
}

TEST(KeyTypeTest, TypesCompareWithinTheirFamilyOnly) {
  const auto& families = KeyTypeFamilies();
  for (size_t f = 0; f < families.size(); ++f) {
    for (size_t g = 0; g < families.size(); ++g) {
      const auto form = CommonForm(*families[f].front(), *families[g].front());
      EXPECT_EQ(form.ok(), f == g) << *families[f].front() << " with " << *families[g].front();
      if (!form.ok()) {
        EXPECT_TRUE(form.status().IsTypeError());
        EXPECT_THAT(form.status().message(), HasSubstr(families[f].front()->ToString()));
        EXPECT_THAT(form.status().message(), HasSubstr(families[g].front()->ToString()));
      }
    }
  }
}

TEST(KeyTypeTest, TheFormDoesNotDependOnWhichTypeComesFirst) {
  for (const arrow::DataTypeVector& family : KeyTypeFamilies()) {
    for (const auto& a : family) {
      for (const auto& b : family) {
        const auto form = CommonForm(*a, *b);
        const auto turned = CommonForm(*b, *a);
        ASSERT_EQ(form.ok(), turned.ok()) << *a << " with " << *b;
        if (!form.ok()) continue;
        EXPECT_EQ(*form, *turned) << *a << " with " << *b;
      }
    }
  }
}

TEST(KeyTypeTest, IntegersOfFourBytesAtMostCompareInFour) {
  EXPECT_EQ(CommonForm(*arrow::int8(), *arrow::int32()), (ColumnForm{Kind::kSigned, 4, 0}));
  EXPECT_EQ(CommonForm(*arrow::uint8(), *arrow::uint32()), (ColumnForm{Kind::kUnsigned, 4, 0}));
  EXPECT_EQ(CommonForm(*arrow::int32(), *arrow::int64()), (ColumnForm{Kind::kSigned, 8, 0}));
}

TEST(KeyTypeTest, SignedWithUnsignedNeedTheNextWidth) {
  EXPECT_EQ(CommonForm(*arrow::int8(), *arrow::uint32()), (ColumnForm{Kind::kSigned, 8, 0}));
  EXPECT_EQ(CommonForm(*arrow::int8(), *arrow::uint64()), (ColumnForm{Kind::kSigned, 16, 0}));
  EXPECT_EQ(CommonForm(*arrow::int64(), *arrow::uint8()), (ColumnForm{Kind::kSigned, 8, 0}));
}

TEST(KeyTypeTest, DecimalsCompareAtTheLargerScale) {
  EXPECT_EQ(CommonForm(*arrow::decimal128(10, 2), *arrow::decimal128(12, 6)),
            (ColumnForm{Kind::kSigned, 8, 6}));
  EXPECT_EQ(CommonForm(*arrow::decimal128(38, 0), *arrow::decimal128(38, 38)),
            (ColumnForm{Kind::kSigned, 32, 38}));
  EXPECT_EQ(CommonForm(*arrow::decimal128(5, -2), *arrow::int8()),
            (ColumnForm{Kind::kSigned, 8, 0}));
}

TEST(KeyTypeTest, DecimalsThatNoNumberHoldsDoNotCompare) {
  EXPECT_FALSE(CommonForm(*arrow::decimal256(76, 0), *arrow::decimal256(76, 1)).ok());
  EXPECT_FALSE(CommonType(arrow::decimal256(76, 0), arrow::decimal256(76, 1)).ok());
}

TEST(KeyTypeTest, ExtensionsThatAreOrderedAsTheyAreStoredCompareWithThat) {
  ExpectCommon(arrow::extension::uuid(), arrow::extension::uuid(), arrow::extension::uuid());
  ExpectCommon(arrow::extension::uuid(), arrow::binary(), arrow::large_binary());
  ExpectCommon(arrow::extension::json(), arrow::utf8(), arrow::large_utf8());
  EXPECT_TRUE(CommonForm(*arrow::extension::uuid(), *arrow::utf8()).status().IsTypeError());
}

TEST(KeyTypeTest, NoOrderNoKey) {
  for (const TypePtr& type :
       {arrow::month_interval(), arrow::month_day_nano_interval(), arrow::list_view(arrow::int8()),
        arrow::dense_union({arrow::field("a", arrow::int8())}),
        arrow::extension::opaque(arrow::utf8(), "numeric", "PostgreSQL")}) {
    EXPECT_TRUE(FormOf(*type).status().IsTypeError()) << *type;
    EXPECT_TRUE(FormOf(*type, /*nested=*/true).status().IsTypeError()) << *type;
    EXPECT_THAT(FormOf(*type).status().message(), HasSubstr(type->ToString()));
  }
}

TEST(KeyTypeTest, NestedTypesHaveAnOrderButAreNoKeys) {
  for (const TypePtr& type :
       {arrow::list(arrow::int8()), arrow::large_list(arrow::int8()),
        arrow::fixed_size_list(arrow::int8(), 2), arrow::map(arrow::utf8(), arrow::int8()),
        arrow::struct_({arrow::field("a", arrow::int8())}), arrow::null()}) {
    EXPECT_FALSE(FormOf(*type).ok()) << *type;
    EXPECT_EQ(FormOf(*type, /*nested=*/true).ValueOrDie().kind, Kind::kNested) << *type;
    EXPECT_FALSE(CommonForm(*type, *type).ok()) << *type;
  }
}

TEST(KeyTypeTest, ATypeIsItsOwnCommonType) {
  for (const arrow::DataTypeVector& family : KeyTypeFamilies()) {
    for (const TypePtr& type : family) ExpectCommon(type, type, type);
  }
}

TEST(KeyTypeTest, TheCommonTypeHoldsTheKeysOfBoth) {
  ExpectCommon(arrow::int8(), arrow::int16(), arrow::int32());
  ExpectCommon(arrow::int8(), arrow::int64(), arrow::int64());
  ExpectCommon(arrow::uint8(), arrow::uint16(), arrow::uint32());
  ExpectCommon(arrow::uint8(), arrow::uint64(), arrow::uint64());
  ExpectCommon(arrow::int32(), arrow::uint32(), arrow::int64());
  ExpectCommon(arrow::int8(), arrow::uint64(), arrow::decimal128(20, 0));
  ExpectCommon(arrow::int32(), arrow::decimal128(5, 2), arrow::decimal128(12, 2));
  ExpectCommon(arrow::decimal128(38, 0), arrow::decimal128(38, 10), arrow::decimal256(48, 10));
  ExpectCommon(arrow::float16(), arrow::float32(), arrow::float32());
  ExpectCommon(arrow::float32(), arrow::float64(), arrow::float64());
  ExpectCommon(arrow::date32(), arrow::date64(), arrow::date64());
  ExpectCommon(arrow::time32(TimeUnit::SECOND), arrow::time32(TimeUnit::MILLI),
               arrow::time32(TimeUnit::MILLI));
  ExpectCommon(arrow::time32(TimeUnit::SECOND), arrow::time64(TimeUnit::NANO),
               arrow::time64(TimeUnit::NANO));
  ExpectCommon(arrow::timestamp(TimeUnit::SECOND), arrow::timestamp(TimeUnit::MICRO),
               arrow::timestamp(TimeUnit::MICRO));
  ExpectCommon(arrow::duration(TimeUnit::MILLI), arrow::duration(TimeUnit::MICRO),
               arrow::duration(TimeUnit::MICRO));
  ExpectCommon(arrow::utf8(), arrow::large_utf8(), arrow::large_utf8());
  ExpectCommon(arrow::binary(), arrow::fixed_size_binary(4), arrow::large_binary());
}

TEST(KeyTypeTest, TheCommonTypeOfInstantsHasAZone) {
  const auto type = Common(arrow::timestamp(TimeUnit::SECOND, "UTC"),
                           arrow::timestamp(TimeUnit::NANO, "Europe/Berlin"));
  EXPECT_TRUE(type->Equals(*arrow::timestamp(TimeUnit::NANO, "UTC"))) << *type;
}

/// The keys of several selecting tables are cast to their common type as batches are made.
TEST(KeyTypeTest, EveryTypeCastsToItsCommonTypes) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  for (const arrow::DataTypeVector& family : KeyTypeFamilies()) {
    for (const TypePtr& a : family) {
      const auto array = arrow::MakeArrayFromScalar(*arrow::MakeNullScalar(a), 1).ValueOrDie();
      for (const TypePtr& b : family) {
        const auto common = CommonType(a, b);
        if (!common.ok()) continue;
        const auto cast = arrow::compute::Cast(*array, *common);
        EXPECT_TRUE(cast.ok()) << *a << " to " << **common << ": " << cast.status();
      }
    }
  }
}

}  // namespace
}  // namespace sheaf
