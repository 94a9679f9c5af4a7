#include "sink/canonical.h"

#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_run_reader.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/checked_cast.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "key/empty_rows.h"

namespace sheaf {
namespace {

using arrow::internal::checked_cast;
using DataPtr = std::shared_ptr<arrow::ArrayData>;
/// As a bitmap: one bit a row from bit 0 on, zeros behind the last; null where all bits are set.
using BufferPtr = std::shared_ptr<arrow::Buffer>;

/// What an array has beside its bitmap.
struct Content {
  arrow::BufferVector buffers;
  std::vector<DataPtr> children;
};

arrow::Result<DataPtr> Rebuild(const DataPtr& array, const BufferPtr& parent, bool nullable);

arrow::Result<BufferPtr> ZeroedBuffer(int64_t bytes) {
  ARROW_ASSIGN_OR_RAISE(BufferPtr buffer, arrow::AllocateBuffer(bytes));
  if (bytes > 0) std::memset(buffer->mutable_data(), 0, static_cast<size_t>(bytes));
  return buffer;
}

arrow::Result<BufferPtr> CopyBits(const BufferPtr& bits, int64_t offset, int64_t length) {
  ARROW_ASSIGN_OR_RAISE(BufferPtr copy, arrow::AllocateEmptyBitmap(length));
  arrow::internal::CopyBitmap(bits->data(), offset, length, copy->mutable_data(), 0);
  return copy;
}

arrow::Result<BufferPtr> BothBits(const BufferPtr& left, const BufferPtr& right, int64_t length) {
  if (left == nullptr || right == nullptr) return left == nullptr ? right : left;
  return arrow::internal::BitmapAnd(arrow::default_memory_pool(), left->data(), 0, right->data(), 0,
                                    length, 0);
}

int64_t CountNulls(const BufferPtr& validity, int64_t length) {
  return validity == nullptr ? 0
                             : length - arrow::internal::CountSetBits(validity->data(), 0, length);
}

/// The rows that are neither null nor beneath a null of `parent`.
arrow::Result<BufferPtr> Validity(const arrow::ArrayData& array, const BufferPtr& parent) {
  if (!array.MayHaveNulls()) return parent;
  ARROW_ASSIGN_OR_RAISE(const BufferPtr own,
                        CopyBits(array.buffers[0], array.offset, array.length));
  if (CountNulls(own, array.length) == 0) return parent;
  return BothBits(own, parent, array.length);
}

arrow::Result<Content> Booleans(const arrow::ArrayData& array, const BufferPtr& validity) {
  ARROW_ASSIGN_OR_RAISE(BufferPtr bits, CopyBits(array.buffers[1], array.offset, array.length));
  ARROW_ASSIGN_OR_RAISE(bits, BothBits(bits, validity, array.length));
  return Content{.buffers = {std::move(bits)}, .children = {}};
}

arrow::Result<Content> FixedWidth(const arrow::ArrayData& array, const BufferPtr& validity) {
  const int64_t width = array.type->byte_width();
  BufferPtr values = arrow::SliceBuffer(array.buffers[1], array.offset * width,  //
                                        array.length * width);
  if (validity == nullptr) return Content{.buffers = {std::move(values)}, .children = {}};
  ARROW_ASSIGN_OR_RAISE(BufferPtr shown, ZeroedBuffer(values->size()));
  arrow::internal::VisitSetBitRunsVoid(
      validity, 0, array.length, [&](int64_t start, int64_t length) {
        std::memcpy(shown->mutable_data() + start * width, values->data() + start * width,
                    static_cast<size_t>(length * width));
      });
  return Content{.buffers = {std::move(shown)}, .children = {}};
}

struct Range {
  int64_t start;
  int64_t length;
};

/// What lists or strings show of the values behind them, and the offsets into just that.
struct Shown {
  BufferPtr offsets;
  std::vector<Range> ranges;  ///< None is empty, none follows another without a gap.
};

void Extend(std::vector<Range>* ranges, Range next) {
  if (next.length == 0) return;
  if (!ranges->empty() && ranges->back().start + ranges->back().length == next.start) {
    ranges->back().length += next.length;
  } else {
    ranges->push_back(next);
  }
}

template <typename Offset>
arrow::Result<Shown> ShownBy(const arrow::ArrayData& array, const BufferPtr& validity) {
  Shown shown;
  ARROW_ASSIGN_OR_RAISE(shown.offsets, ZeroedBuffer((array.length + 1) * int64_t{sizeof(Offset)}));
  const auto* from = array.GetValues<Offset>(1);
  auto* to = shown.offsets->template mutable_data_as<Offset>();
  int64_t row = 0;
  const auto add_empty_rows_up_to = [&](int64_t end) {
    for (; row < end; ++row) to[row + 1] = to[row];
  };
  arrow::internal::VisitSetBitRunsVoid(
      validity, 0, array.length, [&](int64_t start, int64_t length) {
        add_empty_rows_up_to(start);
        const Offset shift = to[start] - from[start];
        for (; row < start + length; ++row) to[row + 1] = from[row + 1] + shift;
        Extend(&shown.ranges, {.start = from[start], .length = from[row] - from[start]});
      });
  add_empty_rows_up_to(array.length);
  return shown;
}

template <typename Offset>
arrow::Result<Content> Strings(const arrow::ArrayData& array, const BufferPtr& validity) {
  ARROW_ASSIGN_OR_RAISE(Shown shown, ShownBy<Offset>(array, validity));
  BufferPtr bytes;
  if (shown.ranges.size() == 1) {
    bytes = arrow::SliceBuffer(array.buffers[2], shown.ranges[0].start, shown.ranges[0].length);
  } else {
    ARROW_ASSIGN_OR_RAISE(
        bytes, arrow::AllocateBuffer(shown.offsets->template data_as<Offset>()[array.length]));
    uint8_t* end = bytes->mutable_data();
    for (const Range& range : shown.ranges) {
      std::memcpy(end, array.buffers[2]->data() + range.start, static_cast<size_t>(range.length));
      end += range.length;
    }
  }
  return Content{.buffers = {std::move(shown.offsets), std::move(bytes)}, .children = {}};
}

template <typename Offset>
arrow::Result<Content> Lists(const arrow::ArrayData& array, const BufferPtr& validity) {
  ARROW_ASSIGN_OR_RAISE(Shown shown, ShownBy<Offset>(array, validity));
  const DataPtr& values = array.child_data[0];
  if (shown.ranges.empty()) shown.ranges.push_back({.start = 0, .length = 0});
  DataPtr child;
  if (shown.ranges.size() == 1) {
    child = values->Slice(shown.ranges[0].start, shown.ranges[0].length);
  } else {
    arrow::ArrayVector slices;
    for (const Range& range : shown.ranges) {
      slices.push_back(arrow::MakeArray(values->Slice(range.start, range.length)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto joined, arrow::Concatenate(slices));
    child = joined->data();
  }
  ARROW_ASSIGN_OR_RAISE(child, Rebuild(child, nullptr, true));
  return Content{.buffers = {std::move(shown.offsets)}, .children = {std::move(child)}};
}

arrow::Result<Content> FixedSizeLists(const arrow::ArrayData& array, const BufferPtr& validity) {
  const auto& type = checked_cast<const arrow::FixedSizeListType&>(*array.type);
  const int64_t size = type.list_size();
  BufferPtr parent;
  if (validity != nullptr) {
    ARROW_ASSIGN_OR_RAISE(parent, arrow::AllocateEmptyBitmap(array.length * size));
    arrow::internal::VisitSetBitRunsVoid(
        validity, 0, array.length, [&](int64_t start, int64_t length) {
          arrow::bit_util::SetBitsTo(parent->mutable_data(), start * size, length * size, true);
        });
  }
  const DataPtr shown = array.child_data[0]->Slice(array.offset * size, array.length * size);
  ARROW_ASSIGN_OR_RAISE(DataPtr child, Rebuild(shown, parent, type.value_field()->nullable()));
  return Content{.buffers = {}, .children = {std::move(child)}};
}

arrow::Result<Content> Structs(const arrow::ArrayData& array, const BufferPtr& validity) {
  Content content;
  for (int i = 0; i < array.type->num_fields(); ++i) {
    const DataPtr shown =
        array.child_data[static_cast<size_t>(i)]->Slice(array.offset, array.length);
    ARROW_ASSIGN_OR_RAISE(DataPtr child,
                          Rebuild(shown, validity, array.type->field(i)->nullable()));
    content.children.push_back(std::move(child));
  }
  return content;
}

bool HasCanonicalForm(arrow::Type::type id) {
  return arrow::is_primitive(id) || arrow::is_fixed_size_binary(id) ||
         arrow::is_base_binary_like(id) || id == arrow::Type::LIST ||
         id == arrow::Type::LARGE_LIST || id == arrow::Type::MAP ||
         id == arrow::Type::FIXED_SIZE_LIST || id == arrow::Type::STRUCT;
}

arrow::Result<Content> ContentOf(const arrow::ArrayData& array, const BufferPtr& validity) {
  switch (array.type->id()) {
    case arrow::Type::BOOL:
      return Booleans(array, validity);
    case arrow::Type::BINARY:
    case arrow::Type::STRING:
      return Strings<int32_t>(array, validity);
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::LARGE_STRING:
      return Strings<int64_t>(array, validity);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return Lists<int32_t>(array, validity);
    case arrow::Type::LARGE_LIST:
      return Lists<int64_t>(array, validity);
    case arrow::Type::FIXED_SIZE_LIST:
      return FixedSizeLists(array, validity);
    case arrow::Type::STRUCT:
      return Structs(array, validity);
    default:
      return FixedWidth(array, validity);
  }
}

/// An extension is rebuilt as what it is stored as.
arrow::Result<DataPtr> RebuildExtension(const arrow::ArrayData& array, const BufferPtr& parent,
                                        bool nullable) {
  const DataPtr storage = array.Copy();
  storage->type = checked_cast<const arrow::ExtensionType&>(*array.type).storage_type();
  ARROW_ASSIGN_OR_RAISE(DataPtr rebuilt, Rebuild(storage, parent, nullable));
  rebuilt->type = array.type;
  return rebuilt;
}

/// `parent` tells which rows a parent shows, `nullable` whether the array's field may hold nulls.
arrow::Result<DataPtr> Rebuild(const DataPtr& array, const BufferPtr& parent, bool nullable) {
  const auto& type = array->type;
  if (type->id() == arrow::Type::EXTENSION) return RebuildExtension(*array, parent, nullable);
  if (!HasCanonicalForm(type->id())) return array;
  if (array->length == 0) {  // its buffers may be missing
    ARROW_ASSIGN_OR_RAISE(const auto empty, EmptyArray(type));
    return empty->data();
  }
  ARROW_ASSIGN_OR_RAISE(BufferPtr validity, Validity(*array, parent));
  ARROW_ASSIGN_OR_RAISE(Content content, ContentOf(*array, validity));
  int64_t nulls = CountNulls(validity, array->length);
  // A field that is declared to hold no nulls gets none from its parent.
  if (!nullable && nulls == CountNulls(parent, array->length)) {
    validity = nullptr;
    nulls = 0;
  }
  content.buffers.insert(content.buffers.begin(), std::move(validity));
  return arrow::ArrayData::Make(type, array->length, std::move(content.buffers),
                                std::move(content.children), nulls);
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  std::vector<DataPtr> columns;
  for (const DataPtr& column : rows->column_data()) {
    ARROW_ASSIGN_OR_RAISE(DataPtr rebuilt, Rebuild(column, nullptr, true));
    columns.push_back(std::move(rebuilt));
  }
  return arrow::RecordBatch::Make(rows->schema(), rows->num_rows(), std::move(columns));
}

}  // namespace sheaf
