#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>

#include "key/empty_rows.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

constexpr int64_t kMaxRowGroupRows = int64_t{1} << 20;

arrow::Status WriteFile(const std::shared_ptr<arrow::RecordBatch>& rows,
                        const std::shared_ptr<arrow::io::OutputStream>& stream) {
  // Measured on 655,360 log lines: 24 MiB in 176 ms, against 38 MiB in 150 ms with Snappy and
  // 66 MiB in 57 ms without. Level 1, since 3 takes longer for a few percent.
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::ZSTD)
                              ->compression_level(1)
                              ->build();
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  ARROW_ASSIGN_OR_RAISE(const auto writer, parquet::arrow::FileWriter::Open(
                                               *rows->schema(), arrow::default_memory_pool(),
                                               stream, properties, arrow_properties));
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({rows}));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table, kMaxRowGroupRows));
  return writer->Close();
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
  return WriteFile(rows, stream);
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

  [[nodiscard]] arrow::Status Write(
      const std::shared_ptr<arrow::RecordBatch>& rows,
      const std::shared_ptr<arrow::io::OutputStream>& stream) const override {
    BEGIN_PARQUET_CATCH_EXCEPTIONS
    return WriteFile(rows, stream);
    END_PARQUET_CATCH_EXCEPTIONS
  }
};

}  // namespace

std::unique_ptr<TableWriter> MakeParquetWriter() { return std::make_unique<ParquetWriter>(); }

}  // namespace sheaf
