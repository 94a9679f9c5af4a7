#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>

#include <utility>

#include "sink/arrow_blocks.h"
#include "sink/canonical.h"
#include "sink/row_blocks.h"
#include "sink/table_writer.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

class ArrowFile final : public TableFile {
 public:
  ArrowFile(std::shared_ptr<arrow::ipc::RecordBatchWriter> writer, Ties ties)
      : writer_(std::move(writer)), ties_(ties) {}

  [[nodiscard]] arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows,
                                    bool last) override {
    ARROW_RETURN_NOT_OK(blocks_.Add(rows, last));
    if (!last) return arrow::Status::OK();
    if (is_empty_) ARROW_RETURN_NOT_OK(WriteBlock(rows));
    return writer_->Close();
  }

 private:
  arrow::Status WriteBlock(const std::shared_ptr<arrow::RecordBatch>& block) {
    is_empty_ = false;
    if (ties_ == Ties::kAny) return writer_->WriteRecordBatch(*block);
    ARROW_ASSIGN_OR_RAISE(const auto canonical, Canonical(block));
    return writer_->WriteRecordBatch(*canonical);
  }

  const std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  const Ties ties_;
  bool is_empty_ = true;
  RowBlocks blocks_{kMaxArrowRows, kMaxArrowBytes,
                    [this](const auto& block) { return WriteBlock(block); }};
};

class ArrowWriter : public TableWriter {
 public:
  explicit ArrowWriter(Ties ties) : ties_(ties) {}

  [[nodiscard]] std::string_view extension() const override { return ".arrow"; }

  [[nodiscard]] arrow::Status CheckSchema(const arrow::Schema&) const override {
    return arrow::Status::OK();  // the format is the memory layout: it has all types
  }

  [[nodiscard]] arrow::Result<std::unique_ptr<TableFile>> Begin(
      const std::shared_ptr<arrow::Schema>& schema,
      std::shared_ptr<arrow::io::OutputStream> stream) const override {
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;  // the tables of a batch already keep the cores busy
    options.memory_pool = RowMemory();
    ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
    ARROW_ASSIGN_OR_RAISE(auto writer,
                          arrow::ipc::MakeFileWriter(std::move(stream), schema, options));
    return std::make_unique<ArrowFile>(std::move(writer), ties_);
  }

 private:
  const Ties ties_;
};

}  // namespace

std::unique_ptr<TableWriter> MakeArrowWriter(Ties ties) {
  return std::make_unique<ArrowWriter>(ties);
}

}  // namespace sheaf
