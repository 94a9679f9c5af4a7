#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>

#include "sink/canonical.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

class ArrowWriter : public TableWriter {
 public:
  explicit ArrowWriter(Ties ties) : ties_(ties) {}

  [[nodiscard]] std::string_view extension() const override { return ".arrow"; }

  [[nodiscard]] arrow::Status CheckSchema(const arrow::Schema&) const override {
    return arrow::Status::OK();  // the format is the memory layout: it has all types
  }

  [[nodiscard]] arrow::Status Write(
      const std::shared_ptr<arrow::RecordBatch>& rows,
      const std::shared_ptr<arrow::io::OutputStream>& stream) const override {
    auto written = rows;
    if (ties_ == Ties::kFixed) {
      ARROW_ASSIGN_OR_RAISE(written, Canonical(rows));
    }
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;  // the tables of a batch already keep the cores busy
    ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
    ARROW_ASSIGN_OR_RAISE(const auto writer,
                          arrow::ipc::MakeFileWriter(stream, written->schema(), options));
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*written));
    return writer->Close();
  }

 private:
  const Ties ties_;
};

}  // namespace

std::unique_ptr<TableWriter> MakeArrowWriter(Ties ties) {
  return std::make_unique<ArrowWriter>(ties);
}

}  // namespace sheaf
