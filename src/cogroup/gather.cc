#include "cogroup/gather.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "cogroup/column_rows.h"
#include "parallel/parallel.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;
using Buffers = std::vector<std::shared_ptr<arrow::Buffer>>;

// From so many rows on, threads cost little beside the columns that they gather.
constexpr size_t kManyRows = 1 << 16;

class ColumnGather {
 public:
  ColumnGather(int column, std::shared_ptr<arrow::DataType> type, const Pieces& pieces,
               std::span<const RowRef> refs)
      : type_(std::move(type)), kind_(KindOf(*type_)), refs_(refs) {
    sources_.reserve(pieces.size());
    for (const auto& piece : pieces) sources_.emplace_back(*piece->column_data(column), kind_);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Run() {
    Buffers buffers(2);
    ARROW_ASSIGN_OR_RAISE(const int64_t nulls, Validity(&buffers.front()));
    switch (kind_) {
      case ColumnKind::kFixed:
        ARROW_RETURN_NOT_OK(Fixed(&buffers[1]));
        break;
      case ColumnKind::kBool:
        ARROW_RETURN_NOT_OK(Bool(&buffers[1]));
        break;
      case ColumnKind::kBinary:
        ARROW_RETURN_NOT_OK(Binary<int32_t>(&buffers));
        break;
      case ColumnKind::kLargeBinary:
        ARROW_RETURN_NOT_OK(Binary<int64_t>(&buffers));
        break;
      case ColumnKind::kOther:
        break;
    }
    return arrow::MakeArray(arrow::ArrayData::Make(type_, Rows(), std::move(buffers), nulls));
  }

 private:
  [[nodiscard]] int64_t Rows() const { return std::ssize(refs_); }

  static arrow::Result<std::shared_ptr<arrow::Buffer>> Allocate(int64_t bytes) {
    return arrow::AllocateBuffer(bytes, RowMemory());
  }

  arrow::Result<int64_t> Validity(std::shared_ptr<arrow::Buffer>* out) {
    if (std::ranges::none_of(sources_, [](const auto& source) { return source.has_nulls(); })) {
      return 0;
    }
    ARROW_ASSIGN_OR_RAISE(*out, Allocate(arrow::bit_util::BytesForBits(Rows())));
    uint8_t* const bits = (*out)->mutable_data();
    int64_t nulls = 0;
    for (int64_t i = 0; i < Rows(); ++i) {
      const RowRef ref = refs_[static_cast<size_t>(i)];
      const bool valid = sources_[ref.piece].IsValid(ref.row);
      arrow::bit_util::SetBitTo(bits, i, valid);
      nulls += valid ? 0 : 1;
    }
    if (nulls == 0) out->reset();
    return nulls;
  }

  arrow::Status Fixed(std::shared_ptr<arrow::Buffer>* out) {
    const int type_width = type_->byte_width();
    ARROW_ASSIGN_OR_RAISE(*out, Allocate(Rows() * type_width));
    uint8_t* to = (*out)->mutable_data();
    WithWidth(type_width, [&](auto constant) {
      const int width = constant > 0 ? constant : type_width;
      for (const RowRef ref : refs_) {
        std::memcpy(to, sources_[ref.piece].Fixed(ref.row, width), static_cast<size_t>(width));
        to += width;
      }
    });
    return arrow::Status::OK();
  }

  arrow::Status Bool(std::shared_ptr<arrow::Buffer>* out) {
    ARROW_ASSIGN_OR_RAISE(*out, Allocate(arrow::bit_util::BytesForBits(Rows())));
    uint8_t* const bits = (*out)->mutable_data();
    for (int64_t i = 0; i < Rows(); ++i) {
      const RowRef ref = refs_[static_cast<size_t>(i)];
      arrow::bit_util::SetBitTo(bits, i, sources_[ref.piece].Bool(ref.row));
    }
    return arrow::Status::OK();
  }

  // Two passes: the offsets, which say how many bytes there are, then the bytes.
  template <typename Offset>
  arrow::Status Binary(Buffers* buffers) {
    ARROW_ASSIGN_OR_RAISE((*buffers)[1], Allocate((Rows() + 1) * int64_t{sizeof(Offset)}));
    auto* const offsets = reinterpret_cast<Offset*>((*buffers)[1]->mutable_data());
    int64_t bytes = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < refs_.size(); ++i) {
      const RowRef ref = refs_[i];
      const ColumnRows& source = sources_[ref.piece];
      bytes += source.Begin<Offset>(int64_t{ref.row} + 1) - source.Begin<Offset>(ref.row);
      offsets[i + 1] = static_cast<Offset>(bytes);
    }
    if (bytes > std::numeric_limits<Offset>::max()) {
      return arrow::Status::CapacityError("a column of ", bytes, " bytes");
    }
    ARROW_ASSIGN_OR_RAISE(auto heap, Allocate(bytes));
    uint8_t* to = heap->mutable_data();
    const uint8_t* const end = to + bytes;
    for (const RowRef ref : refs_) {
      const ColumnRows& source = sources_[ref.piece];
      const std::string_view value = source.Bytes<Offset>(ref.row);
      CopyText(to, end, reinterpret_cast<const uint8_t*>(value.data()), source.values_end(),
               value.size());
      to += value.size();
    }
    buffers->push_back(std::move(heap));
    return arrow::Status::OK();
  }

  const std::shared_ptr<arrow::DataType> type_;
  const ColumnKind kind_;
  const std::span<const RowRef> refs_;
  std::vector<ColumnRows> sources_;
};

// By Arrow's own kernel, which wants the rows' numbers over all pieces.
arrow::Result<std::shared_ptr<arrow::Array>> GatherOther(int column, const Pieces& pieces,
                                                         std::span<const RowRef> refs) {
  arrow::ArrayVector arrays;
  std::vector<int64_t> starts;
  int64_t start = 0;
  for (const auto& piece : pieces) {
    arrays.push_back(piece->column(column));
    starts.push_back(start);
    start += piece->num_rows();
  }
  std::vector<int64_t> numbers;
  numbers.reserve(refs.size());
  for (const RowRef ref : refs) numbers.push_back(starts[ref.piece] + ref.row);
  const arrow::Int64Array indices(std::ssize(refs), arrow::Buffer::FromVector(std::move(numbers)));
  ARROW_ASSIGN_OR_RAISE(const auto whole, arrow::Concatenate(arrays));
  return arrow::compute::Take(*whole, indices);
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> GatherColumn(
    int column, const std::shared_ptr<arrow::Schema>& schema, const Pieces& pieces,
    std::span<const RowRef> refs) {
  const auto& type = schema->field(column)->type();
  if (refs.empty()) return arrow::MakeEmptyArray(type);
  if (KindOf(*type) == ColumnKind::kOther) return GatherOther(column, pieces, refs);
  return ColumnGather(column, type, pieces, refs).Run();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(
    const std::shared_ptr<arrow::Schema>& schema, const Pieces& pieces,
    std::span<const RowRef> refs) {
  arrow::ArrayVector columns(static_cast<size_t>(schema->num_fields()));
  const auto gather = [&](size_t c) {
    return GatherColumn(static_cast<int>(c), schema, pieces, refs).Value(&columns[c]);
  };
  if (refs.size() >= kManyRows) {
    ARROW_RETURN_NOT_OK(RunInParallel(columns.size(), gather));
  } else {
    for (size_t c = 0; c < columns.size(); ++c) ARROW_RETURN_NOT_OK(gather(c));
  }
  return arrow::RecordBatch::Make(schema, std::ssize(refs), std::move(columns));
}

}  // namespace sheaf
