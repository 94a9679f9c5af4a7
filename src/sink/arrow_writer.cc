#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>

#include "sink/table_writer.h"

namespace sheaf {
namespace {

class ArrowWriter : public TableWriter {
 public:
  [[nodiscard]] std::string_view extension() const override { return ".arrow"; }

  [[nodiscard]] arrow::Status CheckSchema(const arrow::Schema&) const override {
    return arrow::Status::OK();  // the format is the memory layout: it has all types
  }

  [[nodiscard]] arrow::Status Write(
      const std::shared_ptr<arrow::RecordBatch>& rows,
      const std::shared_ptr<arrow::io::OutputStream>& stream) const override {
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;  // the tables of a batch already keep the cores busy
    ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
    ARROW_ASSIGN_OR_RAISE(const auto writer,
                          arrow::ipc::MakeFileWriter(stream, rows->schema(), options));
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*rows));
    return writer->Close();
  }
};

}  // namespace

std::unique_ptr<TableWriter> MakeArrowWriter() { return std::make_unique<ArrowWriter>(); }

}  // namespace sheaf
