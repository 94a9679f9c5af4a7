#include "key/key_type.h"

#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <string>

namespace sheaf {
namespace {

using arrow::internal::checked_cast;
using Kind = ColumnForm::Kind;

constexpr int kMaxExponent64 = 18;   // 10^18 fits in 64 signed bits
constexpr int kMaxExponent128 = 38;  // 10^38 fits in 128 signed bits
constexpr int kMaxDecimalDigits = 76;

int UnitExponent(arrow::TimeUnit::type unit) { return static_cast<int>(unit) * 3; }

// The unit of a time, timestamp or duration.
arrow::TimeUnit::type UnitOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::TIMESTAMP:
      return checked_cast<const arrow::TimestampType&>(type).unit();
    case arrow::Type::DURATION:
      return checked_cast<const arrow::DurationType&>(type).unit();
    default:
      return checked_cast<const arrow::TimeType&>(type).unit();
  }
}

arrow::TimeUnit::type UnitOf(int exponent) {
  return static_cast<arrow::TimeUnit::type>(exponent / 3);
}

int WidthOfDigits(int digits) {
  if (digits <= kMaxExponent64) return 8;
  return digits <= kMaxExponent128 ? 16 : 32;
}

// What may be compared with what: types of one family, and nothing else.
enum class Family {
  kNumber,
  kFloat,
  kBoolean,
  kDate,
  kTime,
  kTimestamp,
  kInstant,
  kDuration,
  kText,
  kBinary,
  kNested,
  kNone
};

// The extension types whose order is that of their bytes.
bool IsOrderedAsStored(const arrow::ExtensionType& type) {
  const std::string name = type.extension_name();
  return name == "arrow.uuid" || name == "arrow.json";
}

Family FamilyOf(const arrow::DataType& type) {
  const arrow::Type::type id = type.id();
  if (arrow::is_integer(id) || arrow::is_decimal(id)) return Family::kNumber;
  if (arrow::is_floating(id)) return Family::kFloat;
  switch (id) {
    case arrow::Type::BOOL:
      return Family::kBoolean;
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return Family::kDate;
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return Family::kTime;
    case arrow::Type::TIMESTAMP:
      return checked_cast<const arrow::TimestampType&>(type).timezone().empty() ? Family::kTimestamp
                                                                                : Family::kInstant;
    case arrow::Type::DURATION:
      return Family::kDuration;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return Family::kText;
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return Family::kBinary;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
    case arrow::Type::NA:  // orders nothing, as a struct without fields
      return Family::kNested;
    case arrow::Type::EXTENSION: {
      const auto& extension = checked_cast<const arrow::ExtensionType&>(type);
      return IsOrderedAsStored(extension) ? FamilyOf(*extension.storage_type()) : Family::kNone;
    }
    default:
      return Family::kNone;
  }
}

ColumnForm IntegerForm(const arrow::DataType& type) {
  const int width = arrow::bit_width(type.id()) / 8;
  return {arrow::is_signed_integer(type.id()) ? Kind::kSigned : Kind::kUnsigned, width <= 4 ? 4 : 8,
          0};
}

// Digits before the decimal point, for the numbers of one family.
int WholeDigits(const arrow::DataType& type) {
  if (arrow::is_decimal(type.id())) {
    const auto& decimal = checked_cast<const arrow::DecimalType&>(type);
    return decimal.precision() - decimal.scale();
  }
  switch (arrow::bit_width(type.id())) {
    case 8:
      return 3;
    case 16:
      return 5;
    case 32:
      return 10;
    default:
      return 20;
  }
}

int ScaleOf(const arrow::DataType& type) {
  return arrow::is_decimal(type.id()) ? checked_cast<const arrow::DecimalType&>(type).scale() : 0;
}

arrow::Status DontCompare(const arrow::DataType& a, const arrow::DataType& b) {
  return arrow::Status::TypeError(a.ToString(), " does not compare with ", b.ToString());
}

arrow::Status NoKey(const arrow::DataType& type) {
  return arrow::Status::TypeError(type.ToString(), " can't be a key");
}

arrow::Result<ColumnForm> CommonNumberForm(const arrow::DataType& a, const arrow::DataType& b) {
  if (arrow::is_integer(a.id()) && arrow::is_integer(b.id())) {
    return WiderForm(IntegerForm(a), IntegerForm(b));
  }
  const int scale = std::max(ScaleOf(a), ScaleOf(b));
  const int digits = std::max(WholeDigits(a), WholeDigits(b)) + scale;
  if (digits > kMaxDecimalDigits) return DontCompare(a, b);
  return ColumnForm{Kind::kSigned, WidthOfDigits(digits), scale};
}

}  // namespace

arrow::Result<ColumnForm> FormOf(const arrow::DataType& type, bool nested) {
  switch (FamilyOf(type)) {
    case Family::kNumber:
      if (arrow::is_integer(type.id())) return IntegerForm(type);
      return CommonNumberForm(type, type);
    case Family::kFloat:
      return ColumnForm{Kind::kFloat, type.id() == arrow::Type::DOUBLE ? 8 : 4, 0};
    case Family::kBoolean:
      return ColumnForm{Kind::kUnsigned, 4, 0};
    case Family::kDate:
      return ColumnForm{Kind::kSigned, 8, 0};  // in milliseconds, so that days compare with them
    case Family::kTime:
    case Family::kTimestamp:
    case Family::kInstant:
    case Family::kDuration: {
      return ColumnForm{Kind::kSigned, type.id() == arrow::Type::TIME32 ? 4 : 8,
                        UnitExponent(UnitOf(type))};
    }
    case Family::kText:
    case Family::kBinary:
      return ColumnForm{Kind::kBytes, 0, 0};
    case Family::kNested:
      if (!nested) break;
      for (const auto& field : type.fields()) {
        if (!FormOf(*field->type(), nested).ok()) return NoKey(type);
      }
      return ColumnForm{Kind::kNested, 0, 0};
    case Family::kNone:
      break;
  }
  return NoKey(type);
}

ColumnForm WiderForm(const ColumnForm& a, const ColumnForm& b) {
  if (a == b) return a;
  ColumnForm form{a.kind, std::max(a.width, b.width), std::max(a.exponent, b.exponent)};
  if (a.kind != b.kind) {  // signed with unsigned: the unsigned range needs one bit more
    form.kind = Kind::kSigned;
    const int unsigned_width = a.kind == Kind::kUnsigned ? a.width : b.width;
    form.width = std::max(form.width, unsigned_width * 2);
  }
  // A value times a power of ten may leave its own width.
  if (a.exponent != b.exponent) form.width = form.width > 8 ? 32 : 16;
  return form;
}

arrow::Result<ColumnForm> CommonForm(const arrow::DataType& a, const arrow::DataType& b) {
  const Family family = FamilyOf(a);
  if (family != FamilyOf(b)) return DontCompare(a, b);
  if (family == Family::kNumber) return CommonNumberForm(a, b);
  ARROW_ASSIGN_OR_RAISE(const ColumnForm left, FormOf(a));
  ARROW_ASSIGN_OR_RAISE(const ColumnForm right, FormOf(b));
  return WiderForm(left, right);
}

arrow::Result<std::shared_ptr<arrow::DataType>> CommonType(
    const std::shared_ptr<arrow::DataType>& a, const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  ARROW_ASSIGN_OR_RAISE(const ColumnForm form, CommonForm(*a, *b));
  switch (FamilyOf(*a)) {
    case Family::kNumber: {
      if (form.kind == Kind::kUnsigned) return form.width == 4 ? arrow::uint32() : arrow::uint64();
      if (arrow::is_integer(a->id()) && arrow::is_integer(b->id()) && form.width <= 8) {
        return form.width == 4 ? arrow::int32() : arrow::int64();
      }
      const int digits = std::max(WholeDigits(*a), WholeDigits(*b)) + form.exponent;
      if (digits <= kMaxExponent128) return arrow::decimal128(digits, form.exponent);
      return arrow::decimal256(digits, form.exponent);
    }
    case Family::kFloat:
      return form.width == 8 ? arrow::float64() : arrow::float32();
    case Family::kDate:
      return arrow::date64();
    case Family::kTime:
      return form.exponent >= 6 ? arrow::time64(UnitOf(form.exponent))
                                : arrow::time32(UnitOf(form.exponent));
    case Family::kTimestamp:
    case Family::kInstant:
      return arrow::timestamp(UnitOf(form.exponent),
                              checked_cast<const arrow::TimestampType&>(*a).timezone());
    case Family::kDuration:
      return arrow::duration(UnitOf(form.exponent));
    case Family::kText:
      return arrow::large_utf8();
    case Family::kBinary:
      return arrow::large_binary();
    case Family::kBoolean:
    case Family::kNested:
    case Family::kNone:
      break;
  }
  return DontCompare(*a, *b);
}

}  // namespace sheaf
