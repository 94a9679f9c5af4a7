#include "sink/key_json.h"

#include <arrow/scalar.h>
#include <arrow/type_traits.h>
#include <arrow/util/float16.h>
#include <arrow/visit_scalar_inline.h>
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

namespace sheaf {
namespace {

Json FloatJson(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

/// Hexadecimal, since it sorts as the bytes do.
std::string HexText(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

template <typename Scalar>
concept IntegerScalar = arrow::is_integer_type<typename Scalar::TypeClass>::value;

template <typename Scalar>
concept TextScalar = arrow::is_string_like_type<typename Scalar::TypeClass>::value ||
                     arrow::is_string_view_type<typename Scalar::TypeClass>::value;

struct Renderer {
  Json result;

  arrow::Status Set(Json value) {
    result = std::move(value);
    return arrow::Status::OK();
  }

  arrow::Status Render(const arrow::Scalar& scalar) {
    if (!scalar.is_valid) return Set(nullptr);
    return arrow::VisitScalarInline(scalar, this);
  }

  arrow::Status Visit(const arrow::BooleanScalar& scalar) { return Set(scalar.value); }
  arrow::Status Visit(const IntegerScalar auto& scalar) { return Set(scalar.value); }
  arrow::Status Visit(const arrow::DurationScalar& scalar) { return Set(scalar.value); }
  arrow::Status Visit(const arrow::FloatScalar& scalar) { return Set(FloatJson(scalar.value)); }
  arrow::Status Visit(const arrow::DoubleScalar& scalar) { return Set(FloatJson(scalar.value)); }
  arrow::Status Visit(const arrow::HalfFloatScalar& scalar) {
    return Set(FloatJson(arrow::util::Float16::FromBits(scalar.value).ToDouble()));
  }
  arrow::Status Visit(const TextScalar auto& scalar) { return Set(std::string(scalar.view())); }
  arrow::Status Visit(const arrow::BaseBinaryScalar& scalar) { return Set(HexText(scalar.view())); }
  arrow::Status Visit(const arrow::DictionaryScalar& scalar) {
    ARROW_ASSIGN_OR_RAISE(const auto value, scalar.GetEncodedValue());
    return Render(*value);
  }
  arrow::Status Visit(const arrow::ExtensionScalar& scalar) { return Render(*scalar.value); }
  /// Decimals, dates, times and timestamps: as text, since a JSON number would lose digits.
  arrow::Status Visit(const arrow::Scalar& scalar) { return Set(scalar.ToString()); }
};

}  // namespace

arrow::Result<Json> KeyJson(const arrow::RecordBatch& keys, int64_t row) {
  Json object = Json::object();
  for (int i = 0; i < keys.num_columns(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto scalar, keys.column(i)->GetScalar(row));
    Renderer renderer;
    ARROW_RETURN_NOT_OK(renderer.Render(*scalar));
    object[keys.column_name(i)] = std::move(renderer.result);
  }
  return object;
}

}  // namespace sheaf
