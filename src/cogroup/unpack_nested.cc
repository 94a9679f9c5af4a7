#include "cogroup/unpack_nested.h"

#include <arrow/buffer_builder.h>
#include <arrow/extension_type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "cogroup/nested_format.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

using Children = std::vector<std::shared_ptr<arrow::ArrayData>>;

// Where packed bytes are read. They are sheaf's own, so nothing tells whether they are right.
class Cursor {
 public:
  explicit Cursor(const uint8_t* at) : at_(at) {}

  const uint8_t* Take(int64_t bytes) { return std::exchange(at_, at_ + bytes); }
  int64_t TakeLength() {
    const uint8_t first = *Take(1);
    if (first != kLongLength) return first;
    int64_t length = 0;
    std::memcpy(&length, Take(sizeof(length)), sizeof(length));
    return length;
  }
  PackedNulls TakeNulls() { return static_cast<PackedNulls>(*Take(1)); }

 private:
  const uint8_t* at_;
};

arrow::BufferBuilder NewBytes() { return arrow::BufferBuilder(RowMemory()); }

template <typename Builder>
arrow::Result<std::shared_ptr<arrow::Buffer>> FinishBuffer(Builder* builder) {
  return builder->Finish(/*shrink_to_fit=*/false);
}

arrow::Status ReadBits(int64_t rows, Cursor* in, arrow::TypedBufferBuilder<bool>* bits) {
  ARROW_RETURN_NOT_OK(bits->Reserve(rows));
  bits->UnsafeAppend(in->Take(arrow::bit_util::BytesForBits(rows)), /*offset=*/0, rows);
  return arrow::Status::OK();
}

// Builds an array of values as they are read.
class Reader {
 public:
  explicit Reader(std::shared_ptr<arrow::DataType> type)
      : type_(std::move(type)),
        has_nulls_(HasOwnNulls(*StorageOf(type_))),
        validity_(RowMemory()) {}
  virtual ~Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // So many values that stand together.
  arrow::Status Read(int64_t rows, Cursor* in) {
    if (rows == 0) return arrow::Status::OK();
    if (!has_nulls_) return ReadValid(rows, in);
    switch (in->TakeNulls()) {
      case PackedNulls::kNone:
        return ReadValid(rows, in);
      case PackedNulls::kAll:
        return AppendNulls(rows);
      case PackedNulls::kSome:
        break;
    }
    ARROW_RETURN_NOT_OK(StartValidity());
    ARROW_RETURN_NOT_OK(ReadBits(rows, in, &validity_));
    length_ += rows;
    return ReadValues(rows, in);
  }

  // The same where nothing tells which are valid, for all are.
  arrow::Status ReadValid(int64_t rows, Cursor* in) {
    ARROW_RETURN_NOT_OK(Count(rows, true));
    return ReadValues(rows, in);
  }

  arrow::Status AppendNulls(int64_t rows) {
    ARROW_RETURN_NOT_OK(StartValidity());
    ARROW_RETURN_NOT_OK(Count(rows, false));
    return AppendZeros(rows);
  }

  // What stands under a null.
  arrow::Status AppendEmpty(int64_t rows) {
    ARROW_RETURN_NOT_OK(Count(rows, true));
    return AppendZeros(rows);
  }

  arrow::Result<std::shared_ptr<arrow::ArrayData>> Finish() {
    const int64_t nulls = has_validity_ ? validity_.false_count() : 0;
    std::vector<std::shared_ptr<arrow::Buffer>> buffers(1);
    if (nulls > 0) {
      ARROW_ASSIGN_OR_RAISE(buffers[0], FinishBuffer(&validity_));
    }
    ARROW_RETURN_NOT_OK(FinishBuffers(&buffers));
    ARROW_ASSIGN_OR_RAISE(auto children, FinishChildren());
    return arrow::ArrayData::Make(type_, length_, std::move(buffers), std::move(children), nulls);
  }

  [[nodiscard]] int64_t length() const { return length_; }

 protected:
  virtual arrow::Status ReadValues(int64_t rows, Cursor* in) = 0;
  virtual arrow::Status AppendZeros(int64_t rows) = 0;
  // The buffers after that of validity.
  virtual arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* /*buffers*/) {
    return arrow::Status::OK();
  }
  virtual arrow::Result<Children> FinishChildren() { return Children(); }

  // `length` values or bytes: as many as offsets of a type hold.
  template <typename Offset>
  arrow::Result<Offset> CheckOffset(int64_t length) const {
    if (length <= std::numeric_limits<Offset>::max()) return static_cast<Offset>(length);
    return arrow::Status::CapacityError("values of type ", type_->ToString(), " that have ", length,
                                        " items or bytes together");
  }

 private:
  arrow::Status StartValidity() {
    if (has_validity_) return arrow::Status::OK();
    has_validity_ = true;
    return validity_.Append(length_, true);
  }

  arrow::Status Count(int64_t rows, bool valid) {
    if (has_validity_) ARROW_RETURN_NOT_OK(validity_.Append(rows, valid));
    length_ += rows;
    return arrow::Status::OK();
  }

  const std::shared_ptr<arrow::DataType> type_;
  const bool has_nulls_;
  int64_t length_ = 0;
  bool has_validity_ = false;  // false: none of it is written, for all are valid
  arrow::TypedBufferBuilder<bool> validity_;
};

using Readers = std::vector<std::unique_ptr<Reader>>;

arrow::Result<std::unique_ptr<Reader>> MakeReader(const std::shared_ptr<arrow::DataType>& type);

class NullReader final : public Reader {
 public:
  using Reader::Reader;

 protected:
  arrow::Status ReadValues(int64_t /*rows*/, Cursor* /*in*/) override {
    return arrow::Status::OK();
  }
  arrow::Status AppendZeros(int64_t /*rows*/) override { return arrow::Status::OK(); }
};

class FixedReader final : public Reader {
 public:
  FixedReader(std::shared_ptr<arrow::DataType> type, int64_t width)
      : Reader(std::move(type)), width_(width), values_(NewBytes()) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    if (width_ == 0) return arrow::Status::OK();
    return values_.Append(in->Take(rows * width_), rows * width_);
  }
  arrow::Status AppendZeros(int64_t rows) override {
    if (width_ == 0) return arrow::Status::OK();
    return values_.Append(rows * width_, uint8_t{0});
  }
  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    return FinishBuffer(&values_).Value(&buffers->emplace_back());
  }

 private:
  const int64_t width_;
  arrow::BufferBuilder values_;
};

class BoolReader final : public Reader {
 public:
  explicit BoolReader(std::shared_ptr<arrow::DataType> type)
      : Reader(std::move(type)), bits_(RowMemory()) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override { return ReadBits(rows, in, &bits_); }
  arrow::Status AppendZeros(int64_t rows) override { return bits_.Append(rows, false); }
  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    return FinishBuffer(&bits_).Value(&buffers->emplace_back());
  }

 private:
  arrow::TypedBufferBuilder<bool> bits_;
};

// What has so many bytes or items a row, between offsets.
template <typename Offset>
class OffsetsReader : public Reader {
 public:
  explicit OffsetsReader(std::shared_ptr<arrow::DataType> type)
      : Reader(std::move(type)), offsets_(RowMemory()) {}

 protected:
  // Reads the lengths of so many rows, and returns their sum.
  arrow::Result<int64_t> ReadLengths(int64_t rows, Cursor* in) {
    ARROW_RETURN_NOT_OK(offsets_.Reserve(rows + 1));
    const int64_t before = end_;
    for (int64_t row = 0; row < rows; ++row) {
      offsets_.UnsafeAppend(static_cast<Offset>(end_));
      end_ += in->TakeLength();
    }
    ARROW_RETURN_NOT_OK(this->template CheckOffset<Offset>(end_).status());
    return end_ - before;
  }
  arrow::Status AppendZeros(int64_t rows) override {
    return offsets_.Append(rows, static_cast<Offset>(end_));
  }
  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    ARROW_RETURN_NOT_OK(offsets_.Append(static_cast<Offset>(end_)));
    return FinishBuffer(&offsets_).Value(&buffers->emplace_back());
  }

 private:
  arrow::TypedBufferBuilder<Offset> offsets_;  // where each row begins
  int64_t end_ = 0;                            // of the last row
};

template <typename Offset>
class TextReader final : public OffsetsReader<Offset> {
 public:
  explicit TextReader(std::shared_ptr<arrow::DataType> type)
      : OffsetsReader<Offset>(std::move(type)), bytes_(NewBytes()) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, this->ReadLengths(rows, in));
    return bytes == 0 ? arrow::Status::OK() : bytes_.Append(in->Take(bytes), bytes);
  }
  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    ARROW_RETURN_NOT_OK(OffsetsReader<Offset>::FinishBuffers(buffers));
    return FinishBuffer(&bytes_).Value(&buffers->emplace_back());
  }

 private:
  arrow::BufferBuilder bytes_;
};

template <typename Offset>
class ListReader final : public OffsetsReader<Offset> {
 public:
  ListReader(std::shared_ptr<arrow::DataType> type, std::unique_ptr<Reader> items)
      : OffsetsReader<Offset>(std::move(type)), items_(std::move(items)) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t items, this->ReadLengths(rows, in));
    return items_->Read(items, in);
  }
  arrow::Result<Children> FinishChildren() override {
    ARROW_ASSIGN_OR_RAISE(auto items, items_->Finish());
    return Children{std::move(items)};
  }

 private:
  const std::unique_ptr<Reader> items_;
};

template <typename Offset>
class ListViewReader final : public Reader {
 public:
  ListViewReader(std::shared_ptr<arrow::DataType> type, std::unique_ptr<Reader> items)
      : Reader(std::move(type)),
        offsets_(RowMemory()),
        sizes_(RowMemory()),
        items_(std::move(items)) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    int64_t end = items_->length();
    const int64_t before = end;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t size = in->TakeLength();
      ARROW_RETURN_NOT_OK(offsets_.Append(static_cast<Offset>(end)));
      ARROW_RETURN_NOT_OK(sizes_.Append(static_cast<Offset>(size)));
      end += size;
    }
    ARROW_RETURN_NOT_OK(CheckOffset<Offset>(end).status());
    return items_->Read(end - before, in);
  }
  arrow::Status AppendZeros(int64_t rows) override {
    ARROW_RETURN_NOT_OK(offsets_.Append(rows, Offset{0}));
    return sizes_.Append(rows, Offset{0});
  }
  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    ARROW_RETURN_NOT_OK(FinishBuffer(&offsets_).Value(&buffers->emplace_back()));
    return FinishBuffer(&sizes_).Value(&buffers->emplace_back());
  }
  arrow::Result<Children> FinishChildren() override {
    ARROW_ASSIGN_OR_RAISE(auto items, items_->Finish());
    return Children{std::move(items)};
  }

 private:
  arrow::TypedBufferBuilder<Offset> offsets_;
  arrow::TypedBufferBuilder<Offset> sizes_;
  const std::unique_ptr<Reader> items_;
};

arrow::Result<Children> FinishAll(const Readers& readers) {
  Children children;
  for (const auto& reader : readers) {
    ARROW_ASSIGN_OR_RAISE(children.emplace_back(), reader->Finish());
  }
  return children;
}

// Types each of whose rows has `width` rows of every child: structs, and lists of one size.
class RowsReader final : public Reader {
 public:
  RowsReader(std::shared_ptr<arrow::DataType> type, int64_t width, Readers children)
      : Reader(std::move(type)), width_(width), children_(std::move(children)) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    for (const auto& child : children_) ARROW_RETURN_NOT_OK(child->Read(rows * width_, in));
    return arrow::Status::OK();
  }
  arrow::Status AppendZeros(int64_t rows) override {
    for (const auto& child : children_) ARROW_RETURN_NOT_OK(child->AppendEmpty(rows * width_));
    return arrow::Status::OK();
  }
  arrow::Result<Children> FinishChildren() override { return FinishAll(children_); }

 private:
  const int64_t width_;
  const Readers children_;
};

// A dense union has of each child the rows that are of its type; a sparse one has all rows of every child.
class UnionReader final : public Reader {
 public:
  UnionReader(std::shared_ptr<arrow::DataType> type, const arrow::UnionType& union_type,
              Readers children)
      : Reader(std::move(type)),
        is_dense_(union_type.mode() == arrow::UnionMode::DENSE),
        type_codes_(union_type.type_codes()),
        child_of_(union_type.child_ids()),
        codes_(RowMemory()),
        offsets_(RowMemory()),
        children_(std::move(children)) {}

 protected:
  arrow::Status ReadValues(int64_t rows, Cursor* in) override {
    const auto* const codes = reinterpret_cast<const int8_t*>(in->Take(rows));
    ARROW_RETURN_NOT_OK(codes_.Append(codes, rows));
    std::vector<int64_t> counts(children_.size());
    for (int64_t row = 0; row < rows; ++row) {
      const auto child = static_cast<size_t>(child_of_[static_cast<size_t>(codes[row])]);
      ARROW_RETURN_NOT_OK(AppendOffset(child, counts[child]++));
    }
    for (size_t c = 0; c < children_.size(); ++c) {
      ARROW_RETURN_NOT_OK(children_[c]->Read(is_dense_ ? counts[c] : rows, in));
    }
    return arrow::Status::OK();
  }

  arrow::Status AppendOffset(size_t child, int64_t before) {
    if (!is_dense_) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto at, CheckOffset<int32_t>(children_[child]->length() + before));
    return offsets_.Append(at);
  }
  arrow::Status AppendZeros(int64_t rows) override {
    for (int64_t row = 0; row < rows; ++row) {
      ARROW_RETURN_NOT_OK(codes_.Append(type_codes_[0]));
      ARROW_RETURN_NOT_OK(AppendOffset(0, row));
    }
    for (size_t c = 0; c < (is_dense_ ? 1 : children_.size()); ++c) {
      ARROW_RETURN_NOT_OK(children_[c]->AppendEmpty(rows));
    }
    return arrow::Status::OK();
  }

  arrow::Status FinishBuffers(std::vector<std::shared_ptr<arrow::Buffer>>* buffers) override {
    ARROW_RETURN_NOT_OK(FinishBuffer(&codes_).Value(&buffers->emplace_back()));
    if (!is_dense_) return arrow::Status::OK();
    return FinishBuffer(&offsets_).Value(&buffers->emplace_back());
  }
  arrow::Result<Children> FinishChildren() override { return FinishAll(children_); }

 private:
  const bool is_dense_;
  const std::vector<int8_t> type_codes_;
  const std::vector<int> child_of_;
  arrow::TypedBufferBuilder<int8_t> codes_;
  arrow::TypedBufferBuilder<int32_t> offsets_;  // of a dense one
  const Readers children_;
};

template <typename ListReader>
arrow::Result<std::unique_ptr<Reader>> MakeListReader(const std::shared_ptr<arrow::DataType>& type,
                                                      const arrow::DataType& storage) {
  ARROW_ASSIGN_OR_RAISE(auto items, MakeReader(storage.field(0)->type()));
  return std::make_unique<ListReader>(type, std::move(items));
}

arrow::Result<std::unique_ptr<Reader>> MakeReader(const std::shared_ptr<arrow::DataType>& type) {
  const auto held = StorageOf(type);
  const arrow::DataType& storage = *held;
  switch (storage.id()) {
    case arrow::Type::NA:
      return std::make_unique<NullReader>(type);
    case arrow::Type::BOOL:
      return std::make_unique<BoolReader>(type);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::make_unique<TextReader<int32_t>>(type);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<TextReader<int64_t>>(type);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return MakeListReader<ListReader<int32_t>>(type, storage);
    case arrow::Type::LARGE_LIST:
      return MakeListReader<ListReader<int64_t>>(type, storage);
    case arrow::Type::LIST_VIEW:
      return MakeListReader<ListViewReader<int32_t>>(type, storage);
    case arrow::Type::LARGE_LIST_VIEW:
      return MakeListReader<ListViewReader<int64_t>>(type, storage);
    default:
      break;
  }
  Readers children;
  for (const auto& field : storage.fields()) {
    ARROW_ASSIGN_OR_RAISE(children.emplace_back(), MakeReader(field->type()));
  }
  switch (storage.id()) {
    case arrow::Type::STRUCT:
      return std::make_unique<RowsReader>(type, 1, std::move(children));
    case arrow::Type::FIXED_SIZE_LIST:
      return std::make_unique<RowsReader>(
          type, static_cast<const arrow::FixedSizeListType&>(storage).list_size(),
          std::move(children));
    case arrow::Type::SPARSE_UNION:
    case arrow::Type::DENSE_UNION:
      return std::make_unique<UnionReader>(type, static_cast<const arrow::UnionType&>(storage),
                                           std::move(children));
    default:
      break;
  }
  if (arrow::is_fixed_width(storage.id()) && storage.id() != arrow::Type::DICTIONARY) {
    return std::make_unique<FixedReader>(type, storage.byte_width());
  }
  return arrow::Status::NotImplemented("to unpack values of type ", type->ToString());
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> UnpackNested(
    const arrow::LargeBinaryArray& packed, const std::shared_ptr<arrow::DataType>& type) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, MakeReader(type));
  for (int64_t row = 0; row < packed.length(); ++row) {
    if (packed.IsNull(row)) {
      ARROW_RETURN_NOT_OK(reader->AppendNulls(1));
    } else {
      Cursor cursor(packed.raw_data() + packed.value_offset(row));
      ARROW_RETURN_NOT_OK(reader->ReadValid(1, &cursor));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto data, reader->Finish());
  return arrow::MakeArray(data);
}

}  // namespace sheaf
