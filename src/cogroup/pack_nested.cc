#include "cogroup/pack_nested.h"

#include <arrow/buffer_builder.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <span>
#include <utility>
#include <vector>

#include "cogroup/nested_format.h"

namespace sheaf {
namespace {

using Bytes = arrow::BufferBuilder;

// Rows [begin, end).
struct Range {
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t size() const { return end - begin; }
};
using Ranges = std::span<const Range>;

int64_t NumRows(Ranges ranges) {
  int64_t rows = 0;
  for (const Range& range : ranges) rows += range.size();
  return rows;
}

// Adds a range, to the last one where it goes on from there.
void Append(std::vector<Range>* ranges, Range range) {
  if (range.size() == 0) return;
  if (!ranges->empty() && ranges->back().end == range.begin) {
    ranges->back().end = range.end;
  } else {
    ranges->push_back(range);
  }
}

arrow::Status WriteLength(int64_t length, Bytes* out) {
  const bool is_long = length >= kLongLength;
  ARROW_RETURN_NOT_OK(out->Reserve(1 + static_cast<int64_t>(sizeof(length))));
  const uint8_t first = is_long ? kLongLength : static_cast<uint8_t>(length);
  out->UnsafeAppend(&first, 1);
  if (is_long) out->UnsafeAppend(&length, sizeof(length));
  return arrow::Status::OK();
}

// A bit a row, of the rows of all ranges.
template <typename Bit>
arrow::Status WriteBits(Ranges ranges, const Bit& bit, Bytes* out) {
  const int64_t start = out->length();
  ARROW_RETURN_NOT_OK(out->Append(arrow::bit_util::BytesForBits(NumRows(ranges)), uint8_t{0}));
  uint8_t* const bits = out->mutable_data() + start;
  int64_t to = 0;
  for (const Range& range : ranges) {
    for (int64_t row = range.begin; row < range.end; ++row) {
      arrow::bit_util::SetBitTo(bits, to++, bit(row));
    }
  }
  return arrow::Status::OK();
}

// Writes values of one array, which outlives it.
class Writer {
 public:
  explicit Writer(const arrow::ArrayData& data)
      : data_(data),
        has_nulls_(HasOwnNulls(*StorageOf(data.type))),
        validity_(has_nulls_ && data.GetNullCount() > 0 ? data.buffers[0]->data() : nullptr) {}
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The rows of all ranges, none of which is empty, as values that stand together.
  arrow::Status Write(Ranges ranges, Bytes* out) const {
    if (ranges.empty()) return arrow::Status::OK();
    if (!has_nulls_) return WriteValues(ranges, out);
    int64_t valid = 0;
    const int64_t rows = NumRows(ranges);
    for (const Range& range : ranges) valid += CountValid(range);
    PackedNulls nulls = PackedNulls::kSome;
    if (valid == rows) nulls = PackedNulls::kNone;
    if (valid == 0) nulls = PackedNulls::kAll;
    ARROW_RETURN_NOT_OK(out->Append(1, static_cast<uint8_t>(nulls)));
    if (nulls == PackedNulls::kAll) return arrow::Status::OK();
    if (nulls == PackedNulls::kSome) {
      ARROW_RETURN_NOT_OK(WriteBits(ranges, [this](int64_t row) { return IsValid(row); }, out));
    }
    return WriteValues(ranges, out);
  }

  // The same without what tells which are valid.
  virtual arrow::Status WriteValues(Ranges ranges, Bytes* out) const = 0;

  [[nodiscard]] bool IsValid(int64_t row) const {
    return validity_ == nullptr || arrow::bit_util::GetBit(validity_, data_.offset + row);
  }

 protected:
  [[nodiscard]] int64_t offset() const { return data_.offset; }
  template <typename T>
  [[nodiscard]] const T* buffer(int number) const {
    return data_.GetValues<T>(number);
  }
  // A buffer may be missing where it would have no bytes.
  [[nodiscard]] const uint8_t* bytes(size_t number) const {
    return data_.buffers[number] == nullptr ? nullptr : data_.buffers[number]->data();
  }

 private:
  [[nodiscard]] int64_t CountValid(Range range) const {
    if (validity_ == nullptr) return range.size();
    return arrow::internal::CountSetBits(validity_, data_.offset + range.begin, range.size());
  }

  const arrow::ArrayData& data_;
  const bool has_nulls_;
  const uint8_t* const validity_;  // null where no row is
};

arrow::Result<std::unique_ptr<Writer>> MakeWriter(const arrow::ArrayData& data);

class NullWriter final : public Writer {
 public:
  using Writer::Writer;
  arrow::Status WriteValues(Ranges /*ranges*/, Bytes* /*out*/) const override {
    return arrow::Status::OK();
  }
};

class FixedWriter final : public Writer {
 public:
  explicit FixedWriter(const arrow::ArrayData& data)
      : Writer(data), width_(StorageOf(data.type)->byte_width()), values_(bytes(1)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    if (width_ == 0) return arrow::Status::OK();
    for (const Range& range : ranges) {
      ARROW_RETURN_NOT_OK(
          out->Append(values_ + (offset() + range.begin) * width_, range.size() * width_));
    }
    return arrow::Status::OK();
  }

 private:
  const int64_t width_;
  const uint8_t* const values_;
};

class BoolWriter final : public Writer {
 public:
  explicit BoolWriter(const arrow::ArrayData& data) : Writer(data), bits_(bytes(1)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    return WriteBits(
        ranges, [this](int64_t row) { return arrow::bit_util::GetBit(bits_, offset() + row); },
        out);
  }

 private:
  const uint8_t* const bits_;
};

template <typename Offset>
class TextWriter final : public Writer {
 public:
  explicit TextWriter(const arrow::ArrayData& data)
      : Writer(data), offsets_(buffer<Offset>(1)), values_(bytes(2)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    for (const Range& range : ranges) {
      for (int64_t row = range.begin; row < range.end; ++row) {
        ARROW_RETURN_NOT_OK(WriteLength(BytesOf(row).size(), out));
      }
    }
    for (const Range& range : ranges) {
      for (int64_t row = range.begin; row < range.end; ++row) {
        const Range text = BytesOf(row);
        if (text.size() > 0) ARROW_RETURN_NOT_OK(out->Append(values_ + text.begin, text.size()));
      }
    }
    return arrow::Status::OK();
  }

 private:
  // What stands under a null is left out.
  [[nodiscard]] Range BytesOf(int64_t row) const {
    return IsValid(row) ? Range{offsets_[row], offsets_[row + 1]} : Range{0, 0};
  }

  const Offset* const offsets_;
  const uint8_t* const values_;
};

// Lists, list views and maps. `Items` tells which items are a row's.
template <typename Items>
class ListWriter final : public Writer {
 public:
  ListWriter(const arrow::ArrayData& data, std::unique_ptr<Writer> items)
      : Writer(data), items_of_(data), items_(std::move(items)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    if (ranges.size() == 1 && ranges[0].size() == 1) {  // of most lists, in a row of their own
      const Range items = ItemsOf(ranges[0].begin);
      ARROW_RETURN_NOT_OK(WriteLength(items.size(), out));
      return items_->Write(items.size() == 0 ? Ranges() : Ranges(&items, 1), out);
    }
    std::vector<Range> items;
    for (const Range& range : ranges) {
      for (int64_t row = range.begin; row < range.end; ++row) {
        const Range own = ItemsOf(row);
        ARROW_RETURN_NOT_OK(WriteLength(own.size(), out));
        Append(&items, own);
      }
    }
    return items_->Write(items, out);
  }

 private:
  // What stands under a null is left out.
  [[nodiscard]] Range ItemsOf(int64_t row) const {
    return IsValid(row) ? items_of_(row) : Range{0, 0};
  }

  const Items items_of_;
  const std::unique_ptr<Writer> items_;
};

template <typename Offset>
class ListItems {
 public:
  explicit ListItems(const arrow::ArrayData& data) : offsets_(data.GetValues<Offset>(1)) {}
  Range operator()(int64_t row) const { return {offsets_[row], offsets_[row + 1]}; }

 private:
  const Offset* offsets_;
};

template <typename Offset>
class ViewItems {
 public:
  explicit ViewItems(const arrow::ArrayData& data)
      : offsets_(data.GetValues<Offset>(1)), sizes_(data.GetValues<Offset>(2)) {}
  Range operator()(int64_t row) const {
    const int64_t begin = offsets_[row];
    return {begin, begin + sizes_[row]};
  }

 private:
  const Offset* offsets_;
  const Offset* sizes_;
};

// Types each of whose rows has `width` rows of every child: structs, and lists of one size.
class RowsWriter final : public Writer {
 public:
  RowsWriter(const arrow::ArrayData& data, int64_t width,
             std::vector<std::unique_ptr<Writer>> children)
      : Writer(data), width_(width), children_(std::move(children)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    std::vector<Range> moved;
    for (const Range& range : ranges) {
      Append(&moved, {(offset() + range.begin) * width_, (offset() + range.end) * width_});
    }
    for (const auto& child : children_) ARROW_RETURN_NOT_OK(child->Write(moved, out));
    return arrow::Status::OK();
  }

 private:
  const int64_t width_;
  const std::vector<std::unique_ptr<Writer>> children_;
};

// Of a sparse union all rows of each child, of a dense one those that are of its type.
class UnionWriter final : public Writer {
 public:
  UnionWriter(const arrow::ArrayData& data, const arrow::UnionType& type,
              std::vector<std::unique_ptr<Writer>> children)
      : Writer(data),
        codes_(buffer<int8_t>(1)),
        offsets_(type.mode() == arrow::UnionMode::DENSE ? buffer<int32_t>(2) : nullptr),
        child_of_(type.child_ids()),
        children_(std::move(children)) {}
  arrow::Status WriteValues(Ranges ranges, Bytes* out) const override {
    std::vector<std::vector<Range>> rows(children_.size());
    for (const Range& range : ranges) {
      ARROW_RETURN_NOT_OK(out->Append(codes_ + range.begin, range.size()));
      if (offsets_ == nullptr) {
        for (auto& own : rows) Append(&own, {offset() + range.begin, offset() + range.end});
        continue;
      }
      for (int64_t row = range.begin; row < range.end; ++row) {
        const int child = child_of_[static_cast<size_t>(codes_[row])];
        Append(&rows[static_cast<size_t>(child)], {offsets_[row], int64_t{offsets_[row]} + 1});
      }
    }
    for (size_t c = 0; c < children_.size(); ++c) {
      ARROW_RETURN_NOT_OK(children_[c]->Write(rows[c], out));
    }
    return arrow::Status::OK();
  }

 private:
  const int8_t* const codes_;
  const int32_t* const offsets_;  // of a dense one
  const std::vector<int>& child_of_;
  const std::vector<std::unique_ptr<Writer>> children_;
};

template <typename Items>
arrow::Result<std::unique_ptr<Writer>> MakeListWriter(const arrow::ArrayData& data) {
  ARROW_ASSIGN_OR_RAISE(auto items, MakeWriter(*data.child_data[0]));
  return std::make_unique<ListWriter<Items>>(data, std::move(items));
}

arrow::Result<std::unique_ptr<Writer>> MakeWriter(const arrow::ArrayData& data) {
  const auto storage = StorageOf(data.type);
  const arrow::DataType& type = *storage;
  switch (type.id()) {
    case arrow::Type::NA:
      return std::make_unique<NullWriter>(data);
    case arrow::Type::BOOL:
      return std::make_unique<BoolWriter>(data);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::make_unique<TextWriter<int32_t>>(data);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<TextWriter<int64_t>>(data);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return MakeListWriter<ListItems<int32_t>>(data);
    case arrow::Type::LARGE_LIST:
      return MakeListWriter<ListItems<int64_t>>(data);
    case arrow::Type::LIST_VIEW:
      return MakeListWriter<ViewItems<int32_t>>(data);
    case arrow::Type::LARGE_LIST_VIEW:
      return MakeListWriter<ViewItems<int64_t>>(data);
    default:
      break;
  }
  std::vector<std::unique_ptr<Writer>> children;
  for (const auto& child : data.child_data) {
    ARROW_ASSIGN_OR_RAISE(children.emplace_back(), MakeWriter(*child));
  }
  switch (type.id()) {
    case arrow::Type::STRUCT:
      return std::make_unique<RowsWriter>(data, 1, std::move(children));
    case arrow::Type::FIXED_SIZE_LIST:
      return std::make_unique<RowsWriter>(
          data, static_cast<const arrow::FixedSizeListType&>(type).list_size(),
          std::move(children));
    case arrow::Type::SPARSE_UNION:
    case arrow::Type::DENSE_UNION:
      return std::make_unique<UnionWriter>(data, static_cast<const arrow::UnionType&>(type),
                                           std::move(children));
    default:
      break;
  }
  if (arrow::is_fixed_width(type.id()) && type.id() != arrow::Type::DICTIONARY) {
    return std::make_unique<FixedWriter>(data);
  }
  return arrow::Status::NotImplemented("to pack values of type ", type.ToString());
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::LargeBinaryArray>> PackNested(const arrow::Array& values) {
  ARROW_ASSIGN_OR_RAISE(const auto writer, MakeWriter(*values.data()));
  arrow::TypedBufferBuilder<int64_t> offsets;
  ARROW_RETURN_NOT_OK(offsets.Reserve(values.length() + 1));
  Bytes bytes;
  offsets.UnsafeAppend(0);
  for (int64_t row = 0; row < values.length(); ++row) {
    const Range own{row, row + 1};
    if (writer->IsValid(row)) ARROW_RETURN_NOT_OK(writer->WriteValues({&own, 1}, &bytes));
    offsets.UnsafeAppend(bytes.length());
  }
  std::shared_ptr<arrow::Buffer> validity;
  if (values.null_bitmap() != nullptr && values.null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::internal::CopyBitmap(arrow::default_memory_pool(),
                                                                values.null_bitmap_data(),
                                                                values.offset(), values.length()));
  }
  ARROW_ASSIGN_OR_RAISE(const auto offsets_buffer, offsets.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto bytes_buffer, bytes.Finish(/*shrink_to_fit=*/false));
  return std::make_shared<arrow::LargeBinaryArray>(values.length(), offsets_buffer, bytes_buffer,
                                                   std::move(validity));
}

}  // namespace sheaf
