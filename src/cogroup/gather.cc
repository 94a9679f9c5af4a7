#include "cogroup/gather.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "cogroup/column_rows.h"
#include "parallel/parallel.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;
using Buffers = std::vector<std::shared_ptr<arrow::Buffer>>;

// Rows that one core gathers at a time, column by column: many enough for a core to be worth its thread, few
// enough that what they come from stays in cache. Bits of two chunks never share a byte.
constexpr int64_t kChunkRows = 32 << 10;
static_assert(kChunkRows % 8 == 0);

struct RowRange {
  int64_t begin;
  int64_t end;
};

// One column, gathered in chunks: each is measured, then Allocate() is called, then each is filled. Different
// threads may measure, and fill, different chunks.
class ColumnGather {
 public:
  ColumnGather(int column, std::shared_ptr<arrow::DataType> type, const Pieces& pieces,
               std::span<const RowRef> refs, size_t chunks)
      : type_(std::move(type)), kind_(KindOf(*type_)), refs_(refs), nulls_(chunks), bytes_(chunks) {
    sources_.reserve(pieces.size());
    for (const auto& piece : pieces) sources_.emplace_back(*piece->column_data(column), kind_);
  }

  /// How many bytes the texts of a chunk have.
  void Measure(size_t chunk, RowRange rows) {
    if (kind_ == ColumnKind::kBinary) bytes_[chunk] = BytesOf<int32_t>(rows);
    if (kind_ == ColumnKind::kLargeBinary) bytes_[chunk] = BytesOf<int64_t>(rows);
  }

  arrow::Status Allocate() {
    buffers_.resize(2);
    if (std::ranges::any_of(sources_, [](const auto& source) { return source.has_nulls(); })) {
      ARROW_RETURN_NOT_OK(AllocateBytes(arrow::bit_util::BytesForBits(Rows()), &buffers_.front()));
    }
    switch (kind_) {
      case ColumnKind::kFixed:
        return AllocateBytes(Rows() * type_->byte_width(), &buffers_[1]);
      case ColumnKind::kBool:
        return AllocateBytes(arrow::bit_util::BytesForBits(Rows()), &buffers_[1]);
      case ColumnKind::kBinary:
        return AllocateBinary<int32_t>();
      case ColumnKind::kLargeBinary:
        return AllocateBinary<int64_t>();
      case ColumnKind::kOther:
        break;
    }
    return arrow::Status::OK();
  }

  void Fill(size_t chunk, RowRange rows) {
    if (buffers_[0] != nullptr) nulls_[chunk] = FillValidity(rows);
    switch (kind_) {
      case ColumnKind::kFixed:
        FillFixed(rows);
        break;
      case ColumnKind::kBool:
        FillBool(rows);
        break;
      case ColumnKind::kBinary:
        FillBinary<int32_t>(chunk, rows);
        break;
      case ColumnKind::kLargeBinary:
        FillBinary<int64_t>(chunk, rows);
        break;
      case ColumnKind::kOther:
        break;
    }
  }

  std::shared_ptr<arrow::Array> Finish() {
    const int64_t nulls = std::accumulate(nulls_.begin(), nulls_.end(), int64_t{0});
    if (nulls == 0) buffers_[0].reset();
    return arrow::MakeArray(arrow::ArrayData::Make(type_, Rows(), std::move(buffers_), nulls));
  }

 private:
  [[nodiscard]] int64_t Rows() const { return std::ssize(refs_); }
  [[nodiscard]] std::span<const RowRef> Refs(RowRange rows) const {
    return refs_.subspan(static_cast<size_t>(rows.begin),
                         static_cast<size_t>(rows.end - rows.begin));
  }

  static arrow::Status AllocateBytes(int64_t bytes, std::shared_ptr<arrow::Buffer>* out) {
    return arrow::AllocateBuffer(bytes, RowMemory()).Value(out);
  }

  template <typename Offset>
  [[nodiscard]] int64_t BytesOf(RowRange rows) const {
    int64_t bytes = 0;
    for (const RowRef ref : Refs(rows)) {
      bytes += sources_[ref.piece].Length<Offset>(ref.row);
    }
    return bytes;
  }

  // From here on bytes_ says where the bytes of each chunk begin.
  template <typename Offset>
  arrow::Status AllocateBinary() {
    int64_t total = 0;
    for (int64_t& bytes : bytes_) total += std::exchange(bytes, total);
    if (total > std::numeric_limits<Offset>::max()) {
      return arrow::Status::CapacityError("a column of ", total, " bytes");
    }
    ARROW_RETURN_NOT_OK(AllocateBytes((Rows() + 1) * int64_t{sizeof(Offset)}, &buffers_[1]));
    reinterpret_cast<Offset*>(buffers_[1]->mutable_data())[0] = 0;
    return AllocateBytes(total, &buffers_.emplace_back());
  }

  [[nodiscard]] int64_t FillValidity(RowRange rows) const {
    uint8_t* const bits = buffers_[0]->mutable_data();
    int64_t nulls = 0;
    int64_t to = rows.begin;
    for (const RowRef ref : Refs(rows)) {
      const bool valid = sources_[ref.piece].IsValid(ref.row);
      arrow::bit_util::SetBitTo(bits, to++, valid);
      nulls += valid ? 0 : 1;
    }
    return nulls;
  }

  void FillFixed(RowRange rows) const {
    const int type_width = type_->byte_width();
    uint8_t* to = buffers_[1]->mutable_data() + rows.begin * type_width;
    WithWidth(type_width, [&](auto constant) {
      const int width = constant > 0 ? constant : type_width;
      for (const RowRef ref : Refs(rows)) {
        std::memcpy(to, sources_[ref.piece].Fixed(ref.row, width), static_cast<size_t>(width));
        to += width;
      }
    });
  }

  void FillBool(RowRange rows) const {
    uint8_t* const bits = buffers_[1]->mutable_data();
    int64_t to = rows.begin;
    for (const RowRef ref : Refs(rows)) {
      arrow::bit_util::SetBitTo(bits, to++, sources_[ref.piece].Bool(ref.row));
    }
  }

  template <typename Offset>
  void FillBinary(size_t chunk, RowRange rows) const {
    auto* const offsets = reinterpret_cast<Offset*>(buffers_[1]->mutable_data()) + 1;
    uint8_t* const heap = buffers_[2]->mutable_data();
    const uint8_t* const end =
        heap + (chunk + 1 < bytes_.size() ? bytes_[chunk + 1] : buffers_[2]->size());
    uint8_t* to = heap + bytes_[chunk];
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const RowRef ref = refs_[static_cast<size_t>(row)];
      const Text text = sources_[ref.piece].TextAt<Offset>(ref.row);
      CopyText(to, end, text);
      to += text.size;
      offsets[row] = static_cast<Offset>(to - heap);
    }
  }

  const std::shared_ptr<arrow::DataType> type_;
  const ColumnKind kind_;
  const std::span<const RowRef> refs_;
  std::vector<ColumnRows> sources_;
  std::vector<int64_t> nulls_;  // of each chunk, as are bytes_
  std::vector<int64_t> bytes_;
  Buffers buffers_;
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

// All columns, in chunks by all cores.
class RowGather {
 public:
  RowGather(const std::shared_ptr<arrow::Schema>& schema, const Pieces& pieces,
            std::span<const RowRef> refs)
      : schema_(schema), pieces_(pieces), refs_(refs) {
    for (int64_t begin = 0; begin < std::ssize(refs); begin += kChunkRows) {
      chunks_.push_back({begin, std::min(begin + kChunkRows, std::ssize(refs))});
    }
    for (int c = 0; c < schema->num_fields(); ++c) {
      const auto& type = schema->field(c)->type();
      if (KindOf(*type) == ColumnKind::kOther) {
        others_.push_back(c);
      } else {
        columns_.emplace_back(
            c, std::make_unique<ColumnGather>(c, type, pieces, refs, chunks_.size()));
      }
    }
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Run() {
    arrow::ArrayVector arrays(static_cast<size_t>(schema_->num_fields()));
    ARROW_RETURN_NOT_OK(RunInParallel(chunks_.size(), [this](size_t chunk) {
      for (const auto& [c, column] : columns_) column->Measure(chunk, chunks_[chunk]);
      return arrow::Status::OK();
    }));
    for (const auto& [c, column] : columns_) ARROW_RETURN_NOT_OK(column->Allocate());
    // The others first: each is one task, and a long one.
    ARROW_RETURN_NOT_OK(RunInParallel(others_.size() + chunks_.size(), [&, this](size_t task) {
      if (task < others_.size()) {
        const int c = others_[task];
        return GatherOther(c, pieces_, refs_).Value(&arrays[static_cast<size_t>(c)]);
      }
      const size_t chunk = task - others_.size();
      for (const auto& [c, column] : columns_) column->Fill(chunk, chunks_[chunk]);
      return arrow::Status::OK();
    }));
    for (const auto& [c, column] : columns_) arrays[static_cast<size_t>(c)] = column->Finish();
    return arrow::RecordBatch::Make(schema_, std::ssize(refs_), std::move(arrays));
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  const Pieces& pieces_;
  const std::span<const RowRef> refs_;
  std::vector<RowRange> chunks_;
  std::vector<std::pair<int, std::unique_ptr<ColumnGather>>> columns_;
  std::vector<int> others_;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> GatherColumn(
    int column, const std::shared_ptr<arrow::Schema>& schema, const Pieces& pieces,
    std::span<const RowRef> refs) {
  const auto& type = schema->field(column)->type();
  if (refs.empty()) return arrow::MakeEmptyArray(type);
  if (KindOf(*type) == ColumnKind::kOther) return GatherOther(column, pieces, refs);
  ColumnGather gather(column, type, pieces, refs, /*chunks=*/1);
  const RowRange all{0, std::ssize(refs)};
  gather.Measure(0, all);
  ARROW_RETURN_NOT_OK(gather.Allocate());
  gather.Fill(0, all);
  return gather.Finish();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(
    const std::shared_ptr<arrow::Schema>& schema, const Pieces& pieces,
    std::span<const RowRef> refs) {
  if (refs.empty()) return arrow::RecordBatch::MakeEmpty(schema);
  return RowGather(schema, pieces, refs).Run();
}

}  // namespace sheaf
