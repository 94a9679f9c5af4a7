#include "key/canonical_floats.h"

#include <arrow/buffer.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sheaf {
namespace {

// `kInfinity`: its bits.
template <typename Bits, Bits kInfinity>
Bits Canonical(Bits bits) {
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  constexpr auto kNaN = static_cast<Bits>(kInfinity | (kInfinity >> 1));
  const auto magnitude = static_cast<Bits>(bits & kMagnitude);
  if (magnitude == 0) return 0;
  return magnitude > kInfinity ? kNaN : bits;
}

template <typename Bits, Bits kInfinity>
arrow::Result<std::shared_ptr<arrow::Array>> Canonical(std::shared_ptr<arrow::Array> column) {
  const Bits* const bits = column->data()->GetValues<Bits>(1);
  const Bits* const end = bits + column->length();
  const auto is_canonical = [](Bits b) { return Canonical<Bits, kInfinity>(b) == b; };
  if (std::all_of(bits, end, is_canonical)) return column;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values,
                        arrow::AllocateBuffer((end - bits) * static_cast<int64_t>(sizeof(Bits))));
  std::transform(bits, end, reinterpret_cast<Bits*>(values->mutable_data()),
                 [](Bits b) { return Canonical<Bits, kInfinity>(b); });
  return arrow::MakeArray(
      arrow::ArrayData::Make(column->type(), end - bits, {nullptr, std::move(values)}, 0));
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> CanonicalFloats(std::shared_ptr<arrow::Array> column) {
  switch (column->type_id()) {
    case arrow::Type::HALF_FLOAT:
      return Canonical<uint16_t, 0x7C00>(std::move(column));
    case arrow::Type::FLOAT:
      return Canonical<uint32_t, 0x7F800000>(std::move(column));
    case arrow::Type::DOUBLE:
      return Canonical<uint64_t, 0x7FF0000000000000>(std::move(column));
    default:
      return column;
  }
}

}  // namespace sheaf
