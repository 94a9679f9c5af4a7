#include <arrow/io/memory.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <utility>

#include "cogroup/row_sizes.h"
#include "key/empty_rows.h"
#include "sink/row_blocks.h"
#include "sink/table_writer.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Readers take a row group at a time, and so does the writer, which holds it, compressed, until it is whole.
constexpr int64_t kMaxRowGroupRows = int64_t{1} << 20;
constexpr int64_t kMaxRowGroupBytes = int64_t{64} << 20;

// Rows that are encoded at a time.
constexpr int64_t kBlockRows = int64_t{1} << 16;
constexpr int64_t kBlockBytes = int64_t{8} << 20;

class ParquetFile final : public TableFile {
 public:
  explicit ParquetFile(std::unique_ptr<parquet::arrow::FileWriter> writer)
      : writer_(std::move(writer)) {}

  [[nodiscard]] arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows,
                                    bool last) override {
    BEGIN_PARQUET_CATCH_EXCEPTIONS
    ARROW_RETURN_NOT_OK(blocks_.Add(rows, last));
    if (!last) return arrow::Status::OK();
    if (group_rows_ == 0) ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    return writer_->Close();
    END_PARQUET_CATCH_EXCEPTIONS
  }

 private:
  arrow::Status WriteBlock(const arrow::RecordBatch& block, int64_t bytes) {
    const bool fits = group_rows_ > 0 && group_rows_ + block.num_rows() <= kMaxRowGroupRows &&
                      group_bytes_ + bytes <= kMaxRowGroupBytes;
    if (!fits) {
      ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
      group_rows_ = 0;
      group_bytes_ = 0;
    }
    group_rows_ += block.num_rows();
    group_bytes_ += bytes;
    return writer_->WriteRecordBatch(block);
  }

  const std::unique_ptr<parquet::arrow::FileWriter> writer_;
  int64_t group_rows_ = 0;
  int64_t group_bytes_ = 0;
  RowBlocks blocks_{kBlockRows, kBlockBytes, [this](const auto& block) {
                      return WriteBlock(*block, RowSizes(block).OfAll());
                    }};
};

arrow::Result<std::unique_ptr<TableFile>> BeginFile(
    const std::shared_ptr<arrow::Schema>& schema,
    const std::shared_ptr<arrow::io::OutputStream>& stream) {
  // Measured on 655,360 log lines: 24 MiB in 176 ms, against 38 MiB in 150 ms with Snappy and
  // 66 MiB in 57 ms without. Level 1, since 3 takes longer for a few percent.
  const auto properties = parquet::WriterProperties::Builder()
                              .memory_pool(RowMemory())
                              ->compression(parquet::Compression::ZSTD)
                              ->compression_level(1)
                              ->max_row_group_length(kMaxRowGroupRows)
                              ->build();
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  ARROW_ASSIGN_OR_RAISE(
      auto writer,
      parquet::arrow::FileWriter::Open(*schema, RowMemory(), stream, properties, arrow_properties));
  return std::make_unique<ParquetFile>(std::move(writer));
}

/// The writer says so only once there are rows.
bool HasNestedDictionary(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) {
    return static_cast<const arrow::DictionaryType&>(type).value_type()->num_fields() > 0;
  }
  return std::ranges::any_of(type.fields(),
                             [](const auto& field) { return HasNestedDictionary(*field->type()); });
}

/// A file of one column without rows, in memory: the writer itself says whether it has the type.
arrow::Status CheckField(const std::shared_ptr<arrow::Field>& field) {
  if (HasNestedDictionary(*field->type())) return arrow::Status::NotImplemented("nested");
  ARROW_ASSIGN_OR_RAISE(const auto rows, EmptyRows(arrow::schema({field})));
  ARROW_ASSIGN_OR_RAISE(const auto stream, arrow::io::BufferOutputStream::Create());
  BEGIN_PARQUET_CATCH_EXCEPTIONS
  ARROW_ASSIGN_OR_RAISE(const auto file, BeginFile(rows->schema(), stream));
  return file->Write(rows, /*last=*/true);
  END_PARQUET_CATCH_EXCEPTIONS
}

class ParquetWriter : public TableWriter {
 public:
  [[nodiscard]] std::string_view extension() const override { return ".parquet"; }

  [[nodiscard]] arrow::Status CheckSchema(const arrow::Schema& schema) const override {
    for (const auto& field : schema.fields()) {
      if (CheckField(field).ok()) continue;
      return arrow::Status::NotImplemented(
          fmt::format("column \"{}\" is {}, which Parquet cannot store; use format = \"arrow\", or "
                      "cast it in the query",
                      field->name(), field->type()->ToString()));
    }
    return arrow::Status::OK();
  }

  [[nodiscard]] arrow::Result<std::unique_ptr<TableFile>> Begin(
      const std::shared_ptr<arrow::Schema>& schema,
      std::shared_ptr<arrow::io::OutputStream> stream) const override {
    BEGIN_PARQUET_CATCH_EXCEPTIONS
    return BeginFile(schema, stream);
    END_PARQUET_CATCH_EXCEPTIONS
  }
};

}  // namespace

std::unique_ptr<TableWriter> MakeParquetWriter() { return std::make_unique<ParquetWriter>(); }

}  // namespace sheaf
