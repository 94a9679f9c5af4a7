#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cogroup/group_rows.h"
#include "key/empty_rows.h"
#include "sheaf/sink.h"
#include "sink/arrow_blocks.h"
#include "sink/documents.h"
#include "sink/local_id.h"
#include "sink/row_blocks.h"
#include "sink/table_schemas.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

using StreamPtr = std::shared_ptr<arrow::io::OutputStream>;
using RowsPtr = std::shared_ptr<arrow::RecordBatch>;

/// One of the formats of a stream.
class DocumentWriter {
 public:
  virtual ~DocumentWriter() = default;
  /// `last`: of a batch.
  virtual arrow::Status Write(const RowsPtr& documents, bool last) = 0;
  virtual arrow::Status Finish() = 0;
};

class JsonLines : public DocumentWriter {
 public:
  explicit JsonLines(std::unique_ptr<TableFile> lines) : lines_(std::move(lines)) {}
  arrow::Status Write(const RowsPtr& documents, bool) override {
    return lines_->Write(documents, /*last=*/false);
  }
  arrow::Status Finish() override { return arrow::Status::OK(); }

 private:
  const std::unique_ptr<TableFile> lines_;
};

class ArrowStream : public DocumentWriter {
 public:
  explicit ArrowStream(std::shared_ptr<arrow::ipc::RecordBatchWriter> writer)
      : writer_(std::move(writer)) {}
  arrow::Status Write(const RowsPtr& documents, bool last) override {
    return blocks_.Add(documents, last);
  }
  arrow::Status Finish() override { return writer_->Close(); }

 private:
  const std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  RowBlocks blocks_{kMaxArrowRows, kMaxArrowBytes,
                    [this](const auto& block) { return writer_->WriteRecordBatch(*block); }};
};

class DocumentStream : public Sink {
 public:
  DocumentStream(OutputOptions options, std::unique_ptr<DocumentWriter> writer)
      : options_(std::move(options)), writer_(std::move(writer)) {}

  [[nodiscard]] arrow::Status Write(const Batch& batch) override {
    if (state_.ok()) state_ = WriteDocuments(batch);
    return state_;
  }
  [[nodiscard]] arrow::Status Finish(const Metrics&) override {
    if (state_.ok()) state_ = writer_->Finish();
    return state_;
  }

 private:
  arrow::Status WriteDocuments(const Batch& batch) {
    ARROW_ASSIGN_OR_RAISE(const Batch numbered, WithLocalIds(batch, options_.local_id));
    ARROW_ASSIGN_OR_RAISE(const auto documents, Documents(numbered, options_.format));
    return writer_->Write(documents, batch.part().last);
  }

  const OutputOptions options_;
  const std::unique_ptr<DocumentWriter> writer_;
  arrow::Status state_;
};

/// A batch without keys: what tells the schema of all others.
arrow::Result<Batch> EmptyBatch(const Job& job, const BatchReader& reader,
                                const std::vector<std::shared_ptr<arrow::Schema>>& schemas) {
  ARROW_ASSIGN_OR_RAISE(auto keys, EmptyRows(reader.key_schema()));
  std::vector<BatchTable> tables;
  for (size_t i = 0; i < job.tables.size(); ++i) {
    const Table& table = job.tables[i];
    ARROW_ASSIGN_OR_RAISE(auto rows, EmptyRows(schemas[i]));
    tables.push_back({table.name, DeliveredCardinality(job.policy, table.rows_per_key),
                      std::move(rows), OffsetsArray({0}), table.link});
    const bool reference = table.link && table.link->kind == Link::Kind::kReference;
    if (reference) tables.back().mapping = OffsetsArray({});
  }
  return Batch(0, std::move(keys), std::move(tables));
}

}  // namespace

arrow::Result<std::unique_ptr<Sink>> OpenDocumentStream(const OutputOptions& options,
                                                        const Job& job, const BatchReader& reader,
                                                        StreamPtr stream) {
  ARROW_ASSIGN_OR_RAISE(const auto schemas, TableSchemas(options, job, reader));
  ARROW_ASSIGN_OR_RAISE(const Batch empty, EmptyBatch(job, reader, schemas));
  ARROW_ASSIGN_OR_RAISE(const auto documents, Documents(empty, options.format));
  std::unique_ptr<DocumentWriter> writer;
  if (options.format == Format::kJsonl) {
    ARROW_ASSIGN_OR_RAISE(auto lines,
                          MakeJsonlWriter()->Begin(documents->schema(), std::move(stream)));
    writer = std::make_unique<JsonLines>(std::move(lines));
  } else {
    ARROW_ASSIGN_OR_RAISE(auto ipc, arrow::ipc::MakeStreamWriter(stream, documents->schema()));
    writer = std::make_unique<ArrowStream>(std::move(ipc));
  }
  return std::make_unique<DocumentStream>(options, std::move(writer));
}

}  // namespace sheaf
