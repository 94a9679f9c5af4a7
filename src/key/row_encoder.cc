#include "key/row_encoder.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace sheaf {
namespace {

using arrow::internal::checked_cast;
using Kind = ColumnForm::Kind;
__extension__ using Int128 = __int128;

constexpr int kMaxWordBytes = 16;
constexpr int64_t kMillisecondsPerDay = 86'400'000;
constexpr char kNullFirst = 0;
constexpr char kValue = 1;
constexpr char kNullLast = 2;

template <typename Acc>
Acc PowerOfTen(int exponent) {
  Acc power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

// The lowest `width` bytes set.
template <typename Acc>
Acc MaskOf(int width) {
  return width >= static_cast<int>(sizeof(Acc)) ? ~Acc{0} : (Acc{1} << (8 * width)) - 1;
}

// A signed or unsigned number, sign-extended to Acc, as its place in the order.
template <typename Acc>
struct NumberPart {
  Acc factor;
  Acc bias;
  Acc mask;

  NumberPart(const ColumnForm& form, int own_exponent)
      : factor(PowerOfTen<Acc>(form.exponent - own_exponent)),
        bias(form.kind == Kind::kSigned ? Acc{1} << (8 * form.width - 1) : 0),
        mask(MaskOf<Acc>(form.width)) {}

  Acc operator()(Acc value) const { return (value * factor + bias) & mask; }
};

template <typename Float>
Float Canonical(Float value) {
  if (std::isnan(value)) return std::numeric_limits<Float>::quiet_NaN();
  return value == 0 ? Float{0} : value;
}

template <typename Bits>
Bits OrderedBits(Bits bits) {
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  return static_cast<Bits>((bits & kSign) != 0 ? ~bits : bits | kSign);
}

template <typename Acc>
Acc FloatPart(double value, int width) {
  value = Canonical(value);
  if (width == 4) return OrderedBits(std::bit_cast<uint32_t>(static_cast<float>(value)));
  return OrderedBits(std::bit_cast<uint64_t>(value));
}

// Calls sink(row, part) with the place of each float, given by its `Bits`; `to_double` converts them.
// Exact places come from the bits themselves: a conversion changes some NaNs.
template <typename Acc, typename Bits, typename ToDouble, typename Sink>
void FloatParts(const EncodedColumn& column, const arrow::Array& array, ToDouble to_double,
                Sink&& sink) {
  const Bits* raw = array.data()->GetValues<Bits>(1);
  for (int64_t i = 0; i < array.length(); ++i) {
    sink(i, column.exact_floats ? Acc{OrderedBits(raw[i])}
                                : FloatPart<Acc>(to_double(raw[i]), column.form.width));
  }
}

// Calls sink(row, part) with the place of each row's value in the order, in form.width bytes.
// What a null row yields is unspecified.
template <typename Acc, typename C, typename Sink>
void NumberParts(const arrow::Array& array, const NumberPart<Acc>& part, Sink&& sink) {
  const C* raw = array.data()->GetValues<C>(1);
  for (int64_t i = 0; i < array.length(); ++i) {
    sink(i, part(static_cast<Acc>(static_cast<Int128>(raw[i]))));  // extends the sign
  }
}

Uint128 LowBits(const uint8_t* little_endian) {
  Uint128 value;
  std::memcpy(&value, little_endian, sizeof(value));
  return value;
}

template <typename Acc, typename Sink>
arrow::Status Parts(const EncodedColumn& column, const arrow::Array& array, Sink&& sink) {
  ARROW_ASSIGN_OR_RAISE(const ColumnForm own, FormOf(*array.type()));
  NumberPart<Acc> part(column.form, own.exponent);
  const int64_t rows = array.length();
  switch (array.type_id()) {
    case arrow::Type::INT8:
      NumberParts<Acc, int8_t>(array, part, sink);
      break;
    case arrow::Type::INT16:
      NumberParts<Acc, int16_t>(array, part, sink);
      break;
    case arrow::Type::DATE32:
      part.factor = kMillisecondsPerDay;
      [[fallthrough]];
    case arrow::Type::INT32:
    case arrow::Type::TIME32:
    case arrow::Type::DECIMAL32:
      NumberParts<Acc, int32_t>(array, part, sink);
      break;
    case arrow::Type::INT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
    case arrow::Type::DECIMAL64:
      NumberParts<Acc, int64_t>(array, part, sink);
      break;
    case arrow::Type::UINT8:
      NumberParts<Acc, uint8_t>(array, part, sink);
      break;
    case arrow::Type::UINT16:
      NumberParts<Acc, uint16_t>(array, part, sink);
      break;
    case arrow::Type::UINT32:
      NumberParts<Acc, uint32_t>(array, part, sink);
      break;
    case arrow::Type::UINT64:
      NumberParts<Acc, uint64_t>(array, part, sink);
      break;
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      // The form says that the value fits, so its low bits are all of it.
      const auto& fixed = checked_cast<const arrow::FixedSizeBinaryArray&>(array);
      for (int64_t i = 0; i < rows; ++i) {
        sink(i, part(static_cast<Acc>(LowBits(fixed.GetValue(i)))));
      }
      break;
    }
    case arrow::Type::BOOL: {
      const auto& boolean = checked_cast<const arrow::BooleanArray&>(array);
      for (int64_t i = 0; i < rows; ++i) sink(i, static_cast<Acc>(boolean.Value(i) ? 1 : 0));
      break;
    }
    case arrow::Type::HALF_FLOAT:
      FloatParts<Acc, uint16_t>(
          column, array, [](uint16_t b) { return arrow::util::Float16::FromBits(b).ToDouble(); },
          sink);
      break;
    case arrow::Type::FLOAT:
      FloatParts<Acc, uint32_t>(
          column, array, [](uint32_t b) { return double{std::bit_cast<float>(b)}; }, sink);
      break;
    case arrow::Type::DOUBLE:
      FloatParts<Acc, uint64_t>(
          column, array, [](uint64_t b) { return std::bit_cast<double>(b); }, sink);
      break;
    default:
      return arrow::Status::TypeError(array.type()->ToString(), " has no fixed width");
  }
  return arrow::Status::OK();
}

char NullByte(const EncodedColumn& column) { return column.nulls_first ? kNullFirst : kNullLast; }

// Adds one column to the words of each row, below the columns before it.
template <typename Acc>
arrow::Status AddToWords(const EncodedColumn& column, const arrow::Array& array,
                         std::vector<Acc>* words) {
  const int value_bits = 8 * column.form.width;
  const int bits = value_bits + (column.nullable ? 8 : 0);
  const Acc flip = column.descending ? MaskOf<Acc>(column.form.width) : 0;
  const bool whole_word = bits == static_cast<int>(8 * sizeof(Acc));
  return Parts<Acc>(column, array, [&](int64_t i, Acc part) {
    part ^= flip;
    if (column.nullable) {
      const bool null = array.IsNull(i);
      if (null) part = 0;
      part |= static_cast<Acc>(null ? NullByte(column) : kValue) << value_bits;
    }
    Acc& word = (*words)[static_cast<size_t>(i)];
    word = whole_word ? part : (word << bits) | part;
  });
}

template <typename Acc>
arrow::Result<KeyVector> EncodeWords(const std::vector<EncodedColumn>& columns,
                                     const std::vector<std::shared_ptr<arrow::Array>>& arrays) {
  std::vector<Acc> words(static_cast<size_t>(arrays[0]->length()));
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_RETURN_NOT_OK(AddToWords(columns[c], *arrays[c], &words));
  }
  return KeyVector(std::move(words));
}

std::string_view BytesAt(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return checked_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case arrow::Type::FIXED_SIZE_BINARY:
      return checked_cast<const arrow::FixedSizeBinaryArray&>(array).GetView(i);
    case arrow::Type::EXTENSION:
      return BytesAt(*checked_cast<const arrow::ExtensionArray&>(array).storage(), i);
    default:
      return checked_cast<const arrow::BinaryArray&>(array).GetView(i);
  }
}

void AppendBytes(std::string_view value, bool ends_row, std::string* out) {
  if (ends_row) {
    out->append(value);
    return;
  }
  for (const char c : value) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xFF');
  }
  out->append(2, '\0');
}

void AppendBigEndian(Uint128 part, int width, std::string* out) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint8_t>(part >> shift)));
  }
}

void AppendDecimal256(const arrow::Array& array, int64_t i, const ColumnForm& form,
                      int own_exponent, std::string* out) {
  arrow::Decimal256 value;
  if (array.type_id() == arrow::Type::DECIMAL256) {
    value = arrow::Decimal256(checked_cast<const arrow::Decimal256Array&>(array).GetValue(i));
  } else {  // any narrower number, through its 16-byte form
    const ColumnForm narrow{Kind::kSigned, kMaxWordBytes, own_exponent};
    const auto take = [&](int64_t, Uint128 part) {
      const Uint128 number = part - (Uint128{1} << 127);
      value = arrow::Decimal256(
          arrow::Decimal128(static_cast<int64_t>(number >> 64), static_cast<uint64_t>(number)));
    };
    (void)Parts<Uint128>({.form = narrow}, *array.Slice(i, 1), take);  // FormOf accepted the type
  }
  value = arrow::Decimal256(value.IncreaseScaleBy(form.exponent - own_exponent));
  auto words = value.little_endian_array();
  words[3] ^= uint64_t{1} << 63;
  for (int w = 3; w >= 0; --w) AppendBigEndian(words[static_cast<size_t>(w)], 8, out);
}

arrow::Status AppendNested(const arrow::Array& array, int64_t i, std::string* out);

// One value, of any type, as a column of its own that does not end the row.
arrow::Status AppendElement(const arrow::Array& array, int64_t i, std::string* out) {
  if (array.IsNull(i)) {
    out->push_back(kNullLast);
    return arrow::Status::OK();
  }
  out->push_back(kValue);
  ARROW_ASSIGN_OR_RAISE(const ColumnForm form, FormOf(*array.type(), /*nested=*/true));
  if (form.kind == Kind::kNested) return AppendNested(array, i, out);
  if (form.kind == Kind::kBytes) {
    AppendBytes(BytesAt(array, i), /*ends_row=*/false, out);
    return arrow::Status::OK();
  }
  if (form.width > kMaxWordBytes) {
    AppendDecimal256(array, i, form, form.exponent, out);
    return arrow::Status::OK();
  }
  return Parts<Uint128>({.form = form, .exact_floats = true}, *array.Slice(i, 1),
                        [&](int64_t, Uint128 part) { AppendBigEndian(part, form.width, out); });
}

template <typename ListArray>
arrow::Status AppendList(const arrow::Array& array, int64_t i, std::string* out) {
  const auto& list = checked_cast<const ListArray&>(array);
  const int64_t begin = list.value_offset(i);
  for (int64_t j = begin; j < begin + list.value_length(i); ++j) {
    out->push_back(kValue);
    ARROW_RETURN_NOT_OK(AppendElement(*list.values(), j, out));
  }
  out->push_back('\0');
  return arrow::Status::OK();
}

arrow::Status AppendNested(const arrow::Array& array, int64_t i, std::string* out) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return AppendList<arrow::ListArray>(array, i, out);
    case arrow::Type::LARGE_LIST:
      return AppendList<arrow::LargeListArray>(array, i, out);
    case arrow::Type::FIXED_SIZE_LIST:
      return AppendList<arrow::FixedSizeListArray>(array, i, out);
    default:
      break;
  }
  const auto& fields = checked_cast<const arrow::StructArray&>(array);
  for (int f = 0; f < fields.num_fields(); ++f) {
    ARROW_RETURN_NOT_OK(AppendElement(*fields.field(f), i, out));
  }
  return arrow::Status::OK();
}

// Columns of varying width, a row after the other.
class StringEncoder {
 public:
  StringEncoder(const std::vector<EncodedColumn>& columns,
                const std::vector<std::shared_ptr<arrow::Array>>& arrays)
      : columns_(columns), arrays_(arrays), parts_(columns.size()) {}

  arrow::Result<KeyVector> Encode() {
    ARROW_RETURN_NOT_OK(PrepareParts());
    auto bytes = std::make_shared<std::string>();
    std::vector<size_t> ends;
    const int64_t rows = arrays_[0]->length();
    ends.reserve(static_cast<size_t>(rows));
    for (int64_t i = 0; i < rows; ++i) {
      for (size_t c = 0; c < columns_.size(); ++c) {
        ARROW_RETURN_NOT_OK(AppendColumn(c, i, bytes.get()));
      }
      ends.push_back(bytes->size());
    }
    KeyVector::Strings views;
    views.reserve(ends.size());
    size_t start = 0;
    for (const size_t end : ends) {
      views.emplace_back(bytes->data() + start, end - start);
      start = end;
    }
    return KeyVector(std::move(views), std::move(bytes));
  }

 private:
  // Fixed-width columns are encoded a column at a time, which is the fast way through them.
  arrow::Status PrepareParts() {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const ColumnForm& form = columns_[c].form;
      if (form.width == 0 || form.width > kMaxWordBytes) continue;
      parts_[c].resize(static_cast<size_t>(arrays_[c]->length()));
      ARROW_RETURN_NOT_OK(Parts<Uint128>(columns_[c], *arrays_[c], [&](int64_t i, Uint128 part) {
        parts_[c][static_cast<size_t>(i)] = part;
      }));
    }
    return arrow::Status::OK();
  }

  arrow::Status AppendColumn(size_t c, int64_t i, std::string* out) const {
    const EncodedColumn& column = columns_[c];
    const arrow::Array& array = *arrays_[c];
    if (column.nullable) {
      const bool null = array.IsNull(i);
      out->push_back(null ? NullByte(column) : kValue);
      if (null) return arrow::Status::OK();
    }
    const size_t start = out->size();
    ARROW_RETURN_NOT_OK(AppendValue(c, i, out));
    if (column.descending) {
      for (size_t b = start; b < out->size(); ++b) (*out)[b] = static_cast<char>(~(*out)[b]);
    }
    return arrow::Status::OK();
  }

  arrow::Status AppendValue(size_t c, int64_t i, std::string* out) const {
    const EncodedColumn& column = columns_[c];
    const arrow::Array& array = *arrays_[c];
    switch (column.form.kind) {
      case Kind::kBytes:
        AppendBytes(BytesAt(array, i), c + 1 == columns_.size() && !column.descending, out);
        return arrow::Status::OK();
      case Kind::kNested:
        return AppendNested(array, i, out);
      default:
        break;
    }
    if (column.form.width <= kMaxWordBytes) {
      AppendBigEndian(parts_[c][static_cast<size_t>(i)], column.form.width, out);
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(const ColumnForm own, FormOf(*array.type()));
    AppendDecimal256(array, i, column.form, own.exponent, out);
    return arrow::Status::OK();
  }

  const std::vector<EncodedColumn>& columns_;
  const std::vector<std::shared_ptr<arrow::Array>>& arrays_;
  std::vector<std::vector<Uint128>> parts_;
};

// A single text column is its own key: the views point into the array.
KeyVector ViewsOf(const std::shared_ptr<arrow::Array>& array) {
  KeyVector::Strings views(static_cast<size_t>(array->length()));
  for (int64_t i = 0; i < array->length(); ++i) views[static_cast<size_t>(i)] = BytesAt(*array, i);
  return KeyVector(std::move(views), array);
}

}  // namespace

RowEncoder::RowEncoder(std::vector<EncodedColumn> columns) : columns_(std::move(columns)) {
  for (const EncodedColumn& column : columns_) {
    if (column.form.width == 0) {
      width_ = 0;
      return;
    }
    width_ += column.form.width + (column.nullable ? 1 : 0);
  }
}

arrow::Result<KeyVector> RowEncoder::Encode(
    const std::vector<std::shared_ptr<arrow::Array>>& arrays) const {
  if (width_ > 0 && width_ <= 8) return EncodeWords<uint64_t>(columns_, arrays);
  if (width_ > 0 && width_ <= kMaxWordBytes) return EncodeWords<Uint128>(columns_, arrays);
  if (columns_.size() == 1 && columns_[0].form.kind == Kind::kBytes && !columns_[0].nullable &&
      !columns_[0].descending) {
    return ViewsOf(arrays[0]);
  }
  return StringEncoder(columns_, arrays).Encode();
}

}  // namespace sheaf
