// How nested values stand as bytes, so that they are moved, kept and written to disk as texts are.
//
//   list<int32>  [7 null 9]  ->  03      02 05         07000000 00000000 09000000
//                                length  some valid    items, with what stands for a null
//                                        (a bit each)
//
// Values that stand together, as the items of a list or a field of a struct, are a small column:
//
//   which are valid | of fixed width: the values     of texts: the lengths, then all bytes
//                   | of lists: the lengths, then the items of all     of structs: field after field
//                   | of unions: the type codes, then child after child
//
// A value of its own begins with what follows "which are valid".
#pragma once

#include <arrow/type.h>

#include <cstdint>
#include <memory>

namespace sheaf {

/// What is said first of values that stand together, but for types that have no nulls of their own.
enum class PackedNulls : uint8_t {
  kNone,
  kAll,   ///< Nothing follows.
  kSome,  ///< A bit a value follows: 1 where it is valid.
};

/// Lengths from this on take eight bytes, after one of this value.
constexpr uint8_t kLongLength = 255;

/// The type as whose values those of an extension type stand; of all others themselves.
std::shared_ptr<arrow::DataType> StorageOf(const std::shared_ptr<arrow::DataType>& type);

/// False of unions, whose children have nulls, and of nulls alone.
bool HasOwnNulls(const arrow::DataType& storage);

}  // namespace sheaf
